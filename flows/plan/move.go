package plan

import (
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/node"
)

// Moves finds the filters that can move into the table that they read from, so that the database sends only what passes,
// and says of others why they cannot.
func (p *Plan) Moves() []flows.Move {
	var list []flows.Move
	for _, n := range p.Nodes {
		filter, ok := n.Results[node.Out].Op.(node.Filter)
		if !ok || len(n.Inputs) != 1 {
			continue
		}
		in := n.Inputs[node.In]
		above := p.Find(in.Node)
		if above == nil {
			continue
		}
		d, _ := p.table(above.Results[in.Port])
		if d == nil {
			continue
		}
		move := flows.Move{Node: n.ID, Into: above.ID}
		sql, err := d.Condition(filter.Cond)
		switch {
		case p.leaves(n.ID, node.Out) < p.leaves(n.ID, ""):
			move.Reason = "its other outputs are connected, too"
		case p.leaves(above.ID, in.Port) > 1 || p.edge(above.ID, n.ID) == nil:
			move.Reason = fmt.Sprintf("others read the records of %s, too", above.Title())
		case err != nil:
			move.Reason = flows.AsError(err).Message
		default:
			move.Where = strings.ReplaceAll(sql, "${", "$${") // which would be a parameter
		}
		list = append(list, move)
	}
	return list
}

// table is the source that reads a table of a database, and how to write a condition for it; nil where a result is something else.
func (p *Plan) table(r node.Result) (node.Dialect, node.SelectingSource) {
	read, _ := r.Op.(node.Read)
	source, ok := read.Source.(node.SelectingSource)
	if !ok || p.dialect == nil {
		return nil, nil
	}
	connection, from := source.Selection()
	if from.Table == "" {
		return nil, nil
	}
	return p.dialect(connection), source
}

// leaves counts the edges from an output port of a node, or from all where port is "".
func (p *Plan) leaves(id, port string) int {
	n := 0
	for _, e := range p.Flow.Edges {
		if e.From.Node == id && (port == "" || e.From.Port == port) {
			n++
		}
	}
	return n
}

func (p *Plan) edge(from, to string) *flows.Edge {
	for i, e := range p.Flow.Edges {
		if e.From.Node == from && e.To.Node == to {
			return &p.Flow.Edges[i]
		}
	}
	return nil
}
