package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
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
	if testing.Short() {
		return 5
	}
	return 50
}

// TestKilledLoads: a program, or its executor, that is killed at a random moment of a load leaves the table as it was or
// as it should be, and the row that proves a commit is there exactly where the records are.
func TestKilledLoads(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"append", "truncate", "replace", "upsert"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			k := newKilled(t, mode)
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

type killed struct {
	*place
	mode string
	conn *pgx.Conn
}

func newKilled(t *testing.T, mode string) *killed {
	t.Helper()
	p := setup(t)
	address := testserver.PostgreSQL(t)
	conn, err := pgx.Connect(t.Context(), address)
	must(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	u, err := url.Parse(address)
	must(t, err)
	password, _ := u.User.Password()
	b, err := json.Marshal(map[string]any{"warehouse": map[string]any{"type": "postgres", "settings": map[string]any{"host": u.Hostname(), "port": json.Number(u.Port()),
		"database": strings.Trim(u.Path, "/"), "user": u.User.Username(), "password": map[string]string{"env": "SPARK_TEST_PASSWORD"}, "tls": "disable"}}})
	must(t, err)
	p.write("connections.json", string(b))
	t.Cleanup(func() {
		if strings.Contains(p.read("connections.json"), password) {
			t.Error("the file of connections holds the password")
		}
	})
	p.env = append(p.env, "SPARK_TEST_PASSWORD="+password)
	key := ""
	if mode == "upsert" {
		key = `,"key":["order_id"]`
	}
	p.write("flow.json", strings.Replace(chain(step("in", "sample.data", fmt.Sprintf(`{"dataset":"orders","records":%d}`, killedRecords)),
		step("version", "formula", `{"fields":[{"name":"version","expression":"$version"}]}`),
		step("out", "database.output", `{"connection":"warehouse","table":"loaded","mode":"`+mode+`"`+key+`}`)), `{`, `{"parameters":[{"name":"version","type":"int64"}],`, 1))
	return &killed{place: p, mode: mode, conn: conn}
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
		if children := x.executors(); version%2 == 0 && len(children) > 0 {
			for _, pid := range children {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
			}
		} else {
			_ = x.cmd.Process.Kill()
		}
		x.wait()
	}
	until(k.t, "the executor ends with its program", 10*time.Second, func() bool { return len(k.processes()) == 0 })
	return time.Since(began)
}

// check compares the table with the commits that are proven, and returns how many there are.
func (k *killed) check(version, before int) int {
	k.t.Helper()
	ctx := k.t.Context()
	// The server may still be busy with what the killed process sent: wait until it has no other client.
	until(k.t, "the server has ended the transaction", 20*time.Second, func() bool {
		var n int
		must(k.t, k.conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").Scan(&n))
		return n == 0
	})
	var commits, records, versions, newest int
	must(k.t, k.conn.QueryRow(ctx, "SELECT count(*) FROM spark_commit").Scan(&commits))
	must(k.t, k.conn.QueryRow(ctx, "SELECT count(*), count(DISTINCT version), max(version) FROM loaded").Scan(&records, &versions, &newest))
	want, wantVersions := killedRecords, 1
	if k.mode == "append" {
		want, wantVersions = killedRecords*commits, commits
	}
	switch {
	case commits != before && commits != before+1:
		k.t.Fatalf("load %d: %d commits are proven after %d", version, commits, before)
	case records != want || versions != wantVersions:
		k.t.Fatalf("load %d: the table has %d records of %d versions, and %d commits are proven", version, records, versions, commits)
	case (newest == version) != (commits == before+1):
		k.t.Fatalf("load %d: the newest records are of load %d, and %d commits are proven after %d", version, newest, commits, before)
	}
	return commits
}
