package mysql

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"

	"spark/flows"
	"spark/flows/node"
)

// A column that is too small for its field can be widened: to a type that holds all values of the field and all that the
// column holds now, without changing one.

// digits are the decimal digits that integer columns may need, kindDigits those of fields.
var (
	digits     = map[string]int{"tinyint": 3, "smallint": 5, "mediumint": 8, "int": 10, "bigint": 19}
	kindDigits = map[flows.Kind]int{flows.Int8: 3, flows.Int16: 5, flows.Int32: 10, flows.Int64: 19, flows.Int128: 39}
	kindNames  = map[flows.Kind]string{flows.Int8: "tinyint", flows.Int16: "smallint", flows.Int32: "int", flows.Int64: "bigint", flows.Int128: "decimal(39,0)"}
)

// widened returns the column in which a field of a type fits, too; false where there is none, or where it need not change.
func widened(t flows.Type, c column) (column, bool) {
	wide := c
	switch n := digits[c.base]; {
	case c.generated, c.boolean && t.Kind == flows.Boolean:
		return c, false
	case n > 0 && t.IsInteger():
		switch {
		case c.unsigned: // negative ones need the sign
			wide.ofType(fmt.Sprintf("decimal(%d,0)", max(n+1, kindDigits[t.Kind])))
			if c.base != "bigint" && t.Kind != flows.Int128 {
				wide.ofType("bigint")
			}
		case n >= kindDigits[t.Kind]:
			return c, false
		default:
			wide.ofType(kindNames[t.Kind])
		}
	case n > 0 && t.Kind == flows.Decimal:
		return ofDecimal(c, max(n+1, t.Precision-t.Scale), t.Scale)
	case c.base == "decimal" && t.Kind == flows.Decimal:
		if c.scale >= t.Scale && c.length-c.scale >= t.Precision-t.Scale && !c.unsigned {
			return c, false
		}
		return ofDecimal(c, max(c.length-c.scale, t.Precision-t.Scale), max(c.scale, t.Scale))
	case c.base == "decimal" && t.IsInteger():
		if c.length-c.scale >= kindDigits[t.Kind] && !c.unsigned {
			return c, false
		}
		return ofDecimal(c, max(c.length-c.scale, kindDigits[t.Kind]), c.scale)
	case isTextual(t.Kind) && (c.base == "varchar" || c.base == "tinytext" || c.base == "text" || c.base == "mediumtext") && !c.key:
		wide.ofType("longtext")
	case t.Kind == flows.Bytes && (c.base == "varbinary" || c.base == "tinyblob" || c.base == "blob" || c.base == "mediumblob") && !c.key:
		wide.ofType("longblob")
	case t.Kind == flows.Double && c.base == "float":
		wide.ofType("double")
	case (t.Kind == flows.Time && c.base == "time" || t.Kind == flows.Timestamp && c.base == "datetime" || t.Kind == flows.TimestampTZ && c.base == "timestamp") && c.length < 6:
		wide.ofType(c.base + "(6)")
	default:
		return c, false
	}
	return wide, true
}

func ofDecimal(c column, whole, scale int) (column, bool) {
	if whole+scale > 65 || scale > 30 { // the most that MySQL declares
		return c, false
	}
	c.ofType(fmt.Sprintf("decimal(%d,%d)", whole+scale, scale))
	return c, true
}

// fit returns the column as it will be, and tells what is widened before the first record is read. A column that counts
// or has a default of its own stays as it is: the statement would have to repeat what is not known of it.
func (l *load) fit(m node.LoadColumn, c column) column {
	wide, possible := widened(m.Field.Type, c)
	if !possible || c.fallback || l.to.NoFit != node.MisfitWiden {
		return c
	}
	alter := "ALTER TABLE " + l.table.sql() + " MODIFY COLUMN " + quote(c.name) + " " + wide.sqlType
	if c.collation != "" {
		alter += " CHARACTER SET " + c.charset + " COLLATE " + c.collation
	}
	if c.notNull {
		alter += " NOT NULL"
	} else {
		alter += " NULL"
	}
	l.widen = append(l.widen, alter)
	if l.w.Warn != nil {
		l.w.Warn(&flows.Error{Code: "database.widened", Path: flows.Path{Field: "noFit", Column: m.Field.Name}, Message: fmt.Sprintf("the column %q of %s becomes %s; it was %s", c.name, l.table.written(), wide.sqlType, c.sqlType),
			Suggestion: "nothing is lost; MySQL keeps the wider column if the load fails"})
	}
	return wide
}

// misfit adds to an error about a type what would widen the column.
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
	if me, ok := errors.AsType[*mysql.MySQLError](err); ok && me.Number == 1142 {
		return &flows.Error{Code: "database.no_right", Path: flows.Path{Field: "noFit"}, Message: fmt.Sprintf("%s: the user may not alter %s", l.c.Name, l.table.written()),
			Suggestion: "let somebody else do it: " + strings.Join(l.widen, "; "), Cause: err}
	}
	return err
}
