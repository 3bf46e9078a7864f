package duckdb

import (
	"fmt"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// balance checks the books of a stage at its independent ends: what the end confirmed against the last tap, what each
// source says it delivered against its tap. A source that was stopped early has delivered more than was counted.
func (r *run) balance(s *plan.Stage, n int64, feeds []*feed) error {
	if r.plan.Uncounted() {
		return nil
	}
	counts := r.counts()
	if c, ok := counts[s.Target]; ok && c != n {
		return imbalance(s.Target, "the end of the stage confirmed", n, "were counted before it", c)
	}
	stopped := r.plan.StoppedEarly(plan.Counts{Out: counts, Built: r.built(counts)})
	for _, f := range feeds {
		c, all := counts[f.ref], f.stats.Complete && !stopped[f.ref]
		if c > f.stats.Records || all && c < f.stats.Records {
			return imbalance(f.ref, "the source delivered", f.stats.Records, "were counted", c)
		}
		if !f.stats.Complete && !stopped[f.ref] {
			return imbalance(f.ref, "the source ended early after", f.stats.Records, "were counted", c)
		}
	}
	return nil
}

// balanceRejects checks what the nodes counted as refused against what was handed over to be stored, and, where the
// rejects port is connected, against what was read of it.
func (r *run) balanceRejects() error {
	var counted int64
	for _, n := range r.plan.Nodes {
		refused := r.rejected(n)
		if n.Policy == flows.RejectStore {
			counted += refused
		}
		if sp := r.spools[n.ID]; sp != nil && sp.n.Load() != refused {
			return imbalance(plan.Ref{Node: n.ID, Port: node.Rejects}, "the node refused", refused, "left its rejects port", sp.n.Load())
		}
	}
	r.mu.Lock()
	stored := r.refused
	r.mu.Unlock()
	if counted != stored {
		return imbalance(plan.Ref{}, "the nodes refused", counted, "were handed over as rejects", stored)
	}
	return nil
}

func imbalance(ref plan.Ref, what string, n int64, other string, m int64) error {
	return &flows.Error{Code: "run.imbalance", Path: flows.Path{Node: ref.Node, Port: ref.Port},
		Message:    fmt.Sprintf("%s %d records and %d %s", what, n, m, other),
		Suggestion: "nothing was written; please report this with the flow"}
}
