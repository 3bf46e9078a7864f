package enginetest

import (
	"slices"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// cell computes a value from the rows of a group, in order, and the place of one of them. tooLarge refuses the row.
type cell func(rows []row, at int) any

// windowed is one generated field of a Window.
type windowed struct {
	config map[string]any
	kind   flows.Kind
	value  cell
}

func (g *generator) window(in plan.Ref) {
	t := g.table(in)
	keys, order, ok := g.arrange(t)
	if !ok {
		return
	}
	by, names := g.groupFields(t.schema)
	out := &table{schema: slices.Clone(t.schema)}
	var fields []map[string]any
	var cells []windowed
	var at []int
	numbered := t.ordered && g.chance(15)
	if numbered {
		by, names, keys, order = nil, nil, nil, nil
	}
	streams := len(by)+len(keys) == 0
	for range 1 + g.pick(3) {
		w := g.windowed(t.schema, order)
		if numbered {
			w = rowNumber()
		}
		if w.config == nil {
			continue
		}
		i := len(out.schema)
		w.config["name"] = g.name("w")
		if k := g.pick(len(t.schema)); g.chance(20) && !slices.Contains(at, k) {
			i, w.config["name"] = k, t.schema[k].Name
		} else {
			out.schema = append(out.schema, flows.Field{})
		}
		out.schema[i] = flows.Field{Name: w.config["name"].(string), Type: flows.Of(w.kind)}
		fields, cells, at = append(fields, w.config), append(cells, w), append(at, i)
		streams = streams && w.config["function"] == "row_number"
		g.used["window "+w.config["function"].(string)]++
	}
	if len(fields) == 0 {
		return
	}
	ref := g.add("window", map[string]any{"groupBy": names, "order": keys, "fields": fields}, map[string]plan.Ref{node.In: in})
	ref.streams, out.ordered = streams, streams
	for _, rs := range groups(t.rows, by) {
		slices.SortStableFunc(rs, func(a, b row) int { return compareBy(order, a, b) })
		for n, r := range rs {
			o, refused := append(slices.Clone(r), make(row, len(out.schema)-len(r))...), false
			for k, w := range cells {
				o[at[k]] = w.value(rs, n)
				refused = refused || o[at[k]] == tooLarge
			}
			if refused {
				ref.rejected++ // has no rejects port: the run fails
				g.used["window too large"]++
			} else {
				out.rows = append(out.rows, o)
			}
		}
	}
	if streams {
		g.used["window streams"]++
	}
	g.opened(ref, node.Out, out)
}

func (g *generator) windowed(s flows.Schema, order []criterion) windowed {
	functions := []string{"row_number", "rank", "dense_rank", "lag", "lead", "first", "last", "sum", "sum", "sum", "count", "min", "max"}
	name := functions[g.pick(len(functions))]
	if at := fieldsOf(s, flows.Int64); name == "sum" && len(at) > 0 {
		return g.running(s, name, at[g.pick(len(at))])
	}
	var i int
	if i = g.pick(len(s)); s[i].Type.Kind != flows.Int64 && s[i].Type.Kind != flows.Text {
		name = "row_number"
	}
	w := windowed{config: map[string]any{"function": name}, kind: flows.Int64}
	switch name {
	case "row_number":
		return rowNumber()
	case "rank", "dense_rank":
		if len(order) == 0 {
			return windowed{}
		}
		w.value = rank(order, name == "dense_rank")
	case "lag", "lead":
		n := 1
		if g.chance(50) {
			n = 1 + g.pick(3)
			w.config["offset"] = n
		}
		if name == "lag" {
			n = -n
		}
		w.config["field"], w.kind = s[i].Name, s[i].Type.Kind
		w.value = func(rs []row, at int) any {
			if at+n < 0 || at+n >= len(rs) {
				return nil
			}
			return rs[at+n][i]
		}
	case "first":
		w.config["field"], w.kind, w.value = s[i].Name, s[i].Type.Kind, func(rs []row, _ int) any { return rs[0][i] }
	case "last":
		w.config["field"], w.kind, w.value = s[i].Name, s[i].Type.Kind, func(rs []row, _ int) any { return rs[len(rs)-1][i] }
	case "count", "min", "max":
		return g.running(s, name, i)
	default:
		return windowed{}
	}
	return w
}

func rowNumber() windowed {
	return windowed{config: map[string]any{"function": "row_number"}, kind: flows.Int64, value: func(_ []row, at int) any { return int64(at + 1) }}
}

// running is an aggregate up to the row, or over the whole group.
func (g *generator) running(s flows.Schema, name string, i int) windowed {
	w := windowed{config: map[string]any{"function": name, "field": s[i].Name}, kind: flows.Int64}
	whole := g.chance(40)
	if whole {
		w.config["over"] = "group"
	}
	aggregate := map[string]func([]row, int) any{"sum": sum, "max": most, "min": least, "count": present}[name]
	if name == "min" || name == "max" {
		w.kind = s[i].Type.Kind
	}
	if name == "count" && g.chance(30) {
		delete(w.config, "field")
		aggregate = func(rs []row, _ int) any { return int64(len(rs)) }
	}
	w.value = func(rs []row, at int) any {
		if !whole {
			rs = rs[:at+1]
		}
		return aggregate(rs, i)
	}
	return w
}

func rank(order []criterion, dense bool) cell {
	return func(rs []row, at int) any {
		n := int64(1)
		for k := 1; k <= at; k++ {
			if compareBy(order, rs[k-1], rs[k]) != 0 {
				if n++; !dense {
					n = int64(k) + 1
				}
			}
		}
		return n
	}
}

func least(rows []row, i int) any {
	var best any
	for _, r := range rows {
		if r[i] != nil && (best == nil || compareValues(r[i], best) < 0) {
			best = r[i]
		}
	}
	return best
}
