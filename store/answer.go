package store

import (
	"context"
	"encoding/json"
	"fmt"

	"spark/flows"
)

// Answers keeps what APIs have answered when a sample was fetched for a draft. They end with their flow, as pins do.
type Answers struct{ s *Store }

type answerRow struct {
	FlowID    string `gorm:"primaryKey"`
	Node      string `gorm:"primaryKey"`
	Project   string
	Answer    []byte
	UpdatedUs int64
	UpdatedBy string
}

func (answerRow) TableName() string { return "flow_answers" }

// Of returns the answers of some nodes of a flow, in order of the nodes.
func (as *Answers) Of(ctx context.Context, scope flows.Scope, flow string, nodes []string) ([]flows.Answer, error) {
	db, err := as.s.read(ctx, scope)
	if err != nil || len(nodes) == 0 {
		return nil, err
	}
	var rows []answerRow
	if err := db.Where("project = ? AND flow_id = ? AND node IN ?", scope.Project, flow, nodes).Order("node").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("answers of flow %s: %w", flow, err)
	}
	list := make([]flows.Answer, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal(r.Answer, &list[i]); err != nil {
			return nil, fmt.Errorf("read answer of %s: %w", r.Node, err)
		}
	}
	return list, nil
}

// Put keeps an answer in the place of the one before.
func (as *Answers) Put(ctx context.Context, scope flows.Scope, flow string, a flows.Answer) (flows.Answer, error) {
	a.By = scope.Actor
	b, err := json.Marshal(a)
	if err != nil {
		return a, fmt.Errorf("answer: %w", err)
	}
	err = as.s.change(ctx, scope, func(c *change) error {
		if _, err := findFlow(c.locked().Where(live).Select("id"), scope, flow); err != nil {
			return err
		}
		row := answerRow{FlowID: flow, Node: a.Node, Project: scope.Project, Answer: b, UpdatedUs: c.now, UpdatedBy: scope.Actor}
		if err := c.Save(&row).Error; err != nil {
			return fmt.Errorf("store answer: %w", err)
		}
		return c.audit("answer.fetch", "flow", flow, map[string]any{"node": a.Node, "environment": a.Environment, "status": a.Status})
	})
	return a, err
}

// forget deletes the answers of a flow that is deleted.
func (c *change) forget(flow string) error {
	if err := c.Where("project = ? AND flow_id = ?", c.scope.Project, flow).Delete(&answerRow{}).Error; err != nil {
		return fmt.Errorf("delete answers: %w", err)
	}
	return nil
}
