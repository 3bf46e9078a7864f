package expr

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"spark/flows"
)

func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// FieldName writes a field name as the parser reads it back: in quotes where it is a reserved word or no plain word.
func FieldName(name string) string {
	if slices.Contains(reserved, strings.ToLower(name)) {
		return `"` + name + `"`
	}
	return flows.QuoteName(name)
}

func (e *Literal) String() string { return literalText(e.typ, e.Value) }

func literalText(t flows.Type, v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case *big.Int:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'e', -1, 64)
	case Interval:
		return "interval " + quoteText(v.String())
	case string:
		switch t.Kind {
		case flows.Decimal:
			return v
		case flows.Text:
			return quoteText(v)
		}
		return t.Kind.String() + " " + quoteText(v)
	}
	return fmt.Sprint(v)
}

func (e *FieldRef) String() string { return FieldName(e.Name) }

func (e *ParamRef) String() string { return "$" + e.Name }

// power is the binding power of the outermost operator of e, high when there is none.
func power(e Expr) int {
	switch e := e.(type) {
	case *Call:
		switch e.Fn.Name {
		case "negate":
			return bpUnary
		case "not":
			return bpNot
		case "is_null", "is_not_null":
			return bpCompare
		}
		if e.Fn.Operator {
			return infix[e.Fn.Name]
		}
	case *In, *Between, *Like:
		return bpCompare
	case *Literal:
		if s := e.String(); s[0] == '-' {
			return bpUnary
		}
	}
	return bpUnary + 1
}

// wrap writes e, in parentheses unless it binds tighter than least.
func wrap(e Expr, least int) string {
	if power(e) > least {
		return e.String()
	}
	return "(" + e.String() + ")"
}

func join2(list []Expr, sep string, least int) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = wrap(e, least)
	}
	return strings.Join(parts, sep)
}

func (e *Call) String() string {
	name := e.Fn.Name
	switch {
	case !e.Fn.Operator && name != "is_null" && name != "is_not_null":
		return name + "(" + join2(e.Args, ", ", 0) + ")"
	case name == "is_null":
		return wrap(e.Args[0], bpCompare) + " is null"
	case name == "is_not_null":
		return wrap(e.Args[0], bpCompare) + " is not null"
	case name == "not":
		return "not " + wrap(e.Args[0], bpNot-1)
	case name == "negate":
		return "-" + wrap(e.Args[0], bpUnary)
	}
	// The first operand of a left-associative operator may be the same operator; and, or and || are flat instead.
	bp := infix[name]
	first := bp - 1
	if bp == bpCompare || bp == bpAnd || bp == bpOr || bp == bpConcat {
		first = bp
	}
	return wrap(e.Args[0], first) + " " + name + " " + join2(e.Args[1:], " "+name+" ", bp)
}

func (e *Case) String() string {
	var b strings.Builder
	b.WriteString("case")
	if e.Operand != nil {
		b.WriteString(" " + e.Operand.String())
	}
	for _, w := range e.Whens {
		b.WriteString(" when " + w.If.String() + " then " + w.Then.String())
	}
	if e.Else != nil {
		b.WriteString(" else " + e.Else.String())
	}
	return b.String() + " end"
}

func (e *Cast) String() string {
	s := "cast("
	if e.Try {
		s = "try_cast("
	}
	s += e.X.String() + " as " + e.typ.String()
	if e.Format != nil {
		s += " format " + e.Format.String()
	}
	if e.Zone != nil {
		s += " zone " + e.Zone.String()
	}
	return s + ")"
}

func not(yes bool) string {
	if yes {
		return " not"
	}
	return ""
}

func (e *In) String() string {
	return wrap(e.X, bpCompare) + not(e.Not) + " in (" + join2(e.List, ", ", 0) + ")"
}

func (e *Between) String() string {
	return wrap(e.X, bpCompare) + not(e.Not) + " between " + wrap(e.Low, bpCompare) + " and " + wrap(e.High, bpCompare)
}

func (e *Like) String() string {
	word := " like "
	if e.Fold {
		word = " ilike "
	}
	s := wrap(e.X, bpCompare) + not(e.Not) + word + wrap(e.Pattern, bpCompare)
	if e.Escape != nil {
		s += " escape " + wrap(e.Escape, bpCompare)
	}
	return s
}
