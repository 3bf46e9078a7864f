package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/internal/testserver"
)

// TestRecordIsNamed: a duplicate in the last third of many records is found by its number, and nothing stays.
func TestRecordIsNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	records, bad := 1_000_000, 700_000
	if testing.Short() {
		records, bad = 100_000, 70_000
	}
	f.exec("CREATE TABLE products (order_id bigint PRIMARY KEY)")
	o := f.flow("sample.data", fmt.Sprintf(`{"dataset": "orders", "records": %d}`, records),
		"formula", fmt.Sprintf(`{"fields": [{"name": "order_id", "expression": "if(order_id = %d, 1, order_id)"}]}`, bad),
		"database.output", `{"connection": "warehouse", "table": "products", "mode": "append", "columns": [{"field": "order_id", "column": "order_id"}]}`)
	e := flows.AsError(o.err)
	if e == nil || e.Code != "database.unique" || e.Path.Record != int64(bad) || e.Path.Node != "n3" || !strings.Contains(e.Message, "(order_id)=(1)") {
		t.Errorf("%+v", e)
	}
	if got := f.rows("SELECT count(*) FROM products"); got != "0" {
		t.Errorf("%s records stay", got)
	}
}

// TestNUL: a text with a NUL character, which PostgreSQL cannot hold, is refused where it is read; one that is written as
// an escape in JSON, which a column of jsonb cannot hold, fails the load and names the record.
func TestNUL(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.file("products.csv", "id,name,price\n1,fine,1\n2,a\x00b,2\n")
	o := f.flow("file.input", products, "database.output", output("append", "")).ok(t)
	if len(o.rejects) != 1 || o.rejects[0].Record != 2 || !strings.Contains(o.rejects[0].Reason, "NUL") || f.rows("SELECT id FROM products") != "1" {
		t.Errorf("rejects %+v, records %s", o.rejects, f.rows("SELECT id FROM products"))
	}
	f.exec("CREATE TABLE documents (id bigint, body jsonb)")
	f.file("documents.csv", "id,body\n1,{}\n2,\"{\"\"a\"\": \"\"\\u0000\"\"}\"\n")
	o = f.flow("file.input", `{"path": "documents.csv", "fields": [{"name": "id", "type": "int64"}, {"name": "body", "type": "json"}]}`,
		"database.output", `{"connection": "warehouse", "table": "documents", "mode": "append"}`)
	e := flows.AsError(o.err)
	if e == nil || e.Code != "database.nul" || e.Path.Record != 2 || e.Suggestion == "" || f.rows("SELECT count(*) FROM documents") != "0" {
		t.Errorf("%+v", e)
	}
}

// TestLocked: a load does not wait for ever for who holds the table, and says so.
func TestLocked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.file("products.csv", "id,name,price\n1,a,1\n")
	f.flow("file.input", products, "database.output", output("append", "")).ok(t)
	holder, err := pgx.Connect(t.Context(), f.url)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close(context.Background())
	if _, err := holder.Exec(t.Context(), "BEGIN; LOCK TABLE products IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	o := f.flow("file.input", products, "database.output", output("append", `, "lockTimeout": 1`))
	e := flows.AsError(o.err)
	if e == nil || e.Code != "database.locked" || e.Suggestion == "" || time.Since(began) > 30*time.Second {
		t.Errorf("after %s: %+v", time.Since(began), e)
	}
}

// TestServerRestarts: a server that goes down in the middle of a load fails it, and the next load works.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	own := testserver.OwnPostgreSQL(t)
	f := &fixture{t: t, url: own.URL, folder: t.TempDir()}
	f.connections = node.ConnectionSet{"warehouse": spec(t, own.URL, nil)}
	load := func(n int, during func([]flows.NodeStatus)) outcome {
		return f.runFlow(engine.Env{Counts: during}, "sample.data", fmt.Sprintf(`{"dataset": "orders", "records": %d}`, n), "database.output", `{"connection": "warehouse", "table": "orders", "mode": "append"}`)
	}
	down := false
	o := load(3_000_000, func(ns []flows.NodeStatus) {
		for _, n := range ns {
			if n.Node == "n2" && n.In["in"] > 0 && !down {
				down = true
				own.Restart()
			}
		}
	})
	if e := flows.AsError(o.err); e == nil || e.Code != "database.lost" || e.Path.Node != "n2" || e.Suggestion == "" {
		t.Errorf("the load ended with %+v", e)
	}
	load(100, nil).ok(t)
	conn, err := pgx.Connect(t.Context(), own.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	f.conn = conn
	if got := f.rows("SELECT count(*) FROM orders"); got != "100" {
		t.Errorf("the table has %s records", got)
	}
}
