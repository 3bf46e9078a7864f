// Package union is the node type Union: it puts the records of several inputs one behind the other.
package union

import (
	"embed"
	"fmt"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Union.
type Config struct {
	Mode  string `json:"mode" title:"Keep" enum:"all|distinct" help:"all: every record. distinct: of records that are equal in all fields, one."`
	Match string `json:"match" title:"Match fields by" enum:"name|position" help:"name: a field that an input lacks is null there. position: the names are those of the first input."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "union", Version: 1, Title: "Union", Category: node.CategoryCombine,
		Summary:  "Puts the records of several inputs one behind the other.",
		Synonyms: []string{"append", "concatenate", "merge streams", "union all", "stack"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records", Many: true}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		New:      func() node.Config { return &Config{Mode: "all", Match: "name"} },
		Files:    files,
	})
}

// Plan finds the fields of the output and how each input fills them.
func (u *Config) Plan(c *node.Context) {
	inputs := c.Inputs(node.In)
	schema, ok := u.schema(c, inputs)
	if !ok {
		return
	}
	op := node.Union{Distinct: u.Mode == "distinct"}
	for _, in := range inputs {
		cols := make([]node.Column, len(schema))
		for i, f := range schema {
			cols[i] = node.Column{Name: f.Name, Expr: u.value(c, f, u.fieldOf(i, f.Name, in), in)}
		}
		op.Inputs = append(op.Inputs, cols)
	}
	c.Emit(node.Out, op, schema)
}

// schema has every field that an input has, in the type that holds the values of all inputs.
func (u *Config) schema(c *node.Context, inputs []flows.Schema) (flows.Schema, bool) {
	var schema flows.Schema
	ok := true
	for n, in := range inputs {
		if u.Match == "position" && len(in) != len(inputs[0]) {
			c.Problem("match", "union.fields", fmt.Sprintf("input %d has %d fields and input 1 has %d", n+1, len(in), len(inputs[0])),
				"match the fields by name, or choose the same ones with Select Fields")
			return nil, false
		}
		for i, f := range in {
			at := i
			if u.Match != "position" {
				at = schema.Index(f.Name)
			}
			if at < 0 || at >= len(schema) {
				schema = append(schema, f)
				continue
			}
			t, fits := common(schema[at].Type, f.Type)
			if !fits {
				c.Problem("", "union.types", fmt.Sprintf("the field %q is of type %s at one input and of type %s at input %d, and no type holds both without loss", schema[at].Name, schema[at].Type, f.Type, n+1),
					"make them the same with Convert Types before the union")
				ok = false
				continue
			}
			schema[at].Type = t
		}
	}
	return schema, ok
}

// common is the smallest type that holds the values of both without loss.
func common(a, b flows.Type) (flows.Type, bool) {
	if a.Kind == flows.Date && b.Kind == flows.Timestamp || a.Kind == flows.Timestamp && b.Kind == flows.Date {
		return flows.Of(flows.Timestamp), true // a day is its midnight
	}
	exact := func(t flows.Type) bool { return t.Kind == flows.Double || t.IsInteger() && t.Kind <= flows.Int32 }
	if (a.Kind == flows.Double || b.Kind == flows.Double) && !(exact(a) && exact(b)) {
		return flows.Type{}, false
	}
	return expr.Common(a, b)
}

// fieldOf is the field of an input that fills the i-th one of the output; "" where it has none.
func (u *Config) fieldOf(i int, name string, in flows.Schema) string {
	if u.Match == "position" {
		return in[i].Name
	}
	if in.Index(name) < 0 {
		return ""
	}
	return name
}

// value is what an input gives a field of the output: its own field, widened, or null.
func (u *Config) value(c *node.Context, to flows.Field, name string, in flows.Schema) expr.Expr {
	if name == "" {
		return c.Expr("", fmt.Sprintf("cast(null as %s)", to.Type), in)
	}
	if f, _ := in.Find(name); !f.Type.Equal(to.Type) {
		return c.Expr("", fmt.Sprintf("cast(%s as %s)", expr.FieldName(name), to.Type), in)
	}
	return c.FieldRef(name, in)
}
