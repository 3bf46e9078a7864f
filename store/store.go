// Package store keeps Spark's own metadata: in PostgreSQL when it is given an address, else in one SQLite file.
// Every method takes a scope and sees only what belongs to its project; every change writes its audit row in the
// same transaction.
package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"spark/flows"
)

// Config says where the metadata is kept.
type Config struct {
	DatabaseURL string           // PostgreSQL; empty means SQLite
	Folder      string           // of the SQLite file spark.db; created with mode 0700 when it is missing
	RejectBytes int64            // rejects that a project may keep; 0: DefaultRejectBytes
	Now         func() time.Time // the clock; nil means time.Now
}

// Store is the open metadata database. It is safe for concurrent use.
type Store struct {
	Flows        *Flows
	Runs         *Runs
	Audit        *Audit
	Connections  *Connections
	Environments *Environments
	Rejects      *Rejects
	Cursors      *Cursors
	Pins         *Pins
	Answers      *Answers
	Grants       *Grants

	db    *gorm.DB
	sql   *sql.DB
	now   func() time.Time
	write chan struct{}                                    // held by the one writer that SQLite allows; nil on PostgreSQL
	lock  func(context.Context) (unlock func(), err error) // see database
}

// Open connects to the metadata database and brings its schema up to date. A database of a newer version of Spark
// is refused.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	open := openSQLite
	if cfg.DatabaseURL != "" {
		open = openPostgres
	}
	d, err := open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, cfg, d)
	if err != nil {
		_ = d.sql.Close()
		return nil, err
	}
	return s, nil
}

func start(ctx context.Context, cfg Config, d *database) (*Store, error) {
	if err := d.migrate(ctx); err != nil {
		return nil, err
	}
	db, err := gorm.Open(d.dialector, &gorm.Config{
		Logger:                 logger.Discard, // errors are returned, and never also logged
		SkipDefaultTransaction: true,
		NowFunc:                func() time.Time { return time.Now().UTC() },
	})
	if err != nil {
		return nil, fmt.Errorf("metadata database: %w", err)
	}
	s := &Store{db: db, sql: d.sql, now: cfg.Now, lock: d.lock}
	if s.now == nil {
		s.now = time.Now
	}
	if d.oneWriter {
		s.write = make(chan struct{}, 1)
	}
	s.Flows, s.Runs, s.Audit, s.Connections, s.Environments, s.Cursors, s.Pins, s.Answers, s.Grants = &Flows{s}, &Runs{s: s}, &Audit{s}, &Connections{s}, &Environments{s}, &Cursors{s}, &Pins{s}, &Answers{s}, &Grants{s}
	s.Rejects = &Rejects{s: s, limit: cmp.Or(cfg.RejectBytes, DefaultRejectBytes)}
	return s, nil
}

// SQL returns the pool below the store, for the job queue and for health checks.
func (s *Store) SQL() *sql.DB { return s.sql }

// Close waits for running statements and closes the database.
func (s *Store) Close() error { return s.sql.Close() }

// read returns the database for queries of a valid scope.
func (s *Store) read(ctx context.Context, scope flows.Scope) (*gorm.DB, error) {
	if scope.Project == "" || scope.Actor == "" {
		return nil, &flows.Error{Code: "scope.missing", Message: "a store method was called without project or actor"}
	}
	return s.db.WithContext(ctx), nil
}

// change is one transaction of one actor at one moment.
type change struct {
	*gorm.DB
	scope flows.Scope
	now   int64
}

// change runs fn in a transaction: all of it is durable when change returns nil, nothing of it otherwise.
func (s *Store) change(ctx context.Context, scope flows.Scope, fn func(c *change) error) error {
	db, err := s.read(ctx, scope)
	if err != nil {
		return err
	}
	if s.write != nil {
		// Waiting here is fair and ends with ctx; SQLite's own busy handler polls.
		select {
		case s.write <- struct{}{}:
			defer func() { <-s.write }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return db.Transaction(func(tx *gorm.DB) error {
		return fn(&change{DB: tx, scope: scope, now: s.now().UnixMicro()})
	})
}

// audit appends who did what to which object. It belongs into every change.
func (c *change) audit(action, objectType, objectID string, detail map[string]any) error {
	b, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	row := auditRow{AtUs: c.now, Project: c.scope.Project, Actor: c.scope.Actor, Action: action,
		ObjectType: objectType, ObjectID: objectID, Detail: string(b)}
	if err := c.Create(&row).Error; err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return id.String(), nil
}

func timeOf(us int64) time.Time { return time.UnixMicro(us).UTC() }
