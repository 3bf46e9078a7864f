package node

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/expr"
)

// Settings take parameters in two ways:
//
//	"out-${day}.csv"        the value stands in the place of ${day}; $${ is ${ itself
//	"${run.id}"             a fact of the run; see expr.FactParams
//	"${day:yyyy-MM}"        a date, a timestamp or a time in a format
//	{"parameter": "limit"}  the whole setting is the value, of the setting's own type
//
// Bind puts the values in their places before a config is decoded, so that no node type knows of them. Expressions keep
// their $name, and in SQL a value is written as a literal of its type (see bind_sql.go).

// ParameterWaits is the code of the warning that a node's settings are not complete before a run gives a value.
const ParameterWaits = "parameter.waits"

// binder puts the values of parameters into one node's settings.
type binder struct {
	node     string
	params   []expr.Param
	ports    string // list of structs whose name member names output ports, which edges know as they are written
	problems flows.Problems
	used     map[string]string // what a value comes from, by the path of the setting that it stands in
}

// bind returns settings with the values of parameters in their places. shape is the struct that they are decoded into.
func (b *binder) bind(raw json.RawMessage, shape reflect.Type) json.RawMessage {
	if !bytes.Contains(raw, []byte("${")) && !bytes.Contains(raw, []byte(`"parameter"`)) && !holdsSecret(shape) {
		return raw
	}
	return b.object(raw, shape, "")
}

// waits reports whether a value is missing that only a run gives.
func (b *binder) waits() bool { return Waits(b.problems) }

// Waits reports whether the settings of a node wait for the value of a parameter.
func Waits(ps flows.Problems) bool {
	return slices.ContainsFunc(ps, func(e *flows.Error) bool { return e.Code == ParameterWaits })
}

// Bound returns a node's settings with the values of parameters in their places, as far as they have one.
func Bound(n flows.Node, params []expr.Param) json.RawMessage {
	t, ok := Lookup(n.Type)
	if !ok {
		return n.Config
	}
	b := binder{node: n.ID, params: params, ports: t.PortsFrom}
	return b.bind(n.Config, reflect.TypeOf(t.New()).Elem())
}

// name tells in a problem of a bound setting which parameter its value comes from.
func (b *binder) name(ps flows.Problems) flows.Problems {
	for _, p := range ps {
		if name, ok := b.used[p.Path.Field]; ok {
			p.Message += " (the value of " + name + ")"
		}
	}
	return ps
}

func (b *binder) problem(path, code, message, suggestion string) {
	b.problems = append(b.problems, &flows.Error{Code: code, Path: flows.Path{Node: b.node, Field: path}, Message: message, Suggestion: suggestion})
}

// object binds the members of a struct. What is no object is reported by the decoding.
func (b *binder) object(raw json.RawMessage, shape reflect.Type, path string) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return raw
	}
	changed := false
	for _, f := range reflect.VisibleFields(shape) {
		name := memberName(f)
		value, ok := members[name]
		if name == "" || !ok {
			continue
		}
		bound := b.member(value, f, joinPath(path, name))
		if !bytes.Equal(bound, value) {
			members[name], changed = bound, true
		}
	}
	if !changed {
		return raw
	}
	return encode(members, raw)
}

// encode writes what was decoded from JSON; it cannot fail, and raw stands in if it ever does.
func encode(v any, raw json.RawMessage) json.RawMessage {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return raw
	}
	return bytes.TrimSpace(out.Bytes())
}

// expressions are the widgets of settings in which a parameter is written as $name.
var expressions = []string{"expression", "condition", "aggregate"}

func (b *binder) member(raw json.RawMessage, f reflect.StructField, path string) json.RawMessage {
	t := f.Type
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(anyValueType) || t.Implements(anyValueType) {
		t, _ = literalType(t)
	}
	switch {
	case t == secretType:
		return b.secret(raw, f, path)
	case t == typeOfType || t == reflect.TypeFor[json.RawMessage]():
		return raw // options are bound when their format is known
	case t.Kind() == reflect.Struct:
		return b.object(raw, t, path)
	case t.Kind() == reflect.Slice:
		return b.list(raw, t.Elem(), f, path)
	}
	return b.scalar(raw, t, f, path)
}

// literalType is the T of a Value[T].
func literalType(t reflect.Type) (reflect.Type, bool) {
	f, ok := t.FieldByName("Literal")
	return f.Type, ok
}

func (b *binder) list(raw json.RawMessage, item reflect.Type, f reflect.StructField, path string) json.RawMessage {
	if name, ok := reference(raw); ok {
		return b.wholeList(raw, name, item, f, path)
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return raw
	}
	changed := false
	for i, value := range items {
		at := fmt.Sprintf("%s[%d]", path, i)
		bound := value
		switch {
		case item.Kind() == reflect.Struct && item != typeOfType && path == b.ports:
			bound = b.port(value, item, at)
		case item.Kind() == reflect.Struct && item != typeOfType:
			bound = b.object(value, item, at)
		case item.Kind() != reflect.Slice:
			bound = b.scalar(value, item, f, at)
		}
		if !bytes.Equal(bound, value) {
			items[i], changed = bound, true
		}
	}
	if !changed {
		return raw
	}
	return encode(items, raw)
}

