package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"spark/flows"
)

// Grants keeps what access tokens of connections come from, sealed. A grant that no connection has, such as one of a
// connection that was tried and never saved, is forgotten a day after its last use.
type Grants struct{ s *Store }

const strayGrant = 24 * time.Hour

type grantRow struct {
	GrantKey  string `gorm:"primaryKey"`
	Project   string
	Sealed    []byte
	UpdatedUs int64
}

func (grantRow) TableName() string { return "connection_grants" }

// Grant returns what is kept of a grant; nil: nothing is.
func (g *Grants) Grant(ctx context.Context, scope flows.Scope, key string) ([]byte, error) {
	db, err := g.s.read(ctx, scope)
	if err != nil {
		return nil, err
	}
	return keptGrant(db, scope, key)
}

func keptGrant(db *gorm.DB, scope flows.Scope, key string) ([]byte, error) {
	var row grantRow
	err := db.Where("grant_key = ? AND project = ?", key, scope.Project).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find grant: %w", err)
	}
	return row.Sealed, nil
}

// ExchangeGrant calls exchange with what is kept of a grant, while no other process does. What exchange returns is durable when
// ExchangeGrant returns, also where there is an error beside it. On SQLite there is no other process, and its one writer must not
// wait for a server of tokens; whoever calls sees to it that this process does one at a time.
func (g *Grants) ExchangeGrant(ctx context.Context, scope flows.Scope, key string, exchange func(ctx context.Context, sealed []byte) ([]byte, error)) (err error) {
	if g.s.SQLite() {
		sealed, err := g.Grant(ctx, scope, key)
		if err != nil {
			return err
		}
		next, told := exchange(ctx, sealed)
		if len(next) == 0 {
			return told
		}
		return errors.Join(g.s.change(ctx, scope, func(c *change) error { return c.putGrant(key, next) }), told)
	}
	var told error
	err = g.s.change(ctx, scope, func(c *change) error {
		// The lock ends with the transaction, also where this process dies.
		if err := c.Exec("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", "grant "+key).Error; err != nil {
			return fmt.Errorf("lock grant: %w", err)
		}
		sealed, err := keptGrant(c.DB, scope, key)
		if err != nil {
			return err
		}
		var next []byte
		if next, told = exchange(ctx, sealed); len(next) == 0 {
			return nil
		}
		return c.putGrant(key, next)
	})
	return errors.Join(err, told)
}

// putGrant keeps a grant. Tokens are replaced every few minutes, which is nobody's deed: no audit row tells of it.
func (c *change) putGrant(key string, sealed []byte) error {
	row := grantRow{GrantKey: key, Project: c.scope.Project, Sealed: sealed, UpdatedUs: c.now}
	if err := c.Save(&row).Error; err != nil {
		return fmt.Errorf("keep grant: %w", err)
	}
	return c.dropStrayGrants()
}

// dropStrayGrants forgets grants that no connection has and that no run can be using any more.
func (c *change) dropStrayGrants() error {
	stray := c.Where("project = ? AND updated_us < ? AND NOT EXISTS (SELECT 1 FROM connections o WHERE o.grant_key = connection_grants.grant_key)", c.scope.Project, c.now-strayGrant.Microseconds())
	if err := stray.Delete(&grantRow{}).Error; err != nil {
		return fmt.Errorf("forget grants: %w", err)
	}
	return nil
}

// NameGrant notes the grant of a connection that was saved before there were any.
func (cs *Connections) NameGrant(ctx context.Context, scope flows.Scope, id, key string) error {
	return cs.s.change(ctx, scope, func(c *change) error {
		if err := c.Model(&connectionRow{}).Where("id = ? AND project = ? AND grant_key = ''", id, scope.Project).Update("grant_key", key).Error; err != nil {
			return fmt.Errorf("name grant: %w", err)
		}
		return nil
	})
}

// dropGrant deletes a grant that no connection has any more.
func (c *change) dropGrant(key string) error {
	if key == "" {
		return nil
	}
	err := c.Where("project = ? AND grant_key = ? AND NOT EXISTS (SELECT 1 FROM connections o WHERE o.grant_key = connection_grants.grant_key)", c.scope.Project, key).Delete(&grantRow{}).Error
	if err != nil {
		return fmt.Errorf("delete grant: %w", err)
	}
	return nil
}
