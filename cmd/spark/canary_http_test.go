package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"spark/flows"
)

// apis calls an API in every way of authentication: one that lets nobody in and repeats all that it is told, and one that
// answers. No secret stands in what is shown of either, nor a token that was given out.
func (k *canaryServer) apis() {
	t := k.canaries.t
	access := k.plant("access token")
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/token" {
			_ = json.NewEncoder(w).Encode(map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 3600})
			return
		}
		w.Header().Set("X-You-Sent", r.Header.Get("Authorization"))
		if r.URL.Path == "/refused" {
			w.WriteHeader(http.StatusForbidden)
		}
		if r.URL.Path == "/items" {
			fmt.Fprint(w, `{"items": [{"id": 1}]}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"header": r.Header, "url": r.URL.String(), "body": string(body), "items": []any{map[string]any{"id": 1}}})
	}))
	t.Cleanup(echo.Close)
	basic := k.plant("password of basic")
	k.watch("pair of basic", base64.StdEncoding.EncodeToString([]byte("ann:"+basic)), base64.StdEncoding.EncodeToString([]byte("ann:" + basic))[:20])
	for name, settings := range map[string]map[string]any{
		"basic":    {"auth": "basic", "user": "ann", "password": basic},
		"bearer":   {"auth": "bearer", "token": k.plant("bearer token")},
		"header":   {"auth": "key", "keyName": "X-Shop-Key", "key": k.plant("key in a header")},
		"query":    {"auth": "key", "keyName": "shop", "keyIn": "query", "key": k.plant("key in the query")},
		"client":   {"auth": "client", "tokenUrl": echo.URL + "/token", "clientId": "me", "clientSecret": k.plant("client secret"), "clientIn": "body"},
		"refresh":  {"auth": "refresh", "tokenUrl": echo.URL + "/token", "clientId": "me", "refreshToken": k.plant("refresh token"), "clientIn": "body"},
		"signed":   {"auth": "jwt", "signingKey": k.plant("signing key")},
		"no token": {"auth": "client", "tokenUrl": echo.URL + "/refused", "clientId": "me", "clientSecret": k.plant("client secret that is refused"), "clientIn": "body"},
	} {
		settings["baseUrl"] = echo.URL
		b, err := json.Marshal(map[string]any{"name": "api " + name, "type": "http", "settings": settings})
		must(t, err)
		k.probe(k.serving, http.MethodPost, "/api/v1/connections/test", string(b))
		if code, b := k.probe(k.serving, http.MethodPost, "/api/v1/connections", string(b)); code != http.StatusCreated {
			t.Fatalf("%s: %d %s", name, code, b)
		}
		for _, path := range []string{"/items", "/echo", "/refused"} {
			k.called("api "+name, path, name != "no token" && path != "/refused")
			k.sent("api "+name, path, name != "no token" && path != "/refused")
		}
	}
}

// called fetches a sample, previews it and runs a flow that reads an address of a connection. What /echo answers is data,
// which a run does not read.
func (k *canaryServer) called(connection, path string, answers bool) {
	t := k.canaries.t
	doc := chain(step("in", "rest.input", fmt.Sprintf(`{"connection":%q,"url":%q,"recordPath":"items","attempts":1,"fields":[{"name":"id","type":"int64"}]}`, connection, path)), output("out.csv"))
	flow := k.flow(doc, `{}`)
	code, b := k.probe(k.serving, http.MethodPut, "/api/v1/flows/"+flow+"/answers/in", fmt.Sprintf(`{"document":%s,"node":"in"}`, doc))
	if ok := code == http.StatusOK; ok != (answers || path == "/refused" && !strings.HasSuffix(connection, "no token")) {
		t.Errorf("%s %s: fetched %d %s", connection, path, code, b)
	}
	k.probe(k.serving, http.MethodGet, "/api/v1/flows/"+flow+"/answers/in", "")
	k.probe(k.serving, http.MethodPost, "/api/v1/preview", fmt.Sprintf(`{"document":%s,"node":"in","flow":%q}`, doc, flow))
	if path == "/echo" {
		return
	}
	want := flows.RunFailed
	if answers {
		want = flows.RunSucceeded
	}
	k.watched(flow, want)
}

// sent calls an address of a connection for records, as a sample that somebody allows and in runs, and sends records to it. What
// /echo answers is data, which a run does not keep.
func (k *canaryServer) sent(connection, path string, answers bool) {
	t := k.canaries.t
	few := step("in", "sample.data", `{"dataset":"orders","records":3}`)
	doc := chain(few, step("call", "http.request", fmt.Sprintf(`{"connection":%q,"url":%q,"method":"POST","send":"record","attempts":1}`, connection, path)), output("out.csv"))
	flow := k.flow(doc, `{}`)
	code, b := k.probe(k.serving, http.MethodPut, "/api/v1/flows/"+flow+"/answers/call", fmt.Sprintf(`{"document":%s,"node":"call"}`, doc))
	if ok := code == http.StatusOK; ok != (answers || path == "/refused" && !strings.HasSuffix(connection, "no token")) {
		t.Errorf("%s %s: a sample was sent: %d %s", connection, path, code, b)
	}
	k.probe(k.serving, http.MethodGet, "/api/v1/flows/"+flow+"/answers/call", "")
	k.probe(k.serving, http.MethodPost, "/api/v1/preview", fmt.Sprintf(`{"document":%s,"node":"call","flow":%q}`, doc, flow))
	want := flows.RunFailed
	if answers {
		want = flows.RunSucceeded
	}
	if path != "/echo" {
		k.watched(flow, want)
	}
	k.watched(k.flow(chain(few, step("out", "rest.output", fmt.Sprintf(`{"connection":%q,"url":%q,"attempts":1}`, connection, path))), `{}`), want)
}
