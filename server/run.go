package server

import (
	"net/http"
	"slices"

	"spark/flows"
	"spark/flows/run"
	"spark/server/api"
)

// maxKey is the length of an idempotency key.
const maxKey = 200

func (s *Server) startRun(c *call) error {
	var body api.StartRun
	if err := c.body(&body); err != nil {
		return err
	}
	key := c.Request().Header.Get("Idempotency-Key")
	if len(key) > maxKey || body.Revision < 0 {
		return &flows.Error{Code: "request.body", Message: "the idempotency key is too long, or the revision is no revision", Suggestion: "use a key of up to 200 characters and a revision from 1"}
	}
	trigger := flows.TriggerManual
	if body.Sample {
		trigger = flows.TriggerSample
		if body.Until != "" || body.Revision > 0 {
			return &flows.Error{Code: "request.body", Message: "a run on the sample is one of the whole draft", Suggestion: "leave out until and revision; the preview of a node shows what comes to it"}
		}
	}
	r, created, err := s.Runs.Start(c.Request().Context(), run.Command{Scope: c.scope, FlowID: body.Flow, Revision: body.Revision, Until: body.Until,
		Trigger: trigger, Environment: body.Environment, Parameters: body.Parameters, Key: key})
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", "/api/v1/runs/"+r.ID)
	if !created {
		return c.answer(http.StatusOK, r)
	}
	return c.answer(http.StatusCreated, r)
}

// runFilter reads which runs are asked for.
func runFilter(c *call) (f flows.RunFilter, err error) {
	o, err := c.page()
	if err != nil {
		return f, err
	}
	f = flows.RunFilter{FlowID: c.QueryParam("flow"), State: flows.RunState(c.QueryParam("state")), Samples: c.QueryParam("samples") == "true", Cursor: o.Cursor, Limit: o.Limit}
	states := []flows.RunState{"", flows.RunQueued, flows.RunRunning, flows.RunSucceeded, flows.RunFailed, flows.RunCancelled}
	if !slices.Contains(states, f.State) {
		return f, &flows.Error{Code: "request.query", Message: "there is no such state of runs", Suggestion: "ask for queued, running, succeeded, failed or cancelled"}
	}
	return f, nil
}

func (s *Server) listRuns(c *call) error {
	f, err := runFilter(c)
	if err != nil {
		return err
	}
	page, err := s.Runs.List(c.Request().Context(), c.scope, f)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, list(page))
}

func (s *Server) getRun(c *call) error {
	r, err := s.Runs.Get(c.Request().Context(), c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, r)
}

func (s *Server) cancelRun(c *call) error {
	r, err := s.Runs.Cancel(c.Request().Context(), c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, r)
}

func (s *Server) runSamples(c *call) error {
	samples, err := s.Runs.Samples(c.Request().Context(), c.scope, c.Param("id"), c.QueryParam("node"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.Page[flows.Sample]{Items: samples})
}

func (s *Server) runRejects(c *call) error {
	o, err := c.page()
	if err != nil {
		return err
	}
	page, err := s.Runs.Rejects(c.Request().Context(), c.scope, c.Param("id"), flows.RejectFilter{Node: c.QueryParam("node"), Cursor: o.Cursor, Limit: o.Limit})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, list(page))
}

func (s *Server) runLog(c *call) error {
	o, err := c.page()
	if err != nil {
		return err
	}
	page, err := s.Runs.Log(c.Request().Context(), c.scope, c.Param("id"), o)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, list(page))
}
