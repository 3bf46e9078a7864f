package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"spark/flows"
	"spark/server/api"
)

// fails makes a request that must be refused, with a whole problem document in which every text stands.
func (s *serving) fails(method, path string, body any, status int, texts ...string) {
	s.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.Base+path, bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var p api.Problem
	if err := json.Unmarshal(text, &p); err != nil || res.StatusCode != status || res.Header.Get("Content-Type") != "application/problem+json" ||
		p.Status != status || p.Title == "" || p.Type == "" || p.Detail == "" || p.Suggestion == "" {
		s.t.Errorf("%s %s: %s %s, %v", method, path, res.Status, text, err)
	}
	for _, want := range texts {
		if !strings.Contains(string(text), want) {
			s.t.Errorf("%s %s: %q is not in %s", method, path, want, text)
		}
	}
}

func (s *serving) preview(doc, node string) (v flows.Preview) {
	s.t.Helper()
	s.ask(http.MethodPost, "/api/v1/preview", map[string]any{"document": json.RawMessage(doc), "node": node}, &v)
	return v
}

// TestPreviewOverHTTP: records come as they are, and what is wrong is said on the node that is wrong.
func TestPreviewOverHTTP(t *testing.T) {
	t.Parallel()
	s := setup(t).serve()
	s.write("spark/files/in.csv", "id,name\n1,<b>\nx,bad\n3,c\n")
	filter := func(condition string) string {
		return chain(input("in.csv", idName...).policy("reject"), step("some", "filter", `{"condition":`+condition+`}`), output("out.csv"))
	}
	v := s.preview(filter(`"id > 1"`), "some")
	if len(v.Problems) > 0 || len(v.Outputs) == 0 || rows(v.Outputs[0]) != "3|c\n" {
		t.Errorf("%+v", v)
	}
	if v = s.preview(filter(`"id > 1"`), "in"); len(v.Rejects) != 1 || v.Rejects[0].Line != 3 || !strings.Contains(v.Rejects[0].Reason, `"x"`) {
		t.Errorf("%+v", v)
	}
	for name, test := range map[string]struct{ doc, looked, node, text string }{
		"a field that is not there": {filter(`"idd > 1"`), "some", "some", "idd"},
		"half a condition":          {filter(`"id >"`), "some", "some", "the end of the expression"},
		"broken above":              {filter(`"idd > 1"`), "out", "some", "idd"},
		"the file vanished":         {chain(input("gone.csv", idName...), output("out.csv")), "in", "in", "gone.csv"},
		"outside of the folders":    {chain(input("/etc/passwd", idName...).with("format", "csv"), output("out.csv")), "in", "in", "/etc/passwd"},
		"another header":            {chain(input("in.csv", "id:int64", "title:text"), output("out.csv")), "in", "in", "title"},
	} {
		t.Run(name, func(t *testing.T) {
			v := s.preview(test.doc, test.looked)
			if !v.Problems.Failed() {
				t.Fatalf("%+v", v)
			}
			if p := v.Problems[0]; p.Path.Node != test.node || p.Suggestion == "" && p.Path.Offset == 0 || !strings.Contains(p.Message+p.Path.File, test.text) {
				t.Errorf("%+v", p)
			}
		})
	}
	s.fails(http.MethodPost, "/api/v1/preview", map[string]any{"document": json.RawMessage(filter(`"id > 1"`)), "node": "some", "limit": 1_000_000}, http.StatusUnprocessableEntity, "preview.limit", "ask for")
	var p flows.Preview
	s.ask(http.MethodPost, "/api/v1/preview", map[string]any{"document": json.RawMessage(filter(`"id > 1"`)), "node": "nowhere"}, &p)
	if !p.Problems.Failed() || !strings.Contains(p.Problems[0].Message, "nowhere") {
		t.Errorf("%+v", p)
	}
}

