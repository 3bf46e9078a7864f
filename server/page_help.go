package server

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"spark/flows/node"
	"spark/web"
)

// markdown renders without raw HTML and without addresses that are scripts.
var markdown = goldmark.New(goldmark.WithExtensions(extension.Table))

func (s *Server) helpPage(c *call) error {
	t, ok := node.Lookup(c.Param("type"))
	if !ok {
		return notFound()
	}
	var body bytes.Buffer
	if err := markdown.Convert([]byte(t.Help()), &body); err != nil {
		return fmt.Errorf("help of %s: %w", t.ID, err)
	}
	v := web.Help{Frame: s.frame(c, t.Title, ""), ID: t.ID, Title: t.Title, Summary: t.Summary, Category: string(t.Category), Body: body.String(), Icon: t.Icon(),
		Settings: settings("", node.JSONSchema(t.New()))}
	for _, p := range t.Inputs {
		v.Ports = append(v.Ports, viewPort("Input", p))
	}
	if t.PortsFrom != "" {
		v.Ports = append(v.Ports, web.Port{Direction: "Output", Title: "One per entry of " + t.PortsFrom, Note: "Named in the settings"})
	}
	for _, p := range t.Outputs {
		v.Ports = append(v.Ports, viewPort("Output", p))
	}
	if t.Rejects {
		v.Ports = append(v.Ports, web.Port{Direction: "Output", Title: "Rejects", Name: node.Rejects, Note: "Records that the node refuses, with the reason"})
	}
	return show(c, http.StatusOK, web.HelpPage(v))
}

func viewPort(direction string, p node.Port) web.Port {
	v := web.Port{Direction: direction, Title: p.Title, Name: p.Name}
	if v.Title == "" {
		v.Title = p.Name
	}
	switch {
	case p.Many:
		v.Note = "Takes any number of edges"
	case p.Optional:
		v.Note = "Need not be connected"
	}
	return v
}

// settings lists what a schema describes, members of lists behind their list.
func settings(prefix string, schema map[string]any) []web.Setting {
	order, _ := schema["x-order"].([]string)
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]string)
	var out []web.Setting
	for _, name := range order {
		p, _ := properties[name].(map[string]any)
		s := web.Setting{Name: prefix + name, Title: text(p["title"]), Help: text(p["description"]), Kind: kindOf(p)}
		if s.Title == "" {
			s.Title = name
		}
		if d, ok := p["default"]; ok {
			s.Default = fmt.Sprint(d)
		}
		for _, r := range required {
			s.Required = s.Required || r == name
		}
		out = append(out, s)
		if items, ok := p["items"].(map[string]any); ok {
			out = append(out, settings(prefix+name+"[].", items)...)
		}
	}
	return out
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func kindOf(p map[string]any) string {
	if values, ok := p["enum"].([]string); ok {
		return strings.Join(values, ", ")
	}
	switch w := text(p["x-widget"]); w {
	case "expression", "condition", "field", "type", "path":
		return w
	}
	return map[string]string{"string": "text", "boolean": "yes or no", "array": "list", "object": "options", "integer": "whole number", "number": "number"}[text(p["type"])]
}
