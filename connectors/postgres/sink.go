package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"spark/flows"
	"spark/flows/node"
)

// load is the writing of one table. Nothing is locked before the first record arrives; from then on everything is one
// transaction.
type load struct {
	c       node.Connection
	to      node.TableLoad
	w       *node.Writing
	conn    *pgx.Conn
	backend backend
	table   table
	schema  string // of the table
	enc     encoder
	missing []node.LoadColumn // columns to be added
	widen   []string          // statements that widen columns
	create  bool

	buf     []byte
	pipe    *io.PipeWriter // of the COPY in progress
	copied  chan error
	tag     pgconn.CommandTag
	taken   int64
	changes flows.Changes
	done    bool
	gone    bool // the connection is
}

var _ node.BatchSink = (*load)(nil)

const stage = "spark_stage"

// Open connects, and checks the table, its columns and the rights to it.
func (dialect) Open(ctx context.Context, c node.Connection, to node.TableLoad, w *node.Writing) (node.BatchSink, error) {
	t, err := parseTable(to.Table)
	if err != nil {
		return nil, err
	}
	conn, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	l := &load{c: c, to: to, w: w, conn: conn, backend: conn.PgConn().CustomData()[backendOf].(backend), table: t}
	if err := l.open(ctx); err != nil {
		_ = l.Abort(ctx)
		return nil, l.at(err)
	}
	return l, nil
}

func (l *load) at(err error) error {
	if err == nil {
		return nil
	}
	if fe, ok := errors.AsType[*flows.Error](err); ok {
		return fe
	}
	if _, answered := errors.AsType[*pgconn.PgError](err); !answered {
		l.gone = true
	}
	return queryError(l.c.Name, err)
}

func (l *load) open(ctx context.Context) error {
	if _, err := l.conn.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d", l.to.LockTimeout.Milliseconds())); err != nil { // also for what is checked before the load
		return err
	}
	if l.schema = l.table.schema; l.schema == "" {
		if err := l.conn.QueryRow(ctx, "SELECT coalesce((SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)), current_schema())::text", l.table.sql()).Scan(&l.schema); err != nil {
			return err
		}
		l.table.schema = l.schema
	}
	cols, err := l.table.columns(ctx, l.conn)
	if err != nil {
		return err
	}
	if l.create = len(cols) == 0; l.create {
		if l.to.NoTable != node.MissingCreate || l.to.Mode == node.LoadUpdate || l.to.Mode == node.LoadDelete {
			return &flows.Error{Code: "database.no_table", Path: flows.Path{Field: "table"}, Message: fmt.Sprintf("%s has no table %s", l.c.Name, l.table.sql()), Suggestion: "check the name, or let the table be created"}
		}
		cols = created(l.to.Columns)
	}
	if err := l.encodings(ctx, cols); err != nil {
		return err
	}
	if err := createCommits(ctx, l.conn, l.schema); err != nil {
		return err
	}
	return l.checkTarget(ctx)
}

// created are the columns of a table that is made for fields.
func created(list []node.LoadColumn) []column {
	cols := make([]column, len(list))
	for i, c := range list {
		cols[i] = newColumn(c)
	}
	return cols
}

func newColumn(c node.LoadColumn) column {
	col := column{name: c.Name, sqlType: columnType(c.Field.Type), oid: pgtype.NumericOID, typmod: -1, base: "b"}
	if oid, ok := madeTypes[col.sqlType]; ok {
		col.oid = oid
	}
	return col
}

// madeTypes are the types of columns that are made, but for numeric with its digits.
var madeTypes = map[string]uint32{"smallint": pgtype.Int2OID, "integer": pgtype.Int4OID, "bigint": pgtype.Int8OID, "double precision": pgtype.Float8OID, "boolean": pgtype.BoolOID,
	"bytea": pgtype.ByteaOID, "date": pgtype.DateOID, "time": pgtype.TimeOID, "timestamp": pgtype.TimestampOID, "timestamptz": pgtype.TimestamptzOID,
	"interval": pgtype.IntervalOID, "uuid": pgtype.UUIDOID, "json": pgtype.JSONOID, "text": pgtype.TextOID}

