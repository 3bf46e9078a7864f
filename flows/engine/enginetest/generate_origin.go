package enginetest

import (
	"slices"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// origin is the record of a source that a row comes from.
type origin struct {
	file   string
	record int64
}

// comesFrom says that a row comes from a record of a source.
func (g *generator) comesFrom(r row, file string, record int64) {
	g.origins[&r[0]] = origin{file, record}
}

// follows says that a row comes from where another one does.
func (g *generator) follows(r, before row) { g.origins[&r[0]] = g.origins[&before[0]] }

// traced reports whether every record of a relation comes from one of a source, through nodes that hand rows on.
func (g *generator) traced(r plan.Ref) bool {
	ref := g.ref(r.Node)
	switch {
	case r.Port == node.Rejects:
		return false
	case ref.inputs == nil:
		return true
	}
	return (slices.Contains(unchanging, ref.kind) || ref.kind == "select" || ref.kind == "formula" || ref.kind == TestCall) && g.traced(ref.inputs[node.In])
}

// facts are those of the runs of generated flows.
var facts = flows.RunFacts{ID: "run-1", Flow: "generated", Revision: 3, Attempt: 2}

// where adds fields with the origin of the records, and with facts of the run.
func (g *generator) where(in plan.Ref) {
	if !g.traced(in) {
		return
	}
	t := g.table(in)
	file, number, run := g.name("file"), g.name("number"), g.name("run")
	fields := []map[string]string{{"name": file, "expression": "file_name()"}, {"name": number, "expression": "record_number()"}, {"name": run, "expression": "run_id() || '/' || cast(attempt() as text)"}}
	out := &table{ordered: t.ordered, schema: append(slices.Clone(t.schema), flows.Field{Name: file, Type: flows.Of(flows.Text)}, flows.Field{Name: number, Type: flows.Of(flows.Int64)},
		flows.Field{Name: run, Type: flows.Of(flows.Text)})}
	ref := g.add("formula", map[string]any{"fields": fields}, map[string]plan.Ref{node.In: in})
	for _, r := range t.rows {
		from := g.origins[&r[0]]
		o := append(slices.Clone(r), from.file, from.record, facts.ID+"/2")
		g.follows(o, r)
		out.rows = append(out.rows, o)
	}
	g.used["origin in fields"]++
	g.opened(ref, node.Out, out)
}
