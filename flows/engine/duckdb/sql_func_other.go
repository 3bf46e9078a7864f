package duckdb

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/expr"
)

// The shapes that DuckDB's decoders would stop at.
const (
	shapeBase64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
	shapeHex    = "(?:[0-9a-fA-F]{2})*"
	// UTF-8 without NUL, as hexadecimal digits.
	shapeUTF8 = "(?:0[1-9A-F]|[1-7][0-9A-F]|(?:C[2-9A-F]|D[0-9A-F])[89AB][0-9A-F]|E0[AB][0-9A-F][89AB][0-9A-F]" +
		"|(?:E[1-9A-C]|E[EF])(?:[89AB][0-9A-F]){2}|ED[89][0-9A-F][89AB][0-9A-F]|F0[9AB][0-9A-F](?:[89AB][0-9A-F]){2}" +
		"|F[123](?:[89AB][0-9A-F]){3}|F48[0-9A-F](?:[89AB][0-9A-F]){2})*"
)

func init() {
	scalarFuncs["decode_base64"] = guarded("from_base64(regexp_extract($1, '^"+shapeBase64+"$'))", "value.not_valid", "NOT regexp_full_match($1, '"+shapeBase64+"')")
	scalarFuncs["decode_hex"] = guarded("unhex(regexp_extract($1, '^"+shapeHex+"$'))", "value.not_valid", "NOT regexp_full_match($1, '"+shapeHex+"')")
	scalarFuncs["decode_utf8"] = guarded("decode(unhex(regexp_extract(hex($1), '^"+shapeUTF8+"$')))", "value.not_valid", "NOT regexp_full_match(hex($1), '"+shapeUTF8+"')")
	for name, kind := range map[string]flows.Kind{"to_uuid": flows.UUID, "parse_json": flows.JSON} {
		scalarFuncs[name] = func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
			v, when := fromText(a[0], flows.Of(kind), false)
			return v, []cond{{failure(c, "value.not_valid"), when}}
		}
	}
	scalarFuncs["to_json"] = jsonOf("to_json")
	scalarFuncs["json_object"], scalarFuncs["json_array"] = jsonOf("json_object"), jsonOf("json_array")
	scalarFuncs["list_get"] = func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		return fill("CASE WHEN $2 BETWEEN 1 AND 2147483647 THEN list_extract($1, $2) END", a), nil
	}
}

// jsonOf writes values as JSON, in which there is no infinity.
func jsonOf(name string) buildFunc {
	return func(_ *renderer, c *expr.Call, a []string) (string, []cond) {
		var conds []cond
		for i, t := range c.As {
			if t.Kind == flows.Double {
				conds = append(conds, cond{failure(c, "value.not_finite"), notFinite(a[i])})
			}
		}
		if slices.ContainsFunc(c.As, holdsJSON) {
			return exactJSON(name, c, a), conds
		}
		return fmt.Sprintf("%s(%s)", name, strings.Join(a, ", ")), conds
	}
}

// holdsJSON reports whether there is JSON in a value, and nothing that has no JSON form.
func holdsJSON(t flows.Type) bool {
	switch t.Kind {
	case flows.JSON:
		return true
	case flows.List:
		return holdsJSON(*t.Elem)
	case flows.Struct:
		return slices.ContainsFunc(t.Fields, func(f flows.Field) bool { return holdsJSON(f.Type) }) &&
			!slices.ContainsFunc(t.Fields, func(f flows.Field) bool { return holdsDouble(f.Type) })
	}
	return false
}

// exactJSON writes JSON around other JSON: DuckDB would read that again, and round its numbers.
func exactJSON(name string, c *expr.Call, a []string) string {
	if name == "to_json" {
		if c.As[0].Kind == flows.JSON {
			return a[0]
		}
		return fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN CAST(%s AS JSON) END", a[0], jsonText(a[0], c.As[0], 0))
	}
	parts := make([]string, len(a))
	for i, v := range a {
		parts[i] = fmt.Sprintf("coalesce(CAST(to_json(%s) AS VARCHAR), 'null')", v)
		switch {
		case c.As[i].Kind == flows.JSON:
			parts[i] = fmt.Sprintf("coalesce(CAST(%s AS VARCHAR), 'null')", v)
		case holdsJSON(c.As[i]):
			parts[i] = jsonText(v, c.As[i], 0)
		}
		if i == 0 {
			continue
		}
		sep := ","
		if name == "json_object" && i%2 == 1 {
			sep = ":"
		}
		parts[i] = "'" + sep + "' || " + parts[i]
	}
	open, end := "[", "]"
	if name == "json_object" {
		open, end = "{", "}"
	}
	return fmt.Sprintf("CAST('%s' || %s || '%s' AS JSON)", open, strings.Join(parts, " || "), end)
}
