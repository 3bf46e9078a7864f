package expr

import (
	"fmt"

	"spark/flows"
)

// boolean reports e unless it is true, false or null.
func (k *checker) boolean(e Expr) Expr {
	if isBad(e) || e.Type().Kind == flows.Boolean {
		return e
	}
	if isUntypedNull(e) {
		return typedNull(e, flows.Of(flows.Boolean))
	}
	suggestion := "compare it with something"
	if e.Type().IsNumeric() {
		suggestion = fmt.Sprintf("write %s <> 0", clip(e.String()))
	}
	return k.report("expr.type", e, flows.Params{"type": e.Type().String()},
		fmt.Sprintf("a condition is needed here, this is %s", e.Type()), suggestion)
}

// results gives all branches one type.
func (k *checker) results(at spanner, list []*Expr) (flows.Type, bool) {
	all := make([]Expr, len(list))
	for i, e := range list {
		all[i] = *e
	}
	if isBad(all...) {
		return flows.Type{}, false
	}
	t, ok := unify(all, false)
	if !ok {
		k.report("expr.type", at, flows.Params{"types": typeList(all)},
			fmt.Sprintf("the results have different types: %s", typeList(all)), "cast them to one type")
		return t, false
	}
	for i, e := range list {
		*e = typedNull(all[i], t)
	}
	return t, true
}

func (k *checker) caseWhen(n *caseNode) Expr {
	c := &Case{base: base{span: n.span}}
	if n.operand != nil {
		c.Operand = k.expr(n.operand)
	}
	var results []*Expr
	compared := []Expr{c.Operand}
	failed := n.operand != nil && isBad(c.Operand)
	c.Whens = make([]When, len(n.whens))
	for i, w := range n.whens {
		when := When{k.expr(w[0]), k.expr(w[1])}
		if n.operand == nil {
			when.If = k.boolean(when.If)
		}
		c.Whens[i] = when
		compared = append(compared, when.If)
		failed = failed || isBad(when.If, when.Then)
		results = append(results, &c.Whens[i].Then)
	}
	if n.otherwise != nil {
		c.Else = k.expr(n.otherwise)
		failed = failed || isBad(c.Else)
		results = append(results, &c.Else)
	}
	if failed {
		return &bad{c.base}
	}
	if n.operand != nil {
		var ok bool
		if c.Over, ok = k.compared(n, compared); !ok {
			return &bad{c.base}
		}
	}
	t, ok := k.results(n, results)
	if !ok {
		return &bad{c.base}
	}
	if c.typ = t; t.Kind == flows.Invalid {
		return k.report("expr.type", n, nil, "every result is null, so this has no type",
			"write cast(null as text), with the type that is meant")
	}
	return c
}

// compared finds the type in which the list is compared.
func (k *checker) compared(at spanner, list []Expr) (flows.Type, bool) {
	t, err := compareType(at, list)
	if err != nil {
		k.add(err)
	}
	return t, err == nil
}

func compareType(at spanner, list []Expr) (flows.Type, *flows.Error) {
	for _, e := range list {
		if isUntypedNull(e) {
			return flows.Type{}, problemAt("expr.type", e, nil, "a comparison with null is never true", "write is null or is not null")
		}
	}
	t, ok := unify(list, true)
	params := flows.Params{"types": typeList(list)}
	if !ok {
		return t, problemAt("expr.type", at, params, fmt.Sprintf("%s cannot be compared", typeList(list)), compareHint(list))
	}
	if !comparable(t) {
		return t, problemAt("expr.type", at, params, fmt.Sprintf("values of type %s cannot be compared", t), compareHint(list))
	}
	return t, nil
}

// compareHint suggests what makes two unlike values comparable.
func compareHint(list []Expr) string {
	var other flows.Type
	for _, e := range list {
		if e.Type().Kind != flows.Text && other.Kind != flows.TimestampTZ {
			other = e.Type()
		}
	}
	for _, e := range list {
		text, isConst := ConstantText(e)
		if e.Type().Kind != flows.Text {
			continue
		}
		if _, isLiteral := e.(*Literal); isLiteral && isConst && literalExample[other.Kind.String()] != "" {
			if _, ok := parseText(other, text); ok {
				return fmt.Sprintf("write %s %s", other, quoteText(text))
			}
			return "write for example " + literalExample[other.Kind.String()]
		}
		if other.IsNumeric() || other.IsTemporal() {
			return fmt.Sprintf("write cast(%s as %s)", clip(e.String()), other)
		}
	}
	switch other.Kind {
	case flows.JSON:
		return "take a part of it with json_extract_text"
	case flows.TimestampTZ:
		return "bring both to one side with at_zone or to_zone"
	case flows.List:
		return "use list_contains"
	}
	return "cast them to one type"
}

