package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// jsonRecords are the texts that json-extract reads.
const jsonRecords = 5_000_000

// jsonFigures are what JSON nodes need beside one statement of DuckDB that does the same.
func jsonFigures() []Figure {
	return []Figure{{Name: "json-extract", Unit: "s", Goal: goal(1.2), OfRatio: true, Better: Lower, Run: jsonExtract}}
}

// jsonExtract takes five fields of each text, with their types, against a statement that reads each text once, too, but takes
// numbers as doubles and does not tell missing, null and wrong ones apart.
func jsonExtract(ctx context.Context, b *Bench) (float64, *float64, error) {
	dir := filepath.Join(b.Folder, "json")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, nil, err
	}
	texts := filepath.Join(dir, "texts.parquet")
	if _, err := os.Stat(texts); err != nil {
		sql := fmt.Sprintf(`COPY (SELECT i AS n, '{"id":' || i || ',"customer":{"name":"Ada Lovelace ' || i %% 1000 || '","city":"London"},"price":' || (i %% 100000) / 100.0 ||
			',"when":"2026-01-31 10:00:00","tags":["a","b"],"note":"some more text that nobody reads"}' AS response FROM range(%d) r(i)) TO '%s' (FORMAT parquet)`, jsonRecords, texts)
		if err := statement(sql); err != nil {
			return 0, nil, fmt.Errorf("data: %w", err)
		}
	}
	field := func(path, name, kind string) map[string]string {
		return map[string]string{"path": path, "name": name, "type": kind}
	}
	file, err := writeFlow(dir, "extract", chain(
		node("texts", "file.input", map[string]any{"path": "texts.parquet", "format": "parquet", "fields": []map[string]string{{"name": "response", "type": "text"}}}),
		node("extract", "json.extract", map[string]any{"field": "response", "drop": true, "fields": []map[string]string{field("$.id", "id", "int64"), field("$.customer.name", "name", "text"),
			field("$.customer.city", "city", "text"), field("$.price", "price", "decimal(10,2)"), field("$.when", "at", "timestamp")}}),
		node("sink", "file.output", map[string]any{"path": "extract.parquet", "format": "parquet"})))
	if err != nil {
		return 0, nil, err
	}
	out := filepath.Join(dir, "extract.limit")
	sql := fmt.Sprintf(`COPY (SELECT TRY_CAST(p[1] AS BIGINT) AS id, p[2] AS name, p[3] AS city, TRY_CAST(p[4] AS DECIMAL(10,2)) AS price, TRY_CAST(p[5] AS TIMESTAMP) AS at
		FROM (SELECT json_extract_string(response, ['$.id', '$.customer.name', '$.customer.city', '$.price', '$.when']) AS p FROM '%s')) TO '%s' (FORMAT parquet)`, texts, out)
	return b.pairsOf(ctx, enginePairs, b.runs(file, dir), b.statementsOf([]string{out}, []string{sql}))
}
