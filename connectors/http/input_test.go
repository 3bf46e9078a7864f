package http_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "spark/connectors/all"
	"spark/flows"
	"spark/flows/engine"
	"spark/flows/engine/duckdb"
	"spark/flows/node"
	"spark/flows/plan"
)

const canary = "canary-7f3a9"

// outcome is what a run of one REST Input into a file has done.
type outcome struct {
	lines   []string // of the file, header first
	err     *flows.Error
	rejects []node.Reject
	reached map[string]node.Offset
	asked   int64 // requests
}

// bench is an API and a flow that reads it.
type bench struct {
	t        *testing.T
	api      *httptest.Server
	asked    atomic.Int64
	settings map[string]any // of the connection
	offsets  map[string]node.Offset
	pages    node.Pages // of an earlier execution
	began    time.Time
	warned   []*flows.Error
}

func newBench(t *testing.T, handle http.HandlerFunc) *bench {
	b := &bench{t: t, settings: map[string]any{}}
	b.api = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.asked.Add(1)
		handle(w, r)
	}))
	t.Cleanup(b.api.Close)
	return b
}

// config are the settings of the node; others come beside these.
func config(more map[string]any) map[string]any {
	c := map[string]any{"connection": "shop", "url": "/products", "recordPath": "items", "attempts": 1,
		"fields": []map[string]any{{"name": "id", "type": "int64"}, {"name": "price", "type": "decimal(10,2)"}}}
	for k, v := range more {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

func (b *bench) run(cfg map[string]any) (o outcome) {
	b.t.Helper()
	doc, err := json.Marshal(map[string]any{"format": 1, "name": "x", "nodes": []any{
		map[string]any{"id": "read", "type": "rest.input", "version": 1, "config": cfg, "rejects": "reject"},
		map[string]any{"id": "write", "type": "file.output", "version": 1, "config": map[string]any{"path": "out.csv", "format": "csv"}},
	}, "edges": []any{map[string]any{"from": map[string]any{"node": "read", "port": "out"}, "to": map[string]any{"node": "write", "port": "in"}}}})
	if err != nil {
		b.t.Fatal(err)
	}
	flow, err := flows.ParseFlow(doc)
	if err != nil {
		b.t.Fatal(err)
	}
	all := map[string]any{"baseUrl": b.api.URL}
	for k, v := range b.settings {
		all[k] = v
	}
	settings, err := json.Marshal(all)
	if err != nil {
		b.t.Fatal(err)
	}
	connections := node.ConnectionSet{"shop": {Type: "http", Settings: settings}}
	dir := b.t.TempDir()
	files, err := node.OpenFiles(node.LocationEnv{Folders: []string{dir}})
	if err != nil {
		b.t.Fatal(err)
	}
	eng := &duckdb.Engine{Folders: []string{dir}, Files: files}
	p, ps := plan.Compile(flow, plan.Options{Lookup: node.Looking(eng, node.Datasets{Context: b.t.Context(), Connections: connections}), Engines: []plan.Engine{eng}})
	if ps.Failed() {
		o.err = ps[0]
		return o
	}
	before := b.asked.Load()
	_, err = eng.Run(b.t.Context(), p, engine.Env{Files: files, Connections: connections, Temp: b.t.TempDir(), Threads: 2, Offsets: b.offsets, Began: b.began, Warn: func(e *flows.Error) { b.warned = append(b.warned, e) }, Pages: func(string) node.Pages { return b.pages },
		Reached:   func(r map[string]node.Offset) { o.reached = r },
		Reject:    func(r node.Reject) error { o.rejects = append(o.rejects, r); return nil },
		MayCommit: func(context.Context) error { return nil }})
	o.err, o.asked = flows.AsError(err), b.asked.Load()-before
	text, err := os.ReadFile(filepath.Join(dir, "out.csv"))
	if err == nil {
		o.lines = strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	return o
}

// products are those of a page, from first on.
func products(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"id": %d, "price": %d.25}`, first+i, first+i)
	}
	return "[" + strings.Join(list, ", ") + "]"
}

func (o outcome) want(t *testing.T, records int, asked int64) {
	t.Helper()
	if o.err != nil || len(o.lines) != records+1 || o.asked != asked {
		t.Fatalf("%v; %d lines, %d requests; want %d records by %d", o.err, len(o.lines), o.asked, records, asked)
	}
	for i, line := range o.lines[1:] {
		if want := fmt.Sprintf("%d,%d.25", i+1, i+1); line != want {
			t.Fatalf("record %d is %s, want %s", i+1, line, want)
		}
	}
}

func number(r *http.Request, name string) (n int) {
	_, _ = fmt.Sscan(r.URL.Query().Get(name), &n)
	return n
}

func TestPaging(t *testing.T) {
	t.Parallel()
	const total = 7
	part := func(first, size int) string { return products(first, max(0, min(size, total+1-first))) }
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		config map[string]any
		asked  int64
	}{
		"none":                   {func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, `{"items": %s}`, part(1, total)) }, nil, 1},
		"the answer is the list": {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "\xEF\xBB\xBF"+part(1, total)) }, map[string]any{"recordPath": nil}, 1},
		"page": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"items": %s}`, part((number(r, "page")-1)*number(r, "limit")+1, number(r, "limit")))
		}, map[string]any{"paging": "page", "pageSize": 3}, 3},
		"page, to the first empty one": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"items": %s}`, part(number(r, "p")*3+1, 3))
		}, map[string]any{"paging": "page", "pageParameter": "p", "firstPage": 0}, 4},
		"offset and total, at once": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"total": %d, "items": %s}`, total, part(number(r, "offset")+1, 2))
		}, map[string]any{"paging": "offset", "pageSize": 2, "totalPath": "total", "parallel": 4}, 4},
		"page and more": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"items": %s, "more": %t}`, part(number(r, "page")*4-3, 4), number(r, "page") < 2)
		}, map[string]any{"paging": "page", "morePath": "more"}, 2},
		"cursor": {func(w http.ResponseWriter, r *http.Request) {
			next := fmt.Sprintf(`"t%d"`, number(r, "n")+1)
			first := 1
			_, _ = fmt.Sscanf(r.URL.Query().Get("after"), "t%d", &first)
			if next = fmt.Sprintf(`"t%d"`, first+3); first+3 > total {
				next = "null"
			}
			fmt.Fprintf(w, `{"meta": {"next": %s}, "items": %s}`, next, part(first, 3))
		}, map[string]any{"paging": "cursor", "cursorParameter": "after", "cursorPath": "meta.next"}, 3},
		"cursor in the body": {func(w http.ResponseWriter, r *http.Request) {
			var body struct {
				Filter string
				After  int `json:",string"`
			}
			b, _ := io.ReadAll(r.Body)
			if err := json.Unmarshal(b, &body); err != nil || body.Filter != "x" || r.Method != "POST" {
				http.Error(w, string(b), 400)
			}
			fmt.Fprintf(w, `{"items": %s, "next": %d}`, part(body.After+1, 4), max(0, min(body.After+4, total)%total))
		}, map[string]any{"method": "POST", "body": `{"filter": "x"}`, "paging": "cursor", "cursorIn": "body", "cursorParameter": "after", "cursorPath": "next", "morePath": "next"}, 2},
		"link": {func(w http.ResponseWriter, r *http.Request) {
			if n := number(r, "from"); n+4 <= total {
				w.Header().Add("Link", `</first>; rel="first", </products?from=`+fmt.Sprint(n+4)+`&k=a,b>; title="x"; rel="last next"`)
			}
			fmt.Fprintf(w, `{"items": %s}`, part(number(r, "from")+1, 4))
		}, map[string]any{"paging": "link"}, 2},
		"next": {func(w http.ResponseWriter, r *http.Request) {
			next := ""
			if n := number(r, "from"); n+3 <= total {
				next = fmt.Sprintf("http://%s/products?from=%d", r.Host, n+3)
			}
			fmt.Fprintf(w, `{"links": {"next": %q}, "items": %s}`, next, part(number(r, "from")+1, 3))
		}, map[string]any{"paging": "next", "nextPath": "links.next"}, 3},
		"JSON lines": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, strings.NewReplacer("[", "", "]", "", "}, ", "}\n").Replace(part(number(r, "page")*4-3, 4)))
		}, map[string]any{"format": "jsonl", "paging": "page", "pageSize": 4}, 2},
		"CSV": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "id,price\n", strings.NewReplacer("[", "", "]", "", `{"id": `, "", ` "price": `, "", "}, ", "\n", "}", "\n").Replace(part(number(r, "page")*4-3, 4)))
		}, map[string]any{"format": "csv", "paging": "page", "pageSize": 4}, 2},
		"XML": {func(w http.ResponseWriter, r *http.Request) {
			first := max(1, number(r, "cursor"))
			next := ""
			if first+3 <= total {
				next = fmt.Sprintf("<next>%d</next>", first+3)
			}
			fmt.Fprint(w, `<?xml version="1.0" encoding="UTF-8"?><answer><items>`, strings.NewReplacer("[", "", "]", "", `{"id": `, "<item><id>", `, "price": `, "</id><price>", "}, ", "</price></item>\n", "}", "</price></item>").Replace(part(first, 3)), "</items>", next, "</answer>")
		}, map[string]any{"format": "xml", "recordPath": "answer.items.item", "paging": "cursor", "cursorPath": "answer.next",
			"fields": []map[string]any{{"name": "id", "type": "text"}, {"name": "price", "type": "text"}}}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newBench(t, c.handle).run(config(c.config)).want(t, total, c.asked)
		})
	}
}

func TestBadAnswers(t *testing.T) {
	t.Parallel()
	xmlAnswer := map[string]any{"format": "xml", "fields": []map[string]any{{"name": "id", "type": "text"}}}
	page := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, text) }
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "0")
			http.Error(w, "no: "+r.Header.Get("Authorization")+" "+canary, code)
		}
	}
	metadata := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data?token="+canary, http.StatusFound)
	}
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		config map[string]any
		code   string
		says   string
		asked  int64
	}{
		"401":                      {status(401), nil, "http.unauthorized", "GET http://127.0.0.1:PORT/products (page 1): the server answered 401 Unauthorized", 1},
		"403":                      {status(403), nil, "http.forbidden", "403 Forbidden: no: Bearer ***", 1},
		"404":                      {status(404), nil, "http.not_found", "404", 1},
		"409":                      {status(409), nil, "http.conflict", "409", 1},
		"429":                      {status(429), map[string]any{"attempts": 3}, "http.too_many", "429 Too Many Requests: no: Bearer *** *** (Retry-After: 0), 3 times", 3},
		"500":                      {status(500), map[string]any{"attempts": 2}, "http.server", "500", 2},
		"a secret in the query":    {status(404), map[string]any{"url": "/products?api_key=" + canary + "x&a=1"}, "http.not_found", "/products?a=1&api_key=*** (page 1)", 1},
		"HTML":                     {page("<!DOCTYPE html><title>Sign in</title>"), nil, "http.html", "a web page instead of records", 1},
		"HTML in place of XML":     {page("<!DOCTYPE html><title>Sign in<p>"), xmlAnswer, "http.html", "a web page instead of records", 1},
		"cut XML":                  {page("<items><item>1</item>"), xmlAnswer, "http.xml", "the answer is not XML", 1},
		"entities in XML":          {page(`<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`), xmlAnswer, "http.xml", "never expanded", 1},
		"empty":                    {page(""), nil, "http.empty", "empty", 1},
		"no JSON":                  {page("items: 1"), nil, "http.json", "not JSON", 1},
		"cut JSON":                 {page(`{"items": [{"id": 1, "price": 1}`), nil, "http.json", "not JSON", 1},
		"text behind":              {page(`{"items": []} x`), nil, "http.json", "not JSON", 1},
		"deep JSON":                {page(`{"items": [{"id": 1, "x": ` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}]}`), nil, "http.json", "depth", 1},
		"no records":               {page(`{"data": [], "error": "x"}`), nil, "http.records_missing", `nothing at "items"; there is data, error`, 1},
		"a text where records are": {page(`{"items": "none"}`), nil, "http.records", `"none" at "items"`, 1},
		"broken off": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"items": [`)
		}, map[string]any{"attempts": 2}, "http.broken_off", "broke off", 2},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(strings.Repeat(" ", 1<<16))); err != nil {
					return
				}
			}
		}, map[string]any{"maxAnswer": 1}, "http.too_large", "larger than 1 MB", 1},
		"a bomb": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 50 {
				_, _ = z.Write(make([]byte, 1<<20))
			}
			_ = z.Close()
		}, nil, "http.bomb", "a hundred times larger", 1},
		"no gzip": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, `{"items": [] }`)
		}, nil, "http.lost", "cannot be read", 1},
		"a page that repeats": {page(`{"items": [{"id": 1, "price": 1}]}`), map[string]any{"paging": "page", "pageSize": 1}, "http.loop", "page 2 has the same records as page 1", -1},
		"a cursor that loops": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"items": [{"id": %d, "price": 1}], "next": "a"}`, 1+len(r.URL.RawQuery))
		}, map[string]any{"paging": "cursor", "cursorPath": "next"}, "http.loop", "cursor came a second time", 2},
		"a next page elsewhere": {page(`{"items": [{"id": 1, "price": 1}], "next": "http://example.com/"}`), map[string]any{"paging": "next", "nextPath": "next"}, "http.elsewhere", "another server, http://example.com", 1},
		"too many pages": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"items": [{"id": %d, "price": 1}]}`, number(r, "page"))
		}, map[string]any{"paging": "page", "maxPages": 3}, "http.max_pages", "more than 3 pages", 3},
		"a redirect to metadata":   {metadata, nil, "http.address", "169.254.169.254 is the metadata service of a cloud", 1},
		"another server":           {page(""), map[string]any{"url": "http://192.0.2.1/"}, "http.elsewhere", "another server", 0},
		"a private network":        {page(""), map[string]any{"connection": nil, "url": "http://10.0.0.1/"}, "http.address", "a private address", 0},
		"a number for a host":      {page(""), map[string]any{"connection": nil, "url": "http://2130706433/"}, "http.address", "no name and no address", 0},
		"a path that is none":      {page(""), map[string]any{"recordPath": "a..b"}, "http.path", "a..b", 0},
		"a number of XML":          {page(""), map[string]any{"format": "xml"}, "http.xml_type", `the field "id" is int64, and the values of XML are texts`, 0},
		"no fields":                {page(""), map[string]any{"fields": nil}, "config.required", "fields", 0},
		"a header with a line end": {page(""), map[string]any{"headers": []any{map[string]any{"name": "X", "value": "a\r\nHost: b"}}}, "http.header", "line end", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.handle)
			b.settings = map[string]any{"auth": "bearer", "token": canary, "timeout": 20}
			o := b.run(config(c.config))
			says := strings.ReplaceAll(c.says, "PORT", b.api.URL[strings.LastIndexByte(b.api.URL, ':')+1:])
			if o.err == nil || o.err.Code != c.code || !strings.Contains(o.err.Message, says) || o.err.Suggestion == "" || o.err.Path.Node != "read" || c.asked >= 0 && o.asked != c.asked {
				t.Errorf("after %d requests: %+v; want %s with %q after %d", o.asked, o.err, c.code, says, c.asked)
			}
			if text := fmt.Sprintf("%+v", o.err); strings.Contains(text, canary) {
				t.Errorf("a secret stands in it: %s", text)
			}
			if o.lines != nil {
				t.Errorf("something was written: %q", o.lines)
			}
		})
	}
}

func TestRecordsThatDoNotFit(t *testing.T) {
	t.Parallel()
	o := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		if number(r, "page") == 1 {
			fmt.Fprint(w, `{"items": [{"id": 1, "price": 1.25}, {"id": 2, "price": "n/a"}]}`)
			return
		}
		fmt.Fprint(w, `{"items": [{"id": "three", "price": 3}]}`)
	}).run(config(map[string]any{"paging": "page", "pageSize": 2}))
	if o.err != nil || len(o.lines) != 2 || len(o.rejects) != 2 {
		t.Fatalf("%v %q %+v", o.err, o.lines, o.rejects)
	}
	if r := o.rejects[0]; r.Field != "price" || r.Record != 2 || !strings.HasSuffix(r.File, "/products?limit=2&page=1 (page 1)") || r.Raw != `{"id": 2, "price": "n/a"}` {
		t.Errorf("%+v", r)
	}
	if r := o.rejects[1]; r.Field != "id" || r.Record != 1 || !strings.HasSuffix(r.File, "(page 2)") {
		t.Errorf("%+v", r)
	}
}

func TestWholeRecord(t *testing.T) {
	t.Parallel()
	o := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"items": [ {"id": 1, "big": 12345678901234567890.10}, {}, 7 ,{"id":2}]}`)
	}).run(config(map[string]any{"recordField": "record", "fields": []any{map[string]any{"name": "id", "type": "int64"}}}))
	want := []string{"id,record", `1,"{""id"": 1, ""big"": 12345678901234567890.10}"`, `,{}`, `,7`, `2,"{""id"":2}"`}
	if o.err != nil || strings.Join(o.lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("%v %v\n%s", o.err, o.rejects, strings.Join(o.lines, "\n"))
	}
}

