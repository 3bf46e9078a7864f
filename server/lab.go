package server

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"spark/flows"
	"spark/flows/node"
	"spark/server/api"
)

func (s *Server) check(c *call) error {
	var body api.CheckRequest
	if err := c.body(&body); err != nil {
		return err
	}
	doc, err := document(body.Document)
	if err != nil {
		return err
	}
	answer, err := s.Lab.Check(c.Request().Context(), c.scope, doc, body.Environment, body.Parameters)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, answer)
}

func (s *Server) preview(c *call) error {
	req, err := previewRequest(c)
	if err != nil {
		return err
	}
	answer, err := s.Lab.Preview(c.Request().Context(), c.scope, req)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, answer)
}

func previewRequest(c *call) (req flows.PreviewRequest, err error) {
	var body api.PreviewRequest
	if err := c.body(&body); err != nil {
		return req, err
	}
	doc, err := document(body.Document)
	return flows.PreviewRequest{Document: doc, Node: body.Node, Environment: body.Environment, Parameters: body.Parameters, Limit: body.Limit, Fresh: body.Fresh, Flow: body.Flow, Samples: body.Samples}, err
}

func (s *Server) inspect(c *call) error {
	var body api.InspectRequest
	if err := c.body(&body); err != nil {
		return err
	}
	p, err := s.Lab.Inspect(c.Request().Context(), c.scope, body.Path)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, proposal(p))
}

// unchanged answers what changes only with the program: a browser that has it is told so.
func (s *Server) unchanged(c *call, media string, b []byte) error {
	c.Response().Header().Set("Cache-Control", "private, no-cache")
	tag := contentTag(b)
	c.Response().Header().Set("ETag", tag)
	if c.Request().Header.Get("If-None-Match") == tag {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, media, b)
}

func (s *Server) getCatalogue(c *call) error {
	return s.unchanged(c, echo.MIMEApplicationJSON, s.catalogue)
}

func (s *Server) getOpenAPI(c *call) error {
	return s.unchanged(c, echo.MIMEApplicationJSON, s.openAPI)
}

func (s *Server) icon(c *call) error {
	id, ok := strings.CutSuffix(c.Param("file"), ".svg")
	t, known := node.Lookup(id)
	if !ok || !known {
		return notFound()
	}
	return s.unchanged(c, "image/svg+xml", []byte(t.Icon()))
}

func (s *Server) health(c *call) error {
	return c.answer(http.StatusOK, api.Health{Status: "ok", Version: s.Version})
}

func (s *Server) ready(c *call) error {
	if err := s.Ready(c.Request().Context()); err != nil {
		s.Logger.Warn("not ready", "error", err)
		return c.answer(http.StatusServiceUnavailable, api.Health{Status: "the metadata database does not answer", Version: s.Version})
	}
	return s.health(c)
}
