package enginetest

import (
	"bytes"
	"encoding/json"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// flatten reads a file of its own with structs and makes fields of their members, so that no other node meets a struct.
func (g *generator) flatten(plan.Ref) {
	id, outer, inner := g.name("c"), g.name("s"), g.name("t")
	fields := []map[string]string{{"name": id, "type": "int64"}, {"name": outer, "type": "struct<a: int64, \"it's\": struct<b: text, a: int64>>"}, {"name": inner, "type": "struct<a: text>"}}
	out := &table{ordered: true, schema: flows.Schema{{Name: id, Type: flows.Of(flows.Int64)}, {Name: outer + "/a", Type: flows.Of(flows.Int64)},
		{Name: outer + "/it's/b", Type: flows.Of(flows.Text)}, {Name: outer + "/it's/a", Type: flows.Of(flows.Int64)}, {Name: inner + "/a", Type: flows.Of(flows.Text)}}}
	var file bytes.Buffer
	enc := json.NewEncoder(&file)
	for range g.pick(20) {
		r := make(row, len(out.schema))
		for i, f := range out.schema {
			r[i] = g.value(f.Type.Kind)
		}
		var deep, s, t any = map[string]any{"b": r[2], "a": r[3]}, nil, map[string]any{"a": r[4]}
		if g.chance(20) {
			deep, r[2], r[3] = nil, nil, nil
		}
		s = map[string]any{"a": r[1], "it's": deep}
		if g.chance(20) {
			s, r[1], r[2], r[3] = nil, nil, nil, nil
		}
		if g.chance(20) {
			t, r[4] = nil, nil
		}
		if err := enc.Encode(map[string]any{id: r[0], outer: s, inner: t}); err != nil {
			panic(err)
		}
		out.rows = append(out.rows, r)
	}
	path := g.name("in") + ".jsonl"
	g.files[path] = file.Bytes()
	source := g.add("file.input", map[string]any{"path": path, "format": "jsonl", "fields": fields}, nil)
	source.ports[node.Out] = &table{rows: out.rows} // only counted
	ref := g.add("flatten", map[string]any{"separator": "/"}, map[string]plan.Ref{node.In: {Node: source.id, Port: node.Out}})
	g.used["flatten"]++
	g.opened(ref, node.Out, out)
}
