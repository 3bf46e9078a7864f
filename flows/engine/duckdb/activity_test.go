package duckdb

import (
	"testing"
	"time"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

func TestBottleneck(t *testing.T) {
	t.Parallel()
	now := time.Now()
	took := func(share float64) *spent {
		var s spent
		s.total.Store(int64(share * float64(10*time.Second)))
		return &s
	}
	source := func(id string, blocked, starved float64) *feed {
		f := &feed{ref: plan.Ref{Node: id, Port: "out"}}
		f.blocked.total.Store(int64(blocked * float64(10*time.Second)))
		f.starved.total.Store(int64(starved * float64(10*time.Second)))
		return f
	}
	step := func(id string, op node.Op) *plan.Step {
		return &plan.Step{Ref: plan.Ref{Node: id, Port: "out"}, Op: op}
	}
	sink := &plan.Node{Node: flows.Node{ID: "sink"}}
	busy, idle := took(0.8), took(0.1)
	for name, c := range map[string]struct {
		feeds   []*feed
		writing *spent
		steps   []*plan.Step
		before  time.Duration
		want    string
	}{
		"the target is slow":               {feeds: []*feed{source("in", 0.9, 0)}, writing: busy, want: "sink"},
		"the source is slow":               {feeds: []*feed{source("in", 0, 0.9)}, writing: idle, want: "in"},
		"the slower of two sources":        {feeds: []*feed{source("a", 0, 0.6), source("b", 0, 0.7)}, want: "b"},
		"one node between":                 {feeds: []*feed{source("in", 0.9, 0)}, writing: idle, steps: []*plan.Step{step("in", node.Read{}), step("f", node.Filter{}), step("sort", node.Sort{})}, want: "sort"},
		"several nodes between":            {feeds: []*feed{source("in", 0.9, 0)}, steps: []*plan.Step{step("sort", node.Sort{}), step("sum", node.Aggregate{})}},
		"the engine writes all that comes": {feeds: []*feed{source("in", 0.9, 0)}, steps: []*plan.Step{step("in", node.Read{}), step("f", node.Filter{})}, want: "sink"},
		"nobody waits for long":            {feeds: []*feed{source("in", 0.3, 0.3)}, writing: idle},
		"too early to tell":                {feeds: []*feed{source("in", 0, 0.9)}, before: 9900 * time.Millisecond},
	} {
		a := &activity{began: now.Add(c.before - 10*time.Second), feeds: c.feeds, writing: c.writing}
		if got := a.bottleneck(&plan.Stage{Sink: sink, Steps: c.steps}, a.elapsed(now), now); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestSpentCountsWhileItLasts: what is not over yet is counted, and once.
func TestSpentCountsWhileItLasts(t *testing.T) {
	t.Parallel()
	var s spent
	s.begin()
	began := time.Unix(0, s.since.Load())
	if d := s.until(began.Add(time.Second)); d != time.Second {
		t.Errorf("after a second %v", d)
	}
	s.end()
	if d := s.until(began.Add(time.Hour)); d > time.Minute {
		t.Errorf("%v went on after the end", d)
	}
}
