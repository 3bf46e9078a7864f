package duckdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	"spark/flows"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/node"
	"spark/flows/plan"
)

// feed runs a Go source beside a statement: the source's batches go through a short queue into an Arrow stream that
// DuckDB's threads read in order.
type feed struct {
	ref      plan.Ref
	count    *sourceCount // nil for rejects, which were counted before
	part     *part        // of a call: what lies above it
	stats    node.ReadStats
	queue    chan node.Batch
	size     int  // of the queue, in batches; 0: feedQueue
	numbered bool // the stream has a column with the number of each batch
	cancel   context.CancelCauseFunc
	ended    chan struct{}
	once     sync.Once
	err      error

	blocked spent  // the source waited for a place in the queue
	starved spent  // the statement waited for a batch
	release func() // the stream, and the batch that DuckDB read last
}

// feedQueue is the number of batches that wait between a source and the statement.
const feedQueue = 4

// feedSource starts reading the source of a step, with or without numbers of its batches.
func (r *run) feedSource(ctx context.Context, st *plan.Step, read node.Read, numbered bool) (*feed, error) {
	names := columns(st)
	fields := make([]arrow.Field, len(names))
	for i, n := range names {
		f, ok := read.Schema.Find(n)
		t := arrow.DataType(arrow.BinaryTypes.String)
		_, texts := read.Source.(node.TextSource)
		switch {
		case ok && !texts:
			t = node.ArrowType(f.Type)
		case n == node.OriginRecord:
			t = arrow.PrimitiveTypes.Int64
		}
		fields[i] = arrow.Field{Name: n, Type: t, Nullable: true}
	}
	f := &feed{ref: st.Ref, count: r.sources[st.Ref.Node], numbered: numbered}
	if numbered {
		fields = append(fields, arrow.Field{Name: batchNumber, Type: arrow.PrimitiveTypes.Int64})
	}
	reading := &node.Reading{Files: r.env.Files, Connections: r.env.Connections, Node: st.Ref.Node, Fields: st.Needed, Origin: st.Origin, Threads: max(1, cmp.Or(r.env.ReadThreads, r.env.Threads)),
		Began: r.env.Began, After: r.bases[st.Ref.Node], Warn: r.warn(st.Ref.Node),
		Reject: func(rej node.Reject) error {
			rej.Node = st.Ref.Node
			f.count.rejected.Add(1)
			return r.reject(st.Node, rej)
		}, Progress: f.count.progress}
	if r.env.Pages != nil {
		reading.Pages = r.env.Pages(st.Ref.Node)
	}
	_, texts := read.Source.(node.TextSource)
	if r.env.Source != nil && !texts {
		read.Source = r.env.Source(st.Node, read)
	}
	name := fmt.Sprintf("src%d", r.taps[st.Ref])
	return f, r.start(ctx, r.conn, f, name, arrow.NewSchema(fields, nil), func(ctx context.Context) (node.ReadStats, error) {
		reading.Emit = f.emit(ctx)
		stats, err := readSource(ctx, read, reading, func() { f.count.capped.Store(true) })
		if ctx.Err() != nil {
			return stats, err
		}
		if err == nil && !stats.Complete || errors.Is(err, node.ErrEnough) || errors.Is(err, context.Canceled) {
			err = &flows.Error{Code: "source.incomplete", Message: "the source ended before it was complete", Suggestion: "nothing was written; please report this with the flow"}
		}
		if err != nil {
			e := flows.AsError(err).At(flows.Path{Node: st.Ref.Node})
			r.mu.Lock()
			err = r.decide(e)
			r.mu.Unlock()
		}
		return stats, err
	})
}

// readSource reads all records, or the first read.Limit of them; then these are all there is.
// It calls more when there are others.
func readSource(ctx context.Context, read node.Read, reading *node.Reading, more func()) (node.ReadStats, error) {
	if read.Limit == 0 {
		return read.Source.Read(ctx, reading)
	}
	emit, left := reading.Emit, read.Limit
	reading.Limit = read.Limit
	reading.Emit = func(b node.Batch) error {
		if left == 0 {
			b.Records.Release()
			return node.ErrEnough
		}
		if n := b.Records.NumRows(); n > left {
			whole := b.Records
			b.Records = whole.NewSlice(0, left)
			whole.Release()
		}
		left -= b.Records.NumRows()
		return emit(b)
	}
	stats, err := read.Source.Read(ctx, reading)
	if left == 0 && err == nil && (!stats.Complete || stats.Records > read.Limit) {
		stats.Records, stats.Complete = read.Limit, true
		more()
	}
	return stats, err
}

