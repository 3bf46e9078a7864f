package expr

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows"
)

// Node is a part of the untyped syntax tree. It only says how the source reads; Compile gives it meaning.
type Node interface {
	// Span is the place in the source: the first character, 1-based, and the number of characters.
	Span() (offset, length int)
}

// span is embedded by all tree nodes.
type span struct{ at, n int }

func (s span) Span() (offset, length int) { return s.at, s.n }

// to returns the span from the start of s to the end of e.
func (s span) to(e span) span { return span{s.at, e.at + e.n - s.at} }

type (
	nameNode struct {
		span
		name string
	}
	paramNode struct {
		span
		name string
	}
	// constNode is a literal: kind is "number", "text", "bool", "null" or the word before a quoted literal.
	constNode struct {
		span
		kind, text string
	}
	// applyNode is a function call or, with op set, an operator.
	applyNode struct {
		span
		op       bool
		name     string
		nameSpan span
		args     []Node
	}
	caseNode struct {
		span
		operand, otherwise Node
		whens              [][2]Node
	}
	castNode struct {
		span
		x            Node
		try          bool
		to           string
		toSpan       span
		format, zone *constOrParam
	}
	constOrParam struct{ Node }
	inNode       struct {
		span
		not  bool
		x    Node
		list []Node
	}
	betweenNode struct {
		span
		not          bool
		x, low, high Node
	}
	likeNode struct {
		span
		not, fold          bool
		x, pattern, escape Node
	}
)

// Binding powers, loosest first. Comparisons do not chain.
const (
	bpOr = iota + 1
	bpAnd
	bpNot
	bpCompare
	bpConcat
	bpSum
	bpProduct
	bpUnary
)

var infix = map[string]int{
	"or": bpOr, "and": bpAnd,
	"=": bpCompare, "<>": bpCompare, "!=": bpCompare, "<": bpCompare, "<=": bpCompare, ">": bpCompare, ">=": bpCompare,
	"is": bpCompare, "in": bpCompare, "between": bpCompare, "like": bpCompare, "ilike": bpCompare, "not": bpCompare,
	"||": bpConcat, "+": bpSum, "-": bpSum, "*": bpProduct, "/": bpProduct, "%": bpProduct,
}

// reserved words cannot be bare field names.
var reserved = []string{"and", "between", "case", "cast", "else", "end", "escape", "false", "ilike", "in", "is", "like",
	"not", "null", "or", "then", "true", "try_cast", "when"}

// typedLiterals are the words that make a literal of the quoted text behind them.
var typedLiterals = []string{"date", "time", "timestamp", "timestamptz", "interval", "uuid"}

type parser struct {
	tokens []token
	i      int
	depth  int
}

// Parse reads the source into its untyped syntax tree. The error is a *flows.Error.
func Parse(src string) (Node, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	if p.cur().kind == tokEnd {
		return nil, syntaxError(1, 0, "the expression is empty", "")
	}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if t := p.cur(); t.kind != tokEnd {
		return nil, p.unexpected("an operator or the end of the expression")
	}
	return n, nil
}

func (p *parser) cur() token { return p.tokens[p.i] }

func (p *parser) ahead() token { return p.tokens[min(p.i+1, len(p.tokens)-1)] }

func (p *parser) take() token {
	t := p.tokens[p.i]
	if t.kind != tokEnd {
		p.i++
	}
	return t
}

func (t token) span() span { return span{t.at, t.n} }

// last is the span of the token before the current one.
func (p *parser) last() span { return p.tokens[max(p.i-1, 0)].span() }

func (p *parser) unexpected(wanted string) error {
	t := p.cur()
	suggestion := ""
	switch {
	case t.kind == tokWord && strings.EqualFold(t.text, "select"):
		suggestion = "an expression has no subselect; use a Join or Lookup node"
	case t.kind == tokQuoted:
		suggestion = "double quotes mark field names; write text as 'text'"
	}
	return syntaxError(t.at, t.n, fmt.Sprintf("expected %s, found %s", wanted, t.describe()), suggestion)
}

func (p *parser) takeSymbol(s string) error {
	if !p.cur().is(s) {
		return p.unexpected(fmt.Sprintf("%q", s))
	}
	p.take()
	return nil
}

