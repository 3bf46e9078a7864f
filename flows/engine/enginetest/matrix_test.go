package enginetest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/engine/enginetest"
	"spark/flows/node"
	"spark/internal/testserver"
)

// typedValues are values of every type: what is ugly about it, as expressions.
var typedValues = []struct {
	kind  string
	exprs []string
}{
	{"int8", []string{"cast(-128 as int8)", "cast(127 as int8)"}},
	{"int16", []string{"cast(-32768 as int16)", "cast(32767 as int16)"}},
	{"int32", []string{"cast(-2147483648 as int32)", "cast(2147483647 as int32)"}},
	{"int64", []string{"cast(-9223372036854775807 as int64) - 1", "9223372036854775807"}},
	{"int128", []string{"-170141183460469231731687303715884105727", "9999999999999999999999999999"}},
	{"decimal(4,2)", []string{"cast(0.10 as decimal(4,2))", "cast(-99.99 as decimal(4,2))"}},
	{"decimal(38,10)", []string{"1234567890123456789012345678.1234567890", "cast(-0.0000000001 as decimal(38,10))"}},
	{"double", []string{"cast(0.1 as double)", "1e300", "cast(-0.0 as double)"}},
	{"boolean", []string{"true", "false"}},
	{"text", []string{"''", `'quote " comma , é 日本 ''x'''`, `'a' || chr(10) || 'b' || chr(13) || chr(9) || '\'`, "'007'"}},
	{"bytes", []string{"encode_utf8('é')", "encode_utf8('')"}},
	{"date", []string{"date '0001-01-01'", "date '9999-12-31'"}},
	{"time", []string{"time '00:00:00'", "time '23:59:59.999999'"}},
	{"timestamp", []string{"timestamp '0001-01-01 00:00:00'", "timestamp '2026-01-31 13:45:00.000001'"}},
	{"timestamptz", []string{"timestamptz '2026-01-31 13:45:00.25+05:30'", "timestamptz '1969-12-31 23:59:59.999999Z'"}},
	{"interval", []string{"interval '14 months 3 days 25 hours 7 seconds'", "interval '-1 month 2 days'"}},
	{"uuid", []string{"uuid '6fa459ea-ee8a-4ca4-894e-db77e160355e'"}},
	{"json", []string{`parse_json('{"a": 1234567890123456789012345.10, "b": [null, "x\ny"]}')`, "parse_json('null')"}},
	{"list<int64>", []string{"list(1, null, 3)", "list(cast(7 as int64))"}},
	{"struct<a: text>", nil}, // has no expression: it is read from JSON
}

// places are what a value goes through, in the order of the page: a document in which %s stands for the field's type.
type place struct {
	name string
	// nodes and edges between "typed" and "out"; "back" is what is read again by a second flow.
	nodes, edges string
	value        string // field of the output with the value; "" for f
	back         string
	file         string
}

// step is a place of one node.
func step(kind, config string) place {
	return place{name: kind, nodes: fmt.Sprintf(`{"id":"n","type":"%s","version":1,"config":%s}`, kind, config), edges: edge("typed", "out", "n", "in") + "," + edge("n", "out", "out", "in")}
}

// twice is a place of one node that reads the records at two ports.
func twice(kind, config, second string) place {
	p := step(kind, config)
	first := "in"
	if kind == "join" {
		first = "left"
	}
	p.edges = edge("typed", "out", "n", first) + "," + edge("typed", "out", "copy", "in") + "," + edge("copy", "out", "n", second) + "," + edge("n", "out", "out", "in")
	p.nodes += `,{"id":"copy","type":"select","version":1,"config":{"fields":[{"name":"f"},{"name":"id"}]}}`
	return p
}

func edge(from, port, to, in string) string {
	return fmt.Sprintf(`{"from":{"node":"%s","port":"%s"},"to":{"node":"%s","port":"%s"}}`, from, port, to, in)
}

func (p place) as(name string) place    { p.name = name; return p }
func (p place) found(name string) place { p.value = name; return p }

