package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"spark/flows"
)

// Rejects keeps refused records: those of each run, and the inbox of those that wait for somebody.
type Rejects struct {
	s     *Store
	limit int64 // bytes that a project may keep
}

// DefaultRejectBytes is how much a project may keep unless configured otherwise.
const DefaultRejectBytes = 1 << 30

const (
	maxGroupKey   = 200  // characters of node, code and field by which rejects are grouped: indices have a limit
	maxRejectText = 2000 // characters of a record and its reason that can be searched
	rejectBatch   = 200  // rows of one statement
)

type rejectRow struct {
	RunID      string `gorm:"primaryKey"`
	Seq        int64  `gorm:"primaryKey;autoIncrement:false"`
	Project    string
	FlowID     string
	Revision   int64
	Node       string
	Code       string
	Field      string
	State      string
	AtUs       int64
	Bytes      int64
	Replay     *string
	Earlier    *string
	ResolvedUs *int64
	ResolvedBy *string
	Comment    *string
	Search     string
	Reject     string
}

func (rejectRow) TableName() string { return "rejects" }

func rejectID(run string, seq int64) string { return run + "." + strconv.FormatInt(seq, 10) }

func parseRejectID(id string) (run string, seq int64, err error) {
	run, number, _ := strings.Cut(id, ".")
	if seq, err = strconv.ParseInt(number, 10, 64); err != nil || !validID(run) || rejectID(run, seq) != id {
		return "", 0, &flows.Error{Code: "reject.not_found", Params: flows.Params{"reject": id}, Message: "there is no such reject in this project",
			Suggestion: "it may have been removed after the time that rejects are kept; read the list again"}
	}
	return run, seq, nil
}

// shortened keeps the first characters of a text.
func shortened(s string, most int) string {
	if len(s) <= most {
		return s
	}
	runes := []rune(s)
	return string(runes[:min(len(runes), most)])
}

func newRejectRow(run *runRow, r flows.Reject, now int64) (rejectRow, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return rejectRow{}, fmt.Errorf("rejects: %w", err)
	}
	text := shortened(r.Raw, maxRejectText) + "\n" + shortened(r.Reason, maxRejectText)
	return rejectRow{RunID: run.ID, Project: run.Project, FlowID: run.FlowID, Revision: run.Revision, Node: shortened(storable(r.Node), maxGroupKey),
		Code: shortened(storable(r.Code), maxGroupKey), Field: shortened(storable(r.Field), maxGroupKey), State: string(flows.RejectHeld), AtUs: now, Bytes: int64(len(b)),
		Search: fold(storable(text)), Reject: string(b)}, nil
}

// AddRejects appends rejects of an attempt. They are durable when it returns, and in the inbox when the run has committed.
func (rs *Runs) AddRejects(ctx context.Context, scope flows.Scope, fence int64, id string, list []flows.Reject) error {
	return rs.held(ctx, scope, fence, id, func(c *change, run *runRow) error {
		var last, bytes int64
		if err := c.Model(&rejectRow{}).Where("run_id = ?", id).Select("COALESCE(MAX(seq), 0)").Scan(&last).Error; err != nil {
			return fmt.Errorf("rejects: %w", err)
		}
		earlier, err := c.replayedBy(run)
		if err != nil {
			return err
		}
		rows := make([]rejectRow, len(list))
		for i, r := range list {
			if rows[i], err = newRejectRow(run, r, c.now); err != nil {
				return err
			}
			rows[i].Seq = last + int64(i) + 1
			if before, ok := earlier[placeOf(r)]; ok {
				rows[i].Earlier = &before
			}
			bytes += rows[i].Bytes
		}
		if err := c.useBytes(bytes, rs.s.Rejects.limit); err != nil {
			return err
		}
		if err := c.CreateInBatches(&rows, rejectBatch).Error; err != nil {
			return fmt.Errorf("rejects: %w", err)
		}
		return nil
	})
}

// place is where a record came from, by which a record that is refused again is known.
type place struct {
	file   string
	record int64
}

func placeOf(r flows.Reject) place { return place{r.File, r.Record} }

// replayedBy finds the rejects that a run takes by the place of their records; empty for a run that is no replay.
func (c *change) replayedBy(run *runRow) (map[place]string, error) {
	if run.Cause != string(flows.TriggerReplay) {
		return nil, nil
	}
	var rows []rejectRow
	if err := c.Select("run_id", "seq", "reject").Where("replay = ?", run.ID).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("rejects: %w", err)
	}
	found := map[place]string{}
	for _, row := range rows {
		var r flows.Reject
		if err := json.Unmarshal([]byte(row.Reject), &r); err != nil {
			return nil, fmt.Errorf("stored reject: %w", err)
		}
		if r.Record > 0 {
			found[placeOf(r)] = rejectID(row.RunID, row.Seq)
		}
	}
	return found, nil
}

