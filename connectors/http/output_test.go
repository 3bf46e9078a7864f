package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"spark/flows"
	"spark/flows/node"
)

// written is the target of a node with these settings.
func written(t *testing.T, settings string) (node.Write, flows.Problems) {
	t.Helper()
	n := flows.Node{ID: "send", Type: "rest.output", Version: 1, Config: json.RawMessage(settings)}
	_, cfg, ps := node.Load(n, nil)
	if ps.Failed() {
		return node.Write{}, ps
	}
	c := node.NewContext(n, map[string]flows.Schema{node.In: orders}, nil, nil)
	cfg.Plan(c)
	results, ps := c.Results()
	op, _ := results[""].Op.(node.Write)
	return op, ps
}

// spooled is a sink with n records {"id":1} … that waits for its commit.
func spooled(t *testing.T, conn node.Connection, settings string, n int, w *node.Writing) *sink {
	t.Helper()
	op, ps := written(t, settings)
	if ps.Failed() {
		t.Fatal(ps)
	}
	w.Connections, w.Node, w.Token, w.Temp = given{conn}, "send", node.Token{Run: "run1"}, t.TempDir()
	opened, err := op.Target.(node.BatchTarget).Open(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	s := opened.(*sink)
	t.Cleanup(func() { _ = s.Abort(context.Background()) })
	s.client.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	var fields []arrow.Field
	for _, a := range op.Args {
		fields = append(fields, arrow.Field{Name: a.Name, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	if s.Refuses() {
		fields = append(fields, arrow.Field{Name: "raw", Type: arrow.BinaryTypes.String})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for i := range n {
		for c, a := range op.Args {
			text := fmt.Sprint(i + 1)
			if a.Name == "" {
				text = fmt.Sprintf(`{"id":%d}`, i+1)
			}
			b.Field(c).(*array.StringBuilder).Append(text)
		}
		if s.Refuses() {
			b.Field(len(op.Args)).(*array.StringBuilder).Append(fmt.Sprintf(`{"id":"%d"}`, i+1))
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Finish(t.Context()); err != nil || got != int64(n) {
		t.Fatalf("%d records are spooled, %v", got, err)
	}
	return s
}

// taking is a server that notes the bodies and keys of what it takes.
type taking struct {
	mu     sync.Mutex
	bodies []string
	keys   []string
	refuse func(n int, r *http.Request) int // status of the n-th request, 0: it is taken
	asked  int
}

func (k *taking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	if k.refuse != nil {
		if status := k.refuse(k.asked, r); status == 1 {
			panic(http.ErrAbortHandler)
		} else if status != 0 {
			w.WriteHeader(status)
			return
		}
	}
	k.bodies, k.keys = append(k.bodies, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Content-Type")+" "+string(b)), append(k.keys, r.Header.Get("Idempotency-Key"))
}

// TestOutputSendsAfterTheCommit: nothing before, everything then, in the form that is asked for.
func TestOutputSendsAfterTheCommit(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string][]string{
		`"url": "/o/[id]", "method": "PUT"`:                 {`PUT /o/1 application/json {"id":1}`, `PUT /o/2 application/json {"id":2}`, `PUT /o/3 application/json {"id":3}`},
		`"url": "/o", "batch": "array", "size": 2`:          {`POST /o application/json [{"id":1},{"id":2}]`, `POST /o application/json [{"id":3}]`},
		`"url": "/o", "batch": "lines"`:                     {"POST /o application/x-ndjson {\"id\":1}\n{\"id\":2}\n{\"id\":3}\n"},
		`"url": "/o", "batch": "object", "wrap": "it\"ems"`: {`POST /o application/json {"it\"ems":[{"id":1},{"id":2},{"id":3}]}`},
	} {
		k := &taking{}
		api := serve(t, k.ServeHTTP)
		var noted int
		s := spooled(t, connect(t, api.URL, nil), `{"connection": "shop", "parallel": 1, `+settings+`}`, 3, &node.Writing{Deliver: func(keys []byte) error { noted += len(keys) / keyBytes; return nil }})
		if err := s.Prepare(t.Context()); err != nil || k.asked != 0 {
			t.Fatalf("%d requests before the commit, %v", k.asked, err)
		}
		if err := s.Commit(t.Context(), node.Token{}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(k.bodies, want) || noted != len(want) {
			t.Errorf("%s: %q was sent and %d noted, expected %q", settings, k.bodies, noted, want)
		}
		slices.Sort(k.keys)
		if len(slices.Compact(k.keys)) != len(want) || k.keys[0] == "" {
			t.Errorf("%s: the keys are %q", settings, k.keys)
		}
	}
}

// TestOutputGoesOn: what an earlier attempt has noted is not sent again, and the rest with the same keys.
func TestOutputGoesOn(t *testing.T) {
	t.Parallel()
	first, again := &taking{refuse: func(n int, _ *http.Request) int { return map[bool]int{true: 0, false: 400}[n <= 4] }}, &taking{}
	var noted []byte
	settings := `{"connection": "shop", "url": "/o", "parallel": 1}`
	s := spooled(t, connect(t, serve(t, first.ServeHTTP).URL, nil), settings, 9, &node.Writing{Deliver: func(keys []byte) error { noted = append(noted, keys...); return nil }})
	if err := s.Commit(t.Context(), node.Token{}); err == nil || !strings.Contains(err.Error(), "4 of 9 records were sent before") || flows.AsError(err).Code != "http.refused" {
		t.Errorf("the commit ends with %v", err)
	}
	s = spooled(t, connect(t, serve(t, again.ServeHTTP).URL, nil), settings, 9, &node.Writing{Delivered: noted})
	if err := s.Commit(t.Context(), node.Token{}); err != nil {
		t.Fatal(err)
	}
	if len(first.bodies) != 4 || len(again.bodies) != 5 || again.bodies[0] != `POST /o application/json {"id":5}` {
		t.Errorf("first %q, then %q", first.bodies, again.bodies)
	}
	for _, key := range again.keys {
		if slices.Contains(first.keys, key) {
			t.Errorf("the key %s was sent twice", key)
		}
	}
}

// TestOutputTriesAgain: until the server takes it, with the same key.
func TestOutputTriesAgain(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	k := &taking{refuse: func(n int, r *http.Request) int {
		seen[r.Header.Get("Idempotency-Key")]++
		return []int{429, 500, 1, 503, 0}[(n-1)%5]
	}}
	s := spooled(t, connect(t, serve(t, k.ServeHTTP).URL, nil), `{"connection": "shop", "url": "/o", "parallel": 1}`, 4, &node.Writing{})
	if err := s.Commit(t.Context(), node.Token{}); err != nil || len(k.bodies) != 4 || len(seen) != 4 || k.asked != 20 {
		t.Errorf("%d of %d requests with %d keys were taken, %v", len(k.bodies), k.asked, len(seen), err)
	}
}

// TestOutputIsCancelled: in the middle of the sending, which says how far it came.
func TestOutputIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	k := &taking{refuse: func(n int, _ *http.Request) int {
		if n == 3 {
			cancel()
		}
		return 0
	}}
	s := spooled(t, connect(t, serve(t, k.ServeHTTP).URL, nil), `{"connection": "shop", "url": "/o", "parallel": 1}`, 1000, &node.Writing{})
	if err := s.Commit(ctx, node.Token{}); err == nil || flows.AsError(err).Code != "http.stopped" || k.asked > 5 {
		t.Errorf("%d requests, and then %v", k.asked, err)
	}
}

func TestOutputSettings(t *testing.T) {
	t.Parallel()
	for settings, code := range map[string]string{
		`{}`: "config.required", `{"url": "http://h/", "method": "GET"}`: "http.body", `{"url": "http://h/[id]", "batch": "array"}`: "http.batch", `{"url": "http://h/", "batch": "object"}`: "config.required",
		`{"url": "http://h/", "size": 100000}`: "http.limit", `{"url": "http://h/", "send": "template"}`: "config.required", `{"url": "http://h/", "send": "template", "body": "{[x]}"}`: "http.template",
	} {
		if _, ps := written(t, settings); !ps.Failed() || ps[0].Code != code {
			t.Errorf("%s: %v, expected %s", settings, ps, code)
		}
	}
}

// TestOutputLeavesOut: what the server refuses goes into the inbox, where the node says so, with what the server said; the others
// are sent. What says nothing about the records fails the run.
func TestOutputLeavesOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings string
		status   int
		taken    int64
		refused  int
		code     string // of the error
	}{
		"refused":             {`"onClient": "reject"`, 422, 8, 1, ""},
		"by default":          {`"parallel": 1`, 422, 3, 0, "http.refused"},
		"another class":       {`"onServer": "reject", "parallel": 1`, 422, 3, 0, "http.refused"},
		"a server in trouble": {`"onServer": "reject"`, 500, 8, 1, ""},
		"too many":            {`"onClient": "reject", "parallel": 1`, 429, 3, 0, "http.too_many"},
		"a batch":             {`"onClient": "reject", "batch": "array", "size": 3`, 409, 6, 3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if b, _ := io.ReadAll(r.Body); strings.Contains(string(b), `"id":4}`) {
					w.WriteHeader(c.status)
					fmt.Fprint(w, "number 4 is not wanted")
				}
			})
			var mu sync.Mutex
			var refused []node.Reject
			noted := 0
			w := &node.Writing{Deliver: func(keys []byte) error { noted += len(keys) / keyBytes; return nil }, Refuse: func(r node.Reject) error {
				mu.Lock()
				defer mu.Unlock()
				refused = append(refused, r)
				return nil
			}}
			s := spooled(t, connect(t, api.URL, nil), `{"connection": "shop", "attempts": 2, `+c.settings+`}`, 9, w)
			err := s.Commit(t.Context(), node.Token{})
			if coded(err).Code != c.code || s.Sent() != c.taken || len(refused) != c.refused {
				t.Fatalf("%v; %d were taken, %d refused", err, s.Sent(), len(refused))
			}
			for _, r := range refused {
				if !strings.Contains(r.Reason, "number 4 is not wanted") || !strings.HasPrefix(r.Raw, `{"id":"`) || c.refused == 1 && r.Raw != `{"id":"4"}` {
					t.Errorf("refused %+v", r)
				}
			}
			if want := 9 - c.refused; c.refused == 1 && noted != want {
				t.Errorf("%d were noted as sent, want %d", noted, want)
			}
		})
	}
}

// TestOutputCannotKeepWhatIsRefused: a record that could not be stored ends the sending.
func TestOutputCannotKeepWhatIsRefused(t *testing.T) {
	t.Parallel()
	api := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusConflict) })
	full := errors.New("the inbox is full")
	s := spooled(t, connect(t, api.URL, nil), `{"connection": "shop", "onClient": "reject"}`, 9, &node.Writing{Refuse: func(node.Reject) error { return full }})
	if err := s.Commit(t.Context(), node.Token{}); !errors.Is(err, full) || s.Sent() != 0 {
		t.Errorf("%v, %d were sent", err, s.Sent())
	}
}
