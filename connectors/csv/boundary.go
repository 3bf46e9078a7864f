package csv

import (
	"bytes"

	"spark/connectors/internal/scan"
)

// boundary finds the last line end outside quotes. What it says about malformed text does not matter: the parser
// meets the malformed place before it.
func (d *dialect) boundary() scan.Boundary {
	if d.doubled() && d.comment == 0 {
		return &parity{quote: d.quote}
	}
	return &machine{d: d}
}

// parity counts quotes: where quotes inside quotes are doubled, an even number of them lies before every record end.
type parity struct {
	quote byte
	odd   bool
}

func (p *parity) Reset() { p.odd = false }

func (p *parity) Feed(b []byte, from int) int {
	tail := b[from:]
	if p.quote != 0 {
		if bytes.Count(tail, []byte{p.quote})&1 == 1 {
			p.odd = !p.odd
		}
	}
	for odd := p.odd; ; {
		at := bytes.LastIndexByte(tail, '\n')
		if at < 0 {
			return -1
		}
		if p.quote != 0 && bytes.Count(tail[at:], []byte{p.quote})&1 == 1 {
			odd = !odd
		}
		if !odd {
			return from + at + 1
		}
		tail = tail[:at]
	}
}

// machine follows every character, for dialects with comments or an escape character.
type machine struct {
	d     *dialect
	state byte
}

const (
	atStart = iota
	outside
	inQuotes
	escaped
	inComment
)

func (m *machine) Reset() { m.state = atStart }

func (m *machine) Feed(b []byte, from int) int {
	d, end := m.d, -1
	for i := from; i < len(b); i++ {
		c := b[i]
		switch m.state {
		case inQuotes:
			if d.escape != d.quote && c == d.escape {
				m.state = escaped
			} else if c == d.quote {
				m.state = outside
			}
		case escaped:
			m.state = inQuotes
		default:
			switch {
			case c == '\n':
				m.state, end = atStart, i+1
			case m.state == inComment:
			case m.state == atStart && c == d.comment && c != 0:
				m.state = inComment
			case c == d.quote && c != 0:
				m.state = inQuotes
			default:
				m.state = outside
			}
		}
	}
	return end
}
