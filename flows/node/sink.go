package node

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/flows"
)

// Offset is how far a source has been read, in the source's own terms, as JSON. nil: the source reads all records, or has
// read none yet.
type Offset = json.RawMessage

// Batch is records on their way.
type Batch struct{ Records arrow.RecordBatch }

// Token is the permission to commit one epoch of a run. A target that can hold it compares the fence with the one it
// holds, and stores the offsets, in the transaction that makes the records visible. A run over whole files or tables is
// one epoch.
type Token struct {
	Run     string
	Attempt int
	Epoch   int
	Fence   int64 // grows with every lease of the run
	// Flow names what goes on from run to run, for offsets; empty: nothing does.
	Flow string
	// Reached are the offsets, by source node, of which this target is the only one: it stores them, and refuses them
	// where another run has gone on from the same ones.
	Reached map[string]Reach
}

// Reach is how far a run has read on.
type Reach struct{ From, To Offset }

// Sink is a target that shows everything of an epoch at once, or nothing. The calls come in this order; Abort may come
// at any time before Commit has succeeded, and after it does nothing.
type Sink interface {
	// Prepare makes what was written durable: after it, Commit fails only where the target itself does.
	Prepare(ctx context.Context) error
	// Commit makes it visible, durably.
	Commit(ctx context.Context, t Token) error
	// Abort removes every trace.
	Abort(ctx context.Context) error
}

// BatchSink is a sink that is written by Go; engines write files by themselves.
type BatchSink interface {
	Sink
	// Write takes records whose columns have the types of SinkType. They are not visible before the commit; b is
	// released by the caller after Write has returned.
	Write(ctx context.Context, b arrow.RecordBatch) error
	// Finish ends the writing and returns how many records the target says it has taken.
	Finish(ctx context.Context) (int64, error)
	// Changes tells what the commit made of the records. It is complete after Commit.
	Changes() flows.Changes
}

// OffsetSink is a sink that keeps offsets together with the records.
type OffsetSink interface {
	BatchSink
	// Offsets returns those that were committed for a flow, by source node.
	Offsets(ctx context.Context, flow string) (map[string]Offset, error)
}

// SendingSink is a sink whose commit tells others, one by one: it may take long, and a cancellation ends it in the middle.
type SendingSink interface {
	BatchSink
	// Sent is how many records were taken so far.
	Sent() int64
}

// RefusingTarget is the target of a SendingSink that may leave out records which others refuse. The last column of its records is then
// the record as a JSON object of its fields as text.
type RefusingTarget interface {
	BatchTarget
	Refuses() bool
}

// Target is where the records of a Write go. Its String goes into the plan's explanation.
type Target interface{ fmt.Stringer }

// BatchTarget is a target that Go writes.
type BatchTarget interface {
	Target
	// Open connects and checks what can be checked before the first record is read.
	Open(ctx context.Context, w *Writing) (BatchSink, error)
	// Identity names what is written, so that two nodes that write the same are found.
	Identity() string
}

// LateTarget is a target that knows whether some records can be added to those that it has taken before.
type LateTarget interface {
	Target
	// Late returns why not, and what to do; "" where they can.
	Late() (reason, suggestion string)
}

// Writing is what a sink is opened with.
type Writing struct {
	Connections Connections
	Node        string
	Schema      flows.Schema
	Token       Token  // without offsets, which are known at the commit
	Temp        string // folder of the run
	// Delivered are the keys that earlier attempts of the run have noted for the node; Deliver notes some, durably. It may be nil.
	Delivered []byte
	Deliver   func(keys []byte) error
	// Refuse stores a record that others have refused, while a RefusingTarget commits. Its error ends the commit. Several goroutines may call it.
	Refuse func(Reject) error
	// Progress tells how many of how many records a SendingSink has sent. It may be nil.
	Progress func(done, total int64)
	// Warn tells what does not keep the records from being written. It may be nil.
	Warn func(*flows.Error)
}

// FileSink describes a file to be written: whole, or not at all.
type FileSink struct {
	Path     string          // below a data folder, or absolute inside one
	Format   string          // name of a registered format
	Compress string          // "", "gzip" or, where the format has it, its own codecs
	Options  json.RawMessage // of the format
	IfExists string          // "replace" or "fail"
}

func (f FileSink) String() string { return f.Path + " as " + f.Format }

// SinkType is the type that the columns of a BatchSink's records have: ArrowType, but lists and structs are text, in the
// form of JSON files, and intervals are durations such as P14M3DT-0.5S, each part with a sign of its own.
func SinkType(t flows.Type) arrow.DataType {
	if t.Kind == flows.List || t.Kind == flows.Struct {
		return arrow.BinaryTypes.String
	}
	return ArrowType(t)
}
