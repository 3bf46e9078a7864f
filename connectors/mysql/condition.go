package mysql

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"spark/connectors/internal/condition"
	"spark/flows"
	"spark/flows/expr"
)

// Condition writes the condition of a Filter in MySQL's SQL, whatever the collations of the columns.
func (dialect) Condition(cond expr.Expr) (string, error) {
	o := &operands{}
	parts, err := condition.Write(o, cond)
	for _, name := range o.texts { // octets that a builder reads as a text are read as their digits: then the query fails
		parts = append(parts, "'' RLIKE IF(COLLATION("+quote(name)+") = 'binary', '(no text column', '^')")
	}
	return strings.Join(parts, " AND "), err
}

// operands writes what is compared.
type operands struct {
	texts []string // fields that are compared as texts
}

func (*operands) Name(column string) string { return quote(column) }

// Indexed: what has the same octets is equal in every collation, but the column's character set may not have them.
func (*operands) Indexed(s string) (string, bool) {
	return text(s), !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// Tested is a field as it is read: days that there are not may be read as no value.
func (*operands) Tested(f *expr.FieldRef) string {
	name := quote(f.Name)
	switch f.Type().Kind {
	case flows.Date, flows.Timestamp, flows.TimestampTZ:
		return fmt.Sprintf("IF(DAY(%[1]s) = 0 OR MONTH(%[1]s) = 0 OR LAST_DAY(%[1]s) IS NULL, NULL, %[1]s)", name)
	}
	return name
}

var wholes = []flows.Kind{flows.Int8, flows.Int16, flows.Int32, flows.Int64, flows.Int128}

// comparableKinds are the kinds of fields that both sides compare alike in a type.
var comparableKinds = map[flows.Kind][]flows.Kind{
	flows.Int8: wholes, flows.Int16: wholes, flows.Int32: wholes, flows.Int64: wholes, flows.Int128: wholes,
	flows.Decimal: append([]flows.Kind{flows.Decimal}, wholes...),
	// The nearest number to a decimal is not found in the same way.
	flows.Double:  {flows.Double, flows.Int8, flows.Int16, flows.Int32},
	flows.Boolean: {flows.Boolean}, flows.Text: {flows.Text}, flows.Date: {flows.Date}, flows.Time: {flows.Time},
	flows.Timestamp: {flows.Timestamp, flows.Date}, flows.TimestampTZ: {flows.TimestampTZ},
}

func (o *operands) Field(f *expr.FieldRef, over flows.Type) (string, error) {
	kinds, ok := comparableKinds[over.Kind]
	switch {
	case !ok:
		return "", condition.OwnWay(over)
	case !slices.Contains(kinds, f.Type().Kind):
		return "", condition.Cannot("the database compares %s with %s in its own way", f.Type(), over)
	}
	name := quote(f.Name)
	switch over.Kind {
	case flows.Text: // by code point, without a collation
		if !slices.Contains(o.texts, f.Name) {
			o.texts = append(o.texts, f.Name)
		}
		return "CAST(CONVERT(" + name + " USING utf8mb4) AS BINARY)", nil
	case flows.Double:
		return "(" + name + " + 0e0)", nil
	case flows.Boolean:
		return "(" + name + " <> 0)", nil
	}
	return o.Tested(f), nil
}

func (*operands) Constant(l *expr.Literal, over flows.Type) (string, error) {
	if _, ok := comparableKinds[over.Kind]; !ok {
		return "", condition.OwnWay(over)
	}
	var s string
	switch v := l.Value.(type) {
	case nil:
		return "NULL", nil
	case string:
		s = v
	case int64:
		s = strconv.FormatInt(v, 10)
	case *big.Int:
		s = v.String()
	case float64:
		s = strconv.FormatFloat(v, 'e', -1, 64)
	case bool:
		s = strings.ToUpper(strconv.FormatBool(v))
	default:
		return "", condition.Cannot("%s has no form in the database", l)
	}
	switch over.Kind {
	case flows.Text:
		if !strings.ContainsRune(s, 0) {
			return "CAST(" + text(s) + " AS BINARY)", nil
		}
	case flows.Double:
		if f, err := strconv.ParseFloat(s, 64); err == nil && f-f == 0 {
			return strconv.FormatFloat(f, 'e', -1, 64), nil
		}
	case flows.Date, flows.Time, flows.Timestamp, flows.TimestampTZ:
		if m, ok := moment(s, over.Kind); ok {
			return m, nil
		}
	default:
		if strings.Trim(s, "+-.0123456789") == "" || over.Kind == flows.Boolean {
			return s, nil
		}
	}
	return "", condition.Cannot("%s has no form in the database", l)
}

// moment writes a date or time.
func moment(s string, kind flows.Kind) (string, bool) {
	layouts, word, out := []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", time.DateOnly}, "TIMESTAMP", timeForm
	switch kind {
	case flows.Date:
		layouts, word, out = []string{time.DateOnly}, "DATE", time.DateOnly
	case flows.Time:
		layouts, word, out = []string{time.TimeOnly, "15:04"}, "TIME", "15:04:05.999999"
	case flows.TimestampTZ:
		layouts = []string{"2006-01-02 15:04:05Z07:00", time.RFC3339, "2006-01-02 15:04:05Z07"}
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil && t.Year() <= 9999 && t.Nanosecond()%1000 == 0 {
			return word + "'" + t.UTC().Format(out) + "'", true
		}
	}
	return "", false
}
