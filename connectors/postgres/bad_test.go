package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
)

// TestBadLoads: each load fails with a sentence that says what and where, and nothing of it is left.
func TestBadLoads(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.file("none.csv", "id,name,price\n")
	f.flow("file.input", strings.Replace(products, "products.csv", "none.csv", 1), "database.output", output("append", "")).ok(t) // makes the table of commits
	f.exec("DELETE FROM spark_commit")
	f.exec("GRANT ALL ON spark_commit TO PUBLIC")
	f.exec("CREATE TABLE small (id int PRIMARY KEY, name varchar(5), price numeric(6,2) CHECK (price >= 0))")
	f.exec("INSERT INTO small VALUES (1, 'old', 1)")
	f.exec("CREATE TABLE strict (id int, needed text NOT NULL)")
	f.exec("CREATE TABLE computed (id int, twice int GENERATED ALWAYS AS (id * 2) STORED)")
	role := "reader_of_" + f.rows("SELECT current_database()") // roles are of the whole server
	f.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'reader'")
	f.exec("GRANT USAGE, CREATE ON SCHEMA public TO " + role)
	f.exec("GRANT SELECT ON small TO " + role)
	f.connections["reader"] = spec(t, f.url, map[string]any{"user": role, "password": "reader"})
	f.connections["nobody"] = spec(t, f.url, map[string]any{"password": "canary-wrong-password"})
	f.connections["nowhere"] = spec(t, f.url, map[string]any{"port": 1})
	f.connections["nothing"] = spec(t, f.url, map[string]any{"database": "no_such_database"})
	f.file("products.csv", "id,name,price\n2,ok,1\n3,fine,2\n")
	f.file("long.csv", "id,name,price\n2,ok,1\n3,much too long,2\n")
	f.file("twice.csv", "id,name,price\n2,a,1\n3,b,2\n2,c,3\n")
	f.file("negative.csv", "id,name,price\n2,a,1\n3,b,-2\n")
	f.file("large.csv", "id,name,price\n2,a,1\n5000000000,b,2\n")
	f.file("keyless.csv", "id,name,price\n2,a,1\n,b,2\n")
	from := func(file string) string { return strings.Replace(products, "products.csv", file, 1) }
	to := func(connection, table, mode, more string) string {
		return fmt.Sprintf(`{"connection": %q, "table": %q, "mode": %q%s}`, connection, table, mode, more)
	}
	for name, test := range map[string]struct{ file, output, code, text string }{
		"duplicate key":         {"twice.csv", to("warehouse", "small", "append", ""), "database.unique", "(id)=(2)"},
		"text too long":         {"long.csv", to("warehouse", "small", "append", ""), "database.too_long", "varying(5)"},
		"check constraint":      {"negative.csv", to("warehouse", "small", "append", ""), "database.constraint", "price"},
		"number too large":      {"large.csv", to("warehouse", "small", "append", ""), "database.too_large", "5000000000"},
		"no table":              {"products.csv", to("warehouse", "missing", "append", `, "noTable": "fail"`), "database.no_table", "missing"},
		"no schema":             {"products.csv", to("warehouse", "gone.small", "append", ""), "database.no_table", "gone"},
		"no column":             {"products.csv", to("warehouse", "strict", "append", ""), "database.no_column", "name"},
		"unmapped column":       {"products.csv", to("warehouse", "strict", "append", `, "columns": [{"field": "id", "column": "id"}]`), "database.unmapped", "needed"},
		"wrong type":            {"products.csv", to("warehouse", "small", "append", `, "columns": [{"field": "name", "column": "id"}]`), "database.type", "integer"},
		"generated column":      {"products.csv", to("warehouse", "computed", "append", `, "columns": [{"field": "id", "column": "twice"}]`), "database.type", "computes"},
		"no unique index":       {"products.csv", to("warehouse", "strict", "upsert", `, "key": ["id"], "columns": [{"field": "id", "column": "id"}, {"field": "name", "column": "needed"}]`), "database.no_key", "CREATE UNIQUE INDEX"},
		"null key":              {"keyless.csv", to("warehouse", "small", "upsert", `, "key": ["id"]`), "database.null_key", "1 records"},
		"no right":              {"products.csv", to("reader", "small", "append", ""), "database.no_right", "small"},
		"wrong password":        {"products.csv", to("nobody", "small", "append", ""), "database.login", "password"},
		"nobody listens":        {"products.csv", to("nowhere", "small", "append", ""), "database.connect", ":1"},
		"no such database":      {"products.csv", to("nothing", "small", "append", ""), "database.unknown_database", "no_such_database"},
		"no such connection":    {"products.csv", to("warehose", "small", "append", ""), "connection.unknown", "warehouse"},
		"odd name":              {"products.csv", to("warehouse", `a."b`, "append", ""), "database.table_name", "quote"},
		"statement in the name": {"products.csv", to("warehouse", "small; drop table small", "append", ""), "database.table_name", "quotes"},
		"broken SQL before":     {"products.csv", to("warehouse", "small", "append", `, "beforeSQL": "selec 1"`), "database.query", "selec"},
		"broken SQL after":      {"products.csv", to("warehouse", "small", "append", `, "afterSQL": "selec 1"`), "database.query", "selec"},
		"divided by zero after": {"products.csv", to("warehouse", "small", "truncate", `, "afterSQL": "select 1/0"`), "database.query", "zero"},
	} {
		t.Run(name, func(t *testing.T) {
			o := f.flow("file.input", from(test.file), "database.output", test.output)
			e := flows.AsError(o.err)
			if e == nil {
				t.Fatal("it succeeded")
			}
			if e.Code != test.code || e.Path.Node != "n2" || e.Suggestion == "" || !strings.Contains(e.Message+" "+e.Suggestion, test.text) {
				t.Errorf("%s: %v (%s), at %v", e.Code, e.Message, e.Suggestion, e.Path)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %s", e, e, e.Suggestion), "canary") {
				t.Errorf("the error gives a secret away: %+v", e)
			}
			if got := f.rows("SELECT id, name, price::text FROM small"); got != "1 old 1.00" {
				t.Errorf("the table is now %q", got)
			}
			if got := f.rows("SELECT count(*) FROM spark_commit"); got != "0" {
				t.Errorf("%s commits are recorded", got)
			}
		})
	}
	o := f.flow("file.input", from("twice.csv"), "database.output", to("warehouse", "small", "append", ""))
	if e := flows.AsError(o.err); e.Path.Record != 3 {
		t.Errorf("the second record with key 2 is said to be record %d", e.Path.Record)
	}
}

