package enginetest

import (
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// pivot makes fields of up to three values of a field.
func (g *generator) pivot(in plan.Ref) {
	t := g.table(in)
	by := append(fieldsOf(t.schema, flows.Text), fieldsOf(t.schema, flows.Int64)...)
	if len(by) == 0 {
		return
	}
	names := by[g.pick(len(by))]
	var keys []int
	groupBy := []string{}
	for _, i := range g.Perm(len(t.schema))[:g.pick(min(3, len(t.schema)))] {
		if k := t.schema[i].Type.Kind; k == flows.Int64 || k == flows.Text {
			keys, groupBy = append(keys, i), append(groupBy, t.schema[i].Name)
		}
	}
	function, of, ty, compute := g.pivoted(t.schema)
	out := &table{}
	for _, i := range keys {
		out.schema = append(out.schema, t.schema[i])
	}
	var values []map[string]string
	var listed []any
	for range 1 + g.pick(3) {
		v := g.value(t.schema[names].Type.Kind)
		if len(t.rows) > 0 && g.chance(70) {
			v = t.rows[g.pick(len(t.rows))][names]
		}
		if v == nil {
			continue
		}
		name := g.name("p")
		values, listed = append(values, map[string]string{"value": fmt.Sprint(v), "as": name}), append(listed, v)
		out.schema = append(out.schema, flows.Field{Name: name, Type: ty})
	}
	if len(values) == 0 {
		return
	}
	ref := g.add("pivot", map[string]any{"groupBy": groupBy, "field": t.schema[names].Name, "values": values, "function": function, "of": of}, map[string]plan.Ref{node.In: in})
	for _, rows := range groups(t.rows, keys) {
		o, refused := make(row, 0, len(out.schema)), false
		for _, i := range keys {
			o = append(o, rows[0][i])
		}
		for _, v := range listed {
			result := compute(slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r[names] != v }))
			refused = refused || result == tooLarge
			o = append(o, result)
		}
		if refused {
			ref.rejected++ // the run fails
			continue
		}
		out.rows = append(out.rows, o)
	}
	g.used["pivot"]++
	g.opened(ref, node.Out, out)
}

// pivoted chooses what is computed: the function, of what, and the interpreter's way to it.
func (g *generator) pivoted(s flows.Schema) (function, of string, t flows.Type, compute func([]row) any) {
	if at := fieldsOf(s, flows.Int64); len(at) > 0 && g.chance(40) {
		i := at[g.pick(len(at))]
		return "sum", flows.QuoteName(s[i].Name), flows.Of(flows.Int64), func(rs []row) any { return sum(rs, i) }
	}
	if at := fieldsOf(s, flows.Text); len(at) > 0 && g.chance(60) {
		i := at[g.pick(len(at))]
		if g.chance(50) {
			return "count", flows.QuoteName(s[i].Name), flows.Of(flows.Int64), func(rs []row) any { return present(rs, i) }
		}
		return "max", flows.QuoteName(s[i].Name), flows.Of(flows.Text), func(rs []row) any { return most(rs, i) }
	}
	return "count", "", flows.Of(flows.Int64), func(rs []row) any { return int64(len(rs)) }
}
