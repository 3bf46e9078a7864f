package duckdb

import (
	"os"
	"path/filepath"
	"testing"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/node"
	"spark/flows/plan"
)

// TestBrokenCounts breaks one count at a time in a run that is otherwise right: each fails the run, and nothing is
// written.
func TestBrokenCounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breaks func(r *run) // at the tenth reject, with r.mu held
		at     string
	}{
		"nothing": {breaks: func(*run) {}},
		"a reject that is handed over and not counted": {breaks: func(r *run) { r.refused-- }},
		"a reject that is counted and not handed over": {breaks: func(r *run) { r.refused++ }},
		"a reject of the source that it did not count": {breaks: func(r *run) { r.sources["src"].rejected.Add(-1) }},
		"a reject that is lost on the way to its port": {breaks: func(r *run) { r.spools["calc"].n.Add(-1) }, at: "calc"},
		"a record that the source did not count":       {breaks: func(r *run) { r.sources["src"].rejected.Add(1) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			f := line(`src test.numbers {"n": 200, "badAt": 4}`, `calc formula {"fields": [{"name": "x", "expression": "div(1000, id % 10)"}]}`, `out test.target {"path": "o.csv"}`)
			f.Settings.Rejects = flows.RejectStore
			f.Nodes = append(f.Nodes, flows.Node{ID: "bad", Type: "test.target", Version: 1, Config: []byte(`{"path": "bad.csv"}`)})
			f.Edges = append(f.Edges, flows.Edge{From: flows.Endpoint{Node: "calc", Port: node.Rejects}, To: flows.Endpoint{Node: "bad", Port: node.In}})
			p, ps := plan.Compile(f, plan.Options{Engines: []plan.Engine{b.engine}})
			if ps.Failed() {
				t.Fatal(ps)
			}
			temp := filepath.Join(b.dir, "temp")
			if err := os.Mkdir(temp, 0o700); err != nil {
				t.Fatal(err)
			}
			var r *run
			n := 0
			r = newRun(b.engine, p, engine.Env{Files: dirFiles{b.dir}, Temp: temp, Threads: 2, Reject: func(node.Reject) error {
				if n++; n == 10 {
					c.breaks(r)
				}
				return nil
			}})
			err := r.execute(t.Context())
			if name == "nothing" {
				if err != nil || n != 21 {
					t.Fatalf("%d rejects, %v", n, err)
				}
				return
			}
			if e := flows.AsError(err); e == nil || e.Code != "run.imbalance" || e.Path.Node != c.at {
				t.Errorf("the run ended with %v", err)
			}
			for _, file := range []string{"o.csv", "bad.csv"} {
				if _, err := os.Stat(filepath.Join(b.dir, file)); err == nil {
					t.Errorf("%s was written", file)
				}
			}
		})
	}
}

// TestBrokenEnds: the end of a stage and its source count for themselves.
func TestBrokenEnds(t *testing.T) {
	t.Parallel()
	ref := plan.Ref{Node: "src", Port: node.Out}
	s := &plan.Stage{Target: ref}
	for name, c := range map[string]struct {
		confirmed, delivered int64
		complete             bool
		ok                   bool
	}{
		"the same":                      {0, 0, true, true},
		"the end confirms more":         {1, 0, true, false},
		"the source says more":          {0, 1, true, false},
		"the source was not complete":   {0, 0, false, false},
		"the source says more, and not": {0, 3, false, false},
	} {
		b := setup(t)
		f := line(`src test.numbers {"n": 1}`)
		p, ps := plan.Compile(f, plan.Options{Engines: []plan.Engine{b.engine}})
		if ps.Failed() {
			t.Fatal(ps)
		}
		r := newRun(b.engine, p, engine.Env{Files: dirFiles{b.dir}, Temp: b.dir, Threads: 1})
		db, err := openCounters()
		if err != nil {
			t.Fatal(err)
		}
		r.db = db
		fd := &feed{ref: ref}
		fd.stats.Records, fd.stats.Complete = c.delivered, c.complete
		err = r.balance(s, c.confirmed, []*feed{fd})
		if e := flows.AsError(err); (err == nil) != c.ok || err != nil && e.Code != "run.imbalance" {
			t.Errorf("%s: %v", name, err)
		}
		db.Close()
	}
}

// openCounters is a database on which nothing is executed: its counters are zero.
func openCounters() (*capi.DB, error) { return capi.Open(map[string]string{"threads": "1"}, nil) }
