package plan

import "spark/flows/node"

// StoppedEarly tells which relations may have delivered fewer records than a complete run of their node would have,
// given the records counted at every relation of this run. Everywhere else the count is the complete one.
//
// Two operators stop their input: a Limit that has passed all its records, and a join whose build side is empty and
// whose kind then has no result. The first reaches up to the next operator that must see all its input before it
// delivers anything; the second everything above the probe side, because it is not started at all.
func (p *Plan) StoppedEarly(count map[Ref]int64) map[Ref]bool {
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
func (st *Step) stops(i int, how stop, count map[Ref]int64) stop {
	switch op := st.Op.(type) {
	case node.Sort, node.Aggregate:
		if how == stopping {
			return running
		}
	case node.Limit:
		if how == running && count[st.Ref] == op.Count {
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
		if how != unstarted && count[st.Inputs[build].Ref] == 0 && emptyWithoutBuild(op.Kind, st.BuildLeft) {
			return unstarted
		}
	}
	return how
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