// encodings pairs fields and columns.
func (l *load) encodings(ctx context.Context, cols []column) error {
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = c.name
	}
	for _, m := range l.to.Columns {
		i := slices.Index(names, m.Name)
		var col column
		switch {
		case i >= 0:
			var err error
			if col, err = l.fit(ctx, m, cols[i]); err != nil {
				return err
			}
		case l.to.NoColumn == node.MissingCreate:
			col = newColumn(m)
			l.missing = append(l.missing, m)
		default:
			return &flows.Error{Code: "database.no_column", Path: flows.Path{Field: "columns", Column: m.Field.Name}, Message: fmt.Sprintf("the table %s has no column %q", l.table.sql(), m.Name),
				Suggestion: strings.TrimSpace(flows.DidYouMean(m.Name, names) + " or let missing columns be created")}
		}
		if col.generated {
			return noWay(m.Field, col, "the database computes this column by itself")
		}
		e, err := newEncoding(m.Field, col)
		if err != nil {
			return misfit(m.Field, col, err)
		}
		l.enc.columns = append(l.enc.columns, e)
	}
	if l.to.Mode == node.LoadUpdate && len(l.values()) == 0 {
		return &flows.Error{Code: "database.nothing_to_set", Path: flows.Path{Field: "columns"}, Message: "an update of the key alone changes nothing", Suggestion: "map a field that is no key to a column"}
	}
	if l.to.Mode == node.LoadUpdate || l.to.Mode == node.LoadDelete {
		return nil
	}
	for _, c := range cols {
		if c.notNull && !c.fallback && !c.generated && !slices.ContainsFunc(l.to.Columns, func(m node.LoadColumn) bool { return m.Name == c.name }) {
			return &flows.Error{Code: "database.unmapped", Path: flows.Path{Field: "columns", Column: c.name}, Message: fmt.Sprintf("the column %q of %s must not be null, has no default, and no field goes into it", c.name, l.table.sql()),
				Suggestion: "map a field to it, or give the column a default"}
		}
	}
	return nil
}

// checkTarget lets the server plan the statement that comes in the end, without executing it: rights and keys are known
// before the first record is read.
func (l *load) checkTarget(ctx context.Context) error {
	if l.create || len(l.missing) > 0 {
		return nil
	}
	cols := l.columnList("")
	sql := "INSERT INTO " + l.table.sql() + " (" + cols + ") SELECT " + cols + " FROM " + l.table.sql() + " WHERE false"
	switch l.to.Mode {
	case node.LoadUpsert:
		sql += " ON CONFLICT (" + quoted("", l.to.Key) + ") DO NOTHING"
	case node.LoadUpdate, node.LoadDelete:
		return nil
	case node.LoadReplace:
		if _, err := l.conn.Exec(ctx, "EXPLAIN DELETE FROM "+l.table.sql()); err != nil {
			return err
		}
	}
	_, err := l.conn.Exec(ctx, "EXPLAIN "+sql)
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok && pe.Code == "42P10" {
		return &flows.Error{Code: "database.no_key", Path: flows.Path{Field: "key"}, Message: fmt.Sprintf("the table %s has no unique index on the columns %s", l.table.sql(), quoted("", l.to.Key)),
			Suggestion: fmt.Sprintf("create one: CREATE UNIQUE INDEX ON %s (%s)", l.table.sql(), quoted("", l.to.Key)), Cause: err}
	}
	return err
}

func quoted(prefix string, names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = prefix + quote(n)
	}
	return strings.Join(list, ", ")
}

func (l *load) columnList(prefix string) string {
	names := make([]string, len(l.to.Columns))
	for i, m := range l.to.Columns {
		names[i] = m.Name
	}
	return quoted(prefix, names)
}

