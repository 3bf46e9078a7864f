package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"spark/flows"
)

// Config structs describe their form with tags:
//
//	json      member name
//	title     label
//	help      one sentence below the field
//	example   shown as placeholder
//	enum      allowed values, separated by |
//	required  "true": must not be empty
//	advanced  "true": folded away
//	showIf    "member=value" or "member=value|value": shown only then; "member": shown where that is set
//	widget    how the editor edits it: expression, condition, field, fields, path, text, …
//	minimum   smallest number
//	system    of the widget connection: the connection type that fits; without it those to databases do
//	secrets   "true": secret parameters may stand here, because only the system that is reached sees the setting
//
// The default is what New returns.

// decodeConfig reads raw into cfg, a pointer to a config struct, and checks required and enum tags.
func decodeConfig(nodeID string, raw json.RawMessage, cfg any) flows.Problems {
	var ps flows.Problems
	if err := json.Unmarshal(raw, cfg); err != nil {
		e := &flows.Error{Code: "config.type", Path: flows.Path{Node: nodeID}, Message: "the settings cannot be read: " + err.Error(), Cause: err}
		if fe, ok := errors.AsType[*flows.Error](err); ok {
			e = fe.At(flows.Path{Node: nodeID})
		} else if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			e.Path.Field = te.Field
			e.Params = flows.Params{"found": te.Value}
			found, _, _ := strings.Cut(te.Value, " ") // "number 1.5"
			e.Message = fmt.Sprintf("%s stands where %s is expected", jsonNames[found], jsonTypeName(te.Type))
			e.Suggestion = "choose a value of that type"
		}
		return append(ps, e)
	}
	walkConfig(reflect.ValueOf(cfg).Elem(), "", raw, func(path string, e *flows.Error) {
		e.Path = flows.Path{Node: nodeID, Field: path}
		ps = append(ps, e)
	})
	return ps
}

// DecodeOptions reads the options of a format like a config, and puts the values of parameters into raw; paths begin with
// prefix.
func (c *Context) DecodeOptions(prefix string, raw *json.RawMessage, options any) bool {
	given := *raw
	if len(given) == 0 {
		given = json.RawMessage("{}")
	}
	b := binder{node: c.Node.ID, params: c.Params}
	given = b.bind(given, reflect.TypeOf(options).Elem())
	ps := b.problems
	if len(ps) == 0 {
		ps = b.name(decodeConfig(c.Node.ID, given, options))
	}
	if len(*raw) > 0 {
		*raw = given
	}
	for _, p := range ps {
		p.Path.Field = strings.TrimSuffix(prefix+"."+p.Path.Field, ".")
		c.problems = append(c.problems, p)
	}
	return !ps.Failed() && !b.waits()
}

// jsonNames say what encoding/json calls a value.
var jsonNames = map[string]string{"string": "a text", "number": "a number", "bool": "true or false", "array": "a list", "object": "an object"}

func jsonTypeName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		return "a whole number"
	}
}

var (
	typeOfType   = reflect.TypeFor[flows.Type]()
	secretType   = reflect.TypeFor[Secret]()
	anyValueType = reflect.TypeFor[anyValue]()
)

func walkConfig(v reflect.Value, path string, raw json.RawMessage, report func(string, *flows.Error)) {
	switch {
	case v.Type() == typeOfType || v.Type() == secretType || v.Type() == reflect.TypeFor[json.RawMessage]() || v.Type().Implements(anyValueType):
	case v.Kind() == reflect.Slice:
		var items []json.RawMessage
		_ = json.Unmarshal(raw, &items) // decoded once already; only unknown members are looked for
		for i := range v.Len() {
			var item json.RawMessage
			if i < len(items) {
				item = items[i]
			}
			walkConfig(v.Index(i), fmt.Sprintf("%s[%d]", path, i), item, report)
		}
	case v.Kind() == reflect.Struct:
		walkStruct(v, path, raw, report)
	}
}

func walkStruct(v reflect.Value, path string, raw json.RawMessage, report func(string, *flows.Error)) {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(raw, &members)
	var known []string
	for _, f := range reflect.VisibleFields(v.Type()) { // those of embedded structs are members, too
		name := memberName(f)
		if name == "" {
			continue
		}
		field := v.FieldByIndex(f.Index)
		known = append(known, name)
		at := joinPath(path, name)
		checkMember(f, field, at, report)
		walkConfig(field, at, members[name], report)
	}
	for _, m := range sortedKeys(members) {
		if i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, m) }); i >= 0 && known[i] != m {
			// encoding/json takes it for the known one, in a document with both even in its place.
			report(joinPath(path, m), &flows.Error{Code: "config.capitals", Params: flows.Params{"member": m},
				Message: fmt.Sprintf("the setting %q is spelt %q here", known[i], m), Suggestion: fmt.Sprintf("write %q", known[i])})
		} else if i < 0 {
			report(joinPath(path, m), &flows.Error{Code: "config.unknown", Severity: flows.SeverityWarning, Params: flows.Params{"member": m},
				Message: fmt.Sprintf("there is no setting %q here; it is kept and has no effect", m), Suggestion: flows.DidYouMean(m, known)})
		}
	}
}

