package plan

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"spark/flows"
	"spark/flows/expr"
)

// Values are the parameters of a flow with what is given for them in an environment, else their own value there, else
// their default, and what stands in for the facts of a run. What cannot be read has no value: the compilation says so.
func Values(f *flows.Flow, environment string, given map[string]string) []expr.Param {
	values := make([]expr.Param, len(f.Parameters))
	for i, p := range f.Parameters {
		values[i], _ = valueOf(p, environment, given)
	}
	return append(values, expr.FactParams(standIns(f, environment))...)
}

// standIns are the facts where there is no run: of checks and previews.
func standIns(f *flows.Flow, environment string) flows.RunFacts {
	return flows.RunFacts{ID: "preview", Flow: f.Name, Environment: environment, StartedAt: time.Now(), Attempt: 1}
}

func valueOf(p flows.Parameter, environment string, given map[string]string) (v expr.Param, err error) {
	v = expr.Param{Name: p.Name, Type: p.Type, Secret: p.Secret}
	text, ok := given[p.Name]
	own := p.Environments[environment]
	switch {
	case ok:
		v.Value, err = parseValue(text, p.Type)
	case len(own) > 0:
		v.Value, err = parseDefault(own, p.Type)
	case len(p.Default) > 0:
		v.Value, err = parseDefault(p.Default, p.Type)
	default:
		return v, nil
	}
	if e := flows.AsError(err); e != nil {
		message := fmt.Sprintf("the value of the parameter %q: %s", p.Name, e.Message)
		if p.Secret { // which would be quoted
			message = fmt.Sprintf("the value of the secret parameter %q is not of type %s", p.Name, p.Type)
		}
		err = &flows.Error{Code: e.Code, Params: e.Params, Message: message, Suggestion: e.Suggestion}
		if p.Secret {
			err = &flows.Error{Code: e.Code, Message: message, Suggestion: e.Suggestion}
		}
	}
	v.HasValue = err == nil
	return v, err
}

// clipped quotes what somebody wrote, as much of it as a sentence bears.
func clipped(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return strconv.Quote(string(r[:most])) + "…"
	}
	return strconv.Quote(s)
}

// parseList reads a list: as JSON, or with commas between its items, which then can hold none. An empty text is an empty list.
func parseList(s string, t flows.Type) (any, error) {
	wrong := func(message string) (any, error) {
		return nil, &flows.Error{Code: "parameter.type", Params: flows.Params{"type": t.String()}, Message: message, Suggestion: "write it as in " + exampleOf(t)}
	}
	if t.Elem.Kind == flows.List || t.Elem.Kind == flows.Struct {
		return nil, &flows.Error{Code: "parameter.type", Params: flows.Params{"type": t.String()}, Message: fmt.Sprintf("a parameter cannot be of type %s", t), Suggestion: "choose a list of texts, numbers, dates or the like"}
	}
	texts := []string{}
	switch trimmed := strings.TrimSpace(s); {
	case strings.HasPrefix(trimmed, "["):
		var items []json.RawMessage
		if json.Unmarshal([]byte(trimmed), &items) != nil {
			return wrong(clipped(s) + " begins like JSON and is no list in JSON")
		}
		for i, item := range items {
			text, ok := itemText(item, *t.Elem)
			if !ok {
				return wrong(fmt.Sprintf("item %d of the list, %s, is not of type %s", i+1, clipped(string(item)), t.Elem))
			}
			texts = append(texts, text)
		}
	case trimmed != "":
		for item := range strings.SplitSeq(trimmed, ",") {
			texts = append(texts, strings.TrimSpace(item))
		}
	}
	list := make([]any, len(texts))
	for i, text := range texts {
		v, err := parseValue(text, *t.Elem)
		if err != nil {
			return wrong(fmt.Sprintf("item %d of the list, %s, is not of type %s", i+1, clipped(text), t.Elem))
		}
		list[i] = v
	}
	return list, nil
}

