package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"spark/flows"
	"spark/internal/testserver"
)

// tunnel is a proxy that knows its own connections.
type tunnel struct {
	*httptest.Server
	mu     sync.Mutex
	opened map[string]bool // addresses that its connections come from
	asked  int
}

func startTunnel(t *testing.T) *tunnel {
	p := &tunnel{opened: map[string]bool{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "tunnels only", http.StatusMethodNotAllowed)
		return
	}
	if user, password, ok := proxyAuth(r); !ok || user != "spark" || password != "Kanarienvogel" {
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	}
	out, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	p.mu.Lock()
	p.opened[out.LocalAddr().String()] = true
	p.asked++
	p.mu.Unlock()
	in, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		out.Close()
		return
	}
	fmt.Fprint(in, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(out, in); out.Close() }()
	_, _ = io.Copy(in, out)
	in.Close()
}

func proxyAuth(r *http.Request) (user, password string, ok bool) {
	return (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
}

// through reports whether a request has come from the proxy.
func (p *tunnel) through(r *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened[r.RemoteAddr]
}

func (p *tunnel) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// TestInstanceNetwork: the proxy and the authority of the instance are those of tests, samples, runs, sign-ins and tokens, also of
// `spark run`; without the authority nothing is sent. The password of the proxy stands in no executor's arguments or environment.
func TestInstanceNetwork(t *testing.T) {
	t.Parallel()
	o, proxy := testserver.StartOAuth(t, "the first one"), startTunnel(t)
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !proxy.through(r) {
			t.Errorf("%s %s went past the proxy", r.Method, r.URL.Path)
		}
		o.Config.Handler.ServeHTTP(w, r)
	}))
	api.Config.ErrorLog = log.New(io.Discard, "", 0) // it is told what clients do not trust
	api.StartTLS()
	t.Cleanup(api.Close)
	p := setup(t)
	p.write("authority.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})))
	p.env = append(p.env, "SPARK_ALLOW_NETWORK=loopback", "SPARK_HTTP_PROXY="+strings.Replace(proxy.URL, "http://", "http://spark:Kanarienvogel@", 1))
	settings := map[string]any{"baseUrl": api.URL, "auth": "refresh", "tokenUrl": api.URL + "/token", "clientId": "me", "clientIn": "body", "refreshToken": "the first one"}
	connection := map[string]any{"name": "shop", "type": "http", "settings": settings}
	untrusting := p.serve()
	if err := untrusting.Call(t.Context(), http.MethodPost, "/api/v1/connections/test", connection, nil); err == nil {
		t.Error("a certificate that nobody vouches for was trusted")
	}
	strict(t, o, 0)
	untrusting.Kill()
	p.env = append(p.env, "SPARK_HTTP_AUTHORITY="+p.path("authority.pem"))
	s := p.serve()
	used := func(what string) {
		t.Helper()
		if proxy.count() == 0 {
			t.Errorf("%s used no proxy", what)
		}
		proxy.mu.Lock()
		proxy.asked = 0
		proxy.mu.Unlock()
	}
	used("a test without trust")
	s.ask(http.MethodPost, "/api/v1/connections/test", connection, nil)
	used("a test")
	s.ask(http.MethodPost, "/api/v1/connections", connection, nil)
	few := step("in", "sample.data", `{"dataset":"orders","records":2}`)
	calls := chain(few, step("call", "http.request", `{"connection":"shop","url":"/items"}`), output("calls.csv"))
	for node, doc := range map[string]string{"in": chain(itemsOf("shop"), output("out.csv")), "call": calls} {
		var flow struct{ ID string }
		s.ask(http.MethodPost, "/api/v1/flows", map[string]any{"document": json.RawMessage(doc)}, &flow)
		s.ask(http.MethodPut, "/api/v1/flows/"+flow.ID+"/answers/"+node, map[string]any{"document": json.RawMessage(doc), "node": node}, nil)
		used("a sample of " + node)
		if r := s.until("the run ends", s.begin(doc).ID, runTime, over); r.State != flows.RunSucceeded {
			t.Errorf("%s: %+v", node, r.Error)
		}
		used("a run of " + node)
		for _, pid := range s.executors() {
			for _, name := range []string{"cmdline", "environ"} {
				if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name)); err == nil && strings.Contains(string(b), "Kanarien") {
					t.Errorf("the password of the proxy is in %s of an executor", name)
				}
			}
		}
	}
	var c flows.Connection
	signing := codeSettings(o)
	signing["baseUrl"], signing["tokenUrl"] = api.URL, api.URL+"/token"
	s.ask(http.MethodPost, "/api/v1/connections", map[string]any{"name": "signing", "type": "http", "settings": signing}, &c)
	ann := s.person()
	ann.get(ann.signIn(c.ID))
	if s.signedIn(c.ID).At == nil {
		t.Error("nobody is signed in")
	}
	used("a sign-in")
	file, err := json.Marshal(map[string]any{"shop": map[string]any{"type": "http", "settings": map[string]any{"baseUrl": api.URL, "auth": "client", "tokenUrl": api.URL + "/token", "clientId": "me", "clientSecret": map[string]string{"env": "SPARK_HTTP_PROXY"}}}})
	must(t, err)
	p.write("connections.json", string(file))
	p.write("flow.json", chain(itemsOf("shop"), output("out.csv")))
	p.run("run", "--connections", "connections.json", "flow.json") // which this server gives no token for
	used("spark run")
}
