package json

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"spark/connectors/internal/batch"
	"spark/connectors/internal/reading"
	"spark/connectors/internal/scan"
	"spark/connectors/internal/value"
	"spark/flows"
	"spark/flows/node"
)

// parser turns blocks into columns.
type parser struct {
	*plan
	record *object
	spare  []*batch.Column // per field: where values go that nobody wants
	free   func([]byte)

	// of the block
	t       text
	block   *scan.Block
	file    *reading.File
	columns []*batch.Column
	rows    int
	records int64
	lines   int64
	counted int // lines are counted up to here
	rejects []node.Reject
	odd     bool // not UTF-8 somewhere
}

func (p *plan) newParser(free func([]byte)) *parser {
	w := &parser{plan: p, record: p.source.record.clone(), free: free}
	for i, f := range p.scan.Fields {
		w.spare = append(w.spare, nil)
		if p.ByField[i] < 0 {
			w.spare[i] = batch.NewColumn(node.ArrowType(f.Type))
		}
	}
	return w
}

// close frees what the parser kept.
func (p *parser) close() {
	for _, c := range p.spare {
		if c != nil {
			c.Release()
		}
	}
}

func (p *parser) column(i int) *batch.Column {
	if o := p.ByField[i]; o >= 0 {
		return p.columns[o]
	}
	return p.spare[i]
}

// parse is the worker's job.
func (p *parser) parse(j reading.Job) *reading.Result {
	p.t = text{b: j.Block.Data}
	p.block, p.file = &j.Block, j.File
	p.rows, p.records, p.lines, p.counted, p.rejects = 0, 0, 0, 0, nil
	p.odd = !utf8.Valid(p.t.b)
	p.columns = p.NewColumns(0)
	var err error
	switch j.File.Meta.(shape) {
	case lines:
		err = p.parseLines()
	case array:
		err = p.parseElements()
	default:
		err = p.parseSingle()
	}
	p.countLines(len(p.t.b))
	p.free(j.Block.Data)
	return &reading.Result{File: p.file, Columns: p.columns, Rows: p.rows, Records: p.records, Lines: p.lines, Rejects: p.rejects, Err: err}
}

// countLines counts the line ends up to a place.
func (p *parser) countLines(to int) {
	p.lines += int64(bytes.Count(p.t.b[p.counted:to], []byte{'\n'}))
	p.counted = to
}

func (p *parser) parseLines() error {
	b := p.t.b
	for at := 0; at < len(b); {
		end := bytes.IndexByte(b[at:], '\n')
		if end < 0 && !p.block.Last {
			return p.Tail(p.block, "json.record_too_long", p.lines+1, p.records+1)
		}
		if end < 0 {
			end = len(b) - at
		}
		line := b[at : at+end]
		p.countLines(at)
		at = min(at+end+1, len(b))
		if line = bytes.TrimSpace(line); len(line) > 0 {
			p.line(line)
		}
	}
	return p.Tail(p.block, "json.record_too_long", p.lines+1, p.records+1)
}

// line reads one line, or refuses it.
func (p *parser) line(line []byte) {
	p.records++
	if p.odd && !utf8.Valid(line) {
		p.reject(line, &fault{kind: "encoding", reason: "the line is not valid UTF-8"})
		return
	}
	t := text{b: line}
	err := p.record.read(&t, p.column)
	if t.skipSpace(); err == nil && t.i < len(line) {
		err = t.fail("text follows the end of the object")
	}
	if serr, ok := errors.AsType[*syntaxError](err); ok {
		err = &fault{kind: "syntax", reason: fmt.Sprintf("the line is not JSON: %s, at character %d", serr.what, 1+utf8.RuneCount(line[:min(serr.at, len(line))]))}
	}
	p.done(line, err)
}

