package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"spark/flows"
)

// Runs keeps runs, their log, rejects and samples.
type Runs struct {
	s *Store
	// Enqueue adds the job of an attempt in the transaction that creates its run.
	Enqueue func(ctx context.Context, tx *sql.Tx, project, run string, attempt int) error
}

type runRow struct {
	ID              string `gorm:"primaryKey"`
	Project         string
	FlowID          string
	FlowName        string
	Revision        int64
	Until           string
	Cause           string
	Parameters      string
	Sealed          []byte
	Environment     string
	Key             *string
	State           string
	Attempt         int64
	Fence           int64
	Granted         int64
	CreatedUs       int64
	CreatedBy       string
	StartedUs       *int64
	EndedUs         *int64
	RecordsRead     int64
	RecordsWritten  int64
	RecordsRejected int64
	Error           *string
	Nodes           string
}

func (runRow) TableName() string { return "runs" }

func (r *runRow) run() (flows.Run, error) {
	run := flows.Run{ID: r.ID, FlowID: r.FlowID, FlowName: r.FlowName, Revision: int(r.Revision), Until: r.Until, Trigger: flows.Trigger(r.Cause),
		Sealed: r.Sealed, Environment: r.Environment, State: flows.RunState(r.State), Attempt: int(r.Attempt), CreatedAt: timeOf(r.CreatedUs), CreatedBy: r.CreatedBy,
		StartedAt: timeOrZero(r.StartedUs), EndedAt: timeOrZero(r.EndedUs), Read: r.RecordsRead, Written: r.RecordsWritten, Rejected: r.RecordsRejected}
	err := json.Unmarshal([]byte(r.Parameters), &run.Parameters)
	if err == nil && r.Error != nil {
		err = json.Unmarshal([]byte(*r.Error), &run.Error)
	}
	if err == nil && r.Nodes != "" {
		err = json.Unmarshal([]byte(r.Nodes), &run.Nodes)
	}
	if err != nil {
		return run, fmt.Errorf("stored run %s: %w", r.ID, err)
	}
	return run, nil
}

func timeOrZero(us *int64) time.Time {
	if us == nil {
		return time.Time{}
	}
	return timeOf(*us)
}

func usOrNil(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := t.UnixMicro()
	return &us
}

// put sets what an attempt decides.
func (r *runRow) put(run flows.Run) error {
	nodes := run.Nodes
	if nodes == nil {
		nodes = []flows.NodeStatus{}
	}
	b, err := json.Marshal(nodes)
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	r.State, r.StartedUs, r.EndedUs, r.Nodes = string(run.State), usOrNil(run.StartedAt), usOrNil(run.EndedAt), string(b)
	r.RecordsRead, r.RecordsWritten, r.RecordsRejected, r.Error = run.Read, run.Written, run.Rejected, nil
	if run.Error != nil {
		if b, err = json.Marshal(run.Error); err != nil {
			return fmt.Errorf("run: %w", err)
		}
		s := string(b)
		r.Error = &s
	}
	return nil
}

// Create saves a queued run and its job in one transaction. Where the project has a run with the key already, that one is
// returned, and false.
func (rs *Runs) Create(ctx context.Context, scope flows.Scope, r flows.Run, key string) (flows.Run, bool, error) {
	return rs.create(ctx, scope, r, key, false, func(*change) error { return nil })
}

// CreateReplay is Create of a run that takes these rejects. It is refused (reject.not_open) where one of them is not open:
// somebody else was faster.
func (rs *Runs) CreateReplay(ctx context.Context, scope flows.Scope, r flows.Run, key string, ids []string) (flows.Run, bool, error) {
	return rs.create(ctx, scope, r, key, false, func(c *change) error { return c.claim(r.ID, ids) })
}

