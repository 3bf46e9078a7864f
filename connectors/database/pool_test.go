package database_test

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"

	"spark/flows"
	"spark/internal/testserver"
)

// TestPoolOfTransactions: a pool that gives away the session between transactions is refused before anything is done.
func TestPoolOfTransactions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, systems[0])
	pool := testserver.PgBouncer(t, f.url, "transaction")
	u, err := url.Parse(pool)
	if err != nil {
		t.Fatal(err)
	}
	f.through(u.Host, map[string]any{"searchPath": "nowhere"})
	f.exec("CREATE TABLE products (id bigint, name text, price numeric(10,2))")
	f.file("products.csv", "id,name,price\n1,a,1\n")
	refused := func(what string, err error) {
		t.Helper()
		if e := flows.AsError(err); e == nil || e.Code != "database.pooled" || !strings.Contains(e.Message, "warehouse: the pool at 127.0.0.1:") || !strings.Contains(e.Suggestion, "session mode") || e.Path.Field != "connection" {
			t.Errorf("%s: %+v", what, err)
		}
	}
	refused("a load", f.flow("file.input", products, "database.output", output("append", "")).err)
	refused("a reading", f.flow("database.input", `{"connection": "warehouse", "table": "products"}`, "file.output", `{"path": "out.csv"}`).err)
	c, err := f.connections.Connection("warehouse")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Type.Test(t.Context(), c)
	refused("a test of the connection", err)
	if n := f.rows("SELECT count(*) FROM products"); n != "0" {
		t.Errorf("%s records", n)
	}
	// Who gets the session next finds it as it was.
	next, err := sql.Open("pgx", pool+"&default_query_exec_mode=simple_protocol")
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	var path string
	if err := next.QueryRowContext(t.Context(), "SHOW search_path").Scan(&path); err != nil || path != `"$user", public` {
		t.Errorf("the search path of others is %s, %v", path, err)
	}
}

// TestPoolLosesItsServer: between the pool and the server, too, a connection may be cut in the answer to the commit. The
// pool says that the server is gone; the run finds out what became of the load.
func TestPoolLosesItsServer(t *testing.T) {
	t.Parallel()
	for name, test := range systems[0].cuts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newFixture(t, systems[0]).loadsThroughCut(test, func(cut string) string { return testserver.PgBouncer(t, cut, "session") })
		})
	}
}
