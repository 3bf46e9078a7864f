// Package join is the node type Join: it matches records of two inputs.
package join

import (
	"embed"
	"fmt"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Join.
type Config struct {
	Kind        string `json:"kind" title:"Kind" enum:"inner|left|right|full|semi|anti" help:"inner: matches only. left, right, full: also records without a match of that side. semi, anti: records of the left with or without a match."`
	Keys        []Key  `json:"keys" title:"Keys" required:"true" widget:"keys" help:"All pairs must be equal. Null equals nothing."`
	LeftSuffix  string `json:"leftSuffix,omitempty" title:"Suffix left" advanced:"true" help:"Appended to the left field where both sides have the name."`
	RightSuffix string `json:"rightSuffix" title:"Suffix right" advanced:"true" help:"Appended to the right field where both sides have the name."`
}

// Key is one pair of expressions.
type Key struct {
	Left  string `json:"left" title:"Left" required:"true" widget:"expression" example:"customer_id"`
	Right string `json:"right" title:"Right" required:"true" widget:"expression" example:"id"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "join", Version: 1, Title: "Join", Category: node.CategoryCombine,
		Summary:  "Matches the records of two inputs.",
		Synonyms: []string{"merge", "lookup", "combine", "inner join", "left join", "enrich"},
		Inputs:   []node.Port{{Name: node.Left, Title: "Left"}, {Name: node.Right, Title: "Right"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		New:      func() node.Config { return &Config{Kind: "inner", RightSuffix: "_right"} },
		Files:    files,
	})
}

// Plan checks the keys and names the output's fields.
func (j *Config) Plan(c *node.Context) {
	left, _ := c.Input(node.Left)
	right, _ := c.Input(node.Right)
	kind := node.JoinKind(j.Kind)
	var keys []node.JoinKey
	same := map[string]bool{} // right key fields that always equal the left field of their name
	for i, k := range j.Keys {
		at := fmt.Sprintf("keys[%d]", i)
		l, r := c.Expr(at+".left", k.Left, left), c.Expr(at+".right", k.Right, right)
		if l == nil || r == nil || !comparable(c, at, l, r) {
			continue
		}
		if expr.Fallible(l) || expr.Fallible(r) {
			c.Problem(at, "join.key_fallible", "this key cannot be computed for every record", "compute it in a Formula before the join, where such records can be refused")
			continue
		}
		keys = append(keys, node.JoinKey{Left: l, Right: r})
		lf, ok1 := l.(*expr.FieldRef)
		rf, ok2 := r.(*expr.FieldRef)
		if ok1 && ok2 && lf.Name == rf.Name && l.Type().Equal(r.Type()) && (kind == node.JoinInner || kind == node.JoinLeft) {
			same[rf.Name] = true
		}
	}
	if len(keys) < len(j.Keys) || len(keys) == 0 {
		return
	}
	fields, schema := j.fields(kind, left, right, same)
	if c.Unique("rightSuffix", schema.Names()) {
		c.Emit(node.Out, node.Join{Kind: kind, Keys: keys, Fields: fields}, schema)
	}
}

// comparable reports keys that can never be equal because of their types.
func comparable(c *node.Context, at string, l, r expr.Expr) bool {
	if _, err := expr.Compile("l = r", expr.Env{Fields: flows.Schema{{Name: "l", Type: l.Type()}, {Name: "r", Type: r.Type()}}}); err != nil {
		c.Problem(at, "join.key_types", fmt.Sprintf("a %s and a %s cannot be compared", l.Type(), r.Type()),
			fmt.Sprintf("convert one of them, such as cast(%s as %s)", l, r.Type()))
		return false
	}
	return true
}

func (j *Config) fields(kind node.JoinKind, left, right flows.Schema, same map[string]bool) ([]node.JoinField, flows.Schema) {
	var fields []node.JoinField
	var schema flows.Schema
	add := func(side string, f flows.Field, suffix string) {
		fields = append(fields, node.JoinField{Side: side, Field: f.Name, As: f.Name + suffix})
		schema = append(schema, flows.Field{Name: f.Name + suffix, Type: f.Type})
	}
	both := kind != node.JoinSemi && kind != node.JoinAnti
	for _, f := range left {
		suffix := ""
		if both && right.Index(f.Name) >= 0 && !same[f.Name] {
			suffix = j.LeftSuffix
		}
		add(node.Left, f, suffix)
	}
	for _, f := range right {
		if !both || same[f.Name] {
			continue
		}
		suffix := ""
		if left.Index(f.Name) >= 0 {
			suffix = j.RightSuffix
		}
		add(node.Right, f, suffix)
	}
	return fields, schema
}
