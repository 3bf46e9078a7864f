package run

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

func admitted(a *admittee) bool {
	select {
	case <-a.admitted:
		return true
	default:
		return false
	}
}

// queue puts one in line without waiting for it.
func (a *Admission) queue(memory, spill int64) *admittee {
	w := &admittee{want: Budget{memory, spill}, admitted: make(chan struct{})}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = append(a.waiting, w)
	a.admit()
	return w
}

func TestAdmissionIsInOrder(t *testing.T) {
	t.Parallel()
	a := NewAdmission(Budget{100, 100})
	_, release, err := a.Acquire(t.Context(), Budget{60, 10})
	if err != nil {
		t.Fatal(err)
	}
	large, light, spilling := a.queue(80, 0), a.queue(1, 0), a.queue(1, 95)
	if admitted(large) || admitted(light) || admitted(spilling) {
		t.Fatal("somebody went before the large one, or there was no room")
	}
	release()
	release() // giving back twice must not make room
	if !admitted(large) || !admitted(light) || !admitted(spilling) {
		t.Fatalf("admitted: large %t, light %t, spilling %t, want all", admitted(large), admitted(light), admitted(spilling))
	}
	if a.free != (Budget{100 - 82, 5}) {
		t.Errorf("%+v are free", a.free)
	}
}

func TestAdmissionWithdraws(t *testing.T) {
	t.Parallel()
	a := NewAdmission(Budget{100, 100})
	_, release, err := a.Acquire(t.Context(), Budget{60, 0})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, _, err := a.Acquire(ctx, Budget{1000, 0}) // more than there is: all of it
		ended <- err
	}()
	for waiting := 0; waiting == 0; {
		a.mu.Lock()
		waiting = len(a.waiting)
		a.mu.Unlock()
	}
	behind := a.queue(40, 0)
	if admitted(behind) {
		t.Fatal("who came later went before")
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that gave up got %v", err)
	}
	if !admitted(behind) {
		t.Error("who stood behind the one that gave up still waits")
	}
	release()
	if got, _, err := a.Acquire(t.Context(), Budget{60, 1000}); err != nil || got != (Budget{60, 100}) {
		t.Errorf("took %+v, %v", got, err)
	}
}

// TestAdmissionNeverExceeds lets many ask at once, some of whom give up.
func TestAdmissionNeverExceeds(t *testing.T) {
	t.Parallel()
	a := NewAdmission(Budget{100, 50})
	var memory, spill atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%7 == 0 {
				go cancel()
			}
			got, release, err := a.Acquire(ctx, Budget{1 + rand.Int64N(120), rand.Int64N(60)})
			if err != nil {
				return
			}
			if m, s := memory.Add(got.Memory), spill.Add(got.Spill); m > 100 || s > 50 {
				t.Errorf("%d of memory and %d of spill are in use", m, s)
			}
			memory.Add(-got.Memory)
			spill.Add(-got.Spill)
			release()
		})
	}
	wg.Wait()
	if a.free != a.total || len(a.waiting) > 0 {
		t.Errorf("%+v are free and %d wait", a.free, len(a.waiting))
	}
}
