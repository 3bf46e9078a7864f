package store

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm/clause"

	"spark/flows"
)

type logRow struct {
	RunID    string `gorm:"primaryKey"`
	Seq      int64  `gorm:"primaryKey;autoIncrement:false"`
	AtUs     int64
	Severity string
	Message  string
	Error    *string
}

func (logRow) TableName() string { return "run_log" }

type sampleRow struct {
	RunID  string `gorm:"primaryKey"`
	Node   string `gorm:"primaryKey"`
	Port   string `gorm:"primaryKey"`
	Sample string
}

func (sampleRow) TableName() string { return "run_samples" }

// AddLog appends lines to the log of a run. Their numbers are the caller's; one that is taken is left as it is.
func (rs *Runs) AddLog(ctx context.Context, scope flows.Scope, id string, lines []flows.LogLine) error {
	rows := make([]logRow, len(lines))
	for i, l := range lines {
		rows[i] = logRow{RunID: id, Seq: l.Seq, AtUs: l.At.UnixMicro(), Severity: string(l.Severity), Message: storable(l.Message)}
		if l.Error != nil {
			b, err := json.Marshal(l.Error)
			if err != nil {
				return fmt.Errorf("log of a run: %w", err)
			}
			s := string(b)
			rows[i].Error = &s
		}
	}
	return rs.s.change(ctx, scope, func(c *change) error {
		if _, err := findRun(c.Select("id"), scope, id); err != nil {
			return err
		}
		if err := c.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error; err != nil {
			return fmt.Errorf("log of a run: %w", err)
		}
		return nil
	})
}

// detail prepares the query of one page of what belongs to a run, in order of seq.
func (rs *Runs) detail(ctx context.Context, scope flows.Scope, id, cursor string, limit int, rows any, where ...any) error {
	db, err := rs.s.read(ctx, scope)
	if err != nil {
		return err
	}
	if _, err := findRun(db.Select("id"), scope, id); err != nil {
		return err
	}
	q := db.Where("run_id = ?", id).Order("seq").Limit(limit + 1)
	if cursor != "" {
		after, run, err := parseCursor(cursor)
		if err != nil {
			return err
		}
		if run != id {
			return invalidCursor()
		}
		q = q.Where("seq > ?", after)
	}
	return q.Find(rows, where...).Error
}

// Log returns lines of a run, first ones first.
func (rs *Runs) Log(ctx context.Context, scope flows.Scope, id string, o flows.ListOptions) (flows.Page[flows.LogLine], error) {
	page := flows.Page[flows.LogLine]{Items: []flows.LogLine{}}
	limit := clampLimit(o.Limit)
	var rows []logRow
	if err := rs.detail(ctx, scope, id, o.Cursor, limit, &rows); err != nil {
		return page, fmt.Errorf("log of a run: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		page.Next = makeCursor(rows[limit-1].Seq, id)
	}
	for _, r := range rows {
		l := flows.LogLine{Seq: r.Seq, At: timeOf(r.AtUs), Severity: flows.Severity(r.Severity), Message: r.Message}
		if r.Error != nil {
			if err := json.Unmarshal([]byte(*r.Error), &l.Error); err != nil {
				return page, fmt.Errorf("stored log of a run: %w", err)
			}
		}
		page.Items = append(page.Items, l)
	}
	return page, nil
}

// PutSamples stores the samples of an attempt, in the place of earlier ones.
func (rs *Runs) PutSamples(ctx context.Context, scope flows.Scope, fence int64, id string, samples []flows.Sample) error {
	rows := make([]sampleRow, len(samples))
	for i, s := range samples {
		b, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("samples: %w", err)
		}
		rows[i] = sampleRow{RunID: id, Node: s.Node, Port: s.Port, Sample: string(b)}
	}
	return rs.held(ctx, scope, fence, id, func(c *change, _ *runRow) error {
		if err := c.Where("run_id = ?", id).Delete(&sampleRow{}).Error; err != nil {
			return fmt.Errorf("samples: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		if err := c.CreateInBatches(&rows, 100).Error; err != nil {
			return fmt.Errorf("samples: %w", err)
		}
		return nil
	})
}

// Samples returns the samples of a run, of one node or of all, by node and port.
func (rs *Runs) Samples(ctx context.Context, scope flows.Scope, id, node string) ([]flows.Sample, error) {
	db, err := rs.s.read(ctx, scope)
	if err != nil {
		return nil, err
	}
	if _, err := findRun(db.Select("id"), scope, id); err != nil {
		return nil, err
	}
	q := db.Where("run_id = ?", id).Order("node, port")
	if node != "" {
		q = q.Where("node = ?", storable(node))
	}
	var rows []sampleRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("samples: %w", err)
	}
	samples := make([]flows.Sample, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal([]byte(r.Sample), &samples[i]); err != nil {
			return nil, fmt.Errorf("stored sample: %w", err)
		}
	}
	return samples, nil
}
