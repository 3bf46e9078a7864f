package server

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"spark/flows"
	"spark/server/api"
)

func (s *Server) listFlows(c *call) error {
	page, err := s.flowPage(c)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, page)
}

// flowPage is a page of flows with their last runs.
func (s *Server) flowPage(c *call) (page api.Page[api.FlowSummary], err error) {
	o, err := c.page()
	if err != nil {
		return page, err
	}
	drafts, err := s.Flows.List(c.Request().Context(), c.scope, o)
	if err != nil {
		return page, err
	}
	page.Next = drafts.Next
	ids := make([]string, 0, len(drafts.Items))
	for _, d := range drafts.Items {
		ids = append(ids, d.FlowID)
	}
	last, err := s.LastRuns.LastRuns(c.Request().Context(), c.scope, ids)
	if err != nil {
		return page, err
	}
	for _, d := range drafts.Items {
		summary := summaryOf(d)
		if r, ok := last[d.FlowID]; ok {
			summary.LastRun = &r
		}
		page.Items = append(page.Items, summary)
	}
	return page, nil
}

func summaryOf(d flows.Draft) api.FlowSummary {
	return api.FlowSummary{ID: d.FlowID, Name: d.Name, Etag: d.Etag, UpdatedAt: d.UpdatedAt, UpdatedBy: d.UpdatedBy, Published: d.Published}
}

// answerFlow sends a flow with its document.
func (s *Server) answerFlow(c *call, status int, d flows.Draft) error {
	last, err := s.LastRuns.LastRuns(c.Request().Context(), c.scope, []string{d.FlowID})
	if err != nil {
		return err
	}
	f := api.Flow{FlowSummary: summaryOf(d), Document: d.Document}
	if r, ok := last[d.FlowID]; ok {
		f.LastRun = &r
	}
	c.Response().Header().Set("ETag", strconv.Quote(d.Etag))
	return c.answer(status, f)
}

func (s *Server) createFlow(c *call) error {
	var body api.Document
	if err := c.body(&body); err != nil {
		return err
	}
	doc, err := document(body.Document)
	if err != nil {
		return err
	}
	return s.create(c, doc)
}

// importFlow takes the text of an exported file as it is: what is wrong with it is told with its line, and nothing of it
// goes through a parser that would lose something.
func (s *Server) importFlow(c *call) error {
	b, err := c.json()
	if err != nil {
		return err
	}
	doc, err := document(b)
	if err != nil {
		return err
	}
	return s.create(c, doc)
}

func (s *Server) create(c *call, doc *flows.Flow) error {
	d, err := s.Flows.Create(c.Request().Context(), c.scope, doc)
	if err != nil {
		return err
	}
	return s.answerFlow(c, http.StatusCreated, d)
}

func (s *Server) createSample(c *call) error {
	doc, err := flows.ParseFlow(s.Sample)
	if err != nil {
		return err
	}
	return s.create(c, doc)
}

func (s *Server) getFlow(c *call) error {
	d, err := s.Flows.Get(c.Request().Context(), c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	return s.answerFlow(c, http.StatusOK, d)
}

func (s *Server) saveDraft(c *call) error {
	etag, err := strconv.Unquote(c.Request().Header.Get("If-Match"))
	if err != nil {
		return &flows.Error{Code: "draft.etag_missing", Message: "the request does not say which draft it changes", Suggestion: `send the draft's etag in quotes in the header If-Match`}
	}
	var body api.Document
	if err := c.body(&body); err != nil {
		return err
	}
	doc, err := document(body.Document)
	if err != nil {
		return err
	}
	d, err := s.Flows.SaveDraft(c.Request().Context(), c.scope, c.Param("id"), etag, doc)
	if err != nil {
		return err
	}
	c.Response().Header().Set("ETag", strconv.Quote(d.Etag))
	return c.answer(http.StatusOK, api.Saved{Etag: d.Etag, UpdatedAt: d.UpdatedAt, UpdatedBy: d.UpdatedBy})
}

func (s *Server) deleteFlow(c *call) error {
	if err := s.Flows.Delete(c.Request().Context(), c.scope, c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) restoreFlow(c *call) error {
	d, err := s.Flows.Restore(c.Request().Context(), c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	return s.answerFlow(c, http.StatusOK, d)
}

func (s *Server) duplicateFlow(c *call) error {
	d, err := s.Flows.Get(c.Request().Context(), c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	doc, err := flows.ParseFlow(d.Document)
	if err != nil {
		return err
	}
	doc.Name = strings.TrimSpace(doc.Name + " (copy)")
	return s.create(c, doc)
}

// exportFlow sends the document as a file: canonical, as it would be imported again.
func (s *Server) exportFlow(c *call) error {
	d, err := s.Flows.Get(c.Request().Context(), c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", attachment(d.Name+".flow.json"))
	return c.Blob(http.StatusOK, "application/json", d.Document)
}

// attachment names a download. Browsers drop what no file name may have; line breaks never reach the header.
func attachment(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	if h := mime.FormatMediaType("attachment", map[string]string{"filename": clean}); h != "" {
		return h
	}
	return "attachment"
}

func (s *Server) publishFlow(c *call) error {
	r, err := s.Flows.Publish(c.Request().Context(), c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, revision(r))
}

func revision(r flows.Revision) api.Revision {
	return api.Revision{Flow: r.FlowID, Number: r.Number, Hash: r.Hash, CreatedAt: r.CreatedAt, CreatedBy: r.CreatedBy, Document: r.Document}
}

func (s *Server) getRevision(c *call) error {
	n, err := strconv.ParseUint(c.Param("number"), 10, 31)
	if err != nil {
		return notFound()
	}
	r, err := s.Flows.Revision(c.Request().Context(), c.scope, c.Param("id"), int(n))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, revision(r))
}
