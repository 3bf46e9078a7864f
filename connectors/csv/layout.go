package csv

import (
	"fmt"
	"slices"

	"spark/connectors/internal/value"
	"spark/flows"
	"spark/flows/node"
)

// field is a declared field.
type field struct {
	node.FileField
	reader *value.Reader
}

// source names the column in the file.
func (f field) source() string {
	if f.Source != "" {
		return f.Source
	}
	return f.Name
}

// layout says what the columns of one file are.
type layout struct {
	columns []int    // declared field of each column, -1 where nobody asked
	names   []string // for sentences
}

// positional is the layout of a file without a header.
func positional(fields []field) *layout {
	l := &layout{columns: make([]int, len(fields))}
	for i, f := range fields {
		l.columns[i] = i
		l.names = append(l.names, f.Name)
	}
	return l
}

// byName finds the declared fields in a header.
func byName(path string, line int64, header []string, fields []field) (*layout, error) {
	l := &layout{columns: make([]int, len(header)), names: header}
	for i := range l.columns {
		l.columns[i] = -1
	}
	for i, f := range fields {
		at := slices.Index(header, f.source())
		where := flows.Path{File: path, Line: line, Column: f.Name}
		if at < 0 {
			return nil, &flows.Error{Code: "csv.missing_column", Path: where, Params: flows.Params{"column": f.source()},
				Message: fmt.Sprintf("the header has no column %q", f.source()), Suggestion: flows.DidYouMean(f.source(), header)}
		}
		if slices.Contains(header[at+1:], f.source()) {
			return nil, &flows.Error{Code: "csv.duplicate_column", Path: where, Params: flows.Params{"column": f.source()},
				Message:    fmt.Sprintf("the header has more than one column %q, so it is not clear which one is meant", f.source()),
				Suggestion: "rename one of them in the file, or read the file without its header by position and skip the line"}
		}
		if l.columns[at] >= 0 {
			return nil, &flows.Error{Code: "csv.duplicate_column", Path: where, Params: flows.Params{"column": f.source()},
				Message: fmt.Sprintf("two fields read the column %q", f.source()), Suggestion: "remove one of them"}
		}
		l.columns[at] = i
	}
	return l, nil
}
