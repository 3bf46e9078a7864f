package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"spark/flows"
)

// Func is an entry of the catalogue: a function or an operator. What has no entry cannot be said.
type Func struct {
	Name       string
	Category   string
	Signatures []Signature
	Help       string // one sentence
	Example    string // an expression without fields …
	Result     string // … and the expression of its result; empty when it differs from run to run
	Failures   []Failure
	Operator   bool // written between or before its operands
	Aggregate  bool // over a group of records

	fact   string // of the run that it says
	origin string // column that it reads

	// rule finds the types where the signatures cannot say them; nil otherwise.
	rule func(k *checker, c *Call) *flows.Error
	// check refuses constant arguments that could never be right.
	check func(k *checker, c *Call) *flows.Error
	// fails tells whether a call can be an error at run time; nil means that one of Failures always can.
	fails func(c *Call) bool
}

// Failure is a way in which a call can be an error at run time.
type Failure struct {
	Code    string // such as "value.overflow"
	Message string
}

// Signature is one form of a call.
type Signature struct {
	Args   []Arg
	Result string // a type, a type variable, or "rule" when the types depend on the arguments as Help says
}

// Arg is an argument of a signature. Accepts is a type, a type variable (T any, C comparable), `list<T>`, a group
// ("number", "integer", "any") or the name of a constant ("pattern", "format", "zone", "unit", "path", "form", "name").
type Arg struct {
	Name, Accepts      string
	Optional, Variadic bool
}

func (s Signature) String() string {
	parts := make([]string, len(s.Args))
	for i, a := range s.Args {
		parts[i] = a.Name + " " + a.Accepts
		if a.Optional {
			parts[i] = "[" + parts[i] + "]"
		}
		if a.Variadic {
			parts[i] += " …"
		}
	}
	args := "(" + strings.Join(parts, ", ") + ")"
	if s.Result == "rule" { // the arguments decide; the help says how
		return args
	}
	return args + " → " + s.Result
}

// signature reads "x text, start integer, [length integer] → text"; "…" behind an argument makes it variadic.
func signature(s string) Signature {
	args, result, ok := strings.Cut(s, "→")
	if !ok {
		panic("expr: signature without result: " + s)
	}
	sig := Signature{Result: strings.TrimSpace(result)}
	if strings.TrimSpace(args) == "" {
		return sig
	}
	for part := range strings.SplitSeq(args, ",") {
		part = strings.TrimSpace(part)
		a := Arg{Optional: part[0] == '['}
		part = strings.Trim(part, "[]")
		part, a.Variadic = strings.CutSuffix(part, "…")
		a.Name, a.Accepts, ok = strings.Cut(strings.TrimSpace(part), " ")
		if !ok {
			panic("expr: argument without type: " + s)
		}
		sig.Args = append(sig.Args, a)
	}
	return sig
}

func signatures(list ...string) []Signature {
	out := make([]Signature, len(list))
	for i, s := range list {
		out[i] = signature(s)
	}
	return out
}

// arity reports whether n arguments fit the signature.
func (s Signature) arity(n int) bool {
	least, most := 0, len(s.Args)
	for _, a := range s.Args {
		if !a.Optional {
			least++
		}
		if a.Variadic {
			most = 1 << 20
		}
	}
	return n >= least && n <= most
}

// arg returns the argument at position i; the last one repeats when it is variadic.
func (s Signature) arg(i int) Arg { return s.Args[min(i, len(s.Args)-1)] }

var catalogue = map[string]*Func{}

// register adds entries at start-up; a name used twice is a mistake in this package.
func register(category string, list ...*Func) {
	for _, f := range list {
		if catalogue[f.Name] != nil {
			panic("expr: function registered twice: " + f.Name)
		}
		f.Category = category
		catalogue[f.Name] = f
	}
}

// Lookup returns the function or operator of that name, in any letter case, or nil.
func Lookup(name string) *Func { return catalogue[strings.ToLower(name)] }

