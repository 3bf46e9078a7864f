package storetest

import (
	"encoding/json"
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

// testRenamedEnvironment: everything of an environment follows its new name, revisions as they are read, and the name that
// targets know stays.
func testRenamedEnvironment(t *testing.T, b *bundle) {
	save := func(list ...flows.Environment) error {
		_, err := b.Environments.Save(t.Context(), b.scope, list)
		return err
	}
	if err := save(flows.Environment{Name: "production", Default: true}, flows.Environment{Name: "dev"}); err != nil {
		t.Fatal(err)
	}
	c := b.connection(t, "warehouse")
	doc := &flows.Flow{Format: flows.Format, Name: "values", Parameters: []flows.Parameter{{Name: "p", Type: flows.Of(flows.Text), Environments: map[string]json.RawMessage{"dev": json.RawMessage(`"d"`), "production": json.RawMessage(`"p"`)}}}}
	draft, err := b.Flows.Create(t.Context(), b.scope, doc)
	if err != nil {
		t.Fatal(err)
	}
	rev, err := b.Flows.Freeze(t.Context(), b.scope, draft.FlowID)
	if err != nil {
		t.Fatal(err)
	}
	b.enqueued(t)
	r := flows.Run{ID: uuid.Must(uuid.NewV7()).String(), FlowID: draft.FlowID, Revision: rev.Number, Trigger: flows.TriggerManual, Environment: "production"}
	if r, _, err = b.Runs.Create(t.Context(), b.scope, r, ""); err != nil {
		t.Fatal(err)
	}
	if err := b.Cursors.Reach(t.Context(), b.scope, draft.FlowID, "production", r.ID, map[string]flows.Cursor{"a": {Column: "id", Value: "7"}}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, save(flows.Environment{Name: "live", Was: "production", Default: true}, flows.Environment{Name: "dev"}), "environment.busy")
	if done, err := b.Runs.CancelQueued(t.Context(), b.scope, r.ID); err != nil || !done {
		t.Fatal(err)
	}
	for _, wrong := range [][]flows.Environment{
		{{Name: "dev", Was: "production", Default: true}, {Name: "x", Was: "dev"}}, {{Name: "live", Was: "production", Default: true}, {Name: "other", Was: "production"}},
		{{Name: "live", Was: "production", Default: true}, {Name: "production"}, {Name: "dev"}},
	} {
		wantCode(t, save(wrong...), "environment.list")
	}
	wantCode(t, save(flows.Environment{Name: "live", Was: "staging", Default: true}, flows.Environment{Name: "production"}, flows.Environment{Name: "dev"}), "environment.unknown")
	if err := save(flows.Environment{Name: "live", Was: "production", Default: true}, flows.Environment{Name: "dev"}); err != nil {
		t.Fatal(err)
	}
	wantCode(t, save(flows.Environment{Name: "live", Default: true}, flows.Environment{Name: "dev"}, flows.Environment{Name: "production"}), "environment.former")
	look := func(name string) {
		t.Helper()
		key, err := b.Environments.Key(t.Context(), b.scope, name)
		if err != nil || key != "production" {
			t.Errorf("targets know %s as %q, %v", name, key, err)
		}
		if got, _, found, err := b.Connections.Named(t.Context(), b.scope, "warehouse", name); err != nil || !found || got.ID != c.ID {
			t.Errorf("the connection in %s: %+v, %v", name, got, err)
		}
		if list, err := b.Cursors.List(t.Context(), b.scope, draft.FlowID, name); err != nil || len(list) != 1 || list[0].Value != "7" {
			t.Errorf("the cursors in %s: %+v, %v", name, list, err)
		}
		if got, err := b.Runs.Get(t.Context(), b.scope, r.ID); err != nil || got.Environment != name {
			t.Errorf("the run is in %s, %v", got.Environment, err)
		}
		now, err := b.Flows.Get(t.Context(), b.scope, draft.FlowID)
		frozen, err2 := b.Flows.Revision(t.Context(), b.scope, draft.FlowID, rev.Number)
		if err != nil || err2 != nil || now.Etag == draft.Etag {
			t.Fatal(err, err2, now.Etag)
		}
		for what, document := range map[string][]byte{"draft": now.Document, "revision": frozen.Document} {
			f, err := flows.ParseFlow(document)
			if err != nil || !cmp.Equal(f.Parameters[0].Environments, map[string]json.RawMessage{"dev": json.RawMessage(`"d"`), name: json.RawMessage(`"p"`)}) {
				t.Errorf("the values in the %s: %s, %v", what, document, err)
			}
		}
	}
	look("live")
	if err := save(flows.Environment{Name: "prod", Was: "live", Default: true}, flows.Environment{Name: "dev"}); err != nil {
		t.Fatal(err)
	}
	look("prod")
	if err := save(flows.Environment{Name: "production", Was: "prod", Default: true}, flows.Environment{Name: "dev"}); err != nil { // back
		t.Fatal(err)
	}
	look("production")
	if list, err := b.Environments.List(t.Context(), b.scope); err != nil || len(list) != 2 || list[0] != (flows.Environment{Name: "production", Default: true}) {
		t.Errorf("%+v, %v", list, err)
	}
}
