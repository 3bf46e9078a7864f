package value

import (
	"bytes"
	"fmt"
	"strings"

	"spark/flows"
)

// layout is a compiled date and time format.
type layout struct {
	format string
	items  []item
}

// item is a directive, or literal text when verb is 0.
type item struct {
	verb    byte
	fixed   bool // another number follows at once: all digits must be there
	literal string
}

// What each directive says about a moment.
const (
	saysYear = 1 << iota
	saysMonth
	saysDay
	saysDayOfYear
	saysHour
	saysHalf // hour of twelve
	saysNoon // AM or PM
	saysMinute
	saysSecond
	saysFraction
	saysOffset

	saysTime = saysHour | saysHalf | saysNoon | saysMinute | saysSecond | saysFraction
)

var verbs = map[byte]int{'Y': saysYear, 'y': saysYear, 'm': saysMonth, 'b': saysMonth, 'B': saysMonth, 'd': saysDay,
	'j': saysDayOfYear, 'H': saysHour, 'I': saysHalf, 'p': saysNoon, 'M': saysMinute, 'S': saysSecond, 'f': saysFraction,
	'z': saysOffset}

// compileLayout checks that a format says all that the type needs, once, and nothing that would be dropped.
func compileLayout(format string, t flows.Type, hasZone bool) (*layout, error) {
	bad := func(why, suggestion string) error {
		return setting("format", "field.format", fmt.Sprintf("the format %q %s", format, why), suggestion)
	}
	if !t.IsTemporal() {
		return nil, bad(fmt.Sprintf("is for dates and times and the type is %s", t), "remove the format")
	}
	l := &layout{format: format}
	said := 0
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c == '%' && i+1 < len(format) && format[i+1] != '%' {
			i++
			says, ok := verbs[format[i]]
			if !ok {
				return nil, bad(fmt.Sprintf("has the unknown part %%%c", format[i]), FormatHelp)
			}
			if said&says != 0 {
				return nil, bad(fmt.Sprintf("says the same twice with %%%c", format[i]), "remove one of them")
			}
			said |= says
			l.items = append(l.items, item{verb: format[i]})
			continue
		}
		if c == '%' {
			if i++; i == len(format) {
				return nil, bad("ends with a single %", "write %% for a percent sign")
			}
		}
		if n := len(l.items); n > 0 && l.items[n-1].verb == 0 {
			l.items[n-1].literal += string(c)
		} else {
			l.items = append(l.items, item{literal: string([]byte{c})})
		}
	}
	for i := range l.items[:max(0, len(l.items)-1)] {
		next := l.items[i+1]
		l.items[i].fixed = next.verb != 0 && !strings.ContainsRune("bBpz", rune(next.verb)) ||
			next.literal != "" && next.literal[0]-'0' <= 9
	}
	if why, suggestion := missing(said, t, hasZone); why != "" {
		return nil, bad(why, suggestion)
	}
	return l, nil
}

func missing(said int, t flows.Type, hasZone bool) (why, suggestion string) {
	has := func(bits int) bool { return said&bits != 0 }
	isDate := has(saysYear) && (has(saysMonth) && has(saysDay) && !has(saysDayOfYear) || has(saysDayOfYear) && !has(saysMonth|saysDay))
	switch {
	case has(saysHalf) != has(saysNoon) || has(saysHalf) && has(saysHour):
		return "has %I without %p or %p without %I", "use %H for hours of 0 to 23, or %I together with %p"
	case has(saysMinute) && !has(saysHour|saysHalf) || has(saysSecond) && !has(saysMinute) || has(saysFraction) && !has(saysSecond):
		return "leaves a part of the time out", "give hours, minutes and seconds in this order of size"
	case t.Kind == flows.Time && has(saysYear|saysMonth|saysDay|saysDayOfYear|saysOffset):
		return "has parts that a time of day does not have", "choose the type timestamp or timestamptz"
	case t.Kind == flows.Time && !has(saysHour|saysHalf):
		return "has no hours", "add %H:%M:%S"
	case t.Kind != flows.Time && !isDate:
		return "does not make a date", "give %Y, %m and %d once each, or %Y and %j"
	case t.Kind == flows.Date && has(saysTime|saysOffset):
		return "has a time of day, which a date would lose", "choose the type timestamp"
	case t.Kind == flows.Timestamp && has(saysOffset):
		return "has an offset from UTC, which a timestamp would lose", "choose the type timestamptz"
	case t.Kind == flows.TimestampTZ && !has(saysOffset) && !hasZone:
		return "has no offset from UTC", "add %z or set the time zone"
	}
	return "", ""
}

