package duckdb

import (
	"fmt"
	"strings"

	"spark/flows/node"
	"spark/flows/plan"
)

// unnest makes records of the elements of lists.
func (b *builder) unnest(st *plan.Step, op node.Unnest, in string) (string, error) {
	lists := make([]string, len(op.Lists))
	values := map[string]string{}
	for i, c := range op.Lists {
		r, err := b.run.render.Render(c.Expr)
		if err != nil {
			return "", err
		}
		lists[i] = fmt.Sprintf("%s AS __spark_l%d", r.Value, i)
		values[c.Name] = fmt.Sprintf("__spark_u%d", i)
	}
	elements := make([]string, len(op.Lists))
	for i := range op.Lists {
		elements[i] = fmt.Sprintf("unnest(%s) AS __spark_u%d", orOne(op, fmt.Sprintf("__spark_l%d", i)), i)
	}
	if op.Position != "" {
		values[op.Position] = "__spark_p"
		elements = append(elements, fmt.Sprintf("unnest(%s) AS __spark_p", orOne(op, "range(1, len(__spark_l0) + 1)")))
	}
	cols := columns(st)
	for i, n := range cols {
		if cols[i] = quoteName(n); values[n] != "" {
			cols[i] = values[n] + " AS " + cols[i]
		}
	}
	condition := "true"
	if op.DropNull {
		condition = fmt.Sprintf("__spark_u%d IS NOT NULL", len(op.Lists)-1)
	}
	sql := fmt.Sprintf("SELECT *, %s FROM (SELECT *, %s FROM %s)", strings.Join(elements, ", "), strings.Join(lists, ", "), in)
	return b.only(st, strings.Join(cols, ", "), sql, condition), nil
}

// orOne gives a record without elements one null where it goes on all the same.
func orOne(op node.Unnest, list string) string {
	if !op.KeepEmpty {
		return list
	}
	return fmt.Sprintf("CASE WHEN len(__spark_l0) > 0 THEN %s ELSE [NULL] END", list)
}
