package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// box is a node of a test's flow.
type box struct {
	id, kind string
	rejects  string
	config   map[string]any
}

func step(id, kind, config string) box {
	b := box{id: id, kind: kind}
	if err := json.Unmarshal([]byte(config), &b.config); err != nil {
		panic(fmt.Sprintf("config of %s: %v", id, err))
	}
	return b
}

// input reads a file. A field is written as name:type;format=…;zone=…
func input(file string, fields ...string) box {
	list := []map[string]any{}
	for _, f := range fields {
		parts := strings.Split(f, ";")
		name, kind, _ := strings.Cut(parts[0], ":")
		m := map[string]any{"name": name, "type": kind}
		for _, p := range parts[1:] {
			k, v, _ := strings.Cut(p, "=")
			m[k] = v
		}
		list = append(list, m)
	}
	return box{id: "in", kind: "file.input", config: map[string]any{"path": file, "fields": list}}
}

func output(file string) box {
	return box{id: "out", kind: "file.output", config: map[string]any{"path": file, "ifExists": "replace"}}
}

func (b box) named(id string) box { b.id = id; return b }

func (b box) policy(p string) box { b.rejects = p; return b }

// with sets one member of the config.
func (b box) with(member string, v any) box {
	c := map[string]any{member: v}
	for k, old := range b.config {
		if k != member {
			c[k] = old
		}
	}
	b.config = c
	return b
}

// options sets the format's options.
func (b box) options(o string) box { return b.with("options", json.RawMessage(o)) }

// chain is a flow in which every node reads the one before it.
func chain(boxes ...box) string {
	var edges []string
	for i := 1; i < len(boxes); i++ {
		edges = append(edges, boxes[i-1].id+".out>"+boxes[i].id+".in")
	}
	return graph(nil, boxes, edges...)
}

// graph is a flow document. An edge is written as a.out>b.in. more are further members of the document.
func graph(more map[string]any, boxes []box, edges ...string) string {
	nodes, es := []any{}, []any{}
	for _, b := range boxes {
		n := map[string]any{"id": b.id, "type": b.kind, "version": 1, "config": b.config}
		if b.rejects != "" {
			n["rejects"] = b.rejects
		}
		nodes = append(nodes, n)
	}
	for _, e := range edges {
		from, to, _ := strings.Cut(e, ">")
		end := func(s string) any {
			n, port, _ := strings.Cut(s, ".")
			return map[string]string{"node": n, "port": port}
		}
		es = append(es, map[string]any{"from": end(from), "to": end(to)})
	}
	doc := map[string]any{"format": 1, "name": "test", "nodes": nodes, "edges": es}
	for k, v := range more {
		doc[k] = v
	}
	b, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return string(b)
}
