package http

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/node"
)

var orders = flows.Schema{{Name: "id", Type: flows.Of(flows.Int64)}, {Name: "name", Type: flows.Of(flows.Text)}}

// planned is the call of a node with these settings.
func planned(t *testing.T, settings string) (node.Call, flows.Problems) {
	t.Helper()
	n := flows.Node{ID: "call", Type: "http.request", Version: 1, Config: json.RawMessage(settings)}
	_, cfg, ps := node.Load(n, nil)
	if ps.Failed() {
		return node.Call{}, ps
	}
	c := node.NewContext(n, map[string]flows.Schema{node.In: orders}, nil, nil)
	cfg.Plan(c)
	results, ps := c.Results()
	op, _ := results[node.Out].Op.(node.Call)
	return op, ps
}

// opened is a call that is ready, and does not wait.
func opened(t *testing.T, conn node.Connection, settings string, with func(*node.Calling)) (node.Call, *calls) {
	t.Helper()
	op, ps := planned(t, settings)
	if ps.Failed() {
		t.Fatal(ps)
	}
	calling := &node.Calling{Connections: given{conn}, Node: "call", Token: node.Token{Run: "run1"}}
	if with != nil {
		with(calling)
	}
	opened, err := op.Caller.Open(t.Context(), calling)
	if err != nil {
		t.Fatal(err)
	}
	k := opened.(*calls)
	k.client.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return op, k
}

// given are connections of which there is one.
type given struct{ conn node.Connection }

func (g given) Connection(string) (node.Connection, error) { return g.conn, nil }

// ask makes the call of a record, whose values are by the name of the argument.
func ask(t *testing.T, op node.Call, k *calls, record map[string]string) ([]any, *node.Reject, error) {
	t.Helper()
	return k.Call(t.Context(), k.Prepare(func(i int) (string, bool) {
		v, ok := record[op.Args[i].Name]
		return v, ok
	}))
}

func TestRequestIsMadeOfTheRecord(t *testing.T) {
	t.Parallel()
	var got []string
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprintf("%s %s %s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("X-Name"), r.Header.Get("Content-Type"), b))
		fmt.Fprint(w, `{"ok": true}`)
	})
	op, k := opened(t, connect(t, api.URL, nil), `{"connection": "shop", "method": "POST", "url": "/orders/[name]/x", "query": [{"name": "id", "value": "[id]"}, {"name": "q", "value": "a [[b]"}], "headers": [{"name": "X-Name", "value": "n-[id]"}],
		"send": "template", "body": "{\"id\": [id]}", "responseAs": "json", "durationField": "took", "errorField": "error"}`, nil)
	results, rej, err := ask(t, op, k, map[string]string{"id": "7", "name": "a/b c?é", "": `{"id": 7}`})
	if err != nil || rej != nil || results[0] != int64(200) || results[1] != `{"ok": true}` || results[3] != nil {
		t.Fatalf("%v, %+v, %v", results, rej, err)
	}
	if want := `POST /orders/a%2Fb%20c%3F%C3%A9/x?id=7&q=a+%5Bb%5D n-7 application/json {"id": 7}`; len(got) != 1 || got[0] != want {
		t.Errorf("the server got %q, expected %q", got, want)
	}
	if _, rej, _ := ask(t, op, k, map[string]string{"id": "7"}); rej == nil || rej.Code != "http.null" || rej.Field != "name" || len(got) != 1 {
		t.Errorf("a null in the address is %+v", rej)
	}
	op, k = opened(t, connect(t, api.URL, nil), `{"connection": "shop", "url": "/x", "headers": [{"name": "X-Name", "value": "[name]"}]}`, nil)
	if _, rej, _ := ask(t, op, k, map[string]string{"name": "x\r\nEvil: 1"}); rej == nil || rej.Code != "http.header" || len(got) != 1 {
		t.Errorf("a line end in a header is %+v", rej)
	}
	if results, rej, err = ask(t, op, k, nil); err != nil || rej != nil || len(got) != 2 || strings.Contains(got[1], "n-") {
		t.Errorf("a null header is sent: %q, %v %+v %v", got, results, rej, err)
	}
}

