package capi

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func openWith(t testing.TB, threads string, functions ...Function) *Conn {
	t.Helper()
	d, err := Open(map[string]string{"threads": threads}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	for i, f := range functions {
		if n := d.Function(f); n != i {
			t.Fatalf("function %d has the number %d", i, n)
		}
	}
	c, err := d.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func one(t testing.TB, c *Conn, sql string) string {
	t.Helper()
	rows, err := c.QueryText(sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var parts []string
	for _, row := range rows {
		for _, v := range row {
			if v == nil {
				parts = append(parts, "NULL")
			} else {
				parts = append(parts, *v)
			}
		}
	}
	return strings.Join(parts, "|")
}

var join = Function{Name: "join", Call: func(dst []byte, args []string) ([]byte, error) {
	if args[0] == "bad" {
		return append(dst, "half"...), errors.New("it is bad\x00\xff")
	}
	return append(dst, strings.Join(args, "+")...), nil
}}

// TestApply: values, errors and nulls come back with the records that they belong to, short texts and long ones.
func TestApply(t *testing.T) {
	t.Parallel()
	c := openWith(t, "2", join, Function{Name: "raw", Call: func(dst []byte, args []string) ([]byte, error) { return append(dst, args[0][0]-'a'), nil }})
	if got := one(t, c, "SELECT CAST(unnest([go_apply(0, 'a', 'b'), go_apply(0, 'bad', ''), go_apply(0, NULL, 'b'), go_apply(0, '', '')]) AS VARCHAR)"); got !=
		"{'value': a+b, 'error': NULL}|{'value': NULL, 'error': it is bad��}|{'value': NULL, 'error': NULL}|{'value': +, 'error': NULL}" {
		t.Error(got)
	}
	if got := one(t, c, "SELECT (go_apply(1, 'a')).error, (go_apply(1, 'b')).value = chr(1)"); got != "the result is no text: it has a NUL, or octets that are no UTF-8|true" {
		t.Error(got)
	}
	if got := one(t, c, `SELECT count(*), count(*) FILTER (WHERE v.value IS NOT DISTINCT FROM CASE WHEN i % 7 > 0 AND i % 5 > 0 THEN x || '+' || x END),
		count(*) FILTER (WHERE (v.error = 'it is bad��') = (i % 7 > 0 AND i % 5 = 0)) FROM (
		SELECT i, x, go_apply(0, CASE WHEN i % 7 > 0 THEN CASE WHEN i % 5 = 0 THEN 'bad' ELSE x END END, x) v FROM (SELECT i, repeat('é', i % 40) || i AS x FROM range(100000) r(i)))`); got != "100000|100000|17142" {
		t.Error(got)
	}
}

// TestApplyRandom: a function with another result each time is called for every record, also with the same arguments; one
// without is not called for records that nobody wants.
func TestApplyRandom(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	c := openWith(t, "2", Function{Name: "next", Call: func(dst []byte, _ []string) ([]byte, error) { return fmt.Append(dst, n.Add(1)), nil }})
	if got := one(t, c, "SELECT count(DISTINCT (go_apply_random(0, 'x')).value) FROM range(5000)"); got != "5000" {
		t.Error(got)
	}
}

// TestApplyPanic: a defect ends the statement with a sentence, without what the panic was about, and the process lives on.
func TestApplyPanic(t *testing.T) {
	t.Parallel()
	c := openWith(t, "2", Function{Name: "secretive", Call: func([]byte, []string) ([]byte, error) { panic("canary") }},
		Function{Name: "far", Call: func(_ []byte, args []string) ([]byte, error) { return []byte{args[0][len(args[0])]}, nil }})
	for number, want := range []string{"the function secretive broke down at record 1 of its block; this is a defect of Spark", "(runtime error: index out of range [1] with length 1)"} {
		_, err := c.Exec(fmt.Sprintf("CREATE TABLE t AS SELECT go_apply(%d, 'x') FROM range(10000)", number))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Error(err)
		}
	}
	if _, err := c.Exec("SELECT go_apply(7, 'x')"); err == nil || !strings.Contains(err.Error(), "there is no function number 7") {
		t.Error(err)
	}
}

// BenchmarkApply compares a function that copies a text with DuckDB's own upper, on 5 M texts of 20 characters.
func BenchmarkApply(b *testing.B) {
	c := openWith(b, "1", Function{Name: "copy", Call: func(dst []byte, args []string) ([]byte, error) { return append(dst, args[0]...), nil }})
	if _, err := c.Exec("CREATE TABLE t AS SELECT 'customer number ' || (1000 + i % 9000) AS x FROM range(5000000) r(i)"); err != nil {
		b.Fatal(err)
	}
	for name, sql := range map[string]string{"go": "(go_apply(0, x)).value", "upper": "upper(x)", "none": "x"} {
		b.Run(name, func(b *testing.B) {
			var took time.Duration
			for b.Loop() {
				start := time.Now()
				one(b, c, "SELECT sum(length("+sql+")) FROM t")
				took += time.Since(start)
			}
			b.ReportMetric(float64(took.Nanoseconds())/float64(b.N)/5e6, "ns/record")
		})
	}
}

// TestApplyOnce: in the shape that a stage has, with value and error read apart, a function is called once for each record.
func TestApplyOnce(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	c := openWith(t, "2", Function{Name: "count", Call: func(dst []byte, args []string) ([]byte, error) { n.Add(1); return append(dst, args[0]...), nil }})
	if _, err := c.Exec("SET disabled_optimizers='filter_pushdown,filter_pullup,join_filter_pushdown,cte_filter_pusher,reorder_filter,join_order,statistics_propagation'"); err != nil {
		t.Fatal(err)
	}
	if got := one(t, c, `SELECT count(v) FROM (SELECT struct_extract(x, 'value') AS v FROM (SELECT *, CASE WHEN (struct_extract(x, 'error') IS NOT NULL) THEN 1 END AS e
		FROM (SELECT *, go_apply(0, a) AS x FROM (SELECT CAST(i AS VARCHAR) AS a FROM range(10000) r(i)))) WHERE tapf(1, CASE WHEN e IS NULL THEN true ELSE tapx(2, e, a, NULL, NULL::BIGINT, struct_extract(x, 'error')) END))`); got != "10000" || n.Load() != 10000 {
		t.Errorf("%s records, %d calls", got, n.Load())
	}
}
