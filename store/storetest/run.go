package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"spark/flows"
)

// enqueued makes the store note its jobs in a table of the test: they must be there exactly when their runs are.
func (b *bundle) enqueued(t *testing.T) {
	t.Helper()
	if _, err := b.SQL().ExecContext(t.Context(), "CREATE TABLE test_jobs (run TEXT)"); err != nil {
		t.Fatal(err)
	}
	b.Runs.Enqueue = func(ctx context.Context, tx *sql.Tx, _, run string, attempt int) error {
		if attempt != 1 {
			return errors.New("the first attempt has another number")
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO test_jobs (run) VALUES ($1)", run)
		return err
	}
}

func (b *bundle) jobs(t *testing.T) (n int) {
	t.Helper()
	if err := b.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM test_jobs").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (b *bundle) run(t *testing.T, rev flows.Revision, key string) flows.Run {
	t.Helper()
	r, _, err := b.Runs.Create(t.Context(), b.scope, newRun(rev), key)
	if err != nil {
		t.Fatalf("create run: %v", err)
	}
	return r
}

func newRun(rev flows.Revision) flows.Run {
	return flows.Run{ID: uuid.Must(uuid.NewV7()).String(), FlowID: rev.FlowID, FlowName: "Läuft ✓", Revision: rev.Number, Until: "in",
		Trigger: flows.TriggerManual, Parameters: map[string]string{"day": "2026-01-31"}}
}

func (b *bundle) revision(t *testing.T) flows.Revision {
	t.Helper()
	return b.freeze(t, b.create(t, "x").FlowID)
}

func testRun(t *testing.T, b *bundle) {
	b.enqueued(t)
	rev := b.revision(t)
	r := b.run(t, rev, "")
	want := newRun(rev)
	want.ID, want.State, want.Attempt, want.CreatedAt, want.CreatedBy, want.Nodes = r.ID, flows.RunQueued, 1, b.clock.Now().UTC(), "ann", []flows.NodeStatus{}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	before, fence, err := b.Runs.Lease(t.Context(), b.scope, r.ID, false)
	if err != nil || fence != 1 || before.State != flows.RunQueued {
		t.Fatalf("lease: %+v, fence %d, %v", before, fence, err)
	}
	r.State, r.StartedAt, r.EndedAt = flows.RunFailed, b.clock.Now().Add(time.Second).UTC(), b.clock.Now().Add(time.Minute).UTC()
	r.Read, r.Written, r.Rejected = 5, 3, 2
	r.Error = &flows.Error{Code: "csv.type", Path: flows.Path{Node: "in", Line: 7}, Message: "no <number>\x00", Suggestion: "mend it"}
	r.Nodes = []flows.NodeStatus{{Node: "in", State: flows.NodeFailed, Out: map[string]int64{"out": 1 << 60}, StoppedEarly: []string{"out"}}}
	if err := b.Runs.Save(t.Context(), b.scope, fence, r); err != nil {
		t.Fatal(err)
	}
	got, err := b.Runs.Get(t.Context(), b.scope, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got); diff != "" {
		t.Errorf("saved (-want +got):\n%s", diff)
	}
	_, _, err = b.Runs.Lease(t.Context(), b.scope, r.ID, false)
	wantCode(t, err, "run.over")
	wantCode(t, b.Runs.Save(t.Context(), b.scope, fence, r), "run.lost")
	entries, err := b.Audit.Object(t.Context(), b.scope, "run", r.ID)
	if err != nil || len(entries) != 2 || entries[0].Action != "run.start" || entries[1].Action != "run.end" {
		t.Errorf("audit %v, %v", entries, err)
	}
}

func testRunAndJob(t *testing.T, b *bundle) {
	b.enqueued(t)
	rev := b.revision(t)
	insert := b.Runs.Enqueue
	broken := errors.New("no job")
	b.Runs.Enqueue = func(context.Context, *sql.Tx, string, string, int) error { return broken }
	r := newRun(rev)
	if _, _, err := b.Runs.Create(t.Context(), b.scope, r, ""); !errors.Is(err, broken) {
		t.Errorf("created without a job: %v", err)
	}
	_, err := b.Runs.Get(t.Context(), b.scope, r.ID)
	wantCode(t, err, "run.not_found")
	b.Runs.Enqueue = insert
	if _, _, err := b.Runs.Create(t.Context(), b.scope, flows.Run{ID: r.ID, FlowID: rev.FlowID, Revision: 9, Trigger: flows.TriggerManual}, ""); err == nil {
		t.Error("a run of a revision that does not exist was created")
	}
	if n := b.jobs(t); n != 0 {
		t.Errorf("%d jobs without a run", n)
	}
	b.run(t, rev, "")
	if n := b.jobs(t); n != 1 {
		t.Errorf("%d jobs, want 1", n)
	}
	if err := b.Flows.Delete(t.Context(), b.scope, rev.FlowID); err != nil {
		t.Fatal(err)
	}
	_, _, err = b.Runs.Create(t.Context(), b.scope, newRun(rev), "")
	wantCode(t, err, "flow.not_found")
}

func testRunKey(t *testing.T, b *bundle) {
	b.enqueued(t)
	rev := b.revision(t)
	ids := make([]string, 12)
	made := make([]bool, len(ids))
	for _, err := range together(len(ids), func(i int) error {
		r, created, err := b.Runs.Create(t.Context(), b.scope, newRun(rev), "once")
		ids[i], made[i] = r.ID, created
		return err
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for i := range ids {
		if ids[i] != ids[0] {
			t.Errorf("one key, two runs: %s and %s", ids[0], ids[i])
		}
		if made[i] {
			n++
		}
	}
	if n != 1 || b.jobs(t) != 1 {
		t.Errorf("created %d times, with %d jobs", n, b.jobs(t))
	}
	if other := b.run(t, rev, "twice"); other.ID == ids[0] {
		t.Error("another key gave the same run")
	}
	for key, want := range map[string]string{"once": ids[0], "caf\xe9": b.run(t, rev, "caf\xe9").ID, "never": "", "": ""} {
		if r, found, err := b.Runs.WithKey(t.Context(), b.scope, key); err != nil || found != (want != "") || r.ID != want {
			t.Errorf("the run with key %q: %q, %v, %v", key, r.ID, found, err)
		}
	}
}

func testFence(t *testing.T, b *bundle) {
	b.enqueued(t)
	r := b.run(t, b.revision(t), "")
	_, first, err := b.Runs.Lease(t.Context(), b.scope, r.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	r.State = flows.RunRunning
	if err := b.Runs.Save(t.Context(), b.scope, first, r); err != nil {
		t.Fatal(err)
	}
	again, second, err := b.Runs.Lease(t.Context(), b.scope, r.ID, false)
	if err != nil || second <= first || again.State != flows.RunRunning {
		t.Fatalf("second lease: fence %d, state %s, %v", second, again.State, err)
	}
	for what, err := range map[string]error{
		"save":    b.Runs.Save(t.Context(), b.scope, first, r),
		"deliver": b.Runs.Deliver(t.Context(), b.scope, first, r.ID, "send", []byte("0123456789abcdef")),
		"grant":   b.Runs.Grant(t.Context(), b.scope, first, r.ID),
		"rejects": b.Runs.AddRejects(t.Context(), b.scope, first, r.ID, []flows.Reject{{Node: "in"}}),
		"samples": b.Runs.PutSamples(t.Context(), b.scope, first, r.ID, nil),
	} {
		if e := flows.AsError(err); e == nil || e.Code != "run.lost" {
			t.Errorf("%s with an old fence: %v", what, err)
		}
	}
	if granted, err := b.Runs.Granted(t.Context(), b.scope, r.ID); err != nil || granted {
		t.Errorf("granted %t, %v", granted, err)
	}
	for _, keys := range []string{"0123456789abcdef", "fedcba9876543210"} {
		if err := b.Runs.Deliver(t.Context(), b.scope, second, r.ID, "send", []byte(keys)); err != nil {
			t.Fatal(err)
		}
	}
	if sent, err := b.Runs.Delivered(t.Context(), b.scope, r.ID); err != nil || string(sent["send"]) != "0123456789abcdeffedcba9876543210" || len(sent) != 1 {
		t.Errorf("%q was sent, %v", sent, err)
	}
	if err := b.Runs.Grant(t.Context(), b.scope, second, r.ID); err != nil {
		t.Fatal(err)
	}
	if granted, err := b.Runs.Granted(t.Context(), b.scope, r.ID); err != nil || !granted {
		t.Errorf("granted %t, %v", granted, err)
	}
}

func testCancelQueued(t *testing.T, b *bundle) {
	b.enqueued(t)
	rev := b.revision(t)
	r := b.run(t, rev, "")
	if ended, err := b.Runs.CancelQueued(t.Context(), b.scope, r.ID); err != nil || !ended {
		t.Fatalf("ended %t, %v", ended, err)
	}
	if got, err := b.Runs.Get(t.Context(), b.scope, r.ID); err != nil || got.State != flows.RunCancelled || got.EndedAt.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	_, _, err := b.Runs.Lease(t.Context(), b.scope, r.ID, false)
	wantCode(t, err, "run.over")
	r = b.run(t, rev, "")
	if _, _, err := b.Runs.Lease(t.Context(), b.scope, r.ID, false); err != nil {
		t.Fatal(err)
	}
	if ended, err := b.Runs.CancelQueued(t.Context(), b.scope, r.ID); err != nil || ended {
		t.Errorf("a run that a worker has was ended: %t, %v", ended, err)
	}
}

func testRunList(t *testing.T, b *bundle) {
	b.enqueued(t)
	one, two := b.revision(t), b.revision(t)
	var all []string
	for i := range 7 { // the clock stands still for some: equal times are told apart by id
		rev := one
		if i%3 == 2 {
			rev = two
		}
		if i%2 == 0 {
			b.clock.Advance(time.Second)
		}
		all = append([]string{b.run(t, rev, "").ID}, all...)
	}
	list := func(f flows.RunFilter) (ids []string) {
		for {
			p, err := b.Runs.List(t.Context(), b.scope, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range p.Items {
				if r.Nodes != nil {
					t.Error("a list carries nodes")
				}
				ids = append(ids, r.ID)
			}
			if p.Next == "" {
				return ids
			}
			f.Cursor = p.Next
		}
	}
	if diff := cmp.Diff(all, list(flows.RunFilter{Limit: 2})); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{all[1], all[4]}, list(flows.RunFilter{FlowID: two.FlowID})); diff != "" {
		t.Errorf("of one flow (-want +got):\n%s", diff)
	}
	if _, err := b.Runs.CancelQueued(t.Context(), b.scope, all[3]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{all[3]}, list(flows.RunFilter{State: flows.RunCancelled})); diff != "" {
		t.Errorf("of one state (-want +got):\n%s", diff)
	}
	_, err := b.Runs.List(t.Context(), b.scope, flows.RunFilter{Cursor: "nonsense"})
	wantCode(t, err, "cursor.invalid")
	last, err := b.Runs.LastRuns(t.Context(), b.scope, []string{one.FlowID, two.FlowID, uuid.NewString()})
	if err != nil || len(last) != 2 || last[one.FlowID].ID != all[0] || last[two.FlowID].ID != all[1] {
		t.Errorf("last runs %v, %v", last, err)
	}
}

func testRunDetails(t *testing.T, b *bundle) {
	b.enqueued(t)
	r := b.run(t, b.revision(t), "")
	_, fence, err := b.Runs.Lease(t.Context(), b.scope, r.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	b.putDetails(t, r, fence)
	log, err := b.Runs.Log(t.Context(), b.scope, r.ID, flows.ListOptions{Limit: 2})
	if err != nil || len(log.Items) != 2 || log.Next == "" || log.Items[1].Error.Code != "x" || log.Items[1].Severity != flows.SeverityWarning {
		t.Fatalf("log %+v, %v", log, err)
	}
	if log, err = b.Runs.Log(t.Context(), b.scope, r.ID, flows.ListOptions{Cursor: log.Next}); err != nil || len(log.Items) != 1 || log.Items[0].Seq != 3 || log.Next != "" {
		t.Errorf("second page of the log %+v, %v", log, err)
	}
	var got []string
	for f := (flows.RejectFilter{Node: "b", Limit: 150}); ; {
		p, err := b.Runs.Rejects(t.Context(), b.scope, r.ID, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range p.Items {
			got = append(got, x.Raw)
		}
		if f.Cursor = p.Next; p.Next == "" {
			break
		}
	}
	if len(got) != 300 || got[0] != "record 1" || got[299] != "record 599" {
		t.Errorf("%d rejects of node b, %v …", len(got), got[:min(3, len(got))])
	}
	if p, err := b.Runs.Rejects(t.Context(), b.scope, r.ID, flows.RejectFilter{Limit: 1}); err != nil || len(p.Items) != 1 || string(p.Items[0].RawBytes) != "\xff\x00" {
		t.Errorf("first reject %+v, %v", p.Items, err)
	}
	samples, err := b.Runs.Samples(t.Context(), b.scope, r.ID, "a")
	if err != nil || len(samples) != 1 || samples[0].Rows[0][0] != nil || *samples[0].Rows[0][1] != "<b>\x00" || samples[0].Schema[1].Type.String() != "decimal(10,2)" {
		t.Errorf("samples %+v, %v", samples, err)
	}
	for _, id := range []string{uuid.NewString(), "nonsense"} {
		_, err := b.Runs.Samples(t.Context(), b.scope, id, "")
		wantCode(t, err, "run.not_found")
		_, err = b.Runs.Rejects(t.Context(), b.scope, id, flows.RejectFilter{})
		wantCode(t, err, "run.not_found")
		_, err = b.Runs.Log(t.Context(), b.scope, id, flows.ListOptions{})
		wantCode(t, err, "run.not_found")
	}
}

// putDetails stores a log of three lines, 600 rejects of the nodes a and b in turn, and samples of both.
func (b *bundle) putDetails(t *testing.T, r flows.Run, fence int64) {
	t.Helper()
	lines := []flows.LogLine{{Seq: 1, At: b.clock.Now(), Severity: flows.SeverityInfo, Message: "began"},
		{Seq: 2, At: b.clock.Now(), Severity: flows.SeverityWarning, Message: "with \x00", Error: &flows.Error{Code: "x", Message: "m"}}}
	for range 2 { // a line that is stored already stays
		if err := b.Runs.AddLog(t.Context(), b.scope, r.ID, lines); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Runs.AddLog(t.Context(), b.scope, r.ID, []flows.LogLine{{Seq: 3, At: b.clock.Now(), Message: "ended"}}); err != nil {
		t.Fatal(err)
	}
	for batch := range 2 {
		var rejects []flows.Reject
		for i := range 300 {
			n := batch*300 + i
			rejects = append(rejects, flows.Reject{Node: string(rune('a' + n%2)), Code: "csv.type", Reason: "no", Raw: fmt.Sprintf("record %d", n)})
		}
		if batch == 0 {
			rejects[0].Raw, rejects[0].RawBytes = "", []byte("\xff\x00")
		}
		if err := b.Runs.AddRejects(t.Context(), b.scope, fence, r.ID, rejects); err != nil {
			t.Fatal(err)
		}
	}
	evil := "<b>\x00"
	sample := flows.Sample{Node: "a", Port: "out", Schema: flows.Schema{{Name: "x", Type: flows.Of(flows.Text)}, {Name: "y", Type: flows.DecimalOf(10, 2)}}, Rows: [][]*string{{nil, &evil}}, Records: 9}
	other := sample
	other.Node = "b"
	for _, s := range [][]flows.Sample{{other}, {sample, other}} { // the later ones replace the earlier
		if err := b.Runs.PutSamples(t.Context(), b.scope, fence, r.ID, s); err != nil {
			t.Fatal(err)
		}
	}
}

func testRunIsolation(t *testing.T, b *bundle) {
	b.enqueued(t)
	rev := b.revision(t)
	r := b.run(t, rev, "k")
	other := flows.Scope{Project: "p2", Actor: "eve"}
	_, err := b.Runs.Get(t.Context(), other, r.ID)
	wantCode(t, err, "run.not_found")
	_, _, err = b.Runs.Lease(t.Context(), other, r.ID, false)
	wantCode(t, err, "run.not_found")
	_, err = b.Runs.CancelQueued(t.Context(), other, r.ID)
	wantCode(t, err, "run.not_found")
	_, _, err = b.Runs.Create(t.Context(), other, newRun(rev), "k")
	wantCode(t, err, "flow.not_found")
	if p, err := b.Runs.List(t.Context(), other, flows.RunFilter{}); err != nil || len(p.Items) != 0 {
		t.Errorf("another project lists %v, %v", p.Items, err)
	}
	_, err = b.Runs.List(t.Context(), flows.Scope{}, flows.RunFilter{})
	wantCode(t, err, "scope.missing")
}
