package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"spark/flows"
	"spark/internal/testserver"
)

// person is somebody with a browser, who has opened Spark.
type person struct {
	*serving
	http http.Client
}

func (s *serving) person() *person {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	p := &person{s, http.Client{Jar: jar}}
	p.get(s.Base + "/login?key=" + s.Key)
	return p
}

// get opens an address and returns what the page says.
func (p *person) get(address string) (int, string) {
	p.t.Helper()
	res, err := p.http.Get(address)
	must(p.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(p.t, err)
	return res.StatusCode, string(b)
}

// signIn presses Sign in and returns the address that opens.
func (p *person) signIn(id string) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.Base+"/api/v1/connections/"+id+"/sign-in", nil)
	must(p.t, err)
	req.Header.Set("Origin", p.Base)
	res, err := p.http.Do(req)
	must(p.t, err)
	defer res.Body.Close()
	var a struct{ URL string }
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil || res.StatusCode != http.StatusOK || a.URL == "" {
		p.t.Fatalf("%d %v", res.StatusCode, err)
	}
	return a.URL
}

func (s *serving) signedIn(id string) (in flows.SignIn) {
	s.t.Helper()
	s.ask(http.MethodGet, "/api/v1/connections/"+id+"/sign-in", nil, &in)
	return in
}

func codeSettings(o *testserver.OAuth) map[string]any {
	return map[string]any{"baseUrl": o.URL, "auth": "code", "authorizeUrl": o.URL + "/authorize", "tokenUrl": o.URL + "/token", "clientId": "me", "clientIn": "body", "scope": "products.read offline_access"}
}

// shopWithSignIn is a server of tokens, a server of ours, and a connection that nobody has signed in to.
func shopWithSignIn(t *testing.T) (o *testserver.OAuth, s *serving, c flows.Connection) {
	t.Helper()
	o = testserver.StartOAuth(t, "")
	p := setup(t)
	p.env = append(p.env, "SPARK_ALLOW_NETWORK=loopback")
	s = p.serve()
	s.ask(http.MethodPost, "/api/v1/connections", map[string]any{"name": "shop", "type": "http", "settings": codeSettings(o)}, &c)
	return o, s, c
}

// TestSignIn: somebody signs in to a connection; runs use the tokens and renew them; when they are revoked the run says so, and
// signing in again mends it.
func TestSignIn(t *testing.T) {
	t.Parallel()
	o, s, c := shopWithSignIn(t)
	doc := chain(itemsOf("shop"), output("out.csv"))
	ran := func(what, code string) {
		t.Helper()
		r := s.until("the run ends", s.begin(doc).ID, runTime, over)
		if code == "" && r.State == flows.RunSucceeded || code != "" && r.Error != nil && r.Error.Code == code && strings.Contains(r.Error.Suggestion, "Sign in") {
			return
		}
		t.Errorf("%s: %+v %v", what, r.State, r.Error)
	}
	ran("before anybody has signed in", "http.signed_out")
	if in := s.signedIn(c.ID); in.At != nil || in.Lost != "" {
		t.Errorf("nobody has signed in: %+v", in)
	}
	ann := s.person()
	address := ann.signIn(c.ID)
	u, err := url.Parse(address)
	if err != nil || u.Query().Get("redirect_uri") != s.Base+"/api/v1/oauth/callback" || u.Query().Get("code_challenge_method") != "S256" || u.Query().Get("scope") != "products.read offline_access" {
		t.Errorf("the address is %s", address)
	}
	if code, page := ann.get(address); code != http.StatusOK || !strings.Contains(page, "Flows can use the connection shop now") {
		t.Fatalf("signed in: %d %s", code, page)
	}
	if in := s.signedIn(c.ID); in.At == nil || in.Scope != "products.read offline_access" || !in.Renews || in.Lost != "" {
		t.Errorf("signed in: %+v", in)
	}
	ran("signed in", "")
	o.EndTokens()
	ran("the token has ended", "")
	strict(t, o, 2)
	o.Revoke()
	ran("revoked", "http.signed_out")
	if in := s.signedIn(c.ID); in.Lost != "invalid_grant" || in.At == nil {
		t.Errorf("revoked: %+v", in)
	}
	ann.get(ann.signIn(c.ID))
	ran("signed in again", "")
	settings := codeSettings(o)
	settings["baseUrl"] = "http://127.0.0.1:1" // whoever changes the place does not take the sign-in along
	if err := s.Call(t.Context(), http.MethodPost, "/api/v1/connections/test", map[string]any{"id": c.ID, "name": "shop", "type": "http", "settings": settings}, nil); err == nil || !strings.Contains(err.Error(), "http.signed_out") {
		t.Errorf("elsewhere: %v", err)
	}
}

