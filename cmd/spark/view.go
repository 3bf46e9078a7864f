package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
		width, _, err := term.GetSize(int(os.Stdout.Fd()))
		if err != nil || width < 40 {
			width = 80
		}
		return &tableView{w: os.Stdout, flow: flow, width: width, live: true, rates: map[string]*rate{}}
	}
	return &tableView{w: os.Stdout, flow: flow, width: 120, rates: map[string]*rate{}}
}

type jsonView struct{ enc *json.Encoder }

func (v jsonView) show(e flows.Event) { _ = v.enc.Encode(e) } // a reader that is gone ends the output, not the run

func (v jsonView) end(run.Result, string) {} // the last event has told it

// tableView prints one line per node. On a terminal it is drawn again in place; elsewhere a line is printed whenever
// a node's state changes, and the table at the end.
type tableView struct {
	w     io.Writer
	flow  *flows.Flow
	width int
	live  bool
	lines int // of the table on the screen
	last  []flows.NodeStatus
	rates map[string]*rate
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
		if n.State == flows.NodeDone {
			fmt.Fprintf(v.w, ", %s records", group(records(n)))
		}
		if n.Reason != "" {
			fmt.Fprintf(v.w, ": %s", n.Reason)
		}
		fmt.Fprintln(v.w)
	}
}

// records is what a node's line shows: what left its first output, or what its target confirmed.
func records(n flows.NodeStatus) int64 {
	var out int64
	for port, c := range n.Out {
		if port != node.Rejects && port != "unmatched" {
			out = c
		}
	}
	return max(out, n.Written)
}

func (v *tableView) title(id string) string {
	n, _ := v.flow.Node(id)
	return n.Title()
}

func (v *tableView) draw(at time.Time, nodes []flows.NodeStatus) {
	if v.lines > 0 {
		fmt.Fprintf(v.w, "\x1b[%dA\x1b[J", v.lines)
	}
	v.lines = v.table(at, nodes)
}

// table prints the table and returns its number of lines.
func (v *tableView) table(at time.Time, nodes []flows.NodeStatus) int {
	name := 4
	for _, n := range nodes {
		name = max(name, utf8.RuneCountInString(v.title(n.Node)))
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
		perSecond := "—"
		if s := r.add(at, records(n)); n.State == flows.NodeRunning {
			perSecond = short(int64(s))
		}
		state := string(n.State)
		if len(n.StoppedEarly) > 0 {
			state += ", stopped early"
		}
		if n.State == flows.NodeSkipped && n.Reason != "" {
			state += ": " + n.Reason
		}
		line := fmt.Sprintf("%s %14s %10s %9s  %s", pad(v.title(n.Node), name), group(records(n)), perSecond, group(n.Rejected), state)
		b.WriteString(cut(line, v.width-1) + "\n")
	}
	fmt.Fprint(v.w, b.String())
	return len(nodes) + 1
}

func (v *tableView) end(res run.Result, rejectsAt string) {
	if !v.live && len(res.Nodes) > 0 {
		v.table(res.Ended, res.Nodes)
	}
	took := res.Ended.Sub(res.Started)
	switch {
	case res.State == flows.RunCancelled:
		fmt.Fprintf(v.w, "cancelled after %s; nothing was written\n", duration(took))
	case res.State == flows.RunFailed:
		fmt.Fprintf(v.w, "failed after %s\n", duration(took))
		_ = reportInvalid(res.Err, false) // the exit code follows from the result
	case res.Rejected > 0:
		fmt.Fprintf(v.w, "succeeded in %s with %s rejects", duration(took), group(res.Rejected))
		if rejectsAt != "" {
			fmt.Fprintf(v.w, ", stored in %s", rejectsAt)
		}
		fmt.Fprintln(v.w)
	default:
		fmt.Fprintf(v.w, "succeeded in %s\n", duration(took))
	}
	if res.State == flows.RunFailed && rejectsAt != "" {
		fmt.Fprintf(v.w, "the rejects up to then are in %s\n", rejectsAt)
	}
}

func pad(s string, n int) string {
	s = cut(s, n)
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// group writes 1234567 as 1,234,567.
func group(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// short writes a number with three digits at most: 950, 1.2 k, 34 k, 5.6 M.
func short(n int64) string {
	f, units := float64(n), []string{"", " k", " M", " G"}
	for len(units) > 1 && f >= 999.5 {
		f, units = f/1000, units[1:]
	}
	if f < 9.95 && units[0] != "" {
		return fmt.Sprintf("%.1f%s", f, units[0])
	}
	return fmt.Sprintf("%.0f%s", f, units[0])
}

// duration writes 0.8 s, 42 s, 3 m 12 s.
func duration(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 10:
		return fmt.Sprintf("%.1f s", s)
	case s < 60:
		return fmt.Sprintf("%.0f s", s)
	default:
		return fmt.Sprintf("%d m %d s", int(s)/60, int(s)%60)
	}
}
