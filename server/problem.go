package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"spark/flows"
	"spark/server/api"
)

// statuses of errors whose code says more than that the request cannot be done as it is (422).
var statuses = map[string]int{
	"request.body": 400, "request.query": 400, "cursor.invalid": 400, "document.syntax": 400, "document.encoding": 400,
	"auth.required":  401,
	"request.origin": 403, "file.outside": 403, "file.permission": 403,
	"request.method": 405,
	"draft.conflict": 409, "connection.conflict": 409, "connection.name_taken": 409, "reject.not_open": 409, "file.exists": 409, "file.busy": 409, "run.skipped": 409,
	"document.too_large": 413, "request.too_large": 413,
	"request.media_type": 415,
	"request.host":       421,
	"draft.etag_missing": 428,
	"request.rate":       429,
	"server.stopping":    503, "store.unreachable": 503, "disk.full": 503, "lab.timeout": 503, "executor.died": 503, "executor.interrupted": 503,
}

// hidden are errors of the program itself: what they say is for whoever runs it, in the log.
var hidden = map[string]bool{"internal": true, "scope.missing": true, "executor.frame": true, "run.imbalance": true, "engine": true}

// statusOf maps every error to an HTTP status.
func statusOf(e *flows.Error) int {
	switch status, known := statuses[e.Code]; {
	case known:
		return status
	case hidden[e.Code]:
		return http.StatusInternalServerError
	case strings.HasSuffix(e.Code, ".not_found"):
		return http.StatusNotFound
	default:
		return http.StatusUnprocessableEntity
	}
}

// problem makes the answer to an error. What the program itself got wrong is logged under an id, which is all that the
// client gets to see of it.
func (s *Server) problem(c echo.Context, err error) api.Problem {
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		err = routerError(he)
	}
	e := flows.AsError(err)
	p := api.Problem{Type: "about:blank", Status: statusOf(e), Detail: e.Message, Code: e.Code, Path: e.Path, Suggestion: e.Suggestion, Params: e.Params}
	if ps, ok := errors.AsType[flows.Problems](err); ok && len(ps) > 0 {
		p.Problems = ps
		if n := len(ps) - 1; n > 0 {
			p.Detail += fmt.Sprintf(" (and %d more)", n)
		}
	}
	if p.Status == http.StatusInternalServerError {
		id := incident()
		s.Logger.Error("request failed", "id", id, "method", c.Request().Method, "path", c.Request().URL.Path, "error", err)
		p = api.Problem{Type: "about:blank", Status: p.Status, Code: "internal", Params: flows.Params{"id": id},
			Detail: "something went wrong inside Spark", Suggestion: "try again; the log of the server tells more under " + id}
	}
	p.Title = http.StatusText(p.Status)
	return p
}

func incident() string {
	var b [6]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// routerError is what the router says about a request that no route is for.
func routerError(he *echo.HTTPError) error {
	switch he.Code {
	case http.StatusNotFound:
		return notFound()
	case http.StatusMethodNotAllowed:
		return &flows.Error{Code: "request.method", Message: "this address does not know that method", Suggestion: "compare it with /api/v1/openapi.json"}
	default:
		return fmt.Errorf("router: %w", he)
	}
}

// answerError answers an error of a route, as a page or as a problem document.
func (s *Server) answerError(c echo.Context, r *route, err error) {
	if errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		return // nobody is there any more
	}
	if c.Response().Committed {
		s.Logger.Warn("an answer was cut off", "path", c.Request().URL.Path, "error", err)
		return
	}
	p := s.problem(c, err)
	h := c.Response().Header()
	h.Del("Content-Disposition")
	h.Del("ETag")
	h.Set("Cache-Control", "no-store")
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="spark"`)
	}
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", "2")
	}
	if r != nil && r.page {
		err = s.errorPage(c, p)
	} else {
		err = s.sendProblem(c, p)
	}
	if err != nil {
		s.Logger.Warn("an error could not be answered", "path", c.Request().URL.Path, "error", err)
	}
}

func (s *Server) sendProblem(c echo.Context, p api.Problem) error {
	b, err := api.Encode(p)
	if err != nil {
		return fmt.Errorf("encode problem: %w", err)
	}
	return c.Blob(p.Status, "application/problem+json", b)
}

// fail answers what did not reach a route.
func (s *Server) fail(err error, c echo.Context) {
	people := !strings.HasPrefix(c.Request().URL.Path, "/api/") && strings.Contains(c.Request().Header.Get("Accept"), "text/html")
	s.answerError(c, &route{page: people}, err)
	s.metrics.request("other", c.Response().Status, 0)
}

func notFound() error {
	return &flows.Error{Code: "address.not_found", Message: "there is nothing at this address", Suggestion: "check the address"}
}

func unauthorized() error {
	return &flows.Error{Code: "auth.required", Message: "Spark does not know who you are", Suggestion: "open the address that spark serve printed when it started"}
}

func mediaType(want string) error {
	return &flows.Error{Code: "request.media_type", Params: flows.Params{"wanted": want}, Message: "the body of the request has the wrong content type", Suggestion: "send " + want}
}

// bodyError explains why the body of a request could not be read.
func bodyError(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &flows.Error{Code: "request.too_large", Params: flows.Params{"limit": tooLarge.Limit},
			Message: fmt.Sprintf("the request is larger than %d bytes", tooLarge.Limit), Suggestion: "send less"}
	}
	return &flows.Error{Code: "request.body", Message: "the body of the request ended early", Suggestion: "send it again", Cause: err}
}
