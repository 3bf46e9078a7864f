package enginetest

import (
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// splitText splits a text at something that texts contain, or none.
func (g *generator) splitText(in plan.Ref) {
	t := g.table(in)
	texts := fieldsOf(t.schema, flows.Text)
	if len(texts) == 0 || len(t.rows) > 500 || len(t.schema) > 10 {
		return
	}
	at := texts[g.pick(len(texts))]
	separator := []string{"9", " ", "'", "1", ",", "99", "a", "."}[g.pick(8)]
	config := map[string]any{"field": t.schema[at].Name, "separator": separator, "keep": g.chance(30)}
	if g.chance(40) {
		g.splitIntoRecords(in, t, at, separator, config)
		return
	}
	names := []string{}
	for range 1 + g.pick(3) {
		names = append(names, g.name("s"))
	}
	refuse := g.chance(40)
	config["fields"], config["rest"] = names, map[bool]string{true: "refuse", false: "keep"}[refuse]
	ref := g.add("splittext", config, map[string]plan.Ref{node.In: in})
	out := &table{schema: split(t.schema, at, config, names, flows.Text), ordered: t.ordered}
	for _, r := range t.rows {
		parts := make(row, len(names))
		if text, ok := r[at].(string); ok {
			list := strings.SplitN(text, separator, len(names))
			for i, p := range list {
				parts[i] = p
			}
			if refuse && strings.Count(text, separator) >= len(names) {
				ref.refuse(t.schema, r, blame{"split.parts", t.schema[at].Name})
				continue
			}
		}
		out.rows = append(out.rows, splitRow(r, at, config, parts))
	}
	g.used["split into fields"]++
	if ref.rejected > 0 {
		g.used["refused by split"]++
	}
	g.policy(ref)
	g.opened(ref, node.Out, out)
}

func (g *generator) splitIntoRecords(in plan.Ref, t *table, at int, separator string, config map[string]any) {
	names := []string{g.name("s"), g.name("position")}
	config["into"], config["as"], config["position"] = "records", names[0], names[1]
	ref := g.add("splittext", config, map[string]plan.Ref{node.In: in})
	out := &table{schema: split(t.schema, at, config, names, flows.Int64), ordered: t.ordered}
	for _, r := range t.rows {
		text, ok := r[at].(string)
		if !ok {
			out.rows = append(out.rows, splitRow(r, at, config, row{nil, nil}))
			continue
		}
		for i, p := range strings.Split(text, separator) {
			out.rows = append(out.rows, splitRow(r, at, config, row{p, int64(i + 1)}))
		}
	}
	g.used["split into records"]++
	g.opened(ref, node.Out, out)
}

// split is the schema with new fields, all texts but the last one, in the place of the text or behind it.
func split(s flows.Schema, at int, config map[string]any, names []string, last flows.Kind) flows.Schema {
	out := append(flows.Schema{}, s[:at]...)
	if config["keep"] == true {
		out = append(out, s[at])
	}
	for i, n := range names {
		k := flows.Text
		if i == len(names)-1 {
			k = last
		}
		out = append(out, flows.Field{Name: n, Type: flows.Of(k)})
	}
	return append(out, s[at+1:]...)
}

func splitRow(r row, at int, config map[string]any, parts row) row {
	out := append(row{}, r[:at]...)
	if config["keep"] == true {
		out = append(out, r[at])
	}
	return append(append(out, parts...), r[at+1:]...)
}
