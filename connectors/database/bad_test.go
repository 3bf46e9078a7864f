package database_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/engine"
)

// TestBadLoads: each load fails with a sentence that says what and where, and nothing of it is left.
func TestBadLoads(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		f.file("none.csv", "id,name,price\n")
		f.flow("file.input", productsOf("none.csv"), "database.output", output("append", "")).ok(t) // makes the table of commits
		f.exec("DELETE FROM spark_commit")
		f.exec("CREATE TABLE small (id int PRIMARY KEY, name " + s.short + ", price numeric(6,2) CHECK (price >= 0))")
		f.exec("INSERT INTO small VALUES (1, 'old', 1)")
		f.exec("CREATE TABLE strict (id int, needed " + s.short + " NOT NULL)")
		f.exec("CREATE TABLE computed (id int, twice int GENERATED ALWAYS AS (id * 2) STORED)")
		f.exec("CREATE TABLE child (id bigint, parent int, FOREIGN KEY (parent) REFERENCES small (id))")
		f.connections["nobody"] = f.spec(map[string]any{"password": "canary-wrong-password"})
		f.connections["nowhere"] = f.spec(map[string]any{"port": 1})
		f.connections["nothing"] = f.spec(map[string]any{"database": "no_such_database"})
		for name, records := range map[string]string{"products": "2,ok,1\n3,fine,2\n", "long": "2,ok,1\n3,much too long,2\n", "twice": "2,a,1\n3,b,2\n2,c,3\n", "negative": "2,a,1\n3,b,-2\n", "large": "2,a,1\n5000000000,b,2\n", "keyless": "2,a,1\n,b,2\n", "price": "2,a,1\n3,b,10000.00\n"} {
			f.file(name+".csv", "id,name,price\n"+records)
		}
		to := func(connection, table, mode, more string) string {
			return fmt.Sprintf(`{"connection": %q, "table": %q, "mode": %q%s}`, connection, table, mode, more)
		}
		small := func(mode, more string) string { return to("warehouse", "small", mode, more) }
		for name, test := range map[string]struct {
			file, output, code, text string
			record                   int64
		}{
			"text too long":         {"long.csv", small("append", ""), "database.too_long", "", 2},
			"duplicate":             {"twice.csv", small("append", ""), "database.unique", "", 3},
			"check":                 {"negative.csv", small("append", ""), "database.constraint", "small", 2},
			"number too large":      {"large.csv", small("append", ""), "database.too_large", "5000000000", 2},
			"too many digits":       {"price.csv", small("append", `, "columns": [{"field": "id", "column": "id"}, {"field": "price", "column": "price"}]`), "", "", 2},
			"null key":              {"keyless.csv", small("upsert", `, "key": ["id"]`), "database.null_key", "1 records", 2},
			"null":                  {"keyless.csv", small("append", ""), "database.constraint", "id", 2},
			"foreign key":           {"products.csv", to("warehouse", "child", "append", `, "columns": [{"field": "id", "column": "id"}, {"field": "id", "column": "parent"}]`), "database.constraint", "", 0},
			"too long, upsert":      {"long.csv", small("upsert", `, "key": ["id"]`), "database.too_long", "", 2},
			"check, upsert":         {"negative.csv", small("upsert", `, "key": ["id"]`), "database.constraint", "", 0},
			"no table":              {"products.csv", to("warehouse", "missing", "append", `, "noTable": "fail"`), "database.no_table", "missing", 0},
			"no schema":             {"products.csv", to("warehouse", "gone.small", "append", ""), "database.no_table", "gone", 0},
			"no column":             {"products.csv", to("warehouse", "strict", "append", ""), "database.no_column", "name", 0},
			"unmapped column":       {"products.csv", to("warehouse", "strict", "append", `, "columns": [{"field": "id", "column": "id"}]`), "database.unmapped", "needed", 0},
			"wrong type":            {"products.csv", small("append", `, "columns": [{"field": "name", "column": "id"}]`), "database.type", "int", 0},
			"generated column":      {"products.csv", to("warehouse", "computed", "append", `, "columns": [{"field": "id", "column": "twice"}]`), "database.type", "computes", 0},
			"no unique index":       {"products.csv", to("warehouse", "strict", "upsert", `, "key": ["id"], "columns": [{"field": "id", "column": "id"}, {"field": "name", "column": "needed"}]`), "database.no_key", "CREATE UNIQUE INDEX", 0},
			"wrong password":        {"products.csv", to("nobody", "small", "append", ""), "database.login", "password", 0},
			"nobody listens":        {"products.csv", to("nowhere", "small", "append", ""), "database.connect", ":1", 0},
			"no such database":      {"products.csv", to("nothing", "small", "append", ""), "database.unknown_database", "no_such_database", 0},
			"no such connection":    {"products.csv", to("warehose", "small", "append", ""), "connection.unknown", "warehouse", 0},
			"odd name":              {"products.csv", to("warehouse", `a."b`, "append", ""), "database.table_name", "quote", 0},
			"statement in the name": {"products.csv", to("warehouse", "small; drop table small", "append", ""), "database.table_name", "quotes", 0},
			"broken SQL before":     {"products.csv", small("append", `, "beforeSQL": "select nothing from"`), "database.query", "", 0},
			"broken SQL after":      {"products.csv", small("append", `, "afterSQL": "select nothing from"`), "database.query", "", 0},
			"a failure after":       {"products.csv", small("replace", `, "afterSQL": "insert into small values (2, 'again', 1)"`), "database.unique", "", 0},
		} {
			t.Run(name, func(t *testing.T) {
				o := f.flow("file.input", productsOf(test.file), "database.output", test.output)
				e := flows.AsError(o.err)
				if e == nil {
					t.Fatal("it succeeded")
				}
				if test.code != "" && e.Code != test.code || e.Path.Node != "n2" || e.Suggestion == "" || !strings.Contains(e.Message+" "+e.Suggestion, test.text) {
					t.Errorf("%s: %v (%s), at %v", e.Code, e.Message, e.Suggestion, e.Path)
				}
				if test.record != 0 && e.Path.Record != test.record {
					t.Errorf("%s is said of record %d", e.Message, e.Path.Record)
				}
				if strings.Contains(fmt.Sprintf("%v %+v %s", e, e, e.Suggestion), "canary") {
					t.Errorf("the error gives a secret away: %+v", e)
				}
				if got := f.rows("SELECT id, name, price FROM small"); got != "1 old 1.00" {
					t.Errorf("the table is now %q", got)
				}
				if got := f.rows("SELECT count(*) FROM spark_commit"); got != "0" {
					t.Errorf("%s commits are recorded", got)
				}
			})
		}
	})
}

