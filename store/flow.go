package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"spark/flows"
)

// Flows keeps flow documents: one draft per flow and its frozen revisions.
type Flows struct{ s *Store }

type flowRow struct {
	ID        string `gorm:"primaryKey"`
	Project   string
	Name      string
	Search    string
	Document  []byte
	Etag      string
	Published int64
	CreatedUs int64
	CreatedBy string
	UpdatedUs int64
	UpdatedBy string
	DeletedUs *int64
}

func (flowRow) TableName() string { return "flows" }

func (r *flowRow) draft() flows.Draft {
	return flows.Draft{FlowID: r.ID, Name: r.Name, Document: r.Document, Etag: r.Etag, UpdatedAt: timeOf(r.UpdatedUs),
		UpdatedBy: r.UpdatedBy, Published: int(r.Published)}
}

// put sets what the document decides.
func (r *flowRow) put(doc *flows.Flow) error {
	b, err := encode(r.ID, doc)
	if err != nil {
		return err
	}
	etag, err := newID()
	if err != nil {
		return err
	}
	name := storable(doc.Name)
	r.Name, r.Search, r.Document, r.Etag = name, fold(name), b, etag
	return nil
}

// encode returns the canonical document with the flow's own id. What could not be read again is not accepted.
func encode(id string, doc *flows.Flow) ([]byte, error) {
	c := *doc
	c.ID = id
	b, err := c.Canonical()
	if err != nil {
		return nil, err
	}
	if _, err := flows.ParseFlow(b); err != nil {
		return nil, err
	}
	return b, nil
}

// storable replaces what PostgreSQL refuses in text. The document itself keeps it, escaped.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// Create stores a new flow under a new id.
func (f *Flows) Create(ctx context.Context, scope flows.Scope, doc *flows.Flow) (flows.Draft, error) {
	id, err := newID()
	if err != nil {
		return flows.Draft{}, err
	}
	row := flowRow{ID: id, Project: scope.Project, CreatedBy: scope.Actor, UpdatedBy: scope.Actor}
	if err := row.put(doc); err != nil {
		return flows.Draft{}, err
	}
	err = f.s.change(ctx, scope, func(c *change) error {
		row.CreatedUs, row.UpdatedUs = c.now, c.now
		if err := c.Create(&row).Error; err != nil {
			return fmt.Errorf("create flow: %w", err)
		}
		return c.audit("flow.create", "flow", id, map[string]any{"name": row.Name, "etag": row.Etag})
	})
	if err != nil {
		return flows.Draft{}, err
	}
	return row.draft(), nil
}

// Get returns the draft of a flow.
func (f *Flows) Get(ctx context.Context, scope flows.Scope, id string) (flows.Draft, error) {
	db, err := f.s.read(ctx, scope)
	if err != nil {
		return flows.Draft{}, err
	}
	row, err := findFlow(db.Where(live), scope, id)
	if err != nil {
		return flows.Draft{}, err
	}
	return row.draft(), nil
}

// SaveDraft replaces the draft if etag is still its etag. Otherwise it changes nothing and returns a draft.conflict
// error with the current etag.
func (f *Flows) SaveDraft(ctx context.Context, scope flows.Scope, id, etag string, doc *flows.Flow) (flows.Draft, error) {
	next := flowRow{ID: id}
	if err := next.put(doc); err != nil {
		return flows.Draft{}, err
	}
	var row *flowRow
	err := f.s.change(ctx, scope, func(c *change) (err error) {
		if row, err = findFlow(c.locked().Where(live).Omit("document"), scope, id); err != nil {
			return err
		}
		if row.Etag != etag {
			return conflict(row)
		}
		row.Name, row.Search, row.Document, row.Etag = next.Name, next.Search, next.Document, next.Etag
		row.UpdatedUs, row.UpdatedBy = c.now, scope.Actor
		return c.updateFlow(row, "flow.save", map[string]any{"etag": row.Etag, "before": etag},
			"name", "search", "document", "etag", "updated_us", "updated_by")
	})
	if err != nil {
		return flows.Draft{}, err
	}
	return row.draft(), nil
}

func conflict(row *flowRow) error {
	return &flows.Error{Code: "draft.conflict",
		Params:     flows.Params{"flow": row.ID, "etag": row.Etag, "by": row.UpdatedBy, "at": timeOf(row.UpdatedUs)},
		Message:    fmt.Sprintf("%s saved the flow in the meantime; this change was not saved", row.UpdatedBy),
		Suggestion: "compare both versions and save again"}
}

// Delete hides a flow until it is restored. Its revisions stay readable for the runs that use them.
func (f *Flows) Delete(ctx context.Context, scope flows.Scope, id string) error {
	return f.s.change(ctx, scope, func(c *change) error {
		row, err := findFlow(c.locked().Where(live).Omit("document"), scope, id)
		if err != nil {
			return err
		}
		if err := c.unpin(id); err != nil {
			return err
		}
		if err := c.forget(id); err != nil {
			return err
		}
		row.DeletedUs = &c.now
		return c.updateFlow(row, "flow.delete", map[string]any{"name": row.Name}, "deleted_us")
	})
}

// Restore undoes Delete. The draft comes back with its etag, so that an open editor can go on. A flow that is not
// deleted is returned unchanged.
func (f *Flows) Restore(ctx context.Context, scope flows.Scope, id string) (flows.Draft, error) {
	var row *flowRow
	err := f.s.change(ctx, scope, func(c *change) (err error) {
		if row, err = findFlow(c.locked(), scope, id); err != nil || row.DeletedUs == nil {
			return err
		}
		row.DeletedUs = nil
		return c.updateFlow(row, "flow.restore", map[string]any{"name": row.Name}, "deleted_us")
	})
	if err != nil {
		return flows.Draft{}, err
	}
	return row.draft(), nil
}

// live leaves out deleted flows.
const live = "deleted_us IS NULL"

// locked keeps others from changing what is read until the transaction ends. SQLite needs no more than the
// transaction, which holds the only write lock from its beginning.
func (c *change) locked() *gorm.DB {
	return c.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
}

// updateFlow writes the named columns of row and the audit row.
func (c *change) updateFlow(row *flowRow, action string, detail map[string]any, columns ...string) error {
	res := c.Model(&flowRow{}).Where("id = ? AND project = ?", row.ID, c.scope.Project).Select(columns).Updates(row)
	if res.Error != nil {
		return fmt.Errorf("%s: %w", action, res.Error)
	}
	if res.RowsAffected != 1 {
		return fmt.Errorf("%s: %d rows were changed instead of one", action, res.RowsAffected)
	}
	return c.audit(action, "flow", row.ID, detail)
}

func findFlow(db *gorm.DB, scope flows.Scope, id string) (*flowRow, error) {
	if !validID(id) {
		return nil, flowNotFound(id)
	}
	var row flowRow
	err := db.Where("id = ? AND project = ?", id, scope.Project).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, flowNotFound(id)
	}
	if err != nil {
		return nil, fmt.Errorf("read flow: %w", err)
	}
	return &row, nil
}

func flowNotFound(id string) error {
	return &flows.Error{Code: "flow.not_found", Params: flows.Params{"flow": id}, Message: "there is no such flow in this project",
		Suggestion: "it may have been deleted, or the address may be incomplete"}
}

// validID keeps text that a database would refuse out of queries.
func validID(id string) bool { return uuid.Validate(id) == nil }
