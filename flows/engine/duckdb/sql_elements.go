package duckdb

import (
	"errors"
	"fmt"
	"strings"

	"spark/flows/node"
	"spark/flows/plan"
)

// elements makes records of the elements of a list that is computed from a record. A record that is refused keeps its place
// as if it had no element.
func (b *builder) elements(st *plan.Step, op node.Elements, in string) (string, error) {
	_, record, each := op.Reads(st.Needed)
	in, err := b.shared(record, in)
	if err != nil {
		return "", err
	}
	p := projection{builder: b, step: st}
	list, wrong := b.run.render.Render(op.List)
	if err := errors.Join(wrong, p.checks(op.Record.Checks)); err != nil {
		return "", err
	}
	refused := "NULL"
	if len(p.errs) > 0 {
		refused = "coalesce(" + strings.Join(p.errs, ", ") + ")"
	}
	in = fmt.Sprintf("(SELECT *, %s AS __spark_r, %s AS __spark_l FROM %s)", refused, list.Value, in)
	orOne := func(list string) string {
		return fmt.Sprintf("unnest(CASE WHEN __spark_r IS NULL AND len(__spark_l) > 0 THEN %s ELSE [NULL] END)", list)
	}
	in = fmt.Sprintf("(SELECT *, %s AS %s, %s AS %s FROM %s)", orOne("__spark_l"), quoteName(op.Item), orOne("range(1, len(__spark_l) + 1)"), quoteName(op.Position), in)
	if in, err = b.shared(each, in); err != nil {
		return "", err
	}
	p.errs = []string{"__spark_r"}
	if err := errors.Join(p.checks(op.Each.Checks), p.columns(op.Each.Columns)); err != nil {
		return "", err
	}
	keep := "true"
	if !op.KeepEmpty {
		keep = quoteName(op.Position) + " IS NOT NULL"
	}
	spec, err := jsonSpec("json", op.Path)
	if err != nil {
		return "", err
	}
	narrowed := func(names []string) string {
		return recordWith(names, op.Field, fmt.Sprintf("json_narrow(%s, %s, CAST(%s AS VARCHAR))", quoteName(op.Field), quoteText(spec), quoteName(op.Item)))
	}
	return p.sql(in, keep, b.refuseFor(st, fmt.Sprintf("CAST(%s AS VARCHAR)", quoteName(op.Position)), narrowed)), nil
}
