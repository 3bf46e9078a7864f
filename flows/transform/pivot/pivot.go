// Package pivot is the node type Pivot: values of one field become fields of their own.
package pivot

import (
	"embed"
	"fmt"
	"regexp"
	"strings"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Pivot.
type Config struct {
	GroupBy  []string `json:"groupBy" title:"Group by" widget:"fieldnames" help:"One record is made of each combination of these fields. Empty: one record in all."`
	Field    string   `json:"field" title:"Field with the names" required:"true" widget:"field" help:"Its values become fields." example:"status"`
	Values   []Value  `json:"values" title:"Values" required:"true" widget:"values" help:"The values that become fields, in this order. Records with another value are left out of them."`
	Function string   `json:"function" title:"Computed" enum:"sum|avg|min|max|median|count|count_distinct" help:"Over the records of the group that have the value."`
	Of       string   `json:"of,omitempty" title:"Of" widget:"expression" help:"What is computed; count without it counts the records." example:"quantity * unit_price"`
}

// Value is one listed value.
type Value struct {
	Value string `json:"value" title:"Value" example:"paid"`
	As    string `json:"as,omitempty" title:"Field name" example:"as the value"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "pivot", Version: 1, Title: "Pivot", Category: node.CategoryTransform,
		Summary:  "Turns the values of a field into fields of their own.",
		Synonyms: []string{"crosstab", "rows to columns", "cross table", "transpose"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Groups"}},
		New:      func() node.Config { return &Config{Function: "sum"} },
		Files:    files,
	})
}

// Plan emits an aggregate with one field per listed value.
func (p *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	op, schema, ok := p.groups(c, in)
	names, found := c.Field("field", p.Field, in)
	if p.Of == "" && p.Function != "count" {
		c.Problem("of", "config.required", "there is nothing to compute "+p.Function+" of", "write an expression, such as quantity * unit_price, or choose count")
		return
	}
	if p.Of != "" && c.Expr("of", p.Of, in) == nil || !found || !ok {
		return
	}
	for i, v := range p.Values {
		at := fmt.Sprintf("values[%d].value", i)
		text, known := literal(names.Type, v.Value)
		if !known {
			c.Problem("field", "pivot.type", fmt.Sprintf("values of type %s cannot be listed", names.Type), "convert the field to text with Convert Types")
			return
		}
		if text == "" {
			c.Problem(at, "pivot.value", fmt.Sprintf("%q is not a value of type %s", v.Value, names.Type), "write it as in an expression, such as 12, 1.50 or true")
			return
		}
		match := expr.FieldName(p.Field) + " = " + text
		if c.Expr(at, match, in) == nil {
			return
		}
		e := c.AggregateExpr("of", p.aggregate(match), in)
		if e == nil {
			return
		}
		as := v.As
		if as == "" {
			as = v.Value
		}
		if as == "" {
			c.Problem(fmt.Sprintf("values[%d].as", i), "config.required", "the field of the empty value has no name", "give it one")
			return
		}
		op.Aggs = append(op.Aggs, node.Column{Name: as, Expr: e})
		schema = append(schema, flows.Field{Name: as, Type: e.Type()})
	}
	if c.Unique("values", schema.Names()) && len(p.Values) > 0 {
		c.Emit(node.Out, op, schema)
	}
}

// groups are the keys and their fields.
func (p *Config) groups(c *node.Context, in flows.Schema) (op node.Aggregate, schema flows.Schema, ok bool) {
	ok = true
	for i, name := range p.GroupBy {
		f, found := c.Field(fmt.Sprintf("groupBy[%d]", i), name, in)
		if !found {
			ok = false
			continue
		}
		op.Keys = append(op.Keys, node.Column{Name: name, Expr: c.FieldRef(name, in)})
		schema = append(schema, f)
	}
	return op, schema, ok
}

// aggregate is the expression over the records that match.
func (p *Config) aggregate(match string) string {
	if p.Of == "" {
		return "count_if(" + match + ")"
	}
	return fmt.Sprintf("%s(case when %s then %s end)", p.Function, match, p.Of)
}

var number = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// literal writes a value as a constant of the type: false where there are none, "" where the value is not one.
func literal(t flows.Type, value string) (string, bool) {
	quoted := "'" + strings.ReplaceAll(value, "'", "''") + "'"
	switch {
	case t.Kind == flows.Text:
		return quoted, true
	case t.IsInteger() && !strings.Contains(value, "."), t.Kind == flows.Decimal:
		return number.FindString(value), true
	case t.Kind == flows.Boolean && (value == "true" || value == "false"):
		return value, true
	case t.IsInteger(), t.Kind == flows.Boolean:
		return "", true
	case t.IsTemporal(), t.Kind == flows.UUID:
		return t.Kind.String() + " " + quoted, true
	}
	return "", false
}
