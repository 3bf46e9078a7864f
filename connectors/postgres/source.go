package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"spark/connectors/internal/batch"
	"spark/flows"
	"spark/flows/node"
)

// relation is what a selection reads, as it stands behind FROM.
func relation(from node.Select) (string, error) {
	if from.Query != "" {
		return "(" + strings.TrimRight(strings.TrimSpace(from.Query), "; \n\t") + "\n) q", nil
	}
	t, err := parseTable(from.Table)
	if err != nil {
		return "", err
	}
	if from.Where == "" {
		return t.sql(), nil
	}
	return t.sql() + " WHERE (" + from.Where + "\n)", nil
}

// describe asks the server for the columns of a statement. It is prepared, so that nothing but one statement passes.
func describe(ctx context.Context, conn *pgx.Conn, sql string) ([]column, error) {
	d, err := conn.Prepare(ctx, "", sql)
	if err != nil {
		return nil, err
	}
	cols := make([]column, len(d.Fields))
	for i, f := range d.Fields {
		cols[i] = column{name: f.Name, oid: f.DataTypeOID, typmod: f.TypeModifier}
		if err := conn.QueryRow(ctx, "SELECT format_type($1::oid, $2)", f.DataTypeOID, f.TypeModifier).Scan(&cols[i].sqlType); err != nil {
			return nil, err
		}
	}
	return cols, nil
}

// Describe returns the columns of a table or query as fields.
func (dialect) Describe(ctx context.Context, c node.Connection, from node.Select) (flows.Schema, error) {
	conn, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rel, err := relation(from)
	if err != nil {
		return nil, err
	}
	cols, err := describe(ctx, conn, "SELECT * FROM "+rel)
	if err != nil {
		return nil, selectError(c.Name, from, err)
	}
	var s flows.Schema
	for _, col := range cols {
		t, _ := col.fieldType()
		s = append(s, flows.Field{Name: col.name, Type: t})
	}
	return s, nil
}

// Tables lists the tables and views whose name contains search.
func (dialect) Tables(ctx context.Context, c node.Connection, search string) ([]flows.Table, error) {
	conn, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, `SELECT n.nspname::text, c.relname::text, c.relkind IN ('v', 'm'), greatest(c.reltuples, 0)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp%'
	AND has_table_privilege(c.oid, 'SELECT') AND position(lower($1) IN lower(n.nspname || '.' || c.relname)) > 0 AND c.relname <> $2
ORDER BY 1, 2 LIMIT 1000`, search, commitTable)
	if err != nil {
		return nil, queryError(c.Name, err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (flows.Table, error) {
		var t flows.Table
		var of table
		err := r.Scan(&of.schema, &of.name, &t.View, &t.Records)
		t.Name = of.written()
		return t, err
	})
	if err != nil {
		return nil, queryError(c.Name, err)
	}
	return list, nil
}

// Columns lists the columns of a table or view.
func (dialect) Columns(ctx context.Context, c node.Connection, name string) ([]flows.Column, error) {
	t, err := parseTable(name)
	if err != nil {
		return nil, err
	}
	conn, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	cols, err := t.columns(ctx, conn)
	if err != nil {
		return nil, queryError(c.Name, err)
	}
	if len(cols) == 0 {
		return nil, &flows.Error{Code: "database.no_table", Path: flows.Path{Field: "table"}, Params: flows.Params{"table": name}, Message: fmt.Sprintf("%s has no table %s", c.Name, name), Suggestion: "check the name and its schema; names with capitals are written in double quotes"}
	}
	var key []string
	if err := conn.QueryRow(ctx, `SELECT coalesce(array_agg(a.attname::text), '{}') FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = to_regclass($1) AND i.indisprimary`, t.sql()).Scan(&key); err != nil {
		return nil, queryError(c.Name, err)
	}
	list := make([]flows.Column, len(cols))
	for i, col := range cols {
		field, _ := col.fieldType()
		list[i] = flows.Column{Name: col.name, Type: col.sqlType, Field: field, Nullable: !col.notNull, Key: slices.Contains(key, col.name)}
	}
	return list, nil
}

// selectError puts an error at the setting that it is about.
func selectError(connection string, from node.Select, err error) error {
	if e, ok := errors.AsType[*flows.Error](err); ok {
		return e
	}
	e := flows.AsError(queryError(connection, err))
	switch {
	case e.Path.Field != "":
	case from.Query != "":
		e.Path.Field = "query"
	case from.Where != "":
		e.Path.Field = "where"
	}
	return e
}

