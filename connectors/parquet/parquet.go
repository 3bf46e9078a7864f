// Package parquet registers the format Parquet. Engines read and write it by themselves.
package parquet

import (
	"context"
	"encoding/json"
	"errors"

	"spark/flows"
	"spark/flows/node"
)

// WriteOptions say how a Parquet file is to be written.
type WriteOptions struct {
	Compression  string `json:"compression" title:"Compression" help:"Inside the file." enum:"snappy|zstd|gzip|none"`
	RowGroupSize int    `json:"rowGroupSize" title:"Row group size" help:"Records per row group." minimum:"2048" advanced:"true"`
}

func init() {
	node.RegisterFormat(&node.Format{
		Name: "parquet", Title: "Parquet", Extensions: []string{".parquet", ".pq"},
		WriteOptions: func() any { return &WriteOptions{Compression: "snappy", RowGroupSize: 122_880} },
		Typed:        true,
		NewSource:    newSource,
	})
}

// source names files that an engine reads.
type source struct{ scan node.FileScan }

var _ node.NativeSource = (*source)(nil)

func newSource(s node.FileScan) (node.Source, error) {
	var ps flows.Problems
	add := func(field, code, message, suggestion string) {
		ps = append(ps, &flows.Error{Code: code, Path: flows.Path{Field: field}, Message: message, Suggestion: suggestion})
	}
	if s.FileNameField != "" {
		add("fileNameField", "parquet.origin", "the file's name is not available for Parquet", "remove the field")
	}
	if s.RecordField != "" {
		add("recordNumberField", "parquet.origin", "the record's number is not available for Parquet", "remove the field")
	}
	for _, f := range s.Fields {
		if f.Source != "" && f.Source != f.Name || f.Format != "" || f.Zone != "" {
			add("fields", "parquet.field", "a Parquet file carries names and types, so another name, a format or a time zone has no effect", "rename or convert in a later node")
			break
		}
	}
	if err := ps.Err(); err != nil {
		return nil, err
	}
	return &source{s}, nil
}

func (s *source) String() string { return "parquet " + s.scan.Path }

// EstimateRecords takes four compressed bytes for a field, and ten fields where they are not declared.
func (s *source) EstimateRecords(bytes func(string) int64) float64 {
	fields := len(s.scan.Fields)
	if fields == 0 {
		fields = 10
	}
	return float64(bytes(s.scan.Path)) / float64(4*fields)
}

// Native names what the engine reads.
func (s *source) Native() (format, path string, options json.RawMessage) {
	return "parquet", s.scan.Path, s.scan.Options
}

// Read is never called by an engine that reads Parquet.
func (s *source) Read(context.Context, *node.Reading) (node.ReadStats, error) {
	return node.ReadStats{}, errors.New("parquet: not native: files are read by the engine")
}
