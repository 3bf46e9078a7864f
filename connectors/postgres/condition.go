package postgres

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"spark/flows"
	"spark/flows/expr"
)

// Condition writes a condition of a Filter in PostgreSQL's SQL, where it means exactly the same there: for every record
// that can be read the same of true, false and null. The error says what does not.
func (dialect) Condition(cond expr.Expr) (string, error) {
	c := &conditioner{}
	var parts []string
	for _, e := range conjuncts(cond) {
		sql, err := c.boolean(e)
		if err != nil {
			return "", err
		}
		if quick := c.indexed(e); quick != "" {
			sql = quick + " AND " + sql
		}
		parts = append(parts, sql)
	}
	return strings.Join(parts, " AND "), nil
}

// conditioner writes expressions.
type conditioner struct{}

func cannot(what string) error {
	return &flows.Error{Code: "database.condition", Message: what, Suggestion: "leave the Filter where it is"}
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

// indexed is a condition that every record fulfils which fulfils e, and that can use an index, "" where there is none
// better than e itself: texts are compared by their characters, which an index with another collation does not know.
func (c *conditioner) indexed(e expr.Expr) string {
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
		if !ok {
			return ""
		}
		list[i] = literal(s)
	}
	return pgx.Identifier{field.Name}.Sanitize() + " IN (" + strings.Join(list, ", ") + ")"
}

var compared = map[string]bool{"=": true, "<>": true, "<": true, "<=": true, ">": true, ">=": true}

func (c *conditioner) boolean(e expr.Expr) (string, error) {
	switch e := e.(type) {
	case *expr.FieldRef:
		return pgx.Identifier{e.Name}.Sanitize(), nil
	case *expr.Literal:
		return c.value(e, e.Type())
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
	return "", cannot(fmt.Sprintf("%s may mean something else in the database", e))
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
		f, ok := e.Args[0].(*expr.FieldRef)
		if !ok {
			break
		}
		return fmt.Sprintf("(%s IS %sNULL)", pgx.Identifier{f.Name}.Sanitize(), not(name == "is_not_null")), nil
	case compared[name]:
		return c.each(e.Args, e.As[0], func(a []string) string { return fmt.Sprintf("(%s %s %s)", a[0], name, a[1]) })
	}
	return "", cannot(fmt.Sprintf("%s may mean something else in the database", e))
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

// comparableTypes are the types whose values both sides compare alike, by the name of the type that they are compared in.
var comparableTypes = map[flows.Kind]string{flows.Int8: "bigint", flows.Int16: "bigint", flows.Int32: "bigint", flows.Int64: "bigint", flows.Int128: "numeric", flows.Decimal: "numeric",
	flows.Double: "double precision", flows.Boolean: "boolean", flows.Text: "text", flows.Date: "date", flows.Time: "time", flows.Timestamp: "timestamp", flows.TimestampTZ: "timestamptz", flows.UUID: "uuid"}

// value writes a field or a constant for a comparison in a type.
func (c *conditioner) value(e expr.Expr, over flows.Type) (string, error) {
	to, ok := comparableTypes[over.Kind]
	if !ok {
		return "", cannot(fmt.Sprintf("the database compares values of type %s in its own way", over))
	}
	switch e := e.(type) {
	case *expr.FieldRef:
		name := pgx.Identifier{e.Name}.Sanitize()
		if over.Kind == flows.Text { // as it is read, by code point
			return fmt.Sprintf(`(CAST(%s AS text) COLLATE "C")`, name), nil
		}
		if comparableTypes[e.Type().Kind] != to {
			return fmt.Sprintf("CAST(%s AS %s)", name, to), nil
		}
		return name, nil
	case *expr.Literal:
		text, ok := constantText(e.Value)
		if !ok {
			return "", cannot(fmt.Sprintf("%s has no form in the database", e))
		}
		switch {
		case e.Value == nil:
			return "CAST(NULL AS " + to + ")", nil
		case over.IsInteger() || over.Kind == flows.Decimal || over.Kind == flows.Boolean:
			return text, nil
		case over.Kind == flows.Text:
			return literal(text), nil
		}
		return "CAST(" + literal(text) + " AS " + to + ")", nil
	case *expr.ParamRef:
		return "", cannot(fmt.Sprintf("the parameter %s has its value only when the flow runs", e.Name))
	}
	return "", cannot(fmt.Sprintf("%s may be computed in another way by the database", e))
}

func constantText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, !strings.ContainsRune(v, 0)
	case int64:
		return strconv.FormatInt(v, 10), true
	case *big.Int:
		return v.String(), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// literal writes a text so that it means the same whatever the setting standard_conforming_strings.
func literal(s string) string {
	quoted := "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + quoted
	}
	return quoted
}
