package server

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"spark/flows"
	"spark/flows/run"
	"spark/server/api"
)

// runID is the run that the tests of the hub watch.
const runID = "01a21187-1c7f-751f-8ecc-98d0d215a0c1"

// fakeRun is a run whose state is one number. Like run.Watch it keeps nothing for those who watch but that there is
// something to take.
type fakeRun struct {
	mu      sync.Mutex
	value   int64
	ended   bool
	watches map[*fakeWatch]bool
	opened  int
}

type fakeWatch struct {
	run     *fakeRun
	changes chan struct{}
	dirty   bool
}

var _ watch = (*fakeWatch)(nil)

func (r *fakeRun) watch() *fakeWatch {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := &fakeWatch{run: r, changes: make(chan struct{}, 1), dirty: true}
	w.changes <- struct{}{}
	if r.watches == nil {
		r.watches = map[*fakeWatch]bool{}
	}
	r.watches[w] = true
	r.opened++
	return w
}

func (r *fakeRun) change(value int64, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.value, r.ended = value, ended
	for w := range r.watches {
		w.dirty = true
		select {
		case w.changes <- struct{}{}:
		default:
		}
	}
}

func (r *fakeRun) set(value int64) { r.change(value, false) }
func (r *fakeRun) end(value int64) { r.change(value, true) }

// counts are how many subscriptions are open, and how many ever were.
func (r *fakeRun) counts() (open, ever int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.watches), r.opened
}

func (w *fakeWatch) Changes() <-chan struct{} { return w.changes }

func (w *fakeWatch) Take() run.Live {
	w.run.mu.Lock()
	defer w.run.mu.Unlock()
	l := run.Live{Ended: w.run.ended}
	if w.dirty {
		w.dirty = false
		state := flows.RunRunning
		if w.run.ended {
			state = flows.RunSucceeded
		}
		l.Run = &flows.Run{ID: runID, State: state, Written: w.run.value}
		l.Nodes = []flows.NodeStatus{{Node: "out", State: flows.NodeRunning, Written: w.run.value}}
	}
	return l
}

func (w *fakeWatch) Close() {
	w.run.mu.Lock()
	defer w.run.mu.Unlock()
	delete(w.run.watches, w)
}

// pipes is a listener without a network: its connections have no buffers, so that who does not read stalls the writer at
// once, and its deadlines follow the clock of the test's bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// stage is a server with one run to watch, inside of a bubble whose clock moves when everybody waits.
type stage struct {
	t      *testing.T
	server *Server
	pipes  *pipes
	run    *fakeRun
}

// live runs a test of the hub in a bubble; what it leaves running fails it.
func live(t *testing.T, test func(s *stage)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, server: newTestServer(t), pipes: newPipes(), run: &fakeRun{}}
		s.server.hub.open = func(_ context.Context, _ flows.Scope, id string) (watch, error) {
			if id != runID {
				return nil, &flows.Error{Code: "run.not_found", Message: "there is no such run"}
			}
			return s.run.watch(), nil
		}
		served := make(chan error)
		go func() { served <- s.server.Serve(s.pipes) }()
		defer func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := errors.Join(s.server.Shutdown(ctx), <-served); err != nil {
				t.Error(err)
			}
		}()
		test(s)
	})
}

// dial opens the WebSocket of a run.
func (s *stage) dial(id string) (*websocket.Conn, *http.Response, error) {
	d := websocket.Dialer{NetDialContext: s.pipes.dial}
	return d.Dial("ws://"+ourHost+"/api/v1/runs/"+id+"/events", http.Header{"Authorization": {"Bearer " + testKey}})
}

// message is a snapshot or a delta.
type message struct {
	Kind  api.LiveKind
	Seq   int64
	Run   *flows.Run
	Nodes []flows.NodeStatus
}

// fakeViewer is a browser; it reads only when it is told to.
type fakeViewer struct {
	*websocket.Conn
	t *testing.T
}

func (s *stage) join() *fakeViewer {
	s.t.Helper()
	c, _, err := s.dial(runID)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return &fakeViewer{c, s.t}
}

// next reads one message, or the code with which the socket was closed.
func (v *fakeViewer) next() (m message, code int) {
	v.t.Helper()
	_ = v.SetReadDeadline(time.Now().Add(time.Hour))
	_, b, err := v.ReadMessage()
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		return m, closed.Code
	}
	if err != nil {
		v.t.Fatalf("read: %v", err)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		v.t.Fatalf("%s: %v", b, err)
	}
	if m.Run != nil {
		m.Nodes = append(m.Nodes, m.Run.Nodes...)
	}
	return m, 0
}

// expect reads one message and compares what it says.
func (v *fakeViewer) expect(kind api.LiveKind, seq, value int64) {
	v.t.Helper()
	m, code := v.next()
	if code != 0 || m.Kind != kind || m.Seq != seq || m.Run == nil || m.Run.Written != value || len(m.Nodes) != 1 || m.Nodes[0].Written != value {
		v.t.Fatalf("closed with %d, %+v; want %s %d of %d", code, m, kind, seq, value)
	}
}

// follow reads deltas without a gap and with rising values, from the first one to the one that has value last, and returns
// how many there were.
func (v *fakeViewer) follow(last int64) (n int64) {
	v.t.Helper()
	for value := int64(0); value < last; n++ {
		m, code := v.next()
		if code != 0 || m.Kind != api.LiveDelta || m.Seq != n+1 || m.Run.Written <= value {
			v.t.Errorf("closed with %d, %+v after number %d with %d", code, m, n, value)
			return n
		}
		value = m.Run.Written
	}
	return n
}

func (v *fakeViewer) expectClose(code int) {
	v.t.Helper()
	if m, got := v.next(); got != code {
		v.t.Fatalf("closed with %d, %+v; want %d", got, m, code)
	}
}

func (v *fakeViewer) say(text string) error {
	return v.WriteMessage(websocket.TextMessage, []byte(text))
}

// metric is the value of a gauge or counter.
func metric(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	var d dto.Metric
	if err := m.Write(&d); err != nil {
		t.Fatal(err)
	}
	return d.GetGauge().GetValue() + d.GetCounter().GetValue()
}

func (s *stage) viewers() float64 { return metric(s.t, s.server.metrics.viewers) }
func (s *stage) dropped(reason string) float64 {
	return metric(s.t, s.server.metrics.dropped.WithLabelValues(reason))
}
