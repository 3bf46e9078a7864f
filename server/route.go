package server

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"spark/flows"
	"spark/server/api"
)

// Action is what somebody wants to do; whether they may is decided by can.
type Action string

// The actions. Public ones need nobody to be known.
const (
	Public         Action = "public"
	FlowRead       Action = "flow.read"
	FlowEdit       Action = "flow.edit"
	FlowPublish    Action = "flow.publish"
	RunRead        Action = "run.read"
	RunStart       Action = "run.start"
	RunCancel      Action = "run.cancel"
	DataRead       Action = "data.read" // records in previews, samples and rejects
	FileRead       Action = "file.read"
	FileWrite      Action = "file.write"
	CatalogueRead  Action = "catalogue.read"
	MetricsRead    Action = "metrics.read"
	ConnectionRead Action = "connection.read"
	ConnectionEdit Action = "connection.edit"
	RejectRead     Action = "reject.read"
	RejectEdit     Action = "reject.edit"
	RejectReplay   Action = "reject.replay"
)

var actions = []Action{Public, FlowRead, FlowEdit, FlowPublish, RunRead, RunStart, RunCancel, DataRead, FileRead, FileWrite, CatalogueRead, MetricsRead, ConnectionRead, ConnectionEdit, RejectRead, RejectEdit, RejectReplay}

// Actor is who asks.
type Actor struct {
	ID string // "" for somebody unknown
}

// Object is what an action is about.
type Object struct {
	Project, ID string
}

// can decides everything. Until there are accounts the owner may do all that exists and nobody else anything.
func can(a Actor, action Action, o Object) bool {
	return action == Public || a.ID == flows.LocalScope.Actor && o.Project == flows.LocalScope.Project && slices.Contains(actions, action)
}

// maxJSON is the size of a JSON body; a flow document is smaller.
const maxJSON = 16 << 20

const (
	readTime  = 30 * time.Second // to read a JSON body
	writeTime = 2 * time.Minute  // to answer
)

// route is one row of the table of everything that can be asked of the server.
type route struct {
	method, path string
	action       Action
	page         bool // for people: errors are pages, and who is unknown is told how to come in
	handle       func(*call) error

	// What OpenAPI tells.
	summary string
	in, out reflect.Type // JSON bodies; nil: none
	status  int          // of success; 0: 200
	query   []string
	headers []string
	media   string // of a body or an answer that is not JSON
	socket  []reflect.Type
}

// call is one request that was allowed.
type call struct {
	echo.Context
	actor Actor
	scope flows.Scope
	route *route
}

// register adds a route; one that does not say what it is for is a mistake of the program.
func (s *Server) register(r route) {
	switch {
	case r.method == "" || r.path == "" || r.handle == nil:
		panic(fmt.Sprintf("route %q %q is not complete", r.method, r.path))
	case !slices.Contains(actions, r.action):
		panic(fmt.Sprintf("route %s %s names no action", r.method, r.path))
	}
	s.echo.Add(r.method, r.path, func(c echo.Context) error {
		began := s.Now()
		err := s.serve(c, &r)
		if err != nil {
			s.answerError(c, &r, err)
		}
		if r.socket == nil || err != nil {
			s.metrics.request(r.method+" "+r.path, c.Response().Status, s.Now().Sub(began))
		}
		return nil
	})
}

func (s *Server) serve(c echo.Context, r *route) error {
	call := &call{Context: c, actor: s.actor(c.Request()), scope: flows.LocalScope, route: r}
	if err := s.checkOrigin(c.Request(), r); err != nil {
		return err
	}
	if !can(call.actor, r.action, Object{Project: call.scope.Project, ID: c.Param("id")}) {
		return unauthorized()
	}
	control := http.NewResponseController(c.Response())
	if r.media == "" && r.socket == nil { // uploads and sockets have times of their own
		_ = control.SetReadDeadline(time.Now().Add(readTime))
		_ = control.SetWriteDeadline(time.Now().Add(writeTime))
		c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, maxJSON)
	}
	return r.handle(call)
}

// json reads the JSON body of a request as it is.
func (c *call) json() ([]byte, error) {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, mediaType("application/json")
	}
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return nil, bodyError(err)
	}
	return b, nil
}

// body decodes the JSON body of a request, strictly.
func (c *call) body(into any) error {
	b, err := c.json()
	if err != nil {
		return err
	}
	if err := api.Decode(b, into); err != nil {
		return &flows.Error{Code: "request.body", Message: "the body of the request cannot be read: " + decoderPrefix.ReplaceAllString(err.Error(), ""), Cause: err,
			Suggestion: "compare it with /api/v1/openapi.json"}
	}
	return nil
}

// decoderPrefix is what the errors of the decoder begin with; it says nothing to whoever sent the body.
var decoderPrefix = regexp.MustCompile(`\bjson(text)?: `)

// document reads the flow document of a request.
func document(raw []byte) (*flows.Flow, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, &flows.Error{Code: "request.body", Message: "the request has no document", Suggestion: `send {"document": {…}}`}
	}
	return flows.ParseFlow(raw)
}

// answer sends JSON.
func (c *call) answer(status int, v any) error {
	b, err := api.Encode(v)
	if err != nil {
		return fmt.Errorf("encode %T: %w", v, err)
	}
	return c.Blob(status, echo.MIMEApplicationJSON, b)
}

// number reads a query parameter that is a whole number from 0.
func (c *call) number(name string) (int, error) {
	text := c.QueryParam(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, &flows.Error{Code: "request.query", Params: flows.Params{"parameter": name}, Message: fmt.Sprintf("%q is not a number for %s", text, name),
			Suggestion: "write a whole number from 0"}
	}
	return int(n), nil
}

func (c *call) page() (o flows.ListOptions, err error) {
	o.Limit, err = c.number("limit")
	o.Search, o.Cursor = c.QueryParam("search"), c.QueryParam("cursor")
	return o, err
}

func list[T any](p flows.Page[T]) api.Page[T] { return api.Page[T]{Items: p.Items, Next: p.Next} }
