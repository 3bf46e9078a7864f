package enginetest

import (
	"errors"
	"math/big"
	"slices"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// joinNode joins in with another output on one or two pairs of fields.
func (g *generator) joinNode(left plan.Ref) {
	right := g.choose()
	l, r := g.table(left), g.table(right)
	if len(l.rows)*len(r.rows) > 20_000 || len(l.schema)+len(r.schema) > 14 {
		return
	}
	keys, at := g.pairs(l.schema, r.schema, node.Left, node.Right)
	if len(keys) == 0 {
		return
	}
	kinds := []node.JoinKind{node.JoinInner, node.JoinLeft, node.JoinRight, node.JoinFull, node.JoinSemi, node.JoinAnti}
	kind := kinds[g.pick(len(kinds))]
	suffix := g.name("_j")
	ref := g.add("join", map[string]any{"kind": kind, "keys": keys, "rightSuffix": suffix}, map[string]plan.Ref{node.Left: left, node.Right: right})
	ref.join, ref.keys = kind, at
	g.used[string(kind)]++
	if left == right {
		g.used["self join"]++
	}
	if g.meets(left, right) {
		g.used["diamond"]++
	}
	if len(l.rows) == 0 || len(r.rows) == 0 {
		g.used["empty join side"]++
	}
	g.opened(ref, node.Out, joinTables(l, r, kind, at, suffix))
}

// pairs chooses one or two pairs of fields that can be compared, for the settings and by position.
func (g *generator) pairs(l, r flows.Schema, left, right string) (keys []map[string]string, at [][2]int) {
	for _, k := range []flows.Kind{flows.Int64, flows.Text} {
		a, b := fieldsOf(l, k), fieldsOf(r, k)
		if len(a) > 0 && len(b) > 0 && (len(at) == 0 || g.chance(20)) {
			i, j := a[g.pick(len(a))], b[g.pick(len(b))]
			at = append(at, [2]int{i, j})
			keys = append(keys, map[string]string{left: flows.QuoteName(l[i].Name), right: flows.QuoteName(r[j].Name)})
		}
	}
	return keys, at
}

// meets reports whether two relations have an ancestor in common.
func (g *generator) meets(a, b plan.Ref) bool {
	seen := map[string]bool{}
	var up func(id string, f func(string) bool) bool
	up = func(id string, f func(string) bool) bool {
		if f(id) {
			return true
		}
		for _, in := range g.ref(id).inputs {
			if up(in.Node, f) {
				return true
			}
		}
		return false
	}
	up(a.Node, func(id string) bool { seen[id] = true; return false })
	return up(b.Node, func(id string) bool { return seen[id] })
}

// joinTables is a nested loop over both sides.
func joinTables(l, r *table, kind node.JoinKind, at [][2]int, suffix string) *table {
	out := &table{}
	dropped := map[int]bool{} // right keys that equal the left field of their name
	for _, k := range at {
		if (kind == node.JoinInner || kind == node.JoinLeft) && l.schema[k[0]].Name == r.schema[k[1]].Name {
			dropped[k[1]] = true
		}
	}
	out.schema = append(out.schema, l.schema...)
	both := kind != node.JoinSemi && kind != node.JoinAnti
	for j, f := range r.schema {
		if both && !dropped[j] {
			if l.schema.Index(f.Name) >= 0 {
				f.Name += suffix
			}
			out.schema = append(out.schema, f)
		}
	}
	emit := func(a, b row) {
		o := make(row, 0, len(out.schema))
		if a == nil {
			a = make(row, len(l.schema))
		}
		if b == nil {
			b = make(row, len(r.schema))
		}
		o = append(o, a...)
		for j := range r.schema {
			if both && !dropped[j] {
				o = append(o, b[j])
			}
		}
		out.rows = append(out.rows, o)
	}
	matchedRight := make([]bool, len(r.rows))
	for _, a := range l.rows {
		matched := false
		for j, b := range r.rows {
			if !equalKeys(a, b, at) {
				continue
			}
			matched, matchedRight[j] = true, true
			if both {
				emit(a, b)
			}
		}
		if matched && kind == node.JoinSemi || !matched && (kind == node.JoinAnti || kind == node.JoinLeft || kind == node.JoinFull) {
			emit(a, nil)
		}
	}
	for j, b := range r.rows {
		if !matchedRight[j] && (kind == node.JoinRight || kind == node.JoinFull) {
			emit(nil, b)
		}
	}
	return out
}

func equalKeys(a, b row, at [][2]int) bool {
	for _, k := range at {
		if a[k[0]] == nil || b[k[1]] == nil || compareValues(a[k[0]], b[k[1]]) != 0 {
			return false
		}
	}
	return true
}

// aggregate groups by zero to two fields.
func (g *generator) aggregate(in plan.Ref) {
	t := g.table(in)
	var by []int
	var names []string
	if !g.chance(20) {
		for _, i := range g.Perm(len(t.schema))[:min(len(t.schema), 1+g.pick(2))] {
			if k := t.schema[i].Type.Kind; k == flows.Int64 || k == flows.Text {
				by, names = append(by, i), append(names, t.schema[i].Name)
			}
		}
	}
	out := &table{}
	for _, i := range by {
		out.schema = append(out.schema, t.schema[i])
	}
	aggs := []map[string]string{}
	var compute []func([]row) any
	add := func(text string, ty flows.Type, f func([]row) any) {
		name := g.name("a")
		aggs = append(aggs, map[string]string{"name": name, "expression": text})
		out.schema = append(out.schema, flows.Field{Name: name, Type: ty})
		compute = append(compute, f)
	}
	add("count()", flows.Of(flows.Int64), func(rs []row) any { return int64(len(rs)) })
	if at := fieldsOf(t.schema, flows.Int64); len(at) > 0 {
		i := at[g.pick(len(at))]
		add("sum("+flows.QuoteName(t.schema[i].Name)+")", flows.Of(flows.Int64), func(rs []row) any { return sum(rs, i) })
	}
	if at := fieldsOf(t.schema, flows.Text); len(at) > 0 {
		i := at[g.pick(len(at))]
		q := flows.QuoteName(t.schema[i].Name)
		add("max("+q+")", flows.Of(flows.Text), func(rs []row) any { return most(rs, i) })
		add("count("+q+")", flows.Of(flows.Int64), func(rs []row) any { return present(rs, i) })
	}
	if names == nil {
		names = []string{}
	}
	ref := g.add("aggregate", map[string]any{"groupBy": names, "aggregates": aggs}, map[string]plan.Ref{node.In: in})
	for _, rs := range groups(t.rows, by) {
		var o row
		for _, i := range by {
			o = append(o, rs[0][i])
		}
		refused := false
		for _, f := range compute {
			v := f(rs)
			refused = refused || v == tooLarge
			o = append(o, v)
		}
		if refused {
			ref.rejected++ // a group cannot be stored: the run fails
			g.used["sum too large"]++
			continue
		}
		out.rows = append(out.rows, o)
	}
	g.used["aggregate"]++
	if len(by) == 0 {
		g.used["aggregate all"]++
	}
	g.opened(ref, node.Out, out)
}

func groups(rows []row, by []int) [][]row {
	if len(by) == 0 {
		return [][]row{slices.Clone(rows)}
	}
	index, list := map[string]int{}, [][]row{}
	for _, r := range rows {
		var k row
		for _, i := range by {
			k = append(k, r[i])
		}
		at, ok := index[k.key()]
		if !ok {
			at = len(list)
			index[k.key()] = at
			list = append(list, nil)
		}
		list[at] = append(list[at], r)
	}
	return list
}

func sum(rows []row, i int) any {
	var total *big.Int
	for _, r := range rows {
		if r[i] != nil {
			if total == nil {
				total = new(big.Int)
			}
			total.Add(total, big.NewInt(r[i].(int64)))
		}
	}
	switch {
	case total == nil:
		return nil
	case !total.IsInt64():
		return tooLarge
	}
	return total.Int64()
}

// tooLarge is a sum beyond its type.
var tooLarge = errors.New("too large")

func most(rows []row, i int) any {
	var best any
	for _, r := range rows {
		if r[i] != nil && (best == nil || compareValues(r[i], best) > 0) {
			best = r[i]
		}
	}
	return best
}

func present(rows []row, i int) any {
	n := int64(0)
	for _, r := range rows {
		if r[i] != nil {
			n++
		}
	}
	return n
}
