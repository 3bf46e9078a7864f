package openapi

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"spark/flows"
)

func shop(t *testing.T) *Document {
	t.Helper()
	text, err := os.ReadFile("testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return read(t, string(text))
}

func read(t *testing.T, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// chosen are the settings of an operation that are not as at first.
func chosen(t *testing.T, d *Document, w Wish) (map[string]any, *flows.ChosenOperation) {
	t.Helper()
	c, err := d.Choose(w)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]any{}
	if err := json.Unmarshal(c.Settings, &settings); err != nil {
		t.Fatal(err)
	}
	for name, v := range settings {
		if v == nil {
			delete(settings, name)
		}
	}
	return settings, c
}

func same(t *testing.T, what string, got any, want string) {
	t.Helper()
	var w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if b, err := json.Marshal(got); err != nil || !reflect.DeepEqual(again(b), w) {
		t.Errorf("%s:\n%s\nwant\n%s", what, b, want)
	}
}

func again(b []byte) (v any) {
	_ = json.Unmarshal(b, &v) // it was made here
	return v
}

func TestOperations(t *testing.T) {
	t.Parallel()
	d := shop(t)
	list, err := d.Operations()
	if err != nil || d.Title() != "Shop 2" {
		t.Fatalf("%q, %v", d.Title(), err)
	}
	same(t, "operations", list, `[{"method":"GET","path":"/customers/{customer-id}/orders","summary":"Orders of a customer","tag":"orders"},
		{"method":"POST","path":"/customers/{customer-id}/orders","summary":"Place an order","tag":"orders","deprecated":true},
		{"method":"GET","path":"/events","summary":"listEvents"},{"method":"GET","path":"/items"},{"method":"GET","path":"/linked"},{"method":"GET","path":"/odata"}]`)
}

// TestChooseRecords: an operation becomes the settings of a node that reads pages.
func TestChooseRecords(t *testing.T) {
	t.Parallel()
	d := shop(t)
	order := `[{"name":"id","type":"int64"},{"name":"lines","type":"int32"},{"name":"price","type":"double"},{"name":"paid","type":"boolean"},{"name":"name","type":"text"},{"name":"parent","type":"json"},{"name":"kind","type":"json"}]`
	for path, want := range map[string]string{
		"/customers/{customer-id}/orders": `{"method":"GET","url":"https://eu.example.com/v1/customers/${customer_id}/orders","query":[{"name":"status","value":"${status}"},{"name":"sort","value":"id"}],"headers":[{"name":"X-Trace","value":"${X_Trace}"}],
			"paging":"page","pageParameter":"page","firstPage":0,"sizeParameter":"per_page","pageSize":100,"totalPath":"data.total","recordPath":"data.orders","fields":` + order + `}`,
		"/events": `{"method":"GET","url":"https://eu.example.com/v1/events","paging":"cursor","cursorParameter":"page_token","cursorPath":"meta.next_page_token","morePath":"meta.has_more","sizeParameter":"limit","recordPath":"events",
			"fields":[{"name":"id","type":"uuid"},{"name":"at","type":"timestamptz"},{"name":"day","type":"date"},{"name":"payload","type":"json"},{"name":"tags","type":"json"}]}`,
		"/items":  `{"method":"GET","url":"https://eu.example.com/v1/items","paging":"offset","offsetParameter":"offset","sizeParameter":"limit","pageSize":50,"fields":` + order + `}`,
		"/linked": `{"method":"GET","url":"https://eu.example.com/v1/linked","paging":"link","fields":` + order + `}`,
		"/odata":  `{"method":"GET","url":"https://eu.example.com/v1/odata","paging":"next","nextPath":"[\"@odata.nextLink\"]","recordPath":"value","fields":` + order + `}`,
	} {
		settings, _ := chosen(t, d, Wish{Method: "GET", Path: path, Records: true})
		same(t, path, settings, want)
	}
	_, c := chosen(t, d, Wish{Method: "GET", Path: "/customers/{customer-id}/orders", Records: true})
	same(t, "parameters", c.Parameters, `[{"name":"customer_id","default":"42","help":"Whose orders"},{"name":"status","default":"open"},{"name":"X_Trace"}]`)
	same(t, "notes", c.Notes, `["api_key holds a credential: it belongs into the connection.","Not needed, and left out: since."]`)
	if _, err := d.Choose(Wish{Method: "PATCH", Path: "/items", Records: true}); flows.AsError(err).Code != "openapi.operation" {
		t.Error(err)
	}
}

// TestChooseCall: for a node that calls for each record, fields of its input stand where they are meant.
func TestChooseCall(t *testing.T) {
	t.Parallel()
	settings, c := chosen(t, shop(t), Wish{Method: "POST", Path: "/customers/{customer-id}/orders", Fields: []string{"customerId", "Lines"}, Base: "https://eu.example.com"})
	same(t, "settings", settings, `{"method":"POST","url":"/v1/customers/[customerId]/orders","send":"template","responseAs":"json",
		"body":"{\n  \"customer_id\": [customerId],\n  \"note\": \"a [[b] $${c}\",\n  \"tags\": [\n    \"new\"\n  ],\n  \"lines\": [Lines]\n}"}`)
	if len(c.Parameters) != 0 {
		t.Errorf("parameters %v", c.Parameters)
	}
}

// TestAddress: the path stands below the base URL of the connection, whichever part of the server's path that has.
func TestAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][4]string{ // server, base, from, address
		"the same":       {"https://a.b/v1", "https://a.b/v1/", "", "/x"},
		"host only":      {"https://a.b/v1", "https://a.b", "", "/v1/x"},
		"no server":      {"", "https://a.b/v1", "", "/x"},
		"relative":       {"/v1", "https://a.b", "", "/v1/x"},
		"relative, same": {"/v1", "https://a.b/v1", "", "/x"},
		"proxy":          {"https://a.b/v1", "https://gate/shop/v1", "", "/x"},
		"no connection":  {"https://a.b/v1/", "", "", "https://a.b/v1/x"},
		"fetched":        {"../v2", "", "https://a.b/docs/openapi.json", "https://a.b/v2/x"},
		"unknown":        {"", "", "", "/x"},
		"user":           {"https://u:p@a.b", "", "", "/x"},
	} {
		d := read(t, fmt.Sprintf(`{"openapi": "3.0.1", "servers": [{"url": %q}], "paths": {"/x": {"get": {}}}}`, c[0]))
		settings, _ := chosen(t, d, Wish{Method: "GET", Path: "/x", Records: true, Base: c[1], From: c[2]})
		if settings["url"] != c[3] {
			t.Errorf("%s: %v, want %s", name, settings["url"], c[3])
		}
	}
}

