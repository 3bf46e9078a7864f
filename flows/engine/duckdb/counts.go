package duckdb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// counts reads the taps and derives the relations that need none: a projection and a sort deliver what they read.
func (r *run) counts() map[plan.Ref]int64 {
	c := map[plan.Ref]int64{}
	for id, sp := range r.spools { // first: what reads them may need no tap
		c[plan.Ref{Node: id, Port: node.Rejects}] = sp.n.Load()
	}
	for _, s := range r.plan.Stages {
		for _, st := range s.Steps {
			in, out := r.db.Tap(r.taps[st.Ref])
			filter := filters(st.Op)
			_, project := st.Op.(node.Project)
			_, sort := st.Op.(node.Sort)
			switch {
			case filter || st.Guarded:
				c[st.Ref] = int64(out)
			case project || sort:
				c[st.Ref] = c[st.Inputs[0].Ref]
			default:
				c[st.Ref] = int64(in)
			}
		}
		r.limited(s, c)
	}
	return c
}

// filters reports whether an operator's tap decides which records go on.
func filters(op node.Op) bool {
	switch op.(type) {
	case node.Filter, node.Pick, node.Draw, node.Window, node.Unnest, node.Elements, node.Enrich, node.Stop, node.Expect, node.Call:
		return true
	}
	return false
}

// built counts the records on the build side of every join that could match.
func (r *run) built(counts map[plan.Ref]int64) map[plan.Ref]int64 {
	b := map[plan.Ref]int64{}
	for _, s := range r.plan.Stages {
		for _, st := range s.Steps {
			if _, join := st.Op.(node.Join); !join {
				continue
			}
			if st.MatchesOnly() {
				_, out := r.db.Tap(r.refusals[st.Ref])
				b[st.Ref] = int64(out)
			} else if st.BuildLeft {
				b[st.Ref] = counts[st.Inputs[0].Ref]
			} else {
				b[st.Ref] = counts[st.Inputs[1].Ref]
			}
		}
	}
	return b
}

// limited corrects what a sort delivered to a limit that has stopped it: the records that were skipped and passed.
// The projections between are one for one.
func (r *run) limited(s *plan.Stage, c map[plan.Ref]int64) {
	for i, st := range s.Steps {
		op, ok := st.Op.(node.Limit)
		if !ok || c[st.Ref] != op.Count {
			continue
		}
		var chain []plan.Ref
		for at := s.Steps[:i]; ; {
			ref := st.Inputs[0].Ref
			k := slices.IndexFunc(at, func(x *plan.Step) bool { return x.Ref == ref })
			if k < 0 {
				break
			}
			st = at[k]
			_, project := st.Op.(node.Project)
			if project && !st.Guarded {
				chain = append(chain, ref)
				continue
			}
			if _, sort := st.Op.(node.Sort); sort {
				for _, ref := range append(chain, ref) {
					c[ref] = op.Count + op.Offset
				}
			}
			break
		}
	}
}

// statuses reports every node of the flow. err is the run's end, nil while it runs or when it succeeded.
func (r *run) statuses(err error) []flows.NodeStatus {
	counts := r.counts()
	r.mu.Lock()
	defer r.mu.Unlock()
	finished := err == nil && r.done()
	var stopped map[plan.Ref]bool
	if finished && !r.plan.Uncounted() {
		stopped = r.plan.StoppedEarly(plan.Counts{Out: counts, Built: r.built(counts)})
	}
	activities := r.activities(time.Now())
	var list []flows.NodeStatus
	for _, n := range r.plan.Nodes {
		st := flows.NodeStatus{Node: n.ID, State: r.states[n.ID], In: map[string]int64{}, Out: map[string]int64{}, Written: r.written[n.ID], Activity: r.computedBy(activities[n.ID], n.ID)}
		for key, ref := range n.Inputs {
			if r.counted(ref) {
				st.In[node.InputPort(key)] += counts[ref]
			}
		}
		for _, port := range n.Ports() {
			ref := plan.Ref{Node: n.ID, Port: port}
			if r.counted(ref) {
				st.Out[port] = counts[ref]
			}
			if stopped[ref] || r.capped(n, ref, counts) {
				st.StoppedEarly = append(st.StoppedEarly, port)
			}
		}
		if o := r.outputOf(n); finished && o != nil && o.batch != nil {
			changes := o.batch.Changes()
			st.Changes = &changes
		}
		if op, ok := n.Results[node.Out].Op.(node.Expect); ok {
			st.Expectations = r.expectations(plan.Ref{Node: n.ID, Port: node.Out}, op, st.State == flows.NodeDone)
		}
		st.Rejected = r.rejected(n)
		if n.Kind.Rejects {
			st.Out[node.Rejects] = st.Rejected
		}
		if st.State == flows.NodeRunning {
			st.Progress = r.sources[n.ID].share()
		}
		if st.State == flows.NodeFailed && r.first != nil {
			st.Reason = r.first.Message
		}
		list = append(list, st)
	}
	return r.skippedStatuses(list)
}

