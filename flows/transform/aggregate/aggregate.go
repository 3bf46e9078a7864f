// Package aggregate is the node type Aggregate: one record of each group.
package aggregate

import (
	"embed"
	"fmt"

	"spark/flows"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of an Aggregate.
type Config struct {
	GroupBy    []string `json:"groupBy" title:"Group by" widget:"fieldnames" help:"One record is made of each combination of these fields. Empty: one record in all."`
	Aggregates []Field  `json:"aggregates" title:"Aggregates" widget:"aggregates" help:"Computed over the records of each group."`
}

// Field is one aggregate.
type Field struct {
	Name       string `json:"name" title:"Field" required:"true" example:"revenue"`
	Expression string `json:"expression" title:"Expression" required:"true" widget:"aggregate" example:"sum(amount)"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "aggregate", Version: 1, Title: "Aggregate", Category: node.CategoryTransform,
		Summary:  "Makes one record of each group: count, sum, average and more.",
		Synonyms: []string{"group by", "groupby", "sum", "count", "average", "summarize", "total"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Groups"}},
		New:      func() node.Config { return &Config{} },
		Files:    files,
	})
}

// Plan compiles the aggregates and emits the operator.
func (a *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	var op node.Aggregate
	var schema flows.Schema
	for i, name := range a.GroupBy {
		if f, ok := c.Field(fmt.Sprintf("groupBy[%d]", i), name, in); ok {
			op.Keys = append(op.Keys, node.Column{Name: name, Expr: c.FieldRef(name, in)})
			schema = append(schema, f)
		}
	}
	for i, f := range a.Aggregates {
		if e := c.AggregateExpr(fmt.Sprintf("aggregates[%d].expression", i), f.Expression, in); e != nil {
			op.Aggs = append(op.Aggs, node.Column{Name: f.Name, Expr: e})
			schema = append(schema, flows.Field{Name: f.Name, Type: e.Type()})
		}
	}
	if len(a.GroupBy)+len(a.Aggregates) == 0 {
		c.Problem("aggregates", "config.required", "there is nothing to compute", "choose a field to group by or add an aggregate such as count()")
		return
	}
	if c.Unique("aggregates", schema.Names()) {
		c.Emit(node.Out, op, schema)
	}
}
