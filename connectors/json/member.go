package json

import (
	"bytes"
	"fmt"

	"spark/connectors/internal/batch"
	"spark/connectors/internal/value"
	"spark/flows"
)

// Errors that a value or an object can have: *syntaxError where the text is not JSON, *fault where a value does not fit.
type fault struct {
	kind   string
	reason string
	field  string
}

func (f *fault) Error() string { return f.reason }

// object says which members an object has: a record or a value of a struct type.
type object struct {
	names   []string // in the file
	labels  []string // in sentences
	index   map[string]int
	readers []reader
}

// reader reads one member into a column.
type reader struct {
	typ   flows.Type
	plain *value.Reader // of types without parts
	elem  *reader       // of lists
	sub   *object       // of structs
}

func newReader(t flows.Type, format, zone string) (*reader, error) {
	r := &reader{typ: t}
	switch t.Kind {
	case flows.List:
		elem, err := newReader(*t.Elem, format, zone)
		r.elem = elem
		return r, err
	case flows.Struct:
		r.sub = &object{index: map[string]int{}}
		for _, f := range t.Fields {
			m, err := newReader(f.Type, "", "")
			if err != nil {
				return nil, err
			}
			r.sub.add(f.Name, f.Name, *m)
		}
		return r, nil
	}
	plain, err := value.New(t, format, zone, value.Options{Exponent: true})
	r.plain = plain
	return r, err
}

func (o *object) add(name, label string, r reader) {
	o.index[name] = len(o.names)
	o.names, o.labels = append(o.names, name), append(o.labels, label)
	o.readers = append(o.readers, r)
}

// clone is for another goroutine.
func (r reader) clone() reader {
	if r.plain != nil {
		r.plain = r.plain.Clone()
	}
	if r.elem != nil {
		e := r.elem.clone()
		r.elem = &e
	}
	if r.sub != nil {
		r.sub = r.sub.clone()
	}
	return r
}

func (o *object) clone() *object {
	c := &object{names: o.names, labels: o.labels, index: o.index}
	for _, r := range o.readers {
		c.readers = append(c.readers, r.clone())
	}
	return c
}

// read appends the members of the object at t to the columns, null for those that are missing.
func (o *object) read(t *text, column func(i int) *batch.Column) error {
	if t.peek() != '{' {
		return t.notA("an object")
	}
	t.i++
	seen := make([]bool, 64)[:len(o.names):64]
	if len(o.names) > 64 {
		seen = make([]bool, len(o.names))
	}
	var others seenNames
	for next, first := 0, true; ; first = false {
		c := t.peek()
		if c == '}' && first {
			break
		}
		raw, escaped, serr := t.str()
		if serr != nil {
			return serr
		}
		if serr := t.colon(); serr != nil {
			return serr
		}
		at, known := o.find(&next, raw, escaped)
		if known && seen[at] || !known && others.add(raw, escaped) {
			return &fault{kind: "duplicate", reason: fmt.Sprintf("the member %s occurs twice in one object", value.Quoted(raw))}
		}
		t.skipSpace()
		if !known {
			if serr := t.skip(); serr != nil {
				return serr
			}
		} else {
			seen[at] = true
			if err := o.readers[at].read(t, column(at)); err != nil {
				if f, ok := err.(*fault); ok {
					f.field = join(o.labels[at], f.field)
				}
				return err
			}
		}
		if c = t.peek(); c == '}' {
			break
		} else if c != ',' {
			return t.expected("a comma or the closing brace")
		}
		t.i++
		t.skipSpace()
	}
	t.i++
	for i, s := range seen {
		if !s {
			column(i).AppendNull()
		}
	}
	return nil
}

func join(name, rest string) string {
	if rest == "" || rest[0] == '[' {
		return name + rest
	}
	return name + "." + rest
}

