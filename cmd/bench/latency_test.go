package main

import (
	"slices"
	"testing"

	"spark/flows"
)

func at(ms float64, node string) event {
	return event{ms, flows.NodeStatus{Node: node}}
}

// A count waits until it, or a later one of its node, is shown; what changes no text waits for nothing.
func TestDelays(t *testing.T) {
	t.Parallel()
	events := []event{at(0, "a"), at(100, "a"), at(100, "b"), at(200, "a"), at(300, "a"), at(300, "b")}
	texts := []string{"", "1.0 k rec", "5 rec", "1.0 k rec", "2.0 k rec", "9 rec"}
	page := []shown{{"a", "1.0 k rec", 150}, {"b", "9 rec", 340}, {"a", "", 350}, {"a", "2.0 k rec", 360}, {"a", "2.0 k rec", 900}}
	ms, err := delays(events, texts, page)
	slices.Sort(ms)
	if err != nil || !slices.Equal(ms, []float64{40, 50, 60, 240}) {
		t.Errorf("%v, %v", ms, err)
	}
	if _, err := delays(events, texts, page[:3]); err == nil {
		t.Error("a count that was never shown has a delay")
	}
	if _, err := delays(nil, nil, page); err == nil {
		t.Error("no counts have delays")
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	twenty := make([]float64, 20)
	for i := range twenty {
		twenty[i] = float64(20 - i)
	}
	if got := []float64{percentile(twenty, 95), percentile(twenty, 100), percentile(twenty, 50), percentile([]float64{7}, 95)}; !slices.Equal(got, []float64{19, 20, 10, 7}) {
		t.Error(got)
	}
}
