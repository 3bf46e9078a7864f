package storetest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
)

func testFreeze(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	first := b.freeze(t, d.FlowID)
	want := flows.Revision{FlowID: d.FlowID, Number: 1, Hash: first.Hash, Document: d.Document, CreatedAt: d.UpdatedAt, CreatedBy: "ann"}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("first revision (-want +got):\n%s", diff)
	}
	doc, err := flows.ParseFlow(d.Document)
	if err != nil {
		t.Fatal(err)
	}
	if hash, err := doc.Hash(); err != nil || hash != first.Hash {
		t.Errorf("hash = %s, want %s (%v)", first.Hash, hash, err)
	}
	moved := flow("x")
	moved.Layout = []byte(`{"in":[1,2]}`)
	d = b.save(t, d, moved)
	if diff := cmp.Diff(first, b.freeze(t, d.FlowID)); diff != "" {
		t.Errorf("moving a node made another revision (-want +got):\n%s", diff)
	}
	d = b.save(t, d, edited("changed"))
	if second := b.freeze(t, d.FlowID); second.Number != 2 || second.Hash == first.Hash {
		t.Errorf("the changed draft became revision %d with hash %s", second.Number, second.Hash)
	}
	d = b.save(t, d, flow("x"))
	if back := b.freeze(t, d.FlowID); back.Number != 1 {
		t.Errorf("going back to the first document made revision %d", back.Number)
	}
	if got, err := b.Flows.Revision(t.Context(), b.scope, d.FlowID, 1); err != nil {
		t.Error(err)
	} else if diff := cmp.Diff(first, got); diff != "" {
		t.Errorf("read revision (-want +got):\n%s", diff)
	}
	for _, number := range []int{0, -1, 3, 1 << 40} {
		_, err := b.Flows.Revision(t.Context(), b.scope, d.FlowID, number)
		wantCode(t, err, "revision.not_found")
	}
	other := b.create(t, "x")
	if r := b.freeze(t, other.FlowID); r.Number != 1 {
		t.Errorf("the first revision of another flow has number %d", r.Number)
	}
}

func testConcurrentFreeze(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	for want := 1; want <= 3; want++ {
		revs := make([]flows.Revision, 16)
		for i, err := range together(len(revs), func(i int) (err error) {
			if i%2 == 0 {
				revs[i], err = b.Flows.Freeze(t.Context(), b.scope, d.FlowID)
			} else {
				revs[i], err = b.Flows.Publish(t.Context(), b.scope, d.FlowID)
			}
			return err
		}) {
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(revs[0], revs[i]); diff != "" || revs[i].Number != want {
				t.Fatalf("want revision %d from everybody, got %d (-first +this):\n%s", want, revs[i].Number, diff)
			}
		}
		if p := b.get(t, d.FlowID).Published; p != want {
			t.Errorf("published = %d, want %d", p, want)
		}
		d = b.save(t, b.get(t, d.FlowID), edited("%d", want))
	}
}