// snapshot is a selection in a transaction that sees one state of the database.
type snapshot struct {
	conn   *pgx.Conn
	rel    string // what is read, as it stands behind FROM
	cols   []column
	window *window // of an incremental selection, else nil
}

// begin opens the snapshot of a selection. Who gets it without an error closes its connection.
func begin(ctx context.Context, c node.Connection, from node.Select, after node.Offset) (*snapshot, error) {
	rel, err := relation(from)
	if err != nil {
		return nil, err
	}
	conn, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	s := &snapshot{conn: conn, rel: rel}
	if err := s.begin(ctx, from, after); err != nil {
		conn.Close(context.WithoutCancel(ctx))
		return nil, selectError(c.Name, from, err)
	}
	return s, nil
}

func (s *snapshot) begin(ctx context.Context, from node.Select, after node.Offset) (err error) {
	if s.cols, err = describe(ctx, s.conn, "SELECT * FROM "+s.rel); err != nil {
		return err
	}
	if from.Incremental != nil {
		if from.Query == "" {
			s.rel = "(SELECT * FROM " + s.rel + ") q"
		}
		if s.window, err = newWindow(ctx, s.conn, s.cols, from.Incremental, after); err != nil {
			return err
		}
	}
	if err = s.open(ctx, from); err != nil {
		return err
	}
	// The columns may have changed since; what is read is what the snapshot has.
	if s.cols, err = describe(ctx, s.conn, "SELECT * FROM "+s.rel); err == nil && s.window != nil {
		err = s.window.close(ctx, s.conn, s.rel)
	}
	return err
}

const beginSnapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

// open begins the transaction. A table is locked before its first snapshot: a snapshot that is older than a TRUNCATE of
// another transaction, and waits for it, would see an empty table. What cannot be locked is read without.
func (s *snapshot) open(ctx context.Context, from node.Select) error {
	if _, err := s.conn.Exec(ctx, beginSnapshot); err != nil || from.Query != "" {
		return err
	}
	t, err := parseTable(from.Table)
	if err != nil {
		return err
	}
	_, err = s.conn.Exec(ctx, "LOCK TABLE "+t.sql()+" IN ACCESS SHARE MODE")
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && (e.Code == "42501" || e.Code == "42809") { // no right to, not a table
		_, err = s.conn.Exec(ctx, "ROLLBACK; "+beginSnapshot)
	}
	return err
}

// statement selects the records.
func (s *snapshot) statement(list string) string {
	sql := "SELECT " + list + " FROM " + s.rel
	if s.window != nil {
		sql += " WHERE " + s.window.condition() + " ORDER BY " + s.window.order()
	}
	return sql
}

// Read delivers the records of a selection, in one snapshot.
func (dialect) Read(ctx context.Context, c node.Connection, from node.Select, r *node.Reading) (node.ReadStats, error) {
	s, err := begin(ctx, c, from, r.After)
	if err != nil {
		return node.ReadStats{}, err
	}
	defer s.conn.Close(context.WithoutCancel(ctx))
	parts, err := s.partitions(ctx, from, r)
	if len(parts) > 1 {
		var exported string
		if exported, err = s.export(ctx, c, from, r); exported != "" {
			return s.readParts(ctx, c, from, r, exported, parts)
		}
	}
	if err != nil {
		return node.ReadStats{}, selectError(c.Name, from, err)
	}
	return s.readOne(ctx, c, from, r)
}

// readOne reads the selection over the snapshot's own connection.
func (s *snapshot) readOne(ctx context.Context, c node.Connection, from node.Select, r *node.Reading) (node.ReadStats, error) {
	d, list, err := newDecoder(s.cols, from, r)
	if err != nil {
		return node.ReadStats{}, err
	}
	defer d.release()
	stats := node.ReadStats{}
	if s.window != nil {
		nulls, err := s.window.nulls(ctx, s.conn, s.rel)
		if err != nil {
			return stats, selectError(c.Name, from, err)
		}
		s.window.warn(nulls, r.Warn)
		if stats.Offset, err = s.window.offset(); err != nil {
			return stats, err
		}
	}
	err = d.copy(ctx, s.conn, c.Name, s.statement(list))
	stats.Records, stats.Rejected = d.read-d.refused-int64(d.rows), d.refused
	switch {
	case errors.Is(err, node.ErrEnough):
		return stats, nil
	case err != nil:
		return stats, selectError(c.Name, from, err)
	}
	stats.Complete = true
	return stats, nil
}

