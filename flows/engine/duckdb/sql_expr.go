package duckdb

// The files sql_expr, sql_operator, sql_cast, sql_func*, sql_type render checked expressions (flows/expr) to SQL. A
// rendered value never makes DuckDB stop with an error, whatever the record holds: every operation that could is
// guarded, and what went wrong is told by a second piece of SQL, so that the node's policy (fail, reject, skip)
// decides about the record.

import (
	"fmt"
	"strings"
	"time"

	"spark/flows"
	"spark/flows/expr"
)

// ErrorSite is a place of an expression that can be an error for a record.
type ErrorSite struct {
	Code           string
	Message        string
	Offset, Length int // of the part of the expression, in characters
}

// Rendered is an expression as SQL.
type Rendered struct {
	// Value has exactly the SQL type of the expression. For a record that is in error it is null or anything.
	Value string
	// Err is an INTEGER: null when the record is fine, else the 1-based index into Errors. Empty when no record can
	// be in error.
	Err    string
	Errors []ErrorSite
}

// Renderer holds what is fixed for a run.
type Renderer struct {
	Now   time.Time                  // of now() and today()
	Facts []expr.Param               // of the run
	File  func(column string) string // the name of a file, by the column of the origin; nil: what the column holds
	// Native makes a function in Go known to the database and returns its number there; nil where there are none.
	Native func(*expr.Native) int

	over string // what follows an aggregate function: the window that it is computed over
}

// The bounds of the SQL of one expression: DuckDB itself stops at max_expression_depth.
const (
	maxSQLBytes = 1 << 20
	maxSQLDepth = 900
)

// RenderExpr renders an expression with the current time as now(). A run uses one Renderer for all its expressions.
func RenderExpr(e expr.Expr) (Rendered, error) { return Renderer{Now: time.Now()}.Render(e) }

// Render renders an expression over one record, or one with aggregate functions over a group.
func (o Renderer) Render(e expr.Expr) (Rendered, error) {
	r := &renderer{Renderer: o, covered: map[*expr.Call]bool{}, inputs: map[*expr.Call][]string{}}
	f := r.expr(e)
	if foldsToNull(e) {
		f.sql = fmt.Sprintf("CAST(%s AS %s)", f.sql, SQLType(e.Type()))
	}
	if r.err == nil && max(nesting(f.sql), nesting(f.err)) > maxSQLDepth {
		r.tooComplex(e)
	}
	if r.err != nil {
		return Rendered{}, r.err
	}
	return Rendered{Value: f.sql, Err: f.err, Errors: r.sites}, nil
}

// foldsToNull reports whether DuckDB might compute a part of e before the run and find null: it then forgets the type.
func foldsToNull(e expr.Expr) (found bool) {
	expr.Walk(e, func(e expr.Expr) bool {
		switch e.(type) {
		case *expr.Literal, *expr.ParamRef:
			v, _ := expr.Constant(e)
			found = found || v == nil
		case *expr.FieldRef:
		default:
			found = found || len(expr.Fields(e)) == 0
		}
		return !found
	})
	return found
}

// frag is a rendered part. Both pieces are closed: they can stand anywhere without parentheses around them.
type frag struct{ sql, err string }

type renderer struct {
	Renderer

	sites []ErrorSite
	err   error
	// covered are the arithmetic calls whose overflow their parent notices; inputs are, for each arithmetic call, the
	// conditions that what goes into it is not null.
	covered map[*expr.Call]bool
	inputs  map[*expr.Call][]string
}

func (r *renderer) fail(code string, e expr.Expr, message, suggestion string) frag {
	if r.err == nil {
		at, n := e.Span()
		r.err = &flows.Error{Code: code, Message: message, Suggestion: suggestion, Path: flows.Path{Offset: at, Length: n}}
	}
	return frag{sql: "NULL"}
}

func (r *renderer) tooComplex(e expr.Expr) frag {
	return r.fail("expr.too_complex", e, "the expression is too complex for the engine", "split it into several fields")
}

