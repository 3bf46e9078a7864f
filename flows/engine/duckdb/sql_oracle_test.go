package duckdb

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/expr"
)

// formula is a random tree of arithmetic with its result computed apart from the engine.
type formula struct {
	src  string
	i    *big.Int // of whole numbers; nil is null
	f    float64  // of doubles
	null bool
	code string // of the first error from left to right
}

var wholeEdges = []int64{0, 1, -1, 2, -2, 7, -13, math.MaxInt64, math.MinInt64, math.MaxInt32, math.MinInt32, 3037000500, 1 << 40}

func wholeFormula(g generator, depth int, names []string, values []*int64) formula {
	if depth == 0 || g.IntN(5) == 0 {
		n := g.IntN(len(names) + 3)
		if n < len(names) {
			if values[n] == nil {
				return formula{src: names[n], null: true}
			}
			return formula{src: names[n], i: big.NewInt(*values[n])}
		}
		v := wholeEdges[g.IntN(len(wholeEdges))]
		return formula{src: fmt.Sprintf("(%d)", v), i: big.NewInt(v)}
	}
	a := wholeFormula(g, depth-1, names, values)
	if g.IntN(6) == 0 {
		op := g.pick("-", "abs")
		out := formula{src: "(-" + a.src + ")", code: a.code, null: a.null}
		if op == "abs" {
			out.src = "abs(" + a.src + ")"
		}
		if out.code == "" && !out.null {
			out.i = new(big.Int).Neg(a.i)
			if op == "abs" {
				out.i.Abs(a.i)
			}
		}
		return out.bounded()
	}
	b := wholeFormula(g, depth-1, names, values)
	op := g.pick("+", "-", "*", "+", "-", "*", "%", "div")
	out := formula{src: "(" + a.src + " " + op + " " + b.src + ")", code: a.code, null: a.null || b.null}
	if op == "div" {
		out.src = "div(" + a.src + ", " + b.src + ")"
	}
	if out.code == "" {
		out.code = b.code
	}
	if out.code != "" || out.null {
		return out
	}
	out.i = new(big.Int)
	switch {
	case op == "+":
		out.i.Add(a.i, b.i)
	case op == "-":
		out.i.Sub(a.i, b.i)
	case op == "*":
		out.i.Mul(a.i, b.i)
	case b.i.Sign() == 0:
		out.code = "value.division_by_zero"
	case op == "%":
		out.i.Rem(a.i, b.i)
	default:
		out.i.Quo(a.i, b.i)
	}
	return out.bounded()
}

func (f formula) bounded() formula {
	if f.code == "" && !f.null && !f.i.IsInt64() {
		f.code = "value.overflow"
	}
	return f
}

func doubleFormula(g generator, depth int, names []string, values []*float64) formula {
	if depth == 0 || g.IntN(5) == 0 {
		n := g.IntN(len(names))
		if values[n] == nil {
			return formula{src: names[n], null: true}
		}
		return formula{src: names[n], f: *values[n]}
	}
	a, b := doubleFormula(g, depth-1, names, values), doubleFormula(g, depth-1, names, values)
	op := g.pick("+", "-", "*", "/")
	out := formula{src: "(" + a.src + " " + op + " " + b.src + ")", code: a.code, null: a.null || b.null}
	if out.code == "" {
		out.code = b.code
	}
	if out.code != "" || out.null {
		return out
	}
	switch {
	case op == "+":
		out.f = a.f + b.f
	case op == "-":
		out.f = a.f - b.f
	case op == "*":
		out.f = a.f * b.f
	case b.f == 0:
		out.code = "value.division_by_zero"
	default:
		out.f = a.f / b.f
	}
	if out.code == "" && (math.IsInf(out.f, 0) || math.IsNaN(out.f)) {
		out.code = "value.not_finite"
	}
	return out
}

// TestArithmeticOracle compares formulas with exact arithmetic in Go. Which of two errors is told may differ where a
// parent notices the overflow of its operand; that there is one may not.
func TestArithmeticOracle(t *testing.T) {
	t.Parallel()
	c := connect(t)
	g := generator{rand.New(rand.NewPCG(11, 13))}
	names := []string{"a", "b", "c"}
	rounds := 600
	if testing.Short() {
		rounds = 100
	}
	for round := range rounds {
		var fields flows.Schema
		var cols []string
		var want formula
		if round%2 == 0 {
			values := make([]*int64, len(names))
			for i := range values {
				if g.IntN(8) > 0 {
					values[i] = &wholeEdges[g.IntN(len(wholeEdges))]
				}
			}
			want = wholeFormula(g, 4, names, values)
			for i, n := range names {
				fields = append(fields, flows.Field{Name: n, Type: flows.Of(flows.Int64)})
				cols = append(cols, "CAST("+textOr(values[i], func(v int64) string { return strconv.FormatInt(v, 10) })+" AS BIGINT) AS "+n)
			}
		} else {
			edges := []float64{0, 1, -1, 1e308, -1e308, 1e-308, 3.5, 1e200}
			values := make([]*float64, len(names))
			for i := range values {
				if g.IntN(8) > 0 {
					values[i] = &edges[g.IntN(len(edges))]
				}
			}
			want = doubleFormula(g, 4, names, values)
			for i, n := range names {
				fields = append(fields, flows.Field{Name: n, Type: flows.Of(flows.Double)})
				cols = append(cols, "CAST("+textOr(values[i], func(v float64) string { return strconv.FormatFloat(v, 'e', -1, 64) })+" AS DOUBLE) AS "+n)
			}
		}
		got := evaluate(t, c, want.src, expr.Env{Fields: fields}, " FROM (SELECT "+strings.Join(cols, ", ")+")")[0]
		if !want.agrees(got) {
			t.Fatalf("%s with %s is %s %s, want %v %v null=%v %s", want.src, cols, got.Value, got.Code, want.i, want.f, want.null, want.code)
		}
	}
}

func textOr[T any](v *T, text func(T) string) string {
	if v == nil {
		return "NULL"
	}
	return "'" + text(*v) + "'"
}

func (f formula) agrees(got outcome) bool {
	switch {
	case f.code != "" && f.null:
		// A null further out may hide the overflow of an operand, whose check it has taken over.
		return got.Code != "" || got.Value == "null"
	case f.code != "":
		return got.Code != ""
	case f.null:
		return got.Code == "" && got.Value == "null"
	case f.i != nil:
		return got.Code == "" && got.Value == f.i.String()
	}
	v, err := strconv.ParseFloat(got.Value, 64)
	return got.Code == "" && err == nil && v == f.f
}