// begin starts the transaction and the COPY.
func (l *load) begin(ctx context.Context) error {
	statements := []string{"BEGIN"}
	if l.create {
		statements = append(statements, l.createTable())
	}
	for _, m := range l.missing {
		if !l.create {
			statements = append(statements, "ALTER TABLE "+l.table.sql()+" ADD COLUMN "+quote(m.Name)+" "+columnType(m.Field.Type))
		}
	}
	statements = append(statements, l.widen...)
	if l.to.BeforeSQL != "" {
		statements = append(statements, l.to.BeforeSQL)
	}
	into := l.table.sql() + " (" + l.columnList("") + ")"
	switch {
	case l.to.Mode == node.LoadTruncate:
		statements = append(statements, "TRUNCATE "+l.table.sql())
	case l.to.Mode == node.LoadReplace:
		statements = append(statements, "DELETE FROM "+l.table.sql())
	case l.to.Mode.Keyed():
		statements = append(statements, "CREATE TEMP TABLE "+stage+" ON COMMIT DROP AS SELECT "+l.columnList("")+", 0::bigint AS spark_n FROM "+l.table.sql()+" WITH NO DATA")
		into, l.enc.ordinal = stage, true
	}
	for _, sql := range statements {
		if err := l.exec(ctx, sql); err != nil {
			if slices.Contains(l.widen, sql) {
				return l.widenError(err)
			}
			return err
		}
	}
	reader, writer := io.Pipe()
	l.pipe, l.copied = writer, make(chan error, 1)
	watchOf(l.conn).Patient(true) // the source may be slow
	conn := l.conn.PgConn()
	go func() {
		tag, err := conn.CopyFrom(ctx, reader, "COPY "+into+" FROM STDIN (FORMAT binary)")
		l.tag = tag
		reader.CloseWithError(errCopyEnded)
		l.copied <- err
	}()
	l.buf = l.enc.head(make([]byte, 0, sendBytes+64<<10))
	return nil
}

// exec runs a statement; an error in SQL of the builder's stands at its setting.
func (l *load) exec(ctx context.Context, sql string) error {
	err := l.conn.PgConn().Exec(ctx, sql).Close()
	field := map[string]string{l.to.BeforeSQL: "beforeSQL", l.to.AfterSQL: "afterSQL"}[sql]
	if err == nil || field == "" {
		return err
	}
	e := flows.AsError(queryError(l.c.Name, err))
	e.Path.Field = field
	return e
}

// errCopyEnded tells the writer that the server takes no more; why is known from the COPY.
var errCopyEnded = errors.New("postgres: the COPY has ended")

func (l *load) createTable() string {
	defs := make([]string, len(l.to.Columns))
	for i, m := range l.to.Columns {
		defs[i] = quote(m.Name) + " " + columnType(m.Field.Type)
	}
	if l.to.Mode == node.LoadUpsert {
		defs = append(defs, "PRIMARY KEY ("+quoted("", l.to.Key)+")")
	}
	return "CREATE TABLE " + l.table.sql() + " (" + strings.Join(defs, ", ") + ")"
}

// Write sends records to the COPY.
func (l *load) Write(ctx context.Context, b arrow.RecordBatch) error {
	if l.pipe == nil {
		if err := l.begin(ctx); err != nil {
			return l.at(err)
		}
	}
	var err error
	l.buf, err = l.enc.batch(l.buf, l.mapped(b), l.send)
	if errors.Is(err, errCopyEnded) {
		err = cmp.Or(<-l.copied, err)
		l.copied <- err // for Abort
	}
	return l.at(err)
}

// mapped puts the columns of a batch into the order of the encodings.
func (l *load) mapped(b arrow.RecordBatch) []arrow.Array {
	cols := make([]arrow.Array, len(l.to.Columns))
	for i, m := range l.to.Columns {
		cols[i] = b.Column(l.w.Schema.Index(m.Field.Name))
	}
	return cols
}

