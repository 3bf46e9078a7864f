package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"spark/flows"
)

// TestSecretParameterCanaries gives secret parameters to runs that use them as they may, that fail over them in the
// database's words, and that are refused: nothing that anybody sees afterwards has one of them.
func TestSecretParameterCanaries(t *testing.T) {
	t.Parallel()
	k := newCanaryServer(t)
	k.connections()
	secret := k.plant("parameter")
	token := map[string]any{"parameters": []any{map[string]any{"name": "token", "type": "text", "secret": true}}}
	selecting := func(where string) box {
		return step("in", "database.input", `{"connection":"warehouse","from":"table","table":"pg_catalog.pg_class"}`).with("where", where)
	}
	writing := func(setting, sql string) box {
		return step("out", "database.output", `{"connection":"warehouse","table":"orders","mode":"replace"}`).with(setting, sql)
	}
	orders := step("in", "sample.data", `{"dataset":"orders","records":10}`)
	for name, c := range map[string]struct {
		boxes []box
		state flows.RunState // "" where it is refused
	}{
		"in a condition":                {[]box{selecting("relname = ${token}"), output("a.csv")}, flows.RunSucceeded},
		"in SQL after":                  {[]box{orders, writing("afterSQL", "SELECT ${token}")}, flows.RunSucceeded},
		"that the database quotes":      {[]box{selecting("oid = CAST(${token} || relname AS integer)"), output("b.csv")}, flows.RunFailed},
		"that a check quotes":           {[]box{selecting("oid = CAST(${token} AS integer)"), output("b.csv")}, ""},
		"that SQL before quotes":        {[]box{orders, writing("beforeSQL", "SELECT CAST(${token} AS integer)")}, flows.RunFailed},
		"that the database quotes back": {[]box{orders, writing("beforeSQL", "DO $$BEGIN RAISE EXCEPTION 'no'; END$$; SELECT ${token}")}, flows.RunFailed},
		"encoded by the database":       {[]box{orders, writing("beforeSQL", "SELECT CAST(encode(convert_to(${token}, 'UTF8'), 'base64') AS integer)")}, flows.RunFailed},
		"in an expression":              {[]box{orders, step("out", "filter", `{"condition":"status = $token"}`)}, ""},
		"in the path of a target":       {[]box{orders, output("${token}.csv")}, ""},
		"in a statement":                {[]box{step("in", "database.input", `{"connection":"warehouse","from":"query","query":"SELECT ${token} AS a"}`), output("c.csv")}, ""},
		"as the key of a hash":          {[]box{orders, step("mask", "mask", `{"fields":[{"name":"status","how":"hmac","key":"${token}"}]}`), output("e.csv")}, flows.RunSucceeded},
		"as a key that is none":         {[]box{orders, step("crypt", "encrypt", `{"do":"encrypt","fields":["status"],"keys":[{"name":"k","key":"${token}"}]}`), output("f.csv")}, ""},
		"as the name of a key":          {[]box{orders, step("crypt", "encrypt", `{"do":"encrypt","fields":["status"],"keys":[{"name":"${token}","key":"${token}"}]}`), output("g.csv")}, ""},
		"as the connection":             {[]box{selecting("true").with("connection", "${token}"), output("d.csv")}, ""},
	} {
		var edges []string
		for i := range len(c.boxes) - 1 {
			edges = append(edges, c.boxes[i].id+".out>"+c.boxes[i+1].id+".in")
		}
		doc := graph(token, c.boxes, edges...)
		flow := k.flow(doc, `{}`)
		body, err := json.Marshal(map[string]any{"flow": flow, "parameters": map[string]string{"token": secret}})
		must(t, err)
		k.lab(doc)
		code, b := k.probe(k.serving, http.MethodPost, "/api/v1/runs", string(body))
		if refused := code >= 300; refused != (c.state == "") {
			t.Errorf("a secret %s: %d %s", name, code, b)
		}
		if quotes := strings.Contains(name, " quotes") && code >= 300; quotes && !strings.Contains(string(b), "***") {
			t.Errorf("a secret %s: the sentence has nothing to hide: %s", name, b)
		}
		if code >= 300 {
			continue
		}
		var r flows.Run
		must(t, json.Unmarshal(b, &r))
		if r = k.until(name, r.ID, runTime, over); r.State != c.state {
			t.Errorf("a secret %s: the run ended as %s: %v", name, r.State, r.Error)
		}
		if r.State == flows.RunFailed && name != "that the database quotes back" && (r.Error == nil || !strings.Contains(r.Error.Message, "***")) {
			t.Errorf("a secret %s: the sentence has nothing to hide: %v", name, r.Error)
		}
		for _, what := range []string{"", "/samples", "/rejects", "/log"} {
			k.probe(k.serving, http.MethodGet, "/api/v1/runs/"+r.ID+what, "")
		}
		k.probe(k.serving, http.MethodGet, "/runs/"+r.ID, "")
	}
	must(t, k.Stop())
	k.look("the log", []byte(k.Log()))
	k.folder(k.base)
	t.Logf("looked at %d kB for %d secrets", k.looked>>10, len(k.forms))
}
