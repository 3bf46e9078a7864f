package expr

import (
	"fmt"
	"math/big"
	"strings"

	"spark/flows"
)

// Env is what an expression can refer to.
type Env struct {
	Fields flows.Schema
	Params []Param
	// NoOrigin says why records have no file and no number any more; "" where they have.
	NoOrigin string
}

// Param is a run parameter. Value is a literal of its type as JSON or a program writes it; nil is null.
type Param struct {
	Name     string
	Type     flows.Type
	Value    any
	HasValue bool
	Secret   bool // never in a record: expressions refuse it
}

// Compile parses and checks an expression over one record. The error is a *flows.Error, or flows.Problems when there
// are several.
func Compile(src string, env Env) (Expr, error) { return compile(src, env, false) }

// CompileAggregate is Compile for an expression over a group of records: every field stands inside an aggregate
// function, as in sum(amount) / count().
func CompileAggregate(src string, env Env) (Expr, error) { return compile(src, env, true) }

func compile(src string, env Env, aggregate bool) (Expr, error) {
	n, err := Parse(src)
	if err != nil {
		return nil, err
	}
	k := &checker{env: env, aggregate: aggregate}
	e := k.expr(n)
	if isUntypedNull(e) {
		k.report("expr.type", n, nil, "null alone has no type", "write cast(null as text), with the type that is meant")
	}
	switch len(k.problems) {
	case 0:
		return e, nil
	case 1:
		return nil, k.problems[0]
	}
	return nil, k.problems
}

// maxProblems keeps a hostile expression from making a report larger than itself.
const maxProblems = 50

type checker struct {
	env       Env
	aggregate bool // aggregates are allowed …
	inside    bool // … and this is the argument of one
	depth     int
	problems  flows.Problems
}

type spanner interface{ Span() (int, int) }

func problemAt(code string, at spanner, params flows.Params, message, suggestion string) *flows.Error {
	offset, length := at.Span()
	return problem(code, offset, length, params, message, suggestion)
}

func (k *checker) report(code string, at spanner, params flows.Params, message, suggestion string) Expr {
	return k.add(problemAt(code, at, params, message, suggestion))
}

func (k *checker) add(e *flows.Error) Expr {
	if len(k.problems) < maxProblems {
		k.problems = append(k.problems, e)
	}
	return &bad{base{span: span{e.Path.Offset, e.Path.Length}}}
}

func (k *checker) expr(n Node) Expr {
	k.depth++
	defer func() { k.depth-- }()
	if k.depth > MaxDepth {
		return k.add(tooDeep(n.Span()))
	}
	switch n := n.(type) {
	case *constNode:
		return k.constant(n)
	case *nameNode:
		return k.field(n)
	case *paramNode:
		return k.param(n)
	case *applyNode:
		return k.apply(n)
	case *caseNode:
		return k.caseWhen(n)
	case *castNode:
		return k.cast(n)
	case *inNode:
		return k.in(n)
	case *betweenNode:
		return k.between(n)
	case *likeNode:
		return k.like(n)
	}
	return k.report("expr.syntax", n, nil, "this part is not understood", "")
}

func (k *checker) exprs(list []Node) []Expr {
	out := make([]Expr, len(list))
	for i, n := range list {
		out[i] = k.expr(n)
	}
	return out
}

func (k *checker) constant(n *constNode) Expr {
	e := &Literal{base: base{span: n.span}}
	ok := true
	switch n.kind {
	case "null":
	case "bool":
		e.typ, e.Value = flows.Of(flows.Boolean), n.text == "true"
	case "text":
		e.typ, e.Value = flows.Of(flows.Text), n.text
	case "number":
		e.typ, e.Value, ok = numberLiteral(n.text)
	default:
		var err error
		if e.typ, err = flows.ParseType(n.kind); err == nil {
			e.Value, ok = parseText(e.typ, n.text)
		}
	}
	if ok {
		return e
	}
	if n.kind == "number" {
		return k.report("expr.literal", n, flows.Params{"text": n.text},
			fmt.Sprintf("the number %s is too large", clip(n.text)), "a decimal holds 38 digits; write 1e40 for a double")
	}
	return k.report("expr.literal", n, flows.Params{"text": n.text, "type": n.kind},
		fmt.Sprintf("'%s' is not a valid %s", clip(n.text), n.kind), "write it as "+literalExample[n.kind])
}

var literalExample = map[string]string{
	"date": "date '2026-01-31'", "time": "time '13:45:00'", "timestamp": "timestamp '2026-01-31 13:45:00'",
	"timestamptz": "timestamptz '2026-01-31 13:45:00+01:00'", "interval": "interval '3 days' or interval '1 month -2 hours'",
	"uuid": "uuid '6fa459ea-ee8a-4ca4-894e-db77e160355e'",
}

