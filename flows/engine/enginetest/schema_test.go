package enginetest_test

import (
	"strings"
	"testing"

	"spark/flows"
)

const jsonField = `[{"name":"v","type":"text"},{"name":"n","type":"int64"}]`

func schemaRule(t *testing.T, field, schema, then string) string {
	t.Helper()
	return `validate {"rules":[{"field":"` + field + `","rule":"schema","schema":` + asJSON(t, schema) + `}],"then":"` + then + `","valid":"ok","error":"why"}`
}

// TestValidateSchema: each reason names its place, no digit is lost, and ugly texts are no JSON instead of anything worse.
func TestValidateSchema(t *testing.T) {
	t.Parallel()
	const schema = `{"type":"object","required":["id"],"additionalProperties":false,"properties":{
		"id":{"type":"integer","maximum":9007199254740993},"price":{"type":"number","multipleOf":0.01},"a/b":{"$ref":"#/$defs/short"},
		"at":{"type":"string","format":"date-time"},"items":{"type":"array","items":{"type":"object","properties":{"sku":{"enum":["x","y"]}}}}},
		"$defs":{"short":{"type":"string","maxLength":3}}}`
	for value, want := range map[string]string{
		`{"id": 1}`: "", `{"id": 9007199254740993, "price": 19.99, "at": "2026-01-31T10:00:00Z", "a/b": "äöü"}`: "",
		`{"id": 9007199254740994}`:                         "/id: 9007199254740994 is more than 9007199254740993 (maximum)",
		`{"price": "n/a"}`:                                 "/price: got string, want number; the whole: missing property 'id'",
		`{"id": 1, "a/b": "four"}`:                         "/a~1b: maxLength: got 4, want 3",
		`{"id": 1, "at": "yesterday"}`:                     "/at: 'yesterday' is not valid date-time: less than 20 characters long",
		`{"id": 1, "items": [{"sku": "x"}, {"sku": "z"}]}`: "/items/1/sku: value must be one of 'x', 'y'",
		`{"id": 1, "more": 2}`:                             "the whole: additional properties 'more' not allowed",
		`{"id": 1e999999999}`:                              "it has a number with an exponent beyond 999", `{"id": 1, "price": -1E+0001000}`: "it has a number with an exponent beyond 999",
		`{"id": 1e2, "price": 1.255}`: "/price: 1.255 is no multiple of 0.01 (multipleOf)", `{"id": 1e0000000000002}`: "",
		`[]`: "the whole: got array, want object",
		``:   "it is no JSON", `{"id": 1`: "it is no JSON", `{"id": 1} x`: "it is no JSON", `<html>`: "it is no JSON",
		strings.Repeat("[", 100000) + strings.Repeat("]", 100000): "it is nested deeper than 1000",
	} {
		t.Run(value[:min(len(value), 40)], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeLines(t, dir, `{"v":`+asJSON(t, value)+`,"n":1}`, `{"v":null,"n":2}`)
			out, rejects, err := given(t, dir, chained(jsonField, "", schemaRule(t, "v", schema, "reject")), nil)
			switch {
			case err != nil:
				t.Fatal(err)
			case want == "" && (len(rejects) > 0 || len(out) != 2):
				t.Errorf("refused: %v", rejects)
			case want != "" && (len(rejects) != 1 || rejects[0].Code != "validation.schema" || rejects[0].Reason != "not valid: v does not conform to the schema: "+want):
				t.Errorf("%+v, want %s", rejects, want)
			}
			out, _, err = given(t, dir, chained(jsonField, "", schemaRule(t, "v", schema, "mark")), nil)
			mark := `"ok":true,"why":null}`
			if want != "" {
				mark = `"ok":false,"why":` + asJSON(t, "v does not conform to the schema: "+want) + `}`
			}
			if err != nil || !strings.HasSuffix(out[0], mark) || out[1] != `{"v":null,"n":2,"ok":true,"why":null}` {
				t.Errorf("%v %.300s, want %s", err, out, mark)
			}
		})
	}
}

// TestValidateRecord: without a field the whole record is looked at.
func TestValidateRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeLines(t, dir, `{"v":"a","n":9007199254740993,"d":0.1,"b":"2026-01-31"}`, `{"v":null,"n":0,"d":null,"b":null}`)
	const schema = `{"required":["v","n","d","b"],"properties":{"v":{"type":"string"},"n":{"const":9007199254740993},"d":{"const":0.1},"b":{"format":"date","type":"string"}}}`
	out, rejects, err := given(t, dir, chained(`[{"name":"v","type":"text"},{"name":"n","type":"int64"},{"name":"d","type":"double"},{"name":"b","type":"date"}]`, "", schemaRule(t, "", schema, "reject")), nil)
	const want = "not valid: the record does not conform to the schema: /b: got null, want string; /d: value must be 0.1; /n: value must be 9007199254740993; /v: got null, want string"
	if err != nil || len(out) != 1 || len(rejects) != 1 || rejects[0].Reason != want || rejects[0].Field != "" {
		t.Errorf("%v %v %+v", err, out, rejects)
	}
}

// TestSchemaSettings: what is wrong with a schema is said before a run, with its place; nothing is fetched.
func TestSchemaSettings(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		``:                  `config.required "Schema" is missing`,
		`{"type":`:          `validate.schema the schema is no JSON: `,
		`{"type": "strin"}`: `validate.schema the schema is none: /type: got string, want array; /type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'`,
		`{"properties": {"a": {"minimum": "1"}}}`:                          `validate.schema the schema is none: /properties/a/minimum: got string, want number`,
		`{"$ref": "https://example.com/order.json"}`:                       `validate.schema_remote the schema refers to https://example.com/order.json, and nothing is fetched while records are checked`,
		`{"$ref": "file:///etc/passwd"}`:                                   `validate.schema_remote the schema refers to file:///etc/passwd`,
		`{"$ref": "sub/other.json"}`:                                       `validate.schema_remote the schema refers to sub/other.json,`,
		`{"$schema": "http://json-schema.org/draft-03/schema#"}`:           `validate.schema`,
		`{"$ref": "#/$defs/gone"}`:                                         `validate.schema the schema cannot be used: `,
		`{"pattern": "(?=x)"}`:                                             `validate.schema the schema `,
		strings.Repeat(`{"not":`, 2000) + "{}" + strings.Repeat("}", 2000): `validate.schema the schema is no JSON: it is nested deeper than 1000`,
	} {
		dir := t.TempDir()
		writeLines(t, dir, `{}`)
		_, _, err := given(t, dir, chained(jsonField, "", schemaRule(t, "v", schema, "reject")), nil)
		e := flows.AsError(err)
		if e == nil || !strings.HasPrefix(e.Code+" "+e.Message, want) || e.Path.Field != "rules[0].schema" {
			t.Errorf("%.60s: %v, want %s", schema, err, want)
		}
	}
}