// wholeList is a list of texts or numbers that is a parameter.
func (b *binder) wholeList(raw json.RawMessage, name string, item reflect.Type, f reflect.StructField, path string) json.RawMessage {
	if item.Kind() == reflect.Struct || item.Kind() == reflect.Slice || f.Tag.Get("widget") == "sql" || slices.Contains(expressions, f.Tag.Get("widget")) {
		b.problem(path, "parameter.list", fmt.Sprintf("the parameter %q cannot be the whole of %q, whose items are more than values", name, titleOf(f)), "use parameters in the items of the list")
		return raw
	}
	p, ok := b.value(name, f, path)
	if !ok {
		return raw
	}
	values, ok := p.Value.([]any)
	if !ok {
		b.problem(path, "parameter.type", fmt.Sprintf("%s is %s and %q takes a list", called(p), described(p), titleOf(f)), "choose a parameter of type list<text>, or use this one in an item of the list")
		return raw
	}
	items := make([]json.RawMessage, len(values))
	for i, v := range values {
		before := len(b.problems)
		items[i] = b.put(raw, expr.Param{Name: p.Name, Type: *p.Type.Elem, Value: v, HasValue: true}, item, f, path)
		if len(b.problems) > before {
			return raw
		}
	}
	return encode(items, raw)
}

// port binds an item that names an output port, whose name stays as it is written.
func (b *binder) port(raw json.RawMessage, item reflect.Type, path string) json.RawMessage {
	var was, now map[string]json.RawMessage
	bound := b.object(raw, item, path)
	if json.Unmarshal(raw, &was) != nil || json.Unmarshal(bound, &now) != nil || bytes.Equal(was["name"], now["name"]) {
		return bound
	}
	b.problem(joinPath(path, "name"), "parameter.port", "the name of an output cannot come from a parameter: edges are drawn to it", "write the name itself")
	return raw
}

// reference reads {"parameter": "name"}.
func reference(raw json.RawMessage) (name string, ok bool) {
	var members map[string]json.RawMessage
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &members) != nil || len(members) != 1 || members["parameter"] == nil {
		return "", false
	}
	return name, json.Unmarshal(members["parameter"], &name) == nil && name != ""
}

func (b *binder) scalar(raw json.RawMessage, t reflect.Type, f reflect.StructField, path string) json.RawMessage {
	widget := f.Tag.Get("widget")
	if name, ok := reference(raw); ok {
		if widget == "sql" || slices.Contains(expressions, widget) {
			b.problem(path, "parameter.statement", fmt.Sprintf("the parameter %q is a value and cannot be the whole of %q", name, titleOf(f)), "write the text, with the parameter where its value belongs")
			return raw
		}
		return b.whole(raw, name, t, f, path)
	}
	var text string
	if t.Kind() != reflect.String || slices.Contains(expressions, widget) || json.Unmarshal(raw, &text) != nil || !strings.Contains(text, "${") {
		return raw
	}
	bound, ok := "", false
	if widget == "sql" {
		bound, ok = b.sql(text, f, path)
	} else {
		bound, ok = b.text(text, f, path)
	}
	if !ok {
		return raw
	}
	return encode(bound, raw)
}

// whole is the value of a setting that is a parameter.
func (b *binder) whole(raw json.RawMessage, name string, t reflect.Type, f reflect.StructField, path string) json.RawMessage {
	p, ok := b.value(name, f, path)
	if !ok {
		return raw
	}
	return b.put(raw, p, t, f, path)
}

// put is the value of a parameter as the value of a setting of type t.
func (b *binder) put(raw json.RawMessage, p expr.Param, t reflect.Type, f reflect.StructField, path string) json.RawMessage {
	fits := p.Value == nil
	switch t.Kind() {
	case reflect.String:
		if text, written := plainText(p); written {
			return encode(text, raw)
		}
	case reflect.Bool:
		fits = fits || p.Type.Kind == flows.Boolean
	case reflect.Float64:
		fits = fits || p.Type.IsNumeric()
		if s, decimal := p.Value.(string); decimal && fits {
			return json.RawMessage(s)
		}
	default:
		fits = fits || p.Type.IsInteger()
	}
	if !fits {
		b.problem(path, "parameter.type", fmt.Sprintf("%s is of type %s and %q takes %s", called(p), p.Type, titleOf(f), jsonTypeName(t)), "choose another parameter or change its type")
		return raw
	}
	if p.Value == nil {
		b.problem(path, "parameter.null", fmt.Sprintf("%s is null and %q needs a value", called(p), titleOf(f)), "give it a value")
		return raw
	}
	return encode(p.Value, raw)
}

