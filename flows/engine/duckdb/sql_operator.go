package duckdb

import (
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/expr"
)

// buildFunc renders a call from its rendered arguments: the value, and the conditions under which it is an error. The
// conditions are dropped when expr proves that the call cannot fail.
type buildFunc func(r *renderer, c *expr.Call, a []string) (value string, conds []cond)

var comparisons = map[string]bool{"=": true, "<>": true, "<": true, "<=": true, ">": true, ">=": true}

// scalarFuncs holds every scalar function that evaluates all its arguments; filled by the files sql_*.go.
var scalarFuncs = map[string]buildFunc{}

// lazyFuncs evaluate some arguments only for some records.
var lazyFuncs = map[string]func(r *renderer, c *expr.Call) frag{}

// failure returns the catalogue's failure of a code.
func failure(c *expr.Call, code string) expr.Failure {
	for _, f := range c.Fn.Failures {
		if f.Code == code {
			return f
		}
	}
	panic("duckdb: " + c.Fn.Name + " does not declare " + code)
}

// fill replaces $1 … $9 in a template by the arguments.
func fill(template string, a []string) string {
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		if template[i] == '$' && i+1 < len(template) && template[i+1] >= '1' && template[i+1] <= '9' {
			i++
			b.WriteString(a[template[i]-'1'])
			continue
		}
		b.WriteByte(template[i])
	}
	return b.String()
}

// total is a function that is never an error.
func total(template string) buildFunc {
	return func(_ *renderer, _ *expr.Call, a []string) (string, []cond) { return fill(template, a), nil }
}

// guarded is a function with one failure: its value, and the condition of the failure.
func guarded(template, code, when string) buildFunc {
	return func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		return fill(template, a), []cond{{failure(c, code), fill(when, a)}}
	}
}

// present is the condition that no argument is null, "true" when none can be.
func present(c *expr.Call, a []string) string {
	var parts []string
	for i, e := range c.Args {
		if v, ok := expr.Constant(e); ok && v != nil {
			continue
		}
		parts = append(parts, a[i]+" IS NOT NULL")
	}
	if len(parts) == 0 {
		return "true"
	}
	return strings.Join(parts, " AND ")
}

// nullMeans is the failure of a value that is null although no argument is.
func nullMeans(c *expr.Call, a []string, value, code string) []cond {
	return []cond{{failure(c, code), value + " IS NULL AND " + present(c, a)}}
}

func init() {
	for op := range comparisons {
		scalarFuncs[op] = total("($1 " + op + " $2)")
	}
	lazyFuncs["and"], lazyFuncs["or"], lazyFuncs["coalesce"] = and, or, coalesce
	scalarFuncs["not"] = total("(NOT $1)")
	scalarFuncs["is_null"] = total("($1 IS NULL)")
	scalarFuncs["is_not_null"] = total("($1 IS NOT NULL)")
	scalarFuncs["||"] = func(_ *renderer, _ *expr.Call, a []string) (string, []cond) {
		return "(" + strings.Join(a, " || ") + ")", nil
	}
	for _, op := range []string{"+", "-", "*"} {
		scalarFuncs[op] = arithmetic(op)
	}
	scalarFuncs["/"] = quotient
	scalarFuncs["%"], scalarFuncs["mod"] = remainder, remainder
	scalarFuncs["div"] = wholeQuotient
	scalarFuncs["negate"] = sign("(-%s)")
	scalarFuncs["abs"] = sign("abs(%s)")
}

// chain renders arguments of which each is only evaluated while stop has not been decided by those before it.
func chain(r *renderer, c *expr.Call, as flows.Type, goOn string) (args []string, err string) {
	args, errs := r.widenAll(c.Args, as, false)
	for i := len(args) - 1; i >= 0; i-- {
		err = firstErr(errs[i], onlyIf(args[i]+goOn, err))
	}
	return args, err
}

func and(r *renderer, c *expr.Call) frag {
	args, err := chain(r, c, c.Type(), " IS NOT FALSE")
	return frag{"(" + strings.Join(args, " AND ") + ")", err}
}

func or(r *renderer, c *expr.Call) frag {
	args, err := chain(r, c, c.Type(), " IS NOT TRUE")
	return frag{"(" + strings.Join(args, " OR ") + ")", err}
}

func coalesce(r *renderer, c *expr.Call) frag {
	args, err := chain(r, c, c.Type(), " IS NULL")
	return frag{"COALESCE(" + strings.Join(args, ", ") + ")", err}
}

// isArithmetic reports whether c is + - * or / on numbers of the given kind.
func isArithmetic(e expr.Expr, kind flows.Kind) (*expr.Call, bool) {
	c, ok := e.(*expr.Call)
	if !ok || c.Type().Kind != kind || len(c.Args) != 2 || c.As[1].Kind == flows.Interval {
		return nil, false
	}
	switch c.Fn.Name {
	case "+", "-", "*":
		return c, true
	case "/":
		return c, kind == flows.Double
	}
	return nil, false
}

