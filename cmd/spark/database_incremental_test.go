package main

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"spark/internal/testserver"
)

// newsFlow copies what is new of the table events into copied.
var newsFlow = strings.ReplaceAll(chain(step("in", "database.input", `{"connection":"warehouse","table":"events","mode":"incremental","cursor":"at","cursorKey":["id"],"lag":""}`),
	step("out", "database.output", `{"connection":"warehouse","table":"copied","mode":"append"}`)), "\n", "")

// TestState: a flow that reads what is new needs a file that keeps how far that was.
func TestState(t *testing.T) {
	t.Parallel()
	p := setup(t)
	address := testserver.PostgreSQL(t)
	p.connect(address)
	conn := quiet(t, address)
	must(t, execute(t, conn, "CREATE TABLE events (id bigint PRIMARY KEY, at timestamptz DEFAULT now()); INSERT INTO events SELECT generate_series(1, 5)"))
	p.write("flow.json", newsFlow)
	p.write("other.txt", "not a state")
	for state, want := range map[string]string{"": "--state FILE", "other.txt": "that is no state file", "gone/x.json": "cannot be written"} {
		args := []string{"run", "--connections", "connections.json"}
		if state != "" {
			args = append(args, "--state", state)
		}
		if o := p.run(append(args, "flow.json")...); o.code != exitInvalid || !strings.Contains(o.stderr+o.stdout, want) {
			t.Errorf("state %q: %d %s%s", state, o.code, o.stdout, o.stderr)
		}
	}
	for i, want := range []string{"5", "5", "6"} {
		if o := p.run("run", "--connections", "connections.json", "--state", "state.json", "flow.json"); o.code != exitOK {
			t.Fatalf("%s%s", o.stdout, o.stderr)
		}
		var got string
		must(t, conn.QueryRow(t.Context(), "SELECT count(*)::text FROM copied").Scan(&got))
		if got != want {
			t.Errorf("copied %s records, want %s", got, want)
		}
		if i == 1 {
			must(t, execute(t, conn, "INSERT INTO events SELECT 6"))
		}
	}
}

func quiet(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn := quietDatabase(t, address)
	t.Cleanup(func() { conn.Close(t.Context()) })
	return conn
}

func execute(t *testing.T, conn *pgx.Conn, sql string) error {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql)
	return err
}

// TestKilledIncremental: runs that read what is new are killed, or their database is, at random moments while records are
// added: in the end every record was copied once.
func TestKilledIncremental(t *testing.T) {
	t.Parallel()
	p := setup(t)
	k := &killed{place: p, killedSystem: postgresSystem}
	k.url, k.restart = k.own(t)
	p.connect(k.url)
	p.write("flow.json", newsFlow)
	conn := quietDatabase(t, k.url)
	must(t, execute(t, conn, "CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now()); INSERT INTO events (at) SELECT now() FROM generate_series(1, 20000)"))
	start := func() *process {
		return k.start("run", "--connections", "connections.json", "--state", "state.json", "flow.json")
	}
	began := time.Now()
	if o := start().wait(); o.code != exitOK {
		t.Fatalf("%s%s", o.stdout, o.stderr)
	}
	whole := time.Since(began)
	committed := 0
	for i := range kills() / 2 {
		must(t, execute(t, conn, "INSERT INTO events (at) SELECT now() FROM generate_series(1, 20000)"))
		conn.Close(t.Context())
		x := start()
		select {
		case <-x.ended:
		case <-time.After(time.Duration(rand.Int64N(int64(whole) * 3))):
			k.strike(x, i)
		}
		if o := x.wait(); o.code == exitOK {
			committed++
		}
		until(t, "the executor ends with its program", 10*time.Second, func() bool { return len(k.processes()) == 0 })
		conn = quietDatabase(t, k.url)
		var records, distinct int
		must(t, conn.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT id) FROM copied").Scan(&records, &distinct))
		if records != distinct || records%20000 != 0 {
			t.Fatalf("after kill %d: %d records, %d of them different", i, records, distinct)
		}
	}
	if o := start().wait(); o.code != exitOK {
		t.Fatalf("the last run: %s%s", o.stdout, o.stderr)
	}
	var copied, events string
	must(t, conn.QueryRow(t.Context(), "SELECT (SELECT count(*) || ' ' || count(DISTINCT id) FROM copied), (SELECT count(*) || ' ' || count(*) FROM events)").Scan(&copied, &events))
	conn.Close(t.Context())
	if copied != events {
		t.Errorf("copied %s of %s", copied, events)
	}
	if !testing.Short() && (committed == 0 || committed == kills()/2) {
		t.Errorf("%d of %d runs were over before they were killed: the moments of the kills prove nothing", committed, kills()/2)
	}
}
