package arch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

func TestImports(t *testing.T) {
	t.Parallel()
	pkgs, err := packages(root)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range pkgs {
		seen[p.path] = true
		for _, finding := range check(p) {
			t.Error(finding)
		}
	}
	for _, known := range []string{"flows", "store", "migrations", "internal/arch"} {
		if !seen[known] {
			t.Errorf("the walk did not find %s", known)
		}
	}
}

func TestFolders(t *testing.T) {
	t.Parallel()
	stray, err := strayFolders(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(stray) > 0 {
		t.Errorf("folders that do not belong at the top: %s", strings.Join(stray, ", "))
	}
}

// TestCheck shows for each kind of rule that a forbidden import is reported and an allowed one is not.
func TestCheck(t *testing.T) {
	t.Parallel()
	const refused, allowed = true, false
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"flows", "fmt", allowed},
		{"flows", "encoding/json", allowed},
		{"flows", "github.com/google/uuid", refused},
		{"flows", "golang.org/x/text/cases", refused},
		{"flows", "spark/flows/expr", refused},
		{"flows/expr", "spark/flows", allowed},
		{"flows/expr", "golang.org/x/text/cases", allowed},
		{"flows/expr", "spark/flows/node", refused},
		{"flows/expr/exprtest", "spark/flows/expr", allowed},
		{"flows/node", "spark/flows/expr", allowed},
		{"flows/node", "spark/flows/plan", refused},
		{"flows/transform/filter", "spark/flows/node", allowed},
		{"flows/transform/filter", "spark/flows/transform/join", refused},
		{"flows/transform/filter", "spark/flows/transform/filter/sub", allowed},
		{"flows/transform/filter", "spark/flows/plan", refused},
		{"flows/transform/all", "spark/flows/transform/join", allowed},
		{"flows/transform/all", "spark/connectors/s3", refused},
		{"connectors/postgres", "spark/connectors/mysql", refused},
		{"connectors/postgres", "spark/connectors/internal/file", allowed},
		{"connectors/postgres", "spark/connectors/all", refused},
		{"connectors/postgres", "spark/internal/netguard", allowed},
		{"connectors/postgres", "spark/internal/testserver", refused},
		{"connectors/postgres", "spark/store", refused},
		{"connectors/postgres", "spark/server", refused},
		{"connectors/internal/file", "spark/flows/node", allowed},
		{"connectors/internal/file", "spark/connectors/internal/value", allowed},
		{"connectors/internal/file", "spark/connectors/postgres", refused},
		{"connectors/internal/file", "spark/flows/expr", refused},
		{"connectors/all", "spark/connectors/postgres", allowed},
		{"flows/plan", "spark/flows/engine", refused},
		{"flows/engine", "spark/flows/plan", allowed},
		{"flows/engine", "spark/flows/engine/duckdb", refused},
		{"flows/engine", "spark/flows/expr", refused},
		{"flows/engine", "github.com/duckdb/duckdb-go/v2", refused},
		{"flows/engine/duckdb", "github.com/duckdb/duckdb-go-bindings", allowed},
		{"flows/engine/duckdb/capi", "github.com/duckdb/duckdb-go-bindings", allowed},
		{"flows/engine/duckdb", "spark/flows/engine/duckdb/capi", allowed},
		{"flows/engine/duckdb", "spark/flows/engine/spark", refused},
		{"flows/engine/duckdb", "spark/flows/run", refused},
		{"flows/engine/spark", "github.com/duckdb/duckdb-go/v2", allowed},
		{"flows/engine/spark", "spark/flows/engine/duckdb/capi", refused},
		{"flows/engine/executor", "spark/flows/engine", allowed},
		{"flows/engine/executor", "spark/flows/engine/duckdb", refused},
		{"flows/engine/executor", "spark/store", refused},
		{"flows/engine/enginetest", "spark/connectors/all", allowed},
		{"flows/engine/enginetest", "spark/store", refused},
		{"flows/run", "spark/flows/alert", refused},
		{"flows/schedule", "spark/flows/run", allowed},
		{"flows/alert", "spark/flows/run", refused},
		{"store", "spark/migrations", allowed},
		{"store", "spark/flows/run", refused},
		{"store/queue", "spark/store", allowed},
		{"store", "spark/server/api", refused},
		{"server/api", "spark/flows", allowed},
		{"server/api", "spark/server", refused},
		{"server/auth", "spark/server/api", allowed},
		{"server", "spark/store", refused},
		{"server", "spark/flows/engine/executor", refused},
		{"web/page", "spark/web/layout", allowed},
		{"web", "spark/server", refused},
		{"migrations", "spark/flows", refused},
		{"internal/netguard", "spark/flows", refused},
		{"internal/netguard", "spark/internal/arch", refused},
		{"cmd/spark", "spark/store", allowed},
		{"cmd/spark", "github.com/duckdb/duckdb-go/v2", refused},
		{"util", "fmt", refused},
		{".", "fmt", refused},
	} {
		findings := check(pkg{path: c.from, imports: []string{c.to}})
		if got := len(findings) > 0; got != c.want {
			t.Errorf("%s imports %s: refused = %v, want %v %v", c.from, c.to, got, c.want, findings)
		}
	}
}

func TestPackagesReadsEveryFileButTests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for file, text := range map[string]string{
		"flows/a.go":              "package flows\nimport \"fmt\"\n",
		"flows/b_windows.go":      "package flows\nimport x \"spark/store\"\n",
		"flows/tagged.go":         "//go:build never\n\npackage flows\nimport _ \"spark/server\"\n",
		"flows/a_test.go":         "package flows\nimport \"spark/web\"\n",
		"flows/testdata/x.go":     "package x\nimport \"spark/cmd\"\n",
		"node_modules/m/x.go":     "package x\nimport \"spark/cmd\"\n",
		"store/only/only_test.go": "package only\nimport \"spark/cmd\"\n",
		"store/queue/queue.go":    "package queue\n",
		"unexpected/readme.txt":   "",
		".hidden/x.go":            "package x\n",
	} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := packages(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []pkg{{"flows", []string{"fmt", "spark/server", "spark/store"}}, {"store/queue", []string{}}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(pkg{})); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	stray, err := strayFolders(dir)
	if diff := cmp.Diff([]string{".hidden", "unexpected"}, stray); diff != "" || err != nil {
		t.Errorf("stray folders (-want +got):\n%s%v", diff, err)
	}
}
