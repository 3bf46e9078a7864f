package enginetest

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// explode makes a list of a field, with a Formula of its own, and records of the list.
func (g *generator) explode(in plan.Ref) {
	t := g.table(in)
	i := g.pick(len(t.schema))
	f := t.schema[i]
	if f.Type.Kind != flows.Int64 && f.Type.Kind != flows.Text || len(t.rows) > 500 {
		return
	}
	text, elements := g.list(f, i)
	name := g.name("l")
	made := g.add("formula", map[string]any{"fields": []map[string]string{{"name": name, "expression": text}}}, map[string]plan.Ref{node.In: in})
	made.ports[node.Out] = &table{schema: append(slices.Clone(t.schema), flows.Field{Name: name, Type: flows.ListOf(f.Type)}), rows: t.rows}
	config := map[string]any{"field": name, "empty": "drop"}
	out := &table{schema: append(slices.Clone(t.schema), flows.Field{Name: name, Type: f.Type}), ordered: t.ordered}
	keep, position := g.chance(50), g.chance(50)
	if keep {
		config["empty"] = "keep"
	}
	if position {
		config["position"] = g.name("p")
		out.schema = append(out.schema, flows.Field{Name: config["position"].(string), Type: flows.Of(flows.Int64)})
	}
	for _, r := range t.rows {
		list := elements(r)
		for n, v := range list {
			out.rows = append(out.rows, append(slices.Clone(r), v, int64(n+1))[:len(out.schema)])
		}
		if len(list) == 0 {
			g.used["empty list"]++
			if keep {
				out.rows = append(out.rows, append(slices.Clone(r), nil, nil)[:len(out.schema)])
			}
		}
	}
	ref := g.add("explode", config, map[string]plan.Ref{node.In: {Node: made.id, Port: node.Out}})
	g.used["explode"]++
	g.opened(ref, node.Out, out)
}

// list is an expression for a list and its elements; none for null and, with if, for some other rows.
func (g *generator) list(f flows.Field, i int) (string, func(row) []any) {
	q := flows.QuoteName(f.Name)
	if f.Type.Kind == flows.Text {
		return fmt.Sprintf("split(%s, ' ')", q), func(r row) []any {
			if r[i] == nil {
				return nil
			}
			var list []any
			for _, s := range strings.Split(r[i].(string), " ") {
				list = append(list, s)
			}
			return list
		}
	}
	return fmt.Sprintf("if(%s < 5, list(%[1]s, null, cast(7 as int64)))", q), func(r row) []any {
		if r[i] == nil || r[i].(int64) >= 5 {
			return nil
		}
		return []any{r[i], nil, int64(7)}
	}
}

// unpivot makes records of fields: of one type, or of several as text.
func (g *generator) unpivot(in plan.Ref) {
	t := g.table(in)
	kind := t.schema[g.pick(len(t.schema))].Type.Kind
	asText := g.chance(40)
	var at []int
	var names []string
	for _, i := range g.Perm(len(t.schema)) {
		if len(at) < 3 && (asText || t.schema[i].Type.Kind == kind) {
			at, names = append(at, i), append(names, t.schema[i].Name)
		}
	}
	if len(t.rows) > 500 {
		return
	}
	if asText {
		kind = flows.Text
	}
	config := map[string]any{"fields": names, "name": g.name("n"), "value": g.name("v"), "nulls": "keep", "asText": asText}
	drop := g.chance(50)
	if drop {
		config["nulls"] = "drop"
	}
	out := &table{ordered: t.ordered}
	for i, f := range t.schema {
		if !slices.Contains(at, i) {
			out.schema = append(out.schema, f)
		}
	}
	out.schema = append(out.schema, flows.Field{Name: config["name"].(string), Type: flows.Of(flows.Text)}, flows.Field{Name: config["value"].(string), Type: flows.Of(kind)})
	for _, r := range t.rows {
		var kept row
		for i, v := range r {
			if !slices.Contains(at, i) {
				kept = append(kept, v)
			}
		}
		for k, i := range at {
			v := r[i]
			if v != nil && asText {
				v = fmt.Sprint(v)
			}
			if v != nil || !drop {
				out.rows = append(out.rows, append(slices.Clone(kept), names[k], v))
			}
		}
	}
	ref := g.add("unpivot", config, map[string]plan.Ref{node.In: in})
	g.used["unpivot"]++
	g.opened(ref, node.Out, out)
}
