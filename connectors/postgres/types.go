package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"spark/flows"
)

// column is a column of a table or query.
type column struct {
	name      string
	oid       uint32
	typmod    int32
	sqlType   string // as format_type writes it
	base      string // typtype: b, e(num), d(omain), …
	notNull   bool
	fallback  bool // has a default, an identity or is generated
	generated bool // cannot be written
}

// fieldType is the type of the field that a column is read as. asText: it is cast to text, because Spark has no type
// for it.
func (c column) fieldType() (t flows.Type, asText bool) {
	switch c.oid {
	case pgtype.Int2OID:
		return flows.Of(flows.Int16), false
	case pgtype.Int4OID:
		return flows.Of(flows.Int32), false
	case pgtype.Int8OID:
		return flows.Of(flows.Int64), false
	case pgtype.NumericOID:
		if p, s := numericModifier(c.typmod); p > 0 && p <= flows.MaxPrecision && s >= 0 && s <= p {
			return flows.DecimalOf(p, s), false
		}
		return flows.DecimalOf(flows.MaxPrecision, 10), false // without a declared precision; what does not fit is refused
	case pgtype.Float4OID, pgtype.Float8OID:
		return flows.Of(flows.Double), false
	case pgtype.BoolOID:
		return flows.Of(flows.Boolean), false
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID:
		return flows.Of(flows.Text), false
	case pgtype.ByteaOID:
		return flows.Of(flows.Bytes), false
	case pgtype.DateOID:
		return flows.Of(flows.Date), false
	case pgtype.TimeOID:
		return flows.Of(flows.Time), false
	case pgtype.TimestampOID:
		return flows.Of(flows.Timestamp), false
	case pgtype.TimestamptzOID:
		return flows.Of(flows.TimestampTZ), false
	case pgtype.IntervalOID:
		return flows.Of(flows.Interval), false
	case pgtype.UUIDOID:
		return flows.Of(flows.UUID), false
	case pgtype.JSONOID, pgtype.JSONBOID:
		return flows.Of(flows.JSON), false
	}
	return flows.Of(flows.Text), true
}

// numericModifier reads precision and scale of numeric(p,s); 0 where there is none.
func numericModifier(typmod int32) (precision, scale int) {
	if typmod < 4 {
		return 0, 0
	}
	m := typmod - 4
	return int(m>>16) & 0xffff, int(m&0x7ff^0x400) - 0x400
}

// quote writes a name as SQL.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// table is a table's name, read from what a builder wrote.
type table struct{ schema, name string }

// parseTable reads `orders`, `sales.orders` or `"Odd.Schema"."Orders"`. Unquoted names mean what they mean in
// PostgreSQL: they are folded to lower case.
func parseTable(s string) (table, error) {
	var parts []string
	for rest := strings.TrimSpace(s); ; {
		var part string
		if strings.HasPrefix(rest, `"`) {
			var b strings.Builder
			i := 1
			for ; i < len(rest); i++ {
				if rest[i] == '"' {
					if i+1 < len(rest) && rest[i+1] == '"' {
						i++
					} else {
						break
					}
				}
				b.WriteByte(rest[i])
			}
			if i >= len(rest) {
				return table{}, tableError(s, "a double quote is not closed")
			}
			part, rest = b.String(), rest[i+1:]
		} else {
			end := strings.IndexByte(rest, '.')
			if end < 0 {
				end = len(rest)
			}
			part, rest = strings.ToLower(strings.TrimSpace(rest[:end])), rest[end:]
			if strings.ContainsAny(part, " \"'();,") {
				return table{}, tableError(s, "a name with other characters than letters, digits and _ has to stand in double quotes")
			}
		}
		if part == "" || strings.ContainsRune(part, 0) {
			return table{}, tableError(s, "a part of the name is empty")
		}
		parts = append(parts, part)
		if rest == "" {
			break
		}
		if rest[0] != '.' {
			return table{}, tableError(s, "a point is missing between the parts of the name")
		}
		rest = rest[1:]
	}
	switch len(parts) {
	case 1:
		return table{name: parts[0]}, nil
	case 2:
		return table{schema: parts[0], name: parts[1]}, nil
	}
	return table{}, tableError(s, "a table's name has a schema and a name, not more")
}

func tableError(s, why string) error {
	return &flows.Error{Code: "database.table_name", Path: flows.Path{Field: "table"}, Params: flows.Params{"table": s},
		Message: fmt.Sprintf("%q is no name of a table: %s", s, why), Suggestion: "write it as schema.table"}
}

// sql is the table's name in a statement.
func (t table) sql() string {
	if t.schema == "" {
		return quote(t.name)
	}
	return quote(t.schema) + "." + quote(t.name)
}

// plainName is a name that means itself without quotes.
var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// written is the table's name as a builder writes it; see parseTable.
func (t table) written() string {
	part := func(s string) string {
		if plainName.MatchString(s) {
			return s
		}
		return quote(s)
	}
	return part(t.schema) + "." + part(t.name)
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// columns lists the columns of a table; none where it does not exist.
func (t table) columns(ctx context.Context, q querier) ([]column, error) {
	rows, err := q.Query(ctx, `SELECT a.attname::text, coalesce(nullif(y.typbasetype, 0), a.atttypid)::oid, CASE WHEN y.typbasetype <> 0 THEN y.typtypmod ELSE a.atttypmod END,
	format_type(a.atttypid, a.atttypmod), y.typtype::text, a.attnotnull, a.atthasdef OR a.attidentity <> '', a.attgenerated <> '' OR a.attidentity = 'a'
FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, t.sql())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (column, error) {
		var c column
		err := r.Scan(&c.name, &c.oid, &c.typmod, &c.sqlType, &c.base, &c.notNull, &c.fallback, &c.generated)
		return c, err
	})
}

// columnType is the type of a column that is made for a field.
func columnType(t flows.Type) string {
	switch t.Kind {
	case flows.Int8, flows.Int16:
		return "smallint"
	case flows.Int32:
		return "integer"
	case flows.Int64:
		return "bigint"
	case flows.Int128:
		return "numeric(39,0)"
	case flows.Decimal:
		return fmt.Sprintf("numeric(%d,%d)", t.Precision, t.Scale)
	case flows.Double:
		return "double precision"
	case flows.Boolean:
		return "boolean"
	case flows.Bytes:
		return "bytea"
	case flows.Date:
		return "date"
	case flows.Time:
		return "time"
	case flows.Timestamp:
		return "timestamp"
	case flows.TimestampTZ:
		return "timestamptz"
	case flows.Interval:
		return "interval"
	case flows.UUID:
		return "uuid"
	case flows.JSON, flows.List, flows.Struct:
		return "json"
	}
	return "text"
}
