package duckdb

import (
	"fmt"

	"spark/flows"
	"spark/flows/expr"
)

var notConverted = "value.conversion"

// cast renders a conversion. With try a failed one is null.
func (r *renderer) cast(c *expr.Cast) frag {
	x := r.expr(c.X)
	if _, ok := c.X.(*expr.Literal); ok && c.X.Type().Equal(c.Type()) {
		return x
	}
	value, when := r.conversion(c, x.sql)
	if !c.CanFail() {
		return frag{value, x.err}
	}
	if c.Try && when == lost(value, x.sql) { // null already
		return frag{value, x.err}
	}
	if c.Try {
		return frag{fmt.Sprintf("CASE WHEN (%s) IS NOT TRUE THEN %s END", when, value), x.err}
	}
	failure := expr.Failure{Code: notConverted, Message: c.FailureMessage()}
	return frag{value, firstErr(x.err, r.own(c, []cond{{failure, when}}))}
}

// conversion returns the value and the condition under which it is an error.
func (r *renderer) conversion(c *expr.Cast, x string) (value, when string) {
	from, to := c.X.Type(), c.Type()
	nulled := func(v string) (string, string) { return v, lost(v, x) }
	switch {
	case c.Format != nil:
		return r.formatted(c, x)
	case c.Zone != nil:
		return r.zoned(c, x)
	case from.Equal(to):
		return x, ""
	case from.Kind == flows.Text:
		_, field := c.X.(*expr.FieldRef)
		return fromText(x, to, field)
	case to.Kind == flows.Text:
		return toText(x, from), ""
	case !c.CanFail():
		return fmt.Sprintf("CAST(%s AS %s)", x, SQLType(to)), ""
	}
	v := fmt.Sprintf("TRY_CAST(%s AS %s)", x, SQLType(to))
	if from.IsInteger() || !from.IsNumeric() {
		return nulled(v)
	}
	// DuckDB rounds what has too many digits: converting back tells whether something was lost.
	return v, fmt.Sprintf("TRY_CAST(%s AS %s) IS DISTINCT FROM %s", v, SQLType(from), x)
}

// lost is the condition that a value is null although what it was made of is not.
func lost(v, x string) string { return fmt.Sprintf("%s IS NULL AND %s IS NOT NULL", v, x) }

// shapeOf names the shape of texts for a type as text_shape of capi knows it; "" where only the regular expression does.
func shapeOf(t flows.Type) string {
	switch t.Kind {
	case flows.Decimal:
		return fmt.Sprintf("n%d", t.Scale)
	case flows.Double:
		return "f"
	case flows.Date:
		return "d"
	case flows.Time:
		return "t"
	case flows.Timestamp:
		return "s"
	case flows.TimestampTZ:
		return "z"
	}
	if t.IsInteger() {
		return "i"
	}
	return ""
}

// fromText admits only the shape that the language defines; DuckDB alone would accept spaces, underscores and more.
// What a field holds is cheap to repeat, and is looked at by a function instead of the regular expression.
func fromText(x string, to flows.Type, field bool) (value, when string) {
	shaped := func(shape string) (string, string) {
		v := fmt.Sprintf("TRY_CAST(regexp_extract(%s, '^(?:%s)$') AS %s)", x, shape, SQLType(to))
		if name := shapeOf(to); field && name != "" {
			v = fmt.Sprintf("CASE WHEN text_shape(%s, '%s') THEN TRY_CAST(%[1]s AS %[3]s) END", x, name, SQLType(to))
		}
		return v, lost(v, x)
	}
	switch to.Kind {
	case flows.Decimal:
		return shaped(expr.ShapeDecimal(to.Scale))
	case flows.Double:
		v, when := shaped(expr.ShapeDouble)
		return v, fmt.Sprintf("(%s) OR %s", when, notFinite(v))
	case flows.Boolean:
		return shaped(`(?i)true|false`)
	case flows.Date:
		return shaped(expr.ShapeDate)
	case flows.Time:
		return shaped(expr.ShapeTime)
	case flows.Timestamp:
		return shaped(expr.ShapeTimestamp)
	case flows.TimestampTZ:
		v, when := shaped(expr.ShapeTimestampTZ)
		return v, fmt.Sprintf("(%s) OR %s AND %s IS NOT NULL", when, outside(to, v), x)
	case flows.UUID:
		return shaped(expr.ShapeUUID)
	case flows.Interval:
		return shaped(expr.ShapeInterval)
	case flows.JSON:
		v := strictJSON(x)
		return v, lost(v, x)
	}
	return shaped(expr.ShapeInteger)
}

// intervalText writes the parts that are not zero, as in a literal: 14 months -3 days 25 hours 7 seconds.
func intervalText(x string) string {
	part := func(p string) string { return fmt.Sprintf("date_part('%s', %s)", p, x) }
	within := "(" + part("minute") + " * 60000000 + " + part("microseconds") + ")" // the hour, its sign included
	rest := "(" + within + " % 1000000)"
	texts := ""
	for _, u := range [][2]string{{"(" + part("year") + " * 12 + " + part("month") + ")", "months"}, {part("day"), "days"}, {part("hour"), "hours"},
		{"((" + within + " - " + rest + ") // 1000000)", "seconds"}, {rest, "microseconds"}} {
		texts += fmt.Sprintf(", CASE WHEN %s <> 0 THEN %[1]s || ' %s' END", u[0], u[1])
	}
	return nullable(x, "coalesce(nullif(concat_ws(' '"+texts+"), ''), '0 days')")
}

func toText(x string, from flows.Type) string {
	switch from.Kind {
	case flows.Text:
		return x
	case flows.Interval:
		return intervalText(x)
	case flows.TimestampTZ: // in UTC, as a literal is written
		return fmt.Sprintf("replace(CAST(%s AS VARCHAR), '+00', 'Z')", x)
	case flows.Decimal:
		if from.Precision == from.Scale { // DuckDB leaves the zero before the point out
			return fmt.Sprintf("regexp_replace(CAST(%s AS VARCHAR), '^(-?)[.]', '\\10.')", x)
		}
	}
	return fmt.Sprintf("CAST(%s AS VARCHAR)", x)
}
