// Package samplerecords is the node type Sample: it passes records that are chosen at random.
package samplerecords

import (
	"embed"
	"fmt"
	"math"

	"spark/flows"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Sample.
type Config struct {
	By      string   `json:"by" title:"Take" enum:"share|number" help:"A share of the records, or exactly so many."`
	Share   float64  `json:"share" title:"Percent" showIf:"by=share" help:"The chance of each record."`
	Number  int64    `json:"number" title:"Records" showIf:"by=number" minimum:"1" help:"All of them where there are fewer."`
	Alike   []string `json:"alike,omitempty" title:"Together" widget:"fieldnames" showIf:"by=share" help:"Records that are equal in these fields, such as all orders of a customer, are taken or left together. Empty: each record by itself."`
	GroupBy []string `json:"groupBy,omitempty" title:"Of each" widget:"fieldnames" showIf:"by=number" help:"So many of each combination of these fields. Empty: of all records."`
	Seed    int64    `json:"seed" title:"Seed" help:"With the same seed the same records are taken again."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "sample.records", Version: 1, Title: "Sample", Category: node.CategoryTransform,
		Summary:  "Passes records that are chosen at random.",
		Synonyms: []string{"random", "random sample", "reservoir", "percent", "split", "train test split", "subset"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Sample"}, {Name: "rest", Title: "Rest", Optional: true}},
		New:      func() node.Config { return &Config{By: "share", Share: 10, Number: 1000, Seed: 1} },
		Files:    files,
	})
}

// Plan emits both ports.
func (s *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	if s.By == "number" {
		op := node.Pick{Keys: c.FieldRefs("groupBy", s.GroupBy, in), Count: s.Number, Shuffle: true, Seed: s.Seed}
		if len(op.Keys) == len(s.GroupBy) && s.Number > 0 {
			c.Emit(node.Out, op, in)
			op.Rest = true
			c.Emit("rest", op, in)
		}
		return
	}
	if !(s.Share > 0 && s.Share <= 100) {
		c.Problem("share", "sample.share", fmt.Sprintf("%v percent is no share", s.Share), "choose more than 0 and at most 100")
		return
	}
	most := int64(math.MaxInt64)
	if s.Share < 100 {
		most = int64(s.Share / 100 * (1 << 63))
	}
	if len(s.Alike) > 0 {
		s.together(c, in, most)
		return
	}
	c.Emit(node.Out, node.Draw{Seed: s.Seed, Most: most}, in)
	c.Emit("rest", node.Draw{Seed: s.Seed, Most: most, Rest: true}, in)
}

// together chooses by what the records have in common instead of by their number.
func (s *Config) together(c *node.Context, in flows.Schema, most int64) {
	text, ok := c.Fingerprint("alike", s.Alike, in)
	if !ok {
		return
	}
	if cond := c.Condition("alike", fmt.Sprintf("hash64(concat('%d:', %s)) <= %d", s.Seed, text, most), in); cond != nil {
		c.Emit(node.Out, node.Filter{Cond: cond}, in)
		c.Emit("rest", node.Filter{Cond: cond, Negate: true}, in)
	}
}
