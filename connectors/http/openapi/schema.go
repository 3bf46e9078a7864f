package openapi

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
)

const (
	// schemaDepth is how deep schemas are followed, and schemaWork how many values of them are looked at.
	schemaDepth = 12
	schemaWork  = 20_000
)

// media is the description of a body as JSON, nil where there is none.
func (d *Document) media(content *value) *value {
	content = d.deref(content)
	if content == nil {
		return nil
	}
	for _, fits := range []func(string) bool{
		func(n string) bool { return n == "application/json" },
		func(n string) bool { return strings.HasSuffix(n, "+json") || strings.HasPrefix(n, "application/json") },
		func(n string) bool { return n == "*/*" || n == "application/*" },
	} {
		for _, name := range content.names {
			if fits(strings.ToLower(strings.TrimSpace(name))) {
				return d.deref(content.get(name))
			}
		}
	}
	return nil
}

// answer is the schema of what comes back when all is well, and whether a Link header is described.
func (f *filling) answer(op *value) (schema *value, link bool) {
	responses := f.deref(op.get("responses"))
	if responses == nil {
		return nil, false
	}
	for _, status := range []string{"200", "201", "2XX", "2xx", "202", "default"} {
		r := f.deref(responses.get(status))
		if r == nil {
			continue
		}
		if headers := f.deref(r.get("headers")); headers != nil {
			link = slices.ContainsFunc(headers.names, func(n string) bool { return strings.EqualFold(n, "Link") })
		}
		if f.swagger {
			return f.deref(r.get("schema")), link
		}
		return f.deref(f.media(r.get("content")).get("schema")), link
	}
	return nil, false
}

// typeOf is the type of a schema; of several (OpenAPI 3.1) the first that is not null.
func typeOf(s *value) string {
	t := s.get("type")
	if t != nil && t.kind == '[' {
		for _, x := range t.items {
			if x.str() != "null" {
				return x.str()
			}
		}
	}
	switch {
	case t.str() != "":
		return t.str()
	case s.get("properties") != nil:
		return "object"
	case s.get("items") != nil:
		return "array"
	}
	return ""
}

// member is a property of an object.
type member struct {
	name     string
	schema   *value
	required bool
}

// members are the properties of a schema, with those of all that it consists of. Of alternatives it takes the first.
func (f *filling) members(s *value, depth int) (list []member) {
	f.work++
	s = f.deref(s)
	if s == nil || depth > schemaDepth || f.work > schemaWork {
		return nil
	}
	add := func(m member) {
		if !slices.ContainsFunc(list, func(o member) bool { return o.name == m.name }) {
			list = append(list, m)
		}
	}
	required := s.get("required").list()
	if properties := f.deref(s.get("properties")); properties != nil {
		for _, name := range properties.names {
			add(member{name, f.whole(properties.get(name), 0), slices.ContainsFunc(required, func(r *value) bool { return r.str() == name })})
		}
	}
	parts := slices.Clone(s.get("allOf").list())
	for _, either := range []string{"oneOf", "anyOf"} {
		if i := slices.IndexFunc(s.get(either).list(), func(v *value) bool { return typeOf(f.deref(v)) != "null" }); i >= 0 {
			parts = append(parts, s.get(either).items[i])
		}
	}
	for _, part := range parts {
		for _, m := range f.members(part, depth+1) {
			add(m)
		}
	}
	return list
}

// whole is the schema that a schema comes down to: where it has no type of its own, that of what it consists of.
func (f *filling) whole(s *value, depth int) *value {
	f.work++
	s = f.deref(s)
	if s == nil || typeOf(s) != "" || depth > schemaDepth || f.work > schemaWork {
		return s
	}
	for _, of := range []string{"allOf", "oneOf", "anyOf"} {
		for _, part := range s.get(of).list() {
			if inner := f.whole(part, depth+1); inner != nil && typeOf(inner) != "" && typeOf(inner) != "null" {
				if typeOf(inner) == "object" {
					return s // all parts are needed
				}
				return inner
			}
		}
	}
	return s
}

// isObject reports whether values of a schema have members.
func (f *filling) isObject(s *value) bool {
	return s != nil && typeOf(s) != "array" && (typeOf(s) == "object" || len(f.members(s, 0)) > 0)
}

// pathDepth is how deep lists of records are looked for.
const pathDepth = 4

