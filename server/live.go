package server

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"spark/flows"
	"spark/flows/run"
	"spark/server/api"
)

// watch is a subscription to a run, see run.Watch.
type watch interface {
	Changes() <-chan struct{}
	Take() run.Live
	Close()
}

const (
	pace      = 100 * time.Millisecond // between two messages of a run
	paceOfOne = time.Millisecond       // that each viewer adds where they are many
	queueSize = 16                     // messages waiting for one viewer; with more it gets a snapshot instead
	lastLines = 200                    // log lines in a snapshot
)

// hub has a room for every run that somebody watches.
type hub struct {
	open    func(ctx context.Context, scope flows.Scope, id string) (watch, error)
	metrics *metrics

	mu     sync.Mutex
	rooms  map[string]*room
	closed bool
	ctx    context.Context
	cancel func()
	wg     sync.WaitGroup
}

func newHub(open func(context.Context, flows.Scope, string) (watch, error), m *metrics) *hub {
	h := &hub{open: open, metrics: m, rooms: map[string]*room{}}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// close ends all viewers and waits for them.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	h.wg.Wait()
}

func stopping() error {
	return &flows.Error{Code: "server.stopping", Message: "Spark is stopping", Suggestion: "try again in a moment"}
}

// join brings a viewer into the room of a run. The first one opens the room; the lock of the hub is not held while it
// does, so that a slow database delays nobody else.
func (h *hub) join(ctx context.Context, scope flows.Scope, id string, v *viewer) (*room, error) {
	key := scope.Project + "/" + id
	if r := h.enter(key, v); r != nil {
		return r, nil
	}
	w, err := h.open(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		w.Close()
		return nil, stopping()
	}
	if r := h.rooms[key]; r != nil && r.add(v) { // somebody else was quicker
		w.Close()
		return r, nil
	}
	r := &room{hub: h, key: key, watch: w, viewers: map[*viewer]bool{}, empty: make(chan struct{}, 1)}
	r.take(w.Take())
	r.add(v)
	h.rooms[key] = r
	h.wg.Go(r.run)
	return r, nil
}

func (h *hub) enter(key string, v *viewer) *room {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.rooms[key]; r != nil && r.add(v) {
		return r
	}
	return nil
}

// leave closes a room: who comes later opens another one.
func (h *hub) leave(r *room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rooms[r.key] == r {
		delete(h.rooms, r.key)
	}
}

// room is one watched run: its state as the viewers are told it.
type room struct {
	hub   *hub
	key   string
	watch watch
	empty chan struct{} // nobody is left

	mu       sync.Mutex
	seq      int64
	state    flows.Run
	order    []string
	nodes    map[string]flows.NodeStatus
	log      []flows.LogLine
	over     bool // the run ended and all of it was sent
	shut     bool // takes nobody in any more
	viewers  map[*viewer]bool
	snapshot *websocket.PreparedMessage // of seq; nil: not made
}

func (r *room) add(v *viewer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shut {
		return false
	}
	v.behind = true // begins with a snapshot
	r.viewers[v] = true
	v.signal()
	return true
}

func (r *room) remove(v *viewer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.viewers, v)
	if len(r.viewers) == 0 {
		select {
		case r.empty <- struct{}{}:
		default:
		}
	}
}

// run tells the viewers what changes, until the run ends or nobody is left.
func (r *room) run() {
	defer r.watch.Close()
	defer r.hub.leave(r)
	timer := time.NewTimer(pace)
	defer timer.Stop()
	for !r.isOver() {
		select {
		case <-r.hub.ctx.Done():
			return
		case <-r.empty:
			if r.close() {
				return
			}
			continue
		case <-r.watch.Changes():
		}
		r.tell(r.watch.Take())
		timer.Reset(r.pace())
		select {
		case <-timer.C:
		case <-r.hub.ctx.Done():
			return
		}
	}
	r.mu.Lock()
	r.shut = true
	r.mu.Unlock()
}

// pace is the time until the next message: longer where many watch, so that being watched costs a run no more than a
// thousand messages a second. Counts are absolute, so a viewer that hears of fewer of them misses nothing.
func (r *room) pace() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(pace, time.Duration(len(r.viewers))*paceOfOne)
}

func (r *room) isOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

// close shuts the room if it is still empty.
func (r *room) close() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shut = len(r.viewers) == 0
	return r.shut
}

// take merges a change into the state. r.mu is held, or nobody else has the room.
func (r *room) take(l run.Live) {
	if l.Run != nil {
		r.state = *l.Run
		r.state.Nodes = nil
	}
	if r.nodes == nil {
		r.nodes = map[string]flows.NodeStatus{}
	}
	for _, n := range l.Nodes {
		if _, known := r.nodes[n.Node]; !known {
			r.order = append(r.order, n.Node)
		}
		r.nodes[n.Node] = n
	}
	r.log = append(r.log, l.Log...)
	if n := len(r.log) - lastLines; n > 0 {
		r.log = slices.Clone(r.log[n:])
	}
	r.over = l.Ended
	r.snapshot = nil
}

// tell sends a change to everybody. It is encoded once.
func (r *room) tell(l run.Live) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.take(l)
	if l.Run != nil || len(l.Nodes) > 0 || len(l.Log) > 0 {
		r.seq++
		message := prepare(api.Delta{Kind: api.LiveDelta, Seq: r.seq, Run: l.Run, Nodes: l.Nodes, Log: l.Log})
		for v := range r.viewers {
			v.offer(message)
		}
	}
	for v := range r.viewers {
		v.signal()
	}
}

// whole is the snapshot of the run as it is. r.mu is held.
func (r *room) whole() *websocket.PreparedMessage {
	if r.snapshot == nil {
		s := api.Snapshot{Kind: api.LiveSnapshot, Seq: r.seq, Run: r.state, Log: r.log}
		s.Run.Nodes = make([]flows.NodeStatus, 0, len(r.order))
		for _, id := range r.order {
			s.Run.Nodes = append(s.Run.Nodes, r.nodes[id])
		}
		r.snapshot = prepare(s)
	}
	return r.snapshot
}

func prepare(v any) *websocket.PreparedMessage {
	b, err := api.Encode(v)
	if err != nil {
		panic(fmt.Sprintf("live message: %v", err)) // every type of it has a golden
	}
	m, err := websocket.NewPreparedMessage(websocket.TextMessage, b)
	if err != nil {
		panic(fmt.Sprintf("live message: %v", err))
	}
	return m
}

// next is what a viewer is sent next: nil when there is nothing; last says that nothing will follow.
func (r *room) next(v *viewer) (m *websocket.PreparedMessage, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case v.behind:
		v.behind = false
		return r.whole(), false
	case len(v.queue) > 0:
		m, v.queue = v.queue[0], v.queue[1:]
		return m, false
	default:
		return nil, r.over
	}
}

// again makes the next message of a viewer a snapshot.
func (r *room) again(v *viewer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v.behind, v.queue = true, nil
	v.signal()
}
