package duckdb

import (
	"cmp"
	"context"
	"encoding/json"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// An incremental source goes on where the last committed run has ended. The offset is committed by the target together
// with the records, where the records go into one target that can keep it; the copy that the run was started with is
// then the older one after a death between the commit and its answer. Elsewhere that copy is all there is.

// resume finds where every incremental source goes on.
func (r *run) resume(ctx context.Context) error {
	for _, n := range r.plan.Nodes {
		if !incremental(n.Results[node.Out].Op) {
			continue
		}
		base := r.env.Offsets[n.ID]
		if o := r.keeper(n.ID); o != nil {
			kept, err := o.batch.(node.OffsetSink).Offsets(ctx, r.env.Token.Flow)
			if err != nil {
				return flows.AsError(err).At(flows.Path{Node: o.node.ID})
			}
			base = newer(kept[n.ID], base)
		}
		r.bases[n.ID] = base
	}
	return nil
}

func incremental(op node.Op) bool {
	read, ok := op.(node.Read)
	if !ok {
		return false
	}
	s, ok := read.Source.(node.IncrementalSource)
	return ok && s.Incremental()
}

// newer is the offset that a target keeps, unless a person has set another one since.
func newer(kept, given node.Offset) node.Offset {
	if kept == nil || generation(given) > generation(kept) {
		return given
	}
	return kept
}

func generation(o node.Offset) int64 {
	var c flows.Cursor
	if json.Unmarshal(o, &c) != nil {
		return 0
	}
	return c.Generation
}

// keeper is the target that keeps the offset of a source: the only one that its records go to, where it can. Of several
// targets one may commit and another not, so that no one of them can say what was written.
func (r *run) keeper(source string) *output {
	if r.env.Token.Flow == "" || len(r.outputs) != 1 {
		return nil
	}
	o := r.outputs[0]
	if _, ok := o.batch.(node.OffsetSink); !ok || !r.plan.Flow.Above(o.node.ID)[source] {
		return nil
	}
	return o
}

// reach takes over how far sources were read. One that was stopped early has not delivered all that it would pass over.
func (r *run) reach(feeds []*feed) {
	counts := r.counts()
	stopped := r.plan.StoppedEarly(plan.Counts{Out: counts, Built: r.built(counts)})
	for _, f := range feeds {
		id := f.ref.Node
		switch {
		case f.stats.Offset == nil || r.plan.Preview():
		case r.plan.Uncounted():
			r.warn(id)(&flows.Error{Code: "source.cursor_stays", Message: "the flow runs without counts, so nobody can tell whether all records were taken, and the cursor stays where it is",
				Suggestion: "let the flow count its records"})
		case f.stats.Complete && !stopped[f.ref]:
			r.offsets[id] = f.stats.Offset
		default:
			r.warn(id)(&flows.Error{Code: "source.cursor_stays", Message: "the flow has stopped reading before the end, so the cursor stays where it is",
				Suggestion: "the next run reads these records again; take out Limit or Sample to go on"})
		}
	}
}

// warn returns what tells warnings of a node.
func (r *run) warn(id string) func(*flows.Error) {
	return func(e *flows.Error) {
		if r.env.Warn == nil {
			return
		}
		e.Severity = cmp.Or(e.Severity, flows.SeverityWarning)
		r.env.Warn(e.At(flows.Path{Node: id}))
	}
}

// token is the permission for one target, with the offsets that it keeps.
func (r *run) token(o *output) node.Token {
	t := r.env.Token
	for source, to := range r.offsets {
		if r.keeper(source) == o {
			if t.Reached == nil {
				t.Reached = map[string]node.Reach{}
			}
			t.Reached[source] = node.Reach{From: r.bases[source], To: to}
		}
	}
	return t
}
