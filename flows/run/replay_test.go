package run_test

import (
	"context"
	"errors"
	"testing"

	"spark/flows"
	"spark/flows/run"
)

// replaying is a service whose inbox has two rejects of one node, and a replay of them that waits to be worked.
func replaying(t *testing.T, m *memory, e executed) (*run.Service, flows.Run) {
	t.Helper()
	for _, raw := range []string{"1", "2"} {
		m.inbox = append(m.inbox, flows.StoredReject{Reject: flows.Reject{Node: "a", Raw: raw}, ID: "r0." + raw, Run: "r0", FlowID: "f", Revision: 7, State: flows.RejectOpen})
	}
	m.runs["r0"] = flows.Run{ID: "r0", State: flows.RunSucceeded, Parameters: map[string]string{"day": "x"}}
	s := service(m, e)
	r, created, err := s.StartReplay(t.Context(), run.ReplayCommand{Scope: scope, Selection: flows.Selection{IDs: []string{"r0.1", "r0.2"}}})
	if err != nil || !created || r.Trigger != flows.TriggerReplay || r.Parameters["day"] != "x" || len(m.taken) != 2 {
		t.Fatalf("%+v, created %t, took %v, %v", r, created, m.taken, err)
	}
	return s, r
}

// TestReplayThatMayHaveCommitted: a replay whose executor ends after it was allowed to commit is executed again, as the
// same run, until its targets have told; what the first execution refused again is forgotten.
func TestReplayThatMayHaveCommitted(t *testing.T) {
	t.Parallel()
	m := newMemory()
	var runs []string
	s, r := replaying(t, m, func(_ context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
		runs = append(runs, job.Run)
		if job.Replay == nil || len(job.Replay.Rejects) != 2 || len(job.Replay.Documents) != 1 || job.Replay.Node != "a" {
			t.Errorf("replay %+v", job.Replay)
		}
		if err := errors.Join(c.StoreRejects(flows.AppendReject(nil, &flows.Reject{Node: "a"})), c.MayCommit(job.Fence)); err != nil {
			return nil, err
		}
		if len(runs) == 1 {
			return nil, &flows.Error{Code: "commit.unknown", Message: "it ended while it committed"}
		}
		return counted(1), nil
	})
	if err := s.Work(t.Context(), scope, r.ID); err != nil {
		t.Fatal(err)
	}
	if len(runs) != 2 || runs[0] != runs[1] || m.runs[r.ID].State != flows.RunSucceeded || len(m.rejects) != 1 {
		t.Errorf("executed %v, %s, %d rejects", runs, m.runs[r.ID].State, len(m.rejects))
	}
}

// TestReplayThatDidNotCommit: one that was not allowed to commit just fails.
func TestReplayThatDidNotCommit(t *testing.T) {
	t.Parallel()
	m := newMemory()
	n := 0
	s, r := replaying(t, m, func(context.Context, run.Job, run.Callbacks) ([]flows.NodeStatus, error) {
		n++
		return nil, &flows.Error{Code: "executor.died", Message: "it ended"}
	})
	if err := s.Work(t.Context(), scope, r.ID); err != nil || n != 1 || m.runs[r.ID].State != flows.RunFailed {
		t.Errorf("executed %d times, %s, %v", n, m.runs[r.ID].State, err)
	}
}

// TestReplayAfterACrash: a replay that was allowed to commit when Spark ended is executed again by the next process.
func TestReplayAfterACrash(t *testing.T) {
	t.Parallel()
	m := newMemory()
	n := 0
	s, r := replaying(t, m, func(_ context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
		n++
		return counted(2), c.MayCommit(job.Fence)
	})
	m.runs[r.ID] = func(r flows.Run) flows.Run { r.State = flows.RunRunning; return r }(m.runs[r.ID])
	m.granted[r.ID] = true
	if err := s.Work(t.Context(), scope, r.ID); err != nil || n != 1 || m.runs[r.ID].State != flows.RunSucceeded {
		t.Errorf("executed %d times, %s, %v", n, m.runs[r.ID].State, err)
	}
}

// TestUnfitSelections: rejects that no run can take together are refused before anything is stored.
func TestUnfitSelections(t *testing.T) {
	t.Parallel()
	reject := func(change func(*flows.StoredReject)) flows.StoredReject {
		r := flows.StoredReject{Reject: flows.Reject{Node: "a", Raw: "1"}, ID: "r0.1", Run: "r0", FlowID: "f", Revision: 7, State: flows.RejectOpen}
		change(&r)
		return r
	}
	same := reject(func(*flows.StoredReject) {})
	for code, list := range map[string][]flows.StoredReject{
		"reject.none":       {},
		"reject.not_open":   {same, reject(func(r *flows.StoredReject) { r.State = flows.RejectDiscarded })},
		"replay.several":    {same, reject(func(r *flows.StoredReject) { r.Node = "b" })},
		"replay.parameters": {same, reject(func(r *flows.StoredReject) { r.Run = "r1" })},
		"replay.too_large":  {same, reject(func(r *flows.StoredReject) { r.RawBytes = make([]byte, 17<<20) })},
	} {
		m := newMemory()
		m.inbox = list
		m.runs["r0"] = flows.Run{ID: "r0", Parameters: map[string]string{"day": "x"}}
		m.runs["r1"] = flows.Run{ID: "r1", Parameters: map[string]string{"day": "y"}}
		_, _, err := service(m, nil).StartReplay(t.Context(), run.ReplayCommand{Scope: scope})
		if e := flows.AsError(err); e == nil || e.Code != code || e.Suggestion == "" || m.taken != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
}
