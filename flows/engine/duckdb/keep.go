package duckdb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

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
			list[i] = r.named(n) + " AS " + quoteName(n)
		}
	}
	if handOut(ctx, r.conn, "SELECT "+strings.Join(list, ", ")+" FROM "+table, func(b arrow.RecordBatch) error { return r.env.Keep(st, b) }) == nil {
		_ = r.env.Keep(st, nil)
	}
}

// named is a file of the origin as the flow names it: whoever reads it does not know the folders. Files that DuckDB opens
// by itself are known by their absolute paths, of which mostly only the beginning differs.
func (r *run) named(column string) string {
	column = quoteName(column)
	if len(r.files) == 0 {
		return column
	}
	beginnings := map[string]bool{}
	var b strings.Builder
	b.WriteString("CASE")
	for _, path := range slices.Sorted(maps.Keys(r.files)) {
		if folder, ok := strings.CutSuffix(path, r.files[path]); ok {
			beginnings[folder] = true
			continue
		}
		fmt.Fprintf(&b, " WHEN %s = %s THEN %s", column, quoteText(path), quoteText(r.files[path]))
	}
	for _, folder := range slices.Backward(slices.Sorted(maps.Keys(beginnings))) { // the longer of two that begin alike
		fmt.Fprintf(&b, " WHEN starts_with(%s, %s) THEN substr(%s, %d)", column, quoteText(folder), column, utf8.RuneCountInString(folder)+1)
	}
	return b.String() + " ELSE " + column + " END"
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
