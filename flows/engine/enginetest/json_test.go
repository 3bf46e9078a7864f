package enginetest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
)

// extractFlow reads lines of text and extracts.
func extractFlow(fields string) string {
	return `{"format":1,"name":"extract","nodes":[
		{"id":"in","type":"file.input","version":1,"config":{"path":"in.jsonl","format":"jsonl","fields":[{"name":"j","type":"text"}]}},
		{"id":"expect","type":"json.extract","version":1,"config":{"field":"j","drop":true,"fields":[` + fields + `]},"rejects":"reject"},
		{"id":"out","type":"file.output","version":1,"config":{"path":"out.jsonl","format":"jsonl"}}],
		"edges":[{"from":{"node":"in","port":"out"},"to":{"node":"expect","port":"in"}},{"from":{"node":"expect","port":"out"},"to":{"node":"out","port":"in"}}]}`
}

// TestJSONExtract: what each text gives, or the code and the reason with which its record is refused.
func TestJSONExtract(t *testing.T) {
	t.Parallel()
	field := func(path, kind, more string) string {
		return fmt.Sprintf(`{"path":%q,"name":"x","type":%q%s}`, path, kind, more)
	}
	text, decimal := field("$.a", "text", ""), field("$.a", "decimal(38,10)", "")
	for name, c := range map[string]struct{ fields, text, want string }{
		"text":                      {text, `{"a":"é\n\ud83d\ude00"}`, `{"x":"é\n😀"}`},
		"a number as text":          {text, `{"a":1.50e0}`, `{"x":"1.50e0"}`},
		"an object as text":         {text, `{"a":{"b":1}}`, `json.wrong_type: $.a is no text: it is {"b":1}`},
		"a text with NUL":           {text, `{"a":"x\u0000y"}`, `json.wrong_type: $.a is no text: it is "x\u0000y"`},
		"a key with an escape":      {text, `{"\u0061":"x"}`, `{"x":"x"}`},
		"missing":                   {text, `{"b":1}`, `{"x":null}`},
		"null":                      {text, `{"a":null}`, `{"x":null}`},
		"no document":               {text, "\x00", `{"x":null}`},
		"missing is refused":        {field("$.a", "text", `,"missing":"reject"`), `{}`, `json.missing: $.a is missing`},
		"null is not missing":       {field("$.a", "text", `,"missing":"reject"`), `{"a":null}`, `{"x":null}`},
		"null is refused":           {field("$.a", "text", `,"null":"reject"`), `{"a":null}`, `json.null: $.a is null`},
		"missing is not null":       {field("$.a", "text", `,"null":"reject"`), `{}`, `{"x":null}`},
		"a default":                 {field("$.a", "int64", `,"missing":"default","default":"7"`), `{}`, `{"x":7}`},
		"no default for null":       {field("$.a", "int64", `,"missing":"default","default":"7"`), `{"a":null}`, `{"x":null}`},
		"a default for a type":      {field("$.a", "int64", `,"wrongType":"default","default":"length(j)"`), `{"a":[]}`, `{"x":8}`},
		"null for a type":           {field("$.a", "int64", `,"wrongType":"null"`), `{"a":"n/a"}`, `{"x":null}`},
		"a type is refused":         {field("$.a", "decimal(10,2)", ""), `{"a":"n/a"}`, `json.wrong_type: $.a is no decimal(10,2): it is "n/a"`},
		"digits":                    {decimal, `{"a":1234567890123456789012345678.1234567890}`, `{"x":1234567890123456789012345678.1234567890}`},
		"digits of an int128":       {field("$.a", "int128", ""), `{"a":170141183460469231731687303715884105727}`, `{"x":170141183460469231731687303715884105727}`},
		"too many digits":           {field("$.a", "decimal(10,2)", ""), `{"a":0.125}`, `json.wrong_type: $.a is no decimal(10,2): it is 0.125`},
		"an exponent":               {field("$.a", "int64", ""), `{"a":12.5e1}`, `{"x":125}`},
		"a whole number with zeros": {field("$.a", "int64", ""), `{"a":100.00}`, `{"x":100}`},
		"no whole number":           {field("$.a", "int64", ""), `{"a":100.5}`, `json.wrong_type: $.a is no int64: it is 100.5`},
		"minus zero":                {field("$.a", "int64", ""), `{"a":-0}`, `{"x":0}`},
		"a number in a text":        {field("$.a", "int64", ""), `{"a":"12"}`, `{"x":12}`},
		"beyond a double":           {field("$.a", "double", ""), `{"a":1e400}`, `json.wrong_type: $.a is no double: it is 1e400`},
		"a boolean":                 {field("$.a", "boolean", ""), `{"a":true}`, `{"x":true}`},
		"no boolean":                {field("$.a", "boolean", ""), `{"a":1}`, `json.wrong_type: $.a is no boolean: it is 1`},
		"a time":                    {field("$.a", "timestamptz", ""), `{"a":"2026-01-31T10:00:00+02:00"}`, `{"x":"2026-01-31 08:00:00Z"}`},
		"a date as it is written":   {field("$.a", "date", `,"format":"%d.%m.%Y"`), `{"a":"31.01.2026"}`, `{"x":"2026-01-31"}`},
		"JSON as it is written":     {field("$.a", "json", ""), `{"a":{"b":[0.10,1E2,{}]}}`, `{"x":{"b":[0.10,1E2,{}]}}`},
		"a list":                    {field("$.a", "list<json>", ""), `{"a":[0.10, {"b":[]}]}`, `{"x":[0.10, {"b":[]}]}`},
		"no list":                   {field("$.a", "list<json>", ""), `{"a":{}}`, `json.wrong_type: $.a is no list<json>: it is {}`},
		"deep in it":                {field("$.a[1]['x y'].z", "int64", ""), `{"a":[0,{"x y":{"z":5}}]}`, `{"x":5}`},
		"a key twice":               {text, `{"a":1,"a":2}`, `json.duplicate: a key of $.a is there twice`},
		"another key twice":         {text, `{"b":1,"b":2,"a":3}`, `{"x":"3"}`},
		"no JSON":                   {text, `{"a":1,}`, `json.invalid: the text is no JSON: at line 1, column 8 invalid character '}' looking for beginning of object key string`},
		"a cut text":                {text, `{"a":"x`, `json.invalid: the text is no JSON: at line 1, column 7 unexpected end of JSON input`},
		"HTML":                      {text, "<html>", `json.invalid: the text is no JSON: at line 1, column 1 invalid character '<' looking for beginning of value`},
		"nothing":                   {text, " ", `json.invalid: the text is no JSON: it is empty`},
		"two texts":                 {text, `{} {}`, `json.invalid: the text is no JSON: at line 1, column 4 more follows behind the value`},
		"half a character":          {text, `{"a":"\ud800"}`, `json.invalid: the text is no JSON: a \u escape in it is half of a character`},
		"deep":                      {text, strings.Repeat("[", 10000) + strings.Repeat("]", 10000), `json.invalid: the text is no JSON: at line 1, column 1001 values are nested more than 1000 deep`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			line, err := json.Marshal(map[string]any{"j": c.text})
			if c.text == "\x00" {
				line = []byte(`{"j":null}`)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "in.jsonl"), append(line, '\n'), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			_, rejects, err := runExpect(t, dir, extractFlow(c.fields))
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(dir, "out.jsonl"))
			got := strings.Replace(strings.TrimSpace(string(b)), `{"x": `, `{"x":`, 1)
			for _, r := range rejects {
				got += r.Code + ": " + r.Reason
			}
			if d := cmp.Diff(c.want, got); d != "" || err != nil {
				t.Error(err, d)
			}
		})
	}
}

