package http

import (
	"context"
	"encoding/json"
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
