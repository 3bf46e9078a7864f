package database_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
)

// copyNew copies what is new of the table changes into the table copied.
func (f *fixture) copyNew(input, output string) outcome {
	f.t.Helper()
	return f.runFlow(engine.Env{Token: node.Token{Flow: "copying"}},
		"database.input", `{"connection": "warehouse", "from": "table", "table": "changes", "mode": "incremental", `+input+`}`,
		"database.output", `{"connection": "warehouse", "table": "copied", `+output+`}`)
}

// TestIncrementalNumber: what is new by a number is copied once; the cursor moves with the records only.
func TestIncrementalNumber(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		f.exec("CREATE TABLE changes (id bigint PRIMARY KEY, n numeric(10,2))")
		f.exec("CREATE TABLE copied (id bigint, n numeric(10,2))")
		by := `"cursor": "id"`
		for i, step := range []struct{ change, want string }{
			{"SELECT 1", ""},
			{"INSERT INTO changes VALUES (1, 1), (2, 2)", "1 2"},
			{"SELECT 1", "1 2"},
			{"INSERT INTO changes VALUES (5, 3)", "1 2 5"},
			{"INSERT INTO changes VALUES (3, 3)", "1 2 5"}, // too late without an overlap
			{"DELETE FROM changes WHERE id > 2", "1 2 5"},
			{"INSERT INTO changes VALUES (6, 3)", "1 2 5 6"},
		} {
			f.exec(step.change)
			f.copyNew(by, `"mode": "append"`).ok(t)
			if got := strings.ReplaceAll(f.rows("SELECT id FROM copied ORDER BY id"), "\n", " "); got != step.want {
				t.Fatalf("step %d: %s", i, got)
			}
		}
		f.exec("CREATE UNIQUE INDEX by_id ON copied (id)")
		f.exec("INSERT INTO changes VALUES (4, 4), (7, 7)")
		f.copyNew(by+`, "overlap": "3"`, `"mode": "upsert", "key": ["id"]`).ok(t)
		if got := strings.ReplaceAll(f.rows("SELECT id FROM copied ORDER BY id"), "\n", " "); got != "1 2 4 5 6 7" {
			t.Errorf("with an overlap: %s", got)
		}
		f.exec("INSERT INTO changes VALUES (8, 8)")
		if o := f.copyNew(by, `"mode": "append", "afterSQL": "insert into copied values (8, 1)"`); o.err == nil {
			t.Error("a load that fails succeeded")
		}
		f.copyNew(by, `"mode": "append"`).ok(t)
		if got := strings.ReplaceAll(f.rows("SELECT id FROM copied ORDER BY id"), "\n", " "); got != "1 2 4 5 6 7 8" {
			t.Errorf("after a failure: %s", got)
		}
	})
}

// TestIncrementalTime: what is not committed yet, and what commits later with an earlier time, is not passed over; records
// without a time are told of.
func TestIncrementalTime(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		for _, kind := range map[string][]string{"postgres": {"timestamp", "timestamptz"}, "mysql": {"datetime(6)", "timestamp(6) NULL DEFAULT NULL"}}[s.connection] {
			f := newFixture(t, s)
			f.exec("CREATE TABLE changes (id bigint PRIMARY KEY, at " + kind + ")")
			f.exec("CREATE TABLE copied (id bigint, at " + kind + ")")
			now := map[string]string{"postgres": "clock_timestamp() AT TIME ZONE 'UTC'", "mysql": "UTC_TIMESTAMP(6)"}[s.connection]
			if kind == "timestamptz" {
				now = "clock_timestamp()"
			}
			if s.connection == "mysql" {
				f.exec("SET GLOBAL time_zone = '+00:00'")
			}
			tx, err := f.db.Begin()
			if err != nil {
				t.Fatal(err)
			}
			insert := func(id int) string { return fmt.Sprintf("INSERT INTO changes VALUES (%d, %s)", id, now) }
			if _, err := tx.Exec(insert(1)); err != nil {
				t.Fatal(err)
			}
			f.exec(insert(2))
			f.exec("INSERT INTO changes VALUES (3, NULL)")
			o := f.copyNew(`"cursor": "at", "lag": "0 seconds"`, `"mode": "append"`).ok(t)
			if got := f.rows("SELECT count(*) FROM copied"); got != "0" {
				t.Errorf("%s: %s records are copied beyond a transaction that is open: %+v", kind, got, o)
			}
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			w, err := f.datasets().Window("warehouse", node.Select{Table: "changes", Incremental: &node.Incremental{Cursor: "at"}}, nil)
			if err != nil || w.Nulls != 1 {
				t.Errorf("%s: %+v, %v", kind, w, err)
			}
			for deadline := time.Now().Add(30 * time.Second); f.rows("SELECT count(*) FROM copied") != "2"; { // transactions of other tests may be open
				if f.copyNew(`"cursor": "at", "lag": "0 seconds"`, `"mode": "append"`).ok(t); time.Now().After(deadline) {
					t.Fatalf("%s: never copied; the window is %+v", kind, w)
				}
			}
			f.copyNew(`"cursor": "at", "lag": "0 seconds"`, `"mode": "append"`).ok(t)
			if got := strings.ReplaceAll(f.rows("SELECT id FROM copied ORDER BY id"), "\n", " "); got != "1 2" {
				t.Errorf("%s: %s", kind, got)
			}
		}
	})
}

// TestBadCursors: a cursor that nothing can be read on by is refused.
func TestBadCursors(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		f.exec("CREATE TABLE changes (id bigint PRIMARY KEY, name " + s.text + ", at date)")
		f.exec("CREATE TABLE copied (id bigint, name " + s.text + ", at date)")
		for input, code := range map[string]string{
			`"cursor": "name"`: "database.cursor_type",
			`"cursor": "ids"`:  "schema.no_field",
			`"cursor": "id", "start": "1; drop table changes"`: "database.cursor_value",
			`"cursor": "at", "start": "the 31st"`:              "database.cursor_value",
		} {
			o := f.copyNew(input, `"mode": "append"`)
			if e := flows.AsError(o.err); e == nil || e.Code != code && code != "schema.no_field" || e.Suggestion == "" {
				t.Errorf("%s: %+v", input, e)
			}
		}
	})
}
