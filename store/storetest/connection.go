package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"spark/flows"
)

func (b *bundle) connection(t *testing.T, name string) flows.Connection {
	t.Helper()
	c := flows.Connection{ID: uuid.Must(uuid.NewV7()).String(), Name: name, Environment: flows.FirstEnvironment, Type: "postgres", Settings: json.RawMessage(`{"host":"db"}`), Secrets: []string{"password"}, Place: "db:5432"}
	made, err := b.Connections.Create(t.Context(), b.scope, c, []byte("sealed\x00\xff"))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func testConnections(t *testing.T, b *bundle) {
	first := b.connection(t, "warehouse")
	b.connection(t, "Lake")
	if first.Etag == "" || !first.UpdatedAt.Equal(b.clock.Now()) || first.UpdatedBy != "ann" {
		t.Errorf("created: %+v", first)
	}
	got, sealed, err := b.Connections.Get(t.Context(), b.scope, first.ID)
	if d := cmp.Diff(first, got); d != "" || err != nil || string(sealed) != "sealed\x00\xff" {
		t.Errorf("got %q, %v, %s", sealed, err, d)
	}
	named, sealed, found, err := b.Connections.Named(t.Context(), b.scope, "warehouse", flows.FirstEnvironment)
	if err != nil || !found || named.ID != first.ID || string(sealed) != "sealed\x00\xff" {
		t.Errorf("by its name: %+v %q %t, %v", named, sealed, found, err)
	}
	for _, name := range []string{"Warehouse", "", "ware\x00house", "war%"} {
		if _, _, found, err := b.Connections.Named(t.Context(), b.scope, name, flows.FirstEnvironment); err != nil || found {
			t.Errorf("by the name %q: %t, %v", name, found, err)
		}
	}
	list, err := b.Connections.List(t.Context(), b.scope)
	if err != nil || len(list) != 2 || list[0].Name != "Lake" || list[1].Name != "warehouse" {
		t.Errorf("list: %+v, %v", list, err)
	}
	b.clock.Advance(time.Minute)
	next := first
	next.Name, next.Place, next.Secrets = "wh", "db2:5432", nil
	saved, err := b.Connections.Update(t.Context(), b.scope, first.Etag, next, nil)
	if err != nil || saved.Name != "wh" || saved.Etag == first.Etag || len(saved.Secrets) != 0 || !saved.UpdatedAt.Equal(b.clock.Now()) {
		t.Errorf("saved: %+v, %v", saved, err)
	}
	if _, sealed, err := b.Connections.Get(t.Context(), b.scope, first.ID); err != nil || len(sealed) != 0 {
		t.Errorf("the secrets are still there: %q, %v", sealed, err)
	}
	_, err = b.Connections.Update(t.Context(), b.scope, first.Etag, next, nil)
	if e := flows.AsError(err); e == nil || e.Code != "connection.conflict" {
		t.Errorf("a stale etag: %v", err)
	}
	next.Name = "Lake"
	_, err = b.Connections.Update(t.Context(), b.scope, saved.Etag, next, nil)
	if e := flows.AsError(err); e == nil || e.Code != "connection.name_taken" {
		t.Errorf("a taken name: %v", err)
	}
	if err := b.Connections.Delete(t.Context(), b.scope, first.ID); err != nil {
		t.Error(err)
	}
	_, _, err = b.Connections.Get(t.Context(), b.scope, first.ID)
	if e := flows.AsError(err); e == nil || e.Code != "connection.not_found" {
		t.Errorf("deleted: %v", err)
	}
	var actions []string
	entries, err := b.Audit.Object(t.Context(), b.scope, "connection", first.ID)
	for _, e := range entries {
		actions = append(actions, e.Action)
	}
	if d := cmp.Diff([]string{"connection.create", "connection.save", "connection.delete"}, actions); d != "" || err != nil {
		t.Errorf("audit: %v, %s", err, d)
	}
}

func testConnectionIsolation(t *testing.T, b *bundle) {
	c := b.connection(t, "warehouse")
	other := flows.Scope{Project: "p2", Actor: "eve"}
	if _, _, err := b.Connections.Get(t.Context(), other, c.ID); flows.AsError(err) == nil {
		t.Error("another project reads it")
	}
	if _, _, found, _ := b.Connections.Named(t.Context(), other, "warehouse", flows.FirstEnvironment); found {
		t.Error("another project finds it by its name")
	}
	if list, err := b.Connections.List(t.Context(), other); err != nil || len(list) != 0 {
		t.Errorf("another project lists %v, %v", list, err)
	}
	if _, err := b.Connections.Update(t.Context(), other, c.Etag, c, nil); flows.AsError(err) == nil {
		t.Error("another project changes it")
	}
	if err := b.Connections.Delete(t.Context(), other, c.ID); flows.AsError(err) == nil {
		t.Error("another project deletes it")
	}
	c.ID = uuid.Must(uuid.NewV7()).String()
	if _, err := b.Connections.Create(t.Context(), other, c, nil); err != nil {
		t.Errorf("another project cannot have the name: %v", err)
	}
}
