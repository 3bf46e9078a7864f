package node

import (
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/expr"
)

// TextForm writes the expression for the text form of a field, "" where values of its type have none that every
// record can take: bytes are hexadecimal digits, lists and structs are JSON.
func TextForm(f flows.Field, schema flows.Schema) string {
	form := flows.QuoteName(f.Name)
	switch f.Type.Kind {
	case flows.Text:
	case flows.Bytes:
		form = "encode_hex(" + form + ")"
	case flows.List, flows.Struct:
		form = "cast(to_json(" + form + ") as text)"
	default:
		form = "cast(" + form + " as text)"
	}
	if e, err := expr.Compile(form, expr.Env{Fields: schema}); err != nil || expr.Fallible(e) {
		return ""
	}
	return form
}

// Fingerprint writes an expression for a text that is the same for two records only if they are the same in the named
// fields: of each field the number of characters of its text form, a colon and the text form, or a hyphen for null.
// What is wrong with the fields is reported at the config field.
func (c *Context) Fingerprint(field string, names []string, schema flows.Schema) (string, bool) {
	parts, ok := make([]string, 0, len(names)), true
	for i, name := range names {
		f, found := c.Field(fmt.Sprintf("%s[%d]", field, i), name, schema)
		if !found {
			ok = false
			continue
		}
		text := TextForm(f, schema)
		if text == "" {
			c.Problem(field, "field.text", fmt.Sprintf("the values of %q (%s) have no text form", name, f.Type), "choose other fields")
			ok = false
			continue
		}
		parts = append(parts, fmt.Sprintf("coalesce(cast(length(%s) as text) || ':' || %[1]s, '-')", text))
	}
	if !ok || len(parts) == 0 {
		return "", false
	}
	return "concat(" + strings.Join(parts, ", ") + ")", true
}
