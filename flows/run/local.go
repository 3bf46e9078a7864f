package run

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"spark/flows"
	"spark/flows/node"
)

// Local runs flow files in this process. Nothing is stored but the rejects.
type Local struct {
	Executor Executor
	Rejects  RejectStore
	Now      func() time.Time
	NewID    func() string
}

// LocalCommand asks for a run of a document.
type LocalCommand struct {
	Scope    flows.Scope
	Document *flows.Flow
	// Environment chooses the values of parameters; its connections are given.
	Environment string
	Parameters  map[string]string
	Folders     []string
	// Connections of the flow with their secrets.
	Connections node.ConnectionSet
	// Flow names what goes on from run to run, and Offsets say where, by incremental source.
	Flow    string
	Offsets map[string]node.Offset
}

// LocalRun is a started run.
type LocalRun struct {
	ID     string
	events *events
	done   chan struct{}
	result Result
	cancel context.CancelFunc
}

// Start begins a run. ctx bounds it; Cancel ends it too.
func (l *Local) Start(ctx context.Context, cmd LocalCommand) (*LocalRun, error) {
	doc, err := cmd.Document.Canonical()
	if err != nil {
		return nil, err
	}
	r := &LocalRun{ID: l.NewID(), done: make(chan struct{})}
	r.events = newEvents(flows.Event{Project: cmd.Scope.Project, Run: r.ID, Attempt: 1, Epoch: 1}, l.Now)
	ctx, r.cancel = context.WithCancel(ctx)
	job := Job{Run: r.ID, Attempt: 1, Document: doc, Environment: cmd.Environment, Parameters: cmd.Parameters, Secrets: secretsOf(cmd.Document, cmd.Parameters), Folders: cmd.Folders, Fence: 1, Connections: cmd.Connections, Flow: cmd.Flow, Offsets: cmd.Offsets,
		Facts: &flows.RunFacts{ID: r.ID, Flow: cmd.Document.Name, Environment: cmd.Environment, StartedAt: l.Now(), Attempt: 1}}
	go func() {
		defer close(r.done)
		defer r.events.close()
		r.events.state(flows.RunRunning, nil)
		a := attempt{executor: l.Executor, rejects: l.Rejects, observe: r.events, grant: func() error { return nil }, now: l.Now}
		r.result = a.execute(ctx, job)
		r.events.state(r.result.State, flows.AsError(r.result.Err))
	}()
	return r, nil
}

// Cancel ends the run; Wait still has to be called.
func (r *LocalRun) Cancel() { r.cancel() }

// Wait waits for the end of the run.
func (r *LocalRun) Wait() Result {
	<-r.done
	r.cancel()
	return r.result
}

// Events delivers the run's events to one reader until the run has ended. Counts are absolute: where the reader is
// slower than the run it gets the latest ones only, and the run never waits for it.
func (r *LocalRun) Events() <-chan flows.Event { return r.events.out }

// events numbers what happens and hands it to one reader; counts that nobody has taken yet are replaced.
type events struct {
	out  chan flows.Event
	now  func() time.Time
	wake chan struct{}

	mu       sync.Mutex
	envelope flows.Event
	waiting  []flows.Event
	closed   bool
}

func newEvents(envelope flows.Event, now func() time.Time) *events {
	e := &events{envelope: envelope, out: make(chan flows.Event), now: now, wake: make(chan struct{}, 1)}
	go e.deliver()
	return e
}

func (e *events) add(ev flows.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if ev.Kind == flows.EventCounts {
		e.waiting = slices.DeleteFunc(e.waiting, func(w flows.Event) bool { return w.Kind == flows.EventCounts })
	}
	e.envelope.Seq++
	ev.Project, ev.Run, ev.Attempt, ev.Epoch, ev.Seq = e.envelope.Project, e.envelope.Run, e.envelope.Attempt, e.envelope.Epoch, e.envelope.Seq
	ev.At = e.now()
	e.waiting = append(e.waiting, ev)
	e.signal()
}

func (e *events) signal() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *events) counts(ns []flows.NodeStatus) {
	e.add(flows.Event{Kind: flows.EventCounts, Nodes: ns})
}

func (e *events) samples([]flows.Sample) {} // a local run takes none

func (e *events) state(s flows.RunState, err *flows.Error) {
	e.add(flows.Event{Kind: flows.EventState, State: s, Error: err})
}

// problems tells all that is wrong with a flow; the state that follows carries the first one only.
func (e *events) problems(err error) {
	ps, _ := errors.AsType[flows.Problems](err)
	for _, p := range ps {
		e.add(flows.Event{Kind: flows.EventLog, Message: p.Error(), Error: p})
	}
}

func (e *events) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.signal()
}

// deliver hands events out one at a time; closing happens after the last one is taken.
func (e *events) deliver() {
	defer close(e.out)
	for {
		e.mu.Lock()
		if len(e.waiting) == 0 {
			closed := e.closed
			e.mu.Unlock()
			if closed {
				return
			}
			<-e.wake
			continue
		}
		ev := e.waiting[0]
		e.waiting = e.waiting[1:]
		e.mu.Unlock()
		e.out <- ev
	}
}