func (rs *Runs) create(ctx context.Context, scope flows.Scope, r flows.Run, key string, alone bool, also func(*change) error) (flows.Run, bool, error) {
	params := r.Parameters
	if params == nil {
		params = map[string]string{}
	}
	b, err := json.Marshal(params)
	if err != nil {
		return flows.Run{}, false, fmt.Errorf("run: %w", err)
	}
	row := &runRow{ID: r.ID, Project: scope.Project, FlowID: r.FlowID, FlowName: storable(r.FlowName), Revision: int64(r.Revision), Until: r.Until,
		Cause: string(r.Trigger), Parameters: string(b), Sealed: r.Sealed, Environment: r.Environment, State: string(flows.RunQueued), Attempt: 1, CreatedBy: scope.Actor, Nodes: "[]"}
	if key != "" {
		k := storable(key)
		row.Key = &k
	}
	created := true
	var skipped *flows.Error
	err = rs.s.change(ctx, scope, func(c *change) error {
		row.CreatedUs = c.now
		if row.Key != nil {
			first, err := runWithKey(c.DB, scope, key)
			if err != nil {
				return err
			}
			if first != nil {
				row, created = first, false
				return nil
			}
		}
		find := c.Where(live).Select("id")
		if alone {
			find = c.locked().Where(live).Select("id")
		}
		if _, err := findFlow(find, scope, r.FlowID); err != nil {
			return err
		}
		if alone {
			if skipped, err = c.skipped(r.FlowID); skipped != nil || err != nil {
				return err
			}
		}
		if err := c.Create(row).Error; err != nil {
			return fmt.Errorf("create run: %w", err)
		}
		if err := also(c); err != nil {
			return err
		}
		tx, err := c.tx()
		if err != nil {
			return err
		}
		if err := rs.Enqueue(ctx, tx, scope.Project, row.ID, 1); err != nil {
			return err
		}
		return c.audit("run.start", "run", row.ID, map[string]any{"flow": row.FlowID, "revision": row.Revision, "trigger": row.Cause, "until": row.Until})
	})
	if err != nil {
		if first, found, again := rs.WithKey(ctx, scope, key); found && again == nil { // somebody else was first, at the same moment
			return first, false, nil
		}
		return flows.Run{}, false, err
	}
	if skipped != nil {
		return flows.Run{}, false, skipped
	}
	run, err := row.run()
	return run, created, err
}

// WithKey returns the run that was started with an idempotency key, and whether there is one.
func (rs *Runs) WithKey(ctx context.Context, scope flows.Scope, key string) (r flows.Run, found bool, err error) {
	db, err := rs.s.read(ctx, scope)
	if err != nil || key == "" {
		return r, false, err
	}
	row, err := runWithKey(db, scope, key)
	if err != nil || row == nil {
		return r, false, err
	}
	r, err = row.run()
	return r, err == nil, err
}

// runWithKey returns nil where no run has the key.
func runWithKey(db *gorm.DB, scope flows.Scope, key string) (*runRow, error) {
	var row runRow
	err := db.Where("project = ? AND key = ?", scope.Project, storable(key)).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find run by key: %w", err)
	}
	return &row, nil
}

// Get returns a run with its nodes.
func (rs *Runs) Get(ctx context.Context, scope flows.Scope, id string) (flows.Run, error) {
	db, err := rs.s.read(ctx, scope)
	if err != nil {
		return flows.Run{}, err
	}
	row, err := findRun(db, scope, id)
	if err != nil {
		return flows.Run{}, err
	}
	return row.run()
}

func findRun(db *gorm.DB, scope flows.Scope, id string) (*runRow, error) {
	notFound := &flows.Error{Code: "run.not_found", Params: flows.Params{"run": id}, Message: "there is no such run in this project",
		Suggestion: "it may have been removed, or the address may be incomplete"}
	if !validID(id) {
		return nil, notFound
	}
	var row runRow
	err := db.Where("id = ? AND project = ?", id, scope.Project).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, notFound
	}
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	return &row, nil
}

// List returns runs without their nodes, last created first.
func (rs *Runs) List(ctx context.Context, scope flows.Scope, f flows.RunFilter) (flows.Page[flows.Run], error) {
	var page flows.Page[flows.Run]
	db, err := rs.s.read(ctx, scope)
	if err != nil {
		return page, err
	}
	limit := clampLimit(f.Limit)
	q := db.Omit("nodes").Where("project = ?", scope.Project).Order("created_us DESC, id DESC").Limit(limit + 1)
	if !f.Samples {
		q = q.Where("cause <> ?", flows.TriggerSample)
	}
	if f.FlowID != "" {
		q = q.Where("flow_id = ?", storable(f.FlowID))
	}
	if f.State != "" {
		q = q.Where("state = ?", storable(string(f.State)))
	}
	if f.Cursor != "" {
		at, id, err := parseCursor(f.Cursor)
		if err != nil {
			return page, err
		}
		q = q.Where("(created_us, id) < (?, ?)", at, id)
	}
	var rows []runRow
	if err := q.Find(&rows).Error; err != nil {
		return page, fmt.Errorf("list runs: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		page.Next = makeCursor(rows[limit-1].CreatedUs, rows[limit-1].ID)
	}
	page.Items = make([]flows.Run, len(rows))
	for i := range rows {
		if page.Items[i], err = rows[i].run(); err != nil {
			return page, err
		}
	}
	return page, nil
}

// LastRuns returns the last run of each of these flows that has one, without nodes.
func (rs *Runs) LastRuns(ctx context.Context, scope flows.Scope, ids []string) (map[string]flows.Run, error) {
	last := map[string]flows.Run{}
	db, err := rs.s.read(ctx, scope)
	if err != nil || len(ids) == 0 {
		return last, err
	}
	newest := "cause <> 'sample' AND created_us = (SELECT max(o.created_us) FROM runs o WHERE o.project = runs.project AND o.flow_id = runs.flow_id AND o.cause <> 'sample')"
	var rows []runRow
	if err := db.Omit("nodes").Where("project = ? AND flow_id IN ?", scope.Project, ids).Where(newest).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("last runs: %w", err)
	}
	for i := range rows {
		if last[rows[i].FlowID], err = rows[i].run(); err != nil {
			return nil, err
		}
	}
	return last, nil
}

