package duckdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	"spark/flows"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/expr"
	"spark/flows/node"
	"spark/flows/plan"
)

// A fork of a relation that treats each record of one source for itself is no statement of its own: the first of its
// readers computes it, and the others get copies of the records that pass. DuckDB's threads compute batches in any order;
// each batch of the source has a number, by which the copies are put in order again.

// batchNumber is the column with twice the number of a batch, from 0, and one more in its last chunk.
const batchNumber = node.ReservedPrefix + "batch"

// fused is how a fork is computed by one of its readers.
type fused struct {
	source, last *plan.Step // whose batches are numbered, and whose records are handed on
	first        int        // the reader that computes it
	// moved are the filters with which the other readers begin, by reader: what they let pass is all that is copied.
	moved map[int]*plan.Step
}

// fuse finds how a fork can be computed by one of its readers, nil where it cannot.
func fuse(s *plan.Stage, f *fork) *fused {
	op, read := s.Steps[0].Op.(node.Read)
	if !read {
		return nil
	}
	if _, native := op.Source.(node.NativeSource); native || slices.ContainsFunc(s.Steps[1:], func(st *plan.Step) bool { return !single(st) }) {
		return nil
	}
	x := &fused{source: s.Steps[0], last: s.Steps[len(s.Steps)-1], first: -1, moved: map[int]*plan.Step{}}
	for i, r := range f.readers {
		for _, st := range r.Steps {
			filter, is := st.Op.(node.Filter)
			if is && st.Inputs[0].Ref == s.Target && !expr.Fallible(filter.Cond) {
				x.moved[i] = st
			}
		}
		if takesAll(r) && (x.first < 0 || x.moved[x.first] != nil && x.moved[i] == nil) {
			x.first = i
		}
	}
	if x.first < 0 {
		return nil
	}
	delete(x.moved, x.first)
	return x
}

// single reports whether a step treats each record of its one input for itself.
func single(st *plan.Step) bool {
	switch st.Op.(type) {
	case node.Filter, node.Project:
		return true
	}
	return false
}

// takesAll reports whether a reader is one statement that takes every record.
func takesAll(s *plan.Stage) bool {
	return !stopsEarly(s) && !slices.ContainsFunc(s.Steps, func(st *plan.Step) bool {
		switch st.Op.(type) {
		case node.Call, node.Stop:
			return true
		}
		return false
	})
}

// fusedInto executes a stage within the first of its readers, and the other readers beside it.
func (r *run) fusedInto(ctx context.Context, s *plan.Stage, f *fork) (*plan.Stage, error) {
	feeding, stop := r.feeding(ctx)
	defer stop()
	both, cancel := context.WithCancel(ctx)
	defer cancel()
	whole := *f.readers[f.fused.first]
	whole.Steps, whole.Reads = append(slices.Clone(s.Steps), whole.Steps...), s.Reads
	x := &execution{builder: &builder{run: r, conn: r.conn, fork: f}, stage: &whole}
	all := []*execution{x}
	defer func() {
		for _, x := range all {
			x.stopFeeds()
		}
	}()
	h := &handing{ctx: both, tee: tee{ended: make(chan struct{})}, left: map[int64]bool{}, held: map[int64][]waiting{}}
	for i, stage := range f.readers {
		if i == f.fused.first {
			continue
		}
		reader := &execution{builder: &builder{run: r, conn: r.spare[i]}, stage: stage, moved: f.fused.moved[i]}
		all = append(all, reader)
		schema := f.handed(f.fused.last, i)
		if err := reader.follow(feeding, &h.tee, f.fused.last, schema, i, f.taps[i]); err != nil {
			return stage, err
		}
		h.schemas, h.small = append(h.schemas, arrowSchema(schema)), append(h.small, nil)
	}
	if err := r.conn.Fork(&capi.Fork{Schemas: h.schemas, Take: h.take, Left: h.leave}); err != nil {
		return s, err
	}
	defer func() { _ = r.conn.Fork(nil) }()
	if err := x.begin(feeding); err != nil {
		return s, err
	}
	x.activity.handing = &h.tee.handing
	if failed, err := r.executeTogether(all, cancel, func(i int, x *execution) (int64, error) {
		if i == 0 {
			n, err := x.finish(both)
			return n, h.end(err)
		}
		defer x.stopFeeds() // a reader that has enough keeps nobody waiting
		return x.finish(both)
	}); err != nil {
		return failed, err
	}
	return r.balanceFork(f, s, r.counts()[s.Target])
}

// numbers reports whether the batches of a step get numbers in this statement.
func (b *builder) numbers(st *plan.Step) bool { return b.fork != nil && st == b.fork.fused.source }

