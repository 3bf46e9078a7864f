package store

import (
	"context"
	"database/sql"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"spark/internal/testserver"
)

func TestMain(m *testing.M) {
	if os.Getenv("SPARK_TEST_MIGRATE") != "" {
		migrateForEver()
	}
	testserver.Main(m)
}

// slow adds a migration that creates a table and fills it with that many rows.
func slow(released fs.FS, rows string) fs.FS {
	out := fstest.MapFS{"99999_slow.sql": {Data: []byte("-- +goose Up\nCREATE TABLE half (n BIGINT);\nINSERT INTO half " +
		"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < " + rows + ") SELECT n FROM c;\n")}}
	names, err := fs.Glob(released, "*.sql")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		b, err := fs.ReadFile(released, name)
		if err != nil {
			panic(err)
		}
		out[name] = &fstest.MapFile{Data: b}
	}
	return out
}

func openWith(ctx context.Context, cfg Config, rows string) (*Store, error) {
	open := openSQLite
	if cfg.DatabaseURL != "" {
		open = openPostgres
	}
	d, err := open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	d.migrations = slow(d.migrations, rows)
	return start(ctx, cfg, d)
}

// migrateForEver is the process that is killed.
func migrateForEver() {
	cfg := Config{DatabaseURL: os.Getenv("SPARK_TEST_URL"), Folder: os.Getenv("SPARK_TEST_FOLDER")}
	_, err := openWith(context.Background(), cfg, "1000000000000")
	panic(err)
}

func TestKilledMigrationRunsAgain(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		folder := t.TempDir()
		killInMigration(t, Config{Folder: folder}, func() bool {
			// The unfinished table has outgrown the page cache: it is on its way into the file.
			info, err := os.Stat(filepath.Join(folder, "spark.db-wal"))
			return err == nil && info.Size() > 8<<20
		})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		url := testserver.PostgreSQL(t)
		watch, err := openPostgres(t.Context(), Config{DatabaseURL: url})
		if err != nil {
			t.Fatal(err)
		}
		defer watch.sql.Close()
		// The server would notice the dead client only when the statement ends.
		killInMigration(t, Config{DatabaseURL: url + "&client_connection_check_interval=100"}, func() bool {
			return exists(t, watch.sql, "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'INSERT INTO half%'")
		})
	})
}

func killInMigration(t *testing.T, cfg Config, halfway func() bool) {
	before, err := Open(t.Context(), cfg) // as the release before left it
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	var output strings.Builder
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SPARK_TEST_MIGRATE=1", "SPARK_TEST_URL="+cfg.DatabaseURL, "SPARK_TEST_FOLDER="+cfg.Folder)
	cmd.Stderr = &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reached := false
	for deadline := time.Now().Add(30 * time.Second); !reached && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		reached = halfway()
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if !reached {
		t.Fatalf("the migration never got halfway: %s", output.String())
	}

	after, err := openWith(t.Context(), cfg, "3")
	if err != nil {
		t.Fatalf("open after the kill: %v", err)
	}
	defer after.Close()
	if !exists(t, after.sql, "SELECT 1 WHERE (SELECT count(*) FROM half) = 3") {
		t.Error("the migration did not run again from its beginning")
	}
	if !exists(t, after.sql, "SELECT 1 WHERE (SELECT count(*) FROM goose_db_version WHERE version_id = 99999) = 1") {
		t.Error("the migration is not recorded once")
	}
}

func exists(t *testing.T, db *sql.DB, query string) bool {
	t.Helper()
	var one int
	err := db.QueryRowContext(t.Context(), query).Scan(&one)
	if err != nil && err != sql.ErrNoRows {
		t.Fatal(err)
	}
	return err == nil
}

func TestBothDialectsHaveTheSameVersions(t *testing.T) {
	t.Parallel()
	files := func(open func(context.Context, Config) (*database, error), cfg Config) string {
		d, err := open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer d.sql.Close()
		names, err := fs.Glob(d.migrations, "*.sql")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(names, " ")
	}
	one := files(openSQLite, Config{Folder: t.TempDir()})
	two := files(openPostgres, Config{DatabaseURL: testserver.PostgreSQL(t)})
	if one != two || one == "" {
		t.Errorf("SQLite has %s\nPostgreSQL has %s", one, two)
	}
}

// Starting several servers after an upgrade makes all of them want to migrate.
func TestOneMigratorAtATime(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{"SQLite": {Folder: t.TempDir()}, "PostgreSQL": {DatabaseURL: testserver.PostgreSQL(t)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, err := Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer before.Close()
			errs := make(chan error)
			for range 5 {
				go func() {
					s, err := openWith(t.Context(), cfg, "20000")
					if err == nil {
						err = s.Close()
					}
					errs <- err
				}()
			}
			for range 5 {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
			if !exists(t, before.sql, "SELECT 1 WHERE (SELECT count(*) FROM half) = 20000") {
				t.Error("the migration ran more or less than once")
			}
		})
	}
}
