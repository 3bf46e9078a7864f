package plan_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	_ "spark/connectors/all"
	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
	_ "spark/flows/transform/all"
)

var update = flag.Bool("update", false, "write the goldens")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// TestGoldens compiles every flow of testdata and compares its problems and its explanation.
func TestGoldens(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d flows, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, err := flows.ParseFlow(b)
			if err != nil {
				t.Fatal(err)
			}
			p, ps := plan.Compile(f, plan.Options{Lookup: node.Looking(schemas{}, nil), Engines: []plan.Engine{anything{}}, Validate: strings.HasPrefix(filepath.Base(file), "validate")})
			var out strings.Builder
			for _, e := range ps {
				fmt.Fprintf(&out, "%s%s: %s\n", e.Code, map[bool]string{true: " (warning)"}[e.Severity == flows.SeverityWarning], e.Error())
			}
			if !ps.Failed() {
				out.WriteString(p.Explain())
			}
			golden(t, strings.TrimSuffix(filepath.Base(file), ".json")+".golden", out.String())
		})
	}
}

// anything is an engine that executes every operator.
type anything struct{}

func (anything) Name() string            { return "any" }
func (anything) Supports(node.Op) string { return "" }

// schemas describes every Parquet file alike.
type schemas struct{ node.QueryDescriber }

func (schemas) Describe(format, path string, _ []byte) (flows.Schema, error) {
	if strings.Contains(path, "missing") {
		return nil, &flows.Error{Code: "file.not_found", Message: "there is no such file", Path: flows.Path{File: path}}
	}
	return flows.Schema{{Name: "id", Type: flows.Of(flows.Int64)}, {Name: "price", Type: flows.DecimalOf(10, 2)}}, nil
}

func (schemas) Bytes(string) int64 { return 4000 }