// text puts values in the place of ${name}; $${ stands for ${ itself.
func (b *binder) text(s string, f reflect.StructField, path string) (string, bool) {
	var out strings.Builder
	for {
		at := strings.Index(s, "${")
		if at < 0 {
			out.WriteString(s)
			return out.String(), true
		}
		if at > 0 && s[at-1] == '$' {
			out.WriteString(s[:at-1] + "${")
			s = s[at+2:]
			continue
		}
		out.WriteString(s[:at])
		name, rest, closed := strings.Cut(s[at+2:], "}")
		if mark, ok := cursorMark(name, f); closed && ok {
			out.WriteString(mark)
			s = rest
			continue
		}
		name, format, formatted := strings.Cut(name, ":")
		if !closed {
			b.problem(path, "parameter.unclosed", "${ is not closed", "write ${name}, or $${ for the characters themselves")
			return "", false
		}
		p, ok := b.value(name, f, path)
		if !ok {
			return "", false
		}
		text, written := plainText(p)
		if formatted {
			var message string
			if text, message = formatTime(p, format); message != "" {
				b.problem(path, "parameter.format", message, formatHelp)
				return "", false
			}
		} else if !written {
			b.problem(path, "parameter.type", fmt.Sprintf("%s is %s and cannot be a part of a text", called(p), described(p)), "use another one")
			return "", false
		}
		out.WriteString(text)
		s = rest
	}
}

// What stands in a setting tagged cursor for ${cursor.from} and ${cursor.until}: the bounds of what an incremental source asks for,
// which it knows only when it reads. No setting can hold these texts otherwise.
const (
	CursorFrom  = "\x00cursor.from\x00"
	CursorUntil = "\x00cursor.until\x00"
)

func cursorMark(name string, f reflect.StructField) (string, bool) {
	mark := "\x00" + name + "\x00"
	return mark, f.Tag.Get("cursor") == "true" && (mark == CursorFrom || mark == CursorUntil)
}

// called names a value in a sentence.
func called(p expr.Param) string {
	if expr.IsFact(p) {
		return p.Name
	}
	return fmt.Sprintf("the parameter %q", p.Name)
}

func described(p expr.Param) string {
	if p.Value == nil {
		return "null"
	}
	return "of type " + p.Type.String()
}

// plainText writes a value into a text; false where it has no such form.
func plainText(p expr.Param) (string, bool) {
	switch v := p.Value.(type) {
	case nil, []byte, []any:
		return "", false
	case float64:
		b, err := json.Marshal(v)
		return string(b), err == nil
	default:
		return fmt.Sprint(v), p.Type.Kind != flows.Interval
	}
}

func waitsFor(p expr.Param) string {
	if expr.IsFact(p) {
		return "only a schedule gives it one; ${run.started_at} always has one"
	}
	if p.Secret {
		return "checks and previews have no secrets: run the flow to see its records"
	}
	return "give it a default, or a value when the run is started"
}

// value finds a parameter that has a value and may stand in the setting.
func (b *binder) value(name string, f reflect.StructField, path string) (expr.Param, bool) {
	i := slices.IndexFunc(b.params, func(p expr.Param) bool { return p.Name == name })
	if i < 0 {
		names := make([]string, len(b.params))
		for i, p := range b.params {
			names[i] = p.Name
		}
		suggestion := flows.DidYouMean(name, names)
		if suggestion == "" {
			suggestion = "add it in the settings of the flow, or write $${ for the characters themselves"
		}
		if !strings.HasPrefix(name, "run.") && strings.Contains(name, ".") {
			suggestion = "a name with a dot is a fact of the run, such as run.id or run.started_at"
			if f.Tag.Get("cursor") == "true" {
				suggestion += ", or a bound of the cursor: cursor.from or cursor.until"
			}
		}
		b.problem(path, "expr.unknown_parameter", fmt.Sprintf("there is no parameter %q", name), suggestion)
		return expr.Param{}, false
	}
	p := b.params[i]
	if p.Secret && f.Tag.Get("secrets") != "true" {
		b.problem(path, "parameter.secret", fmt.Sprintf("the parameter %q is secret, and %q is shown to people or goes into records", name, titleOf(f)), "use it in a condition or a statement that only the database sees, or make it no secret")
		return expr.Param{}, false
	}
	if b.used == nil {
		b.used = map[string]string{}
	}
	b.used[path] = called(p)
	if !p.HasValue {
		b.problem(path, ParameterWaits, fmt.Sprintf("%s has no value yet, so this node cannot be checked further", called(p)), waitsFor(p))
		b.problems[len(b.problems)-1].Severity = flows.SeverityWarning
		return expr.Param{}, false
	}
	return p, true
}