// find looks a member up. Members mostly come in the order of the fields, which next follows.
func (o *object) find(next *int, raw []byte, escaped bool) (int, bool) {
	if escaped {
		raw = unquote(nil, raw)
	}
	if n := *next; n < len(o.names) && string(raw) == o.names[n] {
		*next = n + 1
		return n, true
	}
	at, ok := o.index[string(raw)]
	if ok {
		*next = at + 1
	}
	return at, ok
}

// seenNames are members that nobody declared. They are kept only to see that none occurs twice.
type seenNames struct {
	few  [][]byte
	many map[string]bool
}

// add reports whether the name is there already.
func (n *seenNames) add(raw []byte, escaped bool) bool {
	if escaped {
		raw = unquote(nil, raw)
	}
	if n.many != nil {
		there := n.many[string(raw)]
		n.many[string(raw)] = true
		return there
	}
	for _, f := range n.few {
		if bytes.Equal(f, raw) {
			return true
		}
	}
	if n.few = append(n.few, raw); len(n.few) > 24 {
		n.many = map[string]bool{}
		for _, f := range n.few {
			n.many[string(f)] = true
		}
	}
	return false
}

// notA is the error for a value of another kind, or for text that is no value.
func (t *text) notA(what string) error {
	c := t.peek()
	kind := ""
	switch {
	case c == '"':
		kind = "a text"
	case c == '{':
		kind = "an object"
	case c == '[':
		kind = "a list"
	case c == '-' || c-'0' <= 9:
		kind = "a number"
	}
	from := t.i
	if err := t.skip(); err != nil {
		return err
	}
	if kind == "" {
		kind = string(t.b[from:t.i])
	}
	return &fault{kind: "type", reason: fmt.Sprintf("%s is %s and not %s", value.Quoted(t.b[from:t.i]), kind, what)}
}

// read appends the value at t, which stands on its first octet.
func (r *reader) read(t *text, c *batch.Column) error {
	if t.at('n') {
		if _, err := t.word(); err != nil {
			return err
		}
		c.AppendNull()
		return nil
	}
	switch r.typ.Kind {
	case flows.List:
		return r.list(t, c)
	case flows.Struct:
		if err := r.sub.read(t, c.Child); err != nil {
			return err
		}
		c.EndNested()
		return nil
	case flows.JSON:
		from := t.i
		if err := t.skip(); err != nil {
			return err
		}
		return r.value(c, t.b[from:t.i])
	case flows.Boolean:
		if !t.at('t') && !t.at('f') {
			return t.notA("true or false")
		}
		w, err := t.word()
		if err != nil {
			return err
		}
		c.AppendBool(w == 't')
		return nil
	}
	number := t.at('-') || t.i < len(t.b) && t.b[t.i]-'0' <= 9
	if number && (r.typ.IsNumeric() || r.typ.Kind == flows.Text) {
		raw, err := t.number()
		if err != nil {
			return err
		}
		return r.value(c, raw)
	}
	if r.typ.IsNumeric() {
		return t.notA("a number")
	}
	if !t.at('"') {
		return t.notA("a text")
	}
	raw, escaped, err := t.str()
	if err != nil {
		return err
	}
	if escaped {
		raw = unquote(nil, raw)
	}
	return r.value(c, raw)
}

func (r *reader) value(c *batch.Column, b []byte) error {
	if f := r.plain.Append(c, b); f != nil {
		return &fault{kind: f.Kind, reason: f.Reason}
	}
	return nil
}

func (r *reader) list(t *text, c *batch.Column) error {
	if !t.at('[') {
		return t.notA("a list")
	}
	t.i++
	child := c.Child(0)
	for n := 0; ; n++ {
		if p := t.peek(); p == ']' && n == 0 {
			break
		}
		if err := r.elem.read(t, child); err != nil {
			if f, ok := err.(*fault); ok {
				f.field = join(fmt.Sprintf("[%d]", n), f.field)
			}
			return err
		}
		if p := t.peek(); p == ']' {
			break
		} else if p != ',' {
			return t.expected("a comma or the closing bracket")
		}
		t.i++
	}
	t.i++
	c.EndNested()
	return nil
}
