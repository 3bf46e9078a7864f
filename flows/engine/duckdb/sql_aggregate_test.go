package duckdb

import (
	"fmt"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/expr"
)

func TestAggregateValues(t *testing.T) {
	t.Parallel()
	c := connect(t)
	exec(t, c, `CREATE TABLE g (k VARCHAR, i BIGINT, d DECIMAL(10,2), f DOUBLE, s VARCHAR, b BOOLEAN, z INTEGER);`)
	exec(t, c, `INSERT INTO g VALUES ('a', 1, 1.50, 1, 'x', true, 1), ('a', 3, 2.50, 2, NULL, true, 2), ('a', NULL, NULL, 4, 'z', NULL, 4),
		('b', 9223372036854775807, 1, 1e308, 'y', false, 0), ('b', 1, 1, 1e308, 'y', true, 1)`)
	env := expr.Env{Fields: flows.Schema{
		{Name: "i", Type: flows.Of(flows.Int64)}, {Name: "d", Type: flows.DecimalOf(10, 2)}, {Name: "f", Type: flows.Of(flows.Double)}, {Name: "s", Type: flows.Of(flows.Text)},
		{Name: "b", Type: flows.Of(flows.Boolean)}, {Name: "z", Type: flows.Of(flows.Int32)},
	}}
	for _, q := range []struct{ src, a, b string }{
		{"count()", "3", "2"}, {"count(s)", "2", "2"}, {"count_distinct(s)", "2", "1"}, {"count_if(z > 1)", "2", "0"}, {"sum(i)", "4", "!value.overflow"}, {"sum(d)", "4.00", "2.00"}, {"sum(z)", "7", "1"},
		{"sum(f)", "7.0", "!value.not_finite"}, {"avg(i)", "2.0", "4.611686018427388e+18"}, {"avg(f)", "2.3333333333333335", "!value.not_finite"}, {"min(s)", "x", "y"}, {"max(d)", "2.50", "1.00"}, {"median(d)", "2.0", "1.0"},
		{"round(stddev(z), 6)", "1.527525", "0.707107"}, {"round(stddev(f), 6)", "1.527525", "!value.not_finite"}, {"round(variance(z), 6)", "2.333333", "0.5"}, {"string_agg(s, ', ')", "x, z", "y, y"}, {"bool_and(b)", "true", "false"}, {"bool_or(b)", "true", "true"},
		{"first(s)", "x", "y"}, {"last(s)", "z", "y"}, {"sum(d) / count()", "1.3333333333333333", "1.0"}, {"sum(d / z)", "2.75", "!value.division_by_zero"}, {"sum_if(d / z, z <> 0)", "2.75", "1.0"}, {"sum_if(i, z > 1)", "3", "null"},
		{"sum(d) / count_if(z > 3)", "4.0", "!value.division_by_zero"}, {"case when count() > 2 then 'many' else min(s) end", "many", "y"}, {"coalesce(sum_if(i, z > 9), 0)", "0", "0"}, {"round(avg(d), 1)", "2.0", "1.0"},
	} {
		e, err := expr.CompileAggregate(q.src, env)
		if err != nil {
			t.Errorf("%s: %v", q.src, err)
			continue
		}
		r, err := RenderExpr(e)
		if err != nil {
			t.Errorf("%s: %v", q.src, err)
			continue
		}
		failed := r.Err
		if failed == "" {
			failed = "CAST(NULL AS INTEGER)"
		}
		checkType(t, c, e, r.Value, failed, " FROM g")
		rows, err := c.QueryText(fmt.Sprintf("SELECT CAST(%s AS VARCHAR), CAST(%s AS VARCHAR) FROM g GROUP BY k ORDER BY k", r.Value, failed))
		if err != nil {
			t.Errorf("%s: %v", q.src, err)
			continue
		}
		for i, want := range []string{q.a, q.b} {
			got := "null"
			if rows[i][0] != nil {
				got = *rows[i][0]
			}
			if rows[i][1] != nil {
				var n int
				fmt.Sscan(*rows[i][1], &n)
				got = "!" + r.Errors[n-1].Code
			}
			if got != want {
				t.Errorf("%s of group %d is %s, want %s", q.src, i, got, want)
			}
		}
	}
}

