package csv

import (
	"bytes"
	"fmt"
	"strings"

	"spark/connectors/internal/reading"
	"spark/connectors/internal/scan"
	"spark/flows"
)

// start reads what stands before the records of a file: skipped lines, comments and the header. first begins with the
// first record.
func (rd *plan) start(path string, blocks *scan.Blocks) (f *reading.File, first scan.Block, err error) {
	f = &reading.File{Path: path, Meta: positional(rd.fields)}
	skipped, err := blocks.SkipLines(rd.d.skip)
	f.Lines = int64(skipped)
	if err != nil {
		return nil, first, err
	}
	if skipped < rd.d.skip {
		return nil, first, &flows.Error{Code: "csv.skip_lines", Path: flows.Path{File: path},
			Message: fmt.Sprintf("the file has %d lines and %d are to be skipped", skipped, rd.d.skip), Suggestion: "skip fewer lines"}
	}
	if !rd.d.header {
		return f, blocks.Next(), nil
	}
	for {
		block := blocks.Next()
		names, next, err := rd.headerOf(f, &block)
		if err != nil {
			return nil, first, rd.headerError(f, err)
		}
		if names != nil {
			f.Meta, err = byName(path, f.Lines, names, rd.fields)
			block.Data = block.Data[:copy(block.Data, block.Data[next:])]
			return f, block, err
		}
		if block.End() {
			return nil, first, rd.headerError(f, missingHeader(&block))
		}
	}
}

// headerOf looks for the header in a block; nil when it holds nothing but comments and empty lines.
func (rd *plan) headerOf(f *reading.File, block *scan.Block) (names []string, next int, err error) {
	p := &parser{plan: rd, file: f, layout: &layout{}, block: block, b: block.Data}
	if n := len(p.b); block.Last && n > 0 && p.b[n-1] != '\n' {
		p.b = append(p.b, '\n')
	}
	at := 0
	for at < len(p.b) {
		if end := p.blank(at, 2); end > at {
			f.Lines++
			at = end
			continue
		}
		parts, next, trouble := rd.d.split(p.b, at, nil)
		p.parts = parts
		switch {
		case trouble != nil:
			p.structural(at, trouble)
			return nil, 0, p.err
		case next < 0 && block.Last:
			p.structural(at, &breach{code: "csv.unclosed_quote", at: p.openQuote(at)})
			return nil, 0, p.err
		case next < 0:
			return nil, 0, p.tail()
		}
		f.Lines += int64(bytes.Count(p.b[at:next], []byte{'\n'}))
		for _, part := range parts {
			v := p.b[part.s:part.e]
			if part.escaped {
				v = p.unescape(v)
			}
			names = append(names, string(v))
		}
		f.Header = strings.ToValidUTF8(strings.TrimRight(string(p.b[at:next]), "\r\n"), "\uFFFD")
		return names, min(next, len(block.Data)), checkHeader(names)
	}
	return nil, 0, nil
}

func checkHeader(names []string) error {
	for i, n := range names {
		if f := checkName(n); f != "" {
			return &flows.Error{Code: "csv.header", Message: fmt.Sprintf("the name of column %d in the header %s", i+1, f),
				Suggestion: "set the encoding that the file was written with"}
		}
	}
	return nil
}

func missingHeader(block *scan.Block) error {
	if block.Err != nil {
		return block.Err
	}
	return &flows.Error{Code: "csv.no_header", Message: "the file has no header: there is not one line of values in it",
		Suggestion: "if empty files are to be read as no records, set the header line off"}
}

// headerError places an error that happened before the first record.
func (rd *plan) headerError(f *reading.File, err error) error {
	e, ok := err.(*flows.Error)
	if !ok || e.Path.File != "" {
		return err
	}
	c := *e
	c.Path.File, c.Path.Record = f.Path, 0
	if c.Code != "csv.no_header" {
		c.Path.Line = max(1, c.Path.Line+f.Lines)
	}
	return &c
}