// TestBadReads: the same for reading.
func TestBadReads(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec("CREATE TABLE there (id int)")
	f.exec("INSERT INTO there VALUES (1)")
	for name, test := range map[string]struct{ input, code, field, text string }{
		"no table":          {`{"connection": "warehouse", "from": "table", "table": "missing"}`, "database.no_table", "table", "missing"},
		"broken condition":  {`{"connection": "warehouse", "from": "table", "table": "there", "where": "id ="}`, "database.query", "where", "syntax"},
		"broken query":      {`{"connection": "warehouse", "from": "query", "query": "selec id from there"}`, "database.query", "query", "syntax"},
		"two statements":    {`{"connection": "warehouse", "from": "query", "query": "select id from there) q; drop table there; select * from (select 1"}`, "database.query", "query", "multiple"},
		"escape of where":   {`{"connection": "warehouse", "from": "table", "table": "there", "where": "true); drop table there; select * from there where (true"}`, "database.query", "where", "multiple"},
		"changed type":      {`{"connection": "warehouse", "from": "table", "table": "there", "fields": [{"name": "id", "type": "int64"}]}`, "database.column_type", "fields", "integer"},
		"column is gone":    {`{"connection": "warehouse", "from": "table", "table": "there", "fields": [{"name": "idd", "type": "int32"}]}`, "database.no_column", "fields", "idd"},
		"a write in a read": {`{"connection": "warehouse", "from": "query", "query": "with x as (delete from there returning id) select id from x", "fields": [{"name": "id", "type": "int32"}]}`, "database.query", "query", "WITH"},
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
			if e.Code != test.code || e.Path.Node != "n1" || e.Path.Field != test.field || !strings.Contains(e.Message+e.Suggestion, test.text) {
				t.Errorf("%s: %v (%s), at %v", e.Code, e.Message, e.Suggestion, e.Path)
			}
			if got := f.rows("SELECT count(*) FROM there"); got != "1" {
				t.Errorf("the table has %s records", got)
			}
		})
	}
}

// TestCommits: what was committed is recorded in the same transaction, an older lease cannot commit after a newer one,
// and an attempt that finds its records committed leaves them as they are.
func TestCommits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.file("products.csv", "id,name,price\n1,a,1\n2,b,2\n")
	env := func(attempt int, fence int64) engine.Env {
		return engine.Env{Token: node.Token{Run: "r1", Attempt: attempt, Epoch: 1, Fence: fence}}
	}
	append := []string{"file.input", products, "database.output", output("append", "")}
	f.runFlow(env(1, 7), append...).ok(t)
	if got := f.rows("SELECT run, node, epoch, attempt, fence, records FROM spark_commit"); got != "r1 n2 1 1 7 2" {
		t.Errorf("recorded: %s", got)
	}
	f.runFlow(env(2, 8), append...).ok(t)
	if got := f.rows("SELECT count(*) FROM products"); got != "2" {
		t.Errorf("a second attempt of one run made them %s records", got)
	}
	e := env(1, 5)
	e.Token.Epoch = 2
	if err := flows.AsError(f.runFlow(e, append...).err); err == nil || err.Code != "commit.fenced" {
		t.Errorf("an attempt with an old lease: %v", err)
	}
	if got := f.rows("SELECT count(*) FROM products"); got != "2" {
		t.Errorf("an attempt with an old lease made them %s records", got)
	}
	refused := env(3, 9)
	refused.Token.Run = "r2"
	refused.MayCommit = func(context.Context) error { return errors.New("the lease is gone") }
	if o := f.runFlow(refused, append...); o.err == nil || f.rows("SELECT count(*) FROM products") != "2" {
		t.Errorf("without the grant: %v, %s records", o.err, f.rows("SELECT count(*) FROM products"))
	}
}
