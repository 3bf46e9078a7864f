package node

import (
	"slices"

	"spark/flows"
	"spark/flows/expr"
)

// Op is a relational operator: what an output port of a node means, in terms of the node's inputs. Engines execute
// operators; they never see node types.
type Op interface{ op() }

// Column is a named expression over the input's fields.
type Column struct {
	Name string
	Expr expr.Expr
}

// Read produces the records of a source.
type Read struct {
	Source Source
	Schema flows.Schema
	Limit  int64 // reads the first records only; 0: all
}

// Filter keeps the records whose condition is true or, negated, those where it is false or null.
type Filter struct {
	Cond   expr.Expr
	Negate bool
}

// Project computes the fields of a record from the fields of the input record, one for one.
type Project struct {
	// Shared are computed once per record, before the others, which read them like fields; so do later ones of them. They
	// cannot fail.
	Shared  []Column
	Columns []Column
	Checks  []Check
	Keep    bool // the records are computed once, and complete, before anything that reads them begins
}

// Stop passes records on and fails the run at one for which a condition is true, with a message that is a text. Neither
// can fail. It sees all records, also where what reads it needs only some.
type Stop struct{ Cond, Message expr.Expr }

// Check refuses the records for which a condition is true. The condition itself cannot fail. Checks are looked at before
// what the columns say.
type Check struct {
	Cond          expr.Expr
	Field         string // that is to blame
	Code, Message string // of the reject
	Fail          bool   // such a record fails the run, whatever the node does with others that it refuses
	// Explain says more about the value of Field in the input, as rejects write it; nil or "" where there is nothing to say.
	Explain func(value string) string
	// Why is a text that says more about the record; nil where there is nothing to say. It cannot fail.
	Why expr.Expr
}

// Reads lists the fields of the input that the columns read, as far as they are needed or can fail, and the checks; and
// what of Shared they read, in its order.
func (p Project) Reads(needed []string) (all []string, shared []Column) {
	for _, c := range p.Columns {
		if slices.Contains(needed, c.Name) || expr.Fallible(c.Expr) {
			all = append(all, expr.Fields(c.Expr)...)
		}
	}
	return p.sharing(append(all, p.checked()...))
}

// checked lists what the checks read.
func (p Project) checked() (all []string) {
	for _, k := range p.Checks {
		all = append(all, expr.Fields(k.Cond)...)
		all = append(all, expr.Fields(k.Why)...)
	}
	return all
}

// sharing puts what shared columns read in the place of those that are read.
func (p Project) sharing(all []string) (rest []string, shared []Column) {
	for i := len(p.Shared) - 1; i >= 0; i-- {
		is := func(name string) bool { return name == p.Shared[i].Name }
		if slices.ContainsFunc(all, is) {
			all = append(slices.DeleteFunc(all, is), expr.Fields(p.Shared[i].Expr)...)
			shared = append(shared, p.Shared[i])
		}
	}
	slices.Reverse(shared)
	return all, shared
}

// JoinKind is the kind of a join.
type JoinKind string

// The join kinds.
const (
	JoinInner JoinKind = "inner"
	JoinLeft  JoinKind = "left"
	JoinRight JoinKind = "right"
	JoinFull  JoinKind = "full"
	JoinSemi  JoinKind = "semi"
	JoinAnti  JoinKind = "anti"
)

// The names of a join's input ports.
const (
	Left  = "left"
	Right = "right"
)

// JoinField is a field of a join's output: a field of one side under its name in the output.
type JoinField struct {
	Side  string // Left or Right
	Field string
	As    string
}

// JoinKey is one pair of expressions that must be equal. Null equals nothing.
type JoinKey struct{ Left, Right expr.Expr }

// Join matches records of two inputs.
type Join struct {
	Kind   JoinKind
	Keys   []JoinKey
	Fields []JoinField
}

// Reference is the name of the input port of what records are looked up in; they are at In.
const Reference = "reference"

// Policy says what a lookup does with a record that has no match, or several.
type Policy string

// The policies.
const (
	PolicyNull   Policy = "null"   // no match: the fields of the reference are null
	PolicyDrop   Policy = "drop"   // no match: the record ends here
	PolicyRefuse Policy = "refuse" // no match, or several: the record is refused
	PolicyFirst  Policy = "first"  // several: the first one in the order of the reference
	PolicyAll    Policy = "all"    // several: one record of each
)

// Enrich adds fields of a reference to records whose keys are equal; the left side of Keys and Fields are the records, the
// right one is the reference. Null equals nothing.
type Enrich struct {
	Keys          []JoinKey
	Fields        []JoinField
	NoMatch, Many Policy
	Order         []SortKey // of the reference, for PolicyFirst; equal ones count in the order in which they arrive
}

// Refuses reports whether a record can be refused.
func (l Enrich) Refuses() bool { return l.NoMatch == PolicyRefuse || l.Many == PolicyRefuse }

// Union puts the records of its inputs one behind the other, in the order of the inputs; Distinct keeps one of those that
// are equal in all fields, in no particular order.
type Union struct {
	Inputs   [][]Column // by input: every field of the output
	Distinct bool
}

// Aggregate makes one record of each group; without Keys one record in all.
type Aggregate struct {
	Keys []Column
	Aggs []Column // expressions with aggregate functions
}

// SortKey is one criterion of an order.
type SortKey struct {
	Expr       expr.Expr
	Descending bool
	NullsFirst bool
}

// Sort puts records in order; equal ones keep no particular order.
type Sort struct{ Keys []SortKey }

// Limit passes Count records after the first Offset ones and then stops its input.
type Limit struct{ Count, Offset int64 }

// Write hands the records to a target: a FileSink, which engines write by themselves, or a BatchTarget.
type Write struct {
	Target Target
	// Args are what a BatchTarget gets of each record in the place of its fields, as texts. A record of which one fails
	// fails the run.
	Args []Column
}

func (Read) op()      {}
func (Filter) op()    {}
func (Project) op()   {}
func (Join) op()      {}
func (Stop) op()      {}
func (Enrich) op()    {}
func (Union) op()     {}
func (Aggregate) op() {}
func (Sort) op()      {}
func (Limit) op()     {}
func (Write) op()     {}
