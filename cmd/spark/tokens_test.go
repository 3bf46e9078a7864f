package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"spark/flows"
	"spark/internal/testserver"
)

// refreshSettings are those of a connection with a refresh token.
func refreshSettings(o *testserver.OAuth, token string) map[string]any {
	return map[string]any{"baseUrl": o.URL, "auth": "refresh", "tokenUrl": o.URL + "/token", "clientId": "me", "clientIn": "body", "refreshToken": token}
}

// itemsOf reads the API of a connection.
func itemsOf(connection string) box {
	return step("in", "rest.input", fmt.Sprintf(`{"connection":%q,"url":"/items","recordPath":"items","fields":[{"name":"id","type":"int64"}]}`, connection))
}

// strict says what a server of tokens has seen.
func strict(t *testing.T, o *testserver.OAuth, exchanges int) {
	t.Helper()
	if n, reused, _ := o.Counts(); n != exchanges || reused != 0 {
		t.Errorf("%d exchanges, want %d; %d with a spent token", n, exchanges, reused)
	}
}

// TestRunKeepsTokens: `spark run` keeps a replaced refresh token beside the file of connections, for several runs at once and
// the next one, and does not use one whose successor could not be kept.
func TestRunKeepsTokens(t *testing.T) {
	t.Parallel()
	o := testserver.StartOAuth(t, "the first one")
	p := setup(t)
	p.env = append(p.env, "SPARK_ALLOW_NETWORK=loopback")
	settings, err := json.Marshal(map[string]any{"shop": map[string]any{"type": "http", "settings": refreshSettings(o, "the first one")}})
	must(t, err)
	p.write("connections.json", string(settings))
	p.write("flow.json", chain(itemsOf("shop"), output("out.csv")))
	if r := p.run("run", "--connections", "connections.json", "flow.json"); r.code != exitInvalid || !strings.Contains(r.stderr, "others may read it") {
		t.Fatalf("a file that others may read: %d\n%s", r.code, r.stderr)
	}
	must(t, os.Chmod(p.path("connections.json"), 0o600))
	if r := p.run("run", "--connections", "connections.json", "--tokens", "missing/tokens", "flow.json"); r.code != exitFailed || !strings.Contains(r.stderr, "cannot be kept") {
		t.Fatalf("a folder that is missing: %d\n%s", r.code, r.stderr)
	}
	strict(t, o, 0)
	for i := range 3 {
		p.write(fmt.Sprintf("flow%d.json", i), chain(itemsOf("shop"), output(fmt.Sprintf("out%d.csv", i))))
	}
	var started []*process
	for i := range 3 {
		started = append(started, p.start("run", "--connections", "connections.json", fmt.Sprintf("flow%d.json", i)))
	}
	for _, x := range started {
		if r := x.wait(); r.code != exitOK {
			t.Errorf("exit code %d\n%s", r.code, r.stderr)
		}
	}
	strict(t, o, 1)
	o.EndTokens()
	if r := p.run("run", "--connections", "connections.json", "flow.json"); r.code != exitOK {
		t.Errorf("the next run: %d\n%s", r.code, r.stderr)
	}
	strict(t, o, 2)
	if info, err := os.Stat(p.path("connections.json.tokens")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of tokens: %v, %v", info, err)
	}
	o.Revoke()
	if r := p.run("run", "--connections", "connections.json", "flow.json"); r.code != exitFailed || !strings.Contains(r.stderr, "invalid_grant") || strings.Contains(r.stderr, "refresh-") {
		t.Errorf("revoked: %d\n%s", r.code, r.stderr)
	}
	p.write("connections.json", fmt.Sprintf(`{"shop":{"type":"http","settings":{"baseUrl":%q,"auth":"code","authorizeUrl":%q,"tokenUrl":%q,"clientId":"me"}}}`, o.URL, o.URL+"/authorize", o.URL+"/token"))
	if r := p.run("run", "--connections", "connections.json", "flow.json"); r.code != exitFailed || !strings.Contains(r.stderr, "takes a server") {
		t.Errorf("a sign-in: %d\n%s", r.code, r.stderr)
	}
}

// shopWithTokens serves a place with the connection "shop" to an API with a refresh token.
func shopWithTokens(t *testing.T, o *testserver.OAuth) *serving {
	t.Helper()
	p := setup(t)
	p.env = append(p.env, "SPARK_ALLOW_NETWORK=loopback")
	s := p.serve()
	s.ask(http.MethodPost, "/api/v1/connections", map[string]any{"name": "shop", "type": "http", "settings": refreshSettings(o, "the first one")}, nil)
	return s
}