// TestEngineChoice takes the first engine that can do everything, and says why when none can.
func TestEngineChoice(t *testing.T) {
	t.Parallel()
	f, err := flows.ParseFlow([]byte(`{"format":1,"name":"x","nodes":[{"id":"a","type":"sample.data","version":1},{"id":"b","type":"limit","version":1}],
		"edges":[{"from":{"node":"a","port":"out"},"to":{"node":"b","port":"in"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	p, ps := plan.Compile(f, plan.Options{Engines: []plan.Engine{noLimit{}, anything{}}})
	if ps.Failed() || p.Engine != "any" {
		t.Errorf("engine %q, %v", p.Engine, ps)
	}
	_, ps = plan.Compile(f, plan.Options{Engines: []plan.Engine{noLimit{}}})
	if len(ps) != 1 || ps[0].Code != "engine.unsupported" || ps[0].Path.Node != "b" || !strings.Contains(ps[0].Message, "no limits here") {
		t.Errorf("problems: %v", ps)
	}
}

type noLimit struct{}

func (noLimit) Name() string { return "no limit" }
func (noLimit) Supports(op node.Op) string {
	if _, ok := op.(node.Limit); ok {
		return "no limits here"
	}
	return ""
}

// TestLongChains cuts a stage where an engine could not bind it any more.
func TestLongChains(t *testing.T) {
	t.Parallel()
	for nodes, stages := range map[int]int{1: 1, 400: 1, 600: 2, 2000: 5} {
		f := &flows.Flow{Format: 1, Name: "chain", Nodes: []flows.Node{{ID: "n0", Type: "sample.data", Version: 1}}}
		for i := range nodes {
			f.Nodes = append(f.Nodes, flows.Node{ID: fmt.Sprintf("n%d", i+1), Type: "filter", Version: 1, Config: []byte(`{"condition": "quantity > 0"}`)})
			f.Edges = append(f.Edges, flows.Edge{From: flows.Endpoint{Node: fmt.Sprintf("n%d", i), Port: node.Out}, To: flows.Endpoint{Node: fmt.Sprintf("n%d", i+1), Port: node.In}})
		}
		p, ps := plan.Compile(f, plan.Options{})
		if ps.Failed() || len(p.Stages) != stages {
			t.Errorf("%d nodes: %d stages, %v", nodes, len(p.Stages), ps)
		}
	}
}

// TestFieldNames: what an engine could not tell apart, or would take for its own, is refused.
func TestFieldNames(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{
		`{"name": "a", "type": "int64"}, {"name": "ä \"[x]", "type": "text"}`: "",
		`{"name": "__spark", "type": "int64"}`:                                "",
		`{"name": "__spark_e", "type": "int64"}`:                              "schema.name",
		`{"name": "__Spark_E", "type": "int64"}`:                              "schema.name",
		`{"name": "a\u0000", "type": "int64"}`:                                "schema.name",
		`{"name": "a", "type": "int64"}, {"name": "A", "type": "int64"}`:      "schema.duplicate_field",
		`{"name": "s", "type": "struct<__spark_e: int64, b: text>"}`:          "",
		`{"name": "s", "type": "struct<a: int64, A: text>"}`:                  "schema.duplicate_field",
		`{"name": "s", "type": "list<struct<b: struct<\"\": text>>>"}`:        "schema.name",
		`{"name": "s", "type": "struct<>"}`:                                   "schema.empty",
	} {
		f, err := flows.ParseFlow([]byte(`{"format":1,"name":"x","nodes":[{"id":"a","type":"file.input","version":1,"config":{"path":"a.jsonl","fields":[` + fields + `]}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		_, ps := plan.Compile(f, plan.Options{})
		got := ""
		if len(ps) > 0 {
			got = ps[0].Code
		}
		if got != want {
			t.Errorf("%s: %v", fields, ps)
		}
	}
}

// TestPreviewWithoutValues: a preview needs only the values that are used on its way, and says at the setting which one is missing.
func TestPreviewWithoutValues(t *testing.T) {
	t.Parallel()
	f, err := flows.ParseFlow([]byte(`{"format": 1, "name": "f", "parameters": [{"name": "n", "type": "int64"}, {"name": "least", "type": "int64"}, {"name": "token", "type": "text", "secret": true}],
		"nodes": [{"id": "s", "type": "sample.data", "version": 1, "config": {}}, {"id": "f", "type": "filter", "version": 1, "config": {"condition": "order_id > $least"}}, {"id": "l", "type": "limit", "version": 1, "config": {"count": {"parameter": "n"}}}],
		"edges": [{"from": {"node": "s", "port": "out"}, "to": {"node": "f", "port": "in"}}, {"from": {"node": "f", "port": "out"}, "to": {"node": "l", "port": "in"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		until string
		given map[string]string
		codes string
	}{
		"nothing is used":     {"s", nil, ""},
		"in an expression":    {"f", nil, "parameter.missing at parameters[1]"},
		"in a setting":        {"l", map[string]string{"least": "1"}, "parameter.waits at count"},
		"all that is used":    {"l", map[string]string{"least": "1", "n": "5"}, ""},
		"one of a wrong type": {"s", map[string]string{"n": "x"}, "parameter.type at parameters[0]"},
	} {
		_, ps := plan.Compile(f, plan.Options{Until: c.until, Preview: 10, Parameters: c.given})
		var codes []string
		for _, p := range ps {
			if p.Severity != flows.SeverityWarning {
				codes = append(codes, p.Code+" at "+p.Path.Field)
			}
		}
		if got := strings.Join(codes, ", "); got != c.codes {
			t.Errorf("%s: %s, want %s", name, got, c.codes)
		}
	}
}

// TestEnvironmentValues: a value of an environment stands in the place of the default, one that is given before both.
func TestEnvironmentValues(t *testing.T) {
	t.Parallel()
	f := &flows.Flow{Parameters: []flows.Parameter{{Name: "p", Type: flows.Of(flows.Int64), Default: json.RawMessage("1"), Environments: map[string]json.RawMessage{"development": json.RawMessage(`"2"`)}}}}
	for _, c := range []struct {
		environment string
		given       map[string]string
		want        int64
	}{{"", nil, 1}, {"production", nil, 1}, {"development", nil, 2}, {"development", map[string]string{"p": "3"}, 3}} {
		if got := plan.Values(f, c.environment, c.given)[0]; got.Value != c.want || !got.HasValue {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// TestListValues: a list is read with commas or as JSON, and what is wrong names the parameter, the item, the type and an example.
func TestListValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, given string
		want        any
		wrong       string
	}{
		{"list<text>", "paid, new", []any{"paid", "new"}, ""}, {"list<text>", `["a,b", "it's"]`, []any{"a,b", "it's"}, ""}, {"list<text>", "", []any{}, ""}, {"list<text>", "[]", []any{}, ""}, {"list<text>", "a,", []any{"a", ""}, ""},
		{"list<int64>", "1, -2", []any{int64(1), int64(-2)}, ""}, {"list<int64>", `[1, "2"]`, []any{int64(1), int64(2)}, ""}, {"list<decimal(5,2)>", "1.5", []any{"1.50"}, ""}, {"list<date>", "2026-01-31", []any{"2026-01-31"}, ""}, {"list<boolean>", "[true, false]", []any{true, false}, ""},
		{"list<int64>", "1, x", nil, `the value of the parameter "p": item 2 of the list, "x", is not of type int64; write it as in 42, 42`},
		{"list<text>", "[1]", nil, `the value of the parameter "p": item 1 of the list, "1", is not of type text; write it as in paid, new or ["paid", "new"]`},
		{"list<text>", "[null]", nil, `the value of the parameter "p": item 1 of the list, "null", is not of type text; write it as in paid, new or ["paid", "new"]`},
		{"list<text>", `["a"`, nil, `the value of the parameter "p": "[\"a\"" begins like JSON and is no list in JSON; write it as in paid, new or ["paid", "new"]`},
		{"list<list<text>>", "a", nil, `the value of the parameter "p": a parameter cannot be of type list<list<text>>; choose a list of texts, numbers, dates or the like`},
		{"time", "25:00:00", nil, `the value of the parameter "p": "25:00:00" is not of type time; write it as in 13:45:00`},
		{"timestamp", "2026-02-30 10:00:00", nil, `the value of the parameter "p": "2026-02-30 10:00:00" is not of type timestamp; write it as in 2026-01-31 13:45:00`},
		{"boolean", "yes", nil, `the value of the parameter "p": "yes" is not of type boolean; write it as in true`},
	} {
		kind, err := flows.ParseType(c.kind)
		if err != nil {
			t.Fatal(err)
		}
		f := &flows.Flow{Parameters: []flows.Parameter{{Name: "p", Type: kind}}}
		p, ps := plan.Compile(f, plan.Options{Parameters: map[string]string{"p": c.given}, Validate: true})
		i := slices.IndexFunc(ps, func(e *flows.Error) bool { return e.Code == "parameter.type" })
		switch {
		case c.wrong == "" && (i >= 0 || !cmp.Equal(p.Params[0].Value, c.want)):
			t.Errorf("%s %q: %#v, %v", c.kind, c.given, p.Params[0].Value, ps)
		case c.wrong != "" && (i < 0 || ps[i].Message+"; "+ps[i].Suggestion != c.wrong || ps[i].Path.Column != "p"):
			t.Errorf("%s %q: %v\nwant %s", c.kind, c.given, ps, c.wrong)
		}
	}
}