func (p *parser) takeKeyword(w string) error {
	if !p.cur().keyword(w) {
		return p.unexpected(fmt.Sprintf("%q", w))
	}
	p.take()
	return nil
}

func (p *parser) takeIf(w string) bool {
	if p.cur().keyword(w) {
		p.take()
		return true
	}
	return false
}

// enter guards every recursion of the parser.
func (p *parser) enter() error {
	if p.depth++; p.depth > MaxDepth {
		t := p.cur()
		return tooDeep(t.at, t.n)
	}
	return nil
}

func tooDeep(at, n int) *flows.Error {
	return problem("expr.too_deep", at, n, flows.Params{"limit": MaxDepth},
		fmt.Sprintf("the expression is nested deeper than %d levels", MaxDepth), "split it into several fields")
}

// expression parses operators that bind tighter than bp.
func (p *parser) expression(bp int) (Node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	left, err := p.operand(bp)
	for err == nil {
		op := p.operator()
		power := infix[op]
		if power <= bp {
			return left, nil
		}
		left, err = p.infix(left, op, power)
		if next := p.operator(); err == nil && power == bpCompare && infix[next] == bpCompare {
			t := p.cur()
			return nil, syntaxError(t.at, t.n, "comparisons cannot be chained", "join them with and, or use parentheses")
		}
	}
	return nil, err
}

// operator returns the infix operator at the current token, or "".
func (p *parser) operator() string {
	switch t := p.cur(); t.kind {
	case tokSymbol:
		if infix[t.text] > 0 {
			return t.text
		}
	case tokWord:
		if infix[t.lower] > 0 {
			return t.lower
		}
	}
	return ""
}

func spanOf(n Node) span {
	at, length := n.Span()
	return span{at, length}
}

func (p *parser) infix(left Node, op string, power int) (Node, error) {
	opTok := p.take()
	from := spanOf(left)
	not := false
	if op == "not" {
		not, op = true, p.operator()
		if op != "in" && op != "between" && op != "like" && op != "ilike" {
			return nil, p.unexpected("in, between, like or ilike after not")
		}
		p.take()
	}
	switch op {
	case "is":
		return p.isNull(left)
	case "in":
		if err := p.takeSymbol("("); err != nil {
			return nil, err
		}
		list, err := p.list()
		return &inNode{from.to(p.last()), not, left, list}, err
	case "between":
		low, err := p.expression(bpCompare)
		if err == nil {
			err = p.takeKeyword("and")
		}
		if err != nil {
			return nil, err
		}
		high, err := p.expression(bpCompare)
		return &betweenNode{from.to(p.last()), not, left, low, high}, err
	case "like", "ilike":
		n := &likeNode{not: not, fold: op == "ilike", x: left}
		var err error
		if n.pattern, err = p.expression(bpCompare); err == nil && p.takeIf("escape") {
			n.escape, err = p.expression(bpCompare)
		}
		n.span = from.to(p.last())
		return n, err
	}
	if op == "!=" {
		op = "<>"
	}
	right, err := p.expression(power)
	if err != nil {
		return nil, err
	}
	return join(op, opTok.span(), left, right), nil
}

// join makes an operator node; runs of and, or and || become one flat node, so that long ones are not deep.
func join(op string, opSpan span, left, right Node) Node {
	whole := spanOf(left).to(spanOf(right))
	if a, ok := left.(*applyNode); ok && a.op && a.name == op && (op == "and" || op == "or" || op == "||") {
		a.span, a.args = whole, append(a.args, right)
		return a
	}
	return &applyNode{whole, true, op, opSpan, []Node{left, right}}
}

func (p *parser) isNull(left Node) (Node, error) {
	not := p.takeIf("not")
	if err := p.takeKeyword("null"); err != nil {
		return nil, err
	}
	whole := spanOf(left).to(p.last())
	n := &applyNode{whole, true, "is_null", whole, []Node{left}}
	if not {
		n.name = "is_not_null"
	}
	return n, nil
}

