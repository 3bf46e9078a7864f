package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"spark/flows"
)

type revisionRow struct {
	FlowID    string `gorm:"primaryKey"`
	Number    int64  `gorm:"primaryKey;autoIncrement:false"`
	Project   string
	Hash      string
	Document  []byte
	CreatedUs int64
	CreatedBy string
}

func (revisionRow) TableName() string { return "revisions" }

func (r *revisionRow) revision() flows.Revision {
	return flows.Revision{FlowID: r.FlowID, Number: int(r.Number), Hash: r.Hash, Document: r.Document,
		CreatedAt: timeOf(r.CreatedUs), CreatedBy: r.CreatedBy}
}

// Freeze makes a revision of the current draft, or returns the one that already does the same.
func (f *Flows) Freeze(ctx context.Context, scope flows.Scope, id string) (flows.Revision, error) {
	var rev *revisionRow
	err := f.s.change(ctx, scope, func(c *change) error {
		row, err := findFlow(c.locked().Where(live), scope, id)
		if err != nil {
			return err
		}
		rev, err = c.freeze(row)
		return err
	})
	if err != nil {
		return flows.Revision{}, err
	}
	return rev.revision(), nil
}

// Publish freezes the current draft and makes it the revision that triggers run.
func (f *Flows) Publish(ctx context.Context, scope flows.Scope, id string) (flows.Revision, error) {
	var rev *revisionRow
	err := f.s.change(ctx, scope, func(c *change) error {
		row, err := findFlow(c.locked().Where(live), scope, id)
		if err != nil {
			return err
		}
		if rev, err = c.freeze(row); err != nil || row.Published == rev.Number {
			return err
		}
		before := row.Published
		row.Published = rev.Number
		return c.updateFlow(row, "flow.publish", map[string]any{"revision": rev.Number, "before": before}, "published")
	})
	if err != nil {
		return flows.Revision{}, err
	}
	return rev.revision(), nil
}

// Published is the number of a flow's published revision, 0 where it has none.
func (f *Flows) Published(ctx context.Context, scope flows.Scope, id string) (int, error) {
	d, err := f.Get(ctx, scope, id)
	return d.Published, err
}

// freeze needs the lock on the flow: it makes the numbers 1, 2, 3 … without gaps and each hash once.
func (c *change) freeze(row *flowRow) (*revisionRow, error) {
	doc, err := flows.ParseFlow(row.Document)
	if err != nil {
		return nil, fmt.Errorf("stored draft: %w", err)
	}
	hash, err := doc.Hash()
	if err != nil {
		return nil, err
	}
	var rev revisionRow
	mine := c.Where("flow_id = ? AND project = ?", row.ID, c.scope.Project).Session(&gorm.Session{})
	err = mine.Where("hash = ?", hash).Take(&rev).Error
	if err == nil {
		return &rev, nil
	}
	if !errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, fmt.Errorf("find revision: %w", err)
	}
	var last int64
	if err := mine.Model(&revisionRow{}).Select("COALESCE(MAX(number), 0)").Scan(&last).Error; err != nil {
		return nil, fmt.Errorf("number of the revision: %w", err)
	}
	rev = revisionRow{FlowID: row.ID, Number: last + 1, Project: c.scope.Project, Hash: hash, Document: row.Document,
		CreatedUs: c.now, CreatedBy: c.scope.Actor}
	if err := c.Create(&rev).Error; err != nil {
		return nil, fmt.Errorf("freeze: %w", err)
	}
	return &rev, c.audit("flow.freeze", "flow", row.ID, map[string]any{"revision": rev.Number, "hash": hash})
}

// Revision returns one frozen document, of a deleted flow too: a run may still need it. Environments have the names of today
// in it.
func (f *Flows) Revision(ctx context.Context, scope flows.Scope, id string, number int) (flows.Revision, error) {
	db, err := f.s.read(ctx, scope)
	if err != nil {
		return flows.Revision{}, err
	}
	if _, err := findFlow(db.Select("id"), scope, id); err != nil {
		return flows.Revision{}, err
	}
	var row revisionRow
	err = db.Where("flow_id = ? AND project = ? AND number = ?", id, scope.Project, number).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return flows.Revision{}, &flows.Error{Code: "revision.not_found", Params: flows.Params{"flow": id, "revision": number},
			Message: fmt.Sprintf("the flow has no revision %d", number), Suggestion: "choose one from its list of revisions"}
	}
	if err != nil {
		return flows.Revision{}, fmt.Errorf("read revision: %w", err)
	}
	if row.Document, err = today(db, scope, row.Document); err != nil {
		return flows.Revision{}, err
	}
	return row.revision(), nil
}

// Revisions lists the revisions of a flow without their documents, newest first. Search is not used.
func (f *Flows) Revisions(ctx context.Context, scope flows.Scope, id string, o flows.ListOptions) (flows.Page[flows.Revision], error) {
	var page flows.Page[flows.Revision]
	db, err := f.s.read(ctx, scope)
	if err != nil {
		return page, err
	}
	if _, err := findFlow(db.Select("id").Where(live), scope, id); err != nil {
		return page, err
	}
	limit := clampLimit(o.Limit)
	q := db.Select("flow_id", "number", "hash", "created_us", "created_by").
		Where("flow_id = ? AND project = ?", id, scope.Project).Order("number DESC").Limit(limit + 1)
	if o.Cursor != "" {
		before, cursorID, err := parseCursor(o.Cursor)
		if err != nil {
			return page, err
		}
		if cursorID != id {
			return page, invalidCursor()
		}
		q = q.Where("number < ?", before)
	}
	var rows []revisionRow
	if err := q.Find(&rows).Error; err != nil {
		return page, fmt.Errorf("list revisions: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		page.Next = makeCursor(rows[limit-1].Number, id)
	}
	page.Items = make([]flows.Revision, len(rows))
	for i := range rows {
		page.Items[i] = rows[i].revision()
	}
	return page, nil
}
