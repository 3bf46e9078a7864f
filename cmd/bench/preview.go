package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// previewFigures are about a flow of ten nodes that is being edited, through the API, as the editor asks.
func previewFigures() []Figure {
	return []Figure{
		{Name: "preview-incremental", Unit: "ms", Goal: goal(100), Better: Lower, Run: previewEdited("last")},
		{Name: "preview-source", Unit: "ms", Better: Lower, Run: previewEdited("orders")},
	}
}

var edited = size{"edited", 1_000_000, 200_000, 10_000}

// editedFlow is a flow of ten nodes over the edited data set. n changes a setting of the last node, or of the source.
func editedFlow(change string, n int) map[string]any {
	last, source := 0, 0
	if change == "last" {
		last = n
	} else {
		source = n
	}
	in := func(path string, fields ...string) map[string]any {
		list := []map[string]string{}
		for i := 0; i < len(fields); i += 2 {
			list = append(list, map[string]string{"name": fields[i], "type": fields[i+1]})
		}
		return map[string]any{"path": path, "format": "csv", "fields": list}
	}
	orders := in("orders.csv", "order_id", "int64", "customer_id", "int32", "product_id", "int32", "quantity", "int32", "unit_price", "decimal(10,2)",
		"currency", "text", "country", "text", "status", "text", "ordered_at", "timestamp", "note", "text")
	orders["recordNumberField"] = fmt.Sprintf("number_%d", source)
	config := func(text string, args ...any) json.RawMessage { return json.RawMessage(fmt.Sprintf(text, args...)) }
	nodes := []map[string]any{
		node("orders", "file.input", orders),
		node("paid", "filter", config(`{"condition": "status <> 'cancelled'"}`)),
		node("amount", "formula", config(`{"fields": [{"name": "amount", "expression": "quantity * unit_price"}]}`)),
		node("month", "formula", config(`{"fields": [{"name": "month", "expression": "date_trunc('month', ordered_at)"}]}`)),
		node("customers", "file.input", in("customers.csv", "customer_id", "int32", "name", "text", "segment", "text", "email", "text")),
		node("join", "join", config(`{"kind": "inner", "keys": [{"left": "customer_id", "right": "customer_id"}]}`)),
		node("label", "formula", config(`{"fields": [{"name": "label", "expression": "upper(segment)"}]}`)),
		node("totals", "aggregate", config(`{"groupBy": ["customer_id", "country", "month", "label"], "aggregates": [{"name": "n", "expression": "count()"}, {"name": "amount", "expression": "sum(amount)"}]}`)),
		node("sorted", "sort", config(`{"keys": [{"field": "country"}, {"field": "month"}, {"field": "label"}]}`)),
		node("last", "formula", config(`{"fields": [{"name": "mean", "expression": "n + %d"}]}`, last)),
	}
	return flow(nodes, []map[string]any{edge("orders", "paid", "in"), edge("paid", "amount", "in"), edge("amount", "month", "in"), edge("month", "join", "left"),
		edge("customers", "join", "right"), edge("join", "label", "in"), edge("label", "totals", "in"), edge("totals", "sorted", "in"), edge("sorted", "last", "in")})
}

// previewEdited is the 95th percentile of the time from the request to the whole answer when a setting of one node is
// changed again and again, and the last node is looked at. The process is warm; no answer comes from memory.
func previewEdited(change string) func(context.Context, *Bench) (float64, *float64, error) {
	return func(ctx context.Context, b *Bench) (float64, *float64, error) {
		dir, err := b.data(ctx, edited)
		if err != nil {
			return 0, nil, err
		}
		s, _, err := b.serve(ctx, dir)
		if err != nil {
			return 0, nil, err
		}
		ask := func(n int) (float64, error) {
			text, err := json.Marshal(editedFlow(change, n))
			if err != nil {
				return 0, err
			}
			var doc flowDocument
			if err := json.Unmarshal(text, &doc); err != nil {
				return 0, err
			}
			return preview(ctx, s, doc, "last", 1000)
		}
		var times []float64
		for n := 0; n <= 40 && err == nil; n++ {
			var ms float64
			if ms, err = ask(n); n > 0 { // the first one starts the process
				times = append(times, ms)
			}
		}
		if err = errors.Join(err, s.Stop()); err != nil {
			return 0, nil, err
		}
		fmt.Fprintf(b.Log, "%s edited: median %.0f ms, largest %.0f ms\n", change, median(times), slices.Max(times))
		return percentile(times, 95), nil, nil
	}
}
