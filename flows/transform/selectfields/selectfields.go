// Package selectfields is the node type Select Fields: keep, drop, rename and reorder.
package selectfields

import (
	"embed"
	"fmt"

	"spark/flows"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of Select Fields.
type Config struct {
	Fields []Pick   `json:"fields" title:"Fields" widget:"pick" help:"The fields that go on, in this order, under these names."`
	Others string   `json:"others" title:"Other fields" enum:"drop|keep" help:"What happens to fields that are not listed: kept ones follow the listed ones."`
	Drop   []string `json:"drop,omitempty" title:"Drop" widget:"fieldnames" showIf:"others=keep" help:"Fields that do not go on."`
}

// Pick is one listed field.
type Pick struct {
	Name string `json:"name" title:"Field" required:"true" widget:"field"`
	As   string `json:"as,omitempty" title:"New name"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "select", Version: 1, Title: "Select Fields", Category: node.CategoryTransform,
		Summary:  "Keeps, drops, renames and reorders fields.",
		Synonyms: []string{"alias", "rename", "keep", "drop", "reorder", "columns", "projection"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		New:      func() node.Config { return &Config{Others: "drop"} },
		Files:    files,
	})
}

// Plan checks the names and emits the projection.
func (s *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	gone := map[string]bool{}
	for i, name := range s.Drop {
		if s.Others != "keep" {
			c.Problem("drop", "select.drop", "fields are dropped by name only where the others are kept", `set "others" to keep, or list the fields that go on`)
			break
		}
		if _, ok := c.Field(fmt.Sprintf("drop[%d]", i), name, in); ok {
			gone[name] = true
		}
	}
	var schema flows.Schema
	var cols []node.Column
	take := func(f flows.Field, as string) {
		if as == "" {
			as = f.Name
		}
		cols = append(cols, node.Column{Name: as, Expr: c.FieldRef(f.Name, in)})
		schema = append(schema, flows.Field{Name: as, Type: f.Type})
	}
	listed := map[string]bool{}
	for i, p := range s.Fields {
		at := fmt.Sprintf("fields[%d].name", i)
		f, ok := c.Field(at, p.Name, in)
		if ok && gone[p.Name] {
			c.Problem(at, "select.both", fmt.Sprintf("%q is both listed and dropped", p.Name), "remove it from one of the lists")
		}
		if ok {
			take(f, p.As)
			listed[p.Name] = true
		}
	}
	for _, f := range in {
		if s.Others == "keep" && !listed[f.Name] && !gone[f.Name] {
			take(f, "")
		}
	}
	if len(cols) == 0 {
		c.Problem("fields", "select.none", "no field goes on", "list at least one field")
	} else if c.Unique("fields", schema.Names()) {
		c.Emit(node.Out, node.Project{Columns: cols}, schema)
	}
}
