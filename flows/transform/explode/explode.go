// Package explode is the node type Explode List: it makes one record of each element of a list.
package explode

import (
	"embed"
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of an Explode List.
type Config struct {
	Field    string `json:"field" title:"List" required:"true" widget:"field" help:"The element stands in this field afterwards." example:"items"`
	Position string `json:"position,omitempty" title:"Position in" help:"A new field for the place of the element in its list, from 1. Empty: none." example:"line"`
	Empty    string `json:"empty" title:"Empty lists" enum:"keep|drop" help:"A record whose list is empty or null is kept with null, or dropped."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "explode", Version: 1, Title: "Explode List", Category: node.CategoryTransform,
		Summary:  "Makes one record of each element of a list.",
		Synonyms: []string{"unnest", "flatten list", "split to rows", "normalize", "array to rows", "list to rows"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Elements"}},
		New:      func() node.Config { return &Config{Empty: "keep"} },
		Files:    files,
	})
}

// Plan checks the list and emits the operator.
func (e *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	if e.Field == "" {
		return // reported
	}
	f, ok := c.Field("field", e.Field, in)
	if !ok {
		return
	}
	if f.Type.Kind != flows.List {
		c.Problem("field", "explode.list", fmt.Sprintf("%q is of type %s and no list", f.Name, f.Type), "make a list of a text with split(…) in a Formula")
		return
	}
	schema := slices.Clone(in)
	schema[in.Index(f.Name)].Type = *f.Type.Elem
	if e.Position != "" {
		schema = append(schema, flows.Field{Name: e.Position, Type: flows.Of(flows.Int64)})
	}
	if c.Unique("position", schema.Names()) {
		c.Emit(node.Out, node.Unnest{Lists: []node.Column{{Name: f.Name, Expr: c.FieldRef(f.Name, in)}}, Position: e.Position, KeepEmpty: e.Empty != "drop"}, schema)
	}
}
