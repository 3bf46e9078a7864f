package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"spark/flows"
	"spark/internal/served"
)

const (
	goodViewers    = 300 // read everything
	stalledViewers = 50  // read nothing
	viewersGoal    = 1.05
)

// viewerFigures are about many who watch one run.
func viewerFigures() []Figure {
	return []Figure{
		{Name: "viewers", Unit: "s", Goal: goal(viewersGoal), OfRatio: true, Better: Lower, Run: viewers},
		{Name: "viewers-rss", Unit: "MB", Better: Lower, Run: viewersRSS},
	}
}

// viewers is the time of W1 through the server from the start of the run to its end while 300 watch it, 50 have
// connected and read nothing, and one asks without end, against the same run alone. They are there before it starts:
// it waits in the queue behind another run until they are. The viewers are in this process and share the processors
// with the run.
func viewers(ctx context.Context, b *Bench) (float64, *float64, error) {
	p, _, err := b.viewers(ctx, 5)
	if err != nil {
		return 0, nil, err
	}
	return p.Result()
}

// viewersRSS is the largest memory of the server alone, without its executors, while they watch.
func viewersRSS(ctx context.Context, b *Bench) (float64, *float64, error) {
	_, rss, err := b.viewers(ctx, 1)
	return float64(rss) / (1 << 20), nil, err
}

func (b *Bench) viewers(ctx context.Context, pairs int) (p Pairs, rss int64, err error) {
	dir, doc, err := b.w1(ctx)
	if err != nil {
		return p, 0, err
	}
	s, _, err := b.serve(ctx, dir, "--workers", "1")
	if err != nil {
		return p, 0, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	a := audience{Server: s}
	if a.flow, err = create(ctx, s.Client, doc); err != nil {
		return p, 0, err
	}
	if a.endless, err = create(ctx, s.Client, endlessFlow()); err != nil {
		return p, 0, err
	}
	full := func(ctx context.Context) (float64, error) { return a.run(ctx, goodViewers, stalledViewers, 1) }
	empty := func(ctx context.Context) (float64, error) { return a.run(ctx, 0, 0, 0) }
	if _, err := empty(ctx); err != nil { // warms the page cache for both
		return p, 0, err
	}
	p, err = b.Pairs(ctx, pairs, full, empty)
	return p, a.rss, err
}

// endlessFlow runs for minutes unless it is cancelled.
func endlessFlow() map[string]any {
	return flow([]map[string]any{node("orders", "sample.data", map[string]any{"dataset": "orders", "records": 1_000_000_000}),
		node("file", "file.output", map[string]any{"path": "endless.csv", "format": "csv"})}, []map[string]any{edge("orders", "file", "in")})
}

// audience runs a flow in front of viewers.
type audience struct {
	*served.Server
	flow, endless string
	rss           int64 // largest seen
}

// run is how long the flow took from its start, in seconds.
func (a *audience) run(ctx context.Context, good, stalled, flooders int) (float64, error) {
	before, err := a.start(ctx, a.endless)
	if err != nil {
		return 0, err
	}
	r, err := a.start(ctx, a.flow)
	if err != nil {
		return 0, err
	}
	seen := make(chan error, good)
	conns, err := a.connect(ctx, r.ID, good+stalled+flooders)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	if err != nil {
		return 0, err
	}
	for _, c := range conns[:good] {
		go func() { seen <- watchToEnd(c) }()
	}
	for _, c := range conns[good+stalled:] {
		go flood(c)
	}
	if err := a.Call(ctx, http.MethodPost, "/api/v1/runs/"+before.ID+"/cancel", nil, nil); err != nil {
		return 0, err
	}
	seconds, err := a.end(ctx, r.ID)
	for range good {
		err = errors.Join(err, <-seen)
	}
	return seconds, err
}

func (a *audience) start(ctx context.Context, flow string) (r flows.Run, err error) {
	err = a.Call(ctx, http.MethodPost, "/api/v1/runs", map[string]any{"flow": flow}, &r)
	return r, err
}

func (a *audience) connect(ctx context.Context, run string, n int) (conns []*websocket.Conn, err error) {
	for range n {
		c, err := a.Watch(ctx, run)
		if err != nil {
			return conns, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

// end waits for the end of a run and looks at the memory of the server meanwhile.
func (a *audience) end(ctx context.Context, run string) (float64, error) {
	for {
		var r flows.Run
		if err := a.Call(ctx, http.MethodGet, "/api/v1/runs/"+run, nil, &r); err != nil {
			return 0, err
		}
		a.rss = max(a.rss, ownRSS(a.PID()))
		switch {
		case r.State == flows.RunSucceeded:
			return r.EndedAt.Sub(r.StartedAt).Seconds(), nil
		case r.State.Ended():
			return 0, fmt.Errorf("run %s ended as %s", run, r.State)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// watchToEnd reads all messages of a run. It is an error not to be told that it succeeded.
func watchToEnd(c *websocket.Conn) error {
	var last []byte
	for {
		_, b, err := c.ReadMessage()
		if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			break
		}
		if err != nil {
			return fmt.Errorf("a viewer was cut off: %w", err)
		}
		last = b
	}
	var m struct{ Run *flows.Run }
	if err := json.Unmarshal(last, &m); err != nil || m.Run == nil || m.Run.State != flows.RunSucceeded {
		return fmt.Errorf("a viewer was told at the end: %.200s", last)
	}
	return nil
}

// flood asks for snapshots until the server has had enough.
func flood(c *websocket.Conn) {
	for c.WriteMessage(websocket.TextMessage, []byte(`{"kind":"snapshot"}`)) == nil {
	}
}
