package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
)

// incremental runs flows that read what is new, as a server does: it keeps the cursor from run to run.
type incremental struct {
	*fixture
	cursor   node.Offset
	warnings []string
	// lose makes the runs forget the cursor that they have reached, as a server that dies after the commit.
	lose bool
}

func (i *incremental) run(input, output string) outcome {
	i.t.Helper()
	i.warnings = nil
	env := engine.Env{Offsets: map[string]node.Offset{}, Warn: func(e *flows.Error) { i.warnings = append(i.warnings, e.Message) }}
	if i.cursor != nil {
		env.Offsets["n1"] = i.cursor
	}
	env.Token.Flow = "flow-of-the-test"
	reached := func(offsets map[string]node.Offset) {
		if !i.lose {
			i.cursor = offsets["n1"]
		}
	}
	env.Reached = reached
	return i.runFlow(env, "database.input", input, "database.output", output)
}

func (i *incremental) reached() (c flows.Cursor) {
	i.t.Helper()
	if err := json.Unmarshal(i.cursor, &c); err != nil {
		i.t.Fatal(err)
	}
	return c
}

func newsOf(more string) string {
	return `{"connection": "warehouse", "table": "events", "mode": "incremental"` + more + `}`
}

func into(mode string) string {
	more := ""
	if mode == "upsert" {
		more = `, "key": ["id"]`
	}
	return fmt.Sprintf(`{"connection": "warehouse", "table": "copied", "mode": %q%s}`, mode, more)
}

const newByTime = `, "cursor": "at", "cursorKey": ["id"], "lag": ""`

func newIncremental(t *testing.T) *incremental {
	t.Helper()
	i := &incremental{fixture: newFixture(t)}
	i.exec("CREATE TABLE events (id bigint PRIMARY KEY, at timestamptz DEFAULT now(), what text)")
	return i
}

// TestIncremental: each run writes what is new and nothing else, by a time and by a number, and equal cursor values stay
// together.
func TestIncremental(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ input, column string }{
		"time":         {newsOf(newByTime), "at"},
		"number":       {newsOf(`, "cursor": "id"`), "id"},
		"a query":      {`{"connection": "warehouse", "from": "query", "query": "SELECT * FROM events", "mode": "incremental"` + newByTime + `}`, "at"},
		"where":        {newsOf(newByTime + `, "where": "id > 0 OR id < 0"`), "at"},
		"without zone": {newsOf(`, "cursor": "local", "lag": ""`), "local"},
		"numeric":      {newsOf(`, "cursor": "amount"`), "amount"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIncremental(t)
			i.exec("ALTER TABLE events ADD local timestamp(3) DEFAULT (now() AT TIME ZONE 'UTC'), ADD amount numeric(20,4)")
			i.exec("INSERT INTO events (id, what, amount) SELECT n, 'first', n / 4.0 FROM generate_series(1, 100) n")
			i.run(c.input, into("append")).ok(t)
			if got := i.rows("SELECT count(*) FROM copied"); got != "100" {
				t.Fatalf("the first run wrote %s", got)
			}
			i.run(c.input, into("append")).ok(t)
			i.exec("INSERT INTO events (id, what, amount) SELECT n, 'second', n / 4.0 FROM generate_series(101, 150) n")
			o := i.run(c.input, into("append")).ok(t)
			if got := i.rows("SELECT count(*), count(DISTINCT id), sum(id) FROM copied"); got != "150 150 {11325 0 false finite true}" || o.nodes["n2"].Written != 50 {
				t.Fatalf("after the second: %s, written %d", got, o.nodes["n2"].Written)
			}
			if r := i.reached(); r.Column != c.column || r.Value == "" {
				t.Errorf("reached %+v", r)
			}
		})
	}
}

