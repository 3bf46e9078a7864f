package server

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"

	"spark/flows"
	"spark/server/api"
)

func of[T any]() reflect.Type { return reflect.TypeFor[T]() }

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	remove = http.MethodDelete
)

// table is everything that can be asked of the server. What does not stand here does not exist.
func (s *Server) table() []route {
	return slices.Concat(s.flowRoutes(), s.runRoutes(), s.connectionRoutes(), s.signInRoutes(), s.environmentRoutes(), s.rejectRoutes(), s.cursorRoutes(), s.pinRoutes(), s.answerRoutes(), s.otherRoutes(), s.pageRoutes())
}

func (s *Server) flowRoutes() []route {
	paging := []string{"cursor", "limit"}
	return []route{
		{method: get, path: "/api/v1/flows", action: FlowRead, handle: s.listFlows, summary: "List flows, last changed first", out: of[api.Page[api.FlowSummary]](), query: append([]string{"search"}, paging...)},
		{method: post, path: "/api/v1/flows", action: FlowEdit, handle: s.createFlow, summary: "Create a flow from a document", in: of[api.Document](), out: of[api.Flow](), status: 201},
		{method: post, path: "/api/v1/flows/import", action: FlowEdit, handle: s.importFlow, summary: "Create a flow from the text of an exported file", in: of[json.RawMessage](), out: of[api.Flow](), status: 201},
		{method: post, path: "/api/v1/flows/sample", action: FlowEdit, handle: s.createSample, summary: "Create a flow from the sample", out: of[api.Flow](), status: 201},
		{method: get, path: "/api/v1/flows/:id", action: FlowRead, handle: s.getFlow, summary: "Read a flow and its draft", out: of[api.Flow]()},
		{method: put, path: "/api/v1/flows/:id/draft", action: FlowEdit, handle: s.saveDraft, summary: "Save the draft", in: of[api.Document](), out: of[api.Saved](), headers: []string{"If-Match"}},
		{method: remove, path: "/api/v1/flows/:id", action: FlowEdit, handle: s.deleteFlow, summary: "Delete a flow; it can be restored", status: 204},
		{method: post, path: "/api/v1/flows/:id/restore", action: FlowEdit, handle: s.restoreFlow, summary: "Undo the deletion of a flow", out: of[api.Flow]()},
		{method: post, path: "/api/v1/flows/:id/duplicate", action: FlowEdit, handle: s.duplicateFlow, summary: "Create a flow like this one", out: of[api.Flow](), status: 201},
		{method: get, path: "/api/v1/flows/:id/export", action: FlowRead, handle: s.exportFlow, summary: "Download the document"},
		{method: post, path: "/api/v1/flows/:id/publish", action: FlowPublish, handle: s.publishFlow, summary: "Freeze the draft and make it what triggers run", out: of[api.Revision]()},
		{method: get, path: "/api/v1/flows/:id/revisions/:number", action: FlowRead, handle: s.getRevision, summary: "Read a revision", out: of[api.Revision]()},
	}
}

func (s *Server) runRoutes() []route {
	return []route{
		{method: post, path: "/api/v1/runs", action: RunStart, handle: s.startRun, summary: "Start a run; 200 where the key belongs to one that was started before", in: of[api.StartRun](), out: of[flows.Run](), status: 201, headers: []string{"Idempotency-Key"}},
		{method: get, path: "/api/v1/runs", action: RunRead, handle: s.listRuns, summary: "List runs, newest first; samples=true: those on the sample, too", out: of[api.Page[flows.Run]](), query: []string{"flow", "state", "samples", "cursor", "limit"}},
		{method: get, path: "/api/v1/runs/:id", action: RunRead, handle: s.getRun, summary: "Read a run with its nodes", out: of[flows.Run]()},
		{method: post, path: "/api/v1/runs/:id/cancel", action: RunCancel, handle: s.cancelRun, summary: "Ask a run to end", out: of[flows.Run]()},
		{method: get, path: "/api/v1/runs/:id/samples", action: DataRead, handle: s.runSamples, summary: "Sampled records", out: of[api.Page[flows.Sample]](), query: []string{"node"}},
		{method: get, path: "/api/v1/runs/:id/rejects", action: DataRead, handle: s.runRejects, summary: "Refused records", out: of[api.Page[flows.Reject]](), query: []string{"node", "cursor", "limit"}},
		{method: get, path: "/api/v1/runs/:id/log", action: RunRead, handle: s.runLog, summary: "Lines of the log, first ones first", out: of[api.Page[flows.LogLine]](), query: []string{"cursor", "limit"}},
		{method: get, path: "/api/v1/runs/:id/events", action: RunRead, handle: s.events, summary: "WebSocket: a snapshot, then numbered deltas", socket: []reflect.Type{of[api.Snapshot](), of[api.Delta](), of[api.Ask]()}},
	}
}

func (s *Server) otherRoutes() []route {
	return []route{
		{method: post, path: "/api/v1/check", action: FlowRead, handle: s.check, summary: "Problems and schemas of a document as it is drawn", in: of[api.CheckRequest](), out: of[flows.Check]()},
		{method: post, path: "/api/v1/preview", action: DataRead, handle: s.preview, summary: "Records at a node, without any effect", in: of[api.PreviewRequest](), out: of[flows.Preview]()},
		{method: post, path: "/api/v1/inspect", action: DataRead, handle: s.inspect, summary: "Propose how to read a file", in: of[api.InspectRequest](), out: of[api.Proposal]()},
		{method: get, path: "/api/v1/catalogue", action: CatalogueRead, handle: s.getCatalogue, summary: "Node types, functions, formats and value types", out: of[api.Catalogue]()},
		{method: get, path: "/api/v1/icons/:file", action: CatalogueRead, handle: s.icon, summary: "Icon of a node type, as {type}.svg"},
		{method: get, path: "/api/v1/files", action: FileRead, handle: s.listFiles, summary: "List a folder of the data folders", out: of[api.FileList](), query: []string{"path"}},
		{method: post, path: "/api/v1/files", action: FileWrite, handle: s.upload, summary: "Upload a file: its content is the body", out: of[api.FileEntry](), status: 201, query: []string{"path", "replace"}, media: "application/octet-stream"},
		{method: get, path: "/api/v1/openapi.json", action: CatalogueRead, handle: s.getOpenAPI, summary: "This document"},
		{method: get, path: "/healthz", action: Public, handle: s.health, summary: "Whether the server runs", out: of[api.Health]()},
		{method: get, path: "/readyz", action: Public, handle: s.ready, summary: "Whether it can answer; 503 if not", out: of[api.Health]()},
		{method: get, path: "/metrics", action: MetricsRead, handle: s.showMetrics, summary: "Metrics in the format of Prometheus"},
	}
}