// start registers the stream at a connection and begins to read.
func (r *run) start(ctx context.Context, conn *capi.Conn, f *feed, name string, schema *arrow.Schema, read func(context.Context) (node.ReadStats, error)) error {
	f.queue, f.ended = make(chan node.Batch, cmp.Or(f.size, feedQueue)), make(chan struct{})
	ctx, f.cancel = context.WithCancelCause(ctx)
	var err error
	if f.release, err = conn.RegisterArrow(name, &stream{feed: f, schema: schema, ctx: ctx}); err != nil {
		f.cancel(err)
		return err
	}
	go func() {
		defer close(f.ended)
		defer close(f.queue)
		f.stats, f.err = read(ctx)
	}()
	return nil
}

// emit hands a batch over, or says that nobody wants it.
func (f *feed) emit(ctx context.Context) func(node.Batch) error {
	return func(b node.Batch) error {
		select {
		case f.queue <- b:
			return nil
		default:
		}
		f.blocked.begin()
		defer f.blocked.end()
		select {
		case f.queue <- b:
			return nil
		case <-ctx.Done():
			b.Records.Release()
			return context.Cause(ctx)
		}
	}
}

// stop ends the reading, if it has not ended, and waits for it. It may be called again.
func (f *feed) stop() {
	f.once.Do(func() {
		f.cancel(node.ErrEnough)
		<-f.ended
		for b := range f.queue { // what the statement did not want
			b.Records.Release()
		}
		f.release()
	})
}

// failure is that of a feed that has ended, nil of one that has not.
func (f *feed) failure() error {
	select {
	case <-f.ended:
		return f.failed()
	default:
		return nil
	}
}

// failed returns why the source failed, nil when it was only told to stop: then it gives these two.
func (f *feed) failed() error {
	if f.err == nil || errors.Is(f.err, node.ErrEnough) || errors.Is(f.err, context.Canceled) {
		return nil
	}
	return f.err
}

// stream is the queue as DuckDB reads it. DuckDB calls it under a lock of its own, one thread at a time.
type stream struct {
	feed   *feed
	schema *arrow.Schema
	ctx    context.Context
	cur    arrow.RecordBatch
	number int64 // of the batch that comes
	err    error
}

var _ array.RecordReader = (*stream)(nil)

func (s *stream) Retain() {}

func (s *stream) Release() {
	if s.cur != nil {
		s.cur.Release()
		s.cur = nil
	}
}

func (s *stream) Schema() *arrow.Schema { return s.schema }

func (s *stream) Next() bool {
	s.Release()
	if len(s.feed.queue) == 0 {
		s.feed.starved.begin()
		defer s.feed.starved.end()
	}
	select {
	case b, ok := <-s.feed.queue:
		if ok {
			s.cur = s.withNumber(b.Records)
			return true
		}
		<-s.feed.ended
		s.err = s.feed.failed()
	case <-s.ctx.Done():
		s.err = context.Cause(s.ctx)
	}
	return false
}

// chunkSize is how many records of a batch DuckDB takes at a time.
const chunkSize = 2048

// withNumber adds the column with its number to a batch, where the stream has one. An empty batch, which nobody sees, has none.
func (s *stream) withNumber(b arrow.RecordBatch) arrow.RecordBatch {
	if !s.feed.numbered {
		return b
	}
	defer b.Release()
	numbers := array.NewInt64Builder(mallocator.NewMallocator()) // C keeps it
	defer numbers.Release()
	numbers.Reserve(int(b.NumRows()))
	last := (b.NumRows() - 1) / chunkSize * chunkSize
	for row := range b.NumRows() {
		mark := 2 * s.number
		if row >= last {
			mark++
		}
		numbers.UnsafeAppend(mark)
	}
	if b.NumRows() > 0 {
		s.number++
	}
	column := numbers.NewArray()
	defer column.Release()
	return array.NewRecordBatch(s.schema, append(slices.Clone(b.Columns()), column), b.NumRows())
}

func (s *stream) Err() error                     { return s.err }
func (s *stream) RecordBatch() arrow.RecordBatch { return s.cur }
func (s *stream) Record() arrow.RecordBatch      { return s.cur }
