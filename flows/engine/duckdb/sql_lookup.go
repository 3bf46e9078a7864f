package duckdb

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows/node"
	"spark/flows/plan"
)

// lookup joins the records with the reference. It is always a left join, whose records are told apart afterwards: so all
// of them are read and counted, also where the reference is empty.
func (b *builder) lookup(st *plan.Step, op node.Enrich, in, reference string) (string, error) {
	var keysL, keysR, partition, on []string
	for i, k := range op.Keys {
		l, err := b.run.render.Render(k.Left)
		if err != nil {
			return "", err
		}
		r, err := b.run.render.Render(k.Right)
		if err != nil {
			return "", err
		}
		keysL = append(keysL, fmt.Sprintf("%s AS __spark_k%d", l.Value, i))
		keysR = append(keysR, fmt.Sprintf("%s AS __spark_k%d", r.Value, i))
		partition = append(partition, r.Value)
		on = append(on, fmt.Sprintf("l.__spark_k%d = r.__spark_k%d", i, i))
	}
	var cols []string
	right := keysR
	for i, f := range op.Fields {
		switch {
		case !slices.Contains(st.Needed, f.As):
		case f.Side == node.Left:
			cols = append(cols, fmt.Sprintf("%s AS %s", quoteName(f.Field), quoteName(f.As)))
		default:
			cols = append(cols, fmt.Sprintf("__spark_f%d AS %s", i, quoteName(f.As)))
			right = append(right, fmt.Sprintf("%s AS __spark_f%d", quoteName(f.Field), i))
		}
	}
	if st.Origin {
		cols = append(cols, quoteName(node.OriginFile), quoteName(node.OriginRecord))
	}
	matches, err := b.matches(op, right, partition, reference)
	if err != nil {
		return "", err
	}
	sql := fmt.Sprintf("SELECT l.*, r.* FROM (SELECT *, %s FROM %s) l LEFT JOIN (%s) r ON %s", strings.Join(keysL, ", "), in, matches, strings.Join(on, " AND "))
	return b.matched(st, op, strings.Join(cols, ", "), sql), nil
}

// matches is the reference: with the number of records that have the same key, one of them unless all are asked for.
func (b *builder) matches(op node.Enrich, cols, partition []string, reference string) (string, error) {
	list := strings.Join(cols, ", ")
	if op.Many == node.PolicyAll {
		return fmt.Sprintf("SELECT %s, 1 AS __spark_m FROM %s", list, reference), nil
	}
	keys, err := b.order(op.Order, false)
	if err != nil {
		return "", err
	}
	group := "PARTITION BY " + strings.Join(partition, ", ")
	return fmt.Sprintf("SELECT * FROM (SELECT %s, count(*) OVER (%s) AS __spark_m, row_number() OVER (%[2]s ORDER BY %s) AS __spark_r FROM %s) WHERE __spark_r = 1",
		list, group, strings.Join(append(keys, arrival), ", "), numbered(reference)), nil
}

// matched passes, drops and refuses records by the number of their matches, null for none.
func (b *builder) matched(st *plan.Step, op node.Enrich, cols, from string) string {
	condition := "true"
	if op.NoMatch == node.PolicyDrop {
		condition = "__spark_m IS NOT NULL"
	}
	if !op.Refuses() {
		return b.only(st, cols, from, condition)
	}
	b.run.site(st, 0, "", []ErrorSite{{Code: "lookup.no_match", Message: "the reference has no such record"}, {Code: "lookup.several", Message: "the reference has several such records"}})
	var bad []string
	if op.NoMatch == node.PolicyRefuse {
		bad = append(bad, "WHEN __spark_m IS NULL THEN 1")
	}
	if op.Many == node.PolicyRefuse {
		bad = append(bad, "WHEN __spark_m > 1 THEN 2")
	}
	return fmt.Sprintf("SELECT %s FROM (SELECT *, CASE %s END AS __spark_e FROM (%s)) WHERE tapf(%d, CASE WHEN __spark_e IS NULL THEN %s ELSE %s END)",
		cols, strings.Join(bad, " "), from, b.run.taps[st.Ref], condition, b.refuse(st))
}
