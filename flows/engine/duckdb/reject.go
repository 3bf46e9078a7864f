package duckdb

import (
	"encoding/json"
	"fmt"

	"spark/flows"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/node"
	"spark/flows/plan"
)

type refusedRecord = capi.Refused

// The default cap on stored rejects: so many, or one in a hundred records read, whichever is more.
const (
	defaultMaxRejects = 1000
	maxRejectShare    = 100
)

// reject applies a node's policy to one refused record. Its error ends the run.
func (r *run) reject(n *plan.Node, rej node.Reject) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first != nil {
		return r.first
	}
	switch n.Policy {
	case flows.RejectSkip:
		return nil
	case flows.RejectFail:
		e := rej.Error()
		if e.Path.File == "" && rej.Raw != "" {
			e.Message += " in the record " + shorten(rej.Raw)
		}
		e.Suggestion = "mend the data, or connect the rejects port to go on without such records"
		return r.decide(e)
	}
	r.refused++
	if e := r.tooMany(n); e != nil {
		return r.decide(e)
	}
	if sp := r.spools[n.ID]; sp != nil {
		if err := sp.add(rej); err != nil {
			return r.decide(flows.AsError(err))
		}
	}
	if r.env.Reject != nil {
		if err := r.env.Reject(rej); err != nil {
			return r.decide(flows.AsError(fmt.Errorf("storing a reject: %w", err)))
		}
	}
	return nil
}

func (r *run) tooMany(n *plan.Node) *flows.Error {
	if r.plan.Forgiving() {
		return nil
	}
	limit := int64(defaultMaxRejects)
	if m := r.plan.Flow.Settings.MaxRejects; m != nil {
		limit = *m
	} else {
		limit = max(limit, r.read()/maxRejectShare)
	}
	if r.refused <= limit {
		return nil
	}
	return &flows.Error{Code: "rejects.too_many", Params: flows.Params{"limit": limit}, Path: flows.Path{Node: n.ID},
		Message:    fmt.Sprintf("more than %d records were refused", limit),
		Suggestion: "look at the first rejects: most have one cause. Raise maxRejects in the flow's settings if so many are expected"}
}

// read counts the records that all sources have delivered so far.
func (r *run) read() int64 {
	var n int64
	for _, s := range r.plan.Stages {
		for _, st := range s.Steps {
			if _, ok := st.Op.(node.Read); ok {
				in, _ := r.db.Tap(r.taps[st.Ref])
				n += int64(in)
			}
		}
	}
	return n
}

// explain adds to a reject what a check says of the value that it refuses, where the record was kept.
func explain(k node.Check, rej *node.Reject) {
	var fields map[string]*string
	if k.Explain == nil || json.Unmarshal([]byte(rej.Raw), &fields) != nil || fields[k.Field] == nil {
		return
	}
	if more := k.Explain(*fields[k.Field]); more != "" {
		rej.Reason += ": " + more
	}
}

func shorten(s string) string {
	if runes := []rune(s); len(runes) > 200 {
		return string(runes[:200]) + "…"
	}
	return s
}