func TestIncremental(t *testing.T) {
	t.Parallel()
	var since []string
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		since = append(since, r.URL.Query().Get("since"))
		fmt.Fprint(w, `{"items": [{"id": 1, "price": 1, "at": "2026-03-01T10:00:00Z"}, {"id": 2, "price": 1, "at": "2026-03-01T13:30:00+02:00"}, {"id": 3, "price": 1, "at": null}]}`)
	})
	cfg := config(map[string]any{"mode": "incremental", "cursor": "at", "sinceParameter": "since", "start": "2026-01-01", "overlap": "5 minutes",
		"fields": []any{map[string]any{"name": "id", "type": "int64"}, map[string]any{"name": "at", "type": "timestamptz"}}})
	o := b.run(cfg)
	var c flows.Cursor
	if err := json.Unmarshal(o.reached["read"], &c); err != nil || c.Value != "2026-03-01T11:30:00Z" || c.Column != "at" || len(o.lines) != 4 {
		t.Fatalf("%v: %s %v %q", err, o.reached["read"], o.err, o.lines)
	}
	b.offsets = o.reached
	if o = b.run(cfg); o.err != nil || strings.Join(since, " ") != "2026-01-01 2026-03-01T11:25:00Z" {
		t.Errorf("%v: asked since %q", o.err, since)
	}
	cfg["cursor"] = "id"
	cfg["overlap"] = "1"
	if o = b.run(cfg); o.err == nil || o.err.Code != "http.cursor_moved" {
		t.Errorf("another cursor: %v", o.err)
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "session="+canary)
		fmt.Fprintf(w, `{"you": %q, "data": {"rows": %s, "next": "x"}}`, r.Header.Get("Authorization"), products(1, 3))
	})
	settings, err := json.Marshal(map[string]any{"baseUrl": b.api.URL, "auth": "bearer", "token": canary})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := json.Marshal(map[string]any{"connection": "shop", "url": "/products", "paging": "cursor", "cursorPath": "data.next"})
	if err != nil {
		t.Fatal(err)
	}
	_, loaded, _ := node.Load(flows.Node{ID: "read", Type: "rest.input", Version: 1, Config: cfg}, nil)
	f, err := loaded.(node.Fetcher).Fetch(t.Context(), node.ConnectionSet{"shop": {Type: "http", Settings: settings}})
	if err != nil || b.asked.Load() != 1 {
		t.Fatalf("%v after %d requests", err, b.asked.Load())
	}
	if f.RecordPath != "data.rows" || len(f.Proposal.Fields) != 2 || f.Proposal.Fields[0].Name != "id" || f.Answer.Status != 200 || f.Answer.Cut {
		t.Errorf("%+v", f)
	}
	if text := fmt.Sprintf("%+v", f); strings.Contains(text, canary) || !strings.Contains(f.Answer.Body, `"Bearer ***"`) {
		t.Errorf("a secret stands in it: %s", text)
	}
}
