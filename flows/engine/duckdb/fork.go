package duckdb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"spark/flows"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/node"
	"spark/flows/plan"
)

// fork is a shared relation whose readers all lead to ends of the flow and read nothing else that is kept: it is handed to
// them while it is computed, and never stored. The slowest reader holds the others back.
type fork struct {
	readers []*plan.Stage
	taps    []int  // of the readers: what each has read
	fused   *fused // nil: it is a statement of its own
}

// Each reader takes a connection, and a thread of its own that drives its statement.
const maxReaders = 8

// nth is the column with the number of a record that a reader has got.
const nth = node.ReservedPrefix + "nth"

// forkQueue is the number of batches of up to 2,048 records that wait for a reader: some come in bursts.
const forkQueue = 128

// findForks finds the relations that are handed on while they are computed. Where branches meet again one of them might
// wait for the other, which cannot go on: such relations stay kept.
func findForks(p *plan.Plan) map[*plan.Stage]*fork {
	if p.Preview() {
		return nil
	}
	forks := map[*plan.Stage]*fork{}
	for i, s := range p.Stages {
		if s.Kind == plan.StageKeep && streamable(s.Steps[len(s.Steps)-1]) {
			if readers := readersOf(s.Target, p.Stages[i+1:]); len(readers) > 0 && len(readers) <= maxReaders {
				f := &fork{readers: readers}
				f.fused = fuse(s, f)
				forks[s] = f
			}
		}
	}
	return forks
}

// streamable reports whether a relation may be read before it is complete, and comes back from Arrow as it was.
func streamable(st *plan.Step) bool {
	project, _ := st.Op.(node.Project)
	return !project.Keep && !slices.ContainsFunc(pick(st.Schema, st.Needed), func(f flows.Field) bool { return !comesBack(f.Type) })
}

// readersOf are the stages that read a relation, nil where one of them cannot read it as a stream.
func readersOf(ref plan.Ref, later []*plan.Stage) (readers []*plan.Stage) {
	for _, s := range later {
		if !slices.Contains(s.Reads, ref) {
			continue
		}
		inputs := 0
		for _, st := range s.Steps {
			if _, query := st.Op.(node.Query); query {
				return nil
			}
			for _, in := range st.Inputs {
				if in.Ref == ref {
					inputs++
				}
			}
		}
		if s.Kind == plan.StageKeep || len(s.Reads) > 1 || inputs > 1 {
			return nil
		}
		readers = append(readers, s)
	}
	return readers
}

// spare is the number of connections that forks need at once.
func spare(forks map[*plan.Stage]*fork) (n int) {
	for _, f := range forks {
		n = max(n, len(f.readers))
	}
	return n
}

// waitingReaders is the number of readers that wait for records of a fork at once.
func waitingReaders(forks map[*plan.Stage]*fork) (n int) {
	for _, f := range forks {
		if f.fused != nil {
			n = max(n, len(f.readers)-1)
		} else {
			n = max(n, len(f.readers))
		}
	}
	return n
}

// forked executes a stage and the readers of what it makes. An error is returned with the stage that failed first.
func (r *run) forked(ctx context.Context, s *plan.Stage, f *fork) (*plan.Stage, error) {
	if f.fused != nil {
		return r.fusedInto(ctx, s, f)
	}
	feeding, stop := r.feeding(ctx)
	defer stop()
	both, cancel := context.WithCancel(ctx)
	defer cancel()
	last := s.Steps[len(s.Steps)-1]
	tee := &tee{ended: make(chan struct{})}
	x := &execution{builder: &builder{run: r, conn: r.conn}, stage: s}
	all := []*execution{x}
	defer func() {
		for _, x := range all {
			x.stopFeeds()
		}
	}()
	if err := x.begin(feeding); err != nil {
		return s, err
	}
	for i, stage := range f.readers {
		reader := &execution{builder: &builder{run: r, conn: r.spare[i]}, stage: stage}
		all = append(all, reader)
		if err := reader.follow(feeding, tee, last, f.handed(last, i), i, f.taps[i]); err != nil {
			return stage, err
		}
	}
	x.activity.handing = &tee.handing
	if failed, err := r.executeTogether(all, cancel, func(i int, x *execution) (int64, error) {
		if i == 0 {
			return tee.hand(both, x, last)
		}
		defer x.stopFeeds() // a reader that has enough keeps nobody waiting
		return x.finish(both)
	}); err != nil {
		return failed, err
	}
	return r.balanceFork(f, s, tee.records)
}

