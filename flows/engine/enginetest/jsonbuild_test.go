package enginetest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spark/flows"
)

// buildFlow reads one record and builds.
func buildFlow(t *testing.T, template, more string) string {
	t.Helper()
	return `{"format":1,"name":"build","nodes":[
		{"id":"in","type":"file.input","version":1,"config":{"path":"in.jsonl","format":"jsonl","fields":[{"name":"id","type":"int64"},{"name":"d","type":"decimal(38,2)"},{"name":"s","type":"text"},
			{"name":"x y","type":"text"},{"name":"n","type":"text"},{"name":"at","type":"timestamptz"},{"name":"raw","type":"bytes"},{"name":"j","type":"json"},{"name":"r","type":"double"},{"name":"b","type":"boolean"}]}},
		{"id":"build","type":"json.build","version":1,"config":{"template":` + asJSON(t, template) + `,"name":"x","others":"drop"` + more + `}},
		{"id":"text","type":"convert","version":1,"config":{"fields":[{"name":"x","type":"text"}]}},
		{"id":"out","type":"file.output","version":1,"config":{"path":"out.csv","format":"csv"}}],
		"edges":[{"from":{"node":"in","port":"out"},"to":{"node":"build","port":"in"}},{"from":{"node":"build","port":"out"},"to":{"node":"text","port":"in"}},{"from":{"node":"text","port":"out"},"to":{"node":"out","port":"in"}}]}`
}

const buildRecord = `{"id":7,"d":123456789012345678901234567890123456.10,"s":"a \"b\" ü\n\\","x y":"two","n":null,"at":"2026-01-31T10:00:00Z","raw":"/wA=","j":{"k":[0.10,1E400]},"r":0.5,"b":true}`

// TestJSONBuild: what a template makes of a record, with every digit, and where one that is wrong says so.
func TestJSONBuild(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ template, more, want string }{
		"values":               {`{"id": [id], "d": [d], "b": [b], "r": [r], "n": [n]}`, "", `{"id":7,"d":123456789012345678901234567890123456.10,"b":true,"r":0.5,"n":null}`},
		"JSON as it is":        {`{"j": [j]}`, "", `{"j":{"k":[0.10,1E400]}}`},
		"a text is escaped":    {`[[s], [x y]]`, "", `["a \"b\" ü\n\\","two"]`},
		"times and bytes":      {`[[at], [raw]]`, "", `["2026-01-31T10:00:00Z","/wA="]`},
		"inside of texts":      {`"No. [id] [n][[id] \u00fc it's [s]"`, "", `"No. 7 [id] ü it's a \"b\" ü\n\\"`},
		"lists are lists":      {`[1, [], [2.50], ["a"], [true], [-0]]`, "", `[1,[],[2.50],["a"],[true],[-0]]`},
		"nulls are removed":    {`{"n": [n], "a": {"n": [n], "m": null}, "l": [[n], null], "id": [id]}`, `,"removeNulls":true`, `{"a":{},"l":[null,null],"id":7}`},
		"the layout":           {"{ \"id\" : [id],\n  \"l\": [ 1 , [id] ]\n}", `,"layout":true`, "{ \"id\" : 7,\n  \"l\": [ 1, 7 ]\n}"},
		"one value":            {` [id] `, "", `7`},
		"no field":             {"{\n  \"id\": [nmae]}", "", `template line 2, column 10: there is no field "nmae" at the input; there is id, d, s, x y, n, at, raw, j, r, b`},
		"no field in a text":   {`{"a": "x [idd]"}`, "", `template line 1, column 11: there is no field "idd" at the input; did you mean "id"?`},
		"no comma":             {`{"a": 1 "b": 2}`, "", `template line 1, column 9: a comma or } is expected`},
		"a comma too many":     {`[1, ]`, "", `template line 1, column 5: "]" stands where a value is expected`},
		"a key twice":          {`{"a": 1, "a": 2}`, "", `template line 1, column 10: the key "a" is there twice`},
		"a key without quotes": {`{a: 1}`, "", `template line 1, column 2: a key in double quotes is expected`},
		"no value":             {`{"a": id}`, "", `template line 1, column 7: "id" is no value; write a text in quotes, or [id] for a field`},
		"not closed":           {`{"a": "x`, "", `template line 1, column 7: the text is not closed`},
		"two values":           {`{} {}`, "", `template line 1, column 4: more follows behind the value`},
		"a field as key":       {`{"[id]": 1}`, "", `template line 1, column 2: a key cannot be a field; write [[ for a bracket in a key`},
		"deep":                 {strings.Repeat("[", 5000), "", `template line 1, column 102: values are nested more than 100 deep`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), []byte(buildRecord+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := tryFlow(t.Context(), t, dir, buildFlow(t, c.template, c.more), nil, nil)
			if err != nil {
				if e := flows.AsError(err); fmt.Sprint(e.Path.Field, " ", e.Message) != c.want {
					t.Errorf("%s %s, want %s", e.Path.Field, e.Message, c.want)
				}
				return
			}
			b, err := os.ReadFile(filepath.Join(dir, "out.csv"))
			_, got, _ := strings.Cut(string(b), "\n")
			if got = strings.TrimSuffix(got, "\n"); strings.HasPrefix(got, `"`) {
				got = strings.ReplaceAll(got[1:len(got)-1], `""`, `"`)
			}
			if err != nil || got != c.want {
				t.Errorf("%v %s, want %s", err, got, c.want)
			}
		})
	}
}
