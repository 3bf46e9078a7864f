package enginetest

import (
	"crypto/md5"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// fillNulls fills one or two fields.
func (g *generator) fillNulls(in plan.Ref) {
	t := g.table(in)
	keys, order, ok := g.arrange(t)
	by, names := g.groupFields(t.schema)
	var fields []map[string]string
	var cells []windowed
	var at []int
	looks := false
	for _, i := range g.Perm(len(t.schema))[:min(len(t.schema), 1+g.pick(2))] {
		w := g.filled(t.schema[i], i, ok)
		fields, cells, at = append(fields, w.fill), append(cells, w.windowed), append(at, i)
		looks = looks || w.fill["with"] != "value"
		g.used["fill "+w.fill["with"]]++
	}
	ref := g.add("fillnulls", map[string]any{"groupBy": names, "order": keys, "fields": fields}, map[string]plan.Ref{node.In: in})
	ref.streams = !looks
	out := &table{schema: t.schema, ordered: t.ordered && !looks}
	if !looks {
		by, order = nil, nil
	}
	for _, rs := range groups(t.rows, by) {
		slices.SortStableFunc(rs, func(a, b row) int { return compareBy(order, a, b) })
		for n, r := range rs {
			o := slices.Clone(r)
			for k, w := range cells {
				o[at[k]] = w.value(rs, n)
			}
			out.rows = append(out.rows, o)
		}
	}
	g.opened(ref, node.Out, out)
}

type filled struct {
	windowed
	fill map[string]string
}

// filled fills one field; known tells whether the interpreter knows the order.
func (g *generator) filled(f flows.Field, i int, known bool) filled {
	w := filled{fill: map[string]string{"name": f.Name, "with": "value"}}
	step := []int{0, -1, 1}[g.pick(3)]
	if step == 0 || !known {
		var v any
		w.fill["value"], v = "'none'", "none"
		switch f.Type.Kind {
		case flows.Int64:
			w.fill["value"], v = "-3", int64(-3)
		case flows.Boolean:
			w.fill["value"], v = "true", true
		}
		w.value = func(rs []row, at int) any {
			if rs[at][i] == nil {
				return v
			}
			return rs[at][i]
		}
		return w
	}
	if w.fill["with"] = "previous"; step > 0 {
		w.fill["with"] = "next"
	}
	w.value = func(rs []row, at int) any {
		for ; at >= 0 && at < len(rs); at += step {
			if rs[at][i] != nil {
				return rs[at][i]
			}
		}
		return nil
	}
	return w
}

// rowID numbers or hashes the rows.
func (g *generator) rowID(in plan.Ref) {
	t := g.table(in)
	name := g.name("id")
	config := map[string]any{"name": name, "kind": "number"}
	keys, order, ok := g.arrange(t)
	out := &table{schema: slices.Insert(slices.Clone(t.schema), 0, flows.Field{Name: name, Type: flows.Of(flows.Int64)}), ordered: t.ordered}
	hash := !ok || g.chance(40)
	rows := slices.Clone(t.rows)
	var by []int
	start := int64(g.pick(100) - 50)
	if hash {
		config["kind"], out.schema[0].Type = "hash", flows.Of(flows.Text)
		var names []string
		if by, names = g.groupFields(t.schema); len(by) == 0 {
			for i := range t.schema {
				by = append(by, i)
			}
		}
		config["fields"] = names
		g.used["row hash"]++
	} else {
		config["order"], config["start"] = keys, start
		out.ordered = t.ordered && len(keys) == 0
		slices.SortStableFunc(rows, func(a, b row) int { return compareBy(order, a, b) })
		g.used["row number"]++
	}
	for n, r := range rows {
		var id any = start + int64(n)
		if hash {
			id = fmt.Sprintf("%x", md5.Sum([]byte(fingerprint(r, by))))
		}
		out.rows = append(out.rows, append(row{id}, r...))
	}
	ref := g.add("rowid", config, map[string]plan.Ref{node.In: in})
	ref.streams = hash || len(keys) == 0
	g.opened(ref, node.Out, out)
}

// fingerprint is the text of which a hash key is the MD5.
func fingerprint(r row, by []int) string {
	var b strings.Builder
	for _, i := range by {
		if r[i] == nil {
			b.WriteString("-")
			continue
		}
		s := fmt.Sprint(r[i])
		fmt.Fprintf(&b, "%d:%s", utf8.RuneCountInString(s), s)
	}
	return b.String()
}
