package plan_test

import (
	"slices"
	"testing"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// TestPreviewOfUnion: a preview reads the first records of everything that enters a port with many edges, and all records
// of a join's other side.
func TestPreviewOfUnion(t *testing.T) {
	t.Parallel()
	f, err := flows.ParseFlow([]byte(`{"format":1,"name":"x","nodes":[{"id":"a","type":"sample.data","version":1},{"id":"b","type":"sample.data","version":1},
		{"id":"c","type":"sample.data","version":1},{"id":"j","type":"join","version":1,"config":{"keys":[{"left":"order_id","right":"order_id"}]}},
		{"id":"u","type":"union","version":1}],
		"edges":[{"from":{"node":"a","port":"out"},"to":{"node":"u","port":"in"}},{"from":{"node":"b","port":"out"},"to":{"node":"j","port":"left"}},
		{"from":{"node":"c","port":"out"},"to":{"node":"j","port":"right"}},{"from":{"node":"j","port":"out"},"to":{"node":"u","port":"in"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	p, ps := plan.Compile(f, plan.Options{Engines: []plan.Engine{anything{}}, Until: "u", Preview: 7})
	if ps.Failed() || !slices.Equal(p.Driving, []string{"a", "b"}) {
		t.Errorf("driven by %v, %v", p.Driving, ps)
	}
	for id, limit := range map[string]int64{"a": 7, "b": 7, "c": 0} {
		if read := p.Find(id).Results[node.Out].Op.(node.Read); read.Limit != limit {
			t.Errorf("%s is read up to %d records", id, read.Limit)
		}
	}
}
