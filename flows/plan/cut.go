package plan

import (
	"slices"

	"spark/flows/node"
)

// maxSteps is where a stage is cut, because engines bind a longer chain slowly, or not at all.
const maxSteps = 500

// cut divides the graph into stages. consumers counts, per relation, the operators that read it: a node with two
// connected output ports reads its input twice. A relation with more than one is kept, and so are those where a stage
// must end for another reason.
func (p *Plan) cut() {
	consumers := p.consumers()
	p.completeFilters(consumers)
	p.keepWhole(consumers)
	p.shorten(consumers)
	for p.divide(consumers); p.sortStages(consumers); {
		p.divide(consumers)
	}
	p.needs()
}

func (p *Plan) divide(consumers map[Ref]int) {
	p.Stages = nil
	b := &cutter{plan: p, consumers: consumers, kept: map[Ref]bool{}}
	for _, n := range p.Nodes { // topological, so that what is kept comes before its readers
		if n.IsSink() {
			if !p.Preview() {
				b.stage(StageSink, n.Sources()[0].Ref, n)
			} else if in := n.Sources()[0].Ref; !b.isKept(in) {
				b.stage(StageCount, in, nil) // a preview writes nothing
			}
			continue
		}
		for _, port := range n.Ports() {
			r := Ref{n.ID, port}
			switch c := consumers[r]; {
			case c > 1:
				b.stage(StageKeep, r, nil)
				b.kept[r] = true
			case c == 0 && b.counted(n, port):
				b.stage(StageCount, r, nil)
			}
		}
	}
}

// completeFilters keeps the first output of a filter that refuses records and has two outputs in use, where something
// below may stop it early: it refuses for both, so it must see every record that the other one sees.
func (p *Plan) completeFilters(consumers map[Ref]int) {
	for _, n := range p.Nodes {
		var used []Ref
		for _, port := range n.Ports() {
			if r := (Ref{n.ID, port}); consumers[r] > 0 && guarded(n, n.Results[port].Op) {
				used = append(used, r)
			}
		}
		if len(used) > 1 && p.mayStop(used[0]) {
			consumers[used[0]] = max(consumers[used[0]], 2)
		}
	}
}

// keepWhole keeps what must be complete: where it is asked for, what a Query reads, and what a Stop, an Expect or a Call
// has passed where something below may stop it early.
func (p *Plan) keepWhole(consumers map[Ref]int) {
	for ref := range p.whole {
		consumers[ref] = max(consumers[ref], 2)
	}
	for _, n := range p.Nodes {
		if _, query := n.Results[node.Out].Op.(node.Query); query {
			for _, in := range n.Inputs {
				consumers[in] = max(consumers[in], 2)
			}
		}
		for port, res := range n.Results {
			r := Ref{n.ID, port}
			project, _ := res.Op.(node.Project)
			if consumers[r] == 1 && (project.Keep || seesAll(res.Op) && p.mayStop(r)) {
				consumers[r] = 2
			}
		}
	}
}

// seesAll reports whether an operator looks at every record, whoever reads what it passes.
func seesAll(op node.Op) bool {
	switch op.(type) {
	case node.Stop, node.Expect, node.Call:
		return true
	}
	return false
}

// mayStop reports whether a relation reaches a node that may stop its input early.
func (p *Plan) mayStop(r Ref) bool {
	reached := map[Ref]bool{r: true}
	for _, n := range p.Nodes { // topological
		for _, in := range n.Inputs {
			if !reached[in] {
				continue
			}
			for port, res := range n.Results {
				switch res.Op.(type) {
				case node.Limit, node.Join:
					return true
				}
				reached[Ref{n.ID, port}] = true
			}
		}
	}
	return false
}

// shorten keeps a relation wherever a stage would become longer than maxSteps.
func (p *Plan) shorten(consumers map[Ref]int) {
	steps := map[Ref]int{} // that make a relation inside its stage
	for _, n := range p.Nodes {
		made := 1
		for _, in := range n.Inputs {
			made += steps[in]
		}
		for _, port := range n.Ports() {
			r := Ref{n.ID, port}
			if consumers[r] == 1 && made >= maxSteps {
				consumers[r] = 2
			}
			if consumers[r] < 2 {
				steps[r] = made
			}
		}
	}
}

