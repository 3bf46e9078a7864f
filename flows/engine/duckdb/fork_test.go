package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/flows/plan"
)

// branch adds nodes in a row behind a node of a flow.
func branch(f *flows.Flow, from string, nodes ...string) {
	more := line(nodes...)
	f.Nodes = append(f.Nodes, more.Nodes...)
	f.Edges = append(append(f.Edges, flows.Edge{From: flows.Endpoint{Node: from, Port: node.Out}, To: flows.Endpoint{Node: more.Nodes[0].ID, Port: node.In}}), more.Edges...)
}

// lookup describes what the engine does, and no dataset.
type lookup struct {
	node.EngineDescriber
	node.DatasetDescriber
}

func compiled(t *testing.T, e *Engine, f *flows.Flow) *plan.Plan {
	t.Helper()
	p, ps := plan.Compile(f, plan.Options{Engines: []plan.Engine{e}, Lookup: lookup{EngineDescriber: e}})
	if ps.Failed() {
		t.Fatal(ps)
	}
	return p
}

// The ways of a fork: computed by one of its readers, or by a statement of its own, as a sort makes it.
var forkWays = map[string]string{"in a reader": "", "alone": `up sort {"keys": [{"field": "id"}]}`}

// numbersWith are test.numbers with nodes behind them, in one of forkWays.
func numbersWith(way, source string, nodes ...string) *flows.Flow {
	all := []string{"src test.numbers " + source}
	if forkWays[way] != "" {
		all = append(all, forkWays[way])
	}
	return line(append(all, nodes...)...)
}

// TestForkHandsOverEveryRecordInOrder: each branch gets what it would get alone, whoever of them is done first.
func TestForkHandsOverEveryRecordInOrder(t *testing.T) {
	t.Parallel()
	for way := range forkWays {
		t.Run(way, func(t *testing.T) { t.Parallel(); testForkOrder(t, way) })
	}
}

func testForkOrder(t *testing.T, way string) {
	const n = 300_000
	b := setup(t)
	f := numbersWith(way, fmt.Sprintf(`{"n": %d}`, n), `calc formula {"fields": [{"name": "double", "expression": "2 * id"}]}`, `out test.target {"path": "all.csv"}`)
	branch(f, "calc", `few limit {"count": 3, "offset": 100000}`, `some test.target {"path": "few.csv"}`)
	branch(f, "calc", `odd filter {"condition": "word = 'odd'"}`, `rest test.target {"path": "odd.csv"}`)
	branch(f, "calc", `sum aggregate {"aggregates": [{"name": "s", "expression": "sum(double)"}]}`, `total test.target {"path": "sum.csv"}`)
	branch(f, "calc", `rare filter {"condition": "id % 9973 = 0"}`, `seldom test.target {"path": "rare.csv"}`)
	forks := findForks(compiled(t, b.engine, f))
	if len(forks) != 1 || spare(forks) != 5 {
		t.Fatalf("%d forks with up to %d readers", len(forks), spare(forks))
	}
	for _, x := range forks {
		if (x.fused == nil) != (way == "alone") || x.fused != nil && len(x.fused.moved) != 2 {
			t.Fatalf("the fork is computed otherwise: %+v", x.fused)
		}
	}
	ns, err := b.run(t, t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	var all, odd, rare strings.Builder
	for _, file := range []*strings.Builder{&all, &odd, &rare} {
		file.WriteString("id,word,double\n")
	}
	for i := range n {
		s := fmt.Sprintf("%d,%s,%d\n", i, []string{"even", "odd"}[i%2], 2*i)
		all.WriteString(s)
		if i%2 == 1 {
			odd.WriteString(s)
		}
		if i%9973 == 0 {
			rare.WriteString(s)
		}
	}
	for name, want := range map[string]string{"all.csv": all.String(), "odd.csv": odd.String(), "rare.csv": rare.String(), "sum.csv": fmt.Sprintf("\"s\"\n\"%d\"\n", n*(n-1)),
		"few.csv": "id,word,double\n100000,even,200000\n100001,odd,200002\n100002,even,200004\n"} {
		if got := b.file(t, name); got != want {
			t.Errorf("%s has %d bytes, expected %d: %.100q", name, len(got), len(want), got)
		}
	}
	for id, want := range map[string]int64{"src": n, "calc": n, "few": 3, "odd": n / 2, "sum": 1, "rare": n/9973 + 1} {
		if s := ns[id]; s.State != flows.NodeDone || s.Out[node.Out] != want || len(s.StoppedEarly) != 0 {
			t.Errorf("%s: %+v, expected %d records", id, s, want)
		}
	}
}

// TestForkOfFewRecords: what a filter above a fork leaves of each batch, a record here and there, stays in its order.
func TestForkOfFewRecords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := line(`src test.numbers {"n": 500000}`, `some filter {"condition": "id % 1009 < 3"}`, `sum aggregate {"aggregates": [{"name": "n", "expression": "count(id)"}]}`, `out test.target {"path": "n.csv"}`)
	branch(f, "some", `ids select {"fields": [{"name": "id"}]}`, `other test.target {"path": "ids.csv"}`)
	if _, err := b.run(t, t.Context(), f); err != nil {
		t.Fatal(err)
	}
	at := -1
	for i, l := range strings.Split(strings.TrimSpace(b.file(t, "ids.csv")), "\n")[1:] {
		var id int
		if _, err := fmt.Sscan(strings.Trim(l, `"`), &id); err != nil || id != i/3*1009+i%3 {
			t.Fatalf("record %d is %q", i, l)
		}
		at = i
	}
	if want := 500000/1009*3 + 2; at != want {
		t.Errorf("%d records, expected %d", at+1, want+1)
	}
}