// records finds the first list of objects that is nearest to the top: its path and the schema of a record.
func (f *filling) records(s *value, prefix string, depth int) (path string, record *value, ok bool) {
	s = f.whole(s, 0)
	if s == nil || depth > pathDepth {
		return "", nil, false
	}
	if typeOf(s) == "array" {
		item := f.whole(s.get("items"), 0)
		return prefix, item, f.isObject(item)
	}
	members := f.members(s, 0)
	for _, m := range members {
		if typeOf(m.schema) == "array" && f.isObject(f.whole(m.schema.get("items"), 0)) {
			return joined(prefix, m.name), f.whole(m.schema.get("items"), 0), true
		}
	}
	for _, m := range members {
		if typeOf(m.schema) != "array" && f.isObject(m.schema) {
			if path, record, ok := f.records(m.schema, joined(prefix, m.name), depth+1); ok {
				return path, record, true
			}
		}
	}
	return "", nil, false
}

// joined is the path of a member.
func joined(prefix, name string) string {
	if strings.ContainsAny(name, ".[]$\"' ") || name == "" {
		return prefix + `["` + name + `"]`
	}
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// field is a field of the records, as the settings of a node write it.
type field struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Source string `json:"source,omitempty"`
}

// mostFields is how many fields are proposed.
const mostFields = 500

// result says where the records are and what they hold.
func (f *filling) result(answer *value) {
	if !f.wish.Records {
		if answer != nil {
			f.settings["responseAs"] = "json"
		}
		return
	}
	path, record, ok := f.records(answer, "", 0)
	if !ok && f.isObject(f.whole(answer, 0)) { // one object is one record
		path, record, ok = "", f.whole(answer, 0), true
	}
	if !ok {
		f.note("The document does not say what the records look like: fetch a sample.")
		return
	}
	var fields []field
	for _, m := range f.members(record, 0) {
		if m.name == "" || strings.HasPrefix(m.name, "__spark_") || strings.ContainsFunc(m.name, unicode.IsControl) || slices.ContainsFunc(fields, func(o field) bool { return strings.EqualFold(o.Name, m.name) }) {
			continue
		}
		if len(fields) == mostFields {
			f.note("There are more than %d fields; the others were left out.", mostFields)
			break
		}
		fields = append(fields, field{Name: m.name, Type: f.columnType(m.schema)})
	}
	if path != "" {
		f.settings["recordPath"] = path
	}
	if len(fields) == 0 {
		f.note("The document does not say which fields the records have: fetch a sample.")
		return
	}
	f.settings["fields"] = fields
}

// columnType is the type of a field. Numbers are read as they are written where JSON's own have no exact type.
func (f *filling) columnType(s *value) string {
	format := s.get("format").str()
	switch typeOf(s) {
	case "integer":
		if format == "int32" {
			return "int32"
		}
		return "int64"
	case "number":
		return "double"
	case "boolean":
		return "boolean"
	case "string":
		return map[string]string{"date": "date", "date-time": "timestamptz", "uuid": "uuid"}[format] + map[bool]string{true: "text"}[format != "date" && format != "date-time" && format != "uuid"]
	case "file":
		return "text"
	}
	return "json" // an object, a list, or anything
}

// body takes the example of the body, or makes one.
func (f *filling) body(op *value, params []parameter) {
	if f.wish.Method == "GET" || f.wish.Method == "HEAD" {
		return
	}
	var schema, example *value
	if f.swagger {
		for _, p := range params {
			if p.in == "body" {
				schema = p.schema
			}
		}
	} else if media := f.media(f.deref(op.get("requestBody")).get("content")); media != nil {
		schema, example = f.deref(media.get("schema")), media.get("example")
		if examples := f.deref(media.get("examples")); example == nil && examples != nil && len(examples.names) > 0 {
			example = f.deref(examples.get(examples.names[0])).get("value")
		}
	} else if op.get("requestBody") != nil {
		f.note("The body is no JSON: write it.")
	}
	if schema == nil && example == nil {
		return
	}
	var b strings.Builder
	if example != nil {
		f.write(&b, example, "", 0)
	} else {
		f.sample(&b, schema, "", "", 0)
	}
	if b.Len() > mostBody {
		f.note("The body is too large for an example: write it.")
		return
	}
	f.settings["body"] = b.String()
	if !f.wish.Records {
		f.settings["send"] = "template"
	}
}

// mostBody is how large an example may be.
const mostBody = 32 << 10

