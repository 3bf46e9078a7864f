package template

import (
	"encoding/json"
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/expr"
)

// JSONOptions say how a template is written.
type JSONOptions struct {
	RemoveNulls bool
	Layout      bool // as the template is laid out; else without white space
}

// JSON returns the expression of the text that a template of JSON makes of a record: [field] stands for a value, inside of
// texts, too. Its error says line and column.
func JSON(s string, fields flows.Schema, o JSONOptions) (string, error) {
	root, err := parse(s, fields)
	if err != nil {
		return "", err
	}
	return writer{fields: fields, removeNulls: o.RemoveNulls, layout: o.Layout}.expr(root, false), nil
}

// Record returns the expression of the text of a record as a JSON object with all fields.
func Record(fields flows.Schema) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = quote(jsonText(f.Name)+":") + " || coalesce(" + valueOf(f) + ", 'null')"
	}
	return "'{' || " + strings.Join(parts, " || ',' || ") + " || '}'"
}

// part is a value of a template: a literal, a field, a text, a list or an object.
type part struct {
	raw    string  // of a literal, as it is written
	field  string  // that is referred to
	text   []piece // of a text with fields in it
	items  []item  // of a list or an object
	kind   byte    // r, f, t, [ or {
	before string  // white space before the closing bracket
}

// piece is a part of a text: as it is, or a field.
type piece struct{ plain, field string }

// item is an element or a member.
type item struct {
	layout string // white space before it
	key    string // as it is written, quotes included, with the white space around its colon
	name   string // of the key
	value  part
}

// maxDepth bounds nested lists and objects of a template.
const maxDepth = 100

// reader reads a template: JSON in which [field] stands for a value, inside of texts, too. [[ in a text is a bracket.
type reader struct {
	s      string
	i      int
	fields flows.Schema
	err    error
}

// parse reads a template; its error says line and column.
func parse(s string, fields flows.Schema) (part, error) {
	r := &reader{s: s, fields: fields}
	r.space()
	p := r.value(0)
	r.space()
	if r.err == nil && r.i < len(s) {
		r.fail("more follows behind the value")
	}
	return p, r.err
}

func (r *reader) fail(format string, a ...any) part {
	if r.err == nil {
		before := r.s[:min(r.i, len(r.s))]
		line := strings.Count(before, "\n") + 1
		column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
		r.err = fmt.Errorf("line %d, column %d: %s", line, column, fmt.Sprintf(format, a...))
	}
	r.i = len(r.s)
	return part{}
}

func (r *reader) space() string {
	from := r.i
	for r.i < len(r.s) && strings.IndexByte(" \t\r\n", r.s[r.i]) >= 0 {
		r.i++
	}
	return r.s[from:r.i]
}

func (r *reader) take(c byte) bool {
	if r.i < len(r.s) && r.s[r.i] == c {
		r.i++
		return true
	}
	return false
}

func (r *reader) value(depth int) part {
	switch {
	case r.err != nil:
		return part{}
	case depth > maxDepth:
		return r.fail("values are nested more than %d deep", maxDepth)
	case r.i == len(r.s):
		return r.fail("a value is missing")
	}
	switch r.s[r.i] {
	case '{':
		return r.object(depth)
	case '[':
		if name, n := r.reference(); n > 0 {
			return r.field(name, n)
		}
		return r.list(depth)
	case '"':
		return r.text()
	}
	from := r.i
	for r.i < len(r.s) && strings.IndexByte(" \t\r\n,:]}[{\"", r.s[r.i]) < 0 {
		r.i++
	}
	raw := r.s[from:r.i]
	if !json.Valid([]byte(raw)) {
		r.i = from
		if raw == "" {
			return r.fail("%q stands where a value is expected", r.s[from:from+1])
		}
		return r.fail("%q is no value; write a text in quotes, or [%s] for a field", raw, raw)
	}
	return part{kind: 'r', raw: raw}
}

// reference looks whether a field's name stands in the brackets that begin here, and returns its length with them. What
// cannot be JSON is meant to be one.
func (r *reader) reference() (name string, length int) {
	end := strings.IndexByte(r.s[r.i:], ']')
	if end < 0 {
		return "", 0
	}
	name = r.s[r.i+1 : r.i+end]
	if strings.ContainsAny(name, "[{}\"\n") || strings.TrimSpace(name) == "" {
		return "", 0
	}
	if _, is := r.fields.Find(name); !is && json.Valid([]byte("["+name+"]")) {
		return "", 0
	}
	if strings.Contains(name, ",") && r.fields.Index(name) < 0 {
		return "", 0
	}
	return name, end + 1
}

func (r *reader) field(name string, length int) part {
	if _, is := r.fields.Find(name); !is {
		r.i++
		hint := flows.DidYouMean(name, r.fields.Names())
		if hint != "" {
			hint = "; " + hint
		}
		return r.fail("there is no field %q at the input%s", name, hint)
	}
	r.i += length
	return part{kind: 'f', field: name}
}

