package enginetest

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// jsonEach makes records of the elements of an array in a text that a Formula makes of a number: none, one that is empty,
// something else in its place, and elements of several kinds.
func (g *generator) jsonEach(in plan.Ref) {
	t := g.table(in)
	at := g.pick(len(t.schema))
	if len(t.rows) > 300 || len(t.schema) > 10 || t.schema[at].Type.Kind != flows.Int64 {
		return
	}
	name, quoted := g.name("doc"), flows.QuoteName(t.schema[at].Name)
	src := fmt.Sprintf(`case when %[1]s is null then '{"v":null}' when %[1]s < 1 then '{"v":1,"items":"none"}' when %[1]s < 3 then '{"v":2,"items":[]}'
		else '{"v":' || cast(%[1]s as text) || ',"items":[{"p":' || cast(%[1]s as text) || '},{"p":"x"}, null ,[],{"q":{"p":1}}],"o":[1]}' end`, quoted)
	made := g.add("formula", map[string]any{"fields": []map[string]string{{"name": name, "expression": src}}}, map[string]plan.Ref{node.In: in})
	docs := &table{schema: append(slices.Clone(t.schema), flows.Field{Name: name, Type: flows.Of(flows.Text)}), ordered: t.ordered}
	var elements [][]string
	for _, r := range t.rows {
		doc, list := `{"v":null}`, []string(nil)
		switch v, ok := r[at].(int64); {
		case !ok:
		case v < 1:
			doc = `{"v":1,"items":"none"}`
		case v < 3:
			doc = `{"v":2,"items":[]}`
		default:
			list = []string{fmt.Sprintf(`{"p":%d}`, v), `{"p":"x"}`, `null`, `[]`, `{"q":{"p":1}}`}
			doc = fmt.Sprintf(`{"v":%d,"items":[%s,%s, %s ,%s,%s],"o":[1]}`, v, list[0], list[1], list[2], list[3], list[4])
		}
		docs.rows, elements = append(docs.rows, append(slices.Clone(r), doc)), append(elements, list)
	}
	made.ports[node.Out] = docs
	g.elements(plan.Ref{Node: made.id, Port: node.Out}, docs, elements)
}

func (g *generator) elements(in plan.Ref, t *table, elements [][]string) {
	doc := t.schema[len(t.schema)-1].Name
	p := map[string]string{"path": "$.items[*].p", "name": g.name("x"), "type": "int64", "default": "-5"}
	for _, member := range []string{"missing", "null", "wrongType"} {
		p[member] = []string{"null", "default", "reject"}[g.pick(3)]
	}
	v := map[string]string{"path": "$.v", "name": g.name("x"), "type": "int64", "null": []string{"null", "reject"}[g.pick(2)]}
	config := map[string]any{"field": doc, "each": "$.items[*]", "fields": []any{p, v}}
	out := &table{schema: append(slices.Clone(t.schema), flows.Field{Name: p["name"], Type: flows.Of(flows.Int64)}, flows.Field{Name: v["name"], Type: flows.Of(flows.Int64)}), ordered: t.ordered}
	keep := g.chance(50)
	if !keep {
		config["empty"] = "drop"
	}
	if g.chance(50) {
		config["position"] = g.name("p")
		out.schema = append(out.schema, flows.Field{Name: config["position"].(string), Type: flows.Of(flows.Int64)})
	}
	ref := g.add("json.extract", config, map[string]plan.Ref{node.In: in})
	for i, r := range t.rows {
		g.expand(ref, t, out, r, elements[i], p, v, keep)
	}
	g.used["json each"]++
	g.policy(ref)
	g.opened(ref, node.Out, out)
}

// expand adds the records of one text, or what is refused of it.
func (g *generator) expand(ref *reference, t, out *table, r row, elements []string, p, v map[string]string, keep bool) {
	doc := t.schema[len(t.schema)-1].Name
	text := r[len(r)-1].(string)
	outer, code := extracted(v, text, flows.Int64)
	if strings.Contains(text, `"none"`) {
		code = "json.wrong_type"
	}
	if code != "" {
		ref.refuse(t.schema, r, blame{code, doc})
		g.used["record of elements refused"]++
		return
	}
	add := func(values ...any) { out.rows = append(out.rows, append(slices.Clone(r), values...)[:len(out.schema)]) }
	if len(elements) == 0 && keep {
		add(nil, outer, nil)
	}
	for n, e := range elements {
		inner, code := extracted(map[string]string{"path": "$.p", "missing": p["missing"], "null": p["null"], "wrongType": p["wrongType"]}, e, flows.Int64)
		if code == "" {
			add(inner, outer, int64(n+1))
			continue
		}
		narrowed := slices.Clone(r)
		narrowed[len(r)-1] = fmt.Sprintf(`{"v":%d,"items":[%s],"o":[1]}`, outer, e)
		ref.refuse(t.schema, narrowed, blame{code, doc})
		g.used["element refused"]++
	}
}