// warehouses make a database of its own, reached as the connection "warehouse".
var warehouses = map[string]func(t *testing.T) node.ConnectionSet{
	"PostgreSQL": func(t *testing.T) node.ConnectionSet {
		return warehouse(t, `{"format":1,"name":"x","nodes":[{"id":"a","type":"database.input","version":1,"config":{"connection":"warehouse"}}],"edges":[]}`, "")
	},
	"MariaDB": func(t *testing.T) node.ConnectionSet {
		settings := asJSON(t, map[string]any{"address": testserver.MariaDB(t), "tls": "disable"})
		split, _, err := node.SplitAddress("mysql", json.RawMessage(settings))
		if err != nil {
			t.Fatal(err)
		}
		return node.ConnectionSet{"warehouse": {Type: "mysql", Settings: split}}
	},
}

func places() []place {
	list := []place{}
	for _, format := range []string{"csv", "jsonl", "json", "parquet"} {
		list = append(list, place{name: format, file: "x." + format, back: `{"id":"back","type":"file.input","version":1,"config":{"path":"x.` + format + `","format":"` + format + `","fields":%s}}`})
	}
	for name := range warehouses {
		list = append(list, place{name: name, back: `{"id":"back","type":"database.input","version":1,"config":{"connection":"warehouse","from":"table","table":"x"}}`})
	}
	slices.SortFunc(list[4:], func(a, b place) int { return strings.Compare(b.name, a.name) })
	return append(list,
		step("aggregate", `{"groupBy":["f","id"],"aggregates":[{"name":"n","expression":"count()"}]}`),
		step("aggregate", `{"groupBy":["id"],"aggregates":[{"name":"f","expression":"min(f)"}]}`).as("aggregate: min"),
		step("checkpoint", `{}`),
		place{name: "convert: to text and back", nodes: `{"id":"t","type":"convert","version":1,"config":{"fields":[{"name":"f","type":"text"}]}},{"id":"n","type":"convert","version":1,"config":{"fields":[{"name":"f","type":"%s"}]}}`,
			edges: edge("typed", "out", "t", "in") + "," + edge("t", "out", "n", "in") + "," + edge("n", "out", "out", "in")},
		step("deduplicate", `{"keys":["f","id"],"keep":"first"}`),
		place{name: "encrypt: and back", nodes: `{"id":"e","type":"encrypt","version":1,"config":{"do":"encrypt","fields":["f"],"keys":[{"name":"k","key":"${key}"}]}},{"id":"d","type":"encrypt","version":1,"config":{"do":"decrypt","fields":["f"],"keys":[{"name":"k","key":"${key}"}]}},{"id":"n","type":"convert","version":1,"config":{"fields":[{"name":"f","type":"%s"}]}}`,
			edges: edge("typed", "out", "e", "in") + "," + edge("e", "out", "d", "in") + "," + edge("d", "out", "n", "in") + "," + edge("n", "out", "out", "in")},
		step("expectations", `{"rules":[{"expect":"unique","fields":["f","id"]},{"expect":"notNull","field":"id"}]}`),
		place{name: "explode", nodes: `{"id":"l","type":"formula","version":1,"config":{"fields":[{"name":"l","expression":"list(f)"}]}},{"id":"n","type":"explode","version":1,"config":{"field":"l","empty":"keep"}}`,
			edges: edge("typed", "out", "l", "in") + "," + edge("l", "out", "n", "in") + "," + edge("n", "out", "out", "in"), value: "l"},
		step("fillnulls", `{"fields":[{"name":"f","with":"previous"}],"order":[{"field":"id"}],"groupBy":["id"]}`),
		step("filter", `{"condition":"f is not null or id > 0"}`),
		place{name: "filter: beside another target", nodes: `{"id":"other","type":"file.output","version":1,"config":{"path":"other.jsonl","format":"jsonl"}},{"id":"n","type":"filter","version":1,"config":{"condition":"id > 0"}}`,
			edges: edge("typed", "out", "other", "in") + "," + edge("typed", "out", "n", "in") + "," + edge("n", "out", "out", "in")},
		step("flatten", `{}`),
		step("formula", `{"fields":[{"name":"g","expression":"coalesce(f, f)"}]}`).found("g"),
		twice("join", `{"kind":"left","keys":[{"left":"f","right":"f"},{"left":"id","right":"id"}],"rightSuffix":"_r"}`, "right"),
		step("http.request", `{"url":"http://echo/","method":"POST","send":"record"}`),
		step("json.build", `{"template":"{\"v\": [f]}","name":"built","others":"keep"}`),
		place{name: "json.edit", nodes: `{"id":"j","type":"formula","version":1,"config":{"fields":[{"name":"j","expression":"json_object('f', 1)"}]}},{"id":"e","type":"json.edit","version":1,"config":{"field":"j","changes":[{"do":"set","path":"$.f","value":"f"}]}},{"id":"n","type":"json.extract","version":1,"config":{"field":"j","fields":[{"path":"$.f","name":"g","type":"%s"}]}}`,
			edges: edge("typed", "out", "j", "in") + "," + edge("j", "out", "e", "in") + "," + edge("e", "out", "n", "in") + "," + edge("n", "out", "out", "in"), value: "g"},
		place{name: "json.extract: of elements", nodes: `{"id":"j","type":"formula","version":1,"config":{"fields":[{"name":"j","expression":"json_object('i', list(json_object('f', f)))"}]}},{"id":"n","type":"json.extract","version":1,"config":{"field":"j","each":"$.i[*]","fields":[{"path":"$.i[*].f","name":"g","type":"%s"}]}}`,
			edges: edge("typed", "out", "j", "in") + "," + edge("j", "out", "n", "in") + "," + edge("n", "out", "out", "in"), value: "g"},
		place{name: "json.extract", nodes: `{"id":"j","type":"formula","version":1,"config":{"fields":[{"name":"j","expression":"json_object('f', f)"}]}},{"id":"n","type":"json.extract","version":1,"config":{"field":"j","fields":[{"path":"$.f","name":"g","type":"%s"}]}}`,
			edges: edge("typed", "out", "j", "in") + "," + edge("j", "out", "n", "in") + "," + edge("n", "out", "out", "in"), value: "g"},
		step("limit", `{"count":100}`),
		twice("lookup", `{"keys":[{"in":"f","reference":"f"},{"in":"id","reference":"id"}],"fields":[{"reference":"f","as":"g"}],"noMatch":"null","many":"first"}`, "reference").found("g"),
		step("mask", `{"fields":[{"name":"one","how":"sha256"}]}`),
		step("pivot", `{"groupBy":["f","id"],"field":"one","values":[{"value":"x"}],"function":"count"}`),
		step("profile", `{"distinct":true,"fields":["f"]}`),
		step("rowid", `{"name":"r","kind":"hash","fields":["f"]}`),
		step("sample.records", `{"by":"number","number":100}`),
		step("select", `{"fields":[{"name":"f","as":"g"},{"name":"id"}]}`).found("g"),
		step("sort", `{"keys":[{"field":"f"},{"field":"id"}]}`),
		step("splittext", `{"field":"one","separator":",","into":"records"}`),
		step("sql", `{"query":"select * from in1 order by id"}`),
		step("stop", `{"condition":"f is not null and id < 0","message":"'stop'"}`),
		place{name: "switch", nodes: `{"id":"n","type":"switch","version":1,"config":{"match":"first","cases":[{"name":"all","condition":"f is null or id > 0"}]}}`,
			edges: edge("typed", "out", "n", "in") + "," + edge("n", "all", "out", "in")},
		twice("union", `{"mode":"distinct","match":"name"}`, "in"),
		step("unpivot", `{"fields":["f"],"name":"name","value":"v","nulls":"keep"}`).found("v"),
		step("validate", `{"rules":[{"field":"one","rule":"required"}],"then":"mark","valid":"ok","error":"why"}`),
		step("xml.json", `{"field":"one","to":"xml","root":"one","as":"x"}`),
		step("window", `{"groupBy":["id"],"order":[{"field":"f"}],"fields":[{"name":"w","function":"first","field":"f"}]}`).found("w"),
	)
}

