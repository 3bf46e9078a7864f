package json

import (
	"context"
	"errors"
	"fmt"

	"spark/connectors/internal/reading"
	"spark/connectors/internal/scan"
	"spark/flows"
	"spark/flows/node"
)

// source reads files of JSON lines or JSON.
type source struct {
	scan   node.FileScan
	format string
	record *object // members are read into the fields by their index

	// Smaller in tests; 0 means the usual.
	blockSize, recordLimit int
}

var _ node.Source = (*source)(nil)

// newSource checks a configuration. Its errors are flows.Problems whose Path.Field begins with fields.
func newSource(s node.FileScan, format string) (node.Source, error) {
	src := &source{scan: s, format: format, record: &object{index: map[string]int{}}}
	var ps flows.Problems
	if len(s.Fields) == 0 {
		ps = append(ps, &flows.Error{Code: "config.required", Path: flows.Path{Field: "fields"},
			Message: "a JSON file carries no types, so its fields must be listed", Suggestion: "inspect the file, or add its fields"})
	}
	for i, f := range s.Fields {
		at := fmt.Sprintf("fields[%d].", i)
		name := f.Name
		if f.Source != "" {
			name = f.Source
		}
		if _, twice := src.record.index[name]; twice {
			ps = append(ps, &flows.Error{Code: "json.duplicate_field", Path: flows.Path{Field: at + "source"},
				Message: fmt.Sprintf("two fields read the member %q", name), Suggestion: "remove one of them"})
		}
		r, err := newReader(f.Type, f.Format, f.Zone)
		if err != nil {
			e, ok := errors.AsType[*flows.Error](err)
			if !ok {
				return nil, err
			}
			c := *e
			c.Path.Field = at + e.Path.Field
			ps = append(ps, &c)
			continue
		}
		src.record.add(name, f.Name, *r)
	}
	if err := ps.Err(); err != nil {
		return nil, err
	}
	return src, nil
}

func (s *source) String() string { return s.format + " " + s.scan.Path }

// EstimateRecords takes twenty bytes for a member.
func (s *source) EstimateRecords(bytes func(string) int64) float64 {
	return float64(bytes(s.scan.Path)) / float64(20*max(1, len(s.scan.Fields)))
}

// Read delivers the records of all files in the order of their paths.
func (s *source) Read(ctx context.Context, r *node.Reading) (node.ReadStats, error) {
	wanted, err := reading.NewPlan(s.scan, r)
	if err != nil {
		return node.ReadStats{}, err
	}
	p := &plan{source: s, Reading: &reading.Reading{Plan: wanted, Scan: s.scan, Request: r, Encoding: "utf-8",
		BlockSize: s.blockSize, RecordLimit: s.recordLimit}}
	p.Start = p.start
	p.Boundary = func() scan.Boundary {
		if s.format == "jsonl" {
			return scan.Lines{}
		}
		return &elements{}
	}
	p.NewWorker = func(free func([]byte)) (func(reading.Job) *reading.Result, func()) {
		w := p.newParser(free)
		return w.parse, w.close
	}
	return p.Run(ctx)
}

// plan is one reading of a source.
type plan struct {
	*source
	*reading.Reading
}

// shape is what a file is at its top.
type shape uint8

const (
	lines shape = iota
	array
	single
)

// start looks at how the file begins and returns the first block of records.
func (p *plan) start(path string, blocks *scan.Blocks) (*reading.File, scan.Block, error) {
	f := &reading.File{Path: path, Meta: lines}
	if p.format == "jsonl" {
		return f, blocks.Next(), nil
	}
	c, n, err := blocks.Begin()
	f.Lines = int64(n)
	bad := func(message, suggestion string) error {
		return &flows.Error{Code: "json.top", Path: flows.Path{File: path, Line: f.Lines + 1}, Message: message, Suggestion: suggestion}
	}
	switch {
	case err != nil:
		return nil, scan.Block{}, err
	case c == 0:
		return nil, scan.Block{}, bad("the file holds no JSON", "an empty list is written []")
	case c == '[':
		f.Meta = array
		blocks.Drop(1)
		return p.startArray(f, blocks, bad)
	case c == '{':
		f.Meta = single
		blocks.Boundary = whole{}
	default:
		return nil, scan.Block{}, bad(fmt.Sprintf("the file begins with %q and neither with a list nor with an object", rune(c)), "a JSON file is a list of objects or one object")
	}
	return f, blocks.Next(), nil
}

// startArray passes over an empty list, so that every block of a list begins with an element.
func (p *plan) startArray(f *reading.File, blocks *scan.Blocks, bad func(message, suggestion string) error) (*reading.File, scan.Block, error) {
	c, n, err := blocks.Begin()
	f.Lines += int64(n)
	if err != nil || c != ']' {
		return f, blocks.Next(), err
	}
	blocks.Drop(1)
	if c, n, err = blocks.Begin(); err != nil {
		return nil, scan.Block{}, err
	}
	f.Lines += int64(n)
	if c != 0 {
		return nil, scan.Block{}, bad("text follows the end of the list", "a JSON file is one list of objects or one object")
	}
	f.Meta = lines // of which there are none
	return f, scan.Block{Last: true}, nil
}