// Functions lists the catalogue by category and name.
func Functions() []*Func {
	return slices.SortedFunc(maps.Values(catalogue), func(a, b *Func) int {
		if c := strings.Compare(a.Category, b.Category); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// functionNames lists what can be written as name(…).
func functionNames(aggregates bool) []string {
	var names []string
	for name, f := range catalogue {
		if callable(f) && (aggregates || !f.Aggregate) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func callable(f *Func) bool { return !f.Operator || f.Name == "is_null" || f.Name == "is_not_null" }

// bindings collect what the variables of a signature stand for: arguments to unify, or a type that is already fixed
// by the element of a list.
type bindings struct {
	vars  map[string][]Expr
	fixed map[string]flows.Type
}

// accept matches an argument with what a signature accepts and returns the type it is widened to; that of a variable
// is known only after all arguments.
func (b bindings) accept(accepts string, e Expr) (flows.Type, bool) {
	t := e.Type()
	switch accepts {
	case "any":
		return t, t.Kind != flows.Invalid
	case "number":
		return t, t.IsNumeric()
	case "decimal", "list", "struct":
		return t, t.Kind.String() == accepts
	case "integer":
		return flows.Of(flows.Int64), t.IsInteger() && t.Kind != flows.Int128 || isUntypedNull(e)
	case "double":
		return flows.Of(flows.Double), t.IsNumeric() || isUntypedNull(e)
	case "pattern", "replacement", "format", "zone", "unit", "path", "form", "name":
		return flows.Of(flows.Text), t.Kind == flows.Text
	}
	if len(accepts) == 1 {
		b.vars[accepts] = append(b.vars[accepts], e)
		return t, true
	}
	if inner, ok := strings.CutPrefix(accepts, "list<"); ok {
		if t.Kind != flows.List {
			return t, false
		}
		if inner = strings.TrimSuffix(inner, ">"); len(inner) > 1 {
			return t, t.Elem.Kind.String() == inner
		}
		b.fixed[inner] = *t.Elem
		return t, true
	}
	want, err := flows.ParseType(accepts)
	if err != nil {
		panic(fmt.Sprintf("expr: signature accepts unknown %q", accepts))
	}
	return want, t.Equal(want) || isUntypedNull(e)
}

// variable finds the one type of a type variable.
func (b bindings) variable(name string) (flows.Type, bool) {
	t, ok := unify(b.vars[name], false)
	if fixed, is := b.fixed[name]; is {
		both, fits := Common(fixed, t)
		ok = t.Kind == flows.Invalid || ok && fits && both.Equal(fixed)
		t = fixed
	}
	return t, ok && (name != "C" || t.Kind == flows.Invalid || comparable(t))
}

// result turns a result rule into a type.
func (b bindings) result(rule string, as []flows.Type) flows.Type {
	if rule == "same" && len(as) > 0 {
		return as[0]
	}
	inner, isList := strings.CutPrefix(rule, "list<")
	if inner = strings.TrimSuffix(inner, ">"); len(inner) == 1 {
		t, _ := b.variable(inner)
		if isList {
			return flows.ListOf(t)
		}
		return t
	}
	t, err := flows.ParseType(rule)
	if err != nil {
		panic(fmt.Sprintf("expr: signature returns unknown %q", rule))
	}
	return t
}

// unify returns the type that holds the values of all of them exactly (a double takes any number); the zero type
// when all are null. To compare, a date counts as its midnight.
func unify(list []Expr, compare bool) (flows.Type, bool) {
	decimals := slices.ContainsFunc(list, func(e Expr) bool { return e.Type().Kind == flows.Decimal })
	var t flows.Type
	for _, e := range list {
		u := e.Type()
		if isUntypedNull(e) {
			continue
		}
		if decimals {
			u = decimalOf(e)
		}
		if compare && (t.Kind == flows.Date && u.Kind == flows.Timestamp || t.Kind == flows.Timestamp && u.Kind == flows.Date) {
			t = flows.Of(flows.Timestamp)
			continue
		}
		if t.Kind == flows.Invalid {
			t = u
			continue
		}
		var ok bool
		if t, ok = Common(t, u); !ok {
			return t, false
		}
	}
	return t, true
}

// decimalOf is the type of e beside decimals: an integer constant needs only its own digits.
func decimalOf(e Expr) flows.Type {
	t := e.Type()
	if !t.IsInteger() {
		return t
	}
	if v, ok := Constant(e); ok && v != nil {
		if n := len(strings.TrimPrefix(fmt.Sprint(v), "-")); n <= flows.MaxPrecision {
			return flows.DecimalOf(n, 0)
		}
	}
	return asDecimal(t)
}

// comparable reports whether values of t have an order of ours.
func comparable(t flows.Type) bool {
	switch t.Kind {
	case flows.Interval, flows.JSON, flows.List, flows.Struct, flows.Invalid:
		return false
	}
	return true
}

// intDigits is the number of decimal digits an integer kind can need.
func intDigits(k flows.Kind) int {
	return map[flows.Kind]int{flows.Int8: 3, flows.Int16: 5, flows.Int32: 10, flows.Int64: 19, flows.Int128: 39}[k]
}

// Common returns the type that holds all values of both types exactly; a double takes any number.
func Common(a, b flows.Type) (flows.Type, bool) {
	switch {
	case a.Equal(b):
		return a, true
	case a.IsInteger() && b.IsInteger():
		return flows.Of(max(a.Kind, b.Kind)), true
	case a.IsNumeric() && b.IsNumeric():
		if a.Kind == flows.Double || b.Kind == flows.Double {
			return flows.Of(flows.Double), true
		}
		a, b = asDecimal(a), asDecimal(b)
		scale := max(a.Scale, b.Scale)
		t := flows.DecimalOf(max(a.Precision-a.Scale, b.Precision-b.Scale)+scale, scale)
		return t, t.Precision <= flows.MaxPrecision
	case a.Kind == flows.List && b.Kind == flows.List:
		elem, ok := Common(*a.Elem, *b.Elem)
		return flows.ListOf(elem), ok && elem.Equal(*a.Elem) && elem.Equal(*b.Elem)
	}
	return flows.Type{}, false
}

// asDecimal is the decimal that holds an integer type; int128 needs more digits than there are.
func asDecimal(t flows.Type) flows.Type {
	if t.IsInteger() {
		return flows.DecimalOf(intDigits(t.Kind), 0)
	}
	return t
}
