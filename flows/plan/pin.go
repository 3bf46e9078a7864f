package plan

import (
	"context"
	"errors"
	"fmt"

	"spark/flows"
	"spark/flows/node"
)

// Pinned are records in the place of what a node puts out, by output port.
type Pinned map[string]PinnedPort

// PinnedPort are the records of one output port.
type PinnedPort struct {
	Source node.Source
	Schema flows.Schema
	Traced bool // they come with their origin
}

// PinnedSchemas are pins without their records, as a check needs them.
func PinnedSchemas(pins []flows.Pin) map[string]Pinned {
	out := map[string]Pinned{}
	for _, p := range pins {
		out[p.Node] = Pinned{}
		for _, port := range p.Ports {
			out[p.Node][port.Port] = PinnedPort{Source: nothing{}, Schema: port.Schema, Traced: port.Traced}
		}
	}
	return out
}

// nothing stands for records that are not read.
type nothing struct{}

func (nothing) String() string { return "pinned records" }

func (nothing) Read(context.Context, *node.Reading) (node.ReadStats, error) {
	return node.ReadStats{}, errors.New("a check reads no records")
}

func (c *compiler) pinned(id string) bool { _, ok := c.options.Pins[id]; return ok }

// planPinned makes a source of a node whose records are pinned. Its settings, and what is above it, do not matter.
func (c *compiler) planPinned(n flows.Node, t *node.Type, pin Pinned) {
	if t == nil {
		c.broken[n.ID] = true
		return
	}
	made := &Node{Node: n, Kind: t, Outputs: t.OutputsOf(n.Config), Results: map[string]node.Result{}, Policy: flows.RejectFail}
	if t.Rejects {
		made.Policy = flows.RejectStore // what was refused was shown, and is pinned with the others
		c.plan.Schemas[Ref{n.ID, node.Rejects}] = node.RejectSchema
	}
	if c.plan.untraced == nil {
		c.plan.untraced, c.plan.pinned = map[Ref]bool{}, map[string]bool{}
	}
	for _, port := range made.Outputs {
		p, ok := pin[port.Name]
		if !ok {
			c.broken[n.ID] = true
			c.add(&flows.Error{Code: "pin.fields", Path: flows.Path{Node: n.ID, Port: port.Name}, Message: fmt.Sprintf("nothing is pinned of the output %q, which the node did not have then", port.Name),
				Suggestion: "pin it again, or unpin it"})
			return
		}
		ref := Ref{n.ID, port.Name}
		made.Results[port.Name] = node.Result{Op: node.Read{Source: p.Source, Schema: p.Schema}, Schema: p.Schema}
		c.plan.Schemas[ref], c.plan.untraced[ref] = p.Schema, !p.Traced
	}
	c.plan.pinned[n.ID] = true
	c.plan.Nodes = append(c.plan.Nodes, made)
}

// keepOutputs has the engine hand over what a previewed node puts out.
func (p *Plan) keepOutputs(until string) {
	n := p.Find(until)
	if n == nil {
		return
	}
	p.whole = map[Ref]bool{}
	for _, port := range n.Ports() {
		if port == "" {
			continue
		}
		r := p.Drawn(Ref{n.ID, port})
		p.whole[r] = true
		p.Keeps = append(p.Keeps, r)
	}
}

// onSample turns the plan into that of a run on the sample: driving sources give their first records only, and nothing is
// written. What fails a run fails it, too.
func (p *Plan) onSample(records int64) flows.Problems {
	p.dry, p.sampled = true, true
	p.watched = map[Ref]bool{} // what targets would take, and what nobody reads, is computed whole
	read := map[string]bool{}
	for _, n := range p.Nodes {
		for _, in := range n.Inputs {
			read[in.Node] = true
		}
	}
	var problems flows.Problems
	seen := map[*Node]bool{}
	for _, n := range append([]*Node(nil), p.Nodes...) { // draw inserts others
		if !read[n.ID] {
			problems = append(problems, p.drive(n, records, seen)...)
			for _, in := range n.Inputs {
				p.watched[in] = p.watched[in] || n.IsSink()
			}
			for _, port := range n.Ports() {
				p.watched[p.Drawn(Ref{n.ID, port})] = true
			}
		}
	}
	return problems
}
