// Package convert is the node type Convert Types: it changes the types of fields and refuses records whose values do
// not fit.
package convert

import (
	"embed"
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of Convert Types.
type Config struct {
	Fields []Field `json:"fields" title:"Fields" required:"true" widget:"conversions" help:"A value that cannot be converted without loss refuses the record."`
}

// Field is one conversion.
type Field struct {
	Name    string     `json:"name" title:"Field" required:"true" widget:"field"`
	Type    flows.Type `json:"type" title:"New type" required:"true"`
	Format  string     `json:"format,omitempty" title:"Format" help:"How dates and times are written, such as %d/%m/%Y. Empty means ISO 8601." example:"%d/%m/%Y"`
	Formats []string   `json:"formats,omitempty" title:"Other formats" widget:"texts" advanced:"true" help:"Tried in their order where the format does not fit." example:"%d.%m.%y"`
	Zone    string     `json:"zone,omitempty" title:"Time zone" advanced:"true" help:"Of times without one that become timestamptz." example:"Europe/Berlin"`
	Decimal string     `json:"decimal,omitempty" title:"Decimal sign" enum:"point|comma" advanced:"true" help:"Of numbers in texts. Empty: a point, or a comma where points stand between thousands."`
	Groups  string     `json:"groups,omitempty" title:"Thousands between" enum:"none|point|comma|space|apostrophe" advanced:"true" help:"Between groups of three digits, where they are grouped. Empty: none."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "convert", Version: 1, Title: "Convert Types", Category: node.CategoryTransform,
		Summary:  "Changes the types of fields and refuses what does not fit.",
		Synonyms: []string{"type conversion", "typeconversion", "cast", "parse", "change type"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New:      func() node.Config { return &Config{} },
		Files:    files,
	})
}

// Plan compiles each conversion and emits the projection.
func (v *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	var cols []node.Column
	schema := slices.Clone(in)
	for _, f := range in {
		cols = append(cols, node.Column{Name: f.Name, Expr: c.FieldRef(f.Name, in)})
	}
	names := make([]string, len(v.Fields))
	for i, f := range v.Fields {
		names[i] = f.Name
		if _, ok := c.Field(fmt.Sprintf("fields[%d].name", i), f.Name, in); !ok || f.Type.Kind == flows.Invalid {
			continue
		}
		from, _ := in.Find(f.Name)
		src, err := f.conversion(from.Type)
		if err != nil {
			err.Path.Field = fmt.Sprintf("fields[%d].%s", i, err.Path.Field)
			c.Report("", err)
			continue
		}
		if e := c.Expr(fmt.Sprintf("fields[%d]", i), src, in); e != nil {
			at := in.Index(f.Name)
			cols[at].Expr, schema[at].Type = e, e.Type()
		}
	}
	if c.Unique("fields", names) && len(names) > 0 {
		c.Emit(node.Out, node.Project{Columns: cols}, schema)
	}
}
