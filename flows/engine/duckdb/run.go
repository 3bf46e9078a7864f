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
	spare  []*capi.Conn            // for the readers of a fork
	calls  map[plan.Ref]*capi.Conn // for what lies above each call
	forks  map[*plan.Stage]*fork
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

	mu       sync.Mutex // guards what follows
	first    *flows.Error
	wake     context.CancelCauseFunc // ends the sources of the current stage
	states   map[string]flows.NodeState
	computed map[string]time.Duration // by DuckDB, by node
	written  map[string]int64
	sources  map[string]*sourceCount // by node
	refused  int64
	active   map[*plan.Stage]*activity
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
		spools: map[string]*spool{}, samples: samples{byTap: map[int]*flows.Sample{}, grown: true}, bases: map[string]node.Offset{}, offsets: map[string]node.Offset{}, states: map[string]flows.NodeState{}, computed: map[string]time.Duration{}, written: map[string]int64{}, sources: map[string]*sourceCount{}, active: map[*plan.Stage]*activity{}}
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
	r.forks = findForks(p)
	for _, s := range p.Stages {
		if f := r.forks[s]; f != nil {
			for range f.readers {
				f.taps = append(f.taps, id)
				id++
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
	r.render.Native = r.native
	defer r.disconnect()
	if err := r.connect(); err != nil {
		return err
	}
	defer func() { // while the counters exist
		r.final = r.statuses(err)
		r.tellSamples(r.counts())
	}()
	if err := r.engine.lock(r.env, r.engine.disabled(r.plan), r.conn, r.others()...); err != nil {
		return err
	}
	defer r.abort()
	if err := r.prepare(ctx); err != nil {
		return err
	}
	stop := r.tell()
	defer stop()
	if err := r.stages(ctx); err != nil {
		return err
	}
	if err := r.unchanged(); err != nil {
		return err
	}
	if err := r.balanceRejects(); err != nil {
		return err
	}
	r.endUnwritten()
	return r.commit(ctx)
}

// stages executes all stages, those of a fork together.
func (r *run) stages(ctx context.Context) error {
	executed := map[*plan.Stage]bool{}
	for i, s := range r.plan.Stages {
		if executed[s] {
			continue
		}
		failed, err, f := s, error(nil), r.forks[s]
		if f != nil {
			failed, err = r.forked(ctx, s, f)
		} else {
			err = r.stage(ctx, s)
		}
		if err != nil {
			return r.failed(ctx, failed, err)
		}
		if f != nil {
			for _, reader := range f.readers {
				executed[reader] = true
			}
			continue // nothing was kept
		}
		if err := r.forget(ctx, s, r.plan.Stages[i+1:]); err != nil {
			return r.cause(ctx, err)
		}
	}
	return nil
}

// failed ends the run at a stage: it was cancelled, or a node failed.
func (r *run) failed(ctx context.Context, s *plan.Stage, err error) error {
	err = r.blame(s, r.cause(ctx, err))
	if ctx.Err() != nil && r.firstError() == nil { // no node failed
		r.setState(s, flows.NodeReady)
		return err
	}
	r.fail(s, err)
	return err
}

// share is what the run may use, less what statements of people need in a database of their own. The readers of a fork, each
// a thread that mostly waits, come on top.
func (r *run) share() engine.Env {
	env := r.env
	if env.Threads > 1 { // one thread is that of each statement, and none comes in between
		env.Threads += waitingReaders(r.forks)
	}
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
	granted := context.WithoutCancel(ctx)       // what is granted is done
	for _, sends := range []bool{false, true} { // what can be undone by nobody comes last
		for _, o := range r.outputs {
			sender, is := o.sink.(node.SendingSink)
			if is != sends {
				continue
			}
			err := error(nil)
			if sends {
				err = r.send(ctx, o, sender)
			} else {
				err = o.sink.Commit(granted, r.token(o))
			}
			if err != nil {
				return flows.AsError(err).At(flows.Path{Node: o.node.ID})
			}
		}
	}
	if r.env.Reached != nil && len(r.offsets) > 0 {
		r.env.Reached(r.offsets)
	}
	return nil
}

// send commits a target that sends: it shows how far it is, and can be cancelled.
func (r *run) send(ctx context.Context, o *output, s node.SendingSink) error {
	r.mu.Lock()
	r.states[o.node.ID] = flows.NodeRunning
	r.mu.Unlock()
	err := s.Commit(ctx, r.token(o))
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.states[o.node.ID], r.written[o.node.ID] = flows.NodeDone, s.Sent()
		return nil
	}
	r.states[o.node.ID], r.written[o.node.ID] = flows.NodeFailed, s.Sent()
	return r.decide(flows.AsError(err).At(flows.Path{Node: o.node.ID}))
}

func (r *run) abort() {
	for _, o := range r.outputs {
		_ = o.sink.Abort(context.Background()) // what is left is swept by the next run
	}
	for _, s := range r.spools {
		s.close()
	}
}

// endUnwritten ends the targets of a run on the sample, whose stages only count what they would take.
func (r *run) endUnwritten() {
	if !r.plan.Preview() || r.plan.Forgiving() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.plan.Nodes {
		if n.IsSink() {
			r.states[n.ID] = flows.NodeDone
		}
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
