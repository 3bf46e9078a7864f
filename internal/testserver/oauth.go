package testserver

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// OAuth is an API and the server that gives out its tokens, as strict as real ones: a refresh token is replaced whenever it is
// used, and one that is used again takes all tokens of its family with it (RFC 9700, 4.14.2). Codes are used once, and only with
// the verifier of their challenge and the redirect address that they were asked for with.
type OAuth struct {
	*httptest.Server
	// Before answers a request to the server of tokens in its place, where it returns true; nil: never. It may wait.
	Before func(w http.ResponseWriter, r *http.Request) bool
	// Lifetime of access tokens in seconds; 0: an hour.
	Lifetime int
	// Name makes a token; nil: such as access-3.
	Name func(kind string, n int) string
	// Denies lets who signs in refuse, and NoRefresh gives no refresh tokens.
	Denies, NoRefresh bool

	mu        sync.Mutex
	n         int
	refresh   map[string]*family // by the token that may be used
	spent     map[string]*family
	access    map[string]access
	codes     map[string]url.Values // what they were asked for with
	exchanges int
	reused    int
	calls     int
}

type family struct{ revoked bool }

type access struct {
	family *family
	until  time.Time
}

// StartOAuth starts one that knows a refresh token from the beginning, unless that is empty.
func StartOAuth(t testing.TB, first string) *OAuth {
	o := &OAuth{refresh: map[string]*family{}, spent: map[string]*family{}, access: map[string]access{}, codes: map[string]url.Values{}}
	if first != "" {
		o.refresh[first] = &family{}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/token", o.token)
	mux.HandleFunc("/authorize", o.authorize)
	mux.HandleFunc("/", o.api)
	o.Server = httptest.NewServer(mux)
	t.Cleanup(o.Close)
	return o
}

// Counts are how many tokens were given out, how often a spent refresh token was used, and how many calls the API has answered.
func (o *OAuth) Counts() (exchanges, reused, calls int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.exchanges, o.reused, o.calls
}

// Revoke makes all tokens worthless.
func (o *OAuth) Revoke() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range o.refresh {
		f.revoked = true
	}
}

// EndTokens makes the access tokens worthless, as if they had ended.
func (o *OAuth) EndTokens() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.access)
}

// authorize is the page on which somebody signs in, who does so at once.
func (o *OAuth) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" {
		http.Error(w, "that is no request to sign in", http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	answer := back.Query()
	answer.Set("state", q.Get("state"))
	if o.Denies {
		answer.Set("error", "access_denied")
		answer.Set("error_description", "<b>no</b>")
	} else {
		code := o.name("code")
		o.codes[code] = q
		answer.Set("code", code)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (o *OAuth) name(kind string) string {
	o.n++
	if o.Name != nil {
		return o.Name(kind, o.n)
	}
	return fmt.Sprintf("%s-%d", kind, o.n)
}

func (o *OAuth) token(w http.ResponseWriter, r *http.Request) {
	if o.Before != nil && o.Before(w, r) {
		return
	}
	_ = r.ParseForm() // what is missing is refused
	o.mu.Lock()
	defer o.mu.Unlock()
	var f *family
	scope := ""
	switch r.Form.Get("grant_type") {
	case "refresh_token":
		given := r.Form.Get("refresh_token")
		if spent := o.spent[given]; spent != nil {
			o.reused++
			spent.revoked = true
		}
		f = o.refresh[given]
		delete(o.refresh, given)
		o.spent[given] = f
	case "authorization_code":
		asked := o.codes[r.Form.Get("code")]
		delete(o.codes, r.Form.Get("code"))
		sum := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
		if asked != nil && asked.Get("code_challenge") == base64.RawURLEncoding.EncodeToString(sum[:]) && asked.Get("redirect_uri") == r.Form.Get("redirect_uri") {
			f, scope = &family{}, asked.Get("scope")
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if f == nil || f.revoked {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error": "invalid_grant", "error_description": %q}`, "you sent "+r.Form.Encode())
		return
	}
	o.exchanges++
	lifetime := o.Lifetime
	if lifetime == 0 {
		lifetime = 3600
	}
	answer := map[string]any{"access_token": o.name("access"), "token_type": "bearer", "expires_in": lifetime}
	o.access[answer["access_token"].(string)] = access{f, time.Now().Add(time.Duration(lifetime) * time.Second)}
	if !o.NoRefresh {
		next := o.name("refresh")
		o.refresh[next] = f
		answer["refresh_token"] = next
	}
	if scope != "" {
		answer["scope"] = scope
	}
	_ = json.NewEncoder(w).Encode(answer) // a client that is gone has lost it
}

// api answers who has a token.
func (o *OAuth) api(w http.ResponseWriter, r *http.Request) {
	given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	o.mu.Lock()
	a, ok := o.access[given]
	ok = ok && !a.family.revoked && time.Now().Before(a.until)
	if ok {
		o.calls++
	}
	o.mu.Unlock()
	if !ok {
		http.Error(w, "not with "+given, http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"items": [{"id": 1}, {"id": 2}]}`)
}
