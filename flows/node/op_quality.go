package node

import (
	"spark/flows"
	"spark/flows/expr"
)

// Expect passes records on and looks whether they, or all of them together, are as they are expected to be. It sees all
// records, also where what reads it needs only some. Rules are looked at in their order; a record that breaks one with
// LevelFail fails the run, else one with LevelReject is refused.
type Expect struct{ Rules []Rule }

// Level says what a broken rule leads to.
type Level string

// The levels.
const (
	LevelFail   Level = "fail"   // the run fails
	LevelReject Level = "reject" // the record is refused; the node's policy decides what that means
	LevelWarn   Level = "warn"   // it is counted and told
)

// Rule is one expectation, on each record or on all of them: exactly one of Broken, Unique, Records and Some is set.
type Rule struct {
	Name          string // as people read it
	Level         Level
	Code, Message string // of what breaks it
	Field         string // that is to blame
	// Broken is true for a record that breaks the rule. It cannot fail.
	Broken expr.Expr
	// Unique: a record breaks the rule that has the same values here, none of them null, as one that arrived before it.
	Unique []expr.Expr
	// Records bounds how many records there are.
	Records *Bounds
	// Some must be true for at least one record. It cannot fail.
	Some expr.Expr
}

// Bounds are a smallest and a largest number; nil where there is none.
type Bounds struct{ Least, Most *int64 }

// Whole reports whether the rule is about all records together.
func (r Rule) Whole() bool { return r.Records != nil || r.Some != nil }

// Profile makes one record of each field: what its values are like. ProfileSchema are its fields.
type Profile struct {
	Fields []string
	// Distinct counts different values; without it that field is null.
	Distinct bool
}

func (Expect) op()  {}
func (Profile) op() {}

// ProfileSchema are the fields of a Profile's records. Minimum and maximum are written as Convert Types writes texts, bytes as base64;
// mean and deviation are those of finite numbers below 1e150, shortest and longest in characters.
var ProfileSchema = flows.Schema{
	{Name: "field", Type: flows.Of(flows.Text)}, {Name: "type", Type: flows.Of(flows.Text)},
	{Name: "records", Type: flows.Of(flows.Int64)}, {Name: "nulls", Type: flows.Of(flows.Int64)}, {Name: "distinct", Type: flows.Of(flows.Int64)},
	{Name: "minimum", Type: flows.Of(flows.Text)}, {Name: "maximum", Type: flows.Of(flows.Text)},
	{Name: "mean", Type: flows.Of(flows.Double)}, {Name: "deviation", Type: flows.Of(flows.Double)},
	{Name: "empty", Type: flows.Of(flows.Int64)}, {Name: "shortest", Type: flows.Of(flows.Int64)}, {Name: "longest", Type: flows.Of(flows.Int64)},
}
