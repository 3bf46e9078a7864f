// Package rowid is the node type Row ID: it gives every record a key.
package rowid

import (
	"embed"
	"slices"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// farthest bounds the first number, so that no record's number is too large.
const farthest = 1_000_000_000_000_000

// Config are the settings of a Row ID.
type Config struct {
	Name   string          `json:"name" title:"Field" required:"true" help:"A name that exists is changed in its place, a new one comes first."`
	Kind   string          `json:"kind" title:"Key" enum:"number|uuid|hash" help:"A number counts the records, a UUID is random, a hash is the same for the same values."`
	Start  int64           `json:"start" title:"From" showIf:"kind=number" help:"The number of the first record."`
	Order  []node.OrderKey `json:"order,omitempty" title:"In the order of" widget:"sortkeys" showIf:"kind=number" help:"Empty: the order of arrival."`
	Fields []string        `json:"fields,omitempty" title:"Of the fields" widget:"fieldnames" showIf:"kind=hash" help:"Empty: all fields."`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "rowid", Version: 1, Title: "Row ID", Category: node.CategoryTransform,
		Summary:  "Gives every record a number, a UUID or a hash of its values.",
		Synonyms: []string{"record id", "row number", "sequence", "surrogate key", "uuid", "guid", "hash key", "index"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		New:      func() node.Config { return &Config{Name: "row_id", Kind: "number", Start: 1} },
		Files:    files,
	})
}

// Plan emits a window for numbers and a projection for the others.
func (r *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	if r.Kind == "number" {
		order := c.SortKeys("order", r.Order, in)
		if r.Start > farthest || r.Start < -farthest {
			c.Problem("start", "rowid.start", "numbers begin between minus and plus 10^15", "choose a smaller number")
			return
		}
		col := node.WindowColumn{Name: r.Name, Func: node.WindowNumber, Offset: r.Start, Type: flows.Of(flows.Int64)}
		if len(order) == len(r.Order) {
			c.Emit(node.Out, node.Window{Order: order, Columns: []node.WindowColumn{col}}, r.with(col.Type, in))
		}
		return
	}
	src := "uuid()"
	if r.Kind == "hash" {
		names := r.Fields
		if len(names) == 0 {
			names = in.Names()
		}
		text, ok := c.Fingerprint("fields", names, in)
		if !ok {
			return
		}
		src = "md5(" + text + ")"
	}
	if e := c.Expr("kind", src, in); e != nil {
		c.Emit(node.Out, r.projection(c, e, in), r.with(e.Type(), in))
	}
}

// with is the schema with the key.
func (r *Config) with(t flows.Type, in flows.Schema) flows.Schema {
	schema := slices.Clone(in)
	if at := in.Index(r.Name); at >= 0 {
		schema[at].Type = t
		return schema
	}
	return slices.Insert(schema, 0, flows.Field{Name: r.Name, Type: t})
}

func (r *Config) projection(c *node.Context, key expr.Expr, in flows.Schema) node.Project {
	var p node.Project
	for _, f := range r.with(key.Type(), in) {
		e := key
		if f.Name != r.Name {
			e = c.FieldRef(f.Name, in)
		}
		p.Columns = append(p.Columns, node.Column{Name: f.Name, Expr: e})
	}
	return p
}