// useBytes counts what the project keeps.
func (c *change) useBytes(bytes, limit int64) error {
	usage := clause.OnConflict{Columns: []clause.Column{{Name: "project"}}, DoUpdates: clause.Assignments(map[string]any{"bytes": gorm.Expr("reject_usage.bytes + ?", bytes)})}
	row := map[string]any{"project": c.scope.Project, "bytes": bytes}
	if err := c.Table("reject_usage").Clauses(usage).Create(row).Error; err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	var used int64
	if err := c.Table("reject_usage").Where("project = ?", c.scope.Project).Select("bytes").Scan(&used).Error; err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	if limit > 0 && bytes > 0 && used > limit {
		return &flows.Error{Code: "rejects.full", Params: flows.Params{"bytes": used - bytes, "limit": limit},
			Message:    fmt.Sprintf("the project keeps %d MB of refused records and may keep %d MB", (used-bytes)>>20, limit>>20),
			Suggestion: "keep rejects for a shorter time (--keep-rejects), allow more (--reject-bytes), or let nodes skip records that nobody needs"}
	}
	return nil
}

// ForgetRejects removes what an earlier attempt of a run has stored: the run is executed again.
func (rs *Runs) ForgetRejects(ctx context.Context, scope flows.Scope, fence int64, id string) error {
	return rs.held(ctx, scope, fence, id, func(c *change, _ *runRow) error {
		var bytes int64
		mine := c.Model(&rejectRow{}).Where("run_id = ? AND state = ?", id, flows.RejectHeld).Session(&gorm.Session{})
		if err := mine.Select("COALESCE(SUM(bytes), 0)").Scan(&bytes).Error; err != nil {
			return fmt.Errorf("rejects: %w", err)
		}
		if err := mine.Delete(&rejectRow{}).Error; err != nil {
			return fmt.Errorf("rejects: %w", err)
		}
		return c.useBytes(-bytes, 0)
	})
}

// settle says what becomes of rejects when a run ends. Those that it made go to the inbox once it has committed: before
// that nothing of it was delivered, and running again refuses them again. Those that it replays are done, or open again;
// where it may have committed, and nobody knows, they stay its own, so that no other replay writes them twice.
func (c *change) settle(row *runRow, state flows.RunState, granted bool) error {
	run := row.ID
	if row.Cause == string(flows.TriggerSample) {
		return nil // they stay with their run
	}
	made := c.Model(&rejectRow{}).Where("run_id = ? AND state = ?", run, flows.RejectHeld)
	taken := c.Model(&rejectRow{}).Where("replay = ? AND state = ?", run, flows.RejectReplaying)
	var err error
	switch {
	case state == flows.RunSucceeded:
		if err = made.Update("state", string(flows.RejectOpen)).Error; err == nil {
			err = taken.Updates(map[string]any{"state": string(flows.RejectReplayed), "resolved_us": c.now, "resolved_by": c.scope.Actor}).Error
		}
	case !granted:
		err = taken.Updates(map[string]any{"state": string(flows.RejectOpen), "replay": nil}).Error
	}
	if err != nil {
		return fmt.Errorf("rejects: %w", err)
	}
	return nil
}

// claim gives open rejects to a replay: all of them, or none.
func (c *change) claim(run string, ids []string) error {
	n, err := c.eachOf(ids, func(q *gorm.DB) *gorm.DB {
		return q.Where("state = ?", flows.RejectOpen).Updates(map[string]any{"state": string(flows.RejectReplaying), "replay": run})
	})
	if err != nil {
		return err
	}
	if n != int64(len(ids)) {
		return &flows.Error{Code: "reject.not_open", Message: fmt.Sprintf("%d of these %d rejects are not open any more: they were discarded, or another replay has them", int64(len(ids))-n, len(ids)),
			Suggestion: "read the inbox again and choose from what is there"}
	}
	return nil
}

// eachOf changes the rejects with these ids and returns how many were changed.
func (c *change) eachOf(ids []string, update func(*gorm.DB) *gorm.DB) (n int64, err error) {
	byRun := map[string][]int64{}
	var runs []string
	for _, id := range ids {
		run, seq, err := parseRejectID(id)
		if err != nil {
			return 0, err
		}
		if byRun[run] == nil {
			runs = append(runs, run)
		}
		byRun[run] = append(byRun[run], seq)
	}
	for _, run := range runs {
		for seqs := byRun[run]; len(seqs) > 0; {
			part := seqs[:min(len(seqs), rejectBatch)]
			seqs = seqs[len(part):]
			res := update(c.Model(&rejectRow{}).Where("project = ? AND run_id = ? AND seq IN ?", c.scope.Project, run, part))
			if res.Error != nil {
				return n, fmt.Errorf("rejects: %w", res.Error)
			}
			n += res.RowsAffected
		}
	}
	return n, nil
}
