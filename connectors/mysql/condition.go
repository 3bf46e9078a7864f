package mysql

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"spark/flows"
	"spark/flows/expr"
)

// Condition writes a condition of a Filter in MySQL's SQL, where it means exactly the same there: for every record that
// can be read the same of true, false and null, whatever the collations of the columns. The error says what does not.
func (dialect) Condition(cond expr.Expr) (string, error) {
	c := &conditioner{}
	var parts []string
	for _, e := range conjuncts(cond) {
		sql, err := c.boolean(e)
		if err != nil {
			return "", err
		}
		if quick := indexed(e); quick != "" {
			sql = quick + " AND " + sql
		}
		parts = append(parts, sql)
	}
	for _, name := range c.texts { // octets that a builder reads as a text are read as their digits: then the query fails
		parts = append(parts, "'' RLIKE IF(COLLATION("+quote(name)+") = 'binary', '(no text column', '^')")
	}
	return strings.Join(parts, " AND "), nil
}

// conditioner writes expressions.
type conditioner struct {
	texts []string // fields that are compared as texts
}

func cannot(format string, args ...any) error {
	return &flows.Error{Code: "database.condition", Message: fmt.Sprintf(format, args...), Suggestion: "leave the Filter where it is"}
}

// conjuncts are the parts of a condition that all have to be true.
func conjuncts(e expr.Expr) []expr.Expr {
	c, ok := e.(*expr.Call)
	if !ok || c.Fn.Name != "and" {
		return []expr.Expr{e}
	}
	var list []expr.Expr
	for _, a := range c.Args {
		list = append(list, conjuncts(a)...)
	}
	return list
}

// indexed is a condition that every record fulfils which fulfils e, and that can use an index: what has the same octets is
// equal in every collation. "": there is none better than e itself.
func indexed(e expr.Expr) string {
	var field *expr.FieldRef
	var values []expr.Expr
	switch e := e.(type) {
	case *expr.Call:
		if e.Fn.Name != "=" {
			return ""
		}
		field, _ = e.Args[0].(*expr.FieldRef)
		values = e.Args[1:]
	case *expr.In:
		if field, _ = e.X.(*expr.FieldRef); e.Not {
			return ""
		}
		values = e.List
	}
	if field == nil || field.Type().Kind != flows.Text {
		return ""
	}
	list := make([]string, len(values))
	for i, v := range values {
		s, ok := expr.ConstantText(v)
		if !ok || strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 }) { // the column's character set may not have it
			return ""
		}
		list[i] = text(s)
	}
	return quote(field.Name) + " IN (" + strings.Join(list, ", ") + ")"
}

var compared = map[string]bool{"=": true, "<>": true, "<": true, "<=": true, ">": true, ">=": true}

func (c *conditioner) boolean(e expr.Expr) (string, error) {
	switch e := e.(type) {
	case *expr.FieldRef, *expr.Literal:
		return c.value(e, flows.Of(flows.Boolean))
	case *expr.Between:
		return c.each([]expr.Expr{e.X, e.Low, e.High}, e.Over, func(a []string) string {
			return fmt.Sprintf("(%s %sBETWEEN %s AND %s)", a[0], not(e.Not), a[1], a[2])
		})
	case *expr.In:
		return c.each(append([]expr.Expr{e.X}, e.List...), e.Over, func(a []string) string {
			return fmt.Sprintf("(%s %sIN (%s))", a[0], not(e.Not), strings.Join(a[1:], ", "))
		})
	case *expr.Call:
		return c.call(e)
	}
	return "", cannot("%s may mean something else in the database", e)
}

func not(yes bool) string {
	if yes {
		return "NOT "
	}
	return ""
}

