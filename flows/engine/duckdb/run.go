package duckdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/node"
	"spark/flows/plan"
)

// countInterval is how often counts are told.
const countInterval = 100 * time.Millisecond

// run is one execution of a plan.
type run struct {
	engine *Engine
	plan   *plan.Plan
	env    engine.Env
	db     *capi.DB
	conn   *capi.Conn
	render Renderer

	names    map[plan.Ref]string // SQL name of every relation
	taps     map[plan.Ref]int    // tap that counts a relation
	refusals map[plan.Ref]int    // tap that counts what a guarded step refuses, and what a join has built
	ruleTaps map[plan.Ref]int    // first of the taps that count what breaks the rules of an Expect
	spareTap int                 // counts nothing that anybody asks for; the last one
	origin   map[plan.Ref]bool   // relations that carry the origin columns
	files    map[string]string   // by absolute path: how the flow names a file that DuckDB reads
	sites    map[int][]errorSite // by refusal tap: what each error code means
	guardOf  map[int]*plan.Step
	consumer map[plan.Ref]*plan.Step // the one step that reads a relation inside its stage

	final   []flows.NodeStatus
	samples samples
	outputs []*output
	bases   map[string]node.Offset // where incremental sources go on, by node
	offsets map[string]node.Offset // reached, by source node
	pins    []pinned
	spools  map[string]*spool // rejects of nodes whose rejects port is connected
	pinned  map[string]node.FileInfo

	mu      sync.Mutex // guards what follows
	first   *flows.Error
	wake    context.CancelCauseFunc // ends the sources of the current stage
	states  map[string]flows.NodeState
	written map[string]int64
	sources map[string]*sourceCount // by node
	refused int64
	active  map[*plan.Stage]*activity
}

// errorSite is what one error code of a guarded step means.
type errorSite struct {
	column string
	ErrorSite
}

// sourceCount is a source's own account, live.
type sourceCount struct {
	rejected atomic.Int64
	capped   atomic.Bool  // has more records than its Read's limit
	read     atomic.Int64 // of total: what the source says of its progress
	total    atomic.Int64
	stats    node.ReadStats
}

// progress is told while the source is read.
func (c *sourceCount) progress(read, total int64) {
	c.read.Store(read)
	c.total.Store(total)
}

// share is how much of the source has been read, in thousandths of 1, so that it seldom changes; 0 when unknown.
func (c *sourceCount) share() float64 {
	read, total := c.read.Load(), c.total.Load()
	if total <= 0 || read < 0 {
		return 0
	}
	return math.Floor(1000*min(1, float64(read)/float64(total))) / 1000
}

func newRun(e *Engine, p *plan.Plan, env engine.Env) *run {
	r := &run{engine: e, plan: p, env: env, render: Renderer{Now: time.Now()}, names: map[plan.Ref]string{}, taps: map[plan.Ref]int{}, refusals: map[plan.Ref]int{}, ruleTaps: map[plan.Ref]int{},
		origin: map[plan.Ref]bool{}, files: map[string]string{}, sites: map[int][]errorSite{}, guardOf: map[int]*plan.Step{}, consumer: map[plan.Ref]*plan.Step{},
		spools: map[string]*spool{}, samples: samples{byTap: map[int]*flows.Sample{}, grown: true}, bases: map[string]node.Offset{}, offsets: map[string]node.Offset{}, states: map[string]flows.NodeState{}, written: map[string]int64{}, sources: map[string]*sourceCount{}, active: map[*plan.Stage]*activity{}}
	r.render.Facts, r.render.File = p.Params, r.named
	id := 0
	for i, s := range p.Stages {
		for j, st := range s.Steps {
			r.names[st.Ref] = fmt.Sprintf("s%d_%d", i, j)
			r.taps[st.Ref], r.refusals[st.Ref] = id, id+1
			r.guardOf[id+1] = st
			id += 2
			r.origin[st.Ref] = st.Origin
			for _, in := range st.Inputs {
				if !in.Kept {
					r.consumer[in.Ref] = st
				}
			}
		}
	}
	for _, s := range p.Stages {
		for _, st := range s.Steps {
			if op, ok := st.Op.(node.Expect); ok {
				r.ruleTaps[st.Ref] = id
				id += len(op.Rules)
			}
		}
	}
	r.spareTap = id
	for _, n := range p.Nodes {
		r.states[n.ID] = flows.NodeReady
		r.sources[n.ID] = &sourceCount{}
	}
	return r
}

