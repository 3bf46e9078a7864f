package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"spark/flows"
	"spark/flows/connection"
	"spark/flows/node"
	"spark/server/api"
)

// Connections keeps the connections of projects.
type Connections interface {
	List(ctx context.Context, scope flows.Scope) ([]flows.Connection, error)
	Get(ctx context.Context, scope flows.Scope, id string) (flows.Connection, error)
	Create(ctx context.Context, scope flows.Scope, in connection.Input) (flows.Connection, error)
	Update(ctx context.Context, scope flows.Scope, id, etag string, in connection.Input) (flows.Connection, error)
	Delete(ctx context.Context, scope flows.Scope, id string) error
	Spec(ctx context.Context, scope flows.Scope, id string, in connection.Input) (node.ConnectionSpec, error)
}

func (s *Server) connectionRoutes() []route {
	return []route{
		{method: get, path: "/api/v1/connections", action: ConnectionRead, handle: s.listConnections, summary: "List connections by name, without their secrets", out: of[api.Page[flows.Connection]]()},
		{method: post, path: "/api/v1/connections", action: ConnectionEdit, handle: s.createConnection, summary: "Create a connection", in: of[api.SaveConnection](), out: of[flows.Connection](), status: 201},
		{method: post, path: "/api/v1/connections/test", action: ConnectionEdit, handle: s.testConnection, summary: "Reach the system that a connection leads to, saved or not", in: of[api.TestConnection](), out: of[api.ConnectionReport]()},
		{method: post, path: "/api/v1/connections/split", action: ConnectionEdit, handle: s.splitAddress, summary: "Split an address of another program, such as a JDBC URL, into settings; nothing is stored", in: of[api.SplitAddress](), out: of[api.SplitSettings]()},
		{method: get, path: "/api/v1/connections/:id", action: ConnectionRead, handle: s.getConnection, summary: "Read a connection without its secrets", out: of[flows.Connection]()},
		{method: put, path: "/api/v1/connections/:id", action: ConnectionEdit, handle: s.saveConnection, summary: "Save a connection; a secret that is left out stays as it is", in: of[api.SaveConnection](), out: of[flows.Connection](), headers: []string{"If-Match"}},
		{method: remove, path: "/api/v1/connections/:id", action: ConnectionEdit, handle: s.deleteConnection, summary: "Delete a connection with its secrets, for good", status: 204},
		{method: get, path: "/api/v1/connections/:id/tables", action: ConnectionRead, handle: s.connectionTables, summary: "Tables that the connection reaches; kept for ten minutes, unless fresh is true or since is a later time", out: of[api.Tables](), query: []string{"search", "fresh", "since"}},
		{method: get, path: "/api/v1/connections/:id/columns", action: ConnectionRead, handle: s.connectionColumns, summary: "Columns of a table; kept for ten minutes, unless fresh is true or since is a later time", out: of[api.Columns](), query: []string{"table", "fresh", "since"}},
	}
}

func (s *Server) listConnections(c *call) error {
	list, err := s.Connections.List(c.Request().Context(), c.scope)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.Page[flows.Connection]{Items: list})
}

func connectionInput(b api.SaveConnection) connection.Input {
	return connection.Input{Name: b.Name, Environment: b.Environment, Type: b.Type, Settings: b.Settings}
}

func (s *Server) createConnection(c *call) error {
	var body api.SaveConnection
	if err := c.body(&body); err != nil {
		return err
	}
	created, err := s.Connections.Create(c.Request().Context(), c.scope, connectionInput(body))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", "/api/v1/connections/"+created.ID)
	return c.answer(http.StatusCreated, created)
}

func (s *Server) getConnection(c *call) error {
	found, err := s.Connections.Get(c.Request().Context(), c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, found)
}

func (s *Server) saveConnection(c *call) error {
	var body api.SaveConnection
	if err := c.body(&body); err != nil {
		return err
	}
	etag := strings.Trim(c.Request().Header.Get("If-Match"), `"`)
	if etag == "" {
		return &flows.Error{Code: "draft.etag_missing", Message: "the request does not say on which version it is based", Suggestion: "send the connection's etag in If-Match"}
	}
	saved, err := s.Connections.Update(c.Request().Context(), c.scope, c.Param("id"), etag, connectionInput(body))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, saved)
}

func (s *Server) deleteConnection(c *call) error {
	if err := s.Connections.Delete(c.Request().Context(), c.scope, c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) testConnection(c *call) error {
	var body api.TestConnection
	if err := c.body(&body); err != nil {
		return err
	}
	spec, err := s.Connections.Spec(c.Request().Context(), c.scope, body.ID, connectionInput(body.SaveConnection))
	if err != nil {
		return err
	}
	report, err := s.Lab.TestConnection(c.Request().Context(), body.Name, spec)
	if err != nil {
		return err
	}
	if _, report.Ignored, err = node.SplitAddress(body.Type, body.Settings); err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.ConnectionReport(report))
}

// splitAddress answers with what the caller has sent, its password included: nothing that is stored.
func (s *Server) splitAddress(c *call) error {
	var body api.SplitAddress
	if err := c.body(&body); err != nil {
		return err
	}
	given, err := json.Marshal(map[string]string{node.AddressMember: body.Address})
	if err != nil {
		return err
	}
	settings, ignored, err := node.SplitAddress(body.Type, given)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.answer(http.StatusOK, api.SplitSettings{Settings: settings, Ignored: ignored})
}
