package all

import (
	"encoding/json"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// TestNodeTypes walks every node type that the connectors register.
func TestNodeTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range node.Types() {
		if !strings.HasPrefix(typ.Help(), "# "+typ.Title+"\n") {
			t.Errorf("%s: the help does not begin with its title", typ.ID)
		}
		icon := typ.Icon()
		if !strings.Contains(icon, `viewBox="0 0 24 24"`) || !strings.Contains(icon, `stroke="currentColor"`) {
			t.Errorf("%s: the icon is not 24×24 in the current colour", typ.ID)
		}
		if typ.Summary == "" || len(typ.Synonyms) == 0 {
			t.Errorf("%s: no summary or synonyms", typ.ID)
		}
		examples, _ := fs.Glob(typ.Files, "examples/*.json")
		if len(examples) == 0 {
			t.Errorf("%s: no example", typ.ID)
		}
		for _, name := range examples {
			checkExample(t, typ, name)
		}
		checkTags(t, typ.ID, reflect.TypeOf(typ.New()).Elem())
	}
	for _, name := range node.Formats() {
		f, _ := node.LookupFormat(name)
		for _, o := range []func() any{f.ReadOptions, f.WriteOptions} {
			if o != nil {
				checkTags(t, name, reflect.TypeOf(o()).Elem())
			}
		}
	}
}

func checkExample(t *testing.T, typ *node.Type, name string) {
	b, err := fs.ReadFile(typ.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	flow, err := flows.ParseFlow(b)
	if err != nil {
		t.Errorf("%s %s: %v", typ.ID, name, err)
		return
	}
	used := false
	for _, n := range flow.Nodes {
		used = used || n.Type == typ.ID
		if _, ok := node.Lookup(n.Type); !ok {
			continue // of a transform
		}
		if _, _, problems := node.Load(n, plan.Values(flow, "", nil)); len(problems) > 0 {
			t.Errorf("%s %s: %v", typ.ID, name, problems)
		}
	}
	if !used {
		t.Errorf("%s %s does not use the node type", typ.ID, name)
	}
}

// checkTags demands what the form needs of every setting.
func checkTags(t *testing.T, of string, s reflect.Type) {
	for i := range s.NumField() {
		f := s.Field(i)
		if f.Anonymous { // its settings are those of the node
			checkTags(t, of, f.Type)
			continue
		}
		if f.Tag.Get("json") == "" || f.Tag.Get("title") == "" || f.Tag.Get("help") == "" && f.Tag.Get("enum") == "" {
			t.Errorf("%s: setting %s lacks json, title or help", of, f.Name)
		}
	}
}

// TestFormatsOfTheForms keeps the list that the forms offer equal to what is registered.
func TestFormatsOfTheForms(t *testing.T) {
	t.Parallel()
	want := strings.Join(node.Formats(), "|")
	for _, id := range []string{"file.input", "file.output"} {
		typ, _ := node.Lookup(id)
		f, _ := reflect.TypeOf(typ.New()).Elem().FieldByName("Format")
		if got := f.Tag.Get("enum"); got != want {
			t.Errorf("%s offers %s, registered are %s", id, got, want)
		}
	}
}

// TestConfigsRoundTrip writes the defaults and reads them back.
func TestConfigsRoundTrip(t *testing.T) {
	t.Parallel()
	for _, typ := range node.Types() {
		b, err := json.Marshal(typ.New())
		if err != nil {
			t.Fatal(err)
		}
		_, cfg, problems := node.Load(flows.Node{ID: "n", Type: typ.ID, Version: typ.Version, Config: b}, nil)
		for _, p := range problems {
			if p.Code != "config.required" {
				t.Errorf("%s: %v", typ.ID, p)
			}
		}
		if !reflect.DeepEqual(cfg, typ.New()) {
			t.Errorf("%s: %+v", typ.ID, cfg)
		}
	}
}