func checkMember(f reflect.StructField, v reflect.Value, at string, report func(string, *flows.Error)) {
	empty := v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
	if f.Tag.Get("required") == "true" && empty {
		report(at, &flows.Error{Code: "config.required", Message: fmt.Sprintf("%q is missing", titleOf(f)), Suggestion: "fill it in"})
	}
	if enum := f.Tag.Get("enum"); enum != "" && v.Kind() == reflect.String && !empty {
		values := strings.Split(enum, "|")
		if !slices.Contains(values, v.String()) {
			report(at, &flows.Error{Code: "config.enum", Params: flows.Params{"value": v.String()},
				Message: fmt.Sprintf("%q is not a value of %q", v.String(), titleOf(f)), Suggestion: flows.DidYouMean(v.String(), values)})
		}
	}
	if m := f.Tag.Get("minimum"); m != "" && v.CanInt() {
		if n, err := strconv.ParseInt(m, 10, 64); err == nil && v.Int() < n {
			report(at, &flows.Error{Code: "config.minimum", Params: flows.Params{"value": v.Int(), "minimum": n},
				Message: fmt.Sprintf("%q is %d and must be at least %d", titleOf(f), v.Int(), n), Suggestion: "choose a larger number"})
		}
	}
}

func memberName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if !f.IsExported() || name == "-" {
		return ""
	}
	return name
}

func titleOf(f reflect.StructField) string {
	if t := f.Tag.Get("title"); t != "" {
		return t
	}
	return memberName(f)
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// JSONSchema describes a config or option struct as JSON Schema (draft 2020-12) with the form's hints under "x-…".
// cfg is a pointer to a struct that holds the defaults.
func JSONSchema(cfg any) map[string]any {
	s := schemaOf(reflect.ValueOf(cfg).Elem())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	return s
}

func schemaOf(v reflect.Value) map[string]any {
	t := v.Type()
	if av, ok := v.Interface().(anyValue); ok {
		s := schemaOf(reflect.ValueOf(av.literal()))
		s["x-value"] = true // also a parameter, an expression or a secret
		return s
	}
	switch {
	case t == typeOfType:
		return map[string]any{"type": "string", "x-widget": "type"}
	case t == secretType:
		return map[string]any{"type": "string", "x-widget": "secret"}
	case t == reflect.TypeFor[json.RawMessage]():
		return map[string]any{"type": "object"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(reflect.New(t.Elem()).Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(reflect.New(t.Elem()).Elem())}
	case reflect.Struct:
		return structSchema(v)
	case reflect.Float64:
		return map[string]any{"type": "number"}
	default:
		return map[string]any{"type": "integer"}
	}
}

func structSchema(v reflect.Value) map[string]any {
	props, order, required := map[string]any{}, []string{}, []string{}
	for _, f := range reflect.VisibleFields(v.Type()) {
		name := memberName(f)
		if name == "" {
			continue
		}
		field := v.FieldByIndex(f.Index)
		order = append(order, name)
		p := schemaOf(field)
		for tag, key := range map[string]string{"title": "title", "help": "description", "widget": "x-widget", "showIf": "x-showIf", "example": "x-example", "secrets": "x-secrets", "system": "x-system"} {
			if s := f.Tag.Get(tag); s != "" {
				p[key] = s
			}
		}
		if e := f.Tag.Get("enum"); e != "" {
			p["enum"] = strings.Split(e, "|")
		}
		if m, err := strconv.ParseInt(f.Tag.Get("minimum"), 10, 64); err == nil {
			p["minimum"] = m
		}
		if f.Tag.Get("advanced") == "true" {
			p["x-advanced"] = true
		}
		if f.Tag.Get("required") == "true" {
			required = append(required, name)
		}
		if _, value := field.Interface().(anyValue); !field.IsZero() && (value || field.Kind() != reflect.Struct) {
			p["default"] = field.Interface()
		}
		props[name] = p
	}
	s := map[string]any{"type": "object", "properties": props, "x-order": order}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
