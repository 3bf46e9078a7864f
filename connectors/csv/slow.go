package csv

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"spark/connectors/internal/batch"
	"spark/connectors/internal/value"
	"spark/flows"
	"spark/flows/node"
)

// part is one value of a record, between its quotes where it has them.
type part struct {
	s, e    int
	quoted  bool
	escaped bool // contains doubled or escaped quotes
}

// slowRegion reads the records of b[at:end] one by one. It stops at text whose structure cannot be trusted, with p.err
// set, and at a record that has no end.
func (p *parser) slowRegion(at, end int) {
	want := len(p.layout.columns)
	for at < end {
		if next := p.blank(at, want); next > at {
			p.lines++
			at = next
			continue
		}
		parts, next, trouble := p.d.split(p.b, at, p.parts[:0])
		p.parts = parts
		if trouble != nil {
			p.structural(at, trouble)
			return
		}
		if next < 0 {
			if p.block.Last { // only an open quote keeps the last record from ending
				p.structural(at, &breach{code: "csv.unclosed_quote", at: p.openQuote(at)})
			}
			return
		}
		p.record(at, next, parts)
		p.lines += int64(bytes.Count(p.b[at:next], []byte{'\n'}))
		at = next
	}
}

// blank returns the end of a line that is no record: a comment, or an empty line where records have several fields.
func (p *parser) blank(at, want int) int {
	if p.d.comment != 0 && p.b[at] == p.d.comment {
		if n := bytes.IndexByte(p.b[at:], '\n'); n >= 0 {
			return at + n + 1
		}
		return at
	}
	if want == 1 {
		return at
	}
	if n := lineEnd(p.b, at); n > 0 {
		return at + n
	}
	return at
}

// lineEnd is the length of the line end at b[i:], 0 when there is none.
func lineEnd(b []byte, i int) int {
	switch {
	case i < len(b) && b[i] == '\n':
		return 1
	case i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n':
		return 2
	}
	return 0
}

// maxFields bounds the memory that one record takes, whatever its length.
const maxFields = 2_000_000

// breach is a place where the structure of the text breaks.
type breach struct {
	code string
	at   int
}

// split finds the values of the record at b[at:]. next is the start of the next record, -1 when the record has no end.
func (d *dialect) split(b []byte, at int, parts []part) (_ []part, next int, _ *breach) {
	i := at
	for {
		if d.trim {
			i = d.skipBlanks(b, i)
		}
		var f part
		if d.quote != 0 && i < len(b) && b[i] == d.quote {
			if f, i = d.quotedPart(b, i); i < 0 {
				return parts, -1, nil
			}
			if d.trim {
				i = d.skipBlanks(b, i)
			}
			if i == len(b) {
				return parts, -1, nil
			}
			if b[i] != d.delim && lineEnd(b, i) == 0 {
				if b[i] == '\r' && i+1 == len(b) {
					return parts, -1, nil
				}
				return parts, 0, &breach{"csv.text_after_quote", i}
			}
		} else {
			f.s = i
			for i < len(b) && b[i] != d.delim && b[i] != '\n' {
				if b[i] == d.quote && d.quote != 0 {
					return parts, 0, &breach{"csv.bare_quote", i}
				}
				if b[i] == '\r' {
					if i+1 == len(b) {
						return parts, -1, nil
					}
					if b[i+1] == '\n' {
						break
					}
					return parts, 0, &breach{"csv.lone_return", i}
				}
				i++
			}
			if i == len(b) {
				return parts, -1, nil
			}
			f.e = i
			for d.trim && f.e > f.s && d.isBlank(b[f.e-1]) {
				f.e--
			}
		}
		if parts = append(parts, f); len(parts) > maxFields {
			return parts, 0, &breach{"csv.too_many_fields", i}
		}
		if n := lineEnd(b, i); n > 0 && b[i] != d.delim {
			return parts, i + n, nil
		}
		i++
	}
}

func (d *dialect) isBlank(c byte) bool { return (c == ' ' || c == '\t') && c != d.delim }

func (d *dialect) skipBlanks(b []byte, i int) int {
	for i < len(b) && d.isBlank(b[i]) {
		i++
	}
	return i
}

// quotedPart reads the quoted value that opens at b[i] and returns where it is closed, -1 when it is not.
func (d *dialect) quotedPart(b []byte, i int) (part, int) {
	f := part{s: i + 1, quoted: true}
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == d.escape && d.escape != d.quote:
			f.escaped = true
			i++
		case c != d.quote:
		case d.escape == d.quote && i+1 < len(b) && b[i+1] == d.quote:
			f.escaped = true
			i++
		default:
			f.e = i
			return f, i + 1
		}
	}
	return f, -1
}

// openQuote is the position of the quote that the record at b[at:] never closes.
func (p *parser) openQuote(at int) int {
	if n := len(p.parts); n > 0 {
		last := p.parts[n-1]
		at = last.e
		if last.quoted {
			at++
		}
		at = p.d.skipTo(p.b, at)
	}
	if at < len(p.b) {
		if n := bytes.IndexByte(p.b[at:], p.d.quote); n >= 0 {
			return at + n
		}
	}
	return at
}

// skipTo passes over the delimiter after a value.
func (d *dialect) skipTo(b []byte, at int) int {
	if n := bytes.IndexByte(b[at:], d.delim); n >= 0 {
		return at + n + 1
	}
	return at
}

