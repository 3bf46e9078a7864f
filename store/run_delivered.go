package store

import (
	"context"
	"fmt"

	"spark/flows"
)

type deliveredRow struct {
	RunID string `gorm:"primaryKey"`
	Seq   int64  `gorm:"primaryKey;autoIncrement:false"`
	Node  string
	Keys  []byte
}

func (deliveredRow) TableName() string { return "run_delivered" }

// Deliver notes keys of what a node has sent for a run. They end with it.
func (rs *Runs) Deliver(ctx context.Context, scope flows.Scope, fence int64, id, node string, keys []byte) error {
	return rs.held(ctx, scope, fence, id, func(c *change, _ *runRow) error {
		var last int64
		if err := c.Model(&deliveredRow{}).Where("run_id = ?", id).Select("coalesce(max(seq), 0)").Scan(&last).Error; err != nil {
			return fmt.Errorf("note what was sent: %w", err)
		}
		if err := c.Create(&deliveredRow{RunID: id, Seq: last + 1, Node: node, Keys: keys}).Error; err != nil {
			return fmt.Errorf("note what was sent: %w", err)
		}
		return nil
	})
}

// Delivered returns the keys that were noted for a run, by node.
func (rs *Runs) Delivered(ctx context.Context, scope flows.Scope, id string) (map[string][]byte, error) {
	db, err := rs.s.read(ctx, scope)
	if err != nil {
		return nil, err
	}
	if _, err := findRun(db.Select("id"), scope, id); err != nil {
		return nil, err
	}
	var rows []deliveredRow
	if err := db.Where("run_id = ?", id).Order("seq").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("what run %s has sent: %w", id, err)
	}
	sent := map[string][]byte{}
	for _, r := range rows {
		sent[r.Node] = append(sent[r.Node], r.Keys...)
	}
	return sent, nil
}
