// Package enginetest checks engines against an interpreter that shares no code with them: it generates flows over
// every node type, runs them, and compares records, every count and every stopped-early mark.
package enginetest

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"spark/flows"
)

// A value is nil, int64, string or bool. A row is one value per field.
type row []any

// table is a relation of the interpreter.
type table struct {
	schema flows.Schema
	rows   []row
	// ordered: the engine delivers the rows in this order.
	ordered bool
}

// key writes a row as text, for comparison as multisets.
func (r row) key() string {
	parts := make([]string, len(r))
	for i, v := range r {
		parts[i] = "∅"
		if v != nil {
			parts[i] = fmt.Sprintf("%T:%v", v, v)
		}
	}
	return strings.Join(parts, "|")
}

// compareValues orders two values of one type; null comes last.
func compareValues(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	switch a := a.(type) {
	case int64:
		return cmp.Compare(a, b.(int64))
	case string:
		return strings.Compare(a, b.(string))
	case bool:
		return cmp.Compare(strconv.FormatBool(a), strconv.FormatBool(b.(bool)))
	}
	panic(fmt.Sprintf("value of type %T", a))
}

// expression is a generated expression: its text for the flow and its meaning for the interpreter. eval's second
// result is true when the record must be refused.
type expression struct {
	text string
	kind flows.Kind
	eval func(row) (any, bool)
	// fallible: eval may refuse.
	fallible bool
}

// gen makes random things from a seed.
type gen struct{ *rand.Rand }

func (g gen) chance(percent int) bool { return g.IntN(100) < percent }

func (g gen) pick(n int) int { return g.IntN(n) }

// fieldsOf lists the positions of the fields of a kind.
func fieldsOf(s flows.Schema, k flows.Kind) []int {
	var at []int
	for i, f := range s {
		if f.Type.Kind == k {
			at = append(at, i)
		}
	}
	return at
}

// integer makes an int64 expression over s.
func (g gen) integer(s flows.Schema, depth int) expression {
	if at := fieldsOf(s, flows.Int64); len(at) > 0 && (depth == 0 || g.chance(40)) {
		i := at[g.pick(len(at))]
		return expression{text: flows.QuoteName(s[i].Name), kind: flows.Int64, eval: func(r row) (any, bool) { return r[i], false }}
	}
	if depth == 0 || g.chance(30) {
		n := int64(g.pick(21) - 5)
		return expression{text: literal(n), kind: flows.Int64, eval: func(row) (any, bool) { return n, false }}
	}
	switch g.pick(6) {
	case 0:
		x := g.text(s, depth-1)
		return expression{text: "length(" + x.text + ")", kind: flows.Int64, fallible: x.fallible, eval: func(r row) (any, bool) {
			v, bad := x.eval(r)
			if bad || v == nil {
				return nil, bad
			}
			return int64(len([]rune(v.(string)))), false
		}}
	case 1:
		c, a, b := g.boolean(s, depth-1), g.integer(s, depth-1), g.integer(s, depth-1)
		return expression{text: fmt.Sprintf("case when %s then %s else %s end", c.text, a.text, b.text), kind: flows.Int64,
			fallible: c.fallible || a.fallible || b.fallible, eval: func(r row) (any, bool) {
				v, bad := c.eval(r)
				if bad {
					return nil, true
				}
				if v == true {
					return a.eval(r)
				}
				return b.eval(r)
			}}
	case 2:
		a, b := g.integer(s, depth-1), g.integer(s, depth-1)
		return expression{text: fmt.Sprintf("coalesce(%s, %s)", a.text, b.text), kind: flows.Int64, fallible: a.fallible || b.fallible,
			eval: func(r row) (any, bool) {
				if v, bad := a.eval(r); bad || v != nil {
					return v, bad
				}
				return b.eval(r)
			}}
	}
	return g.arithmetic(s, depth)
}

func literal(n int64) string {
	if n < 0 {
		return fmt.Sprintf("(%d)", n)
	}
	return fmt.Sprint(n)
}

// arithmetic may overflow or divide by zero, and then refuses the record.
func (g gen) arithmetic(s flows.Schema, depth int) expression {
	a, b := g.integer(s, depth-1), g.integer(s, depth-1)
	ops := []string{"+", "-", "*", "div", "%"}
	op := ops[g.pick(len(ops))]
	text := fmt.Sprintf("(%s %s %s)", a.text, op, b.text)
	if op == "div" {
		text = fmt.Sprintf("div(%s, %s)", a.text, b.text)
	}
	return expression{text: text, kind: flows.Int64, fallible: true, eval: func(r row) (any, bool) {
		x, bad1 := a.eval(r)
		if bad1 {
			return nil, true
		}
		y, bad2 := b.eval(r)
		if bad2 {
			return nil, true
		}
		if x == nil || y == nil {
			return nil, false
		}
		return apply(op, x.(int64), y.(int64))
	}}
}

