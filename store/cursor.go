package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"spark/flows"
)

// Cursors keeps how far the incremental sources of flows were read.
type Cursors struct{ s *Store }

type cursorRow struct {
	FlowID      string `gorm:"primaryKey"`
	Node        string `gorm:"primaryKey"`
	Environment string `gorm:"primaryKey"`
	Project     string
	Cursor      string
	Generation  int64
	Run         string
	UpdatedUs   int64
	UpdatedBy   string
}

func (cursorRow) TableName() string { return "flow_cursors" }

func (r *cursorRow) cursor() (flows.FlowCursor, error) {
	c := flows.FlowCursor{Node: r.Node, Run: r.Run, UpdatedAt: timeOf(r.UpdatedUs), UpdatedBy: r.UpdatedBy}
	if err := json.Unmarshal([]byte(r.Cursor), &c.Cursor); err != nil {
		return c, fmt.Errorf("read cursor of %s: %w", r.Node, err)
	}
	c.Generation = r.Generation
	return c, nil
}

// List returns the cursors of a flow in an environment in order of their nodes.
func (cs *Cursors) List(ctx context.Context, scope flows.Scope, flow, environment string) ([]flows.FlowCursor, error) {
	if !validID(flow) {
		return nil, flowNotFound(flow)
	}
	var rows []cursorRow
	if err := cs.s.db.WithContext(ctx).Where("project = ? AND flow_id = ? AND environment = ?", scope.Project, flow, storable(environment)).Order("node").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("cursors of flow %s: %w", flow, err)
	}
	list := make([]flows.FlowCursor, len(rows))
	for i, r := range rows {
		var err error
		if list[i], err = r.cursor(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Reach stores the cursors that a run has reached, but those that a person has set since the run began.
func (cs *Cursors) Reach(ctx context.Context, scope flows.Scope, flow, environment, run string, reached map[string]flows.Cursor) error {
	return cs.s.change(ctx, scope, func(ch *change) error {
		for _, node := range slices.Sorted(maps.Keys(reached)) {
			before, found, err := findCursor(ch.DB, scope, flow, environment, node)
			if err != nil {
				return err
			}
			if found && before.Generation > reached[node].Generation {
				continue
			}
			if err := putCursor(ch, scope, flow, environment, node, run, reached[node]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Set stores a cursor that a person has set, with the next generation.
func (cs *Cursors) Set(ctx context.Context, scope flows.Scope, flow, environment, node string, c flows.Cursor) (set flows.FlowCursor, err error) {
	err = cs.s.change(ctx, scope, func(ch *change) error {
		if _, err := findFlow(ch.DB, scope, flow); err != nil {
			return err
		}
		before, _, err := findCursor(ch.DB, scope, flow, environment, node)
		if err != nil {
			return err
		}
		c.Generation = before.Generation + 1
		if err := putCursor(ch, scope, flow, environment, node, "", c); err != nil {
			return err
		}
		set = flows.FlowCursor{Node: node, Cursor: c, UpdatedAt: timeOf(ch.now), UpdatedBy: scope.Actor}
		return ch.audit("cursor.set", "flow", flow, map[string]any{"node": node, "environment": environment, "column": c.Column, "value": c.Value, "before": before.Cursor})
	})
	return set, err
}

func findCursor(db *gorm.DB, scope flows.Scope, flow, environment, node string) (row cursorRow, found bool, err error) {
	err = db.Where("project = ? AND flow_id = ? AND environment = ? AND node = ?", scope.Project, flow, environment, node).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return cursorRow{}, false, nil
	}
	if err != nil {
		return row, false, fmt.Errorf("find cursor: %w", err)
	}
	return row, true, nil
}

func putCursor(ch *change, scope flows.Scope, flow, environment, node, run string, c flows.Cursor) error {
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("cursor: %w", err)
	}
	row := cursorRow{FlowID: flow, Environment: environment, Node: node, Project: scope.Project, Cursor: string(b), Generation: c.Generation, Run: run, UpdatedUs: ch.now, UpdatedBy: scope.Actor}
	if err := ch.Save(&row).Error; err != nil {
		return fmt.Errorf("store cursor: %w", err)
	}
	return nil
}
