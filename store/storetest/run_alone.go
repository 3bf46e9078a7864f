package storetest

import (
	"sync"
	"sync/atomic"
	"testing"

	"spark/flows"
)

// testAlone: runs of a flow that are one at a time begin in the order in which they were queued, and the runs of another
// flow and those that run in parallel do not wait for them.
func testAlone(t *testing.T, b *bundle) {
	b.enqueued(t)
	rev := b.revision(t)
	first, second := b.run(t, rev, ""), b.run(t, rev, "")
	other := b.run(t, b.revision(t), "")
	waits := func(r flows.Run) {
		t.Helper()
		_, _, err := b.Runs.Lease(t.Context(), b.scope, r.ID, true)
		wantCode(t, err, "run.waits")
	}
	lease := func(r flows.Run, alone bool) int64 {
		t.Helper()
		_, fence, err := b.Runs.Lease(t.Context(), b.scope, r.ID, alone)
		if err != nil {
			t.Fatal(err)
		}
		return fence
	}
	waits(second)
	fence := lease(first, true)
	waits(second)
	lease(other, true)
	fence = max(fence, lease(first, true)) // its worker died, and it is delivered again
	first.State = flows.RunSucceeded
	if err := b.Runs.Save(t.Context(), b.scope, fence, first); err != nil {
		t.Fatal(err)
	}
	lease(second, true)
	lease(b.run(t, rev, ""), false)
}

// testAloneRaces lets runs of one flow be leased at once, again and again: never more than one has been.
func testAloneRaces(t *testing.T, b *bundle) {
	b.enqueued(t)
	rev := b.revision(t)
	var running, done atomic.Int64
	var wg sync.WaitGroup
	for range 6 {
		r := b.run(t, rev, "")
		wg.Go(func() {
			for {
				_, fence, err := b.Runs.Lease(t.Context(), b.scope, r.ID, true)
				if e := flows.AsError(err); e != nil && e.Code == "run.waits" {
					continue
				}
				if n := running.Add(1); err != nil || n != 1 {
					t.Errorf("%d runs at once, %v", n, err)
				}
				running.Add(-1)
				r.State = flows.RunSucceeded
				if err := b.Runs.Save(t.Context(), b.scope, fence, r); err != nil {
					t.Error(err)
				}
				done.Add(1)
				return
			}
		})
	}
	wg.Wait()
	if done.Load() != 6 {
		t.Errorf("%d of 6 runs had their turn", done.Load())
	}
}

// testSkip: of runs that are started at once one is created; the others are refused, and that is on record.
func testSkip(t *testing.T, b *bundle) {
	b.enqueued(t)
	rev := b.revision(t)
	var created atomic.Int64
	var wg sync.WaitGroup
	var first flows.Run
	for range 5 {
		wg.Go(func() {
			r, is, err := b.Runs.CreateAlone(t.Context(), b.scope, newRun(rev), "")
			if err == nil && is {
				created.Add(1)
				first = r
				return
			}
			wantCode(t, err, "run.skipped")
		})
	}
	wg.Wait()
	if created.Load() != 1 || b.jobs(t) != 1 {
		t.Fatalf("%d runs were created with %d jobs", created.Load(), b.jobs(t))
	}
	var skips int
	if err := b.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM audit WHERE action = 'run.skip' AND object_id = $1", rev.FlowID).Scan(&skips); err != nil || skips != 4 {
		t.Errorf("%d skipped runs are on record, %v", skips, err)
	}
	if ended, err := b.Runs.CancelQueued(t.Context(), b.scope, first.ID); err != nil || !ended {
		t.Fatal(ended, err)
	}
	if _, is, err := b.Runs.CreateAlone(t.Context(), b.scope, newRun(rev), "key"); err != nil || !is {
		t.Errorf("after the other one was over: created %t, %v", is, err)
	}
	if _, is, err := b.Runs.CreateAlone(t.Context(), b.scope, newRun(rev), "key"); err != nil || is {
		t.Errorf("the same key again: created %t, %v", is, err)
	}
}
