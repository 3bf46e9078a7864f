package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"spark/flows"
	"spark/flows/run"
)

const (
	canvasNodes = 1000
	rowLength   = 20 // nodes of a row
	frameGoal   = 34 // ms: at 60 Hz one frame in twenty may be left out
)

// canvasFigures are the 95th percentiles of the times between animation frames of the editor while all counts of a flow
// of 1,000 nodes change ten times a second. The counts are an invented executor's; they take the way of real ones
// through run service, hub, WebSocket and the editor's live store, but no engine takes the processor from the browser.
func canvasFigures() []Figure {
	figure := func(name, move string) Figure {
		return Figure{Name: name, Unit: "ms", Goal: goal(frameGoal), Better: Lower, Run: func(ctx context.Context, b *Bench) (float64, *float64, error) {
			v, err := b.canvas(ctx, move)
			return v, nil, err
		}}
	}
	return []Figure{figure("canvas-update", "none"), figure("canvas-pan", "pan"), figure("canvas-zoom", "zoom")}
}

// views are magnifications: cards as they are read, as many cards as are ever in the page, and the painted overview.
var views = []float64{1, 0.42, 0.1}

// seen is what the browser tells about a recording.
type seen struct {
	Frames  []float64 // ms between them
	Changes int       // of the text of the first card
	Zoom    float64
	Cards   int // in the page
}

// canvas is the worst view's 95th percentile.
func (b *Bench) canvas(ctx context.Context, move string) (worst float64, err error) {
	s, err := b.studio(ctx, counter{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	id, err := create(ctx, s.Client, wideFlow())
	if err != nil {
		return 0, err
	}
	br, err := openBrowser(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, br.close()) }()
	if err := s.run(br, id); err != nil {
		return 0, err
	}
	looks := views
	if move == "zoom" {
		looks = views[:1] // it goes through all of them
	}
	for _, zoom := range looks {
		p95, err := b.frames(br, move, zoom)
		if err != nil {
			return 0, err
		}
		worst = max(worst, p95)
	}
	return worst, nil
}

// run opens a flow in the browser and starts it there.
func (s *studio) run(br *browser, flow string) error {
	return errors.Join(openFlow(br, s.Client, flow, ".overview"),
		br.do("press", map[string]any{"key": "Control+Enter"}, nil),
		br.do("wait", map[string]any{"text": "Running"}, nil))
}

// frames measures one view. A canvas whose counts stand still measures nothing.
func (b *Bench) frames(br *browser, move string, zoom float64) (p95 float64, err error) {
	const seconds = 6
	var at, v seen
	if err := br.do("zoom", map[string]any{"to": zoom}, &at); err != nil {
		return 0, err
	}
	if err := br.do("frames", map[string]any{"move": move, "seconds": seconds}, &v); err != nil {
		return 0, err
	}
	if len(v.Frames) < 10*seconds || at.Cards > 0 && move == "none" && v.Changes < 5*seconds {
		return 0, fmt.Errorf("%d frames and %d counts were seen in %d s at zoom %.2f", len(v.Frames), v.Changes, seconds, at.Zoom)
	}
	p95 = percentile(v.Frames, 95)
	fmt.Fprintf(b.Log, "%s at zoom %.2f: %d cards, %d frames, median %.1f ms, p95 %.1f ms, longest %.1f ms\n", move, at.Zoom, at.Cards, len(v.Frames),
		median(v.Frames), p95, slices.Max(v.Frames))
	return p95, nil
}

// counter is an executor that processes nothing and counts on at every node, until it is cancelled.
type counter struct{}

var _ run.Executor = counter{}

func (counter) Run(ctx context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
	doc, err := flows.ParseFlow(job.Document)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := int64(0); ; n++ {
		statuses := count(doc, n)
		c.Counts(statuses)
		select {
		case <-ctx.Done():
			return statuses, ctx.Err()
		case <-tick.C:
		}
	}
}

// count is what the nodes report at a time: numbers below a thousand for a while, so that every text changes each time.
func count(doc *flows.Flow, n int64) []flows.NodeStatus {
	statuses := make([]flows.NodeStatus, len(doc.Nodes))
	index := map[string]int{}
	for i, d := range doc.Nodes {
		statuses[i], index[d.ID] = flows.NodeStatus{Node: d.ID, State: flows.NodeRunning, In: map[string]int64{}, Out: map[string]int64{}}, i
		if d.Type == "file.output" {
			statuses[i].Written = n + 1
		}
	}
	for _, e := range doc.Edges {
		statuses[index[e.From.Node]].Out[e.From.Port] = n + 1
		statuses[index[e.To.Node]].In[e.To.Port] = n + 1
	}
	return statuses
}

// wideFlow is a document of canvasNodes nodes in rows of rowLength, as the tidy-up lays them out: each row reads a file,
// changes the records, joins them with those of the row above, and writes a file.
func wideFlow() map[string]any {
	var nodes, edges []map[string]any
	places := map[string]any{}
	id := func(row, i int) string { return "r" + strconv.Itoa(row) + "-" + strconv.Itoa(i) }
	for row := range canvasNodes / rowLength {
		for i := range rowLength {
			kind, config := wideNode(row, i)
			nodes = append(nodes, node(id(row, i), kind, json.RawMessage(config)))
			places[id(row, i)] = map[string]int{"x": 304 * i, "y": 128 * row}
			switch {
			case i == 0:
			case kind == "join":
				edges = append(edges, edge(id(row, i-1), id(row, i), "left"), edge(id(row-1, i-1), id(row, i), "right"))
			default:
				edges = append(edges, edge(id(row, i-1), id(row, i), "in"))
			}
		}
	}
	doc := flow(nodes, edges)
	doc["layout"] = map[string]any{"nodes": places}
	return doc
}

// wideNode says what stands in a row at a place.
func wideNode(row, i int) (kind, config string) {
	switch {
	case i == 0:
		return "file.input", fmt.Sprintf(`{"path": "orders-%d.csv", "format": "csv", "fields": [{"name": "status", "type": "text"}]}`, row)
	case i == rowLength-1:
		return "file.output", fmt.Sprintf(`{"path": "paid-%d.parquet", "format": "parquet"}`, row)
	case i%7 == 4 && row > 0:
		return "join", `{"kind": "left", "keys": [{"left": "customer_id", "right": "customer_id"}]}`
	case i%2 == 1:
		return "filter", `{"condition": "status = 'paid' and quantity > 3"}`
	default:
		return "formula", `{"fields": [{"name": "amount", "expression": "quantity * unit_price"}]}`
	}
}