func (c *conditioner) call(e *expr.Call) (string, error) {
	switch name := e.Fn.Name; {
	case name == "and" || name == "or" || name == "not":
		parts := make([]string, len(e.Args))
		for i, a := range e.Args {
			var err error
			if parts[i], err = c.boolean(a); err != nil {
				return "", err
			}
		}
		if name == "not" {
			return "(NOT " + parts[0] + ")", nil
		}
		return "(" + strings.Join(parts, " "+strings.ToUpper(name)+" ") + ")", nil
	case name == "is_null" || name == "is_not_null":
		if f, ok := e.Args[0].(*expr.FieldRef); ok {
			return fmt.Sprintf("(%s IS %sNULL)", asRead(f), not(name == "is_not_null")), nil
		}
	case compared[name]:
		return c.each(e.Args, e.As[0], func(a []string) string { return fmt.Sprintf("(%s %s %s)", a[0], name, a[1]) })
	}
	return "", cannot("%s may mean something else in the database", e)
}

// each writes operands that are compared in one type.
func (c *conditioner) each(operands []expr.Expr, over flows.Type, join func([]string) string) (string, error) {
	list := make([]string, len(operands))
	for i, e := range operands {
		var err error
		if list[i], err = c.value(e, over); err != nil {
			return "", err
		}
	}
	return join(list), nil
}

// asRead is a field as it is read: days that there are not may be read as no value.
func asRead(f *expr.FieldRef) string {
	name := quote(f.Name)
	switch f.Type().Kind {
	case flows.Date, flows.Timestamp, flows.TimestampTZ:
		return fmt.Sprintf("IF(DAY(%[1]s) = 0 OR MONTH(%[1]s) = 0 OR LAST_DAY(%[1]s) IS NULL, NULL, %[1]s)", name)
	}
	return name
}

var wholes = []flows.Kind{flows.Int8, flows.Int16, flows.Int32, flows.Int64, flows.Int128}

// operands are the kinds of fields that both sides compare alike in a type.
var operands = map[flows.Kind][]flows.Kind{
	flows.Int8: wholes, flows.Int16: wholes, flows.Int32: wholes, flows.Int64: wholes, flows.Int128: wholes,
	flows.Decimal: append([]flows.Kind{flows.Decimal}, wholes...),
	// The nearest number to a decimal is not found in the same way.
	flows.Double:  {flows.Double, flows.Int8, flows.Int16, flows.Int32},
	flows.Boolean: {flows.Boolean}, flows.Text: {flows.Text}, flows.Date: {flows.Date}, flows.Time: {flows.Time},
	flows.Timestamp: {flows.Timestamp, flows.Date}, flows.TimestampTZ: {flows.TimestampTZ},
}

// value writes a field or a constant for a comparison in a type.
func (c *conditioner) value(e expr.Expr, over flows.Type) (string, error) {
	kinds, ok := operands[over.Kind]
	if !ok {
		return "", cannot("the database compares values of type %s in its own way", over)
	}
	switch e := e.(type) {
	case *expr.FieldRef:
		if !slices.Contains(kinds, e.Type().Kind) {
			return "", cannot("the database compares %s with %s in its own way", e.Type(), over)
		}
		return c.field(e, over), nil
	case *expr.Literal:
		if e.Value == nil {
			return "NULL", nil
		}
		return constant(e, over)
	case *expr.ParamRef:
		return "", cannot("the parameter %s has its value only when the flow runs", e.Name)
	}
	return "", cannot("%s may be computed in another way by the database", e)
}

func (c *conditioner) field(e *expr.FieldRef, over flows.Type) string {
	switch over.Kind {
	case flows.Text: // by code point, without a collation
		if !slices.Contains(c.texts, e.Name) {
			c.texts = append(c.texts, e.Name)
		}
		return "CAST(CONVERT(" + quote(e.Name) + " USING utf8mb4) AS BINARY)"
	case flows.Double:
		return "(" + quote(e.Name) + " + 0e0)"
	case flows.Boolean:
		return "(" + quote(e.Name) + " <> 0)"
	}
	return asRead(e)
}

// constant writes a constant that is not null.
func constant(e *expr.Literal, over flows.Type) (string, error) {
	var s string
	switch v := e.Value.(type) {
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
		return "", cannot("%s has no form in the database", e)
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
	return "", cannot("%s has no form in the database", e)
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
