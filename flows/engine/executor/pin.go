package executor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// pin answers what the outputs of a node hold, so that later previews can begin there. The answer is an error where the
// preview would have none.
func (g *Guest) pin(ctx context.Context, spec PreviewSpec) (*flows.PinnedRecords, error) {
	spec.Limit = min(spec.Limit, flows.MaxPin)
	x := &pinning{relations: map[plan.Ref]*pinnedRelation{}}
	v, err := g.look(ctx, spec, x)
	if err != nil {
		return nil, err
	}
	defer x.release()
	if v.Problems.Failed() {
		return nil, v.Problems
	}
	return x.result(v)
}

// pinning collects what is to be pinned.
type pinning struct {
	plan      *plan.Plan
	relations map[plan.Ref]*pinnedRelation
}

type pinnedRelation struct {
	batches []arrow.RecordBatch
	records int64
	traced  bool
}

var errPinned = errors.New("enough records to pin")

// keep takes a batch of an output, or nil at its end.
func (x *pinning) keep(st *plan.Step, b arrow.RecordBatch) error {
	r := x.relations[st.Ref]
	if r == nil {
		r = &pinnedRelation{traced: st.Origin}
		x.relations[st.Ref] = r
	}
	if b == nil {
		return nil
	}
	if r.records >= flows.MaxPin {
		return errPinned
	}
	part := b.NewSlice(0, min(b.NumRows(), flows.MaxPin-r.records))
	defer part.Release()
	mine, err := copyBatch(part)
	if err != nil {
		return err
	}
	r.batches, r.records = append(r.batches, mine...), r.records+part.NumRows()
	return nil
}

func (x *pinning) release() {
	for _, r := range x.relations {
		for _, b := range r.batches {
			b.Release()
		}
	}
}

// result writes what was collected: of each output the same number of records at most, so many that all of them together
// are no larger than what may be pinned.
func (x *pinning) result(v *flows.Preview) (*flows.PinnedRecords, error) {
	if len(v.Outputs) == 0 {
		return nil, &flows.Error{Code: "pin.nothing", Path: flows.Path{Node: v.Node}, Message: "the node puts out no records that could be pinned", Suggestion: "pin the node before it"}
	}
	out := &flows.PinnedRecords{Pin: flows.Pin{Node: v.Node, At: v.At}, Batches: map[string][]byte{}}
	for _, s := range v.Outputs {
		r := x.relations[x.plan.Drawn(plan.Ref{Node: v.Node, Port: s.Port})]
		if r == nil {
			return nil, &flows.Error{Code: "pin.type", Path: flows.Path{Node: v.Node, Port: s.Port}, Message: "the records have a field, such as an interval, that cannot be kept exactly", Suggestion: "take it out, or convert it, and pin the node after that"}
		}
		out.Ports = append(out.Ports, flows.PinnedPort{Port: s.Port, Schema: x.plan.Schemas[plan.Ref{Node: v.Node, Port: s.Port}], Traced: r.traced})
	}
	for _, rej := range v.Rejects {
		if rej.Node == v.Node {
			out.Refused = append(out.Refused, rej)
			out.Bytes += int64(len(rej.Raw) + len(rej.RawBytes) + len(rej.Reason) + len(rej.Header))
		}
	}
	if out.Rejects = int64(len(out.Refused)); out.Bytes > flows.MaxPinBytes/2 {
		return nil, tooLargeToPin(v.Node)
	}
	for refused, most := out.Bytes, int64(flows.MaxPin); ; most /= 2 {
		if most == 0 {
			return nil, tooLargeToPin(v.Node)
		}
		out.Bytes = refused
		for i, s := range v.Outputs {
			text, n, err := x.relations[x.plan.Drawn(plan.Ref{Node: v.Node, Port: s.Port})].write(most)
			if err != nil {
				return nil, err
			}
			out.Batches[s.Port], out.Bytes = text, out.Bytes+int64(len(text))
			out.Ports[i].Records, out.Ports[i].More = n, s.Records > n || !v.Complete
		}
		if out.Bytes <= flows.MaxPinBytes {
			return out, nil
		}
	}
}

func tooLargeToPin(id string) *flows.Error {
	return &flows.Error{Code: "pin.too_large", Path: flows.Path{Node: id}, Params: flows.Params{"bytes": flows.MaxPinBytes}, Message: fmt.Sprintf("its records are too large: %d KB can be pinned of a node", flows.MaxPinBytes>>10),
		Suggestion: "pin a node behind one that selects fields"}
}

// write encodes the first records of the relation.
func (r *pinnedRelation) write(most int64) (text []byte, records int64, err error) {
	if len(r.batches) == 0 {
		return nil, 0, nil
	}
	var b bytes.Buffer
	w := ipc.NewWriter(&b, ipc.WithSchema(r.batches[0].Schema()))
	for _, batch := range r.batches {
		if records == most {
			break
		}
		part := batch.NewSlice(0, min(batch.NumRows(), most-records))
		records += part.NumRows()
		err = errors.Join(err, w.Write(part))
		part.Release()
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, 0, fmt.Errorf("pinned records: %w", err)
	}
	return b.Bytes(), records, nil
}

// pinned are pins as the plan takes them.
func pinned(list []flows.PinnedRecords) map[string]plan.Pinned {
	pins := map[string]plan.Pinned{}
	for _, p := range list {
		ports, once := plan.Pinned{}, &sync.Once{}
		for _, port := range p.Ports {
			ports[port.Port] = plan.PinnedPort{Source: pinnedSource{records: port.Records, text: p.Batches[port.Port], refused: p.Refused, once: once}, Schema: port.Schema, Traced: port.Traced}
		}
		pins[p.Node] = ports
	}
	return pins
}

// pinsOf are pins without their records: enough to tell whether they are the same.
func pinsOf(list []flows.PinnedRecords) (pins []flows.Pin) {
	for _, p := range list {
		pins = append(pins, p.Pin)
	}
	return pins
}

// pinnedSource delivers the pinned records of one output port, and the first one of a node that is read also what the node
// refused.
type pinnedSource struct {
	records int64
	text    []byte
	refused []flows.Reject
	once    *sync.Once // of the node
}

var _ node.SizedSource = pinnedSource{}

func (s pinnedSource) String() string { return "pinned records" }

// EstimateRecords is exact.
func (s pinnedSource) EstimateRecords(func(string) int64) float64 { return float64(max(1, s.records)) }

// Read delivers them in their order.
func (s pinnedSource) Read(_ context.Context, r *node.Reading) (stats node.ReadStats, err error) {
	s.once.Do(func() {
		for _, rej := range s.refused {
			if err = r.Reject(rej); err != nil {
				return
			}
			stats.Rejected++
		}
	})
	if err != nil || len(s.text) == 0 {
		stats.Complete = err == nil
		return stats, err
	}
	batches, err := ipc.NewReader(bytes.NewReader(s.text), ipc.WithAllocator(mallocator.NewMallocator()))
	if err != nil {
		return stats, fmt.Errorf("pinned records: %w", err)
	}
	defer batches.Release()
	for batches.Next() {
		b := batches.RecordBatch()
		b.Retain()
		err := emitPart(r, b)
		if errors.Is(err, node.ErrEnough) {
			return stats, nil
		}
		if err != nil {
			return stats, err
		}
		stats.Records += b.NumRows()
	}
	stats.Complete = batches.Err() == nil
	return stats, batches.Err()
}
