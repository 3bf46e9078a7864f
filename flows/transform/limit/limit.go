// Package limit is the node type Limit: it passes the first records and then stops its input.
package limit

import (
	"embed"
	"fmt"

	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Limit.
type Config struct {
	Count  node.Value[int64] `json:"count" title:"Records" help:"How many records go on."`
	Offset node.Value[int64] `json:"offset" title:"Skip" help:"How many records are left out before." advanced:"true"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "limit", Version: 1, Title: "Limit", Category: node.CategoryTransform,
		Summary:  "Passes the first records and then stops its input.",
		Synonyms: []string{"top", "head", "first", "take", "sample", "skip", "offset"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		New:      func() node.Config { return &Config{Count: node.Lit[int64](1000)} },
		Files:    files,
	})
}

// Plan checks the numbers and emits the operator.
func (l *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	count, ok1 := node.Resolve(c, "count", l.Count)
	offset, ok2 := node.Resolve(c, "offset", l.Offset)
	if ok1 && count < 1 {
		c.Problem("count", "limit.count", fmt.Sprintf("%d records cannot go on", count), "choose at least 1; to stop a branch, disable the node")
		ok1 = false
	}
	if ok2 && offset < 0 {
		c.Problem("offset", "limit.offset", fmt.Sprintf("%d records cannot be skipped", offset), "choose 0 or more")
		ok2 = false
	}
	if ok1 && ok2 {
		c.Emit(node.Out, node.Limit{Count: count, Offset: offset}, in)
	}
}
