package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// million is what every node type has to stand.
const million = 1_000_000

// nodeFigures run every node type over a million generated records into a CSV file, and every format both ways.
func nodeFigures() []Figure {
	fs := []Figure{}
	add := func(name string, flow func(dir string) map[string]any, before ...func(dir string) map[string]any) {
		fs = append(fs, Figure{Name: "node-" + name, Unit: "M rec/s", Better: Higher, Run: func(ctx context.Context, b *Bench) (float64, *float64, error) {
			dir := filepath.Join(b.Folder, "nodes")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return 0, nil, err
			}
			for _, f := range append(before, flow) {
				doc := f(dir)
				doc["parameters"] = []map[string]any{{"name": "key", "type": "text", "secret": true}}
				text, err := json.Marshal(doc)
				if err == nil {
					err = os.Setenv(keyVariable, strings.Repeat("0123456789abcdef", 4))
				}
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, name+".json"), text, 0o644)
				}
				if err == nil {
					_, err = b.TimeCommand(ctx, b.Spark, running(filepath.Join(dir, name+".json"), dir)...)
				}
				if err != nil {
					return 0, nil, err
				}
			}
			return b.perSecond(ctx, filepath.Join(dir, name+".json"), dir, million)
		}})
	}
	for _, n := range []struct{ kind, config string }{
		{"filter", `{"condition": "status = 'paid' and quantity > 3"}`},
		{"select", `{"fields": [{"name": "order_id", "as": "id"}, {"name": "status"}]}`},
		{"formula", `{"fields": [{"name": "amount", "expression": "quantity * unit_price"}, {"name": "each", "expression": "unit_price / (quantity + 1)"}]}`},
		{"convert", `{"fields": [{"name": "order_id", "type": "text"}, {"name": "unit_price", "type": "decimal(18,4)"}]}`},
		{"aggregate", `{"groupBy": ["customer_id"], "aggregates": [{"name": "n", "expression": "count()"}, {"name": "pieces", "expression": "sum(quantity)"}]}`},
		{"sort", `{"keys": [{"field": "unit_price", "order": "descending"}, {"field": "order_id"}]}`},
		{"limit", `{"count": 500000}`},
		{"union", `{"mode": "all"}`},
		{"pivot", `{"groupBy": ["customer_id"], "field": "status", "values": [{"value": "paid"}, {"value": "shipped"}], "function": "sum", "of": "quantity"}`},
		{"splittext", `{"field": "note", "separator": " ", "into": "fields", "fields": ["first", "second", "rest"]}`},
		{"lookup", `{"keys": [{"in": "customer_id", "reference": "customer_id"}], "fields": [{"reference": "name"}]}`},
		{"stop", `{"condition": "quantity < 0", "message": "'no quantity'"}`},
		{"checkpoint", `{}`},
		{"flatten", `{}`},
		{"switch", `{"cases": [{"name": "out", "condition": "quantity > 3"}, {"name": "late", "condition": "status = 'cancelled'"}]}`},
		{"deduplicate", `{"keys": ["customer_id"], "keep": "last", "order": [{"field": "ordered_at"}]}`},
		{"window", `{"groupBy": ["customer_id"], "order": [{"field": "ordered_at"}], "fields": [{"name": "pieces", "function": "sum", "field": "quantity"}, {"name": "before", "function": "lag", "field": "ordered_at"}]}`},
		{"fillnulls", `{"fields": [{"name": "note", "with": "previous"}], "groupBy": ["country"], "order": [{"field": "ordered_at"}]}`},
		{"rowid", `{"name": "line", "kind": "number", "start": 1}`},
		{"sample.records", `{"by": "number", "number": 500000}`},
		{"json.build", `{"template": "{\"id\": [order_id], \"amount\": [unit_price], \"note\": \"[status]: [note]\"}", "name": "body", "removeNulls": true, "others": "drop"}`},
		{"json.extract", `{"field": "json", "fields": [{"path": "$.id", "name": "id", "type": "int64"}, {"path": "$.price", "name": "price", "type": "decimal(10,2)"}, {"path": "$.a.status", "name": "state", "type": "text"}]}`},
		{"mask", `{"fields": [{"name": "note", "how": "sha256", "salt": "x"}, {"name": "order_id", "how": "last", "keep": 2}, {"name": "country", "how": "pseudonym"}]}`},
		{"encrypt", `{"do": "encrypt", "fields": ["note"], "keys": [{"name": "k", "key": "${key}"}]}`},
		{"json.edit", `{"field": "json", "changes": [{"do": "set", "path": "$.note", "value": "note"}, {"do": "rename", "path": "$.id", "name": "order"}, {"do": "remove", "path": "$.a.status"}]}`},
		{"xml.json", `{"field": "json", "to": "xml", "root": "order"}`},
		{"explode", `{"field": "words", "empty": "keep"}`},
		{"unpivot", `{"fields": ["quantity", "unit_price"], "name": "measure", "value": "amount", "nulls": "keep"}`},
		{"expectations", `{"rules": [{"expect": "unique", "fields": ["order_id"]}, {"expect": "notNull", "field": "customer_id"}, {"expect": "range", "field": "quantity", "least": "1", "most": "50"}]}`},
		{"validate", `{"rules": [{"field": "status", "rule": "set", "values": ["paid", "shipped"]}, {"field": "note", "rule": "required"}, {"field": "quantity", "rule": "range", "from": "1", "to": "20"}, {"field": "note", "rule": "email"}], "then": "mark"}`},
		{"profile", `{"distinct": true}`},
		{"sql", `{"query": "SELECT customer_id, status, count(*) AS orders, sum(quantity * unit_price) AS revenue FROM in1 GROUP BY ALL"}`},
		{"join", `{"kind": "left", "keys": [{"left": "customer_id", "right": "customer_id"}]}`},
	} {
		add(n.kind, func(string) map[string]any { return through(n.kind, n.config) })
	}
	add("mask-hmac", func(string) map[string]any {
		return through("mask", `{"fields": [{"name": "note", "how": "hmac", "key": "${key}"}]}`)
	})
	add("validate-schema", func(string) map[string]any {
		return through("validate", `{"rules": [{"rule": "schema", "schema": "{\"required\": [\"order_id\"], \"properties\": {\"quantity\": {\"type\": \"integer\", \"maximum\": 20}, \"status\": {\"enum\": [\"paid\", \"shipped\"]}}}"}], "then": "mark"}`)
	})
	add("xml.read", func(string) map[string]any { return xmlRead() })
	for _, format := range []string{"csv", "jsonl", "json", "parquet"} {
		write := func(string) map[string]any { return through("", "", format) }
		add("write-"+format, write)
		add("read-"+format, func(string) map[string]any { return reading(format) }, write)
	}
	return fs
}

