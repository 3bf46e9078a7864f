package plan

import (
	"fmt"
	"maps"
	"slices"

	"spark/flows"
	"spark/flows/node"
)

// Replay lets records that a node refused go through the flow again. They take the place of what came from From, on the
// ways that lead to the node; whatever they do not pass is left out, and what they are joined with is read as always.
type Replay struct {
	Node   string                        // that refused them
	Entry  Entry                         // how they came to it
	Source node.Source                   // of the records; nil where the node is a source
	Wrap   func(node.Source) node.Source // makes a source read the refused records only; where the node is one
	Dry    bool                          // writes nothing
}

// Entry is where records came from that a node refused.
type Entry struct {
	From   Ref          // the relation, zero where the node is a source
	Schema flows.Schema // its fields; none where the node is a source
}

// Source reports whether the node that refused is a source, so that its records are read again.
func (e Entry) Source() bool { return e.From == Ref{} }

// EntryOf finds how the records came to a node.
func (p *Plan) EntryOf(id string) (Entry, *flows.Error) {
	n := p.Find(id)
	if n == nil {
		return Entry{}, &flows.Error{Code: "replay.node", Path: flows.Path{Node: id}, Message: "the node that refused the records cannot be found in the revision that they come from",
			Suggestion: "look whether that revision still checks: a connection or a file may be missing"}
	}
	sources := n.Sources()
	if len(sources) == 0 {
		return Entry{}, nil
	}
	return Entry{From: sources[0].Ref, Schema: n.InputSchemas[sources[0].Port]}, nil
}

// replayed is the name of the node that stands for the refused records. No node of a flow can have it.
const replayed = "~replay"

var replayKind = &node.Type{ID: replayed, Title: "Replayed records", Outputs: []node.Port{{Name: node.Out, Title: "Records"}}}

// Carried reports whether a node has a part in what becomes of replayed records; without a replay all nodes have.
func (p *Plan) Carried(id string) bool { return p.carried == nil || p.carried[id] }

func refusal(code, id, message, suggestion string) *flows.Error {
	return &flows.Error{Code: "replay." + code, Path: flows.Path{Node: id}, Message: message, Suggestion: suggestion}
}

// replay cuts the plan down to what the records pass, and to what that needs besides.
func (p *Plan) replay(r *Replay) *flows.Error {
	p.dry = r.Dry
	at := p.Find(r.Node)
	if at == nil {
		return refusal("node_gone", r.Node, fmt.Sprintf("the node %s, which refused the records, is not in this revision, or does not run", r.Node), "replay through a revision that has it")
	}
	c := &carrier{plan: p, replay: r, path: map[string]bool{r.Node: true}, below: map[string]bool{}, real: map[string]bool{}}
	if e := c.enter(at); e != nil {
		return e
	}
	c.follow()
	if e := c.rewire(); e != nil {
		return e
	}
	c.prune()
	return nil
}

// carrier finds the nodes that replayed records pass: those on the way to the node that refused them, and those below it.
type carrier struct {
	plan   *Plan
	replay *Replay
	path   map[string]bool // on the way from where they enter to the node, with it
	below  map[string]bool
	real   map[string]bool // what is read as always
}

func (c *carrier) passes(id string) bool { return c.path[id] || c.below[id] }

// enter checks that the records fit where they come in.
func (c *carrier) enter(at *Node) *flows.Error {
	from := c.replay.Entry.From
	switch {
	case c.replay.Entry.Source() && len(at.Sources()) > 0:
		return refusal("changed", at.ID, "the node read the records from a file when it refused them, and has an input now", "replay through the revision that they come from")
	case c.replay.Entry.Source():
		return c.readAgain(at)
	}
	now, ok := c.plan.Schemas[from]
	if !ok || c.plan.Find(from.Node) == nil {
		return refusal("changed", from.Node, fmt.Sprintf("the records came from the output %q of %s, which is not in this revision, or does not run", from.Port, from.Node), "replay through a revision that has it")
	}
	if e := sameFields(from, c.replay.Entry.Schema, now); e != nil {
		return e
	}
	if !c.reaches(from) {
		return refusal("changed", at.ID, fmt.Sprintf("in this revision no way leads from %s, where the records came from, to %s", from.Node, at.Title()), "connect them again, or replay through the revision that the records come from")
	}
	return nil
}

