// Package fillnulls is the node type Fill Nulls: it puts values where there are none.
package fillnulls

import (
	"embed"
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Fill Nulls.
type Config struct {
	Fields  []Fill          `json:"fields" title:"Fields" required:"true" help:"Only nulls are replaced; an empty text is none."`
	GroupBy []string        `json:"groupBy,omitempty" title:"Within each" widget:"fieldnames" help:"Previous and next are looked for among the records that are equal in these fields. Empty: among all."`
	Order   []node.OrderKey `json:"order,omitempty" title:"In the order of" widget:"sortkeys" help:"What previous and next mean. Empty: the order of arrival."`
}

// Fill is what becomes of the nulls of one field.
type Fill struct {
	Name  string `json:"name" title:"Field" required:"true" widget:"field"`
	With  string `json:"with" title:"Fill with" required:"true" enum:"value|previous|next"`
	Value string `json:"value,omitempty" title:"Value" widget:"expression" showIf:"with=value" example:"0"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "fillnulls", Version: 1, Title: "Fill Nulls", Category: node.CategoryTransform,
		Summary:  "Puts a value, or the one before or behind, where there is none.",
		Synonyms: []string{"impute", "imputation", "coalesce", "default", "replace nulls", "missing values", "fill down", "forward fill", "if null"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		New:      func() node.Config { return &Config{} },
		Files:    files,
	})
}

// Plan checks the values and emits a projection, or a window where other records are looked at.
func (f *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	op := node.Window{Groups: c.FieldRefs("groupBy", f.GroupBy, in), Order: c.SortKeys("order", f.Order, in)}
	ok := len(op.Groups) == len(f.GroupBy) && len(op.Order) == len(f.Order)
	schema := slices.Clone(in)
	names := make([]string, len(f.Fields))
	for i, fill := range f.Fields {
		names[i] = fill.Name
		at := fmt.Sprintf("fields[%d]", i)
		field, found := c.Field(at+".name", fill.Name, in)
		if !found {
			ok = false
			continue
		}
		col := node.WindowColumn{Name: fill.Name, Func: node.WindowFunc(fill.With), Arg: c.FieldRef(fill.Name, in), Type: field.Type}
		if fill.With == "value" {
			col.Func, col.Arg = node.WindowValue, value(c, at+".value", fill, field, in)
			if col.Arg == nil {
				ok = false
				continue
			}
			col.Type = col.Arg.Type()
		}
		op.Columns = append(op.Columns, col)
		schema[schema.Index(fill.Name)].Type = col.Type
	}
	if !c.Unique("fields", names) || !ok || len(op.Columns) == 0 {
		return
	}
	if slices.ContainsFunc(op.Columns, func(c node.WindowColumn) bool { return c.Func != node.WindowValue }) {
		c.Emit(node.Out, op, schema)
	} else {
		c.Emit(node.Out, projection(c, op, in), schema)
	}
}

// value compiles what replaces null: the field's type or a wider one, and never an error.
func value(c *node.Context, at string, fill Fill, field flows.Field, in flows.Schema) expr.Expr {
	v := c.Expr(at, fill.Value, in)
	if v == nil {
		return nil
	}
	e, err := expr.Compile("coalesce("+flows.QuoteName(fill.Name)+", "+fill.Value+"\n)", expr.Env{Fields: in, Params: c.Params})
	switch {
	case err != nil:
		c.Problem(at, "expr.type", fmt.Sprintf("the value is of type %s and the field of type %s", v.Type(), field.Type), "write a value of the field's type")
		return nil
	case expr.Fallible(e):
		c.Problem(at, "fillnulls.fallible", "the value can be an error for some record", "compute it before, in a Formula")
		return nil
	}
	return e
}

// projection is the window whose columns all come from the record itself.
func projection(c *node.Context, w node.Window, in flows.Schema) node.Project {
	var p node.Project
	for _, f := range in {
		p.Columns = append(p.Columns, node.Column{Name: f.Name, Expr: c.FieldRef(f.Name, in)})
	}
	for _, col := range w.Columns {
		p.Columns[in.Index(col.Name)].Expr = col.Arg
	}
	return p
}
