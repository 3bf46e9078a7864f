package http

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"spark/flows"
	"spark/flows/node"
)

func get() request {
	return request{method: http.MethodGet, address: "/things?a=1", limit: 1 << 20, attempts: 3}
}

func TestCredentialsThatStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings map[string]any
		want     func(r *http.Request) bool
	}{
		"none":   {nil, func(r *http.Request) bool { return r.Header.Get("Authorization") == "" }},
		"basic":  {map[string]any{"auth": "basic", "user": "ann", "password": canary}, func(r *http.Request) bool { u, p, ok := r.BasicAuth(); return ok && u == "ann" && p == canary }},
		"bearer": {map[string]any{"auth": "bearer", "token": canary}, func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+canary }},
		"header": {map[string]any{"auth": "key", "keyName": "X-Shop-Key", "key": canary}, func(r *http.Request) bool { return r.Header.Get("X-Shop-Key") == canary }},
		"query":  {map[string]any{"auth": "key", "keyName": "k", "keyIn": "query", "key": canary}, func(r *http.Request) bool { return r.URL.Query().Get("k") == canary && r.URL.Query().Get("a") == "1" }},
		"hmac": {map[string]any{"auth": "hmac", "signingKey": canary, "signatureText": "{method} {path}?{query} {timestamp} {bodyHash}"}, func(r *http.Request) bool {
			sum := sha256.Sum256(nil)
			text := "GET /v1/things?a=1 " + r.Header.Get("X-Timestamp") + " " + hex.EncodeToString(sum[:])
			return r.Header.Get("X-Signature") == hex.EncodeToString(mac(sha256.New, canary, []byte(text)))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ok := false
			api := serve(t, func(w http.ResponseWriter, r *http.Request) {
				ok = c.want(r)
				http.Error(w, "I saw "+r.URL.String()+" "+fmt.Sprint(r.Header), http.StatusTeapot)
			})
			client, _ := caller(t, connect(t, api.URL+"/v1", c.settings))
			_, err := client.do(t.Context(), get())
			if !ok {
				t.Error("the credentials did not arrive")
			}
			if e := coded(err); e.Code != "http.refused" || strings.Contains(e.Message, canary) || strings.Contains(e.Message, base64.StdEncoding.EncodeToString([]byte("ann:"+canary))) {
				t.Errorf("%v", err)
			}
		})
	}
}

// loginServer gives out tokens and notes what it was asked.
type loginServer struct {
	*httptest.Server
	asked  []string
	bad    atomic.Bool
	rotate bool
}

