package http

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// step is one part of a path into JSON: a member, or with index an element of a list.
type step struct {
	name  string
	index int // -1: a member
}

// parsePath reads a path such as data.items, $.data.items[0] or data["a.b"]. An empty one is the whole answer.
func parsePath(text string) ([]step, error) {
	rest := strings.TrimPrefix(strings.TrimSpace(text), "$")
	var steps []step
	for first := true; rest != ""; first = false {
		switch {
		case rest[0] == '[':
			inside, after, ok := strings.Cut(rest[1:], "]")
			if quote := inside != "" && (inside[0] == '"' || inside[0] == '\''); quote {
				end := strings.IndexByte(rest[2:], rest[1])
				if ok = end >= 0 && strings.HasPrefix(rest[2+end+1:], "]"); ok {
					steps, rest = append(steps, step{rest[2 : 2+end], -1}), rest[2+end+2:]
					continue
				}
			}
			n, err := strconv.Atoi(inside)
			if !ok || err != nil || n < 0 {
				return nil, fmt.Errorf("%q is no element", "["+inside)
			}
			steps, rest = append(steps, step{index: n}), after
			continue
		case rest[0] == '.':
			if rest = rest[1:]; strings.HasPrefix(rest, "[") {
				continue
			}
		case !first:
			return nil, fmt.Errorf("a point is missing before %q", rest)
		}
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			return nil, fmt.Errorf("a name is missing before %q", rest)
		}
		steps, rest = append(steps, step{rest[:end], -1}), rest[end:]
	}
	return steps, nil
}

// place is where a value stands in a text.
type place struct {
	from, to int
	kind     jsontext.Kind
	elements []int // where the elements of a list begin, and behind the last one
}

func decoder(body []byte) *jsontext.Decoder {
	// Strictness about names and characters is the reader's of the records.
	return jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// find finds the value at a path. It reads as far as that value only. Not found: the names that were there instead.
func find(body []byte, path []step, elements bool) (at place, found bool, names []string, err error) {
	d := decoder(body)
	for _, s := range path {
		if found, names, err = enter(d, s); err != nil || !found {
			return at, false, names, err
		}
	}
	at.kind = d.PeekKind()
	if at.kind == 0 {
		_, err = d.ReadToken()
		return at, false, nil, err
	}
	if at.kind != '[' || !elements {
		v, err := d.ReadValue()
		at.to = int(d.InputOffset())
		at.from = at.to - len(v)
		return at, err == nil, nil, err
	}
	if _, err := d.ReadToken(); err != nil {
		return at, false, nil, err
	}
	at.from = int(d.InputOffset()) - 1
	if elements, to, ok := list(body, at.from); ok {
		at.elements, at.to = elements, to
		return at, true, nil, nil
	}
	for d.PeekKind() != ']' {
		if err := d.SkipValue(); err != nil {
			return at, false, nil, err
		}
		at.elements = append(at.elements, int(d.InputOffset()))
	}
	_, err = d.ReadToken()
	at.to = int(d.InputOffset())
	return at, err == nil, nil, err
}

// list finds the end of the list that begins at from, and those of its elements, by its brackets alone: the reader of the
// records says what is wrong inside. It is not ok where the brackets do not fit.
func list(body []byte, from int) (elements []int, to int, ok bool) {
	depth, empty := 0, true
	for i := from; i < len(body); i++ {
		switch body[i] {
		case ' ', '\t', '\r', '\n':
			continue
		case '"':
			if i = closing(body, i); i < 0 {
				return nil, 0, false
			}
		case '[', '{':
			if depth++; depth == 1 {
				continue // is no element
			}
		case ',':
			if depth == 1 {
				elements = append(elements, i)
			}
		case ']', '}':
			if depth--; depth == 0 {
				if !empty {
					elements = append(elements, i)
				}
				return elements, i + 1, body[i] == ']'
			}
		}
		empty = false
	}
	return nil, 0, false
}

// closing is the quote that ends the text that begins at from; -1: none does.
func closing(body []byte, from int) int {
	for i := from + 1; ; i++ {
		n := bytes.IndexByte(body[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		escapes := 0
		for body[i-1-escapes] == '\\' { // ends at the opening quote
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
	}
}

// enter goes into a member or an element.
func enter(d *jsontext.Decoder, s step) (found bool, names []string, err error) {
	open := jsontext.Kind('{')
	if s.index >= 0 {
		open = '['
	}
	if d.PeekKind() != open {
		return false, nil, d.SkipValue()
	}
	if _, err := d.ReadToken(); err != nil {
		return false, nil, err
	}
	for i := 0; d.PeekKind() != '}' && d.PeekKind() != ']'; i++ {
		if open == '{' {
			name, err := d.ReadToken()
			if err != nil {
				return false, nil, err
			}
			text := name.String()
			if text == s.name {
				return true, nil, nil
			}
			names = append(names, text)
		} else if i == s.index {
			return true, nil, nil
		}
		if err := d.SkipValue(); err != nil {
			return false, names, err
		}
	}
	return false, names, nil
}

// whole reports what is wrong with a text as JSON; nil where it is one value.
func whole(body []byte) error {
	d := decoder(body)
	if err := d.SkipValue(); err != nil {
		return err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return fmt.Errorf("text follows behind it")
	}
	return nil
}

// scalar is the value at a path as text; "" where there is none, or null, false or an empty text.
func scalar(body []byte, path []step) (string, error) {
	at, found, _, err := find(body, path, false)
	if err != nil || !found {
		return "", err
	}
	v := body[at.from:at.to]
	switch at.kind {
	case '"':
		text, err := jsontext.AppendUnquote(nil, v)
		return string(text), err
	case '0', 't':
		return string(v), nil
	}
	return "", nil
}
