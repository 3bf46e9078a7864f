// Package sort is the node type Sort: it puts records in order.
package sort

import (
	"embed"
	"fmt"

	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Sort.
type Config struct {
	Keys []Key `json:"keys" title:"Order" required:"true" widget:"sortkeys" help:"The first key counts most."`
}

// Key is one criterion.
type Key struct {
	Field string `json:"field" title:"Field" required:"true" widget:"field" example:"ordered_at"`
	Order string `json:"order,omitempty" title:"Order" enum:"ascending|descending"`
	Nulls string `json:"nulls,omitempty" title:"Nulls" enum:"last|first" advanced:"true"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "sort", Version: 1, Title: "Sort", Category: node.CategoryTransform,
		Summary:  "Puts records in order.",
		Synonyms: []string{"order by", "orderby", "rank", "top"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		New:      func() node.Config { return &Config{} },
		Files:    files,
	})
}

// Plan checks the keys and emits the operator.
func (s *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	var op node.Sort
	for i, k := range s.Keys {
		if _, ok := c.Field(fmt.Sprintf("keys[%d].field", i), k.Field, in); ok {
			op.Keys = append(op.Keys, node.SortKey{Expr: c.FieldRef(k.Field, in), Descending: k.Order == "descending", NullsFirst: k.Nulls == "first"})
		}
	}
	if len(op.Keys) > 0 {
		c.Emit(node.Out, op, in)
	}
}
