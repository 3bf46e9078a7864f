package node

import (
	"slices"

	"spark/flows/expr"
)

// Elements makes one record of each element of a list. A record that is refused is so once, whatever its list has.
type Elements struct {
	Record Project   // what is computed and checked once per record; it has no columns
	List   expr.Expr // reads what Record shares, too; it cannot fail
	// Item and Position are the fields in which Each reads the element and its place in the list, from 1. Both are null
	// for a record without elements.
	Item, Position string
	KeepEmpty      bool // a record without elements goes on once
	Each           Project
	// Field is the field of the input in which the list is an array at Path of a JSON text. A reject of an element has the text
	// with that element alone, so that no other goes through the flow again with it; where its reason says Path[*], it
	// says which element that is.
	Field, Path string
}

func (Elements) op() {}

// Checks are those of the record, and then those of the element.
func (e Elements) Checks() []Check { return slices.Concat(e.Record.Checks, e.Each.Checks) }

// Reads lists the fields of the input that are read, and what of the shared columns: of the record and of the element.
func (e Elements) Reads(needed []string) (all []string, record, each []Column) {
	all, each = e.Each.Reads(needed)
	all = slices.DeleteFunc(all, func(name string) bool { return name == e.Item || name == e.Position })
	all = append(all, expr.Fields(e.List)...)
	all = append(all, e.Record.checked()...)
	all, record = e.Record.sharing(all)
	return all, record, each
}
