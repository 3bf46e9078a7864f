package node

import (
	"context"
	"encoding/json"

	"github.com/apache/arrow-go/v18/arrow"
)

// Offset is how far a source has been read, in the source's own terms. nil: the source cannot go on from somewhere.
type Offset []byte

// Batch is records with the offset that is reached once they are committed.
type Batch struct {
	Records arrow.RecordBatch
	Offset  Offset
}

// Token is the permission to commit one epoch of a run. A target that can hold it compares the fence with the one it
// holds, and stores the offsets, in the transaction that makes the records visible. A run over whole files or tables is
// one epoch.
type Token struct {
	Run     string
	Attempt int
	Epoch   int
	Fence   int64             // grows with every lease of the run
	Offsets map[string]Offset // by source node
}

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
	// Write takes over records. They are not visible before the commit.
	Write(ctx context.Context, b arrow.RecordBatch) error
}

// FileSink describes a file to be written: whole, or not at all.
type FileSink struct {
	Path     string          // below a data folder, or absolute inside one
	Format   string          // name of a registered format
	Compress string          // "", "gzip" or, where the format has it, its own codecs
	Options  json.RawMessage // of the format
	IfExists string          // "replace" or "fail"
}
