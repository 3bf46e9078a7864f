package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/node"
)

// relation is what a selection reads, as it stands behind FROM.
func relation(from node.Select, s *Settings) (string, error) {
	if from.Query != "" {
		return "(" + strings.TrimRight(strings.TrimSpace(from.Query), "; \n\t") + "\n) q", nil
	}
	t, err := parseTable(from.Table)
	if err != nil {
		return "", err
	}
	if from.Where == "" {
		return t.in(s).sql(), nil
	}
	return t.in(s).sql() + " WHERE (" + from.Where + "\n)", nil
}

// describe asks the server for the columns of a selection. Nothing but one statement passes: the driver sends no more.
func (s *session) describe(ctx context.Context, from node.Select, rel string) ([]column, error) {
	rows, err := s.conn.QueryContext(ctx, "SELECT * FROM "+rel+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	if from.Query == "" {
		t, err := parseTable(from.Table)
		if err != nil {
			return nil, err
		}
		if cols, err := t.in(s.settings).columns(ctx, s); err != nil || len(cols) > 0 {
			return cols, err
		}
	}
	cols := make([]column, len(types))
	for i, t := range types {
		cols[i] = ofDriver(t)
	}
	return cols, nil
}

// ofDriver is a column of a query. Of its declaration the protocol tells less than a table does: how wide an integer is
// shown, and with it that tinyint(1) is meant as a boolean, is not known.
func ofDriver(t *sql.ColumnType) column {
	written := strings.ToLower(t.DatabaseTypeName())
	unsigned := strings.HasPrefix(written, "unsigned ")
	c := column{name: t.Name(), base: strings.TrimPrefix(written, "unsigned "), sqlType: written, unsigned: unsigned, length: 64}
	if p, scale, ok := t.DecimalSize(); ok && c.base == "decimal" {
		c.length, c.scale = int(p), int(scale)
		c.sqlType = fmt.Sprintf("decimal(%d,%d)", p, scale)
	}
	return c
}

// unread says that a column's type is not read.
func unread(c column) error {
	as := "CAST(" + quote(c.name) + " AS CHAR)"
	switch c.base {
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection":
		as = "ST_AsText(" + quote(c.name) + ")"
	}
	return &flows.Error{Code: "database.column_type", Path: flows.Path{Field: "fields", Column: c.name}, Params: flows.Params{"column": c.sqlType},
		Message: fmt.Sprintf("the column %q is %s, which is not read", c.name, c.sqlType), Suggestion: "leave it out by naming the fields, or read a query with " + as}
}

// Describe returns the columns of a table or query as fields.
func (dialect) Describe(ctx context.Context, c node.Connection, from node.Select) (flows.Schema, error) {
	s, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	defer s.close()
	rel, err := relation(from, s.settings)
	if err != nil {
		return nil, err
	}
	cols, err := s.describe(ctx, from, rel)
	if err != nil {
		return nil, selectError(c.Name, from, err)
	}
	var schema flows.Schema
	for _, col := range cols {
		t, ok := col.fieldType()
		if !ok {
			return nil, unread(col)
		}
		schema = append(schema, flows.Field{Name: col.name, Type: t})
	}
	return schema, nil
}

// Tables lists the tables and views whose name contains search.
func (dialect) Tables(ctx context.Context, c node.Connection, search string) ([]flows.Table, error) {
	s, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	defer s.close()
	found, err := list(ctx, s, "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE LIKE '%VIEW%', COALESCE(TABLE_ROWS, 0) FROM information_schema.TABLES "+
		"WHERE TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys') AND TABLE_NAME <> "+text(commitTable)+
		" AND LOCATE(LOWER("+text(search)+"), LOWER(CONCAT(TABLE_SCHEMA, '.', TABLE_NAME))) > 0 ORDER BY TABLE_SCHEMA <> DATABASE(), 1, 2 LIMIT 1000", func(r *sql.Rows) (flows.Table, error) {
		var t flows.Table
		var of table
		err := r.Scan(&of.database, &of.name, &t.View, &t.Records)
		t.Name = of.written()
		return t, err
	})
	if err != nil {
		return nil, queryError(c.Name, err)
	}
	return found, nil
}

// Columns lists the columns of a table or view. Those that are not read stand there as text.
func (dialect) Columns(ctx context.Context, c node.Connection, name string) ([]flows.Column, error) {
	t, err := parseTable(name)
	if err != nil {
		return nil, err
	}
	s, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	defer s.close()
	cols, err := t.in(s.settings).columns(ctx, s)
	if err != nil {
		return nil, queryError(c.Name, err)
	}
	if len(cols) == 0 {
		return nil, &flows.Error{Code: "database.no_table", Path: flows.Path{Field: "table"}, Params: flows.Params{"table": name}, Message: fmt.Sprintf("%s has no table %s", c.Name, name), Suggestion: "check the name and its database"}
	}
	all := make([]flows.Column, len(cols))
	for i, col := range cols {
		field, ok := col.fieldType()
		if !ok {
			field = flows.Of(flows.Text)
		}
		all[i] = flows.Column{Name: col.name, Type: col.sqlType, Field: field, Nullable: !col.notNull, Key: col.key}
	}
	return all, nil
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