// TestForkBesideAnotherSource: the reader that computes a fork may read another source, too, whose batches are no part of it.
func TestForkBesideAnotherSource(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := line(`src test.numbers {"n": 200000}`, `all union`, `out test.target {"path": "all.csv"}`)
	branch(f, "src", `odd filter {"condition": "word = 'odd'"}`, `other test.target {"path": "odd.csv"}`)
	f.Nodes = append(f.Nodes, flows.Node{ID: "more", Type: "test.numbers", Version: 1, Config: json.RawMessage(`{"n": 150000}`)})
	f.Edges = slices.Insert(f.Edges, 0, flows.Edge{From: flows.Endpoint{Node: "more", Port: node.Out}, To: flows.Endpoint{Node: "all", Port: node.In}})
	forks := findForks(compiled(t, b.engine, f))
	for _, x := range forks {
		if first := x.readers[x.fused.first]; len(first.Steps) != 2 {
			t.Fatalf("the first reader has %d steps", len(first.Steps))
		}
	}
	ns, err := b.run(t, t.Context(), f)
	if err != nil || len(forks) != 1 {
		t.Fatalf("%d forks, %v", len(forks), err)
	}
	if ns["all"].Out[node.Out] != 350_000 || ns["odd"].Out[node.Out] != 100_000 {
		t.Errorf("%+v, %+v", ns["all"], ns["odd"])
	}
	var want strings.Builder
	want.WriteString("id,word\n")
	for i := 1; i < 200_000; i += 2 {
		fmt.Fprintf(&want, "%d,odd\n", i)
	}
	if b.file(t, "odd.csv") != want.String() {
		t.Error("the copies are not in the order of their source")
	}
}

