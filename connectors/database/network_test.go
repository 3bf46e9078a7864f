package database_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
)

// loading is a load of numbered products into a table that has some of them already.
type loading struct {
	mode, config  string
	before, after string // id and name: count, sum of ids, and how many are new
}

const (
	loaded = 20_000
	census = "SELECT count(*), sum(id), sum(CASE WHEN name = 'new' THEN 1 ELSE 0 END) FROM products"
)

var loadings = []loading{
	{"append", "", "100 5050 0", "20100 200015050 20000"},
	{"truncate", "", "100 5050 0", "20000 200010000 20000"},
	{"replace", "", "100 5050 0", "20000 200010000 20000"},
	{"upsert", `, "key": ["id"]`, "100 5050 0", "20000 200010000 20000"},
}

// prepare makes the table as it is before a load.
func (l loading) prepare(f *fixture) {
	f.exec("DROP TABLE IF EXISTS products")
	f.exec("CREATE TABLE products (id bigint, name varchar(20))")
	if l.mode == "upsert" {
		f.exec("CREATE UNIQUE INDEX by_id ON products (id)")
	}
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, ", (%d, 'old')", i+1)
	}
	f.exec("INSERT INTO products VALUES " + b.String()[2:])
}

// run loads, as an attempt of a run.
func (l loading) run(f *fixture, run string, attempt int) outcome {
	return f.runFlow(engine.Env{Token: node.Token{Run: run, Attempt: attempt, Epoch: 1, Fence: int64(attempt)}},
		"file.input", `{"path": "numbers.csv", "fields": [{"name": "id", "type": "int64"}, {"name": "name", "type": "text"}]}`, "database.output", output(l.mode, l.config))
}

// numbers writes the file that is loaded.
func (f *fixture) numbers() {
	var b strings.Builder
	b.WriteString("id,name\n")
	for i := range loaded {
		fmt.Fprintf(&b, "%d,new\n", i+1)
	}
	f.file("numbers.csv", b.String())
}

// settle checks that a run that has ended, in whatever way, told the truth, and that its next attempt makes up for it.
func (l loading) settle(f *fixture, o outcome, run string) {
	f.t.Helper()
	got, want := f.rows(census), l.after
	e := flows.AsError(o.err)
	switch {
	case o.err == nil:
	case e == nil || e.Suggestion == "" || !slices.Contains([]string{"database.lost", "database.connect", "commit.unknown"}, e.Code):
		f.t.Errorf("%s: it ended with %v", l.mode, o.err)
	default:
		want = l.before
	}
	if got != want && (e == nil || e.Code != "commit.unknown" || got != l.after) {
		f.t.Errorf("%s: after %v the table has %s, want %s", l.mode, o.err, got, want)
	}
	if err := l.run(f, run, 2).err; err != nil {
		f.t.Errorf("%s: the next attempt: %v", l.mode, err)
	}
	if got := f.rows(census); got != l.after {
		f.t.Errorf("%s: %v, and in the end the table has %s, want %s", l.mode, o.err, got, l.after)
	}
}

// times is how often what happens at random is tried.
func times() int {
	switch {
	case os.Getenv("SPARK_SOAK") != "":
		return 100
	case testing.Short():
		return 2
	}
	return 6
}

// TestResets: connections are reset at random moments, in every mode and while reading.
func TestResets(t *testing.T) {
	direct(t, func(t *testing.T, s system) {
		for _, l := range loadings {
			t.Run(l.mode, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, s)
				f.numbers()
				n := newNetwork(t, f)
				f.through(n.address(), nil)
				l.prepare(f)
				began := time.Now()
				l.run(f, "unharmed", 1).ok(t)
				whole := time.Since(began)
				for i := range times() {
					l.prepare(f)
					run, when, way := fmt.Sprintf("run %d", i), rand.N(whole+whole/10), []string{toServer, fromServer}[i%2]
					done := make(chan struct{})
					timer := time.AfterFunc(when, func() { defer close(done); n.add("reset_peer", way, map[string]any{"timeout": 0}) })
					o := l.run(f, run, 1)
					if !timer.Stop() {
						<-done
					}
					n.mend()
					l.settle(f, o, run)
				}
			})
		}
		t.Run("read", func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, s)
			n := newNetwork(t, f)
			f.numbers()
			f.through(n.address(), nil)
			l := loadings[0]
			l.prepare(f)
			f.exec("DELETE FROM products")
			l.run(f, "load", 1).ok(t)
			read := func() outcome {
				return f.flow("database.input", `{"connection": "warehouse", "table": "products"}`, "sort", `{"keys": [{"field": "id"}]}`, "file.output", `{"path": "out.csv"}`)
			}
			began := time.Now()
			read().ok(t)
			whole, want := time.Since(began), f.read("out.csv")
			for i := range times() {
				f.file("out.csv", "as before\n")
				when := rand.N(whole)
				done := make(chan struct{})
				timer := time.AfterFunc(when, func() { defer close(done); n.add("reset_peer", fromServer, map[string]any{"timeout": 0}) })
				o := read()
				if !timer.Stop() {
					<-done
				}
				n.mend()
				switch got, e := f.read("out.csv"), flows.AsError(o.err); {
				case o.err == nil && got == want, e != nil && e.Suggestion != "" && got == "as before\n":
				default:
					t.Errorf("%d: the reading ended with %v and %d bytes; want %d", i, o.err, len(got), len(want))
				}
				if read().ok(t); f.read("out.csv") != want {
					t.Errorf("%d: the next reading has other records", i)
				}
			}
		})
	})
}

