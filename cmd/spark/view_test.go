package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/run"
)

// viewFlow has names of every width.
func viewFlow(t *testing.T) *flows.Flow {
	t.Helper()
	f, err := flows.ParseFlow([]byte(`{"format":1,"name":"x","edges":[],"nodes":[
		{"id":"a","type":"x","version":1,"name":"Orders"},
		{"id":"b","type":"x","version":1,"name":"A name that is longer than the whole terminal is wide, and then some more of it to be sure"},
		{"id":"c","type":"x","version":1,"name":"注文の合計"},
		{"id":"d","type":"x","version":1,"name":"Cafe\u0301 👩‍👩‍👧 🇩🇪"},
		{"id":"e","type":"x","version":1,"name":"Umbruch\nund\ttab \u001b[31mrot"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var viewStart = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// viewScenes are the counts of three moments.
func viewScenes() [][]flows.NodeStatus {
	out := func(n int64) map[string]int64 { return map[string]int64{"out": n, "rejects": 9_999_999} }
	return [][]flows.NodeStatus{
		{{Node: "a", State: flows.NodeReady}, {Node: "b", State: flows.NodeReady}, {Node: "c", State: flows.NodeReady}, {Node: "d", State: flows.NodeReady}, {Node: "e", State: flows.NodeReady}},
		{{Node: "a", State: flows.NodeRunning, Out: out(1_234_567_890), Rejected: 1000}, {Node: "b", State: flows.NodeRunning, Out: out(12)},
			{Node: "c", State: flows.NodeRunning, Out: out(0)}, {Node: "d", State: flows.NodeRunning, Written: 999}, {Node: "e", State: flows.NodeSkipped, Reason: "its input d is skipped: disabled"}},
		{{Node: "a", State: flows.NodeDone, Out: out(2_234_567_890), Rejected: 1000, StoppedEarly: []string{"out"}}, {Node: "b", State: flows.NodeDone, Out: out(1)},
			{Node: "c", State: flows.NodeFailed, Out: out(5), Reason: "the sum is too large"}, {Node: "d", State: flows.NodeDone, Written: 1000}, {Node: "e", State: flows.NodeSkipped, Reason: "its input d is skipped: disabled"}},
	}
}

func TestTableView(t *testing.T) {
	t.Parallel()
	g := openGolden(t, "view")
	for name, v := range map[string]*tableView{
		"live, 80 wide":  {width: 80, live: true},
		"live, 120 wide": {width: 120, live: true},
		"live, 40 wide":  {width: 40, live: true},
		"live, 6 high":   {width: 80, height: 6, live: true},
		"lines":          {width: 120},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			v.w, v.flow, v.rates = &b, viewFlow(t), map[string]*rate{}
			for i, nodes := range viewScenes() {
				v.show(flows.Event{Kind: flows.EventCounts, At: viewStart.Add(time.Duration(i) * time.Second), Nodes: nodes})
			}
			v.show(flows.Event{Kind: flows.EventState, State: flows.RunSucceeded})
			v.show(flows.Event{Kind: flows.EventCounts}) // of a run that came to nothing
			v.end(run.Result{State: flows.RunSucceeded, Nodes: viewScenes()[2], Rejected: 1000, Started: viewStart, Ended: viewStart.Add(192 * time.Second)}, "/data/x.rejects.jsonl")
			g.check(t, name, strings.ReplaceAll(b.String(), "\x1b", "ESC"))
		})
	}
}

func TestViewEnds(t *testing.T) {
	t.Parallel()
	g := openGolden(t, "view_end")
	after := func(d time.Duration, r run.Result) run.Result {
		r.Started, r.Ended = viewStart, viewStart.Add(d)
		return r
	}
	for name, c := range map[string]struct {
		res     run.Result
		rejects string
	}{
		"clean":                {res: after(840*time.Millisecond, run.Result{State: flows.RunSucceeded})},
		"one reject":           {res: after(42*time.Second, run.Result{State: flows.RunSucceeded, Rejected: 1}), rejects: "/data/r.jsonl"},
		"skipped rejects":      {res: after(time.Hour, run.Result{State: flows.RunSucceeded, Rejected: 12345})},
		"cancelled":            {res: after(9960*time.Millisecond, run.Result{State: flows.RunCancelled, Err: errors.New("cancelled")})},
		"failed":               {res: after(0, run.Result{State: flows.RunFailed, Err: &flows.Error{Message: "no"}})},
		"failed, with rejects": {res: after(59_900*time.Millisecond, run.Result{State: flows.RunFailed, Err: &flows.Error{Message: "no"}}), rejects: "/data/r.failed.jsonl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b, e bytes.Buffer
			v := &tableView{w: &b, errors: &e, flow: viewFlow(t), width: 80, rates: map[string]*rate{}}
			v.end(c.res, c.rejects)
			g.check(t, name, b.String()+e.String())
		})
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -123: "-123", 1 << 62: "4,611,686,018,427,387,904"} {
		if got := group(n); got != want {
			t.Errorf("group(%d) = %s, wanted %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 950: "950", 999: "999", 1000: "1.0 k", 1234: "1.2 k", 9949: "9.9 k", 9950: "10 k", 99_999: "100 k", 999_499: "999 k", 999_500: "1.0 M", 5_600_000: "5.6 M", 123_000_000_000: "123 G", 1_230_000_000_000: "1230 G"} {
		if got := short(n); got != want {
			t.Errorf("short(%d) = %s, wanted %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0.0 s", 840 * time.Millisecond: "0.8 s", 9960 * time.Millisecond: "10 s", 42 * time.Second: "42 s", 59_900 * time.Millisecond: "1 m 0 s", 192 * time.Second: "3 m 12 s", 65 * time.Minute: "1 h 5 m"} {
		if got := duration(d); got != want {
			t.Errorf("duration(%s) = %s, wanted %s", d, got, want)
		}
	}
}

// TestRecordsThatAreNotCounted: no number is better than one that means something else.
func TestRecordsThatAreNotCounted(t *testing.T) {
	t.Parallel()
	v := &tableView{flow: &flows.Flow{Nodes: []flows.Node{{ID: "f", Type: "filter"}, {ID: "o", Type: "file.output"}}}}
	in := map[string]int64{"in": 7}
	for name, c := range map[string]struct {
		status flows.NodeStatus
		count  int64
		known  bool
	}{
		"an output":                    {flows.NodeStatus{Node: "f", In: in, Out: map[string]int64{"out": 3, "unmatched": 4, "rejects": 0}}, 3, true},
		"an output that is empty":      {flows.NodeStatus{Node: "f", In: in, Out: map[string]int64{"out": 0, "rejects": 7}}, 0, true},
		"only another port is counted": {flows.NodeStatus{Node: "f", In: in, Out: map[string]int64{"unmatched": 4, "rejects": 0}}, 7, false},
		"nothing is counted":           {flows.NodeStatus{Node: "f", In: in}, 7, false},
		"a target that is being fed":   {flows.NodeStatus{Node: "o", In: in}, 7, true},
		"a target that has confirmed":  {flows.NodeStatus{Node: "o", In: in, Written: 7}, 7, true},
	} {
		if count, known := v.records(c.status); count != c.count || known != c.known {
			t.Errorf("%s: %d, %t", name, count, known)
		}
	}
}

// TestBottleneckInTheEnd: of a run that took its time it is said what the others waited for.
func TestBottleneckInTheEnd(t *testing.T) {
	t.Parallel()
	nodes := []flows.NodeStatus{{Node: "a", State: flows.NodeDone, Activity: &flows.Activity{BusyMS: 1000, BlockedMS: 4000}},
		{Node: "c", State: flows.NodeDone, Activity: &flows.Activity{Bottleneck: true, BusyMS: 4100, ComputedMS: 2500}}}
	for took, want := range map[time.Duration]bool{5 * time.Second: true, time.Second: false} {
		var b bytes.Buffer
		v := &tableView{w: &b, errors: &b, flow: viewFlow(t), width: 80, rates: map[string]*rate{}}
		v.end(run.Result{State: flows.RunSucceeded, Nodes: nodes, Started: viewStart, Ended: viewStart.Add(took)}, "")
		if got := strings.Contains(b.String(), "bottleneck: 注文の合計, busy for 4.1 s\n"); got != want || strings.Count(b.String(), "bottleneck") > 1 {
			t.Errorf("after %s:\n%s", took, b.String())
		}
		if got := strings.Contains(b.String(), "computed, all threads together: 注文の合計 2.5 s\n"); got != want {
			t.Errorf("after %s:\n%s", took, b.String())
		}
	}
}
