package duckdb

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/expr"
)

// ugly are values at the edges of every type, as SQL.
var ugly = map[flows.Kind][]string{
	flows.Int8:    {"0", "1", "-1", "127", "-128"},
	flows.Int16:   {"0", "-1", "32767", "-32768"},
	flows.Int32:   {"0", "1", "-1", "2147483647", "-2147483648"},
	flows.Int64:   {"0", "1", "-1", "9223372036854775807", "'-9223372036854775808'", "4294967296", "7"},
	flows.Int128:  {"0", "-1", "'170141183460469231731687303715884105727'", "'-170141183460469231731687303715884105728'"},
	flows.Decimal: {"0", "0.01", "-0.01", "'99999999.99'", "'-99999999.99'", "12.50"},
	flows.Double:  {"0", "-0.0", "1.5", "-1.5", "1e308", "-1e308", "5e-324", "'nan'", "'inf'", "'-inf'", "9007199254740993"},
	flows.Boolean: {"true", "false"},
	flows.Text: {"''", "' '", "'a'", "'Größe 👍'", "'12'", "' 12'", "'-9223372036854775808'", "'1e999'", "'nan'", "'2026-01-31'", "'0000-00-00'", "'2026-01-31T10:00:00Z'",
		"'it''s \"quoted\" \\ %_'", "repeat('x', 100000)", "'{\"a\": [1, {\"b\": null}]}'", "repeat('[', 5000)", "'6fa459ea-ee8a-4ca4-894e-db77e160355e'", "chr(1114111)", "'4%'", "'YWI='", "'c3a'"},
	flows.Bytes:       {"''::BLOB", "'\\x00\\xFF'::BLOB", "encode('é')", "encode(repeat('x', 10000))"},
	flows.Date:        {"'0001-01-01'", "'9999-12-31'", "'1970-01-01'", "'2024-02-29'"},
	flows.Time:        {"'00:00:00'", "'23:59:59.999999'"},
	flows.Timestamp:   {"'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'", "'2026-03-29 02:30:00'", "'2026-10-25 02:30:00'", "'1970-01-01 00:00:00'"},
	flows.TimestampTZ: {"'0001-01-01 00:00:00+00'", "'9999-12-31 23:59:59.999999+00'", "'2026-10-25 00:30:00+00'"},
	flows.Interval:    {"'0 days'", "'1 month'", "'-999999 days'", "'178000000 years'", "'2000000000 hours'"},
	flows.UUID:        {"'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"},
	flows.JSON:        {"'null'", "'[]'", "'{\"a\": {\"b\": 1}}'", "'1.5'", "'\"x\"'", "'[1, 2, 3]'"},
	flows.List:        {"[]", "['a']", "['b', NULL, 'a']"},
	flows.Struct:      {"{'a': 1}", "{'a': NULL}"},
}

var uglySchema = flows.Schema{
	{Name: "i8", Type: flows.Of(flows.Int8)}, {Name: "i16", Type: flows.Of(flows.Int16)}, {Name: "i32", Type: flows.Of(flows.Int32)},
	{Name: "i64", Type: flows.Of(flows.Int64)}, {Name: "j64", Type: flows.Of(flows.Int64)}, {Name: "i128", Type: flows.Of(flows.Int128)},
	{Name: "dec", Type: flows.DecimalOf(10, 2)}, {Name: "wide", Type: flows.DecimalOf(30, 10)}, {Name: "f", Type: flows.Of(flows.Double)}, {Name: "g", Type: flows.Of(flows.Double)},
	{Name: "b", Type: flows.Of(flows.Boolean)}, {Name: "t", Type: flows.Of(flows.Text)}, {Name: `a "b" c`, Type: flows.Of(flows.Text)}, {Name: "by", Type: flows.Of(flows.Bytes)},
	{Name: "d", Type: flows.Of(flows.Date)}, {Name: "ti", Type: flows.Of(flows.Time)}, {Name: "ts", Type: flows.Of(flows.Timestamp)},
	{Name: "tz", Type: flows.Of(flows.TimestampTZ)}, {Name: "iv", Type: flows.Of(flows.Interval)}, {Name: "u", Type: flows.Of(flows.UUID)},
	{Name: "j", Type: flows.Of(flows.JSON)}, {Name: "l", Type: flows.ListOf(flows.Of(flows.Text))}, {Name: "s", Type: flows.StructOf(flows.Field{Name: "a", Type: flows.Of(flows.Int64)})},
}

const uglyRows = 120