func (l *layout) parse(b []byte, c *clock) *Fault {
	s := parsing{b: b, clock: c}
	for i := range l.items {
		if !s.take(&l.items[i]) {
			if s.fault != nil {
				return s.fault
			}
			return fault("date", "%s does not have the format %s", quoted(b), l.format)
		}
	}
	if s.i != len(b) {
		return fault("date", "%s does not have the format %s", quoted(b), l.format)
	}
	return s.finish()
}

type parsing struct {
	b         []byte
	i         int
	clock     *clock
	dayOfYear int
	half      bool
	pm        bool
	fault     *Fault
}

func (s *parsing) take(it *item) bool {
	c := s.clock
	switch it.verb {
	case 0:
		if !bytes.HasPrefix(s.b[s.i:], []byte(it.literal)) {
			return false
		}
		s.i += len(it.literal)
		return true
	case 'Y':
		return s.number(&c.year, 4, 4)
	case 'y':
		ok := s.number(&c.year, 2, 2)
		if c.year += 1900; c.year < 1969 {
			c.year += 100
		}
		return ok
	case 'm':
		return s.digits(&c.month, 2, it)
	case 'd':
		return s.digits(&c.day, 2, it)
	case 'j':
		return s.digits(&s.dayOfYear, 3, it)
	case 'b', 'B':
		return s.month(it.verb == 'B')
	case 'H':
		return s.digits(&c.hour, 2, it)
	case 'I':
		s.half = true
		return s.digits(&c.hour, 2, it) && c.hour >= 1 && c.hour <= 12
	case 'M':
		return s.digits(&c.min, 2, it)
	case 'S':
		return s.digits(&c.sec, 2, it)
	case 'f':
		return s.fraction()
	case 'p':
		return s.noon()
	default: // 'z'
		if s.i == len(s.b) {
			return false
		}
		n := readOffset(s.b[s.i:], c)
		s.i += n
		return n > 0
	}
}

func (s *parsing) digits(v *int, n int, it *item) bool {
	if it.fixed {
		return s.number(v, n, n)
	}
	return s.number(v, 1, n)
}

func (s *parsing) number(v *int, least, most int) bool {
	from := s.i
	for s.i < len(s.b) && s.i-from < most && s.b[s.i]-'0' <= 9 {
		*v = *v*10 + int(s.b[s.i]-'0')
		s.i++
	}
	return s.i-from >= least
}

func (s *parsing) fraction() bool {
	end := digitsEnd(s.b, s.i)
	if end == s.i {
		return false
	}
	if s.clock.micros = micros(s.b[s.i:end]); s.clock.micros < 0 {
		s.fault = tooFine(s.b)
		return false
	}
	s.i = end
	return true
}

func (s *parsing) month(full bool) bool {
	for m := 1; m <= 12; m++ {
		name := monthNames[m]
		if !full {
			name = name[:3]
		}
		if rest := s.b[s.i:]; len(rest) >= len(name) && strings.EqualFold(string(rest[:len(name)]), name) {
			s.clock.month, s.i = m, s.i+len(name)
			return true
		}
	}
	return false
}

func (s *parsing) noon() bool {
	rest := s.b[s.i:]
	if len(rest) < 2 || rest[1]|0x20 != 'm' || rest[0]|0x20 != 'a' && rest[0]|0x20 != 'p' {
		return false
	}
	s.pm, s.i = rest[0]|0x20 == 'p', s.i+2
	return true
}

func (s *parsing) finish() *Fault {
	c := s.clock
	if s.half {
		if c.hour %= 12; s.pm {
			c.hour += 12
		}
	}
	if s.dayOfYear == 0 {
		return nil
	}
	for c.month = 1; c.month < 12 && s.dayOfYear > DaysIn(c.year, c.month); c.month++ {
		s.dayOfYear -= DaysIn(c.year, c.month)
	}
	c.day = s.dayOfYear
	return nil
}
