package jsonedit

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"spark/flows/expr"
)

// path is where something stands, and how the settings write it.
type path struct {
	text  string
	steps []expr.Step
}

// step is a change that has been checked.
type step struct {
	do       string
	from, to path
	name     string
	value    int // argument of what is set
	strict   bool
}

// editing changes the JSON in the first argument; the others are what is set.
func editing(steps []step) *expr.Native {
	return &expr.Native{Name: "json_edit", Call: func(dst []byte, args []string) ([]byte, error) {
		root := &part{raw: args[0]}
		if err := check(args[0]); err != nil {
			return dst, err
		}
		for _, s := range steps {
			if err := s.apply(root, args); err != nil {
				return dst, err
			}
		}
		return root.write(dst), nil
	}}
}

// check reads a whole text, so that parts of it can be taken for JSON.
func check(text string) error {
	if jsontext.Value(text).IsValid() {
		return nil
	}
	dec := jsontext.NewDecoder(strings.NewReader(text)) // which says why
	_, err := dec.ReadValue()
	if err == nil {
		if _, err = dec.ReadToken(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return errors.New("an object has a member twice")
	}
	return errors.New("it is no JSON")
}

// part is a value. It stays as it is written until something in it changes: then it is open, and members are what it holds.
type part struct {
	raw     string
	open    bool
	kind    byte // of an open one: { or [
	members []member
}

type member struct {
	name  string // of an object's
	quote string // the name as it is written
	value part
}

func (p *part) is() byte {
	if p.open {
		return p.kind
	}
	if text := strings.TrimLeft(p.raw, " \t\r\n"); text != "" {
		return text[0]
	}
	return 'n'
}

// expand opens an object or a list; false for anything else. The text has been checked.
func (p *part) expand() bool {
	if p.open {
		return true
	}
	kind := p.is()
	if kind != '{' && kind != '[' {
		return false
	}
	p.open, p.kind = true, kind
	p.members = make([]member, 0, 8)
	next := func(at int) int { return skip(p.raw, at, " \t\r\n:,") }
	for i := next(strings.IndexByte(p.raw, kind) + 1); p.raw[i] != kind+2; i = next(i) {
		var m member
		if kind == '{' {
			end := valueEnd(p.raw, i)
			m.quote = p.raw[i:end]
			m.name = m.quote[1 : len(m.quote)-1]
			if strings.Contains(m.name, `\`) {
				name, _ := jsontext.AppendUnquote(nil, m.quote)
				m.name = string(name)
			}
			i = next(end)
		}
		end := valueEnd(p.raw, i)
		m.value.raw = p.raw[i:end]
		p.members = append(p.members, m)
		i = end
	}
	return true
}

// skip returns the first place from i on that has none of these characters.
func skip(s string, i int, these string) int {
	for strings.IndexByte(these, s[i]) >= 0 {
		i++
	}
	return i
}

// valueEnd returns where the value ends that begins at i, in text that has been checked.
func valueEnd(s string, i int) int {
	if s[i] != '"' && s[i] != '{' && s[i] != '[' {
		if n := strings.IndexAny(s[i:], ",]} \t\r\n"); n >= 0 {
			return i + n
		}
		return len(s)
	}
	for depth := 0; ; i++ {
		switch s[i] {
		case '"':
			for i++; s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth == 0 && (s[i] == '"' || s[i] == '}' || s[i] == ']') {
			return i + 1
		}
	}
}

// find returns the place of a step in an open part, -1 where it is not there.
func (p *part) find(s expr.Step) int {
	if s.Key == nil {
		if p.kind == '[' && s.Index < len(p.members) {
			return s.Index
		}
		return -1
	}
	if p.kind != '{' {
		return -1
	}
	return slices.IndexFunc(p.members, func(m member) bool { return m.name == *s.Key })
}

// holder returns what holds the last step of a path, opened, and the place in it; nil where something is missing.
func (p *part) holder(at path) (*part, int) {
	for i, s := range at.steps {
		if !p.expand() {
			return nil, -1
		}
		k := p.find(s)
		if k < 0 {
			return nil, -1
		}
		if i == len(at.steps)-1 {
			return p, k
		}
		p = &p.members[k].value
	}
	return nil, -1
}

// put sets the value at a path and makes what is missing on it.
func (p *part) put(at path, v part) error {
	for i, s := range at.steps {
		want := byte('{')
		if s.Key == nil {
			want = '['
		}
		if p.is() == 'n' {
			*p = part{open: true, kind: want}
		}
		if !p.expand() || p.kind != want {
			return fmt.Errorf("%s cannot be set: what stands before step %d of it is %s", at.text, i+1, kinds[p.is()])
		}
		k := p.find(s)
		if k < 0 && s.Key == nil && s.Index > len(p.members) {
			return fmt.Errorf("%s cannot be set: the list has %d elements", at.text, len(p.members))
		}
		if k < 0 {
			m := member{value: part{raw: "null"}}
			if s.Key != nil {
				quoted, err := jsontext.AppendQuote(nil, *s.Key)
				if err != nil {
					return fmt.Errorf("%s cannot be set: its name is no UTF-8", at.text)
				}
				m.name, m.quote = *s.Key, string(quoted)
			}
			k = len(p.members)
			p.members = append(p.members, m)
		}
		p = &p.members[k].value
	}
	*p = v
	return nil
}

// kinds name values by the character that they begin with; all others are numbers.
var kinds = func() (names [256]string) {
	for i := range names {
		names[i] = "a number"
	}
	names['{'], names['['], names['"'], names['t'], names['f'] = "an object", "a list", "a text", "true", "false"
	return names
}()

func (s step) apply(root *part, args []string) error {
	if s.do == "set" {
		return root.put(s.from, part{raw: args[s.value]})
	}
	holder, at := root.holder(s.from)
	if holder == nil {
		if s.strict {
			return fmt.Errorf("%s is missing", s.from.text)
		}
		return nil
	}
	m := &holder.members[at]
	switch s.do {
	case "rename":
		if other := holder.find(expr.Step{Key: &s.name}); other >= 0 && other != at {
			return fmt.Errorf("%s cannot be renamed: there is a member %q already", s.from.text, s.name)
		}
		quoted, err := jsontext.AppendQuote(nil, s.name)
		if err != nil {
			return fmt.Errorf("%s cannot be renamed: the name is no UTF-8", s.from.text)
		}
		m.name, m.quote = s.name, string(quoted)
		return nil
	case "move":
		moved := m.value
		holder.members = slices.Delete(holder.members, at, at+1)
		return root.put(s.to, moved)
	}
	holder.members = slices.Delete(holder.members, at, at+1)
	return nil
}

// write appends what has not changed as it is written, and no white space around the members of the rest.
func (p *part) write(dst []byte) []byte {
	if !p.open {
		return append(dst, p.raw...)
	}
	dst = append(dst, p.kind)
	for i, m := range p.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		if p.kind == '{' {
			dst = append(append(dst, m.quote...), ':')
		}
		dst = m.value.write(dst)
	}
	return append(dst, p.kind+2) // } and ] stand two behind { and [
}
