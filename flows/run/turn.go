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

// lease takes a run, in its turn where the flow says that runs are one at a time.
func (s *Service) lease(ctx context.Context, scope flows.Scope, id string) (r flows.Run, fence int64, err error) {
	alone, err := s.alone(ctx, scope, id)
	if err != nil {
		return r, 0, err
	}
	patience := time.NewTimer(turnPatience)
	defer patience.Stop()
	for {
		next := s.nextWorked()
		r, fence, err = s.Store.Lease(ctx, scope, id, alone)
		if e := flows.AsError(err); e == nil || e.Code != "run.waits" {
			return r, fence, err
		}
		select {
		case <-next:
		case <-time.After(turnInterval):
		case <-patience.C:
			return r, 0, fmt.Errorf("%w: %w", ErrWaits, err)
		case <-ctx.Done():
			return r, 0, context.Cause(ctx)
		}
	}
}

// alone reports whether a run has to wait for the others of its flow. What has begun needs no turn, and what cannot be
// read is told by the attempt.
func (s *Service) alone(ctx context.Context, scope flows.Scope, id string) (bool, error) {
	r, err := s.Store.Get(ctx, scope, id)
	if err != nil || r.State != flows.RunQueued {
		return false, err
	}
	rev, err := s.Documents.Revision(ctx, scope, r.FlowID, r.Revision)
	if err != nil {
		return false, nil
	}
	doc, err := flows.ParseFlow(rev.Document)
	return err == nil && doc.Settings.Concurrency != flows.ConcurrencyParallel, nil
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

// admit waits for the budget of the attempt. An error means that ctx has ended.
func (w *work) admit(ctx context.Context, doc *flows.Flow) (Budget, func(), error) {
	if w.Admission == nil {
		return Budget{}, func() {}, nil
	}
	return w.Admission.Acquire(ctx, w.Budgets.Budget(doc))
}
