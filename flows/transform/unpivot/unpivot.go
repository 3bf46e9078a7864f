// Package unpivot is the node type Unpivot: it makes one record of each of several fields.
package unpivot

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of an Unpivot.
type Config struct {
	Fields []string `json:"fields" title:"Fields" required:"true" widget:"fieldnames" help:"One record is made of each of them; the other fields are the same in all."`
	Name   string   `json:"name" title:"Name in" required:"true" help:"The field that says which one it was."`
	Value  string   `json:"value" title:"Value in" required:"true" help:"The field that has its value."`
	Nulls  string   `json:"nulls" title:"Nulls" enum:"keep|drop" help:"A record whose value is null is kept or dropped."`
	AsText bool     `json:"asText,omitempty" title:"Values as text" help:"For fields whose types have nothing in common."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "unpivot", Version: 1, Title: "Unpivot", Category: node.CategoryTransform,
		Summary:  "Makes one record of each of several fields.",
		Synonyms: []string{"melt", "columns to rows", "transpose", "normalize", "wide to long", "gather", "stack"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Values"}},
		New:      func() node.Config { return &Config{Name: "name", Value: "value", Nulls: "keep"} },
		Files:    files,
	})
}

// Plan finds the type of the values and emits the operator.
func (u *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	names, values, ok := u.lists(c, in)
	if !ok {
		return
	}
	schema := slices.DeleteFunc(slices.Clone(in), func(f flows.Field) bool { return slices.Contains(u.Fields, f.Name) })
	schema = append(schema, flows.Field{Name: u.Name, Type: flows.Of(flows.Text)}, flows.Field{Name: u.Value, Type: *values.Type().Elem})
	if c.Unique("fields", u.Fields) && c.Unique("name", schema.Names()) {
		c.Emit(node.Out, node.Unnest{Lists: []node.Column{{Name: u.Name, Expr: names}, {Name: u.Value, Expr: values}}, DropNull: u.Nulls == "drop"}, schema)
	}
}

// lists are the names of the fields and their values, side by side.
func (u *Config) lists(c *node.Context, in flows.Schema) (names, values expr.Expr, ok bool) {
	var quoted, items, types []string
	for i, name := range u.Fields {
		at := fmt.Sprintf("fields[%d]", i)
		f, found := c.Field(at, name, in)
		if !found {
			continue
		}
		item := flows.QuoteName(name)
		if u.AsText {
			if item = node.TextForm(f, in); item == "" {
				c.Problem(at, "field.text", fmt.Sprintf("the values of %q (%s) have no text form", name, f.Type), "choose other fields")
				continue
			}
		}
		items, quoted = append(items, item), append(quoted, "'"+strings.ReplaceAll(name, "'", "''")+"'")
		if t := f.Type.String(); !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	if len(items) == 0 || len(items) < len(u.Fields) {
		return nil, nil, false
	}
	values, err := expr.Compile("list("+strings.Join(items, ", ")+")", expr.Env{Fields: in})
	if err != nil {
		c.Problem("fields", "unpivot.types", fmt.Sprintf("no type holds the values of all fields: they are of type %s", strings.Join(types, ", ")),
			"take the values as text, or convert the fields before")
		return nil, nil, false
	}
	names = c.Expr("fields", "list("+strings.Join(quoted, ", ")+")", in)
	return names, values, names != nil
}
