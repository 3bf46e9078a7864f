package duckdb

import (
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// roomCodes are of errors that mean that something needed more room than there is.
var roomCodes = []string{"memory.limit", "spill.limit", "spill.disk_full"}

// blame places an error about room at the node of the stage that holds the records, where there is one: the engine does
// not say for which operator it asked. Of several it is the one that got the most.
func (r *run) blame(s *plan.Stage, err error) error {
	e := flows.AsError(err)
	if e == nil || e.Path.Node != "" || !slices.Contains(roomCodes, e.Code) {
		return err
	}
	counts := r.counts()
	var most int64 = -1
	var holder *plan.Step
	holders := 0
	for _, st := range s.Steps {
		if !holds(st.Op) {
			continue
		}
		holders++
		var n int64
		for _, in := range st.Inputs {
			n += counts[in.Ref]
		}
		if n > most {
			most, holder = n, st
		}
	}
	switch {
	case holders > 1:
		e.Message += fmt.Sprintf("; of the nodes that hold records %s had got the most, %d", holder.Node.Title(), most)
	case s.Kind == plan.StageKeep && holder == nil:
		return e.At(flows.Path{Node: s.Target.Node})
	case holder == nil:
		return e
	}
	return e.At(flows.Path{Node: holder.Ref.Node})
}

// holds reports whether an operator keeps records, or something of each, until it has seen others.
func holds(op node.Op) bool {
	switch op := op.(type) {
	case node.Sort, node.Aggregate, node.Join, node.Pick, node.Window, node.Enrich:
		return true
	case node.Union:
		return op.Distinct
	}
	return false
}
