package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"spark/internal/testserver"
)

// postgresFigures are the ways between files and tables of a PostgreSQL server of this machine, against psql's \copy of
// the same million records: start-up, checks and the commit included.
func postgresFigures() []Figure {
	return []Figure{
		{Name: "postgres-load", Unit: "s", Goal: goal(1.1), OfRatio: true, Better: Lower, Run: postgresLoad},
		{Name: "postgres-unload", Unit: "s", Goal: goal(1.3), OfRatio: true, Better: Lower, Run: postgresUnload},
		{Name: "slowsink-rss", Unit: "MB", Goal: goal(256), Better: Lower, Run: slowSink},
	}
}

type database struct {
	kind        string // of the connection
	url, bin    string
	connections string // file for --connections
}

// orderColumns are those of the table that both sides write; it is logged, as tables are.
const orderColumns = `order_id bigint, customer_id int, product_id int, quantity int, unit_price numeric(10,2), currency text, country text, status text, ordered_at timestamp, note text`

var openDatabase = sync.OnceValues(func() (d database, err error) {
	d.kind = "postgres"
	if d.url, d.bin, err = testserver.StartPostgreSQL(); err != nil {
		return d, err
	}
	for _, table := range []string{"ours", "theirs"} {
		if err := d.psql(context.Background(), "CREATE TABLE "+table+" ("+orderColumns+")"); err != nil {
			return d, err
		}
	}
	return d, nil
})

// psql runs commands, each a statement or one of psql's own.
func (d database) psql(ctx context.Context, commands ...string) error {
	args := []string{"-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", d.url}
	for _, c := range commands {
		args = append(args, "-c", c)
	}
	if out, err := exec.CommandContext(ctx, filepath.Join(d.bin, "psql"), args...).CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w: %s", err, out)
	}
	return nil
}

// prepare makes the data, the connection and a flow of two nodes beside it.
func (d *database) prepare(ctx context.Context, b *Bench, s size, name string, from, to map[string]any) (dir string, err error) {
	if dir, err = b.data(ctx, s); err != nil {
		return "", err
	}
	u, err := url.Parse(d.url)
	if err != nil {
		return "", err
	}
	password, _ := u.User.Password()
	d.connections = filepath.Join(dir, "connections.json")
	set := map[string]any{"bench": map[string]any{"type": d.kind, "settings": map[string]any{"host": u.Hostname(), "port": json.Number(u.Port()),
		"database": strings.Trim(u.Path, "/"), "user": u.User.Username(), "password": password, "tls": "disable"}}}
	flow := map[string]any{"format": 1, "name": name, "nodes": []any{from, to},
		"edges": []any{map[string]any{"from": map[string]any{"node": "from", "port": "out"}, "to": map[string]any{"node": "to", "port": "in"}}}}
	for file, v := range map[string]any{d.connections: set, filepath.Join(dir, name+".json"): flow} {
		text, err := json.Marshal(v)
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			return "", err
		}
	}
	return dir, nil
}

// ordersFile is the node that reads the orders, as W1 reads them.
func ordersFile() (map[string]any, error) {
	b, err := flowFiles.ReadFile("flows/w1.json")
	if err != nil {
		return nil, err
	}
	var w1 struct{ Nodes []map[string]any }
	if err := json.Unmarshal(b, &w1); err != nil {
		return nil, err
	}
	node := w1.Nodes[0]
	node["id"] = "from"
	return node, nil
}

func (d database) run(b *Bench, dir, name string) func(context.Context) (float64, error) {
	return func(ctx context.Context) (float64, error) {
		u, err := b.TimeCommand(ctx, b.Spark, "run", filepath.Join(dir, name+".json"), "--folder", dir, "--connections", d.connections)
		return u.Wall.Seconds(), err
	}
}

func (d database) time(b *Bench, commands ...string) func(context.Context) (float64, error) {
	return func(ctx context.Context) (float64, error) {
		args := []string{"-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d", d.url}
		for _, c := range commands {
			args = append(args, "-c", c)
		}
		u, err := b.TimeCommand(ctx, filepath.Join(d.bin, "psql"), args...)
		return u.Wall.Seconds(), err
	}
}

const databasePairs = 5

func postgresLoad(ctx context.Context, b *Bench) (float64, *float64, error) {
	d, err := openDatabase()
	if err != nil {
		return 0, nil, err
	}
	from, err := ordersFile()
	if err != nil {
		return 0, nil, err
	}
	dir, err := d.prepare(ctx, b, tenth, "postgres-load", from, map[string]any{"id": "to", "type": "database.output", "version": 1, "config": map[string]any{"connection": "bench", "table": "ours", "mode": "truncate"}})
	if err != nil {
		return 0, nil, err
	}
	ours, limit := d.run(b, dir, "postgres-load"), d.time(b, "TRUNCATE theirs", "\\copy theirs FROM '"+filepath.Join(dir, "orders.csv")+"' (FORMAT csv, HEADER)")
	if _, err := ours(ctx); err != nil { // warms the caches for both
		return 0, nil, err
	}
	p, err := b.Pairs(ctx, databasePairs, ours, limit)
	if err != nil {
		return 0, nil, err
	}
	return p.Result()
}

func postgresUnload(ctx context.Context, b *Bench) (float64, *float64, error) {
	d, err := openDatabase()
	if err != nil {
		return 0, nil, err
	}
	dir, err := d.prepare(ctx, b, tenth, "postgres-unload", map[string]any{"id": "from", "type": "database.input", "version": 1, "config": map[string]any{"connection": "bench", "from": "table", "table": "theirs"}},
		map[string]any{"id": "to", "type": "file.output", "version": 1, "config": map[string]any{"path": "unloaded.csv"}})
	if err != nil {
		return 0, nil, err
	}
	fill := d.time(b, "TRUNCATE theirs", "\\copy theirs FROM '"+filepath.Join(dir, "orders.csv")+"' (FORMAT csv, HEADER)", "ANALYZE theirs")
	if _, err := fill(ctx); err != nil {
		return 0, nil, err
	}
	ours, limit := d.run(b, dir, "postgres-unload"), d.time(b, "\\copy theirs TO '"+filepath.Join(dir, "unloaded.limit")+"' (FORMAT csv, HEADER)")
	if _, err := ours(ctx); err != nil {
		return 0, nil, err
	}
	p, err := b.Pairs(ctx, databasePairs, ours, limit)
	if err != nil {
		return 0, nil, err
	}
	return p.Result()
}
