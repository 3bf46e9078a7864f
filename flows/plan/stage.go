package plan

import (
	"maps"
	"slices"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

// StageKind says what becomes of a stage's last relation.
type StageKind string

// The kinds of stages.
const (
	StageSink  StageKind = "sink"  // a sink takes it
	StageKeep  StageKind = "keep"  // it is computed once and kept until the last stage that reads it is done
	StageCount StageKind = "count" // nobody takes it: its records are counted
)

// Stage is a chain of operators that an engine executes as one unit. Every relation inside has exactly one consumer,
// so a stage is a tree: forks and diamonds are cut by keeping the shared relation.
type Stage struct {
	Kind  StageKind
	Steps []*Step // topological; the last one makes the target
	// Target is the relation that is kept or counted, or that Sink takes.
	Target Ref
	Sink   *Node
	// Schema of the target.
	Schema flows.Schema
	// Reads are the kept relations, of earlier stages, that this one reads.
	Reads []Ref
}

// Step computes one relation.
type Step struct {
	Ref    Ref
	Node   *Node
	Op     node.Op
	Schema flows.Schema
	Inputs []Input
	// Needed are the fields of Schema that anything downstream reads, in order.
	Needed []string
	// Origin asks for the origin columns along with the fields.
	Origin bool
	// Guarded: some record may be refused here.
	Guarded bool
	// BuildLeft: a join builds its hash table on the left input, because it is estimated to be the smaller one.
	BuildLeft bool
	// Estimate is a guess of the number of records, for the choice of join sides only.
	Estimate float64
}

// Input is what a step reads at a port: another step's relation or a kept one.
type Input struct {
	Port string // or the node.InputKey of one of its edges
	Ref  Ref
	Kept bool
}

// Ports lists the output ports of n that mean something, in the order of its type.
func (n *Node) Ports() []string {
	var ports []string
	for _, p := range n.Outputs {
		if _, ok := n.Results[p.Name]; ok {
			ports = append(ports, p.Name)
		}
	}
	return ports
}

// IsSink reports whether the node hands its records to a sink.
func (n *Node) IsSink() bool { _, ok := n.Results[""]; return ok }

// Sources lists a node's connected inputs in the order of its type's ports.
func (n *Node) Sources() []Input {
	var in []Input
	for _, p := range n.Kind.Inputs {
		for i := 0; ; i++ {
			key := node.InputKey(p.Name, i)
			r, ok := n.Inputs[key]
			if !ok {
				break
			}
			in = append(in, Input{Port: key, Ref: r})
		}
	}
	return in
}

// guarded reports whether a record can be refused at op.
func guarded(n *Node, op node.Op) bool {
	switch op := op.(type) {
	case node.Project:
		return len(op.Checks) > 0 || slices.ContainsFunc(op.Columns, func(c node.Column) bool { return expr.Fallible(c.Expr) })
	case node.Filter:
		return expr.Fallible(op.Cond)
	case node.Stop, node.Expect, node.Call:
		return true
	case node.Aggregate:
		return slices.ContainsFunc(op.Aggs, func(c node.Column) bool { return expr.Fallible(c.Expr) })
	case node.Window:
		return slices.ContainsFunc(op.Columns, fallibleColumn)
	case node.Enrich:
		return op.Refuses()
	case node.Elements:
		return len(op.Checks()) > 0 || guarded(n, op.Each)
	}
	return false
}

// needs walks the stages backwards and finds which fields of each relation anything reads, so that sources build no
// column for nothing, and where the origin of a record may be asked for.
func (p *Plan) needs() {
	kept := map[Ref]map[string]bool{}
	keptOrigin := map[Ref]bool{}
	p.origins()
	for i := len(p.Stages) - 1; i >= 0; i-- {
		s := p.Stages[i]
		need := map[Ref]map[string]bool{s.Target: {}}
		origin := map[Ref]bool{}
		switch s.Kind {
		case StageSink:
			for _, f := range s.Schema {
				need[s.Target][f.Name] = true
			}
		case StageKeep:
			need[s.Target] = kept[s.Target]
			origin[s.Target] = keptOrigin[s.Target] || slices.Contains(p.Keeps, s.Target) && p.traced[s.Target]
		}
		for j := len(s.Steps) - 1; j >= 0; j-- {
			p.stepNeeds(s.Steps[j], need, origin, func(in Input) (map[string]bool, func()) {
				where, mark := need, origin
				if in.Kept {
					where, mark = kept, keptOrigin
				}
				if where[in.Ref] == nil {
					where[in.Ref] = map[string]bool{}
				}
				return where[in.Ref], func() { mark[in.Ref] = true }
			})
		}
		if len(s.Steps) == 0 { // a sink reads a kept relation as it is
			if kept[s.Target] == nil {
				kept[s.Target] = map[string]bool{}
			}
			maps.Copy(kept[s.Target], need[s.Target])
		}
	}
}

func (p *Plan) stepNeeds(st *Step, need map[Ref]map[string]bool, origin map[Ref]bool, input func(Input) (map[string]bool, func())) {
	for _, f := range st.Schema {
		if need[st.Ref][f.Name] || p.watched[st.Ref] {
			st.Needed = append(st.Needed, f.Name)
		}
	}
	if len(st.Needed) == 0 { // a relation needs one field to be counted
		st.Needed = []string{st.Schema[0].Name}
	}
	st.Origin = origin[st.Ref]
	for _, in := range st.Inputs {
		fields, wantOrigin := input(in)
		for _, f := range st.Reads(in) {
			fields[f] = true
		}
		if fields[node.OriginFile] || fields[node.OriginRecord] { // an expression asks for it
			wantOrigin()
		}
		if preservesOrigin(st.Op) && (st.Origin || st.Guarded) && p.traced[in.Ref] && slices.Contains(st.origins(), in) {
			wantOrigin()
		}
	}
}

// Reads lists the fields of an input that a step reads. A step that may refuse a record reads them all, because the
// record is stored whole.
func (st *Step) Reads(in Input) []string {
	var all []string
	add := func(es ...expr.Expr) {
		for _, e := range es {
			all = append(all, expr.Fields(e)...)
		}
	}
	_, stop := st.Op.(node.Stop) // says what the message says
	if st.Guarded && !stop && st.Node.Policy != flows.RejectSkip && preservesOrigin(st.Op) && slices.Contains(st.origins(), in) {
		if s, ok := st.inputSchema(in); ok {
			all = append(all, s.Names()...)
		}
	}
	switch op := st.Op.(type) {
	case node.Filter:
		add(op.Cond)
		all = append(all, st.Needed...)
	case node.Stop:
		add(op.Cond, op.Message)
		all = append(all, st.Needed...)
	case node.Expect:
		all = append(append(all, readByRules(op)...), st.Needed...)
	case node.Profile:
		all = append(all, op.Fields...)
	case node.Call:
		for _, a := range op.Args {
			add(a.Expr)
		}
		for _, name := range st.Needed {
			if _, result := op.Results.Find(name); !result {
				all = append(all, name)
			}
		}
	case node.Query:
		s, _ := st.inputSchema(in)
		all = append(all, s.Names()...)
	case node.Project:
		fields, _ := op.Reads(st.Needed)
		all = append(all, fields...)
	case node.Elements:
		fields, _, _ := op.Reads(st.Needed)
		all = append(all, fields...)
	case node.Sort:
		for _, k := range op.Keys {
			add(k.Expr)
		}
		all = append(all, st.Needed...)
	case node.Limit, node.Draw:
		all = append(all, st.Needed...)
	case node.Join:
		all = append(all, readBySide(in.Port, op.Keys, op.Fields, st.Needed)...)
	case node.Enrich:
		all = append(all, readByLookup(op, in, st.Needed)...)
	case node.Union:
		for _, c := range op.Inputs[slices.IndexFunc(st.Inputs, func(i Input) bool { return i.Port == in.Port })] {
			if op.Distinct || slices.Contains(st.Needed, c.Name) {
				add(c.Expr)
			}
		}
	case node.Aggregate:
		for _, c := range slices.Concat(op.Keys, op.Aggs) {
			add(c.Expr)
		}
	case node.Pick:
		all = append(append(all, readByPick(op)...), st.Needed...)
	case node.Window:
		all = append(all, readByWindow(op, st.Needed)...)
	case node.Unnest:
		all = append(all, readByUnnest(op, st.Needed)...)
	}
	return all
}

func (st *Step) inputSchema(in Input) (flows.Schema, bool) {
	s, ok := st.Node.InputSchemas[in.Port]
	return s, ok
}

// estimate guesses sizes from the sources downwards and chooses the side on which joins build.
func (p *Plan) estimate(bytes func(string) int64) {
	size := map[Ref]float64{}
	for _, s := range p.Stages {
		for _, st := range s.Steps {
			var in []float64
			for _, i := range st.Inputs {
				in = append(in, size[i.Ref])
			}
			st.Estimate = guess(st.Op, in, bytes)
			if read, is := st.Op.(node.Read); is && read.Limit == 0 {
				sized, is := read.Source.(node.SizedSource)
				p.unsized = p.unsized || !is || sized.EstimateRecords(bytes) <= 0
			}
			size[st.Ref] = st.Estimate
			if j, ok := st.Op.(node.Join); ok && j.Kind != node.JoinSemi && j.Kind != node.JoinAnti {
				st.BuildLeft = in[0] < in[1]
			}
		}
	}
}

// lightCells is how many values a light run holds at most: a few MB for each step.
const lightCells = 5_000_000

// Light reports whether all that the run reads and makes is known to be small.
func (p *Plan) Light() bool {
	if p.unsized {
		return false
	}
	for _, s := range p.Stages {
		for _, st := range s.Steps {
			if st.Estimate*float64(len(st.Schema)) > lightCells {
				return false
			}
		}
	}
	return true
}

// guess estimates the records of an operator's output from those of its inputs.
func guess(op node.Op, in []float64, bytes func(string) int64) float64 {
	switch op := op.(type) {
	case node.Read:
		if op.Limit > 0 {
			return float64(op.Limit)
		}
		if s, ok := op.Source.(node.SizedSource); ok {
			if n := s.EstimateRecords(bytes); n > 0 {
				return n
			}
		}
		return 1e6
	case node.Filter:
		return in[0] / 2
	case node.Aggregate:
		if len(op.Keys) == 0 {
			return 1
		}
		return in[0] / 10
	case node.Profile:
		return float64(len(op.Fields))
	case node.Limit:
		return min(in[0], float64(op.Count))
	case node.Join:
		return max(in[0], in[1])
	case node.Union, node.Query:
		var sum float64
		for _, n := range in {
			sum += n
		}
		return sum
	case node.Pick:
		return guessPick(op, in[0])
	case node.Draw:
		return guessDraw(op, in[0])
	case node.Unnest, node.Elements:
		return 3 * in[0]
	}
	return in[0]
}

// Uncounted reports whether the flow runs without counts between its ends. Where a record may be refused on the way
// it is counted all the same: an optimizer that is free to skip a step also skips what the step would refuse.
func (p *Plan) Uncounted() bool {
	if !p.Flow.Settings.NoCounts || p.Preview() {
		return false
	}
	for _, s := range p.Stages {
		for _, st := range s.Steps {
			if st.Guarded {
				return false
			}
		}
	}
	return true
}