// text reads a string with the fields in it.
func (r *reader) text() part {
	var pieces []piece
	var plain strings.Builder
	flush := func(raw string) bool {
		var s string
		if err := json.Unmarshal([]byte(`"`+raw+`"`), &s); err != nil || strings.ContainsRune(s, 0) {
			return false
		}
		if s != "" {
			pieces = append(pieces, piece{plain: s})
		}
		plain.Reset()
		return true
	}
	from := r.i
	for r.i++; r.i < len(r.s) && r.err == nil; {
		switch c := r.s[r.i]; {
		case c == '"':
			if !flush(plain.String()) {
				r.i = from
				return r.fail("the text has an escape or a character that JSON has not")
			}
			r.i++
			return part{kind: 't', text: pieces}
		case c == '\\' && r.i+1 < len(r.s):
			plain.WriteString(r.s[r.i : r.i+2])
			r.i += 2
		case strings.HasPrefix(r.s[r.i:], "[["):
			plain.WriteByte('[')
			r.i += 2
		case c == '[':
			end := strings.IndexAny(r.s[r.i:], "]\"")
			if end < 0 || r.s[r.i+end] != ']' {
				return r.fail("the bracket is not closed; write [[ for a bracket in a text")
			}
			if !flush(plain.String()) {
				return r.fail("the text before has an escape or a character that JSON has not")
			}
			p := r.field(r.s[r.i+1:r.i+end], end+1)
			pieces = append(pieces, piece{field: p.field})
		default:
			plain.WriteByte(c)
			r.i++
		}
	}
	if r.err == nil {
		r.i = from
	}
	return r.fail("the text is not closed")
}

func (r *reader) list(depth int) part {
	r.i++
	p := part{kind: '['}
	for {
		layout := r.space()
		if len(p.items) == 0 && r.take(']') {
			p.before = layout
			return p
		}
		p.items = append(p.items, item{layout: layout, value: r.value(depth + 1)})
		if p.before = r.space(); r.take(']') || r.err != nil {
			return p
		}
		if !r.take(',') {
			return r.fail("a comma or ] is expected")
		}
	}
}

func (r *reader) object(depth int) part {
	r.i++
	p := part{kind: '{'}
	seen := map[string]bool{}
	for {
		layout := r.space()
		if len(p.items) == 0 && r.take('}') {
			p.before = layout
			return p
		}
		it := item{layout: layout}
		from := r.i
		if r.i == len(r.s) || r.s[r.i] != '"' {
			return r.fail("a key in double quotes is expected")
		}
		key := r.text()
		if r.err != nil {
			return p
		}
		for _, piece := range key.text {
			if it.name += piece.plain; piece.field != "" {
				r.i = from
				return r.fail("a key cannot be a field; write [[ for a bracket in a key")
			}
		}
		if seen[it.name] {
			r.i = from
			return r.fail("the key %q is there twice", it.name)
		}
		seen[it.name] = true
		gap := r.space()
		if !r.take(':') {
			return r.fail("a colon is expected behind the key")
		}
		it.key = jsonText(it.name) + gap + ":" + r.space()
		it.value = r.value(depth + 1)
		p.items = append(p.items, it)
		if p.before = r.space(); r.take('}') || r.err != nil {
			return p
		}
		if !r.take(',') {
			return r.fail("a comma or } is expected")
		}
	}
}

// Quoted is a text as JSON.
func Quoted(s string) string { return jsonText(s) }

func jsonText(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a text can be written
	return strings.TrimRight(b.String(), "\n")
}

// writer writes a template as an expression of its text.
type writer struct {
	fields      flows.Schema
	removeNulls bool
	layout      bool // as the template is laid out; else without white space
}

// expr is the expression of the text of a value. nulls: null where the value is null, so that it can be left out.
func (w writer) expr(p part, nulls bool) string {
	switch p.kind {
	case 'r':
		if nulls && p.raw == "null" {
			return "cast(null as text)"
		}
		return quote(p.raw)
	case 'f':
		f, _ := w.fields.Find(p.field)
		if nulls {
			return valueOf(f)
		}
		return "coalesce(" + valueOf(f) + ", 'null')"
	case 't':
		parts := []string{"''"}
		for _, piece := range p.text {
			if piece.field == "" {
				parts = append(parts, quote(piece.plain))
				continue
			}
			f, _ := w.fields.Find(piece.field)
			parts = append(parts, "coalesce("+TextOf(f)+", '')")
		}
		return "cast(to_json(" + strings.Join(parts, " || ") + ") as text)"
	}
	return w.items(p)
}

func (w writer) items(p part) string {
	end := "]"
	if p.kind == '{' {
		end = "}"
	}
	if w.layout {
		end = p.before + end
	}
	if len(p.items) == 0 {
		return quote(string(p.kind) + end)
	}
	leave := w.removeNulls && p.kind == '{'
	list := make([]string, len(p.items))
	for i, it := range p.items {
		before := jsonText(it.name) + ":"
		if p.kind == '[' {
			before = ""
		}
		if w.layout {
			before = it.layout + it.key
		}
		list[i] = quote(before) + " || " + w.expr(it.value, leave)
	}
	if leave {
		return quote(string(p.kind)) + " || coalesce(list_join(list(" + strings.Join(list, ", ") + "), ','), '') || " + quote(end)
	}
	return quote(string(p.kind)) + " || " + strings.Join(list, " || ',' || ") + " || " + quote(end)
}

// valueOf is the expression of a field's value as the text of JSON; null where it is null.
func valueOf(f flows.Field) string {
	name := expr.FieldName(f.Name)
	switch f.Type.Kind {
	case flows.JSON:
		return "cast(" + name + " as text)"
	case flows.Bytes, flows.Timestamp, flows.TimestampTZ:
		return "cast(to_json(" + TextOf(f) + ") as text)"
	}
	return "cast(to_json(" + name + ") as text)"
}

// TextOf is the expression of a field's value as text: dates and times as in ISO 8601, bytes as base64.
func TextOf(f flows.Field) string {
	name := expr.FieldName(f.Name)
	switch f.Type.Kind {
	case flows.Text:
		return name
	case flows.Bytes:
		return "encode_base64(" + name + ")"
	case flows.Timestamp, flows.TimestampTZ:
		return "replace(cast(" + name + " as text), ' ', 'T')"
	case flows.List, flows.Struct:
		return "cast(to_json(" + name + ") as text)"
	}
	return "cast(" + name + " as text)"
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
