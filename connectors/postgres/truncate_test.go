package postgres_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestReadBetweenTruncates: a table that others empty and load again, one after the other, is never read empty, even where
// the snapshot of the reader is asked for between two of them.
func TestReadBetweenTruncates(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec("CREATE TABLE prices (id bigint)")
	f.exec("INSERT INTO prices SELECT generate_series(1, 1000)")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	load := func() pgx.Tx {
		conn, err := pgx.Connect(ctx, f.url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
		tx, err := conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	const reload = "TRUNCATE prices; INSERT INTO prices SELECT generate_series(1, 1000)"
	first, second := load(), load()
	if _, err := first.Exec(ctx, reload); err != nil {
		t.Fatal(err)
	}
	read := make(chan outcome, 1)
	go func() {
		read <- f.flow("database.input", `{"connection": "warehouse", "table": "prices", "fields": [{"name": "id", "type": "int64"}]}`, "file.output", `{"path": "prices.csv", "format": "csv"}`)
	}()
	waits := func(n int) {
		t.Helper()
		for f.rows("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'prices'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") != strconv.Itoa(n) {
			if ctx.Err() != nil {
				t.Fatal("nobody waits for the table")
			}
			time.Sleep(time.Millisecond)
		}
	}
	waits(1) // the reader
	loaded := make(chan error, 1)
	go func() {
		_, err := second.Exec(ctx, reload)
		loaded <- err
	}()
	waits(2)
	if err := first.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	waits(1) // the reader again
	if err := second.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	o := <-read
	o.ok(t)
	if n := strings.Count(f.read("prices.csv"), "\n"); n != 1001 {
		t.Errorf("%d lines were read", n)
	}
}
