package duckdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

// calling is a node type of the tests: it squares numbers, and does what a test wants.
type calling struct {
	Field    string `json:"field"`
	As       string `json:"as"`
	Parallel int    `json:"parallel"`
	RefuseAt int64  `json:"refuseAt"`
	FailAt   int64  `json:"failAt"`
	BlockAt  int64  `json:"blockAt"` // waits for the end of the run
	Large    int    `json:"large"`   // bytes of each result
}

func (c *calling) Plan(ctx *node.Context) {
	in, _ := ctx.Input(node.In)
	e := ctx.Expr("field", "cast("+expr.FieldName(c.Field)+" as text)", in)
	results := flows.Schema{{Name: c.As, Type: flows.Of(flows.Text)}}
	ctx.Emit(node.Out, node.Call{Caller: c, Args: []node.Column{{Name: "n", Expr: e}}, Results: results, Parallel: c.Parallel}, append(slices.Clone(in), results...))
}

func (c *calling) String() string { return "squares" }

// begun counts the calls of a test by the name of the result.
var begun [8]atomic.Int64

func (c *calling) Open(context.Context, *node.Calling) (node.Calls, error) { return c, nil }
func (c *calling) Close() error                                            { return nil }

func (c *calling) Prepare(args node.Args) any {
	text, _ := args(0)
	var n int64
	_, _ = fmt.Sscan(text, &n)
	return n
}

func (c *calling) Call(ctx context.Context, prepared any) ([]any, *node.Reject, error) {
	n := prepared.(int64)
	if i := int(c.As[0] - '0'); i >= 0 && i < len(begun) {
		begun[i].Add(1)
	}
	switch {
	case c.FailAt > 0 && n == c.FailAt:
		return nil, nil, &flows.Error{Code: "calling.fail", Message: "the call broke"}
	case c.RefuseAt > 0 && n == c.RefuseAt:
		return nil, &node.Reject{Code: "calling.refused", Reason: "a bad number", Field: c.Field}, nil
	case c.BlockAt > 0 && n == c.BlockAt:
		<-ctx.Done()
		return nil, nil, context.Cause(ctx)
	}
	if n%16 == 5 {
		time.Sleep(10 * time.Microsecond)
	}
	return []any{fmt.Sprint(n*n) + strings.Repeat("x", c.Large)}, nil, nil
}

func init() {
	node.Register(&node.Type{ID: "test.calling", Version: 1, Title: "Calling", Inputs: []node.Port{{Name: node.In}}, Outputs: []node.Port{{Name: node.Out}}, Rejects: true,
		New: func() node.Config { return &calling{Field: "id", As: "sq", Parallel: 8} }, Files: testFiles})
}

// TestCallKeepsOrderAndBooks: the records come back in their order, through two calls, beside a fork and a join.
func TestCallKeepsOrderAndBooks(t *testing.T) {
	t.Parallel()
	const n = 30_000
	b := setup(t)
	f := line(fmt.Sprintf(`src test.numbers {"n": %d}`, n), `first test.calling {"as": "a", "refuseAt": 77}`, `odd filter {"condition": "word = 'odd'"}`,
		`second test.calling {"as": "b"}`, `out test.target {"path": "o.csv"}`)
	branch(f, "first", `third test.calling {"as": "c"}`, `other test.target {"path": "p.csv"}`)
	f.Settings.Rejects = flows.RejectStore
	ns, err := b.run(t, t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	var o, p strings.Builder
	o.WriteString("id,word,a,b\n")
	p.WriteString("id,word,a,c\n")
	for i := range n {
		if i == 77 {
			continue
		}
		if i%2 == 1 {
			fmt.Fprintf(&o, "%d,odd,%d,%d\n", i, i*i, i*i)
		}
		fmt.Fprintf(&p, "%d,%s,%d,%d\n", i, []string{"even", "odd"}[i%2], i*i, i*i)
	}
	if got := b.file(t, "o.csv"); got != o.String() {
		t.Errorf("o.csv has %d bytes, expected %d: %.200q", len(got), o.Len(), got)
	}
	if got := b.file(t, "p.csv"); got != p.String() {
		t.Errorf("p.csv has %d bytes, expected %d: %.200q", len(got), p.Len(), got)
	}
	for id, want := range map[string][3]int64{"first": {n, n - 1, 1}, "second": {n/2 - 1, n/2 - 1, 0}, "third": {n - 1, n - 1, 0}} {
		if s := ns[id]; s.State != flows.NodeDone || s.In[node.In] != want[0] || s.Out[node.Out] != want[1] || s.Rejected != want[2] {
			t.Errorf("%s: %+v, expected %v", id, s, want)
		}
	}
	if len(b.rejects) != 1 || b.rejects[0].Node != "first" || b.rejects[0].File != "numbers.csv" || b.rejects[0].Record != 78 || b.rejects[0].Raw != `{"id":"77","word":"odd"}` {
		t.Errorf("rejects are %+v", b.rejects)
	}
}

// TestCallIsMadeForEveryRecord: also where what reads it has enough.
func TestCallIsMadeForEveryRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ns, err := b.run(t, t.Context(), line(`src test.numbers {"n": 9000}`, `call test.calling {"as": "0"}`, `few limit {"count": 3}`, `out test.target {"path": "o.csv"}`))
	if err != nil {
		t.Fatal(err)
	}
	if n := begun[0].Load(); n != 9000 || ns["call"].Out[node.Out] != 9000 || len(ns["call"].StoppedEarly) != 0 || b.file(t, "o.csv") != "id,word,0\n0,even,0\n1,odd,1\n2,even,4\n" {
		t.Errorf("%d calls were made: %+v", n, ns["call"])
	}
}