// TestTypeMatrix sends every type through every format, database and node type: each value comes out as it was, or the
// flow is refused. docs/types.md shows the result, and whatever changes in it is a change of the product.
func TestTypeMatrix(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("five hundred flows")
	}
	missing := map[string]bool{}
	for _, ty := range node.Types() {
		missing[ty.ID] = ty.ID != enginetest.TestCall && !slices.Contains([]string{"file.input", "file.output", "database.input", "database.output", "sample.data", "rest.input", "rest.output"}, ty.ID)
	}
	ps := places()
	cells := map[string][]string{}
	for _, p := range ps {
		delete(missing, strings.Split(p.name, ":")[0])
		for _, v := range typedValues {
			c := cell(t, p, v.kind, v.exprs)
			if strings.Contains(c, "LOST") || strings.Contains(c, "→") {
				t.Errorf("%s through %s: %s", v.kind, p.name, c)
			}
			cells[p.name] = append(cells[p.name], c)
		}
	}
	for id, m := range missing {
		if m {
			t.Errorf("the node type %s is not in the matrix", id)
		}
	}
	const file = "../../../docs/types.md"
	got := matrixPage(ps, cells)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("docs/types.md is not what the engine does, %v; run go test ./flows/engine/enginetest -run TypeMatrix -update and look at the difference", err)
	}
}

