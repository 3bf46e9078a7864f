package main

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/run"
	"spark/internal/testserver"
)

// knownConnections are connections that need no store.
type knownConnections node.ConnectionSet

func (g knownConnections) Resolve(context.Context, flows.Scope, string, []string) (node.ConnectionSet, error) {
	return node.ConnectionSet(g), nil
}

// reached are cursors of one flow that nobody may move.
type reached struct {
	run.Cursors
	flow string
	list []flows.FlowCursor
}

func (r *reached) List(_ context.Context, _ flows.Scope, flow, _ string) ([]flows.FlowCursor, error) {
	if flow != r.flow {
		return nil, nil
	}
	return append([]flows.FlowCursor(nil), r.list...), nil
}

// connectionTo is the connection to a database of the tests.
func connectionTo(t *testing.T, address string) node.ConnectionSpec {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	password, _ := u.User.Password()
	settings, err := json.Marshal(map[string]any{"host": u.Hostname(), "port": json.Number(u.Port()), "database": strings.Trim(u.Path, "/"), "user": u.User.Username(), "password": password, "tls": "disable"})
	must(t, err)
	return node.ConnectionSpec{Type: "postgres", Settings: settings}
}

// TestPreviewBehindCursor: a preview shows what the next run would read, and says so.
func TestPreviewBehindCursor(t *testing.T) {
	t.Parallel()
	p := setup(t)
	address := testserver.PostgreSQL(t)
	conn := quiet(t, address)
	must(t, execute(t, conn, "CREATE TABLE events (id bigint PRIMARY KEY, at bigint NOT NULL); INSERT INTO events SELECT i, 10 * i FROM generate_series(1, 5) t(i)"))
	cursors := &reached{flow: "mine"}
	l, err := newLab([]string{p.data}, knownConnections{"warehouse": connectionTo(t, address)}, cursors)
	must(t, err)
	t.Cleanup(l.Close)
	doc := chain(step("in", "database.input", `{"connection":"warehouse","table":"events","mode":"incremental","cursor":"at","cursorKey":["id"],"lag":"","start":"20"}`), step("some", "filter", `{"condition":"id > 0"}`))
	f, err := flows.ParseFlow([]byte(doc))
	must(t, err)
	look := func(flow string) flows.Preview {
		v, err := l.Preview(t.Context(), flows.LocalScope, flows.PreviewRequest{Document: f, Node: "some", Flow: flow})
		must(t, err)
		if v.Problems.Failed() {
			t.Fatal(v.Problems)
		}
		return v
	}
	if v := look("mine"); rows(v.Outputs[0]) != "2|20\n3|30\n4|40\n5|50\n" || len(v.Cursors) != 0 {
		t.Errorf("before the first run: %s, cursors %v", rows(v.Outputs[0]), v.Cursors)
	}
	cursors.list = []flows.FlowCursor{{Node: "in", Cursor: flows.Cursor{Column: "at", Type: "bigint", Value: "30"}, Run: "r1"}, {Node: "gone", Cursor: flows.Cursor{Column: "x", Value: "1"}}}
	for range 2 { // from memory, too
		if v := look("mine"); rows(v.Outputs[0]) != "4|40\n5|50\n" || len(v.Cursors) != 1 || v.Cursors[0].Run != "r1" || v.Cursors[0].Value != "30" {
			t.Errorf("behind the cursor: %s, cursors %v", rows(v.Outputs[0]), v.Cursors)
		}
	}
	if v := look("other"); rows(v.Outputs[0]) != "2|20\n3|30\n4|40\n5|50\n" {
		t.Errorf("another flow: %s", rows(v.Outputs[0]))
	}
	if c := cursors.list[0]; c.Value != "30" {
		t.Errorf("the preview has moved the cursor to %s", c.Value)
	}
}
