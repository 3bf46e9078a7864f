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
			got := countsOf(t, string(b))
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
func countsOf(t *testing.T, document string) []byte {
	t.Helper()
	dir := t.TempDir()
	var data bytes.Buffer
	data.WriteString("id,word\n1,one\n2,two\n3,\n4,four\nfive,5\n6,six\n7,seven\n8,eight\n")
	if err := os.WriteFile(filepath.Join(dir, "numbers.csv"), data.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, s := range runFlow(t, dir, document, nil) {
		s.Activity = nil // times
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}
