package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"
	gormsqlite "gorm.io/driver/sqlite"

	"spark/flows"
	"spark/migrations"
)

// sqliteSettings are given to the driver, which applies them to every connection it opens. The driver's own default
// for synchronous is NORMAL, which loses acknowledged commits when the power fails.
var sqliteSettings = url.Values{
	"_synchronous":  {"FULL"},
	"_journal_mode": {"WAL"},
	"_busy_timeout": {"10000"},
	"_foreign_keys": {"on"},
	"_txlock":       {"immediate"}, // a transaction that reads first must not fail when it begins to write
}

func openSQLite(_ context.Context, cfg Config) (*database, error) {
	if cfg.Folder == "" {
		return nil, &flows.Error{Code: "store.folder", Message: "neither a database URL nor a folder for the metadata is set",
			Suggestion: "set one of them"}
	}
	folder, err := filepath.Abs(cfg.Folder)
	if err != nil {
		return nil, fmt.Errorf("metadata folder: %w", err)
	}
	file := filepath.Join(folder, "spark.db")
	if err := prepareFiles(folder, file); err != nil {
		return nil, &flows.Error{Code: "store.folder", Path: flows.Path{File: file}, Cause: err,
			Message:    "the metadata file cannot be created: " + err.Error(),
			Suggestion: "choose a folder that the user who runs Spark may write to"}
	}
	db, err := sql.Open(gormsqlite.DriverName, sqliteDSN(file, sqliteSettings))
	if err != nil {
		return nil, fmt.Errorf("metadata database: %w", err)
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	return &database{
		sql: db, dialector: gormsqlite.New(gormsqlite.Config{Conn: db}), oneWriter: true,
		dialect: goose.DialectSQLite3, migrations: migrations.SQLite(),
		lock: func(ctx context.Context) (func(), error) { return lockFile(ctx, filepath.Join(folder, "migrate.lock")) },
	}, nil
}

// prepareFiles makes folder and file private before a driver creates them with the mode of the umask. SQLite gives
// its -wal and -shm files the mode of the database. A folder that exists keeps its mode: it may be a mounted one.
func prepareFiles(folder, file string) error {
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		if err := syncFolder(filepath.Dir(folder)); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Chmod(0o600); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes a new entry of a folder durable.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func sqliteDSN(file string, settings url.Values) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(file), RawQuery: settings.Encode()}).String()
}

// lockFile waits for an exclusive lock that the operating system releases when the process dies. It is SQLite's own
// lock on an empty database, which works wherever SQLite does.
func lockFile(ctx context.Context, file string) (unlock func(), err error) {
	if err := prepareFiles(filepath.Dir(file), file); err != nil {
		return nil, err
	}
	db, err := sql.Open(gormsqlite.DriverName, sqliteDSN(file, url.Values{"_busy_timeout": {"100"}}))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	for {
		_, err := db.ExecContext(ctx, "BEGIN EXCLUSIVE")
		if err == nil {
			return func() { _ = db.Close() }, nil
		}
		busy, ok := errors.AsType[sqlite3.Error](err)
		if !ok || busy.Code != sqlite3.ErrBusy && busy.Code != sqlite3.ErrLocked {
			_ = db.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			_ = db.Close()
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}