// TestForkShowsSamples: also of a filter that is evaluated before the fork.
func TestForkShowsSamples(t *testing.T) {
	t.Parallel()
	for way := range forkWays {
		b := setup(t)
		f := numbersWith(way, `{"n": 30000}`, `out test.target {"path": "o.csv"}`)
		branch(f, f.Nodes[len(f.Nodes)-2].ID, `odd filter {"condition": "word = 'odd'"}`, `other test.target {"path": "p.csv"}`)
		got := map[string][][]*string{}
		if _, err := b.engine.Run(t.Context(), compiled(t, b.engine, f), engine.Env{Files: dirFiles{b.dir}, Temp: b.dir, Threads: 2, Samples: 5,
			Sampled: func(list []flows.Sample) {
				for _, s := range list {
					got[s.Node] = s.Rows
				}
			}}); err != nil {
			t.Fatal(err)
		}
		if len(got["src"]) != 5 || len(got["odd"]) != 5 || *got["odd"][0][1] != "odd" {
			t.Errorf("%s: %d samples of the source, %v", way, len(got["src"]), got["odd"])
		}
	}
}

// TestForkOfRefusedRecords: what is refused above a fork is refused once, and below it by the branch that refuses it.
func TestForkOfRefusedRecords(t *testing.T) {
	t.Parallel()
	for way := range forkWays {
		t.Run(way, func(t *testing.T) { t.Parallel(); testForkRefuses(t, way) })
	}
}

func testForkRefuses(t *testing.T, way string) {
	b := setup(t)
	f := numbersWith(way, `{"n": 50000}`, `calc formula {"fields": [{"name": "x", "expression": "div(1000, id % 100)"}]}`, `few limit {"count": 1}`, `out test.target {"path": "o.csv"}`)
	branch(f, "calc", `again formula {"fields": [{"name": "y", "expression": "div(1000, id - 77)"}]}`, `other test.target {"path": "p.csv"}`)
	f.Settings.Rejects = flows.RejectStore
	ns, err := b.run(t, t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.rejects) != 501 || ns["calc"].Rejected != 500 || ns["again"].Rejected != 1 || ns["other"].Written != 49499 {
		t.Errorf("%d rejects, %+v", len(b.rejects), ns)
	}
	for _, r := range b.rejects {
		if r.File != "numbers.csv" || r.Node == "again" && (r.Record != 78 || r.Field != "y") {
			t.Fatalf("a reject is %+v", r)
		}
	}
}

// TestForkThatFails: whichever of the statements fails, the run says so, the others end, and nothing is written.
func TestForkThatFails(t *testing.T) {
	t.Parallel()
	for at, c := range map[string]struct{ source, above, below string }{
		"src":   {`{"n": 200000, "failAt": 150000}`, "id", "id"},
		"calc":  {`{"n": 200000, "block": true}`, "div(1, id - 150000)", "id"},
		"again": {`{"n": 200000, "block": true}`, "id", "div(1, id - 150000)"},
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			f := line("src test.numbers "+c.source, fmt.Sprintf(`calc formula {"fields": [{"name": "x", "expression": %q}]}`, c.above), `out test.target {"path": "o.csv"}`)
			branch(f, "calc", fmt.Sprintf(`again formula {"fields": [{"name": "y", "expression": %q}]}`, c.below), `other test.target {"path": "p.csv"}`)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			ns, err := b.run(t, ctx, f)
			if e := flows.AsError(err); e == nil || e.Path.Node != at {
				t.Errorf("error is %v, expected one at %s", err, at)
			}
			for id, n := range ns {
				if n.State == flows.NodeFailed != (id == at) || n.State == flows.NodeRunning || n.State == flows.NodeDone {
					t.Errorf("%s is %s", id, n.State)
				}
			}
			if ctx.Err() != nil {
				t.Error("the run went on")
			}
			b.nothingLeft(t)
		})
	}
}

func TestForkCancel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("enough of this")
	b.counts = func(ns []flows.NodeStatus) {
		for _, n := range ns {
			if n.Node == "src" && n.Out[node.Out] > 0 {
				cancel(stop)
			}
		}
	}
	f := line(`src test.numbers {"n": 200000, "block": true}`, `out test.target {"path": "o.csv"}`)
	branch(f, "src", `other test.target {"path": "p.csv"}`)
	ns, err := b.run(t, ctx, f)
	if !errors.Is(err, stop) {
		t.Errorf("error is %v", err)
	}
	for id, n := range ns {
		if n.State != flows.NodeReady {
			t.Errorf("%s is %s", id, n.State)
		}
	}
	b.nothingLeft(t)
}