func (f *filling) quoted(s string) string {
	text, err := json.Marshal(f.plain(s))
	if err != nil {
		return `""`
	}
	return string(text)
}

// write writes a value of the document as JSON, for the settings of the node. Where the input of a node that calls for each record
// has a field of the name of a member, it stands there.
func (f *filling) write(b *strings.Builder, v *value, indent string, depth int) {
	f.work++
	if v == nil || depth > schemaDepth || f.work > schemaWork || b.Len() > mostBody {
		b.WriteString("null")
		return
	}
	switch v.kind {
	case '{':
		f.object(b, indent, v.names, func(name, inside string) {
			if !f.fieldIn(b, name, v.get(name).kind == '"') {
				f.write(b, v.get(name), inside, depth+1)
			}
		})
	case '[':
		f.array(b, indent, len(v.items), func(i int, inside string) { f.write(b, v.items[i], inside, depth+1) })
	case '"':
		b.WriteString(f.quoted(v.text))
	case '0':
		if json.Valid([]byte(v.text)) {
			b.WriteString(v.text)
		} else { // YAML knows numbers that JSON does not
			b.WriteString(f.quoted(v.text))
		}
	case 't':
		b.WriteString(map[bool]string{true: "true", false: "false"}[strings.EqualFold(v.text, "true")])
	default:
		b.WriteString("null")
	}
}

func (f *filling) object(b *strings.Builder, indent string, names []string, member func(name, inside string)) {
	if len(names) == 0 {
		b.WriteString("{}")
		return
	}
	b.WriteString("{")
	for i, name := range names {
		if i > 0 {
			b.WriteString(",")
		}
		key, _ := json.Marshal(name) // a text
		b.WriteString("\n" + indent + "  " + string(key) + ": ")
		member(name, indent+"  ")
	}
	b.WriteString("\n" + indent + "}")
}

func (f *filling) array(b *strings.Builder, indent string, n int, item func(i int, inside string)) {
	if n == 0 {
		b.WriteString("[]")
		return
	}
	b.WriteString("[")
	for i := range n {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n" + indent + "  ")
		item(i, indent+"  ")
	}
	b.WriteString("\n" + indent + "]")
}

// fieldIn writes a reference to the field of the input that has the name of a member.
func (f *filling) fieldIn(b *strings.Builder, name string, text bool) bool {
	found := f.fieldFor(name)
	if f.wish.Records || !slices.Contains(f.wish.Fields, found) || strings.ContainsAny(found, "[]\"\\") {
		return false
	}
	if text {
		b.WriteString(`"[` + found + `]"`)
	} else {
		b.WriteString("[" + found + "]")
	}
	return true
}

// sample writes an example of a schema: its own, or one with all members that are required, or all where none is.
func (f *filling) sample(b *strings.Builder, s *value, name, indent string, depth int) {
	f.work++
	s = f.whole(s, 0)
	if s == nil || depth > schemaDepth || f.work > schemaWork || b.Len() > mostBody {
		b.WriteString("null")
		return
	}
	if name != "" && f.fieldIn(b, name, typeOf(s) == "string") {
		return
	}
	for _, own := range []string{"example", "default", "const"} {
		if v := s.get(own); v != nil {
			f.write(b, v, indent, depth)
			return
		}
	}
	for _, list := range []string{"examples", "enum"} {
		if items := s.get(list).list(); len(items) > 0 {
			f.write(b, items[0], indent, depth)
			return
		}
	}
	switch typeOf(s) {
	case "array":
		f.array(b, indent, 1, func(_ int, inside string) { f.sample(b, s.get("items"), "", inside, depth+1) })
	case "integer", "number":
		b.WriteString("0")
	case "boolean":
		b.WriteString("false")
	case "string":
		b.WriteString(f.quoted(map[string]string{"date": "2026-01-31", "date-time": "2026-01-31T08:00:00Z"}[s.get("format").str()]))
	default:
		members := f.members(s, 0)
		if needed := slices.DeleteFunc(slices.Clone(members), func(m member) bool { return !m.required }); len(needed) > 0 {
			members = needed
		}
		names, schemas := []string{}, map[string]*value{}
		for _, m := range members {
			if !m.schema.get("readOnly").yes() {
				names, schemas[m.name] = append(names, m.name), m.schema
			}
		}
		f.object(b, indent, names, func(name, inside string) { f.sample(b, schemas[name], name, inside, depth+1) })
	}
}
