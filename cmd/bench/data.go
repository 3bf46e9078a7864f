package main

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"spark/flows/engine/duckdb/capi"
)

// size is a data set: orders, customers and products as CSV.
type size struct {
	name                        string
	orders, customers, products int
}

var (
	full  = size{"full", 10_000_000, 1_000_000, 100_000}
	tenth = size{"tenth", 1_000_000, 100_000, 10_000}
)

//go:embed flows/*.json
var flowFiles embed.FS

// data makes a data set with the flows beside it, once, and returns its folder.
func (b *Bench) data(ctx context.Context, s size) (string, error) {
	dir := filepath.Join(b.Folder, s.name)
	if _, err := os.Stat(filepath.Join(dir, "done")); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	names, err := flowFiles.ReadDir("flows")
	if err != nil {
		return "", err
	}
	for _, n := range names {
		text, err := flowFiles.ReadFile("flows/" + n.Name())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, n.Name()), text, 0o644)
		}
		if err != nil {
			return "", err
		}
	}
	for _, sql := range s.generate(dir) {
		if err := statement(sql); err != nil {
			return "", fmt.Errorf("data: %w", err)
		}
	}
	return dir, os.WriteFile(filepath.Join(dir, "done"), nil, 0o644)
}

// generate writes the statements that make the CSV files: every column is a hash of the record's number.
func (s size) generate(dir string) []string {
	orders := `SELECT i + 1 AS order_id, (hash(i * 7 + 1) % $customers + 1)::INT AS customer_id, (hash(i * 13 + 2) % $products + 1)::INT AS product_id,
		(hash(i * 17 + 3) % 12)::INT AS quantity, ((hash(i * 19 + 4) % 100000) / 100.0)::DECIMAL(10,2) AS unit_price,
		['EUR','USD','GBP','CHF'][(hash(i * 23 + 5) % 4)::INT + 1] AS currency,
		['de','fr','us','gb','ch','it','es','nl','se','pl'][(hash(i * 29 + 6) % 10)::INT + 1] AS country,
		['paid','shipped','cancelled','new','returned'][(hash(i * 31 + 7) % 5)::INT + 1] AS status,
		TIMESTAMP '2023-01-01' + to_seconds((hash(i * 37 + 8) % 63072000)::BIGINT) AS ordered_at,
		'note ' || lpad(to_hex(hash(i * 41 + 9)), 16, '0') || ' ' || (i % 99999999)::VARCHAR AS note FROM range($orders) t(i)`
	customers := `SELECT i + 1 AS customer_id, 'Customer ' || i AS name, ['retail','pro','vip'][(hash(i * 3) % 3)::INT + 1] AS segment,
		'c' || i || '@example.com' AS email FROM range($customers) t(i)`
	products := `SELECT i + 1 AS product_id, 'Product ' || i AS title, 'cat' || (hash(i * 5) % 20) AS category,
		((hash(i * 11) % 5000) / 100.0)::DECIMAL(10,2) AS cost FROM range($products) t(i)`
	fill := strings.NewReplacer("$orders", strconv.Itoa(s.orders), "$customers", strconv.Itoa(s.customers), "$products", strconv.Itoa(s.products))
	var list []string
	for name, query := range map[string]string{"orders": orders, "customers": customers, "products": products} {
		list = append(list, fmt.Sprintf("COPY (%s) TO '%s' (HEADER)", fill.Replace(query), filepath.Join(dir, name+".csv")))
	}
	return list
}

// statements are the workloads as one statement each, written as DuckDB is at its fastest: types given, nothing
// counted, every optimizer on.
var statements = map[string]func(dir string) string{
	"w1": func(dir string) string {
		return fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet, COMPRESSION snappy)", derived(dir), filepath.Join(dir, "w1.limit"))
	},
	"w2": func(dir string) string {
		return fmt.Sprintf(`COPY (SELECT country, month, category, count(*) AS n, sum(amount) AS amount, sum(CASE WHEN segment = 'vip' THEN amount END) AS vip
			FROM (%s) o JOIN read_csv('%s', header = true, columns = {'customer_id': 'INTEGER', 'name': 'VARCHAR', 'segment': 'VARCHAR', 'email': 'VARCHAR'}) c
			ON o.customer_id = c.customer_id JOIN read_csv('%s', header = true, columns = {'product_id': 'INTEGER', 'title': 'VARCHAR', 'category': 'VARCHAR', 'cost': 'DECIMAL(10,2)'}) p
			ON o.product_id = p.product_id GROUP BY ALL ORDER BY country, month, category) TO '%s' (HEADER)`,
			derived(dir), filepath.Join(dir, "customers.csv"), filepath.Join(dir, "products.csv"), filepath.Join(dir, "w2.limit"))
	},
}

func derived(dir string) string {
	return fmt.Sprintf(`SELECT order_id, customer_id, product_id, quantity, unit_price, currency, upper(country) AS country, status, ordered_at, note,
		quantity * unit_price AS amount, date_trunc('month', ordered_at) AS month FROM (%s) WHERE status <> 'cancelled' AND quantity > 0`, readOrders(dir))
}

func readOrders(dir string) string {
	return fmt.Sprintf(`SELECT * FROM read_csv('%s', header = true, columns = {'order_id': 'BIGINT', 'customer_id': 'INTEGER', 'product_id': 'INTEGER', 'quantity': 'INTEGER',
		'unit_price': 'DECIMAL(10,2)', 'currency': 'VARCHAR', 'country': 'VARCHAR', 'status': 'VARCHAR', 'ordered_at': 'TIMESTAMP', 'note': 'VARCHAR'})`, filepath.Join(dir, "orders.csv"))
}

// statement runs one statement with DuckDB's defaults.
func statement(sql string) error {
	db, err := capi.Open(map[string]string{"threads": strconv.Itoa(runtime.NumCPU())}, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	c, err := db.Connect()
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Exec(sql)
	return err
}

// limit is the child process that a workload is compared with: one statement, then fsync of its file and folder.
func limit(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: bench limit FILE SQL")
	}
	if err := statement(args[1]); err != nil {
		return err
	}
	for _, path := range []string{args[0], filepath.Dir(args[0])} {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		err = f.Sync()
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
