package json

import (
	"bytes"
	"fmt"

	"spark/connectors/internal/infer"
	"spark/connectors/internal/scan"
	"spark/connectors/internal/value"
	"spark/flows"
	"spark/flows/node"
)

const (
	sniffRecords = 10_000
	sniffShown   = 20
	sniffDepth   = 4 // of lists and objects that become types; below that a value stays json
	sniffMembers = 200
)

func sniffLines(f node.File, name string) (node.Proposal, error) { return sniff(f, name, "jsonl") }

func sniffArray(f node.File, name string) (node.Proposal, error) { return sniff(f, name, "json") }

// sniff proposes how to read a file of JSON lines or JSON.
func sniff(f node.File, name, format string) (node.Proposal, error) {
	sample, err := scan.Look(f, name)
	if err != nil {
		return node.Proposal{}, err
	}
	p := node.Proposal{Format: format, Notes: sample.Notes, Fields: []node.FileField{}}
	root := &shapes{}
	texts := [][]byte{sample.Head}
	if format == "jsonl" {
		texts = append(texts, sample.Parts...)
	}
	bad := 0
	for i, b := range texts {
		whole := i > 0 || sample.Whole
		each(b, format, whole, func(raw []byte) bool {
			t := text{b: raw}
			if err := root.add(&t, 0); err != nil {
				bad++
				return format == "jsonl" && p.Sampled < sniffRecords
			}
			p.Sampled++
			return p.Sampled < sniffRecords
		})
	}
	if bad > 0 && format == "jsonl" {
		p.Notes = append(p.Notes, fmt.Sprintf("%d of the lines looked at are not JSON.", bad))
	}
	if len(root.order) == 0 {
		return p, &flows.Error{Code: "json.top", Path: flows.Path{File: name}, Message: "no object can be told apart in the file",
			Suggestion: "a JSON file is a list of objects or one object, a file of JSON lines has one object per line"}
	}
	for _, m := range root.order {
		t, dateFormat, notes := root.members[m].propose(m, 1)
		p.Fields = append(p.Fields, node.FileField{Name: m, Type: t, Format: dateFormat})
		p.Notes = append(p.Notes, notes...)
	}
	p.Sample = shown(sample, format, root.order)
	return p, nil
}

// each calls do with every record of a sample until it returns false.
func each(b []byte, format string, whole bool, do func(raw []byte) bool) {
	if format == "jsonl" {
		for len(b) > 0 {
			line, rest, more := bytes.Cut(b, []byte("\n"))
			if !more && !whole {
				return
			}
			b = rest
			if line = bytes.TrimSpace(line); len(line) > 0 && !do(line) {
				return
			}
		}
		return
	}
	t := text{b: b}
	if t.peek() == '[' {
		t.i++
	}
	for t.peek() == '{' {
		from := t.i
		if t.skip() != nil || !do(b[from:t.i]) || t.peek() != ',' {
			return
		}
		t.i++
	}
}

// shown are the first records as texts.
func shown(sample *scan.Sample, format string, names []string) (rows [][]string) {
	each(sample.Head, format, sample.Whole, func(raw []byte) bool {
		row := make([]string, len(names))
		t := text{b: raw}
		err := t.members(func(name string, v []byte) {
			for i, n := range names {
				if n == name {
					row[i] = string(v)
					if len(v) > 0 && v[0] == '"' {
						row[i] = string(unquote(nil, v[1:len(v)-1]))
					}
				}
			}
		})
		if err == nil {
			rows = append(rows, row)
		}
		return len(rows) < sniffShown
	})
	return rows
}

// members calls do with every member of the object at t.
func (t *text) members(do func(name string, v []byte)) *syntaxError {
	if t.peek() != '{' {
		return t.expected("an object")
	}
	t.i++
	for t.peek() != '}' {
		raw, _, err := t.str()
		if err == nil {
			err = t.colon()
		}
		if err != nil {
			return err
		}
		t.skipSpace()
		from := t.i
		if err = t.skip(); err != nil {
			return err
		}
		do(string(unquote(nil, raw)), t.b[from:t.i])
		switch t.peek() {
		case ',':
			t.i++
			t.skipSpace()
		case '}':
		default:
			return t.expected("a comma or the closing brace")
		}
	}
	t.i++
	return nil
}

