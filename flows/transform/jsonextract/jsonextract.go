// Package jsonextract is the node type JSON Extract: parts of a JSON text become fields.
package jsonextract

import (
	"embed"
	"fmt"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a JSON Extract.
type Config struct {
	Field  string  `json:"field" title:"JSON" required:"true" widget:"field" help:"A field of type json, or a text that is JSON." example:"response"`
	Each   string  `json:"each,omitempty" title:"For each element of" help:"The path of an array: each of its elements becomes a record, with the same other fields. Empty: one record for each that arrives." example:"$.items[*]"`
	Place  string  `json:"position,omitempty" title:"Position in" showIf:"each" help:"A new field for the place of the element in its array, from 1. Empty: none." example:"line"`
	Empty  string  `json:"empty,omitempty" title:"Where there is no element" enum:"keep|drop" showIf:"each" help:"A record whose array is missing, null or empty goes on once with null, or is dropped. Empty: it goes on."`
	NoList string  `json:"noArray,omitempty" title:"Where it is no array" enum:"reject|fail" showIf:"each" advanced:"true" help:"Empty: reject."`
	Fields []Field `json:"fields" title:"Fields" required:"true" widget:"jsonfields" help:"What is taken, each into a field of its own."`
	Drop   bool    `json:"drop,omitempty" title:"Drop the JSON" help:"The field that is read does not go on."`
}

// Field is one part that is taken.
type Field struct {
	Path    string     `json:"path" title:"Path" required:"true" help:"From $ on: .key, ['any key'] or [0]. A path of an element goes on behind [*]." example:"$.customer.name"`
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

// Plan checks paths, names and types and emits the projection, or one for each element of an array.
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
	p := newPlanner(c, f.Name, in)
	if !p.iterates(x.Each) || !p.sound(x.Fields) || !p.read("fields", parts, expr.FieldName(f.Name), x.Fields) {
		return
	}
	p.refuse("fields", "get_field("+parts+", 'place') is not null", "json.invalid", "the text is no JSON", false, whyInvalid)
	list := p.list(x.NoList == onFail)
	columns, schema := x.columns(p, list)
	if !c.Unique("fields", schema.Names()) || columns == nil {
		return
	}
	if list == nil {
		p.record.Columns = columns
		c.Emit(node.Out, p.record, schema)
		return
	}
	p.each.Columns = columns
	c.Emit(node.Out, node.Elements{Record: p.record, List: list, Item: item, Position: position, KeepEmpty: x.Empty != "drop", Each: p.each, Field: f.Name, Path: p.array}, schema)
}

// columns are what goes on and what is taken, of a record or of the elements of a list; none after reporting what is wrong
// with one.
func (x *Config) columns(p *planner, list expr.Expr) (columns []node.Column, schema flows.Schema) {
	complete := true
	add := func(f flows.Field, e expr.Expr) {
		complete = complete && e != nil
		columns, schema = append(columns, node.Column{Name: f.Name, Expr: e}), append(schema, f)
	}
	for _, f := range p.in {
		if f.Name != x.Field || !x.Drop {
			add(f, p.FieldRef(f.Name, p.in))
		}
	}
	values := p.fields(x.Fields)
	if list != nil {
		complete = p.elements(x.Fields, values)
	}
	for i, f := range x.Fields {
		add(flows.Field{Name: f.Name, Type: f.Type}, values[i])
	}
	if list != nil && x.Place != "" {
		add(flows.Field{Name: x.Place, Type: flows.Of(flows.Int64)}, p.FieldRef(position, p.schema))
	}
	if !complete {
		return nil, schema
	}
	return columns, schema
}