// TestJSONExtractFails: a field can fail the run whatever the node does with rejects, and nothing is written.
func TestJSONExtractFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), []byte(`{"j":"{\"a\":1}"}`+"\n"+`{"j":"{}"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := runExpect(t, dir, extractFlow(`{"path":"$.a","name":"x","type":"int64","missing":"fail"}`))
	if e := flows.AsError(err); e == nil || e.Code != "json.missing" || e.Message != "$.a is missing" || e.Path.Record != 2 {
		t.Fatalf("%+v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "out.jsonl")); err == nil {
		t.Error("the run failed and wrote its file")
	}
}

// TestJSONExtractSettings: what is wrong with the settings is said at its place.
func TestJSONExtractSettings(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{
		`{"path":"a.b","name":"x","type":"text"}`:                                               `fields[0].path "a.b" is no path: a path begins with $`,
		`{"path":"$.a[x]","name":"x","type":"text"}`:                                            `fields[0].path "$.a[x]" is no path: the path index "x" is not a whole number from 0 at character 4`,
		`{"path":"$.a b","name":"x","type":"text"}`:                                             `fields[0].path "$.a b" is no path: the path has an unexpected " " at character 4`,
		`{"path":"$.a","name":"x","type":"bytes"}`:                                              `fields[0].type a part of a JSON text does not become bytes`,
		`{"path":"$.a","name":"x","type":"int64","null":"default"}`:                             `fields[0].default the default is missing`,
		`{"path":"$.a","name":"x","type":"int64","null":"default","default":"date '20260101'"}`: `fields[0].default '20260101' is not a valid date`,
		`{"path":"$.a","name":"x","type":"date","null":"default","default":"true"}`:             `fields[0].default the default is of type boolean, which does not become date`,
		`{"path":"$.a","name":"x","type":"text"},{"path":"$.b","name":"x","type":"text"}`:       `fields two output fields are named "x"`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), []byte(`{"j":"{}"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := tryFlow(t.Context(), t, dir, extractFlow(fields), nil, nil)
		e := flows.AsError(err)
		if e == nil || !strings.Contains(e.Path.Field+" "+e.Message, want) {
			t.Errorf("%s: %+v, want %s", fields, err, want)
		}
	}
}
