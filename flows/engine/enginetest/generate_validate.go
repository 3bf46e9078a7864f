package enginetest

import (
	"strings"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// validate marks or refuses records by what a text has to be.
func (g *generator) validate(in plan.Ref) {
	t := g.table(in)
	texts := fieldsOf(t.schema, flows.Text)
	if len(texts) == 0 || len(t.schema) > 10 {
		return
	}
	type rule struct {
		at     int
		broken func(s string) bool
		says   string
		code   string
	}
	var rules []rule
	var settings []map[string]any
	for range 1 + g.pick(2) {
		at := texts[g.pick(len(texts))]
		name := t.schema[at].Name
		switch g.pick(3) {
		case 0:
			settings = append(settings, map[string]any{"field": name, "rule": "pattern", "pattern": "[0-9]+"})
			rules = append(rules, rule{at, func(s string) bool { return s == "" || strings.Trim(s, "0123456789") != "" }, name + " does not match [0-9]+ (pattern)", "validation.pattern"})
		case 1:
			settings = append(settings, map[string]any{"field": name, "rule": "set", "values": []string{"a", "42", "it's"}})
			rules = append(rules, rule{at, func(s string) bool { return s != "a" && s != "42" && s != "it's" }, name + " is not one of a, 42, it's (set)", "validation.set"})
		default:
			settings = append(settings, map[string]any{"field": name, "rule": "required"})
			rules = append(rules, rule{at, nil, name + " is missing (required)", "validation.required"})
		}
	}
	broken := func(r row, k rule) bool {
		s, ok := r[k.at].(string)
		if k.broken == nil {
			return !ok || strings.TrimSpace(s) == ""
		}
		return ok && k.broken(s)
	}
	mark := g.chance(50)
	config := map[string]any{"rules": settings, "then": "reject"}
	out := &table{schema: append(flows.Schema{}, t.schema...), ordered: t.ordered}
	if mark {
		valid, reasons := g.name("valid"), g.name("why")
		config = map[string]any{"rules": settings, "then": "mark", "valid": valid, "error": reasons}
		out.schema = append(out.schema, flows.Field{Name: valid, Type: flows.Of(flows.Boolean)}, flows.Field{Name: reasons, Type: flows.Of(flows.Text)})
	}
	ref := g.add("validate", config, map[string]plan.Ref{node.In: in})
	for _, r := range t.rows {
		var says []string
		code := blame{}
		for _, k := range rules {
			if broken(r, k) {
				if len(says) == 0 {
					code = blame{k.code, t.schema[k.at].Name}
				}
				says = append(says, k.says)
			}
		}
		switch {
		case !mark && len(says) > 0:
			ref.refuse(t.schema, r, code)
		case !mark:
			out.rows = append(out.rows, r)
		case len(says) == 0:
			out.rows = append(out.rows, append(append(row{}, r...), true, nil))
		default:
			out.rows = append(out.rows, append(append(row{}, r...), false, strings.Join(says, "; ")))
		}
	}
	g.used["validate"]++
	if ref.rejected > 0 {
		g.used["refused by validate"]++
	}
	g.expected(ref, false)
	g.opened(ref, node.Out, out)
}
