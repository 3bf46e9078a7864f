package validate

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

// drafts are the forms of JSON Schema that are understood; without $schema the last one is meant.
var drafts = []string{"draft-04", "draft-06", "draft-07", "2019-09", "2020-12"}

// schemaPlace is where the compiler puts the schema: an address that nothing else has.
const schemaPlace = "schema:///"

// noLoader refuses to fetch what a schema refers to.
type noLoader struct{}

var errRemote = errors.New("is somewhere else")

func (noLoader) Load(string) (any, error) { return nil, errRemote }

// compileSchema reads a JSON Schema. Its errors are sentences without a beginning.
func compileSchema(text string) (*jsonschema.Schema, *flows.Error) {
	if err := bounded(text); err != nil {
		return nil, &flows.Error{Code: "validate.schema", Message: "the schema is no JSON: " + err.Error(), Suggestion: "paste it again; a schema is an object such as {\"type\": \"object\"}"}
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, &flows.Error{Code: "validate.schema", Message: "the schema is no JSON: " + err.Error(), Suggestion: "paste it again; a schema is an object such as {\"type\": \"object\"}"}
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	if err := c.AddResource(schemaPlace, doc); err != nil {
		return nil, schemaError(err)
	}
	s, err := c.Compile(schemaPlace)
	if err != nil {
		return nil, schemaError(err)
	}
	return s, nil
}

// schemaError says what is wrong with a schema, and where in it.
func schemaError(err error) *flows.Error {
	e := &flows.Error{Code: "validate.schema", Suggestion: "correct the schema there"}
	if load, ok := errors.AsType[*jsonschema.LoadURLError](err); ok {
		e.Code, e.Message = "validate.schema_remote", fmt.Sprintf("the schema refers to %s, and nothing is fetched while records are checked", strings.TrimPrefix(load.URL, schemaPlace))
		e.Suggestion = "copy what it refers to into $defs of the schema and write \"$ref\": \"#/$defs/name\""
		if strings.HasPrefix(load.URL, "http://json-schema.org/") || strings.HasPrefix(load.URL, "https://json-schema.org/") {
			e.Suggestion = "take one of the drafts " + strings.Join(drafts, ", ")
		}
		return e
	}
	if invalid, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		if v, ok := errors.AsType[*jsonschema.ValidationError](invalid.Err); ok {
			e.Message = "the schema is none: " + strings.Join(reasons(v), "; ")
			return e
		}
	}
	e.Message = "the schema cannot be used: " + strings.ReplaceAll(err.Error(), schemaPlace, "")
	return e
}

// mostReasons bounds what is said of one text.
const mostReasons = 5

var english = message.NewPrinter(language.English)

// reasons are sentences of what does not fit, each with the place as a JSON pointer.
func reasons(v *jsonschema.ValidationError) (list []string) {
	var add func(*jsonschema.ValidationError)
	add = func(v *jsonschema.ValidationError) {
		if len(v.Causes) == 0 {
			list = append(list, fmt.Sprintf("%s %s", pointer(v.InstanceLocation), what(v.ErrorKind)))
		}
		for _, c := range v.Causes {
			add(c)
		}
	}
	add(v)
	if slices.Sort(list); len(list) > mostReasons {
		list = append(list[:mostReasons], fmt.Sprintf("%d more", len(list)-mostReasons))
	}
	return slices.Compact(list)
}

// inPointer writes a step of a JSON pointer.
var inPointer = strings.NewReplacer("~", "~0", "/", "~1")

func pointer(steps []string) string {
	if len(steps) == 0 {
		return "the whole:"
	}
	var b strings.Builder
	for _, s := range steps {
		b.WriteString("/" + inPointer.Replace(s))
	}
	return b.String() + ":"
}

// mostQuoted is how many octets of a value a reason shows.
const mostQuoted = 120

