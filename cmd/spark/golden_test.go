package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// golden is a file of named texts, one per case, so that a whole table is read and reviewed at once.
type golden struct {
	path string
	mu   sync.Mutex
	want map[string]string
	got  map[string]string
}

const sectionMark = "=== "

// openGolden reads testdata/<name>.golden. With -update it is written when t and its sub-tests are over.
func openGolden(t *testing.T, name string) *golden {
	t.Helper()
	g := &golden{path: filepath.Join("testdata", name+".golden"), want: map[string]string{}, got: map[string]string{}}
	b, err := os.ReadFile(g.path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq("\n"+string(b), "\n"+sectionMark) {
		if name, text, ok := strings.Cut(part, "\n"); ok && name != "" {
			g.want[name] = strings.TrimRight(text, "\n") + "\n"
		}
	}
	t.Cleanup(func() {
		if *update && !t.Failed() {
			g.write(t)
		}
	})
	return g
}

// check compares the text of one case.
func (g *golden) check(t *testing.T, name, got string) {
	t.Helper()
	got = strings.TrimRight(got, "\n") + "\n"
	g.mu.Lock()
	defer g.mu.Unlock()
	g.got[name] = got
	if d := cmp.Diff(g.want[name], got); d != "" && !*update {
		t.Errorf("%s, %s (- wanted, + seen; -update accepts it):\n%s", g.path, name, d)
	}
}

func (g *golden) write(t *testing.T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.got
	if flagSet("test.run") { // only some cases ran: keep the others
		maps.Copy(g.want, g.got)
		all = g.want
	}
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s%s\n%s\n", sectionMark, name, all[name])
	}
	if err := os.WriteFile(g.path, b.Bytes(), 0o644); err != nil {
		t.Error(err)
	}
}