// TestIncrementalLate: a transaction that began early and commits late is not passed over, however many runs come in
// between.
func TestIncrementalLate(t *testing.T) {
	t.Parallel()
	i := newIncremental(t)
	late, err := pgx.Connect(t.Context(), i.url)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close(t.Context())
	tx, err := late.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "INSERT INTO events (id, what) VALUES (1, 'late')"); err != nil {
		t.Fatal(err)
	}
	i.exec("INSERT INTO events (id, what) VALUES (2, 'early')")
	for range 3 {
		i.run(newsOf(newByTime), into("append")).ok(t)
		i.exec("INSERT INTO events (id, what) SELECT max(id) + 1, 'more' FROM events")
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.run(newsOf(newByTime), into("append")).ok(t)
	if got := i.rows("SELECT count(*), count(DISTINCT id) FROM copied"); got != "5 5" {
		t.Errorf("copied: %s", got)
	}
}

// TestIncrementalOverlap: what came late below the cursor is found by the overlap, and an upsert has it once.
func TestIncrementalOverlap(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]string{"time": newsOf(newByTime + `, "overlap": "2 hours"`), "number": newsOf(`, "cursor": "id", "overlap": "50"`)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIncremental(t)
			i.exec("INSERT INTO events (id, at) SELECT n, now() - interval '1 hour' FROM generate_series(1, 100) n WHERE n <> 60")
			i.run(input, into("upsert")).ok(t)
			i.exec("INSERT INTO events (id, at) VALUES (60, now() - interval '90 minutes'), (101, now())")
			i.run(input, into("upsert")).ok(t)
			if got := i.rows("SELECT count(*), count(DISTINCT id) FROM copied"); got != "101 101" {
				t.Errorf("copied: %s", got)
			}
		})
	}
}

// TestIncrementalEdges: nulls are told, an empty table moves nothing wrong, deleted records do not move the cursor back,
// and the first value counts.
func TestIncrementalEdges(t *testing.T) {
	t.Parallel()
	i := newIncremental(t)
	i.run(newsOf(`, "cursor": "id"`), into("append")).ok(t)
	i.exec("INSERT INTO events (id, at) VALUES (1, NULL), (2, NULL), (3, '2020-01-01'), (4, '2020-01-02')")
	if e := flows.AsError(i.run(newsOf(newByTime), into("append")).err); e == nil || e.Code != "database.cursor_moved" {
		t.Errorf("another column: %v", e)
	}
	i.cursor = nil
	i.exec("DELETE FROM spark_commit")
	i.run(newsOf(newByTime+`, "start": "2020-01-02"`), into("append")).ok(t)
	if got := i.rows("SELECT id FROM copied"); got != "4" || len(i.warnings) != 1 || !strings.Contains(i.warnings[0], "2 records have no at") {
		t.Errorf("copied %q, told %q", got, i.warnings)
	}
	i.cursor = nil
	i.exec("DELETE FROM spark_commit")
	i.run(newsOf(`, "cursor": "id"`), into("replace")).ok(t)
	i.exec("DELETE FROM events WHERE id > 2")
	i.run(newsOf(`, "cursor": "id"`), into("replace")).ok(t)
	if c := i.reached(); c.Value != "4" {
		t.Errorf("the cursor went back to %s", c.Value)
	}
	for input, want := range map[string]string{
		newsOf(`, "cursor": "what"`):                   "database.cursor_type",
		newsOf(`, "cursor": "wat"`):                    "schema.unknown_field",
		newsOf(``):                                     "config.required",
		newsOf(`, "cursor": "id", "overlap": "5 min"`): "database.cursor_distance",
		newsOf(`, "cursor": "at", "overlap": "5"`):     "database.cursor_distance",
		newsOf(`, "cursor": "at", "lag": "'"`):         "database.cursor_distance",
		newsOf(`, "cursor": "at", "zone": "Mars/X"`):   "config.zone",
	} {
		if e := flows.AsError(i.run(input, into("append")).err); e == nil || e.Code != want || e.Suggestion == "" {
			t.Errorf("%s: %v", input, e)
		}
	}
	i.cursor = nil
	i.exec("DELETE FROM spark_commit")
	if e := flows.AsError(i.run(newsOf(newByTime+`, "start": "x'y"`), into("append")).err); e == nil || e.Code != "database.cursor_value" || e.Path.Field != "start" {
		t.Errorf("a start that is no time: %v", e)
	}
}