// TestInspectOverHTTP: what a file is like is proposed, and what it cannot be is said.
func TestInspectOverHTTP(t *testing.T) {
	t.Parallel()
	s := setup(t).serve()
	s.write("spark/files/in.csv", "id;day\n1;2024-02-29\n2;2024-03-01\n")
	s.write("spark/files/empty.csv", "")
	s.write("spark/files/book.csv", "PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00")
	s.write("spark/files/picture.parquet", "\x89PNG\r\n\x1a\n\x00\x00\x00")
	var p api.Proposal
	s.ask(http.MethodPost, "/api/v1/inspect", map[string]any{"path": "in.csv"}, &p)
	if p.Format != "csv" || !strings.Contains(string(p.Options), `";"`) || len(p.Fields) != 2 || p.Fields[0].Type.String() != "int64" || p.Fields[1].Type.String() != "date" {
		t.Errorf("%+v", p)
	}
	s.fails(http.MethodPost, "/api/v1/inspect", map[string]any{"path": "gone.csv"}, http.StatusNotFound, "file.not_found", "gone.csv")
	s.fails(http.MethodPost, "/api/v1/inspect", map[string]any{"path": "../spark.db"}, http.StatusForbidden, "file.outside")
	s.fails(http.MethodPost, "/api/v1/inspect", map[string]any{"path": "/etc/passwd"}, http.StatusForbidden, "file.outside")
	s.fails(http.MethodPost, "/api/v1/inspect", map[string]any{"path": "empty.csv"}, http.StatusUnprocessableEntity, "empty.csv")
	s.fails(http.MethodPost, "/api/v1/inspect", map[string]any{"path": "book.csv"}, http.StatusUnprocessableEntity, "file.kind", "Excel", "save the sheet as CSV")
	s.fails(http.MethodPost, "/api/v1/inspect", map[string]any{"path": "picture.parquet"}, http.StatusUnprocessableEntity, "picture.parquet")
}

// TestCheckOverHTTP: a document as it is drawn is answered with the fields at every port, and with what is missing.
func TestCheckOverHTTP(t *testing.T) {
	t.Parallel()
	s := setup(t).serve()
	s.write("spark/files/in.csv", "id,name\n1,a\n")
	var c flows.Check
	good := chain(input("in.csv", idName...), step("more", "formula", `{"fields":[{"name":"twice","expression":"id * 2"}]}`), output("out.csv"))
	s.ask(http.MethodPost, "/api/v1/check", map[string]any{"document": json.RawMessage(good)}, &c)
	found := false
	for _, p := range c.Ports {
		found = found || p.Node == "more" && len(p.Schema) == 3 && p.Schema[2].Name == "twice"
	}
	if len(c.Problems) > 0 || !found {
		t.Errorf("%+v", c)
	}
	bad := chain(input("in.csv", idName...), step("more", "formula", `{"fields":[{"name":"twice","expression":"nmae * 2"}]}`), output("out.csv"))
	c = flows.Check{}
	s.ask(http.MethodPost, "/api/v1/check", map[string]any{"document": json.RawMessage(bad)}, &c)
	if !c.Problems.Failed() || c.Problems[0].Path.Node != "more" || !strings.Contains(c.Problems[0].Suggestion, "name") {
		t.Errorf("%+v", c.Problems)
	}
	var flow struct{ ID string }
	s.ask(http.MethodPost, "/api/v1/flows", map[string]any{"document": json.RawMessage(bad)}, &flow)
	s.fails(http.MethodPost, "/api/v1/runs", map[string]any{"flow": flow.ID}, http.StatusUnprocessableEntity, `"node":"more"`, "nmae", "name")
}

// TestFileVanishedBeforeRun: the run says which file is missing, on the node that reads it.
func TestFileVanishedBeforeRun(t *testing.T) {
	t.Parallel()
	s := setup(t).serve()
	r := s.begin(chain(input("gone.csv", idName...), output("out.csv")))
	r = s.until("the run is over", r.ID, runTime, over)
	if r.State != flows.RunFailed || r.Error == nil || r.Error.Path.Node != "in" || r.Error.Path.File != "gone.csv" || r.Error.Suggestion == "" || s.exists("spark/files/out.csv") {
		t.Errorf("%+v, %+v", r, r.Error)
	}
}