// executeTogether executes stages at once and closes their books. An error is returned with the stage that failed first.
func (r *run) executeTogether(all []*execution, cancel func(), execute func(i int, x *execution) (int64, error)) (*plan.Stage, error) {
	counts, first := together(all, cancel, execute)
	if first != nil {
		return r.endFailed(all, *first)
	}
	for i, x := range all {
		if err := x.end(counts[i], nil); err != nil {
			return x.stage, err
		}
	}
	return nil, nil
}

// stageFailure is what ended one of several stages that are executed at once.
type stageFailure struct {
	at  int
	err error
}

// together executes stages at once and returns their records and what ended the first that failed: it cancels the others.
func together(all []*execution, cancel func(), execute func(i int, x *execution) (int64, error)) (counts []int64, first *stageFailure) {
	counts = make([]int64, len(all))
	var once sync.Once
	var wg sync.WaitGroup
	for i, x := range all {
		wg.Go(func() {
			n, err := execute(i, x)
			counts[i] = n
			if err != nil {
				once.Do(func() { first = &stageFailure{i, err} })
				cancel()
			}
		})
	}
	wg.Wait()
	return counts, first
}

// endFailed ends stages of which one has failed. None of them is done: what the others have written is not committed.
func (r *run) endFailed(all []*execution, first stageFailure) (*plan.Stage, error) {
	err := all[first.at].end(0, first.err)
	for i, x := range all {
		if i != first.at {
			_ = x.end(0, first.err) // its cause
			r.setState(x.stage, flows.NodeReady)
		}
	}
	return all[first.at].stage, err
}

// balanceFork compares what each reader has read with what was handed over.
func (r *run) balanceFork(f *fork, s *plan.Stage, handed int64) (*plan.Stage, error) {
	for i, reader := range f.readers {
		read, _ := r.db.Tap(f.taps[i])
		want := handed
		if f.fused != nil && f.fused.moved[i] != nil {
			came, passed := r.db.Tap(r.taps[f.fused.moved[i].Ref])
			if int64(came) != handed {
				return reader, imbalance(s.Target, "the fork handed over", handed, "came to the filter of one of its readers", int64(came))
			}
			want = int64(passed)
		}
		if n := int64(read); n > want || n < want && !stopsEarly(reader) {
			return reader, imbalance(s.Target, "the fork handed over", want, "were read by one of its readers", n)
		}
	}
	return nil, nil
}

// stopsEarly reports whether a stage may leave records unread.
func stopsEarly(s *plan.Stage) bool {
	return slices.ContainsFunc(s.Steps, func(st *plan.Step) bool {
		switch st.Op.(type) {
		case node.Limit, node.Join, node.Enrich:
			return true
		}
		return false
	})
}

// follow makes an execution, the i-th reader, read what the tee hands over of a step. Where its first filter was moved there,
// that is what the filter lets pass.
func (x *execution) follow(feeding context.Context, t *tee, from *plan.Step, schema flows.Schema, i, tap int) error {
	r := x.run
	name := fmt.Sprintf("%s_to%d", r.names[from.Ref], i)
	f := &feed{ref: from.Ref, size: forkQueue}
	travels := arrowSchema(schema)
	batches := t.reader(f, travels)
	err := r.start(feeding, x.conn, f, name+"_src", travels, func(ctx context.Context) (stats node.ReadStats, err error) {
		emit := f.emit(ctx)
		for {
			select {
			case b := <-batches:
				stats.Records += b.NumRows()
				if err := emit(node.Batch{Records: b}); err != nil {
					return stats, err
				}
			case <-t.ended:
				stats.Complete = t.err == nil
				return stats, t.err
			case <-ctx.Done():
				return stats, context.Cause(ctx)
			}
		}
	})
	if err != nil {
		return err
	}
	names := quoteNames(schema.Names())
	x.shared = f
	// Numbering makes it one thread that reads: others would stand in line behind it for a stream that is mostly empty, and be
	// missing where the records are made.
	sql := fmt.Sprintf("SELECT %s FROM (SELECT *, row_number() OVER () AS %[3]s FROM %[2]s_src) WHERE tap(%[4]d, %[5]s, %[3]s)", arrived(schema), name, quoteName(nth), tap, names)
	if x.moved != nil {
		name, sql = r.names[x.moved.Ref], x.sampled(x.moved, sql)
	} else {
		x.reads = map[plan.Ref]string{from.Ref: name}
	}
	x.sharedSQL = name + " AS NOT MATERIALIZED (" + sql + ")"
	return x.begin(feeding)
}

