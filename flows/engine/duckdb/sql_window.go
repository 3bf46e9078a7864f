package duckdb

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
	"spark/flows/plan"
)

// arrival numbers the records of a relation in the order in which they come: DuckDB computes it while they stream, on
// one thread. Orders end with it, so that one record is before the other also where the keys are equal, and the same
// one in every statement that reads a kept relation.
const arrival = "__spark_n"

func numbered(in string) string {
	return fmt.Sprintf("(SELECT *, row_number() OVER () AS %s FROM %s)", arrival, in)
}

// partition writes what the records of a group have in common.
func (b *builder) partition(keys []expr.Expr) (string, error) {
	if len(keys) == 0 {
		return "", nil
	}
	parts := make([]string, len(keys))
	for i, k := range keys {
		r, err := b.run.render.Render(k)
		if err != nil {
			return "", err
		}
		parts[i] = r.Value
	}
	return "PARTITION BY " + strings.Join(parts, ", "), nil
}

// order writes sort keys; backwards turns the whole order round.
func (b *builder) order(keys []node.SortKey, backwards bool) ([]string, error) {
	parts := make([]string, len(keys))
	for i, k := range keys {
		r, err := b.run.render.Render(k.Expr)
		if err != nil {
			return nil, err
		}
		direction, nulls := "ASC", "LAST"
		if k.Descending != backwards {
			direction = "DESC"
		}
		if k.NullsFirst != backwards {
			nulls = "FIRST"
		}
		parts[i] = fmt.Sprintf("%s %s NULLS %s", r.Value, direction, nulls)
	}
	return parts, nil
}

// only keeps and counts the records of a statement for which a condition is true.
func (b *builder) only(st *plan.Step, cols, from, condition string) string {
	if b.run.plan.Uncounted() {
		return fmt.Sprintf("SELECT %s FROM (%s) WHERE %s", cols, from, condition)
	}
	return fmt.Sprintf("SELECT %s FROM (%s) WHERE tapf(%d, %s)", cols, from, b.run.taps[st.Ref], condition)
}

func (b *builder) pick(st *plan.Step, op node.Pick, in string) (string, error) {
	if sql, ok := distinct(st, op, in); ok {
		return b.only(st, quoteNames(columns(st)), sql, "true"), nil
	}
	group, err := b.partition(op.Keys)
	if err != nil {
		return "", err
	}
	keys, err := b.order(op.Order, op.Last)
	if err != nil {
		return "", err
	}
	if op.Shuffle {
		keys = []string{lot(op.Seed)}
	}
	last := arrival
	if op.Last {
		last += " DESC"
	}
	condition := fmt.Sprintf("__spark_r <= %d", op.Count)
	if op.Rest {
		condition = fmt.Sprintf("__spark_r > %d", op.Count)
	}
	sql := fmt.Sprintf("SELECT *, row_number() OVER (%s ORDER BY %s) AS __spark_r FROM %s", group, strings.Join(append(keys, last), ", "), numbered(in))
	return b.only(st, quoteNames(columns(st)), sql, condition), nil
}

// draw passes records by their lots. They stream.
func (b *builder) draw(st *plan.Step, op node.Draw, in string) string {
	compare := "<="
	if op.Rest {
		compare = ">"
	}
	return b.only(st, quoteNames(columns(st)), "SELECT * FROM "+numbered(in), fmt.Sprintf("%s %s %d", lot(op.Seed), compare, op.Most))
}

// lot is the expression for what a numbered record draws.
func lot(seed int64) string {
	return fill(hash64, []string{fmt.Sprintf("('%d:' || %s)", seed, arrival)})
}

// distinct is the cheaper way to one record of each group where the records of a group are the same in every field
// that anybody reads.
func distinct(st *plan.Step, op node.Pick, in string) (string, bool) {
	var keys []string
	for _, k := range op.Keys {
		ref, ok := k.(*expr.FieldRef)
		if !ok || !alike(k.Type()) {
			return "", false
		}
		keys = append(keys, ref.Name)
	}
	if op.Count != 1 || op.Rest || st.Origin || len(keys) == 0 {
		return "", false
	}
	for _, n := range st.Needed {
		if !slices.Contains(keys, n) {
			return "", false
		}
	}
	return fmt.Sprintf("SELECT DISTINCT %s FROM %s", quoteNames(keys), in), true
}

// alike reports whether equal values of a type are the same: 0 and -0 are equal, and 30 days and a month.
func alike(t flows.Type) bool {
	switch t.Kind {
	case flows.Double, flows.Interval, flows.List, flows.Struct:
		return false
	}
	return true
}

