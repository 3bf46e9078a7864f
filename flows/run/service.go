// Package run starts runs and follows them to their end.
package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"spark/flows"
)

// Command asks for a run.
type Command struct {
	Scope      flows.Scope
	Document   *flows.Flow // frozen: the revision that runs
	Revision   int         // its number, 0 for a flow file
	Trigger    flows.Trigger
	Parameters map[string]string
	Key        string // idempotency key; a second start with it is refused
	Folders    []string
}

// Job is one attempt, as the executor sees it.
type Job struct {
	Run        string
	Attempt    int
	Document   json.RawMessage // canonical
	Parameters map[string]string
	Folders    []string
	Fence      int64
}

// Callbacks are what an attempt asks of the service.
type Callbacks struct {
	Counts       func([]flows.NodeStatus)
	Warnings     func(flows.Problems)
	StoreRejects func([]flows.Reject) error
	MayCommit    func(fence int64) error
}

// Executor executes attempts, in another process.
type Executor interface {
	Run(ctx context.Context, job Job, c Callbacks) ([]flows.NodeStatus, error)
}

// RejectStore keeps the rejects of runs.
type RejectStore interface {
	// Open prepares to store the rejects of a run.
	Open(run string) (RejectWriter, error)
}

// RejectWriter stores the rejects of one attempt.
type RejectWriter interface {
	Add([]flows.Reject) error
	// Seal makes them durable. It is called before the commit.
	Seal() error
	// End makes them visible after a commit, and otherwise as those of a failed run.
	End(committed bool) error
}

// Service starts runs.
type Service struct {
	Executor Executor
	Rejects  RejectStore
	Now      func() time.Time
	NewID    func() string

	mu   sync.Mutex
	keys map[string]bool
}

// Result is the end of a run.
type Result struct {
	State    flows.RunState
	Nodes    []flows.NodeStatus
	Rejected int64
	Err      error // *flows.Error or flows.Problems where the state is failed
	Started  time.Time
	Ended    time.Time
}

// Clean reports whether the run succeeded and refused nothing.
func (r Result) Clean() bool { return r.State == flows.RunSucceeded && r.Rejected == 0 }

// Run is a started run.
type Run struct {
	ID     string
	events *events
	done   chan struct{}
	result Result
	cancel context.CancelFunc
}

// Start freezes the command into a run and begins it. ctx bounds the run; Cancel ends it too.
func (s *Service) Start(ctx context.Context, cmd Command) (*Run, error) {
	doc, err := cmd.Document.Canonical()
	if err != nil {
		return nil, err
	}
	if err := s.claim(cmd); err != nil {
		return nil, err
	}
	r := &Run{ID: s.NewID(), done: make(chan struct{})}
	r.events = newEvents(flows.Event{Project: cmd.Scope.Project, Run: r.ID, Attempt: 1, Epoch: 1}, s.Now)
	ctx, r.cancel = context.WithCancel(ctx)
	job := Job{Run: r.ID, Attempt: 1, Document: doc, Parameters: cmd.Parameters, Folders: cmd.Folders, Fence: 1}
	go func() {
		defer close(r.done)
		defer r.events.close()
		r.result = s.attempt(ctx, r, job)
	}()
	return r, nil
}

func (s *Service) claim(cmd Command) error {
	if cmd.Key == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = map[string]bool{}
	}
	key := cmd.Scope.Project + "\x00" + cmd.Key
	if s.keys[key] {
		return &flows.Error{Code: "run.key", Params: flows.Params{"key": cmd.Key}, Message: fmt.Sprintf("a run with the key %q was started already", cmd.Key),
			Suggestion: "use a new key to run again"}
	}
	s.keys[key] = true
	return nil
}

// attempt executes one attempt and reports its states.
func (s *Service) attempt(ctx context.Context, r *Run, job Job) Result {
	res := Result{State: flows.RunRunning, Started: s.Now()}
	r.events.state(flows.RunRunning, nil)
	rejects := &lazyRejects{store: s.Rejects, run: job.Run}
	granted := false
	nodes, err := s.Executor.Run(ctx, job, Callbacks{
		Counts:       r.events.counts,
		Warnings:     func(ps flows.Problems) { r.events.problems(ps) },
		StoreRejects: rejects.add,
		MayCommit: func(fence int64) error {
			if fence != job.Fence {
				return fmt.Errorf("fence %d is not the lease's", fence)
			}
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("the run was cancelled: %w", err)
			}
			err := rejects.seal()
			granted = err == nil
			return err
		},
	})
	if endErr := rejects.end(err == nil); err == nil { // else what went wrong first is what to tell
		err = endErr
	}
	res.Nodes, res.Ended, res.State = nodes, s.Now(), flows.RunSucceeded
	for _, n := range nodes {
		res.Rejected += n.Rejected
	}
	if err != nil {
		res.State, res.Err = flows.RunFailed, err
		// A cancelled run has written nothing: what fails after the grant is no cancellation.
		if flows.AsError(err).Code == "run.cancelled" || ctx.Err() != nil && !granted {
			res.State = flows.RunCancelled
		}
	}
	if nodes != nil { // an executor that died left the last ones as they were
		r.events.counts(nodes)
	}
	r.events.problems(err)
	r.events.state(res.State, flows.AsError(err))
	return res
}

// Cancel ends the run; Wait still has to be called.
func (r *Run) Cancel() { r.cancel() }

// Wait waits for the end of the run.
func (r *Run) Wait() Result {
	<-r.done
	r.cancel()
	return r.result
}

// Events delivers the run's events to one reader until the run has ended. Counts are absolute: where the reader is
// slower than the run it gets the latest ones only, and the run never waits for it.
func (r *Run) Events() <-chan flows.Event { return r.events.out }

// lazyRejects opens the store at the first reject.
type lazyRejects struct {
	store RejectStore
	run   string
	w     RejectWriter
}

func (l *lazyRejects) add(rs []flows.Reject) error {
	if l.w == nil {
		w, err := l.store.Open(l.run)
		if err != nil {
			return err
		}
		l.w = w
	}
	return l.w.Add(rs)
}

func (l *lazyRejects) seal() error {
	if l.w == nil {
		return nil
	}
	return l.w.Seal()
}

func (l *lazyRejects) end(committed bool) error {
	if l.w == nil {
		return nil
	}
	return l.w.End(committed)
}

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
