package main

import (
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"spark/flows"
	"spark/server/api"
)

// viewed is what a viewer knows when the server has closed its socket.
type viewed struct {
	run   flows.Run
	nodes map[string]flows.NodeStatus
	seq   int64
	gaps  int
	end   int // close code
}

func look(c *websocket.Conn) (v viewed, err error) {
	defer c.Close()
	v.nodes = map[string]flows.NodeStatus{}
	_ = c.SetReadDeadline(time.Now().Add(runTime))
	for {
		_, b, err := c.ReadMessage()
		if e, ok := errors.AsType[*websocket.CloseError](err); ok {
			v.end = e.Code
			return v, nil
		}
		if err != nil {
			return v, err
		}
		var m struct {
			Kind  api.LiveKind
			Seq   int64
			Run   *flows.Run
			Nodes []flows.NodeStatus
		}
		if err := json.Unmarshal(b, &m); err != nil {
			return v, err
		}
		if m.Kind == api.LiveDelta && m.Seq != v.seq+1 {
			v.gaps++
		}
		v.seq = m.Seq
		if m.Run != nil {
			v.run = *m.Run
			m.Nodes = append(m.Nodes, m.Run.Nodes...)
		}
		for _, n := range m.Nodes {
			v.nodes[n.Node] = n
		}
	}
}

// TestViewers: 300 viewers of one run see its final counts without a gap, whatever 50 that read nothing and one that asks
// without end do; that one is closed for it.
func TestViewers(t *testing.T) {
	t.Parallel()
	viewers, stalled := 300, 50
	if testing.Short() {
		viewers, stalled = 30, 5
	}
	s := setup(t).serve()
	r := s.begin(chain(step("in", "sample.data", `{"dataset":"orders","records":20000000}`), step("odd", "filter", `{"condition":"quantity % 2 = 1"}`), output("out.parquet")))
	var wg sync.WaitGroup
	seen, errs := make([]viewed, viewers), make([]error, viewers)
	for i := range viewers {
		c, err := s.Watch(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { seen[i], errs[i] = look(c) })
	}
	for range stalled {
		c, err := s.Watch(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	flooder, err := s.Watch(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for flooder.WriteMessage(websocket.TextMessage, []byte(`{"kind":"snapshot"}`)) == nil {
		}
	}()
	if f, err := look(flooder); f.end != websocket.ClosePolicyViolation && err == nil {
		t.Errorf("the flooder was closed with %d", f.end)
	}
	end := s.until("the run is over", r.ID, runTime, over)
	wg.Wait()
	want := map[string]flows.NodeStatus{}
	for _, n := range end.Nodes {
		want[n.Node] = n
	}
	for i, v := range seen {
		same := maps.EqualFunc(v.nodes, want, func(a, b flows.NodeStatus) bool {
			return a.State == b.State && a.Written == b.Written && maps.Equal(a.Out, b.Out) && maps.Equal(a.In, b.In)
		})
		if errs[i] != nil || !same || v.run.State != flows.RunSucceeded || v.gaps > 0 || v.end != websocket.CloseNormalClosure {
			t.Fatalf("viewer %d: %v, state %s, %d gaps, closed with %d, nodes %v instead of %v", i, errs[i], v.run.State, v.gaps, v.end, v.nodes, want)
		}
	}
}
