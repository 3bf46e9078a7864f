package duckdb

import (
	"fmt"
	"strings"
	"time"

	"spark/flows"
	"spark/flows/expr"
)

// white is what trim removes: space, tab, line feed, vertical tab, form feed, carriage return.
const white = "' \t\n\v\f\r'"

// hash64 is the first 64 bits of MD5 without the highest one.
const hash64 = "CAST((md5_number_upper($1) % CAST('9223372036854775808' AS UBIGINT)) AS BIGINT)"

func init() {
	for name, template := range map[string]string{
		"upper": "upper($1)", "lower": "lower($1)", "length": "length($1)", "reverse": "reverse($1)",
		"strip_accents": "strip_accents($1)", "contains": "contains($1, $2)", "starts_with": "starts_with($1, $2)",
		"ends_with": "ends_with($1, $2)", "position": "strpos($1, $2)", "translate": "translate($1, $2, $3)",
		"ascii":          "CAST(nullif(unicode($1), -1) AS BIGINT)",
		"initcap":        "array_to_string(list_transform(string_split(lower($1), ' '), lambda w: upper(left(w, 1)) || substring(w, 2)), ' ')",
		"slugify":        "trim(regexp_replace(lower(strip_accents($1)), '[^a-z0-9]+', '-', 'g'), '-')",
		"regexp_matches": "regexp_matches($1, $2)", "regexp_count": "len(regexp_extract_all($1, $2))",
		"nullif": "nullif($1, $2)",
		"md5":    "md5($1)", "sha1": "sha1($1)", "sha256": "sha256($1)",
		"hash64": hash64,
		"uuid":   "gen_random_uuid()", "is_uuid": "regexp_full_match($1, '" + expr.ShapeUUID + "')",
		"encode_base64": "to_base64($1)", "encode_hex": "lower(hex($1))", "encode_utf8": "encode($1)", "byte_length": "octet_length($1)",
		"sign": "CAST(sign($1) AS BIGINT)",
		"year": "year($1)", "quarter": "quarter($1)", "month": "month($1)", "day": "day($1)", "week": "week($1)",
		"day_of_week": "isodow($1)", "day_of_year": "dayofyear($1)", "week_year": "isoyear($1)",
		"hour": "hour($1)", "minute": "minute($1)", "second": "second($1)", "last_day": "last_day($1)",
		"date_diff": "date_diff($1, $2, $3)", "to_zone": "timezone($2, $1)", "format_date": "strftime($1, $2)",
		"epoch_seconds": "CAST(epoch(date_trunc('second', $1)) AS BIGINT)", "epoch_millis": "epoch_ms(date_trunc('millisecond', $1))",
		"list_length": "len($1)", "list_contains": "list_contains($1, $2)", "list_join": "array_to_string($1, $2)",
		"list_sort": "list_sort($1, 'ASC', 'NULLS LAST')", "list_distinct": "list_sort(list_distinct($1))",
		"split": "CASE WHEN $2 IS NOT NULL THEN string_split($1, $2) END", "get_field": "struct_extract($1, $2)",
	} {
		scalarFuncs[name] = total(template)
	}
	for _, name := range []string{"trim", "ltrim", "rtrim"} {
		scalarFuncs[name] = func(_ *renderer, _ *expr.Call, a []string) (string, []cond) {
			if len(a) == 1 {
				a = append(a, white)
			}
			return spread(name, a), nil
		}
	}
	for _, name := range []string{"concat", "concat_ws", "greatest", "least"} {
		scalarFuncs[name] = func(_ *renderer, _ *expr.Call, a []string) (string, []cond) { return spread(name, a), nil }
	}
	scalarFuncs["list"] = func(_ *renderer, _ *expr.Call, a []string) (string, []cond) { return spread("list_value", a), nil }
	for _, name := range []string{"floor", "ceil", "trunc"} {
		scalarFuncs[name] = whole(name)
	}
	scalarFuncs["sqrt"] = guarded("sqrt(abs($1))", "value.argument", "$1 < 0 OR NOT isfinite($1)")
	for name, guard := range map[string]string{"ln": "> 0", "log10": "> 0"} {
		scalarFuncs[name] = guarded(name+"(CASE WHEN $1 "+guard+" THEN $1 END)", "value.argument", "NOT ($1 "+guard+") OR NOT isfinite($1)")
	}
	scalarFuncs["exp"] = guarded("exp($1)", "value.not_finite", "NOT isfinite(exp($1))")
	scalarFuncs["power"] = guarded("power($1, $2)", "value.not_finite", "NOT isfinite(power($1, $2))")
	scalarFuncs["round"] = round
	lazyFuncs["if"], lazyFuncs["ifnull"] = ifThen, coalesce
	scalarFuncs["now"] = func(r *renderer, c *expr.Call, _ []string) (string, []cond) {
		return "TIMESTAMPTZ '" + r.Now.UTC().Format("2006-01-02 15:04:05.000000") + "+00'", nil
	}
	scalarFuncs["today"] = today
}

// spread calls an SQL function with all arguments.
func spread(name string, a []string) string { return name + "(" + strings.Join(a, ", ") + ")" }

func ifThen(r *renderer, c *expr.Call) frag {
	test := r.expr(c.Args[0])
	list, errs := r.widenAll(c.Args[1:], c.Type(), false)
	otherwise, err := "NULL", ""
	if len(list) == 2 {
		otherwise, err = list[1], errs[1]
	}
	if errs[0] != "" || err != "" {
		err = fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", test.sql, orNull(errs[0]), orNull(err))
	}
	return frag{fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", test.sql, list[0], otherwise), firstErr(test.err, err)}
}

// today is a constant of the run: the zone is applied here.
func today(r *renderer, c *expr.Call, _ []string) (string, []cond) {
	at := r.Now.UTC()
	if len(c.Args) == 1 {
		name, _ := expr.ConstantText(c.Args[0])
		zone, err := time.LoadLocation(name)
		if err != nil {
			return r.fail("expr.arguments", c, "unknown time zone "+name, "").sql, nil
		}
		at = at.In(zone)
	}
	return "DATE '" + at.Format("2006-01-02") + "'", nil
}

// whole renders floor, ceil and trunc, which leave whole numbers alone.
func whole(name string) buildFunc {
	return func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		from := c.As[0]
		switch {
		case from.IsInteger(), from.Kind == flows.Decimal && from.Scale == 0:
			return a[0], nil
		case from.Kind == flows.Decimal:
			return fmt.Sprintf("CAST(%s(%s) AS %s)", name, a[0], SQLType(c.Type())), nil
		}
		return name + "(" + a[0] + ")", nil
	}
}

func round(_ *renderer, c *expr.Call, a []string) (string, []cond) {
	var digits int64
	if len(c.Args) == 2 {
		digits, _ = expr.ConstantInt(c.Args[1])
	}
	from, to := c.As[0], c.Type()
	switch {
	case from.Kind == flows.Double:
		return fmt.Sprintf("round(%s, %d)", a[0], digits), nil
	case from.IsInteger() && digits >= 0, from.Kind == flows.Decimal && digits >= int64(from.Scale):
		return a[0], nil
	case digits >= 0:
		return fmt.Sprintf("CAST(round(%s, %d) AS %s)", a[0], digits, SQLType(to)), nil
	}
	// Rounding before the point is done on more digits than the type has, so that a carry has a place.
	v := fmt.Sprintf("TRY_CAST(round(TRY_CAST(%s AS DECIMAL(38,%d)), %d) AS %s)", a[0], min(from.Scale, 37), digits, SQLType(to))
	return v, nullMeans(c, a[:1], v, "value.overflow")
}
