package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/go-sql-driver/mysql"

	"spark/flows"
	"spark/flows/node"
)

// load is the writing of one table. Nothing is changed before the first record arrives. Then the table is made or altered,
// which MySQL commits by itself; everything else is one transaction.
type load struct {
	*session
	c       node.Connection
	to      node.TableLoad
	w       *node.Writing
	table   table
	enc     encoder
	columns []column          // of the table
	missing []node.LoadColumn // columns to be added
	widen   []string          // statements that widen columns
	create  bool

	buf     []byte
	into    bulk // the records go there; nil before the first
	taken   int64
	changes flows.Changes
	done    bool
	gone    bool // the connection is
}

var _ node.BatchSink = (*load)(nil)

const (
	stage   = "spark_stage"
	ordinal = "spark_n" // column of the stage: the record's number
)

// Open connects, and checks the table, its columns and the rights to it.
func (dialect) Open(ctx context.Context, c node.Connection, to node.TableLoad, w *node.Writing) (node.BatchSink, error) {
	t, err := parseTable(to.Table)
	if err != nil {
		return nil, err
	}
	s, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	l := &load{session: s, c: c, to: to, w: w, table: t.in(s.settings)}
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
	fe, told := errors.AsType[*flows.Error](err)
	if told && (fe.Path.Field != "" || !numbered(err, lockWait)) {
		return fe
	}
	l.gone = l.gone || lost(err)
	if numbered(err, lockWait) {
		return l.locked(fmt.Sprintf("others held what the load needs of %s for more than %d seconds", l.table.written(), l.wait()), err)
	}
	return queryError(l.c.Name, err)
}

// locked is the error of a load that others kept from the table.
func (l *load) locked(message string, cause error) *flows.Error {
	return &flows.Error{Code: "database.locked", Path: flows.Path{Field: "lockTimeout"}, Params: flows.Params{"table": l.table.written()}, Message: l.c.Name + ": " + message,
		Suggestion: again + `, or raise "Wait for locks"`, Cause: cause}
}

// wait is how long a statement waits for others, in seconds.
func (l *load) wait() int64 { return max(1, int64(l.to.LockTimeout.Seconds())) }

func (l *load) tell(code, message, suggestion string) {
	if l.w.Warn != nil {
		l.w.Warn(&flows.Error{Code: code, Message: message, Suggestion: suggestion})
	}
}

func (l *load) open(ctx context.Context) error {
	if _, err := l.exec(ctx, fmt.Sprintf("SET SESSION lock_wait_timeout = %d, innodb_lock_wait_timeout = %[1]d", l.wait())); err != nil {
		return err
	}
	for field, own := range map[string]string{"beforeSQL": l.to.BeforeSQL, "afterSQL": l.to.AfterSQL} {
		if err := harmless(field, own); err != nil {
			return err
		}
	}
	var err error
	if l.columns, err = l.table.columns(ctx, l.session); err != nil {
		return err
	}
	if l.create = len(l.columns) == 0; l.create {
		if l.to.NoTable != node.MissingCreate || l.to.Mode == node.LoadUpdate || l.to.Mode == node.LoadDelete {
			return &flows.Error{Code: "database.no_table", Path: flows.Path{Field: "table"}, Message: fmt.Sprintf("%s has no table %s", l.c.Name, l.table.written()), Suggestion: "check the name, or let the table be created"}
		}
		for _, m := range l.to.Columns {
			l.columns = append(l.columns, l.newColumn(m))
		}
	} else if err := l.checkEngine(ctx); err != nil {
		return err
	}
	if err := l.encodings(); err != nil {
		return err
	}
	if err := l.checkKey(ctx); err != nil {
		return err
	}
	if err := l.createCommits(ctx); err != nil {
		return err
	}
	return l.checkRights(ctx)
}

