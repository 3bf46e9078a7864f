// Package sample is the node type Sample Data: generated records, the same on every run and every machine.
package sample

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/connectors/internal/batch"
	"spark/connectors/internal/scan"
	"spark/flows"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

func init() {
	node.Register(&node.Type{
		ID: "sample.data", Version: 1, Title: "Sample Data",
		Summary:  "Generates orders, customers or products to try a flow with.",
		Category: node.CategorySource,
		Synonyms: []string{"generate", "random", "mock", "test data", "demo", "example", "dummy", "fake"},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		New:      func() node.Config { return &Config{Dataset: "orders"} },
		Files:    files,
	})
}

// Config is the config of sample.data.
type Config struct {
	Dataset string `json:"dataset" title:"Dataset" help:"Orders refer to the customers 1 to 1,000 and the products 1 to 100." enum:"orders|customers|products"`
	Records int64  `json:"records,omitempty" title:"Records" help:"Empty: 10,000 orders, 1,000 customers or 100 products." minimum:"0" example:"10000"`
	Dirty   bool   `json:"dirty,omitempty" title:"Dirty" help:"Leave nulls, blanks and unusual characters in, as real data has them."`
}

const maxRecords = 1_000_000_000

// Plan reports what is wrong and emits the reading.
func (cfg *Config) Plan(c *node.Context) {
	d, ok := datasets[cfg.Dataset]
	if !ok {
		return // reported by its enum
	}
	n := cfg.Records
	switch {
	case n > maxRecords:
		c.Problem("records", "config.maximum", fmt.Sprintf("%d records are more than can be generated", n), fmt.Sprintf("use at most %d", maxRecords))
		return
	case n < 0:
		return // reported by its minimum
	case n == 0:
		n = d.records
	}
	src := &source{name: cfg.Dataset, dataset: d, records: n, dirty: cfg.Dirty}
	c.Emit(node.Out, node.Read{Source: src, Schema: d.schema()}, d.schema())
}

// dataset is a kind of record.
type dataset struct {
	records int64 // by default
	columns []column
}

// column makes one field. fill appends n values for the records from first on, which count from 0.
type column struct {
	flows.Field
	fill func(c *batch.Column, first int64, n int, dirty bool)
}

func (d *dataset) schema() flows.Schema {
	var s flows.Schema
	for _, c := range d.columns {
		s = append(s, c.Field)
	}
	return s
}

type source struct {
	*dataset
	name    string
	records int64
	dirty   bool
}

var _ node.Source = (*source)(nil)

// EstimateRecords is exact.
func (s *source) EstimateRecords(func(string) int64) float64 { return float64(s.records) }

func (s *source) String() string {
	dirty := ""
	if s.dirty {
		dirty = "dirty "
	}
	return fmt.Sprintf("sample %d %s%s", s.records, dirty, s.name)
}

// batchRecords is a multiple of the 2,048 records that engines like to have together.
const batchRecords = 16 * 2048

type job struct {
	first int64
	n     int
}

// Read generates the records.
func (s *source) Read(ctx context.Context, r *node.Reading) (node.ReadStats, error) {
	var stats node.ReadStats
	columns, schema, err := s.wanted(r)
	if err != nil {
		return stats, err
	}
	err = scan.Ordered[job, arrow.RecordBatch]{
		Workers: r.Threads,
		Produce: func(_ context.Context, put func(job) error) error {
			for first := int64(0); first < s.records; first += batchRecords {
				if err := put(job{first, int(min(batchRecords, s.records-first))}); err != nil {
					return err
				}
			}
			return nil
		},
		NewWorker: func() (func(job) arrow.RecordBatch, func()) {
			return func(j job) arrow.RecordBatch { return s.generate(columns, schema, j) }, func() {}
		},
		Consume: func(rec arrow.RecordBatch) error {
			stats.Records += rec.NumRows()
			err := r.Emit(node.Batch{Records: rec})
			if r.Progress != nil {
				r.Progress(stats.Records, s.records)
			}
			return err
		},
		Drop: func(rec arrow.RecordBatch) {
			if rec != nil {
				rec.Release()
			}
		},
	}.Run(ctx)
	if errors.Is(err, node.ErrEnough) {
		return stats, nil
	}
	stats.Complete = err == nil
	return stats, err
}

func (s *source) wanted(r *node.Reading) ([]column, *arrow.Schema, error) {
	var columns []column
	var fields []arrow.Field
	for _, name := range r.Fields {
		at := slices.IndexFunc(s.columns, func(c column) bool { return c.Name == name })
		if at < 0 {
			return nil, nil, fmt.Errorf("sample: there is no field %q", name)
		}
		columns = append(columns, s.columns[at])
	}
	if r.Origin {
		columns = append(columns,
			column{flows.Field{Name: node.OriginFile, Type: flows.Of(flows.Text)}, words("sample " + s.name)},
			column{flows.Field{Name: node.OriginRecord, Type: flows.Of(flows.Int64)}, number[int64]})
	}
	for _, c := range columns {
		fields = append(fields, arrow.Field{Name: c.Name, Type: node.ArrowType(c.Type), Nullable: true})
	}
	return columns, arrow.NewSchema(fields, nil), nil
}

func (s *source) generate(columns []column, schema *arrow.Schema, j job) arrow.RecordBatch {
	out := make([]*batch.Column, len(columns))
	for i, c := range columns {
		out[i] = batch.NewColumn(schema.Field(i).Type)
		out[i].Reserve(j.n)
		c.fill(out[i], j.first, j.n, s.dirty)
	}
	return batch.Record(schema, out, j.n)
}