func login(t *testing.T) *loginServer {
	s := &loginServer{}
	s.Server = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		user, password, _ := r.BasicAuth()
		s.asked = append(s.asked, r.Form.Encode()+" "+user+":"+password)
		w.Header().Set("Content-Type", "application/json")
		if s.bad.Load() {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"error": "invalid_grant", "error_description": "no %s"}`, canary)
			return
		}
		refresh := ""
		if s.rotate {
			refresh = fmt.Sprintf(`, "refresh_token": "r%d"`, len(s.asked))
		}
		fmt.Fprintf(w, `{"access_token": "secret-token-%d", "token_type": "bearer", "expires_in": 3600%s}`, len(s.asked), refresh)
	})
	return s
}

// accepting is an API that takes the newest tokens only: those up to revoked are refused.
func accepting(t *testing.T, revoked *atomic.Int64) *httptest.Server {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		var n int64
		if _, err := fmt.Sscanf(r.Header.Get("Authorization"), "Bearer secret-token-%d", &n); err != nil || n <= revoked.Load() {
			http.Error(w, "not "+r.Header.Get("Authorization"), http.StatusUnauthorized)
		}
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	var revoked atomic.Int64
	login := login(t)
	login.rotate = true
	api := accepting(t, &revoked)
	for _, c := range []struct {
		settings map[string]any
		want     []string // asked for
	}{
		{map[string]any{"auth": "client", "clientId": "me", "clientSecret": canary, "scope": "a b", "audience": "x", "clientIn": "header"},
			[]string{"audience=x&grant_type=client_credentials&scope=a+b me:" + canary, "audience=x&grant_type=client_credentials&scope=a+b me:" + canary}},
		{map[string]any{"auth": "client", "clientId": "me", "clientSecret": canary, "clientIn": "body"},
			[]string{"client_id=me&client_secret=" + canary + "&grant_type=client_credentials :", "client_id=me&client_secret=" + canary + "&grant_type=client_credentials :"}},
		{map[string]any{"auth": "refresh", "clientId": "me", "clientSecret": "s", "refreshToken": canary, "clientIn": "body"},
			[]string{"client_id=me&client_secret=s&grant_type=refresh_token&refresh_token=" + canary + " :", "client_id=me&client_secret=s&grant_type=refresh_token&refresh_token=r1 :"}},
	} {
		login.asked = nil
		revoked.Store(0)
		c.settings["tokenUrl"] = login.URL + "/token"
		client, _ := caller(t, connect(t, api.URL, c.settings))
		for range 2 {
			if _, err := client.do(t.Context(), get()); err != nil {
				t.Fatal(err)
			}
		}
		revoked.Store(1) // in the middle of a run
		if _, err := client.do(t.Context(), get()); err != nil {
			t.Errorf("after the token was revoked: %v", err)
		}
		if !slices.Equal(login.asked, c.want) {
			t.Errorf("asked %q, want %q", login.asked, c.want)
		}
		revoked.Store(100)
		_, err := client.do(t.Context(), get())
		if e := coded(err); e.Code != "http.unauthorized" || strings.Contains(e.Message, "secret-token") || len(login.asked) != 3 {
			t.Errorf("a token that is refused again: %v, asked %d times", err, len(login.asked))
		}
		login.bad.Store(true)
		_, err = client.do(t.Context(), get())
		if e := coded(err); e.Code != "http.token" || !strings.Contains(e.Message, "400 Bad Request (invalid_grant)") || strings.Contains(e.Message, canary) {
			t.Errorf("no token: %v", err)
		}
		login.bad.Store(false)
	}
}

func TestSignedTokens(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var token string
	api := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	})
	for _, c := range []struct {
		algorithm, key string
		valid          func(text string, signature []byte) bool
	}{
		{"HS256", canary, func(text string, signature []byte) bool {
			return string(mac(sha256.New, canary, []byte(text))) == string(signature)
		}},
		{"ES256", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), func(text string, s []byte) bool {
			sum := sha256.Sum256([]byte(text))
			return len(s) == 64 && ecdsa.Verify(&key.PublicKey, sum[:], new(big.Int).SetBytes(s[:32]), new(big.Int).SetBytes(s[32:]))
		}},
	} {
		client, _ := caller(t, connect(t, api.URL, map[string]any{"auth": "jwt", "algorithm": c.algorithm, "signingKey": c.key, "issuer": "spark", "audience": "shop", "keyId": "k1"}))
		if _, err := client.do(t.Context(), get()); err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(token, ".")
		if len(parts) != 3 {
			t.Fatalf("%s: %q", c.algorithm, token)
		}
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil || !c.valid(parts[0]+"."+parts[1], signature) {
			t.Errorf("%s: the signature is not valid: %v", c.algorithm, err)
		}
		var claims struct {
			Iss, Aud string
			Iat, Exp int64
		}
		b, _ := base64.RawURLEncoding.DecodeString(parts[1])
		if err := json.Unmarshal(b, &claims); err != nil || claims.Iss != "spark" || claims.Aud != "shop" || claims.Exp != claims.Iat+300 {
			t.Errorf("%s: claims %s", c.algorithm, b)
		}
	}
	login := login(t)
	var revoked atomic.Int64
	client, _ := caller(t, connect(t, accepting(t, &revoked).URL, map[string]any{"auth": "jwt", "signingKey": canary, "tokenUrl": login.URL}))
	if _, err := client.do(t.Context(), get()); err != nil || !strings.Contains(login.asked[0], "assertion=ey") || !strings.Contains(login.asked[0], "jwt-bearer") {
		t.Errorf("exchanged: %v %q", err, login.asked)
	}
}

func TestCredentialsStayWithTheirHost(t *testing.T) {
	t.Parallel()
	var seen http.Header
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { seen = r.Header })
	api := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	for _, settings := range []map[string]any{{"auth": "bearer", "token": canary}, {"auth": "key", "key": canary}, {"auth": "basic", "user": "a", "password": canary}} {
		client, _ := caller(t, connect(t, api.URL, settings))
		if _, err := client.do(t.Context(), get()); err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprint(seen); strings.Contains(text, canary) || strings.Contains(text, "Authorization") {
			t.Errorf("the other host got %s", text)
		}
		seen = nil
		q := get()
		q.address = other.URL + "/things"
		if _, err := client.do(t.Context(), q); coded(err).Code != "http.elsewhere" || seen != nil {
			t.Errorf("an address elsewhere: %v", err)
		}
	}
}

func TestTestShowsTheAnswer(t *testing.T) {
	t.Parallel()
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "Shop/2")
		if r.URL.Path != "/v1/me" {
			w.WriteHeader(http.StatusForbidden)
		}
		fmt.Fprintf(w, `{"name": "Ann", "you sent": %q}%s`, r.Header.Get("Authorization"), strings.Repeat(" ", 5000)+canary)
	})
	r, err := test(t.Context(), connect(t, api.URL+"/v1/", map[string]any{"auth": "bearer", "token": canary, "testPath": "me"}))
	if err != nil || r.Status != 200 || r.Version != "Shop/2" || !strings.HasPrefix(r.Answer, `{"name": "Ann"`) || strings.Contains(r.Answer, canary) || r.Took <= 0 || r.Place != api.URL {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := test(t.Context(), connect(t, api.URL, nil)); err != nil || r.Status != 403 || r.StatusText != "Forbidden" {
		t.Errorf("refused: %+v %v", r, err)
	}
	api.Close()
	if _, err := test(t.Context(), connect(t, api.URL, nil)); coded(err).Code != "http.unreached" {
		t.Errorf("gone: %v", err)
	}
	if _, err := test(t.Context(), connect(t, "http://10.1.2.3", nil)); coded(err).Code != "http.address" || !strings.Contains(coded(err).Suggestion, "--allow-network 10.1.2.3") {
		t.Errorf("private: %v", err)
	}
	if _, err := test(t.Context(), connect(t, "http://169.254.169.254/latest", nil)); coded(err).Code != "http.address" || strings.Contains(coded(err).Suggestion, "allow") {
		t.Errorf("metadata: %v", err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings map[string]any
		field    string
	}{
		"no address":         {map[string]any{"baseUrl": ""}, "baseUrl"},
		"another scheme":     {map[string]any{"baseUrl": "ftp://a"}, "baseUrl"},
		"a password in it":   {map[string]any{"baseUrl": "https://a:" + canary + "@b"}, "baseUrl"},
		"a line end in it":   {map[string]any{"baseUrl": "https://a\r\nX: y"}, "baseUrl"},
		"no token":           {map[string]any{"auth": "bearer"}, "token"},
		"no client":          {map[string]any{"auth": "client", "tokenUrl": "https://x", "clientSecret": "s"}, "clientId"},
		"bad token address":  {map[string]any{"auth": "client", "tokenUrl": "x", "clientId": "c", "clientSecret": "s"}, "tokenUrl"},
		"bad header":         {map[string]any{"auth": "key", "keyName": "a b", "key": "k"}, "keyName"},
		"bad key":            {map[string]any{"auth": "jwt", "algorithm": "RS256", "signingKey": canary}, "signingKey"},
		"bad certificate":    {map[string]any{"certificate": "x", "certificateKey": canary}, "certificate"},
		"bad authority":      {map[string]any{"authority": "x"}, "authority"},
		"proxy with secrets": {map[string]any{"proxy": "http://u:" + canary + "@p"}, "proxy"},
	} {
		all := map[string]any{"baseUrl": "https://api.example.com"}
		for k, v := range c.settings {
			all[k] = v
		}
		b, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		_, err = node.LoadConnection("shop", node.ConnectionSpec{Type: typeID, Settings: b})
		ps, ok := err.(flows.Problems)
		if !ok || ps[0].Path.Field != c.field || ps[0].Suggestion == "" || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAuthorities(t *testing.T) {
	t.Parallel()
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, len(r.TLS.PeerCertificates)) }))
	api.StartTLS()
	t.Cleanup(api.Close)
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw}))
	client, _ := caller(t, connect(t, api.URL, map[string]any{"authority": authority}))
	if _, err := client.do(t.Context(), get()); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	client, _ = caller(t, connect(t, api.URL, nil))
	if _, err := client.do(t.Context(), get()); coded(err).Code != "http.certificate" {
		t.Errorf("without: %v", err)
	}
}