// cell is what becomes of the values of a type at a place: exact, null where every value becomes null, refused with its
// code, or what else comes out.
func cell(t *testing.T, p place, kind string, exprs []string) string {
	t.Helper()
	dir := t.TempDir()
	source, id := typedSource(t, dir, kind, exprs), "id"
	plain, err := through(t, dir, source, place{}, kind)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	got, err := through(t, dir, source, p, kind)
	if e := flows.AsError(err); e != nil {
		return "refused: `" + e.Code + "`"
	}
	value := p.value
	if value == "" {
		value = "f"
	}
	if p.name == "profile" {
		return fmt.Sprintf("described: %s", got[0]["minimum"])
	}
	if _, ok := got[0][value]; !ok {
		var names []string
		for n := range got[0] {
			if n != "one" && n != id {
				names = append(names, n)
			}
		}
		slices.Sort(names)
		return "becomes " + strings.Join(names, ", ")
	}
	if _, ok := got[0][id]; !ok {
		id = ""
	}
	return compareCell(plain, got, value, id)
}

func compareCell(plain, got []map[string]json.RawMessage, value, id string) string {
	for i, want := range plain {
		at := slices.IndexFunc(got, func(r map[string]json.RawMessage) bool { return string(r[id]) == string(want[id]) })
		if at < 0 {
			return fmt.Sprintf("LOST record %d", i+1)
		}
		if have := string(got[at][value]); have != string(want["f"]) {
			return fmt.Sprintf("%s → %s", want["f"], have)
		}
	}
	return "exact"
}

