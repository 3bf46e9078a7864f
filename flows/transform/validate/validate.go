// Package validate is the node type Validate: it looks whether the values of each record are valid, and marks or refuses it.
package validate

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Validate.
type Config struct {
	Rules []Rule `json:"rules" title:"Rules" required:"true" help:"A null breaks only \"required\"."`
	Then  string `json:"then" title:"A record that is not valid" enum:"mark|reject" help:"mark: every record goes on, with two more fields that say it. reject: it is refused, by the first rule that it breaks."`
	Valid string `json:"valid,omitempty" title:"Field that says it" showIf:"then=mark" help:"true or false." example:"is_valid"`
	Error string `json:"error,omitempty" title:"Field with the reasons" showIf:"then=mark" help:"Null where there are none." example:"validation_error"`
}

// Rule is what the values of a field have to be.
type Rule struct {
	Field   string     `json:"field" title:"Field" widget:"field" help:"Empty, for a schema: the whole record, as an object of its fields."`
	Rule    string     `json:"rule" title:"Is" required:"true" enum:"required|type|email|phone|uuid|url|range|length|pattern|set|json|schema"`
	Type    flows.Type `json:"type,omitzero" title:"Type" showIf:"rule=type"`
	From    string     `json:"from,omitempty" title:"At least" widget:"expression" showIf:"rule=range" example:"0"`
	To      string     `json:"to,omitempty" title:"At most" widget:"expression" showIf:"rule=range" example:"100"`
	Least   *int64     `json:"least,omitempty" title:"Characters, at least" minimum:"0" showIf:"rule=length"`
	Most    *int64     `json:"most,omitempty" title:"Characters, at most" minimum:"0" showIf:"rule=length"`
	Pattern string     `json:"pattern,omitempty" title:"Pattern" showIf:"rule=pattern" help:"A regular expression for the whole text." example:"[A-Z]{2}[0-9]+"`
	Values  []string   `json:"values,omitempty" title:"Values" widget:"texts" showIf:"rule=set" example:"paid"`
	Schema  string     `json:"schema,omitempty" title:"JSON Schema" widget:"multiline" showIf:"rule=schema" help:"Draft 4, 6, 7, 2019-09 or 2020-12. What it refers to stands in it: nothing is fetched." example:"{\"type\": \"object\", \"required\": [\"id\"]}"`
}

var _ node.Config = (*Config)(nil)

// The names of the fields that a mark is in.
const (
	isValid         = "is_valid"
	validationError = "validation_error"
)

