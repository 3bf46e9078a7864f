package plan

import (
	"fmt"
	"slices"

	"spark/flows/node"
)

// preservesOrigin: each record of the output comes from one record of an input.
func preservesOrigin(op node.Op) bool {
	switch op := op.(type) {
	case node.Filter, node.Project, node.Sort, node.Limit, node.Pick, node.Draw, node.Window, node.Unnest, node.Elements, node.Enrich, node.Stop, node.Expect, node.Call:
		return true
	case node.Union:
		return !op.Distinct
	}
	return false
}

// traceNode finds out whether the records of a node's outputs each come from one record of a source, and who has ended that.
func (c *compiler) traceNode(id string, results map[string]node.Result, inputs map[string]Ref) {
	for port, r := range results {
		ended := ""
		if _, read := r.Op.(node.Read); !read {
			ended = c.originEnd(id, r.Op, inputs)
		}
		c.ended[Ref{id, port}] = ended
	}
	c.ended[Ref{id, node.Rejects}] = id
}

// originEnd is the node at which the records of an operator lost their origin, "" where they have one.
func (c *compiler) originEnd(id string, op node.Op, inputs map[string]Ref) string {
	if !preservesOrigin(op) {
		return id
	}
	n, _ := c.flow.Node(id)
	for _, in := range (&Node{Node: n, Kind: c.types[id], Inputs: inputs}).Sources() {
		if _, reference := op.(node.Enrich); reference && in.Port != node.In {
			continue
		}
		if end := c.ended[in.Ref]; end != "" {
			return end
		}
	}
	return ""
}

// noOrigin says, by input of a node, why its records have no file any more.
func (c *compiler) noOrigin(id string) map[string]string {
	why := map[string]string{}
	for port, up := range c.inputs[id] {
		up = c.through(up)
		end := c.ended[up]
		if end == "" {
			continue
		}
		n, _ := c.flow.Node(end)
		why[port] = fmt.Sprintf("the records of %s have no file any more: it makes new ones", n.Title())
		if up.Port == node.Rejects {
			why[port] = "rejects say in their own fields file and record where they come from"
		}
	}
	return why
}

// origins finds the relations whose records each come from one record of a source.
func (p *Plan) origins() {
	p.traced = map[Ref]bool{}
	for _, s := range p.Stages {
		for _, st := range s.Steps {
			_, read := st.Op.(node.Read)
			p.traced[st.Ref] = read && !p.untraced[st.Ref] || preservesOrigin(st.Op) && !slices.ContainsFunc(st.origins(), func(in Input) bool { return !p.traced[in.Ref] })
		}
	}
}

// origins are the inputs of which a record goes on. A lookup reads its reference besides.
func (st *Step) origins() []Input {
	if _, ok := st.Op.(node.Enrich); ok {
		return st.Inputs[:1]
	}
	return st.Inputs
}
