package api_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"spark/server/api"
)

var update = flag.Bool("update", false, "write the generated TypeScript types and the goldens")

const typesFile = "../../web/editor/src/api/types.gen.ts"

func TestTypeScriptIsFresh(t *testing.T) {
	t.Parallel()
	want := typeScript(t)
	if *update {
		if err := os.WriteFile(typesFile, want, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(typesFile); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the Go types say (%v); run: go test ./server/api -update", typesFile, err)
	}
}

// typeScript writes every registered type, with the comments that it has in Go.
func typeScript(t *testing.T) []byte {
	docs := comments(t, ".", "../../flows")
	known := map[reflect.Type]bool{}
	for _, o := range api.Types {
		known[o] = true
	}
	w := &writer{t: t, known: known, docs: docs}
	w.WriteString("// Generated from the Go types of server/api by `go test ./server/api -update`. Not to be edited.\n\n" +
		"/** Type is a value type in its text form, such as \"int64\", \"decimal(10,2)\" or \"list<text>\". */\nexport type Type = string\n\n")
	enums := slices.SortedFunc(maps.Keys(api.Enums), func(a, b reflect.Type) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range enums {
		w.comment("", docs[e.Name()])
		fmt.Fprintf(w, "export type %s = %s\n\n", e.Name(), union(api.Enums[e]))
	}
	w.comment("", docs["Page"])
	w.WriteString("export interface Page<T> {\n  items: T[]\n  next?: string\n}\n")
	for _, o := range api.Types {
		w.object(o)
	}
	w.WriteString("\n/** LiveMessage is what the WebSocket of a run sends. */\nexport type LiveMessage = Snapshot | Delta\n")
	return w.Bytes()
}

type writer struct {
	bytes.Buffer
	t     *testing.T
	known map[reflect.Type]bool
	docs  map[string]string
}

func (w *writer) comment(indent, text string) {
	if text != "" {
		fmt.Fprintf(w, "%s/** %s */\n", indent, strings.ReplaceAll(text, "*/", "* /"))
	}
}

func (w *writer) object(o reflect.Type) {
	w.WriteString("\n")
	w.comment("", w.docs[goName(o)])
	fmt.Fprintf(w, "export interface %s", api.Name(o))
	members := api.Members(o)
	for _, m := range members {
		if m.Embedded {
			fmt.Fprintf(w, " extends %s", w.name(m.Type))
		}
	}
	w.WriteString(" {\n")
	for _, m := range members {
		if m.Embedded {
			continue
		}
		w.comment("  ", w.docs[goName(o)+"."+m.Field])
		mark, kind := "", w.name(m.Type)
		if m.Optional {
			mark = "?"
		}
		if m.Const != "" {
			kind = `"` + m.Const + `"`
		} else if m.Optional && m.Type.Kind() == reflect.Pointer {
			kind = w.name(m.Type.Elem())
		}
		fmt.Fprintf(w, "  %s%s: %s\n", m.Name, mark, kind)
	}
	w.WriteString("}\n")
}

// name is a Go type as TypeScript writes it.
func (w *writer) name(t reflect.Type) string {
	switch {
	case api.Opaque(t):
		return "unknown"
	case t.Name() == "Type" && api.Textual(t):
		return "Type"
	case api.Textual(t):
		return "string"
	case api.Enums[t] != nil:
		return t.Name()
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64, reflect.Float64:
		return "number"
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Struct { // null is possible only in cells of samples
			return w.name(t.Elem())
		}
		return w.name(t.Elem()) + " | null"
	case reflect.Slice:
		if elem := w.name(t.Elem()); strings.Contains(elem, " ") {
			return "(" + elem + ")[]"
		} else {
			return elem + "[]"
		}
	case reflect.Map:
		return "Record<string, " + w.name(t.Elem()) + ">"
	case reflect.Struct:
		if w.known[t] {
			return api.Name(t)
		}
	}
	w.t.Errorf("%s is used by the API and does not stand in api.Types", t)
	return "unknown"
}

func union(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = `"` + v + `"`
	}
	return strings.Join(quoted, " | ")
}

// goName tells types of the same name in different packages apart: those of package flows have a prefix.
func goName(t reflect.Type) string {
	if strings.HasSuffix(t.PkgPath(), "/flows") && api.Enums[t] == nil {
		return "flows." + t.Name()
	}
	return t.Name()
}

// comments reads the comments of types ("Run") and of their fields ("Run.State").
func comments(t *testing.T, dirs ...string) map[string]string {
	docs := map[string]string{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			prefix := ""
			if f.Name.Name == "flows" {
				prefix = "flows."
			}
			commentsOf(f, prefix, docs)
		}
	}
	return docs
}

func commentsOf(f *ast.File, prefix string, docs map[string]string) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		for _, s := range g.Specs {
			spec := s.(*ast.TypeSpec)
			text := oneLine(g.Doc)
			docs[prefix+spec.Name.Name] = text
			st, ok := spec.Type.(*ast.StructType)
			if !ok {
				docs[spec.Name.Name] = text
				continue
			}
			for _, field := range st.Fields.List {
				for _, name := range field.Names {
					if docs[prefix+spec.Name.Name+"."+name.Name] = oneLine(field.Doc); field.Doc == nil {
						docs[prefix+spec.Name.Name+"."+name.Name] = oneLine(field.Comment)
					}
				}
			}
		}
	}
}

func oneLine(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
