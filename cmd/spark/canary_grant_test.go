package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"spark/flows"
	"spark/internal/testserver"
)

// grants uses refresh tokens, codes and access tokens up: those that work, those that were replaced, and those that are revoked, at
// a server that repeats what it is told. None of them stands in what is shown, nor does what proves who has signed in.
func (k *canaryServer) grants() {
	t := k.canaries.t
	first := k.plant("first refresh token")
	o := testserver.StartOAuth(t, first)
	o.Name = func(kind string, n int) string { return k.plant(kind + string(rune('a'+n))) }
	var repeats atomic.Bool
	o.Before = func(w http.ResponseWriter, r *http.Request) bool {
		_ = r.ParseForm() // what is missing is refused
		if v := r.Form.Get("code_verifier"); v != "" {
			k.watch("verifier "+v[:4], v, v)
		}
		if repeats.Load() { // where the code of the error is expected
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": r.Form.Get("refresh_token") + r.Form.Get("code")})
		}
		return repeats.Load()
	}
	made := func(name string, settings map[string]any) (id string) {
		b, err := json.Marshal(map[string]any{"name": name, "type": "http", "settings": settings})
		must(t, err)
		k.probe(k.serving, http.MethodPost, "/api/v1/connections/test", string(b))
		code, b := k.probe(k.serving, http.MethodPost, "/api/v1/connections", string(b))
		var c flows.Connection
		if err := json.Unmarshal(b, &c); code != http.StatusCreated || err != nil {
			t.Fatalf("%s: %d %s", name, code, b)
		}
		return c.ID
	}
	refreshing := refreshSettings(o, first)
	refreshing["clientSecret"] = k.plant("client secret of a refresh token")
	made("rotating", refreshing)
	signing := codeSettings(o)
	signing["clientSecret"] = k.plant("client secret of a sign-in")
	id := made("signing", signing)
	ann := k.person()
	sign := func() {
		address := ann.signIn(id)
		u, err := url.Parse(address)
		must(t, err)
		code, page := ann.get(address)
		if code != http.StatusOK {
			t.Errorf("signed in: %d %s", code, page)
		}
		k.look("the page that a sign-in ends at", []byte(page))
		state := u.Query().Get("state")
		k.watch("state "+state[:4], state, state)
		code, page = ann.get(k.Base + "/api/v1/oauth/callback?" + url.Values{"state": {state}, "code": {k.plant("made-up code " + state[:4])}}.Encode())
		if code != http.StatusUnprocessableEntity || !strings.Contains(page, "is not known here") {
			t.Errorf("it came back twice: %d %s", code, page)
		}
		k.look("the page of a sign-in that comes back twice", []byte(page))
		k.probe(k.serving, http.MethodGet, "/api/v1/connections/"+id+"/sign-in", "")
	}
	sign()
	for _, name := range []string{"rotating", "signing"} {
		k.called(name, "/items", true)
		o.EndTokens() // the API tells which one it refuses
		k.sent(name, "/items", true)
		k.processes(k.place)
	}
	o.EndTokens()
	for _, revoke := range []func(){func() { repeats.Store(true) }, func() { repeats.Store(false); o.Revoke() }} {
		revoke()
		for _, name := range []string{"rotating", "signing"} {
			k.called(name, "/items", false)
		}
	}
	sign()
	k.called("signing", "/items", true)
	k.folder(k.path("spark"))
}
