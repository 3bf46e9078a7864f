package mysql

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"spark/flows"
	"spark/flows/node"
)

// keyText is how many characters a text has that is part of the key of a table that is made.
const keyText = 255

// newColumn is the column that is made for a field.
func (l *load) newColumn(m node.LoadColumn) column {
	c := column{name: m.Name}
	c.ofType(l.columnType(m))
	c.json = jsonKind(m.Field.Type.Kind)
	if c.base == "time" || c.base == "datetime" || c.base == "timestamp" {
		c.length = 6
	}
	if l.isKey(m.Name) {
		c.notNull = l.create
	}
	return c
}

func jsonKind(k flows.Kind) bool { return k == flows.JSON || k == flows.List || k == flows.Struct }

func (l *load) isKey(name string) bool {
	return l.to.Mode == node.LoadUpsert && slices.Contains(l.to.Key, name)
}

// columnType is the type of a column that is made for a field.
func (l *load) columnType(m node.LoadColumn) string {
	switch t := m.Field.Type; t.Kind {
	case flows.Int8:
		return "tinyint"
	case flows.Int16:
		return "smallint"
	case flows.Int32:
		return "int"
	case flows.Int64:
		return "bigint"
	case flows.Int128:
		return "decimal(39,0)"
	case flows.Decimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case flows.Double:
		return "double"
	case flows.Boolean:
		return "tinyint(1)"
	case flows.Date:
		return "date"
	case flows.Time:
		return "time(6)"
	case flows.Timestamp:
		return "datetime(6)"
	case flows.TimestampTZ:
		return "timestamp(6)"
	case flows.Interval:
		return "varchar(64)"
	case flows.UUID:
		if l.maria && l.since(10, 7, 0) {
			return "uuid"
		}
		return "char(36)"
	case flows.Bytes:
		if l.isKey(m.Name) {
			return fmt.Sprintf("varbinary(%d)", keyText)
		}
		return "longblob"
	}
	if l.isKey(m.Name) {
		return fmt.Sprintf("varchar(%d)", keyText)
	}
	return "longtext"
}

// collation keeps texts apart that differ, also by blanks at their end, where the server has one that does.
func (l *load) collation() string {
	switch {
	case l.maria && l.since(10, 2, 2):
		return "utf8mb4_nopad_bin"
	case !l.maria && l.since(8, 0, 17):
		return "utf8mb4_0900_bin"
	}
	return "utf8mb4_bin"
}

// definition is a column that is made, as SQL.
func (l *load) definition(m node.LoadColumn) string {
	c := l.newColumn(m)
	def := quote(m.Name) + " " + c.sqlType
	if c.isText() || c.json {
		def += " CHARACTER SET utf8mb4 COLLATE " + l.collation()
	}
	switch {
	case c.notNull:
		def += " NOT NULL"
	case c.base == "timestamp": // which would be set to the current time
		def += " NULL DEFAULT NULL"
	}
	if c.json {
		def += " CHECK (json_valid(" + quote(m.Name) + "))"
	}
	return def
}

func (l *load) createTable() string {
	defs := make([]string, len(l.to.Columns))
	for i, m := range l.to.Columns {
		defs[i] = l.definition(m)
	}
	if l.to.Mode == node.LoadUpsert {
		defs = append(defs, "PRIMARY KEY ("+quoted("", l.to.Key)+")")
	}
	return "CREATE TABLE IF NOT EXISTS " + l.table.sql() + " (" + strings.Join(defs, ", ") + ") ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4"
}

// checkColumn refuses the name of a column that MySQL cannot have. MySQL itself puts ? for characters that it does not take, as
// MariaDB does not.
func checkColumn(name string) error {
	if len([]rune(name)) > 64 || strings.HasSuffix(name, " ") || strings.ContainsFunc(name, func(r rune) bool { return r > 0xFFFF || r == 0 }) {
		return &flows.Error{Code: "database.name", Path: flows.Path{Field: "columns", Column: name}, Message: fmt.Sprintf("MySQL takes no column of the name %q", name), Suggestion: badName}
	}
	return nil
}

// alter makes the table, its missing columns and wider ones. MySQL commits each by itself: they stay where the load fails,
// which is told, and are found by the next one.
func (l *load) alter(ctx context.Context) error {
	made := l.missing
	if l.create {
		made = l.to.Columns
	}
	for _, m := range made {
		if err := checkColumn(m.Name); err != nil {
			return err
		}
	}
	if l.create {
		l.tell("database.created", fmt.Sprintf("the table %s is created before the load: MySQL keeps it, without records, if the load fails", l.table.written()), "the next run finds it")
		_, err := l.exec(ctx, l.createTable())
		return err
	}
	for _, m := range l.missing {
		l.tell("database.added", fmt.Sprintf("the column %q is added to %s before the load: MySQL keeps it if the load fails", m.Name, l.table.written()), "the next run finds it")
		_, err := l.exec(ctx, "ALTER TABLE "+l.table.sql()+" ADD COLUMN "+l.definition(m))
		if me, ok := errors.AsType[*mysql.MySQLError](err); err != nil && !(ok && me.Number == 1060) { // another run has added it
			return err
		}
	}
	for _, sql := range l.widen {
		if _, err := l.exec(ctx, sql); err != nil {
			return l.widenError(err)
		}
	}
	return nil
}

// createStage is a table of this connection with the columns that are written, by whose key the last record counts.
func (l *load) createStage(name string) string {
	defs := make([]string, len(l.enc.columns))
	for i, e := range l.enc.columns {
		c := e.column
		defs[i] = quote(c.name) + " " + c.sqlType
		switch {
		case c.collation != "" && c.base != "inet4" && c.base != "inet6":
			defs[i] += " CHARACTER SET " + c.charset + " COLLATE " + c.collation
		case c.collation == "" && (c.isText() || c.json):
			defs[i] += " CHARACTER SET utf8mb4 COLLATE " + l.collation()
		}
		defs[i] += " NULL"
	}
	return "CREATE TEMPORARY TABLE " + name + " (" + strings.Join(defs, ", ") + ", " + ordinal + " bigint NOT NULL, UNIQUE KEY (" + quoted("", l.to.Key) + ")) ENGINE = InnoDB"
}

var (
	harmlessForm = regexp.MustCompile(`(?i)^(insert|update|delete|replace|select|with|do)\b`)
	leadComment  = regexp.MustCompile(`(?s)^(\s+|--[^\n]*\n|#[^\n]*\n|/\*[^!M].*?\*/)*`)
)

// harmless refuses SQL that MySQL commits by itself, or that could: in the middle of a load it would commit a part of it.
func harmless(field, sql string) error {
	body := leadComment.ReplaceAllString(sql, "")
	if sql == "" || harmlessForm.MatchString(body) && !strings.Contains(sql, "/*!") && !strings.Contains(sql, "/*M!") {
		return nil
	}
	word, _, _ := strings.Cut(strings.TrimSpace(body), " ")
	return &flows.Error{Code: "database.own_sql", Path: flows.Path{Field: field}, Params: flows.Params{"statement": word}, Message: fmt.Sprintf("a statement that begins with %q cannot stand here: MySQL may commit it, and with it a part of the load, by itself", word),
		Suggestion: "write one INSERT, UPDATE, DELETE, REPLACE, SELECT or DO; execute others outside of the flow"}
}