// keyVariable has the key of the nodes that need one.
const keyVariable = "SPARK_BENCH_KEY"

// running are the arguments that run a flow of this file.
func running(file, dir string) []string {
	return []string{"run", file, "--folder", dir, "--set-env", "key=" + keyVariable}
}

func node(id, kind string, config any) map[string]any {
	return map[string]any{"id": id, "type": kind, "version": 1, "config": config}
}

func edge(from, to, port string) map[string]any {
	return map[string]any{"from": map[string]string{"node": from, "port": "out"}, "to": map[string]string{"node": to, "port": port}}
}

func flow(nodes, edges []map[string]any) map[string]any {
	return map[string]any{"format": 1, "name": "bench", "nodes": nodes, "edges": edges}
}

// through is sample data → node → file; without a kind straight into the file.
func through(kind, config string, format ...string) map[string]any {
	out := "csv"
	if len(format) > 0 {
		out = format[0]
	}
	nodes := []map[string]any{node("orders", "sample.data", map[string]any{"dataset": "orders", "records": million}),
		node("file", "file.output", map[string]any{"path": "million." + out, "format": out})}
	if kind == "" {
		return flow(nodes, []map[string]any{edge("orders", "file", "in")})
	}
	nodes = append(nodes, node("node", kind, json.RawMessage(config)))
	if kind == "join" {
		nodes = append(nodes, node("customers", "sample.data", map[string]any{"dataset": "customers", "records": million / 10}))
		return flow(nodes, []map[string]any{edge("orders", "node", "left"), edge("customers", "node", "right"), edge("node", "file", "in")})
	}
	if kind == "explode" {
		words := map[string]any{"fields": []map[string]string{{"name": "words", "expression": "split(note, ' ')"}}}
		nodes = append(nodes, node("words", "formula", words))
		return flow(nodes, []map[string]any{edge("orders", "words", "in"), edge("words", "node", "in"), edge("node", "file", "in")})
	}
	if kind == "json.extract" || kind == "json.edit" || kind == "xml.json" {
		text := "cast(json_object('id', order_id, 'price', unit_price, 'a', json_object('status', status)) as text)"
		nodes = append(nodes, node("json", "formula", map[string]any{"fields": []map[string]string{{"name": "json", "expression": text}}}))
		return flow(nodes, []map[string]any{edge("orders", "json", "in"), edge("json", "node", "in"), edge("node", "file", "in")})
	}
	edges := []map[string]any{edge("orders", "node", "in"), edge("node", "file", "in")}
	if port := map[string]string{"union": "in", "lookup": "reference"}[kind]; port != "" {
		nodes = append(nodes, node("customers", "sample.data", map[string]any{"dataset": "customers", "records": million / 10}))
		edges = append(edges, edge("customers", "node", port))
	}
	return flow(nodes, edges)
}

// xmlRead makes JSON of XML that a Formula writes.
func xmlRead() map[string]any {
	f := through("xml.json", `{"field": "json", "to": "json"}`)
	text := `'<order id="' || cast(order_id as text) || '"><status>' || status || '</status><item sku="a">' || cast(quantity as text) || '</item><item sku="b"/></order>'`
	for _, n := range f["nodes"].([]map[string]any) {
		if n["id"] == "json" {
			n["config"] = map[string]any{"fields": []map[string]string{{"name": "json", "expression": text}}}
		}
	}
	return f
}

// reading reads the million records of a format and writes Parquet.
func reading(format string) map[string]any {
	var fields []map[string]string
	for _, f := range [][2]string{{"order_id", "int64"}, {"customer_id", "int32"}, {"product_id", "int32"}, {"quantity", "int32"}, {"unit_price", "decimal(10,2)"},
		{"currency", "text"}, {"country", "text"}, {"status", "text"}, {"ordered_at", "timestamp"}, {"note", "text"}} {
		fields = append(fields, map[string]string{"name": f[0], "type": f[1]})
	}
	in := map[string]any{"path": "million." + format, "format": format}
	if format != "parquet" {
		in["fields"] = fields
	}
	return flow([]map[string]any{node("in", "file.input", in), node("file", "file.output", map[string]any{"path": "read-" + format + ".parquet", "format": "parquet"})},
		[]map[string]any{edge("in", "file", "in")})
}
