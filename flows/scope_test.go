package flows_test

import (
	"testing"

	"spark/flows"
)

// Stored rows carry this project: it never changes.
func TestLocalScope(t *testing.T) {
	t.Parallel()
	if want := (flows.Scope{Project: "default", Actor: "owner"}); flows.LocalScope != want {
		t.Errorf("local scope = %+v, want %+v", flows.LocalScope, want)
	}
}
