// Package window is the node type Window: it computes fields from a record and the others of its group.
package window

import (
	"embed"
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Window.
type Config struct {
	GroupBy []string        `json:"groupBy,omitempty" title:"Within each" widget:"fieldnames" help:"Each combination of these fields is computed by itself. Empty: all records are one group."`
	Order   []node.OrderKey `json:"order,omitempty" title:"In the order of" widget:"sortkeys" help:"What comes before and behind a record. Empty: the order of arrival."`
	Fields  []Field         `json:"fields" title:"Fields" required:"true" help:"A name that exists is changed in its place, a new one is added at the end."`
}

// Field is one computed field.
type Field struct {
	Name     string `json:"name" title:"New field" required:"true" example:"running_total"`
	Function string `json:"function" title:"Function" required:"true" enum:"sum|count|avg|min|max|row_number|rank|dense_rank|lag|lead|first|last"`
	Field    string `json:"field,omitempty" title:"Of the field" widget:"field" showIf:"function=sum|count|avg|min|max|lag|lead|first|last" example:"amount"`
	Over     string `json:"over,omitempty" title:"Over" enum:"running|group" showIf:"function=sum|count|avg|min|max" help:"Running: from the first record up to this one. Empty: running."`
	Offset   *int64 `json:"offset,omitempty" title:"Places away" showIf:"function=lag|lead" help:"Empty: 1." example:"1"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "window", Version: 1, Title: "Window", Category: node.CategoryTransform,
		Summary: "Computes running totals, ranks and values of the records before and behind.",
		Synonyms: []string{"multi-row formula", "multirow", "running total", "cumulative sum", "rank", "row number", "lag", "lead", "previous row", "next row", "partition by",
			"analytic"},
		Inputs:  []node.Port{{Name: node.In, Title: "Records"}},
		Outputs: []node.Port{{Name: node.Out, Title: "Records"}},
		New:     func() node.Config { return &Config{} },
		Files:   files,
	})
}

// Plan checks the functions and emits the operator.
func (w *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	op := node.Window{Groups: c.FieldRefs("groupBy", w.GroupBy, in), Order: c.SortKeys("order", w.Order, in)}
	ok := len(op.Groups) == len(w.GroupBy) && len(op.Order) == len(w.Order)
	schema := slices.Clone(in)
	names := make([]string, len(w.Fields))
	for i, f := range w.Fields {
		names[i] = f.Name
		col, is := w.column(c, fmt.Sprintf("fields[%d]", i), f, in)
		ok = ok && is
		op.Columns = append(op.Columns, col)
		if at := schema.Index(f.Name); at >= 0 {
			schema[at].Type = col.Type
		} else {
			schema = append(schema, flows.Field{Name: f.Name, Type: col.Type})
		}
	}
	if c.Unique("fields", names) && ok && len(op.Columns) > 0 {
		c.Emit(node.Out, op, schema)
	}
}

// column compiles one function.
func (w *Config) column(c *node.Context, at string, f Field, in flows.Schema) (node.WindowColumn, bool) {
	col := node.WindowColumn{Name: f.Name, Func: node.WindowFunc(f.Function), Type: flows.Of(flows.Int64)}
	switch col.Func {
	case node.WindowNumber:
		col.Offset = 1
		return col, true
	case node.WindowRank, node.WindowDenseRank:
		if len(w.Order) == 0 {
			c.Problem("order", "window.order", fmt.Sprintf("%s needs an order: without one all records have rank 1", f.Function), "choose the fields that decide the rank, or take row_number")
		}
		return col, len(w.Order) > 0
	}
	if f.Field == "" && f.Function != "count" {
		c.Problem(at+".field", "config.required", fmt.Sprintf("%s needs a field", f.Function), "choose one")
		return col, false
	}
	field, ok := flows.Field{}, true
	if f.Field != "" {
		if field, ok = c.Field(at+".field", f.Field, in); !ok {
			return col, false
		}
	}
	switch col.Func {
	case node.WindowLag, node.WindowLead, node.WindowFirst, node.WindowLast:
		col.Arg, col.Type, col.Offset = c.FieldRef(f.Field, in), field.Type, 1
		if f.Offset != nil {
			col.Offset = *f.Offset
		}
		if col.Offset < 1 {
			c.Problem(at+".offset", "config.minimum", fmt.Sprintf("%d places away is not another record", col.Offset), "choose 1 or more")
			return col, false
		}
		return col, true
	}
	arg := ""
	if f.Field != "" {
		arg = flows.QuoteName(f.Field)
	}
	col.Func, col.Whole = node.WindowAggregate, f.Over == "group"
	if col.Arg = c.AggregateExpr(at+".field", f.Function+"("+arg+")", in); col.Arg == nil {
		return col, false
	}
	col.Type = col.Arg.Type()
	return col, true
}
