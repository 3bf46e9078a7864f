package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"spark/internal/served"
)

// serverFigures are measured through the server's API.
func serverFigures() []Figure {
	return []Figure{
		{Name: "server-ready", Unit: "s", Goal: goal(0.5), Better: Lower, Run: ready},
		{Name: "server-idle-rss", Unit: "MB", Goal: goal(100), Better: Lower, Run: idleRSS},
		{Name: "server-w1", Unit: "s", Goal: goal(1.2), OfRatio: true, Better: Lower, Run: serverW1},
		{Name: "preview-warm", Unit: "ms", Goal: goal(150), Better: Lower, Run: previewWarm},
		{Name: "preview-cold", Unit: "ms", Goal: goal(600), Better: Lower, Run: previewCold},
	}
}

// serve starts a server on a fresh data folder whose flows may also read and write dir. took is the time until it was
// ready.
func (b *Bench) serve(ctx context.Context, dir string, more ...string) (s *served.Server, took time.Duration, err error) {
	data, err := os.MkdirTemp(b.Folder, "serve-")
	if err != nil {
		return nil, 0, err
	}
	cmd := exec.CommandContext(ctx, b.Spark, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", data, "--folder", dir}, more...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	began := time.Now()
	if s, err = served.Start(cmd); err != nil {
		return nil, 0, err
	}
	if err := s.Call(ctx, http.MethodGet, "/readyz", nil, nil); err != nil {
		return nil, 0, errors.Join(err, s.Stop())
	}
	return s, time.Since(began), nil
}

// ready is the time from the start of the process until it answers that it is ready.
func ready(ctx context.Context, b *Bench) (float64, *float64, error) {
	var times []float64
	for range 5 {
		s, took, err := b.serve(ctx, b.Folder)
		if err != nil {
			return 0, nil, err
		}
		times = append(times, took.Seconds())
		if err := s.Stop(); err != nil {
			return 0, nil, err
		}
	}
	return median(times), nil, nil
}

// idleRSS is the memory of a server to which nothing has been asked, two seconds after it was ready.
func idleRSS(ctx context.Context, b *Bench) (float64, *float64, error) {
	s, _, err := b.serve(ctx, b.Folder)
	if err != nil {
		return 0, nil, err
	}
	time.Sleep(2 * time.Second)
	rss := treeRSS(s.PID())
	return float64(rss) / (1 << 20), nil, s.Stop()
}

type flowDocument map[string]json.RawMessage

func readDocument(file string) (flowDocument, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var d flowDocument
	return d, json.Unmarshal(b, &d)
}

// serverW1 measures W1 from the request that starts the run until the run is over, against the fused statement.
func serverW1(ctx context.Context, b *Bench) (float64, *float64, error) {
	dir, err := b.data(ctx, full)
	if err != nil {
		return 0, nil, err
	}
	doc, err := readDocument(filepath.Join(dir, "w1.json"))
	if err != nil {
		return 0, nil, err
	}
	s, _, err := b.serve(ctx, dir)
	if err != nil {
		return 0, nil, err
	}
	id, err := create(ctx, s.Client, doc)
	if err != nil {
		return 0, nil, errors.Join(err, s.Stop())
	}
	ours := func(ctx context.Context) (float64, error) {
		began := time.Now()
		err := runFlow(ctx, s, id)
		return time.Since(began).Seconds(), err
	}
	limit := func(ctx context.Context) (float64, error) {
		u, err := b.TimeCommand(ctx, b.self, "limit", filepath.Join(dir, "w1.limit"), statements["w1"](dir))
		return u.Wall.Seconds(), err
	}
	if _, err := ours(ctx); err != nil { // warms the page cache for both
		return 0, nil, errors.Join(err, s.Stop())
	}
	p, err := b.Pairs(ctx, 5, ours, limit)
	if err = errors.Join(err, s.Stop()); err != nil {
		return 0, nil, err
	}
	return p.Result()
}

// create makes a flow and returns its id.
func create(ctx context.Context, c served.Client, doc any) (id string, err error) {
	var flow struct{ ID string }
	err = c.Call(ctx, http.MethodPost, "/api/v1/flows", map[string]any{"document": doc}, &flow)
	return flow.ID, err
}

// runFlow runs a flow to its end.
func runFlow(ctx context.Context, s *served.Server, flow string) error {
	var r struct{ ID, State string }
	if err := s.Call(ctx, http.MethodPost, "/api/v1/runs", map[string]any{"flow": flow}, &r); err != nil {
		return err
	}
	for r.State == "queued" || r.State == "running" {
		time.Sleep(10 * time.Millisecond)
		if err := s.Call(ctx, http.MethodGet, "/api/v1/runs/"+r.ID, nil, &r); err != nil {
			return err
		}
	}
	if r.State != "succeeded" {
		return fmt.Errorf("run %s ended as %s", r.ID, r.State)
	}
	return nil
}

// w1Nodes are looked at in this order.
var w1Nodes = []string{"orders", "filter", "derive", "sink"}

// preview asks for a preview of a node of W1 and returns the milliseconds until the whole answer is there. records
// distinguishes it from earlier ones: it must not come from memory.
func preview(ctx context.Context, s *served.Server, doc flowDocument, node string, records int) (float64, error) {
	var answer struct {
		Cached          bool
		Problems        []json.RawMessage
		Inputs, Outputs []struct{ Rows []json.RawMessage }
	}
	began := time.Now()
	err := s.Call(ctx, http.MethodPost, "/api/v1/preview", map[string]any{"document": doc, "node": node, "limit": records}, &answer)
	took := 1000 * time.Since(began).Seconds()
	shown := 0
	for _, p := range slices.Concat(answer.Inputs, answer.Outputs) {
		shown = max(shown, len(p.Rows))
	}
	if err == nil && (answer.Cached || len(answer.Problems) > 0 || shown < records/2) {
		err = fmt.Errorf("the preview of %s shows %d of %d records, cached %t, problems %s", node, shown, records, answer.Cached, answer.Problems)
	}
	return took, err
}

// previewWarm is the slowest node's median with a warm executor process, nothing cached.
func previewWarm(ctx context.Context, b *Bench) (float64, *float64, error) {
	dir, doc, err := b.w1(ctx)
	if err != nil {
		return 0, nil, err
	}
	s, _, err := b.serve(ctx, dir)
	if err != nil {
		return 0, nil, err
	}
	slowest := 0.0
	if _, err = preview(ctx, s, doc, "orders", 10); err == nil { // starts the process
		for _, node := range w1Nodes {
			var times []float64
			for i := range 9 {
				ms, previewErr := preview(ctx, s, doc, node, 1000-i)
				err = errors.Join(err, previewErr)
				times = append(times, ms)
			}
			fmt.Fprintf(b.Log, "preview of %s: median %.0f ms, largest %.0f ms\n", node, median(times), slices.Max(times))
			slowest = max(slowest, median(times))
		}
	}
	return slowest, nil, errors.Join(err, s.Stop())
}

// previewCold is the slowest node's median where the preview has to start the executor process.
func previewCold(ctx context.Context, b *Bench) (float64, *float64, error) {
	dir, doc, err := b.w1(ctx)
	if err != nil {
		return 0, nil, err
	}
	slowest := 0.0
	for _, node := range w1Nodes {
		var times []float64
		for range 3 {
			s, _, err := b.serve(ctx, dir)
			if err != nil {
				return 0, nil, err
			}
			ms, err := preview(ctx, s, doc, node, 1000)
			if err = errors.Join(err, s.Stop()); err != nil {
				return 0, nil, err
			}
			times = append(times, ms)
		}
		slowest = max(slowest, median(times))
	}
	return slowest, nil, nil
}

func (b *Bench) w1(ctx context.Context) (dir string, doc flowDocument, err error) {
	if dir, err = b.data(ctx, full); err == nil {
		doc, err = readDocument(filepath.Join(dir, "w1.json"))
	}
	return dir, doc, err
}

// writing is the document with the last node writing another file.
func (d flowDocument) writing(path string) (flowDocument, error) {
	var nodes []map[string]any
	if err := json.Unmarshal(d["nodes"], &nodes); err != nil {
		return nil, err
	}
	nodes[len(nodes)-1]["config"].(map[string]any)["path"] = path
	text, err := json.Marshal(nodes)
	other := maps.Clone(d)
	other["nodes"] = text
	return other, err
}
