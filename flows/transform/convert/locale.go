package convert

import (
	"fmt"
	"strings"

	"spark/flows"
	"spark/flows/expr"
)

// signs are what stands in numbers, as classes of a pattern. Spaces that do not break lines are spaces; so are narrow ones.
var signs = map[string]string{"point": `[.]`, "comma": `[,]`, "space": "[ \u00a0\u2009\u202f]", "apostrophe": `['’]`}

// conversion is the expression of the new value. Its error has the setting that is wrong.
func (f Field) conversion(from flows.Type) (string, *flows.Error) {
	wrong := func(setting, message, suggestion string) (string, *flows.Error) {
		return "", &flows.Error{Code: "convert.locale", Path: flows.Path{Field: setting}, Message: message, Suggestion: suggestion}
	}
	name := expr.FieldName(f.Name)
	localized := f.Decimal == "comma" || f.Groups != "" && f.Groups != "none"
	switch {
	case localized && (from.Kind != flows.Text || !f.Type.IsNumeric()):
		return wrong("decimal", "decimal sign and thousands are for texts that become numbers", "leave them empty")
	case localized && f.decimal() == f.Groups:
		return wrong("groups", fmt.Sprintf("a %s is the decimal sign, too", f.Groups), "choose another one")
	case localized:
		return fmt.Sprintf("cast(%s as %s)", f.plain(name), f.Type), nil
	case f.Format == "" && len(f.Formats) > 0:
		return wrong("format", "the format is missing, and there are others", "put the most frequent one here")
	}
	formats := append([]string{f.Format}, f.Formats...)
	casts := make([]string, len(formats))
	for i, format := range formats {
		casts[i] = "cast"
		if i+1 < len(formats) {
			casts[i] = "try_cast"
		}
		casts[i] += fmt.Sprintf("(%s as %s", name, f.Type)
		if format != "" {
			casts[i] += " format " + quote(format)
		}
		if f.Zone != "" {
			casts[i] += " zone " + quote(f.Zone)
		}
		casts[i] += ")"
	}
	if len(casts) == 1 {
		return casts[0], nil
	}
	return "coalesce(" + strings.Join(casts, ", ") + ")", nil
}

func (f Field) decimal() string {
	switch {
	case f.Decimal != "":
		return f.Decimal
	case f.Groups == "point":
		return "comma"
	}
	return "point"
}

// plain writes the text of a number as expressions read it. Groups have three digits: 1.5 is no 15. What is no number stays
// none, and its record is refused.
func (f Field) plain(name string) string {
	whole := "[0-9]+"
	group, grouped := signs[f.Groups]
	if grouped {
		whole = fmt.Sprintf("(?:[0-9]+|[0-9]{1,3}(?:%s[0-9]{3})+)", group)
	}
	pattern := fmt.Sprintf("^[+-]?%s(?:%s[0-9]+)?(?:[eE][+-]?[0-9]+)?$", whole, signs[f.decimal()])
	text := name
	if grouped {
		text = fmt.Sprintf("regexp_replace(%s, %s, '')", text, quote(group))
	}
	if f.decimal() == "comma" {
		text = fmt.Sprintf("replace(%s, ',', '.')", text)
	}
	return fmt.Sprintf("case when regexp_matches(%s, %s) then %s when %[1]s is not null then '?' end", name, quote(pattern), text)
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
