package expr

import "strings"

// cast parses cast(x as type [format '…'] [zone '…']) and try_cast.
func (p *parser) cast() (Node, error) {
	word := p.take()
	n := &castNode{try: word.lower == "try_cast"}
	err := p.takeSymbol("(")
	if err == nil {
		n.x, err = p.expression(0)
	}
	if err == nil {
		err = p.takeKeyword("as")
	}
	if err != nil {
		return nil, err
	}
	if n.to, n.toSpan, err = p.typeName(); err != nil {
		return nil, err
	}
	for err == nil && !p.cur().is(")") {
		var part **constOrParam
		switch t := p.cur(); {
		case t.keyword("format") && n.format == nil:
			part = &n.format
		case t.keyword("zone") && n.zone == nil:
			part = &n.zone
		default:
			return nil, p.unexpected(`format, zone or ")"`)
		}
		p.take()
		*part, err = p.constOrParam()
	}
	if err != nil {
		return nil, err
	}
	p.take()
	n.span = word.span().to(p.last())
	return n, nil
}

func (p *parser) constOrParam() (*constOrParam, error) {
	t := p.cur()
	if t.kind != tokText && t.kind != tokParam {
		return nil, p.unexpected("a text in single quotes")
	}
	n, err := p.operand(0)
	return &constOrParam{n}, err
}

// typeName collects the tokens of a type and writes them in the form that flows.ParseType reads. `>` tokens close
// nested lists; names inside struct<…> are not supported here because a cast never makes a struct.
func (p *parser) typeName() (string, span, error) {
	from := p.cur()
	if from.kind != tokWord {
		return "", span{}, p.unexpected("a type such as int64, text or date")
	}
	var b strings.Builder
	angle, round := 0, 0
	for {
		t := p.cur()
		switch {
		case t.kind == tokWord && (b.Len() == 0 || angle+round > 0), t.kind == tokNumber && round > 0, t.is(",") && round > 0:
		case t.is("("):
			round++
		case t.is(")") && round > 0:
			round--
		case t.is("<"):
			angle++
		case t.is(">") && angle > 0:
			angle--
		default:
			return b.String(), from.span().to(p.last()), nil
		}
		if t.kind == tokWord {
			b.WriteString(t.lower)
		} else {
			b.WriteString(t.text)
		}
		p.take()
	}
}
