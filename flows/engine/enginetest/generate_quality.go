package enginetest

import (
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// expectation is one generated rule: which rows break it, by their place.
type expectation struct {
	config map[string]any
	broken []bool // nil: about all rows
	missed bool   // all rows together break it
	blame  blame  // of a reject
}

// expectations puts up to three rules on in; seldom one that fails the run.
func (g *generator) expectations(in plan.Ref) {
	t := g.table(in)
	var rules []map[string]any
	ordered := t.ordered
	refused, fails := make([][]blame, len(t.rows)), false
	for range 1 + g.pick(3) {
		e := g.expectation(t)
		if e.config == nil {
			continue
		}
		level := []string{"reject", "warn", "fail"}[g.pick(3)]
		if e.broken == nil && level == "reject" {
			level = "fail"
		}
		if broken := e.missed || slices.Contains(e.broken, true); level == "fail" && broken && !g.chance(30) {
			level = "warn"
		}
		e.config["otherwise"] = level
		if level != "reject" || g.chance(50) {
			e.config["otherwise"] = level
		} else {
			delete(e.config, "otherwise") // what it is without
		}
		fails = fails || level == "fail" && (e.missed || slices.Contains(e.broken, true))
		for i, b := range e.broken {
			if b && level == "reject" {
				refused[i] = append(refused[i], e.blame)
			}
		}
		rules = append(rules, e.config)
		ordered = ordered && e.config["expect"] != "unique"
		g.used["expect "+e.config["expect"].(string)]++
	}
	if len(rules) == 0 {
		return
	}
	ref := g.add("expectations", map[string]any{"rules": rules}, map[string]plan.Ref{node.In: in})
	out := &table{schema: t.schema, ordered: ordered}
	for i, r := range t.rows {
		if len(refused[i]) > 0 {
			ref.refuse(t.schema, r, refused[i]...)
		} else {
			out.rows = append(out.rows, r)
		}
	}
	g.expected(ref, fails)
	g.opened(ref, node.Out, out)
}

// expected decides what becomes of the rows that a rule refuses; a rule that fails the run leaves no choice.
func (g *generator) expected(ref *reference, fails bool) {
	if fails {
		ref.policy, ref.rejected = flows.RejectFail, max(ref.rejected, 1)
		g.used["fails as expected"]++
		return
	}
	if ref.rejected > 0 && ref.kind == "expectations" {
		g.used["refused by expectations"]++
	}
	node := len(g.flow.Nodes) - 1
	g.policy(ref)
	if g.flow.Nodes[node].Rejects == "" {
		ref.policy = flows.RejectStore // its own default
	}
}

func (g *generator) expectation(t *table) expectation {
	i := g.pick(len(t.schema))
	field := t.schema[i].Name
	e := expectation{broken: make([]bool, len(t.rows))}
	switch g.pick(4) {
	case 0:
		e.blame = blame{"expectation.not_null", field}
		e.config = map[string]any{"expect": "notNull", "field": field}
		for k, r := range t.rows {
			e.broken[k] = r[i] == nil
		}
	case 1:
		cond := g.boolean(t.schema, 1)
		if cond.fallible {
			return expectation{}
		}
		e.blame = blame{"expectation.condition", ""}
		e.config = map[string]any{"expect": "condition", "condition": cond.text}
		for k, r := range t.rows {
			v, _ := cond.eval(r)
			e.broken[k] = v == false
		}
	case 2:
		return g.uniqueness(t)
	default:
		least, most := g.pick(3), 20+g.pick(2000)
		n := len(t.rows)
		return expectation{config: map[string]any{"expect": "recordCount", "leastRecords": least, "mostRecords": most}, missed: n < least || n > most}
	}
	return e
}

// uniqueness expects different rows. Where it is not known which of two arrives first, they are the same in all fields.
func (g *generator) uniqueness(t *table) expectation {
	by, names := g.groupFields(t.schema)
	if len(by) == 0 || !t.ordered {
		by, names = nil, nil
		for i, f := range t.schema {
			if k := f.Type.Kind; k != flows.Int64 && k != flows.Text {
				return expectation{}
			}
			by, names = append(by, i), append(names, f.Name)
		}
	}
	e := expectation{config: map[string]any{"expect": "unique", "fields": names}, broken: make([]bool, len(t.rows)), blame: blame{code: "expectation.unique"}}
	if len(names) == 1 {
		e.blame.field = names[0]
	}
	seen := map[string]bool{}
	for k, r := range t.rows {
		key, null := make(row, len(by)), false
		for n, i := range by {
			key[n], null = r[i], null || r[i] == nil
		}
		if !null {
			e.broken[k] = seen[key.key()]
			seen[key.key()] = true
		}
	}
	return e
}

// profile describes integers and texts; what is computed with doubles is left out by a Select Fields.
func (g *generator) profile(in plan.Ref) {
	t := g.table(in)
	var names []string
	exact := []string{"field", "records", "nulls", "distinct", "minimum", "maximum", "empty"}
	out := &table{ordered: true}
	for _, n := range exact {
		f, _ := node.ProfileSchema.Find(n)
		out.schema = append(out.schema, f)
	}
	for i, f := range t.schema {
		if k := f.Type.Kind; k == flows.Int64 || k == flows.Text {
			names = append(names, f.Name)
			out.rows = append(out.rows, profiled(t.rows, i, f))
		}
	}
	if len(names) == 0 {
		return
	}
	ref := g.add("profile", map[string]any{"fields": names, "distinct": true}, map[string]plan.Ref{node.In: in})
	ref.ports[node.Out] = &table{rows: out.rows}
	picks := make([]map[string]string, len(exact))
	for i, n := range exact {
		picks[i] = map[string]string{"name": n, "as": n}
	}
	chosen := g.add("select", map[string]any{"fields": picks, "others": "drop"}, map[string]plan.Ref{node.In: {Node: ref.id, Port: node.Out}})
	g.used["profile"]++
	g.opened(chosen, node.Out, out)
}

func profiled(rows []row, i int, f flows.Field) row {
	var nulls, empty int64
	var least, most any
	different := map[any]bool{}
	for _, r := range rows {
		v := r[i]
		if v == nil {
			nulls++
			continue
		}
		different[v] = true
		if v == "" {
			empty++
		}
		if least == nil || compareValues(v, least) < 0 {
			least = v
		}
		if most == nil || compareValues(v, most) > 0 {
			most = v
		}
	}
	text := func(v any) any {
		if v == nil {
			return nil
		}
		return fmt.Sprint(v)
	}
	o := row{f.Name, int64(len(rows)), nulls, int64(len(different)), text(least), text(most), nil}
	if f.Type.Kind == flows.Text {
		o[6] = empty
	}
	return o
}
