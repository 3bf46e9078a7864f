package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"spark/flows"
)

// Runs of a flow that are one at a time are told apart under a lock on the flow: whoever begins one sees all others.

// CreateAlone is Create where no run of the flow is queued or running. Otherwise it is refused (run.skipped) and audited.
func (rs *Runs) CreateAlone(ctx context.Context, scope flows.Scope, r flows.Run, key string) (flows.Run, bool, error) {
	return rs.create(ctx, scope, r, key, true, func(*change) error { return nil })
}

var unfinished = []string{string(flows.RunQueued), string(flows.RunRunning)}

// first returns the oldest run of a flow that matches, nil where none does. One on the sample is in nobody's way.
func (c *change) first(flow string, where string, args ...any) (*runRow, error) {
	var row runRow
	err := c.Select("id", "state", "created_us").Where("project = ? AND flow_id = ? AND state IN ? AND cause <> ?", c.scope.Project, flow, unfinished, flows.TriggerSample).
		Where(where, args...).Order("created_us, id").Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the other runs of the flow: %w", err)
	}
	return &row, nil
}

// skipped returns why a run of a flow is not started, nil where nothing speaks against it. The flow is locked.
func (c *change) skipped(flow string) (*flows.Error, error) {
	other, err := c.first(flow, "1 = 1")
	if other == nil || err != nil {
		return nil, err
	}
	return &flows.Error{Code: "run.skipped", Params: flows.Params{"run": other.ID},
		Message:    fmt.Sprintf("the run was skipped: another run of the flow is %s since %s", other.State, timeOf(other.CreatedUs).Format("2006-01-02 15:04:05 UTC")),
		Suggestion: "wait until that one is over or stop it; in the settings of the flow you can have runs wait for each other instead"}, c.audit("run.skip", "flow", flow, map[string]any{"other": other.ID})
}

// turn reports whether it is a run's turn among those of its flow.
func (c *change) turn(row *runRow) error {
	var flow flowRow
	if err := c.locked().Select("id").Where("id = ? AND project = ?", row.FlowID, c.scope.Project).Take(&flow).Error; err != nil {
		return fmt.Errorf("lock the flow of the run: %w", err)
	}
	before, err := c.first(row.FlowID, "id <> ? AND (fence > 0 OR created_us < ? OR created_us = ? AND id < ?)", row.ID, row.CreatedUs, row.CreatedUs, row.ID)
	if before == nil || err != nil {
		return err
	}
	return &flows.Error{Code: "run.waits", Params: flows.Params{"run": row.ID, "other": before.ID}, Message: "another run of the flow is not over"}
}