// TestServeKeepsTokens: runs at once, tests and samples of one connection, and a server that was killed and starts again, use
// every refresh token once.
func TestServeKeepsTokens(t *testing.T) {
	t.Parallel()
	o := testserver.StartOAuth(t, "the first one")
	s := shopWithTokens(t, o)
	var runs []string
	for i := range 3 {
		runs = append(runs, s.begin(chain(itemsOf("shop"), output(fmt.Sprintf("out%d.csv", i)))).ID)
	}
	var report struct{ Status int }
	s.ask(http.MethodPost, "/api/v1/connections/test", map[string]any{"name": "shop", "type": "http", "settings": refreshSettings(o, "the first one")}, &report)
	if report.Status != http.StatusOK {
		t.Errorf("the test: %+v", report)
	}
	for _, id := range runs {
		if r := s.until("the run ends", id, runTime, over); r.State != flows.RunSucceeded || r.Written != 2 {
			t.Errorf("%+v", r)
		}
	}
	strict(t, o, 1)
	o.EndTokens()
	doc := chain(itemsOf("shop"), output("out.csv"))
	var flow struct{ ID string }
	s.ask(http.MethodPost, "/api/v1/flows", map[string]any{"document": json.RawMessage(doc)}, &flow)
	s.ask(http.MethodPut, "/api/v1/flows/"+flow.ID+"/answers/in", map[string]any{"document": json.RawMessage(doc), "node": "in"}, nil)
	strict(t, o, 2)
	o.EndTokens()
	s.Kill()
	s = s.serve()
	if r := s.until("the run ends", s.begin(doc).ID, runTime, over); r.State != flows.RunSucceeded {
		t.Errorf("after a restart: %+v", r)
	}
	strict(t, o, 3)
	o.Revoke()
	r := s.until("the run ends", s.begin(doc).ID, runTime, over)
	if r.State != flows.RunFailed || r.Error == nil || r.Error.Code != "http.token" || !strings.Contains(r.Error.Message, "invalid_grant") {
		t.Errorf("revoked: %+v", r.Error)
	}
}

// TestTokenEndsInARun: a run that lasts longer than its tokens gets new ones.
func TestTokenEndsInARun(t *testing.T) {
	t.Parallel()
	o := testserver.StartOAuth(t, "the first one")
	s := shopWithTokens(t, o)
	r := s.begin(chain(ordersOf(40), step("call", "http.request", `{"connection":"shop","method":"GET","url":"/item/[order_id]","parallel":4,"rate":20}`), output("out.csv")))
	until(t, "calls are made", runTime, func() bool { _, _, calls := o.Counts(); return calls >= 10 })
	o.EndTokens()
	until(t, "more are made", runTime, func() bool { _, _, calls := o.Counts(); return calls >= 25 })
	o.EndTokens()
	if r = s.until("the run ends", r.ID, runTime, over); r.State != flows.RunSucceeded || r.Written != 40 {
		t.Errorf("%+v %v", r, r.Error)
	}
	strict(t, o, 3)
}

// TestExecutorKilledInAnExchange: its token is kept although it is gone when the token comes, and the next attempt has it.
func TestExecutorKilledInAnExchange(t *testing.T) {
	t.Parallel()
	o := testserver.StartOAuth(t, "the first one")
	asked, answer := make(chan struct{}), make(chan struct{})
	var times atomic.Int64
	o.Before = func(http.ResponseWriter, *http.Request) bool {
		if times.Add(1) == 1 {
			close(asked)
			<-answer
		}
		return false
	}
	s := shopWithTokens(t, o)
	r := s.begin(chain(itemsOf("shop"), output("out.csv")))
	select {
	case <-asked:
	case <-time.After(runTime):
		t.Fatal("no token was asked for")
	}
	kill(t, syscall.SIGKILL, s.executors()...)
	close(answer)
	s.until("the run is over", r.ID, runTime, over)
	until(t, "the token came", runTime, func() bool { n, _, _ := o.Counts(); return n == 1 })
	if r = s.until("the next run ends", s.begin(chain(itemsOf("shop"), output("out.csv"))).ID, runTime, over); r.State != flows.RunSucceeded {
		t.Errorf("%+v %v", r, r.Error)
	}
	strict(t, o, 1)
}
