package duckdb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	"spark/flows/node"
)

const (
	// callSlice is how many records are looked after together, and callSlices how many of such slices wait.
	callSlice  = 256
	callSlices = 4
	// callBytes is how much the results that wait for those before them may hold: then no other record is begun.
	callBytes = 32 << 20
	// callPause is how long a result that could go on waits for others.
	callPause = 100 * time.Millisecond
)

// caller hands records to the function of a call, several at once, and what comes back on in their order.
type caller struct {
	op           node.Call
	calls        node.Calls
	passed       int         // columns that travel; then come the arguments, the raw record and the error
	file, record int         // columns of the origin, -1 where there is none
	sites        []errorSite // what the codes of arguments without a value mean
	emit         func(node.Batch) error
	reject       func(node.Reject) error
	stats        callStats

	slices chan *slice
	wake   chan struct{} // what deliver waits for may be done
	hasty  atomic.Bool   // deliver takes whatever is done, not only a whole slice

	mu      sync.Mutex
	changed *sync.Cond // something of these
	ready   []*slice   // with records that are not begun
	over    bool       // no more slices come
	bytes   int64      // of results that have not gone on
}

// callStats are the books of a call.
type callStats struct{ taken, passed, refused int64 }

// slice is some records on their way.
type slice struct {
	records  arrow.RecordBatch
	prepared []any
	begun    int
	results  [][]any
	refused  []*node.Reject
	sizes    []int64
	done     []atomic.Bool
	left     atomic.Int64 // records that are not done
}

func newCaller(op node.Call, calls node.Calls, passed int, sites []errorSite, emit func(node.Batch) error, reject func(node.Reject) error) *caller {
	c := &caller{op: op, calls: calls, passed: passed, sites: sites, file: -1, record: -1, emit: emit, reject: reject, slices: make(chan *slice, callSlices), wake: make(chan struct{}, 1)}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// run takes the records that produce hands over, and returns when all of them have gone on.
func (c *caller) run(ctx context.Context, produce func(take func(arrow.RecordBatch) error) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { c.tell(func() {}) })()
	var wg sync.WaitGroup
	for range max(1, c.op.Parallel) {
		wg.Go(func() {
			for {
				s, row := c.next(ctx)
				if s == nil {
					return
				}
				if err := c.one(ctx, s, row); err != nil {
					cancel(err)
				}
			}
		})
	}
	emitted := make(chan struct{})
	go func() {
		defer close(emitted)
		for s := range c.slices {
			if err := c.deliver(ctx, s); err != nil {
				cancel(err)
				defer s.records.Release() // calls may still read their arguments
				continue
			}
			s.records.Release()
		}
	}()
	produced := produce(func(b arrow.RecordBatch) error { return c.take(ctx, b) })
	c.tell(func() { c.over = true })
	wg.Wait()
	close(c.slices)
	<-emitted
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return produced
}

// take divides a batch into slices and begins their records.
func (c *caller) take(ctx context.Context, b arrow.RecordBatch) error {
	for from := int64(0); from < b.NumRows(); from += callSlice {
		n := min(callSlice, b.NumRows()-from)
		s := &slice{records: b.NewSlice(from, from+n), prepared: make([]any, n), results: make([][]any, n), refused: make([]*node.Reject, n), sizes: make([]int64, n), done: make([]atomic.Bool, n)}
		s.left.Store(n)
		for row := range int(n) {
			c.prepare(s, row)
		}
		select {
		case c.slices <- s:
		case <-ctx.Done():
			s.records.Release()
			return context.Cause(ctx)
		}
		c.tell(func() { c.ready = append(c.ready, s) })
		c.stats.taken += n
	}
	return nil
}

// tell changes what next waits for.
func (c *caller) tell(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	c.changed.Broadcast()
}

// prepare reads the arguments of a record, or refuses it where one has no value.
func (c *caller) prepare(s *slice, row int) {
	if code := s.records.Column(c.passed + len(c.op.Args) + 1).(*array.Int32); !code.IsNull(row) {
		site := c.sites[code.Value(row)-1]
		s.refused[row] = &node.Reject{Code: site.Code, Field: site.column, Reason: site.Message}
		return
	}
	s.prepared[row] = c.calls.Prepare(func(i int) (string, bool) {
		col := s.records.Column(c.passed + i).(*array.String)
		if col.IsNull(row) {
			return "", false
		}
		return col.Value(row), true
	})
}

// next waits for a record, and for room for its results; nil: there is none any more. Records are begun in their order,
// so that the first of those that are not done never waits for room.
func (c *caller) next(ctx context.Context) (*slice, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case ctx.Err() != nil || c.over && len(c.ready) == 0:
			return nil, 0
		case len(c.ready) == 0 || c.bytes > callBytes:
			c.changed.Wait()
			continue
		}
		s := c.ready[0]
		row := s.begun
		if s.begun++; s.begun == len(s.done) {
			c.ready[0], c.ready = nil, c.ready[1:]
		}
		return s, row
	}
}