// The windows of a statement: up to the record, from it on, the whole group, and the ranks' own, in which records
// may be equal.
const (
	soFar      = "__spark_before"
	fromNow    = "__spark_behind"
	wholeGroup = "__spark_whole"
	ranked     = "__spark_rank"
)

// overs are the window functions that are no aggregates.
var overs = map[node.WindowFunc]string{
	node.WindowRank: "rank() OVER " + ranked, node.WindowDenseRank: "dense_rank() OVER " + ranked,
	node.WindowFirst: "first_value($1) OVER " + wholeGroup, node.WindowLast: "last_value($1) OVER " + wholeGroup,
	node.WindowPrevious: "last_value($1 IGNORE NULLS) OVER " + soFar, node.WindowNext: "first_value($1 IGNORE NULLS) OVER " + fromNow,
}

// window computes columns over groups. A column in error refuses its record.
func (b *builder) window(st *plan.Step, op node.Window, in string) (string, error) {
	var inner, errs []string
	values := map[string]string{}
	offset := 0
	for _, c := range op.Columns {
		fallible := c.Arg != nil && expr.Fallible(c.Arg)
		if !slices.Contains(st.Needed, c.Name) && !fallible {
			continue
		}
		r, err := b.windowColumn(op, c)
		if err != nil {
			return "", err
		}
		values[c.Name] = fmt.Sprintf("__spark_w%d", len(inner))
		inner = append(inner, fmt.Sprintf("%s AS %s", r.Value, values[c.Name]))
		if r.Err != "" {
			errs = append(errs, fmt.Sprintf("(%s) + %d", r.Err, offset))
			b.run.site(st, offset, c.Name, r.Errors)
			offset += len(r.Errors)
		}
	}
	if len(errs) > 0 {
		inner = append(inner, "coalesce("+strings.Join(errs, ", ")+") AS __spark_e")
	}
	from, err := b.windows(op, in)
	if err != nil {
		return "", err
	}
	cols := columns(st)
	for i, n := range cols {
		if cols[i] = quoteName(n); values[n] != "" {
			cols[i] = values[n] + " AS " + cols[i]
		}
	}
	condition := "true"
	if len(errs) > 0 {
		condition = "CASE WHEN __spark_e IS NULL THEN true ELSE " + b.refuse(st) + " END"
	}
	return b.only(st, strings.Join(cols, ", "), fmt.Sprintf("SELECT %s FROM %s", strings.Join(append([]string{"*"}, inner...), ", "), from), condition), nil
}

// windows is the relation to read and the windows over it.
func (b *builder) windows(op node.Window, in string) (string, error) {
	if op.Streams() {
		return in, nil
	}
	group, err := b.partition(op.Groups)
	if err != nil {
		return "", err
	}
	keys, err := b.order(op.Order, false)
	if err != nil {
		return "", err
	}
	rank := group
	if len(keys) > 0 {
		rank += " ORDER BY " + strings.Join(keys, ", ")
	}
	if arriving(op) {
		keys, in = append(keys, arrival), numbered(in)
	}
	if len(keys) > 0 {
		group += " ORDER BY " + strings.Join(keys, ", ")
	}
	return fmt.Sprintf("%s WINDOW %s AS (%s), %s AS (%s ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), %s AS (%[5]s ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING),"+
		" %[7]s AS (%[5]s ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)", in, ranked, rank, soFar, group, fromNow, wholeGroup), nil
}

// arriving reports whether some column depends on which of two equal records is before the other.
func arriving(op node.Window) bool {
	return slices.ContainsFunc(op.Columns, func(c node.WindowColumn) bool {
		switch c.Func {
		case node.WindowRank, node.WindowDenseRank, node.WindowValue:
			return false
		case node.WindowAggregate:
			return !c.Whole
		}
		return true
	})
}

func (b *builder) windowColumn(op node.Window, c node.WindowColumn) (Rendered, error) {
	if c.Func == node.WindowNumber {
		over := soFar
		if op.Streams() {
			over = "()"
		}
		return Rendered{Value: fmt.Sprintf("(row_number() OVER %s + (%d))", over, c.Offset-1)}, nil
	}
	if c.Arg == nil {
		return Rendered{Value: overs[c.Func]}, nil
	}
	render := b.run.render
	if render.over = " OVER " + soFar; c.Whole {
		render.over = " OVER " + wholeGroup
	}
	r, err := render.Render(c.Arg)
	if err != nil {
		return r, err
	}
	switch c.Func {
	case node.WindowValue, node.WindowAggregate:
	case node.WindowLag, node.WindowLead:
		r.Value = fmt.Sprintf("%s(%s, %d) OVER %s", c.Func, r.Value, c.Offset, soFar)
	default:
		r.Value = fill(overs[c.Func], []string{r.Value})
	}
	return r, nil
}
