package plan

import (
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/node"
)

// Moves finds the filters that can move into the table that they read from, so that the database sends only what passes,
// and says of others why they cannot. dialect is that of a connection, nil where it has none.
func (p *Plan) Moves(dialect func(connection string) node.Dialect) []flows.Move {
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
		read, _ := above.Results[in.Port].Op.(node.Read)
		source, ok := read.Source.(node.SelectingSource)
		if !ok {
			continue
		}
		connection, from := source.Selection()
		d := dialect(connection)
		if d == nil || from.Table == "" {
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
