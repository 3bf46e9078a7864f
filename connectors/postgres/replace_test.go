package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestReplaceIsNeverSeenHalf: whoever reads a table while it is replaced again and again, in one statement or in one
// snapshot over several, sees all records of one version, and never waits for the load.
func TestReplaceIsNeverSeenHalf(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const records, loads = 5000, 12
	version := func(v int) {
		var b strings.Builder
		b.WriteString("id,name,price\n")
		for i := range records {
			fmt.Fprintf(&b, "%d,version %d,1\n", i, v)
		}
		f.file("products.csv", b.String())
		f.flow("file.input", products, "database.output", output("replace", "")).ok(t)
	}
	version(0)
	f.exec("CREATE VIEW seen AS SELECT name FROM products")
	f.exec("COMMENT ON TABLE products IS 'kept'")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	conn, err := pgx.Connect(ctx, f.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	polled, first := make(chan error, 1), make(chan struct{})
	polls := 0
	go func() {
		polled <- func() error {
			for ctx.Err() == nil {
				tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
				if err != nil {
					return err
				}
				var names []string
				for range 2 {
					var n, versions int
					var name string
					if err := tx.QueryRow(ctx, "SELECT count(*), count(DISTINCT name), min(name) FROM seen").Scan(&n, &versions, &name); err != nil {
						return err
					}
					if n != records || versions != 1 {
						return fmt.Errorf("%d records of %d versions are seen", n, versions)
					}
					names = append(names, name)
				}
				if err := tx.Rollback(ctx); err != nil {
					return err
				}
				if names[0] != names[1] {
					return fmt.Errorf("one snapshot sees %v", names)
				}
				if polls++; polls == 1 {
					close(first)
				}
			}
			return nil
		}()
	}()
	<-first
	for v := range loads {
		version(v + 1)
	}
	stop()
	if err := <-polled; err != nil && ctx.Err() == nil {
		t.Error(err)
	} else if err != nil && !strings.Contains(err.Error(), "context canceled") {
		t.Error(err)
	}
	if polls < loads {
		t.Errorf("the table was read %d times during %d loads", polls, loads)
	}
	if got := f.rows("SELECT obj_description('products'::regclass), count(DISTINCT name), min(name) FROM seen"); got != fmt.Sprintf("kept 1 version %d", loads) {
		t.Errorf("in the end: %s", got)
	}
}
