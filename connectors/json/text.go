package json

import (
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"spark/connectors/internal/value"
)

// text walks over JSON text in memory. It follows RFC 8259 to the letter.
type text struct {
	b []byte
	i int
}

// syntaxError is a place where text is not JSON.
type syntaxError struct {
	at   int
	what string
}

func (e *syntaxError) Error() string { return e.what }

func (t *text) fail(what string) *syntaxError { return &syntaxError{t.i, what} }

// found names what stands at the current place.
func (t *text) found() string {
	if t.i >= len(t.b) {
		return "the end"
	}
	r, _ := utf8.DecodeRune(t.b[t.i:])
	return fmt.Sprintf("%q", r)
}

func (t *text) expected(what string) *syntaxError {
	return t.fail(fmt.Sprintf("%s is expected and %s is found", what, t.found()))
}

func (t *text) skipSpace() {
	for t.i < len(t.b) {
		switch t.b[t.i] {
		case ' ', '\t', '\r', '\n':
			t.i++
		default:
			return
		}
	}
}

// peek is the next octet that is no space, 0 at the end.
func (t *text) peek() byte {
	t.skipSpace()
	if t.i < len(t.b) {
		return t.b[t.i]
	}
	return 0
}

// str passes over a string and returns what stands between its quotes, and whether that has escapes.
func (t *text) str() (raw []byte, escaped bool, err *syntaxError) {
	if t.i >= len(t.b) || t.b[t.i] != '"' {
		return nil, false, t.expected("a text in quotes")
	}
	from := t.i + 1
	for t.i = from; t.i < len(t.b); t.i++ {
		switch c := t.b[t.i]; {
		case c == '"':
			t.i++
			return t.b[from : t.i-1], escaped, nil
		case c == '\\':
			escaped = true
			if err := t.escape(); err != nil {
				return nil, false, err
			}
		case c < ' ':
			return nil, false, t.fail(fmt.Sprintf("a text contains the control character %q, which must be escaped", c))
		}
	}
	return nil, false, t.fail("a text is not closed")
}

// escape stops on the last octet of an escape sequence.
func (t *text) escape() *syntaxError {
	at := t.i
	bad := func() *syntaxError { return &syntaxError{at, "an escape sequence is not one of JSON"} }
	if t.i++; t.i >= len(t.b) {
		return bad()
	}
	switch t.b[t.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
	default:
		return bad()
	}
	u, ok := t.hex4(t.i + 1)
	if !ok {
		return bad()
	}
	t.i += 4
	switch {
	case u >= 0xDC00 && u < 0xE000:
		return &syntaxError{at, "half of a surrogate pair stands alone"}
	case u >= 0xD800 && u < 0xDC00:
		low, ok := rune(0), false
		if t.i+6 < len(t.b) && t.b[t.i+1] == '\\' && t.b[t.i+2] == 'u' {
			low, ok = t.hex4(t.i + 3)
		}
		if !ok || low < 0xDC00 || low > 0xDFFF {
			return &syntaxError{at, "half of a surrogate pair stands alone"}
		}
		t.i += 6
	}
	return nil
}

func (t *text) hex4(from int) (v rune, ok bool) {
	if from+4 > len(t.b) {
		return 0, false
	}
	for _, c := range t.b[from : from+4] {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// number passes over a number.
func (t *text) number() ([]byte, *syntaxError) {
	from := t.i
	if t.at('-') {
		t.i++
	}
	switch {
	case t.at('0'):
		t.i++
	case t.digits() == 0:
		return nil, t.expected("a digit")
	}
	if t.at('.') {
		t.i++
		if t.digits() == 0 {
			return nil, t.expected("a digit after the point")
		}
	}
	if t.at('e') || t.at('E') {
		if t.i++; t.at('+') || t.at('-') {
			t.i++
		}
		if t.digits() == 0 {
			return nil, t.expected("a digit of the exponent")
		}
	}
	return t.b[from:t.i], nil
}

func (t *text) at(c byte) bool { return t.i < len(t.b) && t.b[t.i] == c }

func (t *text) digits() (n int) {
	for t.i < len(t.b) && t.b[t.i]-'0' <= 9 {
		t.i++
		n++
	}
	return n
}

// word passes over true, false or null.
func (t *text) word() (byte, *syntaxError) {
	for _, w := range [...]string{"true", "false", "null"} {
		if len(t.b)-t.i >= len(w) && string(t.b[t.i:t.i+len(w)]) == w {
			t.i += len(w)
			return w[0], nil
		}
	}
	return 0, t.expected("a value")
}

// skip passes over any value. It keeps its own stack, so that hostile nesting cannot exhaust the goroutine's.
func (t *text) skip() *syntaxError {
	var stack []byte
	for {
		c := t.peek()
		var err *syntaxError
		switch {
		case c == '{' || c == '[':
			if len(stack) == value.MaxDepth {
				return t.fail(fmt.Sprintf("values are nested more than %d deep", value.MaxDepth))
			}
			t.i++
			stack = append(stack, c)
			if p := t.peek(); p == c+2 { // closed at once: '{'+2 is '}' and '['+2 is ']'
				t.i++
				stack = stack[:len(stack)-1]
				break
			}
			if c == '{' {
				if err = t.member(); err != nil {
					return err
				}
			}
			continue
		case c == '"':
			_, _, err = t.str()
		case c == '-' || c-'0' <= 9:
			_, err = t.number()
		default:
			_, err = t.word()
		}
		if err != nil {
			return err
		}
		if stack, err = t.afterValue(stack); err != nil || len(stack) == 0 {
			return err
		}
	}
}

// member passes over a member's name and colon.
func (t *text) member() *syntaxError {
	t.skipSpace()
	if _, _, err := t.str(); err != nil {
		return err
	}
	return t.colon()
}

func (t *text) colon() *syntaxError {
	if t.peek() != ':' {
		return t.expected("a colon")
	}
	t.i++
	return nil
}

// afterValue closes what ends here and stops before the next value.
func (t *text) afterValue(stack []byte) ([]byte, *syntaxError) {
	for len(stack) > 0 {
		open := stack[len(stack)-1]
		switch c := t.peek(); c {
		case ',':
			t.i++
			if open == '{' {
				return stack, t.member()
			}
			return stack, nil
		case open + 2:
			t.i++
			stack = stack[:len(stack)-1]
		default:
			return stack, t.expected("a comma or the closing bracket")
		}
	}
	return stack, nil
}

// unquote undoes the escapes of what str returned.
func unquote(dst, raw []byte) []byte {
	quoted := make([]byte, 0, len(raw)+2)
	quoted = append(append(append(quoted, '"'), raw...), '"')
	out, err := jsontext.AppendUnquote(dst, quoted)
	if err != nil {
		return append(dst, raw...) // str has checked the escapes
	}
	return out
}
