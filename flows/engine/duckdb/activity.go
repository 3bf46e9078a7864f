package duckdb

import (
	"sync/atomic"
	"time"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// spent adds up the time that something takes, also while it does. One goroutine at a time begins and ends.
type spent struct {
	total atomic.Int64 // nanoseconds that are over
	since atomic.Int64 // when the present one began, in nanoseconds since 1970; 0: there is none
}

func (s *spent) begin() { s.since.Store(time.Now().UnixNano()) }

func (s *spent) end() {
	s.total.Add(time.Now().UnixNano() - s.since.Swap(0))
}

func (s *spent) until(now time.Time) time.Duration {
	d := s.total.Load()
	if since := s.since.Load(); since > 0 {
		d += max(0, now.UnixNano()-since)
	}
	return time.Duration(d)
}

// activity is what is known of a stage that is executed in this moment, or was.
type activity struct {
	began, ended time.Time
	feeds        []*feed
	shared       *feed  // by which it reads a fork
	handing      *spent // waiting for the readers of the fork that it makes
	writing      *spent // by the target, where Go writes it
}

func (a *activity) elapsed(now time.Time) time.Duration {
	if !a.ended.IsZero() {
		now = a.ended
	}
	return now.Sub(a.began)
}

const (
	// settled is how long a stage runs before it is said what holds it up.
	settled = 500 * time.Millisecond
	// most is the share of the time from which on somebody is waited for.
	most = 0.5
)

// activities tell how the ends of the stages spend their time. r.mu is held.
func (r *run) activities(now time.Time) map[string]*flows.Activity {
	found := map[string]*flows.Activity{}
	for s, a := range r.active {
		elapsed := a.elapsed(now)
		of := func(id string) *flows.Activity {
			if found[id] == nil {
				found[id] = &flows.Activity{}
			}
			return found[id]
		}
		for _, f := range a.inputs() { // of the readers of a fork the one that holds it back tells
			blocked := min(elapsed, f.blocked.until(now))
			at := of(f.ref.Node)
			at.BlockedMS = max(at.BlockedMS, blocked.Milliseconds())
			at.BusyMS = elapsed.Milliseconds() - at.BlockedMS
			if a.ended.IsZero() {
				at.Queue = max(at.Queue, float64(len(f.queue))/float64(cap(f.queue)))
			}
		}
		if a.writing != nil {
			busy := min(elapsed, a.writing.until(now))
			of(s.Sink.ID).BusyMS, of(s.Sink.ID).WaitingMS = busy.Milliseconds(), (elapsed - busy).Milliseconds()
		}
		if id := a.bottleneck(s, elapsed, now); id != "" {
			of(id).Bottleneck = true
		}
	}
	return found
}

func (a *activity) inputs() []*feed {
	if a.shared == nil {
		return a.feeds
	}
	return append([]*feed{a.shared}, a.feeds...)
}

// bottleneck is the node that the rest of a stage waits for most of the time, "" where none is known to be: a target that
// writes, a source that keeps the statement waiting, or the one node between full queues.
func (a *activity) bottleneck(s *plan.Stage, elapsed time.Duration, now time.Time) string {
	if elapsed < settled {
		return ""
	}
	share := func(d time.Duration) float64 { return float64(d) / float64(elapsed) }
	if a.writing != nil && share(a.writing.until(now)) > most {
		return s.Sink.ID
	}
	if a.handing != nil && share(a.handing.until(now)) > most {
		return "" // one of the readers is
	}
	slowest, slow := "", most
	full := a.shared != nil && share(a.shared.blocked.until(now)) > most
	for _, f := range a.feeds {
		if f.part != nil && slowest != "" {
			continue // it waits for what the others wait for
		}
		if w := share(f.starved.until(now)); w > slow {
			slowest, slow = f.ref.Node, w
		}
		full = full || share(f.blocked.until(now)) > most
	}
	if slowest != "" || !full {
		return slowest
	}
	return only(s)
}

// only is the one node of a stage that does more than to select and to compute, "" where there are several.
func only(s *plan.Stage) string {
	at := ""
	for _, st := range s.Steps {
		switch st.Op.(type) {
		case node.Read, node.Project, node.Filter:
			continue
		}
		if at != "" && at != st.Ref.Node {
			return ""
		}
		at = st.Ref.Node
	}
	if at == "" && s.Sink != nil {
		return s.Sink.ID
	}
	return at
}
