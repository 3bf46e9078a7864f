package database_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
)

func TestModes(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		all := "SELECT id, name, price FROM products ORDER BY id, name"
		f.file("products.csv", "id,name,price\n1,Ann,1.50\n2,Bob,20.00\n3,Cy,300.25\n")
		o := f.flow("file.input", products, "database.output", output("append", "")).ok(t)
		if got, want := f.rows(all), "1 Ann 1.50\n2 Bob 20.00\n3 Cy 300.25"; got != want || o.nodes["n2"].Written != 3 {
			t.Fatalf("append: %q, written %d", got, o.nodes["n2"].Written)
		}
		for mode, want := range map[string]string{"append": "6", "truncate": "3", "replace": "3"} {
			f.exec("DELETE FROM products")
			f.flow("file.input", products, "database.output", output("append", "")).ok(t)
			f.flow("file.input", products, "database.output", output(mode, "")).ok(t)
			if got := f.rows("SELECT count(*) FROM products"); got != want {
				t.Fatalf("%s: %s records", mode, got)
			}
		}
		f.exec("DELETE FROM products")
		f.flow("file.input", products, "database.output", output("append", "")).ok(t)
		f.exec("CREATE UNIQUE INDEX by_id ON products (id)")
		f.file("products.csv", "id,name,price\n2,Bob,20.00\n3,Cyril,300.25\n4,Di,4.00\n4,Dee,4.00\n")
		for _, step := range []struct {
			file, mode, want string
			changes          flows.Changes
		}{
			{"2,Bob,20.00\n3,Cyril,300.25\n4,Di,4.00\n4,Dee,4.00\n", "upsert", "1 Ann 1.50\n2 Bob 20.00\n3 Cyril 300.25\n4 Dee 4.00", flows.Changes{Inserted: 1, Updated: 1, Unchanged: 1, Collapsed: 1}},
			{"2,Bob,20.00\n3,Cyril,300.25\n4,Di,4.00\n4,Dee,4.00\n", "upsert", "1 Ann 1.50\n2 Bob 20.00\n3 Cyril 300.25\n4 Dee 4.00", flows.Changes{Unchanged: 3, Collapsed: 1}},
			{"2,BOB,20.00\n3,Cyril,\n", "upsert", "1 Ann 1.50\n2 BOB 20.00\n3 Cyril null\n4 Dee 4.00", flows.Changes{Updated: 2}},
			{"1,Anna,1.50\n9,Nobody,0\n", "update", "1 Anna 1.50\n2 BOB 20.00\n3 Cyril null\n4 Dee 4.00", flows.Changes{Updated: 1}},
			{"1,Anna,1.50\n9,Nobody,0\n", "update", "1 Anna 1.50\n2 BOB 20.00\n3 Cyril null\n4 Dee 4.00", flows.Changes{Unchanged: 1}},
			{"1,,\n9,Nobody,0\n", "delete", "2 BOB 20.00\n3 Cyril null\n4 Dee 4.00", flows.Changes{Deleted: 1}},
		} {
			f.file("products.csv", "id,name,price\n"+step.file)
			o := f.flow("file.input", products, "database.output", output(step.mode, `, "key": ["id"]`)).ok(t)
			if got := *o.nodes["n2"].Changes; got != step.changes {
				t.Errorf("%s of %q: %+v", step.mode, step.file, got)
			}
			if got := f.rows(all); got != step.want {
				t.Fatalf("%s of %q: %q", step.mode, step.file, got)
			}
		}
	})
}

// TestUpsertMakesItsTable: with a key, by which the next load finds the records; texts that differ stay apart.
func TestUpsertMakesItsTable(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		f.file("products.csv", "id,name,price\n1,a,1\n2,A,2\n3,\"a \",3\n4,\"\",4\n5,ä,5\n")
		for range 2 {
			o := f.flow("file.input", products, "database.output", output("upsert", `, "key": ["name"]`)).ok(t)
			if got := f.rows("SELECT count(*) FROM products"); got != "5" {
				t.Fatalf("%s records, %+v", got, o.nodes["n2"].Changes)
			}
		}
	})
}

func TestReadWhatWasWritten(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		f.file("products.csv", "id,name,price\n1,Ann,1.50\n2,,20.00\n3,\"\",\n4,\"tab\tquote'\"\"back\\slash\\N\nline\r\nend\",0.01\n5,\\N,-0.05\n6,é𝄞,99999999.99\n")
		want := f.read("products.csv")
		for _, mode := range []string{"append", "replace"} {
			f.flow("file.input", products, "database.output", output(mode, "")).ok(t)
			f.flow("database.input", `{"connection": "warehouse", "table": "products"}`, "file.output", `{"path": "out.csv"}`).ok(t)
			if got := f.read("out.csv"); got != want {
				t.Fatalf("%s:\n%q\n%q", mode, got, want)
			}
		}
		f.flow("database.input", `{"connection": "warehouse", "table": "products", "where": "id > 1 AND id < 4"}`, "file.output", `{"path": "out.csv"}`).ok(t)
		if got := f.read("out.csv"); got != "id,name,price\n2,,20.00\n3,\"\",\n" {
			t.Errorf("%q", got)
		}
		f.flow("database.input", `{"connection": "warehouse", "from": "query", "query": "select count(*) as records, min(id) as first from products;"}`, "file.output", `{"path": "out.csv"}`).ok(t)
		if got := f.read("out.csv"); got != "records,first\n6,1\n" {
			t.Errorf("%q", got)
		}
	})
}

// TestCommits: what was committed is recorded in the same transaction, an older lease cannot commit after a newer one,
// and an attempt that finds its records committed leaves them as they are.
func TestCommits(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		f.file("products.csv", "id,name,price\n1,a,1\n2,b,2\n")
		env := func(attempt int, fence int64) engine.Env {
			return engine.Env{Token: node.Token{Run: "r1", Attempt: attempt, Epoch: 1, Fence: fence}}
		}
		count := func() string { return f.rows("SELECT count(*) FROM products") }
		load := []string{"file.input", products, "database.output", output("append", "")}
		f.runFlow(env(1, 7), load...).ok(t)
		if got := f.rows("SELECT run, node, epoch, attempt, fence, records FROM spark_commit"); got != "r1 n2 1 1 7 2" {
			t.Errorf("recorded: %s", got)
		}
		f.runFlow(env(2, 8), load...).ok(t)
		if got := count(); got != "2" {
			t.Errorf("a second attempt of one run made them %s records", got)
		}
		e := env(1, 5)
		e.Token.Epoch = 2
		if err := flows.AsError(f.runFlow(e, load...).err); err == nil || err.Code != "commit.fenced" {
			t.Errorf("an attempt with an old lease: %v", err)
		}
		if got := count(); got != "2" {
			t.Errorf("an attempt with an old lease made them %s records", got)
		}
		refused := env(3, 9)
		refused.Token.Run = "r2"
		refused.MayCommit = func(context.Context) error { return errors.New("the lease is gone") }
		if o := f.runFlow(refused, load...); o.err == nil || count() != "2" || strings.Contains(f.rows("SELECT run FROM spark_commit"), "r2") {
			t.Errorf("without the grant: %v, %s records", o.err, count())
		}
	})
}