func (r *run) site(st *plan.Step, offset int, column string, sites []ErrorSite) {
	id := r.refusals[st.Ref]
	list := r.sites[id][:min(offset, len(r.sites[id]))]
	for _, s := range sites {
		list = append(list, errorSite{column: column, ErrorSite: s})
	}
	r.sites[id] = list
}

// hasOrigin reports whether a step's input carries the origin columns.
func (r *run) hasOrigin(in plan.Input) bool { return r.origin[in.Ref] }

// execute runs all stages, then asks for the permission to commit and commits every sink.
func (r *run) execute(ctx context.Context) (err error) {
	if n := r.spareTap; n >= capi.MaxTaps {
		return &flows.Error{Code: "flow.too_large", Message: fmt.Sprintf("the flow has %d counted steps and %d are possible", n/2, capi.MaxTaps/2), Suggestion: "split it into several flows"}
	}
	if r.db, err = capi.Open(r.engine.settings(r.share()), r.refuse); err != nil {
		return err
	}
	defer r.db.Close()
	if r.conn, err = r.db.Connect(); err != nil {
		return err
	}
	defer r.conn.Close()
	defer func() { // while the counters exist
		r.final = r.statuses(err)
		r.tellSamples(r.counts())
	}()
	if err := r.engine.lock(r.conn, r.env, r.engine.disabled(r.plan)); err != nil {
		return err
	}
	defer r.abort()
	if err := r.prepare(ctx); err != nil {
		return err
	}
	stop := r.tell()
	defer stop()
	for i, s := range r.plan.Stages {
		if err := r.stage(ctx, s); err != nil {
			err = r.blame(s, r.cause(ctx, err))
			if ctx.Err() != nil && r.firstError() == nil { // no node failed
				r.setState(s, flows.NodeReady)
				return err
			}
			r.fail(s, err)
			return err
		}
		if err := r.forget(ctx, s, r.plan.Stages[i+1:]); err != nil {
			return r.cause(ctx, err)
		}
	}
	if err := r.unchanged(); err != nil {
		return err
	}
	if err := r.balanceRejects(); err != nil {
		return err
	}
	return r.commit(ctx)
}

// share is what the run may use, less what statements of people need in a database of their own.
func (r *run) share() engine.Env {
	env := r.env
	if slices.ContainsFunc(r.plan.Nodes, func(n *plan.Node) bool { _, ok := n.Results[node.Out].Op.(node.Query); return ok }) {
		env.MemoryLimit /= 2
	}
	return env
}

// prepare opens the reject spools and the targets, and pins the sources.
func (r *run) prepare(ctx context.Context) error {
	if err := r.rejectPorts(); err != nil {
		return err
	}
	if err := r.pin(); err != nil {
		return err
	}
	if err := r.openOutputs(ctx); err != nil {
		return err
	}
	return r.resume(ctx)
}

// tell reports the counts ten times a second until stopped, and once more then.
func (r *run) tell() func() {
	if r.env.Counts == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(countInterval)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				r.env.Counts(r.statuses(nil))
				r.tellSamples(r.counts())
			}
		}
	}()
	return func() { close(done); <-ended }
}