func (k *checker) field(n *nameNode) Expr {
	f, ok := k.env.Fields.Find(n.name)
	if !ok {
		return k.report("expr.unknown_field", n, flows.Params{"field": n.name},
			fmt.Sprintf("there is no field %q", clip(n.name)), flows.DidYouMean(n.name, k.env.Fields.Names()))
	}
	if k.aggregate && !k.inside {
		return k.report("expr.aggregate", n, flows.Params{"field": n.name},
			fmt.Sprintf("the field %q stands outside an aggregate function", clip(n.name)),
			fmt.Sprintf("group by it, or write for example max(%s)", FieldName(n.name)))
	}
	return &FieldRef{base{n.span, f.Type}, f.Name}
}

func (k *checker) param(n *paramNode) Expr {
	var names []string
	for _, p := range k.env.Params {
		if IsFact(p) {
			continue
		}
		names = append(names, p.Name)
		if p.Name != n.name {
			continue
		}
		if p.Secret {
			return k.report("expr.secret_parameter", n, flows.Params{"parameter": n.name},
				fmt.Sprintf("the parameter $%s is secret, and records would show it", n.name),
				"use it as ${"+n.name+"} in a condition or statement that only a database sees, or make it no secret")
		}
		e := &ParamRef{base: base{n.span, p.Type}, Name: p.Name, HasValue: p.HasValue}
		if p.HasValue {
			var ok bool
			if e.Value, ok = valueOf(p.Type, p.Value); !ok {
				return k.report("expr.parameter_value", n, flows.Params{"parameter": n.name, "type": p.Type.String()},
					fmt.Sprintf("the value of the parameter $%s is not a valid %s", n.name, p.Type), "correct the parameter")
			}
		}
		return e
	}
	return k.report("expr.unknown_parameter", n, flows.Params{"parameter": n.name},
		fmt.Sprintf("there is no parameter $%s", clip(n.name)), flows.DidYouMean(n.name, names))
}

func (k *checker) apply(n *applyNode) Expr {
	fn := catalogue[n.name]
	if !n.op {
		fn = Lookup(n.name)
		if fn == nil || !callable(fn) {
			return k.unknownFunction(n)
		}
	}
	if fn.Aggregate {
		if e := k.aggregateAllowed(n, fn); e != nil {
			return e
		}
		k.inside = true
		defer func() { k.inside = false }()
	}
	if fn.origin != "" {
		if e := k.originAllowed(n, fn); e != nil {
			return e
		}
	}
	c := &Call{base: base{span: n.span}, Fn: fn, Args: k.exprs(n.args)}
	if isBad(c.Args...) {
		return &bad{c.base}
	}
	if err := k.resolve(c); err != nil {
		return k.add(err)
	}
	return c
}

func (k *checker) aggregateAllowed(n *applyNode, fn *Func) Expr {
	switch {
	case !k.aggregate:
		return k.report("expr.aggregate", n.nameSpan, flows.Params{"function": fn.Name},
			fmt.Sprintf("%s works on a group of records and is not allowed here", fn.Name), "use an Aggregate or Window node")
	case k.inside:
		return k.report("expr.aggregate", n.nameSpan, flows.Params{"function": fn.Name},
			fmt.Sprintf("%s cannot stand inside another aggregate function", fn.Name), "use two Aggregate nodes")
	}
	return nil
}

// originAllowed refuses what a record does not have, or a group has many of.
func (k *checker) originAllowed(n *applyNode, fn *Func) Expr {
	switch {
	case k.env.NoOrigin != "":
		return k.report("expr.no_origin", n.nameSpan, flows.Params{"function": fn.Name}, k.env.NoOrigin,
			fmt.Sprintf("add %s() as a field, with a Formula, where the records still come from one file", fn.Name))
	case k.aggregate && !k.inside:
		return k.report("expr.aggregate", n.nameSpan, flows.Params{"function": fn.Name},
			fmt.Sprintf("%s() stands outside an aggregate function", fn.Name), fmt.Sprintf("write for example min(%s())", fn.Name))
	}
	return nil
}