// shapes are the kinds of values that one member had.
type shapes struct {
	texts, numbers *infer.Column
	booleans       int
	nulls          int
	objects        int
	members        map[string]*shapes
	order          []string
	lists          int
	elems          *shapes
}

func (s *shapes) add(t *text, depth int) *syntaxError {
	c := t.peek()
	from := t.i
	if c != '{' || depth > 0 {
		if err := t.skip(); err != nil {
			return err
		}
	}
	v := t.b[from:t.i]
	switch {
	case c == '{':
		return s.addObject(&text{b: t.b[from:]}, depth)
	case depth == 0:
		return t.expected("an object")
	case c == '[':
		s.lists++
		if s.elems == nil {
			s.elems = &shapes{}
		}
		if depth <= sniffDepth {
			s.addElements(v, depth)
		}
	case c == '"':
		if s.texts == nil {
			s.texts = infer.New("", value.Options{})
		}
		s.texts.Add(unquote(nil, v[1:len(v)-1]))
	case c == 't' || c == 'f':
		s.booleans++
	case c == 'n':
		s.nulls++
	default:
		if s.numbers == nil {
			s.numbers = infer.New("", value.Options{})
		}
		s.numbers.Add(v)
	}
	return nil
}

func (s *shapes) addObject(t *text, depth int) *syntaxError {
	if s.objects++; s.members == nil {
		s.members = map[string]*shapes{}
	}
	if depth > sniffDepth {
		return nil
	}
	return t.members(func(name string, v []byte) {
		m := s.members[name]
		if m == nil {
			if len(s.order) == sniffMembers && depth > 0 {
				return
			}
			m = &shapes{}
			s.members[name] = m
			s.order = append(s.order, name)
		}
		_ = m.add(&text{b: v}, depth+1) // v was passed over, so it is JSON
	})
}

func (s *shapes) addElements(v []byte, depth int) {
	t := text{b: v, i: 1}
	for n := 0; t.peek() != ']' && n < 1000; n++ {
		if s.elems.add(&t, depth+1) != nil {
			return
		}
		if t.peek() == ',' {
			t.i++
		}
	}
}

// kinds is how many different kinds of values there were, null apart.
func (s *shapes) kinds() (n int) {
	for _, there := range []bool{s.texts != nil, s.numbers != nil, s.booleans > 0, s.objects > 0, s.lists > 0} {
		if there {
			n++
		}
	}
	return n
}

// propose returns the type that all values fit.
func (s *shapes) propose(name string, depth int) (t flows.Type, format string, notes []string) {
	json := flows.Of(flows.JSON)
	switch {
	case s.kinds() == 0:
		return flows.Of(flows.Text), "", []string{name + ": the sample holds no value, so nothing is known of its type."}
	case s.kinds() > 1:
		return json, "", []string{name + ": the values are of several kinds, so they stay json."}
	case s.booleans > 0:
		return flows.Of(flows.Boolean), "", nil
	case s.numbers != nil:
		s.numbers.Name = name
		return s.numbers.Propose()
	case s.texts != nil:
		s.texts.Name = name
		t, format, notes := s.texts.Propose()
		if !t.IsTemporal() && t.Kind != flows.UUID { // "12" and "true" are texts here
			if t.Kind != flows.Text || s.texts.Numeric() {
				notes = nil
			}
			t = flows.Of(flows.Text)
		}
		return t, format, notes
	case depth > sniffDepth:
		return json, "", nil
	case s.lists > 0:
		elem, format, notes := s.elems.propose(name+"[]", depth+1)
		if format != "" { // a format is of a field, not of its parts
			elem, notes = flows.Of(flows.Text), nil
		}
		return flows.ListOf(elem), "", notes
	}
	if len(s.order) == 0 || len(s.order) == sniffMembers {
		return json, "", nil
	}
	var fields []flows.Field
	for _, m := range s.order {
		ft, format, more := s.members[m].propose(name+"."+m, depth+1)
		if format != "" {
			ft, more = flows.Of(flows.Text), nil
		}
		fields = append(fields, flows.Field{Name: m, Type: ft})
		notes = append(notes, more...)
	}
	return flows.StructOf(fields...), "", notes
}
