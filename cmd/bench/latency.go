package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"spark/flows"
	"spark/flows/engine/executor"
	"spark/flows/run"
	"spark/internal/served"
)

// browserFigures are measured with the editor in a browser that looks at the run.
func browserFigures() []Figure {
	return []Figure{
		{Name: "count-latency", Unit: "ms", Goal: goal(250), Better: Lower, Run: countLatency},
		{Name: "server-w1-browser", Unit: "s", Better: Lower, Run: serverW1Browser},
	}
}

// countLatency is the 95th percentile of the time from a counts event of the executor until the card shows it, over all
// events of three runs of W1 that change what a card shows. Executor, engine and protocol are the real ones; the server
// is the studio, so that the moment is known at which the parent has read an event from the executor's pipe. The other
// moment is the beginning of the animation frame after the one that wrote the text: then the text has been drawn. A
// count that was overtaken by a later one is shown when the later one is. Both clocks are this machine's.
func countLatency(ctx context.Context, b *Bench) (p95 float64, _ *float64, err error) {
	dir, doc, err := b.w1(ctx)
	if err != nil {
		return 0, nil, err
	}
	real := &noted{bench: b, ended: make(chan error, 1)}
	s, err := b.studio(ctx, real, dir)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	id, err := create(ctx, s.Client, doc)
	if err != nil {
		return 0, nil, err
	}
	br, err := openBrowser(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, br.close()) }()
	if err := errors.Join(openFlow(br, s.Client, id, ".node-card"), br.do("observe", nil, nil)); err != nil {
		return 0, nil, err
	}
	var all []float64
	for range 3 {
		ms, err := real.latencies(ctx, br)
		if err != nil {
			return 0, nil, err
		}
		fmt.Fprintf(b.Log, "%d counts shown: median %.0f ms, p95 %.0f ms, longest %.0f ms\n", len(ms), median(ms), percentile(ms, 95), slices.Max(ms))
		all = append(all, ms...)
	}
	return percentile(all, 95), nil, nil
}

// openFlow opens a flow in the editor and waits until its nodes are there.
func openFlow(br *browser, c served.Client, flow, nodes string) error {
	return errors.Join(br.do("open", map[string]any{"address": c.Login()}, nil),
		br.do("open", map[string]any{"address": c.Base + "/flows/" + flow, "until": nodes}, nil))
}

// noted executes runs as `spark serve` does and notes when which counts came.
type noted struct {
	bench *Bench
	ended chan error

	mu     sync.Mutex
	events []event
}

var _ run.Executor = (*noted)(nil)

// event is one status of a counts event.
type event struct {
	at     float64 // ms since 1970
	status flows.NodeStatus
}

func (n *noted) Run(ctx context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
	counts := c.Counts
	c.Counts = func(ns []flows.NodeStatus) {
		at := float64(time.Now().UnixMicro()) / 1000
		n.mu.Lock()
		for _, s := range ns {
			n.events = append(n.events, event{at, s})
		}
		n.mu.Unlock()
		counts(ns)
	}
	nodes, err := n.execute(ctx, job, c)
	n.ended <- err
	return nodes, err
}

