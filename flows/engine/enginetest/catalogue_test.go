package enginetest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"spark/flows"
	"spark/flows/engine/enginetest"
	"spark/flows/node"
	"spark/internal/netguard"
	"spark/internal/testserver"
)

// TestCatalogue walks every node type: what people read of it, its form, its examples.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	types := node.Types()
	if len(types) < 11 {
		t.Fatalf("%d node types are registered", len(types))
	}
	for _, ty := range types {
		if ty.ID == enginetest.TestCall {
			continue
		}
		t.Run(ty.ID, func(t *testing.T) {
			t.Parallel()
			if ty.Summary == "" || len(ty.Synonyms) == 0 || ty.Category == "" || !strings.HasSuffix(ty.Summary, ".") {
				t.Errorf("summary %q, synonyms %v, category %q", ty.Summary, ty.Synonyms, ty.Category)
			}
			if !strings.HasPrefix(ty.Help(), "# "+ty.Title+"\n") {
				t.Errorf("help.md does not begin with the title %q", ty.Title)
			}
			for v := 1; v < ty.Version; v++ {
				if ty.Upgrade[v] == nil {
					t.Errorf("configs of version %d cannot be upgraded", v)
				}
			}
			ports := map[string]bool{node.Rejects: true}
			for _, p := range ty.Outputs {
				if p.Title == "" || ports[p.Name] {
					t.Errorf("output port %+v", p)
				}
				ports[p.Name] = true
			}
			checkIcon(t, ty)
			checkConfig(t, ty)
			checkExamples(t, ty)
		})
	}
}

func checkIcon(t *testing.T, ty *node.Type) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(ty.Icon()))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("icon.svg: %v", err)
		}
		if el, ok := tok.(xml.StartElement); ok && (el.Name.Local == "script" || el.Name.Local == "foreignObject" || el.Name.Local == "image") {
			t.Errorf("icon.svg contains %s", el.Name.Local)
		}
	}
	if !strings.Contains(ty.Icon(), `viewBox="0 0 24 24"`) || !strings.Contains(ty.Icon(), "currentColor") {
		t.Error("icon.svg is not 24 × 24 in currentColor")
	}
}

// checkConfig: the defaults survive a round trip, satisfy their own schema but for what is required, and every field
// of the form says what it is.
func checkConfig(t *testing.T, ty *node.Type) {
	t.Helper()
	raw, err := json.Marshal(ty.New())
	if err != nil {
		t.Fatal(err)
	}
	again := ty.New()
	if err := json.Unmarshal(raw, again); err != nil || !reflect.DeepEqual(again, ty.New()) {
		t.Errorf("the default config changed in a round trip, %v: %s", err, cmp.Diff(ty.New(), again))
	}
	schema := node.JSONSchema(ty.New())
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.json", doc); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Compile("config.json"); err != nil {
		t.Errorf("the config's schema is none: %v", err)
	}
	for name, p := range schema["properties"].(map[string]any) {
		if p.(map[string]any)["title"] == nil {
			t.Errorf("setting %s has no title", name)
		}
	}
	_, _, ps := node.Load(flows.Node{ID: "n", Type: ty.ID, Version: ty.Version, Config: json.RawMessage(`{"noSuchSetting": 1}`)}, nil)
	found := false
	for _, p := range ps {
		found = found || p.Code == "config.unknown" && p.Severity == flows.SeverityWarning && p.Path.Field == "noSuchSetting"
	}
	if !found {
		t.Errorf("an unknown setting is not reported: %v", ps)
	}
}

// checkExamples runs every example in a folder of its own.
func checkExamples(t *testing.T, ty *node.Type) {
	t.Helper()
	names, err := fs.Glob(ty.Files, "examples/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples, %v", err)
	}
	for _, name := range names {
		b, err := fs.ReadFile(ty.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := flows.ParseFlow(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		uses := false
		for _, n := range f.Nodes {
			uses = uses || n.Type == ty.ID
		}
		if !uses {
			t.Errorf("%s does not show the node type", name)
		}
		runExample(t, ty, name, string(b))
	}
}

// runExample runs a flow with the data files that lie beside it.
func runExample(t *testing.T, ty *node.Type, name, document string) {
	t.Helper()
	dir, setup, api := t.TempDir(), "", []byte(nil)
	entries, err := fs.ReadDir(ty.Files, "examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if path.Ext(e.Name()) == ".json" {
			continue
		}
		b, err := fs.ReadFile(ty.Files, "examples/"+e.Name())
		if err == nil && e.Name() == "setup.sql" {
			setup = string(b)
		} else if err == nil && e.Name() == "api.answers" {
			api = b
		} else if err == nil {
			err = os.WriteFile(filepath.Join(dir, e.Name()), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	connections := shop(t, api)
	if api == nil {
		connections = warehouse(t, document, setup)
	}
	for _, s := range runFlow(t, dir, document, connections) {
		if len(s.Out) == 0 && s.Written == 0 {
			t.Errorf("%s: %s wrote nothing", name, s.Node)
		}
	}
}

// warehouse is the connection of that name, where an example uses it: to a database of its own.
func warehouse(t *testing.T, document, setup string) node.ConnectionSet {
	t.Helper()
	f, err := flows.ParseFlow([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	if len(node.ConnectionNames(f, nil)) == 0 {
		return node.ConnectionSet{}
	}
	address := testserver.PostgreSQL(t)
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), setup); err != nil {
		t.Fatal(err)
	}
	c := conn.Config()
	settings, err := json.Marshal(map[string]any{"host": c.Host, "port": c.Port, "database": c.Database, "user": c.User, "password": c.Password, "tls": "disable"})
	if err != nil {
		t.Fatal(err)
	}
	return node.ConnectionSet{"warehouse": {Type: "postgres", Settings: settings}}
}

// shop is the connection of that name to an API that gives these answers, by the address that is asked for.
func shop(t *testing.T, answers []byte) node.ConnectionSet {
	t.Helper()
	if answers == nil {
		return nil
	}
	var known map[string]json.RawMessage
	if err := json.Unmarshal(answers, &known); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := known[r.URL.RequestURI()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	}))
	t.Cleanup(s.Close)
	settings, err := json.Marshal(map[string]string{"baseUrl": s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return node.ConnectionSet{"shop": {Type: "http", Settings: settings}}
}

func TestMain(m *testing.M) {
	netguard.Use(netguard.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	testserver.Main(m)
}
