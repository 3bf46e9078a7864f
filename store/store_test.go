package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spark/flows"
	"spark/internal/testserver"
	"spark/store"
	"spark/store/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Config {
		return store.Config{Folder: filepath.Join(t.TempDir(), "data")}
	})
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Config {
		return store.Config{DatabaseURL: testserver.PostgreSQL(t)}
	})
}

func TestSQLiteSettingsHoldOnEveryConnection(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), store.Config{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := map[string]string{"synchronous": "2", "journal_mode": "wal", "busy_timeout": "10000", "foreign_keys": "1"}
	for i := range 6 { // all held at once, so each is another connection
		conn, err := s.SQL().Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for name, value := range want {
			var got string
			if err := conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil || got != value {
				t.Errorf("connection %d: %s = %q, want %q (%v)", i, name, got, value, err)
			}
		}
	}
	if open := s.SQL().Stats().OpenConnections; open < 6 {
		t.Fatalf("only %d connections were open", open)
	}
}

func TestSQLiteFilesArePrivate(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "a", "odd name ?#%41&x=1 ü")
	s, err := store.Open(t.Context(), store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Flows.Create(t.Context(), flows.LocalScope, &flows.Flow{Format: 1, Name: "x"}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, filepath.Dir(folder)} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, f := range files {
		names = append(names, f.Name())
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600 (%v)", f.Name(), info.Mode().Perm(), err)
		}
	}
	if got := strings.Join(names, " "); !strings.Contains(got, "spark.db spark.db-shm spark.db-wal") {
		t.Errorf("the folder holds %s", got)
	}
}

func TestSQLiteMakesAnOpenFilePrivate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "spark.db")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
}

func TestOpenErrorsHelp(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const secret = "hunter2"
	for name, c := range map[string]struct {
		cfg  store.Config
		code string
	}{
		"nothing set":       {store.Config{}, "store.folder"},
		"folder is a file":  {store.Config{Folder: file}, "store.folder"},
		"not a URL":         {store.Config{DatabaseURL: "postgres://u:" + secret + "@h:port/%zz"}, "store.url"},
		"nobody listens":    {store.Config{DatabaseURL: "postgres://u:" + secret + "@127.0.0.1:1/db"}, "store.unreachable"},
		"not a SQLite file": {store.Config{Folder: brokenFolder(t)}, ""},
	} {
		s, err := store.Open(t.Context(), c.cfg)
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		if e, ok := errors.AsType[*flows.Error](err); c.code != "" && (!ok || e.Code != c.code || e.Suggestion == "") {
			t.Errorf("%s: %v, want code %s with a suggestion", name, err, c.code)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
}

func brokenFolder(t *testing.T) string {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "spark.db"), []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := store.Open(ctx, store.Config{Folder: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("open = %v, %v", s, err)
	}
}
