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

// eachFlow reads lines of text and makes a record of each element.
func eachFlow(settings, fields string) string {
	return strings.Replace(extractFlow(fields), `"drop":true`, `"drop":true,"each":"$.items[*]","position":"n"`+settings, 1)
}

const sku = `{"path":"$.id","name":"id","type":"int64"},{"path":"$.items[*].sku","name":"sku","type":"text"},{"path":"$.items[*].price","name":"price","type":"int64"}`

// TestJSONEach: which records each text gives, and with which reason and text a record or an element is refused.
func TestJSONEach(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ settings, fields, text, want string }{
		"elements":              {"", sku, `{"id":1,"items":[{"sku":"a","price":2},{"sku":"b","price":3.0}]}`, `[1,"a",2,1] [1,"b",3,2]`},
		"no element":            {"", sku, `{"id":1,"items":[]}`, `[1,null,null,null]`},
		"a missing array":       {"", sku, `{"id":1}`, `[1,null,null,null]`},
		"an array that is null": {"", sku, `{"id":1,"items":null}`, `[1,null,null,null]`},
		"no text":               {"", sku, "\x00", `[null,null,null,null]`},
		"dropped":               {`,"empty":"drop"`, sku, `{"id":1,"items":[]}`, ``},
		"dropped, no text":      {`,"empty":"drop"`, sku, "\x00", ``},
		"not dropped":           {`,"empty":"drop"`, sku, `{"id":1,"items":[{}]}`, `[1,null,null,1]`},
		"elements of any kind":  {"", sku, `{"id":1,"items":[7,null,"x",[],{"sku":"a"}]}`, `[1,null,null,1] [1,null,null,2] [1,null,null,3] [1,null,null,4] [1,"a",null,5]`},
		"the element itself":    {"", `{"path":"$.items[*]","name":"x","type":"json"}`, `{"items":[1.50,null,{"a": 1}]}`, `[1.50,1] [null,2] [{"a": 1},3]`},
		"a list in an element":  {"", `{"path":"$.items[*].of","name":"x","type":"list<json>"}`, `{"items":[{"of":[1,[2]]}]}`, `[[1, [2]],1]`},
		"a default": {"", `{"path":"$.items[*].a","name":"x","type":"int64","missing":"default","default":"length(j)"}`, `{"items":[{"a":1},{}]}`,
			`[1,1] [22,2]`},
		"no default without elements": {"", `{"path":"$.items[*].a","name":"x","type":"int64","missing":"default","default":"7"}`, `{"items":[]}`, `[null,null]`},
		"no reject without elements":  {"", `{"path":"$.items[*].a","name":"x","type":"int64","missing":"reject"}`, `{}`, `[null,null]`},
		"an element is refused, the others go on": {"", sku, `{"id":1,"items":[{"sku":"a","price":1}, {"sku":"b","price":"n/a"} ,{"sku":"c"}],"x":[1]}`,
			`[1,"a",1,1] [1,"c",null,3] json.wrong_type: $.items[1].price is no int64: it is "n/a" in {"id":1,"items":[{"sku":"b","price":"n/a"}],"x":[1]}`},
		"a missing part is refused": {"", `{"path":"$.items[*].a","name":"x","type":"int64","missing":"reject"}`, `{"items":[{"a":1},{"b":[{"a":2}]}]}`,
			`[1,1] json.missing: $.items[1].a is missing in {"items":[{"b":[{"a":2}]}]}`},
		"a key twice in an element": {"", sku, `{"items":[{"sku":1,"sku":2},{"sku":3}]}`,
			`[null,"3",null,2] json.duplicate: a key of $.items[0].sku is there twice in {"items":[{"sku":1,"sku":2}]}`},
		"a record is refused once":               {"", sku, `{"id":"x","items":[{"sku":"a"},{"price":"n/a"}]}`, `json.wrong_type: $.id is no int64: it is "x" in {"id":"x","items":[{"sku":"a"},{"price":"n/a"}]}`},
		"a record is refused, its array dropped": {`,"empty":"drop"`, sku, `{"id":"x","items":[]}`, `json.wrong_type: $.id is no int64: it is "x" in {"id":"x","items":[]}`},
		"no array":                               {"", sku, `{"id":1,"items":{"a":1}}`, `json.wrong_type: $.items is no array: it is {"a":1} in {"id":1,"items":{"a":1}}`},
		"a text for an array":                    {`,"empty":"drop"`, sku, `{"id":1,"items":"[]"}`, `json.wrong_type: $.items is no array: it is "[]" in {"id":1,"items":"[]"}`},
		"the array twice":                        {"", sku, `{"items":[],"items":[1]}`, `json.duplicate: a key of $.items is there twice in {"items":[],"items":[1]}`},
		"no JSON":                                {"", sku, `{"items":[{},]}`, `json.invalid: the text is no JSON: at line 1, column 14 invalid character ']' looking for beginning of value in {"items":[{},]}`},
		"only what surrounds":                    {"", `{"path":"$.id","name":"id","type":"int64"}`, `{"id":1,"items":[{},{}]}`, `[1,1] [1,2]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := runEach(t, eachFlow(c.settings, c.fields), c.text); got != c.want {
				t.Error(cmp.Diff(c.want, got))
			}
		})
	}
}

// runEach answers the values of the records that come out, and the rejects with the text that they keep.
func runEach(t *testing.T, flow, text string) string {
	t.Helper()
	dir := t.TempDir()
	line, err := json.Marshal(map[string]any{"j": text})
	if text == "\x00" {
		line = []byte(`{"j":null}`)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "in.jsonl"), append(line, '\n'), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	status, rejects, err := runExpect(t, dir, flow)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "out.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(b)) {
		dec := json.NewDecoder(strings.NewReader(line))
		var values []string
		if _, err := dec.Token(); err != nil {
			t.Fatal(err)
		}
		for dec.More() {
			var v json.RawMessage
			if _, err := dec.Token(); err != nil {
				t.Fatal(err)
			}
			if err := dec.Decode(&v); err != nil {
				t.Fatal(err)
			}
			values = append(values, string(v))
		}
		got = append(got, "["+strings.Join(values, ",")+"]")
	}
	if status.Out["out"] != int64(len(got)) || status.Rejected != int64(len(rejects)) {
		t.Errorf("%d records and %d rejects, the books say %+v", len(got), len(rejects), status)
	}
	for _, r := range rejects {
		var record map[string]string
		if err := json.Unmarshal([]byte(r.Raw), &record); err != nil || r.Record != 1 {
			t.Errorf("%v in %+v", err, r)
		}
		got = append(got, fmt.Sprintf("%s: %s in %s", r.Code, r.Reason, record["j"]))
	}
	return strings.Join(got, " ")
}

// TestJSONEachFails: what stands in the place of the array can fail the run, whatever the node does with rejects.
func TestJSONEachFails(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`{"items":5}`: "json.wrong_type $.items is no array: it is 5", `{"items":[{"price":1},{"price":{}}]}`: "json.wrong_type $.items[1].price is no int64: it is {}"} {
		dir := t.TempDir()
		line, _ := json.Marshal(map[string]string{"j": text})
		if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), line, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := runExpect(t, dir, eachFlow(`,"noArray":"fail"`, strings.Replace(sku, `"price","type":"int64"`, `"price","type":"int64","wrongType":"fail"`, 1)))
		if e := flows.AsError(err); e == nil || e.Code+" "+e.Message != want || e.Path.Record != 1 {
			t.Errorf("%+v, want %s", err, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "out.jsonl")); err == nil {
			t.Error("the run failed and wrote its file")
		}
	}
}

// TestJSONEachRefusesMany: the texts of many refused elements of one long text are short, and there are as many as there should be.
func TestJSONEachRefusesMany(t *testing.T) {
	t.Parallel()
	const n = 100_000
	elements := make([]string, n)
	for i := range elements {
		elements[i] = `{"price":"n/a"}`
		if i%200 != 0 {
			elements[i] = fmt.Sprintf(`{"price":%d}`, i)
		}
	}
	dir := t.TempDir()
	line, _ := json.Marshal(map[string]string{"j": `{"id":1,"items":[` + strings.Join(elements, ",") + `]}`})
	if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), line, 0o600); err != nil {
		t.Fatal(err)
	}
	status, rejects, err := runExpect(t, dir, eachFlow("", sku))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rejects {
		if want := fmt.Sprintf(`$.items[%d].price is no int64: it is "n/a"`, 200*i); r.Reason != want || len(r.Raw) > 100 {
			t.Fatalf("%s with %d bytes, want %s", r.Reason, len(r.Raw), want)
		}
	}
	if status.In["in"] != 1 || status.Out["out"] != n-n/200 || status.Rejected != n/200 {
		t.Errorf("%+v", status)
	}
	if len(rejects) != n/200 {
		t.Errorf("%d rejects", len(rejects))
	}
}

// TestJSONEachSettings: what is wrong with the settings is said at its place.
func TestJSONEachSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ each, path, want string }{
		{"", "$.items[*].a", `fields[0].path "$.items[*].a" is a part of each element of an array, and a record stays one record`},
		{"$.items[*]", "$.others[*].a", `fields[0].path "$.others[*].a" is a part of the elements of $.others, and there is one record for each of $.items`},
		{"$.items[*]", "$.items[*].a[*].b", `fields[0].path "$.items[*].a[*].b" goes through an array inside an array`},
		{"$.items[*]", "$.items[*]a", `fields[0].path "$.items[*]a" is no path: the path has an unexpected "a" at character 2`},
		{"$.items[*].more[*]", "$.a", `each "$.items[*].more[*]" goes through an array inside an array`},
		{"items", "$.a", `each "items" is no path: a path begins with $`},
		{"$.items", "$['items'][*].a", ""},
		{"$[*]", "$[*].a", ""},
		{"$['[*]'][*]", "$['[*]'][*].a", ""},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), []byte(`{"j":"{}"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		flow := strings.Replace(extractFlow(fmt.Sprintf(`{"path":%q,"name":"x","type":"text"}`, c.path)), `"drop":true`, fmt.Sprintf(`"drop":true,"each":%q`, c.each), 1)
		_, err := tryFlow(t.Context(), t, dir, flow, nil, nil)
		e := flows.AsError(err)
		if c.want == "" && e != nil || c.want != "" && (e == nil || !strings.Contains(e.Path.Field+" "+e.Message, c.want)) {
			t.Errorf("%s, %s: %+v, want %s", c.each, c.path, err, c.want)
		}
	}
}
