package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"spark/flows"
)

// Connections keeps connections; their secrets come sealed and leave sealed.
type Connections struct{ s *Store }

type connectionRow struct {
	ID          string `gorm:"primaryKey"`
	Project     string
	Name        string
	Environment string
	Type        string
	Settings    string
	Secrets     string
	Sealed      []byte
	Place       string
	Etag        string
	GrantKey    string
	CreatedUs   int64
	CreatedBy   string
	UpdatedUs   int64
	UpdatedBy   string
}

func (connectionRow) TableName() string { return "connections" }

func (r *connectionRow) connection() (flows.Connection, error) {
	c := flows.Connection{ID: r.ID, Name: r.Name, Environment: r.Environment, Type: r.Type, Settings: json.RawMessage(r.Settings), Secrets: []string{}, Place: r.Place, Etag: r.Etag, UpdatedAt: timeOf(r.UpdatedUs), UpdatedBy: r.UpdatedBy, Grant: r.GrantKey}
	if err := json.Unmarshal([]byte(r.Secrets), &c.Secrets); err != nil {
		return c, fmt.Errorf("read connection %s: %w", r.ID, err)
	}
	return c, nil
}

// put sets what a connection decides, and a new etag.
func (r *connectionRow) put(c flows.Connection, sealed []byte) (err error) {
	secrets, err := json.Marshal(append([]string{}, c.Secrets...))
	if err != nil {
		return fmt.Errorf("connection: %w", err)
	}
	r.Name, r.Settings, r.Secrets, r.Sealed, r.Place, r.GrantKey = c.Name, string(c.Settings), string(secrets), sealed, c.Place, c.Grant
	r.Etag, err = newID()
	return err
}

// Create stores a new connection under its id.
func (cs *Connections) Create(ctx context.Context, scope flows.Scope, c flows.Connection, sealed []byte) (flows.Connection, error) {
	row := connectionRow{ID: c.ID, Project: scope.Project, Type: c.Type, Environment: c.Environment, CreatedBy: scope.Actor, UpdatedBy: scope.Actor}
	if err := row.put(c, sealed); err != nil {
		return flows.Connection{}, err
	}
	err := cs.s.change(ctx, scope, func(ch *change) error {
		row.CreatedUs, row.UpdatedUs = ch.now, ch.now
		if err := entryFits(ch.DB, scope, c); err != nil {
			return err
		}
		if err := ch.Create(&row).Error; err != nil {
			return fmt.Errorf("create connection: %w", err)
		}
		return ch.audit("connection.create", "connection", row.ID, map[string]any{"name": row.Name, "type": row.Type, "environment": row.Environment, "place": row.Place})
	})
	if err != nil {
		return flows.Connection{}, err
	}
	return row.connection()
}

// entryFits reports why a new entry cannot be one of the connection with its name: there is one in the environment already,
// or those of other environments have another type.
func entryFits(db *gorm.DB, scope flows.Scope, c flows.Connection) error {
	var others []connectionRow
	if err := db.Omit("sealed").Where("project = ? AND name = ?", scope.Project, c.Name).Find(&others).Error; err != nil {
		return fmt.Errorf("find connection: %w", err)
	}
	for _, o := range others {
		if o.Environment == c.Environment {
			return nameTaken(c.Name)
		}
		if o.Type != c.Type {
			return &flows.Error{Code: "connection.type", Path: flows.Path{Field: "type"}, Params: flows.Params{"type": o.Type}, Message: fmt.Sprintf("%s has another type in the environment %s", c.Name, o.Environment),
				Suggestion: "choose the same type, or another name"}
		}
	}
	return nil
}

func nameTaken(name string) error {
	return &flows.Error{Code: "connection.name_taken", Path: flows.Path{Field: "name"}, Params: flows.Params{"name": name}, Message: fmt.Sprintf("there is a connection %q already", name), Suggestion: "choose another name"}
}

// rename gives a connection another name in all environments, unless another one has it.
func rename(ch *change, scope flows.Scope, from, to string) error {
	if from == to {
		return nil
	}
	var n int64
	if err := ch.Model(&connectionRow{}).Where("project = ? AND name = ?", scope.Project, to).Count(&n).Error; err != nil {
		return fmt.Errorf("find connection: %w", err)
	}
	if n > 0 {
		return nameTaken(to)
	}
	if err := ch.Model(&connectionRow{}).Where("project = ? AND name = ?", scope.Project, from).Update("name", to).Error; err != nil {
		return fmt.Errorf("rename connection: %w", err)
	}
	return nil
}

