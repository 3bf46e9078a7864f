package enginetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// document puts a field into JSON with a Formula. It answers the formula's output and the new field.
func (g *generator) document(in plan.Ref, expression string, text func(v any) string, at int) (plan.Ref, *table) {
	t := g.table(in)
	name := g.name("doc")
	ref := g.add("formula", map[string]any{"fields": []map[string]string{{"name": name, "expression": "cast(" + expression + " as text)"}}}, map[string]plan.Ref{node.In: in})
	out := &table{schema: append(slices.Clone(t.schema), flows.Field{Name: name, Type: flows.Of(flows.Text)}), ordered: t.ordered}
	for _, r := range t.rows {
		out.rows = append(out.rows, append(slices.Clone(r), text(r[at])))
	}
	ref.ports[node.Out] = out
	return plan.Ref{Node: ref.id, Port: node.Out}, out
}

// valueTwice is a document with the value of a field in two places.
func (g *generator) valueTwice(in plan.Ref, quoted string, at int) (plan.Ref, *table) {
	return g.document(in, fmt.Sprintf("json_object('v', %s, 'o', json_object('x y', %[1]s))", quoted), func(v any) string {
		return `{"v":` + jsonText(v) + `,"o":{"x y":` + jsonText(v) + `}}`
	}, at)
}

// textOrWhole picks a field that is a text or a whole number, with its name for expressions; false where there is none, or too
// many fields.
func (g *generator) textOrWhole(t *table) (at int, quoted string, ok bool) {
	at = g.pick(len(t.schema))
	k := t.schema[at].Type.Kind
	return at, `"` + strings.ReplaceAll(t.schema[at].Name, `"`, `""`) + `"`, (k == flows.Text || k == flows.Int64) && len(t.schema) <= 10 && len(t.rows) <= 500
}

// jsonEdit changes JSON that a Formula makes of a field, or replaces a text that may be JSON.
func (g *generator) jsonEdit(in plan.Ref) {
	t := g.table(in)
	at, quoted, ok := g.textOrWhole(t)
	if !ok {
		return
	}
	doc, name := at, t.schema[at].Name
	change := map[string]string{"do": "set", "path": "$", "value": "'x'"}
	edited := func(v any) (string, bool) { return `"x"`, json.Valid([]byte(v.(string))) }
	if t.schema[at].Type.Kind == flows.Int64 || g.chance(70) {
		in, t = g.valueTwice(in, quoted, at)
		doc, name = len(t.schema)-1, t.schema[len(t.schema)-1].Name
		var form string // of the result, with the value in its places
		switch g.pick(6) {
		case 0:
			change, form = map[string]string{"do": "set", "path": "$.o.new[0]", "value": quoted}, `{"v":$,"o":{"x y":$,"new":[$]}}`
		case 1:
			change, form = map[string]string{"do": "remove", "path": "$.o"}, `{"v":$}`
		case 2:
			change, form = map[string]string{"do": "rename", "path": "$.o['x y']", "name": "z"}, `{"v":$,"o":{"z":$}}`
		case 3:
			change, form = map[string]string{"do": "move", "path": "$.v", "to": "$.o.w"}, `{"o":{"x y":$,"w":$}}`
		case 4:
			change, form = map[string]string{"do": "remove", "path": "$.none"}, `{"v":$,"o":{"x y":$}}`
		default:
			change = map[string]string{"do": "move", "path": "$.none", "to": "$.v", "missing": "reject"}
		}
		edited = func(v any) (string, bool) {
			var object struct{ V json.RawMessage }
			if err := json.Unmarshal([]byte(v.(string)), &object); err != nil {
				panic(err)
			}
			return strings.ReplaceAll(form, "$", string(object.V)), form != ""
		}
	}
	ref := g.add("json.edit", map[string]any{"field": name, "changes": []any{change}}, map[string]plan.Ref{node.In: in})
	out := &table{schema: t.schema, ordered: t.ordered}
	for _, r := range t.rows {
		o := slices.Clone(r)
		if r[doc] != nil {
			text, ok := edited(r[doc])
			if !ok {
				ref.refuse(t.schema, r, blame{"json.edit", name})
				continue
			}
			o[doc] = text
		}
		out.rows = append(out.rows, o)
	}
	g.used["json edit"]++
	if ref.rejected > 0 {
		g.used["refused by json edit"]++
	}
	g.policy(ref)
	g.opened(ref, node.Out, out)
}
