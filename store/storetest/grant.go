package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"spark/flows"
	"spark/store"
)

// testGrants: what an exchange returns is kept, with an error too; a grant ends with the last connection that has it.
func testGrants(t *testing.T, b *bundle) {
	exchange := func(key, want, next string, told error) {
		t.Helper()
		err := b.Grants.ExchangeGrant(t.Context(), b.scope, key, func(_ context.Context, sealed []byte) ([]byte, error) {
			if string(sealed) != want {
				t.Errorf("%s: %q is kept, want %q", key, sealed, want)
			}
			return []byte(next), told
		})
		if !errors.Is(err, told) || told == nil && err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	lost := errors.New("lost")
	exchange("k", "", "one\x00\xff", nil)
	exchange("k", "one\x00\xff", "two", lost)
	exchange("k", "two", "", lost)
	if sealed, err := b.Grants.Grant(t.Context(), b.scope, "k"); err != nil || string(sealed) != "two" {
		t.Errorf("kept %q, %v", sealed, err)
	}
	if sealed, err := b.Grants.Grant(t.Context(), flows.Scope{Project: "p2", Actor: "eve"}, "k"); err != nil || sealed != nil {
		t.Errorf("another project reads %q, %v", sealed, err)
	}
	first, second := b.connection(t, "one"), b.connection(t, "two")
	for _, c := range []flows.Connection{first, second} {
		if err := b.Connections.NameGrant(t.Context(), b.scope, c.ID, "k"); err != nil {
			t.Fatal(err)
		}
	}
	b.clock.Advance(48 * time.Hour)
	exchange("stray", "", "x", nil)
	exchange("k", "two", "three", nil)
	b.clock.Advance(48 * time.Hour)
	exchange("other", "", "y", nil)
	if sealed, err := b.Grants.Grant(t.Context(), b.scope, "stray"); err != nil || sealed != nil {
		t.Errorf("a grant of no connection is kept: %q, %v", sealed, err)
	}
	for i, c := range []flows.Connection{first, second} {
		if sealed, err := b.Grants.Grant(t.Context(), b.scope, "k"); err != nil || string(sealed) != "three" {
			t.Errorf("before %d were deleted: %q, %v", i+1, sealed, err)
		}
		if err := b.Connections.Delete(t.Context(), b.scope, c.ID); err != nil {
			t.Fatal(err)
		}
	}
	if sealed, err := b.Grants.Grant(t.Context(), b.scope, "k"); err != nil || sealed != nil {
		t.Errorf("after the last connection: %q, %v", sealed, err)
	}
}

// testGrantsOfServers: of several servers on one database one exchanges at a time. SQLite has one server, which sees to it itself.
func testGrantsOfServers(t *testing.T, b *bundle) {
	if b.SQLite() {
		t.Skip("there is one server")
	}
	var wg sync.WaitGroup
	for _, s := range []*store.Store{b.Store, b.open(t), b.open(t)} {
		for range 3 {
			wg.Go(func() {
				err := s.Grants.ExchangeGrant(t.Context(), b.scope, "k", func(_ context.Context, sealed []byte) ([]byte, error) {
					return fmt.Appendf(nil, "%s.", sealed), nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if sealed, err := b.Grants.Grant(t.Context(), b.scope, "k"); err != nil || string(sealed) != "........." {
		t.Errorf("nine exchanges left %q, %v", sealed, err)
	}
}

// testSignIns: a sign-in comes back once, in time, to the browser, project and person that began it.
func testSignIns(t *testing.T, b *bundle) {
	begin := func(state string) {
		t.Helper()
		a := flows.SignInAttempt{State: state, Connection: "c", Browser: "ann's", Grant: "k", Sealed: []byte("sealed\x00\xff"), Expires: b.clock.Now().Add(10 * time.Minute)}
		if err := b.Grants.BeginSignIn(t.Context(), b.scope, a); err != nil {
			t.Fatal(err)
		}
	}
	take := func(scope flows.Scope, state, browser string) bool {
		t.Helper()
		a, found, err := b.Grants.TakeSignIn(t.Context(), scope, state, browser, "code")
		if err != nil || found && (a.Connection != "c" || a.Grant != "k" || string(a.Sealed) != "sealed\x00\xff" || a.State != state) {
			t.Errorf("took %+v, %v", a, err)
		}
		return found
	}
	begin("s")
	for what, found := range map[string]bool{
		"unknown":         take(b.scope, "x", "ann's"),
		"another browser": take(b.scope, "s", "eve's"),
		"another project": take(flows.Scope{Project: "p2", Actor: "ann"}, "s", "ann's"),
		"another person":  take(flows.Scope{Project: "p1", Actor: "eve"}, "s", "ann's"),
	} {
		if found {
			t.Errorf("%s takes it", what)
		}
	}
	b.clock.Advance(10 * time.Minute)
	if !take(b.scope, "s", "ann's") || take(b.scope, "s", "ann's") {
		t.Error("it is not taken once")
	}
	begin("late")
	b.clock.Advance(10*time.Minute + time.Microsecond)
	if take(b.scope, "late", "ann's") {
		t.Error("one that took too long is taken")
	}
	begin("many")
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if take(b.scope, "many", "ann's") {
				taken.Add(1)
			}
		})
	}
	wg.Wait()
	if taken.Load() != 1 {
		t.Errorf("%d at once took it", taken.Load())
	}
}
