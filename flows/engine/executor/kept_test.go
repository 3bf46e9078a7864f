package executor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "spark/connectors/all"
	"spark/connectors/folder"
	"spark/flows"
	"spark/flows/engine"
	"spark/flows/engine/duckdb"
	"spark/flows/engine/enginetest"
	"spark/flows/node"
	_ "spark/flows/transform/all"
)

// previewer is a guest that makes previews in this process.
func previewer(keep int64) *Guest {
	return &Guest{kept: keeper{limit: keep}, tools: Tools{
		Files: func(folders []string) (node.Files, error) { return folder.New(folders...) },
		Engine: func(folders []string, files node.Files, _ []string) engine.Engine {
			return &duckdb.Engine{Folders: folders, Files: files}
		},
	}}
}

// shown is all of a preview that must not depend on what was kept.
func shown(t *testing.T, g *Guest, flow *flows.Flow, dir, id string, limit int, modes ...flows.SampleMode) string {
	t.Helper()
	doc, err := flow.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]flows.SampleMode{}
	for i, mode := range modes {
		samples[flow.Nodes[i%len(flow.Nodes)].ID] = mode
	}
	v, err := g.preview(context.Background(), PreviewSpec{Document: doc, Node: id, Folders: []string{dir}, Temp: filepath.Join(dir, "temp"), Threads: 2, Limit: limit, Samples: samples})
	if err != nil {
		t.Fatal(err)
	}
	v.Took, v.At = 0, time.Time{}
	slices.SortStableFunc(v.Rejects, func(a, b flows.Reject) int { return strings.Compare(a.Node, b.Node) })
	slices.SortFunc(v.Files, func(a, b flows.SeenFile) int { return strings.Compare(a.Pattern+a.Path, b.Pattern+b.Path) })
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// edit changes something that previews depend on.
func edit(r *rand.Rand, f *flows.Flow) {
	n := &f.Nodes[r.IntN(len(f.Nodes))]
	switch r.IntN(3) {
	case 0:
		n.Disabled = !n.Disabled
	case 1:
		n.Rejects = []flows.RejectPolicy{flows.RejectStore, flows.RejectSkip, ""}[r.IntN(3)]
	case 2:
		n.Name = fmt.Sprint(r.IntN(9))
	}
}

// TestKeptPreviews: previews of edited flows are the same whether what was read before is used again or not.
func TestKeptPreviews(t *testing.T) {
	t.Parallel()
	count, reused, resumed := 40, 0, 0
	if testing.Short() {
		count = 15
	}
	for seed := range uint64(count) {
		dir := t.TempDir()
		flow, err := enginetest.Flow(seed, dir)
		if err != nil {
			t.Fatal(err)
		}
		keeping, plain := previewer(keptBytes), previewer(0)
		r := rand.New(rand.NewPCG(seed, 1))
		id, limit := flow.Nodes[r.IntN(len(flow.Nodes))].ID, []int{3, 1000}[r.IntN(2)]
		for range 8 {
			modes := make([]flows.SampleMode, len(flow.Nodes))
			for i := range modes {
				modes[i] = []flows.SampleMode{{Mode: flows.SampleFirst}, {Mode: flows.SampleRandom, Seed: 7}, {Mode: flows.SampleWhere, Where: "true"}}[(int(seed)+i)%3]
			}
			if got, want := shown(t, keeping, flow, dir, id, limit, modes...), shown(t, plain, flow, dir, id, limit, modes...); got != want {
				doc, _ := flow.Canonical()
				t.Fatalf("seed %d: with what was kept, %s shows %s\nand without %s\nflow: %s", seed, id, got, want, doc)
			}
			if r.IntN(2) == 0 { // the node that is looked at
				i := slices.IndexFunc(flow.Nodes, func(n flows.Node) bool { return n.ID == id })
				flow.Nodes[i].Rejects = []flows.RejectPolicy{flows.RejectStore, flows.RejectSkip, ""}[r.IntN(3)]
				continue
			}
			edit(r, flow)
			id, limit = flow.Nodes[r.IntN(len(flow.Nodes))].ID, []int{3, 1000}[r.IntN(2)]
		}
		resumed += keeping.kept.resumed
		reused += keeping.kept.hits
		if plain.kept.hits > 0 {
			t.Error("a guest that keeps nothing used something again")
		}
		keeping.kept.clear()
	}
	if reused < count || resumed < count {
		t.Errorf("%d flows used %d kept readings again and %d times the inputs of a node: too few to prove anything", count, reused, resumed)
	}
	t.Logf("%d flows used %d kept readings again and %d times the inputs of a node", count, reused, resumed)
}

// TestKeptFollowsFiles: a file that has changed is read again, and so is one that has not where that is asked for.
func TestKeptFollowsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a\n1\n")
	flow, err := flows.ParseFlow([]byte(`{"format":1,"name":"f","nodes":[{"id":"in","type":"file.input","version":1,"config":{"path":"a.csv","format":"csv","fields":[{"name":"a","type":"int64"}]}}],"edges":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	g := previewer(keptBytes)
	defer g.kept.clear()
	before := shown(t, g, flow, dir, "in", 10)
	if again := shown(t, g, flow, dir, "in", 10); again != before || g.kept.hits != 1 {
		t.Errorf("the second preview used %d kept readings and shows %s", g.kept.hits, again)
	}
	write("a\n23\n")
	if after := shown(t, g, flow, dir, "in", 10); !strings.Contains(after, `"23"`) || g.kept.hits != 1 {
		t.Errorf("after the file has changed the preview shows %s", after)
	}
	doc, _ := flow.Canonical()
	if _, err := g.preview(context.Background(), PreviewSpec{Document: doc, Node: "in", Folders: []string{dir}, Temp: filepath.Join(dir, "temp"), Threads: 1, Limit: 10, Fresh: true}); err != nil || g.kept.hits != 1 {
		t.Errorf("a fresh preview used a kept reading: %v", err)
	}
}

// TestKeptIsBounded: whatever is looked at, no more than the limit is kept, and what is too large is not.
func TestKeptIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const limit = 150_000
	g := previewer(limit)
	defer g.kept.clear()
	most := int64(0)
	for i, rows := range []int{1000, 1000, 1000, 1000, 100_000, 1000, 1000} {
		name := fmt.Sprintf("f%d.csv", i)
		text := append([]byte("a\n"), bytes.Repeat([]byte("12345678\n"), rows)...)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		flow, err := flows.ParseFlow(fmt.Appendf(nil, `{"format":1,"name":"f","nodes":[{"id":"in","type":"file.input","version":1,"config":{"path":%q,"format":"csv","fields":[{"name":"a","type":"text"}]}}],"edges":[]}`, name))
		if err != nil {
			t.Fatal(err)
		}
		shown(t, g, flow, dir, "in", 200_000)
		if most = max(most, g.kept.bytes); g.kept.bytes > limit {
			t.Fatalf("%d bytes are kept, more than %d", g.kept.bytes, limit)
		}
	}
	if n := g.kept.used.Len(); n < 2 || n > 5 || most < limit/3 {
		t.Errorf("%d readings are kept and at most %d bytes were", n, most)
	}
	g.kept.clear()
	if g.kept.bytes != 0 {
		t.Errorf("%d bytes are left", g.kept.bytes)
	}
}
