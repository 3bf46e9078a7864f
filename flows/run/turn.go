package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"spark/flows"
)

// ErrWaits is the error of Work for a run that has to wait for another one of its flow: it should be delivered again in
// a while, so that those of other flows get their turn.
var ErrWaits = errors.New("the run waits for another run of its flow")

const (
	// turnInterval is how often a waiting run looks again: another process may have ended the one before it.
	turnInterval = time.Second
	// turnPatience is how long it waits before it makes room.
	turnPatience = 5 * time.Second
)

// turn is what a run gets when its turn has come.
type turn struct {
	run    flows.Run
	fence  int64
	budget Budget
	done   func() // gives the budget back
}

// turn waits until there is room for a run and, where its flow says that runs are one at a time, those before it are over.
// While it waits, the run is queued as if no worker had it.
func (s *Service) turn(ctx context.Context, scope flows.Scope, id string) (turn, error) {
	r, err := s.Store.Get(ctx, scope, id)
	if err != nil {
		return turn{}, err
	}
	n := s.needs(ctx, scope, r)
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	s.of(r).begin(cancel)
	patience := time.NewTimer(turnPatience)
	defer patience.Stop()
	for {
		next := s.nextWorked()
		t, err := s.take(ctx, waiting, scope, id, n)
		if e := flows.AsError(err); e == nil || e.Code != "run.waits" {
			return t, err
		}
		select {
		case <-next:
		case <-time.After(turnInterval):
		case <-patience.C:
			return turn{}, fmt.Errorf("%w: %w", ErrWaits, err)
		case <-ctx.Done():
			return turn{}, context.Cause(ctx)
		}
	}
}

// take waits for the budget and takes the run, if its turn has come. The end of waiting says that the run was cancelled:
// then it is over by now, or ends as soon as it begins.
func (s *Service) take(ctx, waiting context.Context, scope flows.Scope, id string, n needs) (t turn, err error) {
	t.done = func() {}
	if n.budget != (Budget{}) {
		budget, release, err := s.Admission.Acquire(waiting, n.budget)
		if err == nil {
			t.budget, t.done = budget, release
		} else if ctx.Err() != nil {
			return turn{}, context.Cause(ctx)
		}
	}
	if t.run, t.fence, err = s.Store.Lease(ctx, scope, id, n.alone); err != nil {
		t.done()
		return turn{}, err
	}
	return t, nil
}

// needs is what a run waits for.
type needs struct {
	alone  bool
	budget Budget // zero: none
}

// needs of a run. One that has begun waits for nothing, and what cannot be read is told by the attempt.
func (s *Service) needs(ctx context.Context, scope flows.Scope, r flows.Run) (n needs) {
	if r.State != flows.RunQueued {
		return n
	}
	rev, err := s.Documents.Revision(ctx, scope, r.FlowID, r.Revision)
	if err != nil {
		return n
	}
	doc, err := flows.ParseFlow(rev.Document)
	if err != nil {
		return n
	}
	n.alone = doc.Settings.Concurrency != flows.ConcurrencyParallel && r.Trigger != flows.TriggerSample
	if s.Admission != nil {
		n.budget = s.Budgets.Budget(doc)
	}
	return n
}

// nextWorked is closed when the next job of this process ends.
func (s *Service) nextWorked() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.worked == nil {
		s.worked = make(chan struct{})
	}
	return s.worked
}

func (s *Service) tellWorked() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.worked != nil {
		close(s.worked)
		s.worked = nil
	}
}
