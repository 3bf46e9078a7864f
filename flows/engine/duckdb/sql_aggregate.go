package duckdb

import (
	"fmt"

	"spark/flows"
	"spark/flows/expr"
)

// aggregateFuncs are the ones without a way to fail of their own.
var aggregateFuncs = map[string]string{
	"count_if": "count(*) FILTER (WHERE $1)", "count_distinct": "count(DISTINCT $1)", "min": "min($1)", "max": "max($1)",
	"first": "first($1)", "last": "last($1)", "string_agg": "string_agg($1, $2)", "bool_and": "bool_and($1)", "bool_or": "bool_or($1)",
	"median": "median($1)", "avg": "avg($1)",
	"sum": "sum($1)", "sum_if": "sum($1) FILTER (WHERE $2)",
}

// aggregate renders a function over a group. A record of the group that is in error makes the group's result an error.
func (r *renderer) aggregate(c *expr.Call) frag {
	args := make([]string, len(c.Args))
	errs := make([]string, len(c.Args))
	for i, e := range c.Args {
		f := r.widen(e, c.As[i], false)
		args[i], errs[i] = f.sql, f.err
	}
	err := firstErr(errs...)
	if c.Fn.Name == "sum_if" { // the value counts only where the condition is true
		err = firstErr(errs[1], onlyIf(args[1], errs[0]))
	}
	if err != "" {
		err = "min(" + err + ")" + r.over
	}
	value, conds := r.aggregateValue(c, args)
	if !c.CanFail() {
		conds = nil
	}
	return frag{value, firstErr(err, r.own(c, conds))}
}

func (r *renderer) aggregateValue(c *expr.Call, a []string) (string, []cond) {
	name := c.Fn.Name
	switch name {
	case "count":
		if len(a) == 0 {
			return "count(*)" + r.over, nil
		}
		return fill("count($1)", a) + r.over, nil
	case "stddev", "variance":
		// DuckDB stops when the squares do not fit.
		x := fmt.Sprintf("CASE WHEN abs(%s) < 1e140 THEN %s END", a[0], a[0])
		fn := map[string]string{"stddev": "stddev_samp", "variance": "var_samp"}[name]
		if !c.CanFail() {
			return fn + "(" + a[0] + ")" + r.over, nil
		}
		return fn + "(" + x + ")" + r.over, []cond{{failure(c, "value.not_finite"), fmt.Sprintf("bool_or(NOT (abs(%s) < 1e140))", a[0]) + r.over}}
	}
	template, ok := aggregateFuncs[name]
	if !ok {
		return r.fail("expr.unsupported", c, "the engine has no function "+name, "").sql, nil
	}
	v := fill(template, a) + r.over
	switch {
	case name != "sum" && name != "sum_if":
		return v, []cond{{expr.Failure{Code: "value.not_finite", Message: "the result is not a finite number"}, notFinite(v)}}
	case c.Type().Kind == flows.Double:
		return v, []cond{{failure(c, "value.not_finite"), notFinite(v)}}
	case c.Type().Kind == flows.Int64:
		whole := fmt.Sprintf("TRY_CAST(%s AS BIGINT)", v)
		return whole, []cond{{failure(c, "value.overflow"), fmt.Sprintf("%s IS NULL AND %s IS NOT NULL", whole, v)}}
	}
	return v, nil
}
