package run

import (
	"maps"
	"slices"
	"sync"
	"time"

	"spark/flows"
)

// logLines is how many lines of a run are kept for those who begin to watch; the store has all of them.
const logLines = 200

// live is a run that is not over, as this process knows it. Watchers take from it what changed since they last did;
// nothing is queued for them, so that a slow one costs a set of node ids and never delays the run.
type live struct {
	mu       sync.Mutex
	run      flows.Run // Nodes unused
	nodes    map[string]flows.NodeStatus
	order    []string
	sampled  []flows.Sample
	log      []flows.LogLine
	lines    int64 // logged so far
	ended    bool
	watchers map[*Watch]bool
	cancel   func() // ends the attempt; nil while it is queued
	asked    bool   // a cancellation came
}

// Live is what changed in a run.
type Live struct {
	Run   *flows.Run // without Nodes; nil when nothing of it changed
	Nodes []flows.NodeStatus
	Log   []flows.LogLine
	Ended bool // nothing will change any more
}

// Watch is one subscription to a run. Its methods may be called by one goroutine at a time.
type Watch struct {
	live    *live
	changes chan struct{}

	// guarded by live.mu
	run   bool
	nodes map[string]bool
	log   int64 // lines taken
}

func newLive(r flows.Run) *live {
	l := &live{run: r, nodes: map[string]flows.NodeStatus{}, watchers: map[*Watch]bool{}, ended: r.State.Ended()}
	for _, n := range r.Nodes {
		l.order, l.nodes[n.Node] = append(l.order, n.Node), n
	}
	l.run.Nodes = nil
	return l
}

func (l *live) watch() *Watch {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &Watch{live: l, changes: make(chan struct{}, 1), run: true, nodes: map[string]bool{}, log: l.lines - int64(len(l.log))}
	for id := range l.nodes {
		w.nodes[id] = true
	}
	l.watchers[w] = true
	w.changes <- struct{}{}
	return w
}

// Changes gets a signal when something has changed since the last Take, or may have.
func (w *Watch) Changes() <-chan struct{} { return w.changes }

// Take returns what changed since the last Take; the first one returns everything.
func (w *Watch) Take() Live {
	l := w.live
	l.mu.Lock()
	defer l.mu.Unlock()
	v := Live{Ended: l.ended}
	if w.run {
		r := l.run
		v.Run, w.run = &r, false
	}
	for _, id := range l.order {
		if w.nodes[id] {
			v.Nodes = append(v.Nodes, l.nodes[id])
		}
	}
	clear(w.nodes)
	if n := min(l.lines-w.log, int64(len(l.log))); n > 0 {
		v.Log = slices.Clone(l.log[int64(len(l.log))-n:])
	}
	w.log = l.lines
	return v
}

// Close ends the subscription.
func (w *Watch) Close() {
	w.live.mu.Lock()
	defer w.live.mu.Unlock()
	delete(w.live.watchers, w)
}

// tell marks what changed for every watcher. l.mu is held.
func (l *live) tell(mark func(*Watch)) {
	for w := range l.watchers {
		mark(w)
		select {
		case w.changes <- struct{}{}:
		default: // it has not taken the last change yet
		}
	}
}

// set replaces the run's own state.
func (l *live) set(change func(*flows.Run)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.run)
	l.tell(func(w *Watch) { w.run = true })
}

// end says that nothing will change any more.
func (l *live) end(r flows.Run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Nodes = nil
	l.run, l.ended = r, true
	l.tell(func(w *Watch) { w.run = true })
}

func (l *live) counts(ns []flows.NodeStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var changed []string
	for _, n := range ns {
		old, known := l.nodes[n.Node]
		if !known {
			l.order = append(l.order, n.Node)
		}
		if !known || !sameStatus(old, n) {
			l.nodes[n.Node], changed = n, append(changed, n.Node)
		}
	}
	if len(changed) == 0 {
		return
	}
	read, written, rejected := totals(l.nodes)
	run := read != l.run.Read || written != l.run.Written || rejected != l.run.Rejected
	l.run.Read, l.run.Written, l.run.Rejected = read, written, rejected
	l.tell(func(w *Watch) {
		w.run = w.run || run
		for _, id := range changed {
			w.nodes[id] = true
		}
	})
}

func sameStatus(a, b flows.NodeStatus) bool {
	return a.State == b.State && a.Reason == b.Reason && a.Written == b.Written && a.Rejected == b.Rejected &&
		maps.Equal(a.In, b.In) && maps.Equal(a.Out, b.Out) && slices.Equal(a.StoppedEarly, b.StoppedEarly) && a.Progress == b.Progress && sameActivity(a.Activity, b.Activity) &&
		slices.Equal(a.Expectations, b.Expectations)
}

// sameActivity compares what viewers see at once: the times alone, which always grow, come with the next change.
func sameActivity(a, b *flows.Activity) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Queue == b.Queue && a.Bottleneck == b.Bottleneck
}

// totals adds up what left the sources, what the targets confirmed and what was refused.
func totals(nodes map[string]flows.NodeStatus) (read, written, rejected int64) {
	for _, n := range nodes {
		if len(n.In) == 0 {
			for port, c := range n.Out {
				if port != rejectsPort {
					read += c
				}
			}
		}
		written += n.Written
		rejected += n.Rejected
	}
	return read, written, rejected
}

// rejectsPort is the port of refused records; see node.Rejects.
const rejectsPort = "rejects"

func (l *live) samples(s []flows.Sample) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sampled = s
}

// line adds a line to the log and returns it.
func (l *live) line(at time.Time, severity flows.Severity, message string, e *flows.Error) flows.LogLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines++
	line := flows.LogLine{Seq: l.lines, At: at, Severity: severity, Message: message, Error: e}
	l.log = append(l.log, line)
	if len(l.log) > logLines {
		l.log = slices.Clone(l.log[len(l.log)-logLines:])
	}
	l.tell(func(*Watch) {})
	return line
}

// snapshot is the run with its nodes.
func (l *live) snapshot() flows.Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.run
	r.Nodes = make([]flows.NodeStatus, 0, len(l.order))
	for _, id := range l.order {
		r.Nodes = append(r.Nodes, l.nodes[id])
	}
	return r
}

func (l *live) sampleOf(id string) []flows.Sample {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := []flows.Sample{}
	for _, s := range l.sampled {
		if id == "" || s.Node == id {
			found = append(found, s)
		}
	}
	return found
}

// begin hands over how the attempt is cancelled. It cancels at once where that was asked for before.
func (l *live) begin(cancel func()) {
	l.mu.Lock()
	l.cancel = cancel
	asked := l.asked
	l.mu.Unlock()
	if asked {
		cancel()
	}
}

// ask cancels the attempt, or the one that is about to begin.
func (l *live) ask() {
	l.mu.Lock()
	l.asked = true
	cancel := l.cancel
	l.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}
