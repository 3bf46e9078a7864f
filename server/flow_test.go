package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"spark/server/api"
)

const noFlow = "/api/v1/flows/01a21187-1c7f-751f-8ecc-98d0d215a0c1"

func flowAt(f api.Flow, rest string) string { return "/api/v1/flows/" + f.ID + rest }

// sameFlow compares documents, whatever their order and their ids.
func sameFlow(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y map[string]any
	for _, e := range []error{json.Unmarshal(a, &x), json.Unmarshal(b, &y)} {
		if e != nil {
			t.Fatal(e)
		}
	}
	delete(x, "id")
	delete(y, "id")
	xs, _ := json.Marshal(x)
	ys, _ := json.Marshal(y)
	return string(xs) == string(ys)
}

func TestFlowIsKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	var read api.Flow
	got := s.ask(http.MethodGet, flowAt(f, ""), nil).is(http.StatusOK, &read)
	if read.Name != "Orders" || !sameFlow(t, read.Document, []byte(document1("Orders"))) || got.header.Get("ETag") != `"`+f.Etag+`"` || read.LastRun != nil {
		t.Errorf("%s with %s", got.body, got.header)
	}
	var saved api.Saved
	got = s.ask(http.MethodPut, flowAt(f, "/draft"), wrap(document1("Renamed")), "If-Match", `"`+f.Etag+`"`).is(http.StatusOK, &saved)
	if saved.Etag == f.Etag || got.header.Get("ETag") != `"`+saved.Etag+`"` || saved.UpdatedAt.Before(f.UpdatedAt) {
		t.Errorf("%+v after %+v", saved, f.FlowSummary)
	}
	s.ask(http.MethodGet, flowAt(f, ""), nil).is(http.StatusOK, &read)
	if read.Name != "Renamed" || read.Etag != saved.Etag || !sameFlow(t, read.Document, []byte(document1("Renamed"))) {
		t.Errorf("%+v", read)
	}
}

// TestTwoEditors: of many that save at once one wins. The others are told by whom and what to do, and what they were
// told is enough to save after all.
func TestTwoEditors(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	const editors = 8
	answers := make([]answer, editors)
	var wg sync.WaitGroup
	for i := range editors {
		wg.Go(func() {
			answers[i] = s.ask(http.MethodPut, flowAt(f, "/draft"), wrap(document1(fmt.Sprint("by ", i))), "If-Match", `"`+f.Etag+`"`)
		})
	}
	wg.Wait()
	won := slices.IndexFunc(answers, func(a answer) bool { return a.status == http.StatusOK })
	if won < 0 {
		t.Fatalf("nobody won: %s", answers[0].body)
	}
	var current api.Flow
	s.ask(http.MethodGet, flowAt(f, ""), nil).is(http.StatusOK, &current)
	if current.Name != fmt.Sprint("by ", won) {
		t.Errorf("editor %d was told that it had saved, and the flow is %q", won, current.Name)
	}
	for i, a := range answers {
		if i == won {
			continue
		}
		p := a.fails(http.StatusConflict, "draft.conflict", "saved the flow in the meantime", "this change was not saved", "compare both versions and save again")
		if p.Params["etag"] != current.Etag {
			t.Errorf("editor %d was told of etag %v instead of %s", i, p.Params["etag"], current.Etag)
		}
	}
	loser := fmt.Sprint("by ", (won+1)%editors)
	s.ask(http.MethodPut, flowAt(f, "/draft"), wrap(document1(loser)), "If-Match", `"`+current.Etag+`"`).is(http.StatusOK, nil)
	s.ask(http.MethodPut, flowAt(f, "/draft"), wrap(document1("late")), "If-Match", `"`+f.Etag+`"`).fails(http.StatusConflict, "draft.conflict")
	if s.ask(http.MethodGet, flowAt(f, ""), nil).is(http.StatusOK, &current); current.Name != loser {
		t.Errorf("the flow is %q", current.Name)
	}
}