// capped reports whether a source has more records than its Read's limit let through.
func (r *run) capped(n *plan.Node, ref plan.Ref, counts map[plan.Ref]int64) bool {
	read, ok := n.Results[ref.Port].Op.(node.Read)
	if _, native := read.Source.(node.NativeSource); ok && native && read.Limit > 0 {
		return counts[ref] == read.Limit // nobody looked for another one
	}
	return r.sources[n.ID].capped.Load()
}

// counted reports whether a relation is executed, and its count known: without counts only a source's is.
func (r *run) counted(ref plan.Ref) bool {
	if !r.plan.Uncounted() {
		_, executed := r.taps[ref]
		return executed || ref.Port == node.Rejects
	}
	_, read := r.plan.Find(ref.Node).Results[ref.Port].Op.(node.Read)
	return read || ref.Port == node.Rejects
}

func (r *run) done() bool {
	for _, s := range r.states {
		if s != flows.NodeDone {
			return false
		}
	}
	return true
}

// rejected counts what a node refused: at its source, or at its guarded step.
func (r *run) rejected(n *plan.Node) int64 {
	refused := r.sources[n.ID].rejected.Load()
	for _, port := range n.Ports() {
		id, ok := r.refusals[plan.Ref{Node: n.ID, Port: port}]
		_, stop := n.Results[port].Op.(node.Stop)
		if ok && r.guardOf[id].Guarded && !stop {
			_, out := r.db.Tap(id)
			refused += int64(out)
		}
	}
	return refused
}

func (r *run) skippedStatuses(list []flows.NodeStatus) []flows.NodeStatus {
	for _, n := range r.plan.Flow.Nodes {
		if reason, ok := r.plan.Skipped[n.ID]; ok {
			list = append(list, flows.NodeStatus{Node: n.ID, State: flows.NodeSkipped, Reason: reason})
		} else if r.plan.Find(n.ID) == nil && n.Disabled {
			list = append(list, flows.NodeStatus{Node: n.ID, State: flows.NodeSkipped, Reason: "disabled: its input goes on unchanged"})
		}
	}
	return list
}

// refuse is called for every record that a guarded step refuses. The first error decides the run.
func (r *run) refuse(x refusedRecord) error {
	st := r.guardOf[x.ID]
	if _, stop := st.Op.(node.Stop); stop {
		return r.stopped(st, x)
	}
	rej := node.Reject{Node: st.Ref.Node, Code: "record.refused", Reason: "the record was refused", File: x.File, Record: x.Record, Raw: x.Raw}
	if name, ok := r.files[x.File]; ok {
		rej.File = name
	}
	if sites := r.sites[x.ID]; x.Code >= 1 && x.Code <= len(sites) {
		s := sites[x.Code-1]
		rej.Code, rej.Field, rej.Reason = s.Code, s.column, s.Message
		if _, place := st.Op.(node.Elements); !place && x.Why != "" {
			rej.Reason += ": " + x.Why
		}
	}
	switch op := st.Op.(type) {
	case node.Expect:
		if err := r.forbidden(op, x, rej); err != nil {
			return err
		}
	case node.Project:
		return r.checked(st, x, rej, op.Checks)
	case node.Elements:
		if n, err := strconv.Atoi(x.Why); err == nil { // none stands for the record itself
			rej.Reason = strings.Replace(rej.Reason, op.Path+"[*]", fmt.Sprintf("%s[%d]", op.Path, n-1), 1)
		}
		return r.checked(st, x, rej, op.Checks())
	}
	return r.reject(st.Node, rej)
}

// checked refuses a record with what a check says of it, where it is one that refuses.
func (r *run) checked(st *plan.Step, x refusedRecord, rej node.Reject, checks []node.Check) error {
	if x.Code >= 1 && x.Code <= len(checks) {
		k := checks[x.Code-1]
		explain(k, &rej)
		if k.Fail && !r.plan.Preview() {
			return r.forbid(rej)
		}
	}
	return r.reject(st.Node, rej)
}
