package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
	"spark/store"
)

func testAudit(t *testing.T, b *bundle) {
	d := b.create(t, "one")
	b.clock.Advance(time.Second)
	b.scope.Actor = "ben"
	saved := b.save(t, d, flow("two"))
	rev, err := b.Flows.Publish(t.Context(), b.scope, d.FlowID)
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Audit.Object(t.Context(), b.scope, "flow", d.FlowID)
	if err != nil {
		t.Fatal(err)
	}
	entry := func(at time.Time, actor, action string, detail map[string]any) store.AuditEntry {
		return store.AuditEntry{At: at, Project: "p1", Actor: actor, Action: action, ObjectType: "flow", ObjectID: d.FlowID, Detail: detail}
	}
	want := []store.AuditEntry{
		entry(d.UpdatedAt, "ann", "flow.create", map[string]any{"name": "one", "etag": d.Etag}),
		entry(saved.UpdatedAt, "ben", "flow.save", map[string]any{"etag": saved.Etag, "before": d.Etag}),
		entry(saved.UpdatedAt, "ben", "flow.freeze", map[string]any{"revision": 1.0, "hash": rev.Hash}),
		entry(saved.UpdatedAt, "ben", "flow.publish", map[string]any{"revision": 1.0, "before": 0.0}),
	}
	for i := range got {
		if i > 0 && got[i].ID <= got[i-1].ID {
			t.Errorf("audit ids do not grow: %d after %d", got[i].ID, got[i-1].ID)
		}
		got[i].ID = 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

func testImmutable(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	rev := b.freeze(t, d.FlowID)
	for _, statement := range []string{
		"UPDATE audit SET actor = 'nobody'", "DELETE FROM audit", "UPDATE revisions SET document = '', hash = 'x'",
	} {
		if _, err := b.SQL().ExecContext(t.Context(), statement); err == nil {
			t.Errorf("the database accepts %s", statement)
		}
	}
	if got, err := b.Flows.Revision(t.Context(), b.scope, d.FlowID, 1); err != nil || got.Hash != rev.Hash {
		t.Errorf("revision = %+v, %v", got, err)
	}
	if n := len(b.actions(t, d.FlowID)); n != 2 {
		t.Errorf("%d audit rows, want 2", n)
	}
}

// testFailedChange breaks the audit table: then nothing may be changed either.
func testFailedChange(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	if _, err := b.SQL().ExecContext(t.Context(), "ALTER TABLE audit RENAME TO audit_gone"); err != nil {
		t.Fatal(err)
	}
	for name, call := range draftCalls(b, d) {
		switch name {
		case "get", "revisions", "restore": // read only, or nothing to do
			continue
		}
		if err := call(t.Context(), b.scope); err == nil {
			t.Errorf("%s succeeds without its audit row", name)
		}
	}
	if _, err := b.Flows.Create(t.Context(), b.scope, flow("new")); err == nil {
		t.Error("create succeeds without its audit row")
	}
	if diff := cmp.Diff(d, b.get(t, d.FlowID)); diff != "" {
		t.Errorf("a change without audit row was kept (-want +got):\n%s", diff)
	}
	if n := len(b.list(t, flows.ListOptions{}).Items); n != 1 {
		t.Errorf("%d flows, want 1", n)
	}
	if page, err := b.Flows.Revisions(t.Context(), b.scope, d.FlowID, flows.ListOptions{}); err != nil || len(page.Items) != 0 {
		t.Errorf("revisions = %v, %v", page.Items, err)
	}
}

func testReopen(t *testing.T, b *bundle) {
	d := b.create(t, "kept ✓")
	rev, err := b.Flows.Publish(t.Context(), b.scope, d.FlowID)
	if err != nil {
		t.Fatal(err)
	}
	d = b.save(t, b.get(t, d.FlowID), edited("later"))
	gone := b.create(t, "gone")
	if err := b.Flows.Delete(t.Context(), b.scope, gone.FlowID); err != nil {
		t.Fatal(err)
	}
	before := b.actions(t, d.FlowID)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	b.Store = b.open(t)
	if diff := cmp.Diff(d, b.get(t, d.FlowID)); diff != "" {
		t.Errorf("draft (-want +got):\n%s", diff)
	}
	if got, err := b.Flows.Revision(t.Context(), b.scope, d.FlowID, 1); err != nil {
		t.Error(err)
	} else if diff := cmp.Diff(rev, got); diff != "" {
		t.Errorf("revision (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, b.actions(t, d.FlowID)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	if _, err := b.Flows.Restore(t.Context(), b.scope, gone.FlowID); err != nil {
		t.Errorf("restore after reopening: %v", err)
	}
	if diff := cmp.Diff([]string{"gone", "edited"}, names(b.list(t, flows.ListOptions{}).Items)); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

func testConcurrentOpen(t *testing.T, b *bundle) {
	// The suite's own store has migrated already: take everything back, so that all of them have to.
	for _, statement := range []string{"DROP TABLE flow_cursors", "DROP TABLE flow_pins", "DROP TABLE flow_answers", "DROP TABLE run_delivered", "DROP TABLE run_log", "DROP TABLE rejects", "DROP TABLE reject_usage", "DROP TABLE run_samples", "DROP TABLE runs", "DROP TABLE revisions", "DROP TABLE flows", "DROP TABLE connections", "DROP TABLE connection_grants", "DROP TABLE connection_sign_ins", "DROP TABLE environments", "DROP TABLE environment_renames", "DROP TABLE audit", "DROP TABLE goose_db_version"} {
		if _, err := b.SQL().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	// SQLite has no functions of its own to drop.
	if b.cfg.DatabaseURL != "" {
		if _, err := b.SQL().ExecContext(t.Context(), "DROP FUNCTION spark_refuse_change"); err != nil {
			t.Fatal(err)
		}
	}
	stores := make([]*store.Store, 6)
	for _, err := range together(len(stores), func(i int) (err error) {
		stores[i], err = store.Open(t.Context(), b.cfg)
		return err
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	d, err := stores[0].Flows.Create(t.Context(), b.scope, flow("shared"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stores {
		if _, err := s.Flows.Get(t.Context(), b.scope, d.FlowID); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func testNewer(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	if _, err := b.SQL().ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)"); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(t.Context(), b.cfg)
	e := wantCode(t, err, "store.newer")
	if e.Params["version"] != int64(99999) || e.Suggestion == "" {
		t.Errorf("the error does not help: %v", e)
	}
	// Refused means untouched: the newer Spark that is still running goes on.
	if diff := cmp.Diff(d, b.get(t, d.FlowID)); diff != "" {
		t.Errorf("draft (-want +got):\n%s", diff)
	}
}