// elsewhere tells people who come from other languages what a thing is called here.
var elsewhere = map[string]string{
	"filename": "file_name", "input_file_name": "file_name", "file_row_number": "record_number", "recno": "record_number", "runid": "run_id",
	"len": "length", "char_length": "length", "ucase": "upper", "lcase": "lower", "nvl": "coalesce", "isnull": "coalesce",
	"iif": "if", "iff": "if", "substr": "substring", "mid": "substring", "instr": "position", "strpos": "position",
	"charindex": "position", "ceiling": "ceil", "pow": "power", "modulo": "mod", "date_format": "format_date",
	"strftime": "format_date", "strptime": "parse_timestamp", "to_timestamp": "parse_timestamp", "dayofweek": "day_of_week",
	"weekday": "day_of_week", "dayofyear": "day_of_year", "dateadd": "date_add", "datediff": "date_diff",
	"current_date": "today", "current_timestamp": "now", "getdate": "now", "date": "to_date", "get_json_object": "json_extract_text",
	"array": "list", "array_contains": "list_contains", "array_length": "list_length", "array_join": "list_join",
	"regexp_like": "regexp_matches", "regexp_substr": "regexp_extract", "base64": "encode_base64", "unbase64": "decode_base64",
	"hex": "encode_hex", "unhex": "decode_hex", "stddev_samp": "stddev", "listagg": "string_agg", "group_concat": "string_agg",
	"uuid_generate": "uuid", "newid": "uuid", "gen_random_uuid": "uuid", "log": "ln", "sqr": "sqrt", "concatenate": "concat",
	"title": "initcap", "propercase": "initcap", "proper": "initcap", "truncate": "trunc",
}

func (k *checker) unknownFunction(n *applyNode) Expr {
	suggestion := flows.DidYouMean(n.name, functionNames(k.aggregate))
	if name, ok := elsewhere[strings.ToLower(n.name)]; ok {
		suggestion = fmt.Sprintf("did you mean %q?", name)
	} else if flows.Nearest(n.name, functionNames(k.aggregate)) == "" {
		suggestion = "the list of functions is in the help"
	}
	e := k.report("expr.unknown_function", n.nameSpan, flows.Params{"function": n.name},
		fmt.Sprintf("there is no function %s", clip(n.name)), suggestion)
	inside := k.inside
	k.inside = true // it could be meant as an aggregate
	k.exprs(n.args)
	k.inside = inside
	return e
}

// resolve finds the signature that takes the arguments and sets the types of the call.
func (k *checker) resolve(c *Call) *flows.Error {
	var sig *Signature
	for i := range c.Fn.Signatures {
		if s := &c.Fn.Signatures[i]; s.arity(len(c.Args)) && (c.Fn.rule != nil || c.match(*s)) {
			sig = s
			break
		}
	}
	if sig == nil {
		return k.mismatch(c)
	}
	if c.Fn.rule != nil {
		if c.As == nil {
			c.As = make([]flows.Type, len(c.Args))
		}
		if err := c.Fn.rule(k, c); err != nil {
			return err
		}
	}
	if err := c.typeNulls(); err != nil {
		return err
	}
	for i := range c.Args {
		if err := checkConstant(c, sig.arg(i), c.Args[i]); err != nil {
			return err
		}
	}
	if c.Fn.check != nil {
		if err := c.Fn.check(k, c); err != nil {
			return err
		}
	}
	c.most = integerMost(c)
	return nil
}

// match sets As and the result type when the signature takes the arguments.
func (c *Call) match(s Signature) bool {
	b := bindings{map[string][]Expr{}, map[string]flows.Type{}}
	as := make([]flows.Type, len(c.Args))
	for i, e := range c.Args {
		var ok bool
		if as[i], ok = b.accept(s.arg(i).Accepts, e); !ok {
			return false
		}
	}
	vars := map[string]flows.Type{}
	for i := range c.Args {
		name := strings.TrimSuffix(strings.TrimPrefix(s.arg(i).Accepts, "list<"), ">")
		if _, done := vars[name]; len(name) == 1 && !done {
			t, ok := b.variable(name)
			if !ok {
				return false
			}
			vars[name] = t
		}
		if t, ok := vars[s.arg(i).Accepts]; ok {
			as[i] = t
		}
	}
	c.As, c.typ = as, b.result(s.Result, as)
	return true
}

// typeNulls gives every bare null the type that its place demands.
func (c *Call) typeNulls() *flows.Error {
	for i, e := range c.Args {
		if !isUntypedNull(e) {
			continue
		}
		if c.As[i].Kind == flows.Invalid {
			return problemAt("expr.type", e, nil, "this null has no type here", "write cast(null as text), with the type that is meant")
		}
		c.Args[i] = typedNull(e, c.As[i])
	}
	return nil
}

