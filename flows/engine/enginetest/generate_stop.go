package enginetest

import (
	"slices"

	"spark/flows/node"
	"spark/flows/plan"
)

// stop puts a node behind in that fails the run at a record, seldom one that is there.
func (g *generator) stop(in plan.Ref) {
	t := g.table(in)
	cond := g.boolean(t.schema, 1)
	matches := 0
	for _, r := range t.rows {
		if v, _ := cond.eval(r); v == true {
			matches++
		}
	}
	if cond.fallible || matches > 0 && !g.chance(6) {
		return
	}
	ref := g.add("stop", map[string]any{"condition": cond.text, "message": "'stopped'"}, map[string]plan.Ref{node.In: in})
	ref.rejected = int64(matches) // the run fails
	g.used["stop"]++
	if matches > 0 {
		g.used["stopped"]++
	}
	g.opened(ref, node.Out, &table{schema: t.schema, rows: slices.Clone(t.rows), ordered: t.ordered})
}

func (g *generator) checkpoint(in plan.Ref) {
	t := g.table(in)
	ref := g.add("checkpoint", map[string]any{}, map[string]plan.Ref{node.In: in})
	g.used["checkpoint"]++
	g.opened(ref, node.Out, &table{schema: slices.Clone(t.schema), rows: t.rows, ordered: t.ordered})
}
