package duckdb

import (
	"math/rand/v2"
	"testing"

	"spark/flows"
	"spark/flows/expr"
)

// truth is a value of three-valued logic, or an error.
type truth string

const (
	yes, no, unknown, failed truth = "true", "false", "null", "!"
)

// choice is a random tree of lazy forms with its result.
func choice(g generator, depth int) (src string, result truth) {
	if depth == 0 || g.IntN(6) == 0 {
		leaves := map[string]truth{"t": yes, "f": no, "n": unknown, "(one % zero = 1)": failed, "(one % one = 0)": yes, "(nought % one = 1)": unknown, "try_cast(word as boolean)": unknown}
		src = g.pick("t", "f", "n", "(one % zero = 1)", "(one % one = 0)", "(nought % one = 1)", "try_cast(word as boolean)")
		return src, leaves[src]
	}
	a, x := choice(g, depth-1)
	b, y := choice(g, depth-1)
	c, z := choice(g, depth-1)
	switch g.IntN(7) {
	case 0:
		return "(" + a + " and " + b + " and " + c + ")", both(both(x, y), z)
	case 1:
		return "(" + a + " or " + b + " or " + c + ")", negated(both(both(negated(x), negated(y)), negated(z)))
	case 2:
		return "(not " + a + ")", negated(x)
	case 3:
		return "if(" + a + ", " + b + ", " + c + ")", chosen(x, y, z)
	case 4:
		return "coalesce(" + a + ", " + b + ", " + c + ")", firstOf(x, y, z)
	case 5:
		d, w := choice(g, depth-1)
		return "case when " + a + " then " + b + " when " + c + " then " + d + " end", chosen(x, y, chosen(z, w, unknown))
	}
	d, w := choice(g, depth-1)
	last := chosen(equal(x, y), z, w)
	if x == failed {
		last = failed
	}
	return "case " + a + " when " + b + " then " + c + " else " + d + " end", last
}

func both(x, y truth) truth {
	switch {
	case x == no || x == failed:
		return x
	case y == failed || y == no:
		return y
	case x == unknown || y == unknown:
		return unknown
	}
	return yes
}

func negated(x truth) truth {
	return map[truth]truth{yes: no, no: yes, unknown: unknown, failed: failed}[x]
}

func chosen(test, then, otherwise truth) truth {
	switch test {
	case failed:
		return failed
	case yes:
		return then
	}
	return otherwise
}

func firstOf(list ...truth) truth {
	for _, x := range list {
		if x != unknown {
			return x
		}
	}
	return unknown
}

func equal(x, y truth) truth {
	switch {
	case x == failed || y == failed:
		return failed
	case x == unknown || y == unknown:
		return unknown
	case x == y:
		return yes
	}
	return no
}

// TestLazyOracle compares and, or, not, if, coalesce and both kinds of case with their definition: what is not
// evaluated is not in error.
func TestLazyOracle(t *testing.T) {
	t.Parallel()
	c := connect(t)
	env := expr.Env{Fields: flows.Schema{
		{Name: "t", Type: flows.Of(flows.Boolean)}, {Name: "f", Type: flows.Of(flows.Boolean)}, {Name: "n", Type: flows.Of(flows.Boolean)}, {Name: "word", Type: flows.Of(flows.Text)},
		{Name: "one", Type: flows.Of(flows.Int64)}, {Name: "zero", Type: flows.Of(flows.Int64)}, {Name: "nought", Type: flows.Of(flows.Int64)},
	}}
	from := " FROM (SELECT true AS t, false AS f, CAST(NULL AS BOOLEAN) AS n, 'word' AS word, CAST(1 AS BIGINT) AS one, CAST(0 AS BIGINT) AS zero, CAST(NULL AS BIGINT) AS nought)"
	g := generator{rand.New(rand.NewPCG(17, 19))}
	rounds := 600
	if testing.Short() {
		rounds = 100
	}
	for range rounds {
		src, want := choice(g, 3)
		o := evaluate(t, c, src, env, from)[0]
		got := truth(o.Value)
		if o.Code != "" {
			got = failed
		}
		if got != want {
			t.Fatalf("%s is %s, want %s", src, got, want)
		}
	}
}