func (k *checker) in(n *inNode) Expr {
	if len(n.list) == 1 { // x in ($values): a list is searched
		if list := k.expr(n.list[0]); isBad(list) {
			return &bad{base{span: n.span}}
		} else if list.Type().Kind == flows.List {
			return k.contains(n)
		}
	}
	e := &In{base: base{n.span, flows.Of(flows.Boolean)}, X: k.expr(n.x), List: k.exprs(n.list), Not: n.not}
	all := append([]Expr{e.X}, e.List...)
	if isBad(all...) {
		return &bad{e.base}
	}
	if len(n.list) == 0 {
		return k.report("expr.arguments", n, nil, "the list behind in is empty", "write at least one value")
	}
	var ok bool
	if e.Over, ok = k.compared(n, all); !ok {
		return &bad{e.base}
	}
	return e
}

// contains is in over a value that is a list.
func (k *checker) contains(n *inNode) Expr {
	call := &applyNode{span: n.span, nameSpan: n.span, name: "list_contains", args: []Node{n.list[0], n.x}}
	if !n.not {
		return k.apply(call)
	}
	return k.apply(&applyNode{span: n.span, nameSpan: n.span, name: "not", op: true, args: []Node{call}})
}

func (k *checker) between(n *betweenNode) Expr {
	e := &Between{base: base{n.span, flows.Of(flows.Boolean)}, X: k.expr(n.x), Low: k.expr(n.low), High: k.expr(n.high), Not: n.not}
	if isBad(e.X, e.Low, e.High) {
		return &bad{e.base}
	}
	var ok bool
	if e.Over, ok = k.compared(n, []Expr{e.X, e.Low, e.High}); !ok {
		return &bad{e.base}
	}
	return e
}

func (k *checker) like(n *likeNode) Expr {
	e := &Like{base: base{n.span, flows.Of(flows.Boolean)}, X: k.expr(n.x), Pattern: k.expr(n.pattern), Not: n.not, Fold: n.fold}
	if n.escape != nil {
		e.Escape = k.expr(n.escape)
	}
	if isBad(e.X, e.Pattern) || e.Escape != nil && isBad(e.Escape) {
		return &bad{e.base}
	}
	if e.X.Type().Kind != flows.Text {
		hint := ""
		if !isUntypedNull(e.X) {
			hint = fmt.Sprintf("write cast(%s as text)", clip(e.X.String()))
		}
		return k.report("expr.type", e.X, nil, fmt.Sprintf("like works on text, this is %s", typeList([]Expr{e.X})), hint)
	}
	pattern, ok := ConstantText(e.Pattern)
	if !ok || e.Pattern.Type().Kind != flows.Text {
		return k.report("expr.arguments", e.Pattern, nil, "the pattern behind like is a text in quotes or a parameter",
			"use contains, starts_with or ends_with for other values")
	}
	if err := checkEscape(e, pattern); err != nil {
		return k.add(err)
	}
	return e
}

// checkEscape makes sure that the escape character is one character and always stands before another one.
func checkEscape(e *Like, pattern string) *flows.Error {
	if e.Escape == nil {
		return nil
	}
	text, ok := ConstantText(e.Escape)
	if esc := []rune(text); !ok || len(esc) != 1 || esc[0] > 127 {
		return problemAt("expr.arguments", e.Escape, nil, "escape takes one ASCII character in quotes", `for example escape '\'`)
	}
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		if runes[i] != rune(text[0]) {
			continue
		}
		if i++; i == len(runes) || runes[i] != '%' && runes[i] != '_' && runes[i] != rune(text[0]) {
			return problemAt("expr.arguments", e.Pattern, nil,
				"the escape character stands before something else than %, _ or itself", "write it twice")
		}
	}
	return nil
}

func (k *checker) cast(n *castNode) Expr {
	e := &Cast{base: base{span: n.span}, X: k.expr(n.x), Try: n.try}
	t, err := flows.ParseType(n.to)
	if err != nil {
		fe := *flows.AsError(err)
		fe.Code, fe.Path = "expr.type", flows.Path{Offset: n.toSpan.at, Length: n.toSpan.n}
		return k.add(&fe)
	}
	e.typ = t
	if n.format != nil {
		e.Format = k.expr(n.format.Node)
	}
	if n.zone != nil {
		e.Zone = k.expr(n.zone.Node)
	}
	if isBad(e.X) || e.Format != nil && isBad(e.Format) || e.Zone != nil && isBad(e.Zone) {
		return &bad{e.base}
	}
	if isUntypedNull(e.X) {
		e.X = typedNull(e.X, t)
		e.Format, e.Zone = nil, nil
		return e
	}
	if ok, hint := castable(e.X.Type(), t, e.Format != nil, e.Zone != nil); !ok {
		return k.report("expr.type", n, flows.Params{"from": e.X.Type().String(), "to": t.String()},
			fmt.Sprintf("%s cannot be converted to %s%s", e.X.Type(), t, castOptions(e)), hint)
	}
	if err := checkCastConstants(e); err != nil {
		return k.add(err)
	}
	return e
}

func castOptions(e *Cast) string {
	switch {
	case e.Format != nil && e.Zone != nil:
		return " with a format and a zone"
	case e.Format != nil:
		return " with a format"
	case e.Zone != nil:
		return " with a zone"
	}
	return ""
}
