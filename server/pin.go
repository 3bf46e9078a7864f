package server

import (
	"context"
	"net/http"

	"spark/flows"
	"spark/server/api"
)

// Pins keep the records that previews of drafts begin at.
type Pins interface {
	List(ctx context.Context, scope flows.Scope, flow string) ([]flows.Pin, error)
	Delete(ctx context.Context, scope flows.Scope, flow, node string) error
}

func (s *Server) pinRoutes() []route {
	return []route{
		{method: get, path: "/api/v1/flows/:id/pins", action: DataRead, handle: s.listPins, summary: "The nodes of a draft whose records are pinned: previews begin there, runs never do", out: of[api.Page[flows.Pin]]()},
		{method: put, path: "/api/v1/flows/:id/pins/:node", action: FlowEdit, handle: s.setPin, summary: "Pin the records that a preview of the node shows", in: of[api.PreviewRequest](), out: of[flows.Pin]()},
		{method: remove, path: "/api/v1/flows/:id/pins/:node", action: FlowEdit, handle: s.deletePin, summary: "Unpin the records of a node", status: http.StatusNoContent},
	}
}

func (s *Server) listPins(c *call) error {
	list, err := s.Pins.List(c.Request().Context(), c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.Page[flows.Pin]{Items: list})
}

// setPin makes the preview anew: what is pinned never comes from whoever asks.
func (s *Server) setPin(c *call) error {
	req, err := previewRequest(c)
	if err != nil {
		return err
	}
	req.Flow, req.Node = c.Param("id"), c.Param("node")
	pin, err := s.Lab.Pin(c.Request().Context(), c.scope, req)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, pin)
}

func (s *Server) deletePin(c *call) error {
	if err := s.Pins.Delete(c.Request().Context(), c.scope, c.Param("id"), c.Param("node")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