// structural ends the reading: from here on nothing in the file can be trusted.
func (p *parser) structural(record int, t *breach) {
	line := p.lines + int64(bytes.Count(p.b[record:t.at], []byte{'\n'})) + 1
	err := &flows.Error{Code: t.code, Path: flows.Path{Line: line, Record: p.records + 1}}
	p.err = err
	if n := len(p.parts); n < len(p.layout.names) {
		err.Path.Column = p.layout.names[n]
	}
	near := value.Quoted(near(p.b, t.at))
	q := string(rune(p.d.quote))
	switch t.code {
	case "csv.bare_quote":
		err.Message = fmt.Sprintf("a quote stands inside a value that does not begin with one, near %s", near)
		err.Suggestion = fmt.Sprintf("put the whole value between %s and double the %s inside it, or set no quote if the file does not use quotes", q, q)
	case "csv.text_after_quote":
		err.Message = fmt.Sprintf("text follows a closing quote, near %s", near)
		err.Suggestion = fmt.Sprintf("double each %s inside a quoted value, or set the escape character that the file uses", q)
	case "csv.unclosed_quote":
		err.Message = "a quote is opened here and never closed: the rest of the file would be one value"
		err.Suggestion = "close it, or set no quote if the file does not use quotes"
	case "csv.too_many_fields":
		err.Message = fmt.Sprintf("a record has more than %d fields", maxFields)
		err.Suggestion = "check the delimiter and the line ends"
	case "csv.lone_return":
		err.Message = fmt.Sprintf("a carriage return stands without a line feed, near %s", near)
		err.Suggestion = "end lines with LF or CRLF; inside a value a carriage return needs quotes"
	}
}

// near is the text around a place, on its line.
func near(b []byte, at int) []byte {
	from, to := max(0, at-12), min(len(b), at+12)
	if n := bytes.LastIndexByte(b[from:at], '\n'); n >= 0 {
		from += n + 1
	}
	if n := bytes.IndexByte(b[at:to], '\n'); n >= 0 {
		to = at + n
	}
	for from < at && !utf8.RuneStart(b[from]) {
		from++
	}
	for to > at && to < len(b) && !utf8.RuneStart(b[to]) {
		to--
	}
	return b[from:to]
}

// record appends one record, or refuses it.
func (p *parser) record(at, next int, parts []part) {
	p.records++
	end := next - 1
	if end > at && p.b[end-1] == '\r' {
		end--
	}
	l := p.layout
	if n, want := len(parts), len(l.columns); n != want && !(p.d.fill && n < want) {
		p.rejectShape(at, end, n, want)
		return
	}
	for ci, fi := range l.columns {
		if fi < 0 {
			continue
		}
		var f *value.Fault
		if ci < len(parts) {
			f = p.slowValue(parts[ci], fi)
		} else if o := p.ByField[fi]; o >= 0 {
			p.columns[o].AppendNull()
		}
		if f != nil {
			for _, c := range p.columns {
				if c.Len() > p.rows {
					c.Truncate(p.rows)
				}
			}
			p.reject(at, end, p.lines+1, p.records, ci, f)
			return
		}
	}
	p.AppendOrigin(p.columns, p.file.Path, p.records)
	p.rows++
}

func (p *parser) slowValue(f part, fi int) *value.Fault {
	v := p.b[f.s:f.e]
	if f.escaped {
		v = p.unescape(v)
	}
	var col *batch.Column
	if o := p.ByField[fi]; o >= 0 {
		col = p.columns[o]
	}
	if p.d.isNull(v) && !(f.quoted && quotesCount(p.fields[fi].Type.Kind)) {
		if col != nil {
			col.AppendNull()
		}
		return nil
	}
	if col == nil {
		return p.readers[fi].Check(v)
	}
	return p.readers[fi].Append(col, v)
}

func (p *parser) rejectShape(at, end, n, want int) {
	fields := "fields"
	if n == 1 {
		fields = "field"
	}
	p.rejects = append(p.rejects, p.raw(at, end, node.Reject{Code: "csv.fields", File: p.file.Path, Header: p.file.Header, Line: p.lines + 1, Record: p.records,
		Reason: fmt.Sprintf("the record has %d %s and %d are expected", n, fields, want)}))
}

// reject refuses the record b[s:e] for its value of column ci.
func (p *parser) reject(s, e int, line, record int64, ci int, f *value.Fault) {
	p.rejects = append(p.rejects, p.raw(s, p.withoutReturn(s, e), p.refused(line, record, ci, f)))
}

// withoutReturn is the end of the record b[s:e] without the first half of its line end.
func (p *parser) withoutReturn(s, e int) int {
	if e > s && p.b[e-1] == '\r' {
		e--
	}
	return e
}

// refused is the reject for a value of column ci, still without the record.
func (p *parser) refused(line, record int64, ci int, f *value.Fault) node.Reject {
	return node.Reject{Code: "csv." + f.Kind, Reason: f.Reason, Line: line, Record: record, Field: p.fields[p.layout.columns[ci]].Name,
		File: p.file.Path, Header: p.file.Header}
}

// raw adds the record b[s:e] to its reject.
func (p *parser) raw(s, e int, r node.Reject) node.Reject {
	if raw := p.b[s:e]; utf8.Valid(raw) {
		r.Raw = string(raw)
	} else {
		r.RawBytes = append([]byte(nil), raw...)
	}
	return r
}
