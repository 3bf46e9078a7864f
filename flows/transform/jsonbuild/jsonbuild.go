// Package jsonbuild is the node type JSON Build: it makes a JSON value of the fields of a record.
package jsonbuild

import (
	"embed"
	"slices"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/template"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a JSON Build.
type Config struct {
	Template    string `json:"template" title:"Template" required:"true" widget:"multiline" help:"JSON in which [field] stands for a value, inside of texts, too. Write [[ for a bracket in a text." example:"{\"id\": [id], \"greeting\": \"Dear [name]\"}"`
	Name        string `json:"name" title:"Field" required:"true" help:"The field that the JSON stands in. One that is there already is changed in its place." example:"body"`
	RemoveNulls bool   `json:"removeNulls,omitempty" title:"Remove nulls" help:"Members that are null are left out. Elements of lists stay: their places count."`
	Layout      bool   `json:"layout,omitempty" title:"Keep the layout" help:"White space as in the template. Otherwise there is none."`
	Others      string `json:"others" title:"Other fields" enum:"keep|drop"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "json.build", Version: 1, Title: "JSON Build", Category: node.CategoryTransform,
		Summary:  "Makes a JSON value of the fields of a record.",
		Synonyms: []string{"JSON Transformer", "To JSON", "json template", "serialize", "compose json", "json writer"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New:      func() node.Config { return &Config{Others: "keep"} },
		Files:    files,
	})
}

// Plan reads the template and emits the projection.
func (b *Config) Plan(c *node.Context) {
	in, ok := c.Input(node.In)
	if !ok || b.Template == "" || b.Name == "" {
		return // reported
	}
	text, err := template.JSON(b.Template, in, template.JSONOptions{RemoveNulls: b.RemoveNulls, Layout: b.Layout})
	if err != nil {
		c.Problem("template", "json.template", err.Error(), "a template is JSON with [field] where values go")
		return
	}
	e := c.Expr("template", "cast("+text+" as json)", in)
	if e == nil {
		return
	}
	built, out := node.Column{Name: b.Name, Expr: e}, flows.Field{Name: b.Name, Type: e.Type()}
	var cols []node.Column
	schema := flows.Schema{}
	if b.Others != "drop" {
		schema = slices.Clone(in)
		for _, f := range in {
			cols = append(cols, node.Column{Name: f.Name, Expr: c.FieldRef(f.Name, in)})
		}
	}
	if at := schema.Index(b.Name); at >= 0 {
		cols[at], schema[at] = built, out
	} else {
		cols, schema = append(cols, built), append(schema, out)
	}
	c.Emit(node.Out, node.Project{Columns: cols}, schema)
}
