package duckdb

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/expr"
)

// fixedNow is the now() of the tests, and fixed renders their expressions.
var (
	fixedNow = time.Date(2026, 1, 31, 23, 30, 0, 0, time.UTC)
	fixed    = Renderer{Now: fixedNow, Facts: expr.FactParams(flows.RunFacts{ID: "r'1", Flow: "Daily", Revision: 7, Environment: "production", StartedAt: fixedNow.Add(-1500 * time.Microsecond), Attempt: 2})}
)

// connect opens a database as a run does.
func connect(t testing.TB) *capi.Conn {
	t.Helper()
	db, err := capi.Open(map[string]string{"threads": "1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	c, err := db.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	exec(t, c, "SET TimeZone='UTC'")
	exec(t, c, "SET max_expression_depth=2000")
	return c
}

func exec(t testing.TB, c *capi.Conn, sql string) {
	t.Helper()
	if _, err := c.Exec(sql); err != nil {
		t.Fatalf("%s\n%v", sql, err)
	}
}

// outcome is what an expression gives for one record.
type outcome struct{ Value, Type, Code string }

// evaluate compiles src and evaluates it for every record of a relation (or once without one).
func evaluate(t testing.TB, c *capi.Conn, src string, env expr.Env, from string) []outcome {
	t.Helper()
	e, err := expr.Compile(src, env)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return evaluateExpr(t, c, e, from)
}

func evaluateExpr(t testing.TB, c *capi.Conn, e expr.Expr, from string) []outcome {
	t.Helper()
	r, err := fixed.Render(e)
	if err != nil {
		t.Fatalf("%s: %v", e, err)
	}
	if (r.Err != "") != expr.Fallible(e) {
		t.Fatalf("%s: Fallible is %v, but the error is rendered as %q", e, expr.Fallible(e), r.Err)
	}
	failed := r.Err
	if failed == "" {
		failed = "CAST(NULL AS INTEGER)"
	}
	checkType(t, c, e, r.Value, failed, from)
	sql := fmt.Sprintf("SELECT CAST(v AS VARCHAR), CAST(e AS VARCHAR) FROM (SELECT %s AS v, %s AS e%s)", r.Value, failed, from)
	rows, err := c.QueryText(sql)
	if err != nil {
		t.Fatalf("%s\n%s\n%v", e, sql, err)
	}
	out := make([]outcome, len(rows))
	for i, row := range rows {
		out[i] = outcome{Type: SQLType(e.Type()), Value: "null"}
		if row[0] != nil {
			out[i].Value = *row[0]
		}
		if row[1] != nil {
			var n int
			fmt.Sscan(*row[1], &n)
			out[i].Value, out[i].Code = "", r.Errors[n-1].Code
		}
	}
	return out
}

// checkType makes sure that value and error have the SQL types that were promised.
func checkType(t testing.TB, c *capi.Conn, e expr.Expr, value, failed, from string) {
	t.Helper()
	sql := fmt.Sprintf("DESCRIBE SELECT %s AS v, %s AS e%s", value, failed, from)
	rows, err := c.QueryText(sql)
	if err != nil {
		t.Fatalf("%s\n%s\n%v", e, sql, err)
	}
	if got, want := *rows[0][1], SQLType(e.Type()); got != want {
		t.Errorf("%s: the value has the type %s, not %s\n%s", e, got, want, value)
	}
	if got := *rows[1][1]; got != "INTEGER" {
		t.Errorf("%s: the error has the type %s\n%s", e, got, failed)
	}
}

func TestExamples(t *testing.T) {
	t.Parallel()
	c := connect(t)
	for _, f := range expr.Functions() {
		t.Run(f.Name, func(t *testing.T) {
			if f.Example == "" {
				return
			}
			got := evaluate(t, c, f.Example, expr.Env{}, "")
			want := evaluate(t, c, f.Result, expr.Env{}, "")
			for i := range want { // only integers and decimals of another width may differ in type
				if e, err := expr.Compile(f.Example, expr.Env{}); err == nil && e.Type().IsNumeric() && e.Type().Kind != flows.Double {
					want[i].Type = got[i].Type
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s (-documented +evaluated)\n%s", f.Example, d)
			}
		})
	}
}

func TestEveryFunctionIsRendered(t *testing.T) {
	t.Parallel()
	for _, f := range expr.Functions() {
		_, scalar := scalarFuncs[f.Name]
		_, lazy := lazyFuncs[f.Name]
		_, aggregate := aggregateFuncs[f.Name]
		if f.Name == "count" || f.Name == "stddev" || f.Name == "variance" {
			aggregate = true
		}
		if f.Aggregate != aggregate || !f.Aggregate && scalar == lazy {
			t.Errorf("%s: aggregate %v (catalogue: %v), scalar %v, lazy %v", f.Name, aggregate, f.Aggregate, scalar, lazy)
		}
	}
}
