package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"

	"spark/flows"
)

// database is an open pool and what differs between the dialects.
type database struct {
	sql        *sql.DB
	dialector  gorm.Dialector
	dialect    goose.Dialect
	migrations fs.FS
	oneWriter  bool
	lock       func(context.Context) (unlock func(), err error) // held by one migrator of all processes
}

// migrate applies what is missing. Each migration and its version number are one transaction, so that one which is
// killed leaves nothing behind and runs again at the next start.
func (d *database) migrate(ctx context.Context) error {
	unlock, err := d.lock(ctx)
	if err != nil {
		return fmt.Errorf("lock for migrations: %w", err)
	}
	defer unlock()
	p, err := goose.NewProvider(d.dialect, d.sql, d.migrations, goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true)) // branches number theirs apart
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("version of the metadata database: %w", err)
	}
	sources := p.ListSources()
	known := sources[len(sources)-1].Version
	if have > known {
		return &flows.Error{Code: "store.newer", Params: flows.Params{"version": have, "known": known},
			Message:    fmt.Sprintf("the metadata database has version %d and this version of Spark knows up to version %d", have, known),
			Suggestion: "start the newer Spark that wrote it, or restore the backup from before the upgrade"}
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate the metadata database: %w", err)
	}
	return nil
}
