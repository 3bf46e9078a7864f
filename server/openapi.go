package server

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"spark/server/api"
)

type object = map[string]any

// openAPI describes every route below /api and the operational ones as OpenAPI 3.1.
func openAPI(routes []route, version string) ([]byte, error) {
	paths := object{}
	for _, r := range routes {
		if r.page {
			continue
		}
		at := parameter.ReplaceAllString(r.path, "{$1}")
		if paths[at] == nil {
			paths[at] = object{}
		}
		paths[at].(object)[strings.ToLower(r.method)] = operation(r)
	}
	schemas := object{"Type": object{"type": "string", "description": "A value type in its text form, such as int64, decimal(10,2) or list<text>."}}
	for t, values := range api.Enums {
		schemas[t.Name()] = object{"type": "string", "enum": values}
	}
	for _, t := range api.Types {
		s, err := objectSchema(t)
		if err != nil {
			return nil, err
		}
		schemas[api.Name(t)] = s
	}
	return api.Encode(object{"openapi": "3.1.0",
		"info":  object{"title": "Spark", "version": version, "description": "Errors are problem documents (RFC 9457). Lists have cursors. Times are RFC 3339 in UTC."},
		"paths": paths,
		"components": object{"schemas": schemas, "securitySchemes": object{
			"key":     object{"type": "http", "scheme": "bearer", "description": "The owner's key."},
			"session": object{"type": "apiKey", "in": "cookie", "name": sessionCookie}}},
	})
}

var parameter = regexp.MustCompile(`:(\w+)`)

func operation(r route) object {
	op := object{"summary": r.summary, "operationId": operationID(r), "x-action": string(r.action)}
	var parameters []any
	for _, m := range parameter.FindAllStringSubmatch(r.path, -1) {
		parameters = append(parameters, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, q := range r.query {
		kind := "string"
		if q == "limit" {
			kind = "integer"
		}
		parameters = append(parameters, object{"name": q, "in": "query", "schema": object{"type": kind}})
	}
	for _, h := range r.headers {
		parameters = append(parameters, object{"name": h, "in": "header", "required": h == "If-Match", "schema": object{"type": "string"}})
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	if r.action != Public {
		op["security"] = []any{object{"key": []string{}}, object{"session": []string{}}}
	}
	switch {
	case r.in != nil:
		op["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": schemaRef(r.in)}}}
	case r.media != "":
		op["requestBody"] = object{"required": true, "content": object{r.media: object{}}}
	}
	op["responses"] = responses(r)
	return op
}

func responses(r route) object {
	ok := object{"description": "Done"}
	if r.out != nil {
		ok["content"] = object{"application/json": object{"schema": schemaRef(r.out)}}
	}
	status := r.status
	if status == 0 {
		status = 200
	}
	out := object{strconv.Itoa(status): ok}
	if r.socket != nil { // OpenAPI has no words for WebSockets: the types stand in an extension
		delete(out, "200")
		var sends []any
		for _, t := range r.socket[:len(r.socket)-1] {
			sends = append(sends, schemaRef(t))
		}
		out["101"] = object{"description": "A WebSocket", "x-sends": object{"oneOf": sends}, "x-takes": schemaRef(r.socket[len(r.socket)-1])}
	}
	if r.action != Public {
		out["default"] = object{"description": "A problem", "content": object{"application/problem+json": object{"schema": object{"$ref": "#/components/schemas/Problem"}}}}
	}
	return out
}

// operationID makes a name such as postFlowsByIdPublish.
func operationID(r route) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(r.method))
	for part := range strings.FieldsFuncSeq(strings.TrimPrefix(r.path, "/api/v1"), func(c rune) bool { return c == '/' || c == '.' }) {
		if name, is := strings.CutPrefix(part, ":"); is {
			b.WriteString("By")
			part = name
		}
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// schemaRef refers to a registered type; a page of them is described in place.
func schemaRef(t reflect.Type) object {
	if api.Opaque(t) {
		return object{}
	}
	if strings.HasPrefix(t.Name(), "Page[") {
		items, _ := t.FieldByName("Items")
		return object{"type": "object", "required": []string{"items"}, "properties": object{
			"items": object{"type": "array", "items": schemaRef(items.Type.Elem())}, "next": object{"type": "string"}}}
	}
	return object{"$ref": "#/components/schemas/" + api.Name(t)}
}

func objectSchema(t reflect.Type) (object, error) {
	properties, required := object{}, []string{}
	var parts []any
	for _, m := range api.Members(t) {
		if m.Embedded {
			parts = append(parts, schemaRef(m.Type))
			continue
		}
		s, err := valueSchema(m.Type)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t.Name(), m.Name, err)
		}
		if m.Const != "" {
			s = object{"const": m.Const}
		}
		properties[m.Name] = s
		if !m.Optional {
			required = append(required, m.Name)
		}
	}
	s := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	if parts != nil {
		s = object{"allOf": append(parts, s)}
	}
	return s, nil
}

func valueSchema(t reflect.Type) (object, error) {
	switch {
	case api.Opaque(t):
		return object{}, nil
	case api.Textual(t) && t.Name() == "Type":
		return object{"$ref": "#/components/schemas/Type"}, nil
	case api.Textual(t) && t.Name() == "Time":
		return object{"type": "string", "format": "date-time"}, nil
	case api.Textual(t):
		return object{"type": "string", "contentEncoding": "base64"}, nil
	case api.Enums[t] != nil:
		return object{"$ref": "#/components/schemas/" + t.Name()}, nil
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}, nil
	case reflect.Bool:
		return object{"type": "boolean"}, nil
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}, nil
	case reflect.Float64:
		return object{"type": "number"}, nil
	case reflect.Struct:
		return schemaRef(t), nil
	case reflect.Pointer:
		s, err := valueSchema(t.Elem())
		if t.Elem().Kind() == reflect.String {
			s = object{"type": []string{"string", "null"}}
		}
		return s, err
	case reflect.Slice, reflect.Map:
		s, err := valueSchema(t.Elem())
		if t.Kind() == reflect.Map {
			return object{"type": "object", "additionalProperties": s}, err
		}
		return object{"type": "array", "items": s}, err
	}
	return nil, fmt.Errorf("%s has no JSON form", t)
}