func TestSwagger(t *testing.T) {
	t.Parallel()
	d := read(t, `{"swagger": "2.0", "info": {"title": "Old"}, "host": "old.example.com", "basePath": "/api", "schemes": ["http"], "paths": {"/a/{id}": {"put": {"tags": ["t"], "parameters": [
		{"name": "id", "in": "path", "type": "string", "required": true}, {"name": "mode", "in": "query", "type": "string", "default": "fast"}, {"name": "b", "in": "body", "schema": {"$ref": "#/definitions/B"}}],
		"responses": {"200": {"schema": {"type": "array", "items": {"$ref": "#/definitions/B"}}}}}}}, "definitions": {"B": {"properties": {"n": {"type": "integer"}}}}}`)
	settings, _ := chosen(t, d, Wish{Method: "PUT", Path: "/a/{id}", Records: true})
	same(t, "settings", settings, `{"method":"PUT","url":"http://old.example.com/api/a/${id}","query":[{"name":"mode","value":"fast"}],"body":"{\n  \"n\": 0\n}","fields":[{"name":"n","type":"int64"}]}`)
}

// TestUglyDocuments are answered with a sentence that says what, where, and what to do.
func TestUglyDocuments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, code, says string }{
		"empty":          {" \n", "openapi.syntax", "it is empty"},
		"web page":       {"<!doctype html>", "openapi.syntax", "web page"},
		"broken YAML":    {"openapi: 3.0.0\npaths:\n  /a:\n   get: [\n  x: }", "openapi.syntax", "line 5"},
		"broken JSON":    {"{\"openapi\": \"3.0.0\",\n\n\"paths\": {,}}", "openapi.syntax", "line 3"},
		"half of JSON":   {"{\"openapi\": \"3.0.0\",\n\"paths\": {", "openapi.syntax", "line 2: it ends too early"},
		"more JSON":      {"{}\n{}", "openapi.syntax", "line 2"},
		"not UTF-8":      {"openapi: \xff", "openapi.syntax", "not UTF-8"},
		"something else": {`{"name": "package"}`, "openapi.none", "neither openapi nor swagger"},
		"a text":         {"hello", "openapi.none", "neither"},
		"a future":       {"openapi: 4.0.0", "openapi.version", `"4.0.0"`},
		"old":            {"swagger: '1.2'", "openapi.version", `"1.2"`},
		"no paths":       {"openapi: 3.0.0", "openapi.empty", "no operation"},
		"paths is text":  {"openapi: 3.0.0\npaths: none", "openapi.empty", "no operation"},
		"elsewhere":      {"openapi: 3.0.0\npaths: {$ref: 'other.yaml'}", "openapi.empty", "no operation"},
		"in a circle":    {"openapi: 3.0.0\npaths: {/a: {$ref: '#/paths/~1b'}, /b: {$ref: '#/paths/~1a'}}", "openapi.empty", "no operation"},
		"deep":           {strings.Repeat("[", 100_000), "openapi.syntax", "depth"},
		"deep JSON":      {strings.Repeat(`{"a":`, 100_000), "openapi.syntax", "depth"},
		"huge":           {"openapi: 3.0.0 #" + strings.Repeat("x", MaxBytes), "openapi.too_large", "10 MB"},
	} {
		d, err := Parse([]byte(c.text))
		if err == nil {
			_, err = d.Operations()
		}
		e := flows.AsError(err)
		if e == nil || e.Code != c.code || !strings.Contains(e.Message, c.says) || e.Suggestion == "" || len(e.Message) > 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBombs: aliases that fan out and schemas that lead round in circles end, soon.
func TestBombs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("openapi: 3.0.0\nx0: &x0 {type: object, properties: {a: {type: string}}}\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "x%d: &x%d {type: object, properties: {", i, i)
		for j := range 9 {
			fmt.Fprintf(&b, "p%d: *x%d, ", j, i-1)
		}
		b.WriteString("}}\n")
	}
	b.WriteString("paths: {/a: {post: {requestBody: {content: {application/json: {schema: *x11}}}, responses: {default: {content: {application/json: {schema: *x11}}}}}}}\n")
	circles := `{"openapi": "3.0.0", "paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/x/A"}}}}, "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/x/B"}}}}}}}},
		"x": {"A": {"allOf": [{"$ref": "#/x/A"}, {"$ref": "#/x/B"}], "properties": {"a": {"$ref": "#/x/A"}, "list": {"type": "array", "items": {"$ref": "#/x/A"}}}}, "B": {"oneOf": [{"$ref": "#/x/B"}, {"$ref": "#/x/A"}]}}}`
	for name, text := range map[string]string{"aliases": b.String(), "circles": circles} {
		began := time.Now()
		settings, _ := chosen(t, read(t, text), Wish{Method: "POST", Path: "/a", Records: true, Base: "https://a.b"})
		if took := time.Since(began); took > 5*time.Second || settings["url"] != "/a" {
			t.Errorf("%s: %s, %v", name, took, settings["url"])
		}
	}
}

// many is a document of n operations.
func many(n int) string {
	var b strings.Builder
	b.WriteString("openapi: 3.0.0\npaths:\n")
	for i := range n {
		fmt.Fprintf(&b, "  /things/%d/{id}:\n    get:\n      summary: Thing %d\n      tags: [t%d]\n      parameters:\n        - {name: id, in: path, required: true, schema: {type: integer}}\n      responses:\n        '200':\n          content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}\n", i, i, i%50)
	}
	return b.String() + "components: {schemas: {A: {type: object, properties: {items: {type: array, items: {type: object, properties: {id: {type: integer}}}}}}}}\n"
}

func TestManyOperations(t *testing.T) {
	t.Parallel()
	began := time.Now()
	d := read(t, many(10_000))
	list, err := d.Operations()
	if err != nil || len(list) != 10_000 || list[9_999].Path != "/things/9999/{id}" {
		t.Fatalf("%d operations, %v", len(list), err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	} else {
		t.Logf("10,000 operations in %s", took)
	}
}

// FuzzParse: whatever is chosen is read or refused.
func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/shop.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add(`{"openapi": "3.0.0", "paths": {"/a": {"get": {"parameters": [null, 1, {"name": "a", "in": "query", "schema": null}], "responses": {"200": {"content": {"application/json": {"schema": {"type": ["array"], "items": []}}}}}}}}}`)
	f.Add("swagger: '2.0'\npaths: {/a: &a {get: *a}}")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Parse([]byte(text))
		if err != nil {
			return
		}
		list, err := d.Operations()
		if err != nil {
			return
		}
		for _, o := range list[:min(len(list), 5)] {
			for _, records := range []bool{true, false} {
				c, err := d.Choose(Wish{Method: o.Method, Path: o.Path, Records: records, Fields: []string{"a"}})
				if err == nil && !json.Valid(c.Settings) {
					t.Errorf("settings %s", c.Settings)
				}
			}
		}
	})
}
