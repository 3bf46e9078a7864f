package executor

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// FetchSpec asks a node for a sample of the system that it calls.
type FetchSpec struct {
	Document    json.RawMessage    `json:"document"`
	Node        string             `json:"node"`
	Environment string             `json:"environment,omitempty"`
	Parameters  map[string]string  `json:"parameters,omitempty"`
	Secrets     []string           `json:"-"` // as in RunSpec
	Connections node.ConnectionSet `json:"connections,omitempty"`
}

// fetch lets a node call, once.
func (g *Guest) fetch(ctx context.Context, spec FetchSpec) (*node.Fetched, error) {
	flow, err := flows.ParseFlow(spec.Document)
	if err != nil {
		return nil, err
	}
	at := flows.Path{Node: spec.Node}
	n, ok := flow.Node(spec.Node)
	if !ok {
		return nil, &flows.Error{Code: "fetch.node", Path: at, Message: "there is no such node in the flow", Suggestion: "name a node of the flow"}
	}
	t, cfg, ps := node.Load(n, plan.Values(flow, spec.Environment, spec.Parameters))
	if ps.Failed() {
		return nil, ps
	}
	f, ok := cfg.(node.Fetcher)
	if !ok {
		return nil, &flows.Error{Code: "fetch.node", Path: at, Message: fmt.Sprintf("a node of the type %s has no sample to fetch", t.Title), Suggestion: "look at its preview"}
	}
	fetched, err := f.Fetch(ctx, spec.Connections)
	if err != nil {
		return nil, flows.AsError(err).At(at)
	}
	fetched.Answer.Node, fetched.Answer.Environment = spec.Node, spec.Environment
	return &fetched, nil
}

// answered lets a calling source read what was fetched of it, and never call.
type answered struct {
	node.Source
	node   string
	answer *flows.Answer // nil: nothing was fetched
	// partial is told whether there is more.
	partial *atomic.Bool
}

func (a answered) Read(ctx context.Context, r *node.Reading) (node.ReadStats, error) {
	if a.answer == nil {
		return node.ReadStats{}, &flows.Error{Code: "fetch.none", Path: flows.Path{Node: a.node}, Message: "no sample has been fetched, and a preview does not call the API", Suggestion: "choose Fetch sample in the settings of the node"}
	}
	own := *r
	own.Answer = a.answer
	stats, err := a.Source.Read(ctx, &own)
	if stats.Partial {
		a.partial.Store(true)
	}
	return stats, err
}

// answerOf is what was fetched of a node; nil: nothing was.
func answerOf(answers []flows.Answer, id string) *flows.Answer {
	for i := range answers {
		if answers[i].Node == id {
			return &answers[i]
		}
	}
	return nil
}
