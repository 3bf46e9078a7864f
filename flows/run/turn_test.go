package run_test

import (
	"context"
	"errors"
	"testing"

	"spark/flows"
	"spark/flows/run"
)

// budgets gives every run the same.
type budgets run.Budget

func (b budgets) Budget(*flows.Flow) run.Budget { return run.Budget(b) }

// blocking executes runs that end when they are told to.
func blocking(began chan string, end chan struct{}) executed {
	return func(ctx context.Context, job run.Job, _ run.Callbacks) ([]flows.NodeStatus, error) {
		began <- job.Run
		select {
		case <-end:
			return nil, nil
		case <-ctx.Done():
			return nil, &flows.Error{Code: "run.cancelled", Message: "the run was cancelled"}
		}
	}
}

// TestTurns: of two runs of a flow the second begins when the first is over; where the flow allows it they run together.
func TestTurns(t *testing.T) {
	t.Parallel()
	for _, parallel := range []bool{false, true} {
		m := newMemory()
		if parallel {
			m.document = `{"format":1,"name":"x","settings":{"concurrency":"parallel"},"nodes":[{"id":"a","type":"sample.data","version":1}],"edges":[]}`
		}
		began, end, ended := make(chan string, 2), make(chan struct{}), make(chan error, 2)
		s := service(m, blocking(began, end))
		first, second := queued(t, s), queued(t, s)
		for _, r := range []flows.Run{second, first} {
			go func() { ended <- s.Work(t.Context(), scope, r.ID) }()
		}
		if one := <-began; !parallel && one != first.ID {
			t.Errorf("%s began before %s, which was queued first", one, first.ID)
		}
		if parallel {
			<-began
			end <- struct{}{}
		} else {
			if r, err := s.Get(t.Context(), scope, second.ID); err != nil || r.State != flows.RunQueued {
				t.Errorf("the second one is %s while the first one runs, %v", r.State, err)
			}
			end <- struct{}{}
			<-began
		}
		end <- struct{}{}
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
}

// TestSkipped: a run that is started while another one goes on is refused with the reason.
func TestSkipped(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.document = `{"format":1,"name":"x","settings":{"concurrency":"skip"},"nodes":[{"id":"a","type":"sample.data","version":1}],"edges":[]}`
	s := service(m, nil)
	queued(t, s)
	_, _, err := s.Start(t.Context(), run.Command{Scope: scope, FlowID: "f"})
	if e := flows.AsError(err); e == nil || e.Code != "run.skipped" || len(m.runs) != 1 {
		t.Errorf("%v, %d runs", err, len(m.runs))
	}
}

// TestTurnGivesBack: a worker that has to end while a run waits gives the run back.
func TestTurnGivesBack(t *testing.T) {
	t.Parallel()
	m := newMemory()
	began, end, ended := make(chan string, 2), make(chan struct{}), make(chan error, 1)
	s := service(m, blocking(began, end))
	first, second := queued(t, s), queued(t, s)
	go func() { ended <- s.Work(t.Context(), scope, first.ID) }()
	<-began
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(stopped)
	if err := s.Work(ctx, scope, second.ID); !errors.Is(err, stopped) {
		t.Errorf("the job of the waiting run ended with %v", err)
	}
	end <- struct{}{}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if r, err := s.Get(t.Context(), scope, second.ID); err != nil || r.State != flows.RunQueued {
		t.Errorf("the waiting run is %s, %v", r.State, err)
	}
}

// TestAdmissionOfRuns: a run stays queued until there is memory for it, gets what was promised, and can be cancelled
// while it waits.
func TestAdmissionOfRuns(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.document = `{"format":1,"name":"x","settings":{"concurrency":"parallel"},"nodes":[{"id":"a","type":"sample.data","version":1}],"edges":[]}`
	began, end, ended := make(chan string, 2), make(chan struct{}), make(chan error, 2)
	run1 := blocking(began, end)
	s := service(m, func(ctx context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
		if job.Budget != (run.Budget{Memory: 60, Spill: 1}) {
			t.Errorf("the run may use %+v", job.Budget)
		}
		return run1(ctx, job, c)
	})
	s.Admission, s.Budgets = run.NewAdmission(run.Budget{Memory: 100, Spill: 100}), budgets{Memory: 60, Spill: 1}
	first, second, third := queued(t, s), queued(t, s), queued(t, s)
	go func() { ended <- s.Work(t.Context(), scope, first.ID) }()
	<-began
	go func() { ended <- s.Work(t.Context(), scope, second.ID) }()
	if r, err := s.Cancel(t.Context(), scope, second.ID); err != nil || r.State.Ended() && r.State != flows.RunCancelled {
		t.Errorf("cancelled: %+v, %v", r, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if r, err := s.Get(t.Context(), scope, second.ID); err != nil || r.State != flows.RunCancelled || !r.StartedAt.IsZero() {
		t.Errorf("the one that waited: %+v, %v", r, err)
	}
	go func() { ended <- s.Work(t.Context(), scope, third.ID) }()
	end <- struct{}{}
	if id := <-began; id != third.ID {
		t.Errorf("%s began", id)
	}
	end <- struct{}{}
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