// hostile are texts that break out of careless quoting.
var hostile = []string{
	"'", "''", `"`, `""`, `\`, `\'`, "'; DROP TABLE ugly; --", `"; DROP TABLE ugly; --`, "/*", "*/", "--", "$1", "?", "{}", "%s", "\n", "\r\n\t", "$$", "E'x'", "x'00'", "🤖", "\u202e", "a\\", "') || read_text('/etc/passwd') || ('", "%", "_", "[x]",
}

func TestNothingEscapesItsQuotes(t *testing.T) {
	t.Parallel()
	c := connect(t)
	for i, text := range hostile {
		literal := "'" + strings.ReplaceAll(text, "'", "''") + "'"
		if got := evaluate(t, c, literal, expr.Env{}, "")[0].Value; got != text {
			t.Errorf("the literal %q became %q", text, got)
		}
		env := expr.Env{
			Fields: flows.Schema{{Name: text, Type: flows.Of(flows.Text)}},
			Params: []expr.Param{{Name: "p", Type: flows.Of(flows.Text), Value: text, HasValue: true}},
		}
		if got := evaluate(t, c, "$p", env, "")[0].Value; got != text {
			t.Errorf("the parameter %q became %q", text, got)
		}
		exec(t, c, fmt.Sprintf("CREATE TABLE h%d (%s VARCHAR)", i, quoteName(text)))
		exec(t, c, fmt.Sprintf("INSERT INTO h%d VALUES (%s)", i, quoteText(text)))
		field := `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		for _, src := range []string{field, field + " || ''", "replace(" + field + ", 'nothing', " + literal + ")", "concat_ws(" + literal + ", " + field + ")"} {
			if got := evaluate(t, c, src, env, fmt.Sprintf(" FROM h%d", i))[0].Value; got != text {
				t.Errorf("%s became %q", src, got)
			}
		}
		if strings.Contains(text, "%") {
			continue
		}
		if got := evaluate(t, c, "format_date(date '2026-01-31', "+literal+")", expr.Env{}, "")[0].Value; got != text {
			t.Errorf("the format %q became %q", text, got)
		}
	}
	for _, bad := range []expr.Env{
		{Fields: flows.Schema{{Name: "a\x00b", Type: flows.Of(flows.Text)}}},
	} {
		if _, err := expr.Compile(`"a`+"\x00"+`b"`, bad); err == nil {
			t.Error("NUL in a name compiles")
		}
	}
}

// TestLongExpressions renders what is long or deep, or refuses it with a clear error.
func TestLongExpressions(t *testing.T) {
	t.Parallel()
	c := connect(t)
	uglyTable(t, c)
	env := expr.Env{Fields: uglySchema}
	for _, src := range []string{
		"b" + strings.Repeat(" and b", 5000), "t" + strings.Repeat(" || left(t, 2)", 150), "i64 in (1" + strings.Repeat(", 1", 10000) + ")", "case" + strings.Repeat(" when b then 1", 2000) + " end",
		"case" + strings.Repeat(" when i64 / j64 > 1 then i64 + 1", 300) + " end", "b" + strings.Repeat(" and i64 % j64 = 1", 300), strings.Repeat("upper(", 190) + "t" + strings.Repeat(")", 190),
		"i64" + strings.Repeat(" + j64", 150), "f" + strings.Repeat(" / g", 150), "coalesce(i64 + 1" + strings.Repeat(", j64 + 1", 300) + ")", strings.Repeat("repeat(", 20) + "t" + strings.Repeat(", i64)", 20),
		strings.Repeat("if(i64 % j64 = 1, 1, ", 100) + "2" + strings.Repeat(")", 100), strings.Repeat("abs(", 30) + "i64" + strings.Repeat(")", 30), "concat(t" + strings.Repeat(", left(t, 2)", 2000) + ")",
	} {
		e, err := expr.Compile(src, env)
		if err != nil {
			t.Errorf("%.60s…: %v", src, err)
			continue
		}
		checkRendered(t, c, e)
	}
}

// TestNullWins: a null argument gives null, not an error, wherever the help does not say otherwise.
func TestNullWins(t *testing.T) {
	t.Parallel()
	c := connect(t)
	for _, f := range expr.Functions() {
		if f.Aggregate || strings.HasPrefix(f.Name, "json_o") || strings.HasPrefix(f.Name, "json_a") {
			continue
		}
		for _, s := range f.Signatures {
			for null := range s.Args {
				args := nullArgs(s, null)
				if args == nil {
					continue
				}
				e, err := expr.Compile(f.Name+"("+strings.Join(args, ", ")+")", expr.Env{})
				if err != nil {
					continue
				}
				got := evaluateExpr(t, c, e, "")[0]
				skips := strings.Contains(f.Help, "null")
				if got.Code != "" || got.Value != "null" && !skips && f.Name != "list" && f.Name != "if" {
					t.Errorf("%s is %q %s", e, got.Value, got.Code)
				}
			}
		}
	}
}

// nullArgs writes arguments that would be an error if the one at position null were not null.
func nullArgs(s expr.Signature, null int) []string {
	wrong := map[string]string{"text": "'~'", "integer": "(0 - 5)", "number": "(0 - 1)", "double": "(0 - 1)", "C": "0", "T": "0", "boolean": "true", "any": "1",
		"date": "date '9999-12-31'", "timestamp": "timestamp '2026-03-29 02:30:00'", "timestamptz": "timestamptz '9999-12-31 00:00:00Z'", "bytes": "encode_utf8('a')", "zone": "'Europe/Berlin'",
		"unit": "'day'", "format": "'%Y-%m-%d'", "pattern": "'a'", "replacement": "''", "path": "'$'", "name": "'a'", "json": "to_json(1)", "time": "time '10:00:00'", "uuid": "uuid()"}
	types := map[string]string{"integer": "int64", "number": "int64", "double": "double", "C": "int64", "T": "int64", "any": "int64"}
	var args []string
	for i, a := range s.Args {
		v, ok := wrong[a.Accepts]
		if !ok {
			return nil
		}
		if i == null {
			t := a.Accepts
			if types[t] != "" {
				t = types[t]
			}
			v = "cast(null as " + t + ")"
		}
		args = append(args, v)
	}
	return args
}