// testFreezeWhileSaving checks that numbers have no gaps and no hash occurs twice when everything happens at once.
func testFreezeWhileSaving(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	for _, err := range together(8, func(i int) error {
		for n := range 5 {
			cur, err := b.Flows.Get(t.Context(), b.scope, d.FlowID)
			if err != nil {
				return err
			}
			_, err = b.Flows.SaveDraft(t.Context(), b.scope, d.FlowID, cur.Etag, edited("%d", n*i%7))
			if e := flows.AsError(err); e != nil && e.Code != "draft.conflict" {
				return err
			}
			if _, err := b.Flows.Freeze(t.Context(), b.scope, d.FlowID); err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	page, err := b.Flows.Revisions(t.Context(), b.scope, d.FlowID, flows.ListOptions{})
	if err != nil || len(page.Items) == 0 {
		t.Fatalf("revisions: %v, %v", page.Items, err)
	}
	hashes := map[string]bool{}
	for i, r := range page.Items {
		if want := len(page.Items) - i; r.Number != want {
			t.Errorf("revision %d stands where %d should", r.Number, want)
		}
		if hashes[r.Hash] {
			t.Errorf("two revisions have the hash %s", r.Hash)
		}
		hashes[r.Hash] = true
	}
}

func testPublish(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	b.freeze(t, d.FlowID)
	d = b.save(t, d, edited("two"))
	for range 2 { // publishing what is published changes nothing
		r, err := b.Flows.Publish(t.Context(), b.scope, d.FlowID)
		if err != nil || r.Number != 2 {
			t.Fatalf("published revision %d, %v; want 2", r.Number, err)
		}
	}
	got := b.get(t, d.FlowID)
	if got.Published != 2 {
		t.Errorf("published = %d, want 2", got.Published)
	}
	if got.Etag != d.Etag || !got.UpdatedAt.Equal(d.UpdatedAt) {
		t.Error("publishing changed the draft, so an open editor would get a conflict")
	}
	d = b.save(t, d, edited("three"))
	if d.Published != 2 || b.get(t, d.FlowID).Published != 2 {
		t.Error("saving a draft changed what is published")
	}
	want := []string{"flow.create", "flow.freeze", "flow.save", "flow.freeze", "flow.publish", "flow.save"}
	if diff := cmp.Diff(want, b.actions(t, d.FlowID)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

func testRevisionPages(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	other := b.create(t, "y")
	for i := range 5 {
		d = b.save(t, d, edited("%d", i))
		b.freeze(t, d.FlowID)
	}
	var numbers []int
	var o flows.ListOptions
	for o.Limit = 2; ; {
		page, err := b.Flows.Revisions(t.Context(), b.scope, d.FlowID, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Items {
			numbers = append(numbers, r.Number)
			if r.Document != nil || r.Hash == "" || r.CreatedBy != "ann" || !r.CreatedAt.Equal(d.UpdatedAt) {
				t.Errorf("listed revision: %+v", r)
			}
		}
		if o.Cursor = page.Next; o.Cursor == "" {
			break
		}
		if _, err := b.Flows.Revisions(t.Context(), b.scope, other.FlowID, o); err == nil {
			t.Error("the cursor of one flow was accepted for another")
		}
	}
	if diff := cmp.Diff([]int{5, 4, 3, 2, 1}, numbers); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}

func testIsolation(t *testing.T, b *bundle) {
	d := b.create(t, "mine")
	b.freeze(t, d.FlowID)
	d = b.get(t, d.FlowID)
	stranger := flows.Scope{Project: "p2", Actor: "eve"}
	calls := draftCalls(b, d)
	for number := range 3 {
		calls[fmt.Sprintf("revision %d", number)] = nil
	}
	for name, call := range calls {
		var err error
		if call != nil {
			err = call(t.Context(), stranger)
		} else {
			var number int
			fmt.Sscanf(name, "revision %d", &number)
			_, err = b.Flows.Revision(t.Context(), stranger, d.FlowID, number)
		}
		if err == nil {
			t.Errorf("%s works from another project", name)
			continue
		}
		e := wantCode(t, err, "flow.not_found")
		if missing := flowMissing(t, b); e.Message != missing.Message || e.Suggestion != missing.Suggestion {
			t.Errorf("%s tells a stranger that the flow exists: %v", name, e)
		}
	}
	if page, err := b.Flows.List(t.Context(), stranger, flows.ListOptions{}); err != nil || len(page.Items) != 0 {
		t.Errorf("a stranger lists %v, %v", page.Items, err)
	}
	if entries, err := b.Audit.Object(t.Context(), stranger, "flow", d.FlowID); err != nil || len(entries) != 0 {
		t.Errorf("a stranger reads the audit: %v, %v", entries, err)
	}
	if diff := cmp.Diff(d, b.get(t, d.FlowID)); diff != "" {
		t.Errorf("a stranger changed the draft (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"flow.create", "flow.freeze"}, b.actions(t, d.FlowID)); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

func flowMissing(t *testing.T, b *bundle) *flows.Error {
	t.Helper()
	_, err := b.Flows.Get(t.Context(), b.scope, "01890000-0000-7000-8000-000000000000")
	return wantCode(t, err, "flow.not_found")
}

func testScopeRequired(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	for _, scope := range []flows.Scope{{}, {Project: "p1"}, {Actor: "ann"}} {
		calls := draftCalls(b, d)
		for name, call := range calls {
			if err := call(t.Context(), scope); err == nil {
				t.Errorf("%s works with scope %+v", name, scope)
			} else {
				wantCode(t, err, "scope.missing")
			}
		}
		_, err := b.Flows.Create(t.Context(), scope, flow("x"))
		wantCode(t, err, "scope.missing")
		_, err = b.Flows.List(t.Context(), scope, flows.ListOptions{})
		wantCode(t, err, "scope.missing")
		_, err = b.Flows.Revision(t.Context(), scope, d.FlowID, 1)
		wantCode(t, err, "scope.missing")
		_, err = b.Audit.Object(t.Context(), scope, "flow", d.FlowID)
		wantCode(t, err, "scope.missing")
	}
}

func testMalformedIDs(t *testing.T, b *bundle) {
	d := b.create(t, "x")
	for _, id := range []string{"", "x", "\x00", "\xff", "' OR 1=1 --", d.FlowID + " ", d.FlowID[:35], "{" + d.FlowID + "}", "%"} {
		for name, call := range draftCalls(b, flows.Draft{FlowID: id, Etag: d.Etag}) {
			if err := call(t.Context(), b.scope); err == nil {
				t.Errorf("%s works with id %q", name, id)
			} else if e := flows.AsError(err); e.Code != "flow.not_found" {
				t.Errorf("%s with id %q: %v", name, id, err)
			}
		}
	}
}
