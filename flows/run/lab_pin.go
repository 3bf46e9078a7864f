package run

import (
	"context"
	"time"

	"spark/flows"
	"spark/flows/plan"
)

// Pins keeps the records that previews of drafts begin at.
type Pins interface {
	// List returns those of a flow without their records, in order of their nodes.
	List(ctx context.Context, scope flows.Scope, flow string) ([]flows.Pin, error)
	Records(ctx context.Context, scope flows.Scope, flow string, nodes []string) ([]flows.PinnedRecords, error)
	Put(ctx context.Context, scope flows.Scope, flow string, p flows.PinnedRecords) (flows.Pin, error)
	Delete(ctx context.Context, scope flows.Scope, flow, node string) error
}

// compareTime is how long a preview that begins at pinned records waits to learn which fields the nodes have now: what they
// come from may not be reached at all.
const compareTime = 2 * time.Second

// Pin keeps what a node of a document puts out, in the place of what was pinned of it before. What is pinned above it counts.
func (l *Lab) Pin(ctx context.Context, scope flows.Scope, req flows.PreviewRequest) (flows.Pin, error) {
	if _, ok := req.Document.Node(req.Node); !ok || req.Flow == "" {
		return flows.Pin{}, &flows.Error{Code: "pin.node", Params: flows.Params{"node": req.Node}, Message: "there is no such node in the document whose records could be pinned", Suggestion: "name a node of the flow"}
	}
	q, err := l.prepare(ctx, scope, req, true)
	if err != nil {
		return flows.Pin{}, err
	}
	job, err := l.job(ctx, scope, q)
	if err != nil {
		return flows.Pin{}, err
	}
	var p flows.PinnedRecords
	err = l.ask(ctx, func(ctx context.Context, b Workbench) (err error) {
		p, err = b.Pin(ctx, job)
		return err
	})
	if err != nil {
		return flows.Pin{}, err
	}
	p.Environment = q.Environment
	p.At = p.At.Truncate(time.Microsecond)
	return l.Pins.Put(ctx, scope, req.Flow, p)
}

// pinsOf are the pins of a flow that a preview of a node begins at; without those of the node itself, where it is to be pinned.
func (l *Lab) pinsOf(ctx context.Context, scope flows.Scope, req flows.PreviewRequest, again bool) ([]flows.Pin, error) {
	if l.Pins == nil || req.Flow == "" {
		return nil, nil
	}
	list, err := l.Pins.List(ctx, scope, req.Flow)
	if err != nil {
		return nil, err
	}
	others := list[:0]
	for _, p := range list {
		if !again || p.Node != req.Node {
			others = append(others, p)
		}
	}
	return req.Document.UsedPins(req.Node, others), nil
}

// compare tells in which way nodes have other fields than what is pinned of them.
func (l *Lab) compare(ctx context.Context, q question) {
	if len(q.pins) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, compareTime)
	defer cancel()
	p, _ := plan.Compile(q.Document, plan.Options{Environment: q.Environment, Parameters: q.Parameters, Validate: true, Until: q.Node, Lookup: labLookup{ctx, l, q.connections}, Engines: l.Engines})
	for i := range q.pins {
		q.pins[i].Changed = changed(p, q.pins[i])
	}
}

func changed(p *plan.Plan, pin flows.Pin) string {
	for _, port := range pin.Ports {
		if now, ok := p.Schemas[plan.Ref{Node: pin.Node, Port: port.Port}]; ok {
			if what := port.Differs(now); what != "" {
				return what
			}
		}
	}
	return ""
}

// changedPins are warnings of pins whose nodes have other fields by now.
func changedPins(pins []flows.Pin) (ps flows.Problems) {
	for _, p := range pins {
		if p.Changed != "" {
			ps = append(ps, &flows.Error{Code: "pin.fields", Severity: flows.SeverityWarning, Path: flows.Path{Node: p.Node}, Message: "pinned with other fields: " + p.Changed,
				Suggestion: "pin it again, or unpin it"})
		}
	}
	return ps
}

// pinnedFor returns pins with their records.
func pinnedFor(ctx context.Context, pins Pins, scope flows.Scope, flow string, used []flows.Pin) ([]flows.PinnedRecords, error) {
	if len(used) == 0 {
		return nil, nil
	}
	nodes := make([]string, len(used))
	for i, p := range used {
		nodes[i] = p.Node
	}
	return pins.Records(ctx, scope, flow, nodes)
}