// TestCallEndsWithItsRun: an error of the call, of what lies above and below it, and a cancel end everything, and the
// error names the node.
func TestCallEndsWithItsRun(t *testing.T) {
	t.Parallel()
	for at, c := range map[string]struct{ source, above, call, below string }{
		"src":    {`{"n": 200000, "failAt": 150000}`, "id", `{}`, "id"},
		"above":  {`{"n": 200000, "block": true}`, "div(1, id - 100000)", `{}`, "id"},
		"call":   {`{"n": 200000, "block": true}`, "id", `{"failAt": 100000}`, "id"},
		"refuse": {`{"n": 200000, "block": true}`, "id", `{"refuseAt": 100000}`, "id"},
		"below":  {`{"n": 200000, "block": true}`, "id", `{}`, "div(1, id - 100000)"},
		"":       {`{"n": 200000, "block": true}`, "id", `{"blockAt": 3000}`, "id"},
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			f := line("src test.numbers "+c.source, fmt.Sprintf(`above formula {"fields": [{"name": "x", "expression": %q}]}`, c.above), "call test.calling "+c.call,
				fmt.Sprintf(`below formula {"fields": [{"name": "y", "expression": %q}]}`, c.below), `again test.calling {"as": "z"}`, `out test.target {"path": "o.csv"}`)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			stop := errors.New("a person has had enough")
			if at == "" {
				var why context.CancelCauseFunc
				ctx, why = context.WithCancelCause(ctx)
				b.counts = func(ns []flows.NodeStatus) {
					if ns[0].Out[node.Out] > 0 {
						why(stop)
					}
				}
			}
			ns, err := b.run(t, ctx, f)
			if at == "" {
				if !errors.Is(err, stop) || ns["call"].State != flows.NodeReady {
					t.Errorf("error is %v, the call is %+v", err, ns["call"])
				}
				return
			}
			want := at
			if at == "refuse" {
				want = "call"
			}
			if e := flows.AsError(err); e == nil || e.Path.Node != want || ns[want].State != flows.NodeFailed {
				t.Errorf("error is %v, expected one at %s: %+v", err, want, ns[want])
			}
		})
	}
}

// TestCallHoldsFewResults: what waits for the record before it is bounded by bytes.
func TestCallHoldsFewResults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := line(`src test.numbers {"n": 2000}`, `call test.calling {"as": "1", "large": 200000, "blockAt": 1}`, `out test.target {"path": "o.csv"}`)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	last, same := int64(0), 0
	b.counts = func([]flows.NodeStatus) { // until no other call is begun
		n := begun[1].Load()
		if same++; n != last || n == 0 {
			last, same = n, 0
		}
		if same == 4 {
			cancel(errors.New("seen"))
		}
	}
	if _, err := b.run(t, ctx, f); err == nil || last > callBytes/200_000+20 || last < 100 {
		t.Errorf("%d calls were begun behind one that hangs, %v", last, err)
	}
}

// TestRecordsTravel: values of the types that Arrow lacks come back from a call as they were.
func TestRecordsTravel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, e := range []string{"interval '14 months 3 days 25 hours 7 seconds'", "interval '-1 month 2 days'", `list(parse_json('{"a": 1234567890123456789012345.10}'), null)`, "list(interval '1 month -3 hours', null)",
		"9999999999999999999999999999", "list(uuid '6fa459ea-ee8a-4ca4-894e-db77e160355e')", "timestamptz '1969-12-31 23:59:59.999999Z'", "cast(null as interval)", "list(list(interval '1 day'))"} {
		f := line(`src test.numbers {"n": 2}`, fmt.Sprintf(`v formula {"fields": [{"name": "v", "expression": %q}]}`, e), `call test.calling {"as": "b"}`, fmt.Sprintf(`out test.target {"path": "called%d.csv"}`, i))
		if _, err := b.run(t, t.Context(), f); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		f = line(`src test.numbers {"n": 2}`, fmt.Sprintf(`v formula {"fields": [{"name": "v", "expression": %q}]}`, e), `b formula {"fields": [{"name": "b", "expression": "id * id"}]}`, fmt.Sprintf(`out test.target {"path": "plain%d.csv"}`, i))
		if _, err := b.run(t, t.Context(), f); err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		if got, want := b.file(t, fmt.Sprintf("called%d.csv", i)), b.file(t, fmt.Sprintf("plain%d.csv", i)); got != want {
			t.Errorf("%s came back as %s, expected %s", e, got, want)
		}
	}
}
