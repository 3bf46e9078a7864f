package database_test

import (
	"net/url"
	"testing"

	"spark/flows"
	"spark/internal/testserver"
)

// TestConnectionCut: wherever the connection is cut, the run says what became of the records, and that is so. Cut after
// the server got the COMMIT they are there and the run succeeds; anywhere else nothing is there and it fails.
func TestConnectionCut(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		for name, test := range s.cuts {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				newFixture(t, s).loadsThroughCut(test, func(cut string) string { return cut })
			})
		}
	})
}

// loadsThroughCut loads two records over a connection that is cut, and looks what became of them. reached says at which
// address the connection finds the one that cuts.
func (f *fixture) loadsThroughCut(test cut, reached func(cut string) string) {
	t := f.t
	t.Helper()
	f.exec("CREATE TABLE products (id bigint, name " + f.s.text + ", price numeric(10,2))")
	f.exec(f.s.commits)
	u, err := url.Parse(f.url)
	if err != nil {
		t.Fatal(err)
	}
	c := testserver.NewCutter(t, u.Host, test.text, test.after)
	u.Host = c.Address()
	if u, err = url.Parse(reached(u.String())); err != nil {
		t.Fatal(err)
	}
	f.through(u.Host, nil)
	f.file("products.csv", "id,name,price\n1,a,1\n2,b,2\n")
	o := f.flow("file.input", products, "database.output", output("append", ""))
	if c.Cuts() != 1 {
		t.Fatalf("nothing was cut: %v", o.err)
	}
	want := "0"
	if test.code == "" {
		o.ok(t)
		want = "2"
	} else if e := flows.AsError(o.err); e == nil || e.Code != test.code {
		t.Fatalf("the run ended with %v", o.err)
	}
	if got := f.rows("SELECT count(*) FROM products"); got != want {
		t.Errorf("the table has %s records, want %s", got, want)
	}
}