// cover marks the operands of c that need no check of their own, so that the error of a long formula grows with its
// length and not with its square: an overflow in an operand makes c null (int64), infinite or not a number (double)
// as well. Only a divisor loses it: 1 / infinity is 0.
func (r *renderer) cover(c *expr.Call) {
	kind := c.Type().Kind
	if _, ok := isArithmetic(c, kind); !ok || kind != flows.Int64 && kind != flows.Double || !c.CanFail() {
		return
	}
	operands := c.Args
	if c.Fn.Name == "/" {
		operands = c.Args[:1]
		if c.Args[0].Type().Kind != flows.Double {
			return
		}
	}
	for _, e := range operands {
		if child, ok := isArithmetic(e, kind); ok {
			r.covered[child] = true
		}
	}
}

// uncovered drops the conditions of c that its parent notices.
func (r *renderer) uncovered(c *expr.Call, conds []cond) []cond {
	if !r.covered[c] {
		return conds
	}
	var left []cond
	for _, k := range conds {
		if k.failure.Code != "value.overflow" && k.failure.Code != "value.not_finite" {
			left = append(left, k)
		}
	}
	return left
}

// collectInputs notes what must not be null for an arithmetic call to have a result.
func (r *renderer) collectInputs(c *expr.Call, a []string) {
	if _, ok := isArithmetic(c, c.Type().Kind); !ok {
		return
	}
	var list []string
	for i, e := range c.Args {
		child, _ := e.(*expr.Call)
		inputs, known := r.inputs[child]
		if v, constant := expr.Constant(e); known {
			list = append(list, inputs...)
		} else if !constant || v == nil {
			list = append(list, a[i]+" IS NOT NULL")
		}
	}
	r.inputs[c] = list
}

// allInputs is the condition that nothing that goes into an arithmetic call is null.
func (r *renderer) allInputs(c *expr.Call) string {
	if list := r.inputs[c]; len(list) > 0 {
		return strings.Join(list, " AND ")
	}
	return "true"
}

// arithmetic renders +, - and * so that DuckDB neither stops at an overflow nor rounds.
func arithmetic(op string) buildFunc {
	return func(r *renderer, c *expr.Call, a []string) (string, []cond) {
		plain := fmt.Sprintf("(%s %s %s)", a[0], op, a[1])
		overflow := func(v string) []cond {
			return []cond{{failure(c, "value.overflow"), v + " IS NULL AND " + r.allInputs(c)}}
		}
		switch t := c.Type(); {
		case c.As[1].Kind == flows.Interval:
			return shift(c, a, op)
		case t.Kind == flows.Decimal:
			return decimalArithmetic(c, a, op), nil
		case t.Kind == flows.Double:
			return plain, []cond{{failure(c, "value.not_finite"), notFinite(plain)}}
		case !c.CanFail():
			return plain, nil
		case t.Kind == flows.Int64:
			v := fmt.Sprintf("TRY_CAST((CAST(%s AS HUGEINT) %s CAST(%s AS HUGEINT)) AS BIGINT)", a[0], op, a[1])
			return v, overflow(v)
		}
		// There is nothing wider than HUGEINT: the double result tells whether the exact one fits.
		v := fmt.Sprintf("CASE WHEN abs(CAST(%s AS DOUBLE) %s CAST(%s AS DOUBLE)) < 1.7014118346046e38 THEN %s END", a[0], op, a[1], plain)
		return v, overflow(v)
	}
}

func notFinite(v string) string { return "NOT isfinite(" + v + ")" }

// decimalArithmetic keeps DuckDB from computing in 64 bits, where it would stop at an overflow, when the exact result
// is wider: one operand is made wide first.
func decimalArithmetic(c *expr.Call, a []string, op string) string {
	t, left, right := c.Type(), c.As[0], c.As[1]
	const narrow = 18 // digits of a decimal that DuckDB computes in 64 bits
	if t.Precision > narrow && left.Precision <= narrow && right.Precision <= narrow {
		wide := SQLType(flows.DecimalOf(narrow+1, left.Scale))
		first, widened := strings.CutSuffix(a[0], " AS "+SQLType(left)+")")
		if !widened || !c.Args[0].Type().IsInteger() {
			first = "CAST(" + a[0]
		}
		return fmt.Sprintf("CAST((%s AS %s) %s %s) AS %s)", first, wide, op, a[1], SQLType(t))
	}
	return fmt.Sprintf("(%s %s %s)", a[0], op, a[1])
}

