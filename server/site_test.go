package server

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
	"spark/flows/run"
	"spark/server/api"
	"spark/store"
)

// site is a server over a real store and a real data folder. Runs are executed when a test works them.
type site struct {
	t        *testing.T
	server   *Server
	store    *store.Store
	runs     *run.Service
	executor *fakeExecutor
	data     string // folder of files
}

// fakeExecutor is told what a run does: it reports it, waits until it may end, and asks for the commit.
type fakeExecutor struct {
	counts  []flows.NodeStatus
	samples []flows.Sample
	rejects []flows.Reject
	err     error
	began   chan string   // gets the id of a run that has begun; nil: nobody asks
	end     chan struct{} // nil: at once
}

func (e *fakeExecutor) Run(ctx context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
	c.Counts(e.counts)
	if e.began != nil {
		e.began <- job.Run
	}
	if e.end != nil {
		select {
		case <-e.end:
		case <-ctx.Done():
			return e.counts, ctx.Err()
		}
	}
	c.Samples(e.samples)
	if len(e.rejects) > 0 {
		if err := c.StoreRejects(lines(e.rejects)); err != nil {
			return e.counts, err
		}
	}
	if e.err != nil {
		return e.counts, e.err
	}
	return e.counts, c.MayCommit(job.Fence)
}

// anyEngine executes nothing and supports everything.
type anyEngine struct{}

func (anyEngine) Name() string            { return "any" }
func (anyEngine) Supports(node.Op) string { return "" }

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteAt(t, time.Now)
}

func newSiteAt(t *testing.T, now func() time.Time) *site {
	t.Helper()
	s := &site{t: t, data: t.TempDir(), executor: &fakeExecutor{}}
	var err error
	if s.store, err = store.Open(t.Context(), store.Config{Folder: t.TempDir(), Now: now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.store.Close() })
	s.store.Runs.Enqueue = func(context.Context, *sql.Tx, string, string, int) error { return nil }
	files, err := node.OpenFiles(node.LocationEnv{Folders: []string{s.data}})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	lab := &run.Lab{Files: files, Pins: s.store.Pins, Engines: []plan.Engine{anyEngine{}}}
	s.runs = &run.Service{Store: s.store.Runs, Documents: s.store.Flows, Executor: s.executor, Checker: lab, Inbox: s.store.Rejects, Cursors: s.store.Cursors, Pins: s.store.Pins, Folders: []string{s.data}, SampleSize: 20,
		Now: now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, Logger: quiet}
	s.server, err = New(Config{Key: testKey, Version: "test", Flows: s.store.Flows, Runs: s.runs, LastRuns: s.store.Runs, Lab: lab, Rejects: s.store.Rejects, Replays: s.runs, Pins: s.store.Pins, Environments: s.store.Environments, Files: files.(Files),
		Ready: s.store.SQL().PingContext, Sample: []byte(document1("Sample")), MaxUpload: 1 << 20, Gallery: true, Logger: quiet, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// document1 is a flow that can run: one node that makes records.
func document1(name string) string {
	b, _ := json.Marshal(name)
	return `{"format":1,"name":` + string(b) + `,"nodes":[{"id":"in","type":"sample.data","version":1,"config":{"dataset":"orders","records":10}},` +
		`{"id":"out","type":"file.output","version":1,"config":{"path":"out.csv","ifExists":"replace"}}],"edges":[{"from":{"node":"in","port":"out"},"to":{"node":"out","port":"in"}}]}`
}

// answer is what the server said.
type answer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   []byte
}

// ask sends a request as the owner's program. Header names and values follow the body in pairs.
func (s *site) ask(method, target string, body any, header ...string) answer {
	s.t.Helper()
	var b []byte
	kind := "application/json"
	switch v := body.(type) {
	case nil:
	case []byte:
		b, kind = v, "application/octet-stream"
	case string:
		b = []byte(v)
	default:
		var err error
		if b, err = json.Marshal(v); err != nil {
			s.t.Fatal(err)
		}
	}
	r := httptest.NewRequestWithContext(s.t.Context(), method, target, bytes.NewReader(b))
	r.Host = ourHost
	r.Header.Set("Authorization", "Bearer "+testKey)
	if b != nil {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	return answer{t: s.t, what: method + " " + target, status: w.Code, header: w.Header(), body: w.Body.Bytes()}
}

// is decodes the answer, which must have that status.
func (a answer) is(status int, into any) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d instead of %d: %s", a.what, a.status, status, a.body)
	}
	if into != nil {
		if err := json.Unmarshal(a.body, into); err != nil {
			a.t.Fatalf("%s: %v: %s", a.what, err, a.body)
		}
	}
	return a
}

// fails checks that the answer is a whole problem document with that status and code, in which every one of the texts
// stands: what, where, and what to do.
func (a answer) fails(status int, code string, texts ...string) api.Problem {
	a.t.Helper()
	var p api.Problem
	a.is(status, &p)
	if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
		a.t.Errorf("%s: the problem is %s", a.what, kind)
	}
	if p.Type == "" || p.Title != http.StatusText(status) || p.Status != status || p.Detail == "" || p.Suggestion == "" || p.Code != code {
		a.t.Errorf("%s: code %q wanted: %s", a.what, code, a.body)
	}
	readable := readable(a.t, a.body)
	for _, text := range texts {
		if !strings.Contains(readable, text) {
			a.t.Errorf("%s: %q is not said in %s", a.what, text, readable)
		}
	}
	return p
}

// readable undoes the escapes of JSON.
func readable(t *testing.T, b []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(out.String())
}

func (s *site) createFlow(document string) api.Flow {
	s.t.Helper()
	var f api.Flow
	s.ask(http.MethodPost, "/api/v1/flows", wrap(document)).is(http.StatusCreated, &f)
	return f
}

func wrap(document string) string { return `{"document":` + document + `}` }

func (s *site) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.data, filepath.FromSlash(name)), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// everyPage reads a list to its end in pages of that size.
func everyPage[T any](s *site, address string, limit string) (items []T, pages int) {
	s.t.Helper()
	for cursor := ""; ; pages++ {
		var page api.Page[T]
		s.ask(http.MethodGet, address+"limit="+limit+"&cursor="+cursor, nil).is(http.StatusOK, &page)
		if most, err := strconv.Atoi(limit); err != nil || len(page.Items) > most || page.Next != "" && len(page.Items) == 0 {
			s.t.Fatalf("a page of %d items with limit %s", len(page.Items), limit)
		}
		items = append(items, page.Items...)
		if cursor = page.Next; cursor == "" {
			return items, pages + 1
		}
		if pages > 1000 {
			s.t.Fatal("the list has no end")
		}
	}
}

func lines(rejects []flows.Reject) (b []byte) {
	for _, r := range rejects {
		b = flows.AppendReject(b, &r)
	}
	return b
}