// checkEngine refuses tables whose changes cannot be taken back.
func (l *load) checkEngine(ctx context.Context) error {
	var kind, engine, transactions string
	err := l.row(ctx, "SELECT t.TABLE_TYPE, COALESCE(t.ENGINE, ''), COALESCE(e.TRANSACTIONS, 'NO') FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE WHERE t.TABLE_SCHEMA = "+
		text(l.table.database)+" AND t.TABLE_NAME = "+text(l.table.name), &kind, &engine, &transactions)
	switch {
	case errors.Is(err, sql.ErrNoRows): // dropped at this moment
		return &flows.Error{Code: "database.no_table", Path: flows.Path{Field: "table"}, Message: fmt.Sprintf("%s has no table %s", l.c.Name, l.table.written()), Suggestion: "check the name, or let the table be created"}
	case err != nil:
		return err
	case strings.Contains(kind, "VIEW"):
		return &flows.Error{Code: "database.view", Path: flows.Path{Field: "table"}, Message: fmt.Sprintf("%s is a view", l.table.written()), Suggestion: "write into its table"}
	case transactions != "YES":
		return &flows.Error{Code: "database.engine", Path: flows.Path{Field: "table"}, Params: flows.Params{"engine": engine},
			Message:    fmt.Sprintf("the table %s is of the engine %s, which has no transactions: a load that fails would leave a part of its records there", l.table.written(), engine),
			Suggestion: fmt.Sprintf("change it: ALTER TABLE %s ENGINE = InnoDB", l.table.sql())}
	}
	return nil
}

// encodings pairs fields and columns.
func (l *load) encodings() error {
	names := make([]string, len(l.columns))
	for i, c := range l.columns {
		names[i] = c.name
	}
	for _, m := range l.to.Columns {
		// Names of columns are the same in capitals and small letters.
		i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, m.Name) })
		var col column
		switch {
		case i >= 0:
			col = l.fit(m, l.columns[i])
		case l.to.NoColumn == node.MissingCreate:
			col = l.newColumn(m)
			l.missing = append(l.missing, m)
		default:
			return &flows.Error{Code: "database.no_column", Path: flows.Path{Field: "columns", Column: m.Field.Name}, Message: fmt.Sprintf("the table %s has no column %q", l.table.written(), m.Name),
				Suggestion: strings.TrimSpace(flows.DidYouMean(m.Name, names) + " or let missing columns be created")}
		}
		if col.generated {
			return noWay(m.Field, col, "the database computes this column by itself")
		}
		if l.to.Mode.Keyed() && slices.Contains(l.to.Key, m.Name) {
			col.notNull = false // checkKeys counts records without a key
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
	for _, c := range l.columns {
		if c.notNull && !c.fallback && !c.generated && !slices.ContainsFunc(l.to.Columns, func(m node.LoadColumn) bool { return strings.EqualFold(m.Name, c.name) }) {
			return &flows.Error{Code: "database.unmapped", Path: flows.Path{Field: "columns", Column: c.name}, Message: fmt.Sprintf("the column %q of %s must not be null, has no default, and no field goes into it", c.name, l.table.written()),
				Suggestion: "map a field to it, or give the column a default"}
		}
	}
	return nil
}

