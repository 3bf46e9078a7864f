package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"spark/internal/testserver"
)

// killedRecords is how many records a run writes in the tests that kill it.
const killedRecords = 20_000

// kills is how often a run of each mode is killed.
func kills() int {
	switch {
	case testing.Short():
		return 6
	case os.Getenv("SPARK_SOAK") != "":
		return 250
	}
	return 50
}

// TestKilledLoads: a program, its executor or the database that is killed at a random moment of a load leaves the table as
// it was or as it should be, and the row that proves a commit is there exactly where the records are.
func TestKilledLoads(t *testing.T) {
	t.Parallel()
	for _, s := range []killedSystem{postgresSystem, mariaSystem} {
		for _, mode := range []string{"append", "truncate", "replace", "upsert"} {
			t.Run(s.kind+"/"+mode, func(t *testing.T) {
				t.Parallel()
				k := newKilled(t, s, mode)
				whole := k.load(0, 0) // tells how long a run takes
				committed := 1
				for i := range kills() {
					k.load(i+1, time.Duration(rand.Int64N(int64(whole)*3/2)))
					committed = k.check(i+1, committed)
				}
				if !testing.Short() && (committed < 2 || committed > kills()) { // five kills may be all of one kind
					t.Errorf("%d of %d loads were committed: the moments of the kills prove nothing", committed, kills()+1)
				}
			})
		}
	}
}

// killedSystem is a database whose loads are killed.
type killedSystem struct {
	kind string // of the connection
	own  func(testing.TB) (url string, restart func())
	// standing tells what is there once the server has ended what killed processes sent to it.
	standing func(t testing.TB, address string) standingState
}

