package main

import (
	"bufio"
	"context"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// spillMemory is what the runs get whose data is larger.
const spillMemory = "512MB"

// spillFigures run flows that keep more than their memory, against the same flow without a limit; the results must be
// equal. They report seconds.
func spillFigures() []Figure {
	keep := func(kind string, config map[string]any) func(orders map[string]any) map[string]any {
		return func(orders map[string]any) map[string]any {
			return chain(orders, node("keep", kind, config), node("file", "file.output", map[string]any{"path": "spill.csv", "format": "csv"}))
		}
	}
	join := func(orders map[string]any) map[string]any {
		other := map[string]any{"id": "other", "type": orders["type"], "version": orders["version"], "config": orders["config"]}
		return flow([]map[string]any{orders, other, node("keep", "join", map[string]any{"kind": "left", "keys": []map[string]string{{"left": "order_id", "right": "order_id"}}}),
			node("file", "file.output", map[string]any{"path": "spill.csv", "format": "csv"})},
			[]map[string]any{edge("from", "keep", "left"), edge("other", "keep", "right"), edge("keep", "file", "in")})
	}
	var fs []Figure
	for _, f := range []struct {
		name string
		flow func(orders map[string]any) map[string]any
	}{
		{"join", join},
		{"sort", keep("sort", map[string]any{"keys": []map[string]string{{"field": "note"}, {"field": "order_id"}}})},
		{"aggregate", keep("aggregate", map[string]any{"groupBy": []string{"note", "order_id"}, "aggregates": []map[string]string{{"name": "n", "expression": "count()"}, {"name": "pieces", "expression": "sum(quantity)"}}})},
		{"dedupe", keep("deduplicate", map[string]any{"keys": []string{"order_id", "note"}})},
	} {
		fs = append(fs, Figure{Name: "spill-" + f.name, Unit: "s", Better: Lower, Run: spill(f.name, f.flow)})
	}
	return fs
}

func spill(name string, doc func(map[string]any) map[string]any) func(context.Context, *Bench) (float64, *float64, error) {
	return func(ctx context.Context, b *Bench) (float64, *float64, error) {
		dir, err := b.data(ctx, full)
		if err != nil {
			return 0, nil, err
		}
		orders, err := ordersFile()
		if err != nil {
			return 0, nil, err
		}
		file, err := writeFlow(dir, "spill-"+name, doc(orders))
		if err != nil {
			return 0, nil, err
		}
		ordered := name == "sort"
		out := filepath.Join(dir, "spill.csv")
		defer os.Remove(out)
		unlimited, err := b.TimeCommand(ctx, b.Spark, "run", file, "--folder", dir)
		if err != nil {
			return 0, nil, err
		}
		want, err := digest(out, ordered)
		if err != nil {
			return 0, nil, err
		}
		limited, err := b.TimeCommand(ctx, b.Spark, "run", file, "--folder", dir, "--memory", spillMemory)
		if err != nil {
			return 0, nil, err
		}
		got, err := digest(out, ordered)
		if err == nil && got != want {
			err = fmt.Errorf("the result with %s is %s and without a limit %s", spillMemory, got, want)
		}
		ratio := limited.Wall.Seconds() / unlimited.Wall.Seconds()
		return limited.Wall.Seconds(), &ratio, err
	}
}

// digest is the MD5 of a file; where the order of its lines is free, the sum of the MD5s of all lines.
func digest(path string, ordered bool) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	whole, lines := md5.New(), bufio.NewScanner(f)
	var n, low, high uint64
	for lines.Scan() {
		n++
		if ordered {
			whole.Write(append(lines.Bytes(), '\n'))
			continue
		}
		sum := md5.Sum(lines.Bytes())
		low += binary.LittleEndian.Uint64(sum[:8])
		high += binary.LittleEndian.Uint64(sum[8:])
	}
	if ordered {
		return hex.EncodeToString(whole.Sum(nil)), lines.Err()
	}
	return fmt.Sprintf("%d lines %016x%016x", n, high, low), lines.Err()
}
