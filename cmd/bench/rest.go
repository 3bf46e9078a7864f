package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// restFigures are calls of an API on loopback against a plain Go client that asks for the same pages and decodes them.
func restFigures() []Figure {
	return []Figure{{Name: "rest-read", Unit: "s", Goal: goal(1.5), OfRatio: true, Better: Lower, Run: restRead}}
}

const (
	restPages  = 1000
	restPage   = 1000 // records
	restFields = `[{"name": "id", "type": "int64"}, {"name": "sku", "type": "text"}, {"name": "price", "type": "decimal(10,2)"}, {"name": "quantity", "type": "int32"}, {"name": "active", "type": "boolean"}]`
)

// product is a record as the plain client decodes it.
type product struct {
	ID       int64       `json:"id"`
	SKU      string      `json:"sku"`
	Price    json.Number `json:"price"`
	Quantity int32       `json:"quantity"`
	Active   bool        `json:"active"`
}

// restServer answers pages that it has made before. Each names the next one.
func restServer() *httptest.Server {
	pages := make([][]byte, restPages)
	for p := range pages {
		var b bytes.Buffer
		b.WriteString(`{"data": [`)
		for i := range restPage {
			n := p*restPage + i
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"id": %d, "sku": "P-%07d", "price": %d.%02d, "quantity": %d, "active": %t}`, n, n, n%1000, n%100, n%50, n%3 == 0)
		}
		next := "null"
		if p+1 < restPages {
			next = strconv.Itoa(p + 1)
		}
		fmt.Fprintf(&b, `], "next": %s}`, next)
		pages[p] = b.Bytes()
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(pages[n])
	}))
}

func restRead(ctx context.Context, b *Bench) (float64, *float64, error) {
	api := restServer()
	defer api.Close()
	dir, err := os.MkdirTemp("", "spark-bench-rest-")
	if err != nil {
		return 0, nil, err
	}
	defer os.RemoveAll(dir)
	flow := fmt.Sprintf(`{"format": 1, "name": "rest", "nodes": [
		{"id": "read", "type": "rest.input", "version": 1, "config": {"url": %q, "recordPath": "data", "paging": "cursor", "cursorPath": "next", "fields": %s}},
		{"id": "sum", "type": "aggregate", "version": 1, "config": {"aggregates": [{"expression": "sum(price)", "name": "total"}, {"expression": "max(sku)", "name": "last"}, {"expression": "sum(quantity)", "name": "pieces"}, {"expression": "count_if(active)", "name": "active"}, {"expression": "max(id)", "name": "id"}]}},
		{"id": "write", "type": "file.output", "version": 1, "config": {"path": "out.csv", "format": "csv"}}],
		"edges": [{"from": {"node": "read", "port": "out"}, "to": {"node": "sum", "port": "in"}}, {"from": {"node": "sum", "port": "out"}, "to": {"node": "write", "port": "in"}}]}`, api.URL+"/", restFields)
	file := filepath.Join(dir, "rest.json")
	if err := os.WriteFile(file, []byte(flow), 0o600); err != nil {
		return 0, nil, err
	}
	ours := func(ctx context.Context) (float64, error) {
		u, err := b.TimeCommand(ctx, b.Spark, "run", file, "--folder", dir, "--allow-network", "loopback")
		return u.Wall.Seconds(), err
	}
	if _, err := ours(ctx); err != nil { // warms both
		return 0, nil, err
	}
	p, err := b.Pairs(ctx, 3, ours, func(ctx context.Context) (float64, error) { return decodeAll(ctx, api.URL) })
	if err != nil {
		return 0, nil, err
	}
	return p.Result()
}

// decodeAll is the plain client.
func decodeAll(ctx context.Context, address string) (float64, error) {
	began := time.Now()
	records := 0
	for cursor := "0"; cursor != ""; {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/?cursor="+cursor, nil)
		if err != nil {
			return 0, err
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return 0, err
		}
		var page struct {
			Data []product
			Next json.Number
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return 0, err
		}
		records += len(page.Data)
		cursor = page.Next.String()
	}
	if records != restPages*restPage {
		return 0, fmt.Errorf("the plain client read %d records", records)
	}
	return time.Since(began).Seconds(), nil
}
