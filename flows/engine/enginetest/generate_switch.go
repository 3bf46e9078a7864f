package enginetest

import (
	"spark/flows/node"
	"spark/flows/plan"
)

// switchNode sends the records of in to up to three cases and the rest.
func (g *generator) switchNode(in plan.Ref) {
	t := g.table(in)
	var cases []map[string]string
	var conds []expression
	for range 1 + g.pick(3) {
		cond := g.boolean(t.schema, 2)
		cases = append(cases, map[string]string{"name": g.name("case "), "condition": cond.text})
		conds = append(conds, cond)
	}
	match := []string{"first", "all"}[g.pick(2)]
	ref := g.add("switch", map[string]any{"cases": cases, "match": match}, map[string]plan.Ref{node.In: in})
	out := make([]*table, len(cases)+1) // the last one takes what fits no case
	for i := range out {
		out[i] = &table{schema: t.schema, ordered: t.ordered}
	}
	for _, r := range t.rows {
		to, refused := route(conds, r, match == "all")
		if refused {
			ref.refuse(t.schema, r, incomputable("")...)
			continue
		}
		for _, i := range to {
			out[i].rows = append(out[i].rows, r)
		}
	}
	g.used["switch "+match]++
	if ref.rejected > 0 {
		g.used["refused by switch"]++
	}
	g.policy(ref)
	for i, t := range out {
		port := "otherwise"
		if i < len(cases) {
			port = cases[i]["name"]
		}
		if g.chance(60) {
			g.opened(ref, port, t)
		}
	}
}

// route lists the outputs that a record leaves by.
func route(conds []expression, r row, all bool) (to []int, refused bool) {
	for i, c := range conds {
		v, bad := c.eval(r)
		if bad {
			return nil, true
		}
		if v == true {
			to = append(to, i)
			if !all {
				return to, false
			}
		}
	}
	if len(to) == 0 {
		to = append(to, len(conds))
	}
	return to, false
}
