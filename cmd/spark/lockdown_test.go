package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// canary is what no flow may read.
const canary = "canary-5d0c1f"

// door is a way in that a user has. $OUT stands for a path outside the data folder.
type door struct {
	name string
	doc  func(text string) string
	args func(text string) []string
	try  []string
}

// TestLockdown tries every door with what has opened other systems: nothing outside the data folder is read or
// written, and the run fails with a sentence or takes the text as data.
func TestLockdown(t *testing.T) {
	t.Parallel()
	g := openGolden(t, "lockdown")
	for _, d := range doors() {
		for i, text := range d.try {
			name := fmt.Sprintf("%s %02d", d.name, i+1)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				d.attempt(t, g, name, text)
			})
		}
	}
}

func (d door) attempt(t *testing.T, g *golden, name, text string) {
	p := setup(t)
	shown := text
	text = strings.ReplaceAll(text, "$OUT", filepath.Join(p.base, "out"))
	must(t, os.Mkdir(filepath.Join(p.base, "out"), 0o777))
	p.outside("out/secret.csv", "id,name\n1,"+canary+"\n")
	p.write("in.csv", "id,name\n1,a\n")
	must(t, os.Mkdir(p.path("sub"), 0o777))
	p.write("flow.json", d.doc(text))
	args := []string{"run", "--json", "flow.json"}
	if d.args != nil {
		args = append(args, d.args(text)...)
	}
	o := p.run(args...)
	if o.code != exitOK && o.code != exitFailed && o.code != exitInvalid {
		t.Errorf("exit code %d\n%s", o.code, o.stderr)
	}
	said := p.sentences(o.problems(t))
	if said == "" && o.code != exitOK {
		t.Errorf("exit code %d without a sentence\n%s\n%s", o.code, o.stdout, o.stderr)
	}
	if strings.Contains(said, "\nengine ") || strings.HasPrefix(said, "engine ") || strings.HasPrefix(said, "internal ") {
		t.Errorf("the engine was asked and said: %s", said)
	}
	files := p.contents(o)
	if d := cmp.Diff([]string{"secret.csv"}, names(filepath.Join(p.base, "out"))); d != "" {
		t.Errorf("outside the data folder: %s", d)
	}
	g.check(t, name, fmt.Sprintf("%q\nexit %d\n%s%s", shown, o.code, said, files))
	p.clean()
}

// contents lists the data folder after a run, and fails the test where the canary is in it or in what was said.
func (p *place) contents(o outcome) string {
	p.t.Helper()
	var b strings.Builder
	check := func(where, text string) {
		if strings.Contains(text, canary) || strings.Contains(text, "root:x:") || strings.Contains(text, "TMPDIR=") {
			p.t.Errorf("%s holds what is outside the data folder:\n%s", where, text)
		}
	}
	check("standard output", o.stdout)
	check("standard error", o.stderr)
	must(p.t, filepath.WalkDir(p.data, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(p.data, path)
		if err != nil || e.IsDir() || rel == "in.csv" || rel == "flow.json" {
			return err
		}
		text, err := os.ReadFile(path)
		check(rel, string(text))
		if strings.HasPrefix(string(text), "PAR1") {
			text = []byte("PAR1…") // the rest is DuckDB's
		}
		fmt.Fprintf(&b, "%q: %q\n", p.plain(rel), p.plain(string(text)))
		return err
	}))
	return b.String()
}

func names(dir string) []string {
	var list []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		list = append(list, e.Name())
	}
	slices.Sort(list)
	return list
}

