package duckdb

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"spark/flows"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/node"
	"spark/flows/plan"
)

// After a statement DuckDB tells what its threads spent in each operator. The counting functions in the conditions say
// which node an operator belongs to: it and what lies below it, down to the next of them. Nodes without one, which only
// compute or sort, get the operators of their kind in between.

var tapID = regexp.MustCompile(`\btap[fxws]?\((\d+)`)

// profile adds the times of the last statement of an execution to those of the nodes.
func (x *execution) profile() {
	end := x.stage.Target.Node
	if x.stage.Sink != nil {
		end = x.stage.Sink.ID
	}
	x.run.profileOf(x.conn, x.stage.Steps, end, x.stage.Target)
}

// profileOf adds the times of the last statement of a connection to those of the nodes of some steps: end is the node that
// takes what last is.
func (r *run) profileOf(conn *capi.Conn, steps []*plan.Step, end string, last plan.Ref) {
	root, ok := conn.Profile()
	if !ok {
		return
	}
	w := profiler{byTap: map[int]*plan.Step{}, steps: map[plan.Ref]*plan.Step{}, spent: map[string]time.Duration{}}
	for _, st := range steps {
		w.steps[st.Ref] = st
		w.byTap[r.taps[st.Ref]], w.byTap[r.refusals[st.Ref]] = st, st
	}
	w.visit(root, owner{node: end, below: w.steps[last]})
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, d := range w.spent {
		r.computed[id] += d
	}
}

type profiler struct {
	byTap map[int]*plan.Step
	steps map[plan.Ref]*plan.Step
	spent map[string]time.Duration
}

// owner is the node that an operator belongs to, and the step from which on those below it have not been met yet.
type owner struct {
	node  string
	below *plan.Step
}

func (w *profiler) visit(o capi.Operator, at owner) {
	if st := w.tapped(o); st != nil {
		at = owner{node: st.Ref.Node, below: w.input(st)}
	} else if st := w.untapped(o, at.below); st != nil {
		at = owner{node: at.node, below: w.input(st)}
		w.add(st.Ref.Node, o)
		o.Seconds = 0
	}
	w.add(at.node, o)
	for _, in := range o.Inputs {
		w.visit(in, at)
	}
}

func (w *profiler) add(id string, o capi.Operator) {
	if strings.Contains(o.Extra, "ARROW_SCAN") { // mostly waits for a source, which tells its own times
		return
	}
	w.spent[id] += time.Duration(o.Seconds * float64(time.Second))
}

// tapped is the step whose counting function stands in an operator's condition.
func (w *profiler) tapped(o capi.Operator) *plan.Step {
	if o.Type != "FILTER" {
		return nil
	}
	m := tapID.FindStringSubmatch(o.Extra)
	if m == nil {
		return nil
	}
	id, _ := strconv.Atoi(m[1]) // digits
	return w.byTap[id]
}

// untapped is the first step from st downwards that has no counting function, and operators of this type.
func (w *profiler) untapped(o capi.Operator, st *plan.Step) *plan.Step {
	for ; st != nil && !counts(st); st = w.input(st) {
		switch op := st.Op.(type) {
		case node.Sort:
			if o.Type == "ORDER_BY" || o.Type == "TOP_N" {
				return st
			}
		case node.Project:
			if o.Type == "PROJECTION" && len(op.Columns) > 0 {
				return st
			}
		case node.Window:
			if strings.Contains(o.Type, "WINDOW") {
				return st
			}
		}
	}
	return nil
}

// counts reports whether a step's statement has a counting function.
func counts(st *plan.Step) bool {
	switch st.Op.(type) {
	case node.Sort, node.Project, node.Window:
		return st.Guarded
	}
	return true
}

// input is the step before the one that has one input, nil elsewhere.
func (w *profiler) input(st *plan.Step) *plan.Step {
	if len(st.Inputs) != 1 {
		return nil
	}
	return w.steps[st.Inputs[0].Ref]
}

// computed is what the engine's threads have spent in a node's operators, in milliseconds; nil: it is not known.
func (r *run) computedBy(a *flows.Activity, id string) *flows.Activity {
	d := r.computed[id]
	if d == 0 {
		return a
	}
	if a == nil {
		a = &flows.Activity{}
	}
	a.ComputedMS = d.Milliseconds()
	return a
}
