package duckdb

import (
	"fmt"
	"strings"

	"spark/flows"
)

// plainTypes maps DuckDB's names to types. Unsigned integers take the next larger signed one, so that no value
// changes.
var plainTypes = map[string]flows.Type{
	"TINYINT": flows.Of(flows.Int8), "SMALLINT": flows.Of(flows.Int16), "INTEGER": flows.Of(flows.Int32), "BIGINT": flows.Of(flows.Int64),
	"HUGEINT": flows.Of(flows.Int128), "UTINYINT": flows.Of(flows.Int16), "USMALLINT": flows.Of(flows.Int32), "UINTEGER": flows.Of(flows.Int64),
	"UBIGINT": flows.DecimalOf(20, 0), "FLOAT": flows.Of(flows.Double), "DOUBLE": flows.Of(flows.Double), "BOOLEAN": flows.Of(flows.Boolean),
	"VARCHAR": flows.Of(flows.Text), "BLOB": flows.Of(flows.Bytes), "DATE": flows.Of(flows.Date), "TIME": flows.Of(flows.Time),
	"TIMESTAMP": flows.Of(flows.Timestamp), "TIMESTAMP WITH TIME ZONE": flows.Of(flows.TimestampTZ), "TIMESTAMP_S": flows.Of(flows.Timestamp),
	"TIMESTAMP_MS": flows.Of(flows.Timestamp), "INTERVAL": flows.Of(flows.Interval), "UUID": flows.Of(flows.UUID), "JSON": flows.Of(flows.JSON),
}

// typeOfSQL reads DuckDB's name of a type.
func typeOfSQL(s string) (flows.Type, error) {
	s = strings.TrimSpace(s)
	if t, ok := plainTypes[s]; ok {
		return t, nil
	}
	switch {
	case strings.HasSuffix(s, "[]"):
		elem, err := typeOfSQL(strings.TrimSuffix(s, "[]"))
		return flows.ListOf(elem), err
	case strings.HasPrefix(s, "DECIMAL("):
		var p, scale int
		if _, err := fmt.Sscanf(s, "DECIMAL(%d,%d)", &p, &scale); err == nil {
			return flows.DecimalOf(p, scale), nil
		}
	case strings.HasPrefix(s, "STRUCT(") && strings.HasSuffix(s, ")"):
		return structOfSQL(s[len("STRUCT(") : len(s)-1])
	case strings.HasPrefix(s, "ENUM("):
		return flows.Of(flows.Text), nil
	}
	return flows.Type{}, &flows.Error{Code: "type.unsupported", Params: flows.Params{"type": s},
		Message: fmt.Sprintf("values of type %s cannot be read", s), Suggestion: "write the file with another type, or leave the field out"}
}

// structOfSQL reads `name TYPE, "odd name" TYPE`.
func structOfSQL(s string) (flows.Type, error) {
	var fields []flows.Field
	for s = strings.TrimSpace(s); s != ""; {
		var name string
		if s[0] == '"' {
			end := 1
			for end < len(s) && (s[end] != '"' || end+1 < len(s) && s[end+1] == '"') {
				if s[end] == '"' {
					end++
				}
				end++
			}
			name, s = strings.ReplaceAll(s[1:end], `""`, `"`), s[min(end+1, len(s)):]
		} else {
			name, s, _ = strings.Cut(s, " ")
		}
		depth, end, quoted := 0, 0, false
		for ; end < len(s); end++ {
			switch c := s[end]; {
			case c == '"':
				quoted = !quoted
			case quoted:
			case c == '(':
				depth++
			case c == ')':
				depth--
			}
			if depth == 0 && !quoted && s[end] == ',' {
				break
			}
		}
		t, err := typeOfSQL(s[:end])
		if err != nil {
			return flows.Type{}, err
		}
		fields = append(fields, flows.Field{Name: name, Type: t})
		s = strings.TrimSpace(strings.TrimPrefix(s[end:], ","))
	}
	return flows.StructOf(fields...), nil
}
