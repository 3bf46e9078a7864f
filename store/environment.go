package store

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"spark/flows"
)

// Environments keeps the environments of projects.
type Environments struct{ s *Store }

type environmentRow struct {
	Project  string `gorm:"primaryKey"`
	Name     string `gorm:"primaryKey"`
	Position int64
	Standard int64
}

func (environmentRow) TableName() string { return "environments" }

// List returns the environments of a project in their order: one at least.
func (es *Environments) List(ctx context.Context, scope flows.Scope) ([]flows.Environment, error) {
	db, err := es.s.read(ctx, scope)
	if err != nil {
		return nil, err
	}
	return listEnvironments(db, scope)
}

func listEnvironments(db *gorm.DB, scope flows.Scope) ([]flows.Environment, error) {
	var rows []environmentRow
	if err := db.Where("project = ?", scope.Project).Order("position").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list environments: %w", err)
	}
	if len(rows) == 0 {
		return []flows.Environment{{Name: flows.FirstEnvironment, Default: true}}, nil
	}
	list := make([]flows.Environment, len(rows))
	for i, r := range rows {
		list[i] = flows.Environment{Name: r.Name, Default: r.Standard != 0}
	}
	return list, nil
}

// Environment returns the name of an environment that exists: of the default one where name is empty.
func (es *Environments) Environment(ctx context.Context, scope flows.Scope, name string) (string, error) {
	list, err := es.List(ctx, scope)
	if err != nil {
		return "", err
	}
	names := make([]string, len(list))
	for i, e := range list {
		if names[i] = e.Name; e.Name == name || name == "" && e.Default {
			return e.Name, nil
		}
	}
	e := &flows.Error{Code: "environment.unknown", Params: flows.Params{"environment": name}, Message: fmt.Sprintf("the project has no environment %q", name), Suggestion: flows.DidYouMean(name, names)}
	if e.Suggestion == "" {
		e.Suggestion = "choose another one, or add it on the page of the connections"
	}
	return "", e
}

// Save replaces the environments of a project, renames those that say what they were, and returns them. One that connections
// lead somewhere in is not removed.
func (es *Environments) Save(ctx context.Context, scope flows.Scope, list []flows.Environment) ([]flows.Environment, error) {
	if err := flows.CheckEnvironments(list); err != nil {
		return nil, err
	}
	saved := make([]flows.Environment, len(list))
	for i, e := range list {
		saved[i] = flows.Environment{Name: e.Name, Default: e.Default}
	}
	return saved, es.s.change(ctx, scope, func(ch *change) error {
		before, err := listEnvironments(ch.DB, scope)
		if err != nil {
			return err
		}
		if err := ch.renameEnvironments(before, list); err != nil {
			return err
		}
		for _, e := range before {
			if slices.ContainsFunc(list, func(kept flows.Environment) bool { return kept.Name == e.Name || kept.Was == e.Name }) {
				continue
			}
			var used int64
			if err := ch.Model(&connectionRow{}).Where("project = ? AND environment = ?", scope.Project, e.Name).Count(&used).Error; err != nil {
				return fmt.Errorf("find connections: %w", err)
			}
			if used > 0 {
				return &flows.Error{Code: "environment.used", Params: flows.Params{"environment": e.Name, "connections": used},
					Message: fmt.Sprintf("connections lead somewhere in the environment %s", e.Name), Suggestion: "delete their entries there first"}
			}
		}
		if err := ch.Where("project = ?", scope.Project).Delete(&environmentRow{}).Error; err != nil {
			return fmt.Errorf("remove environments: %w", err)
		}
		names := make([]string, len(list))
		for i, e := range list {
			names[i] = e.Name
		}
		if err := ch.Where("project = ? AND name NOT IN ?", scope.Project, names).Delete(&renameRow{}).Error; err != nil {
			return fmt.Errorf("forget former names: %w", err)
		}
		for i, e := range list {
			row := environmentRow{Project: scope.Project, Name: e.Name, Position: int64(i)}
			if e.Default {
				row.Standard = 1
			}
			if err := ch.Create(&row).Error; err != nil {
				return fmt.Errorf("save environments: %w", err)
			}
		}
		return ch.audit("environments.save", "project", scope.Project, map[string]any{"environments": list, "before": before})
	})
}
