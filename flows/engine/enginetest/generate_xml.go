package enginetest

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// xml makes XML of JSON that a Formula makes of a field, and JSON of it again; or reads a text that is none.
func (g *generator) xml(in plan.Ref) {
	t := g.table(in)
	at, quoted, ok := g.textOrWhole(t)
	if !ok {
		return
	}
	if t.schema[at].Type.Kind == flows.Text && g.chance(30) {
		g.noXML(in, t, at)
		return
	}
	in, t = g.document(in, fmt.Sprintf("json_object('a', %s, 'b', json_object('@k', %[1]s, 'c', '<&'))", quoted), func(v any) string {
		return `{"a":` + jsonText(v) + `,"b":{"@k":` + jsonText(v) + `,"c":"<&"}}`
	}, at)
	doc := t.schema[len(t.schema)-1].Name
	to := g.add("xml.json", map[string]any{"field": doc, "to": "xml", "root": "r"}, map[string]plan.Ref{node.In: in})
	there, back := &table{schema: t.schema, ordered: t.ordered}, &table{schema: t.schema, ordered: t.ordered}
	for _, r := range t.rows {
		text := ""
		if r[at] != nil {
			text = fmt.Sprint(r[at])
		}
		if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && !strings.ContainsRune("\t\n\r", c) }) {
			to.refuse(t.schema, r, blame{"json.to_xml", doc})
			continue
		}
		a := "<a/>"
		if text != "" {
			a = "<a>" + xmlText.Replace(text) + "</a>"
		}
		with := func(v string) row {
			o := slices.Clone(r)
			o[len(o)-1] = v
			return o
		}
		there.rows = append(there.rows, with(`<r>`+a+`<b k="`+xmlText.Replace(text)+`"><c>&lt;&amp;</c></b></r>`))
		back.rows = append(back.rows, with(`{"r":{"a":`+jsonText(text)+`,"b":{"@k":`+jsonText(text)+`,"c":"<&"}}}`))
	}
	g.used["json to xml"]++
	g.policy(to)
	if g.opened(to, node.Out, there); g.chance(60) {
		from := g.add("xml.json", map[string]any{"field": doc, "to": "json"}, map[string]plan.Ref{node.In: {Node: to.id, Port: node.Out}})
		from.ports[node.Out] = back
		ref := g.add("convert", map[string]any{"fields": []map[string]string{{"name": doc, "type": "text"}}}, map[string]plan.Ref{node.In: {Node: from.id, Port: node.Out}})
		g.reads[plan.Ref{Node: to.id, Port: node.Out}]++
		g.used["xml to json"]++
		g.opened(ref, node.Out, back)
	}
}

var xmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#13;", "\n", "&#10;", "\t", "&#9;")

// noXML reads texts without an element as XML.
func (g *generator) noXML(in plan.Ref, t *table, at int) {
	if slices.ContainsFunc(t.rows, func(r row) bool { s, ok := r[at].(string); return ok && strings.Contains(s, "<") }) {
		return
	}
	ref := g.add("xml.json", map[string]any{"field": t.schema[at].Name, "to": "json", "as": g.name("x")}, map[string]plan.Ref{node.In: in})
	for _, r := range t.rows {
		if r[at] != nil {
			ref.refuse(t.schema, r, blame{"xml.invalid", t.schema[at].Name})
		}
	}
	g.used["refused by xml"]++
	g.policy(ref)
	ref.ports[node.Out] = &table{schema: t.schema, rows: slices.DeleteFunc(slices.Clone(t.rows), func(r row) bool { return r[at] != nil })}
	to := g.add("select", map[string]any{"fields": selected(t.schema), "others": "drop"}, map[string]plan.Ref{node.In: {Node: ref.id, Port: node.Out}})
	g.opened(to, node.Out, &table{schema: t.schema, ordered: t.ordered, rows: ref.ports[node.Out].rows})
}

// selected are the settings of a Select that keeps fields as they are.
func selected(s flows.Schema) (fields []map[string]string) {
	for _, f := range s {
		fields = append(fields, map[string]string{"name": f.Name, "as": f.Name})
	}
	return fields
}