// TestListOfFlows: pages together are all flows, none twice, last changed first; a search takes names whatever their case.
func TestListOfFlows(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var want []string
	for i := range 23 {
		want = append(want, s.createFlow(document1(fmt.Sprintf("Umsatz %02d", i))).ID)
	}
	other := s.createFlow(document1("100%_Ärger"))
	want = append(want, other.ID)
	slices.Reverse(want)
	for _, limit := range []string{"1", "7", "24", "200", "100000"} {
		items, pages := everyPage[api.FlowSummary](s, "/api/v1/flows?", limit)
		var ids []string
		for _, f := range items {
			ids = append(ids, f.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("in pages of %s there are %d flows on %d pages: %v", limit, len(ids), pages, ids)
		}
	}
	for search, n := range map[string]int{"UMSATZ": 23, "umsatz%201": 10, "ärGER": 1, "%25_": 1, "%25": 1, "_": 1, "a%CC%88rger": 1, "nothing": 0} {
		if items, _ := everyPage[api.FlowSummary](s, "/api/v1/flows?search="+search+"&", "4"); len(items) != n {
			t.Errorf("%q finds %d flows instead of %d", search, len(items), n)
		}
	}
	s.ask(http.MethodGet, "/api/v1/flows?cursor=x", nil).fails(http.StatusBadRequest, "cursor.invalid", "start again with the first page")
	for _, limit := range []string{"-1", "x", "1.5", "99999999999"} {
		s.ask(http.MethodGet, "/api/v1/flows?limit="+limit, nil).fails(http.StatusBadRequest, "request.query", limit, "limit", "write a whole number")
	}
}

// TestDeletedFlow: it is gone for everything but its restoration, which brings all of it back.
func TestDeletedFlow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	s.ask(http.MethodDelete, flowAt(f, ""), nil).is(http.StatusNoContent, nil)
	for _, a := range []answer{s.ask(http.MethodGet, flowAt(f, ""), nil), s.ask(http.MethodDelete, flowAt(f, ""), nil), s.ask(http.MethodGet, flowAt(f, "/export"), nil),
		s.ask(http.MethodPost, flowAt(f, "/duplicate"), nil), s.ask(http.MethodPost, flowAt(f, "/publish"), nil),
		s.ask(http.MethodPut, flowAt(f, "/draft"), wrap(document1("x")), "If-Match", `"`+f.Etag+`"`), s.ask(http.MethodPost, "/api/v1/runs", api.StartRun{Flow: f.ID})} {
		a.fails(http.StatusNotFound, "flow.not_found", "there is no such flow", "it may have been deleted")
	}
	if items, _ := everyPage[api.FlowSummary](s, "/api/v1/flows?", "10"); len(items) != 0 {
		t.Errorf("it is still listed: %+v", items)
	}
	for range 2 { // the second one finds nothing to do
		var back api.Flow
		s.ask(http.MethodPost, flowAt(f, "/restore"), nil).is(http.StatusOK, &back)
		if back.Etag != f.Etag || back.Name != f.Name || string(back.Document) != string(f.Document) {
			t.Errorf("%+v", back)
		}
	}
	s.ask(http.MethodPut, flowAt(f, "/draft"), wrap(document1("goes on")), "If-Match", `"`+f.Etag+`"`).is(http.StatusOK, nil)
}

// TestExportAndImport: the file is the flow, to the byte.
func TestExportAndImport(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	document := strings.Replace(document1("Orders / \"März\"\r\n"), `{"format":1,`, `{"format":1,"later":{"kept":[1.50,null]},`, 1)
	f := s.createFlow(document)
	file := s.ask(http.MethodGet, flowAt(f, "/export"), nil).is(http.StatusOK, nil)
	if named := file.header.Get("Content-Disposition"); !strings.HasPrefix(named, "attachment") || strings.ContainsAny(named, "\r\n/") || !strings.Contains(named, "flow.json") {
		t.Errorf("the file is called %q", named)
	}
	var again api.Flow
	s.ask(http.MethodPost, "/api/v1/flows/import", string(file.body)).is(http.StatusCreated, &again)
	copied := s.ask(http.MethodGet, flowAt(again, "/export"), nil).is(http.StatusOK, nil)
	if want := strings.ReplaceAll(string(file.body), f.ID, again.ID); string(copied.body) != want || again.ID == f.ID {
		t.Errorf("imported and exported again it is\n%s instead of\n%s", copied.body, want)
	}
	var twin api.Flow
	s.ask(http.MethodPost, flowAt(f, "/duplicate"), nil).is(http.StatusCreated, &twin)
	if renamed := strings.Replace(document, `\"März\"\r\n`, `\"März\"\r\n (copy)`, 1); twin.ID == f.ID || !sameFlow(t, twin.Document, []byte(renamed)) {
		t.Errorf("the copy is %s", twin.Document)
	}
	if !strings.Contains(string(file.body), `"later"`) || !sameFlow(t, file.body, []byte(document)) {
		t.Errorf("something was lost: %s", file.body)
	}
}

