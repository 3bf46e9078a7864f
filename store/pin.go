package store

import (
	"context"
	"encoding/json"
	"fmt"

	"spark/flows"
)

// Pins keeps the pinned records of drafts. They end with their flow: one that is restored has none.
type Pins struct{ s *Store }

type pinRow struct {
	FlowID    string `gorm:"primaryKey"`
	Node      string `gorm:"primaryKey"`
	Project   string
	Pin       string
	Records   []byte
	UpdatedUs int64
	UpdatedBy string
}

func (pinRow) TableName() string { return "flow_pins" }

// List returns the pins of a flow, without their records, in order of their nodes.
func (ps *Pins) List(ctx context.Context, scope flows.Scope, flow string) ([]flows.Pin, error) {
	db, err := ps.s.read(ctx, scope)
	if err != nil {
		return nil, err
	}
	if _, err := findFlow(db.Where(live).Select("id"), scope, flow); err != nil {
		return nil, err
	}
	var rows []pinRow
	if err := db.Omit("records").Where("project = ? AND flow_id = ?", scope.Project, flow).Order("node").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("pins of flow %s: %w", flow, err)
	}
	list := make([]flows.Pin, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal([]byte(r.Pin), &list[i]); err != nil {
			return nil, fmt.Errorf("read pin of %s: %w", r.Node, err)
		}
	}
	return list, nil
}

// Records returns the pins of some nodes of a flow with their records.
func (ps *Pins) Records(ctx context.Context, scope flows.Scope, flow string, nodes []string) ([]flows.PinnedRecords, error) {
	db, err := ps.s.read(ctx, scope)
	if err != nil || len(nodes) == 0 {
		return nil, err
	}
	var rows []pinRow
	if err := db.Where("project = ? AND flow_id = ? AND node IN ?", scope.Project, flow, nodes).Order("node").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("pins of flow %s: %w", flow, err)
	}
	list := make([]flows.PinnedRecords, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal(r.Records, &list[i]); err != nil {
			return nil, fmt.Errorf("read pinned records of %s: %w", r.Node, err)
		}
	}
	return list, nil
}

// Put pins records of a node of a flow, in the place of those that were pinned before.
func (ps *Pins) Put(ctx context.Context, scope flows.Scope, flow string, p flows.PinnedRecords) (flows.Pin, error) {
	p.By, p.Changed = scope.Actor, ""
	pin, err := json.Marshal(p.Pin)
	if err != nil {
		return flows.Pin{}, fmt.Errorf("pin: %w", err)
	}
	records, err := json.Marshal(p)
	if err != nil {
		return flows.Pin{}, fmt.Errorf("pin: %w", err)
	}
	err = ps.s.change(ctx, scope, func(c *change) error {
		if _, err := findFlow(c.locked().Where(live).Select("id"), scope, flow); err != nil {
			return err
		}
		row := pinRow{FlowID: flow, Node: p.Node, Project: scope.Project, Pin: string(pin), Records: records, UpdatedUs: c.now, UpdatedBy: scope.Actor}
		if err := c.Save(&row).Error; err != nil {
			return fmt.Errorf("store pin: %w", err)
		}
		return c.audit("pin.set", "flow", flow, map[string]any{"node": p.Node, "environment": p.Environment, "bytes": p.Bytes})
	})
	return p.Pin, err
}

// Delete unpins a node. One that is not pinned stays so.
func (ps *Pins) Delete(ctx context.Context, scope flows.Scope, flow, node string) error {
	return ps.s.change(ctx, scope, func(c *change) error {
		if _, err := findFlow(c.locked().Where(live).Select("id"), scope, flow); err != nil {
			return err
		}
		res := c.Where("project = ? AND flow_id = ? AND node = ?", scope.Project, flow, node).Delete(&pinRow{})
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		return c.audit("pin.remove", "flow", flow, map[string]any{"node": node})
	})
}

// unpin deletes the pins of a flow that is deleted.
func (c *change) unpin(flow string) error {
	if err := c.Where("project = ? AND flow_id = ?", c.scope.Project, flow).Delete(&pinRow{}).Error; err != nil {
		return fmt.Errorf("delete pins: %w", err)
	}
	return nil
}
