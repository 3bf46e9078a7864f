package plan

import (
	"fmt"

	"spark/flows"
	"spark/flows/node"
)

// Kept is a relation that an earlier preview has computed.
type Kept struct {
	Source node.Source // delivers it in its order; its estimate is the one that the relation had
	Traced bool        // its records come with their origin
}

// keptKind is the type of the nodes that stand for kept relations. No node of a flow can have it.
var keptKind = &node.Type{ID: "~kept", Title: "Kept records", Outputs: []node.Port{{Name: node.Out, Title: "Records"}}}

// resume makes a preview begin at what is kept of its node's inputs. Those that have a driving source above them are
// computed whole in every preview, so that it shows the same whether they are kept or not. Where one of them is not kept,
// Keeps names them all.
func (p *Plan) resume(until string, kept func(*Plan, Ref) (Kept, bool)) {
	n := p.Find(until)
	if n == nil {
		return
	}
	driven := p.driven()
	var inputs []Ref
	for _, in := range n.Sources() {
		if in.Ref.Port == node.Rejects {
			return // known once the node before has seen all its records
		}
		if driven[in.Ref.Node] {
			inputs = append(inputs, in.Ref)
		}
	}
	p.whole = map[Ref]bool{}
	found := map[Ref]Kept{}
	for _, in := range inputs {
		p.whole[in] = true
		if k, ok := kept(p, in); ok {
			found[in] = k
		}
	}
	if p.Keeps = inputs; len(found) == len(p.whole) && len(found) > 0 {
		p.Keeps = nil
		p.replace(n, found)
	}
}

// driven are the nodes with a driving source above them.
func (p *Plan) driven() map[string]bool {
	driven := map[string]bool{}
	for _, id := range p.Driving {
		driven[id] = true
	}
	for _, n := range p.Nodes { // topological
		for _, in := range n.Inputs {
			driven[n.ID] = driven[n.ID] || driven[in.Node]
		}
	}
	return driven
}

// replace gives a node kept relations for its inputs, and drops what nobody reads any more.
func (p *Plan) replace(n *Node, found map[Ref]Kept) {
	if p.untraced == nil {
		p.untraced = map[Ref]bool{}
	}
	names := map[Ref]Ref{}
	var nodes []*Node
	for _, in := range n.Sources() {
		k, ok := found[in.Ref]
		if !ok {
			continue
		}
		stands, known := names[in.Ref]
		if !known {
			stands = Ref{fmt.Sprintf("%s%d", keptKind.ID, len(names)), node.Out}
			names[in.Ref] = stands
			schema := p.Schemas[in.Ref]
			p.Schemas[stands], p.whole[stands], p.watched[stands], p.untraced[stands] = schema, true, true, !k.Traced
			nodes = append(nodes, &Node{Node: flows.Node{ID: stands.Node, Type: keptKind.ID, Name: keptKind.Title}, Kind: keptKind, Outputs: keptKind.Outputs,
				Results: map[string]node.Result{node.Out: {Op: node.Read{Source: k.Source, Schema: schema}, Schema: schema}}, Policy: flows.RejectFail})
		}
		n.Inputs[in.Port] = stands
	}
	needed := map[string]bool{n.ID: true}
	for i := len(p.Nodes) - 1; i >= 0; i-- {
		if needed[p.Nodes[i].ID] {
			for _, in := range p.Nodes[i].Inputs {
				needed[in.Node] = true
			}
		}
	}
	for _, m := range p.Nodes {
		if needed[m.ID] {
			nodes = append(nodes, m)
		}
	}
	p.Nodes = nodes
}
