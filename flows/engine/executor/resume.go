package executor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// aboveOf is everything that the inputs of a previewed node depend on, files aside.
func aboveOf(flow *flows.Flow, spec *PreviewSpec) ([]byte, error) {
	pins := pinsOf(spec.Pins)
	needed := flow.Needed(spec.Node, func(id string) bool { return slices.ContainsFunc(pins, func(p flows.Pin) bool { return p.Node == id }) })
	part := *flow
	part.Name, part.Description, part.Layout, part.Nodes, part.Edges = "", "", nil, nil, nil
	for _, n := range flow.Nodes {
		switch {
		case n.ID == spec.Node:
			part.Nodes = append(part.Nodes, flows.Node{ID: n.ID, Type: n.Type, Version: n.Version})
		case needed[n.ID]:
			n.Name, n.Notes = "", ""
			part.Nodes = append(part.Nodes, n)
		}
	}
	for _, e := range flow.Edges {
		if needed[e.To.Node] {
			part.Edges = append(part.Edges, e)
		}
	}
	doc, err := part.Canonical()
	if err != nil {
		return nil, err
	}
	rest, err := json.Marshal([]any{spec.Node, spec.Environment, spec.Parameters, spec.Folders, spec.Connections, spec.Offsets, spec.Samples, spec.Limit, pins, spec.Answers})
	return append(doc, rest...), err
}

func (u *reuse) relationKey(r plan.Ref) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "relation %q %q %s", r.Node, r.Port, u.above))
}

// kept finds a relation that an earlier preview has kept.
func (u *reuse) kept(p *plan.Plan, r plan.Ref) (plan.Kept, bool) {
	key := u.relationKey(r)
	if u.spec.Fresh {
		u.keeper.forget(key)
	}
	x, ok := u.keeper.get(key)
	if !ok {
		return plan.Kept{}, false
	}
	u.resumed = append(u.resumed, x)
	if !unchanged(u.files, x.files) {
		return plan.Kept{}, false
	}
	return plan.Kept{Source: keptRelation{x}, Traced: x.traced}, true
}

// release lets go of what the preview has used and of what it has not kept.
func (u *reuse) release() {
	for _, x := range u.resumed {
		x.release()
	}
	for _, x := range u.growing {
		x.release()
	}
}

var errTooLarge = errors.New("the relation is too large to be kept")

// keep takes a batch of a relation, or nil at its end.
func (u *reuse) keep(st *plan.Step, b arrow.RecordBatch) error {
	if u.growing == nil {
		u.growing = map[plan.Ref]*keptReading{}
	}
	x := u.growing[st.Ref]
	if x == nil {
		x = &keptReading{key: u.relationKey(st.Ref), at: time.Now().UTC(), relation: relation{estimate: st.Estimate, traced: st.Origin}}
		u.growing[st.Ref] = x
	}
	if b == nil {
		x.stats.Complete = true
		return nil
	}
	mine, err := copyBatch(b)
	if err != nil {
		return err
	}
	x.batches = append(x.batches, mine...)
	x.stats.Records += b.NumRows()
	if x.bytes += batchBytes(b); x.bytes > u.keeper.limit/2 {
		x.release()
		return errTooLarge
	}
	return nil
}

// copyBatch copies what belongs to an engine that will be closed.
func copyBatch(b arrow.RecordBatch) (list []arrow.RecordBatch, err error) {
	var text bytes.Buffer
	w := ipc.NewWriter(&text, ipc.WithSchema(b.Schema()))
	if err := errors.Join(w.Write(b), w.Close()); err != nil {
		return nil, fmt.Errorf("copy of records: %w", err)
	}
	r, err := ipc.NewReader(&text, ipc.WithAllocator(mallocator.NewMallocator()))
	if err != nil {
		return nil, fmt.Errorf("copy of records: %w", err)
	}
	defer r.Release()
	for r.Next() {
		r.RecordBatch().Retain()
		list = append(list, r.RecordBatch())
	}
	return list, r.Err()
}

// finish completes a preview that began at kept relations, or keeps what one that did not has computed.
func (u *reuse) finish(v *flows.Preview, p *plan.Plan, seen []flows.SeenFile) {
	if len(p.Keeps) > 0 {
		u.put(v, p, seen)
		return
	}
	if len(u.resumed) > 0 {
		u.keeper.count(&u.keeper.resumed)
	}
	for _, x := range u.resumed {
		u.used(x.at)
		v.Source, v.Read, v.Scanned, v.Narrowed, v.Complete = x.source, x.read, x.scanned, x.narrowed, x.complete
	}
}

// put keeps the relations once all of them are known, with what was refused on the way.
func (u *reuse) put(v *flows.Preview, p *plan.Plan, seen []flows.SeenFile) {
	if slices.ContainsFunc(p.Keeps, func(r plan.Ref) bool { return u.growing[r] == nil || !u.growing[r].stats.Complete }) {
		return
	}
	for r, x := range u.growing {
		x.files, x.source, x.read, x.scanned, x.narrowed, x.complete = slices.Clone(seen), v.Source, v.Read, v.Scanned, v.Narrowed, v.Complete
		for _, rej := range v.Rejects {
			if rej.Node != v.Node {
				x.rejects = append(x.rejects, keptReject{reject: rej})
				x.bytes += int64(len(rej.Raw) + len(rej.RawBytes) + len(rej.Reason) + 200)
			}
		}
		if !u.oldest.IsZero() {
			x.at = u.oldest
		}
		u.keeper.put(x)
		delete(u.growing, r)
	}
}

// refused are the records that nodes refused which the preview did not execute again.
func (u *reuse) refused(p *plan.Plan) (list []flows.Reject) {
	if len(u.resumed) == 0 || len(p.Keeps) > 0 {
		return nil
	}
	for _, r := range u.resumed[0].rejects { // all of them hold the same
		if p.Find(r.reject.Node) == nil {
			list = append(list, r.reject)
		}
	}
	return list
}

// keptRelation delivers a relation that an earlier preview has kept.
type keptRelation struct{ kept keptReading }

var _ node.SizedSource = keptRelation{}

func (s keptRelation) String() string { return "kept records" }

// EstimateRecords is what was estimated when the relation was computed: a join must build on the same side.
func (s keptRelation) EstimateRecords(func(string) int64) float64 { return s.kept.estimate }

// Read delivers it. What was refused on the way is told by the preview itself.
func (s keptRelation) Read(_ context.Context, r *node.Reading) (node.ReadStats, error) {
	x := s.kept
	x.rejects = nil
	return x.replay(r)
}