// travelled is the schema of a relation as it is handed over, with the origin where it is asked for.
func travelled(st *plan.Step) flows.Schema {
	schema := pick(st.Schema, st.Needed)
	if st.Origin {
		schema = append(schema, flows.Field{Name: node.OriginFile, Type: flows.Of(flows.Text)}, flows.Field{Name: node.OriginRecord, Type: flows.Of(flows.Int64)})
	}
	return schema
}

// handed is the schema of what the i-th reader of a fork gets of the records of a step: the fields that it reads.
func (f *fork) handed(from *plan.Step, i int) flows.Schema {
	if f.fused != nil && f.fused.moved[i] != nil {
		return travelled(f.fused.moved[i])
	}
	all := travelled(from)
	for _, st := range f.readers[i].Steps {
		for _, in := range st.Inputs {
			if in.Ref != from.Ref {
				continue
			}
			fields := st.Reads(in)
			some := slices.DeleteFunc(slices.Clone(all), func(f flows.Field) bool {
				return !slices.Contains(fields, f.Name) && f.Name != node.OriginFile && f.Name != node.OriginRecord
			})
			if len(some) == 0 { // to be counted
				some = all[:1]
			}
			return some
		}
	}
	return all // a target takes it as it is
}

// tee hands the batches of one statement to several readers, each of which gets all of them in their order.
type tee struct {
	readers []teeReader
	handing spent // waiting for readers
	records int64
	ended   chan struct{} // closed after the last batch was taken
	err     error         // before ended: why there are no more
}

type teeReader struct {
	feed    *feed
	schema  *arrow.Schema // of what it gets
	batches chan arrow.RecordBatch
}

func (t *tee) reader(f *feed, schema *arrow.Schema) <-chan arrow.RecordBatch {
	c := make(chan arrow.RecordBatch)
	t.readers = append(t.readers, teeReader{f, schema, c})
	return c
}

// of takes the columns of a batch that a reader gets.
func (r teeReader) of(b arrow.RecordBatch) arrow.RecordBatch {
	columns := make([]arrow.Array, r.schema.NumFields())
	for i, f := range r.schema.Fields() {
		columns[i] = b.Column(b.Schema().FieldIndices(f.Name)[0])
	}
	return array.NewRecordBatch(r.schema, columns, b.NumRows())
}

// hand executes the statement and returns the number of its records. They are all computed, also when no reader is left:
// what is counted and refused on the way does not depend on who reads.
func (t *tee) hand(ctx context.Context, x *execution, last *plan.Step) (int64, error) {
	err := handOut(ctx, x.conn, x.with("SELECT "+travelling(travelled(last))+" FROM "+x.relation(last.Ref)), func(b arrow.RecordBatch) error {
		for _, r := range t.readers {
			part := r.of(b)
			err := t.pass(ctx, r, part)
			part.Release()
			if err != nil {
				return err
			}
		}
		t.records += b.NumRows()
		return nil
	})
	x.profile()
	t.err = err
	close(t.ended)
	return t.records, err
}

func (t *tee) pass(ctx context.Context, r teeReader, b arrow.RecordBatch) error {
	b.Retain()
	select {
	case r.batches <- b:
		return nil
	default:
	}
	t.handing.begin()
	defer t.handing.end()
	select {
	case r.batches <- b:
		return nil
	case <-r.feed.ended: // has enough
		b.Release()
		return nil
	case <-ctx.Done():
		b.Release()
		return context.Cause(ctx)
	}
}

// connect opens the connections of the run: DuckDB allows one statement at a time on each.
func (r *run) connect() (err error) {
	if r.conn, err = r.db.Connect(); err != nil {
		return err
	}
	for range spare(r.forks) {
		c, err := r.db.Connect()
		if err != nil {
			return err
		}
		r.spare = append(r.spare, c)
	}
	for _, f := range r.forks {
		if f.fused == nil {
			continue
		}
		// Few records that are left of a batch would wait for those of later ones.
		if _, err := r.conn.Exec("SET enable_caching_operators=false"); err != nil {
			return fmt.Errorf("duckdb: %w", err)
		}
		break
	}
	return r.connectCalls()
}

// others are the connections beside the first one.
func (r *run) others() []*capi.Conn {
	return slices.AppendSeq(slices.Clone(r.spare), maps.Values(r.calls))
}

func (r *run) disconnect() {
	for _, c := range append(r.others(), r.conn) {
		if c != nil {
			c.Close()
		}
	}
}