func doors() []door {
	in, out := input("in.csv", idName...), output("out.csv")
	injections := []string{"'", "''", `"`, `\'`, "'; COPY (SELECT 42) TO '$OUT/pwned.csv'; --", "') TO '$OUT/pwned.csv' (FORMAT csv); --",
		`" FROM read_csv('$OUT/secret.csv'); --`, "$$", "/* */", "--", "a\x00b", "\u2019; --"}
	formula := func(text string) string {
		return chain(in, box{id: "f", kind: "formula", config: map[string]any{"fields": []any{map[string]any{"name": "x", "expression": text}}}}, out)
	}
	list := []door{
		{name: "expression", doc: formula, try: []string{
			"read_csv('/etc/passwd')", "(SELECT * FROM read_csv('$OUT/secret.csv'))", "read_text('$OUT/secret.csv')", "read_blob('/etc/passwd')", "getenv('TMPDIR')", "query('SELECT 1')",
			"glob('/etc/*')", "(SELECT 1)", "EXISTS (SELECT 1)", "1; COPY (SELECT 1) TO '$OUT/pwned.csv'", "1); DROP TABLE x; --", "1 -- comment", "1 /* comment */",
			"COPY x TO '$OUT/pwned.csv'", "INSTALL httpfs", "LOAD 'x.so'", "ATTACH 'x.db'", "PRAGMA version", "SET memory_limit = '1GB'", "current_setting('temp_directory')",
			"tap(1)", "tapx(1, 1, 'a', 'b', 1)", "__spark_file", "id::text || __spark_v0", "main.read_csv('x')", `"read_csv"('x')`, "name LIKE (SELECT 1)", "x -> y", "lambda x: x",
			"'a' || chr(39) || '; COPY (SELECT 1) TO ''$OUT/pwned.csv''; --'", "regexp_replace(name, '.*', '(SELECT 1)')", "cast('2026-01-01' AS \"date); COPY\")"}},
		{name: "condition", doc: func(text string) string {
			return chain(in, box{id: "f", kind: "filter", config: map[string]any{"condition": text}}, out)
		}, try: []string{"true) OR (SELECT true)", "1 = 1; SELECT 1", "id IN (SELECT 1)", "name = 'x' UNION SELECT 1"}},
		{name: "literal", doc: func(text string) string { return formula("'" + strings.ReplaceAll(text, "'", "''") + "'") }, try: injections},
		{name: "new field name", doc: func(text string) string {
			return chain(in, box{id: "f", kind: "formula", config: map[string]any{"fields": []any{map[string]any{"name": text, "expression": "id"}}}}, out)
		}, try: injections},
		{name: "input field name", doc: func(text string) string {
			return chain(in.with("fields", []any{map[string]any{"name": text, "type": "int64", "source": "id"}}), out)
		}, try: injections},
		{name: "rejected field name", doc: func(text string) string {
			return chain(in.with("fields", []any{map[string]any{"name": text, "type": "int64", "source": "id"}, map[string]any{"name": "n", "type": "text", "source": "name"}}),
				step("f", "convert", `{"fields":[{"name":"n","type":"int64"}]}`).policy("reject"), out)
		}, try: injections},
		{name: "group and sort", doc: func(text string) string {
			return chain(in, box{id: "g", kind: "aggregate", config: map[string]any{"groupBy": []any{text}, "aggregates": []any{map[string]any{"name": text + "2", "expression": "count()"}}}},
				box{id: "s", kind: "sort", config: map[string]any{"keys": []any{map[string]any{"field": text, "order": "ascending; --"}}}}, out)
		}, try: injections[:6]},
		{name: "computed field name", doc: func(text string) string {
			return chain(in, box{id: "w", kind: "window", config: map[string]any{"groupBy": []any{"name"}, "fields": []any{map[string]any{"name": text, "function": "sum", "field": "id"}}}},
				box{id: "r", kind: "rowid", config: map[string]any{"name": text + "2", "kind": "hash", "fields": []any{text}}},
				box{id: "d", kind: "deduplicate", config: map[string]any{"keys": []any{text}, "order": []any{map[string]any{"field": text + "2"}}}},
				box{id: "u", kind: "unpivot", config: map[string]any{"fields": []any{text}, "name": text + "3", "value": text + "4"}}, out)
		}, try: injections[:6]},
		{name: "parameter", doc: func(string) string {
			return graph(map[string]any{"parameters": []any{map[string]any{"name": "p", "type": "text"}}}, []box{in, step("f", "formula", `{"fields":[{"name":"x","expression":"$p"}]}`), out},
				"in.out>f.in", "f.out>out.in")
		}, args: func(text string) []string { return []string{"--set", "p=" + text} }, try: slices.DeleteFunc(slices.Clone(injections), func(s string) bool { return strings.Contains(s, "\x00") })},
		{name: "parameter in a path", doc: func(string) string {
			return graph(map[string]any{"parameters": []any{map[string]any{"name": "p", "type": "text"}}}, []box{in.with("path", "${p}.csv"), out}, "in.out>out.in")
		}, args: func(text string) []string { return []string{"--set", "p=" + text} }, try: []string{"../out/secret", "$OUT/secret", "/etc/passwd", "in.csv', 'x"}},
	}
	return append(append(list, fileDoors(in, out)...), optionDoors(in, out, injections)...)
}