// typedSource is a node "typed" with a record of every value and one of null: the fields f, id and one.
func typedSource(t *testing.T, dir, kind string, exprs []string) string {
	t.Helper()
	if exprs == nil {
		text := `{"id":1,"one":"x","f":{"a":"é"}}` + "\n" + `{"id":2,"one":"x","f":null}` + "\n"
		if err := os.WriteFile(dir+"/typed.jsonl", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return `{"id":"typed","type":"file.input","version":1,"config":{"path":"typed.jsonl","format":"jsonl","fields":[{"name":"f","type":"` + kind + `"},{"name":"id","type":"int64"},{"name":"one","type":"text"}]}}`
	}
	var cases strings.Builder
	cases.WriteString("case")
	for i, e := range exprs {
		fmt.Fprintf(&cases, " when product_id = %d then %s", i+1, e)
	}
	fields := []map[string]string{{"name": "f", "expression": "cast(" + cases.String() + " end as " + kind + ")"}, {"name": "id", "expression": "cast(product_id as int64)"}, {"name": "one", "expression": "'x'"}}
	if strings.HasPrefix(kind, "list") {
		fields[0]["expression"] = cases.String() + " end"
	}
	return fmt.Sprintf(`{"id":"products","type":"sample.data","version":1,"config":{"dataset":"products","records":%d}},{"id":"all","type":"formula","version":1,"config":{"fields":%s}},
		{"id":"typed","type":"select","version":1,"config":{"fields":[{"name":"f"},{"name":"id"},{"name":"one"}]}}`, len(exprs)+1, asJSON(t, fields))
}

// through runs the values through a place and returns the records of its output.
func through(t *testing.T, dir, source string, p place, kind string) ([]map[string]json.RawMessage, error) {
	t.Helper()
	first := ""
	if strings.Contains(source, `"products"`) {
		first = edge("products", "out", "all", "in") + "," + edge("all", "out", "typed", "in") + ","
	}
	out := `{"id":"out","type":"file.output","version":1,"config":{"path":"out.jsonl","format":"jsonl"}}`
	document := func(nodes, edges string) string {
		return `{"format":1,"name":"types","parameters":[{"name":"key","type":"text","secret":true}],"nodes":[` + nodes + `],"edges":[` + edges + `]}`
	}
	var connections node.ConnectionSet
	if database := warehouses[p.name]; database != nil {
		connections = database(t)
	}
	switch {
	case p.back != "":
		to := `{"id":"out","type":"database.output","version":1,"config":{"connection":"warehouse","table":"x","mode":"append","noTable":"create"}}`
		if p.file != "" {
			to = fmt.Sprintf(`{"id":"out","type":"file.output","version":1,"config":{"path":"%s","format":"%s"}}`, p.file, p.name)
		}
		if err := runMatrix(t, dir, document(source+","+to, first+edge("typed", "out", "out", "in")), connections); err != nil {
			return nil, err
		}
		back := p.back
		if p.file != "" {
			back = fmt.Sprintf(back, fmt.Sprintf(`[{"name":"f","type":"%s"},{"name":"id","type":"int64"}]`, kind))
		}
		if err := runMatrix(t, dir, document(back+","+out, edge("back", "out", "out", "in")), connections); err != nil {
			return nil, err
		}
	case p.nodes == "":
		if err := runMatrix(t, dir, document(source+","+out, first+edge("typed", "out", "out", "in")), nil); err != nil {
			return nil, err
		}
	default:
		nodes := p.nodes
		if strings.Contains(nodes, "%s") {
			nodes = fmt.Sprintf(nodes, kind)
		}
		if strings.Contains(nodes, "http://echo") {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
			defer s.Close()
			nodes = strings.ReplaceAll(nodes, "http://echo", s.URL)
		}
		if err := runMatrix(t, dir, document(source+","+nodes+","+out, first+p.edges), nil); err != nil {
			return nil, err
		}
	}
	var records []map[string]json.RawMessage
	for line := range strings.Lines(content(t, dir, "out.jsonl")) {
		var r map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records, nil
}

func runMatrix(t *testing.T, dir, document string, connections node.ConnectionSet) error {
	t.Helper()
	_, err := tryFlow(t.Context(), t, dir, document, connections, nil)
	return err
}

func matrixPage(ps []place, cells map[string][]string) string {
	var b strings.Builder
	b.WriteString(`# Types through formats, databases and nodes

A test sends ugly values of every type, and null, through every file format, through PostgreSQL and
MariaDB, and through every node type, and writes this page. *exact*: every value comes out as it went in. *refused*: the check
or the run says so with the code, and nothing is written. Anything else is what the value becomes.

A format is written and read back with the field's type. Where a database has no type of the kind, Spark makes the
column that holds all values, and reads it as what it then is.

`)
	for _, group := range [][]place{ps[:6], ps[6:15], ps[15:24], ps[24:]} {
		b.WriteString("| type |")
		for _, p := range group {
			fmt.Fprintf(&b, " %s |", p.name)
		}
		b.WriteString("\n|---" + strings.Repeat("|---", len(group)) + "|\n")
		for i, v := range typedValues {
			fmt.Fprintf(&b, "| `%s` |", v.kind)
			for _, p := range group {
				fmt.Fprintf(&b, " %s |", strings.ReplaceAll(cells[p.name][i], "|", `\|`))
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
