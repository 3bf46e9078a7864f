package storetest

import (
	"testing"
	"time"

	"spark/flows"
)

// testPins: a node has the records that were pinned last, each flow and project has its own, and they end with their flow.
func testPins(t *testing.T, b *bundle) {
	flow, other := b.create(t, "one").FlowID, b.create(t, "two").FlowID
	put := func(flow, node, text string) {
		t.Helper()
		p := flows.PinnedRecords{Pin: flows.Pin{Node: node, Environment: "production", Ports: []flows.PinnedPort{{Port: "out", Records: 2}}, Bytes: 3, At: b.clock.Now(), Changed: "x"}, Batches: map[string][]byte{"out": []byte(text)}, Refused: []flows.Reject{{Node: node, Raw: "\x00é"}}}
		if pin, err := b.Pins.Put(t.Context(), b.scope, flow, p); err != nil || pin.By != "ann" || pin.Changed != "" {
			t.Fatalf("%+v, %v", pin, err)
		}
	}
	put(flow, "b", "old")
	put(flow, "a", "\x00\xff")
	put(other, "a", "other")
	b.clock.Advance(time.Minute)
	put(flow, "b", "new")
	list, err := b.Pins.List(t.Context(), b.scope, flow)
	if err != nil || len(list) != 2 || list[0].Node != "a" || list[1].Node != "b" || !list[1].At.Equal(b.clock.Now()) || list[1].Ports[0].Records != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	records, err := b.Pins.Records(t.Context(), b.scope, flow, []string{"b", "a", "gone"})
	if err != nil || len(records) != 2 || string(records[0].Batches["out"]) != "\x00\xff" || string(records[1].Batches["out"]) != "new" || records[1].Refused[0].Raw != "\x00é" {
		t.Fatalf("%+v, %v", records, err)
	}
	elsewhere := flows.Scope{Project: "elsewhere", Actor: "eve"}
	if _, err := b.Pins.List(t.Context(), elsewhere, flow); err == nil || flows.AsError(err).Code != "flow.not_found" {
		t.Errorf("seen from another project: %v", err)
	}
	if records, err := b.Pins.Records(t.Context(), elsewhere, flow, []string{"a"}); err != nil || len(records) != 0 {
		t.Errorf("read from another project: %v, %v", records, err)
	}
	if _, err := b.Pins.Put(t.Context(), elsewhere, flow, records[0]); err == nil {
		t.Error("set from another project")
	}
	if err := b.Pins.Delete(t.Context(), elsewhere, flow, "a"); err == nil {
		t.Error("removed from another project")
	}
	for range 2 {
		if err := b.Pins.Delete(t.Context(), b.scope, flow, "a"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Flows.Delete(t.Context(), b.scope, flow); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Pins.Put(t.Context(), b.scope, flow, records[0]); err == nil {
		t.Error("pinned in a deleted flow")
	}
	if _, err := b.Flows.Restore(t.Context(), b.scope, flow); err != nil {
		t.Fatal(err)
	}
	if list, err := b.Pins.List(t.Context(), b.scope, flow); err != nil || len(list) != 0 {
		t.Errorf("pins came back with their flow: %+v, %v", list, err)
	}
	if list, err := b.Pins.List(t.Context(), b.scope, other); err != nil || len(list) != 1 {
		t.Errorf("pins of another flow: %+v, %v", list, err)
	}
}

// testSkippedMigration: a number below the newest one that a database lacks is applied when it is opened.
func testSkippedMigration(t *testing.T, b *bundle) {
	for _, statement := range []string{"DROP TABLE flow_pins", "DELETE FROM goose_db_version WHERE version_id = 6"} {
		if _, err := b.SQL().ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.Store = b.open(t)
	if list, err := b.Pins.List(t.Context(), b.scope, b.create(t, "one").FlowID); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}
