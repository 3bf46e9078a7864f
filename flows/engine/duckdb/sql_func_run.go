package duckdb

import "spark/flows/expr"

func init() {
	for _, name := range []string{"run_id", "flow_name", "flow_revision", "environment", "started_at", "scheduled_at", "attempt"} {
		scalarFuncs[name] = fact
	}
	for _, name := range []string{"file_name", "record_number"} {
		scalarFuncs[name] = origin
	}
}

// fact is a constant of the run.
func fact(r *renderer, c *expr.Call, _ []string) (string, []cond) {
	f, ok := expr.Fact(c, r.Facts)
	if !ok {
		return r.fail("expr.unsupported", c, c.Fn.Name+"() is known in a run only", "").sql, nil
	}
	return r.constant(c, f.Type, f.Value), nil
}

// origin is where a record comes from, in the columns that travel with it.
func origin(r *renderer, c *expr.Call, _ []string) (string, []cond) {
	column := expr.OriginOf(c.Fn)
	if column == expr.OriginFile && r.File != nil {
		return r.File(column), nil
	}
	return quoteName(column), nil
}
