package server

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"spark/flows"
	"spark/flows/run"
	"spark/server/api"
)

// Rejects is the inbox of refused records.
type Rejects interface {
	Groups(ctx context.Context, scope flows.Scope, f flows.InboxFilter) (flows.Page[flows.RejectGroup], error)
	List(ctx context.Context, scope flows.Scope, f flows.InboxFilter) (flows.Page[flows.StoredReject], error)
	Select(ctx context.Context, scope flows.Scope, s flows.Selection) ([]flows.StoredReject, error)
	Count(ctx context.Context, scope flows.Scope) (int64, error)
	Discard(ctx context.Context, scope flows.Scope, s flows.Selection, comment string) (int64, error)
	Reopen(ctx context.Context, scope flows.Scope, s flows.Selection, comment string) (int64, error)
}

// Replays lets rejects go through a flow again.
type Replays interface {
	DryReplay(ctx context.Context, cmd run.ReplayCommand) (flows.ReplayReport, error)
	StartReplay(ctx context.Context, cmd run.ReplayCommand) (r flows.Run, created bool, err error)
}

func (s *Server) rejectRoutes() []route {
	filter := []string{"flow", "node", "code", "field", "run", "text", "state"}
	paging := append([]string{"cursor", "limit"}, filter...)
	return []route{
		{method: get, path: "/api/v1/rejects", action: RejectRead, handle: s.listRejects, summary: "Refused records, last ones first; open ones unless a state is given", out: of[api.Page[flows.StoredReject]](), query: paging},
		{method: get, path: "/api/v1/rejects/groups", action: RejectRead, handle: s.rejectGroups, summary: "Refused records counted by flow, node, code and field", out: of[api.Page[flows.RejectGroup]](), query: paging},
		{method: get, path: "/api/v1/rejects/count", action: RejectRead, handle: s.countRejects, summary: "How many are open", out: of[api.RejectCount]()},
		{method: get, path: "/api/v1/rejects/download", action: RejectRead, handle: s.downloadRejects, summary: "Refused records as a file: ndjson, exact, or csv", query: append([]string{"format", "id"}, filter...)},
		{method: post, path: "/api/v1/rejects/discard", action: RejectEdit, handle: s.discardRejects, summary: "End open rejects with a comment", in: of[api.DiscardRejects](), out: of[api.RejectCount]()},
		{method: post, path: "/api/v1/rejects/reopen", action: RejectEdit, handle: s.reopenRejects, summary: "Open rejects again of a replay that ended without telling whether it committed them, with a comment", in: of[api.DiscardRejects](), out: of[api.RejectCount]()},
		{method: post, path: "/api/v1/rejects/replay/dry", action: RejectReplay, handle: s.dryReplay, summary: "Find out which rejects would be refused again; nothing is written", in: of[api.ReplayRejects](), out: of[flows.ReplayReport]()},
		{method: post, path: "/api/v1/rejects/replay", action: RejectReplay, handle: s.startReplay, summary: "Start a run of rejects of one node", in: of[api.ReplayRejects](), out: of[flows.Run](), status: 201, headers: []string{"Idempotency-Key"}},
	}
}

var rejectStates = []flows.RejectState{flows.RejectHeld, flows.RejectOpen, flows.RejectReplaying, flows.RejectReplayed, flows.RejectDiscarded}

// inboxFilter reads which rejects are asked for.
func inboxFilter(c *call) (f flows.InboxFilter, err error) {
	o, err := c.page()
	if err != nil {
		return f, err
	}
	f = flows.InboxFilter{FlowID: c.QueryParam("flow"), Node: c.QueryParam("node"), Code: c.QueryParam("code"), Run: c.QueryParam("run"), Text: c.QueryParam("text"),
		State: flows.RejectState(c.QueryParam("state")), Cursor: o.Cursor, Limit: o.Limit}
	if c.QueryParams().Has("field") {
		field := c.QueryParam("field")
		f.Field = &field
	}
	return f, checkState(f.State)
}

func checkState(state flows.RejectState) error {
	for _, s := range rejectStates {
		if state == s || state == "" {
			return nil
		}
	}
	return &flows.Error{Code: "request.query", Message: "there is no such state of rejects", Suggestion: "ask for held, open, replaying, replayed or discarded"}
}

func selection(s api.RejectSelection) (flows.Selection, error) {
	f := flows.InboxFilter{FlowID: s.Flow, Node: s.Node, Code: s.Code, Field: s.Field, Run: s.Run, Text: s.Text, State: s.State}
	if err := checkState(f.State); err != nil {
		return flows.Selection{}, err
	}
	if len(s.IDs) == 0 && s.Flow == "" && s.Run == "" {
		return flows.Selection{}, &flows.Error{Code: "request.body", Message: "no reject is chosen", Suggestion: "name rejects by ids, or choose those of a flow or run"}
	}
	return flows.Selection{IDs: s.IDs, Filter: f}, nil
}

func (s *Server) listRejects(c *call) error {
	f, err := inboxFilter(c)
	if err != nil {
		return err
	}
	page, err := s.Rejects.List(c.Request().Context(), c.scope, f)
	if err != nil {
		return err
	}
	for i := range page.Items {
		brief(&page.Items[i])
	}
	return c.answer(http.StatusOK, list(page))
}

// maxShown is how much of a record a list shows, in bytes; the download has all of it.
const maxShown = 8 << 10

