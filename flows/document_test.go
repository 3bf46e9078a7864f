package flows_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
)

var update = flag.Bool("update", false, "write the goldens instead of comparing with them")

// golden compares got with a file in testdata.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func parse(t *testing.T, text string) *flows.Flow {
	t.Helper()
	f, err := flows.ParseFlow([]byte(text))
	if err != nil {
		t.Fatalf("parse %.200s: %v", text, err)
	}
	return f
}

func canonical(t *testing.T, f *flows.Flow) []byte {
	t.Helper()
	b, err := f.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func hash(t *testing.T, f *flows.Flow) string {
	t.Helper()
	h, err := f.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/canonical/*.input.json")
	if err != nil || len(inputs) < 4 {
		t.Fatalf("inputs: %v, %v", inputs, err)
	}
	hashes := ""
	for _, path := range inputs {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f := parse(t, string(b))
		c := canonical(t, f)
		name := strings.TrimSuffix(filepath.Base(path), ".input.json")
		golden(t, filepath.Join("canonical", name+".golden.json"), c)
		hashes += name + " " + hash(t, f) + "\n"

		if again := canonical(t, parse(t, string(c))); !bytes.Equal(again, c) {
			t.Errorf("%s: reading the canonical form changes it:\n%s", name, cmp.Diff(string(c), string(again)))
		}
		if missing := lost(t, b, c); len(missing) > 0 {
			t.Errorf("%s: lost or changed: %v", name, missing)
		}
	}
	// Stored revisions are found by their hash: these never change.
	golden(t, "canonical/hashes.golden", []byte(hashes))
}

// lost lists the values of before, by path, that after does not have; numbers are compared as they are spelt. Members
// with the value false, "", null or an empty object may be left out where the document knows them.
func lost(t *testing.T, before, after []byte) []string {
	t.Helper()
	have := map[string]string{}
	leaves(t, after, func(path, value string) { have[path] = value })
	var missing []string
	leaves(t, before, func(path, value string) {
		if have[path] == value {
			return
		}
		switch path {
		case ".settings.noCounts", ".settings", ".nodes":
		default:
			missing = append(missing, path+" = "+value)
		}
	})
	return missing
}

func leaves(t *testing.T, b []byte, visit func(path, value string)) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				walk(path+"."+k, e)
			}
			if len(v) == 0 {
				visit(path, "{}")
			}
		case []any:
			for i, e := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), e)
			}
			if len(v) == 0 {
				visit(path, "[]")
			}
		default:
			visit(path, fmt.Sprintf("%T %v", v, v))
		}
	}
	walk("", v)
}

func TestUnknownMembersSurviveEditing(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/canonical/unknown.input.json")
	if err != nil {
		t.Fatal(err)
	}
	f := parse(t, string(b))
	f.Name = "edited here"
	f.Nodes[0].Notes = "edited here"
	f.Settings.Rejects = flows.RejectSkip
	f.Nodes = append(f.Nodes, flows.Node{ID: "c", Type: "filter", Version: 1})
	got := lost(t, b, canonical(t, f))
	if diff := cmp.Diff([]string{".name = string from a later version"}, got); diff != "" {
		t.Errorf("what editing lost (-want +got):\n%s", diff)
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	base := `{"format":1,"name":"x","nodes":[{"id":"a","type":"t","version":1,"config":{"n":1}}],"edges":[],"later":1}`
	want := hash(t, parse(t, base))
	for what, same := range map[string]string{
		"layout": strings.Replace(base, `"later"`, `"layout":{"a":[1,2]},"later"`, 1),
		"order":  `{"later":1,"edges":[],"nodes":[{"config":{"n":1},"version":1,"type":"t","id":"a"}],"name":"x","format":1}`,
		"spaces": strings.ReplaceAll(base, ",", " ,\n\t"),
	} {
		if got := hash(t, parse(t, same)); got != want {
			t.Errorf("%s changes the hash", what)
		}
	}
	for _, edit := range [][2]string{{`"x"`, `"y"`}, {`"n":1`, `"n":1.0`}, {`"later":1`, `"later":2`}, {`"version":1`, `"version":2`}, {`"id":"a"`, `"id":"b"`}} {
		if got := hash(t, parse(t, strings.Replace(base, edit[0], edit[1], 1))); got == want {
			t.Errorf("%s instead of %s does not change the hash", edit[1], edit[0])
		}
	}
}

func TestParseFlowRefuses(t *testing.T) {
	t.Parallel()
	node := `{"id":"a","type":"t","version":1}`
	with := func(member string) string { return `{"format":1,"name":"x",` + member + `}` }
	nodes := func(ns string) string { return with("\n\"nodes\":[\n" + ns + "\n],\"edges\":[]") }
	documents := map[string]string{
		"nothing":                     "",
		"spaces only":                 " \n\n",
		"not JSON":                    "name: orders\nnodes: []\n",
		"a list":                      "[]",
		"text":                        `"format"`,
		"null":                        "null",
		"not UTF-8":                   "{\"format\":1,\"name\":\"\xff\"}",
		"byte order mark":             "\uFEFF" + with(`"nodes":[]`),
		"UTF-16":                      "{\x00\"\x00f\x00",
		"truncated":                   with("\n\n\"nodes\":[")[:30],
		"truncated in text":           `{"format":1,"name":"x`,
		"comma at the end":            with("\n\"nodes\":[],"),
		"missing colon":               "{\"format\" 1}",
		"comment":                     "{\"format\":1, // first\n\"name\":\"x\"}",
		"single quotes":               `{'format':1}`,
		"NaN":                         with(`"x":NaN`),
		"leading zero":                with(`"x":01`),
		"raw line break in text":      "{\"format\":1,\"name\":\"a\nb\"}",
		"text after the end":          with(`"nodes":[]`) + "\n\n{}",
		"brackets crossed":            with(`"nodes":[}`),
		"half a character":            with("\n" + `"description":"\ud83d"`),
		"other half first":            with(`"description":"\udE80\uD83d"`),
		"half, then a letter":         with(`"description":"\\\\\uD83dx"`),
		"no format":                   `{"name":"x","nodes":[]}`,
		"format null":                 `{"format":null}`,
		"format 0":                    `{"format":0}`,
		"format negative":             `{"format":-1}`,
		"format newer":                `{"format":2,"Nodes":"anything"}`,
		"format is text":              `{"format":"1"}`,
		"format is 1.0":               "{\n\"format\":1.0}",
		"format is huge":              `{"format":1e400}`,
		"member twice":                with("\n\"nodes\":[],\n\"nodes\":[]"),
		"member twice, escaped":       with(`"nodes":[],"\u006eodes":[]`),
		"member twice, deep":          nodes(`{"id":"a","type":"t","version":1,"config":{"x":{"y":1,"y":2}}}`),
		"Nodes":                       with(`"Nodes":[]`),
		"Format":                      `{"Format":1}`,
		"both capitals":               with(`"nodes":[],"NODES":[]`),
		"capitals in a node":          nodes(`{"ID":"a","type":"t","version":1}`),
		"capitals in an edge":         with(`"edges":[{"From":{"node":"a","port":"o"}}]`),
		"capitals in an edge's end":   with(`"edges":[{"from":{"Node":"a","port":"o"}}]`),
		"capitals in the settings":    with(`"settings":{"maxrejects":1}`),
		"capitals in a parameter":     with(`"parameters":[{"name":"p","type":"text","DEFAULT":1}]`),
		"capitals by folding":         with(`"node\u017f":[]`),
		"nodes is an object":          with(`"nodes":{}`),
		"name is a number":            `{"format":1,"name":12}`,
		"node is text":                nodes(`"a"`),
		"node is null":                nodes(node + ",\nnull"),
		"version is text":             nodes(node + ",\n" + `{"id":"b","type":"t","version":"1"}`),
		"version is a fraction":       nodes(`{"id":"b","type":"t","version":1.5}`),
		"disabled is text":            nodes(`{"id":"b","type":"t","disabled":"no"}`),
		"edges is true":               with(`"edges":true`),
		"edge's end is text":          with(`"edges":[{"from":"a.out","to":"b.in"}]`),
		"maxRejects is huge":          with(`"settings":{"maxRejects":9223372036854775808}`),
		"settings is a list":          with(`"settings":[]`),
		"two nodes of one id":         nodes(node + "," + node),
		"empty id":                    nodes(`{"id":"","type":"t"}`),
		"no id":                       nodes(`{"type":"t"}`),
		"id with a space":             nodes(`{"id":"a b","type":"t"}`),
		"id with a dot":               nodes(`{"id":"a.b","type":"t"}`),
		"id with a line break":        nodes(`{"id":"a\n","type":"t"}`),
		"id of 65 characters":         nodes(`{"id":"` + strings.Repeat("a", 65) + `","type":"t"}`),
		"id in other letters":         nodes(`{"id":"größe","type":"t"}`),
		"no type":                     nodes(`{"id":"a"}`),
		"three problems":              nodes(`{"id":"?","type":"t"},{"id":"b"},{"id":"c","type":"t","rejects":"maybe"}`),
		"reject policy of the flow":   with(`"settings":{"rejects":"Fail"}`),
		"parameter without name":      with(`"parameters":[{"type":"text"}]`),
		"parameter that is no name":   with(`"parameters":[{"name":"max-age","type":"text"}]`),
		"parameter twice":             with(`"parameters":[{"name":"p","type":"text"},{"name":"p","type":"text"}]`),
		"parameter without type":      with(`"parameters":[{"name":"p"}]`),
		"parameter of unknown type":   with(`"parameters":[{"name":"p","type":"int46"}]`),
		"parameter's type is a value": with(`"parameters":[{"name":"p","type":64}]`),
		"deep list":                   with(`"x":` + strings.Repeat("[", 101) + strings.Repeat("]", 101)),
		"very deep list":              with(`"x":` + strings.Repeat("[", 1_000_000)),
		"deep object":                 with(`"x":` + strings.Repeat(`{"a":`, 101) + "1" + strings.Repeat("}", 101)),
		"too large":                   with(`"description":"` + strings.Repeat("x", flows.MaxDocumentBytes) + `"`),
		"too many nodes":              nodes(strings.Repeat(node+",", flows.MaxNodes) + node),
	}
	names := make([]string, 0, len(documents))
	for name := range documents {
		names = append(names, name)
	}
	slices.Sort(names)
	var out strings.Builder
	for _, name := range names {
		f, err := flows.ParseFlow([]byte(documents[name]))
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if f != nil {
			t.Errorf("%s: a flow comes with the error", name)
		}
		fmt.Fprintf(&out, "%s\n", name)
		problems, ok := err.(flows.Problems)
		if !ok {
			problems = flows.Problems{flows.AsError(err)}
		}
		for _, p := range problems {
			if p.Code == "internal" || p.Suggestion == "" {
				t.Errorf("%s: %q has code %s and suggestion %q", name, p, p.Code, p.Suggestion)
			}
			fmt.Fprintf(&out, "    [%s] %s\n", p.Code, p)
		}
	}
	golden(t, "refused.golden", []byte(out.String()))
}

func TestParseFlowAccepts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"least":            `{"format":1}`,
		"64 characters":    `{"format":1,"nodes":[{"id":"` + strings.Repeat("a", 64) + `","type":"t"}]}`,
		"ids that differ":  `{"format":1,"nodes":[{"id":"a","type":"t"},{"id":"A","type":"t"},{"id":"0_-","type":"t"}]}`,
		"both halves":      `{"format":1,"name":"\ud83d\ude80 \\ud83d"}`,
		"100 deep":         `{"format":1,"x":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`,
		"dangling edge":    `{"format":1,"edges":[{"from":{"node":"gone","port":"out"},"to":{}}]}`, // the plan's business
		"null everywhere":  `{"format":1,"id":null,"name":null,"nodes":null,"edges":null,"settings":null,"parameters":null,"layout":null}`,
		"unknown capitals": `{"format":1,"Later":1,"later":2}`,
	} {
		c := canonical(t, parse(t, text))
		if again := canonical(t, parse(t, string(c))); !bytes.Equal(c, again) {
			t.Errorf("%s: not stable:\n%s", name, cmp.Diff(string(c), string(again)))
		}
	}
}

// A few megabytes of brackets would be gigabytes of indentation.
func TestCanonicalIsBounded(t *testing.T) {
	t.Parallel()
	row := strings.Repeat("[", 90) + strings.Repeat("1,", 1000) + "1" + strings.Repeat("]", 90)
	f := parse(t, `{"format":1,"x":[`+strings.Repeat(row+",", 1000)+row+`]}`)
	if _, err := f.Canonical(); flows.AsError(err).Code != "document.too_large" {
		t.Errorf("canonical form: %v", err)
	}
	if _, err := f.Hash(); flows.AsError(err).Code != "document.too_large" {
		t.Errorf("hash: %v", err)
	}
}

func FuzzParseFlow(f *testing.F) {
	inputs, err := filepath.Glob("testdata/canonical/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range inputs {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, text := range []string{`{"format":1,"nodes":[{"id":"a","type":"t","config":1e400}],"":{"":""}}`, `{"format":1,"name":"\ud83d\ude80\\"}`,
		`{"format":1,"settings":{"maxRejects":null,"x":[]},"edges":[{"from":null,"to":{"z":0}}],"-":0}`, `{"format":1,"parameters":[{"name":"p","type":"list<struct<\"a\": int8>>"}]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := flows.ParseFlow(b)
		if err != nil {
			if flows.AsError(err).Code == "internal" {
				t.Fatalf("not a sentence for a person: %v", err)
			}
			return
		}
		c, err := doc.Canonical()
		if err != nil {
			if flows.AsError(err).Code == "document.too_large" {
				return
			}
			t.Fatal(err)
		}
		back := parse(t, string(c))
		if again := canonical(t, back); !bytes.Equal(c, again) {
			t.Fatalf("canonical form is not stable:\n%s", cmp.Diff(string(c), string(again)))
		}
		before := hash(t, doc)
		if hash(t, back) != before {
			t.Fatal("reading the canonical form changes the hash")
		}
		doc.Layout = json.RawMessage(`{"moved":[1,2,3]}`)
		if hash(t, doc) != before {
			t.Fatal("layout changes the hash")
		}
	})
}
