package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"spark/flows"
	"spark/internal/testserver"
)

// TestServeMany: fifty runs at once, files and tables among them, are all right, none of them begins long after it was
// asked for, and nothing is left.
func TestServeMany(t *testing.T) {
	t.Parallel()
	n := 50
	if testing.Short() {
		n = 10
	}
	p := setup(t)
	s := p.serve()
	address := testserver.PostgreSQL(t)
	conn := quiet(t, address)
	s.warehouse(address)
	must(t, execute(t, conn, "CREATE TABLE source AS SELECT i AS id, 'name ' || i AS name FROM generate_series(1, 1000) i"))
	var runs []flows.Run
	for i := range n {
		in, out := step("in", "sample.data", `{"dataset":"orders","records":1000}`), output(fmt.Sprintf("light-%d.csv", i))
		if i%3 == 1 {
			in = step("in", "database.input", `{"connection":"warehouse","table":"source"}`)
		}
		if i%3 == 2 {
			out = step("out", "database.output", fmt.Sprintf(`{"connection":"warehouse","table":"light_%d","mode":"append"}`, i))
		}
		runs = append(runs, s.run(s.flow(chain(in, out), `{}`)))
	}
	var delays []time.Duration
	for i, r := range runs {
		if r = s.until("it is over", r.ID, runTime, over); r.State != flows.RunSucceeded || r.Written != 1000 {
			t.Errorf("run %d: %+v, %v", i, r, r.Error)
		}
		delays = append(delays, r.StartedAt.Sub(r.CreatedAt))
		if i%3 == 2 {
			var loaded int
			must(t, conn.QueryRow(t.Context(), fmt.Sprintf("SELECT count(*) FROM light_%d", i)).Scan(&loaded))
			if loaded != 1000 {
				t.Errorf("table %d has %d records", i, loaded)
			}
		}
	}
	slices.Sort(delays)
	t.Logf("%d runs: p95 of the delay before the start %s", n, delays[n*95/100])
	s.nothingLeft(func() (n int, err error) {
		err = conn.QueryRow(t.Context(), clients).Scan(&n)
		return n, err
	})
}