// Lease gives out the next fence of a run that is not over and returns the run as it was before. Whoever held the one
// before can write nothing any more. A run that has to be alone is refused (run.waits) where another one of its flow has
// been leased and is not over, or was queued earlier.
func (rs *Runs) Lease(ctx context.Context, scope flows.Scope, id string, alone bool) (r flows.Run, fence int64, err error) {
	err = rs.s.change(ctx, scope, func(c *change) error {
		row, err := findRun(c.locked(), scope, id)
		if err != nil {
			return err
		}
		if flows.RunState(row.State).Ended() {
			return &flows.Error{Code: "run.over", Params: flows.Params{"run": id, "state": row.State}, Message: "the run is over"}
		}
		if r, err = row.run(); err != nil {
			return err
		}
		if alone {
			if err := c.turn(row); err != nil {
				return err
			}
		}
		fence = row.Fence + 1
		return c.updateRun(id, map[string]any{"fence": fence})
	})
	return r, fence, err
}

func (c *change) updateRun(id string, values map[string]any) error {
	if err := c.Model(&runRow{}).Where("id = ? AND project = ?", id, c.scope.Project).Updates(values).Error; err != nil {
		return fmt.Errorf("update run: %w", err)
	}
	return nil
}

// held runs fn in a transaction in which the attempt with this fence is the newest one of the run, and not over.
func (rs *Runs) held(ctx context.Context, scope flows.Scope, fence int64, id string, fn func(c *change, row *runRow) error) error {
	return rs.s.change(ctx, scope, func(c *change) error {
		row, err := findRun(c.locked(), scope, id)
		if err != nil {
			return err
		}
		if row.Fence != fence || flows.RunState(row.State).Ended() {
			return &flows.Error{Code: "run.lost", Params: flows.Params{"run": id, "fence": fence, "newest": row.Fence},
				Message: "the run belongs to another worker by now, or is over", Suggestion: "nothing was written by this one"}
		}
		return fn(c, row)
	})
}

// Save stores state, times, counts and error of an attempt. Ending one is audited.
func (rs *Runs) Save(ctx context.Context, scope flows.Scope, fence int64, r flows.Run) error {
	return rs.held(ctx, scope, fence, r.ID, func(c *change, row *runRow) error {
		if err := row.put(r); err != nil {
			return err
		}
		columns := []string{"state", "started_us", "ended_us", "records_read", "records_written", "records_rejected", "error", "nodes"}
		if err := c.Model(&runRow{}).Where("id = ? AND project = ?", r.ID, scope.Project).Select(columns).Updates(row).Error; err != nil {
			return fmt.Errorf("save run: %w", err)
		}
		if !r.State.Ended() {
			return nil
		}
		if err := c.Where("run_id = ?", r.ID).Delete(&deliveredRow{}).Error; err != nil {
			return fmt.Errorf("forget what was sent: %w", err)
		}
		if err := c.settle(row, r.State, row.Granted != 0); err != nil {
			return err
		}
		return c.audit("run.end", "run", r.ID, map[string]any{"state": r.State, "written": r.Written, "rejected": r.Rejected})
	})
}

// Grant notes that the attempt may commit.
func (rs *Runs) Grant(ctx context.Context, scope flows.Scope, fence int64, id string) error {
	return rs.held(ctx, scope, fence, id, func(c *change, _ *runRow) error { return c.updateRun(id, map[string]any{"granted": 1}) })
}

// Granted reports whether an attempt was allowed to commit.
func (rs *Runs) Granted(ctx context.Context, scope flows.Scope, id string) (bool, error) {
	db, err := rs.s.read(ctx, scope)
	if err != nil {
		return false, err
	}
	row, err := findRun(db.Select("id", "granted"), scope, id)
	if err != nil {
		return false, err
	}
	return row.Granted != 0, nil
}

// CancelQueued ends a run that has not begun; false where it has, or is over.
func (rs *Runs) CancelQueued(ctx context.Context, scope flows.Scope, id string) (bool, error) {
	ended := false
	err := rs.s.change(ctx, scope, func(c *change) error {
		row, err := findRun(c.locked(), scope, id)
		if err != nil {
			return err
		}
		if flows.RunState(row.State) != flows.RunQueued || row.Fence > 0 { // a worker has it
			return c.audit("run.cancel", "run", id, map[string]any{"state": row.State})
		}
		ended = true
		if err := c.updateRun(id, map[string]any{"state": string(flows.RunCancelled), "ended_us": c.now}); err != nil {
			return err
		}
		if err := c.settle(row, flows.RunCancelled, false); err != nil {
			return err
		}
		return c.audit("run.cancel", "run", id, map[string]any{"state": row.State})
	})
	return ended, err
}
