package node

import (
	"context"
	"time"

	"spark/flows"
	"spark/flows/expr"
)

// Dialect is how one kind of database is read and written.
type Dialect interface {
	// Describe returns the columns of a table or query as fields.
	Describe(ctx context.Context, c Connection, from Select) (flows.Schema, error)
	// Tables lists the tables and views whose name contains search, at most 1,000 of them.
	Tables(ctx context.Context, c Connection, search string) ([]flows.Table, error)
	// Columns lists the columns of a table in their order.
	Columns(ctx context.Context, c Connection, table string) ([]flows.Column, error)
	// Read delivers the records of a selection.
	Read(ctx context.Context, c Connection, from Select, r *Reading) (ReadStats, error)
	// Window counts what an incremental selection would read after an offset.
	Window(ctx context.Context, c Connection, from Select, after Offset) (flows.CursorWindow, error)
	// Condition writes a condition in the database's SQL where it means exactly the same there; the error says what does
	// not.
	Condition(cond expr.Expr) (string, error)
	// Open prepares the writing of a table in one transaction.
	Open(ctx context.Context, c Connection, to TableLoad, w *Writing) (BatchSink, error)
}

// Select says what is read: a table, with a condition where there is one, or a query.
type Select struct {
	Table string `json:"table,omitempty"` // schema.table, each part quoted where it must be
	Where string `json:"where,omitempty"` // condition in the database's own SQL
	Query string `json:"query,omitempty"`
	// Fields are the columns that are read, with the types that they were described with. Empty in a question.
	Fields flows.Schema `json:"fields,omitempty"`
	// Connections that a table is read over at most; 0: as the dialect sees fit, 1: in the table's order.
	Connections int `json:"connections,omitempty"`
	// Incremental reads what is new only; nil reads all records.
	Incremental *Incremental `json:"incremental,omitempty"`
}

// Incremental says what is new: records whose cursor lies above the one that was reached, up to a bound below which
// nothing is expected to come late.
type Incremental struct {
	Cursor  string   `json:"cursor"`            // column
	Key     []string `json:"key,omitempty"`     // columns that order records of one cursor value
	Start   string   `json:"start,omitempty"`   // smallest value of the first run, included
	Overlap string   `json:"overlap,omitempty"` // is read again: a number, or a time such as 5 minutes
	Lag     string   `json:"lag,omitempty"`     // how far the upper bound of a time stays behind the clock
	Zone    string   `json:"zone,omitempty"`    // of a date, or of a timestamp without one; empty: UTC
}

// LoadMode is what becomes of the records of a table.
type LoadMode string

// The modes. Whatever the mode, a load is whole or not at all.
const (
	LoadAppend   LoadMode = "append"   // added to what is there
	LoadTruncate LoadMode = "truncate" // in place of what is there; who reads meanwhile waits
	LoadReplace  LoadMode = "replace"  // in place of what is there; who reads meanwhile sees the old records
	LoadUpsert   LoadMode = "upsert"   // by key: updated where they are there, else inserted
	LoadUpdate   LoadMode = "update"   // by key: updated where they are there, else left out
	LoadDelete   LoadMode = "delete"   // by key: deleted
)

// Keyed reports whether the mode finds records by their key.
func (m LoadMode) Keyed() bool { return m == LoadUpsert || m == LoadUpdate || m == LoadDelete }

// Missing is what is done when the table, or a column of it, is missing.
type Missing string

// What is done about a missing table or column.
const (
	MissingFail   Missing = "fail"
	MissingCreate Missing = "create"
)

// Misfit is what is done when a column is too small for its field.
type Misfit string

// What is done about a column that is too small.
const (
	MisfitFail  Misfit = "fail"
	MisfitWiden Misfit = "widen" // it gets a type that holds all values of the field, and all that it holds now
)

// TableLoad says how a table is written.
type TableLoad struct {
	Table    string
	Mode     LoadMode
	Key      []string // columns, in keyed modes
	Columns  []LoadColumn
	NoTable  Missing
	NoColumn Missing
	NoFit    Misfit
	// LockTimeout is how long the load waits for others that hold the table.
	LockTimeout time.Duration
	BeforeSQL   string // executed in the transaction, before the load
	AfterSQL    string // executed in the transaction, after the load
}

// LoadColumn is a field and the column that takes it.
type LoadColumn struct {
	Field flows.Field
	Name  string
}
