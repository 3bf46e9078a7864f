package csv

import (
	"context"
	"errors"
	"fmt"

	"spark/connectors/internal/reading"
	"spark/connectors/internal/value"
	"spark/flows"
	"spark/flows/node"
)

// source reads CSV files.
type source struct {
	scan   node.FileScan
	d      *dialect
	fields []field

	// Smaller in tests; 0 means the usual.
	blockSize, recordLimit int
	slowly                 bool // record by record throughout
}

var _ node.Source = (*source)(nil)

// newSource checks a configuration. Its errors are flows.Problems whose Path.Field begins with options or fields.
func newSource(s node.FileScan) (node.Source, error) {
	o, err := decodeOptions(s.Options)
	if err != nil {
		return nil, err
	}
	var ps flows.Problems
	d, err := o.compile()
	if err != nil {
		errors.As(err, &ps)
	}
	src := &source{scan: s, d: d}
	if len(s.Fields) == 0 {
		ps = append(ps, &flows.Error{Code: "config.required", Path: flows.Path{Field: "fields"},
			Message: "a CSV file carries no types, so its fields must be listed", Suggestion: "inspect the file, or add its fields"})
	}
	for i, f := range s.Fields {
		at := flows.Path{Field: fmt.Sprintf("fields[%d].", i)}
		if f.Type.Kind == flows.List || f.Type.Kind == flows.Struct || f.Type.Kind == flows.Invalid {
			ps = append(ps, &flows.Error{Code: "field.type", Path: flows.Path{Field: at.Field + "type"},
				Message: fmt.Sprintf("a value of a CSV file cannot be a %s", f.Type), Suggestion: "read it as json or text and take it apart in a later node"})
			continue
		}
		r, err := value.New(f.Type, f.Format, f.Zone, d.values)
		if err != nil {
			e := *flows.AsError(err)
			e.Path.Field = at.Field + e.Path.Field
			ps = append(ps, &e)
			continue
		}
		src.fields = append(src.fields, field{FileField: f, reader: r})
	}
	if err := ps.Err(); err != nil {
		return nil, err
	}
	return src, nil
}

func (s *source) String() string { return "csv " + s.scan.Path }

// EstimateRecords takes ten bytes for a field.
func (s *source) EstimateRecords(bytes func(string) int64) float64 {
	return float64(bytes(s.scan.Path)) / float64(10*max(1, len(s.scan.Fields)))
}

// plan is one reading of a source.
type plan struct {
	*source
	*reading.Reading
}

// Read delivers the records of all files in the order of their paths.
func (s *source) Read(ctx context.Context, r *node.Reading) (node.ReadStats, error) {
	p, err := s.plan(r)
	if err != nil {
		return node.ReadStats{}, err
	}
	return p.Run(ctx)
}

func (s *source) plan(r *node.Reading) (*plan, error) {
	wanted, err := reading.NewPlan(s.scan, r)
	if err != nil {
		return nil, err
	}
	p := &plan{source: s, Reading: &reading.Reading{Plan: wanted, Scan: s.scan, Request: r, Encoding: s.d.encoding,
		Boundary: s.d.boundary, BlockSize: s.blockSize, RecordLimit: s.recordLimit}}
	p.Start = p.start
	p.NewWorker = func(free func([]byte)) (func(reading.Job) *reading.Result, func()) {
		w := p.newParser(free)
		return w.parse, w.close
	}
	return p, nil
}
