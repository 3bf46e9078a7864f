package duckdb

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"spark/flows"
	"spark/flows/expr"
)

var sqlKinds = map[flows.Kind]string{
	flows.Int8: "TINYINT", flows.Int16: "SMALLINT", flows.Int32: "INTEGER", flows.Int64: "BIGINT", flows.Int128: "HUGEINT",
	flows.Double: "DOUBLE", flows.Boolean: "BOOLEAN", flows.Text: "VARCHAR", flows.Bytes: "BLOB", flows.Date: "DATE",
	flows.Time: "TIME", flows.Timestamp: "TIMESTAMP", flows.TimestampTZ: "TIMESTAMP WITH TIME ZONE",
	flows.Interval: "INTERVAL", flows.UUID: "UUID", flows.JSON: "JSON",
}

// SQLType writes a type as DuckDB names it.
func SQLType(t flows.Type) string {
	switch t.Kind {
	case flows.Decimal:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	case flows.List:
		return SQLType(*t.Elem) + "[]"
	case flows.Struct:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = quoteName(f.Name) + " " + SQLType(f.Type)
		}
		return "STRUCT(" + strings.Join(parts, ", ") + ")"
	}
	return sqlKinds[t.Kind]
}

// numberText writes a numeric constant exactly.
func numberText(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return fmt.Sprint(v) // int64, *big.Int, or the digits of a decimal
}

// constant writes a checked constant with its exact SQL type.
func (r *renderer) constant(e expr.Expr, t flows.Type, v any) string {
	switch v := v.(type) {
	case nil:
		return "CAST(NULL AS " + SQLType(t) + ")"
	case bool:
		return strconv.FormatBool(v)
	case int64, float64, *big.Int:
		return fmt.Sprintf("CAST('%s' AS %s)", numberText(v), SQLType(t))
	case []byte:
		return "unhex('" + hex.EncodeToString(v) + "')"
	case expr.Interval:
		return fmt.Sprintf("(to_months(%d) + to_days(%d) + to_microseconds(%d))", v.Months, v.Days, v.Micros)
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = r.constant(e, *t.Elem, item)
		}
		return fmt.Sprintf("CAST([%s] AS %s)", strings.Join(parts, ", "), SQLType(t))
	case string:
		if strings.ContainsRune(v, 0) {
			return r.fail("expr.unsupported", e, "a text contains the character NUL", "remove it").sql
		}
		if t.Kind == flows.Text {
			return quoteText(v)
		}
		return "CAST(" + quoteText(v) + " AS " + SQLType(t) + ")"
	}
	return r.fail("expr.unsupported", e, fmt.Sprintf("the engine cannot write a constant of type %s", t), "").sql
}
