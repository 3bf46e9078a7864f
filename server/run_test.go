package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/node"
	"spark/server/api"
)

const noRun = "/api/v1/runs/01a21187-1c7f-751f-8ecc-98d0d215a0c1"

// start starts a run and leaves it queued.
func (s *site) start(f api.Flow, header ...string) flows.Run {
	s.t.Helper()
	var r flows.Run
	s.ask(http.MethodPost, "/api/v1/runs", api.StartRun{Flow: f.ID}, header...).is(http.StatusCreated, &r)
	return r
}

// work does what a worker of the queue would.
func (s *site) work(r flows.Run) {
	s.t.Helper()
	if err := s.runs.Work(s.t.Context(), flows.LocalScope, r.ID); err != nil {
		s.t.Fatal(err)
	}
}

func runAt(r flows.Run, rest string) string { return "/api/v1/runs/" + r.ID + rest }

func (s *site) read(r flows.Run) flows.Run {
	s.t.Helper()
	var now flows.Run
	s.ask(http.MethodGet, runAt(r, ""), nil).is(http.StatusOK, &now)
	return now
}

// TestRunIsKept: everything that a run was, counted and said can be read when it is over.
func TestRunIsKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	text := "<b>x</b>\x00\u2028"
	var rejects []flows.Reject
	for i := range 5 {
		rejects = append(rejects, flows.Reject{Node: "in", Code: "csv.type", Reason: fmt.Sprint("reason ", i), Raw: "a;b"})
	}
	s.executor.counts = []flows.NodeStatus{{Node: "in", State: flows.NodeDone, Out: map[string]int64{"out": 10, node.Rejects: 5}, Rejected: 5},
		{Node: "out", State: flows.NodeDone, In: map[string]int64{"in": 10}, Written: 10}}
	s.executor.samples = []flows.Sample{{Node: "in", Port: "out", Schema: flows.Schema{{Name: text, Type: flows.Type{Kind: flows.Text}}}, Rows: [][]*string{{&text}, {nil}}}}
	s.executor.rejects = rejects
	f := s.createFlow(document1("Orders"))
	r := s.start(f)
	if r.State != flows.RunQueued || r.FlowID != f.ID || r.Revision != 1 || r.FlowName != "Orders" || r.CreatedBy == "" {
		t.Errorf("started: %+v", r)
	}
	s.work(r)
	now := s.read(r)
	if now.State != flows.RunSucceeded || now.Read != 10 || now.Written != 10 || now.Rejected != 5 || len(now.Nodes) != 2 || now.EndedAt.Before(now.StartedAt) {
		t.Errorf("read: %+v", now)
	}
	var samples api.Page[flows.Sample]
	if s.ask(http.MethodGet, runAt(r, "/samples?node=in"), nil).is(http.StatusOK, &samples); len(samples.Items) != 1 || *samples.Items[0].Rows[0][0] != text || samples.Items[0].Rows[1][0] != nil {
		t.Errorf("samples: %+v", samples)
	}
	if s.ask(http.MethodGet, runAt(r, "/samples?node=other"), nil).is(http.StatusOK, &samples); len(samples.Items) != 0 {
		t.Errorf("samples of another node: %+v", samples)
	}
	for _, limit := range []string{"1", "2", "5", "100"} {
		items, _ := everyPage[flows.Reject](s, runAt(r, "/rejects?node=in&"), limit)
		if !slices.EqualFunc(items, rejects, func(a, b flows.Reject) bool { return a.Reason == b.Reason && a.Code == b.Code && a.Raw == b.Raw }) {
			t.Errorf("rejects in pages of %s: %+v", limit, items)
		}
		lines, _ := everyPage[flows.LogLine](s, runAt(r, "/log?"), limit)
		if len(lines) != 2 || lines[0].Message != "the run began" || lines[1].Message != "the run succeeded" || lines[0].Seq != 1 || lines[1].Seq != 2 {
			t.Errorf("log in pages of %s: %+v", limit, lines)
		}
	}
	if items, _ := everyPage[flows.Reject](s, runAt(r, "/rejects?node=out&"), "5"); len(items) != 0 {
		t.Errorf("rejects of another node: %+v", items)
	}
	var summary api.Flow
	if s.ask(http.MethodGet, flowAt(f, ""), nil).is(http.StatusOK, &summary); summary.LastRun == nil || summary.LastRun.ID != r.ID || summary.LastRun.State != flows.RunSucceeded {
		t.Errorf("the flow's last run: %+v", summary.LastRun)
	}
	if items, _ := everyPage[api.FlowSummary](s, "/api/v1/flows?", "10"); len(items) != 1 || items[0].LastRun == nil || items[0].LastRun.ID != r.ID {
		t.Errorf("the last run in the list: %+v", items)
	}
}

