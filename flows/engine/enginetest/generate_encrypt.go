package enginetest

import (
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// secrets are the values of the secret parameters of generated flows.
var secrets = map[string]string{"key": "000102030405060708090a0b0c0d0e0f"}

// encrypt encrypts a field and decrypts it again, or decrypts what is not encrypted. Encrypted texts differ every time:
// nobody else reads them.
func (g *generator) encrypt(in plan.Ref) {
	t := g.table(in)
	at, _, ok := g.textOrWhole(t)
	if !ok || !g.sealed {
		return
	}
	name, text := t.schema[at].Name, t.schema[at].Type.Kind == flows.Text
	if len(g.flow.Parameters) == 0 {
		g.flow.Parameters = []flows.Parameter{{Name: "key", Type: flows.Of(flows.Text), Secret: true}}
	}
	cipher := func(do string, in plan.Ref) *reference {
		return g.add("encrypt", map[string]any{"do": do, "fields": []string{name}, "keys": []map[string]string{{"name": "2026", "key": "${key}"}}}, map[string]plan.Ref{node.In: in})
	}
	if text && g.chance(30) {
		ref := cipher("decrypt", in)
		out := &table{schema: t.schema, ordered: t.ordered}
		for _, r := range t.rows {
			if r[at] != nil {
				ref.refuse(t.schema, r, blame{"decrypt.failed", name})
			} else {
				out.rows = append(out.rows, r)
			}
		}
		g.used["refused by decrypt"]++
		g.policy(ref)
		g.opened(ref, node.Out, out)
		return
	}
	out := &table{schema: slices.Clone(t.schema), ordered: t.ordered}
	out.schema[at].Type = flows.Of(flows.Text)
	for _, r := range t.rows {
		o := slices.Clone(r)
		if r[at] != nil {
			o[at] = fmt.Sprint(r[at])
		}
		out.rows = append(out.rows, o)
	}
	there := cipher("encrypt", in)
	there.ports[node.Out] = out
	g.used["encrypt"]++
	g.opened(cipher("decrypt", plan.Ref{Node: there.id, Port: node.Out}), node.Out, out)
}