// TestBadReads: the same for reading.
func TestBadReads(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		f.exec("CREATE TABLE there (id int)")
		f.exec("INSERT INTO there VALUES (1)")
		for name, test := range map[string]struct{ input, code, field string }{
			"no table":         {`{"connection": "warehouse", "from": "table", "table": "missing"}`, "database.no_table", "table"},
			"broken condition": {`{"connection": "warehouse", "from": "table", "table": "there", "where": "id ="}`, "database.query", "where"},
			"broken query":     {`{"connection": "warehouse", "from": "query", "query": "selec id from there"}`, "database.query", "query"},
			"two statements":   {`{"connection": "warehouse", "from": "query", "query": "select id from there) q; drop table there; select * from (select 1"}`, "database.query", "query"},
			"escape of where":  {`{"connection": "warehouse", "from": "table", "table": "there", "where": "1 = 1); drop table there; select * from there where (1 = 1"}`, "database.query", "where"},
			"changed type":     {`{"connection": "warehouse", "from": "table", "table": "there", "fields": [{"name": "id", "type": "int64"}]}`, "database.column_type", "fields"},
			"column is gone":   {`{"connection": "warehouse", "from": "table", "table": "there", "fields": [{"name": "idd", "type": "int32"}]}`, "database.no_column", "fields"},
			"a write":          {`{"connection": "warehouse", "from": "query", "query": "delete from there", "fields": [{"name": "id", "type": "int32"}]}`, "database.query", "query"},
		} {
			t.Run(name, func(t *testing.T) {
				o := f.flow("database.input", test.input, "file.output", `{"path": "out.csv"}`)
				e := flows.AsError(o.err)
				if e == nil {
					t.Fatal("it succeeded")
				}
				if ps, ok := errors.AsType[flows.Problems](o.err); ok {
					e = ps[0]
				}
				if e.Code != test.code || e.Path.Node != "n1" || e.Path.Field != test.field || e.Suggestion == "" {
					t.Errorf("%s: %v (%s), at %v", e.Code, e.Message, e.Suggestion, e.Path)
				}
				if got := f.rows("SELECT count(*) FROM there"); got != "1" {
					t.Errorf("the table has %s records", got)
				}
			})
		}
	})
}