// checkKey refuses keys by which records cannot be found for sure.
func (l *load) checkKey(ctx context.Context) error {
	if !l.to.Mode.Keyed() {
		return nil
	}
	for _, e := range l.enc.columns {
		if !slices.Contains(l.to.Key, e.column.name) {
			continue
		}
		switch e.column.base {
		case "tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob", "json":
			return &flows.Error{Code: "database.key_type", Path: flows.Path{Field: "key", Column: e.field.Name}, Message: fmt.Sprintf("the key column %q is %s, of which MySQL has no whole index", e.column.name, e.column.sqlType),
				Suggestion: fmt.Sprintf("make it a varchar: ALTER TABLE %s MODIFY %s varchar(255) NOT NULL", l.table.sql(), quote(e.column.name))}
		}
	}
	if l.create || l.to.Mode != node.LoadUpsert {
		return nil
	}
	indexes, err := list(ctx, l.session, "SELECT GROUP_CONCAT(LOWER(COLUMN_NAME) ORDER BY LOWER(COLUMN_NAME) SEPARATOR ',') FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = "+text(l.table.database)+" AND TABLE_NAME = "+text(l.table.name)+
		" AND NON_UNIQUE = 0 GROUP BY INDEX_NAME HAVING MAX(SUB_PART) IS NULL", func(r *sql.Rows) (names string, err error) { return names, r.Scan(&names) })
	if err != nil {
		return err
	}
	key := make([]string, len(l.to.Key))
	for i, k := range l.to.Key {
		key[i] = strings.ToLower(k)
	}
	slices.Sort(key)
	if slices.Contains(indexes, strings.Join(key, ",")) {
		return nil
	}
	return &flows.Error{Code: "database.no_key", Path: flows.Path{Field: "key"}, Message: fmt.Sprintf("the table %s has no unique index on the columns %s", l.table.written(), quoted("", l.to.Key)),
		Suggestion: fmt.Sprintf("create one: CREATE UNIQUE INDEX spark_key ON %s (%s)", l.table.sql(), quoted("", l.to.Key))}
}

// checkRights lets the server plan what comes in the end, without executing it.
func (l *load) checkRights(ctx context.Context) error {
	if l.create || len(l.missing) > 0 || len(l.widen) > 0 {
		return nil
	}
	cols := l.columnList("")
	statements := []string{"EXPLAIN INSERT INTO " + l.table.sql() + " (" + cols + ") SELECT " + cols + " FROM " + l.table.sql() + " WHERE 1 = 0"}
	switch l.to.Mode {
	case node.LoadUpdate:
		statements = []string{"EXPLAIN UPDATE " + l.table.sql() + " SET " + quote(l.values()[0]) + " = NULL WHERE 1 = 0"}
	case node.LoadDelete:
		statements = []string{"EXPLAIN DELETE FROM " + l.table.sql() + " WHERE 1 = 0"}
	case node.LoadReplace, node.LoadTruncate:
		statements = append(statements, "EXPLAIN DELETE FROM "+l.table.sql()+" WHERE 1 = 0")
	}
	for _, sql := range statements {
		rows, err := l.conn.QueryContext(ctx, sql)
		if err == nil {
			err = rows.Close()
		}
		if me, ok := errors.AsType[*mysql.MySQLError](err); ok && (me.Number == 1142 || me.Number == 1143) {
			return err // what else keeps from planning it is said when it is done
		}
	}
	return nil
}

func (l *load) columnList(prefix string) string {
	names := make([]string, len(l.to.Columns))
	for i, m := range l.to.Columns {
		names[i] = m.Name
	}
	return quoted(prefix, names)
}

// begin makes the table as it has to be and starts the load. In keyed modes the records are staged first, and the
// transaction begins when all are there: it can be repeated.
func (l *load) begin(ctx context.Context) error {
	if err := l.alter(ctx); err != nil {
		return err
	}
	into, duplicates := l.table.sql(), ""
	if l.to.Mode.Keyed() {
		into, duplicates, l.enc.ordinal = quote(l.table.database)+"."+stage, "REPLACE ", true
		if _, err := l.exec(ctx, l.createStage(into)); err != nil {
			return err
		}
	} else if err := l.transaction(ctx); err != nil {
		return err
	}
	l.buf = make([]byte, 0, sendBytes+64<<10)
	switch {
	case l.settings.Bulk == "insert":
		l.into = l.insert(ctx, &l.enc, into, duplicates != "")
	case !l.local:
		l.tell("database.no_local_infile", l.c.Name+" does not allow LOAD DATA LOCAL: the records are sent by INSERT, many at a time, which is slower", "let the administrator set local_infile=1 at the server")
		l.into = l.insert(ctx, &l.enc, into, duplicates != "")
	default:
		l.into = l.session.load(ctx, &l.enc, into, duplicates)
	}
	return nil
}

