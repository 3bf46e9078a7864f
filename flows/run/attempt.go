// Package run starts runs and follows them to their end. Service is the one of a server: it stores runs, and its jobs
// may be worked by another process. Local runs flow files.
package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"spark/flows"
	"spark/flows/node"
)

// Job is one attempt, as the executor sees it.
type Job struct {
	Run         string
	Attempt     int
	Document    json.RawMessage // canonical
	Environment string
	Parameters  map[string]string
	// Secrets are values among the parameters that nothing may show which an executor says.
	Secrets []string
	Folders []string
	Fence   int64
	Until   string // node that the run ends at; empty: the whole flow
	Samples int    // records sampled of every output port
	// Facts are what the flow can say about the run; nil where it is none.
	Facts *flows.RunFacts
	// Connections of the flow with their secrets.
	Connections node.ConnectionSet
	// Replay lets these records go through the flow, and no others.
	Replay *flows.Replay
	// Sample reads so many records of every driving source, begins at Pins, and writes nothing. 0: a run.
	Sample int
	Pins   []flows.PinnedRecords
	Budget Budget // zero where the executor has limits of its own
	// Flow names what goes on from run to run, and Offsets say where, by incremental source.
	Flow    string
	Offsets map[string]node.Offset
	// Delivered are the keys of what earlier attempts have sent, by node.
	Delivered map[string][]byte
	// Pages is the folder for the answers of APIs that another execution of the run would read; "": there will be none.
	Pages string
}

// Callbacks are what an attempt asks of the service.
type Callbacks struct {
	Counts       func([]flows.NodeStatus)
	Warnings     func(flows.Problems)
	Samples      func([]flows.Sample)
	StoreRejects func(lines []byte) error // of flows.AppendReject
	MayCommit    func(fence int64) error
	// Deliver makes durable what a node has sent; nil: nobody will ask.
	Deliver func(node string, keys []byte) error
	// Reached is told how far incremental sources were read by a run that is committed.
	Reached func(map[string]node.Offset)
}

// Executor executes attempts, in another process. What it says shows no secret of the job.
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
	// Add stores lines of flows.AppendReject.
	Add(lines []byte) error
	// Seal makes them durable. It is called before the commit.
	Seal() error
	// End makes them visible after a commit, and otherwise as those of a failed run.
	End(committed bool) error
}

// Result is the end of an attempt.
type Result struct {
	State    flows.RunState
	Nodes    []flows.NodeStatus
	Rejected int64
	Err      error // *flows.Error or flows.Problems where the state is failed
	Started  time.Time
	Ended    time.Time
	// Reached is how far incremental sources were read, where that is committed.
	Reached map[string]node.Offset
}

// Clean reports whether the run succeeded and refused nothing.
func (r Result) Clean() bool { return r.State == flows.RunSucceeded && r.Rejected == 0 }

// observer is told what happens in an attempt; it must not block.
type observer interface {
	counts([]flows.NodeStatus)
	problems(error)
	samples([]flows.Sample)
}

// attempt executes one attempt. grant is asked after the rejects are durable and before the commit is allowed.
type attempt struct {
	executor Executor
	rejects  RejectStore
	observe  observer
	grant    func() error
	sent     sentStore // nil: no attempt follows this one
	now      func() time.Time
}

// sentStore keeps what targets have sent for a run.
type sentStore interface {
	delivered() (map[string][]byte, error)
	deliver(node string, keys []byte) error
}

func (a attempt) execute(ctx context.Context, job Job) Result {
	res := Result{Started: a.now()}
	var deliver func(node string, keys []byte) error
	if a.sent != nil {
		var err error
		if job.Delivered, err = a.sent.delivered(); err != nil {
			res.State, res.Err, res.Ended = flows.RunFailed, err, a.now()
			return res
		}
		deliver = a.sent.deliver
	}
	rejects := &lazyRejects{store: a.rejects, run: job.Run}
	granted := false
	nodes, err := a.executor.Run(ctx, job, Callbacks{
		Counts:       a.observe.counts,
		Warnings:     func(ps flows.Problems) { a.observe.problems(ps) },
		Samples:      a.observe.samples,
		StoreRejects: rejects.add,
		Deliver:      deliver,
		Reached:      func(offsets map[string]node.Offset) { res.Reached = offsets },
		MayCommit: func(fence int64) error {
			if fence != job.Fence {
				return fmt.Errorf("fence %d is not the lease's", fence)
			}
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("the run was cancelled: %w", err)
			}
			if err := rejects.seal(); err != nil {
				return err
			}
			err := a.grant()
			granted = err == nil
			return err
		},
	})
	if endErr := rejects.end(err == nil); err == nil { // else what went wrong first is what to tell
		err = endErr
	}
	res.Nodes, res.Ended, res.State = nodes, a.now(), flows.RunSucceeded
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
		a.observe.counts(nodes)
	}
	if ps := unexpected(nodes); len(ps) > 0 {
		a.observe.problems(ps)
	}
	if ps, several := errors.AsType[flows.Problems](err); several {
		a.observe.problems(ps)
	}
	return res
}

// unexpected are the warnings of expectations that were not met.
func unexpected(nodes []flows.NodeStatus) flows.Problems {
	var ps flows.Problems
	for _, n := range nodes {
		for _, e := range n.Expectations {
			if e.Broken > 0 && e.Otherwise == "warn" {
				ps = append(ps, &flows.Error{Code: "expectation.warning", Severity: flows.SeverityWarning, Path: flows.Path{Node: n.Node}, Params: flows.Params{"broken": e.Broken},
					Message: fmt.Sprintf("not as expected: %s (%d×)", e.Name, e.Broken)})
			}
		}
	}
	return ps
}

// lazyRejects opens the store at the first reject.
type lazyRejects struct {
	store RejectStore
	run   string
	w     RejectWriter
}

func (l *lazyRejects) add(lines []byte) error {
	if l.w == nil {
		w, err := l.store.Open(l.run)
		if err != nil {
			return err
		}
		l.w = w
	}
	return l.w.Add(lines)
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
