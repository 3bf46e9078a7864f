package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"spark/flows"
)

// refusing makes a run that refuses these records and ends in that state.
func (b *bundle) refusing(t *testing.T, rev flows.Revision, end flows.RunState, rejects ...flows.Reject) flows.Run {
	t.Helper()
	r := b.run(t, rev, "")
	_, fence, err := b.Runs.Lease(t.Context(), b.scope, r.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Runs.AddRejects(t.Context(), b.scope, fence, r.ID, rejects); err != nil {
		t.Fatal(err)
	}
	if page := b.inbox(t, flows.InboxFilter{Run: r.ID}); len(page) != 0 {
		t.Errorf("%d rejects are in the inbox before the run has committed", len(page))
	}
	r.State = end
	if err := b.Runs.Save(t.Context(), b.scope, fence, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func reject(node, code, field string, n int) flows.Reject {
	return flows.Reject{Node: node, Code: code, Field: field, Reason: fmt.Sprintf("%s is no number ✗", code), File: "in.csv", Line: int64(n + 1), Record: int64(n), Raw: fmt.Sprintf("Größe\x00;%d", n)}
}

func (b *bundle) inbox(t *testing.T, f flows.InboxFilter) []flows.StoredReject {
	t.Helper()
	var all []flows.StoredReject
	for {
		page, err := b.Rejects.List(t.Context(), b.scope, f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
		if f.Cursor = page.Next; f.Cursor == "" {
			return all
		}
	}
}

func idsOf(list []flows.StoredReject) []string {
	ids := make([]string, len(list))
	for i, r := range list {
		ids[i] = r.ID
	}
	return ids
}

// testInbox: rejects of runs that have committed are open, in groups and in pages; those of others are read at their run.
func testInbox(t *testing.T, b *bundle) {
	b.enqueued(t)
	rev := b.revision(t)
	for _, end := range []flows.RunState{flows.RunFailed, flows.RunCancelled} {
		r := b.refusing(t, rev, end, reject("in", "csv.type", "a", 1))
		if page, err := b.Runs.Rejects(t.Context(), b.scope, r.ID, flows.RejectFilter{}); err != nil || len(page.Items) != 1 {
			t.Errorf("rejects of a run that %s: %v, %v", end, page.Items, err)
		}
	}
	if all := b.inbox(t, flows.InboxFilter{}); len(all) != 0 {
		t.Errorf("open rejects of runs that have not committed: %v", all)
	}
	b.refusing(t, rev, flows.RunSucceeded, reject("in", "csv.type", "a", 1), reject("in", "csv.type", "a", 2), reject("in", "csv.type", "b", 3))
	b.clock.Advance(time.Hour)
	b.refusing(t, rev, flows.RunSucceeded, reject("in", "csv.type", "a", 7), reject("to", "cast.text", "", 8))
	for _, limit := range []int{1, 2, 100} {
		all := b.inbox(t, flows.InboxFilter{Limit: limit})
		var records []int64
		for _, r := range all {
			records = append(records, r.Record)
		}
		if !slices.Equal(records, []int64{8, 7, 3, 2, 1}) || all[0].FlowName != "x" || all[0].Revision != rev.Number || all[0].Raw != "Größe\x00;8" {
			t.Errorf("in pages of %d: %v, %+v", limit, records, all[0])
		}
		var groups []string
		f := flows.InboxFilter{Limit: limit}
		for {
			page, err := b.Rejects.Groups(t.Context(), b.scope, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range page.Items {
				groups = append(groups, fmt.Sprintf("%s %s %s %d %v", g.Node, g.Code, g.Field, g.Count, g.Last.Sub(g.First)))
				if g.Reason == "" || g.FlowName != "x" {
					t.Errorf("group %+v", g)
				}
			}
			if f.Cursor = page.Next; f.Cursor == "" {
				break
			}
		}
		if want := []string{"in csv.type a 3 1h0m0s", "in csv.type b 1 0s", "to cast.text  1 0s"}; !slices.Equal(groups, want) {
			t.Errorf("groups in pages of %d: %q, want %q", limit, groups, want)
		}
	}
	none := ""
	for what, f := range map[string]flows.InboxFilter{"field": {Field: &none}, "text": {Text: "grösse\uFFFD;8"}, "node": {Node: "to"}, "code": {Code: "cast.text"}} {
		if all := b.inbox(t, f); len(all) != 1 || all[0].Record != 8 {
			t.Errorf("by %s: %v", what, all)
		}
	}
	if n, err := b.Rejects.Count(t.Context(), b.scope); err != nil || n != 5 {
		t.Errorf("%d open, %v", n, err)
	}
	other := flows.Scope{Project: "p2", Actor: "eve"}
	if page, err := b.Rejects.List(t.Context(), other, flows.InboxFilter{}); err != nil || len(page.Items) != 0 {
		t.Errorf("another project sees %v, %v", page.Items, err)
	}
	if n, err := b.Rejects.Discard(t.Context(), other, flows.Selection{IDs: idsOf(b.inbox(t, flows.InboxFilter{}))}, "x"); err != nil || n != 0 {
		t.Errorf("another project discards %d, %v", n, err)
	}
	for _, cursor := range []string{"x", "AA", "WyJhIl0"} {
		_, err := b.Rejects.List(t.Context(), b.scope, flows.InboxFilter{Cursor: cursor})
		wantCode(t, err, "cursor.invalid")
		_, err = b.Rejects.Groups(t.Context(), b.scope, flows.InboxFilter{Cursor: cursor})
		wantCode(t, err, "cursor.invalid")
	}
}

// testDiscard: who ended a reject, when and why is kept.
func testDiscard(t *testing.T, b *bundle) {
	b.enqueued(t)
	b.refusing(t, b.revision(t), flows.RunSucceeded, reject("in", "c", "a", 1), reject("in", "c", "a", 2), reject("in", "c", "b", 3))
	all := b.inbox(t, flows.InboxFilter{})
	_, err := b.Rejects.Discard(t.Context(), b.scope, flows.Selection{}, " ")
	wantCode(t, err, "reject.comment")
	_, err = b.Rejects.Discard(t.Context(), b.scope, flows.Selection{IDs: []string{"nonsense"}}, "x")
	wantCode(t, err, "reject.not_found")
	if n, err := b.Rejects.Discard(t.Context(), b.scope, flows.Selection{IDs: []string{all[0].ID}}, "a test ✓"); err != nil || n != 1 {
		t.Fatalf("discarded %d, %v", n, err)
	}
	if n, err := b.Rejects.Discard(t.Context(), b.scope, flows.Selection{IDs: []string{all[0].ID}}, "again"); err != nil || n != 0 {
		t.Errorf("discarded again: %d, %v", n, err)
	}
	done := b.inbox(t, flows.InboxFilter{State: flows.RejectDiscarded})
	if len(done) != 1 || done[0].Comment != "a test ✓" || done[0].ResolvedBy != "ann" || !done[0].ResolvedAt.Equal(b.clock.Now()) {
		t.Errorf("discarded: %+v", done)
	}
	field := "a"
	if n, err := b.Rejects.Discard(t.Context(), b.scope, flows.Selection{Filter: flows.InboxFilter{Field: &field}}, "all of a"); err != nil || n != 2 {
		t.Errorf("discarded %d of a group, %v", n, err)
	}
}

// testReplayClaims: a replay takes all of its rejects or none; they are done when it has committed, open again when
// nothing of it was written, and its own where nobody knows.
func testReplayClaims(t *testing.T, b *bundle) {
	b.enqueued(t)
	rev := b.revision(t)
	b.refusing(t, rev, flows.RunSucceeded, reject("in", "c", "a", 1), reject("in", "c", "a", 2))
	ids := idsOf(b.inbox(t, flows.InboxFilter{}))
	replay := func(ids []string) (flows.Run, error) {
		r := newRun(rev)
		r.Trigger, r.Until = flows.TriggerReplay, ""
		r, _, err := b.Runs.CreateReplay(t.Context(), b.scope, r, "", ids)
		return r, err
	}
	_, err := replay(append([]string{ids[0][:36] + ".99"}, ids...))
	wantCode(t, err, "reject.not_open")
	for _, end := range []struct {
		state   flows.RunState
		granted bool
		want    flows.RejectState
	}{{flows.RunCancelled, false, flows.RejectOpen}, {flows.RunFailed, false, flows.RejectOpen}, {flows.RunSucceeded, true, flows.RejectReplayed}} {
		r, err := replay(ids)
		if err != nil {
			t.Fatal(err)
		}
		_, err = replay(ids[:1])
		wantCode(t, err, "reject.not_open")
		if taken, err := b.Runs.Replayed(t.Context(), b.scope, r.ID); err != nil || len(taken) != 2 || taken[0].Record != 1 || taken[0].State != flows.RejectReplaying {
			t.Fatalf("taken: %+v, %v", taken, err)
		}
		_, fence, err := b.Runs.Lease(t.Context(), b.scope, r.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Runs.AddRejects(t.Context(), b.scope, fence, r.ID, []flows.Reject{reject("in", "c", "a", 9)}); err != nil {
			t.Fatal(err)
		}
		if err := b.Runs.ForgetRejects(t.Context(), b.scope, fence, r.ID); err != nil {
			t.Fatal(err)
		}
		if err := b.Runs.AddRejects(t.Context(), b.scope, fence, r.ID, []flows.Reject{reject("in", "c", "a", 2)}); err != nil {
			t.Fatal(err)
		}
		if end.granted {
			if err := b.Runs.Grant(t.Context(), b.scope, fence, r.ID); err != nil {
				t.Fatal(err)
			}
		}
		r.State = end.state
		if err := b.Runs.Save(t.Context(), b.scope, fence, r); err != nil {
			t.Fatal(err)
		}
		if got := b.inbox(t, flows.InboxFilter{State: end.want}); end.want == flows.RejectOpen && len(got) != 2 || end.want == flows.RejectReplayed && (len(got) != 2 || got[0].ReplayRun != r.ID) {
			t.Errorf("after %s: %+v", end.state, got)
		}
	}
	again := b.inbox(t, flows.InboxFilter{})
	if len(again) != 1 || again[0].Record != 2 || again[0].Earlier == "" {
		t.Fatalf("refused again: %+v", again)
	}
	r, err := replay(idsOf(again))
	if err != nil {
		t.Fatal(err)
	}
	_, fence, err := b.Runs.Lease(t.Context(), b.scope, r.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Runs.Grant(t.Context(), b.scope, fence, r.ID); err != nil {
		t.Fatal(err)
	}
	r.State = flows.RunFailed
	if err := b.Runs.Save(t.Context(), b.scope, fence, r); err != nil {
		t.Fatal(err)
	}
	if open, own := b.inbox(t, flows.InboxFilter{}), b.inbox(t, flows.InboxFilter{State: flows.RejectReplaying}); len(open) != 0 || len(own) != 1 {
		t.Errorf("a replay that may have committed left %v open and %v its own", open, own)
	}
	inDoubt := flows.Selection{Filter: flows.InboxFilter{State: flows.RejectReplaying}}
	if n, err := b.Rejects.Reopen(t.Context(), b.scope, inDoubt, "looked: not there"); err != nil || n != 1 || len(b.inbox(t, flows.InboxFilter{})) != 1 {
		t.Errorf("opened %d again, %v", n, err)
	}
	if n, err := b.Rejects.Reopen(t.Context(), b.scope, flows.Selection{IDs: idsOf(again)}, "they are open"); err != nil || n != 0 {
		t.Errorf("opened %d that are open, %v", n, err)
	}
	if n, err := b.Rejects.Discard(t.Context(), b.scope, flows.Selection{IDs: idsOf(again)}, "they are there"); err != nil || n != 1 {
		t.Errorf("discarded %d that nobody knows of, %v", n, err)
	}
}

// testPurge: what is too old goes, in small transactions, and makes room.
func testPurge(t *testing.T, b *bundle) {
	b.enqueued(t)
	rev := b.revision(t)
	var many []flows.Reject
	for i := range 1200 {
		many = append(many, reject("in", "c", "a", i+1))
	}
	b.refusing(t, rev, flows.RunSucceeded, many...)
	b.clock.Advance(24 * time.Hour)
	b.refusing(t, rev, flows.RunSucceeded, reject("in", "c", "a", 1))
	if n, err := b.Rejects.Purge(t.Context(), b.clock.Now().Add(-time.Hour)); err != nil || n != 1200 {
		t.Errorf("purged %d, %v", n, err)
	}
	if left := b.inbox(t, flows.InboxFilter{}); len(left) != 1 {
		t.Errorf("%d are left", len(left))
	}
	r := b.run(t, rev, "")
	_, fence, err := b.Runs.Lease(t.Context(), b.scope, r.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	huge := flows.Reject{Node: "in", Raw: strings.Repeat("x", 1<<20)}
	if err := b.Runs.AddRejects(t.Context(), b.scope, fence, r.ID, []flows.Reject{huge}); err != nil {
		t.Error(err)
	}
	err = b.Runs.AddRejects(t.Context(), b.scope, fence, r.ID, []flows.Reject{huge})
	wantCode(t, err, "rejects.full")
	if page, err := b.Runs.Rejects(t.Context(), b.scope, r.ID, flows.RejectFilter{}); err != nil || len(page.Items) != 1 {
		t.Errorf("%d rejects are stored beyond the limit, %v", len(page.Items), err)
	}
}