// nesting counts how deep parentheses are nested outside of quotes.
func nesting(sql string) (deepest int) {
	depth, quote := 0, byte(0)
	for i := range len(sql) {
		switch c := sql[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(':
			depth++
			deepest = max(deepest, depth)
		case c == ')':
			depth--
		}
	}
	return deepest
}

func (r *renderer) expr(e expr.Expr) frag {
	if r.err != nil {
		return frag{sql: "NULL"}
	}
	f := r.any(e)
	if len(f.sql)+len(f.err) > maxSQLBytes {
		return r.tooComplex(e)
	}
	return f
}

func (r *renderer) any(e expr.Expr) frag {
	switch e := e.(type) {
	case *expr.Literal:
		return frag{sql: r.constant(e, e.Type(), e.Value)}
	case *expr.ParamRef:
		if !e.HasValue {
			return r.fail("expr.parameter_value", e, "the parameter $"+e.Name+" has no value", "give it one for this run")
		}
		return frag{sql: r.constant(e, e.Type(), e.Value)}
	case *expr.FieldRef:
		return frag{sql: r.identifier(e, e.Name)}
	case *expr.Call:
		return r.call(e)
	case *expr.Case:
		return r.caseWhen(e)
	case *expr.Cast:
		return r.cast(e)
	case *expr.In:
		return r.in(e)
	case *expr.Between:
		return r.between(e)
	case *expr.Like:
		return r.like(e)
	case *expr.Apply:
		return r.apply(e)
	}
	return r.fail("expr.unsupported", e, fmt.Sprintf("the engine cannot compute %T", e), "")
}

// identifier quotes a field name.
func (r *renderer) identifier(e expr.Expr, name string) string {
	if strings.ContainsRune(name, 0) {
		return r.fail("expr.unsupported", e, "a field name contains the character NUL", "rename the field").sql
	}
	return quoteName(name)
}

// quoteName writes a name as an SQL identifier.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// quoteText writes a text as an SQL string. DuckDB has no escapes in it but the doubled quote.
func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// cond is a way in which a part is in error: an SQL condition (null counts as false) and what it means.
type cond struct {
	failure expr.Failure
	when    string
}

// own renders the conditions of one part to its error.
func (r *renderer) own(e expr.Expr, conds []cond) string {
	if len(conds) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("CASE")
	at, n := e.Span()
	for _, c := range conds {
		r.sites = append(r.sites, ErrorSite{c.failure.Code, c.failure.Message, at, n})
		fmt.Fprintf(&b, " WHEN %s THEN %d", c.when, len(r.sites))
	}
	return b.String() + " END"
}

// firstErr is the first error of parts that are evaluated from left to right.
func firstErr(errs ...string) string {
	var some []string
	for _, e := range errs {
		if e != "" {
			some = append(some, e)
		}
	}
	switch len(some) {
	case 0:
		return ""
	case 1:
		return some[0]
	}
	return "COALESCE(" + strings.Join(some, ", ") + ")"
}

// onlyIf keeps an error only where the part it belongs to is evaluated.
func onlyIf(condition, err string) string {
	if err == "" {
		return ""
	}
	return "CASE WHEN " + condition + " THEN " + err + " END"
}

// widen renders e as the type it is widened to. bareIntegers leaves integers as they are, for comparisons, which
// DuckDB makes exact by itself.
func (r *renderer) widen(e expr.Expr, to flows.Type, bareIntegers bool) frag {
	from := e.Type()
	if bareIntegers && from.IsInteger() && to.IsInteger() {
		if v, ok := expr.ConstantInt(e); ok {
			return frag{sql: fmt.Sprintf("(%d)", v)}
		}
		return r.expr(e)
	}
	if v, ok := expr.Constant(e); ok && v != nil && from.IsNumeric() && to.IsNumeric() {
		return frag{sql: fmt.Sprintf("CAST('%s' AS %s)", numberText(v), SQLType(to))}
	}
	f := r.expr(e)
	if from.Equal(to) {
		return f
	}
	return frag{fmt.Sprintf("CAST(%s AS %s)", f.sql, SQLType(to)), f.err}
}

func (r *renderer) widenAll(list []expr.Expr, to flows.Type, bare bool) (sqls []string, errs []string) {
	for _, e := range list {
		f := r.widen(e, to, bare)
		sqls, errs = append(sqls, f.sql), append(errs, f.err)
	}
	return sqls, errs
}

func (r *renderer) call(c *expr.Call) frag {
	if c.Fn.Aggregate {
		return r.aggregate(c)
	}
	if lazy := lazyFuncs[c.Fn.Name]; lazy != nil {
		return lazy(r, c)
	}
	build, ok := scalarFuncs[c.Fn.Name]
	if !ok {
		return r.fail("expr.unsupported", c, "the engine has no function "+c.Fn.Name, "")
	}
	comparison := comparisons[c.Fn.Name]
	r.cover(c)
	args := make([]string, len(c.Args))
	errs := make([]string, len(c.Args), len(c.Args)+1)
	for i, e := range c.Args {
		f := r.widen(e, c.As[i], comparison)
		args[i], errs[i] = f.sql, f.err
	}
	r.collectInputs(c, args)
	value, conds := build(r, c, args)
	if !c.CanFail() {
		conds = nil
	}
	return frag{value, firstErr(append(errs, r.own(c, r.uncovered(c, conds)))...)}
}

func (r *renderer) caseWhen(c *expr.Case) frag {
	var value, flat strings.Builder
	value.WriteString("CASE")
	var operand frag
	if c.Operand != nil {
		operand = r.widen(c.Operand, c.Over, true)
		value.WriteString(" " + operand.sql)
	}
	type branch struct{ when, then frag }
	branches := make([]branch, len(c.Whens))
	lateErr := false
	for i, w := range c.Whens {
		b := branch{then: r.widen(w.Then, c.Type(), false)}
		if c.Operand != nil {
			b.when = r.widen(w.If, c.Over, true)
		} else {
			b.when = r.expr(w.If)
		}
		lateErr = lateErr || i > 0 && b.when.err != ""
		branches[i] = b
		fmt.Fprintf(&value, " WHEN %s THEN %s", b.when.sql, b.then.sql)
	}
	otherwise := frag{sql: "NULL"}
	if c.Else != nil {
		otherwise = r.widen(c.Else, c.Type(), false)
	}
	fmt.Fprintf(&value, " ELSE %s END", otherwise.sql)
	test := func(b branch) string {
		if c.Operand == nil {
			return b.when.sql
		}
		return "(" + operand.sql + " = " + b.when.sql + ")"
	}
	err := otherwise.err
	if !lateErr { // one flat CASE is enough when only results fail
		fails := err != ""
		flat.WriteString("CASE")
		for _, b := range branches {
			then := "NULL"
			if b.then.err != "" {
				then, fails = b.then.err, true
			}
			fmt.Fprintf(&flat, " WHEN %s THEN %s", test(b), then)
		}
		if err == "" {
			err = "NULL"
		}
		flat.WriteString(" ELSE " + err + " END")
		if err = ""; fails {
			err = flat.String()
		}
		return frag{value.String(), firstErr(operand.err, branches[0].when.err, err)}
	}
	for i := len(branches) - 1; i >= 0; i-- {
		b := branches[i]
		if b.then.err != "" || err != "" {
			err = fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", test(b), orNull(b.then.err), orNull(err))
		}
		err = firstErr(b.when.err, err)
	}
	return frag{value.String(), firstErr(operand.err, err)}
}

func orNull(err string) string {
	if err == "" {
		return "NULL"
	}
	return err
}

func sqlNot(yes bool) string {
	if yes {
		return " NOT"
	}
	return ""
}

func (r *renderer) in(e *expr.In) frag {
	x := r.widen(e.X, e.Over, true)
	list, errs := r.widenAll(e.List, e.Over, true)
	return frag{fmt.Sprintf("(%s%s IN (%s))", x.sql, sqlNot(e.Not), strings.Join(list, ", ")),
		firstErr(append([]string{x.err}, errs...)...)}
}

func (r *renderer) between(e *expr.Between) frag {
	p, errs := r.widenAll([]expr.Expr{e.X, e.Low, e.High}, e.Over, true)
	return frag{fmt.Sprintf("(%s%s BETWEEN %s AND %s)", p[0], sqlNot(e.Not), p[1], p[2]), firstErr(errs...)}
}

func (r *renderer) like(e *expr.Like) frag {
	x, pattern := r.expr(e.X), r.expr(e.Pattern)
	word := "LIKE"
	if e.Fold {
		word = "ILIKE"
	}
	escape := ""
	if e.Escape != nil {
		escape = " ESCAPE " + r.expr(e.Escape).sql
	}
	return frag{fmt.Sprintf("(%s%s %s %s%s)", x.sql, sqlNot(e.Not), word, pattern.sql, escape), x.err}
}
