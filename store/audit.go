package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"spark/flows"
)

// Audit reads the append-only record of changes. Only changes write it.
type Audit struct{ s *Store }

// AuditEntry says who did what to which object, and when.
type AuditEntry struct {
	ID         int64
	At         time.Time
	Project    string
	Actor      string
	Action     string // such as flow.create
	ObjectType string // such as flow
	ObjectID   string
	Detail     map[string]any
}

type auditRow struct {
	ID                           int64 `gorm:"primaryKey;autoIncrement"`
	AtUs                         int64
	Project, Actor, Action       string
	ObjectType, ObjectID, Detail string
}

func (auditRow) TableName() string { return "audit" }

// Object lists the changes of one object, oldest first.
func (a *Audit) Object(ctx context.Context, scope flows.Scope, objectType, objectID string) ([]AuditEntry, error) {
	db, err := a.s.read(ctx, scope)
	if err != nil || !validID(objectID) {
		return nil, err
	}
	var rows []auditRow
	err = db.Where("project = ? AND object_type = ? AND object_id = ?", scope.Project, objectType, objectID).
		Order("id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	entries := make([]AuditEntry, len(rows))
	for i, r := range rows {
		entries[i] = AuditEntry{ID: r.ID, At: timeOf(r.AtUs), Project: r.Project, Actor: r.Actor, Action: r.Action,
			ObjectType: r.ObjectType, ObjectID: r.ObjectID}
		if err := json.Unmarshal([]byte(r.Detail), &entries[i].Detail); err != nil {
			return nil, fmt.Errorf("read audit row %d: %w", r.ID, err)
		}
	}
	return entries, nil
}
