package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"spark/connectors/folder"
	"spark/flows"
	"spark/flows/run"
)

// large makes a flow that keeps more records than it may hold at the node "held".
func large(node box) string {
	return chain(step("in", "sample.data", `{"dataset":"orders","records":1500000}`), node, output("out.csv"))
}

// TestBudgets: a run that needs more room than it has is ended with a sentence that names the node and the budget, and
// leaves nothing.
func TestBudgets(t *testing.T) {
	t.Parallel()
	sorted := step("held", "sort", `{"keys":[{"field":"note"},{"field":"order_id"}]}`)
	for _, c := range []struct {
		name, code string
		node       box
		args       []string
		temp       string // options of a file system for the temp folder
		says       string
	}{
		{name: "disk budget", code: "spill.limit", node: sorted, args: []string{"--memory", "300MB", "--spill", "20MB"}, says: "300 MB of memory and 20 MB of disk"},
		{name: "full disk", code: "spill.disk_full", node: sorted, args: []string{"--memory", "300MB", "--spill", "1GB"}, temp: "size=20m", says: "TMPDIR"},
		{name: "memory", code: "memory.limit", args: []string{"--memory", "200MB"}, says: "200 MB of memory",
			node: step("held", "aggregate", `{"groupBy":["country"],"aggregates":[{"name":"all","expression":"string_agg(note, ',')"}]}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := setup(t)
			p.write("out.csv", old)
			p.write("flow.json", large(c.node))
			if c.temp != "" {
				mounted(c.temp)(p)
				p.temp = p.path("mounted")
			}
			o := p.run(append(append([]string{"run", "--json"}, c.args...), "flow.json")...)
			ps := o.problems(t)
			if o.code != exitFailed || len(ps) != 1 || ps[0].Code != c.code || ps[0].Path.Node != "held" || !strings.Contains(ps[0].Error(), c.says) {
				t.Fatalf("exit code %d: %v", o.code, ps)
			}
			p.untouched()
			p.clean()
		})
	}
}

// TestSpillIsRight: what had to be written to disk in between comes out as it would have from memory.
func TestSpillIsRight(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.write("flow.json", large(step("held", "sort", `{"keys":[{"field":"note"},{"field":"order_id"}]}`)))
	var results []string
	for _, args := range [][]string{{"run", "flow.json"}, {"run", "--memory", "300MB", "flow.json"}} {
		if o := p.run(args...); o.code != exitOK {
			t.Fatalf("%v: exit code %d\n%s", args, o.code, o.stderr)
		}
		results = append(results, digest(t, p.path("out.csv")))
	}
	if results[0] != results[1] {
		t.Errorf("%s from memory and %s by way of the disk", results[0], results[1])
	}
}

// digest reads a file in parts: what this process takes at most counts for the programs that it starts.
func digest(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d bytes %x", n, h.Sum(nil))
}

// TestShares: a server's runs get a part of what it has; those over few records a small one, and what a flow asks for is
// bounded.
func TestShares(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/few.csv", []byte("id\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const gb = int64(1) << 30
	b := budgets{limits: limits{}.of(run.Budget{Memory: 16 * gb, Spill: 40 * gb}), files: files}
	heavy, light := run.Budget{Memory: 4 * gb, Spill: 10 * gb}, run.Budget{Memory: lightMemory, Spill: lightSpill}
	flow := func(settings, in string) string {
		return fmt.Sprintf(`{"format":1,"name":"x","settings":{%s},"nodes":[%s],"edges":[]}`, settings, in)
	}
	sample := func(records int) string {
		return fmt.Sprintf(`{"id":"in","type":"sample.data","version":1,"config":{"dataset":"orders","records":%d}}`, records)
	}
	file := func(name string) string {
		return fmt.Sprintf(`{"id":"in","type":"file.input","version":1,"config":{"path":%q,"format":"csv","fields":[{"name":"id","type":"int64"}]}}`, name)
	}
	for name, c := range map[string]struct {
		doc  string
		want run.Budget
	}{
		"few records":                   {flow("", sample(1000)), light},
		"many records":                  {flow("", sample(50_000_000)), heavy},
		"a small file":                  {flow("", file("few.csv")), light},
		"a file that is not there yet":  {flow("", file("later.csv")), heavy},
		"a flow that does not compile":  {flow("", `{"id":"in","type":"nothing","version":1}`), heavy},
		"a flow that asks for some":     {flow(`"memoryMB":2048`, sample(1000)), run.Budget{Memory: 2 * gb, Spill: 5 * gb}},
		"a flow that asks for too much": {flow(`"memoryMB":99999`, sample(1000)), heavy},
	} {
		doc, err := flows.ParseFlow([]byte(c.doc))
		if err != nil {
			t.Fatal(name, err)
		}
		if got := b.Budget(doc); got != c.want {
			t.Errorf("%s: %d MB of memory and %d MB of disk, want %d and %d", name, got.Memory>>20, got.Spill>>20, c.want.Memory>>20, c.want.Spill>>20)
		}
	}
	if l := (limits{}).of(run.Budget{Memory: 2 * gb, Spill: 1}); int64(l.Memory) != gb || l.Spill != 1 {
		t.Errorf("on a small machine a run gets %d MB of memory and %d bytes of disk", l.Memory>>20, l.Spill)
	}
}
