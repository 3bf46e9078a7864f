package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"spark/flows"
	"spark/store"
)

func testCreateGet(t *testing.T, b *bundle) {
	doc := flow("Orders")
	made, err := b.Flows.Create(t.Context(), b.scope, doc)
	if err != nil {
		t.Fatal(err)
	}
	want := flows.Draft{FlowID: made.FlowID, Name: "Orders", Document: canonical(t, made.FlowID, doc), Etag: made.Etag,
		UpdatedAt: time.Date(2026, 3, 29, 1, 59, 59, 123_456_000, time.UTC), UpdatedBy: "ann"}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, b.get(t, made.FlowID)); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	if made.Etag == "" {
		t.Error("the draft has no etag")
	}
	if doc.ID != "" {
		t.Errorf("the caller's document was changed: its id is %q", doc.ID)
	}
}

func testCreateIDs(t *testing.T, b *bundle) {
	doc := flow("imported")
	doc.ID = b.create(t, "first").FlowID // an export of the first flow
	again, err := b.Flows.Create(t.Context(), b.scope, doc)
	if err != nil {
		t.Fatal(err)
	}
	if again.FlowID == doc.ID {
		t.Error("creating took the id of the document, which belongs to another flow")
	}
	if id, err := uuid.Parse(again.FlowID); err != nil || id.Version() != 7 {
		t.Errorf("id = %s, want a UUID of version 7", again.FlowID)
	}
}

