package web

import (
	"bytes"
	"flag"
	"go/ast"
	"go/format"
	goparser "go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/a-h/templ/generator"
	"github.com/a-h/templ/parser/v2"
)

var update = flag.Bool("update", false, "generate the Go code of the templates")

func templates(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.templ")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	return files
}

func generatedName(template string) string {
	return strings.TrimSuffix(template, ".templ") + "_templ.go"
}

// TestTemplatesAreFresh: the committed Go code is what `go tool templ generate` makes of the templates now, and there is
// none without a template.
func TestTemplatesAreFresh(t *testing.T) {
	t.Parallel()
	want := map[string]bool{}
	for _, file := range templates(t) {
		want[generatedName(file)] = true
		made, err := generate(file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if *update {
			if err := os.WriteFile(generatedName(file), made, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(generatedName(file)); err != nil || !bytes.Equal(got, made) {
			t.Errorf("%s is not what %s says (%v); run: go test ./web -update", generatedName(file), file, err)
		}
	}
	all, err := filepath.Glob("*_templ.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if !want[file] {
			t.Errorf("%s has no template", file)
		}
	}
}

// generate does what the command does, started in the folder of the module.
func generate(file string) ([]byte, error) {
	parsed, err := parser.Parse(file)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := generator.Generate(parsed, &b, generator.WithVersion(templ.Version()), generator.WithFileName("web/"+file)); err != nil {
		return nil, err
	}
	return format.Source(b.Bytes())
}

// TestGalleryIsWhole: every component that is no page of its own is on the gallery page, directly or inside of another.
func TestGalleryIsWhole(t *testing.T) {
	t.Parallel()
	uses := map[string][]string{} // by component: what its code names
	for _, file := range templates(t) {
		f, err := goparser.ParseFile(token.NewFileSet(), generatedName(file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			uses[fn.Name.Name] = []string{}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					uses[fn.Name.Name] = append(uses[fn.Name.Name], id.Name)
				}
				return true
			})
		}
	}
	shown := map[string]bool{}
	for todo := []string{"GalleryPage"}; len(todo) > 0; todo = todo[1:] {
		if _, component := uses[todo[0]]; component && !shown[todo[0]] {
			shown[todo[0]] = true
			todo = append(todo, uses[todo[0]]...)
		}
	}
	if len(uses) < 15 {
		t.Fatalf("there are only %d components", len(uses))
	}
	for name := range uses {
		if !shown[name] && !ast.IsExported(name) {
			t.Errorf("the gallery does not show %s", name)
		}
	}
}
