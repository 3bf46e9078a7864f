package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
)

// sendFigures are calls for records on loopback against a plain Go client that makes the same ones, as many at once.
func sendFigures() []Figure {
	return []Figure{{Name: "http-request", Unit: "s", Goal: goal(1.3), OfRatio: true, Better: Lower, Run: httpRequest}}
}

const (
	sentRecords = 100_000
	sentAtOnce  = 16
)

// takingServer answers each record with a little JSON.
func takingServer() (*httptest.Server, *atomic.Int64) {
	var taken atomic.Int64
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		taken.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"taken": true}`)
	})), &taken
}

func httpRequest(ctx context.Context, b *Bench) (float64, *float64, error) {
	api, taken := takingServer()
	defer api.Close()
	dir, err := os.MkdirTemp("", "spark-bench-send-")
	if err != nil {
		return 0, nil, err
	}
	defer os.RemoveAll(dir)
	flow := fmt.Sprintf(`{"format": 1, "name": "send", "nodes": [
		{"id": "read", "type": "sample.data", "version": 1, "config": {"dataset": "orders", "records": %d}},
		{"id": "call", "type": "http.request", "version": 1, "config": {"url": %q, "method": "POST", "send": "template", "body": "{\"id\": [order_id], \"quantity\": [quantity]}", "parallel": %d}},
		{"id": "write", "type": "file.output", "version": 1, "config": {"path": "out.csv", "format": "csv"}}],
		"edges": [{"from": {"node": "read", "port": "out"}, "to": {"node": "call", "port": "in"}}, {"from": {"node": "call", "port": "out"}, "to": {"node": "write", "port": "in"}}]}`, sentRecords, api.URL+"/", sentAtOnce)
	file := filepath.Join(dir, "send.json")
	if err := os.WriteFile(file, []byte(flow), 0o600); err != nil {
		return 0, nil, err
	}
	ours := func(ctx context.Context) (float64, error) {
		before := taken.Load()
		u, err := b.TimeCommand(ctx, b.Spark, "run", file, "--folder", dir, "--allow-network", "loopback")
		if n := taken.Load() - before; err == nil && n != sentRecords {
			return 0, fmt.Errorf("%d records were sent", n)
		}
		return u.Wall.Seconds(), err
	}
	if _, err := ours(ctx); err != nil { // warms both
		return 0, nil, err
	}
	p, err := b.Pairs(ctx, 3, ours, func(ctx context.Context) (float64, error) {
		u, err := b.TimeCommand(ctx, b.self, "send", api.URL)
		return u.Wall.Seconds(), err
	})
	if err != nil {
		return 0, nil, err
	}
	return p.Result()
}

// sendAll is the plain client, in a process of its own as ours is: the server's own goroutines would wake it for less.
func sendAll(ctx context.Context, address string) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: sentAtOnce, MaxIdleConnsPerHost: sentAtOnce}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	var once sync.Once
	var failed error
	var wg sync.WaitGroup
	for range sentAtOnce {
		wg.Go(func() {
			for n := next.Add(1); n <= sentRecords; n = next.Add(1) {
				if err := sendOne(ctx, client, address, n); err != nil {
					once.Do(func() { failed = err })
					return
				}
			}
		})
	}
	wg.Wait()
	return failed
}

func sendOne(ctx context.Context, client *http.Client, address string, n int64) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/", strings.NewReader(fmt.Sprintf(`{"id": %d, "quantity": %d}`, n, n%10)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", fmt.Sprint(n))
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.ReadAll(res.Body)
	return err
}
