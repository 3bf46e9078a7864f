package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"spark/flows"
	"spark/internal/served"
)

const (
	heavyRuns = 4
	lightRuns = 50
)

// manyFigures are about runs that share one server.
func manyFigures() []Figure {
	return []Figure{
		{Name: "many", Unit: "s", Goal: goal(1.1), OfRatio: true, Better: Lower, Run: many},
		{Name: "many-light", Unit: "s", Better: Lower, Run: manyLight(startDelay)},
		{Name: "many-light-rss", Unit: "MB", Better: Lower, Run: manyLight(peakRSS)},
		{Name: "many-cancel", Unit: "ms", Goal: goal(300), Better: Lower, Run: manyCancel},
	}
}

// flows makes n flows of W2 or of another document that write files of their own.
func (b *Bench) flows(ctx context.Context, s *served.Server, n int, doc func(i int) any) ([]string, error) {
	var ids []string
	for i := range n {
		id, err := create(ctx, s.Client, doc(i))
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// many is the time of four runs of W2 that are started at once, against the four one after the other.
func many(ctx context.Context, b *Bench) (v float64, ratio *float64, err error) {
	dir, err := b.data(ctx, full)
	if err != nil {
		return 0, nil, err
	}
	docs := make([]flowDocument, heavyRuns)
	for i := range docs {
		if docs[i], err = readDocument(filepath.Join(dir, "w2.json")); err != nil {
			return 0, nil, err
		}
		if docs[i], err = docs[i].writing(fmt.Sprintf("many-%d.csv", i)); err != nil {
			return 0, nil, err
		}
	}
	s, _, err := b.serve(ctx, dir)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	ids, err := b.flows(ctx, s, heavyRuns, func(i int) any { return docs[i] })
	if err != nil {
		return 0, nil, err
	}
	together := func(ctx context.Context) (float64, error) {
		began := time.Now()
		err := allOf(len(ids), func(i int) error { return runFlow(ctx, s, ids[i]) })
		return time.Since(began).Seconds(), err
	}
	one := func(ctx context.Context) (float64, error) {
		began := time.Now()
		for _, id := range ids {
			if err := runFlow(ctx, s, id); err != nil {
				return 0, err
			}
		}
		return time.Since(began).Seconds(), nil
	}
	return b.pairsOf(ctx, enginePairs, together, one)
}

// allOf calls do for 0 to n-1, all at once.
func allOf(n int, do func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// lightFlow reads a few records and takes a moment: it is what many schedules do.
func lightFlow(i int) any {
	return chain(node("orders", "sample.data", map[string]any{"dataset": "orders", "records": 10_000}),
		node("filter", "filter", map[string]any{"condition": "quantity > 3"}),
		node("file", "file.output", map[string]any{"path": fmt.Sprintf("light-%d.csv", i), "format": "csv"}))
}

// lightRun is what a light run tells.
type lightRun struct {
	ID, State          string
	CreatedAt          time.Time
	StartedAt, EndedAt time.Time
	Read               int64
	Error              *flows.Error
}

// until asks for the run until something is so of it. It asks seldom, because fifty ask.
func (r *lightRun) until(ctx context.Context, s *served.Server, is func() bool) error {
	for !is() {
		time.Sleep(200 * time.Millisecond)
		if err := s.Call(ctx, http.MethodGet, "/api/v1/runs/"+r.ID, nil, r); err != nil {
			return err
		}
	}
	return nil
}

type lightResult struct {
	runs []lightRun
	rss  int64 // largest of the server and all its executors
	wall time.Duration
}

func startDelay(r lightResult) float64 {
	var delays []float64
	for _, run := range r.runs {
		delays = append(delays, run.StartedAt.Sub(run.CreatedAt).Seconds())
	}
	return percentile(delays, 95)
}

func peakRSS(r lightResult) float64 { return float64(r.rss) / (1 << 20) }

// manyLight starts fifty light runs at once and waits for all of them; each must have done its work and left nothing.
func manyLight(what func(lightResult) float64) func(context.Context, *Bench) (float64, *float64, error) {
	return func(ctx context.Context, b *Bench) (v float64, _ *float64, err error) {
		s, _, err := b.serve(ctx, b.Folder)
		if err != nil {
			return 0, nil, err
		}
		defer func() { err = errors.Join(err, s.Stop()) }()
		ids, err := b.flows(ctx, s, lightRuns, lightFlow)
		if err != nil {
			return 0, nil, err
		}
		ended, peak := make(chan struct{}), make(chan int64)
		go func() { peak <- watchRSS(s.PID(), ended) }()
		r, err := lightly(ctx, s, ids)
		close(ended)
		r.rss = <-peak
		if err == nil {
			err = nothingLeft(s)
		}
		fmt.Fprintf(b.Log, "%d light runs: %v in all, p95 start delay %.2f s, %d MB\n", lightRuns, r.wall.Round(time.Millisecond), startDelay(r), r.rss>>20)
		return what(r), nil, err
	}
}

func lightly(ctx context.Context, s *served.Server, ids []string) (r lightResult, err error) {
	began := time.Now()
	r.runs = make([]lightRun, len(ids))
	err = allOf(len(ids), func(i int) error {
		run := &r.runs[i]
		if err := s.Call(ctx, http.MethodPost, "/api/v1/runs", map[string]any{"flow": ids[i]}, run); err != nil {
			return err
		}
		if err := run.until(ctx, s, func() bool { return !run.EndedAt.IsZero() }); err != nil {
			return err
		}
		if run.State != "succeeded" || run.Read != 10_000 {
			return fmt.Errorf("run %s ended as %s having read %d records", run.ID, run.State, run.Read)
		}
		return nil
	})
	r.wall = time.Since(began)
	return r, err
}

// nothingLeft reports children of the server that are still there, and temp folders of its runs.
func nothingLeft(s *served.Server) error {
	for range 100 { // a child ends after the run has been told to be over
		if descendants(s.PID()) == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := descendants(s.PID()); n > 0 {
		return fmt.Errorf("%d processes are left behind", n)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("spark-run-*-%d-*", s.PID())))
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("temp folders are left behind: %v", left)
	}
	return err
}

// manyCancel is the time from asking to the end of a run, the 95th percentile over fifty that go on and are asked to end
// at once.
func manyCancel(ctx context.Context, b *Bench) (v float64, _ *float64, err error) {
	s, _, err := b.serve(ctx, b.Folder)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	ids, err := b.flows(ctx, s, lightRuns, func(int) any {
		doc := endlessFlow()
		doc["settings"] = map[string]any{"memoryMB": 340}
		return doc
	})
	if err != nil {
		return 0, nil, err
	}
	runs := make([]lightRun, len(ids))
	if err := allOf(len(ids), func(i int) error {
		return s.Call(ctx, http.MethodPost, "/api/v1/runs", map[string]any{"flow": ids[i]}, &runs[i])
	}); err != nil {
		return 0, nil, err
	}
	if err := allOf(len(runs), func(i int) error {
		r := &runs[i]
		err := r.until(ctx, s, func() bool { return r.Read > 0 || !r.EndedAt.IsZero() })
		if err == nil && !r.EndedAt.IsZero() {
			err = fmt.Errorf("run %s ended as %s by itself: %v", r.ID, r.State, r.Error)
		}
		return err
	}); err != nil {
		return 0, nil, err
	}
	times := make([]float64, len(runs))
	err = allOf(len(runs), func(i int) error {
		r := &runs[i]
		began := time.Now()
		if err := s.Call(ctx, http.MethodPost, "/api/v1/runs/"+r.ID+"/cancel", nil, nil); err != nil {
			return err
		}
		err := r.until(ctx, s, func() bool { return !r.EndedAt.IsZero() })
		times[i] = 1000 * r.EndedAt.Sub(began).Seconds()
		if err == nil && r.State != "cancelled" {
			err = fmt.Errorf("the cancelled run %s ended as %s", r.ID, r.State)
		}
		return err
	})
	fmt.Fprintf(b.Log, "%d runs were cancelled at once: median %.0f ms\n", len(runs), median(times))
	if err == nil {
		err = nothingLeft(s)
	}
	return percentile(times, 95), nil, err
}
