package server

import (
	"context"
	"net/http"

	"spark/flows"
	"spark/flows/node"
	"spark/server/api"
)

// Answers keep what APIs have answered when somebody has fetched a sample for a draft.
type Answers interface {
	Of(ctx context.Context, scope flows.Scope, flow string, nodes []string) ([]flows.Answer, error)
}

func (s *Server) answerRoutes() []route {
	return []route{
		{method: get, path: "/api/v1/flows/:id/answers/:node", action: DataRead, handle: s.getAnswer, summary: "What the API answered when a sample was fetched for the node of a draft; no items: none was", out: of[api.Page[flows.Answer]]()},
		{method: put, path: "/api/v1/flows/:id/answers/:node", action: FlowEdit, handle: s.fetch, summary: "Fetch a sample: call the API that the node reads, once, and keep the answer for its previews, which call nothing", in: of[api.PreviewRequest](), out: of[api.Fetched]()},
		{method: post, path: "/api/v1/operations", action: FlowEdit, handle: s.operations, summary: "What an OpenAPI document describes, or one operation of it as settings of a node; a document that is given by its address is fetched", in: of[api.OperationsRequest](), out: of[flows.Operations]()},
	}
}

// operations reads an OpenAPI document.
func (s *Server) operations(c *call) error {
	var body api.OperationsRequest
	if err := c.body(&body); err != nil {
		return err
	}
	o, err := s.Lab.Operations(c.Request().Context(), c.scope, body.Environment, node.OperationsQuestion{Text: body.Text, Address: body.Address, Connection: body.Connection, Method: body.Method, Path: body.Path, Records: body.Records, Fields: body.Fields})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, o)
}

func (s *Server) getAnswer(c *call) error {
	list, err := s.Answers.Of(c.Request().Context(), c.scope, c.Param("id"), []string{c.Param("node")})
	if err != nil {
		return err
	}
	if list == nil {
		list = []flows.Answer{}
	}
	return c.answer(http.StatusOK, api.Page[flows.Answer]{Items: list})
}

func (s *Server) fetch(c *call) error {
	req, err := previewRequest(c)
	if err != nil {
		return err
	}
	req.Flow, req.Node = c.Param("id"), c.Param("node")
	f, err := s.Lab.Fetch(c.Request().Context(), c.scope, req)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.Fetched{Answer: f.Answer, RecordPath: f.RecordPath, Proposal: proposal(f.Proposal)})
}

func proposal(p node.Proposal) api.Proposal {
	out := api.Proposal{Format: p.Format, Options: p.Options, Notes: p.Notes, Sample: p.Sample, Sampled: p.Sampled, Fields: []api.FileField{}}
	for _, f := range p.Fields {
		out.Fields = append(out.Fields, api.FileField(f))
	}
	return out
}
