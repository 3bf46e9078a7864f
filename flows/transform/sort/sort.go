// Package sort is the node type Sort: it puts records in order.
package sort

import (
	"embed"

	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Sort.
type Config struct {
	Keys []node.OrderKey `json:"keys" title:"Order" required:"true" widget:"sortkeys" help:"The first key counts most."`
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
	op := node.Sort{Keys: c.SortKeys("keys", s.Keys, in)}
	if len(op.Keys) > 0 {
		c.Emit(node.Out, op, in)
	}
}
