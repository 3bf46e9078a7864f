package server

import (
	"context"
	"net/http"

	"spark/flows"
	"spark/server/api"
)

// Cursors keep how far the incremental sources of flows were read.
type Cursors interface {
	List(ctx context.Context, scope flows.Scope, flow, environment string) ([]flows.FlowCursor, error)
	Set(ctx context.Context, scope flows.Scope, flow, environment, node string, c flows.Cursor) (flows.FlowCursor, error)
}

func (s *Server) cursorRoutes() []route {
	return []route{
		{method: get, path: "/api/v1/flows/:id/cursors", action: FlowRead, handle: s.listCursors, summary: "How far the incremental sources of a flow were read", out: of[api.Page[flows.FlowCursor]](), query: []string{"environment"}},
		{method: put, path: "/api/v1/flows/:id/cursors/:node", action: FlowEdit, handle: s.setCursor, summary: "Set the cursor of a source of the draft; an empty value reads everything again", in: of[api.SetCursor](), out: of[flows.FlowCursor](), query: []string{"environment"}},
		{method: post, path: "/api/v1/cursors/window", action: FlowRead, handle: s.cursorWindow, summary: "What an incremental source would read after a cursor; nothing moves", in: of[api.WindowRequest](), out: of[flows.CursorWindow]()},
	}
}

func (s *Server) listCursors(c *call) error {
	environment, err := s.Environments.Environment(c.Request().Context(), c.scope, c.QueryParam("environment"))
	if err != nil {
		return err
	}
	list, err := s.Cursors.List(c.Request().Context(), c.scope, c.Param("id"), environment)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.Page[flows.FlowCursor]{Items: list})
}

// setCursor asks the database first: a value that it does not understand is refused.
func (s *Server) setCursor(c *call) error {
	var body api.SetCursor
	if err := c.body(&body); err != nil {
		return err
	}
	ctx, cursor := c.Request().Context(), flows.Cursor{Column: body.Column, Value: body.Value}
	environment, err := s.Environments.Environment(ctx, c.scope, c.QueryParam("environment"))
	if err != nil {
		return err
	}
	draft, err := s.Flows.Get(ctx, c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	if body.Value != "" {
		doc, err := document(draft.Document)
		if err != nil {
			return err
		}
		if _, err := s.Lab.Window(ctx, c.scope, doc, environment, c.Param("node"), &cursor); err != nil {
			return err
		}
	}
	set, err := s.Cursors.Set(ctx, c.scope, draft.FlowID, environment, c.Param("node"), cursor)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, set)
}

func (s *Server) cursorWindow(c *call) error {
	var body api.WindowRequest
	if err := c.body(&body); err != nil {
		return err
	}
	doc, err := document(body.Document)
	if err != nil {
		return err
	}
	w, err := s.Lab.Window(c.Request().Context(), c.scope, doc, body.Environment, body.Node, body.Cursor)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, w)
}