// transaction begins the one transaction of the load.
func (l *load) transaction(ctx context.Context) error {
	for _, sql := range []string{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION READ WRITE"} {
		if _, err := l.exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := l.own(ctx, "beforeSQL", l.to.BeforeSQL); err != nil {
		return err
	}
	if l.to.Mode == node.LoadTruncate || l.to.Mode == node.LoadReplace { // TRUNCATE would commit by itself
		if _, err := l.exec(ctx, "DELETE FROM "+l.table.sql()); err != nil {
			return err
		}
	}
	return nil
}

// mostMerges is how often a merge is tried that others stand in the way of.
const mostMerges = 5

// merged begins the transaction and merges, again where it was the victim of a deadlock or has waited too long for a lock: all
// that it needs is staged.
func (l *load) merged(ctx context.Context) error {
	for n := 1; ; n++ {
		l.changes = flows.Changes{}
		err := l.transaction(ctx)
		if err == nil {
			err = l.merge(ctx)
		}
		dead := numbered(err, deadlock)
		if !dead && !numbered(err, lockWait) {
			return err
		}
		if n == mostMerges && dead {
			return l.locked(fmt.Sprintf("the load of %s ran into a deadlock with others %d times in a row", l.table.written(), n), err)
		}
		if n == mostMerges {
			return l.locked(fmt.Sprintf("others held what the load needs of %s for more than %d seconds, %d times in a row", l.table.written(), l.wait(), n), err)
		}
		// A lock that was not had ends a statement alone, and beginning another transaction would commit the others.
		if _, err := l.exec(ctx, "ROLLBACK"); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(n) * 100 * time.Millisecond):
		}
	}
}

// own executes SQL of the builder's; an error stands at its setting.
func (l *load) own(ctx context.Context, field, sql string) error {
	if sql == "" {
		return nil
	}
	if _, err := l.exec(ctx, sql); err != nil {
		e := flows.AsError(l.at(err))
		e.Path.Field = field
		return e
	}
	return nil
}

// Write sends records.
func (l *load) Write(ctx context.Context, b arrow.RecordBatch) error {
	if l.into == nil {
		if err := l.begin(ctx); err != nil {
			return l.at(err)
		}
	}
	cols := make([]arrow.Array, len(l.to.Columns))
	for i, m := range l.to.Columns {
		cols[i] = b.Column(l.w.Schema.Index(m.Field.Name))
	}
	var err error
	l.buf, err = l.enc.batch(l.buf, cols, l.into.send)
	return l.at(err)
}

// Finish ends the load and, in keyed modes, merges what was staged.
func (l *load) Finish(ctx context.Context) (int64, error) {
	if l.into == nil { // no record came
		if err := l.begin(ctx); err != nil {
			return 0, l.at(err)
		}
	}
	rows, err := l.into.end(l.buf)
	if err != nil {
		return 0, l.at(err)
	}
	l.taken = l.enc.n
	if l.to.Mode.Keyed() {
		return l.taken, l.at(l.merged(ctx))
	}
	if l.changes.Inserted = rows; rows != l.taken {
		return rows, &flows.Error{Code: "run.imbalance", Message: fmt.Sprintf("%s took %d records and %d were sent", l.c.Name, rows, l.taken), Suggestion: "nothing was written; look for a trigger of the table that leaves records out"}
	}
	return l.taken, nil
}

// Changes tells what became of the records.
func (l *load) Changes() flows.Changes { return l.changes }

// Prepare executes what comes before the commit.
func (l *load) Prepare(ctx context.Context) error {
	return l.own(ctx, "afterSQL", l.to.AfterSQL)
}

// Abort rolls the load back, if it was not committed.
func (l *load) Abort(ctx context.Context) error {
	if l.done || l.session == nil {
		return nil
	}
	l.end(ctx)
	return nil
}

// end closes the connection; the server rolls back what was not committed.
func (l *load) end(ctx context.Context) {
	s := l.session
	if l.into != nil {
		l.into.stop()
	}
	s.close()
	if l.gone {
		s.lose(ctx)
	}
	l.session = nil
}
