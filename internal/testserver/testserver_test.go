package testserver_test

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"spark/internal/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

func TestPostgreSQLGivesEveryTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	one, two := testserver.PostgreSQL(t), testserver.PostgreSQL(t)
	if one == two {
		t.Fatal("two calls share a database")
	}
	u, err := url.Parse(one)
	if err != nil {
		t.Fatal(err)
	}
	if port, err := strconv.Atoi(u.Port()); err != nil || port >= 32768 || u.Hostname() != "127.0.0.1" {
		t.Errorf("listens on %s, want a loopback port below 32768", u.Host)
	}
	conn, err := pgx.Connect(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var durable string
	if err := conn.QueryRow(t.Context(), "SHOW fsync").Scan(&durable); err != nil || durable != "on" {
		t.Errorf("fsync = %q, %v; tests of durability need it on", durable, err)
	}
	u.User = url.UserPassword("spark", "wrong")
	if c, err := pgx.Connect(t.Context(), u.String()); err == nil {
		c.Close(t.Context())
		t.Error("the server takes connections with a wrong password")
	}
}

func TestMariaDBGivesEveryTestItsOwnDatabase(t *testing.T) {
	t.Parallel()
	one, two := testserver.MariaDB(t), testserver.MariaDB(t)
	if one == two {
		t.Fatal("two calls share a database")
	}
	u, err := url.Parse(one)
	if err != nil {
		t.Fatal(err)
	}
	if port, err := strconv.Atoi(u.Port()); err != nil || port >= 32768 || u.Hostname() != "127.0.0.1" {
		t.Errorf("listens on %s, want a loopback port below 32768", u.Host)
	}
	db, err := testserver.OpenMariaDB(one)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var durable, local int
	if err := db.QueryRowContext(t.Context(), "SELECT @@innodb_flush_log_at_trx_commit, @@local_infile").Scan(&durable, &local); err != nil || durable != 1 || local != 1 {
		t.Errorf("flushes %d, local infile %d, %v; tests of durability need both", durable, local, err)
	}
	u.User = url.UserPassword("spark", "wrong")
	wrong, err := testserver.OpenMariaDB(u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer wrong.Close()
	if wrong.PingContext(t.Context()) == nil {
		t.Error("the server takes connections with a wrong password")
	}
}
