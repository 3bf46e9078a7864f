package enginetest_test

import (
	"fmt"
	"os"
	"testing"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/flows/plan"
)

// TestStop: the run fails with the message and names the record, nothing is written, and a limit behind the Stop does not
// keep it from seeing a record far down. A preview shows the record.
func TestStop(t *testing.T) {
	t.Parallel()
	for condition, want := range map[string]struct{ message, expected string }{
		"order_id = 90000": {"'order ' || cast(order_id as text)", "order 90000"},
		"order_id = 89999": {"cast(null as text)", "a record arrived that must not be"},
		"order_id < 0":     {"'none'", ""},
	} {
		t.Run(condition, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			document := fmt.Sprintf(`{"format":1,"name":"stop","nodes":[{"id":"orders","type":"sample.data","version":1,"config":{"dataset":"orders","records":100000}},
				{"id":"stop","type":"stop","version":1,"config":{"condition":"%s","message":"%s"}},{"id":"top","type":"limit","version":1,"config":{"count":3}},
				{"id":"out","type":"file.output","version":1,"config":{"path":"o.csv","format":"csv"}}],
				"edges":[{"from":{"node":"orders","port":"out"},"to":{"node":"stop","port":"in"}},{"from":{"node":"stop","port":"out"},"to":{"node":"top","port":"in"}},
				{"from":{"node":"top","port":"out"},"to":{"node":"out","port":"in"}}]}`, condition, want.message)
			err := runUntil(t, dir, document, plan.Options{})
			e := flows.AsError(err)
			switch {
			case want.expected == "" && err != nil:
				t.Fatal(err)
			case want.expected != "" && (e == nil || e.Code != "stop.reached" || e.Message != want.expected || e.Path.Node != "stop"):
				t.Fatalf("%v", err)
			}
			if files, err := os.ReadDir(dir); err != nil || (len(files) > 0) != (want.expected == "") {
				t.Errorf("%d files, %v", len(files), err)
			}
			if err := runUntil(t, dir, document, plan.Options{Until: "stop", Preview: 100000}); err != nil {
				t.Errorf("the preview: %v", err)
			}
		})
	}
}

func runUntil(t *testing.T, dir, document string, o plan.Options) error {
	t.Helper()
	f, err := flows.ParseFlow([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	e, files, err := embedded(dir)
	if err != nil {
		t.Fatal(err)
	}
	o.Lookup, o.Engines = node.Looking(e, nil), []plan.Engine{e}
	p, ps := plan.Compile(f, o)
	if ps.Failed() {
		t.Fatal(ps)
	}
	_, err = e.Run(t.Context(), p, engine.Env{Files: files, Temp: t.TempDir(), Threads: 2, Reject: func(node.Reject) error { return nil }})
	return err
}