// done keeps or drops the record that was read.
func (p *parser) done(raw []byte, err error) {
	if f, ok := errors.AsType[*fault](err); ok {
		for _, c := range p.columns {
			c.Truncate(p.rows)
		}
		p.reject(raw, f)
	} else {
		p.AppendOrigin(p.columns, p.file.Path, p.records)
		p.rows++
	}
	for _, c := range p.spare {
		if c != nil {
			c.Truncate(0)
		}
	}
}

func (p *parser) reject(raw []byte, f *fault) {
	r := node.Reject{Code: "json." + f.kind, Reason: f.reason, Field: f.field, File: p.file.Path, Line: p.lines + 1, Record: p.records}
	if utf8.Valid(raw) {
		r.Raw = string(raw)
	} else {
		r.RawBytes = bytes.Clone(raw)
	}
	p.rejects = append(p.rejects, r)
}

// parseElements reads elements of a list; the block begins with one.
func (p *parser) parseElements() error {
	t := &p.t
	for {
		if err := p.element(); err != nil {
			return err
		}
		switch t.peek() {
		case ',':
			t.i++
			if t.i == len(t.b) && !p.block.End() {
				return nil
			}
		case ']':
			t.i++
			if t.skipSpace(); t.i < len(t.b) {
				return p.broken(t.fail("text follows the end of the list"))
			}
			p.countLines(t.i)
			return p.Tail(p.block, "json.record_too_long", p.lines+1, p.records+1)
		default:
			return p.broken(t.expected("a comma or the end of the list"))
		}
	}
}

// element reads the object at the current place, or refuses it. Its error ends the reading.
func (p *parser) element() error {
	t := &p.t
	t.skipSpace()
	from := t.i
	p.countLines(from)
	err := p.record.read(t, p.column)
	if _, ok := errors.AsType[*fault](err); ok {
		// The rest of the record is still to be passed over, and may be no JSON at all.
		t.i = from
		if serr := t.skip(); serr != nil {
			err = serr
		}
	}
	if serr, ok := errors.AsType[*syntaxError](err); ok {
		for _, c := range p.columns {
			c.Truncate(p.rows)
		}
		return p.broken(serr)
	}
	if p.odd && !utf8.Valid(t.b[from:t.i]) {
		for _, c := range p.columns {
			c.Truncate(p.rows)
		}
		return &flows.Error{Code: "json.encoding", Path: flows.Path{Line: p.lines + 1, Record: p.records + 1},
			Message: "a record is not valid UTF-8", Suggestion: "JSON files are UTF-8: convert the file"}
	}
	p.records++
	p.done(t.b[from:t.i], err)
	return nil
}

func (p *parser) parseSingle() error {
	if err := p.element(); err != nil {
		return err
	}
	t := &p.t
	if t.skipSpace(); t.i < len(t.b) {
		return p.broken(t.fail("text follows the end of the object"))
	}
	return p.Tail(p.block, "json.record_too_long", p.lines+1, p.records+1)
}

// longestEscape is how far before the end of its data a broken-off text may first look wrong.
const longestEscape = 12

// broken says that the text is not JSON, or why it ends where it ends.
func (p *parser) broken(e *syntaxError) error {
	if !p.block.Last && e.at >= len(p.t.b)-longestEscape {
		if err := p.Tail(p.block, "json.record_too_long", p.lines+1, p.records+1); err != nil {
			return err
		}
	}
	line := p.lines + int64(bytes.Count(p.t.b[p.counted:min(e.at, len(p.t.b))], []byte{'\n'})) + 1
	to := min(e.at+1, len(p.t.b)) // what follows may be in the next block
	near := p.t.b[max(p.counted, to-24):to]
	return &flows.Error{Code: "json.syntax", Path: flows.Path{Line: line, Record: p.records + 1},
		Message:    fmt.Sprintf("the file is not JSON: %s, behind %s", e.what, value.Quoted(near)),
		Suggestion: "correct the file, or get a complete copy; a file with one object per line is read as JSON lines"}
}
