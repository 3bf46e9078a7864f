package node

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
)

type testConfig struct {
	Name   string          `json:"name" title:"Name" required:"true"`
	Kind   string          `json:"kind" title:"Kind" enum:"one|two"`
	Size   int             `json:"size" title:"Size" minimum:"10"`
	On     *bool           `json:"on"`
	Type   flows.Type      `json:"type"`
	Count  Value[int64]    `json:"count"`
	Raw    json.RawMessage `json:"raw"`
	Items  []testItem      `json:"items"`
	Inner  testItem        `json:"inner"`
	hidden string
}

type testItem struct {
	Field string `json:"field" title:"Field" required:"true"`
}

func TestDecodeConfig(t *testing.T) {
	t.Parallel()
	const good = `"name": "n", "size": 10, "inner": {"field": "f"}`
	for raw, want := range map[string]string{
		`{` + good + `}`: "",
		`{` + good + `, "kind": "two", "on": false, "type": "decimal(10,2)", "raw": {"any": 1}, "items": [{"field": "x"}], "count": {"parameter": "p"}}`: "",
		`{"size": 10, "inner": {"field": "f"}}`:                     `config.required name: "Name" is missing`,
		`{"name": "n", "size": 10}`:                                 `config.required inner.field: "Field" is missing`,
		`{` + good + `, "items": [{"field": "a"}, {}]}`:             `config.required items[1].field: "Field" is missing`,
		`{` + good + `, "kind": "tow"}`:                             `config.enum kind: "tow" is not a value of "Kind"`,
		`{"name": "n", "size": 9, "inner": {"field": "f"}}`:         `config.minimum size: "Size" is 9 and must be at least 10`,
		`{` + good + `, "sise": 1}`:                                 `warning config.unknown sise: there is no setting "sise" here; it is kept and has no effect`,
		`{` + good + `, "items": [{"field": "a", "feild": "b"}]}`:   `warning config.unknown items[0].feild: there is no setting "feild" here; it is kept and has no effect`,
		`{` + good + `, "Kind": "two"}`:                             `config.capitals Kind: the setting "kind" is spelt "Kind" here`,
		`{` + good + `, "kind": "one", "KIND": "two"}`:              `config.capitals KIND: the setting "kind" is spelt "KIND" here`,
		`{` + good + `, "hidden": "x"}`:                             `warning config.unknown hidden: there is no setting "hidden" here; it is kept and has no effect`,
		`{"name": 5}`:                                               `config.type name: a number stands where a text is expected`,
		`{"name": "n", "size": "10"}`:                               `config.type size: a text stands where a whole number is expected`,
		`{"name": "n", "size": 1.5}`:                                `config.type size: a number stands where a whole number is expected`,
		`{"name": "n", "on": "yes"}`:                                `config.type on: a text stands where true or false is expected`,
		`{"name": "n", "items": {}}`:                                `config.type items: an object stands where a list is expected`,
		`{"name": "n", "type": "decimal"}`:                          `type.invalid : "decimal" is not a type: a decimal needs its digits, such as decimal(10,2) at position 8`,
		`[]`:                                                        `config.type : a list stands where an object is expected`,
		`{"name": "n", "count": {"parameter": "a", "secret": "b"}}`: `config.type : the settings cannot be read: a value names one of parameter, expression and secret, not 2 of them`,
	} {
		var lines []string
		for _, p := range decodeConfig("n1", json.RawMessage(raw), &testConfig{}) {
			if p.Path.Node != "n1" {
				t.Errorf("%s: %+v names no node", raw, p)
			}
			warning := map[flows.Severity]string{flows.SeverityWarning: "warning "}[p.Severity]
			lines = append(lines, fmt.Sprintf("%s%s %s: %s", warning, p.Code, p.Path.Field, p.Message))
		}
		if d := cmp.Diff(want, strings.Join(lines, "\n")); d != "" {
			t.Errorf("%s (-want +got):\n%s", raw, d)
		}
	}
}

func TestJSONSchema(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(JSONSchema(&testConfig{Kind: "one", Count: Lit[int64](5), hidden: "x"}))
	if err != nil {
		t.Fatal(err)
	}
	const item = `{"properties":{"field":{"title":"Field","type":"string"}},"required":["field"],"type":"object","x-order":["field"]}`
	want := `{"$schema":"https://json-schema.org/draft/2020-12/schema","properties":{` +
		`"count":{"default":5,"type":"integer","x-value":true},` +
		`"inner":` + item + `,"items":{"items":` + item + `,"type":"array"},` +
		`"kind":{"default":"one","enum":["one","two"],"title":"Kind","type":"string"},"name":{"title":"Name","type":"string"},"on":{"type":"boolean"},"raw":{"type":"object"},` +
		`"size":{"minimum":10,"title":"Size","type":"integer"},"type":{"type":"string","x-widget":"type"}},` +
		`"required":["name"],"type":"object","x-order":["name","kind","size","on","type","count","raw","items","inner"]}`
	if d := cmp.Diff(want, string(b)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
