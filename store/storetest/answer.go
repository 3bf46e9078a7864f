package storetest

import (
	"testing"

	"spark/flows"
)

// testAnswers: a node has the answer that was fetched last, of its own flow and project, and it ends with the flow.
func testAnswers(t *testing.T, b *bundle) {
	flow, other := b.create(t, "one").FlowID, b.create(t, "two").FlowID
	put := func(flow, node, body string) {
		t.Helper()
		if a, err := b.Answers.Put(t.Context(), b.scope, flow, flows.Answer{Node: node, Status: 200, Body: body, At: b.clock.Now()}); err != nil || a.By != "ann" {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	put(flow, "b", "old")
	put(flow, "a", "\x00é")
	put(other, "a", "other")
	put(flow, "b", "new")
	list, err := b.Answers.Of(t.Context(), b.scope, flow, []string{"b", "a", "gone"})
	if err != nil || len(list) != 2 || list[0].Body != "\x00é" || list[1].Body != "new" || !list[1].At.Equal(b.clock.Now()) {
		t.Fatalf("%+v, %v", list, err)
	}
	elsewhere := flows.Scope{Project: "elsewhere", Actor: "eve"}
	if list, err := b.Answers.Of(t.Context(), elsewhere, flow, []string{"a"}); err != nil || len(list) != 0 {
		t.Errorf("read from another project: %+v, %v", list, err)
	}
	if _, err := b.Answers.Put(t.Context(), elsewhere, flow, list[0]); err == nil {
		t.Error("set from another project")
	}
	if err := b.Flows.Delete(t.Context(), b.scope, flow); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Flows.Restore(t.Context(), b.scope, flow); err != nil {
		t.Fatal(err)
	}
	if list, err := b.Answers.Of(t.Context(), b.scope, flow, []string{"a", "b"}); err != nil || len(list) != 0 {
		t.Errorf("answers came back with their flow: %+v, %v", list, err)
	}
	if list, err := b.Answers.Of(t.Context(), b.scope, other, []string{"a"}); err != nil || len(list) != 1 {
		t.Errorf("answers of another flow: %+v, %v", list, err)
	}
}
