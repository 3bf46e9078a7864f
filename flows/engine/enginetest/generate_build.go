package enginetest

import (
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// jsonBuild makes JSON of two fields and turns it into text, which the interpreter can compare.
func (g *generator) jsonBuild(in plan.Ref) {
	t := g.table(in)
	var at []int
	for i, f := range t.schema {
		if (f.Type.Kind == flows.Int64 || f.Type.Kind == flows.Text) && !strings.ContainsAny(f.Name, `"[]`) {
			at = append(at, i)
		}
	}
	if len(at) == 0 || len(t.schema) > 10 {
		return
	}
	a, b, leave := at[g.pick(len(at))], at[g.pick(len(at))], g.chance(50)
	name := g.name("json")
	template := fmt.Sprintf(`{"a": [%s], "l": [1.50, [%s]], "t": "<[%s]>"}`, t.schema[a].Name, t.schema[b].Name, t.schema[b].Name)
	built := g.add("json.build", map[string]any{"template": template, "name": name, "removeNulls": leave}, map[string]plan.Ref{node.In: in})
	ref := g.add("convert", map[string]any{"fields": []map[string]string{{"name": name, "type": "text"}}}, map[string]plan.Ref{node.In: {Node: built.id, Port: node.Out}})
	out := &table{schema: append(append(flows.Schema{}, t.schema...), flows.Field{Name: name, Type: flows.Of(flows.Text)}), ordered: t.ordered}
	for _, r := range t.rows {
		text := "{"
		if r[a] != nil || !leave {
			text += `"a":` + jsonText(r[a]) + ","
		}
		inside := ""
		if r[b] != nil {
			inside = fmt.Sprint(r[b])
		}
		text += `"l":[1.50,` + jsonText(r[b]) + `],"t":` + jsonText("<"+inside+">") + "}"
		out.rows = append(out.rows, append(append(row{}, r...), text))
	}
	built.ports[node.Out] = out
	g.used["json build"]++
	g.opened(ref, node.Out, out)
}
