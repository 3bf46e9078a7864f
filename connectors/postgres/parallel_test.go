package postgres_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/internal/testserver"
)

// accounts makes a table of many pages with holes in them: a third of its records is deleted, another was moved.
func (f *fixture) accounts() {
	f.exec("CREATE TABLE accounts (id bigint, amount numeric(12,2), rate numeric(20,2), note text) WITH (autovacuum_enabled = false)")
	f.exec("INSERT INTO accounts SELECT i, 100, CASE WHEN i % 5000 = 7 THEN 'NaN'::numeric ELSE i END, CASE WHEN i % 11 = 0 THEN NULL ELSE repeat('é', i % 90) END FROM generate_series(1, 150000) i")
	f.exec("DELETE FROM accounts WHERE id % 3 = 0")
	f.exec("UPDATE accounts SET amount = 200 WHERE id % 3 = 1 AND id % 2 = 0")
	f.exec("ANALYZE accounts")
}

func accounts(more string) string {
	return `{"connection": "warehouse", "table": "accounts", "fields": [{"name": "id", "type": "int64"}, {"name": "rate", "type": "decimal(20,2)"}, {"name": "amount", "type": "decimal(12,2)"}, {"name": "note", "type": "text"}]` + more + `}`
}

// TestParallelReadIsTheSerialOne: the same records, in the same order, and the same refused ones with the same numbers,
// whatever the number of connections.
func TestParallelReadIsTheSerialOne(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.accounts()
	f.exec("DELETE FROM accounts WHERE id % 7 = 0")
	read := func(connections int, where string) (string, []node.Reject) {
		more := fmt.Sprintf(`, "connections": %d`, connections)
		if where != "" {
			more += fmt.Sprintf(`, "where": %q`, where)
		}
		o := f.flow("database.input", accounts(more), "formula", `{"fields": [{"name": "x", "expression": "1 / (id % 1000 - 500)"}]}`, "file.output", `{"path": "out.csv"}`).ok(t)
		b, err := os.ReadFile(filepath.Join(f.folder, "out.csv"))
		if err != nil {
			t.Fatal(err)
		}
		slices.SortStableFunc(o.rejects, func(a, b node.Reject) int {
			return cmp.Or(strings.Compare(a.Node, b.Node), int(a.Record-b.Record)) // those of an engine with threads come as they come
		})
		return string(b), o.rejects
	}
	for _, where := range []string{"", "id > 1000 OR amount = 100 -- all but few", "id = 1) OR (1 = 1"} {
		one, refused := read(1, where)
		if len(refused) < 90 || strings.Count(one, "\n") < 70_000 {
			t.Fatalf("the table is too small: %d records, %d rejects", strings.Count(one, "\n"), len(refused))
		}
		many, refusedToo := read(4, where)
		if one != many {
			t.Errorf("where %q: four connections read other records than one: %d and %d octets", where, len(many), len(one))
		}
		if d := diff.Diff(refused, refusedToo); d != "" {
			t.Errorf("where %q: other records are refused: %s", where, d)
		}
	}
}