// uglyTable fills a table so that the edges of all fields meet; every seventh value or so is null.
func uglyTable(t testing.TB, c *capi.Conn) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	var cols, rows []string
	for _, f := range uglySchema {
		cols = append(cols, quoteName(f.Name)+" "+SQLType(f.Type))
	}
	for range uglyRows {
		var values []string
		for _, f := range uglySchema {
			list := ugly[f.Type.Kind]
			v := "NULL"
			if i := rnd.IntN(len(list)*7/6 + 1); i < len(list) {
				v = list[i]
			}
			values = append(values, fmt.Sprintf("CAST(%s AS %s)", v, SQLType(f.Type)))
		}
		rows = append(rows, "("+strings.Join(values, ", ")+")")
	}
	exec(t, c, "CREATE TABLE ugly ("+strings.Join(cols, ", ")+")")
	exec(t, c, "INSERT INTO ugly VALUES "+strings.Join(rows, ", "))
	exec(t, c, "ALTER TABLE ugly ADD COLUMN "+expr.OriginFile+" VARCHAR DEFAULT 'it''s.csv'")
	exec(t, c, "ALTER TABLE ugly ADD COLUMN "+expr.OriginRecord+" BIGINT DEFAULT 9223372036854775807")
}

// generator writes random expressions; most of them compile.
type generator struct{ *rand.Rand }

func (g generator) pick(list ...string) string { return list[g.IntN(len(list))] }

var constants = map[string][]string{
	"pattern": {`'a'`, `'^(\d+)-?(.)$'`, `'[a-z]*'`, `'x|\s'`}, "replacement": {`''`, `'\0\0'`, `'it''s'`}, "zone": {`'UTC'`, `'Europe/Berlin'`, `'America/New_York'`},
	"unit": {`'day'`, `'month'`, `'year'`, `'week'`, `'hour'`, `'second'`, `'microsecond'`}, "path": {`'$'`, `'$.a'`, `'$.a[1].b'`, `'$."x y"'`}, "name": {`'a'`, `'part1'`},
	"form":   {`'text'`, `'number'`, `'json'`},
	"format": {`'%Y-%m-%d'`, `'%d.%m.%Y %H:%M:%S'`, `'%Y-%m-%d %H:%M:%S%z'`, `'%B %d, %y'`},
}

var kindsOf = map[string][]string{
	"number": {"int8", "int32", "int64", "int128", "decimal", "double"}, "integer": {"int8", "int16", "int32", "int64"}, "double": {"double", "int64", "decimal"},
	"T": {"text", "int64", "date", "double"}, "C": {"text", "int64", "decimal", "timestamp"}, "any": {"text", "int64", "json", "double", "date", "list", "uuid"},
	"list<T>": {"list"}, "list<C>": {"list"}, "list<text>": {"list"}, "rule": {"int64"}, "same": {"int64", "double"},
}

// leaf is a field or a literal of a kind.
func (g generator) leaf(kind string) string {
	literals := map[string][]string{
		"int64": {"0", "1", "-1", "2", "9223372036854775807", "-9223372036854775808"}, "decimal": {"1.5", "0.00", "-99.999"}, "double": {"1e308", "0e0", "-1.5e0"},
		"text": {"''", "'a'", "'12'", "'2026-01-31'"}, "boolean": {"true", "false"}, "date": {"date '2026-01-31'"}, "timestamp": {"timestamp '2026-03-29 02:30:00'"},
		"timestamptz": {"timestamptz '2026-01-31 10:00:00Z'"}, "interval": {"interval '1 month -3 days'"}, "time": {"time '10:00:00'"},
	}
	if list := literals[kind]; len(list) > 0 && g.IntN(3) == 0 {
		return g.pick(list...)
	}
	var names []string
	for _, f := range uglySchema {
		if f.Type.Kind.String() == kind {
			names = append(names, flows.QuoteName(f.Name))
		}
	}
	if len(names) == 0 {
		return "null"
	}
	return g.pick(names...)
}

// value is an expression that is meant to have the kind.
func (g generator) value(kind string, depth int) string {
	if list := kindsOf[kind]; len(list) > 0 {
		kind = g.pick(list...)
	}
	if depth <= 0 || g.IntN(6) == 0 {
		return g.leaf(kind)
	}
	next := func(kind string) string { return g.value(kind, depth-1) }
	switch g.IntN(9) {
	case 0:
		return fmt.Sprintf("case when %s then %s when %s then %s else %s end", next("boolean"), next(kind), next("boolean"), next(kind), next(kind))
	case 1:
		if kind != "list" && kind != "struct" && kind != "bytes" && kind != "decimal" {
			return fmt.Sprintf("%s(%s as %s)", g.pick("cast", "try_cast"), next(g.pick("text", "int64", "double", "decimal", kind)), kind)
		}
		return fmt.Sprintf("cast(%s as decimal(%d,%d))", next("number"), 5+g.IntN(30), g.IntN(5))
	}
	return g.call(kind, depth)
}

// call uses a function or operator whose result can be of the kind.
func (g generator) call(kind string, depth int) string {
	var fits []func() string
	next := func(kind string) string { return g.value(kind, depth-1) }
	for _, f := range expr.Functions() {
		if f.Aggregate {
			continue
		}
		for _, s := range f.Signatures {
			result := strings.SplitN(s.Result, "<", 2)[0]
			if result == kind || len(result) == 1 || result == "rule" || result == "same" {
				fits = append(fits, func() string { return g.write(f, s, kind, next) })
			}
		}
	}
	if kind == "boolean" {
		fits = append(fits,
			func() string { return fmt.Sprintf("(%s in (%s, %s))", next("C"), next("C"), next("C")) },
			func() string {
				return fmt.Sprintf("(%s not between %s and %s)", next("number"), next("number"), next("number"))
			},
			func() string { return fmt.Sprintf("(%s like '%%a_' escape '\\')", next("text")) })
	}
	return fits[g.IntN(len(fits))]()
}