// TestRecordIsNamed: a duplicate in the last third of many records is found by its number, and nothing stays.
func TestRecordIsNamed(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		records, bad := 1_000_000, 700_000
		if testing.Short() {
			records, bad = 100_000, 70_000
		}
		f.exec("CREATE TABLE products (order_id bigint PRIMARY KEY)")
		o := f.flow("sample.data", fmt.Sprintf(`{"dataset": "orders", "records": %d}`, records),
			"formula", fmt.Sprintf(`{"fields": [{"name": "order_id", "expression": "if(order_id = %d, 1, order_id)"}]}`, bad),
			"database.output", `{"connection": "warehouse", "table": "products", "mode": "append", "columns": [{"field": "order_id", "column": "order_id"}]}`)
		if e := flows.AsError(o.err); e == nil || e.Code != "database.unique" || e.Path.Record != int64(bad) || e.Path.Node != "n3" || !strings.Contains(e.Message, "1") {
			t.Errorf("%+v", e)
		}
		if got := f.rows("SELECT count(*) FROM products"); got != "0" {
			t.Errorf("%s records stay", got)
		}
	})
}

// TestLocked: a load does not wait for ever for who holds the table, and says so.
func TestLocked(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		f.file("products.csv", "id,name,price\n1,a,1\n")
		f.flow("file.input", products, "database.output", output("append", "")).ok(t)
		holder, err := f.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer holder.Close()
		for _, sql := range s.lock {
			if _, err := holder.ExecContext(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		o := f.flow("file.input", products, "database.output", output("append", `, "lockTimeout": 1`))
		if e := flows.AsError(o.err); e == nil || e.Code != "database.locked" || e.Suggestion == "" || time.Since(began) > 30*time.Second {
			t.Errorf("after %s: %+v", time.Since(began), e)
		}
	})
}

// TestServerRestarts: a server that goes down in the middle of a load fails it, and the next load works.
func TestServerRestarts(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		address, restart := s.own(t)
		f := fixtureAt(t, s, address)
		load := func(n int, during func([]flows.NodeStatus)) outcome {
			return f.runFlow(engine.Env{Counts: during}, "sample.data", fmt.Sprintf(`{"dataset": "orders", "records": %d}`, n), "database.output", `{"connection": "warehouse", "table": "orders", "mode": "append"}`)
		}
		down := false
		o := load(3_000_000, func(ns []flows.NodeStatus) {
			for _, n := range ns {
				if n.Node == "n2" && n.In["in"] > 0 && !down {
					down = true
					restart()
				}
			}
		})
		if e := flows.AsError(o.err); e == nil || e.Code != "database.lost" || e.Path.Node != "n2" || e.Suggestion == "" {
			t.Errorf("the load ended with %+v", e)
		}
		load(100, nil).ok(t)
		again, err := s.open(address)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		var n string
		if err := again.QueryRowContext(context.Background(), "SELECT count(*) FROM orders").Scan(&n); err != nil || n != "100" {
			t.Errorf("the table has %s records, %v", n, err)
		}
	})
}