var (
	postgresSystem = killedSystem{
		kind: "postgres",
		own: func(t testing.TB) (string, func()) {
			o := testserver.OwnPostgreSQL(t)
			return o.URL, o.Restart
		},
		standing: func(t testing.TB, address string) standingState {
			conn := quietDatabase(t, address)
			defer conn.Close(t.Context())
			found, err := standing(t.Context(), conn)
			must(t, err)
			return found
		},
	}
	mariaSystem = killedSystem{
		kind: "mysql",
		own: func(t testing.TB) (string, func()) {
			o := testserver.OwnMariaDB(t)
			return o.URL, o.Restart
		},
		standing: func(t testing.TB, address string) (s standingState) {
			db, err := testserver.OpenMariaDB(address)
			must(t, err)
			defer db.Close()
			until(t, "the server has ended the transactions", 30*time.Second, func() bool {
				var n int
				err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'spark' AND ID <> CONNECTION_ID()").Scan(&n)
				return err == nil && n == 0
			})
			must(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM spark_commit").Scan(&s.commits))
			must(t, db.QueryRowContext(t.Context(), "SELECT COUNT(*), COUNT(DISTINCT version), COALESCE(MAX(version), -1) FROM loaded").Scan(&s.records, &s.versions, &s.newest))
			return s
		},
	}
)

type killed struct {
	*place
	killedSystem
	mode    string
	url     string
	restart func()
}

func newKilled(t *testing.T, s killedSystem, mode string) *killed {
	t.Helper()
	p := setup(t)
	address, restart := s.own(t)
	p.connectTo(s.kind, address)
	key := ""
	if mode == "upsert" {
		key = `,"key":["order_id"]`
	}
	p.write("flow.json", strings.Replace(chain(step("in", "sample.data", fmt.Sprintf(`{"dataset":"orders","records":%d}`, killedRecords)),
		step("version", "formula", `{"fields":[{"name":"version","expression":"$version"}]}`),
		step("out", "database.output", `{"connection":"warehouse","table":"loaded","mode":"`+mode+`"`+key+`}`)), `{`, `{"parameters":[{"name":"version","type":"int64"}],`, 1))
	return &killed{place: p, killedSystem: s, mode: mode, url: address, restart: restart}
}

// connect makes the connection "warehouse" to PostgreSQL for `spark run`, with its password in the environment.
func (p *place) connect(address string) {
	p.t.Helper()
	p.connectTo("postgres", address)
}

func (p *place) connectTo(kind, address string) {
	p.t.Helper()
	u, err := url.Parse(address)
	must(p.t, err)
	password, _ := u.User.Password()
	b, err := json.Marshal(map[string]any{"warehouse": map[string]any{"type": kind, "settings": map[string]any{"host": u.Hostname(), "port": json.Number(u.Port()),
		"database": strings.Trim(u.Path, "/"), "user": u.User.Username(), "password": map[string]string{"env": "SPARK_TEST_PASSWORD"}, "tls": "disable"}}})
	must(p.t, err)
	p.write("connections.json", string(b))
	p.t.Cleanup(func() {
		if strings.Contains(p.read("connections.json"), password) {
			p.t.Error("the file of connections holds the password")
		}
	})
	p.env = append(p.env, "SPARK_TEST_PASSWORD="+password)
}

// load runs a version of the records and kills the program, or its executor only, after a time; 0: never.
func (k *killed) load(version int, after time.Duration) time.Duration {
	k.t.Helper()
	began := time.Now()
	x := k.start("run", "--connections", "connections.json", "--set", fmt.Sprint("version=", version), "flow.json")
	if after == 0 {
		if o := x.wait(); o.code != exitOK {
			k.t.Fatalf("%s%s", o.stdout, o.stderr)
		}
		return time.Since(began)
	}
	select {
	case <-x.ended:
	case <-time.After(after):
		k.strike(x, version)
		x.wait()
	}
	until(k.t, "the executor ends with its program", 10*time.Second, func() bool { return len(k.processes()) == 0 })
	return time.Since(began)
}

// strike kills the program, its executor or the database, in turn.
func (k *killed) strike(x *process, version int) {
	k.t.Helper()
	children := x.executors()
	switch {
	case version%3 == 0:
		k.restart()
	case version%3 == 1 && len(children) > 0:
		for _, pid := range children {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
	default:
		_ = x.cmd.Process.Kill()
	}
}

// check compares the table with the commits that are proven, and returns how many there are.
func (k *killed) check(version, before int) int {
	k.t.Helper()
	found := k.standing(k.t, k.url)
	if err := found.verdict(k.mode, version, before, killedRecords); err != nil {
		k.t.Fatalf("load %d: %v", version, err)
	}
	return found.commits
}

// quietDatabase connects once the server has ended what killed processes sent to it.
func quietDatabase(t testing.TB, address string) *pgx.Conn {
	t.Helper()
	var conn *pgx.Conn
	until(t, "the server answers", 20*time.Second, func() (ok bool) {
		var err error
		conn, err = pgx.Connect(t.Context(), address)
		return err == nil
	})
	until(t, "the server has ended the transactions", 20*time.Second, func() bool {
		var n int
		must(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()").Scan(&n))
		return n == 0
	})
	return conn
}

// standingState is what a table holds and which commits are proven.
type standingState struct{ commits, records, versions, newest int }

func standing(ctx context.Context, conn *pgx.Conn) (s standingState, err error) {
	if err = conn.QueryRow(ctx, "SELECT count(*) FROM spark_commit").Scan(&s.commits); err != nil {
		return s, err
	}
	return s, conn.QueryRow(ctx, "SELECT count(*), count(DISTINCT version), coalesce(max(version), -1) FROM loaded").Scan(&s.records, &s.versions, &s.newest)
}

// verdict says what is wrong after a load of so many records that may have been killed: before is how many commits were
// proven before it.
func (s standingState) verdict(mode string, version, before, each int) error {
	want, wantVersions := each, 1
	if mode == "append" {
		want, wantVersions = each*s.commits, s.commits
	}
	switch {
	case s.commits != before && s.commits != before+1:
		return fmt.Errorf("%d commits are proven after %d", s.commits, before)
	case s.records != want || s.versions != wantVersions:
		return fmt.Errorf("the table has %d records of %d versions, and %d commits are proven", s.records, s.versions, s.commits)
	case (s.newest == version) != (s.commits == before+1):
		return fmt.Errorf("the newest records are of load %d, and %d commits are proven after %d", s.newest, s.commits, before)
	}
	return nil
}

// TestBrokenProtocols: loads that commit the records and the row that proves them one after the other fail the same
// verdict, whichever comes first. A verdict that they pass proves nothing.
func TestBrokenProtocols(t *testing.T) {
	t.Parallel()
	const each, tries = 50, 2000
	rows := "INSERT INTO loaded SELECT n, $1 FROM generate_series(1, 50) n"
	offset := "INSERT INTO spark_commit VALUES ($1)"
	for name, statements := range map[string][]string{"rows, then offset": {rows, offset}, "offset, then rows": {offset, rows}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := testserver.PostgreSQL(t)
			conn, err := pgx.Connect(t.Context(), address)
			must(t, err)
			defer conn.Close(context.Background())
			_, err = conn.Exec(t.Context(), "CREATE TABLE loaded (id int, version int); CREATE TABLE spark_commit (run int)")
			must(t, err)
			load := func(version int, after time.Duration) time.Duration {
				began := time.Now()
				broken, err := pgx.Connect(t.Context(), address)
				must(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				if after > 0 {
					time.AfterFunc(after, cancel) // cuts the connection, as a process that dies does
				}
				for _, sql := range statements {
					if _, err := broken.Exec(ctx, sql, version); err != nil {
						break
					}
				}
				cancel()
				_ = broken.Close(t.Context())
				return time.Since(began)
			}
			whole, commits := load(0, 0), 1
			for version := 1; version <= tries; version++ {
				load(version, 1+time.Duration(rand.Int64N(int64(whole))))
				var n int
				until(t, "the transaction has ended", 20*time.Second, func() bool {
					must(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&n))
					return n == 0
				})
				found, err := standing(t.Context(), conn)
				must(t, err)
				if err := found.verdict("append", version, commits, each); err != nil {
					t.Logf("found after %d loads: %v", version, err)
					return
				}
				commits = found.commits
			}
			t.Errorf("%d loads of a broken protocol look right", tries)
		})
	}
}