// sameFields compares the fields that the records have with those that the flow expects where they come in.
func sameFields(at Ref, was, now flows.Schema) *flows.Error {
	suggestion := "replay through the revision that they come from, or give this one the same fields there: what is to be changed can be changed by a node behind it"
	for _, f := range was {
		g, ok := now.Find(f.Name)
		if !ok {
			return refusal("fields", at.Node, fmt.Sprintf("the records have the field %q, which the output %q of this revision has not", f.Name, at.Port), suggestion)
		}
		if !f.Type.Equal(g.Type) {
			return refusal("fields", at.Node, fmt.Sprintf("the field %q of the records is %s, and %s in this revision", f.Name, f.Type, g.Type), suggestion)
		}
	}
	for _, f := range now {
		if _, ok := was.Find(f.Name); !ok {
			return refusal("fields", at.Node, fmt.Sprintf("the records lack the field %q, which the output %q has in this revision", f.Name, at.Port), suggestion)
		}
	}
	return nil
}

// readAgain makes the source read what it refused.
func (c *carrier) readAgain(at *Node) *flows.Error {
	for port, res := range at.Results {
		read, ok := res.Op.(node.Read)
		if !ok || at.Type != "file.input" {
			return refusal("source", at.ID, fmt.Sprintf("%s reads its records from where they are kept, and cannot be given refused ones", at.Kind.Title), "mend them there and run the flow again")
		}
		if _, native := read.Source.(node.NativeSource); native {
			return refusal("source", at.ID, "the file is read in another format now", "replay through the revision that the records come from")
		}
		read.Source = c.replay.Wrap(read.Source)
		res.Op = read
		at.Results[port] = res
	}
	return nil
}

// reaches finds the nodes between where the records enter and the node that refused them.
func (c *carrier) reaches(from Ref) bool {
	forward := map[Ref]bool{from: true}
	reached := map[string]bool{}
	for _, n := range c.plan.Nodes { // topological
		for _, in := range n.Inputs {
			if forward[in] {
				reached[n.ID] = true
			}
		}
		if reached[n.ID] {
			for _, port := range n.Ports() {
				forward[Ref{n.ID, port}] = true
			}
		}
	}
	if !reached[c.replay.Node] {
		return false
	}
	for _, n := range slices.Backward(c.plan.Nodes) {
		if !c.path[n.ID] {
			continue
		}
		for _, in := range n.Inputs {
			if in != from && in.Port != node.Rejects && reached[in.Node] && in.Node != from.Node {
				c.path[in.Node] = true
			}
		}
	}
	return true
}

// follow finds the nodes below. What leaves a rejects port is refused again, and comes back as a reject.
func (c *carrier) follow() {
	for _, n := range c.plan.Nodes {
		for _, in := range n.Inputs {
			if !c.path[n.ID] && in.Port != node.Rejects && (in.Node == c.replay.Node || c.below[in.Node]) {
				c.below[n.ID] = true
			}
		}
	}
}

// carries reports whether what arrives at an input of a node are replayed records.
func (c *carrier) carries(n *Node, in Ref) bool {
	switch {
	case c.path[n.ID]:
		return in == c.replay.Entry.From || in.Port != node.Rejects && c.path[in.Node]
	case c.below[n.ID]:
		return in.Port != node.Rejects && (in.Node == c.replay.Node || c.below[in.Node])
	}
	return false
}

// rewire gives every node that the records pass its inputs, or says why the records must not pass it.
func (c *carrier) rewire() *flows.Error {
	sinks := 0
	for _, n := range c.plan.Nodes {
		if !c.passes(n.ID) {
			continue
		}
		if n.IsSink() {
			sinks++
		}
		carried := map[string]bool{}
		for _, in := range n.Sources() {
			if carried[in.Port] = c.carries(n, in.Ref); carried[in.Port] && in.Ref == c.replay.Entry.From {
				n.Inputs[in.Port] = Ref{replayed, node.Out}
			}
		}
		if e := c.narrow(n, carried); e != nil {
			return e
		}
		for _, port := range slices.Sorted(maps.Keys(n.Results)) {
			if why, instead := harm(n.Results[port].Op, carried); why != "" {
				return refusal("harm", n.ID, fmt.Sprintf("%s cannot be replayed through: %s", n.Title(), why), instead)
			}
		}
		if n.Policy == flows.RejectFail && n.Kind.Rejects {
			n.Policy = flows.RejectStore // one that is refused again keeps no other from going on
		}
	}
	if sinks == 0 {
		return refusal("no_output", c.replay.Node, "no output would take the records: nothing stands below the node that writes", "connect an output, or run the flow again as a whole")
	}
	return nil
}

