package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"spark/flows"
)

// An environment that is renamed stays what it is: its connections, cursors and runs, and the values of parameters in drafts,
// take the new name in the same transaction. Revisions never change, so they are read with the names of today.

type renameRow struct {
	Project  string `gorm:"primaryKey"`
	Former   string `gorm:"primaryKey"`
	Name     string
	Position int64
}

func (renameRow) TableName() string { return "environment_renames" }

func renamesOf(db *gorm.DB, scope flows.Scope) ([]renameRow, error) {
	var rows []renameRow
	if err := db.Where("project = ?", scope.Project).Order("position").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("former names of environments: %w", err)
	}
	return rows, nil
}

// Key is what an environment is known by to the targets of flows: the name that it had first.
func (es *Environments) Key(ctx context.Context, scope flows.Scope, name string) (string, error) {
	db, err := es.s.read(ctx, scope)
	if err != nil {
		return "", err
	}
	rows, err := renamesOf(db, scope)
	if i := slices.IndexFunc(rows, func(r renameRow) bool { return r.Name == name }); i >= 0 {
		return rows[i].Former, err
	}
	return name, err
}

// renameEnvironments gives environments their new names, before the list of them is replaced.
func (c *change) renameEnvironments(before, list []flows.Environment) error {
	rows, err := renamesOf(c.DB, c.scope)
	if err != nil {
		return err
	}
	named := func(name string) func(flows.Environment) bool {
		return func(e flows.Environment) bool { return e.Name == name }
	}
	for _, e := range list {
		if e.Was != "" && e.Was != e.Name {
			if err := c.mayRename(before, e, named); err != nil {
				return err
			}
		}
		// A name that another one had stands in revisions and means that one.
		i := slices.IndexFunc(rows, func(r renameRow) bool { return r.Former == e.Name })
		if i >= 0 && rows[i].Name != e.Name && rows[i].Name != e.Was {
			return &flows.Error{Code: "environment.former", Params: flows.Params{"environment": rows[i].Name}, Message: fmt.Sprintf("the environment %s was named %s before, and revisions of flows mean it by that name", rows[i].Name, e.Name),
				Suggestion: "choose another name"}
		}
	}
	for _, e := range list {
		if e.Was == "" || e.Was == e.Name {
			continue
		}
		if err := c.renameEnvironment(e.Was, e.Name, rows); err != nil {
			return err
		}
		if rows, err = renamesOf(c.DB, c.scope); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) mayRename(before []flows.Environment, e flows.Environment, named func(string) func(flows.Environment) bool) error {
	if !slices.ContainsFunc(before, named(e.Was)) {
		return &flows.Error{Code: "environment.unknown", Params: flows.Params{"environment": e.Was}, Message: fmt.Sprintf("the project has no environment %q that could be renamed", e.Was), Suggestion: "read the list again: somebody has changed it"}
	}
	if slices.ContainsFunc(before, named(e.Name)) {
		return &flows.Error{Code: "environment.list", Params: flows.Params{"environment": e.Name}, Message: fmt.Sprintf("%s cannot be named %s: another environment has this name", e.Was, e.Name), Suggestion: "rename that one first, and save"}
	}
	var busy int64
	if err := c.Model(&runRow{}).Where("project = ? AND environment = ? AND state IN ?", c.scope.Project, e.Was, []string{string(flows.RunQueued), string(flows.RunRunning)}).Count(&busy).Error; err != nil {
		return fmt.Errorf("find runs: %w", err)
	}
	if busy > 0 {
		return &flows.Error{Code: "environment.busy", Params: flows.Params{"environment": e.Was, "runs": busy}, Message: fmt.Sprintf("runs wait or run in the environment %s", e.Was), Suggestion: "rename it when they are over, or cancel them"}
	}
	return nil
}

func (c *change) renameEnvironment(from, to string, rows []renameRow) error {
	for _, row := range []any{&connectionRow{}, &cursorRow{}, &runRow{}} {
		if err := c.Model(row).Where("project = ? AND environment = ?", c.scope.Project, from).Update("environment", to).Error; err != nil {
			return fmt.Errorf("rename the environment %s: %w", from, err)
		}
	}
	if err := c.Model(&renameRow{}).Where("project = ? AND name = ?", c.scope.Project, from).Update("name", to).Error; err != nil {
		return fmt.Errorf("rename the environment %s: %w", from, err)
	}
	if !slices.ContainsFunc(rows, func(r renameRow) bool { return r.Former == from }) {
		last := int64(0)
		if len(rows) > 0 {
			last = rows[len(rows)-1].Position
		}
		if err := c.Create(&renameRow{Project: c.scope.Project, Former: from, Name: to, Position: last + 1}).Error; err != nil {
			return fmt.Errorf("rename the environment %s: %w", from, err)
		}
	}
	return c.renameInDrafts(from, to)
}

// renameInDrafts lets the values of parameters follow. Who has such a draft open is told that it was changed.
func (c *change) renameInDrafts(from, to string) error {
	var ids []string
	if err := c.Model(&flowRow{}).Where("project = ?", c.scope.Project).Order("id").Pluck("id", &ids).Error; err != nil {
		return fmt.Errorf("find flows: %w", err)
	}
	for _, id := range ids {
		row, err := findFlow(c.locked(), c.scope, id)
		if err != nil {
			return err
		}
		doc, err := flows.ParseFlow(row.Document)
		if err != nil {
			return fmt.Errorf("stored draft: %w", err)
		}
		if !renameValues(doc, from, to) {
			continue
		}
		if err := row.put(doc); err != nil {
			return err
		}
		row.UpdatedUs, row.UpdatedBy = c.now, c.scope.Actor
		if err := c.updateFlow(row, "flow.environment", map[string]any{"etag": row.Etag, "environment": to, "before": from}, "document", "etag", "updated_us", "updated_by"); err != nil {
			return err
		}
	}
	return nil
}

// renameValues moves the values that parameters have in an environment to its new name, and reports whether there were any.
func renameValues(doc *flows.Flow, from, to string) (changed bool) {
	for i := range doc.Parameters {
		all := doc.Parameters[i].Environments
		value, ok := all[from]
		if _, taken := all[to]; !ok || taken {
			continue
		}
		next := map[string]json.RawMessage{to: value}
		for name, v := range all {
			if name != from {
				next[name] = v
			}
		}
		doc.Parameters[i].Environments, changed = next, true
	}
	return changed
}

// today is a frozen document with the names that environments have now.
func today(db *gorm.DB, scope flows.Scope, document []byte) ([]byte, error) {
	rows, err := renamesOf(db, scope)
	if err != nil || len(rows) == 0 {
		return document, err
	}
	doc, err := flows.ParseFlow(document)
	if err != nil {
		return document, nil // as it is: who reads it says what is wrong
	}
	changed := false
	for _, r := range slices.Backward(rows) { // what it was named last counts before older names
		if r.Former != r.Name {
			changed = renameValues(doc, r.Former, r.Name) || changed
		}
	}
	if !changed {
		return document, nil
	}
	return doc.Canonical()
}
