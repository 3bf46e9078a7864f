package node

import (
	"context"
	"fmt"

	"spark/flows"
)

// Call hands each record to a function in Go, which others may notice: it is called once for every record that arrives,
// whoever reads what comes of it. The record goes on with the function's results behind its fields, or is refused.
type Call struct {
	Caller Caller
	Args   []Column // texts that the function gets; a record for which one fails is refused
	// Results are the fields that the function adds: integers, doubles, booleans, texts and JSON.
	Results  flows.Schema
	Parallel int // records that are with the function at once; the order of the records stays
}

func (Call) op() {}

// Caller is the function of a Call. Its String goes into the plan's explanation.
type Caller interface {
	fmt.Stringer
	// Open prepares the calls of one run.
	Open(ctx context.Context, c *Calling) (Calls, error)
}

// Calling is what the calls of a run may use.
type Calling struct {
	Connections Connections
	Node        string
	Token       Token
	Temp        string // folder of this run alone, removed by its owner
	// Warn tells what does not keep the records from going on. It may be nil.
	Warn func(*flows.Error)
	// Answer is what was kept of calls that somebody has allowed while the flow was drawn. Quiet: nothing may be sent, and
	// a record of which nothing was kept has no results.
	Answer *flows.Answer
	Quiet  bool
	// Allowed is how many calls may be made although it is Quiet; each that was made is told.
	Allowed int
	Made    func(flows.CallAnswer)
}

// Calls are open.
type Calls interface {
	// Prepare is told each record in its order, before Call, by one goroutine. What it returns goes to Call.
	Prepare(args Args) any
	// Call returns the results of a record, nil for null, or why the record is refused. An error ends the run. Several
	// goroutines call it at once.
	Call(ctx context.Context, prepared any) ([]any, *Reject, error)
	// Close is called once, after all calls.
	Close() error
}

// Args are the arguments of one record: the text of the i-th one, false where it is null. The texts are valid until the
// record's Call has returned.
type Args func(i int) (string, bool)
