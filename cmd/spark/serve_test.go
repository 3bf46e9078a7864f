package main

import (
	"encoding/json"
	"net/http"
	"syscall"
	"testing"
	"time"

	"spark/flows"
	"spark/internal/served"
)

// serving is a `spark serve` of a place.
type serving struct {
	*place
	*served.Server
}

func (p *place) serve() *serving {
	p.t.Helper()
	s, err := served.Start(p.command("serve", "--listen", "127.0.0.1:0", "--data", p.path("spark")))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(s.Kill)
	return &serving{place: p, Server: s}
}

// ask makes a request as the owner's program and decodes the answer.
func (s *serving) ask(method, path string, body, answer any) {
	s.t.Helper()
	if err := s.Call(s.t.Context(), method, path, body, answer); err != nil {
		s.t.Fatal(err)
	}
}

func (s *serving) begin(doc string) flows.Run {
	s.t.Helper()
	var flow struct{ ID string }
	s.ask(http.MethodPost, "/api/v1/flows", map[string]any{"document": json.RawMessage(doc)}, &flow)
	var r flows.Run
	s.ask(http.MethodPost, "/api/v1/runs", map[string]any{"flow": flow.ID}, &r)
	return r
}

func (s *serving) until(what string, id string, limit time.Duration, ok func(flows.Run) bool) (r flows.Run) {
	s.t.Helper()
	until(s.t, what, limit, func() bool {
		r = flows.Run{}
		s.ask(http.MethodGet, "/api/v1/runs/"+id, nil, &r)
		return ok(r)
	})
	return r
}

func over(r flows.Run) bool { return r.State.Ended() }

func counting(r flows.Run) bool { return r.State == flows.RunRunning && r.Read > 0 }

var fewRecords = chain(step("in", "sample.data", `{"dataset":"orders","records":1000}`), output("few.csv"))

// TestServeExecutorKilled: the run fails with the reason within 5 s, another run goes on, and the next one works.
func TestServeExecutorKilled(t *testing.T) {
	t.Parallel()
	p := setup(t)
	s := p.serve()
	first := s.begin(endless())
	s.until("the first run counts", first.ID, runTime, counting)
	before := p.executors()
	other := s.begin(endless())
	s.until("the other run counts", other.ID, runTime, counting)
	kill(t, syscall.SIGKILL, before...) // those of the first run, and the idle one
	r := s.until("the run is over", first.ID, 5*time.Second, over)
	if r.State != flows.RunFailed || r.Error == nil || r.Error.Code != "executor.died" {
		t.Errorf("%+v", r)
	}
	s.until("the other run goes on", other.ID, runTime, counting)
	s.ask(http.MethodPost, "/api/v1/runs/"+other.ID+"/cancel", nil, &r)
	if r = s.until("the other run is over", other.ID, runTime, over); r.State != flows.RunCancelled {
		t.Errorf("the other run: %+v", r)
	}
	if r = s.until("the next run is over", s.begin(fewRecords).ID, runTime, over); r.State != flows.RunSucceeded || r.Written != 1000 {
		t.Errorf("the next run: %+v", r)
	}
}

// TestServeKilled: 10 s after the next start the run that was running says so no more, and nothing is half written.
func TestServeKilled(t *testing.T) {
	t.Parallel()
	p := setup(t)
	s := p.serve()
	r := s.begin(endless())
	s.until("the run counts", r.ID, runTime, counting)
	s.Kill()
	until(t, "its executors end", 10*time.Second, func() bool { return len(p.executors()) == 0 })
	s = p.serve()
	r = s.until("the state is true", r.ID, 10*time.Second, over)
	if r.State != flows.RunFailed || r.Error == nil || r.Error.Code != "run.interrupted" || p.exists("spark/files/out.csv") {
		t.Errorf("%+v", r)
	}
	until(t, "nothing half written is left", 10*time.Second, func() bool { return len(p.leftovers()) == 0 })
	if r = s.until("the next run is over", s.begin(fewRecords).ID, runTime, over); r.State != flows.RunSucceeded {
		t.Errorf("the next run: %+v", r)
	}
}