// TestParallelReadSeesOneSnapshot: others move amounts between records, and records between pages, all the time; their sum
// and their number stay.
func TestParallelReadSeesOneSnapshot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.accounts()
	f.exec("CREATE INDEX ON accounts (id)")
	want := f.rows("SELECT count(*), sum(amount)::text FROM accounts")
	writer, err := pgx.Connect(t.Context(), f.url)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close(context.Background())
	stop, ended, writes := make(chan struct{}), make(chan error, 1), 0
	go func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			a, b := i*7919%50_000*3+1, i*104_729%50_000*3+2
			if _, err := writer.Exec(t.Context(), fmt.Sprintf("BEGIN; UPDATE accounts SET amount = amount - 1 WHERE id = %d; UPDATE accounts SET amount = amount + 1 WHERE id = %d; WITH gone AS (DELETE FROM accounts WHERE id = %[2]d RETURNING *) INSERT INTO accounts SELECT * FROM gone; COMMIT", a, b)); err != nil {
				ended <- err
				return
			}
			writes++
		}
	}()
	f.exec("CREATE TABLE copies (run int, id bigint, amount numeric(12,2))")
	for run := range 5 {
		f.flow("database.input", `{"connection": "warehouse", "table": "accounts", "connections": 4, "fields": [{"name": "id", "type": "int64"}, {"name": "amount", "type": "decimal(12,2)"}]}`,
			"database.output", `{"connection": "warehouse", "table": "copies", "mode": "truncate"}`).ok(t)
		if got := f.rows("SELECT count(*), sum(amount)::text FROM copies"); got != want {
			t.Errorf("run %d: %s records and their sum, want %s", run, got, want)
		}
		if got := f.rows("SELECT count(DISTINCT id) FROM copies"); !strings.HasPrefix(want, got+" ") {
			t.Errorf("run %d: %s different records", run, got)
		}
	}
	close(stop)
	if err := <-ended; err != nil || writes == 0 {
		t.Errorf("%d writes, %v", writes, err)
	}
}

// TestParallelReadWithFewerConnections: where the server gives one connection only, that one reads everything and the log
// says so.
func TestParallelReadWithFewerConnections(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.accounts()
	role := "lonely_" + f.rows("SELECT current_database()::text")
	f.exec("CREATE ROLE " + role + " LOGIN CONNECTION LIMIT 1 PASSWORD 'x'")
	f.exec("GRANT SELECT ON accounts TO " + role)
	f.connections["warehouse"] = spec(t, f.url, map[string]any{"user": role, "password": "x"})
	var warned []*flows.Error
	o := f.runFlow(engine.Env{Warn: func(e *flows.Error) { warned = append(warned, e) }}, "database.input", accounts(`, "connections": 3`), "file.output", `{"path": "out.csv"}`).ok(t)
	if o.nodes["n1"].Out["out"]+int64(len(o.rejects)) != 100_000 {
		t.Errorf("%+v, %d rejects", o.nodes["n1"], len(o.rejects))
	}
	if len(warned) != 1 || warned[0].Code != "database.fewer_connections" || !strings.Contains(warned[0].Message, "1 of 3 connections: warehouse: ") || warned[0].Suggestion == "" {
		t.Errorf("warned of %+v", warned)
	}
}

// TestParallelReadCut: a connection that is lost fails the whole run, and no file is left.
func TestParallelReadCut(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.accounts()
	u, err := url.Parse(f.url)
	if err != nil {
		t.Fatal(err)
	}
	c := testserver.NewCutter(t, u.Host, "__spark_place < '(1", true)
	_, port, err := net.SplitHostPort(c.Address())
	if err != nil {
		t.Fatal(err)
	}
	f.connections["warehouse"] = spec(t, f.url, map[string]any{"port": json.Number(port)})
	o := f.flow("database.input", accounts(`, "connections": 2`), "file.output", `{"path": "out.csv"}`)
	if e := flows.AsError(o.err); c.Cuts() != 1 || e == nil || e.Code != "database.lost" || e.Path.Node != "n1" || e.Suggestion == "" {
		t.Errorf("%d cuts, %+v", c.Cuts(), e)
	}
	if list, err := os.ReadDir(f.folder); err != nil || len(list) != 0 {
		t.Errorf("%v is left, %v", list, err)
	}
}