func fileDoors(in, out box) []door {
	paths := []string{"/etc/passwd", "/etc/*", "../../*", "../out/secret.csv", "sub/../../out/secret.csv", "$OUT/secret.csv", "$OUT/*.csv", "/proc/self/environ", "/dev/stdin", "/dev/fd/0",
		"http://127.0.0.1:1/x.csv", "https://example.com/x.csv", "s3://bucket/x.csv", "hf://datasets/x.csv", "file://$OUT/secret.csv", "in.csv' UNION SELECT * FROM read_csv('$OUT/secret.csv", "x'); COPY (SELECT 42) TO 'pwned.csv",
		"~/x.csv", "$HOME/x.csv", "in.csv\x00.parquet", "{in.csv,$OUT/secret.csv}", "sub/[", "**/../../out/*"}
	targets := []string{"/dev/stdout", "/dev/stderr", "/proc/self/environ", "$OUT/pwned.csv", "../out/pwned.csv", "sub/../../out/pwned.csv", "http://127.0.0.1:1/pwned.csv", "s3://bucket/pwned.csv", "file://$OUT/pwned.csv",
		"x'); COPY (SELECT 42) TO 'pwned.csv", `x" (FORMAT csv); --.csv`, "x';--.csv", "sub/", ".", "", "sub", "a\x00.csv", "out\n.csv"}
	var list []door
	for _, format := range []string{"csv", "jsonl", "parquet"} {
		list = append(list, door{name: "read " + format, doc: func(text string) string {
			b := in.with("path", text).with("format", format)
			if format == "parquet" {
				b = b.with("fields", []any{})
			}
			return chain(b, out)
		}, try: paths})
	}
	for _, format := range []string{"csv", "parquet"} {
		list = append(list, door{name: "write " + format, doc: func(text string) string { return chain(in, out.with("path", text).with("format", format)) }, try: targets})
	}
	return list
}

func optionDoors(in, out box, injections []string) []door {
	option := func(name, file string) func(string) string {
		return func(text string) string {
			return chain(in, out.with("path", file).with("options", map[string]any{name: text}))
		}
	}
	var list []door
	for name, file := range map[string]string{"delimiter": "out.csv", "quote": "out.csv", "nullValue": "out.csv", "compression": "out.parquet"} {
		list = append(list, door{name: "written " + name, doc: option(name, file), try: injections})
	}
	for _, name := range []string{"delimiter", "quote", "encoding", "comment"} {
		list = append(list, door{name: "read " + name, doc: func(text string) string { return chain(in.with("options", map[string]any{name: text}), out) }, try: injections[:6]})
	}
	return append(list,
		door{name: "file compression", doc: func(text string) string { return chain(in, out.with("compression", text)) }, try: []string{"gzip'; --", "zstd", "') TO '$OUT/pwned.csv"}},
		door{name: "format", doc: func(text string) string { return chain(in, out.with("format", text)) }, try: []string{"csv, ESCAPE 'x'", "sqlite", "xlsx"}},
		door{name: "node id", doc: func(text string) string { return chain(in, out.named(text)) }, try: []string{"a'b", "../x", "a;b", "a\x00"}})
}
