package plan

import (
	"fmt"

	"spark/flows"
	"spark/flows/node"
)

// exclude finds the nodes that a run to Options.Until does not need: all but that one and those above it, up to those that are
// pinned.
func (c *compiler) exclude() {
	c.excluded = map[string]bool{}
	if c.options.Until == "" && len(c.options.Pins) == 0 {
		return
	}
	if _, ok := c.flow.Node(c.options.Until); !ok && c.options.Until != "" {
		c.add(&flows.Error{Code: "flow.unknown_node", Params: flows.Params{"node": c.options.Until},
			Message: fmt.Sprintf("there is no node %q that the run could end at", c.options.Until), Suggestion: "choose a node of the flow"})
		return
	}
	needed := c.flow.Needed(c.options.Until, c.pinned)
	for _, n := range c.flow.Nodes {
		if !needed[n.ID] {
			c.excluded[n.ID] = true
		}
	}
}

// until is the node that the run ends at.
func (c *compiler) until() flows.Node {
	n, _ := c.flow.Node(c.options.Until)
	return n
}

// Preview reports whether this is the plan of a preview or of a dry run: it writes nothing.
func (p *Plan) Preview() bool { return p.preview != "" || p.dry }

// Forgiving reports whether what would end a run is shown among its records instead: in previews and dry runs of replays, but
// not in a run on the sample.
func (p *Plan) Forgiving() bool { return p.Preview() && !p.sampled }

// Shown reports whether the records of a relation are to be seen: in a preview those at its node only.
func (p *Plan) Shown(r Ref) bool { return p.preview == "" || p.watched[r] }

// capped turns the plan into that of a preview of a node: the driving sources give their first records only, the others
// all of theirs, and every field at the node's ports is computed. The driving source is the one above the first input of
// each node on the way up: capping the other side of a join, too, would leave no matches.
func (p *Plan) capped(until string, records int64) flows.Problems {
	p.preview, p.watched = until, map[Ref]bool{}
	for _, n := range p.Nodes {
		if n.Policy == flows.RejectFail && n.Kind.Rejects {
			n.Policy = flows.RejectStore // one bad record must not hide the others
		}
	}
	n := p.Find(until)
	if n == nil {
		return nil // skipped
	}
	problems := p.drive(n, records, map[*Node]bool{})
	for _, in := range n.Inputs {
		p.watched[in] = true
	}
	for _, port := range n.Ports() {
		p.watched[p.Drawn(Ref{n.ID, port})] = true
	}
	return problems
}

// drive caps the sources above the first input of n, and of every node on the way up. Where that port takes many edges,
// it is what all of them bring.
func (p *Plan) drive(n *Node, records int64, seen map[*Node]bool) (problems flows.Problems) {
	if n == nil || seen[n] {
		return nil
	}
	seen[n] = true
	if sources := n.Sources(); len(sources) > 0 {
		for _, in := range sources {
			if node.InputPort(in.Port) == sources[0].Port {
				problems = append(problems, p.drive(p.Find(in.Ref.Node), records, seen)...)
			}
		}
		return problems
	}
	p.Driving = append(p.Driving, n.ID)
	return p.draw(n, records)
}