// Update replaces a connection if etag is still its etag. A new name is that of all its environments.
func (cs *Connections) Update(ctx context.Context, scope flows.Scope, etag string, c flows.Connection, sealed []byte) (flows.Connection, error) {
	var row *connectionRow
	err := cs.s.change(ctx, scope, func(ch *change) (err error) {
		if row, err = findConnection(ch.locked(), scope, c.ID); err != nil {
			return err
		}
		if row.Etag != etag {
			return &flows.Error{Code: "connection.conflict", Params: flows.Params{"etag": row.Etag}, Message: fmt.Sprintf("%s saved the connection in the meantime; this change was not saved", row.UpdatedBy), Suggestion: "open it again"}
		}
		if err := rename(ch, scope, row.Name, c.Name); err != nil {
			return err
		}
		before := row.Place
		if err := row.put(c, sealed); err != nil {
			return err
		}
		row.UpdatedUs, row.UpdatedBy = ch.now, scope.Actor
		if err := ch.Save(row).Error; err != nil {
			return fmt.Errorf("save connection: %w", err)
		}
		if err := ch.dropStrayGrants(); err != nil {
			return err
		}
		return ch.audit("connection.save", "connection", row.ID, map[string]any{"name": row.Name, "place": row.Place, "before": before})
	})
	if err != nil {
		return flows.Connection{}, err
	}
	return row.connection()
}

// Get returns a connection and its sealed secrets.
func (cs *Connections) Get(ctx context.Context, scope flows.Scope, id string) (flows.Connection, []byte, error) {
	db, err := cs.s.read(ctx, scope)
	if err != nil {
		return flows.Connection{}, nil, err
	}
	row, err := findConnection(db, scope, id)
	if err != nil {
		return flows.Connection{}, nil, err
	}
	c, err := row.connection()
	return c, row.Sealed, err
}

// Named returns the connection with a name as it is in an environment, and whether there is one.
func (cs *Connections) Named(ctx context.Context, scope flows.Scope, name, environment string) (c flows.Connection, sealed []byte, found bool, err error) {
	db, err := cs.s.read(ctx, scope)
	if err != nil {
		return c, nil, false, err
	}
	var row connectionRow
	err = db.Where("project = ? AND name = ? AND environment = ?", scope.Project, storable(name), storable(environment)).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return c, nil, false, nil
	}
	if err != nil {
		return c, nil, false, fmt.Errorf("find connection: %w", err)
	}
	c, err = row.connection()
	return c, row.Sealed, err == nil, err
}

// List returns all connections of a project, in order of their names.
func (cs *Connections) List(ctx context.Context, scope flows.Scope) ([]flows.Connection, error) {
	db, err := cs.s.read(ctx, scope)
	if err != nil {
		return nil, err
	}
	var rows []connectionRow
	if err := db.Omit("sealed").Where("project = ?", scope.Project).Order("name, environment").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	list := make([]flows.Connection, len(rows))
	for i := range rows {
		if list[i], err = rows[i].connection(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Delete removes a connection with its secrets, for good.
func (cs *Connections) Delete(ctx context.Context, scope flows.Scope, id string) error {
	return cs.s.change(ctx, scope, func(ch *change) error {
		row, err := findConnection(ch.locked(), scope, id)
		if err != nil {
			return err
		}
		if err := ch.Delete(row).Error; err != nil {
			return fmt.Errorf("delete connection: %w", err)
		}
		if err := ch.dropGrant(row.GrantKey); err != nil {
			return err
		}
		return ch.audit("connection.delete", "connection", row.ID, map[string]any{"name": row.Name, "environment": row.Environment})
	})
}

func findConnection(db *gorm.DB, scope flows.Scope, id string) (*connectionRow, error) {
	missing := &flows.Error{Code: "connection.not_found", Params: flows.Params{"connection": id}, Message: "there is no such connection", Suggestion: "look at the list of connections"}
	if !validID(id) {
		return nil, missing
	}
	var row connectionRow
	err := db.Where("id = ? AND project = ?", id, scope.Project).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, missing
	}
	if err != nil {
		return nil, fmt.Errorf("find connection: %w", err)
	}
	return &row, nil
}