func (g generator) write(f *expr.Func, s expr.Signature, kind string, next func(string) string) string {
	same := kind
	switch {
	case f.Name == "list_contains":
		same = "text"
	case kind == "boolean" || kind == "list":
		same = g.pick("text", "int64", "decimal")
	}
	var args []string
	for _, a := range s.Args {
		if a.Optional && g.IntN(2) == 0 {
			break
		}
		for range 1 + g.IntN(2) {
			if a.Name == "digits" {
				args = append(args, g.pick("0", "2", "-1", "10"))
			} else if list := constants[a.Accepts]; len(list) > 0 {
				args = append(args, g.pick(list...))
			} else if len(a.Accepts) == 1 {
				args = append(args, next(same))
			} else {
				args = append(args, next(a.Accepts))
			}
			if !a.Variadic {
				break
			}
		}
	}
	switch {
	case !f.Operator || f.Name == "is_null" || f.Name == "is_not_null":
		return f.Name + "(" + strings.Join(args, ", ") + ")"
	case f.Name == "negate":
		return "(-" + args[0] + ")"
	case f.Name == "not":
		return "(not " + args[0] + ")"
	}
	return "(" + strings.Join(args, " "+f.Name+" ") + ")"
}

// checkRendered evaluates e over all ugly records: DuckDB must not stop, and the books must be right.
func checkRendered(t testing.TB, c *capi.Conn, e expr.Expr) {
	t.Helper()
	r, err := fixed.Render(e)
	if err != nil {
		if flows.AsError(err).Code == "expr.too_complex" {
			return
		}
		t.Fatalf("%s: %v", e, err)
	}
	if (r.Err != "") != expr.Fallible(e) {
		t.Fatalf("%s: Fallible is %v, rendered %q", e, expr.Fallible(e), r.Err)
	}
	failed := r.Err
	if failed == "" {
		failed = "CAST(NULL AS INTEGER)"
	}
	checkType(t, c, e, r.Value, failed, " FROM ugly")
	sql := fmt.Sprintf("SELECT CAST(v AS VARCHAR), e FROM (SELECT %s AS v, %s AS e FROM ugly)", r.Value, failed)
	rows, err := c.QueryText(sql)
	if err != nil {
		t.Fatalf("%s\n%s\n%v", e, sql, err)
	}
	for _, row := range rows {
		if row[1] != nil {
			var n int
			if fmt.Sscan(*row[1], &n); n < 1 || n > len(r.Errors) {
				t.Fatalf("%s: error %s of %d\n%s", e, *row[1], len(r.Errors), r.Err)
			}
		}
	}
}

// random makes an expression of some kind that compiles, or nil.
func (g generator) random(t testing.TB, depth int) expr.Expr {
	env := expr.Env{Fields: uglySchema}
	src := g.value(g.pick("boolean", "text", "int64", "double", "decimal", "date", "timestamp", "timestamptz", "json", "list", "bytes", "uuid", "time"), depth)
	e, err := expr.Compile(src, env)
	if err != nil {
		return nil
	}
	again, err := expr.Compile(e.String(), env)
	if err != nil || again.String() != e.String() {
		t.Fatalf("%s\nis written as\n%s\nwhich reads as\n%v (%v)", src, e, again, err)
	}
	return e
}

func TestRandomExpressions(t *testing.T) {
	t.Parallel()
	c := connect(t)
	uglyTable(t, c)
	g := generator{rand.New(rand.NewPCG(3, 5))}
	total, compiled, used := 6000, 0, map[string]bool{}
	if testing.Short() {
		total = 600
	}
	for range total {
		e := g.random(t, 3)
		if e == nil {
			continue
		}
		compiled++
		expr.Walk(e, func(e expr.Expr) bool {
			if c, ok := e.(*expr.Call); ok {
				used[c.Fn.Name] = true
			}
			return true
		})
		checkRendered(t, c, e)
	}
	t.Logf("%d of %d expressions compiled, they use %d functions and operators", compiled, total, len(used))
	for _, f := range expr.Functions() {
		if !used[f.Name] && !f.Aggregate && !testing.Short() {
			t.Errorf("%s was never used", f.Name)
		}
	}
}

// FuzzRender goes on where TestRandomExpressions ends.
func FuzzRender(f *testing.F) {
	c := connect(f)
	uglyTable(f, c)
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		g := generator{rand.New(rand.NewPCG(a, b))}
		for range 5 {
			if e := g.random(t, 4); e != nil {
				checkRendered(t, c, e)
			}
		}
	})
}
