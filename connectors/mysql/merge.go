package mysql

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
)

// merge applies the staged records by their key. Updating and inserting are two statements: ON DUPLICATE KEY UPDATE would
// also change records that only share the value of another unique index. The first locks the keys, so that nobody
// inserts them in between.
func (l *load) merge(ctx context.Context) error {
	staged := quote(l.table.database) + "." + stage
	if err := l.checkKeys(ctx, staged); err != nil {
		return err
	}
	var distinct int64
	if err := l.row(ctx, "SELECT COUNT(*) FROM "+staged, &distinct); err != nil {
		return err
	}
	l.changes.Collapsed = l.taken - distinct
	join := l.table.sql() + " t JOIN " + staged + " s ON " + l.onKey()
	var err error
	if l.to.Mode == node.LoadDelete {
		l.changes.Deleted, err = l.exec(ctx, "DELETE t FROM "+join)
		return err
	}
	matched, values := int64(0), l.values()
	if err := l.row(ctx, "SELECT COUNT(*) FROM "+join+" FOR UPDATE", &matched); err != nil {
		return err
	}
	if len(values) > 0 {
		set := make([]string, len(values))
		for i, n := range values {
			set[i] = "t." + quote(n) + " = s." + quote(n)
		}
		if l.changes.Updated, err = l.exec(ctx, "UPDATE "+join+" SET "+strings.Join(set, ", ")+" WHERE "+l.differs()); err != nil {
			return err
		}
	}
	l.changes.Unchanged = matched - l.changes.Updated
	if l.to.Mode == node.LoadUpdate {
		return nil
	}
	l.changes.Inserted, err = l.exec(ctx, "INSERT INTO "+l.table.sql()+" ("+l.columnList("")+") SELECT "+l.columnList("s.")+" FROM "+staged+" s LEFT JOIN "+l.table.sql()+" t ON "+l.onKey()+
		" WHERE t."+quote(l.to.Key[0])+" IS NULL ORDER BY s."+ordinal)
	if err == nil && l.changes.Inserted+matched != distinct {
		return &flows.Error{Code: "run.imbalance", Message: fmt.Sprintf("%s inserted %d and found %d of %d records", l.c.Name, l.changes.Inserted, matched, distinct), Suggestion: "nothing was written; run again when nobody else changes the table"}
	}
	return err
}

// checkKeys refuses records without a key: null equals nothing, so each run would insert them again.
func (l *load) checkKeys(ctx context.Context, staged string) error {
	null := make([]string, len(l.to.Key))
	for i, k := range l.to.Key {
		null[i] = quote(k) + " IS NULL"
	}
	var n, first int64
	if err := l.row(ctx, "SELECT COUNT(*), COALESCE(MIN("+ordinal+"), 0) FROM "+staged+" WHERE "+strings.Join(null, " OR "), &n, &first); err != nil || n == 0 {
		return err
	}
	return noKey(n, first)
}

func noKey(n, first int64) error {
	return &flows.Error{Code: "database.null_key", Path: flows.Path{Field: "key", Record: first}, Params: flows.Params{"records": n},
		Message: fmt.Sprintf("%d records have no key", n), Suggestion: "nothing was written; filter records without a key before"}
}

// values are the columns that are no key.
func (l *load) values() []string {
	var names []string
	for _, m := range l.to.Columns {
		if !slices.Contains(l.to.Key, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// differs compares the values of two records octet by octet: to a collation texts may be equal that are not the same.
func (l *load) differs() string {
	var any []string
	for _, e := range l.enc.columns {
		if slices.Contains(l.to.Key, e.column.name) {
			continue
		}
		a, b := "t."+quote(e.column.name), "s."+quote(e.column.name)
		if e.column.isText() || e.column.json || e.column.base == "json" {
			a, b = "CAST("+a+" AS BINARY)", "CAST("+b+" AS BINARY)"
		}
		any = append(any, "NOT ("+a+" <=> "+b+")")
	}
	return strings.Join(any, " OR ")
}

func (l *load) onKey() string {
	on := make([]string, len(l.to.Key))
	for i, k := range l.to.Key {
		on[i] = "t." + quote(k) + " = s." + quote(k)
	}
	return strings.Join(on, " AND ")
}
