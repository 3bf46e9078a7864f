package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/run"
)

// view shows a run: as a live table on a terminal, as lines elsewhere, or as JSON events.
type view interface {
	show(flows.Event)
	end(res run.Result, rejectsAt string)
}

func newView(asJSON bool, flow *flows.Flow) view {
	switch {
	case asJSON:
		enc := json.NewEncoder(os.Stdout)
		enc.SetEscapeHTML(false)
		return jsonView{enc}
	case term.IsTerminal(int(os.Stdout.Fd())):
		width, height, err := term.GetSize(int(os.Stdout.Fd()))
		if err != nil || width < 40 {
			width = 80
		}
		return &tableView{w: os.Stdout, errors: os.Stderr, flow: flow, width: width, height: height, live: true, rates: map[string]*rate{}}
	}
	return &tableView{w: os.Stdout, errors: os.Stderr, flow: flow, width: 120, rates: map[string]*rate{}}
}

type jsonView struct{ enc *json.Encoder }

func (v jsonView) show(e flows.Event) { _ = v.enc.Encode(e) } // a reader that is gone ends the output, not the run

func (v jsonView) end(run.Result, string) {} // the last event has told it

// tableView prints one line per node. On a terminal it is drawn again in place; elsewhere a line is printed whenever
// a node's state changes, and the table at the end.
type tableView struct {
	w      io.Writer
	errors io.Writer // what went wrong
	flow   *flows.Flow
	width  int
	height int // of the screen, 0 when it is not known
	live   bool
	lines  int // of the table on the screen
	last   []flows.NodeStatus
	rates  map[string]*rate
}

// rate is the moving average over the last three seconds.
type rate struct {
	at    []time.Time
	count []int64
}

const rateWindow = 3 * time.Second

func (r *rate) add(at time.Time, n int64) float64 {
	r.at, r.count = append(r.at, at), append(r.count, n)
	for len(r.at) > 2 && at.Sub(r.at[0]) > rateWindow {
		r.at, r.count = r.at[1:], r.count[1:]
	}
	if d := at.Sub(r.at[0]).Seconds(); d > 0 {
		return float64(n-r.count[0]) / d
	}
	return 0
}

func (v *tableView) show(e flows.Event) {
	if e.Kind == flows.EventLog && e.Error != nil && e.Error.Severity == flows.SeverityWarning {
		fmt.Fprintf(v.w, "warning: %s\n", e.Error.Error())
		v.lines = 0 // the table goes on below
	}
	if e.Kind != flows.EventCounts || e.Nodes == nil {
		return
	}
	if v.live {
		v.draw(e.At, e.Nodes)
	} else {
		v.changes(e.Nodes)
	}
	v.last = e.Nodes
}

func (v *tableView) changes(nodes []flows.NodeStatus) {
	for _, n := range nodes {
		i := slices.IndexFunc(v.last, func(o flows.NodeStatus) bool { return o.Node == n.Node })
		if i >= 0 && v.last[i].State == n.State || n.State == flows.NodeReady {
			continue
		}
		fmt.Fprintf(v.w, "%s: %s", v.title(n.Node), n.State)
		if count, known := v.records(n); known && n.State == flows.NodeDone {
			fmt.Fprintf(v.w, ", %s", counted(count, "record"))
		}
		if n.Reason != "" {
			fmt.Fprintf(v.w, ": %s", printable(n.Reason))
		}
		fmt.Fprintln(v.w)
	}
}

// records is what a node's line shows: what left its output, or, where it is a target, what that confirmed; until then,
// and where its outputs are those of the settings, what reached it. It is not known where nothing is counted between the ends, or only another port is connected.
func (v *tableView) records(n flows.NodeStatus) (count int64, known bool) {
	if out, ok := n.Out[node.Out]; ok || n.Written > 0 {
		return max(out, n.Written), true
	}
	planned, _ := v.flow.Node(n.Node)
	t, ok := node.Lookup(planned.Type)
	return n.In[node.In], !ok || len(t.Outputs) == 0 || t.PortsFrom != ""
}

func (v *tableView) title(id string) string {
	n, _ := v.flow.Node(id)
	return printable(n.Title())
}

func (v *tableView) draw(at time.Time, nodes []flows.NodeStatus) {
	if v.lines > 0 {
		fmt.Fprintf(v.w, "\x1b[%dA\x1b[J", v.lines)
	}
	rows, more := v.visible(nodes)
	v.lines = v.table(at, rows)
	if more > 0 {
		fmt.Fprintf(v.w, "… %s not shown\n", counted(int64(more), "node"))
		v.lines++
	}
}

