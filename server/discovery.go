package server

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"spark/flows"
	"spark/flows/connection"
	"spark/flows/node"
	"spark/server/api"
)

// What databases have is asked for again only when it is old, or when somebody says so: a database with thousands of
// tables takes seconds to list them. Answers say how old they are. A caller who goes away ends the question.

const (
	discoveryAge  = 10 * time.Minute
	discoveryMost = 64 // answers kept
)

// question is one that was put to a connection as its settings were: with others, its etag is another one.
type question struct {
	scope    flows.Scope
	id, etag string
	what     string // tables, columns
	of       string // what is searched for, or the table
}

type answered struct {
	at    time.Time
	value any
}

// discovery keeps answers. Its zero value is ready.
type discovery struct {
	mu   sync.Mutex
	kept map[question]answered
}

func (d *discovery) get(q question, now time.Time) (answered, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, ok := d.kept[q]
	return a, ok && now.Sub(a.at) < discoveryAge
}

// put keeps an answer in place of the oldest one.
func (d *discovery) put(q question, a answered) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept == nil {
		d.kept = map[question]answered{}
	}
	if _, again := d.kept[q]; !again && len(d.kept) >= discoveryMost {
		oldest := q
		for k, v := range d.kept {
			if oldest == q || v.at.Before(d.kept[oldest].at) {
				oldest = k
			}
		}
		delete(d.kept, oldest)
	}
	d.kept[q] = a
}

// sinceOf is the time that an answer has to be from at least, such as the end of a run that may have made a table.
func sinceOf(c *call) (time.Time, error) {
	text := c.QueryParam("since")
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return at, &flows.Error{Code: "request.query", Params: flows.Params{"since": text}, Message: fmt.Sprintf("%q is no time", text), Suggestion: "write since as 2026-01-31T08:00:00Z"}
	}
	return at, nil
}

// discover answers a question to the connection of the path, or gives what was answered before.
func discover[T any](s *Server, c *call, what, of string, ask func(ctx context.Context, name string, spec node.ConnectionSpec) ([]T, error)) ([]T, time.Time, error) {
	ctx := c.Request().Context()
	found, err := s.Connections.Get(ctx, c.scope, c.Param("id"))
	if err != nil {
		return nil, time.Time{}, err
	}
	q := question{c.scope, found.ID, found.Etag, what, of}
	since, err := sinceOf(c)
	if err != nil {
		return nil, time.Time{}, err
	}
	if a, ok := s.discovery.get(q, s.Now()); ok && c.QueryParam("fresh") != "true" && !a.at.Before(since) {
		return a.value.([]T), a.at, nil
	}
	spec, err := s.Connections.Spec(ctx, c.scope, found.ID, connection.Input{Name: found.Name, Type: found.Type, Settings: found.Settings})
	if err != nil {
		return nil, time.Time{}, err
	}
	list, err := ask(ctx, found.Name, spec)
	if err != nil {
		return nil, time.Time{}, err
	}
	if list == nil {
		list = []T{}
	}
	at := s.Now().UTC()
	s.discovery.put(q, answered{at, list})
	return list, at, nil
}

func (s *Server) connectionTables(c *call) error {
	search := c.QueryParam("search")
	list, at, err := discover(s, c, "tables", search, func(ctx context.Context, name string, spec node.ConnectionSpec) ([]flows.Table, error) {
		return s.Lab.Tables(ctx, name, spec, search)
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.Tables{Items: list, At: at})
}

func (s *Server) connectionColumns(c *call) error {
	table := c.QueryParam("table")
	list, at, err := discover(s, c, "columns", table, func(ctx context.Context, name string, spec node.ConnectionSpec) ([]flows.Column, error) {
		return s.Lab.Columns(ctx, name, spec, table)
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, api.Columns{Items: list, At: at})
}
