package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"spark/flows"
)

// flow makes a flow whose document has these settings and returns its id.
func (s *serving) flow(doc, settings string) string {
	s.t.Helper()
	var flow struct{ ID string }
	doc = strings.Replace(doc, "{", `{"settings":`+settings+",", 1)
	s.ask(http.MethodPost, "/api/v1/flows", map[string]any{"document": json.RawMessage(doc)}, &flow)
	return flow.ID
}

func (s *serving) run(flow string) (r flows.Run) {
	s.t.Helper()
	s.ask(http.MethodPost, "/api/v1/runs", map[string]any{"flow": flow}, &r)
	return r
}

func (s *serving) cancel(id string) {
	s.t.Helper()
	s.ask(http.MethodPost, "/api/v1/runs/"+id+"/cancel", nil, nil)
}

// TestServeTurns: a second run waits for the first one also where the server is killed meanwhile, and begins when the first
// one is known to be over.
func TestServeTurns(t *testing.T) {
	t.Parallel()
	p := setup(t)
	s := p.serve()
	flow := s.flow(endless(), `{}`)
	first, second, third := s.run(flow), s.run(flow), s.run(flow)
	s.until("the first run counts", first.ID, runTime, counting)
	s.Kill()
	until(t, "its executors end", 10*time.Second, func() bool { return len(p.executors()) == 0 })
	s = p.serve()
	r := s.until("the second run counts", second.ID, runTime, counting)
	if one := s.until("the first run is over", first.ID, time.Second, over); one.State != flows.RunFailed || one.EndedAt.After(r.StartedAt) {
		t.Errorf("the first run ended as %s at %s and the second began at %s", one.State, one.EndedAt, r.StartedAt)
	}
	if r = s.until("the third one waits", third.ID, time.Second, func(flows.Run) bool { return true }); r.State != flows.RunQueued {
		t.Errorf("the third run is %s", r.State)
	}
	s.cancel(third.ID)
	s.cancel(second.ID)
	for _, id := range []string{second.ID, third.ID} {
		if r = s.until("it is over", id, runTime, over); r.State != flows.RunCancelled {
			t.Errorf("cancelled, it is %s", r.State)
		}
	}
}

// TestServeSkips: where the flow says so, a run is refused with the reason while another one goes on.
func TestServeSkips(t *testing.T) {
	t.Parallel()
	s := setup(t).serve()
	flow := s.flow(endless(), `{"concurrency":"skip"}`)
	first := s.run(flow)
	s.until("the run counts", first.ID, runTime, counting)
	s.fails(http.MethodPost, "/api/v1/runs", map[string]any{"flow": flow}, http.StatusConflict, "run.skipped", "another run of the flow is running since", "settings of the flow")
	s.cancel(first.ID)
	s.until("it is over", first.ID, runTime, over)
	next := s.run(flow)
	s.until("the next one counts", next.ID, runTime, counting)
	s.cancel(next.ID)
	s.until("it is over", next.ID, runTime, over)
}
