package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	gormpostgres "gorm.io/driver/postgres"

	"spark/flows"
	"spark/migrations"
)

// migrationLock is the key of the advisory lock that migrators hold: "spark" in ASCII.
const migrationLock int64 = 0x737061726b

func openPostgres(ctx context.Context, cfg Config) (*database, error) {
	pc, err := pgx.ParseConfig(cfg.DatabaseURL)
	if err != nil {
		// The cause may hold pieces of the address, and the address holds a password.
		return nil, &flows.Error{Code: "store.url", Message: "the database URL cannot be read",
			Suggestion: "write it as postgres://user:password@host:5432/database"}
	}
	db := stdlib.OpenDB(*pc)
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(10)
	db.SetConnMaxLifetime(30 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, &flows.Error{Code: "store.unreachable", Params: flows.Params{"host": pc.Host, "port": pc.Port, "database": pc.Database},
			Message:    fmt.Sprintf("the metadata database %s on %s:%d does not answer: %v", pc.Database, pc.Host, pc.Port, err),
			Suggestion: "check that it runs and that user and password are right", Cause: err}
	}
	d := &database{sql: db, dialector: gormpostgres.New(gormpostgres.Config{Conn: db}),
		dialect: goose.DialectPostgres, migrations: migrations.Postgres()}
	d.lock = func(ctx context.Context) (func(), error) {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return func() {
			// The lock belongs to the session: it must be given back even when ctx has ended.
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
			_ = conn.Close()
		}, nil
	}
	return d, nil
}
