package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"spark/flows"
)

// TestBadLoads: what PostgreSQL says of a load that fails is handed on, and nothing of it is left.
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
	role := "reader_of_" + f.rows("SELECT current_database()") // roles are of the whole server
	f.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'reader'")
	f.exec("GRANT USAGE, CREATE ON SCHEMA public TO " + role)
	f.exec("GRANT SELECT ON small TO " + role)
	f.connections["reader"] = spec(t, f.url, map[string]any{"user": role, "password": "reader"})
	f.file("products.csv", "id,name,price\n2,ok,1\n3,fine,2\n")
	f.file("long.csv", "id,name,price\n2,ok,1\n3,much too long,2\n")
	f.file("twice.csv", "id,name,price\n2,a,1\n3,b,2\n2,c,3\n")
	f.file("negative.csv", "id,name,price\n2,a,1\n3,b,-2\n")
	f.file("large.csv", "id,name,price\n2,a,1\n5000000000,b,2\n")
	from := func(file string) string { return strings.Replace(products, "products.csv", file, 1) }
	to := func(connection, table, mode, more string) string {
		return fmt.Sprintf(`{"connection": %q, "table": %q, "mode": %q%s}`, connection, table, mode, more)
	}
	for name, test := range map[string]struct{ file, output, code, text string }{
		"duplicate key":         {"twice.csv", to("warehouse", "small", "append", ""), "database.unique", "(id)=(2)"},
		"text too long":         {"long.csv", to("warehouse", "small", "append", ""), "database.too_long", "varying(5)"},
		"check constraint":      {"negative.csv", to("warehouse", "small", "append", ""), "database.constraint", "price"},
		"number too large":      {"large.csv", to("warehouse", "small", "append", ""), "database.too_large", "5000000000"},
		"no unique index":       {"products.csv", to("warehouse", "strict", "upsert", `, "key": ["id"], "columns": [{"field": "id", "column": "id"}, {"field": "name", "column": "needed"}]`), "database.no_key", "CREATE UNIQUE INDEX"},
		"no right":              {"products.csv", to("reader", "small", "append", ""), "database.no_right", "small"},
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
