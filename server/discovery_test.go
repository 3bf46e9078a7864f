package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/connection"
	"spark/flows/node"
	"spark/server/api"
)

// oneConnection is a project with one connection, whose etag is the version of its settings.
type oneConnection struct {
	Connections
	etag string
}

func (o *oneConnection) Get(context.Context, flows.Scope, string) (flows.Connection, error) {
	return flows.Connection{ID: "c1", Name: "warehouse", Etag: o.etag}, nil
}

func (o *oneConnection) Spec(context.Context, flows.Scope, string, connection.Input) (node.ConnectionSpec, error) {
	return node.ConnectionSpec{}, nil
}

// askedLab counts what the database is asked.
type askedLab struct {
	Lab
	asked int
	err   error
	began chan struct{} // where it is set, an answer waits until the caller has gone
	gone  chan error
}

func (l *askedLab) Tables(ctx context.Context, _ string, _ node.ConnectionSpec, search string) ([]flows.Table, error) {
	if l.asked++; l.began != nil {
		close(l.began)
		<-ctx.Done()
		l.gone <- ctx.Err()
		return nil, ctx.Err()
	}
	return []flows.Table{{Name: fmt.Sprintf("%s%d", search, l.asked)}}, l.err
}

func (l *askedLab) Columns(_ context.Context, _ string, _ node.ConnectionSpec, table string) ([]flows.Column, error) {
	l.asked++
	return []flows.Column{{Name: fmt.Sprintf("%s%d", table, l.asked), Type: "bigint", Field: flows.Of(flows.Int64), Key: true}}, l.err
}

func discoverySite(t *testing.T) (*site, *askedLab, *oneConnection, *time.Time) {
	s := newSite(t)
	lab, connections, clock := &askedLab{Lab: s.server.Lab}, &oneConnection{etag: "1"}, time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	s.server.Lab, s.server.Connections, s.server.Now = lab, connections, func() time.Time { return clock }
	return s, lab, connections, &clock
}

// TestDiscoveryIsKept: the database is asked once, and again when the answer is old, when somebody says so, when the
// connection is another one, and after an error.
func TestDiscoveryIsKept(t *testing.T) {
	t.Parallel()
	s, lab, connections, clock := discoverySite(t)
	began := *clock
	tables := func(query, want string, at time.Time) {
		t.Helper()
		var got api.Tables
		a := s.ask(http.MethodGet, "/api/v1/connections/c1/tables"+query, nil)
		if err := json.Unmarshal(a.body, &got); err != nil || a.status != http.StatusOK || len(got.Items) != 1 || got.Items[0].Name != want || !got.At.Equal(at) {
			t.Errorf("%q: %d %s, want %s at %s", query, a.status, a.body, want, at)
		}
	}
	tables("", "1", began)
	*clock = began.Add(9 * time.Minute)
	tables("", "1", began)
	tables("?search=x", "x2", *clock)
	tables("?fresh=true", "3", *clock)
	tables("", "3", *clock)
	tables("?since="+clock.Format(time.RFC3339), "3", *clock)
	*clock = clock.Add(11 * time.Minute)
	tables("", "4", *clock)
	connections.etag = "2"
	tables("", "5", *clock)
	connections.etag = "1"
	tables("", "4", *clock)
	tables("?since="+clock.Add(time.Second).Format(time.RFC3339), "6", *clock)
	s.ask(http.MethodGet, "/api/v1/connections/c1/tables?since=yesterday", nil).fails(http.StatusBadRequest, "request.query", `"yesterday" is no time`, "2026-01-31T08:00:00Z")
	lab.err = &flows.Error{Code: "database.connect", Message: "warehouse does not answer"}
	if a := s.ask(http.MethodGet, "/api/v1/connections/c1/columns?table=t", nil); a.status < 400 {
		t.Errorf("an error is answered with %d %s", a.status, a.body)
	}
	lab.err = nil
	var got api.Columns
	a := s.ask(http.MethodGet, "/api/v1/connections/c1/columns?table=t", nil)
	if err := json.Unmarshal(a.body, &got); err != nil || len(got.Items) != 1 || got.Items[0].Name != "t8" || !got.Items[0].Key {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestDiscoveryIsBounded: the oldest answers go.
func TestDiscoveryIsBounded(t *testing.T) {
	t.Parallel()
	var d discovery
	now := time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	for i := range 3 * discoveryMost {
		d.put(question{of: fmt.Sprint(i)}, answered{at: now.Add(time.Duration(i) * time.Second)})
	}
	_, first := d.get(question{of: "0"}, now)
	_, last := d.get(question{of: fmt.Sprint(3*discoveryMost - 1)}, now)
	if len(d.kept) != discoveryMost || first || !last {
		t.Errorf("%d answers are kept; the first one: %t, the last one: %t", len(d.kept), first, last)
	}
}

// TestDiscoveryIsCancelled: the question ends with the caller.
func TestDiscoveryIsCancelled(t *testing.T) {
	t.Parallel()
	s, lab, _, _ := discoverySite(t)
	lab.began, lab.gone = make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-lab.began
		cancel()
	}()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/connections/c1/tables", nil)
	r.Host = ourHost
	r.Header.Set("Authorization", "Bearer "+testKey)
	s.server.ServeHTTP(httptest.NewRecorder(), r)
	if err := <-lab.gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the question ended with %v", err)
	}
}
