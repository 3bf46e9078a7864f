package server

import (
	"context"
	"net/http"

	"spark/flows"
	"spark/server/api"
)

// Environments are those of the projects.
type Environments interface {
	List(ctx context.Context, scope flows.Scope) ([]flows.Environment, error)
	// Environment returns the name of an environment that exists: of the default one where name is empty.
	Environment(ctx context.Context, scope flows.Scope, name string) (string, error)
	Save(ctx context.Context, scope flows.Scope, list []flows.Environment) ([]flows.Environment, error)
}

func (s *Server) environmentRoutes() []route {
	return []route{
		{method: get, path: "/api/v1/environments", action: ConnectionRead, handle: s.listEnvironments, summary: "The environments of the project in their order; one is the default", out: of[api.Environments]()},
		{method: put, path: "/api/v1/environments", action: ConnectionEdit, handle: s.saveEnvironments, summary: "Replace the environments of the project; one with connections is not removed", in: of[api.Environments](), out: of[api.Environments]()},
	}
}

func (s *Server) listEnvironments(c *call) error {
	list, err := s.Environments.List(c.Request().Context(), c.scope)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.Environments{Items: list})
}

func (s *Server) saveEnvironments(c *call) error {
	var body api.Environments
	if err := c.body(&body); err != nil {
		return err
	}
	list, err := s.Environments.Save(c.Request().Context(), c.scope, body.Items)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.Environments{Items: list})
}