// copy reads what a statement selects. An error of the server is as the driver returns it.
func (d *decoder) copy(ctx context.Context, conn *pgx.Conn, connection, sql string) error {
	tag, err := conn.PgConn().CopyTo(ctx, d, "COPY ("+sql+") TO STDOUT (FORMAT binary)")
	if err == nil {
		err = d.flush()
	}
	if err == nil && (!d.ended || tag.RowsAffected() != d.read) {
		err = &flows.Error{Code: "database.incomplete", Message: fmt.Sprintf("%s sent %d records and said that it sent %d", connection, d.read, tag.RowsAffected()), Suggestion: "run again"}
	}
	return err
}

// newDecoder prepares the reading of the wanted fields and returns their select list.
func newDecoder(cols []column, from node.Select, r *node.Reading) (*decoder, string, error) {
	fields := make([]arrow.Field, 0, len(r.Fields)+2)
	found := make([]column, len(r.Fields))
	types := make([]flows.Type, len(r.Fields))
	list := make([]string, len(r.Fields))
	for i, name := range r.Fields {
		want, _ := from.Fields.Find(name)
		col, err := wantedColumn(cols, want, from)
		if err != nil {
			return nil, "", err
		}
		found[i], types[i], list[i] = col, want.Type, quote(name)
		if _, asText := col.fieldType(); asText || want.Type.Kind == flows.Text && col.oid != pgtype.TextOID {
			list[i] += "::text"
			found[i].oid = pgtype.TextOID
		}
		fields = append(fields, arrow.Field{Name: name, Type: node.ArrowType(want.Type), Nullable: true})
	}
	if r.Origin {
		fields = append(fields, arrow.Field{Name: node.OriginFile, Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: node.OriginRecord, Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	}
	d := &decoder{schema: arrow.NewSchema(fields, nil), values: make([][]byte, len(r.Fields)), emit: func(b arrow.RecordBatch) error { return r.Emit(node.Batch{Records: b}) }}
	for i, name := range r.Fields {
		dec, err := newDecoding(name, found[i], types[i])
		if err != nil {
			d.release()
			return nil, "", err
		}
		d.columns = append(d.columns, dec)
	}
	if r.Origin {
		d.file, d.origin = batch.NewColumn(arrow.BinaryTypes.String), batch.NewColumn(arrow.PrimitiveTypes.Int64)
	}
	d.reserve()
	d.refuse = func(record int64, col *decoding, why string, values [][]byte) error {
		raw := map[string]any{}
		for i, v := range values {
			raw[r.Fields[i]] = nil
			if v != nil {
				raw[r.Fields[i]] = shown(found[i], v)
			}
		}
		text, err := json.Marshal(raw)
		if err != nil {
			return fmt.Errorf("postgres: reject: %w", err)
		}
		return r.Reject(node.Reject{Code: "value.not_valid", Field: col.name, Reason: why, Record: record, Raw: string(text)})
	}
	return d, strings.Join(list, ", "), nil
}

// shown writes a value of a refused record for people.
func shown(c column, v []byte) string {
	t, ok := typeMap.TypeForOID(c.oid)
	if !ok {
		return fmt.Sprintf("%x", v)
	}
	switch out, err := t.Codec.DecodeDatabaseSQLValue(typeMap, c.oid, pgtype.BinaryFormatCode, v); out := out.(type) {
	case time.Time:
		return strings.TrimSuffix(out.Format("2006-01-02T15:04:05.999999"), "T00:00:00")
	case []byte:
		return fmt.Sprintf("%x", out)
	default:
		if err != nil {
			return fmt.Sprintf("%x", v)
		}
		return fmt.Sprint(out)
	}
}

var typeMap = pgtype.NewMap()

// wantedColumn finds the column of a field and checks that it still has the field's type.
func wantedColumn(cols []column, want flows.Field, from node.Select) (column, error) {
	names := make([]string, len(cols))
	for i, c := range cols {
		if names[i] = c.name; c.name != want.Name {
			continue
		}
		t, _ := c.fieldType()
		if want.Type.Kind != flows.Text && !t.Equal(want.Type) {
			return c, &flows.Error{Code: "database.column_type", Path: flows.Path{Field: "fields", Column: want.Name}, Params: flows.Params{"column": c.sqlType, "field": want.Type.String()},
				Message: fmt.Sprintf("the column %q is %s, which is read as %s, and the field is %s", c.name, c.sqlType, t, want.Type), Suggestion: "read the fields from the database again, or make the field a text"}
		}
		return c, nil
	}
	return column{}, &flows.Error{Code: "database.no_column", Path: flows.Path{Field: "fields", Column: want.Name}, Message: fmt.Sprintf("there is no column %q", want.Name), Suggestion: flows.DidYouMean(want.Name, names)}
}
