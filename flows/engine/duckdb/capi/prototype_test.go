package capi

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPrototypes compares duck.h with the header of the module that is linked.
func TestPrototypes(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/duckdb/duckdb-go-bindings/lib/linux-amd64").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	theirs := declarations(t, filepath.Join(strings.TrimSpace(string(out)), "duckdb.h"))
	ours := declarations(t, "duck.h")
	if len(ours) < 35 {
		t.Fatalf("%d prototypes found in duck.h, expected at least 35", len(ours))
	}
	for name, decl := range ours {
		if theirs[name] == "" {
			t.Errorf("%s is not in the module's header", name)
		} else if decl != theirs[name] {
			t.Errorf("%s differs:\nours   %s\ntheirs %s", name, decl, theirs[name])
		}
	}
}

var (
	prototype  = regexp.MustCompile(`(?s)(?:DUCKDB_C_API )?([\w ]+?[ *]+)(duckdb_\w+)\(([^()]*)\);`)
	whitespace = regexp.MustCompile(`\s+`)
	comment    = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
)

func declarations(t *testing.T, path string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]string{}
	for _, m := range prototype.FindAllStringSubmatch(comment.ReplaceAllString(string(b), ""), -1) {
		norm := func(s string) string { return strings.TrimSpace(whitespace.ReplaceAllString(s, " ")) }
		list[m[2]] = norm(m[1]) + " (" + norm(m[3]) + ")"
	}
	return list
}
