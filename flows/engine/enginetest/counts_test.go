package enginetest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/flows/plan"
)

var update = flag.Bool("update", false, "write the goldens")

// TestCountsGolden pins what the counts of flows with each kind of operator are: they are what people reconcile.
func TestCountsGolden(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/counts/*.json")
	if err != nil || len(names) < 6 {
		t.Fatalf("%d flows, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := flows.ParseFlow(b)
			if err != nil {
				t.Fatal(err)
			}
			got := countsOf(t, f)
			golden := strings.TrimSuffix(name, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// countsOf runs a flow over numbers.csv and returns one line of JSON per node.
func countsOf(t *testing.T, f *flows.Flow) []byte {
	t.Helper()
	dir := t.TempDir()
	var data bytes.Buffer
	data.WriteString("id,word\n1,one\n2,two\n3,\n4,four\nfive,5\n6,six\n7,seven\n8,eight\n")
	if err := os.WriteFile(filepath.Join(dir, "numbers.csv"), data.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	e, files, err := embedded(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, ps := plan.Compile(f, plan.Options{Lookup: e, Engines: []plan.Engine{e}})
	if ps.Failed() {
		t.Fatal(ps)
	}
	statuses, err := e.Run(t.Context(), p, engine.Env{Files: files, Temp: t.TempDir(), Threads: 2, Reject: func(node.Reject) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, s := range statuses {
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}
