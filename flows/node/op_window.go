package node

import (
	"slices"

	"spark/flows"
	"spark/flows/expr"
)

// Pick passes the first Count records of each group or, with Rest, all but those. Records that are equal in the order
// count in the order in which they arrive.
type Pick struct {
	Keys  []expr.Expr // what the records of a group have in common, null being equal to null; empty: one group
	Order []SortKey
	Last  bool // the last records instead of the first ones
	Count int64
	Rest  bool
	// Shuffle puts a random order in the place of Order: by the lot of each record, see Draw.
	Shuffle bool
	Seed    int64
}

// Draw passes every record whose lot is at most Most or, with Rest, the others. The lot of a record is a number from
// 0 to 2^63 - 1, hash64 of the text "seed:n", n being its number from 1 in the order of arrival.
type Draw struct {
	Seed, Most int64
	Rest       bool
}

// WindowFunc is how a column of a Window is computed.
type WindowFunc string

// The window functions.
const (
	WindowValue     WindowFunc = ""           // Arg, over the record itself
	WindowNumber    WindowFunc = "row_number" // from Offset on
	WindowRank      WindowFunc = "rank"
	WindowDenseRank WindowFunc = "dense_rank"
	WindowLag       WindowFunc = "lag"  // Arg of the record Offset places before
	WindowLead      WindowFunc = "lead" // Arg of the record Offset places behind
	WindowFirst     WindowFunc = "first"
	WindowLast      WindowFunc = "last"
	WindowPrevious  WindowFunc = "previous"  // Arg of the record, or the last one before it that is not null
	WindowNext      WindowFunc = "next"      // Arg of the record, or the first one behind it that is not null
	WindowAggregate WindowFunc = "aggregate" // Arg, an expression with aggregate functions
)

// WindowColumn is a field computed from a record and others of its group.
type WindowColumn struct {
	Name   string
	Func   WindowFunc
	Arg    expr.Expr // nil where the function takes none
	Offset int64
	Whole  bool // an aggregate over the whole group; otherwise from its first record to this one
	Type   flows.Type
}

// Window adds columns to every record, or changes fields of that name. Records that are equal in the order count in
// the order in which they arrive; only for the ranks they are equal.
type Window struct {
	Groups  []expr.Expr // what the records of a group have in common, null being equal to null; empty: one group
	Order   []SortKey
	Columns []WindowColumn
}

// Streams reports whether each record goes on as it comes: it is only numbered.
func (w Window) Streams() bool {
	return len(w.Groups)+len(w.Order) == 0 && !slices.ContainsFunc(w.Columns, func(c WindowColumn) bool {
		return c.Func != WindowNumber && c.Func != WindowValue
	})
}

// Unnest makes one record of each element of a list. Several lists are of one length and are read side by side. A list
// replaces the field of its name.
type Unnest struct {
	Lists    []Column
	Position string // field for the position of the element, from 1; "": none
	// KeepEmpty: a record without elements goes on once, with nulls for element and position.
	KeepEmpty bool
	// DropNull leaves out the elements that are null in the last list.
	DropNull bool
}

func (Pick) op()   {}
func (Draw) op()   {}
func (Window) op() {}
func (Unnest) op() {}
