package storetest

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"spark/flows"
)

// testCursors: a run moves the cursors that it has reached, but not one that somebody has set while it ran; each flow and
// project has its own.
func testCursors(t *testing.T, b *bundle) {
	flow, other := b.create(t, "one").FlowID, b.create(t, "two").FlowID
	run := uuid.Must(uuid.NewV7()).String()
	at := func(value string, generation int64) flows.Cursor {
		return flows.Cursor{Column: "updated_at", Type: "timestamptz", Value: value, Generation: generation}
	}
	reach := func(flow, node string, c flows.Cursor) {
		t.Helper()
		if err := b.Cursors.Reach(t.Context(), b.scope, flow, flows.FirstEnvironment, run, map[string]flows.Cursor{node: c}); err != nil {
			t.Fatal(err)
		}
	}
	reach(flow, "b", at("2", 0))
	reach(flow, "a", at("1", 0))
	reach(other, "a", at("9", 0))
	b.clock.Advance(time.Minute)
	reach(flow, "a", at("3", 0))
	list, err := b.Cursors.List(t.Context(), b.scope, flow, flows.FirstEnvironment)
	if err != nil || len(list) != 2 || list[0].Node != "a" || list[0].Cursor != at("3", 0) || list[0].Run != run || !list[0].UpdatedAt.Equal(b.clock.Now()) || list[1].Cursor != at("2", 0) {
		t.Fatalf("%+v, %v", list, err)
	}
	set, err := b.Cursors.Set(t.Context(), b.scope, flow, flows.FirstEnvironment, "a", flows.Cursor{Column: "updated_at"})
	if err != nil || set.Generation != 1 || set.Value != "" || set.UpdatedBy != "ann" || set.Run != "" {
		t.Fatalf("set: %+v, %v", set, err)
	}
	reach(flow, "a", at("4", 0)) // of a run that began before
	if list, _ = b.Cursors.List(t.Context(), b.scope, flow, flows.FirstEnvironment); list[0].Value != "" || list[0].Generation != 1 {
		t.Errorf("a run has moved a cursor that was set meanwhile: %+v", list[0])
	}
	reach(flow, "a", at("5", 1))
	if list, _ = b.Cursors.List(t.Context(), b.scope, flow, flows.FirstEnvironment); list[0].Value != "5" {
		t.Errorf("the next run: %+v", list[0])
	}
	elsewhere := flows.Scope{Project: "elsewhere", Actor: "eve"}
	if list, err := b.Cursors.List(t.Context(), elsewhere, flow, flows.FirstEnvironment); err != nil || len(list) != 0 {
		t.Errorf("seen from another project: %+v, %v", list, err)
	}
	for _, id := range []string{flow, "x", "00000000-0000-0000-0000-000000000000"} {
		if _, err := b.Cursors.Set(t.Context(), elsewhere, id, flows.FirstEnvironment, "a", at("6", 0)); err == nil || flows.AsError(err).Code != "flow.not_found" {
			t.Errorf("set in another project: %v", err)
		}
	}
	if got := b.actions(t, flow); got[len(got)-1] != "cursor.set" {
		t.Errorf("audit: %v", got)
	}
}
