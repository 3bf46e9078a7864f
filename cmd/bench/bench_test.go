package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}, {[]float64{1, 1, 100}, 1}} {
		before := append([]float64{}, c.values...)
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
		if diff := cmp.Diff(before, c.values); diff != "" {
			t.Errorf("median changed its argument:\n%s", diff)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
}

func TestPairsAlternateAndRatioIsMedianOfRatios(t *testing.T) {
	t.Parallel()
	var order strings.Builder
	series := func(mark byte, values ...float64) func(context.Context) (float64, error) {
		i := -1
		return func(context.Context) (float64, error) {
			order.WriteByte(mark)
			i++
			return values[i], nil
		}
	}
	b := &Bench{Log: io.Discard}
	// The machine is ten times as slow during the last pair. The ratio of the medians would be 3.
	p, err := b.Pairs(t.Context(), 3, series('o', 2, 6, 40), series('l', 1, 2, 20))
	if err != nil {
		t.Fatal(err)
	}
	if order.String() != "ololol" {
		t.Errorf("order = %s", order.String())
	}
	value, ratio, err := p.Result()
	if err != nil || value != 6 || *ratio != 2 {
		t.Errorf("result = %v, %v, %v; want 6, 2", value, *ratio, err)
	}
}

func TestPairsFailLoudly(t *testing.T) {
	t.Parallel()
	b := &Bench{Log: io.Discard}
	one := func(context.Context) (float64, error) { return 1, nil }
	zero := func(context.Context) (float64, error) { return 0, nil }
	fails := func(context.Context) (float64, error) { return 0, io.ErrUnexpectedEOF }
	if _, err := b.Pairs(t.Context(), 2, one, fails); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("limit fails: %v", err)
	}
	if _, err := b.Pairs(t.Context(), 2, fails, one); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ours fails: %v", err)
	}
	p, err := b.Pairs(t.Context(), 1, one, zero)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Result(); err == nil {
		t.Error("a limit of zero has a ratio")
	}
	if _, _, err := (Pairs{}).Result(); err == nil {
		t.Error("no pairs have a result")
	}
}

func result(v float64, ratio *float64) func(context.Context, *Bench) (float64, *float64, error) {
	return func(context.Context, *Bench) (float64, *float64, error) { return v, ratio, nil }
}

func TestRunPrintsAndWrites(t *testing.T) {
	t.Parallel()
	all := []Figure{
		{Name: "w1", Unit: "s", Goal: goal(4), Better: Lower, Run: result(3.5, new(1.02))},
		{Name: "w1.memory", Unit: "MB", Goal: goal(512), Better: Lower, Run: result(700.25, nil)},
		{Name: "w2", Unit: "s", Goal: goal(1.15), OfRatio: true, Better: Lower, Run: result(9, new(1.10))},
		{Name: "throughput", Unit: "records/s", Goal: goal(1e6), Better: Higher, Run: result(1234567.8, new(0.97))},
		{Name: "count", Better: Higher, Run: result(0, nil)},
		{Name: "broken", Unit: "s", Better: Lower, Run: func(context.Context, *Bench) (float64, *float64, error) { return 0, nil, io.ErrNoProgress }},
		{Name: "after", Unit: "s", Goal: goal(1), OfRatio: true, Better: Lower, Run: result(1, nil)},
	}
	file := filepath.Join(t.TempDir(), "bench.json")
	var out bytes.Buffer
	err := bench(t.Context(), []string{"-out", file}, all, &out, io.Discard)
	if !errors.Is(err, io.ErrNoProgress) || !strings.Contains(err.Error(), "broken") {
		t.Errorf("error = %v, want the one of the broken figure", err)
	}
	const want = `name               value  unit           ratio        goal  better
w1                   3.5  s               1.02           4  lower
w1.memory          700.2  MB                 -         512  lower  MISSED
w2                     9  s                1.1        1.15  lower
throughput       1234568  records/s       0.97     1000000  higher
count                  0  -                  -           -  higher
broken      FAILED
after                  1  s                  -           1  lower  MISSED
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	if err := json.Unmarshal(b, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 6 {
		t.Errorf("%d results in the file, want 6", len(rows))
	}
	first := map[string]any{"name": "w1", "value": 3.5, "unit": "s", "ratio": 1.02, "goal": 4.0, "better": "lower"}
	if diff := cmp.Diff(first, rows[0]); diff != "" {
		t.Errorf("first result (-want +got):\n%s", diff)
	}
	if v, there := rows[4]["ratio"]; v != nil || !there {
		t.Errorf("an empty ratio is written as %v", v)
	}
}

func TestAMissedGoalIsNoError(t *testing.T) {
	t.Parallel()
	all := []Figure{{Name: "slow", Goal: goal(1), Better: Lower, Run: result(2, nil)}}
	if err := bench(t.Context(), []string{"-out", filepath.Join(t.TempDir(), "b")}, all, io.Discard, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	all := []Figure{{Name: "w1", Better: Lower}, {Name: "w10", Better: Lower}, {Name: "w2", Better: Lower}, {Name: "cancel", Better: Lower}}
	for only, want := range map[string]string{"": "w1 w10 w2 cancel", "w1": "w1 w10", "cancel,w2": "w2 cancel", "w,w1": "w1 w10 w2"} {
		chosen, err := choose(all, only)
		names := []string{}
		for _, f := range chosen {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != want || err != nil {
			t.Errorf("-only %q = %s, %v; want %s", only, got, err, want)
		}
	}
	for _, only := range []string{"x", "w1,x", "w1,", ","} {
		if _, err := choose(all, only); err == nil {
			t.Errorf("-only %q chooses something", only)
		}
	}
	for _, bad := range [][]Figure{{{Name: "a", Better: Lower}, {Name: "a", Better: Lower}}, {{Better: Lower}}, {{Name: "a"}}, {{Name: "a,b", Better: Lower}}} {
		if _, err := choose(bad, ""); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
	if _, err := choose(figures(), ""); err != nil {
		t.Error(err)
	}
}
