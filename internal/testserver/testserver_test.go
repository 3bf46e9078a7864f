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
