// Package reading is one pass of a file format over its files: what is wanted of them, blocks that many workers turn
// into columns, and results that go on in order, with positions that count from the start of their file.
package reading

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/connectors/internal/batch"
	"spark/flows/node"
)

// Plan says which values are wanted, and where they go.
type Plan struct {
	Outs    []Out
	ByField []int // index in Outs of each declared field, -1 when it is only checked
	Schema  *arrow.Schema
}

// Out is a column of the batches.
type Out struct {
	What  OutKind
	Field int // of OutField
	Type  arrow.DataType
}

// OutKind says what a column holds.
type OutKind uint8

// The kinds of columns.
const (
	OutField  OutKind = iota
	OutFile           // the path of the file
	OutRecord         // the number of the record in its file
)

// NewPlan finds the wanted fields among those of a scan.
func NewPlan(s node.FileScan, r *node.Reading) (*Plan, error) {
	p := &Plan{ByField: make([]int, len(s.Fields))}
	for i := range p.ByField {
		p.ByField[i] = -1
	}
	var fields []arrow.Field
	add := func(name string, o Out) {
		p.Outs = append(p.Outs, o)
		fields = append(fields, arrow.Field{Name: name, Type: o.Type, Nullable: true})
	}
	for _, name := range r.Fields {
		at := slices.IndexFunc(s.Fields, func(f node.FileField) bool { return f.Name == name })
		switch {
		case at >= 0 && p.ByField[at] < 0:
			p.ByField[at] = len(p.Outs)
			add(name, Out{What: OutField, Field: at, Type: node.ArrowType(s.Fields[at].Type)})
		case at < 0 && name == s.FileNameField && name != "":
			add(name, Out{What: OutFile, Type: arrow.BinaryTypes.String})
		case at < 0 && name == s.RecordField && name != "":
			add(name, Out{What: OutRecord, Type: arrow.PrimitiveTypes.Int64})
		default:
			return nil, fmt.Errorf("field %q is wanted of %s, which does not have it, or twice", name, s.Path)
		}
	}
	if r.Origin {
		add(node.OriginFile, Out{What: OutFile, Type: arrow.BinaryTypes.String})
		add(node.OriginRecord, Out{What: OutRecord, Type: arrow.PrimitiveTypes.Int64})
	}
	p.Schema = arrow.NewSchema(fields, nil)
	return p, nil
}

// NewColumns makes the columns of one batch with room for rows.
func (p *Plan) NewColumns(rows int) []*batch.Column {
	cols := make([]*batch.Column, len(p.Outs))
	for i, o := range p.Outs {
		cols[i] = batch.NewColumn(o.Type)
		cols[i].Reserve(rows)
	}
	return cols
}

// AppendOrigin appends the file and the record's number in its block where they are wanted.
func (p *Plan) AppendOrigin(columns []*batch.Column, path string, record int64) {
	for i, o := range p.Outs {
		switch o.What {
		case OutFile:
			columns[i].AppendText([]byte(path))
		case OutRecord:
			batch.Append(columns[i], record)
		}
	}
}