// sortStages orders stages so that what one reads is there: kept relations, and the rejects of every step of a node.
// Rejects can be read once all stages that refuse them are over. Where stages wait for each other so, it makes the
// outputs of the nodes that refuse kept and returns true: then the graph has to be divided again.
func (p *Plan) sortStages(consumers map[Ref]int) bool {
	var done []*Stage
	for rest := p.Stages; len(rest) > 0; {
		i := slices.IndexFunc(rest, func(s *Stage) bool { return !slices.ContainsFunc(rest, s.waits) })
		if i < 0 {
			return p.separate(rest, consumers)
		}
		done = append(done, rest[i])
		rest = slices.Concat(rest[:i], rest[i+1:])
	}
	p.Stages = done
	return false
}

// waits reports whether s reads what o makes.
func (s *Stage) waits(o *Stage) bool { return slices.ContainsFunc(s.Reads, o.makes) }

// makes reports whether s keeps the relation, or refuses records that are part of it.
func (s *Stage) makes(r Ref) bool {
	if r.Port == node.Rejects {
		return slices.ContainsFunc(s.Steps, func(st *Step) bool { return st.Ref.Node == r.Node })
	}
	return s.Kind == StageKeep && s.Target == r
}

// separate ends the stages that wait for each other at the nodes whose rejects they wait for. After that they depend
// on each other only as the graph itself does, which has no circle.
func (p *Plan) separate(rest []*Stage, consumers map[Ref]int) bool {
	changed := false
	for _, s := range rest {
		for _, r := range s.Reads {
			if r.Port != node.Rejects || !slices.ContainsFunc(rest, func(o *Stage) bool { return o.makes(r) && waitsFor(o, s, rest) }) {
				continue
			}
			for _, port := range p.Find(r.Node).Ports() {
				if out := (Ref{r.Node, port}); consumers[out] == 1 {
					consumers[out], changed = 2, true
				}
			}
		}
	}
	return changed
}

// waitsFor reports whether s is to, or waits for it through any number of others.
func waitsFor(s, to *Stage, all []*Stage) bool {
	seen := map[*Stage]bool{}
	var visit func(s *Stage) bool
	visit = func(s *Stage) bool {
		if s == to {
			return true
		}
		seen[s] = true
		return slices.ContainsFunc(all, func(o *Stage) bool { return !seen[o] && s.waits(o) && visit(o) })
	}
	return visit(s)
}

// counted: an output that nobody reads is executed for its counts, unless another output of the node already is.
func (b *cutter) counted(n *Node, port string) bool {
	if n.ID == b.plan.preview {
		return true
	}
	if port != n.Outputs[0].Name {
		return false
	}
	for _, other := range n.Ports() {
		if b.consumers[Ref{n.ID, other}] > 0 {
			return false
		}
	}
	return true
}

func (p *Plan) consumers() map[Ref]int {
	used := map[Ref]bool{}
	for _, n := range p.Nodes {
		for _, r := range n.Inputs {
			used[r] = true
		}
	}
	count := map[Ref]int{}
	for _, n := range p.Nodes {
		reads := 1
		if !n.IsSink() {
			reads = 0
			for _, port := range n.Ports() {
				if used[Ref{n.ID, port}] {
					reads++
				}
			}
			reads = max(reads, 1) // counted, if nothing else
			if n.ID == p.preview {
				reads = len(n.Ports()) // all of them are shown
			}
		}
		for _, r := range n.Inputs {
			count[r] += reads
		}
	}
	return count
}

type cutter struct {
	plan      *Plan
	consumers map[Ref]int
	kept      map[Ref]bool
}

func (b *cutter) stage(kind StageKind, target Ref, sink *Node) {
	s := &Stage{Kind: kind, Target: target, Sink: sink}
	b.collect(s, target)
	if sink != nil {
		s.Schema = b.plan.Schemas[target]
	} else {
		s.Schema = b.plan.Find(target.Node).Results[target.Port].Schema
	}
	b.plan.Stages = append(b.plan.Stages, s)
}

// collect adds the steps that make r, inputs first. Rejects ports are kept by the engine's reject spool.
func (b *cutter) collect(s *Stage, r Ref) {
	if b.isKept(r) {
		if !slices.Contains(s.Reads, r) {
			s.Reads = append(s.Reads, r)
		}
		return
	}
	n := b.plan.Find(r.Node)
	res := n.Results[r.Port]
	step := &Step{Ref: r, Node: n, Op: res.Op, Schema: res.Schema, Guarded: guarded(n, res.Op)}
	for _, in := range n.Sources() {
		in.Kept = b.isKept(in.Ref)
		step.Inputs = append(step.Inputs, in)
		b.collect(s, in.Ref)
	}
	s.Steps = append(s.Steps, step)
}

func (b *cutter) isKept(r Ref) bool { return b.kept[r] || r.Port == node.Rejects }
