package enginetest

import (
	"slices"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// lookup adds fields of another output to the records of in.
func (g *generator) lookup(in plan.Ref) {
	from := g.choose()
	l, r := g.table(in), g.table(from)
	if len(l.rows)*len(r.rows) > 20_000 || len(l.schema)+len(r.schema) > 14 {
		return
	}
	keys, at := g.pairs(l.schema, r.schema, node.In, node.Reference)
	if len(keys) == 0 {
		return
	}
	noMatch, many := []string{"null", "drop", "refuse"}[g.pick(3)], []string{"first", "all", "refuse"}[g.pick(3)]
	if !r.ordered && many == "first" { // nobody knows which one is the first
		many = "all"
	}
	config := map[string]any{"keys": keys, "noMatch": noMatch, "many": many}
	out := &table{schema: slices.Clone(l.schema)}
	var picks []int
	var fields []map[string]string
	for _, j := range g.Perm(len(r.schema))[:1+g.pick(len(r.schema))] {
		name := g.name("l")
		picks, fields = append(picks, j), append(fields, map[string]string{"reference": r.schema[j].Name, "as": name})
		out.schema = append(out.schema, flows.Field{Name: name, Type: r.schema[j].Type})
	}
	config["fields"] = fields
	reference := slices.Clone(r.rows)
	if j := picks[0]; many == "first" && g.chance(50) && (r.schema[j].Type.Kind == flows.Int64 || r.schema[j].Type.Kind == flows.Text) {
		config["order"] = []map[string]string{{"field": r.schema[j].Name, "order": "descending", "nulls": "first"}}
		by := []criterion{{i: j, desc: true}}
		slices.SortStableFunc(reference, func(a, b row) int { return compareBy(by, a, b) })
	}
	ref := g.add("lookup", config, map[string]plan.Ref{node.In: in, node.Reference: from})
	for _, a := range l.rows {
		matches, refused := lookUp(a, reference, at, noMatch, many)
		if refused {
			code := "lookup.no_match"
			if slices.ContainsFunc(reference, func(b row) bool { return equalKeys(a, b, at) }) {
				code = "lookup.several"
			}
			ref.refuse(l.schema, a, blame{code, ""})
		}
		for _, b := range matches {
			o := slices.Clone(a)
			for _, j := range picks {
				o = append(o, b[j])
			}
			out.rows = append(out.rows, o)
		}
	}
	for _, policy := range []string{noMatch, many} {
		g.used["lookup "+policy]++
	}
	if ref.rejected > 0 {
		g.used["refused by lookup"]++
	}
	if len(r.rows) == 0 {
		g.used["empty reference"]++
	}
	g.policy(ref)
	g.opened(ref, node.Out, out)
}

// lookUp lists the rows of the reference that a goes on with; one of nulls where it has no match and goes on.
func lookUp(a row, reference []row, at [][2]int, noMatch, many string) (matches []row, refused bool) {
	for _, b := range reference {
		if equalKeys(a, b, at) {
			matches = append(matches, b)
		}
	}
	switch {
	case len(matches) == 0 && noMatch == "null":
		return []row{make(row, 20)}, false
	case len(matches) == 0:
		return nil, noMatch == "refuse"
	case len(matches) > 1 && many == "refuse":
		return nil, true
	case many == "first":
		return matches[:1], false
	}
	return matches, false
}
