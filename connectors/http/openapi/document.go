// Package openapi reads descriptions of APIs (OpenAPI 3, Swagger 2) as far as a request needs them. It reads what people have: where
// a part is wrong, missing or somewhere else, the rest is still there. Nothing that a document refers to is opened.
package openapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"spark/flows"
)

// MaxBytes is the size of the largest document.
const MaxBytes = 10 << 20

// Document is a description of an API.
type Document struct {
	root    *value
	swagger bool // 2.0
}

// Parse reads a document in JSON or YAML. Its errors are sentences for whoever has chosen it.
func Parse(text []byte) (*Document, error) {
	if len(text) > MaxBytes {
		return nil, TooLarge()
	}
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	d := &Document{root: root}
	version := root.get("openapi").str()
	if version == "" {
		version, d.swagger = root.get("swagger").str(), true
	}
	switch {
	case version == "":
		return nil, &flows.Error{Code: "openapi.none", Message: "that is no OpenAPI document: neither openapi nor swagger stands at its top", Suggestion: "choose the description of the API itself, often named openapi.json, openapi.yaml or swagger.json"}
	case d.swagger != strings.HasPrefix(version, "2") || !d.swagger && !strings.HasPrefix(version, "3"):
		return nil, &flows.Error{Code: "openapi.version", Params: flows.Params{"version": version}, Message: fmt.Sprintf("the document is of version %.20q, which is not known", version), Suggestion: "choose one of OpenAPI 3.0 or 3.1, or of Swagger 2.0"}
	}
	return d, nil
}

// TooLarge is the error of a document that is larger than it may be.
func TooLarge() error {
	return &flows.Error{Code: "openapi.too_large", Message: fmt.Sprintf("the document is larger than %d MB", MaxBytes>>20), Suggestion: "choose the part of it that describes what you need; YAML is smaller than JSON"}
}

// Title of the API, with its version.
func (d *Document) Title() string {
	info := d.deref(d.root.get("info"))
	return strings.TrimSpace(clipped(info.get("title").str()) + " " + clipped(info.get("version").str()))
}

// clipped is a text in one line that a list has room for.
func clipped(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return s
}

var methods = []string{"get", "post", "put", "patch", "delete", "head"}

// Operations in the order of the document.
func (d *Document) Operations() ([]flows.Operation, error) {
	list := []flows.Operation{}
	paths := d.deref(d.root.get("paths"))
	if paths == nil {
		paths = &value{}
	}
	for _, path := range paths.names {
		item := d.deref(paths.get(path))
		for _, m := range methods {
			op := d.deref(item.get(m))
			if op == nil || op.kind != '{' || !strings.HasPrefix(path, "/") {
				continue
			}
			o := flows.Operation{Method: strings.ToUpper(m), Path: path, Summary: clipped(op.get("summary").str()), Deprecated: op.get("deprecated").yes()}
			if o.Summary == "" {
				o.Summary = clipped(op.get("description").str())
			}
			if o.Summary == "" {
				o.Summary = clipped(op.get("operationId").str())
			}
			if tags := op.get("tags").list(); len(tags) > 0 {
				o.Tag = clipped(tags[0].str())
			}
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		return nil, &flows.Error{Code: "openapi.empty", Message: "the document describes no operation: there is nothing under paths", Suggestion: "choose the document that describes the paths of the API"}
	}
	return list, nil
}

// refHops is how many references may follow one another.
const refHops = 32

// deref follows references inside of the document; nil where one leads nowhere, out of the document, or in a circle.
func (d *Document) deref(v *value) *value {
	for range refHops {
		ref := v.get("$ref")
		if ref == nil || ref.kind != '"' {
			return v
		}
		pointer, ok := strings.CutPrefix(ref.text, "#/")
		if !ok {
			return nil
		}
		v = d.root
		for name := range strings.SplitSeq(pointer, "/") {
			if plain, err := url.PathUnescape(name); err == nil {
				name = plain
			}
			v = v.get(strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~"))
		}
	}
	return nil
}

// server is the address that the paths of an operation stand below, as the document says it; "" where it does not.
func (d *Document) server(item, op *value) string {
	if d.swagger {
		host, base := d.root.get("host").str(), d.root.get("basePath").str()
		if host == "" {
			return base
		}
		scheme := "https"
		if schemes := d.root.get("schemes").list(); len(schemes) > 0 && !slices.ContainsFunc(schemes, func(s *value) bool { return s.str() == "https" }) {
			scheme = "http"
		}
		return scheme + "://" + host + base
	}
	for _, v := range []*value{op, item, d.root} {
		servers := v.get("servers").list()
		if len(servers) == 0 {
			continue
		}
		s := d.deref(servers[0])
		address := s.get("url").str()
		if variables := s.get("variables"); variables != nil {
			for _, name := range variables.names {
				address = strings.ReplaceAll(address, "{"+name+"}", d.deref(variables.get(name)).get("default").str())
			}
		}
		return address
	}
	return ""
}