// TestForkIsOver: threads of a statement that was given up, and come late, are turned away.
func TestForkIsOver(t *testing.T) {
	t.Parallel()
	h := &handing{ctx: t.Context(), tee: tee{ended: make(chan struct{})}, left: map[int64]bool{}, held: map[int64][]waiting{}}
	stop := errors.New("enough")
	if err := h.end(stop); !errors.Is(err, stop) {
		t.Errorf("it ended with %v", err)
	}
	records := array.NewRecordBatch(arrow.NewSchema(nil, nil), nil, 0)
	if err := h.take(0, 3, records); !errors.Is(err, errHandedOver) {
		t.Errorf("records are taken: %v", err)
	}
	if err := h.leave(0); !errors.Is(err, errHandedOver) {
		t.Errorf("a batch is over: %v", err)
	}
}

// TestForkBooks: a reader that has read something else than was handed over fails the run.
func TestForkBooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := line(`src test.numbers {"n": 50}`, `out test.target {"path": "o.csv"}`)
	branch(f, "src", `few limit {"count": 3}`, `other test.target {"path": "p.csv"}`)
	p := compiled(t, b.engine, f)
	r := newRun(b.engine, p, engine.Env{Files: dirFiles{b.dir}, Temp: t.TempDir(), Threads: 2})
	for _, fork := range r.forks {
		fork.taps[0] = fork.taps[1] // which now counts for both
	}
	if e := flows.AsError(r.execute(t.Context())); e == nil || e.Code != "run.imbalance" {
		t.Errorf("the run ended with %v", e)
	}
	b.nothingLeft(t)
}

// TestKeptInsteadOfHandedOver: what is read twice by one statement, as a whole or by statements of people, is kept.
func TestKeptInsteadOfHandedOver(t *testing.T) {
	t.Parallel()
	e := &Engine{}
	diamond := line(`src test.numbers`, `odd filter {"condition": "word = 'odd'"}`, `j join {"keys": [{"left": "id", "right": "id"}]}`, `out test.target {"path": "o.csv"}`)
	diamond.Edges[1].To.Port = node.Left
	diamond.Edges = append(diamond.Edges, flows.Edge{From: flows.Endpoint{Node: "src", Port: node.Out}, To: flows.Endpoint{Node: "j", Port: node.Right}})
	query := line(`src test.numbers`, `sql sql {"query": "SELECT * FROM in1"}`, `out test.target {"path": "o.csv"}`)
	checkpoint := line(`src test.numbers`, `keep checkpoint`, `out test.target {"path": "o.csv"}`)
	many := line(`src test.numbers`, `out test.target {"path": "o.csv"}`)
	for i := range maxReaders {
		branch(many, "src", fmt.Sprintf(`out%d test.target {"path": "o%[1]d.csv"}`, i))
	}
	duration := line(`src test.numbers`, `calc formula {"fields": [{"name": "d", "expression": "cast('P1D' as interval)"}]}`, `out test.target {"path": "o.csv"}`)
	branch(duration, "calc", `other test.target {"path": "p.csv"}`)
	for name, f := range map[string]*flows.Flow{"a diamond": diamond, "a statement": query, "a checkpoint": checkpoint, "too many readers": many, "a duration": duration} {
		p := compiled(t, e, f)
		kept := 0
		for _, s := range p.Stages {
			if s.Kind == plan.StageKeep {
				kept++
			}
		}
		if forks := findForks(p); len(forks) != 0 || kept == 0 {
			t.Errorf("%s: %d forks, %d kept", name, len(forks), kept)
		}
	}
}