// stage executes one stage as one statement.
func (r *run) stage(ctx context.Context, s *plan.Stage) error {
	b := &builder{run: r}
	r.setState(s, flows.NodeRunning)
	feeding, wake := context.WithCancelCause(ctx)
	defer wake(nil)
	r.mu.Lock()
	r.wake = wake
	r.mu.Unlock()
	var feeds []*feed
	defer func() {
		for _, f := range feeds {
			f.stop()
		}
	}()
	for _, in := range s.Reads {
		if in.Port == node.Rejects {
			if err := r.feedRejects(ctx, in); err != nil {
				return err
			}
		}
	}
	for _, st := range s.Steps {
		if q, ok := st.Op.(node.Query); ok {
			f, err := r.feedQuery(feeding, st, q)
			if err != nil {
				return flows.AsError(err).At(flows.Path{Node: st.Ref.Node})
			}
			feeds = append(feeds, f)
		}
		if read, ok := st.Op.(node.Read); ok {
			if _, native := read.Source.(node.NativeSource); !native {
				f, err := r.feedSource(feeding, st, read)
				if err != nil {
					return err
				}
				feeds = append(feeds, f)
			}
		}
		if err := b.step(st); err != nil {
			return err
		}
	}
	a := &activity{began: time.Now(), feeds: feeds}
	r.mu.Lock()
	if o := r.outputOf(s.Sink); o != nil && o.batch != nil {
		a.writing = &o.writing
	}
	r.active[s] = a
	r.mu.Unlock()
	n, err := r.finish(ctx, s, b)
	r.mu.Lock()
	a.ended = time.Now()
	r.mu.Unlock()
	for _, f := range feeds {
		f.stop()
		if e := f.failed(); e != nil && (err == nil || r.firstError() == nil) {
			err = e
		}
	}
	if err != nil {
		return err
	}
	if err := r.balance(s, n, feeds); err != nil {
		return err
	}
	if err := r.expected(s); err != nil {
		return err
	}
	r.reach(feeds)
	r.setState(s, flows.NodeDone)
	return nil
}

// finish executes the statement and returns the number of records that its end confirmed.
func (r *run) finish(ctx context.Context, s *plan.Stage, b *builder) (int64, error) {
	target := r.names[s.Target]
	switch s.Kind {
	case plan.StageKeep:
		last := s.Steps[len(s.Steps)-1]
		table := "kept_" + target
		_, err := r.exec(ctx, "CREATE TEMP TABLE "+table+" AS "+b.with("SELECT "+quoteNames(columns(last))+" FROM "+target))
		r.names[s.Target] = table
		if err != nil {
			return 0, err
		}
		r.keep(ctx, last, table)
		return r.count(ctx, "SELECT count(*) FROM "+table)
	case plan.StageCount:
		return r.count(ctx, b.with("SELECT count(*) FROM "+target))
	}
	n, err := r.write(ctx, r.outputOf(s.Sink), s, b)
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
		if _, err := r.exec(ctx, "DROP TABLE "+r.names[ref]); err != nil {
			return err
		}
	}
	return nil
}

// exec runs a statement that a cancelled ctx interrupts.
func (r *run) exec(ctx context.Context, sql string) (uint64, error) {
	defer interruptible(ctx, r.conn)()
	return r.conn.Exec(sql)
}

