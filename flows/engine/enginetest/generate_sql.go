package enginetest

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// sql writes a statement over in and perhaps another output. Inputs are complete for it, and may be read twice.
func (g *generator) sql(in plan.Ref) {
	t := g.table(in)
	inputs := map[string]plan.Ref{node.In: in}
	out := &table{schema: slices.Clone(t.schema)}
	var query string
	switch g.pick(4) {
	case 0:
		query, out.rows = "select * from in1 union all from in1", append(slices.Clone(t.rows), t.rows...)
		g.used["sql reads twice"]++
	case 1:
		other := g.choose()
		if other == in {
			return
		}
		inputs[node.InputKey(node.In, 1)] = other
		query = "select count(*) as n from in1, in2"
		out.schema = flows.Schema{{Name: "n", Type: flows.Of(flows.Int64)}}
		out.rows, out.ordered = []row{{int64(len(t.rows)) * int64(len(g.table(other).rows))}}, true
		g.used["sql over two"]++
	case 2:
		var keys []string
		var order []criterion
		for i, f := range t.schema {
			if k := f.Type.Kind; k != flows.Int64 && k != flows.Text {
				return
			}
			keys, order = append(keys, fmt.Sprint(i+1)), append(order, criterion{i: i, nullsLast: true})
		}
		n := g.pick(20)
		query = fmt.Sprintf("select * from in1 order by %s limit %d", strings.Join(keys, ", "), n)
		out.rows, out.ordered = slices.Clone(t.rows), true
		slices.SortStableFunc(out.rows, func(a, b row) int { return compareBy(order, a, b) })
		out.rows = out.rows[:min(n, len(out.rows))]
		g.used["sql in order"]++
	default:
		i := g.pick(len(t.schema))
		query = fmt.Sprintf("with known as (select * from in1 where \"%s\" is not null) select * from known", strings.ReplaceAll(t.schema[i].Name, `"`, `""`))
		for _, r := range t.rows {
			if r[i] != nil {
				out.rows = append(out.rows, r)
			}
		}
	}
	ref := g.add("sql", map[string]any{"query": query}, inputs)
	g.used["sql"]++
	g.opened(ref, node.Out, out)
}