// handing stands between the last step of a fused fork and its first reader: it hands the records to the others.
func (b *builder) handing() (string, error) {
	f := b.fork
	sql, id := fmt.Sprintf("SELECT * FROM %s WHERE tap(%d)", b.relation(f.fused.last.Ref), f.taps[f.fused.first]), 0
	for i := range f.readers {
		if i == f.fused.first {
			continue
		}
		give := fmt.Sprintf("fork_to(%d", id)
		for _, field := range f.handed(f.fused.last, i) {
			give += ", " + leave(quoteName(field.Name), field.Type, 0)
		}
		give += ")"
		if moved := f.fused.moved[i]; moved != nil {
			cond, err := b.condition(moved.Op.(node.Filter))
			if err != nil {
				return "", flows.AsError(err).At(flows.Path{Node: moved.Ref.Node})
			}
			give = fmt.Sprintf("CASE WHEN tapf(%d, %s) THEN %s ELSE true END", b.run.taps[moved.Ref], cond.Value, give)
		}
		sql = fmt.Sprintf("SELECT * FROM (%s) WHERE %s", sql, give)
		id++
	}
	return fmt.Sprintf("SELECT * FROM (%s) WHERE fork_past(0)", sql), nil
}

// handing hands copies of records to the readers of a fused fork, in the order of the source. DuckDB's threads call it, and
// wait while a reader is busy. Nobody waits for a batch: records of later ones are held.
type handing struct {
	ctx     context.Context
	schemas []*arrow.Schema // by reader
	mu      sync.Mutex
	tee     tee
	next    int64                 // the first batch that may have more records
	left    map[int64]bool        // later ones that are over
	held    map[int64][]waiting   // records of later ones
	small   [][]arrow.RecordBatch // that are handed on together, by reader
	over    bool                  // threads of a statement that was given up may still come
}

var errHandedOver = errors.New("the fork has ended")

// What a filter leaves of a batch is handed on together with what it leaves of the next ones: each batch costs DuckDB as
// much memory as a full one.
const (
	smallBatch = 1024 // records
	fullBatch  = 8192
	mostSmall  = 256 // batches, each of which takes memory
)

type waiting struct {
	reader  int
	records arrow.RecordBatch
}

func (h *handing) take(reader int, number int64, records arrow.RecordBatch) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := waiting{reader, records}
	switch {
	case h.over:
		records.Release()
		return errHandedOver
	case number < h.next:
		records.Release()
		return fmt.Errorf("records of batch %d come behind those of batch %d", number, h.next)
	case number > h.next:
		h.held[number] = append(h.held[number], c)
		return nil
	}
	return h.pass(c)
}

func (h *handing) pass(c waiting) error {
	h.small[c.reader] = append(h.small[c.reader], c.records)
	n := int64(0)
	for _, b := range h.small[c.reader] {
		n += b.NumRows()
	}
	if c.records.NumRows() < smallBatch && n < fullBatch && len(h.small[c.reader]) < mostSmall {
		return nil
	}
	return h.flush(c.reader)
}

// flush hands on what a reader has not got yet.
func (h *handing) flush(reader int) error {
	list := h.small[reader]
	h.small[reader] = nil
	defer func() {
		for _, b := range list {
			b.Release()
		}
	}()
	if len(list) == 0 {
		return nil
	}
	b, err := joined(list)
	if err != nil {
		return err
	}
	defer b.Release()
	return h.tee.pass(h.ctx, h.tee.readers[reader], b)
}

// joined is the records of some batches in one.
func joined(list []arrow.RecordBatch) (arrow.RecordBatch, error) {
	if len(list) == 1 {
		list[0].Retain()
		return list[0], nil
	}
	columns, n := make([]arrow.Array, list[0].NumCols()), int64(0)
	for _, b := range list {
		n += b.NumRows()
	}
	defer func() {
		for _, c := range columns {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i := range columns {
		parts := make([]arrow.Array, len(list))
		for k, b := range list {
			parts[k] = b.Column(i)
		}
		var err error
		if columns[i], err = array.Concatenate(parts, mallocator.NewMallocator()); err != nil { // C keeps it
			return nil, fmt.Errorf("the records of a fork: %w", err)
		}
	}
	return array.NewRecordBatch(list[0].Schema(), columns, n), nil
}

func (h *handing) leave(number int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return errHandedOver
	}
	h.left[number] = true
	for h.left[h.next] {
		delete(h.left, h.next)
		h.next++
		if err := h.release(h.next); err != nil {
			return err
		}
	}
	return nil
}

// release passes what is held of a batch.
func (h *handing) release(number int64) (err error) {
	for _, c := range h.held[number] {
		if err == nil {
			err = h.pass(c)
		} else {
			c.records.Release()
		}
	}
	delete(h.held, number)
	return err
}

// end passes what is left when the statement has ended, all of whose batches are over, and ends the readers.
func (h *handing) end(err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(h.held)) {
		if err == nil {
			err = h.release(number)
			continue
		}
		for _, c := range h.held[number] {
			c.records.Release()
		}
	}
	h.held, h.over = nil, true
	for reader := range h.small {
		if err == nil {
			err = h.flush(reader)
			continue
		}
		for _, b := range h.small[reader] {
			b.Release()
		}
	}
	h.tee.err = err
	close(h.tee.ended)
	return err
}
