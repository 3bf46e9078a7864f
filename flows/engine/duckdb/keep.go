package duckdb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// keep hands a relation to whoever keeps it for the next preview. Where that fails the next preview computes it again.
func (r *run) keep(ctx context.Context, st *plan.Step, table string) {
	if r.env.Keep == nil || !slices.Contains(r.plan.Keeps, st.Ref) || slices.ContainsFunc(st.Schema, func(f flows.Field) bool { return !comesBack(f.Type) }) {
		return
	}
	names := columns(st)
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = quoteName(n)
		if f, ok := st.Schema.Find(n); ok && travelsAsText(f.Type) {
			list[i] = fmt.Sprintf("CAST(%s AS VARCHAR) AS %[1]s", list[i])
		}
		if n == node.OriginFile {
			list[i] = r.namedFile(n)
		}
	}
	if handOut(ctx, r.conn, "SELECT "+strings.Join(list, ", ")+" FROM "+table, func(b arrow.RecordBatch) error { return r.env.Keep(st, b) }) == nil {
		_ = r.env.Keep(st, nil)
	}
}

// namedFile selects the origin's file as the flow names it: whoever reads the relation again does not know the files.
func (r *run) namedFile(column string) string {
	if len(r.files) == 0 {
		return column
	}
	var b strings.Builder
	b.WriteString("CASE " + column)
	for _, path := range slices.Sorted(maps.Keys(r.files)) {
		fmt.Fprintf(&b, " WHEN %s THEN %s", quoteText(path), quoteText(r.files[path]))
	}
	return b.String() + " ELSE " + column + " END AS " + column
}

// comesBack reports whether a value that leaves DuckDB as Arrow, or as text at the top, is read back as it was.
func comesBack(t flows.Type) bool {
	switch t.Kind {
	case flows.Interval:
		return false
	case flows.List, flows.Struct:
		return !travelsAsText(t)
	}
	return true
}
