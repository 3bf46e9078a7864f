// Package filter is the node type Filter: it passes the records for which a condition is true.
package filter

import (
	"embed"

	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Filter.
type Config struct {
	Condition string `json:"condition" title:"Condition" required:"true" widget:"condition" help:"Records for which this is true go on; false and null go to unmatched." example:"status = 'paid' and amount > 0"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "filter", Version: 1, Title: "Filter", Category: node.CategoryTransform,
		Summary:  "Passes the records for which a condition is true.",
		Synonyms: []string{"where", "row filter", "condition", "route"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Matched"}, {Name: "unmatched", Title: "Unmatched", Optional: true}},
		Rejects:  true,
		New:      func() node.Config { return &Config{} },
		Files:    files,
	})
}

// Plan checks the condition and emits both ports.
func (f *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	if cond := c.Condition("condition", f.Condition, in); cond != nil {
		c.Emit(node.Out, node.Filter{Cond: cond}, in)
		c.Emit("unmatched", node.Filter{Cond: cond, Negate: true}, in)
	}
}
