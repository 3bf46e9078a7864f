package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"spark/flows"
)

// testEnvironments: a project has one until it names others; a connection has an entry in each, with one name and one type; one
// that connections lead somewhere in is not removed.
func testEnvironments(t *testing.T, b *bundle) {
	list, err := b.Environments.List(t.Context(), b.scope)
	if d := cmp.Diff([]flows.Environment{{Name: "production", Default: true}}, list); d != "" || err != nil {
		t.Fatal(err, d)
	}
	first := b.connection(t, "warehouse")
	named := []flows.Environment{{Name: "development", Default: true}, {Name: "production"}}
	if _, err := b.Environments.Save(t.Context(), b.scope, named); err != nil {
		t.Fatal(err)
	}
	if list, err = b.Environments.List(t.Context(), b.scope); !cmp.Equal(named, list) || err != nil {
		t.Error(list, err)
	}
	for name, want := range map[string]string{"": "development", "production": "production"} {
		if got, err := b.Environments.Environment(t.Context(), b.scope, name); got != want || err != nil {
			t.Errorf("%q is %q, %v", name, got, err)
		}
	}
	_, err = b.Environments.Environment(t.Context(), b.scope, "Production")
	wantCode(t, err, "environment.unknown")
	elsewhere := flows.Scope{Project: "elsewhere", Actor: "ann"}
	if list, err := b.Environments.List(t.Context(), elsewhere); err != nil || len(list) != 1 {
		t.Errorf("another project: %v, %v", list, err)
	}
	for _, bad := range [][]flows.Environment{nil, {{Name: "a"}}, {{Name: "a", Default: true}, {Name: "a"}}, {{Name: "A b", Default: true}}, {{Name: "a", Default: true}, {Name: "b", Default: true}}} {
		_, err := b.Environments.Save(t.Context(), b.scope, bad)
		wantCode(t, err, "environment.list")
	}
	_, err = b.Environments.Save(t.Context(), b.scope, named[:1])
	wantCode(t, err, "environment.used")

	entry := first
	entry.ID, entry.Environment, entry.Place = uuid.Must(uuid.NewV7()).String(), "development", "dev:5432"
	made, err := b.Connections.Create(t.Context(), b.scope, entry, nil)
	if err != nil || made.Environment != "development" {
		t.Fatal(made, err)
	}
	entry.ID = uuid.Must(uuid.NewV7()).String()
	_, err = b.Connections.Create(t.Context(), b.scope, entry, nil)
	wantCode(t, err, "connection.name_taken")
	entry.Environment, entry.Type = "other", "mysql"
	_, err = b.Connections.Create(t.Context(), b.scope, entry, nil)
	wantCode(t, err, "connection.type")
	for environment, place := range map[string]string{"production": "db:5432", "development": "dev:5432"} {
		if c, _, found, err := b.Connections.Named(t.Context(), b.scope, "warehouse", environment); err != nil || !found || c.Place != place {
			t.Errorf("in %s: %+v, %v", environment, c, err)
		}
	}
	made.Name = "wh"
	if _, err := b.Connections.Update(t.Context(), b.scope, made.Etag, made, nil); err != nil {
		t.Fatal(err)
	}
	if c, _, found, err := b.Connections.Named(t.Context(), b.scope, "wh", "production"); err != nil || !found || c.ID != first.ID {
		t.Errorf("the name is not that of all environments: %+v, %v", c, err)
	}
}

// testRunInEnvironment: a run keeps its environment and its sealed parameters.
func testRunInEnvironment(t *testing.T, b *bundle) {
	b.enqueued(t)
	rev := b.revision(t)
	flow := rev.FlowID
	r := flows.Run{ID: uuid.Must(uuid.NewV7()).String(), FlowID: flow, Revision: rev.Number, Trigger: flows.TriggerManual, Environment: "development", Parameters: map[string]string{"token": "***"}, Sealed: []byte("\x00\xff sealed")}
	if _, _, err := b.Runs.Create(t.Context(), b.scope, r, ""); err != nil {
		t.Fatal(err)
	}
	got, err := b.Runs.Get(t.Context(), b.scope, r.ID)
	if err != nil || got.Environment != "development" || string(got.Sealed) != "\x00\xff sealed" || got.Parameters["token"] != "***" {
		t.Errorf("%+v, %v", got, err)
	}
	at := map[string]flows.Cursor{"n": {Column: "at", Value: "5"}}
	if err := b.Cursors.Reach(t.Context(), b.scope, flow, "development", r.ID, at); err != nil {
		t.Fatal(err)
	}
	for environment, want := range map[string]int{"development": 1, "production": 0} {
		if list, err := b.Cursors.List(t.Context(), b.scope, flow, environment); err != nil || len(list) != want {
			t.Errorf("cursors in %s: %v, %v", environment, list, err)
		}
	}
}
