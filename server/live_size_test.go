package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"spark/flows"
	"spark/flows/run"
	"spark/server/api"
)

// toldWatch is a watch that a test tells what changed.
type toldWatch struct {
	changes chan struct{}

	mu   sync.Mutex
	next run.Live
}

func newToldWatch(first run.Live) *toldWatch {
	return &toldWatch{changes: make(chan struct{}), next: first}
}

func (w *toldWatch) Changes() <-chan struct{} { return w.changes }

func (w *toldWatch) Take() (l run.Live) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l, w.next = w.next, run.Live{}
	return l
}

func (w *toldWatch) Close() {}

// say signals a change, and returns when the room has begun to take it.
func (w *toldWatch) say(l run.Live) {
	w.mu.Lock()
	w.next = l
	w.mu.Unlock()
	w.changes <- struct{}{}
}

// watched opens a WebSocket of a run that the watch tells of.
func watched(t *testing.T, w watch) *websocket.Conn {
	t.Helper()
	s := newTestServer(t)
	s.hub = newHub(func(context.Context, flows.Scope, string) (watch, error) { return w, nil }, s.metrics)
	t.Cleanup(s.hub.close)
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	c, _, err := websocket.DefaultDialer.Dial(strings.Replace(h.URL, "http", "ws", 1)+"/api/v1/runs/r/events", http.Header{"Authorization": {"Bearer " + testKey}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// liveMessage reads the next message and its length in bytes.
func liveMessage[T any](t *testing.T, c *websocket.Conn) (m T, size int) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, b, err := c.ReadMessage()
	if err == nil {
		err = api.Decode(b, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m, len(b)
}

// thousand is what 1,000 nodes report: ids as the editor makes them, and counts of millions.
func thousand(n int64) []flows.NodeStatus {
	ns := make([]flows.NodeStatus, 1000)
	for i := range ns {
		ns[i] = flows.NodeStatus{Node: "filter-" + strconv.Itoa(i), State: flows.NodeRunning,
			In: map[string]int64{"in": 9_000_000 + n}, Out: map[string]int64{"out": 7_000_000 + n, "rejects": 1000 + n}, Rejected: 1000 + n}
	}
	return ns
}

// TestLiveBytes: one message in which all counts of 1,000 nodes change has at most 130 bytes for a node, which is
// 1.3 MB a second for a viewer.
func TestLiveBytes(t *testing.T) {
	t.Parallel()
	const limit = 130_000
	w := newToldWatch(run.Live{Run: &flows.Run{ID: "r", FlowName: "wide", State: flows.RunRunning}, Nodes: thousand(0)})
	c := watched(t, w)
	s, size := liveMessage[api.Snapshot](t, c)
	if len(s.Run.Nodes) != 1000 || size > limit {
		t.Errorf("the snapshot has %d nodes in %d bytes", len(s.Run.Nodes), size)
	}
	w.say(run.Live{Nodes: thousand(12345)})
	d, size := liveMessage[api.Delta](t, c)
	if len(d.Nodes) != 1000 || d.Run != nil || size > limit {
		t.Errorf("the delta has %d nodes in %d bytes, and run %v", len(d.Nodes), size, d.Run)
	}
}

// TestLiveIdle: a run in which nothing changes sends nothing, even where the watch signals; and what did not change is
// not in a message.
func TestLiveIdle(t *testing.T) {
	t.Parallel()
	w := newToldWatch(run.Live{Run: &flows.Run{ID: "r", State: flows.RunRunning}, Nodes: thousand(0)})
	c := watched(t, w)
	if s, _ := liveMessage[api.Snapshot](t, c); s.Seq != 0 {
		t.Errorf("the snapshot has number %d", s.Seq)
	}
	for range 3 {
		w.say(run.Live{})
	}
	w.say(run.Live{Nodes: thousand(1)[:1]})
	// Messages are numbered without gaps: the first change is the first message.
	if d, size := liveMessage[api.Delta](t, c); d.Seq != 1 || len(d.Nodes) != 1 || size > 250 {
		t.Errorf("message %d has %d nodes in %d bytes", d.Seq, len(d.Nodes), size)
	}
}

// TestPace: few viewers hear of a change every 100 ms; many of them together get a thousand messages a second.
func TestPace(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{0: 100 * time.Millisecond, 1: 100 * time.Millisecond, 100: 100 * time.Millisecond, 350: 350 * time.Millisecond} {
		r := &room{viewers: map[*viewer]bool{}}
		for range n {
			r.viewers[&viewer{}] = true
		}
		if got := r.pace(); got != want {
			t.Errorf("%d viewers hear of a change every %s, want %s", n, got, want)
		}
	}
}