// brief cuts a long record off.
func brief(r *flows.StoredReject) {
	if len(r.Raw) > maxShown {
		r.Raw = strings.ToValidUTF8(r.Raw[:maxShown], "") + "…"
	}
	if len(r.RawBytes) > maxShown {
		r.RawBytes = r.RawBytes[:maxShown]
	}
}

func (s *Server) rejectGroups(c *call) error {
	f, err := inboxFilter(c)
	if err != nil {
		return err
	}
	page, err := s.Rejects.Groups(c.Request().Context(), c.scope, f)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, list(page))
}

func (s *Server) countRejects(c *call) error {
	n, err := s.Rejects.Count(c.Request().Context(), c.scope)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.RejectCount{Count: n})
}

func (s *Server) discardRejects(c *call) error { return s.decide(c, s.Rejects.Discard) }

func (s *Server) reopenRejects(c *call) error { return s.decide(c, s.Rejects.Reopen) }

func (s *Server) decide(c *call, what func(ctx context.Context, scope flows.Scope, s flows.Selection, comment string) (int64, error)) error {
	var body api.DiscardRejects
	if err := c.body(&body); err != nil {
		return err
	}
	chosen, err := selection(body.RejectSelection)
	if err != nil {
		return err
	}
	n, err := what(c.Request().Context(), c.scope, chosen, body.Comment)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.RejectCount{Count: n})
}

func (s *Server) replayCommand(c *call) (cmd run.ReplayCommand, err error) {
	var body api.ReplayRejects
	if err := c.body(&body); err != nil {
		return cmd, err
	}
	cmd = run.ReplayCommand{Scope: c.scope, Revision: body.Revision, Draft: body.Draft, Key: c.Request().Header.Get("Idempotency-Key")}
	if len(cmd.Key) > maxKey || body.Revision < 0 {
		return cmd, &flows.Error{Code: "request.body", Message: "the idempotency key is too long, or the revision is no revision", Suggestion: "use a key of up to 200 characters and a revision from 1"}
	}
	cmd.Selection, err = selection(body.RejectSelection)
	return cmd, err
}

func (s *Server) dryReplay(c *call) error {
	cmd, err := s.replayCommand(c)
	if err != nil {
		return err
	}
	report, err := s.Replays.DryReplay(c.Request().Context(), cmd)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, report)
}

func (s *Server) startReplay(c *call) error {
	cmd, err := s.replayCommand(c)
	if err != nil {
		return err
	}
	r, created, err := s.Replays.StartReplay(c.Request().Context(), cmd)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", "/api/v1/runs/"+r.ID)
	if !created {
		return c.answer(http.StatusOK, r)
	}
	return c.answer(http.StatusCreated, r)
}

// downloadRejects sends whole records as a file, page by page.
func (s *Server) downloadRejects(c *call) error {
	f, err := inboxFilter(c)
	if err != nil {
		return err
	}
	format := c.QueryParam("format")
	kinds := map[string]string{"": "application/x-ndjson", "ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
	kind, known := kinds[format]
	if !known {
		return &flows.Error{Code: "request.query", Params: flows.Params{"parameter": "format"}, Message: "rejects cannot be had in that format", Suggestion: "ask for ndjson or csv"}
	}
	if format == "" {
		format = "ndjson"
	}
	next := s.pagesOf(c, f)
	page, err := next()
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Type", kind)
	c.Response().Header().Set("Content-Disposition", attachment("rejects."+format))
	c.Response().WriteHeader(http.StatusOK)
	out := newDownload(format, c.Response())
	for ; len(page) > 0; page, err = next() {
		if err := out(page); err != nil {
			return fmt.Errorf("download: %w", err)
		}
	}
	return err
}

// pagesOf reads the rejects that are asked for, until a page is empty.
func (s *Server) pagesOf(c *call, f flows.InboxFilter) func() ([]flows.StoredReject, error) {
	ended := false
	f.Limit = 200
	ids := c.QueryParams()["id"]
	return func() ([]flows.StoredReject, error) {
		if ended {
			return nil, nil
		}
		if len(ids) > 0 {
			ended = true
			return s.Rejects.Select(c.Request().Context(), c.scope, flows.Selection{IDs: ids})
		}
		page, err := s.Rejects.List(c.Request().Context(), c.scope, f)
		f.Cursor, ended = page.Next, page.Next == ""
		return page.Items, err
	}
}

func newDownload(format string, w io.Writer) func([]flows.StoredReject) error {
	if format == "ndjson" {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return func(page []flows.StoredReject) error {
			for _, r := range page {
				if err := enc.Encode(r); err != nil {
					return err
				}
			}
			return nil
		}
	}
	out := csv.NewWriter(w)
	header := []string{"id", "flow", "revision", "run", "at", "node", "code", "reason", "field", "file", "line", "record", "raw"}
	return func(page []flows.StoredReject) error {
		if header != nil {
			if err := out.Write(header); err != nil {
				return err
			}
			header = nil
		}
		for _, r := range page {
			raw := r.Raw
			if len(r.RawBytes) > 0 {
				raw = strings.ToValidUTF8(string(r.RawBytes), "\uFFFD")
			}
			row := []string{r.ID, r.FlowName, strconv.Itoa(r.Revision), r.Run, r.At.Format("2006-01-02T15:04:05.000Z"), r.Node, r.Code, r.Reason, r.Field, r.File,
				strconv.FormatInt(r.Line, 10), strconv.FormatInt(r.Record, 10), raw}
			for i := range row {
				row[i] = unformulated(row[i])
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	}
}

// unformulated keeps a spreadsheet from taking a text for a formula. Who needs every byte takes the other format.
func unformulated(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
