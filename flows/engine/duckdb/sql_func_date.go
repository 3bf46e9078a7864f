package duckdb

import (
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/expr"
)

func init() {
	scalarFuncs["date_trunc"] = func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		if c.Type().Kind == flows.Date { // DuckDB makes a timestamp of it
			return fill("CAST(date_trunc($1, $2) AS DATE)", a), nil
		}
		return fill("date_trunc($1, $2)", a), nil
	}
	scalarFuncs["date_add"] = dateAdd
	scalarFuncs["make_date"] = made("DATE", "'{:04d}-{:02d}-{:02d}'", dateParts)
	scalarFuncs["make_timestamp"] = made("TIMESTAMP", "'{:04d}-{:02d}-{:02d} {:02d}:{:02d}:{:02d}'",
		dateParts+" AND $4 BETWEEN 0 AND 23 AND $5 BETWEEN 0 AND 59 AND $6 BETWEEN 0 AND 59")
	scalarFuncs["from_epoch"] = fromEpoch
	scalarFuncs["from_epoch_millis"] = epochGuard("CAST($1 AS BIGINT) * 1000", 1000)
	scalarFuncs["to_date"] = func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		if c.As[0].Kind == flows.Timestamp {
			return fill("CAST($1 AS DATE)", a), nil
		}
		v, when := fromText(a[0], flows.Of(flows.Date), false)
		return v, []cond{{failure(c, "value.not_valid"), when}}
	}
	scalarFuncs["parse_date"], scalarFuncs["parse_timestamp"] = parseFormat, parseFormat
	scalarFuncs["at_zone"] = func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		v, when := atZone(a[0], a[1])
		return v, []cond{{failure(c, "value.no_such_time"), when}}
	}
}

const dateParts = "$1 BETWEEN 1 AND 9999 AND $2 BETWEEN 1 AND 12 AND $3 BETWEEN 1 AND 31"

// units are how much of an interval one unit is, and how many of them fit into the years 1 to 9999.
var units = map[string]struct {
	sql  string
	each int64
	most int64
}{
	"microsecond": {"to_microseconds", 1, 315_569_520_000_000_000},
	"millisecond": {"to_microseconds", 1000, 315_569_520_000_000},
	"second":      {"to_microseconds", 1_000_000, 315_569_520_000},
	"minute":      {"to_microseconds", 60_000_000, 5_259_492_000},
	"hour":        {"to_microseconds", 3_600_000_000, 87_658_200},
	"day":         {"to_days", 1, 3_652_425},
	"week":        {"to_days", 7, 521_775},
	"month":       {"to_months", 1, 119_988},
	"quarter":     {"to_months", 3, 39_996},
	"year":        {"to_months", 12, 9999},
}

func dateAdd(_ *renderer, c *expr.Call, a []string) (string, []cond) {
	name, _ := expr.ConstantText(c.Args[2])
	u := units[strings.ToLower(name)]
	kind := "INTEGER"
	if u.sql == "to_microseconds" {
		kind = "BIGINT"
	}
	n := fmt.Sprintf("CASE WHEN %s BETWEEN %d AND %d THEN %s END", a[1], -u.most, u.most, a[1])
	if v, ok := expr.ConstantInt(c.Args[1]); ok && v >= -u.most && v <= u.most {
		n = a[1]
	}
	if u.each > 1 {
		n = fmt.Sprintf("(%s * %d)", n, u.each)
	}
	v := fmt.Sprintf("(%s + %s(CAST(%s AS %s)))", a[0], u.sql, n, kind)
	if c.Type().Kind == flows.Date {
		v = "CAST(" + v + " AS DATE)"
	}
	return v, []cond{{failure(c, "value.out_of_range"), outside(c.Type(), v) + " AND " + present(c, a[:2])}}
}

// made writes the parts as text and reads that, because DuckDB's make_date stops at a wrong day.
func made(kind, format, valid string) buildFunc {
	return func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		v := fmt.Sprintf("CASE WHEN %s THEN TRY_CAST(format(%s, %s) AS %s) END", fill(valid, a), format, strings.Join(a, ", "), kind)
		return v, nullMeans(c, a, v, "value.not_valid")
	}
}

