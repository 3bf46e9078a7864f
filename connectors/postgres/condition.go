package postgres

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"spark/connectors/internal/condition"
	"spark/flows"
	"spark/flows/expr"
)

// Condition writes the condition of a Filter in PostgreSQL's SQL.
func (dialect) Condition(cond expr.Expr) (string, error) {
	parts, err := condition.Write(operands{}, cond)
	return strings.Join(parts, " AND "), err
}

// operands writes what is compared.
type operands struct{}

func (operands) Name(column string) string { return pgx.Identifier{column}.Sanitize() }

func (o operands) Tested(f *expr.FieldRef) string { return o.Name(f.Name) }

func (operands) Indexed(text string) (string, bool) { return literal(text), true }

// comparableTypes are the types whose values both sides compare alike, by the name of the type that they are compared in.
var comparableTypes = map[flows.Kind]string{flows.Int8: "bigint", flows.Int16: "bigint", flows.Int32: "bigint", flows.Int64: "bigint", flows.Int128: "numeric", flows.Decimal: "numeric",
	flows.Double: "double precision", flows.Boolean: "boolean", flows.Text: "text", flows.Date: "date", flows.Time: "time", flows.Timestamp: "timestamp", flows.TimestampTZ: "timestamptz", flows.UUID: "uuid"}

func (o operands) Field(f *expr.FieldRef, over flows.Type) (string, error) {
	to, ok := comparableTypes[over.Kind]
	switch name := o.Name(f.Name); {
	case !ok:
		return "", condition.OwnWay(over)
	case over.Kind == flows.Text: // as it is read, by code point
		return fmt.Sprintf(`(CAST(%s AS text) COLLATE "C")`, name), nil
	case comparableTypes[f.Type().Kind] != to:
		return fmt.Sprintf("CAST(%s AS %s)", name, to), nil
	default:
		return name, nil
	}
}

func (operands) Constant(l *expr.Literal, over flows.Type) (string, error) {
	to, ok := comparableTypes[over.Kind]
	if !ok {
		return "", condition.OwnWay(over)
	}
	text, ok := constantText(l.Value)
	switch {
	case !ok:
		return "", condition.Cannot("%s has no form in the database", l)
	case l.Value == nil:
		return "CAST(NULL AS " + to + ")", nil
	case over.IsInteger() || over.Kind == flows.Decimal || over.Kind == flows.Boolean:
		return text, nil
	case over.Kind == flows.Text:
		return literal(text), nil
	}
	return "CAST(" + literal(text) + " AS " + to + ")", nil
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
