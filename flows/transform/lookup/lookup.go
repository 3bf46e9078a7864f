// Package lookup is the node type Lookup: it adds fields of a reference to records.
package lookup

import (
	"embed"
	"fmt"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Lookup.
type Config struct {
	Keys    []Key           `json:"keys" title:"Keys" required:"true" widget:"keys" help:"All pairs must be equal. Null equals nothing."`
	Fields  []Pick          `json:"fields,omitempty" title:"Fields" help:"The fields of the reference that come along. Empty: all but its keys."`
	NoMatch string          `json:"noMatch" title:"No match" enum:"null|drop|refuse" help:"null: the fields are null. drop: the record ends here. refuse: it leaves by rejects."`
	Many    string          `json:"many" title:"Several matches" enum:"first|all|refuse" help:"first: the first one counts. all: one record for each. refuse: the record leaves by rejects."`
	Order   []node.OrderKey `json:"order,omitempty" title:"First in the order of" widget:"sortkeys" showIf:"many=first" help:"Fields of the reference. Empty: the order of arrival."`
}

// Key is one pair of expressions.
type Key struct {
	In        string `json:"in" title:"Records" required:"true" widget:"expression" example:"customer_id"`
	Reference string `json:"reference" title:"Reference" required:"true" widget:"expression" example:"id"`
}

// Pick is a field of the reference.
type Pick struct {
	Reference string `json:"reference" title:"Field" required:"true" widget:"field"`
	As        string `json:"as,omitempty" title:"New name"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "lookup", Version: 1, Title: "Lookup", Category: node.CategoryCombine,
		Summary:  "Adds fields of a reference to records with the same key.",
		Synonyms: []string{"enrich", "VLOOKUP", "XLOOKUP", "reference data", "map values"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}, {Name: node.Reference, Title: "Reference"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New:      func() node.Config { return &Config{NoMatch: "null", Many: "first"} },
		Files:    files,
	})
}

// Plan checks the keys and the fields.
func (l *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	reference, _ := c.Input(node.Reference)
	op := node.Enrich{Keys: l.keys(c, in, reference), NoMatch: node.Policy(l.NoMatch), Many: node.Policy(l.Many)}
	if l.Many == "first" {
		op.Order = c.SortKeys("order", l.Order, reference)
		if len(op.Order) < len(l.Order) {
			return
		}
	}
	var schema flows.Schema
	for _, f := range in {
		op.Fields = append(op.Fields, node.JoinField{Side: node.Left, Field: f.Name, As: f.Name})
		schema = append(schema, f)
	}
	picks, ok := l.picks(c, op.Keys, reference)
	for _, p := range picks {
		f, _ := reference.Find(p.Reference)
		op.Fields = append(op.Fields, node.JoinField{Side: node.Right, Field: p.Reference, As: p.As})
		schema = append(schema, flows.Field{Name: p.As, Type: f.Type})
	}
	if ok && len(op.Keys) > 0 && len(op.Keys) == len(l.Keys) && c.Unique("fields", schema.Names()) {
		c.Emit(node.Out, op, schema)
	}
}

func (l *Config) keys(c *node.Context, in, reference flows.Schema) []node.JoinKey {
	var keys []node.JoinKey
	for i, k := range l.Keys {
		at := fmt.Sprintf("keys[%d]", i)
		left, right := c.Expr(at+".in", k.In, in), c.Expr(at+".reference", k.Reference, reference)
		switch {
		case left == nil || right == nil:
		case !equatable(left.Type(), right.Type()):
			c.Problem(at, "lookup.key_types", fmt.Sprintf("a %s and a %s cannot be compared", left.Type(), right.Type()), fmt.Sprintf("convert one of them, such as cast(%s as %s)", left, right.Type()))
		case expr.Fallible(left) || expr.Fallible(right):
			c.Problem(at, "lookup.key_fallible", "this key cannot be computed for every record", "compute it in a Formula before the lookup, where such records can be refused")
		default:
			keys = append(keys, node.JoinKey{Left: left, Right: right})
		}
	}
	return keys
}

func equatable(a, b flows.Type) bool {
	_, err := expr.Compile("a = b", expr.Env{Fields: flows.Schema{{Name: "a", Type: a}, {Name: "b", Type: b}}})
	return err == nil
}

// picks are the fields of the reference that come along, with their names.
func (l *Config) picks(c *node.Context, keys []node.JoinKey, reference flows.Schema) ([]Pick, bool) {
	var picks []Pick
	if len(l.Fields) == 0 {
		isKey := map[string]bool{}
		for _, k := range keys {
			if ref, ok := k.Right.(*expr.FieldRef); ok {
				isKey[ref.Name] = true
			}
		}
		for _, f := range reference {
			if !isKey[f.Name] {
				picks = append(picks, Pick{Reference: f.Name, As: f.Name})
			}
		}
		return picks, true
	}
	ok := true
	for i, p := range l.Fields {
		if _, found := c.Field(fmt.Sprintf("fields[%d].reference", i), p.Reference, reference); !found {
			ok = false
		}
		if p.As == "" {
			p.As = p.Reference
		}
		picks = append(picks, p)
	}
	return picks, ok
}