// one calls the function for a record.
func (c *caller) one(ctx context.Context, s *slice, row int) error {
	if s.refused[row] != nil {
		c.finish(s, row)
		return nil
	}
	results, refused, err := c.calls.Call(ctx, s.prepared[row])
	if err != nil {
		return err
	}
	if refused == nil && len(results) != len(c.op.Results) {
		return fmt.Errorf("%s returned %d of %d results", c.op.Caller, len(results), len(c.op.Results))
	}
	s.prepared[row], s.results[row], s.refused[row] = nil, results, refused
	for _, v := range results {
		if text, ok := v.(string); ok {
			s.sizes[row] += int64(len(text))
		}
	}
	c.finish(s, row)
	return nil
}

// finish says that a record is done, and wakes deliver where that is worth it: once per slice as long as nothing is late.
func (c *caller) finish(s *slice, row int) {
	full := false
	if size := s.sizes[row]; size > 0 {
		c.mu.Lock()
		c.bytes += size
		full = c.mostly()
		c.mu.Unlock()
	}
	s.done[row].Store(true) // before hasty is read: see deliver
	if s.left.Add(-1) == 0 || full || c.hasty.Load() {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

// deliver hands the records of a slice on as they are done, in their order.
func (c *caller) deliver(ctx context.Context, s *slice) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	pause := time.NewTicker(callPause)
	defer pause.Stop()
	n, late := len(s.done), false
	c.hasty.Store(false)
	for from, to := 0, 0; from < n; {
		for to < n && s.done[to].Load() {
			to++
		}
		if to == n || to > from && (late || c.full()) {
			if err := c.hand(s, from, to); err != nil {
				return err
			}
			from, late = to, false
			c.hasty.Store(false)
			continue
		}
		select {
		case <-c.wake:
		case <-pause.C:
			late = true
			c.hasty.Store(true) // what is done after the next look wakes
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (c *caller) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mostly()
}

// mostly reports whether results should go on soon; the lock is held.
func (c *caller) mostly() bool { return c.bytes > callBytes/8 }

// hand hands some records of a slice on, with their results, and tells those that are refused.
func (c *caller) hand(s *slice, from, to int) error {
	var freed int64
	for row := from; row < to; row++ {
		freed += s.sizes[row]
		rej := s.refused[row]
		if rej == nil {
			c.stats.passed++
			continue
		}
		c.stats.refused++
		c.place(s, row, rej)
		if err := c.reject(*rej); err != nil {
			return err
		}
	}
	b, err := c.batch(s, from, to)
	if err != nil {
		return err
	}
	c.tell(func() { c.bytes -= freed })
	return c.emit(node.Batch{Records: b})
}

// place says which record a reject is.
func (c *caller) place(s *slice, row int, rej *node.Reject) {
	if raw := s.records.Column(c.passed + len(c.op.Args)).(*array.String); !raw.IsNull(row) {
		rej.Raw = strings.Clone(raw.Value(row))
	}
	if c.file < 0 {
		return
	}
	if file := s.records.Column(c.file).(*array.String); !file.IsNull(row) {
		rej.File = strings.Clone(file.Value(row))
	}
	if number := s.records.Column(c.record).(*array.Int64); !number.IsNull(row) {
		rej.Record = number.Value(row)
	}
}

// batch is what goes on of some records: what travels, the results, and whether each goes on.
func (c *caller) batch(s *slice, from, to int) (arrow.RecordBatch, error) {
	part := s.records.NewSlice(int64(from), int64(to))
	defer part.Release()
	cols, fields := slices.Clone(part.Columns()[:c.passed]), slices.Clone(part.Schema().Fields()[:c.passed])
	mem := mallocator.NewMallocator()
	for i, f := range c.op.Results {
		b := array.NewBuilder(mem, node.ArrowType(f.Type))
		defer b.Release()
		for row := from; row < to; row++ {
			if err := appendResult(b, s.results[row], i); err != nil {
				return nil, fmt.Errorf("result %s: %w", f.Name, err)
			}
			if s.results[row] != nil {
				s.results[row][i] = nil
			}
		}
		a := b.NewArray()
		defer a.Release()
		cols, fields = append(cols, a), append(fields, arrow.Field{Name: f.Name, Type: a.DataType(), Nullable: true})
	}
	ok := array.NewBooleanBuilder(mem)
	defer ok.Release()
	for row := from; row < to; row++ {
		ok.Append(s.refused[row] == nil)
	}
	a := ok.NewArray()
	defer a.Release()
	cols, fields = append(cols, a), append(fields, arrow.Field{Name: callOK, Type: a.DataType(), Nullable: true})
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, int64(to-from)), nil
}

// appendResult adds the i-th result of a record, null where it has none.
func appendResult(b array.Builder, results []any, i int) error {
	if results == nil || results[i] == nil {
		b.AppendNull()
		return nil
	}
	v := results[i]
	switch b := b.(type) {
	case *array.Int64Builder:
		n, ok := v.(int64)
		if ok {
			b.Append(n)
			return nil
		}
	case *array.Float64Builder:
		n, ok := v.(float64)
		if ok {
			b.Append(n)
			return nil
		}
	case *array.BooleanBuilder:
		t, ok := v.(bool)
		if ok {
			b.Append(t)
			return nil
		}
	case *array.StringBuilder:
		t, ok := v.(string)
		if ok {
			b.Append(t)
			return nil
		}
	}
	return fmt.Errorf("a value of type %T cannot stand there", v)
}
