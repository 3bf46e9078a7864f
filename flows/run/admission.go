package run

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"spark/flows"
)

// Budget is what an attempt may use, in bytes.
type Budget struct {
	Memory int64 // resident memory of its process
	Spill  int64 // disk for what does not fit into memory
}

func (b Budget) fits(free Budget) bool { return b.Memory <= free.Memory && b.Spill <= free.Spill }

func (b Budget) plus(o Budget) Budget { return Budget{b.Memory + o.Memory, b.Spill + o.Spill} }

func (b Budget) minus(o Budget) Budget { return Budget{b.Memory - o.Memory, b.Spill - o.Spill} }

// Budgeter says what a run of a document needs.
type Budgeter interface {
	Budget(doc *flows.Flow) Budget
}

// Admission divides what a machine has among the attempts that are worked on it. They are admitted in the order in
// which they asked: a large one waits until there is room, and nobody who asked later goes before it, so that none waits
// for ever.
type Admission struct {
	mu      sync.Mutex
	total   Budget
	free    Budget
	waiting []*admittee
}

type admittee struct {
	want     Budget
	admitted chan struct{} // closed once it is
}

// NewAdmission divides total.
func NewAdmission(total Budget) *Admission { return &Admission{total: total, free: total} }

// Acquire waits until there is room for want, or for all there is where that is less, until ctx ends. It returns what was
// taken; release gives it back, once.
func (a *Admission) Acquire(ctx context.Context, want Budget) (got Budget, release func(), err error) {
	got = Budget{min(want.Memory, a.total.Memory), min(want.Spill, a.total.Spill)}
	w := &admittee{want: got, admitted: make(chan struct{})}
	a.mu.Lock()
	a.waiting = append(a.waiting, w)
	a.admit()
	a.mu.Unlock()
	select {
	case <-w.admitted:
	case <-ctx.Done():
		if a.withdraw(w) {
			return Budget{}, nil, fmt.Errorf("waiting for memory: %w", context.Cause(ctx))
		}
	}
	var once sync.Once
	return got, func() {
		once.Do(func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.free = a.free.plus(got)
			a.admit()
		})
	}, nil
}

// withdraw takes w out of the line; false where it was admitted meanwhile.
func (a *Admission) withdraw(w *admittee) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.Index(a.waiting, w)
	if i < 0 {
		return false
	}
	a.waiting = slices.Delete(a.waiting, i, i+1)
	a.admit() // those behind may fit where it did not
	return true
}

// admit lets in whoever is first as long as there is room. a.mu is held.
func (a *Admission) admit() {
	for len(a.waiting) > 0 && a.waiting[0].want.fits(a.free) {
		w := a.waiting[0]
		a.waiting, a.free = a.waiting[1:], a.free.minus(w.want)
		close(w.admitted)
	}
}
