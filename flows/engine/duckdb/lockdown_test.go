package duckdb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spark/flows/engine"
	"spark/flows/engine/duckdb/capi"
)

const canary = "canary-91b7"

// cage is a locked database with a data folder, what lies around it, and a link that leads out.
type cage struct {
	base string
	conn *capi.Conn
}

func newCage(t *testing.T) *cage {
	t.Helper()
	c := &cage{base: t.TempDir()}
	for _, d := range []string{"data", "data2", "out", "temp"} {
		if err := os.Mkdir(filepath.Join(c.base, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"data/in.csv": "a\n1\n", "data/x.duckdb_extension": "no code", "data2/secret.csv": "a\n" + canary + "\n", "out/secret.csv": "a\n" + canary + "\n"} {
		if err := os.WriteFile(filepath.Join(c.base, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"data/link.csv": "../out/secret.csv", "data/abs.csv": filepath.Join(c.base, "out/secret.csv"), "data/dir": "../out"} {
		if err := os.Symlink(target, filepath.Join(c.base, link)); err != nil {
			t.Fatal(err)
		}
	}
	e := &Engine{Folders: []string{filepath.Join(c.base, "data")}}
	env := engine.Env{Temp: filepath.Join(c.base, "temp"), Threads: 1}
	db, err := capi.Open(e.settings(env), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if c.conn, err = db.Connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.conn.Close)
	if err := e.lock(env, inexact, c.conn); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cage) path(sql string) string {
	return strings.NewReplacer("$DATA", filepath.Join(c.base, "data"), "$BASE", c.base).Replace(sql)
}

// query returns everything that a statement answers as one text.
func (c *cage) query(sql string) (string, error) {
	rows, err := c.conn.QueryText(c.path(sql))
	var b strings.Builder
	for _, r := range rows {
		for _, v := range r {
			if v != nil {
				b.WriteString(*v + "|")
			}
		}
	}
	return b.String(), err
}

// escapes must all fail: none of them reaches a renderer, and if one did, this is the wall behind it.
var escapes = []string{
	"SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_blob('/proc/self/environ')",
	"SELECT * FROM read_text('$BASE/out/secret.csv')", "SELECT * FROM read_text('file:$BASE/out/secret.csv')", "SELECT * FROM read_text('file://$BASE/out/secret.csv')",
	"SELECT * FROM read_text('$DATA/../out/secret.csv')", "SELECT * FROM read_text('$DATA/./../out/secret.csv')", "SELECT * FROM read_text('$BASE/data2/secret.csv')",
	"SELECT * FROM read_csv(['$DATA/in.csv', '$BASE/out/secret.csv'], filename = true)", "SELECT * FROM read_csv('$DATA/../*/*.csv')", "SELECT * FROM read_json('$BASE/out/secret.csv')",
	"SELECT * FROM read_parquet('$BASE/out/secret.csv')", "SELECT * FROM parquet_metadata('$BASE/out/secret.csv')", "SELECT * FROM sniff_csv('$BASE/out/secret.csv')",
	"SELECT * FROM read_text('$DATA/link.csv')", "SELECT * FROM read_csv('$DATA/abs.csv')", "SELECT * FROM read_text('$DATA/dir/secret.csv')",
	"SELECT * FROM glob('/etc/*')", "SELECT * FROM glob('$BASE/out/*')", "SELECT * FROM glob('$DATA/../out/*')",
	"SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')", "SELECT * FROM read_csv('https://example.com/x.csv')", "SELECT * FROM read_csv('s3://bucket/x.csv')", "SELECT * FROM 'hf://datasets/x.csv'",
	"COPY (SELECT 1) TO '$BASE/out/pwned.csv'", "COPY (SELECT 1) TO '$DATA/../out/pwned.csv'", "COPY (SELECT 1) TO '$DATA/dir/pwned.csv'", "COPY (SELECT 1) TO '/dev/stdout'",
	"COPY (SELECT 1 AS a, 2 AS b) TO '$BASE/out/parts' (FORMAT csv, PARTITION_BY (a))", "EXPORT DATABASE '$BASE/out/all'", "IMPORT DATABASE '$BASE/out'",
	"CREATE TABLE t (a VARCHAR); COPY t FROM '$BASE/out/secret.csv'", "ATTACH '$BASE/out/x.db'", "ATTACH '$BASE/out/secret.csv' AS s (READ_ONLY)",
	"INSTALL httpfs", "FORCE INSTALL httpfs FROM community", "LOAD httpfs", "LOAD '$DATA/x.duckdb_extension'", "LOAD '$BASE/out/x.duckdb_extension'", "CREATE SECRET s (TYPE s3)",
	"SET enable_external_access = true", "SET lock_configuration = false", "RESET lock_configuration", "RESET enable_external_access", "SET allowed_directories = ['/']", "RESET allowed_directories", "SET allowed_paths = ['/etc/passwd']",
	"SET temp_directory = '$BASE/out'", "PRAGMA temp_directory = '$BASE/out'", "SET memory_limit = '99GB'", "PRAGMA threads = 64", "SET GLOBAL autoload_known_extensions = true", "SET extension_directory = '$BASE/out'",
	"SET SESSION disabled_optimizers = ''", "SET TimeZone = 'Asia/Tokyo'", "SET profiling_output = '$BASE/out/p.json'", "SET log_query_path = '$BASE/out/log'",
	"SELECT getenv('PATH')", "SELECT * FROM query('SELECT * FROM read_text(''$BASE/out/secret.csv'')')", "PREPARE p AS SELECT * FROM read_text('$BASE/out/secret.csv')",
}

func TestLockdown(t *testing.T) {
	t.Parallel()
	for _, sql := range escapes {
		t.Run(sql, func(t *testing.T) {
			t.Parallel()
			c := newCage(t)
			var answer string
			var err error
			for part := range strings.SplitSeq(sql, "; ") {
				answer, err = c.query(part)
			}
			if err == nil {
				t.Errorf("it worked: %.200q", answer)
			} else if strings.Contains(err.Error(), canary) {
				t.Errorf("the error shows what may not be read: %v", err)
			}
			for dir, want := range map[string]int{"out": 1, "data2": 1} {
				if entries, _ := os.ReadDir(filepath.Join(c.base, dir)); len(entries) != want {
					t.Errorf("something was written to %s: %v", dir, entries)
				}
			}
		})
	}
}

// TestLockdownLetsWork: inside the data folder and the temp folder everything goes on.
func TestLockdownLetsWork(t *testing.T) {
	t.Parallel()
	c := newCage(t)
	for _, step := range []struct{ sql, want string }{
		{"SELECT * FROM read_csv('$DATA/in.csv')", "1|"},
		{"COPY (SELECT 42 AS a) TO '$DATA/new.csv' (HEADER)", "1|"},
		{"SELECT * FROM read_csv('$DATA/new.csv')", "42|"},
		{"COPY (SELECT 43 AS a) TO '$DATA/new.parquet'", "1|"},
		{"SELECT * FROM read_parquet(['$DATA/new.parquet'])", "43|"},
		{"COPY (SELECT '../../out/x' AS p, 1 AS a) TO '$DATA/parts' (FORMAT csv, PARTITION_BY (p))", "1|"},
		{"CREATE TEMP TABLE kept AS SELECT * FROM range(1000000)", "1000000|"},
		{"SELECT count(*) FROM (SELECT * FROM kept ORDER BY range DESC)", "1000000|"},
		{"SELECT current_setting('lock_configuration')", "true|"},
	} {
		if got, err := c.query(step.sql); err != nil || got != step.want {
			t.Errorf("%s: %q, %v", step.sql, got, err)
		}
	}
	if entries, _ := os.ReadDir(filepath.Join(c.base, "out")); len(entries) != 1 {
		t.Errorf("a partition was written outside: %v", entries)
	}
}