// TestBrokenDocument: whoever sends something that is no flow is told what and where, whether it is imported, saved,
// checked or previewed. Nothing of it is kept.
func TestBrokenDocument(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	for name, test := range map[string]struct {
		document, code string
		status         int
		texts          []string
	}{
		"no flow":          {`{}`, "document.format", 422, []string{"format"}},
		"a list":           {`[]`, "document.type", 422, nil},
		"nothing":          {`null`, "document.format", 422, nil},
		"a newer format":   {`{"format":99,"name":"x","nodes":[],"edges":[]}`, "document.newer", 422, []string{"99"}},
		"nodes are a text": {"{\"format\":1,\n\"name\":\"x\",\n\"nodes\":\"a\",\"edges\":[]}", "document.type", 422, []string{"nodes", `"line":3`, "text where a list is expected"}},
		"a member twice":   {"{\"format\":1,\n\"name\":\"x\",\n\"name\":\"y\",\"nodes\":[],\"edges\":[]}", "request.body", 400, []string{"duplicate object member name \"name\""}},
		"no id":            {`{"format":1,"name":"x","nodes":[{"type":"filter","version":1}],"edges":[]}`, "document.node_id", 422, []string{"nodes[0]"}},
		"an id twice":      {`{"format":1,"name":"x","nodes":[{"id":"a","type":"filter","version":1},{"id":"a","type":"sort","version":1}],"edges":[]}`, "document.node_id", 422, []string{"nodes[1]", `"node":"a"`, "two nodes", "another id"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &site{t: t, server: s.server}
			for _, a := range []answer{
				s.ask(http.MethodPost, "/api/v1/flows", wrap(test.document)),
				s.ask(http.MethodPut, flowAt(f, "/draft"), wrap(test.document), "If-Match", `"`+f.Etag+`"`),
				s.ask(http.MethodPost, "/api/v1/check", wrap(test.document)),
				s.ask(http.MethodPost, "/api/v1/preview", `{"node":"in","document":`+test.document+`}`),
			} {
				if p := a.fails(test.status, test.code, test.texts...); strings.Contains(p.Detail, "json") {
					t.Errorf("the sentence names a library: %s", p.Detail)
				}
			}
		})
	}
}

// TestBrokenImport: a file is told apart line by line.
func TestBrokenImport(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	whole := "{\n\"format\": 1,\n\"name\": \"Größe\",\n\"nodes\": [],\n\"edges\": []\n}\n"
	s.ask(http.MethodPost, "/api/v1/flows/import", whole).is(http.StatusCreated, nil)
	for name, test := range map[string]struct {
		text, code string
		status     int
		texts      []string
	}{
		"cut off":          {whole[:len(whole)-6], "document.syntax", 400, []string{"ends in the middle", "complete copy", `"line":5`}},
		"a comma too many": {strings.Replace(whole, "[],", "[,],", 1), "document.syntax", 400, []string{"not valid JSON", `"line":4`, "check the text"}},
		"two flows":        {whole + whole, "document.syntax", 400, []string{"after the end", "remove it", `"line":7`}},
		"a member twice":   {strings.Replace(whole, "\"edges\"", "\"nodes\"", 1), "document.duplicate", 422, []string{"nodes", "twice", "remove one", `"line":5`}},
		"Latin-1":          {strings.Replace(whole, "ö", "\xf6", 1), "document.encoding", 400, []string{"UTF-8"}},
		"with a mark":      {"\ufeff" + whole, "document.encoding", 400, []string{"byte order mark", "without one"}},
		"nothing":          {"", "request.body", 400, []string{"no document"}},
		"a picture":        {"\x89PNG", "document.encoding", 400, nil},
		"a table":          {"id,name\n1,a\n", "document.syntax", 400, []string{`"line":1`}},
		"other JSON":       {`{"name":"package"}`, "document.format", 422, []string{"not a flow document"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.ask(http.MethodPost, "/api/v1/flows/import", test.text, "Content-Type", "application/json")
			a.t = t
			a.fails(test.status, test.code, test.texts...)
		})
	}
	if items, _ := everyPage[api.FlowSummary](s, "/api/v1/flows?", "100"); len(items) != 1 {
		t.Errorf("%d flows were kept", len(items))
	}
}

