package enginetest

import (
	"maps"
	"slices"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// union puts in before one or two other outputs.
func (g *generator) union(in plan.Ref) {
	inputs := []plan.Ref{in}
	for range 1 + g.pick(2) {
		if r := g.choose(); !slices.Contains(inputs, r) {
			inputs = append(inputs, r)
		}
	}
	byPosition, distinct := g.chance(30), g.chance(30)
	out := &table{ordered: !distinct}
	for _, r := range inputs {
		if !g.append(out, g.table(r), byPosition) {
			return
		}
	}
	keys := map[string]plan.Ref{}
	for i, r := range inputs {
		keys[node.InputKey(node.In, i)] = r
	}
	config := map[string]any{"mode": "all", "match": "name"}
	if byPosition {
		config["match"] = "position"
		g.used["union by position"]++
	}
	if distinct {
		config["mode"] = "distinct"
		out.rows = unique(out.rows)
		g.used["distinct union"]++
	}
	ref := g.add("union", config, keys)
	ref.distinct = distinct
	g.used["union"]++
	for i, r := range inputs[1:] {
		if g.meets(r, inputs[i]) {
			g.used["union of a fork"]++
		}
	}
	g.opened(ref, node.Out, out)
}

// append adds the rows of t; false where the fields do not go together, or the table becomes large.
func (g *generator) append(out, t *table, byPosition bool) bool {
	at := make([]int, len(t.schema)) // in out, of each field of t
	if byPosition {
		if len(out.schema) == 0 {
			out.schema = slices.Clone(t.schema)
		}
		if len(out.schema) != len(t.schema) {
			return false
		}
	}
	for i, f := range t.schema {
		at[i] = i
		if !byPosition {
			if at[i] = out.schema.Index(f.Name); at[i] < 0 {
				at[i] = len(out.schema)
				out.schema = append(out.schema, f)
			}
		}
		if out.schema[at[i]].Type.Kind != f.Type.Kind {
			return false
		}
	}
	for i := range out.rows {
		out.rows[i] = append(out.rows[i], make(row, len(out.schema)-len(out.rows[i]))...)
	}
	for _, r := range t.rows {
		o := make(row, len(out.schema))
		for i, v := range r {
			o[at[i]] = v
		}
		out.rows = append(out.rows, o)
	}
	out.ordered = out.ordered && t.ordered
	return len(out.rows) <= 2000 && len(out.schema) <= 14
}

func unique(rows []row) []row {
	var list []row
	seen := map[string]bool{}
	for _, r := range rows {
		if k := r.key(); !seen[k] {
			seen[k] = true
			list = append(list, r)
		}
	}
	return list
}

// edges connects a node. What enters one port by several edges does so in the order of its keys.
func (g *generator) edges(id string, inputs map[string]plan.Ref) {
	for _, key := range slices.Sorted(maps.Keys(inputs)) {
		from := inputs[key]
		g.flow.Edges = append(g.flow.Edges, flows.Edge{From: flows.Endpoint(from), To: flows.Endpoint{Node: id, Port: node.InputPort(key)}})
		g.reads[from]++
	}
}