// TestParallelReadEndsEarly: who has enough, or cancels, gets no more, and no connection stays.
func TestParallelReadEndsEarly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.accounts()
	c, d, err := node.Database(f.connections, "warehouse")
	if err != nil {
		t.Fatal(err)
	}
	from := node.Select{Table: "accounts", Connections: 3, Fields: flows.Schema{{Name: "id", Type: flows.Of(flows.Int64)}}}
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		says, want error
		limit      int64
	}{"enough": {says: node.ErrEnough}, "failure": {says: broken, want: broken}, "cancel": {want: context.Canceled}, "limit": {says: node.ErrEnough, limit: 10}} {
		ctx, cancel := context.WithCancel(t.Context())
		r := &node.Reading{Fields: []string{"id"}, Threads: 2, Limit: test.limit, Emit: func(b node.Batch) error {
			b.Records.Release()
			if test.says == nil {
				cancel()
			}
			return test.says
		}}
		stats, err := d.Read(ctx, c, from, r)
		if !errors.Is(err, test.want) && (err == nil || !strings.Contains(err.Error(), fmt.Sprint(test.want))) || stats.Complete {
			t.Errorf("%s: %v, %+v", name, err, stats)
		}
		cancel()
	}
	const open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'Spark'"
	for deadline := time.Now().Add(20 * time.Second); f.rows(open) != "0"; time.Sleep(10 * time.Millisecond) { // the server notices when it writes
		if time.Now().After(deadline) {
			t.Fatalf("%s connections are left", f.rows(open))
		}
	}
}

// TestParallelReadOfOddTables: what has no pages of its own, or few of them, is read by one connection.
func TestParallelReadOfOddTables(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.accounts()
	f.exec("CREATE TABLE nothing (LIKE accounts)")
	f.exec("CREATE TABLE few (LIKE accounts)")
	f.exec("INSERT INTO few SELECT * FROM accounts LIMIT 5")
	f.exec("CREATE VIEW seen AS SELECT * FROM accounts")
	f.exec("CREATE MATERIALIZED VIEW stored AS SELECT * FROM accounts")
	f.exec("CREATE TABLE tail (LIKE accounts)")
	f.exec("INSERT INTO tail SELECT * FROM accounts")
	f.exec("DELETE FROM tail WHERE id > 50000") // its pages stay
	f.exec("CREATE TABLE wide (id bigint, rate numeric(20,2), amount numeric(12,2), note text)")
	f.exec("ALTER TABLE wide ALTER note SET STORAGE EXTERNAL")
	f.exec("INSERT INTO wide SELECT i, 1, 1, repeat('x', 1000000) FROM generate_series(1, 30) i")
	f.exec("CREATE TABLE parent (LIKE accounts)")
	f.exec("INSERT INTO parent SELECT * FROM accounts")
	f.exec("CREATE TABLE child () INHERITS (parent)")
	f.exec("INSERT INTO child SELECT * FROM accounts")
	f.exec("CREATE TABLE split (LIKE accounts) PARTITION BY HASH (id)")
	f.exec("CREATE TABLE split0 PARTITION OF split FOR VALUES WITH (MODULUS 2, REMAINDER 0)")
	f.exec("CREATE TABLE split1 PARTITION OF split FOR VALUES WITH (MODULUS 2, REMAINDER 1)")
	f.exec("INSERT INTO split SELECT * FROM accounts")
	for _, table := range []string{"nothing", "few", "seen", "stored", "tail", "wide", "parent", "child", "split"} {
		want := f.rows("SELECT count(*) FROM " + table)
		o := f.flow("database.input", strings.Replace(accounts(`, "connections": 4`), `"accounts"`, `"`+table+`"`, 1), "file.output", `{"path": "out.csv"}`).ok(t)
		if got := fmt.Sprint(o.nodes["n1"].Out["out"] + int64(len(o.rejects))); got != want {
			t.Errorf("%s: %s records, want %s", table, got, want)
		}
	}
}

// TestTooManyConnections: one node does not take the connections of everybody else.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec("CREATE TABLE accounts (id bigint, amount numeric(12,2), rate numeric(20,2), note text)")
	for _, n := range []string{"17", "-1"} {
		o := f.flow("database.input", accounts(`, "connections": `+n), "file.output", `{"path": "out.csv"}`)
		if o.err == nil || !strings.Contains(o.err.Error(), "connections") {
			t.Errorf("%s connections: %v", n, o.err)
		}
	}
}