// TestServeCancelMany: runs that read and load tables, write files or wait for their turn are cancelled all at once, each
// at a moment of its own: each says so at once, no record is in a table, and nothing is left.
func TestServeCancelMany(t *testing.T) {
	t.Parallel()
	n := 24
	if testing.Short() {
		n = 8
	}
	p := setup(t)
	s := p.serve()
	address := testserver.PostgreSQL(t)
	conn := quiet(t, address)
	s.warehouse(address)
	forever := step("in", "sample.data", `{"dataset":"orders","records":1000000000}`)
	var runs []flows.Run
	waiting := s.flow(chain(forever, output("one.csv")), `{}`) // its second run waits
	for i := range n {
		doc := endless()
		switch i % 4 {
		case 0:
			runs = append(runs, s.run(waiting))
			continue
		case 1:
			doc = chain(forever, step("out", "database.output", fmt.Sprintf(`{"connection":"warehouse","table":"endless_%d","mode":"append"}`, i)))
		case 2:
			query := "SELECT generate_series(1, 1000000000000) AS id"
			if i > 2 { // the database says nothing
				query = "SELECT pg_sleep(1000)::text AS id"
			}
			doc = chain(step("in", "database.input", fmt.Sprintf(`{"connection":"warehouse","from":"query","query":%q}`, query)), output(fmt.Sprintf("endless-%d.csv", i)))
		default:
			doc = chain(forever, output(fmt.Sprintf("endless-%d.csv", i)))
		}
		runs = append(runs, s.run(s.flow(doc, `{"memoryMB":200}`)))
	}
	s.until("the first one counts", runs[0].ID, runTime, counting)
	s.until("a load counts", runs[1].ID, runTime, counting)
	s.until("an unload counts", runs[2].ID, runTime, counting)
	took := make([]time.Duration, n)
	var wg sync.WaitGroup
	for i, r := range runs {
		wg.Go(func() {
			began := time.Now()
			if err := s.Call(t.Context(), http.MethodPost, "/api/v1/runs/"+r.ID+"/cancel", nil, nil); err != nil {
				t.Error(err)
				return
			}
			for end := began.Add(runTime); !over(r) && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				if err := s.Call(t.Context(), http.MethodGet, "/api/v1/runs/"+r.ID, nil, &r); err != nil {
					t.Error(err)
					return
				}
			}
			if took[i] = r.EndedAt.Sub(began); r.State != flows.RunCancelled {
				t.Errorf("run %d is %s: %v", i, r.State, r.Error)
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	t.Logf("%d runs were cancelled at once: median %s, p95 %s", n, took[n/2], took[n*95/100])
	if took[n*95/100] > 10*time.Second {
		t.Errorf("cancelling takes up to %s", took[n*95/100])
	}
	for i := 1; i < n; i += 4 {
		var there bool
		must(t, conn.QueryRow(t.Context(), "SELECT to_regclass($1) IS NOT NULL", fmt.Sprintf("endless_%d", i)).Scan(&there))
		if there {
			t.Errorf("the cancelled load %d has made its table", i)
		}
	}
	for _, name := range s.files() {
		if strings.HasPrefix(name, "endless-") || name == "one.csv" {
			t.Errorf("a cancelled run has written %s", name)
		}
	}
	s.nothingLeft(func() (n int, err error) {
		err = conn.QueryRow(t.Context(), clients).Scan(&n)
		return n, err
	})
}

// clients counts the connections to the database, but for the one that asks.
const clients = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"

// warehouse makes the connection of that name.
func (s *serving) warehouse(address string) {
	s.t.Helper()
	b, err := json.Marshal(map[string]any{"name": "warehouse", "type": "postgres", "settings": map[string]string{"address": address, "tls": "disable"}})
	must(s.t, err)
	s.ask(http.MethodPost, "/api/v1/connections", json.RawMessage(b), nil)
}

// files are the files that flows see.
func (s *serving) files() (names []string) {
	var list struct{ Entries []struct{ Path string } }
	s.ask(http.MethodGet, "/api/v1/files?path=", nil, &list)
	for _, f := range list.Entries {
		names = append(names, f.Path)
	}
	return names
}

// nothingLeft fails the test where ended runs left something: executors, temp folders, connections to the database, runs
// that are not over, or jobs that wait. The server is stopped for that.
func (s *serving) nothingLeft(connections func() (int, error)) {
	t := s.t
	t.Helper()
	until(t, "the executors end", 10*time.Second, func() bool { return len(s.executors()) <= 1 }) // one stays for previews
	until(t, "the database is left alone", 30*time.Second, func() bool {
		n, err := connections()
		must(t, err)
		return n == 0
	})
	must(t, s.Stop())
	if left := s.leftovers(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if pids := s.processes(); len(pids) > 0 {
		t.Errorf("processes are left: %v", pids)
	}
	db, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: s.path("spark/spark.db")}).EscapedPath()+"?mode=ro")
	must(t, err)
	defer db.Close()
	var n int
	for what, query := range map[string]string{
		"runs that are not over":          "SELECT count(*) FROM runs WHERE state NOT IN ('succeeded', 'failed', 'cancelled')",
		"jobs that wait or are worked on": "SELECT count(*) FROM river_job WHERE finalized_at IS NULL AND kind = 'run'",
	} {
		if err := db.QueryRow(query).Scan(&n); err != nil || n > 0 {
			t.Errorf("%d %s are left, %v", n, what, err)
		}
	}
}

// TestNoQueryOutlivesItsProcess: what the process of a run has asked a database for ends soon after the process was killed,
// although the database would go on for long.
func TestNoQueryOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	p := setup(t)
	s := p.serve()
	address := testserver.PostgreSQL(t)
	conn := quiet(t, address)
	s.warehouse(address)
	r := s.run(s.flow(chain(step("in", "database.input", `{"connection":"warehouse","from":"query","query":"SELECT pg_sleep(1000)::text AS id"}`), output("out.csv")), `{}`))
	count := func(condition string) (n int) {
		must(t, conn.QueryRow(t.Context(), clients+condition).Scan(&n))
		return n
	}
	until(t, "the database sleeps", runTime, func() bool { return count(" AND wait_event = 'PgSleep'") == 1 })
	kill(t, syscall.SIGKILL, s.executors()...)
	s.until("the run is over", r.ID, runTime, over)
	until(t, "the database is left alone", 20*time.Second, func() bool { return count("") == 0 })
}
