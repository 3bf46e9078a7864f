package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"
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

// server is a running `spark serve`.
type server struct {
	cmd  *exec.Cmd
	base string // http://127.0.0.1:port
	key  string
	took time.Duration // from its start until it was ready
	log  *bytes.Buffer
}

var printedAddress = regexp.MustCompile(`(http://[^/\s]+)/login\?key=(\S+)`)

// serve starts a server on a fresh data folder whose flows may also read and write dir.
func (b *Bench) serve(ctx context.Context, dir string) (*server, error) {
	data, err := os.MkdirTemp(b.Folder, "serve-")
	if err != nil {
		return nil, err
	}
	s := &server{log: &bytes.Buffer{}}
	s.cmd = exec.CommandContext(ctx, b.Spark, "serve", "--listen", "127.0.0.1:0", "--data", data, "--folder", dir)
	s.cmd.Stderr = s.log
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 20 * time.Second
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := printedAddress.FindStringSubmatch(lines.Text()); m != nil {
			s.base, s.key = m[1], m[2]
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // what it goes on to say
	if s.base == "" {
		return nil, fmt.Errorf("the server printed no address: %w\n%s", s.stop(), s.log)
	}
	if err := s.call(ctx, http.MethodGet, "/readyz", nil, nil); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.took = time.Since(began)
	return s, nil
}

func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("the server ended with %w\n%s", err, s.log)
	}
	return nil
}

// call makes a request as the owner's program.
func (s *server) call(ctx context.Context, method, path string, body, answer any) error {
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, reader)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, b)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(b, answer)
}

// ready is the time from the start of the process until it answers that it is ready.
func ready(ctx context.Context, b *Bench) (float64, *float64, error) {
	var times []float64
	for range 5 {
		s, err := b.serve(ctx, b.Folder)
		if err != nil {
			return 0, nil, err
		}
		times = append(times, s.took.Seconds())
		if err := s.stop(); err != nil {
			return 0, nil, err
		}
	}
	return median(times), nil, nil
}

// idleRSS is the memory of a server to which nothing has been asked, two seconds after it was ready.
func idleRSS(ctx context.Context, b *Bench) (float64, *float64, error) {
	s, err := b.serve(ctx, b.Folder)
	if err != nil {
		return 0, nil, err
	}
	time.Sleep(2 * time.Second)
	rss := treeRSS(s.cmd.Process.Pid)
	return float64(rss) / (1 << 20), nil, s.stop()
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
	s, err := b.serve(ctx, dir)
	if err != nil {
		return 0, nil, err
	}
	var flow struct{ ID string }
	if err := s.call(ctx, http.MethodPost, "/api/v1/flows", map[string]any{"document": doc}, &flow); err != nil {
		return 0, nil, errors.Join(err, s.stop())
	}
	ours := func(ctx context.Context) (float64, error) {
		began := time.Now()
		err := s.run(ctx, flow.ID)
		return time.Since(began).Seconds(), err
	}
	limit := func(ctx context.Context) (float64, error) {
		u, err := b.TimeCommand(ctx, b.self, "limit", filepath.Join(dir, "w1.limit"), statements["w1"](dir))
		return u.Wall.Seconds(), err
	}
	if _, err := ours(ctx); err != nil { // warms the page cache for both
		return 0, nil, errors.Join(err, s.stop())
	}
	p, err := b.Pairs(ctx, 5, ours, limit)
	if err = errors.Join(err, s.stop()); err != nil {
		return 0, nil, err
	}
	return p.Result()
}

// run runs a flow to its end.
func (s *server) run(ctx context.Context, flow string) error {
	var r struct{ ID, State string }
	if err := s.call(ctx, http.MethodPost, "/api/v1/runs", map[string]any{"flow": flow}, &r); err != nil {
		return err
	}
	for r.State == "queued" || r.State == "running" {
		time.Sleep(10 * time.Millisecond)
		if err := s.call(ctx, http.MethodGet, "/api/v1/runs/"+r.ID, nil, &r); err != nil {
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
func (s *server) preview(ctx context.Context, doc flowDocument, node string, records int) (float64, error) {
	var answer struct {
		Cached          bool
		Problems        []json.RawMessage
		Inputs, Outputs []struct{ Rows []json.RawMessage }
	}
	began := time.Now()
	err := s.call(ctx, http.MethodPost, "/api/v1/preview", map[string]any{"document": doc, "node": node, "limit": records}, &answer)
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
	s, err := b.serve(ctx, dir)
	if err != nil {
		return 0, nil, err
	}
	slowest := 0.0
	if _, err = s.preview(ctx, doc, "orders", 10); err == nil { // starts the process
		for _, node := range w1Nodes {
			var times []float64
			for i := range 9 {
				ms, previewErr := s.preview(ctx, doc, node, 1000-i)
				err = errors.Join(err, previewErr)
				times = append(times, ms)
			}
			fmt.Fprintf(b.Log, "preview of %s: median %.0f ms, largest %.0f ms\n", node, median(times), slices.Max(times))
			slowest = max(slowest, median(times))
		}
	}
	return slowest, nil, errors.Join(err, s.stop())
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
			s, err := b.serve(ctx, dir)
			if err != nil {
				return 0, nil, err
			}
			ms, err := s.preview(ctx, doc, node, 1000)
			if err = errors.Join(err, s.stop()); err != nil {
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