func (r *run) count(ctx context.Context, sql string) (int64, error) {
	defer interruptible(ctx, r.conn)()
	rows, err := r.conn.QueryText(sql)
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

// balance checks the books of a stage at its independent ends: what the end confirmed against the last tap, what each
// source says it delivered against its tap. A source that was stopped early has delivered more than was counted.
func (r *run) balance(s *plan.Stage, n int64, feeds []*feed) error {
	if r.plan.Uncounted() {
		return nil
	}
	counts := r.counts()
	if c, ok := counts[s.Target]; ok && c != n {
		return imbalance(s.Target, "the end of the stage confirmed", n, "were counted before it", c)
	}
	stopped := r.plan.StoppedEarly(plan.Counts{Out: counts, Built: r.built(counts)})
	for _, f := range feeds {
		c, all := counts[f.ref], f.stats.Complete && !stopped[f.ref]
		if c > f.stats.Records || all && c < f.stats.Records {
			return imbalance(f.ref, "the source delivered", f.stats.Records, "were counted", c)
		}
		if !f.stats.Complete && !stopped[f.ref] {
			return imbalance(f.ref, "the source ended early after", f.stats.Records, "were counted", c)
		}
	}
	return nil
}

// balanceRejects checks what the nodes counted as refused against what was handed over to be stored, and, where the
// rejects port is connected, against what was read of it.
func (r *run) balanceRejects() error {
	var counted int64
	for _, n := range r.plan.Nodes {
		refused := r.rejected(n)
		if n.Policy == flows.RejectStore {
			counted += refused
		}
		if sp := r.spools[n.ID]; sp != nil && sp.n.Load() != refused {
			return imbalance(plan.Ref{Node: n.ID, Port: node.Rejects}, "the node refused", refused, "left its rejects port", sp.n.Load())
		}
	}
	r.mu.Lock()
	stored := r.refused
	r.mu.Unlock()
	if counted != stored {
		return imbalance(plan.Ref{}, "the nodes refused", counted, "were handed over as rejects", stored)
	}
	return nil
}

func imbalance(ref plan.Ref, what string, n int64, other string, m int64) error {
	return &flows.Error{Code: "run.imbalance", Path: flows.Path{Node: ref.Node, Port: ref.Port},
		Message:    fmt.Sprintf("%s %d records and %d %s", what, n, m, other),
		Suggestion: "nothing was written; please report this with the flow"}
}

// commit makes every sink durable, asks for the permission and gives the files their names.
func (r *run) commit(ctx context.Context) error {
	for _, o := range r.outputs {
		if err := o.sink.Prepare(ctx); err != nil {
			return flows.AsError(err).At(flows.Path{Node: o.node.ID})
		}
	}
	if err := ctx.Err(); err != nil {
		return r.cause(ctx, err)
	}
	if r.env.MayCommit != nil {
		if err := r.env.MayCommit(ctx); err != nil {
			return err
		}
	}
	ctx = context.WithoutCancel(ctx) // what is granted is done
	for _, o := range r.outputs {
		if err := o.sink.Commit(ctx, r.token(o)); err != nil {
			return flows.AsError(err).At(flows.Path{Node: o.node.ID})
		}
	}
	if r.env.Reached != nil && len(r.offsets) > 0 {
		r.env.Reached(r.offsets)
	}
	return nil
}

func (r *run) abort() {
	for _, o := range r.outputs {
		_ = o.sink.Abort(context.Background()) // what is left is swept by the next run
	}
	for _, s := range r.spools {
		s.close()
	}
}

func (r *run) setState(s *plan.Stage, state flows.NodeState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, st := range s.Steps {
		r.states[st.Ref.Node] = state
	}
	if s.Sink != nil {
		r.states[s.Sink.ID] = state
	}
}

// fail marks the node that an error names, or the last one of the stage.
func (r *run) fail(s *plan.Stage, err error) {
	id := s.Target.Node
	if s.Sink != nil {
		id = s.Sink.ID
	}
	if e := r.firstError(); e != nil && e.Path.Node != "" {
		id = e.Path.Node
	} else if e, ok := errors.AsType[*flows.Error](err); ok && e.Path.Node != "" {
		id = e.Path.Node
	}
	r.setState(s, flows.NodeReady)
	r.mu.Lock()
	r.states[id] = flows.NodeFailed
	r.mu.Unlock()
}

// decide makes e the error of the run unless there is one already, and wakes sources that wait for something: the
// statement would wait with them. r.mu is held.
func (r *run) decide(e *flows.Error) *flows.Error {
	if r.first == nil {
		r.first = e
		r.wake(e)
	}
	return r.first
}

func (r *run) firstError() *flows.Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

// cause returns the error that began it all: what a source or a refused record said, the cancellation, or DuckDB's
// own words.
func (r *run) cause(ctx context.Context, err error) error {
	if e := r.firstError(); e != nil {
		return e
	}
	if ctx.Err() != nil {
		return fmt.Errorf("cancelled: %w", context.Cause(ctx))
	}
	return r.engineError(err)
}
