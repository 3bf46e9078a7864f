package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"spark/flows"
	"spark/flows/node"
)

// A column that is too small for its field can be widened: to a type that holds all values of the field and all that the
// column holds now, without changing one.

// widened returns the type of a column in which a field of a type fits, too; false where there is none, or where the column
// need not change.
func widened(t flows.Type, c column) (column, bool) {
	wide := c
	wide.typmod = -1
	switch {
	case c.base != "b" || c.generated: // a domain has rules of its own
		return c, false
	case intDigits[c.oid] > 0 && t.IsInteger():
		wide.sqlType = columnType(t)
		if intDigits[c.oid] >= kindDigits[t.Kind] {
			return c, false
		}
	case t.Kind == flows.Decimal && intDigits[c.oid] > 0:
		return numericOf(c, max(intDigits[c.oid], t.Precision-t.Scale), t.Scale)
	case t.Kind == flows.Decimal && c.oid == pgtype.NumericOID && c.typmod >= 4:
		p, s := numericModifier(c.typmod)
		whole, scale := max(p-s, t.Precision-t.Scale), max(s, t.Scale)
		if s < 0 || whole == p-s && scale == s {
			return c, false
		}
		return numericOf(c, whole, scale)
	case t.IsInteger() && c.oid == pgtype.NumericOID && c.typmod >= 4:
		p, s := numericModifier(c.typmod)
		if s < 0 || p-s >= kindDigits[t.Kind] {
			return c, false
		}
		return numericOf(c, kindDigits[t.Kind], s)
	case isTextual(t.Kind) && c.oid == pgtype.VarcharOID && c.typmod >= 4:
		wide.sqlType = "text"
	case t.Kind == flows.Double && c.oid == pgtype.Float4OID:
		wide.sqlType = "double precision"
	case rounds(c) && (t.Kind == flows.Time && c.oid == pgtype.TimeOID || t.Kind == flows.Timestamp && c.oid == pgtype.TimestampOID || t.Kind == flows.TimestampTZ && c.oid == pgtype.TimestamptzOID):
		wide.sqlType = columnType(t)
	default:
		return c, false
	}
	wide.oid = pgtype.NumericOID
	if oid, ok := madeTypes[wide.sqlType]; ok {
		wide.oid = oid
	}
	return wide, true
}

// intDigits are the decimal digits that integer columns may need, kindDigits those of fields.
var (
	intDigits  = map[uint32]int{pgtype.Int2OID: 5, pgtype.Int4OID: 10, pgtype.Int8OID: 19}
	kindDigits = map[flows.Kind]int{flows.Int8: 3, flows.Int16: 5, flows.Int32: 10, flows.Int64: 19, flows.Int128: 39}
)

func numericOf(c column, whole, scale int) (column, bool) {
	if whole+scale > 1000 { // the most that PostgreSQL declares
		return c, false
	}
	c.oid, c.typmod, c.sqlType = pgtype.NumericOID, int32((whole+scale)<<16|scale)+4, fmt.Sprintf("numeric(%d,%d)", whole+scale, scale)
	return c, true
}

// rounds reports whether a column of a time keeps fewer digits than microseconds.
func rounds(c column) bool {
	switch c.oid {
	case pgtype.TimeOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return c.typmod >= 0 && c.typmod < 6
	}
	return false
}

// fit returns the column as it will be, and tells what is widened before the first record is read.
func (l *load) fit(ctx context.Context, m node.LoadColumn, c column) (column, error) {
	wide, possible := widened(m.Field.Type, c)
	if !possible {
		return c, nil
	}
	if l.to.NoFit != node.MisfitWiden {
		return c, nil
	}
	var views *string
	if err := l.conn.QueryRow(ctx, `SELECT string_agg(DISTINCT r.ev_class::regclass::text, ', ') FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.refobjid = to_regclass($1) AND a.attname = $2`, l.table.sql(), c.name).Scan(&views); err != nil {
		return c, err
	}
	alter := "ALTER TABLE " + l.table.sql() + " ALTER COLUMN " + quote(c.name) + " TYPE " + wide.sqlType
	if views != nil {
		return c, &flows.Error{Code: "database.widen_view", Path: flows.Path{Field: "noFit", Column: m.Field.Name}, Params: flows.Params{"views": *views},
			Message:    fmt.Sprintf("the column %q of %s is %s and has to become %s, and PostgreSQL does not change a column that a view uses: %s", c.name, l.table.sql(), c.sqlType, wide.sqlType, *views),
			Suggestion: "drop the view, widen the column (" + alter + "), and create the view again"}
	}
	l.widen = append(l.widen, alter)
	if l.w.Warn != nil {
		l.w.Warn(&flows.Error{Code: "database.widened", Path: flows.Path{Field: "noFit", Column: m.Field.Name}, Message: fmt.Sprintf("the column %q of %s becomes %s; it was %s", c.name, l.table.sql(), wide.sqlType, c.sqlType),
			Suggestion: "nothing is lost; readers of the table wait until the load has ended"})
	}
	return wide, nil
}

// misfit adds to an error about a value or type what would widen the column.
func misfit(f flows.Field, c column, err error) error {
	wide, possible := widened(f.Type, c)
	e, ok := errors.AsType[*flows.Error](err)
	if !possible || !ok {
		return err
	}
	e.Suggestion = strings.TrimSuffix(e.Suggestion, ", or choose another column") + `, or let "If a column is too small" widen it to ` + wide.sqlType
	return e
}

// widenError explains why a column was not widened.
func (l *load) widenError(err error) error {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok && pe.Code == "42501" {
		return &flows.Error{Code: "database.no_right", Path: flows.Path{Field: "noFit"}, Message: fmt.Sprintf("%s: only the owner of %s may widen its columns", l.c.Name, l.table.sql()),
			Suggestion: "let the owner do it: " + strings.Join(l.widen, "; "), Cause: err}
	}
	return err
}