// TestIncrementalLost: a run whose server dies after the commit is followed by one that goes on from what the target
// says: nothing is written twice. A person who sets the cursor back is obeyed.
func TestIncrementalLost(t *testing.T) {
	t.Parallel()
	i := newIncremental(t)
	i.exec("INSERT INTO events (id) SELECT generate_series(1, 10)")
	i.run(newsOf(newByTime), into("append")).ok(t)
	i.lose = true
	for range 3 {
		i.exec("INSERT INTO events (id) SELECT max(id) + 1 FROM events")
		i.run(newsOf(newByTime), into("append")).ok(t)
	}
	if got := i.rows("SELECT count(*), count(DISTINCT id) FROM copied"); got != "13 13" {
		t.Errorf("copied: %s", got)
	}
	i.cursor = node.Offset(`{"column": "at", "generation": 1}`)
	i.lose = false
	i.run(newsOf(newByTime), into("append")).ok(t)
	if got := i.rows("SELECT count(*), count(DISTINCT id) FROM copied"); got != "26 13" {
		t.Errorf("after everything was read again: %s", got)
	}
	i.run(newsOf(newByTime), into("append")).ok(t)
	if got := i.rows("SELECT count(*) FROM copied"); got != "26" {
		t.Errorf("and once more: %s", got)
	}
}

// TestIncrementalTogether: of runs that read the same records at once, all but one write nothing.
func TestIncrementalTogether(t *testing.T) {
	t.Parallel()
	i := newIncremental(t)
	i.exec("INSERT INTO events (id) SELECT generate_series(1, 10)")
	i.run(newsOf(newByTime), into("append")).ok(t)
	i.exec("INSERT INTO events (id) SELECT generate_series(11, 2000)")
	var wg sync.WaitGroup
	ready := sync.WaitGroup{}
	ready.Add(4)
	results := make([]outcome, 4)
	for n := range results {
		wg.Go(func() {
			other := &incremental{fixture: &fixture{t: t, url: i.url, folder: i.folder, connections: i.connections, run: 100 * (n + 1)}, cursor: i.cursor}
			env := engine.Env{Offsets: map[string]node.Offset{"n1": i.cursor}}
			env.Token = node.Token{Run: fmt.Sprint("together ", n), Attempt: 1, Epoch: 1, Fence: 1, Flow: "flow-of-the-test"}
			meet := sync.OnceFunc(func() { ready.Done(); ready.Wait() })
			env.MayCommit = func(context.Context) error { meet(); return nil }
			results[n] = other.runFlow(env, "database.input", newsOf(newByTime), "database.output", into("append"))
		})
	}
	wg.Wait()
	won := 0
	for _, o := range results {
		if e := flows.AsError(o.err); e == nil {
			won++
		} else if e.Code != "commit.moved" {
			t.Errorf("lost by %v", e)
		}
	}
	if got := i.rows("SELECT count(*), count(DISTINCT id) FROM copied"); got != "2000 2000" || won != 1 {
		t.Errorf("%d runs have written: %s", won, got)
	}
}

// TestWindow: what the next run would read is told before, and nothing moves.
func TestWindow(t *testing.T) {
	t.Parallel()
	i := newIncremental(t)
	i.exec("INSERT INTO events (id, at) SELECT n, CASE WHEN n > 3 THEN now() END FROM generate_series(1, 10) n")
	look := node.Datasets{Context: t.Context(), Connections: i.connections}
	from := node.Select{Table: "events", Incremental: &node.Incremental{Cursor: "id"}}
	w, err := look.Window("warehouse", from, node.Offset(`{"column": "id", "value": "4"}`))
	if err != nil || w.From != "4" || w.To != "10" || w.Records != 6 {
		t.Errorf("%+v, %v", w, err)
	}
	from.Incremental.Cursor = "at"
	w, err = look.Window("warehouse", from, nil)
	if err != nil || w.Records != 7 || w.Nulls != 3 || w.To == "" {
		t.Errorf("%+v, %v", w, err)
	}
}