func apply(op string, x, y int64) (any, bool) {
	switch op {
	case "+":
		if s := x + y; (s > x) == (y > 0) {
			return s, false
		}
		return nil, true
	case "-":
		if d := x - y; (d < x) == (y > 0) {
			return d, false
		}
		return nil, true
	case "*":
		if x == 0 || y == 0 {
			return int64(0), false
		}
		if p := x * y; p/y == x && !(x == -1 && y == math.MinInt64) && !(y == -1 && x == math.MinInt64) {
			return p, false
		}
		return nil, true
	}
	if y == 0 || x == math.MinInt64 && y == -1 && op == "div" {
		return nil, true
	}
	if y == -1 {
		if op == "%" {
			return int64(0), false
		}
		return -x, false
	}
	if op == "%" {
		return x % y, false
	}
	return x / y, false
}

// text makes a text expression over s.
func (g gen) text(s flows.Schema, depth int) expression {
	if at := fieldsOf(s, flows.Text); len(at) > 0 && (depth == 0 || g.chance(50)) {
		i := at[g.pick(len(at))]
		return expression{text: flows.QuoteName(s[i].Name), kind: flows.Text, eval: func(r row) (any, bool) { return r[i], false }}
	}
	if depth == 0 || g.chance(30) {
		v := words[g.pick(len(words))]
		return expression{text: "'" + strings.ReplaceAll(v, "'", "''") + "'", kind: flows.Text, eval: func(row) (any, bool) { return v, false }}
	}
	a := g.text(s, depth-1)
	if g.chance(50) {
		b := g.text(s, depth-1)
		return expression{text: fmt.Sprintf("(%s || %s)", a.text, b.text), kind: flows.Text, fallible: a.fallible || b.fallible,
			eval: func(r row) (any, bool) {
				x, bad1 := a.eval(r)
				y, bad2 := b.eval(r)
				if bad1 || bad2 || x == nil || y == nil {
					return nil, bad1 || bad2
				}
				return x.(string) + y.(string), false
			}}
	}
	return expression{text: "upper(" + a.text + ")", kind: flows.Text, fallible: a.fallible, eval: func(r row) (any, bool) {
		v, bad := a.eval(r)
		if bad || v == nil {
			return nil, bad
		}
		return strings.ToUpper(v.(string)), false
	}}
}

// words are the texts that occur; no upper-casing surprises, some ugliness.
var words = []string{"", "a", "b", "ab", "Zürich", "x y", "it's", `say "hi"`, "1", "42", "-7", "007", "9999999999999999999", "1.5", "日本", ",;|", "null"}

// boolean makes a condition over s.
func (g gen) boolean(s flows.Schema, depth int) expression {
	if depth > 0 && g.chance(40) {
		return g.logic(s, depth)
	}
	side := g.integer
	if g.chance(40) {
		side = g.text
	}
	a := side(s, max(0, depth-1))
	if g.chance(20) {
		return expression{text: a.text + " is null", kind: flows.Boolean, fallible: a.fallible, eval: func(r row) (any, bool) {
			v, bad := a.eval(r)
			return v == nil, bad
		}}
	}
	b := side(s, max(0, depth-1))
	ops := []string{"=", "<>", "<", "<=", ">", ">="}
	op := ops[g.pick(len(ops))]
	return expression{text: fmt.Sprintf("%s %s %s", a.text, op, b.text), kind: flows.Boolean, fallible: a.fallible || b.fallible,
		eval: func(r row) (any, bool) {
			x, bad1 := a.eval(r)
			y, bad2 := b.eval(r)
			if bad1 || bad2 || x == nil || y == nil {
				return nil, bad1 || bad2
			}
			c := compareValues(x, y)
			return [...]bool{c == 0, c != 0, c < 0, c <= 0, c > 0, c >= 0}[slices.Index(ops, op)], false
		}}
}

// logic joins conditions: three-valued, from left to right, the right side counts only where the left does not decide.
func (g gen) logic(s flows.Schema, depth int) expression {
	a, b := g.boolean(s, depth-1), g.boolean(s, depth-1)
	if g.chance(25) {
		return expression{text: "not (" + a.text + ")", kind: flows.Boolean, fallible: a.fallible, eval: func(r row) (any, bool) {
			v, bad := a.eval(r)
			if bad || v == nil {
				return nil, bad
			}
			return !v.(bool), false
		}}
	}
	op, decides := "and", false
	if g.chance(50) {
		op, decides = "or", true
	}
	return expression{text: fmt.Sprintf("(%s) %s (%s)", a.text, op, b.text), kind: flows.Boolean, fallible: a.fallible || b.fallible,
		eval: func(r row) (any, bool) {
			x, bad := a.eval(r)
			if bad || x == decides {
				return x, bad
			}
			y, bad := b.eval(r)
			switch {
			case bad:
				return nil, true
			case y == decides:
				return decides, false
			case x == nil || y == nil:
				return nil, false
			}
			return !decides, false
		}}
}