func testSaveDraft(t *testing.T, b *bundle) {
	d := b.create(t, "before")
	b.clock.Advance(time.Minute)
	b.scope.Actor = "ben"
	doc := flow("after")
	saved := b.save(t, d, doc)
	if saved.Etag == d.Etag {
		t.Error("the etag did not change")
	}
	want := flows.Draft{FlowID: d.FlowID, Name: "after", Document: canonical(t, d.FlowID, doc), Etag: saved.Etag,
		UpdatedAt: d.UpdatedAt.Add(time.Minute), UpdatedBy: "ben"}
	if diff := cmp.Diff(want, saved); diff != "" {
		t.Errorf("saved (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, b.get(t, d.FlowID)); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	if same := b.save(t, saved, doc); same.Etag == saved.Etag {
		t.Error("saving an equal document kept the etag")
	}
}

func testStaleEtag(t *testing.T, b *bundle) {
	first := b.create(t, "one")
	second := b.save(t, first, flow("two"))
	for _, etag := range []string{first.Etag, "", "\x00", second.Etag + " "} {
		_, err := b.Flows.SaveDraft(t.Context(), b.scope, first.FlowID, etag, flow("three"))
		e := wantCode(t, err, "draft.conflict")
		if e.Params["etag"] != second.Etag {
			t.Errorf("the conflict names etag %v, want the current one %s", e.Params["etag"], second.Etag)
		}
	}
	if diff := cmp.Diff(second, b.get(t, first.FlowID)); diff != "" {
		t.Errorf("a refused save changed the draft (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"flow.create", "flow.save"}, b.actions(t, first.FlowID)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

func testConcurrentSavers(t *testing.T, b *bundle) {
	const savers, rounds = 16, 5
	d := b.create(t, "contended")
	stores := []*store.Store{b.Store, b.open(t)} // as two processes would
	for round := range rounds {
		drafts := make([]flows.Draft, savers)
		errs := together(savers, func(i int) (err error) {
			drafts[i], err = stores[i%2].Flows.SaveDraft(t.Context(), b.scope, d.FlowID, d.Etag, edited("round %d saver %d", round, i))
			return err
		})
		winner := -1
		for i, err := range errs {
			if err != nil {
				wantCode(t, err, "draft.conflict")
				continue
			}
			if winner >= 0 {
				t.Fatalf("savers %d and %d both won etag %s", winner, i, d.Etag)
			}
			winner = i
		}
		if winner < 0 {
			t.Fatal("nobody could save")
		}
		d = drafts[winner]
		if diff := cmp.Diff(d, b.get(t, d.FlowID)); diff != "" {
			t.Fatalf("what the winner saved is not what is stored (-want +got):\n%s", diff)
		}
	}
	if n := len(b.actions(t, d.FlowID)); n != 1+rounds {
		t.Errorf("%d audit rows, want %d", n, 1+rounds)
	}
}

func testUnknownMembers(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	text := `{"format": 1, "id": "` + d.FlowID + `", "name": "later", "zebra": {"b": 1.50, "a": [1e400, 123456789012345678901234567890]},
		"settings": {"rejects": "skip", "sooner": true},
		"parameters": [{"name": "p", "type": "int64", "hint": "h"}],
		"nodes": [{"id": "a", "type": "next.year", "version": 99, "colour": "red", "config": {"deep": {"n": -0.0}}}],
		"edges": [{"from": {"node": "a", "port": "out"}, "to": {"node": "a", "port": "in"}, "weight": 2}],
		"layout": {"a": [10, 20]}}`
	doc, err := flows.ParseFlow([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want, err := doc.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	d = b.save(t, d, doc)
	stored := b.get(t, d.FlowID).Document
	if diff := cmp.Diff(string(want), string(stored)); diff != "" {
		t.Errorf("stored draft (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(string(want), string(b.freeze(t, d.FlowID).Document)); diff != "" {
		t.Errorf("revision (-want +got):\n%s", diff)
	}
	for _, piece := range []string{"1.50", "1e400", "123456789012345678901234567890", "-0.0", "colour", "weight", "sooner", "hint"} {
		if !bytes.Contains(stored, []byte(piece)) {
			t.Errorf("%s was lost", piece)
		}
	}
}

func testUnreadable(t *testing.T, b *bundle) {
	d := b.create(t, "fine")
	bad := flow("bad")
	bad.Nodes = append(bad.Nodes, bad.Nodes[0]) // two nodes of one id
	big := flow("big")
	big.Nodes[0].Notes = strings.Repeat("x", flows.MaxDocumentBytes)
	for code, doc := range map[string]*flows.Flow{"document.node_id": bad, "document.too_large": big} {
		_, err := b.Flows.SaveDraft(t.Context(), b.scope, d.FlowID, d.Etag, doc)
		if e := flows.AsError(err); e == nil || e.Code != code {
			t.Errorf("save: %v, want %s", err, code)
		}
		if _, err := b.Flows.Create(t.Context(), b.scope, doc); err == nil {
			t.Errorf("create accepted a document with %s", code)
		}
	}
	if diff := cmp.Diff(d, b.get(t, d.FlowID)); diff != "" {
		t.Errorf("a refused document changed the draft (-want +got):\n%s", diff)
	}
}

func testUnicode(t *testing.T, b *bundle) {
	for _, name := range []string{"", "Größe ✓ 数据流 🚀", "a\u0301", "\u202Eevil", "NUL\x00inside", `"quotes" \ 'single' ; DROP TABLE flows; --`, "line\nbreak\u2028"} {
		doc := flow(name)
		doc.Nodes[0].Name = name
		doc.Description = name
		d, err := b.Flows.Create(t.Context(), b.scope, doc)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		got := b.get(t, d.FlowID)
		back, err := flows.ParseFlow(got.Document)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if back.Name != name || back.Nodes[0].Name != name || back.Description != name {
			t.Errorf("%q came back as %q", name, back.Name)
		}
		if want := strings.ReplaceAll(name, "\x00", "\uFFFD"); got.Name != want {
			t.Errorf("listed name = %q, want %q", got.Name, want)
		}
	}
	b.scope = flows.Scope{Project: "проект", Actor: "Zoë 🙂"}
	if d := b.create(t, "x"); b.get(t, d.FlowID).UpdatedBy != "Zoë 🙂" {
		t.Error("the actor's name was changed")
	}
}

func testMegabyte(t *testing.T, b *bundle) {
	doc := flow("big")
	for i := len(doc.Nodes); i < 2000; i++ {
		doc.Nodes = append(doc.Nodes, flows.Node{ID: fmt.Sprintf("n%d", i), Type: "formula", Version: 1,
			Config: []byte(`{"expression":"` + strings.Repeat("é", 230) + `"}`)})
	}
	d, err := b.Flows.Create(t.Context(), b.scope, doc)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Document) < 1<<20 {
		t.Fatalf("the document has only %d bytes", len(d.Document))
	}
	if !bytes.Equal(b.get(t, d.FlowID).Document, d.Document) {
		t.Error("the draft came back different")
	}
	if !bytes.Equal(b.freeze(t, d.FlowID).Document, d.Document) {
		t.Error("the revision is not the draft")
	}
}

func testDeleteRestore(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	rev := b.freeze(t, d.FlowID)
	ctx := t.Context()
	if err := b.Flows.Delete(ctx, b.scope, d.FlowID); err != nil {
		t.Fatal(err)
	}
	for name, call := range draftCalls(b, d) {
		if name == "restore" {
			continue
		}
		if err := call(ctx, b.scope); err == nil {
			t.Errorf("%s works on a deleted flow", name)
		} else {
			wantCode(t, err, "flow.not_found")
		}
	}
	if page, err := b.Flows.List(ctx, b.scope, flows.ListOptions{}); err != nil || len(page.Items) != 0 {
		t.Errorf("a deleted flow is listed: %v, %v", page.Items, err)
	}
	if got, err := b.Flows.Revision(ctx, b.scope, d.FlowID, 1); err != nil || got.Hash != rev.Hash {
		t.Errorf("a run of a deleted flow cannot read its revision: %v", err)
	}
	for range 2 { // the second one changes nothing
		back, err := b.Flows.Restore(ctx, b.scope, d.FlowID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, back); diff != "" {
			t.Errorf("restored (-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff([]string{"flow.create", "flow.freeze", "flow.delete", "flow.restore"}, b.actions(t, d.FlowID)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

// draftCalls are all methods on one flow.
func draftCalls(b *bundle, d flows.Draft) map[string]func(context.Context, flows.Scope) error {
	return map[string]func(context.Context, flows.Scope) error{
		"get": func(ctx context.Context, s flows.Scope) error { _, err := b.Flows.Get(ctx, s, d.FlowID); return err },
		"save": func(ctx context.Context, s flows.Scope) error {
			_, err := b.Flows.SaveDraft(ctx, s, d.FlowID, d.Etag, flow("stolen"))
			return err
		},
		"delete": func(ctx context.Context, s flows.Scope) error { return b.Flows.Delete(ctx, s, d.FlowID) },
		"restore": func(ctx context.Context, s flows.Scope) error {
			_, err := b.Flows.Restore(ctx, s, d.FlowID)
			return err
		},
		"freeze": func(ctx context.Context, s flows.Scope) error { _, err := b.Flows.Freeze(ctx, s, d.FlowID); return err },
		"publish": func(ctx context.Context, s flows.Scope) error {
			_, err := b.Flows.Publish(ctx, s, d.FlowID)
			return err
		},
		"revisions": func(ctx context.Context, s flows.Scope) error {
			_, err := b.Flows.Revisions(ctx, s, d.FlowID, flows.ListOptions{})
			return err
		},
	}
}

func testCancelled(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range draftCalls(b, d) {
		if err := call(ctx, b.scope); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want %v", name, err, context.Canceled)
		}
	}
	if diff := cmp.Diff(d, b.get(t, d.FlowID)); diff != "" {
		t.Errorf("a cancelled call changed the draft (-want +got):\n%s", diff)
	}
}
