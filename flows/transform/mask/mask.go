// Package mask is the node type Hash / Mask: it makes values unreadable.
package mask

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

//go:embed help.md icon.svg examples
var files embed.FS

// Config are the settings of a Hash / Mask.
type Config struct {
	Fields []Field `json:"fields" title:"Fields" required:"true" help:"A null stays null, except where it is replaced."`
}

// Field is one field that is masked.
type Field struct {
	Name string      `json:"name" title:"Field" required:"true" widget:"field"`
	How  string      `json:"how" title:"How" required:"true" enum:"sha256|hmac|md5|pseudonym|last|first|replace|null"`
	Keep *int64      `json:"keep,omitempty" title:"Characters that stay" minimum:"0" showIf:"how=last|first" help:"Empty: 4. Of a text that has not more than these none stays." example:"4"`
	With string      `json:"with,omitempty" title:"Instead" showIf:"how=replace|last|first" help:"A text; for last and first one character that stands for each. Empty: *." example:"*"`
	Key  node.Secret `json:"key,omitzero" title:"Key" widget:"text" secrets:"true" showIf:"how=hmac" help:"A secret parameter of at least 16 characters. Who does not know it cannot find the value by trying." example:"${key}"`
	Salt string      `json:"salt,omitempty" title:"Salt" showIf:"how=sha256|pseudonym" help:"Stands before every value, so that lists of known hashes do not help. It is no secret: whoever sees the flow sees it." example:"2026-orders"`
}

var _ node.Config = (*Config)(nil)

func init() {
	node.Register(&node.Type{
		ID: "mask", Version: 1, Title: "Hash / Mask", Category: node.CategoryTransform,
		Summary:  "Makes values unreadable: by a hash, a pseudonym, or by hiding characters.",
		Synonyms: []string{"Hash", "Mask", "PII", "anonymize", "pseudonymize", "redact", "obfuscate", "sha256", "hmac", "md5", "data masking"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		New:      func() node.Config { return &Config{} },
		Files:    files,
	})
}

// Plan compiles what is put in the place of each value.
func (m *Config) Plan(c *node.Context) {
	in, _ := c.Input(node.In)
	var op node.Project
	schema := slices.Clone(in)
	for _, f := range in {
		op.Columns = append(op.Columns, node.Column{Name: f.Name, Expr: c.FieldRef(f.Name, in)})
	}
	known := slices.Clone(in)
	names := make([]string, len(m.Fields))
	complete := len(m.Fields) > 0
	for i, f := range m.Fields {
		names[i] = f.Name
		e := f.masked(c, fmt.Sprintf("fields[%d]", i), in, &op, &known)
		if complete = complete && e != nil; e != nil {
			at := in.Index(f.Name)
			op.Columns[at].Expr, schema[at].Type = e, e.Type()
		}
	}
	if c.Unique("fields", names) && complete {
		c.Emit(node.Out, op, schema)
	}
}

// masked is the expression of the new value; nil after reporting what is wrong.
func (f Field) masked(c *node.Context, at string, in flows.Schema, op *node.Project, known *flows.Schema) expr.Expr {
	from, ok := c.Field(at+".name", f.Name, in)
	if !ok || f.How == "" {
		return nil // reported
	}
	text := expr.FieldName(f.Name)
	switch from.Type.Kind {
	case flows.Text:
	case flows.Bytes:
		text = "encode_hex(" + text + ")"
	case flows.List, flows.Struct:
		if f.How != "null" && f.How != "replace" {
			c.Problem(at+".name", "expr.type", fmt.Sprintf("%s is of type %s and has no text of its own", f.Name, from.Type), "take it apart before, or replace it")
			return nil
		}
	default:
		text = "cast(" + text + " as text)"
	}
	if strings.ContainsRune(f.With+f.Salt, 0) {
		c.Problem(at, "config.text", "a text contains the character NUL", "leave it out")
		return nil
	}
	if f.How == "hmac" {
		return f.keyed(c, at, text, in, op, known)
	}
	src, err := f.source(text, from.Type)
	if err != "" {
		c.Problem(at+".with", "mask.character", err, "write one character, such as *")
		return nil
	}
	return c.Expr(at, src, in)
}

func (f Field) source(text string, from flows.Type) (src, wrong string) {
	salted := text
	if f.Salt != "" {
		salted = quote(f.Salt) + " || " + text
	}
	switch f.How {
	case "sha256":
		return "sha256(" + salted + ")", ""
	case "md5":
		return "md5(" + text + ")", ""
	case "pseudonym":
		return "'p' || left(sha256(" + salted + "), 16)", ""
	case "null":
		return fmt.Sprintf("cast(null as %s)", from), ""
	case "replace":
		if f.With == "" {
			return "'*'", ""
		}
		return quote(f.With), ""
	}
	sign, keep := f.With, int64(4)
	if sign == "" {
		sign = "*"
	}
	if len([]rune(sign)) != 1 {
		return "", fmt.Sprintf("%q is more than one character", sign)
	}
	if f.Keep != nil {
		keep = *f.Keep
	}
	all := fmt.Sprintf("regexp_replace(%s, '(?s).', %s)", text, quote(strings.ReplaceAll(sign, `\`, `\\`)))
	if keep == 0 {
		return all, ""
	}
	side, cut := "right", fmt.Sprintf("left(%s, greatest(length(%[1]s) - %d, 0))", text, keep)
	if f.How == "first" {
		side, cut = "left", fmt.Sprintf("right(%s, greatest(length(%[1]s) - %d, 0))", text, keep)
	}
	hidden := fmt.Sprintf("regexp_replace(%s, '(?s).', %s)", cut, quote(strings.ReplaceAll(sign, `\`, `\\`)))
	shown := fmt.Sprintf("%s(%s, %d)", side, text, keep)
	parts := hidden + " || " + shown
	if f.How == "first" {
		parts = shown + " || " + hidden
	}
	return fmt.Sprintf("case when length(%s) > %d then %s else %s end", text, keep, parts, all), ""
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
