package plan

import (
	"slices"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

// drawnKind is the type of the nodes that choose which records of a driving source a preview reads.
var drawnKind = &node.Type{ID: "~sample", Title: "Sample", Inputs: []node.Port{{Name: node.In, Title: "Records"}}, Outputs: []node.Port{{Name: node.Out, Title: "Records"}}}

// draw has a preview read some records of a driving source: the first, some at random, or the first that meet a condition.
func (p *Plan) draw(n *Node, records int64) flows.Problems {
	res := n.Results[node.Out]
	read, ok := res.Op.(node.Read)
	if !ok || p.pinned[n.ID] {
		return nil
	}
	switch mode := p.samples[n.ID]; mode.Mode {
	case flows.SampleRandom:
		p.after(n, "~random ", node.Pick{Count: records, Shuffle: true, Seed: mode.Seed})
	case flows.SampleWhere:
		ctx := node.NewContext(n.Node, nil, p.Params, nil)
		cond := ctx.Condition("sample", mode.Where, res.Schema)
		if cond == nil {
			_, problems := ctx.Results()
			return problems
		}
		p.narrow(n, cond)
		p.after(p.after(n, "~where ", node.Filter{Cond: cond}), "~first ", node.Limit{Count: records})
	default:
		read.Limit = records
		res.Op = read
		n.Results[node.Out] = res
	}
	return nil
}

// narrow lets a database find the records that meet a condition, where it means the same there. They are looked at again
// when they come.
func (p *Plan) narrow(n *Node, cond expr.Expr) {
	d, source := p.table(n.Results[node.Out])
	if d == nil {
		return
	}
	sql, err := d.Condition(cond)
	if err != nil {
		return // all are read
	}
	if narrowed := source.Narrowed(sql); narrowed != nil {
		res := n.Results[node.Out]
		read := res.Op.(node.Read)
		read.Source = narrowed
		res.Op = read
		n.Results[node.Out] = res
		if p.narrowed == nil {
			p.narrowed = map[string]bool{}
		}
		p.narrowed[n.ID] = true
	}
}

// after puts an operator between the output of a node and whoever reads it.
func (p *Plan) after(n *Node, prefix string, op node.Op) *Node {
	from, id := Ref{n.ID, node.Out}, prefix+n.ID
	schema := n.Results[node.Out].Schema
	made := &Node{Node: flows.Node{ID: id, Type: drawnKind.ID, Name: drawnKind.Title}, Kind: drawnKind, Outputs: drawnKind.Outputs, Policy: flows.RejectSkip,
		Inputs: map[string]Ref{node.In: from}, InputSchemas: map[string]flows.Schema{node.In: schema}, Results: map[string]node.Result{node.Out: {Op: op, Schema: schema}}}
	to := Ref{id, node.Out}
	p.Schemas[to] = schema
	for _, m := range p.Nodes {
		for port, in := range m.Inputs {
			if in == from {
				m.Inputs[port] = to
			}
		}
	}
	p.Nodes = slices.Insert(p.Nodes, slices.Index(p.Nodes, n)+1, made)
	if p.drawn == nil {
		p.drawn = map[Ref]Ref{}
	}
	p.drawn[from] = to
	return made
}

// Random reports whether a preview draws records of a source at random.
func (p *Plan) Random(source string) bool { return p.samples[source].Mode == flows.SampleRandom }

// Narrowed reports whether the records that a preview reads of a source are chosen by its database.
func (p *Plan) Narrowed(source string) bool { return p.narrowed[source] }

// Drawn is the relation of the records that a preview reads of a source, r where that is the source's own.
func (p *Plan) Drawn(r Ref) Ref {
	for {
		to, ok := p.drawn[r]
		if !ok {
			return r
		}
		r = to
	}
}
