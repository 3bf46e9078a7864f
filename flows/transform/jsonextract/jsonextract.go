// Package jsonextract is the node type JSON Extract: parts of a JSON text become fields.
package jsonextract

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

// Config are the settings of a JSON Extract.
type Config struct {
	Field  string  `json:"field" title:"JSON" required:"true" widget:"field" help:"A field of type json, or a text that is JSON." example:"response"`
	Fields []Field `json:"fields" title:"Fields" required:"true" widget:"jsonfields" help:"What is taken, each into a field of its own."`
	Drop   bool    `json:"drop,omitempty" title:"Drop the JSON" help:"The field that is read does not go on."`
}

// Field is one part that is taken.
type Field struct {
	Path    string     `json:"path" title:"Path" required:"true" help:"From $ on: .key, ['any key'] or [0]." example:"$.customer.name"`
	Name    string     `json:"name" title:"Field" required:"true" example:"customer_name"`
	Type    flows.Type `json:"type" title:"Type" required:"true"`
	Missing string     `json:"missing,omitempty" title:"Where it is missing" enum:"null|default|reject|fail" advanced:"true" help:"Empty: null."`
	Null    string     `json:"null,omitempty" title:"Where it is null" enum:"null|default|reject|fail" advanced:"true" help:"Empty: null."`
	Wrong   string     `json:"wrongType,omitempty" title:"Where it is of another type" enum:"null|default|reject|fail" advanced:"true" help:"Empty: reject."`
	Default string     `json:"default,omitempty" title:"Default" widget:"expression" advanced:"true" help:"An expression; other fields may stand in it." example:"0"`
	Format  string     `json:"format,omitempty" title:"Format" advanced:"true" help:"How dates and times are written, such as %d/%m/%Y. Empty means ISO 8601." example:"%d/%m/%Y"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "json.extract", Version: 1, Title: "JSON Extract", Category: node.CategoryTransform,
		Summary:  "Takes parts of a JSON text into fields.",
		Synonyms: []string{"JSON Extractor", "JSON Parser", "parse json", "json path", "json to columns", "get json value", "read json"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New:      func() node.Config { return &Config{} },
		Files:    files,
	})
}

// What the JSON says of a field: a policy for each.
const (
	onNull    = "null"
	onDefault = "default"
	onReject  = "reject"
	onFail    = "fail"
)

// Plan checks paths, names and types and emits the projection.
func (x *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	f, ok := c.Field("field", x.Field, in)
	if !ok || len(x.Fields) == 0 {
		return
	}
	if k := f.Type.Kind; k != flows.Text && k != flows.JSON && k != flows.List {
		c.Problem("field", "json.type", fmt.Sprintf("%q is of type %s, and JSON is a text or of type json", f.Name, f.Type), "choose another field")
		return
	}
	p := planner{Context: c, doc: f.Name, in: in, schema: slices.Clone(in)}
	if !p.read(x.Fields) {
		return
	}
	var schema flows.Schema
	for _, f := range in {
		if f.Name != x.Field || !x.Drop {
			p.op.Columns = append(p.op.Columns, node.Column{Name: f.Name, Expr: c.FieldRef(f.Name, in)})
			schema = append(schema, f)
		}
	}
	complete := true
	for i, f := range x.Fields {
		e := p.field(i, f)
		complete = complete && e != nil
		p.op.Columns = append(p.op.Columns, node.Column{Name: f.Name, Expr: e})
		schema = append(schema, flows.Field{Name: f.Name, Type: f.Type})
	}
	if c.Unique("fields", schema.Names()) && complete {
		c.Emit(node.Out, p.op, schema)
	}
}

// planner builds the projection.
type planner struct {
	*node.Context
	doc    string
	in     flows.Schema
	schema flows.Schema // of the input and what is computed once
	op     node.Project
}

const parts = "__spark_json" // the parts as json_read returns them

// share computes something once for each record; false after reporting what is wrong with it.
func (p *planner) share(field, name, src string) bool {
	e := p.Expr(field, src, p.schema)
	if e == nil {
		return false
	}
	p.op.Shared = append(p.op.Shared, node.Column{Name: name, Expr: e})
	p.schema = append(p.schema, flows.Field{Name: name, Type: e.Type()})
	return true
}

func (p *planner) refuse(cond, code, message string, fail bool, explain func(string) string) {
	if e := p.Condition("fields", cond, p.schema); e != nil {
		p.op.Checks = append(p.op.Checks, node.Check{Cond: e, Field: p.doc, Code: code, Message: message, Fail: fail, Explain: explain})
	}
}

// read reads all parts at once; false after reporting what is wrong with a path or a type.
func (p *planner) read(fields []Field) bool {
	ok := true
	list := []string{expr.FieldName(p.doc)}
	for i, f := range fields {
		at := fmt.Sprintf("fields[%d].", i)
		if f.Path == "" || f.Name == "" || f.Type.Kind == flows.Invalid {
			return false // reported
		}
		if _, err := expr.ParsePath(f.Path); err != nil {
			p.Problem(at+"path", "json.path", fmt.Sprintf("%q is no path: %v", f.Path, err), `write for example $.customer.name, $.items[0] or $['a b']`)
			ok = false
		}
		switch f.Type.Kind {
		case flows.List:
			if f.Type.Elem.Kind == flows.JSON {
				break
			}
			fallthrough
		case flows.Bytes, flows.Struct:
			p.Problem(at+"type", "json.type", fmt.Sprintf("a part of a JSON text does not become %s", f.Type), "take it as json, a list as list<json>, or bytes as text and decode_base64(…) in a Formula")
			ok = false
		}
		if (f.Missing == onDefault || f.Null == onDefault || f.Wrong == onDefault) && f.Default == "" {
			p.Problem(at+"default", "config.required", "the default is missing", "write one, such as 0 or 'unknown'")
			ok = false
		}
		list = append(list, quote(form(f.Type)), quote(f.Path))
	}
	if !ok || !p.share("fields", parts, "json_read("+strings.Join(list, ", ")+")") {
		return false
	}
	p.refuse(fmt.Sprintf("list_get(%s, 1) is not null", parts), "json.invalid", "the text is no JSON", false, whyInvalid)
	return true
}

// form is how json_read is to write a part that becomes a type.
func form(t flows.Type) string {
	switch {
	case t.Kind == flows.JSON, t.Kind == flows.List:
		return "json"
	case t.IsInteger() || t.Kind == flows.Decimal:
		return "number"
	}
	return "text"
}

// field is the value of the i-th field, nil after reporting what is wrong with it. Records are refused as it says.
func (p *planner) field(i int, f Field) expr.Expr {
	at := fmt.Sprintf("fields[%d]", i)
	kind, part, value := fmt.Sprintf("list_get(%s, %d)", parts, 2*i+2), fmt.Sprintf("list_get(%s, %d)", parts, 2*i+3), fmt.Sprintf("__spark_json%d", i)
	if f.Type.Kind != flows.Text && f.Type.Kind != flows.JSON { // a conversion reads its text more than once
		text := value + "text"
		if !p.share(at, text, part) {
			return nil
		}
		part = text
	}
	if !p.share(at+".type", value, converted(f, kind, part)) {
		return nil
	}
	gone := value + " is null and " // of most records no more is looked at
	p.refuse(gone+kind+" = 'd'", "json.duplicate", fmt.Sprintf("a key of %s is there twice", f.Path), false, nil)
	instead := ""
	for _, w := range []struct{ policy, standard, when, code, message string }{
		{f.Missing, onNull, gone + fmt.Sprintf("coalesce(%s, 'm') = 'm'", kind), "json.missing", "is missing"},
		{f.Null, onNull, gone + kind + " = 'z'", "json.null", "is null"},
		{f.Wrong, onReject, gone + kind + " not in ('m', 'z', 'd')", "json.wrong_type", fmt.Sprintf("is no %s", f.Type)},
	} {
		policy := w.policy
		if policy == "" {
			policy = w.standard
		}
		switch policy {
		case onReject, onFail:
			p.refuse(w.when, w.code, f.Path+" "+w.message, policy == onFail, found(f.Path, w.code))
		case onDefault:
			instead += fmt.Sprintf(" when %s then cast((%s) as %s)", w.when, f.Default, f.Type)
		}
	}
	if instead != "" {
		if !p.fits(at+".default", f) {
			return nil
		}
		value = "case" + instead + " else " + value + " end"
	}
	return p.Expr(at, value, p.schema)
}

// fits reports a default that is no expression, or of a type that does not become that of the field.
func (p *planner) fits(at string, f Field) bool {
	e := p.Expr(at, f.Default, p.in)
	if e == nil {
		return false
	}
	if _, err := expr.Compile(fmt.Sprintf("cast((%s) as %s)", f.Default, f.Type), expr.Env{Fields: p.in, Params: p.Params}); err != nil {
		p.Problem(at, "json.default", fmt.Sprintf("the default is of type %s, which does not become %s", e.Type(), f.Type), "write a value of the field's type")
		return false
	}
	return true
}

// converted is a part as its type; null where it is none.
func converted(f Field, kind, part string) string {
	switch {
	case f.Type.Kind == flows.Text:
		return fmt.Sprintf("case when %s in ('s', 'n', 'b') then %s end", kind, part)
	case f.Type.Kind == flows.JSON:
		return fmt.Sprintf("case when %s <> 'z' then try_cast(%s as json) end", kind, part)
	case f.Type.Kind == flows.List:
		return fmt.Sprintf("json_elements(try_cast(%s as json))", part)
	case f.Format != "":
		return fmt.Sprintf("try_cast(%s as %s format %s)", part, f.Type, quote(f.Format))
	}
	return fmt.Sprintf("try_cast(%s as %s)", part, f.Type)
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