// TestRepeatedStart: a request that is repeated with its key answers the run of the first one, whatever became of the
// flow meanwhile. Without a key each request is a run.
func TestRepeatedStart(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *site, f api.Flow){
		"nothing happened": func(*site, api.Flow) {},
		"the flow changed": func(s *site, f api.Flow) { s.save(f, document1("Other")) },
		"it is broken now": func(s *site, f api.Flow) { s.save(f, strings.ReplaceAll(document1("x"), `"orders"`, `"nonsense"`)) },
		"the flow is gone": func(s *site, f api.Flow) { s.ask(http.MethodDelete, flowAt(f, ""), nil).is(http.StatusNoContent, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			f := s.createFlow(document1("Orders"))
			for i, key := range []string{"a key", strings.Repeat("k", maxKey), "caf\xe9"} {
				key := []string{"Idempotency-Key", key}
				if i > 0 && name != "nothing happened" {
					break
				}
				first := s.start(f, key...)
				change(s, f)
				var again flows.Run
				a := s.ask(http.MethodPost, "/api/v1/runs", api.StartRun{Flow: f.ID}, key...).is(http.StatusOK, &again)
				if again.ID != first.ID || again.Revision != first.Revision || a.header.Get("Location") != runAt(first, "") {
					t.Errorf("%+v after %+v", again, first)
				}
			}
		})
	}
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	if a, b := s.start(f), s.start(f); a.ID == b.ID {
		t.Error("two requests without a key are one run")
	}
}

func (s *site) save(f api.Flow, document string) {
	s.t.Helper()
	s.ask(http.MethodPut, flowAt(f, "/draft"), wrap(document), "If-Match", `"`+f.Etag+`"`).is(http.StatusOK, nil)
}

// TestStartsAtOnce: many requests with one key at one moment are one run.
func TestStartsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	answers := make(chan answer)
	for range 8 {
		go func() {
			answers <- s.ask(http.MethodPost, "/api/v1/runs", api.StartRun{Flow: f.ID}, "Idempotency-Key", "k")
		}()
	}
	ids, created := map[string]bool{}, 0
	for range 8 {
		a := <-answers
		var r flows.Run
		if a.status == http.StatusCreated {
			created++
		}
		a.is(a.status, &r)
		ids[r.ID] = true
	}
	if runs, _ := everyPage[flows.Run](s, "/api/v1/runs?", "10"); len(ids) != 1 || created != 1 || len(runs) != 1 {
		t.Errorf("%d ids, %d created, %d runs", len(ids), created, len(runs))
	}
}

// TestListOfRuns: pages together are all runs, newest first, none twice; of one flow; in one state.
func TestListOfRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	anyOrder := func(document string) string { // runs need not wait for each other
		return strings.Replace(document, `"format":1`, `"format":1,"settings":{"concurrency":"parallel"}`, 1)
	}
	a, b := s.createFlow(anyOrder(document1("a"))), s.createFlow(anyOrder(document1("b")))
	var all, ofA, done []string
	for i := range 12 {
		f := a
		if i%3 == 0 {
			f = b
		}
		r := s.start(f)
		all = append(all, r.ID)
		if i%3 != 0 {
			ofA = append(ofA, r.ID)
		}
		if i%2 == 0 {
			s.work(r)
			done = append(done, r.ID)
		}
	}
	for _, want := range [][]string{all, ofA, done} {
		slices.Reverse(want)
	}
	for query, want := range map[string][]string{"": all, "flow=" + a.ID + "&": ofA, "state=succeeded&": done, "state=failed&": nil, "flow=x&": nil} {
		for _, limit := range []string{"1", "5", "12", "200"} {
			items, _ := everyPage[flows.Run](s, "/api/v1/runs?"+query, limit)
			var ids []string
			for _, r := range items {
				ids = append(ids, r.ID)
			}
			if !slices.Equal(ids, want) {
				t.Errorf("%q in pages of %s: %v instead of %v", query, limit, ids, want)
			}
		}
	}
}

// TestCancelledRun: one that waits is over at once and never begins, one that runs ends, one that is over stays as it is.
func TestCancelledRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	waiting := s.start(f)
	var r flows.Run
	if s.ask(http.MethodPost, runAt(waiting, "/cancel"), nil).is(http.StatusOK, &r); r.State != flows.RunCancelled {
		t.Errorf("while it waited: %+v", r)
	}
	s.work(waiting)
	if r = s.read(waiting); r.State != flows.RunCancelled || !r.StartedAt.IsZero() {
		t.Errorf("worked all the same: %+v", r)
	}

	s.executor.began, s.executor.end = make(chan string, 1), make(chan struct{})
	running := s.start(f)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.work(running)
	}()
	<-s.executor.began
	if r = s.read(running); r.State != flows.RunRunning {
		t.Errorf("while it runs: %+v", r)
	}
	s.ask(http.MethodPost, runAt(running, "/cancel"), nil).is(http.StatusOK, nil)
	<-ended
	if r = s.read(running); r.State != flows.RunCancelled {
		t.Errorf("cancelled: %+v", r)
	}
	if s.ask(http.MethodPost, runAt(running, "/cancel"), nil); s.read(running).State != flows.RunCancelled {
		t.Errorf("cancelled twice: %+v", s.read(running))
	}
}

