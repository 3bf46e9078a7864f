package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/flows/plan"
	_ "spark/flows/transform/all"
)

// numbers is a source of n records: id from 0, even as text, and what it should do at a record.
type numbers struct {
	N      int    `json:"n"`
	FailAt int    `json:"failAt"` // the source fails at this record
	BadAt  int    `json:"badAt"`  // it refuses this one
	Block  bool   `json:"block"`  // it waits for the end of the run after the last record
	GiveUp string `json:"giveUp"` // it ends before it is complete: enough, cancelled, silently
}

var numbersSchema = flows.Schema{{Name: "id", Type: flows.Of(flows.Int64)}, {Name: "word", Type: flows.Of(flows.Text)}}

func (n *numbers) String() string { return fmt.Sprintf("%d numbers", n.N) }

func (n *numbers) Plan(c *node.Context) {
	c.Emit(node.Out, node.Read{Source: n, Schema: numbersSchema}, numbersSchema)
}

func (n *numbers) Read(ctx context.Context, r *node.Reading) (node.ReadStats, error) {
	var stats node.ReadStats
	var fields []arrow.Field
	for _, name := range r.Fields {
		f, _ := numbersSchema.Find(name)
		fields = append(fields, arrow.Field{Name: name, Type: node.ArrowType(f.Type), Nullable: true})
	}
	if r.Origin {
		fields = append(fields, arrow.Field{Name: node.OriginFile, Type: arrow.BinaryTypes.String, Nullable: true},
			arrow.Field{Name: node.OriginRecord, Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	}
	b := array.NewRecordBuilder(mallocator.NewMallocator(), arrow.NewSchema(fields, nil))
	defer b.Release()
	for i := range n.N {
		if n.FailAt > 0 && i == n.FailAt {
			return stats, &flows.Error{Code: "numbers.fail", Message: "the source broke", Path: flows.Path{Record: int64(i)}}
		}
		if n.BadAt > 0 && i == n.BadAt {
			stats.Rejected++
			if err := r.Reject(node.Reject{Code: "numbers.bad", Reason: "a bad number", Record: int64(i), Raw: fmt.Sprint(i)}); err != nil {
				return stats, err
			}
			continue
		}
		for c, f := range fields {
			switch f.Name {
			case "id":
				b.Field(c).(*array.Int64Builder).Append(int64(i))
			case "word":
				b.Field(c).(*array.StringBuilder).Append([]string{"even", "odd"}[i%2])
			case node.OriginFile:
				b.Field(c).(*array.StringBuilder).Append("numbers.csv")
			case node.OriginRecord:
				b.Field(c).(*array.Int64Builder).Append(int64(i) + 1)
			}
		}
		stats.Records++
		if i%1000 == 999 {
			r.Progress(int64(i)+1, int64(n.N)+1000)
			if err := r.Emit(node.Batch{Records: b.NewRecordBatch()}); err != nil {
				return stats, err
			}
		}
	}
	if err := r.Emit(node.Batch{Records: b.NewRecordBatch()}); err != nil {
		return stats, err
	}
	if n.Block {
		<-ctx.Done()
		return stats, context.Cause(ctx)
	}
	switch n.GiveUp {
	case "enough":
		return stats, node.ErrEnough
	case "cancelled":
		return stats, context.Canceled
	}
	stats.Complete = n.GiveUp == ""
	return stats, nil
}

// target is a sink type of the tests: a file in the test's folder.
type target struct {
	Path   string `json:"path"`
	Format string `json:"format"`
}

func (s *target) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	c.Emit("", node.Write{Target: node.FileSink{Path: s.Path, Format: s.Format}}, in)
}

var testFiles = os.DirFS("testdata")

func init() {
	node.Register(&node.Type{ID: "test.numbers", Version: 1, Title: "Numbers", Outputs: []node.Port{{Name: node.Out}}, Rejects: true,
		New: func() node.Config { return &numbers{N: 10} }, Files: testFiles})
	node.Register(&node.Type{ID: "test.target", Version: 1, Title: "Target", Inputs: []node.Port{{Name: node.In}},
		New: func() node.Config { return &target{Format: "csv"} }, Files: testFiles})
}

// dirFiles is a data folder without checks.
type dirFiles struct{ dir string }

func (d dirFiles) Glob(p string) ([]node.FileInfo, error) { return nil, errors.New("not here") }
func (d dirFiles) Open(p string) (node.File, error)       { return nil, errors.New("not here") }
func (d dirFiles) Local(p string) (string, error)         { return filepath.Join(d.dir, p), nil }
func (d dirFiles) Create(p string) (node.PendingFile, error) {
	return &dirFile{final: filepath.Join(d.dir, p)}, nil
}

type dirFile struct{ final string }

func (f *dirFile) TempPath() string { return f.final + ".temp" }
func (f *dirFile) Prepare() error   { return nil }
func (f *dirFile) Commit() error    { return os.Rename(f.TempPath(), f.final) }
func (f *dirFile) Abort() error     { return os.RemoveAll(f.TempPath()) }

type bench struct {
	dir     string
	rejects []node.Reject
	counts  func([]flows.NodeStatus)
	engine  *Engine
}

func setup(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	return &bench{dir: dir, engine: &Engine{Folders: []string{dir}}}
}

// line makes a flow of nodes in a row: "id type {config}" each, connected in order.
func line(nodes ...string) *flows.Flow {
	f := &flows.Flow{Format: 1, Name: "chain"}
	for i, s := range nodes {
		p := strings.SplitN(s, " ", 3)
		n := flows.Node{ID: p[0], Type: p[1], Version: 1}
		if len(p) > 2 {
			n.Config = json.RawMessage(p[2])
		}
		f.Nodes = append(f.Nodes, n)
		if i > 0 {
			f.Edges = append(f.Edges, flows.Edge{From: flows.Endpoint{Node: f.Nodes[i-1].ID, Port: node.Out}, To: flows.Endpoint{Node: n.ID, Port: node.In}})
		}
	}
	return f
}

func (b *bench) run(t *testing.T, ctx context.Context, f *flows.Flow) (map[string]flows.NodeStatus, error) {
	t.Helper()
	p, ps := plan.Compile(f, plan.Options{Engines: []plan.Engine{b.engine}})
	if ps.Failed() {
		t.Fatal(ps)
	}
	temp := filepath.Join(b.dir, "temp")
	if err := os.MkdirAll(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	ns, err := b.engine.Run(ctx, p, engine.Env{Files: dirFiles{b.dir}, Temp: temp, Threads: 2, Counts: b.counts,
		Reject: func(r node.Reject) error { b.rejects = append(b.rejects, r); return nil }})
	m := map[string]flows.NodeStatus{}
	for _, n := range ns {
		m[n.Node] = n
	}
	return m, err
}

func (b *bench) file(t *testing.T, name string) string {
	t.Helper()
	c, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(c)
}

func TestRunChain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ns, err := b.run(t, t.Context(), line(`src test.numbers {"n": 10000}`, `odd filter {"condition": "word = 'odd'"}`,
		`ten formula {"fields": [{"name": "ten", "expression": "id * 10"}]}`, `few limit {"count": 3, "offset": 1}`, `out test.target {"path": "o.csv"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := b.file(t, "o.csv"), "id,word,ten\n3,odd,30\n5,odd,50\n7,odd,70\n"; got != want {
		t.Errorf("wrote %q, expected %q", got, want)
	}
	if n := ns["few"]; n.Out[node.Out] != 3 || n.State != flows.NodeDone || len(n.StoppedEarly) != 0 {
		t.Errorf("limit: %+v", n)
	}
	if n := ns["src"]; len(n.StoppedEarly) != 1 {
		t.Errorf("the source above a limit is not marked: %+v", n)
	}
}

func TestRunStopsAtSourceError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.run(t, t.Context(), line(`src test.numbers {"n": 10000, "failAt": 5000}`, `out test.target {"path": "o.csv"}`))
	if e := flows.AsError(err); e == nil || e.Code != "numbers.fail" || e.Path.Node != "src" || e.Path.Record != 5000 {
		t.Errorf("error is %v", err)
	}
	b.nothingLeft(t)
}

func TestRunFailsAtRefusedRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ns, err := b.run(t, t.Context(), line(`src test.numbers {"n": 10000}`, `calc formula {"fields": [{"name": "x", "expression": "1 / (id - 77)"}]}`,
		`out test.target {"path": "o.csv"}`))
	e := flows.AsError(err)
	if e == nil || e.Path.Node != "calc" || e.Path.Record != 78 || e.Path.File != "numbers.csv" || e.Path.Column != "x" {
		t.Fatalf("error is %v", err)
	}
	if ns["calc"].State != flows.NodeFailed {
		t.Errorf("calc is %s", ns["calc"].State)
	}
	b.nothingLeft(t)
}

func TestRunStoresRejects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := line(`src test.numbers {"n": 5000, "badAt": 4}`, `calc formula {"fields": [{"name": "x", "expression": "1000 % (id % 10)"}]}`, `out test.target {"path": "o.csv"}`)
	f.Settings.Rejects = flows.RejectStore
	ns, err := b.run(t, t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.rejects) != 501 || ns["src"].Rejected != 1 || ns["calc"].Rejected != 500 || ns["calc"].Out[node.Out] != 4499 || ns["out"].Written != 4499 {
		t.Errorf("%d rejects, %+v", len(b.rejects), ns)
	}
	i := 0
	for i < len(b.rejects) && b.rejects[i].Record != 4991 {
		i++
	}
	if i == len(b.rejects) || b.rejects[i].Raw != `{"id":"4990","word":"even"}` || b.rejects[i].Field != "x" {
		t.Errorf("record 4991 is not among the rejects as expected: %+v", b.rejects[:min(3, len(b.rejects))])
	}
}

func TestRunCapsRejects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := line(`src test.numbers {"n": 50000}`, `calc formula {"fields": [{"name": "x", "expression": "1000 % (id % 10)"}]}`, `out test.target {"path": "o.csv"}`)
	f.Settings.Rejects = flows.RejectStore
	_, err := b.run(t, t.Context(), f)
	if e := flows.AsError(err); e == nil || e.Code != "rejects.too_many" || e.Path.Node != "calc" {
		t.Fatalf("error is %v", err)
	}
	if len(b.rejects) != 1000 {
		t.Errorf("%d rejects were stored before the cap", len(b.rejects))
	}
	b.nothingLeft(t)
}

// TestRejectCap: a run stores 1,000 rejects, or one in a hundred of the records read where that is more; or what the flow says.
func TestRejectCap(t *testing.T) {
	t.Parallel()
	few, none := int64(7), int64(0)
	for _, c := range []struct {
		records, every int
		most           *int64
		stored         int // before the run fails
		limit          int64
	}{
		{records: 300_000, every: 150},
		{records: 300_000, every: 60, limit: -1}, // how much was read when there were 1,000 is chance
		{records: 5000, every: 100, most: &few, stored: 7, limit: 7},
		{records: 5000, every: 100, most: &none, limit: 0},
		{records: 300, every: 100, most: &few},
	} {
		b := setup(t)
		f := line(fmt.Sprintf(`src test.numbers {"n": %d}`, c.records), fmt.Sprintf(`calc formula {"fields": [{"name": "x", "expression": "1000 %% (id %% %d)"}]}`, c.every), `out test.target {"path": "o.csv"}`)
		f.Settings.Rejects, f.Settings.MaxRejects = flows.RejectStore, c.most
		_, err := b.run(t, t.Context(), f)
		e := flows.AsError(err)
		switch {
		case e == nil && len(b.rejects) == c.records/c.every && c.stored == 0 && c.limit == 0 && c.most != &none:
		case e != nil && e.Code == "rejects.too_many" && strings.Contains(e.Suggestion, "maxRejects") && (c.limit < 0 && len(b.rejects) >= 1000 || len(b.rejects) == c.stored && e.Params["limit"] == c.limit):
			b.nothingLeft(t)
		default:
			t.Errorf("%d records, one of %d refused: %d stored, %v", c.records, c.every, len(b.rejects), err)
		}
	}
}

func TestRunRejectsPort(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := line(`src test.numbers {"n": 100, "badAt": 4}`, `calc formula {"fields": [{"name": "x", "expression": "div(1000, id % 10)"}]}`, `out test.target {"path": "o.csv"}`)
	for _, from := range []string{"src", "calc"} {
		f.Nodes = append(f.Nodes, flows.Node{ID: "bad_" + from, Type: "test.target", Version: 1, Config: json.RawMessage(`{"path": "bad_` + from + `.csv"}`)})
		f.Edges = append(f.Edges, flows.Edge{From: flows.Endpoint{Node: from, Port: node.Rejects}, To: flows.Endpoint{Node: "bad_" + from, Port: node.In}})
	}
	ns, err := b.run(t, t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if ns["bad_src"].Written != 1 || ns["bad_calc"].Written != 10 || ns["out"].Written != 89 || ns["bad_calc"].In[node.In] != 10 {
		t.Errorf("%+v", ns)
	}
	if got := b.file(t, "bad_src.csv"); !strings.Contains(got, "src,numbers.bad,a bad number,") {
		t.Errorf("rejects file: %q", got)
	}
}

func TestRunCancel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	var ns map[string]flows.NodeStatus
	go func() {
		var err error
		ns, err = b.run(t, ctx, line(`src test.numbers {"n": 10000, "block": true}`, `out test.target {"path": "o.csv"}`))
		done <- err
	}()
	stop := errors.New("enough of this")
	cancel(stop)
	if err := <-done; !errors.Is(err, stop) {
		t.Errorf("error is %v", err)
	}
	for id, n := range ns { // nothing was wrong with them
		if n.State != flows.NodeReady {
			t.Errorf("%s is %s", id, n.State)
		}
	}
	b.nothingLeft(t)
}

// TestRunTellsProgress: what a source says of its progress is a share while it runs, and nothing afterwards.
func TestRunTellsProgress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("seen")
	var last float64
	b.counts = func(ns []flows.NodeStatus) {
		for _, n := range ns {
			if n.Node == "src" && n.Progress > 0 {
				last = n.Progress
			}
			if n.Node == "out" && n.Progress != 0 {
				t.Errorf("a target has the progress %v", n.Progress)
			}
		}
		if last == 0.75 {
			cancel(stop)
		}
	}
	ns, err := b.run(t, ctx, line(`src test.numbers {"n": 3000, "block": true}`, `out test.target {"path": "o.csv"}`))
	if !errors.Is(err, stop) || last != 0.75 || ns["src"].Progress != 0 {
		t.Errorf("error %v, progress %v, then %v", err, last, ns["src"].Progress)
	}
}

// nothingLeft fails when anything but the temp folder, empty, is in the data folder.
func (b *bench) nothingLeft(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "temp" {
			t.Errorf("%s is left", e.Name())
		}
	}
}

// TestRunLimitOfASmallSource: the source has delivered everything into the queue when the limit stops it.
func TestRunLimitOfASmallSource(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ns, err := b.run(t, t.Context(), line(`src test.numbers {"n": 3500}`, `few limit {"count": 3}`, `out test.target {"path": "o.csv"}`))
	if err != nil {
		t.Fatal(err)
	}
	if n := ns["src"]; len(n.StoppedEarly) != 1 || n.State != flows.NodeDone {
		t.Errorf("source: %+v", n)
	}
}

// TestRunSourceThatEndsEarly: a source that gives up without being told to has lost records.
func TestRunSourceThatEndsEarly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, config := range []string{`{"n": 100, "giveUp": "enough"}`, `{"n": 100, "giveUp": "cancelled"}`, `{"n": 100, "giveUp": "silently"}`} {
		ns, err := b.run(t, t.Context(), line(`src test.numbers `+config, `out test.target {"path": "o.csv"}`))
		if e := flows.AsError(err); e == nil || e.Code != "source.incomplete" || e.Path.Node != "src" {
			t.Errorf("%s: %v, %+v", config, err, ns)
		}
		if ns["src"].State == flows.NodeRunning || ns["out"].State == flows.NodeRunning {
			t.Errorf("%s: something is still running: %+v", config, ns)
		}
		b.nothingLeft(t)
	}
}

// TestRunRejectsInACircle: two branches that each read the other's rejects.
func TestRunRejectsInACircle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := line(`a test.numbers {"n": 100}`, `fa filter {"condition": "1 / (id - 50) >= 0"}`)
	f2 := line(`b test.numbers {"n": 100}`, `fb filter {"condition": "1 / (id - 60) >= 0"}`)
	f.Nodes, f.Edges = append(f.Nodes, f2.Nodes...), append(f.Edges, f2.Edges...)
	for _, s := range [][3]string{{"ja", "fa", "fb"}, {"jb", "fb", "fa"}} {
		f.Nodes = append(f.Nodes, flows.Node{ID: s[0], Type: "join", Version: 1, Config: json.RawMessage(`{"kind": "full", "keys": [{"left": "word", "right": "raw"}]}`)},
			flows.Node{ID: "o" + s[0], Type: "test.target", Version: 1, Config: json.RawMessage(`{"path": "` + s[0] + `.csv"}`)})
		f.Edges = append(f.Edges, flows.Edge{From: flows.Endpoint{Node: s[1], Port: node.Out}, To: flows.Endpoint{Node: s[0], Port: node.Left}},
			flows.Edge{From: flows.Endpoint{Node: s[2], Port: node.Rejects}, To: flows.Endpoint{Node: s[0], Port: node.Right}},
			flows.Edge{From: flows.Endpoint{Node: s[0], Port: node.Out}, To: flows.Endpoint{Node: "o" + s[0], Port: node.In}})
	}
	ns, err := b.run(t, t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	// 1 / x is negative below, division by zero at, and positive above.
	if ns["fa"].Rejected != 1 || ns["fb"].Rejected != 1 || ns["oja"].Written != ns["fa"].Out[node.Out]+1 || ns["ojb"].Written != ns["fb"].Out[node.Out]+1 {
		t.Errorf("%+v", ns)
	}
}

// TestRunFilterRefusesForBothPorts: a limit below one port hides no refused record of the other.
func TestRunFilterRefusesForBothPorts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := line(`src test.numbers {"n": 500000}`, `f filter {"condition": "1 / (id - 499999) < 0"}`, `few limit {"count": 3}`, `out test.target {"path": "o.csv"}`)
	f.Nodes = append(f.Nodes, flows.Node{ID: "rest", Type: "test.target", Version: 1, Config: json.RawMessage(`{"path": "rest.csv"}`)})
	f.Edges = append(f.Edges, flows.Edge{From: flows.Endpoint{Node: "f", Port: "unmatched"}, To: flows.Endpoint{Node: "rest", Port: node.In}})
	_, err := b.run(t, t.Context(), f)
	if e := flows.AsError(err); e == nil || e.Path.Node != "f" || e.Path.Record != 500000 {
		t.Errorf("error is %v", err)
	}
}

// TestRunFailureWakesWaitingSources: a run that has failed does not wait for a source that has nothing to say.
func TestRunFailureWakesWaitingSources(t *testing.T) {
	t.Parallel()
	waits, fails := `{"n": 5000, "block": true}`, `{"n": 5000, "failAt": 4000}`
	both := line(`a test.numbers `+waits, `j join {"keys": [{"left": "id", "right": "id"}]}`, `out test.target {"path": "o.csv"}`)
	both.Nodes = append(both.Nodes, flows.Node{ID: "b", Type: "test.numbers", Version: 1, Config: json.RawMessage(fails)})
	both.Edges[0].To.Port = node.Right // built first
	both.Edges = append(both.Edges, flows.Edge{From: flows.Endpoint{Node: "b", Port: node.Out}, To: flows.Endpoint{Node: "j", Port: node.Left}})
	for at, f := range map[string]*flows.Flow{
		"calc": line(`src test.numbers `+waits, `calc formula {"fields": [{"name": "x", "expression": "1 / (id - 4999)"}]}`, `out test.target {"path": "o.csv"}`),
		"b":    both,
	} {
		b := setup(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := b.run(t, ctx, f)
		if e := flows.AsError(err); e == nil || e.Path.Node != at {
			t.Errorf("error is %v, expected one at %s", err, at)
		}
		if ctx.Err() != nil {
			t.Errorf("the failure at %s waited for a source", at)
		}
		cancel()
	}
}
