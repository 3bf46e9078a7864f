// Package flatten is the node type Flatten: the members of structs become fields.
package flatten

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

// Config are the settings of a Flatten.
type Config struct {
	Fields    []string `json:"fields,omitempty" title:"Fields" widget:"fieldnames" help:"The structs to flatten. Empty: all of them."`
	Depth     int64    `json:"depth,omitempty" title:"Levels" minimum:"0" help:"How many levels of structs inside structs. 0: all of them."`
	Separator string   `json:"separator" title:"Separator" help:"Stands in the new names between the field and its member: address_city."`
	Keep      bool     `json:"keep,omitempty" title:"Keep the structs" help:"The fields that are flattened go on, too."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "flatten", Version: 1, Title: "Flatten", Category: node.CategoryTransform,
		Summary:  "Makes fields of the members of structs.",
		Synonyms: []string{"expand struct", "unnest struct", "unpack", "nested", "json flatten"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		New:      func() node.Config { return &Config{Separator: "_"} },
		Files:    files,
	})
}

// Plan puts the members where their struct was.
func (f *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	chosen := map[string]bool{}
	for i, name := range f.Fields {
		at := fmt.Sprintf("fields[%d]", i)
		field, ok := c.Field(at, name, in)
		if ok && field.Type.Kind != flows.Struct {
			c.Problem(at, "flatten.type", fmt.Sprintf("%q is of type %s and no struct", name, field.Type), "choose a struct; a list becomes records with Explode List")
		}
		chosen[name] = true
	}
	if len(f.Fields) == 0 && !slices.ContainsFunc(in, func(field flows.Field) bool { return field.Type.Kind == flows.Struct }) {
		c.Warn("fields", "flatten.none", "no field is a struct: the records go on unchanged", "")
	}
	var op node.Project
	var schema flows.Schema
	add := func(name string, t flows.Type, e expr.Expr) {
		op.Columns = append(op.Columns, node.Column{Name: name, Expr: e})
		schema = append(schema, flows.Field{Name: name, Type: t})
	}
	for _, field := range in {
		flat := field.Type.Kind == flows.Struct && (len(f.Fields) == 0 || chosen[field.Name])
		if !flat || f.Keep {
			add(field.Name, field.Type, c.FieldRef(field.Name, in))
		}
		if flat {
			f.members(field.Name, expr.FieldName(field.Name), field.Type, 1, func(name, src string, t flows.Type) { add(name, t, c.Expr("fields", src, in)) })
		}
	}
	if c.Unique("separator", schema.Names()) {
		c.Emit(node.Out, op, schema)
	}
}

// members lists the members of a struct, and of those inside down to the last level: name, expression and type.
func (f *Config) members(name, src string, t flows.Type, level int64, add func(name, src string, t flows.Type)) {
	for _, m := range t.Fields {
		path, part := name+f.Separator+m.Name, fmt.Sprintf("get_field(%s, '%s')", src, strings.ReplaceAll(m.Name, "'", "''"))
		if m.Type.Kind == flows.Struct && (f.Depth == 0 || level < f.Depth) {
			f.members(path, part, m.Type, level+1, add)
		} else {
			add(path, part, m.Type)
		}
	}
}