// TestRequestPolicies: what a server says no to refuses the record, goes on, or fails the run.
func TestRequestPolicies(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		var status int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.WriteHeader(status)
		fmt.Fprint(w, "because of "+canary)
	})
	conn := connect(t, api.URL, map[string]any{"auth": "bearer", "token": canary})
	for status, want := range map[int]struct {
		code  string
		asked int64
	}{304: {"http.redirect", 1}, 401: {"http.unauthorized", 1}, 403: {"http.forbidden", 1}, 404: {"http.not_found", 1}, 409: {"http.conflict", 1}, 429: {"http.too_many", 3}, 500: {"http.server", 3}, 503: {"http.server", 3}} {
		settings := func(more string) string {
			return fmt.Sprintf(`{"connection": "shop", "url": "/%d", "attempts": 3, "errorField": "error"%s}`, status, more)
		}
		asked.Store(0)
		op, k := opened(t, conn, settings(""), nil)
		_, rej, err := ask(t, op, k, nil)
		if err != nil || rej == nil || rej.Code != want.code || !strings.Contains(rej.Reason, fmt.Sprint(status)) || asked.Load() != want.asked || strings.Contains(rej.Reason, canary) {
			t.Errorf("%d: refused as %+v after %d requests, %v", status, rej, asked.Load(), err)
		}
		op, k = opened(t, conn, settings(`, "onClient": "goOn", "onBusy": "goOn", "onServer": "goOn", "onRedirect": "goOn"`), nil)
		results, rej, err := ask(t, op, k, nil)
		if err != nil || rej != nil || results[0] != int64(status) || results[2] == nil {
			t.Errorf("%d: goes on as %v, %+v, %v", status, results, rej, err)
		}
		op, k = opened(t, conn, settings(`, "onClient": "fail", "onBusy": "fail", "onServer": "fail", "onRedirect": "fail"`), nil)
		if _, _, err = ask(t, op, k, nil); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%d: fails with %v", status, err)
		}
	}
}

// TestRequestBadAnswers: what comes instead of an answer refuses the record, with a code of its own.
func TestRequestBadAnswers(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = io.Copy(z, io.LimitReader(zeros{}, 64<<20))
	_ = z.Close()
	other := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Authorization")) })
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-r.Context().Done()
		case "/truncated":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
		case "/endless":
			for range 100_000 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "/html":
			fmt.Fprint(w, "<html>hello</html>")
		case "/deep":
			fmt.Fprint(w, strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000))
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		case "/elsewhere":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/cut":
			panic(http.ErrAbortHandler)
		}
	})
	conn := connect(t, api.URL, map[string]any{"auth": "bearer", "token": canary})
	for path, code := range map[string]string{"/slow": "http.timeout", "/truncated": "http.broken_off", "/endless": "http.too_large", "/bomb": "http.bomb", "/html": "http.not_json", "/deep": "http.not_json", "/metadata": "http.address", "/cut": "http.broken_off", "//169.254.169.254/latest": "http.elsewhere"} {
		t.Run(path, func(t *testing.T) {
			op, k := opened(t, conn, fmt.Sprintf(`{"connection": "shop", "url": %q, "attempts": 2, "timeout": 1, "maxAnswer": 16, "responseAs": "json"}`, path), nil)
			_, rej, err := ask(t, op, k, nil)
			if err != nil || rej == nil || rej.Code != code || strings.Contains(rej.Reason, canary) {
				t.Errorf("refused as %+v, %v", rej, err)
			}
		})
	}
	op, k := opened(t, conn, `{"connection": "shop", "url": "/elsewhere"}`, nil)
	if results, rej, err := ask(t, op, k, nil); err != nil || rej != nil || results[1] != "" {
		t.Errorf("a redirect to another server has taken credentials along: %v, %+v, %v", results, rej, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestRequestKeys: every attempt of a request has the same key, equal records have different ones, and another attempt of
// the run has the same again.
func TestRequestKeys(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var keys []string
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		if len(keys)%2 == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	conn := connect(t, api.URL, nil)
	for range 2 {
		op, k := opened(t, conn, `{"connection": "shop", "method": "POST", "url": "/x", "send": "template", "body": "{\"id\": [id]}"}`, nil)
		for range 2 {
			if _, rej, err := ask(t, op, k, map[string]string{"": `{"id": 7}`}); rej != nil || err != nil {
				t.Fatal(rej, err)
			}
		}
	}
	if len(keys) != 8 || keys[0] == "" || keys[0] != keys[1] || keys[2] == keys[0] || keys[2] != keys[3] || keys[4] != keys[0] || keys[6] != keys[2] {
		t.Errorf("the keys are %q", keys)
	}
}

// TestRequestCacheAndToken: equal requests are made once, and a token that ends in the middle is renewed.
func TestRequestCacheAndToken(t *testing.T) {
	t.Parallel()
	var asked, tokens atomic.Int64
	login := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": "t%d", "token_type": "Bearer", "expires_in": 3600}`, tokens.Add(1))
	})
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); r.Header.Get("Authorization") == "Bearer t1" && n > 2 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, r.URL.Path)
	})
	conn := connect(t, api.URL, map[string]any{"auth": "client", "tokenUrl": login.URL, "clientId": "me", "clientSecret": "s"})
	op, k := opened(t, conn, `{"connection": "shop", "url": "/[id]", "cache": true}`, nil)
	for i := range 9 {
		results, rej, err := ask(t, op, k, map[string]string{"id": fmt.Sprint(i % 3)})
		if err != nil || rej != nil || results[1] != fmt.Sprintf("/%d", i%3) {
			t.Fatalf("%v, %+v, %v", results, rej, err)
		}
	}
	if asked.Load() != 4 || tokens.Load() != 2 { // the third one twice
		t.Errorf("%d requests were made with %d tokens", asked.Load(), tokens.Load())
	}
}