// typedNull gives a bare null its type; other expressions stay.
func typedNull(e Expr, t flows.Type) Expr {
	if l, ok := e.(*Literal); ok && isUntypedNull(e) {
		return &Literal{base: base{l.span, t}}
	}
	return e
}

func typeList(list []Expr) string {
	parts := make([]string, len(list))
	for i, e := range list {
		if parts[i] = e.Type().String(); isUntypedNull(e) {
			parts[i] = "null"
		}
	}
	return strings.Join(parts, ", ")
}

// mismatch explains why no signature fits.
func (k *checker) mismatch(c *Call) *flows.Error {
	name, n := c.Fn.Name, len(c.Args)
	var forms []string
	rightCount := false
	for _, s := range c.Fn.Signatures {
		forms = append(forms, name+s.String())
		rightCount = rightCount || s.arity(n)
	}
	params := flows.Params{"function": name, "types": typeList(c.Args)}
	if !rightCount {
		return problemAt("expr.arguments", c, params, fmt.Sprintf("%s does not take %d arguments", name, n),
			"write "+strings.Join(forms, " or "))
	}
	suggestion := "write " + strings.Join(forms, " or ")
	if len(c.Fn.Signatures) == 1 {
		b := bindings{map[string][]Expr{}, map[string]flows.Type{}}
		for i, e := range c.Args {
			arg := c.Fn.Signatures[0].arg(i)
			if _, ok := b.accept(arg.Accepts, e); !ok {
				if hint := castHint(e, arg.Accepts); hint != "" {
					suggestion = hint
				}
				return problemAt("expr.type", e, params,
					fmt.Sprintf("%s of %s is %s, not %s", arg.Name, name, arg.Accepts, typeList([]Expr{e})), suggestion)
			}
		}
	}
	return problemAt("expr.type", c, params, fmt.Sprintf("%s does not take %s", name, typeList(c.Args)), suggestion)
}

// castHint suggests the conversion that makes e fit.
func castHint(e Expr, want string) string {
	if want == "integer" {
		want = "int64"
	}
	if want == "json" && e.Type().Kind == flows.Text {
		return fmt.Sprintf("write parse_json(%s)", clip(e.String()))
	}
	t, err := flows.ParseType(want)
	if err != nil || isUntypedNull(e) {
		return ""
	}
	if ok, _ := castable(e.Type(), t, false, false); !ok {
		return ""
	}
	return fmt.Sprintf("write cast(%s as %s)", clip(e.String()), t)
}

// magnitude bounds the absolute value of an integer expression.
func magnitude(e Expr) *big.Int {
	if v, ok := Constant(e); ok {
		switch v := v.(type) {
		case int64:
			return new(big.Int).Abs(big.NewInt(v))
		case *big.Int:
			return new(big.Int).Abs(v)
		}
	}
	if c, ok := e.(*Call); ok && c.most != nil {
		return c.most
	}
	return kindMost(e.Type().Kind)
}

func atLeastOne(n *big.Int) *big.Int {
	if n.Sign() == 0 {
		return big.NewInt(1)
	}
	return n
}

// integerMost bounds the result of integer arithmetic, so that what cannot overflow needs no check.
func integerMost(c *Call) *big.Int {
	if !c.typ.IsInteger() {
		return nil
	}
	r := new(big.Int)
	switch c.Fn.Name {
	case "+", "-":
		r.Add(magnitude(c.Args[0]), magnitude(c.Args[1]))
	case "*":
		// At least 1 each: an optimizer may multiply two constants before it meets the zero.
		r.Mul(atLeastOne(magnitude(c.Args[0])), atLeastOne(magnitude(c.Args[1])))
	case "negate", "abs":
		r.Set(magnitude(c.Args[0]))
	case "div":
		r.Set(magnitude(c.Args[0]))
		if v, ok := Constant(c.Args[1]); ok && v != nil && magnitude(c.Args[1]).Sign() > 0 {
			r = atLeastOne(r.Quo(r, magnitude(c.Args[1])))
		}
	case "%", "mod":
		r.Set(magnitude(c.Args[0]))
		if b := magnitude(c.Args[1]); b.Cmp(r) < 0 {
			r.Set(b)
		}
	default:
		return nil
	}
	if limit := kindMost(c.typ.Kind); r.Cmp(limit) > 0 {
		return limit
	}
	return r // of abs it may be one too large; then the call itself can fail
}

// Overflows reports whether an integer result may not fit its type. integerMost caps at 2^(bits-1), which is already
// one more than the largest positive value.
func Overflows(c *Call) bool {
	return c.typ.IsInteger() && (c.most == nil || c.most.Cmp(kindMost(c.typ.Kind)) >= 0)
}
