// Package deduplicate is the node type Deduplicate: it keeps one record of each key.
package deduplicate

import (
	"embed"

	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Deduplicate.
type Config struct {
	Keys  []string        `json:"keys,omitempty" title:"Same in" widget:"fieldnames" help:"Records that are equal in these fields are duplicates of each other. Empty: in all fields."`
	Keep  string          `json:"keep" title:"Keep" enum:"first|last" help:"Which of them stays."`
	Order []node.OrderKey `json:"order,omitempty" title:"In the order of" widget:"sortkeys" help:"What makes a record the first or the last one. Empty: the order of arrival."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "deduplicate", Version: 1, Title: "Deduplicate", Category: node.CategoryTransform,
		Summary:  "Keeps one record of those that are equal in some fields.",
		Synonyms: []string{"de-duplicate", "filter duplicates", "distinct", "unique", "remove duplicates", "drop duplicates", "dedupe"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Unique"}, {Name: "duplicates", Title: "Duplicates", Optional: true}},
		New:      func() node.Config { return &Config{Keep: "first"} },
		Files:    files,
	})
}

// Plan checks the fields and emits both ports.
func (d *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	names := d.Keys
	if len(names) == 0 {
		names = in.Names()
	}
	op := node.Pick{Keys: c.FieldRefs("keys", names, in), Order: c.SortKeys("order", d.Order, in), Last: d.Keep == "last", Count: 1}
	if len(op.Keys) < len(names) || len(op.Order) < len(d.Order) {
		return // reported
	}
	c.Emit(node.Out, op, in)
	op.Rest = true
	c.Emit("duplicates", op, in)
}
