package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"spark/internal/testserver"
)

// mysqlFigures are the ways between files and tables of a MariaDB server of this machine, against its own command line
// doing the same million records: start-up, checks and the commit included.
func mysqlFigures() []Figure {
	return []Figure{
		{Name: "mysql-load", Unit: "s", Goal: goal(1.2), OfRatio: true, Better: Lower, Run: mysqlLoad},
		{Name: "mysql-unload", Unit: "s", Goal: goal(1.5), OfRatio: true, Better: Lower, Run: mysqlUnload},
	}
}

const mariaColumns = `order_id bigint, customer_id int, product_id int, quantity int, unit_price decimal(10,2), currency text, country text, status text, ordered_at datetime(6), note text`

var openMaria = sync.OnceValues(func() (d database, err error) {
	d.kind = "mysql"
	if d.url, d.bin, err = testserver.StartMariaDB(); err != nil {
		return d, err
	}
	d.url = strings.TrimSuffix(d.url, "mysql") + "bench"
	db, err := testserver.OpenMariaDB(strings.TrimSuffix(d.url, "bench") + "mysql")
	if err != nil {
		return d, err
	}
	defer db.Close()
	for _, sql := range []string{"CREATE DATABASE bench CHARACTER SET utf8mb4", "CREATE TABLE bench.ours (" + mariaColumns + ")", "CREATE TABLE bench.theirs (" + mariaColumns + ")"} {
		if _, err := db.Exec(sql); err != nil {
			return d, err
		}
	}
	return d, nil
})

// client runs statements by the command line, whose output goes to a file where one is named.
func (d database) client(b *Bench, dir, out, sql string) func(context.Context) (float64, error) {
	return func(ctx context.Context) (float64, error) {
		u, err := url.Parse(d.url)
		if err != nil {
			return 0, err
		}
		password, _ := u.User.Password()
		settings := filepath.Join(dir, "client.cnf")
		text := fmt.Sprintf("[client]\nuser=%s\npassword=%s\nhost=%s\nport=%s\nprotocol=tcp\nssl=0\n", u.User.Username(), password, u.Hostname(), u.Port())
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			return 0, err
		}
		args := []string{"--defaults-file=" + settings, "--local-infile=1", "--batch", "--quick", "-D", strings.Trim(u.Path, "/"), "-e", sql}
		program := d.bin
		if out != "" {
			args = append([]string{"-c", `out=$1; shift; exec "$@" > "$out"`, "sh", out, d.bin}, args...)
			program = "/bin/sh"
		}
		t, err := b.TimeCommand(ctx, program, args...)
		return t.Wall.Seconds(), err
	}
}

func mysqlLoad(ctx context.Context, b *Bench) (float64, *float64, error) {
	d, err := openMaria()
	if err != nil {
		return 0, nil, err
	}
	from, err := ordersFile()
	if err != nil {
		return 0, nil, err
	}
	dir, err := d.prepare(ctx, b, tenth, "mysql-load", from, map[string]any{"id": "to", "type": "database.output", "version": 1, "config": map[string]any{"connection": "bench", "table": "ours", "mode": "append"}})
	if err != nil {
		return 0, nil, err
	}
	emptied := func(table string, load func(context.Context) (float64, error)) func(context.Context) (float64, error) {
		return func(ctx context.Context) (float64, error) {
			if _, err := d.client(b, dir, "", "TRUNCATE "+table)(ctx); err != nil {
				return 0, err
			}
			return load(ctx)
		}
	}
	ours := emptied("ours", d.run(b, dir, "mysql-load"))
	limit := emptied("theirs", d.client(b, dir, "", "START TRANSACTION; "+mysqlLoadData(dir)+"; COMMIT"))
	if _, err := ours(ctx); err != nil { // warms the caches for both
		return 0, nil, err
	}
	p, err := b.Pairs(ctx, databasePairs, ours, limit)
	if err != nil {
		return 0, nil, err
	}
	return p.Result()
}

func mysqlLoadData(dir string) string {
	return "LOAD DATA LOCAL INFILE '" + filepath.Join(dir, "orders.csv") + "' INTO TABLE theirs CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' IGNORE 1 LINES"
}

func mysqlUnload(ctx context.Context, b *Bench) (float64, *float64, error) {
	d, err := openMaria()
	if err != nil {
		return 0, nil, err
	}
	dir, err := d.prepare(ctx, b, tenth, "mysql-unload", map[string]any{"id": "from", "type": "database.input", "version": 1, "config": map[string]any{"connection": "bench", "from": "table", "table": "theirs"}},
		map[string]any{"id": "to", "type": "file.output", "version": 1, "config": map[string]any{"path": "unloaded.csv"}})
	if err != nil {
		return 0, nil, err
	}
	if _, err := d.client(b, dir, "", "TRUNCATE theirs; "+mysqlLoadData(dir)+"; ANALYZE TABLE theirs")(ctx); err != nil {
		return 0, nil, err
	}
	ours, limit := d.run(b, dir, "mysql-unload"), d.client(b, dir, filepath.Join(dir, "unloaded.limit"), "SELECT * FROM theirs")
	if _, err := ours(ctx); err != nil {
		return 0, nil, err
	}
	p, err := b.Pairs(ctx, databasePairs, ours, limit)
	if err != nil {
		return 0, nil, err
	}
	return p.Result()
}
