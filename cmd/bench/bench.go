package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// Bench is what figures measure with.
type Bench struct {
	Spark  string    // the program that is measured
	Folder string    // for data; removed at the end
	Log    io.Writer // every single measurement
	self   string    // this program, for the limits it is compared with
}

// Usage is what a command took.
type Usage struct {
	Wall    time.Duration
	CPU     time.Duration // of the command and the children it waited for
	PeakRSS int64         // bytes, of the command and all processes below it
	Stdout  []byte
}

// Pairs are measurements of ours against the limit.
type Pairs struct {
	Ours, Limit []float64
}

// Pairs measures n times ours, limit, ours, limit …: what changes on the machine meanwhile hits both. Every
// measurement counts; a figure that needs a warm-up makes one itself.
func (b *Bench) Pairs(ctx context.Context, n int, ours, limit func(context.Context) (float64, error)) (Pairs, error) {
	var p Pairs
	for i := range n {
		o, err := ours(ctx)
		if err != nil {
			return p, fmt.Errorf("ours, pair %d: %w", i+1, err)
		}
		l, err := limit(ctx)
		if err != nil {
			return p, fmt.Errorf("limit, pair %d: %w", i+1, err)
		}
		p.Ours, p.Limit = append(p.Ours, o), append(p.Limit, l)
		fmt.Fprintf(b.Log, "pair %d of %d: %s against %s, ratio %s\n", i+1, n, number(&o), number(&l), number(new(o/l)))
	}
	return p, nil
}

// Result is the median of ours and the median of the ratios, which is not the ratio of the medians.
func (p Pairs) Result() (value float64, ratio *float64, err error) {
	if len(p.Ours) == 0 || len(p.Ours) != len(p.Limit) {
		return 0, nil, errors.New("there are no whole pairs")
	}
	ratios := make([]float64, len(p.Ours))
	for i := range ratios {
		ratios[i] = p.Ours[i] / p.Limit[i]
	}
	r := median(ratios)
	if math.IsNaN(r) || math.IsInf(r, 0) {
		return 0, nil, fmt.Errorf("the limit was measured as nothing: ratios %v", ratios)
	}
	return median(p.Ours), &r, nil
}

// median of no values is not a number.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(values))
	m := len(s) / 2
	if len(s)%2 == 1 {
		return s[m]
	}
	return (s[m-1] + s[m]) / 2
}

// percentile is the smallest value that at least so many percent of the values do not exceed; of no values it is not a
// number.
func percentile(values []float64, percent int) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(values))
	return s[(len(s)*percent+99)/100-1]
}