// what says what does not fit, without the whole of a long value.
func what(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.FalseSchema:
		return "must not be there"
	case *kind.Minimum:
		return fmt.Sprintf("%s is less than %s (minimum)", digitsOf(k.Got), digitsOf(k.Want))
	case *kind.Maximum:
		return fmt.Sprintf("%s is more than %s (maximum)", digitsOf(k.Got), digitsOf(k.Want))
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("%s is not more than %s (exclusiveMinimum)", digitsOf(k.Got), digitsOf(k.Want))
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("%s is not less than %s (exclusiveMaximum)", digitsOf(k.Got), digitsOf(k.Want))
	case *kind.MultipleOf:
		return fmt.Sprintf("%s is no multiple of %s (multipleOf)", digitsOf(k.Got), digitsOf(k.Want))
	}
	s := k.LocalizedString(english)
	if len(s) > 3*mostQuoted {
		s = strings.ToValidUTF8(s[:3*mostQuoted], "") + "…"
	}
	return s
}

// digitsOf writes all digits of a number that JSON has.
func digitsOf(r *big.Rat) string {
	n, _ := r.FloatPrec()
	return r.FloatString(n)
}

// maxDepth is how deep JSON may be nested: the library reads it recursively.
const maxDepth = 1000

// maxExponent is how many digits an exponent may have: the library computes with all digits of a number.
const maxExponent = 3

var (
	errDepth    = fmt.Errorf("it is nested deeper than %d", maxDepth)
	errExponent = errors.New("it has a number with an exponent beyond 999")
)

// bounded refuses JSON that would cost the library more than its length. It looks only at what is outside of texts; whether
// that is JSON is seen by the reader.
func bounded(text string) error {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return errDepth
			}
		case c == '}' || c == ']':
			depth--
		case (c == 'e' || c == 'E') && i > 0 && text[i-1] >= '0' && text[i-1] <= '9':
			exponent := strings.TrimLeft(text[i+1:min(len(text), i+2)], "+-") + text[min(len(text), i+2):min(len(text), i+40)]
			exponent = strings.TrimLeft(exponent, "0")
			if end := strings.IndexFunc(exponent, func(r rune) bool { return r < '0' || r > '9' }); end > maxExponent || end < 0 && len(exponent) > maxExponent {
				return errExponent
			}
		}
	}
	return nil
}

// conforms is a function that fails for a text that does not conform to a schema, with the reasons.
func conforms(s *jsonschema.Schema) *expr.Native {
	return &expr.Native{Name: "json_schema", Call: func(dst []byte, args []string) ([]byte, error) {
		if err := bounded(args[0]); err != nil {
			return dst, err
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(args[0]))
		if err != nil {
			return dst, errors.New("it is no JSON")
		}
		err = s.Validate(doc)
		if v, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
			return dst, errors.New(strings.Join(reasons(v), "; "))
		}
		return dst, err
	}}
}

// schema is the condition of records that do not conform to the rule's schema, and the source of the reasons; without a field
// the whole record is looked at.
func (p planner) schema(op *node.Project, known *flows.Schema) (cond, why string) {
	if p.rule.Schema == "" {
		p.Problem(p.at+".schema", "config.required", `"Schema" is missing`, "paste a JSON Schema")
		return "", ""
	}
	s, err := compileSchema(p.rule.Schema)
	if err != nil {
		p.Problem(p.at+".schema", err.Code, err.Message, err.Suggestion)
		return "", ""
	}
	src := p.name
	if p.field.Name == "" {
		if src = p.record(); src == "" {
			return "", ""
		}
	}
	of := p.Expr(p.at, src, p.in)
	if of == nil {
		return "", ""
	}
	_, failed := op.Native(conforms(s), known, of)
	return failed + " is not null", failed
}

// record is the source of the whole record as a JSON text: a double that is not finite, which JSON does not have, is null.
func (p planner) record() string {
	parts := make([]string, 0, 2*len(p.in))
	for _, f := range p.in {
		value := expr.FieldName(f.Name)
		switch f.Type.Kind {
		case flows.Bytes:
			value = "encode_base64(" + value + ")"
		case flows.Double:
			value = fmt.Sprintf("try_cast(cast(%s as text) as json)", value)
		}
		parts = append(parts, literal(f.Name), value)
	}
	if len(parts) == 0 {
		p.Problem(p.at+".field", "config.required", "a record has no fields to look at", "choose a field with JSON")
		return ""
	}
	return "cast(json_object(" + strings.Join(parts, ", ") + ") as text)"
}
