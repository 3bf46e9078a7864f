package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"spark/flows"
	"spark/flows/node"
)

// merge applies the staged records by their key. Of several records with one key the last one counts.
func (l *load) merge(ctx context.Context) error {
	if _, err := l.conn.Exec(ctx, "ANALYZE "+stage); err != nil {
		return err
	}
	if err := l.checkKeys(ctx); err != nil {
		return err
	}
	keys := quoted("", l.to.Key)
	var distinct, touched, inserted, matched int64
	last := "WITH last AS MATERIALIZED (SELECT DISTINCT ON (" + keys + ") " + l.columnList("") + " FROM " + stage + " ORDER BY " + keys + ", spark_n DESC), "
	counts := "SELECT (SELECT count(*) FROM last), count(*)"
	var err error
	switch l.to.Mode {
	case node.LoadUpsert:
		err = l.conn.QueryRow(ctx, last+"m AS ("+l.upsert()+" RETURNING (t.xmax = 0) AS fresh) "+counts+", count(*) FILTER (WHERE fresh) FROM m").Scan(&distinct, &touched, &inserted)
		matched = distinct - inserted
	case node.LoadUpdate:
		err = l.conn.QueryRow(ctx, last+"m AS ("+l.update()+" RETURNING 1) "+counts+", (SELECT count(*) FROM last s JOIN "+l.table.sql()+" t ON "+l.onKey()+") FROM m").Scan(&distinct, &touched, &matched)
	case node.LoadDelete:
		err = l.conn.QueryRow(ctx, last+"m AS (DELETE FROM "+l.table.sql()+" t USING last s WHERE "+l.onKey()+" RETURNING 1) "+counts+" FROM m").Scan(&distinct, &touched)
	}
	if err != nil {
		return err
	}
	l.changes.Collapsed = l.taken - distinct
	switch l.to.Mode {
	case node.LoadDelete:
		l.changes.Deleted = touched
	default:
		l.changes.Inserted, l.changes.Updated = inserted, touched-inserted
		l.changes.Unchanged = matched - l.changes.Updated
	}
	return nil
}

// checkKeys refuses records without a key: null equals nothing, so each run would insert them again.
func (l *load) checkKeys(ctx context.Context) error {
	null := make([]string, len(l.to.Key))
	for i, k := range l.to.Key {
		null[i] = quote(k) + " IS NULL"
	}
	var n, first int64
	if err := l.conn.QueryRow(ctx, "SELECT count(*), coalesce(min(spark_n), 0) FROM "+stage+" WHERE "+strings.Join(null, " OR ")).Scan(&n, &first); err != nil || n == 0 {
		return err
	}
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

// differs compares the values of two records; null is equal to null.
func (l *load) differs(a, b string) string {
	var left, right []string
	for _, e := range l.enc.columns {
		if slices.Contains(l.to.Key, e.column.name) {
			continue
		}
		cast := ""
		if e.column.oid == pgtype.JSONOID { // has no equality
			cast = "::text"
		}
		left, right = append(left, a+quote(e.column.name)+cast), append(right, b+quote(e.column.name)+cast)
	}
	return "ROW(" + strings.Join(left, ", ") + ") IS DISTINCT FROM ROW(" + strings.Join(right, ", ") + ")"
}

func (l *load) onKey() string {
	on := make([]string, len(l.to.Key))
	for i, k := range l.to.Key {
		on[i] = "t." + quote(k) + " = s." + quote(k)
	}
	return strings.Join(on, " AND ")
}

func (l *load) assignments(from string) string {
	set := make([]string, 0, len(l.to.Columns))
	for _, n := range l.values() {
		set = append(set, quote(n)+" = "+from+quote(n))
	}
	return strings.Join(set, ", ")
}

func (l *load) upsert() string {
	cols := l.columnList("")
	sql := "INSERT INTO " + l.table.sql() + " AS t (" + cols + ") SELECT " + cols + " FROM last ON CONFLICT (" + quoted("", l.to.Key) + ") DO "
	if len(l.values()) == 0 {
		return sql + "NOTHING"
	}
	return sql + "UPDATE SET " + l.assignments("excluded.") + " WHERE " + l.differs("t.", "excluded.")
}

func (l *load) update() string {
	return "UPDATE " + l.table.sql() + " t SET " + l.assignments("s.") + " FROM last s WHERE " + l.onKey() + " AND " + l.differs("t.", "s.")
}
