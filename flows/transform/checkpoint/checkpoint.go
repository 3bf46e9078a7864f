// Package checkpoint is the node type Checkpoint: it computes records once and keeps them for all that read them.
package checkpoint

import (
	"embed"

	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Checkpoint: there are none.
type Config struct{}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "checkpoint", Version: 1, Title: "Checkpoint", Category: node.CategoryControl,
		Summary:  "Computes the records before it once, and keeps them until everything below has read them.",
		Synonyms: []string{"cache", "materialize", "persist", "barrier"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		New:      func() node.Config { return &Config{} },
		Files:    files,
	})
}

// Plan hands the records on and keeps them.
func (*Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	op := node.Project{Keep: true}
	for _, f := range in {
		op.Columns = append(op.Columns, node.Column{Name: f.Name, Expr: c.FieldRef(f.Name, in)})
	}
	c.Emit(node.Out, op, in)
}