// visible chooses the rows of a table that fits the screen, because nothing above its top can be drawn again: those
// where something happens come first. It returns how many are left out.
func (v *tableView) visible(nodes []flows.NodeStatus) ([]flows.NodeStatus, int) {
	room := v.height - 3 // the heading, what is left out, the line below
	if v.height == 0 || len(nodes) <= room+1 {
		return nodes, 0
	}
	take := make([]bool, len(nodes))
	for _, pass := range [][]flows.NodeState{{flows.NodeRunning, flows.NodeFailed}, {flows.NodeReady}, {flows.NodeDone, flows.NodeSkipped}} {
		for i, n := range nodes {
			if room > 0 && slices.Contains(pass, n.State) {
				take[i] = true
				room--
			}
		}
	}
	var rows []flows.NodeStatus
	for i, n := range nodes {
		if take[i] {
			rows = append(rows, n)
		}
	}
	return rows, len(nodes) - len(rows)
}

// bottleneckAfter is the shortest run of which it is said what held it up: of others nobody asks.
const bottleneckAfter = 2 * time.Second

// bottlenecks names the nodes that the others waited for.
func (v *tableView) bottlenecks(nodes []flows.NodeStatus) {
	for _, n := range nodes {
		if a := n.Activity; a != nil && a.Bottleneck {
			fmt.Fprintf(v.w, "bottleneck: %s", v.title(n.Node))
			if a.BusyMS > 0 {
				fmt.Fprintf(v.w, ", busy for %s", duration(time.Duration(a.BusyMS)*time.Millisecond))
			}
			fmt.Fprintln(v.w)
		}
	}
}

// longest is of how many nodes it is said what the engine spent in them.
const longest = 5

// computed names the nodes that took most of the engine's time.
func (v *tableView) computed(nodes []flows.NodeStatus) {
	var list []flows.NodeStatus
	for _, n := range nodes {
		if n.Activity != nil && n.Activity.ComputedMS >= 100 {
			list = append(list, n)
		}
	}
	slices.SortStableFunc(list, func(a, b flows.NodeStatus) int { return cmp.Compare(b.Activity.ComputedMS, a.Activity.ComputedMS) })
	if len(list) == 0 {
		return
	}
	parts := make([]string, 0, longest)
	for _, n := range list[:min(longest, len(list))] {
		parts = append(parts, v.title(n.Node)+" "+duration(time.Duration(n.Activity.ComputedMS)*time.Millisecond))
	}
	fmt.Fprintf(v.w, "computed, all threads together: %s\n", strings.Join(parts, ", "))
}

// table prints the table and returns its number of lines.
func (v *tableView) table(at time.Time, nodes []flows.NodeStatus) int {
	name := 4
	for _, n := range nodes {
		name = max(name, columns(v.title(n.Node)))
	}
	name = min(name, max(12, v.width-60))
	var b strings.Builder
	fmt.Fprintf(&b, "%s %14s %10s %9s  %s\n", pad("Node", name), "Records", "Records/s", "Rejects", "State")
	for _, n := range nodes {
		r := v.rates[n.Node]
		if r == nil {
			r = &rate{}
			v.rates[n.Node] = r
		}
		perSecond, total := "—", "—"
		if count, known := v.records(n); known {
			total = group(count)
			if s := r.add(at, count); n.State == flows.NodeRunning {
				perSecond = short(int64(s))
			}
		}
		state := string(n.State)
		if len(n.StoppedEarly) > 0 {
			state += ", stopped early"
		}
		if n.State == flows.NodeSkipped && n.Reason != "" {
			state += ": " + printable(n.Reason)
		}
		line := fmt.Sprintf("%s %14s %10s %9s  %s", pad(v.title(n.Node), name), total, perSecond, group(n.Rejected), state)
		b.WriteString(cut(line, v.width-1) + "\n")
	}
	fmt.Fprint(v.w, b.String())
	return len(nodes) + 1
}

func (v *tableView) end(res run.Result, rejectsAt string) {
	if left := len(res.Nodes); left > 0 && (!v.live || v.height > 0 && left > v.height-2) { // whole, also where it did not fit
		v.table(res.Ended, res.Nodes)
	}
	took := res.Ended.Sub(res.Started)
	switch {
	case res.State == flows.RunCancelled:
		fmt.Fprintf(v.w, "cancelled after %s; nothing was written\n", duration(took))
	case res.State == flows.RunFailed:
		fmt.Fprintf(v.w, "failed after %s\n", duration(took))
		printProblems(v.errors, res.Err)
	case res.Rejected > 0:
		fmt.Fprintf(v.w, "succeeded in %s with %s", duration(took), counted(res.Rejected, "reject"))
		if rejectsAt != "" {
			fmt.Fprintf(v.w, ", stored in %s", rejectsAt)
		}
		fmt.Fprintln(v.w)
	default:
		fmt.Fprintf(v.w, "succeeded in %s\n", duration(took))
	}
	if took >= bottleneckAfter {
		v.bottlenecks(res.Nodes)
		v.computed(res.Nodes)
	}
	if res.State == flows.RunFailed && rejectsAt != "" {
		fmt.Fprintf(v.w, "the rejects up to then are in %s\n", rejectsAt)
	}
}