// narrow leaves the other inputs of a Union out, and finds what the other inputs of a node need.
func (c *carrier) narrow(n *Node, carried map[string]bool) *flows.Error {
	union, isUnion := n.Results[node.Out].Op.(node.Union)
	var kept [][]node.Column
	inputs, schemas := map[string]Ref{}, map[string]flows.Schema{}
	for i, in := range n.Sources() {
		if isUnion {
			if carried[in.Port] {
				key := node.InputKey(node.In, len(kept))
				kept = append(kept, union.Inputs[i])
				inputs[key], schemas[key] = n.Inputs[in.Port], n.InputSchemas[in.Port]
			}
			continue
		}
		if carried[in.Port] {
			continue
		}
		if e := c.need(n, in.Ref); e != nil {
			return e
		}
	}
	if isUnion {
		union.Inputs = kept
		res := n.Results[node.Out]
		res.Op = union
		n.Results[node.Out], n.Inputs, n.InputSchemas = res, inputs, schemas
	}
	return nil
}

// need marks what a relation is made from. It must not be made from replayed records: then others would be missing.
func (c *carrier) need(reader *Node, r Ref) *flows.Error {
	if c.passes(r.Node) {
		title := c.plan.Find(r.Node).Title()
		return refusal("needs_all", reader.ID, fmt.Sprintf("%s needs all records of %s, and a replay has the refused ones only", reader.Title(), title), "run the flow again as a whole")
	}
	if c.real[r.Node] {
		return nil
	}
	c.real[r.Node] = true
	for _, in := range c.plan.Find(r.Node).Inputs {
		if e := c.need(reader, in); e != nil {
			return e
		}
	}
	return nil
}

// harm tells why an operator must not be given some records later than the others: what it makes of a record depends on
// others, or is written over what they made. An operator that is not named here is refused.
func harm(op node.Op, carried map[string]bool) (why, instead string) {
	whole := "run the flow again as a whole, once the records are mended"
	switch op := op.(type) {
	case node.Read, node.Filter, node.Project, node.Unnest, node.Elements, node.Sort, node.Call:
		return "", ""
	case node.Expect:
		if slices.ContainsFunc(op.Rules, func(r node.Rule) bool { return r.Whole() || len(r.Unique) > 0 }) {
			return "it expects something of all records together, and a replay has the refused ones only", whole
		}
		return "", ""
	case node.Enrich:
		if carried[node.Reference] {
			return "others look records up in what is replayed", whole
		}
		return "", ""
	case node.Union:
		if op.Distinct {
			return "which records it keeps depends on the others", whole
		}
		return "", ""
	case node.Join:
		return harmOfJoin(op.Kind, carried), whole
	case node.Write:
		if late, ok := op.Target.(node.LateTarget); ok {
			return late.Late()
		}
		return "the replayed records would be written in place of all others", "write into a table with upsert, or run the flow again as a whole"
	}
	return "its result depends on records that are not replayed", whole
}

// harmOfJoin: what the other side has without a match is written again by an outer join of that side.
func harmOfJoin(kind node.JoinKind, carried map[string]bool) string {
	left, right := carried[node.Left], carried[node.Right]
	switch {
	case left && right:
		return "both of its sides are replayed, and matches with other records would be missing"
	case kind == node.JoinInner, kind == node.JoinLeft && left, kind == node.JoinRight && right, (kind == node.JoinSemi || kind == node.JoinAnti) && left:
		return ""
	}
	return "records of its other side would be written once more"
}

// prune drops what has no part in the replay and puts the node that stands for the records in its place.
func (c *carrier) prune() {
	p := c.plan
	var nodes []*Node
	p.carried = map[string]bool{}
	if !c.replay.Entry.Source() {
		schema := p.Schemas[c.replay.Entry.From]
		in := Ref{replayed, node.Out}
		p.Schemas[in] = schema
		nodes = append(nodes, &Node{Node: flows.Node{ID: replayed, Type: replayed, Name: replayKind.Title}, Kind: replayKind, Outputs: replayKind.Outputs,
			Results: map[string]node.Result{node.Out: {Op: node.Read{Source: c.replay.Source, Schema: schema}, Schema: schema}}, Policy: flows.RejectFail})
	}
	for _, n := range p.Nodes {
		switch {
		case c.passes(n.ID):
			p.carried[n.ID] = true
			nodes = append(nodes, n)
		case c.real[n.ID]:
			nodes = append(nodes, n)
		default:
			p.Skipped[n.ID] = "it has no part in the replay"
		}
	}
	p.Nodes = nodes
}
