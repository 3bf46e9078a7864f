package expr

import (
	"math/big"

	"spark/flows"
)

// Expr is a checked expression: every part has a type and means one thing. Engines render it; String writes the
// canonical text, which compiles to the same tree again.
type Expr interface {
	Type() flows.Type
	// Span is the place in the source: the first character, 1-based, and the number of characters.
	Span() (offset, length int)
	String() string
	expr()
}

type base struct {
	span
	typ flows.Type
}

func (b base) Type() flows.Type { return b.typ }
func (base) expr()              {}

// Literal is a constant. Value is nil for null, else by type: int64 (int8 to int64), *big.Int (int128), string
// (decimal with exactly its scale of digits; text, date, time, timestamps, uuid, json in canonical form), float64,
// bool, []byte, Interval, []any (list).
type Literal struct {
	base
	Value any
}

// FieldRef reads a field of the record.
type FieldRef struct {
	base
	Name string
}

// ParamRef is a run parameter with the value it has in this run, kept like a literal's.
type ParamRef struct {
	base
	Name     string
	Value    any
	HasValue bool // false at design time: the type is known, the value not yet
}

// Call applies a function or an operator of the catalogue.
type Call struct {
	base
	Fn   *Func
	Args []Expr
	// As holds, per argument, the type it is widened to before the function sees it.
	As []flows.Type
	// most bounds the absolute value of an integer result; nil when only the type bounds it.
	most *big.Int
}

// When is one branch of a Case.
type When struct{ If, Then Expr }

// Case is `case when … end`, or `case x when …` with Operand set: then Over is the type in which x and the branches
// are compared. Only the chosen branch counts: errors of the others do not happen.
type Case struct {
	base
	Operand Expr // nil without one
	Over    flows.Type
	Whens   []When
	Else    Expr // nil means null
}

// Cast converts X to Type(). With Try a failed conversion is null instead of an error.
type Cast struct {
	base
	X            Expr
	Format, Zone Expr // constants or nil
	Try          bool
}

// In is `x [not] in (…)`, compared in the type Over.
type In struct {
	base
	X    Expr
	List []Expr
	Over flows.Type
	Not  bool
}

// Between is `x [not] between low and high`, both ends included, compared in the type Over.
type Between struct {
	base
	X, Low, High Expr
	Over         flows.Type
	Not          bool
}

// Like is `x [not] like pattern`; Fold is ilike. Pattern and Escape are constants.
type Like struct {
	base
	X, Pattern, Escape Expr // Escape nil without one
	Not, Fold          bool
}

// bad stands for a part that has been reported, so that one mistake makes one message.
type bad struct{ base }

func (*bad) String() string { return "" }

func isBad(list ...Expr) bool {
	for _, e := range list {
		if _, ok := e.(*bad); ok {
			return true
		}
	}
	return false
}

func isUntypedNull(e Expr) bool {
	l, ok := e.(*Literal)
	return ok && l.Value == nil && l.typ.Kind == flows.Invalid
}

// Walk calls f for e and all its parts, parents first, until f returns false for a part: then its parts are left out.
func Walk(e Expr, f func(Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	for _, child := range children(e) {
		Walk(child, f)
	}
}

func children(e Expr) []Expr {
	var list []Expr
	switch e := e.(type) {
	case *Call:
		return e.Args
	case *Case:
		list = append(list, e.Operand)
		for _, w := range e.Whens {
			list = append(list, w.If, w.Then)
		}
		list = append(list, e.Else)
	case *Cast:
		list = append(list, e.X, e.Format, e.Zone)
	case *In:
		list = append(append(list, e.X), e.List...)
	case *Between:
		list = append(list, e.X, e.Low, e.High)
	case *Like:
		list = append(list, e.X, e.Pattern, e.Escape)
	case *Apply:
		return e.Args
	}
	present := list[:0]
	for _, c := range list {
		if c != nil {
			present = append(present, c)
		}
	}
	return present
}

// Fields lists the fields that e reads, in the order of their first appearance, the columns of the origin among them.
func Fields(e Expr) []string {
	var names []string
	seen := map[string]bool{}
	Walk(e, func(e Expr) bool {
		name := ""
		switch e := e.(type) {
		case *FieldRef:
			name = e.Name
		case *Call:
			name = e.Fn.origin
		}
		if name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
		return true
	})
	return names
}

// Constant returns the value of a literal or of a parameter that has one.
func Constant(e Expr) (value any, ok bool) {
	switch e := e.(type) {
	case *Literal:
		return e.Value, true
	case *ParamRef:
		return e.Value, e.HasValue
	}
	return nil, false
}

// ConstantText returns the text of a constant, "" and false when e is none or null.
func ConstantText(e Expr) (string, bool) {
	v, _ := Constant(e)
	s, ok := v.(string)
	return s, ok
}

// ConstantInt returns the value of an integer constant.
func ConstantInt(e Expr) (int64, bool) {
	v, _ := Constant(e)
	i, ok := v.(int64)
	return i, ok
}

// Fallible reports whether the evaluation of e can be an error for some record.
func Fallible(e Expr) bool {
	found := false
	Walk(e, func(e Expr) bool {
		switch e := e.(type) {
		case *Call:
			found = found || e.CanFail()
		case *Cast:
			found = found || e.CanFail() && !e.Try
		}
		return !found
	})
	return found
}

// CanFail reports whether this call itself, its arguments aside, can be an error for some record.
func (c *Call) CanFail() bool {
	return len(c.Fn.Failures) > 0 && (c.Fn.fails == nil || c.Fn.fails(c))
}
