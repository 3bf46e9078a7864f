package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const testKey = "0123456789012345678901234567890123456789"

func newTestServer(t *testing.T) *Server {
	t.Helper()
	s, err := New(Config{Key: testKey, Version: "test", Ready: func(context.Context) error { return nil }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends a request to the server; header values are set as they are.
func ask(s *Server, method, target, host string, header map[string]string) int {
	r := httptest.NewRequest(method, target, nil)
	r.Host = host
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}

const ourHost = "127.0.0.1:8080"

// target fills in the parameters of a route's path.
func (r route) target() string {
	return strings.NewReplacer(":id", "01a21187-1c7f-751f-8ecc-98d0d215a0c1", ":number", "1", ":file", "filter.svg", ":type", "filter", "*", "x.js").Replace(r.path)
}

// TestEveryRouteIsGuarded walks the table: whoever is unknown, another site in the owner's browser, and a name that is
// not ours are refused everywhere.
func TestEveryRouteIsGuarded(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	cookie := s.newSession()
	signedIn := func(more map[string]string) map[string]string {
		h := map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}
		for k, v := range more {
			h[k] = v
		}
		return h
	}
	if len(s.routes) < 30 {
		t.Fatalf("the table has only %d routes", len(s.routes))
	}
	for _, r := range s.routes {
		name := r.method + " " + r.target()
		if code := ask(s, r.method, r.target(), "evil.example", signedIn(nil)); code != http.StatusMisdirectedRequest && code != http.StatusForbidden {
			t.Errorf("%s with the name of another host: %d", name, code)
		}
		if r.action != Public {
			if code := ask(s, r.method, r.target(), ourHost, map[string]string{"Origin": "http://" + ourHost}); code != http.StatusUnauthorized {
				t.Errorf("%s of somebody unknown: %d", name, code)
			}
		}
		if safe(r.method) && r.socket == nil {
			continue
		}
		for what, h := range map[string]map[string]string{
			"an evil origin":    signedIn(map[string]string{"Origin": "http://evil.example"}),
			"the null origin":   signedIn(map[string]string{"Origin": "null"}),
			"no origin":         signedIn(nil),
			"another port":      signedIn(map[string]string{"Origin": "http://127.0.0.1:9"}),
			"a cross-site hint": signedIn(map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}),
		} {
			if code := ask(s, r.method, r.target(), ourHost, h); code != http.StatusForbidden {
				t.Errorf("%s from %s: %d", name, what, code)
			}
		}
	}
}

// TestPathsReadInOneWay: what could be taken for another path is none.
func TestPathsReadInOneWay(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	owner := map[string]string{"Authorization": "Bearer " + testKey}
	if code := ask(s, http.MethodGet, "/api/v1/catalogue", ourHost, owner); code != http.StatusOK {
		t.Fatalf("the path itself: %d", code)
	}
	for _, path := range []string{"//api/v1/catalogue", "/api//v1/catalogue", "/api/v1/catalogue/", "/api/v1/catalogue;x", "/api/v1/%63atalogue", "/api%2fv1/catalogue",
		"/API/v1/catalogue", "/api/v1/Catalogue", "/api/v1/catalogue.json", "/x/../api/v1/catalogue", "/static/../api/v1/catalogue", "/healthz/api/v1/catalogue", "/healthz;/api/v1/catalogue"} {
		for _, h := range []map[string]string{owner, nil} {
			if code := ask(s, http.MethodGet, path, ourHost, h); code != http.StatusNotFound && code != http.StatusUnauthorized {
				t.Errorf("%s: %d", path, code)
			}
		}
	}
}

// TestSessions: only what this server has sealed, and only until it ends.
func TestSessions(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	good := s.newSession().Value
	expires, sum, _ := strings.Cut(good, ".")
	for what, value := range map[string]string{"empty": "", "no seal": expires, "another end": "9" + expires + "." + sum, "another seal": expires + "." + strings.Repeat("0", len(sum))} {
		if code := ask(s, http.MethodGet, "/api/v1/catalogue", ourHost, map[string]string{"Cookie": sessionCookie + "=" + value}); code != http.StatusUnauthorized {
			t.Errorf("%s: %d", what, code)
		}
	}
	if code := ask(s, http.MethodGet, "/api/v1/catalogue", ourHost, map[string]string{"Cookie": sessionCookie + "=" + good}); code != http.StatusOK {
		t.Errorf("a session: %d", code)
	}
	s.Now = func() time.Time { return time.Now().Add(sessionTime + time.Minute) }
	if code := ask(s, http.MethodGet, "/api/v1/catalogue", ourHost, map[string]string{"Cookie": sessionCookie + "=" + good}); code != http.StatusUnauthorized {
		t.Errorf("a session that has ended: %d", code)
	}
	for _, key := range []string{"", testKey[1:], testKey + "x"} {
		if code := ask(s, http.MethodGet, "/api/v1/catalogue", ourHost, map[string]string{"Authorization": "Bearer " + key}); code != http.StatusUnauthorized {
			t.Errorf("key %q: %d", key, code)
		}
	}
}

func TestRouteWithoutActionPanics(t *testing.T) {
	t.Parallel()
	s := newTestServer(t)
	for _, r := range []route{{method: "GET", path: "/x", handle: func(*call) error { return nil }}, {method: "GET", path: "/x", action: "nonsense", handle: func(*call) error { return nil }}, {method: "GET", path: "/x", action: FlowRead}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("registered: %+v", r.action)
				}
			}()
			s.register(r)
		}()
	}
}
