package enginetest

import (
	"slices"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// criterion is one key of an order.
type criterion struct {
	i               int
	desc, nullsLast bool
}

// compareBy orders two rows.
func compareBy(order []criterion, a, b row) int {
	for _, k := range order {
		x, y := a[k.i], b[k.i]
		if (x == nil) != (y == nil) {
			if (x == nil) == k.nullsLast {
				return 1
			}
			return -1
		}
		if c := compareValues(x, y); c != 0 {
			if k.desc {
				return -c
			}
			return c
		}
	}
	return 0
}

// order makes sort keys of fields in any order. total: rows that are equal in it are equal in every field.
func (g *generator) order(s flows.Schema) (keys []map[string]string, order []criterion, total bool) {
	total = true
	for _, i := range g.Perm(len(s)) {
		if k := s[i].Type.Kind; k != flows.Int64 && k != flows.Text {
			total = false
			continue
		}
		c := criterion{i: i, desc: g.chance(50), nullsLast: g.chance(70)}
		key := map[string]string{"field": s[i].Name, "order": "ascending", "nulls": "first"}
		if c.desc {
			key["order"] = "descending"
		}
		if c.nullsLast {
			key["nulls"] = "last"
		}
		keys, order = append(keys, key), append(order, c)
	}
	return keys, order, total
}

// arrange makes an order in which the interpreter knows where each row is: where the input's own is not known, all
// fields decide. ok is false where there is no such order.
func (g *generator) arrange(t *table) (keys []map[string]string, order []criterion, ok bool) {
	keys, order, total := g.order(t.schema)
	if t.ordered {
		n := g.pick(len(keys) + 1)
		return keys[:n], order[:n], true
	}
	return keys, order, total && len(keys) > 0
}

// groupFields chooses up to two fields whose values are compared.
func (g *generator) groupFields(s flows.Schema) (by []int, names []string) {
	for _, i := range g.Perm(len(s))[:min(len(s), g.pick(3))] {
		if k := s[i].Type.Kind; k == flows.Int64 || k == flows.Text {
			by, names = append(by, i), append(names, s[i].Name)
		}
	}
	return by, names
}

func (g *generator) deduplicate(in plan.Ref) {
	t := g.table(in)
	keys, order, ok := g.arrange(t)
	by, names := g.groupFields(t.schema)
	if len(by) == 0 { // all fields: whichever row of a group stays, it looks the same
		keys, order, ok = nil, nil, true
		for i := range t.schema {
			by = append(by, i)
		}
	}
	if !ok {
		return
	}
	config := map[string]any{"keys": names, "order": keys, "keep": "first"}
	last := g.chance(50)
	if last {
		config["keep"] = "last"
	}
	ref := g.add("deduplicate", config, map[string]plan.Ref{node.In: in})
	out, rest := &table{schema: t.schema}, &table{schema: t.schema}
	for _, rs := range groups(t.rows, by) {
		slices.SortStableFunc(rs, func(a, b row) int { return compareBy(order, a, b) })
		if last {
			slices.Reverse(rs)
		}
		out.rows, rest.rows = append(out.rows, rs[0]), append(rest.rows, rs[1:]...)
	}
	g.used["deduplicate"]++
	if g.chance(80) {
		g.opened(ref, node.Out, out)
	}
	if len(ref.ports) == 0 || g.chance(40) {
		g.opened(ref, "duplicates", rest)
		g.used["duplicates"]++
	}
}