// TestBadSignIns: what comes back in another way than it should changes nothing, and is told in a sentence.
func TestBadSignIns(t *testing.T) {
	t.Parallel()
	o, s, c := shopWithSignIn(t)
	ann, eve := s.person(), s.person()
	said := func(who *person, address, want string) {
		t.Helper()
		code, page := who.get(address)
		if code != http.StatusUnprocessableEntity || !strings.Contains(page, want) || strings.Contains(page, "<b>no") {
			t.Errorf("%d, want %q in %s", code, want, page)
		}
		if in := s.signedIn(c.ID); in.At != nil {
			t.Errorf("%s: it is signed in", want)
		}
	}
	back := s.Base + "/api/v1/oauth/callback"
	said(ann, back+"?state=x&code=y", "is not known here")
	said(ann, back, "is not known here")
	said(eve, ann.signIn(c.ID), "in another browser")
	o.Denies = true
	address := ann.signIn(c.ID)
	said(ann, address, "access_denied")
	said(ann, address, "is not known here") // it comes back once
	o.Denies = false
	state := func(address string) string {
		u, err := url.Parse(address)
		must(t, err)
		return u.Query().Get("state")
	}
	said(ann, back+"?error=invalid_scope&state="+state(ann.signIn(c.ID)), "invalid_scope")
	said(ann, back+"?error=%3Cscript%3E&state="+state(ann.signIn(c.ID)), "an error without a name")
	said(ann, back+"?code=made-up&state="+state(ann.signIn(c.ID)), "gave no token: it answered 400 Bad Request (invalid_grant)")
	o.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "<b>no</b>", http.StatusInternalServerError)
		return true
	}
	said(ann, ann.signIn(c.ID), "500 Internal Server Error")
	o.Before = nil
	address = ann.signIn(c.ID)
	settings := codeSettings(o)
	settings["clientId"] = "another"
	text, err := json.Marshal(settings)
	must(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.Base+"/api/v1/connections/"+c.ID, strings.NewReader(fmt.Sprintf(`{"name":"shop","type":"http","settings":%s}`, text)))
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+s.Key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("If-Match", `"`+c.Etag+`"`)
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	res.Body.Close()
	said(ann, address, "has been changed meanwhile")
	o.NoRefresh, o.Lifetime = true, 11
	if code, page := ann.get(ann.signIn(c.ID)); code != http.StatusOK || !strings.Contains(page, "offline_access") {
		t.Errorf("without a refresh token: %d %s", code, page)
	}
	if in := s.signedIn(c.ID); in.Renews || in.Until == nil {
		t.Errorf("without a refresh token: %+v", in)
	}
	o.EndTokens()
	r := s.until("the run ends", s.begin(chain(itemsOf("shop"), output("out.csv"))).ID, runTime, over)
	if r.Error == nil || r.Error.Code != "http.signed_out" || !strings.Contains(r.Error.Suggestion, "offline_access") {
		t.Errorf("without a refresh token: %v", r.Error)
	}
}

// TestPublicURL: people come back to the address that they use.
func TestPublicURL(t *testing.T) {
	t.Parallel()
	p := setup(t)
	for _, bad := range []string{"spark.example.com", "https://a/b", "ftp://a", "https://u:p@a"} {
		if r := p.run("serve", "--listen", "127.0.0.1:0", "--data", p.path("bad"), "--public-url", bad); r.code == exitOK || !strings.Contains(r.stderr, "--public-url is no address") {
			t.Errorf("%s: %d %s", bad, r.code, r.stderr)
		}
	}
	p.env = append(p.env, "SPARK_PUBLIC_URL=https://spark.example.com/")
	s := p.serve()
	var told struct{ RedirectURL string }
	s.ask(http.MethodGet, "/api/v1/oauth", nil, &told)
	if told.RedirectURL != "https://spark.example.com/api/v1/oauth/callback" {
		t.Errorf("%+v", told)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Base+"/login?key="+s.Key, nil)
	must(t, err)
	req.Host = "spark.example.com"
	res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	must(t, err)
	res.Body.Close()
	if res.StatusCode != http.StatusSeeOther {
		t.Errorf("by its public name the server answers %d", res.StatusCode)
	}
}
