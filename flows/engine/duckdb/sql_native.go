package duckdb

import (
	"fmt"

	"spark/flows/engine/duckdb/capi"
	"spark/flows/expr"
)

// native makes a function in Go known to the run's database.
func (r *run) native(fn *expr.Native) int {
	return r.db.Function(capi.Function{Name: fn.Name, Call: fn.Call})
}

// apply calls a function in Go, once for many records.
func (r *renderer) apply(e *expr.Apply) frag {
	if r.Native == nil {
		return r.fail("expr.unsupported", e, e.Fn.Name+" cannot be computed here", "")
	}
	sql, errs := "go_apply", make([]string, len(e.Args))
	if e.Fn.Random {
		sql = "go_apply_random"
	}
	sql += fmt.Sprintf("(%d", r.Native(e.Fn))
	for i, a := range e.Args {
		f := r.expr(a)
		sql, errs[i] = sql+", "+f.sql, f.err
	}
	return frag{sql + ")", firstErr(errs...)}
}
