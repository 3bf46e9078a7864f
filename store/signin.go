package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"spark/flows"
)

type signInRow struct {
	State      string `gorm:"primaryKey"`
	Project    string
	Connection string
	Browser    string
	GrantKey   string
	Sealed     []byte
	ExpiresUs  int64
	BegunBy    string
}

func (signInRow) TableName() string { return "connection_sign_ins" }

// BeginSignIn keeps a sign-in until it comes back, and forgets those that took too long.
func (g *Grants) BeginSignIn(ctx context.Context, scope flows.Scope, a flows.SignInAttempt) error {
	return g.s.change(ctx, scope, func(c *change) error {
		if err := c.Where("expires_us < ?", c.now).Delete(&signInRow{}).Error; err != nil {
			return fmt.Errorf("forget sign-ins: %w", err)
		}
		row := signInRow{State: a.State, Project: scope.Project, Connection: a.Connection, Browser: a.Browser, GrantKey: a.Grant, Sealed: a.Sealed, ExpiresUs: a.Expires.UnixMicro(), BegunBy: scope.Actor}
		if err := c.Create(&row).Error; err != nil {
			return fmt.Errorf("begin sign-in: %w", err)
		}
		return nil
	})
}

// TakeSignIn returns a sign-in of a browser that has not taken too long, once.
func (g *Grants) TakeSignIn(ctx context.Context, scope flows.Scope, state, browser, answer string) (a flows.SignInAttempt, found bool, err error) {
	err = g.s.change(ctx, scope, func(c *change) error {
		var row signInRow
		err := c.locked().Where("state = ? AND browser = ? AND project = ? AND begun_by = ? AND expires_us >= ?", state, browser, scope.Project, scope.Actor, c.now).Take(&row).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("find sign-in: %w", err)
		}
		taken := c.Where("state = ?", state).Delete(&signInRow{})
		if taken.Error != nil {
			return fmt.Errorf("take sign-in: %w", taken.Error)
		}
		a, found = flows.SignInAttempt{State: row.State, Connection: row.Connection, Browser: row.Browser, Grant: row.GrantKey, Sealed: row.Sealed, Expires: timeOf(row.ExpiresUs)}, taken.RowsAffected == 1
		return c.audit("connection.sign_in", "connection", row.Connection, map[string]any{"answer": answer})
	})
	return a, found && err == nil, err
}
