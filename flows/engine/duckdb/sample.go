package duckdb

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// samples collects the first records of relations while statements run. DuckDB's threads add to it.
type samples struct {
	mu    sync.Mutex
	order []plan.Ref
	byTap map[int]*flows.Sample
	grown bool
}

// sampled makes a relation hand its first records to the sample. Like a tap it is a filter of its own; the record is
// written out only where CASE asks for it.
func (b *builder) sampled(st *plan.Step, sql string) string {
	r := b.run
	if r.env.Samples == 0 || r.plan.Uncounted() || !r.plan.Shown(st.Ref) || !r.plan.Preview() && r.cutShort(st) {
		return sql
	}
	id := r.taps[st.Ref]
	sample := &flows.Sample{Node: st.Ref.Node, Port: st.Ref.Port, Rows: [][]*string{}}
	cells := make([]string, len(st.Needed))
	for i, n := range st.Needed {
		f, _ := st.Schema.Find(n)
		sample.Schema = append(sample.Schema, f)
		cells[i] = cell(quoteName(n), f.Type)
	}
	s := &r.samples
	s.mu.Lock()
	s.byTap[id], s.order = sample, append(s.order, st.Ref)
	s.mu.Unlock()
	r.db.Sample(id, r.env.Samples, r.takeSample)
	return fmt.Sprintf("SELECT * FROM (%s) WHERE CASE WHEN tapw(%d) THEN taps(%[2]d, concat('[', %s, ']')) ELSE true END", sql, id, strings.Join(cells, ", ',', "))
}

// cutShort reports whether a sort and the limit behind it are one operator for DuckDB, which keeps a few records in
// memory instead of sorting all: nothing may stand between them.
func (r *run) cutShort(st *plan.Step) bool {
	for st != nil {
		switch st.Op.(type) {
		case node.Limit:
			return true
		case node.Sort, node.Project:
			st = r.consumer[st.Ref]
			continue
		}
		return false
	}
	return false
}

// cell writes one value of a sample as a JSON text or null.
func cell(x string, t flows.Type) string {
	text := plainText(x, t)
	switch {
	case t.Kind == flows.List || t.Kind == flows.Struct:
		if text = jsonText(x, t, 0); holdsDouble(t) { // infinite ones have no JSON form
			text = fmt.Sprintf("CAST(%s AS VARCHAR)", x)
		}
		text = nullable(x, text)
	case t.Kind == flows.JSON:
		text = fmt.Sprintf("CAST(%s AS VARCHAR)", x)
	}
	text = fmt.Sprintf("CASE WHEN length(%s) > %d THEN left(%[1]s, %[2]d) || '…' ELSE %[1]s END", text, flows.MaxCell)
	return fmt.Sprintf("coalesce(CAST(json_quote(%s) AS VARCHAR), 'null')", text)
}

func holdsDouble(t flows.Type) bool {
	switch t.Kind {
	case flows.Double:
		return true
	case flows.List:
		return holdsDouble(*t.Elem)
	case flows.Struct:
		return slices.ContainsFunc(t.Fields, func(f flows.Field) bool { return holdsDouble(f.Type) })
	}
	return false
}

func (r *run) takeSample(id int, record string) {
	var row []*string
	err := json.Unmarshal([]byte(record), &row)
	s := &r.samples
	s.mu.Lock()
	defer s.mu.Unlock()
	if sample := s.byTap[id]; sample != nil && err == nil { // a record that is no JSON is missing, and nothing else
		sample.Rows, s.grown = append(sample.Rows, row), true
	}
}

// tellSamples reports the samples if they have grown since they were last told.
func (r *run) tellSamples(counts map[plan.Ref]int64) {
	if r.env.Sampled == nil {
		return
	}
	s := &r.samples
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.grown {
		return
	}
	s.grown = false
	list := make([]flows.Sample, 0, len(s.order))
	for _, ref := range s.order {
		x := *s.byTap[r.taps[ref]]
		x.Rows = slices.Clone(x.Rows)
		x.Records = counts[ref]
		x.More = x.Records > int64(len(x.Rows))
		list = append(list, x)
	}
	r.env.Sampled(list)
}
