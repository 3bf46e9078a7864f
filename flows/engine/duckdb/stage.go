package duckdb

import (
	"context"
	"fmt"
	"slices"
	"time"

	"spark/flows"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/node"
	"spark/flows/plan"
)

// execution is one stage that is executed as one statement.
type execution struct {
	*builder
	stage     *plan.Stage
	feeds     []*feed
	shared    *feed      // of what a fork hands over
	sharedSQL string     // how it is read
	moved     *plan.Step // the filter that it has passed before
	activity  *activity
}

// feeding returns the context of what feeds the statements that are executed together: an error of the run ends it.
func (r *run) feeding(ctx context.Context) (context.Context, func()) {
	feeding, wake := context.WithCancelCause(ctx)
	r.mu.Lock()
	r.wake = wake
	r.mu.Unlock()
	return feeding, func() { wake(nil) }
}

// stage executes one stage.
func (r *run) stage(ctx context.Context, s *plan.Stage) error {
	feeding, stop := r.feeding(ctx)
	defer stop()
	x := &execution{builder: &builder{run: r, conn: r.conn}, stage: s}
	defer x.stopFeeds()
	if err := x.begin(feeding); err != nil {
		return err
	}
	n, err := x.finish(ctx)
	return x.end(n, err)
}

// begin writes the chain of the statement and starts what feeds it.
func (x *execution) begin(feeding context.Context) error {
	r, s := x.run, x.stage
	r.setState(s, flows.NodeRunning)
	for _, in := range s.Reads {
		if in.Port == node.Rejects {
			if err := r.feedRejects(feeding, in); err != nil {
				return err
			}
		}
	}
	parts := x.parts()
	x.readShared(parts)
	for _, st := range s.Steps {
		if st == x.moved {
			continue
		}
		if err := parts[x.below(st)].builder.step(st); err != nil {
			return err
		}
	}
	for _, st := range s.Steps { // once everything is written: the statement above a call begins here
		if err := x.feedStep(feeding, st, parts[x.below(st)], parts[st]); err != nil {
			return err
		}
	}
	x.activity = &activity{began: time.Now(), feeds: x.feeds, shared: x.shared}
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.outputOf(s.Sink); o != nil && o.batch != nil {
		x.activity.writing = &o.writing
	}
	r.active[s] = x.activity
	return nil
}

// readShared lets the statement read what a fork hands over whose steps, or whose end, do.
func (x *execution) readShared(parts map[*plan.Step]*part) {
	if x.shared == nil {
		return
	}
	at := parts[nil]
	for _, st := range x.stage.Steps {
		if slices.ContainsFunc(st.Inputs, func(in plan.Input) bool { return in.Ref == x.shared.ref }) {
			if at = parts[st]; at == nil { // no call
				at = parts[x.below(st)]
			}
		}
	}
	at.ctes = append(at.ctes, x.sharedSQL)
	at.feeds = append(at.feeds, x.shared)
}

// feedStep begins to feed a step that Go does: at is the statement that it stands in, above is the one that a call ends.
func (x *execution) feedStep(feeding context.Context, st *plan.Step, at, above *part) (err error) {
	var f *feed
	switch op := st.Op.(type) {
	case node.Query:
		if f, err = x.run.feedQuery(feeding, st, op); err != nil {
			return flows.AsError(err).At(flows.Path{Node: st.Ref.Node})
		}
	case node.Call:
		if f, err = x.run.feedCall(feeding, above); err != nil {
			return flows.AsError(err).At(flows.Path{Node: st.Ref.Node})
		}
	case node.Read:
		if _, native := op.Source.(node.NativeSource); native {
			return nil
		}
		if f, err = x.run.feedSource(feeding, st, op, x.numbers(st)); err != nil {
			return err
		}
	default:
		return nil
	}
	x.feeds, at.feeds = append(x.feeds, f), append(at.feeds, f)
	return nil
}

// stopFeeds stops calls before what feeds them.
func (x *execution) stopFeeds() {
	for _, f := range slices.Backward(x.feeds) {
		f.stop()
	}
	if x.shared != nil {
		x.shared.stop()
	}
}

// end closes the books of a stage of which n records have reached the end.
func (x *execution) end(n int64, err error) error {
	r := x.run
	r.mu.Lock()
	x.activity.ended = time.Now()
	r.mu.Unlock()
	x.stopFeeds()
	for _, f := range x.feeds {
		if e := f.failed(); e != nil && (err == nil || r.firstError() == nil) {
			err = e
		}
	}
	if err != nil {
		return err
	}
	if err := r.balance(x.stage, n, x.feeds); err != nil {
		return err
	}
	for _, f := range x.feeds {
		if f.part != nil {
			if err := r.balanceCall(f.part); err != nil {
				return err
			}
		}
	}
	if err := r.expected(x.stage); err != nil {
		return err
	}
	r.reach(x.feeds)
	r.setState(x.stage, flows.NodeDone)
	return nil
}

// finish executes the statement and returns the number of records that its end confirmed.
func (x *execution) finish(ctx context.Context) (int64, error) {
	r, s := x.run, x.stage
	target := x.relation(s.Target)
	switch s.Kind {
	case plan.StageKeep:
		last := s.Steps[len(s.Steps)-1]
		table := "kept_" + target
		_, err := execute(ctx, x.conn, "CREATE TABLE "+table+" AS "+x.with("SELECT "+quoteNames(columns(last))+" FROM "+target))
		r.names[s.Target] = table
		if err != nil {
			return 0, err
		}
		x.profile()
		r.keep(ctx, last, table)
		return count(ctx, x.conn, "SELECT count(*) FROM "+table)
	case plan.StageCount:
		defer x.profile()
		return count(ctx, x.conn, x.with("SELECT count(*) FROM "+target))
	}
	defer x.profile()
	n, err := x.write(ctx, r.outputOf(s.Sink))
	if err == nil {
		r.mu.Lock()
		r.written[s.Sink.ID] = n
		r.mu.Unlock()
	}
	return n, err
}

// forget drops what a stage has read and no later one reads.
func (r *run) forget(ctx context.Context, s *plan.Stage, later []*plan.Stage) error {
	for _, ref := range s.Reads {
		if slices.ContainsFunc(later, func(l *plan.Stage) bool { return slices.Contains(l.Reads, ref) }) {
			continue
		}
		if _, err := execute(ctx, r.conn, "DROP TABLE "+r.names[ref]); err != nil {
			return err
		}
	}
	return nil
}

// execute runs a statement that a cancelled ctx interrupts.
func execute(ctx context.Context, conn *capi.Conn, sql string) (uint64, error) {
	defer interruptible(ctx, conn)()
	return conn.Exec(sql)
}

func count(ctx context.Context, conn *capi.Conn, sql string) (int64, error) {
	defer interruptible(ctx, conn)()
	rows, err := conn.QueryText(sql)
	if err != nil {
		return 0, err
	}
	var n int64
	_, err = fmt.Sscan(*rows[0][0], &n)
	return n, err
}

// interruptible interrupts a connection once ctx is done, again and again until the statement has noticed: an
// interrupt that comes before the statement has begun is forgotten by DuckDB.
func interruptible(ctx context.Context, conn *capi.Conn) func() {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-done:
			return
		case <-ctx.Done():
		}
		for {
			conn.Interrupt()
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() { close(done); <-ended }
}
