// Package formula is the node type Formula: it adds or changes fields by expressions.
package formula

import (
	"embed"
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Formula.
type Config struct {
	Fields []Field `json:"fields" title:"Fields" required:"true" widget:"formulas" help:"Each expression sees the record as it came in. A name that exists is changed in its place, a new one is added at the end."`
}

// Field is one computed field.
type Field struct {
	Name       string `json:"name" title:"Field" required:"true" example:"amount"`
	Expression string `json:"expression" title:"Expression" required:"true" widget:"expression" example:"quantity * unit_price"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "formula", Version: 1, Title: "Formula", Category: node.CategoryTransform,
		Summary:  "Adds or changes fields by expressions.",
		Synonyms: []string{"transform", "transformation", "add column", "add field", "calculate", "expression", "case when", "regex"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New:      func() node.Config { return &Config{} },
		Files:    files,
	})
}

// Plan compiles the expressions and emits the projection.
func (f *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	var cols []node.Column
	schema := slices.Clone(in)
	for _, field := range in {
		cols = append(cols, node.Column{Name: field.Name, Expr: c.FieldRef(field.Name, in)})
	}
	names := make([]string, len(f.Fields))
	for i, field := range f.Fields {
		names[i] = field.Name
		e := c.Expr(fmt.Sprintf("fields[%d].expression", i), field.Expression, in)
		if e == nil {
			continue
		}
		if e.Type().Kind == flows.Invalid {
			c.Problem(fmt.Sprintf("fields[%d].expression", i), "expr.type", "the type of null is not known here", "say which one, such as cast(null as text)")
			continue
		}
		col, out := node.Column{Name: field.Name, Expr: e}, flows.Field{Name: field.Name, Type: e.Type()}
		if at := schema.Index(field.Name); at >= 0 {
			cols[at], schema[at] = col, out
		} else {
			cols, schema = append(cols, col), append(schema, out)
		}
	}
	if c.Unique("fields", names) && len(f.Fields) > 0 {
		c.Emit(node.Out, node.Project{Columns: cols}, schema)
	}
}