func init() {
	node.Register(&node.Type{
		ID: "validate", Version: 1, Title: "Validate", Category: node.CategoryQuality,
		Summary:  "Looks whether the values of each record are valid, and marks or rejects it.",
		Synonyms: []string{"Validation", "Validator", "data validation", "required", "email", "phone", "url", "JSON Schema", "schema", "check fields", "is valid"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true, Policy: flows.RejectStore,
		New:   func() node.Config { return &Config{Then: "mark", Valid: isValid, Error: validationError} },
		Files: files,
	})
}

// Plan compiles the rules and emits the projection.
func (v *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	var op node.Project
	for _, f := range in {
		op.Columns = append(op.Columns, node.Column{Name: f.Name, Expr: c.FieldRef(f.Name, in)})
	}
	known := slices.Clone(in)
	reasons := make([]string, 0, len(v.Rules))
	for i, r := range v.Rules {
		p := planner{Context: c, in: in, at: fmt.Sprintf("rules[%d]", i), rule: r}
		b, ok := p.broken(&op, &known)
		if !ok {
			continue
		}
		check := node.Check{Cond: c.Condition(p.at, b.cond, known), Field: r.Field, Code: "validation." + r.Rule, Message: "not valid: " + b.message}
		said := literal(b.message)
		if b.why != "" {
			check.Why = c.Expr(p.at, b.why, known)
			said = literal(b.message+": ") + " || " + b.why
		}
		reasons = append(reasons, fmt.Sprintf("case when %s then %s end", b.cond, said))
		op.Checks = append(op.Checks, check)
	}
	if len(reasons) < len(v.Rules) || len(reasons) == 0 {
		return // reported
	}
	schema := slices.Clone(in)
	if v.Then != "reject" {
		op.Checks = nil
		schema = v.mark(c, &op, schema, known, reasons)
	}
	if schema != nil && c.Unique("valid", schema.Names()) {
		c.Emit(node.Out, op, schema)
	}
}

// mark adds the two fields; nil after reporting what is wrong with them.
func (v *Config) mark(c *node.Context, op *node.Project, schema, known flows.Schema, reasons []string) flows.Schema {
	const said = "__spark_invalid"
	if v.Valid == "" || v.Error == "" {
		c.Problem("valid", "config.required", "a field for the mark has no name", "write for example "+isValid+" and "+validationError)
		return nil
	}
	why := c.Expr("rules", "list_join(list("+strings.Join(reasons, ", ")+"), '; ')", known)
	known = append(known[:len(known):len(known)], flows.Field{Name: said, Type: flows.Of(flows.Text)})
	valid, text := c.Expr("rules", said+" is null", known), c.Expr("rules", said, known)
	if why == nil || valid == nil || text == nil {
		return nil
	}
	op.Shared = append(op.Shared, node.Column{Name: said, Expr: why})
	op.Columns = append(op.Columns, node.Column{Name: v.Valid, Expr: valid}, node.Column{Name: v.Error, Expr: text})
	return append(schema, flows.Field{Name: v.Valid, Type: flows.Of(flows.Boolean)}, flows.Field{Name: v.Error, Type: flows.Of(flows.Text)})
}

// planner plans the rule at a place of the settings.
type planner struct {
	*node.Context
	in    flows.Schema
	at    string
	rule  Rule
	field flows.Field
	name  string // of the field, as expressions write it
}

// What texts have to look like. Characters that are no ASCII may stand in names of people and of domains.
const (
	label        = `[\pL\pN](?:[\pL\pN-]*[\pL\pN])?`
	emailPattern = "[\\pL\\pN!#$%&'*+/=?^_`{|}~-]+(?:[.][\\pL\\pN!#$%&'*+/=?^_`{|}~-]+)*@" + label + `(?:[.]` + label + `)+`
	phonePattern = `[+]?[0-9(](?:[0-9 ()./-]*[0-9])`
	urlPattern   = `(?i:https?|ftps?)://(?:[^\s/?#@\[\]]+@)?(?:` + label + `(?:[.]` + label + `)*[.]?|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?(?:[/?#]\S*)?`
)

// broken says which records break a rule.
type broken struct {
	cond    string // source of the condition
	message string // with the field
	why     string // source of a text that says more; "" where there is nothing to say
}

// broken is what the rule says; false after reporting what is wrong with it.
func (p planner) broken(op *node.Project, known *flows.Schema) (b broken, ok bool) {
	if p.rule.Field == "" && p.rule.Rule == "schema" {
		cond, why := p.schema(op, known)
		return broken{cond, "the record does not conform to the schema", why}, cond != ""
	}
	if p.rule.Field == "" {
		p.Problem(p.at+".field", "config.required", `"Field" is missing`, "choose one")
		return b, false
	}
	f, ok := p.Field(p.at+".field", p.rule.Field, p.in)
	if !ok {
		return b, false
	}
	p.field, p.name = f, expr.FieldName(f.Name)
	if slices.Contains([]string{"type", "email", "phone", "uuid", "url", "length", "pattern", "json"}, p.rule.Rule) && f.Type.Kind != flows.Text {
		p.Problem(p.at+".field", "expr.type", fmt.Sprintf("%s is of type %s and the rule is for texts", f.Name, f.Type), "choose a field of type text, or another rule")
		return b, false
	}
	if p.rule.Rule == "schema" {
		if p.name = "cast(" + p.name + " as text)"; f.Type.Kind != flows.Text && f.Type.Kind != flows.JSON {
			p.Problem(p.at+".field", "expr.type", fmt.Sprintf("%s is of type %s, and JSON is a text or of type json", f.Name, f.Type), "choose another field, or none for the whole record")
			return b, false
		}
		cond, why := p.schema(op, known)
		return broken{cond, f.Name + " does not conform to the schema", why}, cond != ""
	}
	cond, message := p.condition()
	if cond == "" {
		return b, false // reported
	}
	e := p.Condition(p.at, cond, p.in)
	if e != nil && expr.Fallible(e) {
		p.Problem(p.at, "validate.fallible", "the rule cannot be computed for every record", "compute its bounds in a Formula before, where such records can be refused")
		return b, false
	}
	return broken{cond: cond, message: f.Name + " " + message}, e != nil
}

func (p planner) matches(pattern string) string {
	return fmt.Sprintf("not regexp_matches(%s, %s)", p.name, literal("^(?:"+pattern+")$"))
}

func (p planner) condition() (cond, message string) {
	switch r := p.rule; r.Rule {
	case "required":
		if p.field.Type.Kind == flows.Text {
			return fmt.Sprintf("%s is null or trim(%[1]s) = ''", p.name), "is missing (required)"
		}
		return p.name + " is null", "is missing (required)"
	case "type":
		if r.Type.Kind == flows.Invalid {
			p.Problem(p.at+".type", "config.required", `"Type" is missing`, "choose one")
			return "", ""
		}
		return fmt.Sprintf("%s is not null and try_cast(%[1]s as %s) is null", p.name, r.Type), fmt.Sprintf("is no %s (type)", r.Type)
	case "email":
		return fmt.Sprintf("length(%s) > 254 or %s", p.name, p.matches(emailPattern)), "is no e-mail address (email)"
	case "phone":
		digits := fmt.Sprintf("length(regexp_replace(%s, '[^0-9]', ''))", p.name)
		return fmt.Sprintf("%s not between 7 and 15 or %s", digits, p.matches(phonePattern)), "is no telephone number (phone)"
	case "uuid":
		return "not is_uuid(" + p.name + ")", "is no UUID (uuid)"
	case "url":
		return p.matches(urlPattern), "is no URL (url)"
	case "json":
		return "not is_json(" + p.name + ")", "is no JSON (json)"
	case "pattern":
		if r.Pattern == "" {
			p.Problem(p.at+".pattern", "config.required", `"Pattern" is missing`, "write a regular expression")
			return "", ""
		}
		return p.matches(r.Pattern), fmt.Sprintf("does not match %s (pattern)", r.Pattern)
	case "range":
		return p.bounds(p.name, r.From, r.To, "is not", "(range)", "from")
	case "length":
		return p.bounds("length("+p.name+")", digits(r.Least), digits(r.Most), "does not have", "characters (length)", "least")
	case "set":
		return p.set()
	}
	return "", "" // reported
}

// bounds is a rule with a smallest value, a largest, or both.
func (p planner) bounds(of, least, most, verb, what, member string) (cond, message string) {
	var conds, says []string
	if least != "" {
		conds, says = append(conds, fmt.Sprintf("%s < (%s)", of, least)), append(says, "at least "+least)
	}
	if most != "" {
		conds, says = append(conds, fmt.Sprintf("%s > (%s)", of, most)), append(says, "at most "+most)
	}
	if len(conds) == 0 {
		p.Problem(p.at+"."+member, "config.required", "the rule has no end", "give the smallest value, the largest, or both")
		return "", ""
	}
	return strings.Join(conds, " or "), fmt.Sprintf("%s %s %s", verb, strings.Join(says, " and "), what)
}

func digits(n *int64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

func (p planner) set() (cond, message string) {
	if len(p.rule.Values) == 0 {
		p.Problem(p.at+".values", "config.required", `"Values" is missing`, "list the values that may be")
		return "", ""
	}
	list := make([]string, len(p.rule.Values))
	for i, v := range p.rule.Values {
		list[i] = literal(v)
	}
	of := p.name
	if p.field.Type.Kind != flows.Text {
		of = "cast(" + of + " as text)"
	}
	return fmt.Sprintf("%s not in (%s)", of, strings.Join(list, ", ")), fmt.Sprintf("is not one of %s (set)", strings.Join(p.rule.Values, ", "))
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