// TestFailedRun: the sentence of the engine reaches the run, its log and the list, with its place.
func TestFailedRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.executor.err = &flows.Error{Code: "csv.type", Path: flows.Path{Node: "in", File: "orders.csv", Line: 8}, Message: `"x" is not a date`, Suggestion: "correct the file"}
	r := s.start(s.createFlow(document1("Orders")))
	s.work(r)
	now := s.read(r)
	if now.State != flows.RunFailed || now.Error == nil || now.Error.Message != `"x" is not a date` || now.Error.Path.Node != "in" || now.Error.Path.Line != 8 || now.Error.Suggestion == "" {
		t.Errorf("%+v", now)
	}
	lines, _ := everyPage[flows.LogLine](s, runAt(r, "/log?"), "1")
	if last := lines[len(lines)-1]; last.Severity != flows.SeverityError || last.Error == nil || !strings.Contains(last.Message, "is not a date") {
		t.Errorf("%+v", last)
	}
}

// TestWrongRunRequests: each says what is wrong and what to do, and starts nothing.
func TestWrongRunRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	start := func(body api.StartRun, header ...string) answer {
		return s.ask(http.MethodPost, "/api/v1/runs", body, header...)
	}
	other := s.createFlow(document1("Other"))
	s.start(f, "Idempotency-Key", "of f")
	for name, test := range map[string]struct {
		answer answer
		status int
		code   string
		texts  []string
	}{
		"no such flow":          {start(api.StartRun{Flow: "01a21187-1c7f-751f-8ecc-98d0d215a0c1"}), 404, "flow.not_found", []string{"deleted"}},
		"no such revision":      {start(api.StartRun{Flow: f.ID, Revision: 7}), 404, "revision.not_found", []string{"7"}},
		"a negative revision":   {start(api.StartRun{Flow: f.ID, Revision: -1}), 400, "request.body", []string{"revision from 1"}},
		"a long key":            {start(api.StartRun{Flow: f.ID}, "Idempotency-Key", strings.Repeat("x", maxKey+1)), 400, "request.body", []string{"200 characters"}},
		"a key of another flow": {start(api.StartRun{Flow: other.ID}, "Idempotency-Key", "of f"), 422, "run.key_reused", []string{"another flow", "make a new one"}},
		"until nowhere":         {start(api.StartRun{Flow: f.ID, Until: "nowhere"}), 422, "flow.unknown_node", []string{"no node \"nowhere\"", "choose a node"}},
		"unknown parameter":     {start(api.StartRun{Flow: f.ID, Parameters: map[string]string{"day": "1"}}), 422, "parameter.unknown", []string{"no parameter \"day\""}},
		"no JSON":               {s.ask(http.MethodPost, "/api/v1/runs", "run it"), 400, "request.body", []string{"openapi.json"}},
		"no such run":           {s.ask(http.MethodGet, noRun, nil), 404, "run.not_found", []string{"removed"}},
		"an id that is none":    {s.ask(http.MethodGet, "/api/v1/runs/x", nil), 404, "run.not_found", nil},
		"cancel nothing":        {s.ask(http.MethodPost, noRun+"/cancel", nil), 404, "run.not_found", nil},
		"log of nothing":        {s.ask(http.MethodGet, noRun+"/log", nil), 404, "run.not_found", nil},
		"samples of nothing":    {s.ask(http.MethodGet, noRun+"/samples", nil), 404, "run.not_found", nil},
		"rejects of nothing":    {s.ask(http.MethodGet, noRun+"/rejects", nil), 404, "run.not_found", nil},
		"events of nothing":     {s.ask(http.MethodGet, noRun+"/events", nil), 415, "request.media_type", []string{"WebSocket"}},
		"no such state":         {s.ask(http.MethodGet, "/api/v1/runs?state=done", nil), 400, "request.query", []string{"succeeded"}},
		"no cursor":             {s.ask(http.MethodGet, "/api/v1/runs?cursor=%00", nil), 400, "cursor.invalid", []string{"first page"}},
	} {
		t.Run(name, func(t *testing.T) {
			test.answer.t = t
			test.answer.fails(test.status, test.code, test.texts...)
		})
	}
	if runs, _ := everyPage[flows.Run](s, "/api/v1/runs?", "10"); len(runs) != 1 { // the one that has the key
		t.Errorf("%d runs were started", len(runs))
	}
}

// TestReadiness: the answer says whether the database answers.
func TestReadiness(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.ask(http.MethodGet, "/readyz", nil).is(http.StatusOK, nil)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	var h api.Health
	if s.ask(http.MethodGet, "/readyz", nil).is(http.StatusServiceUnavailable, &h); !strings.Contains(h.Status, "does not answer") {
		t.Errorf("%+v", h)
	}
	s.ask(http.MethodGet, "/healthz", nil).is(http.StatusOK, nil)
	before := time.Now()
	s.ask(http.MethodGet, "/api/v1/flows", nil).fails(http.StatusInternalServerError, "internal", "the log of the server tells more")
	if time.Since(before) > 10*time.Second {
		t.Error("the answer took long")
	}
}
