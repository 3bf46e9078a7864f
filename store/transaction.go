package store

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm"

	"spark/flows"
)

// SQLite says that the metadata is in the embedded database, which one process at a time has open.
func (s *Store) SQLite() bool { return s.write != nil }

// Transaction runs fn in one transaction: what it writes through db, and what another package writes through the tx
// below it (the job queue), becomes durable together or not at all. Objects of the store are changed by their own
// methods, which know their audit rows.
func (s *Store) Transaction(ctx context.Context, scope flows.Scope, fn func(db *gorm.DB, tx *sql.Tx) error) error {
	return s.change(ctx, scope, func(c *change) error {
		tx, err := c.tx()
		if err != nil {
			return err
		}
		return fn(c.DB, tx)
	})
}

// tx returns the transaction that gorm has open.
func (c *change) tx() (*sql.Tx, error) {
	tx, ok := c.Statement.ConnPool.(*sql.Tx)
	if !ok {
		return nil, fmt.Errorf("gorm holds a %T instead of a transaction", c.Statement.ConnPool)
	}
	return tx, nil
}

// Migrate runs fn while nobody else migrates this database. It is for tables that a library brings and migrates.
func (s *Store) Migrate(ctx context.Context, fn func(ctx context.Context) error) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return fmt.Errorf("lock for migrations: %w", err)
	}
	defer unlock()
	return fn(ctx)
}
