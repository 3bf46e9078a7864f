package duckdb

import (
	"encoding/json"
	"fmt"
	"strings"

	"spark/flows"
)

// How values are written into text files. DuckDB's own forms are not those that Spark reads back, and its JSON writer
// sends numbers inside JSON values through a double.

// csvText is the expression of one field of a CSV file: its own value where DuckDB's text is the one to write.
func csvText(x string, t flows.Type) string {
	switch t.Kind {
	case flows.List, flows.Struct:
		return nullable(x, jsonText(x, t, 0))
	case flows.Bytes, flows.Interval, flows.TimestampTZ, flows.Decimal:
		return plainText(x, t)
	}
	return x
}

// plainText writes what has no text of its own that is read back, base64 and ISO 8601 durations, and casts the rest.
func plainText(x string, t flows.Type) string {
	switch t.Kind {
	case flows.Bytes:
		return "base64(" + x + ")"
	case flows.Interval:
		return duration(x)
	}
	return toText(x, t)
}

// duration writes months, days and seconds, each with its sign: P14M3DT-0.5S.
func duration(x string) string {
	part := func(p string) string { return fmt.Sprintf("date_part('%s', %s)", p, x) }
	months := fmt.Sprintf("(%s * 12 + %s)", part("year"), part("month"))
	micros := fmt.Sprintf("(%s * 3600000000 + %s * 60000000 + %s)", part("hour"), part("minute"), part("microseconds"))
	seconds := fmt.Sprintf("CAST(CAST(%s AS DECIMAL(24,0)) * 0.000001 AS DECIMAL(30,6))", micros)
	return fmt.Sprintf("('P' || %s || 'M' || %s || 'DT' || %s || 'S')", months, part("day"), seconds)
}

func nullable(x, v string) string { return fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN %s END", x, v) }

// jsonRecord is a record as one line of JSON, every number with all its digits.
func jsonRecord(schema flows.Schema) string {
	return jsonObject(schema, quoteName, 0)
}

func jsonObject(fields []flows.Field, value func(name string) string, depth int) string {
	parts := make([]string, 0, 2*len(fields)+1)
	before := "{"
	for _, f := range fields {
		parts = append(parts, quoteText(before+jsonName(f.Name)+": "), jsonText(value(f.Name), f.Type, depth))
		before = ", "
	}
	if len(fields) == 0 {
		return "'{}'"
	}
	return "concat(" + strings.Join(append(parts, "'}'"), ", ") + ")"
}

func jsonName(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string can always be encoded
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// jsonText writes one value as JSON, null as null.
func jsonText(x string, t flows.Type, depth int) string {
	var v string
	switch t.Kind {
	case flows.Int8, flows.Int16, flows.Int32, flows.Int64, flows.Int128, flows.Decimal, flows.Boolean:
		v = plainText(x, t)
	case flows.Double:
		v = fmt.Sprintf("CASE WHEN isfinite(%s) THEN CAST(%s AS VARCHAR) WHEN %s IS NOT NULL THEN error(%s) END", x, x, x, quoteText(errNotFinite))
	case flows.JSON: // a line break outside of strings is only space
		v = fmt.Sprintf("translate(CAST(%s AS VARCHAR), chr(10) || chr(13), '  ')", x)
	case flows.Text:
		v = "CAST(json_quote(" + x + ") AS VARCHAR)"
	case flows.List:
		item := fmt.Sprintf("x%d", depth)
		v = fmt.Sprintf("'[' || array_to_string(list_transform(%s, lambda %s: %s), ', ') || ']'", x, item, jsonText(item, *t.Elem, depth+1))
	case flows.Struct:
		v = nullable(x, jsonObject(t.Fields, func(name string) string { return fmt.Sprintf("struct_extract(%s, %s)", x, quoteText(name)) }, depth+1))
	default: // dates, times, UUID and what plainText knows need no escapes
		v = "'\"' || " + plainText(x, t) + " || '\"'"
	}
	return fmt.Sprintf("coalesce(%s, 'null')", v)
}

// errNotFinite is how a statement says that a double has no JSON form.
const errNotFinite = "spark: a double is infinite or not a number"
