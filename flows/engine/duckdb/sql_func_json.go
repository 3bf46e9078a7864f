package duckdb

import (
	"fmt"
	"strings"

	"spark/flows/expr"
)

// Parts of JSON are read by json_read of capi, which loses no digit and never stops the statement.

func init() {
	const kind, part = "struct_extract($1, 'kind1')", "struct_extract($1, 'part1')"
	for name, f := range map[string]struct{ form, template string }{
		"json_extract":      {"JSON", "TRY_CAST(" + part + " AS JSON)"},
		"json_extract_text": {"TEXT", part},
		"json_exists":       {"text", "(" + kind + " <> 'm')"},
		"json_keys":         {"JSON", "json_keys(TRY_CAST(" + part + " AS JSON))"},
		"json_array_length": {"JSON", "CASE WHEN left(" + part + ", 1) = '[' THEN CAST(json_array_length(TRY_CAST(" + part + " AS JSON)) AS BIGINT) END"},
		"json_type": {"JSON", "CASE left(" + part + ", 1) WHEN '{' THEN 'object' WHEN '[' THEN 'array' WHEN '\"' THEN 'text' WHEN 't' THEN 'boolean'" +
			" WHEN 'f' THEN 'boolean' WHEN 'n' THEN 'null' ELSE CASE WHEN " + part + " IS NOT NULL THEN 'number' END END"},
	} {
		scalarFuncs[name] = func(r *renderer, c *expr.Call, a []string) (string, []cond) {
			path := "$"
			if len(c.Args) == 2 {
				path, _ = expr.ConstantText(c.Args[1])
			}
			spec := r.jsonSpec(c, f.form, path)
			return fill(f.template, []string{jsonRead(a[0], 1, spec)}), nil
		}
	}
	scalarFuncs["json_elements"] = total("CAST(json_items($1) AS JSON[])")
	scalarFuncs["is_json"] = total("CASE WHEN $1 IS NOT NULL THEN struct_extract(" + jsonRead("$1", 0, "") + ", 'place') IS NULL END")
	scalarFuncs["json_read"] = func(r *renderer, c *expr.Call, a []string) (string, []cond) {
		var spec strings.Builder
		for i := 1; i+1 < len(c.Args); i += 2 {
			form, _ := expr.ConstantText(c.Args[i])
			path, _ := expr.ConstantText(c.Args[i+1])
			spec.WriteString(r.jsonSpec(c, form, path))
		}
		return jsonRead(a[0], len(c.Args)/2, spec.String()), nil
	}
}

// jsonRead calls the function of capi for a number of parts.
func jsonRead(x string, parts int, spec string) string {
	return fmt.Sprintf("json_read_%d(%s, %s)", parts, x, quoteText(spec))
}

// jsonSpec writes a path as json_read of capi wants it.
func (r *renderer) jsonSpec(c *expr.Call, form, path string) string {
	spec, err := jsonSpec(form, path)
	if err != nil {
		r.fail("expr.arguments", c, err.Error(), "")
	}
	return spec
}

func jsonSpec(form, path string) (string, error) {
	steps, err := expr.ParsePath(path)
	if err != nil {
		return "", err
	}
	spec := form[:1]
	for _, step := range steps {
		if step.Key != nil {
			spec += fmt.Sprintf("k%d:%s", len(*step.Key), *step.Key)
		} else {
			spec += fmt.Sprintf("i%d;", step.Index)
		}
	}
	return spec + ".", nil
}

// strictJSON reads a text as JSON by the letter of RFC 8259: DuckDB alone would admit NaN and commas at the end.
func strictJSON(x string) string {
	return fmt.Sprintf("CASE WHEN struct_extract(%s, 'place') IS NULL THEN TRY_CAST(%s AS JSON) END", jsonRead(x, 0, ""), x)
}