// The seconds of the years 1 to 9999 since 1970.
const firstSecond, lastSecond = -62135596800, 253402300799

func epochGuard(micros string, perSecond int64) buildFunc {
	return func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		inside := fmt.Sprintf("%s BETWEEN %d AND %d", a[0], firstSecond*perSecond, lastSecond*perSecond)
		return fmt.Sprintf("make_timestamptz(CASE WHEN %s THEN %s END)", inside, fill(micros, a)),
			[]cond{{failure(c, "value.out_of_range"), "NOT (" + inside + ")"}}
	}
}

func fromEpoch(r *renderer, c *expr.Call, a []string) (string, []cond) {
	if c.As[0].Kind == flows.Double {
		return epochGuard("CAST(round($1 * 1000000) AS BIGINT)", 1)(r, c, a)
	}
	return epochGuard("CAST($1 AS BIGINT) * 1000000", 1)(r, c, a)
}

func parseFormat(_ *renderer, c *expr.Call, a []string) (string, []cond) {
	format, _ := expr.ConstantText(c.Args[1])
	v, when := parsed(a[0], format, c.Type())
	return v, []cond{{failure(c, "value.not_valid"), when}}
}

// parsed reads a text in a format; its shape is checked first, because DuckDB alone skips white space.
func parsed(x, format string, to flows.Type) (value, when string) {
	v := fmt.Sprintf("try_strptime(regexp_extract(%s, %s), %s)", x, quoteText("^(?:"+expr.FormatShape(format)+")$"), quoteText(format))
	if to.Kind == flows.Date {
		v = "CAST(" + v + " AS DATE)"
	}
	return v, fmt.Sprintf("%s IS NULL AND %s IS NOT NULL", v, x)
}

// atZone finds the instant of a local time. DuckDB takes the later instant of a time that happens twice and moves a
// skipped one; the first instant is the one by the offset of the day before, if that shows the same local time.
func atZone(x, zone string) (value, when string) {
	later := fmt.Sprintf("timezone(%s, %s)", zone, x)
	first := fmt.Sprintf("(timezone(%s, %s - to_days(1)) + to_hours(24))", zone, x)
	return fmt.Sprintf("CASE WHEN timezone(%s, %s) = %s THEN %s ELSE %s END", zone, first, x, first, later),
		fmt.Sprintf("timezone(%s, %s) <> %s", zone, later, x)
}

// formatted renders a conversion with a format.
func (r *renderer) formatted(c *expr.Cast, x string) (value, when string) {
	format, ok := expr.ConstantText(c.Format)
	if !ok {
		return r.fail("expr.parameter_value", c.Format, "the format has no value", "").sql, "false"
	}
	switch {
	case c.Type().Kind == flows.Text:
		return fmt.Sprintf("strftime(%s, %s)", x, quoteText(format)), ""
	case c.Zone != nil:
		local, wrong := parsed(x, format, flows.Of(flows.Timestamp))
		v, gap := atZone(local, r.expr(c.Zone).sql)
		return v, fmt.Sprintf("(%s) OR (%s)", wrong, gap)
	}
	return parsed(x, format, c.Type())
}

// zoned renders a conversion between local time and instant.
func (r *renderer) zoned(c *expr.Cast, x string) (value, when string) {
	zone := r.expr(c.Zone).sql
	switch {
	case c.Type().Kind == flows.Timestamp:
		return fmt.Sprintf("timezone(%s, %s)", zone, x), ""
	case c.Type().Kind == flows.Date:
		return fmt.Sprintf("CAST(timezone(%s, %s) AS DATE)", zone, x), ""
	case c.X.Type().Kind == flows.Text:
		local, wrong := fromText(x, flows.Of(flows.Timestamp), false)
		v, gap := atZone(local, zone)
		return v, fmt.Sprintf("(%s) OR (%s)", wrong, gap)
	}
	return atZone(x, zone)
}