// TestWrongFlowRequests: each says what is wrong and what to do.
func TestWrongFlowRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	etag := []string{"If-Match", `"` + f.Etag + `"`}
	good := wrap(document1("x"))
	for name, test := range map[string]struct {
		answer answer
		status int
		code   string
		texts  []string
	}{
		"no such flow":       {s.ask(http.MethodGet, noFlow, nil), 404, "flow.not_found", []string{"deleted"}},
		"an id that is none": {s.ask(http.MethodGet, "/api/v1/flows/x", nil), 404, "flow.not_found", nil},
		"save nowhere":       {s.ask(http.MethodPut, noFlow+"/draft", good, etag...), 404, "flow.not_found", nil},
		"restore nothing":    {s.ask(http.MethodPost, noFlow+"/restore", nil), 404, "flow.not_found", nil},
		"no etag":            {s.ask(http.MethodPut, flowAt(f, "/draft"), good), 428, "draft.etag_missing", []string{"If-Match"}},
		"a weak etag":        {s.ask(http.MethodPut, flowAt(f, "/draft"), good, "If-Match", `W/"x"`), 428, "draft.etag_missing", []string{"If-Match"}},
		"any etag":           {s.ask(http.MethodPut, flowAt(f, "/draft"), good, "If-Match", "*"), 428, "draft.etag_missing", []string{"If-Match"}},
		"no JSON":            {s.ask(http.MethodPost, "/api/v1/flows", `{"document":`), 400, "request.body", []string{"openapi.json"}},
		"no document":        {s.ask(http.MethodPost, "/api/v1/flows", `{}`), 400, "request.body", []string{"document"}},
		"something else":     {s.ask(http.MethodPost, "/api/v1/flows", `{"documents":{}}`), 400, "request.body", []string{"documents"}},
		"another type":       {s.ask(http.MethodPost, "/api/v1/flows", good, "Content-Type", "text/plain"), 415, "request.media_type", []string{"application/json"}},
		"no type":            {s.ask(http.MethodPost, "/api/v1/flows", good, "Content-Type", ""), 415, "request.media_type", []string{"application/json"}},
		"too much":           {s.ask(http.MethodPost, "/api/v1/flows", `{"document":"`+strings.Repeat("x", maxJSON)+`"}`), 413, "request.too_large", []string{"16777216"}},
		"another method":     {s.ask(http.MethodPatch, flowAt(f, ""), nil), 405, "request.method", []string{"openapi.json"}},
		"no such revision":   {s.ask(http.MethodGet, flowAt(f, "/revisions/7"), nil), 404, "revision.not_found", nil},
		"no revision":        {s.ask(http.MethodGet, flowAt(f, "/revisions/x"), nil), 404, "address.not_found", nil},
	} {
		t.Run(name, func(t *testing.T) {
			test.answer.t = t
			test.answer.fails(test.status, test.code, test.texts...)
		})
	}
	var now api.Flow
	if s.ask(http.MethodGet, flowAt(f, ""), nil).is(http.StatusOK, &now); now.Etag != f.Etag {
		t.Error("one of them changed the flow")
	}
}

// TestPublishedFlow: a revision is what was published, whatever became of the draft.
func TestPublishedFlow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	for range 2 { // what has not changed is the same revision
		var r api.Revision
		if s.ask(http.MethodPost, flowAt(f, "/publish"), nil).is(http.StatusOK, &r); r.Number != 1 {
			t.Errorf("%+v", r)
		}
	}
	changed := strings.Replace(document1("Orders"), `"records":10`, `"records":20`, 1)
	s.ask(http.MethodPut, flowAt(f, "/draft"), wrap(changed), "If-Match", `"`+f.Etag+`"`).is(http.StatusOK, nil)
	var r api.Revision
	if s.ask(http.MethodGet, flowAt(f, "/revisions/1"), nil).is(http.StatusOK, &r); !sameFlow(t, r.Document, []byte(document1("Orders"))) {
		t.Errorf("%s", r.Document)
	}
	var now api.Flow
	if s.ask(http.MethodGet, flowAt(f, ""), nil).is(http.StatusOK, &now); now.Published != 1 {
		t.Errorf("%+v", now)
	}
	if s.ask(http.MethodPost, flowAt(f, "/publish"), nil).is(http.StatusOK, &r); r.Number != 2 {
		t.Errorf("%+v", r)
	}
}

func TestSampleFlow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var f api.Flow
	if s.ask(http.MethodPost, "/api/v1/flows/sample", nil).is(http.StatusCreated, &f); f.Name != "Sample" {
		t.Errorf("%+v", f)
	}
}
