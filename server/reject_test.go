package server

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"spark/flows"
	"spark/server/api"
)

// refused works a run that refuses these records and commits.
func (s *site) refused(f api.Flow, rejects ...flows.Reject) flows.Run {
	s.t.Helper()
	s.executor.rejects = rejects
	r := s.start(f)
	s.work(r)
	s.executor.rejects = nil
	return s.read(r)
}

func (s *site) count() int64 {
	s.t.Helper()
	var n api.RejectCount
	s.ask(http.MethodGet, "/api/v1/rejects/count", nil).is(http.StatusOK, &n)
	return n.Count
}

func refusedRecord(n int, field, raw string) flows.Reject {
	return flows.Reject{Node: "in", Code: "csv.type", Reason: fmt.Sprintf("%q is no number", raw), Field: field, File: "a.csv", Line: int64(n + 1), Record: int64(n), Raw: raw}
}

// TestInbox: what a run has refused is open once it has committed: in groups, in pages, in files, until it is discarded.
func TestInbox(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	long := strings.Repeat("é", maxShown)
	r := s.refused(f, refusedRecord(1, "amount", "=cmd()"), refusedRecord(2, "amount", "<b>\x00"), refusedRecord(3, "", long))
	for _, limit := range []string{"1", "2", "100"} {
		groups, _ := everyPage[flows.RejectGroup](s, "/api/v1/rejects/groups?", limit)
		if len(groups) != 2 || groups[0].Field != "" || groups[0].Count != 1 || groups[1].Count != 2 || groups[1].FlowName != "Orders" {
			t.Errorf("groups in pages of %s: %+v", limit, groups)
		}
		items, _ := everyPage[flows.StoredReject](s, "/api/v1/rejects?", limit)
		if len(items) != 3 || items[2].Raw != "=cmd()" || items[2].Run != r.ID || items[2].Revision != 1 || len(items[0].Raw) > maxShown+10 {
			t.Errorf("in pages of %s: %d", limit, len(items))
		}
	}
	if items, _ := everyPage[flows.StoredReject](s, "/api/v1/rejects?field=&", "5"); len(items) != 1 || items[0].Record != 3 {
		t.Errorf("without a field: %+v", items)
	}
	if items, _ := everyPage[flows.StoredReject](s, "/api/v1/rejects?text=CMD&node=in&flow="+f.ID+"&", "5"); len(items) != 1 {
		t.Errorf("by text: %+v", items)
	}
	a := s.ask(http.MethodGet, "/api/v1/rejects/download?format=csv&field=amount", nil).is(http.StatusOK, nil)
	rows, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
	if err != nil || len(rows) != 3 || rows[2][12] != "'=cmd()" || a.header.Get("Content-Disposition") != "attachment; filename=rejects.csv" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v %q %v", err, rows, a.header)
	}
	a = s.ask(http.MethodGet, "/api/v1/rejects/download", nil).is(http.StatusOK, nil)
	lines := strings.Split(strings.TrimSpace(string(a.body)), "\n")
	var whole flows.StoredReject
	if len(lines) != 3 || json.Unmarshal([]byte(lines[0]), &whole) != nil || whole.Raw != long || a.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%d lines, %d bytes of the first record", len(lines), len(whole.Raw))
	}
	var n api.RejectCount
	s.ask(http.MethodPost, "/api/v1/rejects/discard", `{"ids":["`+whole.ID+`"],"comment":"known"}`).is(http.StatusOK, &n)
	if n.Count != 1 || s.count() != 2 {
		t.Errorf("discarded %d, %d are open", n.Count, s.count())
	}
	if items, _ := everyPage[flows.StoredReject](s, "/api/v1/rejects?state=discarded&", "5"); len(items) != 1 || items[0].Comment != "known" || items[0].ResolvedBy == "" {
		t.Errorf("discarded: %+v", items)
	}
	if page := s.ask(http.MethodGet, "/rejects", nil).is(http.StatusOK, nil); !strings.Contains(string(page.body), "2 are open") {
		t.Error("the navigation does not say how many are open")
	}
}

// TestWrongRejectRequests: what cannot be done is refused with what is wrong and what to do.
func TestWrongRejectRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	s.refused(f, refusedRecord(1, "amount", "x"), flows.Reject{Node: "out", Code: "c", Reason: "r", Raw: "{}"})
	for _, w := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{http.MethodGet, "/api/v1/rejects?state=lost", "", 400, "request.query"},
		{http.MethodGet, "/api/v1/rejects?cursor=x", "", 400, "cursor.invalid"},
		{http.MethodGet, "/api/v1/rejects/groups?cursor=x", "", 400, "cursor.invalid"},
		{http.MethodGet, "/api/v1/rejects/download?format=xlsx", "", 400, "request.query"},
		{http.MethodGet, "/api/v1/rejects/download?id=x", "", 404, "reject.not_found"},
		{http.MethodPost, "/api/v1/rejects/discard", `{"comment":"x"}`, 400, "request.body"},
		{http.MethodPost, "/api/v1/rejects/discard", `{"flow":"` + f.ID + `","comment":" "}`, 422, "reject.comment"},
		{http.MethodPost, "/api/v1/rejects/discard", `{"ids":["x"],"comment":"x"}`, 404, "reject.not_found"},
		{http.MethodPost, "/api/v1/rejects/discard", `{"ids":["x"],"coment":"x"}`, 400, "request.body"},
		{http.MethodPost, "/api/v1/rejects/replay", `{}`, 400, "request.body"},
		{http.MethodPost, "/api/v1/rejects/replay", `{"flow":"` + f.ID + `"}`, 422, "replay.several"},
		{http.MethodPost, "/api/v1/rejects/replay/dry", `{"flow":"` + f.ID + `","node":"in","revision":9}`, 404, "revision.not_found"},
		{http.MethodPost, "/api/v1/rejects/replay/dry", `{"flow":"` + f.ID + `","node":"nobody"}`, 422, "reject.none"},
		{http.MethodPost, "/api/v1/rejects/replay/dry", `{"flow":"` + f.ID + `","node":"in","revision":-1}`, 400, "request.body"},
	} {
		var body any
		if w.body != "" {
			body = w.body
		}
		s.ask(w.method, w.path, body).fails(w.status, w.code)
	}
	if s.count() != 2 {
		t.Errorf("%d are open", s.count())
	}
}

// TestRejectsOfFailedRuns: nothing of a run that failed was delivered, so nobody has to mend single records of it.
func TestRejectsOfFailedRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	f := s.createFlow(document1("Orders"))
	s.executor.err = &flows.Error{Code: "x", Message: "broken"}
	r := s.refused(f, refusedRecord(1, "amount", "x"))
	if r.State != flows.RunFailed || s.count() != 0 {
		t.Errorf("%s, %d open", r.State, s.count())
	}
	if items, _ := everyPage[flows.Reject](s, runAt(r, "/rejects?"), "5"); len(items) != 1 {
		t.Errorf("at the run: %+v", items)
	}
	if items, _ := everyPage[flows.StoredReject](s, "/api/v1/rejects?state=held&run="+r.ID+"&", "5"); len(items) != 1 {
		t.Errorf("held: %+v", items)
	}
}
