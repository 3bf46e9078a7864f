package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// figures are measured in this order.
func figures() []Figure {
	fs := []Figure{
		{Name: "version", Unit: "ms", Goal: goal(100), Better: Lower, Run: version},
		{Name: "w1", Unit: "s", Goal: goal(1.15), OfRatio: true, Better: Lower, Run: workload("w1", full, 5)},
		{Name: "w1-rss", Unit: "MB", Better: Lower, Run: peak("w1", full)},
		{Name: "w1-tenth", Unit: "s", Goal: goal(1.15), OfRatio: true, Better: Lower, Run: workload("w1", tenth, 9)},
		{Name: "w2", Unit: "s", Goal: goal(1.15), OfRatio: true, Better: Lower, Run: workload("w2", full, 5)},
		{Name: "w2-rss", Unit: "MB", Better: Lower, Run: peak("w2", full)},
		{Name: "w2-tenth", Unit: "s", Goal: goal(1.15), OfRatio: true, Better: Lower, Run: workload("w2", tenth, 9)},
		{Name: "cancel", Unit: "ms", Goal: goal(300), Better: Lower, Run: cancel},
	}
	fs = append(fs, engineFigures()...)
	fs = append(fs, jsonFigures()...)
	fs = append(fs, spillFigures()...)
	fs = append(fs, postgresFigures()...)
	fs = append(fs, mysqlFigures()...)
	fs = append(fs, restFigures()...)
	fs = append(fs, sendFigures()...)
	fs = append(fs, manyFigures()...)
	fs = append(fs, serverFigures()...)
	fs = append(fs, previewFigures()...)
	fs = append(fs, viewerFigures()...)
	fs = append(fs, browserFigures()...)
	fs = append(fs, canvasFigures()...)
	return append(fs, nodeFigures()...)
}

func goal(v float64) *float64 { return &v }

// version is the time the program needs to start and to end: the least that any command costs.
func version(ctx context.Context, b *Bench) (float64, *float64, error) {
	var times []float64
	for range 10 {
		u, err := b.TimeCommand(ctx, b.Spark, "version")
		if err != nil {
			return 0, nil, err
		}
		times = append(times, 1000*u.Wall.Seconds())
	}
	return median(times), nil, nil
}

// workload measures `spark run` of a flow, start-up and all checks included, against one fused statement in a DuckDB
// process with its default optimizers. Both write a file and fsync it.
func workload(name string, s size, pairs int) func(context.Context, *Bench) (float64, *float64, error) {
	return func(ctx context.Context, b *Bench) (float64, *float64, error) {
		dir, err := b.data(ctx, s)
		if err != nil {
			return 0, nil, err
		}
		flow, sql, out := filepath.Join(dir, name+".json"), statements[name](dir), filepath.Join(dir, name+".limit")
		ours := func(ctx context.Context) (float64, error) {
			u, err := b.TimeCommand(ctx, b.Spark, "run", flow, "--folder", dir)
			return u.Wall.Seconds(), err
		}
		limit := func(ctx context.Context) (float64, error) {
			u, err := b.TimeCommand(ctx, b.self, "limit", out, sql)
			return u.Wall.Seconds(), err
		}
		if _, err := ours(ctx); err != nil { // warms the page cache for both
			return 0, nil, err
		}
		p, err := b.Pairs(ctx, pairs, ours, limit)
		if err != nil {
			return 0, nil, err
		}
		return p.Result()
	}
}

// peak is the largest memory of a run, parent and child together.
func peak(name string, s size) func(context.Context, *Bench) (float64, *float64, error) {
	return func(ctx context.Context, b *Bench) (float64, *float64, error) {
		dir, err := b.data(ctx, s)
		if err != nil {
			return 0, nil, err
		}
		u, err := b.TimeCommand(ctx, b.Spark, "run", filepath.Join(dir, name+".json"), "--folder", dir)
		return float64(u.PeakRSS) / (1 << 20), nil, err
	}
}

// perSecond measures a flow over n records and returns millions of records per second.
func (b *Bench) perSecond(ctx context.Context, flow, dir string, n int) (float64, *float64, error) {
	var rates []float64
	for range 3 {
		u, err := b.TimeCommand(ctx, b.Spark, running(flow, dir)...)
		if err != nil {
			return 0, nil, fmt.Errorf("%s: %w", filepath.Base(flow), err)
		}
		rates = append(rates, float64(n)/1e6/u.Wall.Seconds())
	}
	return median(rates), nil, nil
}
