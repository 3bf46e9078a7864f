package http_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"spark/flows"
)

// changes is an API of changes that it answers with those behind a time, and up to another one where that is asked for.
type changes struct {
	mu    sync.Mutex
	at    map[int]string // by id
	asked []string
}

func (c *changes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := r.URL.Query()
	c.asked = append(c.asked, r.URL.RequestURI())
	var items []string
	for id := range 100 {
		if at, ok := c.at[id]; ok && at > q.Get("since") && (q.Get("until") == "" || at <= q.Get("until")) {
			items = append(items, fmt.Sprintf(`{"id": %d, "at": %q}`, id, at))
		}
	}
	fmt.Fprintf(w, `{"items": [%s]}`, strings.Join(items, ","))
}

func (c *changes) put(id int, at string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at[id] = at
}

func (c *changes) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[len(c.asked)-1]
}

func newChanges(t *testing.T) (*changes, *bench) {
	c := &changes{at: map[int]string{}}
	b := newBench(t, c.ServeHTTP)
	b.began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return c, b
}

func windowed(more map[string]any) map[string]any {
	cfg := config(map[string]any{"mode": "incremental", "cursor": "at", "sinceParameter": "since", "start": "2026-01-01",
		"fields": []any{map[string]any{"name": "id", "type": "int64"}, map[string]any{"name": "at", "type": "timestamptz"}}})
	for k, v := range more {
		if cfg[k] = v; v == nil {
			delete(cfg, k)
		}
	}
	return cfg
}

// next makes the run that follows, some minutes later, and returns the ids that it has read.
func (b *bench) next(cfg map[string]any) (ids []string) {
	b.t.Helper()
	o := b.run(cfg)
	if o.err != nil {
		b.t.Fatal(o.err)
	}
	b.offsets, b.began = o.reached, b.began.Add(10*time.Minute)
	for _, line := range o.lines[1:] {
		id, _, _ := strings.Cut(line, ",")
		ids = append(ids, id)
	}
	return ids
}

// TestLateRecords: one that becomes visible behind the cursor is lost without an overlap, read with one, and never
// missed where the node stays behind.
func TestLateRecords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config map[string]any
		first  []string
		second []string
	}{
		"nothing": {nil, []string{"1", "2", "3"}, []string{"5"}},
		// 3 is read again, with the late ones: the output is an upsert
		"overlap": {map[string]any{"overlap": "2 minutes"}, []string{"1", "2", "3"}, []string{"3", "4", "5", "6"}},
		// 3 is younger than a minute in the first run
		"stays behind": {map[string]any{"lag": "1 minute"}, []string{"1", "2"}, []string{"3", "4", "5", "6"}},
		"asked for":    {map[string]any{"lag": "1 minute", "untilParameter": "until"}, []string{"1", "2"}, []string{"3", "4", "5", "6"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newChanges(t)
			a.put(1, "2026-03-01T10:00:00Z")
			a.put(2, "2026-03-01T11:50:00Z")
			a.put(3, "2026-03-01T11:59:30Z")
			cfg := windowed(c.config)
			if got := b.next(cfg); !slices.Equal(got, c.first) {
				t.Errorf("the first run has read %v, want %v", got, c.first)
			}
			a.put(4, "2026-03-01T11:59:10Z") // late
			a.put(6, "2026-03-01T11:59:30Z") // late, with the time of the last one
			a.put(5, "2026-03-01T12:05:00Z")
			if got := b.next(cfg); !slices.Equal(got, c.second) {
				t.Errorf("the second run has read %v, want %v", got, c.second)
			}
		})
	}
}

// TestBounds: the bounds stand where the settings say, in the form that they say, and the same in each execution of a run.
func TestBounds(t *testing.T) {
	t.Parallel()
	a, b := newChanges(t)
	a.put(1, "2026-03-01T10:00:00Z")
	cfg := windowed(map[string]any{"url": "/changes/${cursor.from}", "query": []any{map[string]any{"name": "window", "value": "${cursor.from}..${cursor.until}"}, map[string]any{"name": "plain", "value": "$${cursor.from}"}},
		"sinceParameter": nil, "lag": "5 minutes", "untilParameter": "to"})
	b.next(cfg)
	if want := "/changes/2026-01-01?plain=%24%7Bcursor.from%7D&to=2026-03-01T11%3A55%3A00Z&window=2026-01-01..2026-03-01T11%3A55%3A00Z"; a.last() != want {
		t.Errorf("asked\n%s, want\n%s", a.last(), want)
	}
	cfg["sinceFormat"], cfg["overlap"] = "unix", "1 hour"
	b.next(cfg)
	if want := "/changes/1772355600?plain=%24%7Bcursor.from%7D&to=1772366700&window=1772355600..1772366700"; a.last() != want {
		t.Errorf("asked\n%s, want\n%s", a.last(), want)
	}
	post := windowed(map[string]any{"method": "POST", "body": `{"from": "${cursor.from}"}`, "sinceParameter": nil})
	if o := b.run(post); o.err != nil {
		t.Error(o.err)
	}
}

// TestDayBound: of days the last one that was over is the upper bound.
func TestDayBound(t *testing.T) {
	t.Parallel()
	a, b := newChanges(t)
	for id, day := range []string{"2026-02-27", "2026-02-28", "2026-03-01"} {
		a.put(id, day)
	}
	cfg := windowed(map[string]any{"lag": "1 hour", "fields": []any{map[string]any{"name": "id", "type": "int64"}, map[string]any{"name": "at", "type": "date"}}})
	if got := b.next(cfg); !slices.Equal(got, []string{"0", "1"}) {
		t.Errorf("read %v", got)
	}
	var c flows.Cursor
	if err := json.Unmarshal(b.offsets["read"], &c); err != nil || c.Value != "2026-02-28" {
		t.Errorf("the cursor is %s, %v", b.offsets["read"], err)
	}
	if !slices.ContainsFunc(b.warned, func(e *flows.Error) bool { return e.Code == "http.younger" && e.Severity == flows.SeverityInfo }) {
		t.Errorf("nobody hears of the records that were left: %v", b.warned)
	}
}

// TestWrongWindows are refused with the setting that has to be changed.
func TestWrongWindows(t *testing.T) {
	t.Parallel()
	_, b := newChanges(t)
	for name, c := range map[string]struct {
		config      map[string]any
		code, field string
	}{
		"a bound while all is read": {map[string]any{"mode": "all", "query": []any{map[string]any{"name": "x", "value": "${cursor.until}"}}}, "http.bound", "mode"},
		"no beginning":              {map[string]any{"url": "/x/${cursor.from}", "start": nil}, "http.bound", "start"},
		"nothing asks":              {map[string]any{"sinceParameter": nil}, "config.required", "sinceParameter"},
		"a number has no bound":     {map[string]any{"cursor": "id", "untilParameter": "to"}, "http.until", "untilParameter"},
		"a number stays behind":     {map[string]any{"cursor": "id", "lag": "1 minute"}, "http.until", "lag"},
		"no time":                   {map[string]any{"lag": "soon"}, "http.lag", "lag"},
		"another bound":             {map[string]any{"url": "/x/${cursor.last}"}, "expr.unknown_parameter", "url"},
	} {
		o := b.run(windowed(c.config))
		if o.err == nil || o.err.Code != c.code || o.err.Path.Field != c.field || o.err.Suggestion == "" {
			t.Errorf("%s: %v", name, o.err)
		}
	}
	if b.asked.Load() != 0 {
		t.Errorf("the API was called %d times", b.asked.Load())
	}
}