// TestSlowNetwork: a network that takes its time is slow, not broken.
func TestSlowNetwork(t *testing.T) {
	direct(t, func(t *testing.T, s system) {
		for _, l := range loadings {
			t.Run(l.mode, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, s)
				f.numbers()
				l.prepare(f)
				n := newNetwork(t, f)
				f.through(n.address(), map[string]any{"silence": 1})
				for _, way := range []string{fromServer, toServer} {
					n.add("latency", way, map[string]any{"latency": 30, "jitter": 8})
				}
				l.run(f, "slow", 1).ok(t)
				if got := f.rows(census); got != l.after {
					t.Errorf("the table has %s", got)
				}
				f.flow("database.input", `{"connection": "warehouse", "table": "products"}`, "file.output", `{"path": "out.csv"}`).ok(t)
				if got := strings.Count(f.read("out.csv"), "\n") - 1; !strings.HasPrefix(l.after, fmt.Sprint(got, " ")) {
					t.Errorf("%d records were read", got)
				}
			})
		}
	})
}

// TestLongStatement: a statement may take much longer than the silence that is asked about, whether it computes or waits
// for others.
func TestLongStatement(t *testing.T) {
	direct(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		f.connections["warehouse"] = f.spec(map[string]any{"silence": 1})
		f.flow("database.input", `{"connection": "warehouse", "from": "query", "query": "`+s.sleep+`"}`, "file.output", `{"path": "out.csv"}`).ok(t)
		f.numbers()
		l := loadings[0]
		l.prepare(f)
		holder, err := f.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer holder.Close()
		for _, sql := range s.lock {
			if _, err := holder.ExecContext(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
		release := time.AfterFunc(4*time.Second, func() { _, _ = holder.ExecContext(t.Context(), s.unlock) })
		defer release.Stop()
		l.run(f, "waits", 1).ok(t)
		if got := f.rows(census); got != l.after {
			t.Errorf("the table has %s", got)
		}
	})
}

// TestHalfOpen: from some moment on nothing arrives any more, and nobody closes the connection. The run ends soon, with
// what is true: nothing was written, or everything.
func TestHalfOpen(t *testing.T) {
	direct(t, func(t *testing.T, s system) {
		for name, c := range s.cuts {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, s)
				f.numbers()
				l := loadings[0]
				l.prepare(f)
				f.exec(s.commits)
				n, good := newNetwork(t, f), newNetwork(t, f)
				way := toServer
				if c.after {
					way = fromServer
				}
				leads := n
				trap := newTrap(t, c.text, func() { n.stop(way); leads = good }, func() *network { return leads })
				f.through(trap, map[string]any{"silence": 1, "connectTimeout": 2})
				began := time.Now()
				o := l.run(f, "r", 1)
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("it took %s", took)
				}
				if e := flows.AsError(o.err); c.code == "" && o.err != nil || c.code != "" && (e == nil || e.Code != c.code) {
					t.Errorf("the run ended with %v", o.err)
				}
				l.settle(f, o, "r")
			})
		}
		for _, way := range []string{toServer, fromServer} {
			t.Run("all connections, at the commit, "+way, func(t *testing.T) {
				if testing.Short() {
					t.Skip("it takes a minute")
				}
				t.Parallel()
				f := newFixture(t, s)
				f.numbers()
				l := loadings[0]
				l.prepare(f)
				f.exec(s.commits)
				n := newNetwork(t, f)
				trap := newTrap(t, "COMMIT", func() { n.stop(way) }, func() *network { return n })
				f.through(trap, map[string]any{"silence": 1, "connectTimeout": 1})
				o := l.run(f, "r", 1)
				if e := flows.AsError(o.err); e == nil || e.Code != "commit.unknown" {
					t.Errorf("the run ended with %v", o.err)
				}
				n.mend()
				l.settle(f, o, "r")
			})
		}
		t.Run("read", func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, s)
			f.exec("CREATE TABLE texts (s text)")
			f.exec("INSERT INTO texts VALUES " + strings.Repeat("('"+strings.Repeat("x", 1000)+"'), ", 999) + "('x')")
			for range 6 {
				f.exec("INSERT INTO texts SELECT * FROM texts")
			}
			n := newNetwork(t, f)
			f.through(n.address(), map[string]any{"silence": 1, "connectTimeout": 1})
			began, stopped := time.Now(), false
			o := f.runFlow(engine.Env{Counts: func(ns []flows.NodeStatus) {
				for _, one := range ns {
					if one.Node == "n1" && one.Out["out"] > 0 && !stopped {
						stopped = true
						n.stop(fromServer)
					}
				}
			}}, "database.input", `{"connection": "warehouse", "table": "texts"}`, "file.output", `{"path": "out.csv"}`)
			if e := flows.AsError(o.err); stopped && (e == nil || e.Code != "database.lost" || e.Suggestion == "" || time.Since(began) > 30*time.Second) {
				t.Errorf("after %s: %v", time.Since(began), o.err)
			}
		})
	})
}