func (n *noted) execute(ctx context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
	temp, err := os.MkdirTemp(n.bench.Folder, "run-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	host, err := executor.Start(ctx, executor.Options{Command: []string{n.bench.Spark, "executor"}})
	if err != nil {
		return nil, err
	}
	defer host.Close()
	spec := executor.RunSpec{Document: job.Document, Folders: job.Folders, Temp: temp, Threads: runtime.NumCPU(), Memory: 4 << 30, Run: job.Run,
		Attempt: job.Attempt, Fence: job.Fence, Samples: job.Samples}
	return host.Run(ctx, spec, executor.Callbacks{Counts: c.Counts, Warnings: c.Warnings, Samples: c.Samples, StoreRejects: c.StoreRejects, MayCommit: c.MayCommit})
}

// latencies starts a run in the browser and compares what came with what was shown.
func (n *noted) latencies(ctx context.Context, br *browser) ([]float64, error) {
	n.mu.Lock()
	n.events = nil
	n.mu.Unlock()
	if err := br.do("shown", nil, nil); err != nil {
		return nil, err
	}
	if err := br.do("press", map[string]any{"key": "Control+Enter"}, nil); err != nil {
		return nil, err
	}
	select {
	case err := <-n.ended:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	time.Sleep(time.Second) // until the last counts are shown; one that is not by then is an error
	var page struct{ Shown []shown }
	if err := br.do("shown", nil, &page); err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	texts, err := writtenAs(br, n.events)
	if err != nil {
		return nil, err
	}
	return delays(n.events, texts, page.Shown)
}

// writtenAs is what a card shows of each event, by the editor's own code.
func writtenAs(br *browser, events []event) ([]string, error) {
	statuses := make([]flows.NodeStatus, len(events))
	for i, e := range events {
		statuses[i] = e.status
	}
	var answer struct{ Texts []string }
	err := br.do("texts", map[string]any{"statuses": statuses}, &answer)
	if err == nil && len(answer.Texts) != len(events) {
		err = fmt.Errorf("%d texts of %d events", len(answer.Texts), len(events))
	}
	return answer.Texts, err
}

// shown is a text that a card began to show.
type shown struct {
	Node, Text string
	At         float64 // ms since 1970
}

// delays are the times in ms from each event that changes what its card shows until the card shows that, or what a later
// event of the node made of it. texts[i] is what a card writes of events[i]; counts of a node only grow, so that no text
// comes twice.
func delays(events []event, texts []string, page []shown) ([]float64, error) {
	type change struct {
		at   float64
		text string
	}
	changes := map[string][]change{}
	for i, e := range events {
		of := changes[e.status.Node]
		if texts[i] != "" && (len(of) == 0 || of[len(of)-1].text != texts[i]) {
			changes[e.status.Node] = append(of, change{e.at, texts[i]})
		}
	}
	var ms []float64
	for node, of := range changes {
		next := 0 // the first change that has not been shown
		for _, s := range page {
			i := slices.IndexFunc(of, func(c change) bool { return c.text == s.Text })
			if s.Node != node || i < next {
				continue
			}
			for ; next <= i; next++ {
				ms = append(ms, s.At-of[next].at)
			}
		}
		if next < len(of) {
			return nil, fmt.Errorf("the card of %s never showed %q", node, of[next].text)
		}
	}
	if len(ms) == 0 {
		return nil, errors.New("no count was shown")
	}
	return ms, nil
}

// serverW1Browser is W1 through `spark serve`, started in the editor and watched there, from its creation to its end;
// the ratio is to the same flow with no browser.
func serverW1Browser(ctx context.Context, b *Bench) (_ float64, _ *float64, err error) {
	dir, doc, err := b.w1(ctx)
	if err != nil {
		return 0, nil, err
	}
	s, _, err := b.serve(ctx, dir)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	id, err := create(ctx, s.Client, doc)
	if err != nil {
		return 0, nil, err
	}
	br, err := openBrowser(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, br.close()) }()
	watched := func(ctx context.Context) (float64, error) {
		if err := errors.Join(openFlow(br, s.Client, id, ".node-card"), br.do("press", map[string]any{"key": "Control+Enter"}, nil),
			br.do("wait", map[string]any{"text": "4/4 nodes"}, nil)); err != nil {
			return 0, err
		}
		return lastRun(ctx, s.Client, id)
	}
	alone := func(ctx context.Context) (float64, error) {
		if err := br.do("open", map[string]any{"address": "about:blank"}, nil); err != nil {
			return 0, err
		}
		if err := runFlow(ctx, s, id); err != nil {
			return 0, err
		}
		return lastRun(ctx, s.Client, id)
	}
	if _, err := alone(ctx); err != nil { // warms the page cache
		return 0, nil, err
	}
	p, err := b.Pairs(ctx, 5, watched, alone)
	if err != nil {
		return 0, nil, err
	}
	return p.Result()
}

// lastRun is how long the last run of a flow took, in seconds from its creation to its end.
func lastRun(ctx context.Context, c served.Client, flow string) (float64, error) {
	var page struct{ Items []flows.Run }
	for {
		if err := c.Call(ctx, http.MethodGet, "/api/v1/runs?limit=1&flow="+flow, nil, &page); err != nil {
			return 0, err
		}
		if r := page.Items[0]; r.State == flows.RunSucceeded {
			return r.EndedAt.Sub(r.CreatedAt).Seconds(), nil
		} else if r.State.Ended() {
			return 0, fmt.Errorf("run %s ended as %s", r.ID, r.State)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
