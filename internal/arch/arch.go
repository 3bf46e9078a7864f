// Package arch is the table of who may import whom, and a test that holds all packages to it. Test files are exempt.
package arch

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const module = "spark"

// rule says what the packages below path may import of ours. A path ending in /* stands for each folder there by
// itself: those do not see each other. The longest path that matches a package counts; packages of one folder may
// import each other unless a rule of its own holds for one of them.
type rule struct {
	path string
	may  []string // packages, or "folder/*" for everything below a folder, or "*"
}

var (
	words  = []string{"flows"}
	nodes  = []string{"flows", "flows/expr", "flows/node"}
	plans  = append(slices.Clip(nodes), "flows/plan")
	engine = append(slices.Clip(plans), "flows/engine")
)

var table = []rule{
	{"flows", nil},
	{"static", nil},
	{"migrations", nil},
	{"internal/*", nil},
	{"flows/expr", words},
	{"flows/node", []string{"flows", "flows/expr"}},
	{"flows/template", []string{"flows", "flows/expr"}},
	{"flows/transform/*", append(slices.Clip(nodes), "flows/template", "internal/xmljson")},
	{"flows/transform/all", []string{"flows/transform/*"}},
	{"connectors/*", []string{"flows", "flows/expr", "flows/node", "flows/template", "connectors/internal/*", "internal/netguard", "internal/xmljson"}},
	{"connectors/internal", []string{"flows", "flows/node"}},
	{"connectors/internal/condition", []string{"flows", "flows/expr"}},
	{"connectors/all", []string{"connectors/*"}},
	{"flows/plan", nodes},
	{"flows/engine", []string{"flows", "flows/node", "flows/plan"}},
	{"flows/engine/duckdb", append(slices.Clip(engine), "flows/engine/duckdb/capi")},
	{"flows/engine/duckdb/capi", engine},
	{"flows/engine/spark", engine},
	{"flows/engine/executor", []string{"flows", "flows/node", "flows/plan", "flows/engine"}},
	{"flows/engine/enginetest", append(slices.Clip(engine), "flows/transform/all", "connectors/all")},
	{"flows/run", []string{"flows", "flows/node", "flows/plan", "flows/engine"}},
	{"flows/connection", []string{"flows", "flows/node"}},
	{"flows/schedule", []string{"flows", "flows/run"}},
	{"flows/alert", []string{"flows", "flows/node"}},
	{"store", []string{"flows", "migrations"}},
	{"server/api", words},
	{"web", words},
	{"server", []string{"flows", "flows/expr", "flows/node", "flows/plan", "flows/run", "flows/connection", "flows/schedule", "flows/alert",
		"server/*", "web", "static", "internal/netguard"}},
	{"cmd", []string{"*"}},
}

// duckdbModules crash their process: only the engines hold them, and engines run in a child process.
const duckdbModules = "github.com/duckdb/"

var duckdbHomes = []string{"flows/engine/duckdb", "flows/engine/spark"}

// folders are what may stand at the top of the repository, with what Git ignores there.
var folders = []string{"cmd", "server", "web", "flows", "store", "connectors", "static", "migrations", "docs", "internal",
	"scripts", ".ci", ".git", "bin", "node_modules"}

// pkg is a package by its path inside the module, with the imports of its files that are no tests.
type pkg struct {
	path    string
	imports []string
}

// home returns the rule for a package and the folder it holds for.
func home(p string) (r *rule, root string) {
	for i := range table {
		c := table[i].path
		at := c
		if parent, each := strings.CutSuffix(c, "/*"); each {
			rest, ok := strings.CutPrefix(p, parent+"/")
			if !ok {
				continue
			}
			first, _, _ := strings.Cut(rest, "/")
			at = parent + "/" + first
		}
		// A folder named by itself wins over one that a star stands for.
		if below(p, at) && (len(at) > len(root) || len(at) == len(root) && !strings.HasSuffix(c, "/*")) {
			r, root = &table[i], at
		}
	}
	return r, root
}

func below(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

// check lists what a package imports against the table.
func check(p pkg) []string {
	r, root := home(p.path)
	if r == nil {
		return []string{fmt.Sprintf("%s has no rule: add it to the table in internal/arch and in the architecture", p.path)}
	}
	var found []string
	for _, imp := range p.imports {
		ours, inside := strings.CutPrefix(imp, module+"/")
		switch {
		case inside:
			if why := r.refuses(root, ours); why != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", p.path, ours, why))
			}
		case strings.HasPrefix(imp, duckdbModules):
			if !slices.ContainsFunc(duckdbHomes, func(h string) bool { return below(p.path, h) }) {
				found = append(found, fmt.Sprintf("%s imports %s: DuckDB belongs into %s", p.path, imp, strings.Join(duckdbHomes, " or ")))
			}
		case p.path == "flows" && strings.Contains(strings.Split(imp, "/")[0], "."):
			found = append(found, fmt.Sprintf("flows imports %s: it may use the standard library only", imp))
		}
	}
	return found
}

func (r *rule) refuses(root, imp string) string {
	if _, at := home(imp); at == root {
		return ""
	}
	for _, m := range r.may {
		if folder, all := strings.CutSuffix(m, "/*"); m == "*" || m == imp || all && strings.HasPrefix(imp, folder+"/") {
			return ""
		}
	}
	if len(r.may) == 0 {
		return "it may import nothing of ours"
	}
	return "it may import only " + strings.Join(r.may, ", ")
}

// packages reads the imports of all packages below root, whatever their build constraints.
func packages(root string) ([]pkg, error) {
	imports := map[string]map[string]bool{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if file != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "bin") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		p := path.Clean(filepath.ToSlash(rel))
		if imports[p] == nil {
			imports[p] = map[string]bool{}
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			imports[p][imp] = true
		}
		return nil
	})
	var out []pkg
	for p, set := range imports {
		imps := make([]string, 0, len(set))
		for imp := range set {
			imps = append(imps, imp)
		}
		slices.Sort(imps)
		out = append(out, pkg{p, imps})
	}
	slices.SortFunc(out, func(a, b pkg) int { return strings.Compare(a.path, b.path) })
	return out, err
}

// strayFolders lists the folders at the top that should not be there.
func strayFolders(root string) ([]string, error) {
	entries, err := os.ReadDir(root)
	var stray []string
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(folders, e.Name()) {
			stray = append(stray, e.Name())
		}
	}
	return stray, err
}