// list reads expressions up to and including the closing parenthesis; the opening one has been taken.
func (p *parser) list() ([]Node, error) {
	var list []Node
	if p.cur().is(")") {
		p.take()
		return nil, nil
	}
	for {
		n, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if p.cur().is(")") {
			p.take()
			return list, nil
		}
		if !p.cur().is(",") {
			return nil, p.unexpected(`"," or ")"`)
		}
		p.take()
	}
}

func (p *parser) operand(bp int) (Node, error) {
	t := p.cur()
	switch t.kind {
	case tokNumber:
		p.take()
		return &constNode{t.span(), "number", t.text}, nil
	case tokText:
		p.take()
		return &constNode{t.span(), "text", t.text}, nil
	case tokParam:
		p.take()
		return &paramNode{t.span(), t.text}, nil
	case tokQuoted:
		p.take()
		return &nameNode{t.span(), t.text}, nil
	case tokWord:
		return p.word(bp)
	case tokSymbol:
		switch t.text {
		case "(":
			return p.group()
		case "-", "+":
			return p.sign()
		}
	}
	return nil, p.unexpected("a value")
}

func (p *parser) group() (Node, error) {
	p.take()
	n, err := p.expression(0)
	if err == nil {
		err = p.takeSymbol(")")
	}
	return n, err
}

func (p *parser) sign() (Node, error) {
	t := p.take()
	x, err := p.expression(bpUnary)
	if err != nil {
		return nil, err
	}
	whole := t.span().to(spanOf(x))
	if c, ok := x.(*constNode); ok && c.kind == "number" && !strings.HasPrefix(c.text, "-") {
		if t.text == "-" {
			return &constNode{whole, "number", "-" + c.text}, nil
		}
		return &constNode{whole, "number", c.text}, nil
	}
	if t.text == "+" {
		return nil, syntaxError(t.at, t.n, "a plus sign stands between two values or before a number", "remove it")
	}
	return &applyNode{whole, true, "negate", t.span(), []Node{x}}, nil
}

func (p *parser) word(bp int) (Node, error) {
	t := p.cur()
	switch t.lower {
	case "true", "false":
		p.take()
		return &constNode{t.span(), "bool", t.lower}, nil
	case "null":
		p.take()
		return &constNode{t.span(), "null", ""}, nil
	case "not":
		return p.not(bp)
	case "case":
		return p.caseWhen()
	case "cast", "try_cast":
		return p.cast()
	}
	if slices.Contains(reserved, t.lower) {
		err := p.unexpected("a value")
		err.(*flows.Error).Suggestion = fmt.Sprintf("a field of that name is written %q in double quotes", t.text)
		return nil, err
	}
	p.take()
	next := p.cur()
	if next.kind == tokText && slices.Contains(typedLiterals, t.lower) {
		p.take()
		return &constNode{t.span().to(next.span()), t.lower, next.text}, nil
	}
	if next.is("(") {
		p.take()
		args, err := p.list()
		return &applyNode{t.span().to(p.last()), false, t.text, t.span(), args}, err
	}
	return &nameNode{t.span(), t.text}, nil
}

func (p *parser) not(bp int) (Node, error) {
	t := p.take()
	if bp >= bpCompare {
		return nil, syntaxError(t.at, t.n, "not cannot stand here", "put parentheses around not …")
	}
	x, err := p.expression(bpNot)
	if err != nil {
		return nil, err
	}
	return &applyNode{t.span().to(spanOf(x)), true, "not", t.span(), []Node{x}}, nil
}

func (p *parser) caseWhen() (Node, error) {
	from := p.take().span()
	n := &caseNode{}
	var err error
	if !p.cur().keyword("when") {
		if n.operand, err = p.expression(0); err != nil {
			return nil, err
		}
	}
	for p.cur().keyword("when") || len(n.whens) == 0 {
		var pair [2]Node
		if err = p.takeKeyword("when"); err == nil {
			pair[0], err = p.expression(0)
		}
		if err == nil {
			err = p.takeKeyword("then")
		}
		if err == nil {
			pair[1], err = p.expression(0)
		}
		if err != nil {
			return nil, err
		}
		n.whens = append(n.whens, pair)
	}
	if p.takeIf("else") {
		if n.otherwise, err = p.expression(0); err != nil {
			return nil, err
		}
	}
	err = p.takeKeyword("end")
	n.span = from.to(p.last())
	return n, err
}