func (l *load) send(buf []byte) ([]byte, error) {
	if _, err := l.pipe.Write(buf); err != nil {
		return nil, err
	}
	return buf[:0], nil
}

// Finish ends the COPY and, in keyed modes, merges what was staged.
func (l *load) Finish(ctx context.Context) (int64, error) {
	if l.pipe == nil { // no record came
		if err := l.begin(ctx); err != nil {
			return 0, l.at(err)
		}
	}
	_, err := l.send(l.enc.tail(l.buf))
	if err == nil {
		watchOf(l.conn).Patient(false)
		l.pipe.Close()
	}
	if e := <-l.copied; e != nil {
		err = e
	}
	l.copied <- err
	if err != nil {
		return 0, l.at(err)
	}
	if l.taken = l.tag.RowsAffected(); l.taken != l.enc.n {
		return l.taken, &flows.Error{Code: "run.imbalance", Message: fmt.Sprintf("%s took %d records and %d were sent", l.c.Name, l.taken, l.enc.n), Suggestion: "nothing was written; look for a trigger or rule of the table that leaves records out"}
	}
	if !l.to.Mode.Keyed() {
		l.changes.Inserted = l.taken
		return l.taken, nil
	}
	return l.taken, l.at(l.merge(ctx))
}

// Changes tells what became of the records.
func (l *load) Changes() flows.Changes { return l.changes }

// Prepare checks what the server would check at the commit only.
func (l *load) Prepare(ctx context.Context) error {
	for _, sql := range []string{l.to.AfterSQL, "SET CONSTRAINTS ALL IMMEDIATE"} {
		if sql == "" {
			continue
		}
		if err := l.exec(ctx, sql); err != nil {
			return l.at(err)
		}
	}
	return nil
}

// Commit makes the load visible, together with the row that proves it.
func (l *load) Commit(ctx context.Context, t node.Token) error {
	before, err := l.record(ctx, t)
	if err != nil {
		return l.at(err)
	}
	if before {
		return l.Abort(ctx) // the same records are there already
	}
	var xid string
	if err := l.conn.QueryRow(ctx, "SELECT pg_current_xact_id()::text").Scan(&xid); err != nil {
		return l.at(err)
	}
	tag, err := l.conn.Exec(ctx, "COMMIT")
	if _, refused := errors.AsType[*pgconn.PgError](err); err != nil && (!refused || l.conn.IsClosed()) {
		err = l.resolve(ctx, t, xid, err)
	} else if err == nil && tag.String() != "COMMIT" {
		err = &flows.Error{Code: "database.rolled_back", Message: l.c.Name + " has rolled the load back", Suggestion: "nothing was written; run again"}
	}
	if err == nil {
		l.done = true
	}
	return errors.Join(l.at(err), l.close(ctx))
}

// Abort rolls the load back, if it was not committed.
func (l *load) Abort(ctx context.Context) error {
	if l.done || l.conn == nil {
		return nil
	}
	if l.pipe != nil {
		l.pipe.CloseWithError(errCopyEnded)
	}
	return l.close(ctx) // the server rolls back what was not committed
}

func (l *load) close(ctx context.Context) error {
	if l.conn == nil {
		return nil
	}
	conn := l.conn
	l.conn = nil
	if l.copied != nil {
		<-l.copied
	}
	err := conn.Close(context.WithoutCancel(ctx))
	if l.gone {
		l.backend.end(ctx, l.c)
	}
	if err != nil && !l.done {
		return fmt.Errorf("postgres: %w", err)
	}
	return nil
}

// copyLine reads the record from where an error of a COPY happened: "COPY orders, line 700000, column id".
func copyLine(where string) int64 {
	if i := strings.LastIndex("\n"+where, "\nCOPY "); i >= 0 { // below what the value itself was part of
		where = where[i:]
	} else {
		return 0
	}
	_, rest, ok := strings.Cut(where, ", line ")
	if !ok {
		return 0
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	n, err := strconv.ParseInt(rest[:end], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
