// Package splittext is the node type Split Text: the parts of a text become fields or records.
package splittext

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of Split Text.
type Config struct {
	Field     string   `json:"field" title:"Field" required:"true" widget:"field" help:"The text to split." example:"name"`
	Separator string   `json:"separator" title:"Separator" required:"true" help:"What stands between the parts, as it is: no pattern." example:","`
	Into      string   `json:"into" title:"Into" enum:"fields|records" help:"fields: each part in a field of its own. records: one record of each part."`
	Fields    []string `json:"fields,omitempty" title:"Fields" showIf:"into=fields" help:"Names for the parts, in order. Where there are fewer parts, the others are null."`
	Rest      string   `json:"rest" title:"More parts than fields" enum:"keep|refuse" showIf:"into=fields" help:"keep: the last field has the rest of the text, separators included. refuse: the record leaves by rejects."`
	As        string   `json:"as,omitempty" title:"Field for the part" showIf:"into=records" help:"Empty: the part takes the place of the text." example:"part"`
	Position  string   `json:"position,omitempty" title:"Field for the position" showIf:"into=records" help:"Empty: none. The first part has position 1." example:"position"`
	Trim      bool     `json:"trim,omitempty" title:"Trim" showIf:"into=fields" help:"Removes white space around every part."`
	Keep      bool     `json:"keep,omitempty" title:"Keep the text" help:"The field that is split goes on, too."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "splittext", Version: 1, Title: "Split Text", Category: node.CategoryTransform,
		Summary:  "Splits a text into fields or records.",
		Synonyms: []string{"split column", "tokenize", "text to columns", "text to rows", "delimiter"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New:      func() node.Config { return &Config{Separator: ",", Into: "fields", Rest: "keep"} },
		Files:    files,
	})
}

// Plan checks the names and emits a projection, or records of the parts.
func (s *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	f, ok := c.Field("field", s.Field, in)
	if !ok {
		return
	}
	if f.Type.Kind != flows.Text {
		c.Problem("field", "split.type", fmt.Sprintf("%q is of type %s and only texts are split", f.Name, f.Type), "convert it to text with Convert Types")
		return
	}
	if s.Into == "records" {
		s.records(c, in)
	} else {
		s.fields(c, in)
	}
}

// list is the list of the parts.
func (s *Config) list() string {
	return fmt.Sprintf("split(%s, %s)", expr.FieldName(s.Field), quote(s.Separator))
}

func (s *Config) trimmed(part string) string {
	if s.Trim {
		return "trim(" + part + ")"
	}
	return part
}

// fields puts the parts where the text was.
func (s *Config) fields(c *node.Context, in flows.Schema) {
	if len(s.Fields) == 0 || slices.Contains(s.Fields, "") {
		c.Problem("fields", "config.required", "the parts have no names", "name a field for each part")
		return
	}
	var op node.Project
	var schema flows.Schema
	add := func(name string, t flows.Type, e expr.Expr) {
		op.Columns = append(op.Columns, node.Column{Name: name, Expr: e})
		schema = append(schema, flows.Field{Name: name, Type: t})
	}
	for _, f := range in {
		if f.Name != s.Field || s.Keep {
			add(f.Name, f.Type, c.FieldRef(f.Name, in))
		}
		for i, name := range s.Fields {
			if f.Name == s.Field {
				add(name, f.Type, c.Expr("field", s.trimmed(s.part(i)), in))
			}
		}
	}
	if s.Rest == "refuse" {
		op.Checks = []node.Check{{Cond: c.Expr("field", fmt.Sprintf("list_length(%s) > %d", s.list(), len(s.Fields)), in), Field: s.Field,
			Code: "split.parts", Message: fmt.Sprintf("there are more than %d parts", len(s.Fields))}}
	}
	if c.Unique("fields", schema.Names()) {
		c.Emit(node.Out, op, schema)
	}
}

// part is the i-th part, from 0. The last field takes the rest of the text; there is none to take where records with
// more parts are refused.
func (s *Config) part(i int) string {
	nth := fmt.Sprintf("list_get(%s, %d)", s.list(), i+1)
	if i+1 < len(s.Fields) || s.Rest == "refuse" {
		return nth
	}
	if i == 0 {
		return expr.FieldName(s.Field)
	}
	behind := fmt.Sprintf("(?s)^(?:.*?%s){%d}(.*)$", regexp.QuoteMeta(s.Separator), i)
	return fmt.Sprintf("case when list_length(%s) > %d then regexp_extract(%s, %s, 1) else %s end", s.list(), i+1, expr.FieldName(s.Field), quote(behind), nth)
}

// records makes one record of each part; a text that is null is one part that is null.
func (s *Config) records(c *node.Context, in flows.Schema) {
	name := s.As
	if name == "" {
		name = s.Field
	}
	parts := c.Expr("field", s.list(), in)
	op := node.Unnest{Lists: []node.Column{{Name: name, Expr: parts}}, Position: s.Position, KeepEmpty: true}
	var schema flows.Schema
	for _, f := range in {
		if f.Name != s.Field || s.Keep && name != s.Field {
			schema = append(schema, f)
		}
		if f.Name == s.Field {
			schema = append(schema, flows.Field{Name: name, Type: f.Type})
			if s.Position != "" {
				schema = append(schema, flows.Field{Name: s.Position, Type: flows.Of(flows.Int64)})
			}
		}
	}
	if s.Keep && name == s.Field {
		c.Problem("as", "config.required", "the part and the text cannot have the same name", "name a field for the part")
		return
	}
	if c.Unique("as", schema.Names()) {
		c.Emit(node.Out, op, schema)
	}
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
