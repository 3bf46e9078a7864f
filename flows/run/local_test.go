package run_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"spark/flows"
	"spark/flows/run"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// executed is an executor that does what a test says.
type executed func(ctx context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error)

func (e executed) Run(ctx context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
	return e(ctx, job, c)
}

// store writes down what happens to the rejects.
type store struct {
	mu    sync.Mutex
	calls []string
	fail  string // the call that fails
}

func (s *store) did(call string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
	if name, _, _ := strings.Cut(call, " "); name == s.fail {
		return &flows.Error{Code: "store." + name, Message: "the store failed"}
	}
	return nil
}

func (s *store) Open(string) (run.RejectWriter, error) { return s, s.did("open") }
func (s *store) Add(lines []byte) error {
	return s.did(fmt.Sprintf("add %d", bytes.Count(lines, []byte("\n"))))
}
func (s *store) Seal() error              { return s.did("seal") }
func (s *store) End(committed bool) error { return s.did(fmt.Sprintf("end %t", committed)) }

func start(t *testing.T, ctx context.Context, s *store, e executed) *run.LocalRun {
	t.Helper()
	service := &run.Local{Executor: e, Rejects: s, Now: time.Now, NewID: func() string { return "r1" }}
	r, err := service.Start(ctx, run.LocalCommand{Document: &flows.Flow{Format: 1, Name: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func events(r *run.LocalRun) []flows.Event {
	var list []flows.Event
	for e := range r.Events() {
		list = append(list, e)
	}
	return list
}

var done = []flows.NodeStatus{{Node: "a", State: flows.NodeDone, Rejected: 2}}

// TestEnds: every way in which an attempt can end, and what becomes of its rejects.
func TestEnds(t *testing.T) {
	t.Parallel()
	broken := &flows.Error{Code: "node.broken", Message: "it broke"}
	commit := func(c run.Callbacks) error {
		if err := c.StoreRejects([]byte("{}\n{}\n")); err != nil {
			return err
		}
		return c.MayCommit(1)
	}
	for name, c := range map[string]struct {
		fail     string
		cancel   string // when it is cancelled: "before" the grant or "after" it
		result   error  // of an attempt that has the grant
		state    flows.RunState
		code     string
		calls    string
		rejected int64
	}{
		"it succeeds":                        {state: flows.RunSucceeded, calls: "open, add 2, seal, end true", rejected: 2},
		"it fails after the grant":           {result: broken, state: flows.RunFailed, code: "node.broken", calls: "open, add 2, seal, end false", rejected: 2},
		"cancelled before the grant":         {cancel: "before", state: flows.RunCancelled, code: "internal", calls: "open, add 2, end false", rejected: 2},
		"cancelled after the grant":          {cancel: "after", state: flows.RunSucceeded, calls: "open, add 2, seal, end true", rejected: 2},
		"cancelled after it, and failed":     {cancel: "after", result: broken, state: flows.RunFailed, code: "node.broken", calls: "open, add 2, seal, end false", rejected: 2},
		"the executor says it was cancelled": {result: &flows.Error{Code: "run.cancelled"}, state: flows.RunCancelled, code: "run.cancelled", calls: "open, add 2, seal, end false", rejected: 2},
		"rejects cannot be stored":           {fail: "add", state: flows.RunFailed, code: "store.add", calls: "open, add 2, end false", rejected: 2},
		"rejects cannot be made durable":     {fail: "seal", state: flows.RunFailed, code: "store.seal", calls: "open, add 2, seal, end false", rejected: 2},
		"rejects cannot be made visible":     {fail: "end", state: flows.RunFailed, code: "store.end", calls: "open, add 2, seal, end true", rejected: 2},
		"the first of two errors is told":    {fail: "end", result: errors.New("plain"), state: flows.RunFailed, code: "internal", calls: "open, add 2, seal, end false", rejected: 2},
		"the document has problems":          {result: flows.Problems{broken, broken}, state: flows.RunFailed, code: "node.broken", calls: "open, add 2, seal, end false", rejected: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &store{fail: c.fail}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := start(t, ctx, s, func(_ context.Context, _ run.Job, cb run.Callbacks) ([]flows.NodeStatus, error) {
				if c.cancel == "before" {
					cancel()
				}
				if err := commit(cb); err != nil {
					return done, err
				}
				if c.cancel == "after" {
					cancel()
				}
				return done, c.result
			})
			list := events(r)
			res := r.Wait()
			if e := flows.AsError(res.Err); res.State != c.state || (e == nil) != (c.code == "") || e != nil && e.Code != c.code {
				t.Errorf("%s, %v", res.State, res.Err)
			}
			if got := strings.Join(s.calls, ", "); got != c.calls {
				t.Errorf("rejects: %s", got)
			}
			if res.Rejected != c.rejected || res.Clean() {
				t.Errorf("%d rejected, clean %t", res.Rejected, res.Clean())
			}
			if last := list[len(list)-1]; last.Kind != flows.EventState || last.State != c.state || list[0].State != flows.RunRunning {
				t.Errorf("events: %+v", list)
			}
		})
	}
}

// TestEventsAreNumberedAndCountsReplaced: a slow reader gets every state and only the latest counts, in order.
func TestEventsAreNumberedAndCountsReplaced(t *testing.T) {
	t.Parallel()
	r := start(t, t.Context(), &store{}, func(_ context.Context, _ run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
		for i := range 1000 {
			c.Counts([]flows.NodeStatus{{Node: "a", Written: int64(i)}})
		}
		return []flows.NodeStatus{{Node: "a", Written: 1000}}, nil
	})
	r.Wait() // nobody has read an event yet
	list := events(r)
	var kinds []flows.EventKind
	for i, e := range list {
		kinds = append(kinds, e.Kind)
		if i > 0 && e.Seq <= list[i-1].Seq || e.Run != "r1" || e.Attempt != 1 {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if len(kinds) > 4 || !slices.Contains(kinds, flows.EventCounts) {
		t.Errorf("events: %v", kinds)
	}
	if c := list[len(list)-2]; c.Kind != flows.EventCounts || c.Nodes[0].Written != 1000 {
		t.Errorf("the counts before the end: %+v", c)
	}
}

// TestStaleFence: an attempt whose lease has gone to another one may not commit.
func TestStaleFence(t *testing.T) {
	t.Parallel()
	s := &store{}
	r := start(t, t.Context(), s, func(_ context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
		return nil, c.MayCommit(job.Fence + 1)
	})
	events(r)
	if res := r.Wait(); res.State != flows.RunFailed || len(s.calls) != 0 {
		t.Errorf("%s, %v, %v", res.State, res.Err, s.calls)
	}
}