// shift renders date or timestamp ± interval. Intervals are bounded first, so that the sum stays in DuckDB's range.
func shift(c *expr.Call, a []string, op string) (string, []cond) {
	amount := a[1]
	if _, constant := expr.Constant(c.Args[1]); !constant {
		amount = fmt.Sprintf("CASE WHEN %s BETWEEN to_months(-120000) AND to_months(120000) THEN %s END", amount, amount)
	}
	v := fmt.Sprintf("(%s %s %s)", a[0], op, amount)
	return v, []cond{{failure(c, "value.out_of_range"), outside(c.Type(), v) + " AND " + present(c, a)}}
}

// outside is the condition that a value is null or not in the years 1 to 9999.
func outside(t flows.Type, v string) string {
	low, high := "TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '9999-12-31 23:59:59.999999'"
	switch t.Kind {
	case flows.Date:
		low, high = "DATE '0001-01-01'", "DATE '9999-12-31'"
	case flows.TimestampTZ:
		low, high = "TIMESTAMPTZ '0001-01-01 00:00:00+00'", "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"
	}
	return fmt.Sprintf("(%s BETWEEN %s AND %s) IS NOT TRUE", v, low, high)
}

func quotient(r *renderer, c *expr.Call, a []string) (string, []cond) {
	v := fmt.Sprintf("(%s / %s)", a[0], a[1])
	var conds []cond
	if !expr.NonZero(c.Args[1]) {
		conds = append(conds, cond{failure(c, "value.division_by_zero"), "(" + a[1] + " = 0 AND " + r.allInputs(c) + ")"})
	}
	if c.Args[0].Type().Kind == flows.Double || c.Args[1].Type().Kind == flows.Double {
		conds = append(conds, cond{failure(c, "value.not_finite"), notFinite(v)})
	}
	return v, conds
}

func remainder(_ *renderer, c *expr.Call, a []string) (string, []cond) {
	zero := cond{failure(c, "value.division_by_zero"), "(" + a[1] + " = 0 AND " + a[0] + " IS NOT NULL)"}
	t := c.Type()
	v := fmt.Sprintf("(%s %% %s)", a[0], a[1])
	switch {
	case t.Kind == flows.Double:
		return v, []cond{zero, {failure(c, "value.not_finite"), notFinite(v)}}
	case t.IsInteger():
		// The smallest integer % -1 stops DuckDB; the remainder by -1 is that by 1.
		v = fmt.Sprintf("(%s %% %s)", a[0], notMinusOne(c, a[1], "CAST(1 AS "+SQLType(t)+")"))
	case !c.As[0].Equal(t):
		v = fmt.Sprintf("CAST(%s AS %s)", v, SQLType(t))
	}
	return v, []cond{zero}
}

// notMinusOne replaces a divisor of -1 unless it is a constant that is not -1.
func notMinusOne(c *expr.Call, divisor, by string) string {
	if v, ok := expr.ConstantInt(c.Args[1]); ok && v != -1 {
		return divisor
	}
	return fmt.Sprintf("CASE WHEN %s = -1 THEN %s ELSE %s END", divisor, by, divisor)
}

func wholeQuotient(_ *renderer, c *expr.Call, a []string) (string, []cond) {
	zero := cond{failure(c, "value.division_by_zero"), "(" + a[1] + " = 0 AND " + a[0] + " IS NOT NULL)"}
	t := c.Type()
	plain := fmt.Sprintf("(%s // %s)", a[0], a[1])
	if !expr.Overflows(c) {
		return plain, []cond{zero}
	}
	v := fmt.Sprintf("CASE WHEN %s <> -1 THEN %s WHEN %s = -1 AND %s <> %s THEN -%s END", a[1], plain, a[1], a[0], smallest(t), a[0])
	return v, []cond{zero, {failure(c, "value.overflow"), fmt.Sprintf("%s = -1 AND %s = %s", a[1], a[0], smallest(t))}}
}

func smallest(t flows.Type) string {
	if t.Kind == flows.Int128 {
		return "CAST('-170141183460469231731687303715884105728' AS HUGEINT)"
	}
	return "CAST('-9223372036854775808' AS BIGINT)"
}

// sign renders - and abs, which overflow for the smallest integer only.
func sign(format string) buildFunc {
	return func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		if !c.CanFail() {
			return fmt.Sprintf(format, a[0]), nil
		}
		conds := []cond{{failure(c, "value.overflow"), a[0] + " = " + smallest(c.Type())}}
		if c.Type().Kind == flows.Int64 {
			return fmt.Sprintf("TRY_CAST("+format+" AS BIGINT)", "CAST("+a[0]+" AS HUGEINT)"), conds
		}
		return fmt.Sprintf("CASE WHEN %s <> %s THEN "+format+" END", a[0], smallest(c.Type()), a[0]), conds
	}
}
