package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// engineFigures are what the engine adds to a fused statement beyond W1 and W2: a longer chain, rejects, forks.
func engineFigures() []Figure {
	fs := []Figure{{Name: "w3", Unit: "s", Goal: goal(1.25), OfRatio: true, Better: Lower, Run: w3}}
	for _, r := range []struct {
		percent int
		most    float64
	}{{0, 1.05}, {1, 1.1}, {20, 1.3}} {
		fs = append(fs, Figure{Name: "rejects-" + strconv.Itoa(r.percent), Unit: "s", Goal: goal(r.most), OfRatio: true, Better: Lower, Run: rejects(r.percent)})
	}
	return append(fs, Figure{Name: "fork", Unit: "s", Goal: goal(0.8), OfRatio: true, Better: Lower, Run: fork})
}

// chain connects nodes in their order.
func chain(nodes ...map[string]any) map[string]any {
	var edges []map[string]any
	for i, n := range nodes[1:] {
		edges = append(edges, edge(nodes[i]["id"].(string), n["id"].(string), "in"))
	}
	return flow(nodes, edges)
}

func writeFlow(dir, name string, doc map[string]any) (string, error) {
	file := filepath.Join(dir, name+".json")
	text, err := json.Marshal(doc)
	if err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	return file, err
}

// runs measures `spark run` of a flow.
func (b *Bench) runs(flow, dir string, more ...string) func(context.Context) (float64, error) {
	return func(ctx context.Context) (float64, error) {
		u, err := b.TimeCommand(ctx, b.Spark, append([]string{"run", flow, "--folder", dir}, more...)...)
		return u.Wall.Seconds(), err
	}
}

// statementsOf measures statements one after the other, each in a process of its own that writes a file and fsyncs it.
func (b *Bench) statementsOf(files, sqls []string) func(context.Context) (float64, error) {
	return func(ctx context.Context) (sum float64, err error) {
		for i, sql := range sqls {
			u, err := b.TimeCommand(ctx, b.self, "limit", files[i], sql)
			if err != nil {
				return 0, err
			}
			sum += u.Wall.Seconds()
		}
		return sum, nil
	}
}

// pairsOf warms the page cache for both and measures them.
func (b *Bench) pairsOf(ctx context.Context, n int, ours, limit func(context.Context) (float64, error)) (float64, *float64, error) {
	if _, err := ours(ctx); err != nil {
		return 0, nil, err
	}
	p, err := b.Pairs(ctx, n, ours, limit)
	if err != nil {
		return 0, nil, err
	}
	return p.Result()
}

const enginePairs = 3

// w3 selects, filters, derives, converts, filters again and keeps one record of each key, against one fused statement.
func w3(ctx context.Context, b *Bench) (float64, *float64, error) {
	dir, err := b.data(ctx, full)
	if err != nil {
		return 0, nil, err
	}
	orders, err := ordersFile()
	if err != nil {
		return 0, nil, err
	}
	kept := []map[string]string{}
	for _, name := range []string{"order_id", "customer_id", "product_id", "quantity", "unit_price", "country", "status", "ordered_at", "note"} {
		kept = append(kept, map[string]string{"name": name})
	}
	file, err := writeFlow(dir, "w3", chain(orders,
		node("select", "select", map[string]any{"fields": kept}),
		node("open", "filter", map[string]any{"condition": "status <> 'cancelled'"}),
		node("derive", "formula", map[string]any{"fields": []map[string]string{{"name": "amount", "expression": "quantity * unit_price"}}}),
		node("convert", "convert", map[string]any{"fields": []map[string]string{{"name": "amount", "type": "double"}, {"name": "ordered_at", "type": "date"}}}),
		node("large", "filter", map[string]any{"condition": "amount > 100"}),
		node("dedupe", "deduplicate", map[string]any{"keys": []string{"order_id"}}),
		node("sink", "file.output", map[string]any{"path": "w3.jsonl", "format": "jsonl"})))
	if err != nil {
		return 0, nil, err
	}
	out := filepath.Join(dir, "w3.limit")
	sql := fmt.Sprintf(`COPY (SELECT DISTINCT ON (order_id) * FROM (SELECT order_id, customer_id, product_id, quantity, unit_price, country, status,
		ordered_at::DATE AS ordered_at, note, (quantity * unit_price)::DOUBLE AS amount FROM (%s) WHERE status <> 'cancelled') WHERE amount > 100) TO '%s' (FORMAT json)`, readOrders(dir), out)
	return b.pairsOf(ctx, enginePairs, b.runs(file, dir), b.statementsOf([]string{out}, []string{sql}))
}

// rejects is W1 with the policy reject, over orders of which so many percent have a quantity that is no number, against
// W1 over the same number of clean orders.
func rejects(percent int) func(context.Context, *Bench) (float64, *float64, error) {
	return func(ctx context.Context, b *Bench) (float64, *float64, error) {
		dir, doc, err := b.w1(ctx)
		if err != nil {
			return 0, nil, err
		}
		orders, err := ordersFile()
		if err != nil {
			return 0, nil, err
		}
		name := fmt.Sprintf("orders-%d.csv", percent)
		bad := filepath.Join(dir, name)
		defer os.Remove(bad)
		err = statement(fmt.Sprintf("COPY (SELECT * REPLACE (CASE WHEN hash(order_id * 43 + 10) %% 100 < %d THEN 'x' || quantity ELSE quantity::VARCHAR END AS quantity) FROM (%s)) TO '%s' (HEADER)",
			percent, readOrders(dir), bad))
		if err != nil {
			return 0, nil, fmt.Errorf("data: %w", err)
		}
		var nodes []map[string]any
		if err := json.Unmarshal(doc["nodes"], &nodes); err != nil {
			return 0, nil, err
		}
		orders["config"].(map[string]any)["path"] = name
		orders["rejects"] = "reject"
		nodes[0] = orders
		with := chain(nodes...)
		with["settings"] = map[string]any{"maxRejects": full.orders}
		file, err := writeFlow(dir, fmt.Sprintf("rejects-%d", percent), with)
		if err != nil {
			return 0, nil, err
		}
		return b.pairsOf(ctx, enginePairs, b.runs(file, dir, "--rejects", filepath.Join(dir, "rejects.jsonl")), b.runs(filepath.Join(dir, "w1.json"), dir))
	}
}

// fork derives once and writes twice, against two statements that each derive and write.
func fork(ctx context.Context, b *Bench) (float64, *float64, error) {
	dir, doc, err := b.w1(ctx)
	if err != nil {
		return 0, nil, err
	}
	var nodes []map[string]any
	if err := json.Unmarshal(doc["nodes"], &nodes); err != nil {
		return 0, nil, err
	}
	forked := chain(nodes...)
	large, sums := node("large", "filter", map[string]any{"condition": "amount > 5000"}), node("file", "file.output", map[string]any{"path": "fork.csv", "format": "csv"})
	forked["nodes"] = append(nodes, large, sums)
	forked["edges"] = append(forked["edges"].([]map[string]any), edge("derive", "large", "in"), edge("large", "file", "in"))
	file, err := writeFlow(dir, "fork", forked)
	if err != nil {
		return 0, nil, err
	}
	out := filepath.Join(dir, "fork.limit")
	second := fmt.Sprintf("COPY (SELECT * FROM (%s) WHERE amount > 5000) TO '%s' (HEADER)", derived(dir), out)
	return b.pairsOf(ctx, enginePairs, b.runs(file, dir), b.statementsOf([]string{filepath.Join(dir, "w1.limit"), out}, []string{statements["w1"](dir), second}))
}
