// Package condition writes the condition of a Filter in the SQL of a database, where it means exactly the same there: for
// every record that can be read the same of true, false and null. What databases have in common is here: AND, OR, NOT, IS
// NULL, comparisons, BETWEEN and IN of fields and constants. How fields and constants are written is theirs.
package condition

import (
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/expr"
)

// Dialect is how a database writes the operands. Errors are made by Cannot.
type Dialect interface {
	// Name quotes the name of a column.
	Name(string) string
	// Field writes a field so that it is compared in a type as the flow would.
	Field(f *expr.FieldRef, over flows.Type) (string, error)
	// Constant writes a constant likewise.
	Constant(l *expr.Literal, over flows.Type) (string, error)
	// Tested writes a field in front of IS NULL.
	Tested(f *expr.FieldRef) string
	// Indexed writes a text so that every value of a column with the same code points is equal to it whatever the
	// column's collation; false: there is no such form.
	Indexed(text string) (string, bool)
}

// Cannot is the error that says why a condition stays where it is.
func Cannot(format string, args ...any) error {
	return &flows.Error{Code: "database.condition", Message: fmt.Sprintf(format, args...), Suggestion: "leave the Filter where it is"}
}

// Write writes a condition, as parts that all have to be true.
func Write(d Dialect, cond expr.Expr) ([]string, error) {
	w := writer{d}
	var parts []string
	for _, e := range conjuncts(cond) {
		sql, err := w.boolean(e)
		if err != nil {
			return nil, err
		}
		if quick := w.indexed(e); quick != "" {
			sql = quick + " AND " + sql
		}
		parts = append(parts, sql)
	}
	return parts, nil
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

type writer struct{ Dialect }

// indexed is a condition that every record fulfils which fulfils e, and that can use an index, "" where there is none
// better than e itself: texts are compared by their code points, which an index with another collation does not know.
func (w writer) indexed(e expr.Expr) string {
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
		if ok {
			list[i], ok = w.Indexed(s)
		}
		if !ok {
			return ""
		}
	}
	return w.Name(field.Name) + " IN (" + strings.Join(list, ", ") + ")"
}

var compared = map[string]bool{"=": true, "<>": true, "<": true, "<=": true, ">": true, ">=": true}

func (w writer) boolean(e expr.Expr) (string, error) {
	switch e := e.(type) {
	case *expr.FieldRef, *expr.Literal:
		return w.value(e, flows.Of(flows.Boolean))
	case *expr.Between:
		return w.each([]expr.Expr{e.X, e.Low, e.High}, e.Over, func(a []string) string {
			return fmt.Sprintf("(%s %sBETWEEN %s AND %s)", a[0], not(e.Not), a[1], a[2])
		})
	case *expr.In:
		return w.each(append([]expr.Expr{e.X}, e.List...), e.Over, func(a []string) string {
			return fmt.Sprintf("(%s %sIN (%s))", a[0], not(e.Not), strings.Join(a[1:], ", "))
		})
	case *expr.Call:
		return w.call(e)
	}
	return "", otherwise(e)
}

func otherwise(e expr.Expr) error { return Cannot("%s may mean something else in the database", e) }

func not(yes bool) string {
	if yes {
		return "NOT "
	}
	return ""
}

func (w writer) call(e *expr.Call) (string, error) {
	switch name := e.Fn.Name; {
	case name == "and" || name == "or" || name == "not":
		parts := make([]string, len(e.Args))
		for i, a := range e.Args {
			var err error
			if parts[i], err = w.boolean(a); err != nil {
				return "", err
			}
		}
		if name == "not" {
			return "(NOT " + parts[0] + ")", nil
		}
		return "(" + strings.Join(parts, " "+strings.ToUpper(name)+" ") + ")", nil
	case name == "is_null" || name == "is_not_null":
		if f, ok := e.Args[0].(*expr.FieldRef); ok {
			return fmt.Sprintf("(%s IS %sNULL)", w.Tested(f), not(name == "is_not_null")), nil
		}
	case compared[name]:
		return w.each(e.Args, e.As[0], func(a []string) string { return fmt.Sprintf("(%s %s %s)", a[0], name, a[1]) })
	}
	return "", otherwise(e)
}

// each writes operands that are compared in one type.
func (w writer) each(operands []expr.Expr, over flows.Type, join func([]string) string) (string, error) {
	list := make([]string, len(operands))
	for i, e := range operands {
		var err error
		if list[i], err = w.value(e, over); err != nil {
			return "", err
		}
	}
	return join(list), nil
}

func (w writer) value(e expr.Expr, over flows.Type) (string, error) {
	switch e := e.(type) {
	case *expr.FieldRef:
		return w.Field(e, over)
	case *expr.Literal:
		return w.Constant(e, over)
	case *expr.ParamRef:
		return "", Cannot("the parameter %s has its value only when the flow runs", e.Name)
	}
	return "", Cannot("%s may be computed in another way by the database", e)
}

// OwnWay is the error of a type whose values the database compares differently.
func OwnWay(over flows.Type) error {
	return Cannot("the database compares values of type %s in its own way", over)
}