// TestRequestIsQuiet: a preview sends nothing, the few requests that somebody allows, and uses what they have returned.
func TestRequestIsQuiet(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	api := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, "answer to "+r.URL.Path+" for "+canary)
	})
	conn := connect(t, api.URL, map[string]any{"auth": "bearer", "token": canary})
	var made []flows.CallAnswer
	var warned []*flows.Error
	settings := `{"connection": "shop", "url": "/[id]"}`
	all := func(with func(*node.Calling)) (answers int) {
		op, k := opened(t, conn, settings, with)
		for i := range 8 {
			results, rej, err := ask(t, op, k, map[string]string{"id": fmt.Sprint(i)})
			if err != nil || rej != nil || len(results) != 2 {
				t.Fatalf("%v, %+v, %v", results, rej, err)
			}
			if results[0] != nil {
				answers++
			}
		}
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		return answers
	}
	warn := func(e *flows.Error) { warned = append(warned, e) }
	if n := all(func(c *node.Calling) { c.Quiet, c.Warn = true, warn }); n != 0 || asked.Load() != 0 || len(warned) != 1 || warned[0].Code != "call.quiet" {
		t.Errorf("%d answers of %d requests, %v", n, asked.Load(), warned)
	}
	if n := all(func(c *node.Calling) {
		c.Quiet, c.Allowed, c.Made = true, 5, func(a flows.CallAnswer) { made = append(made, a) }
	}); n != 5 || asked.Load() != 5 || len(made) != 5 || strings.Contains(made[0].Body, canary) {
		t.Errorf("%d answers of %d requests: %+v", n, asked.Load(), made)
	}
	if n := all(func(c *node.Calling) { c.Quiet, c.Answer = true, &flows.Answer{Calls: made} }); n != 5 || asked.Load() != 5 {
		t.Errorf("%d answers that were kept, and %d requests", n, asked.Load())
	}
}

func TestRequestSettings(t *testing.T) {
	t.Parallel()
	for settings, code := range map[string]string{
		`{}`:                                     "config.required",
		`{"url": "/x"}`:                          "http.url",
		`{"url": "http://h/[nme]"}`:              "http.template",
		`{"url": "http://h/[name"}`:              "http.template",
		`{"url": "http://h/", "send": "record"}`: "http.body",
		`{"url": "http://h/", "method": "POST", "send": "template"}`:              "config.required",
		`{"url": "http://h/", "method": "POST", "send": "template", "body": "{"}`: "http.template",
		`{"url": "http://h/", "parallel": 1000}`:                                  "http.limit",
		`{"url": "http://h/", "responseField": "name"}`:                           "schema.duplicate_field",
		`{"url": "http://h/", "headers": [{"name": "bad name", "value": "x"}]}`:   "http.header",
		`{"url": "http://user:pw@h/"}`:                                            "http.url",
	} {
		if _, ps := planned(t, settings); !ps.Failed() || ps[0].Code != code {
			t.Errorf("%s: %v, expected %s", settings, ps, code)
		}
	}
}
