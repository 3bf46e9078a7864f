package plan

import "spark/flows/node"

// Counts are what a run counted: the records of a relation, and those that could match on the build side of a join.
type Counts struct{ Out, Built map[Ref]int64 }

// StoppedEarly tells which relations may have delivered fewer records than a complete run of their node would have,
// given what was counted in this run. Everywhere else the count is the complete one.
//
// Two operators stop their input: a Limit that has passed all its records, and a join without a record on its build
// side that could match, where its kind then has no result. The first reaches up to the next operator that must see all its input before it
// delivers anything; the second everything above the probe side, because it is not started at all.
func (p *Plan) StoppedEarly(count Counts) map[Ref]bool {
	stopped := map[Ref]bool{}
	for _, s := range p.Stages {
		steps := map[Ref]*Step{}
		for _, st := range s.Steps {
			steps[st.Ref] = st
		}
		var visit func(r Ref, how stop)
		visit = func(r Ref, how stop) {
			st := steps[r]
			if st == nil {
				return // a kept relation was complete before this stage began
			}
			if how != running {
				stopped[r] = true
			}
			for i, in := range st.Inputs {
				visit(in.Ref, st.stops(i, how, count))
			}
		}
		visit(s.Target, running)
	}
	return stopped
}

type stop int

const (
	running   stop = iota
	stopping       // delivered some records, then was told to stop
	unstarted      // perhaps never asked for a record
)

// stops tells how the i-th input of st ends when its own output ends as how.
func (st *Step) stops(i int, how stop, count Counts) stop {
	switch op := st.Op.(type) {
	case node.Sort, node.Aggregate, node.Pick, node.Profile:
		if how == stopping {
			return running
		}
	case node.Enrich: // reads its reference first, and all records also where that is empty
		if i == 1 && how == stopping {
			return running
		}
	case node.Union:
		switch {
		case how == stopping && op.Distinct:
			return running
		case how == stopping && i > 0:
			return unstarted // perhaps the inputs before it were enough
		}
	case node.Window:
		if how == stopping && !op.Streams() {
			return running
		}
	case node.Limit:
		if how == running && count.Out[st.Ref] == op.Count {
			return stopping
		}
	case node.Join:
		build := 1
		if st.BuildLeft {
			build = 0
		}
		if i == build {
			if how == stopping {
				return running
			}
			return how
		}
		if how != unstarted && count.Built[st.Ref] == 0 && emptyWithoutBuild(op.Kind, st.BuildLeft) {
			return unstarted
		}
	}
	return how
}

// MatchesOnly reports whether a record of the build side counts only if it can match: then one with a null key is
// none.
func (st *Step) MatchesOnly() bool {
	op, ok := st.Op.(node.Join)
	return ok && (op.Kind == node.JoinInner || op.Kind == node.JoinSemi)
}

// emptyWithoutBuild reports whether a join has no result when its build side has no records.
func emptyWithoutBuild(k node.JoinKind, buildLeft bool) bool {
	switch k {
	case node.JoinInner, node.JoinSemi:
		return true
	case node.JoinLeft:
		return buildLeft
	case node.JoinRight:
		return !buildLeft
	}
	return false
}