// itemText is an item of a list in JSON: a text, or a number or truth value where the type is one.
func itemText(item json.RawMessage, t flows.Type) (string, bool) {
	var text string
	if json.Unmarshal(item, &text) == nil && string(item) != "null" {
		return text, true
	}
	return string(item), t.IsNumeric() || t.Kind == flows.Boolean
}

var decimalPattern = regexp.MustCompile(`^([+-]?)([0-9]+)(?:\.([0-9]*))?$`)

// parseValue reads a parameter's value from text, in the form that an expression's literal has.
func parseValue(s string, t flows.Type) (any, error) {
	fail := func() (any, error) {
		return nil, &flows.Error{Code: "parameter.type", Params: flows.Params{"value": s, "type": t.String()},
			Message: fmt.Sprintf("%s is not of type %s", clipped(s), t), Suggestion: "write it as in " + exampleOf(t)}
	}
	switch t.Kind {
	case flows.List:
		return parseList(s, t)
	case flows.Text:
		return s, nil
	case flows.Int8, flows.Int16, flows.Int32, flows.Int64:
		bits := map[flows.Kind]int{flows.Int8: 8, flows.Int16: 16, flows.Int32: 32, flows.Int64: 64}[t.Kind]
		if i, err := strconv.ParseInt(s, 10, bits); err == nil {
			return i, nil
		}
	case flows.Int128:
		if i, ok := new(big.Int).SetString(s, 10); ok && i.BitLen() <= 127 {
			return i, nil
		}
	case flows.Decimal:
		if v, ok := decimalText(s, t); ok {
			return v, nil
		}
	case flows.Double:
		if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f, nil
		}
	case flows.Boolean:
		if s == "true" || s == "false" {
			return s == "true", nil
		}
	case flows.Bytes:
		if b, err := base64.StdEncoding.DecodeString(s); err == nil {
			return b, nil
		}
	case flows.JSON:
		if json.Valid([]byte(s)) {
			return s, nil
		}
	case flows.Date, flows.Time, flows.Timestamp, flows.TimestampTZ, flows.Interval, flows.UUID:
		e, err := expr.Compile(t.String()+" '"+strings.ReplaceAll(s, "'", "''")+"'", expr.Env{})
		if err == nil {
			v, _ := expr.Constant(e)
			return v, nil
		}
	}
	return fail()
}

// decimalText writes s with exactly the scale of t, if that loses no digit.
func decimalText(s string, t flows.Type) (string, bool) {
	m := decimalPattern.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	whole, frac := strings.TrimLeft(m[2], "0"), strings.TrimRight(m[3], "0")
	if len(whole) > t.Precision-t.Scale || len(frac) > t.Scale {
		return "", false
	}
	if whole == "" {
		whole = "0"
	}
	v := whole
	if t.Scale > 0 {
		v += "." + frac + strings.Repeat("0", t.Scale-len(frac))
	}
	if m[1] == "-" && strings.Trim(v, "0.") != "" {
		v = "-" + v
	}
	return v, true
}

// parseDefault reads a default from the document: numbers and booleans may be written as such.
func parseDefault(raw json.RawMessage, t flows.Type) (any, error) {
	s := string(raw)
	if s == "null" {
		return nil, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		s = text
	}
	return parseValue(s, t)
}

func exampleOf(t flows.Type) string {
	switch t.Kind {
	case flows.List:
		if t.Elem.Kind == flows.Text {
			return `paid, new or ["paid", "new"]`
		}
		return fmt.Sprintf("%s, %[1]s", exampleOf(*t.Elem))
	case flows.Date:
		return "2026-01-31"
	case flows.Time:
		return "13:45:00"
	case flows.Timestamp:
		return "2026-01-31 13:45:00"
	case flows.TimestampTZ:
		return "2026-01-31 13:45:00+01:00"
	case flows.Decimal:
		return "12." + strings.Repeat("5", t.Scale)
	case flows.Double:
		return "1.5"
	case flows.Boolean:
		return "true"
	case flows.UUID:
		return "123e4567-e89b-12d3-a456-426614174000"
	case flows.Interval:
		return "3 days"
	case flows.Bytes:
		return "base64: AAEC"
	case flows.JSON:
		return `{"a": 1}`
	}
	return "42"
}
