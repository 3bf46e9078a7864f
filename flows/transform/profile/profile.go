// Package profile is the node type Profile: it describes what the values of each field are like.
package profile

import (
	"embed"

	"spark/flows"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Profile.
type Config struct {
	Fields   []string `json:"fields,omitempty" title:"Fields" widget:"fieldnames" help:"One record of each is made. Empty: all fields."`
	Distinct bool     `json:"distinct" title:"Count different values" help:"Exact, and therefore the expensive part of a profile of many fields."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "profile", Version: 1, Title: "Profile", Category: node.CategoryQuality,
		Summary:  "Describes the values of each field: nulls, different ones, smallest, largest, mean.",
		Synonyms: []string{"statistics", "describe", "summary", "summarize", "data profile", "explore", "distribution"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Profile"}},
		New:      func() node.Config { return &Config{Distinct: true} },
		Files:    files,
	})
}

// Plan checks the fields and emits the profile.
func (p *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	names := p.Fields
	if len(names) == 0 {
		names = in.Names()
	}
	if len(c.FieldRefs("fields", names, in)) < len(names) || !c.Unique("fields", names) {
		return // reported
	}
	c.Emit(node.Out, node.Profile{Fields: names, Distinct: p.Distinct}, append(flows.Schema{}, node.ProfileSchema...))
}
