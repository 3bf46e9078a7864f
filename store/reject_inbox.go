package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"spark/flows"
)

func (r *rejectRow) stored(names map[string]string) (flows.StoredReject, error) {
	out := flows.StoredReject{ID: rejectID(r.RunID, r.Seq), Run: r.RunID, FlowID: r.FlowID, FlowName: names[r.FlowID], Revision: int(r.Revision), At: timeOf(r.AtUs),
		State: flows.RejectState(r.State), ReplayRun: deref(r.Replay), ResolvedAt: timeOrZero(r.ResolvedUs), ResolvedBy: deref(r.ResolvedBy), Comment: deref(r.Comment), Earlier: deref(r.Earlier)}
	if err := json.Unmarshal([]byte(r.Reject), &out.Reject); err != nil {
		return out, fmt.Errorf("stored reject: %w", err)
	}
	return out, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// selected narrows a query of rejects to what a filter selects.
func selected(db *gorm.DB, scope flows.Scope, f flows.InboxFilter) *gorm.DB {
	state := f.State
	if state == "" {
		state = flows.RejectOpen
	}
	q := db.Model(&rejectRow{}).Where("project = ? AND state = ?", scope.Project, string(state))
	for column, value := range map[string]string{"flow_id": f.FlowID, "run_id": f.Run, "node": shortened(f.Node, maxGroupKey), "code": shortened(f.Code, maxGroupKey)} {
		if value != "" {
			q = q.Where(column+" = ?", storable(value))
		}
	}
	if f.Field != nil {
		q = q.Where("field = ?", shortened(storable(*f.Field), maxGroupKey))
	}
	if f.Text != "" {
		q = q.Where(`search LIKE ? ESCAPE '\'`, "%"+likeEscaper.Replace(foldSearch(f.Text))+"%")
	}
	return q
}

// Groups counts the rejects that a filter selects by flow, node, code and field, in that order.
func (rs *Rejects) Groups(ctx context.Context, scope flows.Scope, f flows.InboxFilter) (flows.Page[flows.RejectGroup], error) {
	page := flows.Page[flows.RejectGroup]{Items: []flows.RejectGroup{}}
	db, err := rs.s.read(ctx, scope)
	if err != nil {
		return page, err
	}
	limit := clampLimit(f.Limit)
	q := selected(db, scope, f).Select("flow_id, node, code, field, count(*) AS n, min(at_us) AS first, max(at_us) AS last").
		Group("flow_id, node, code, field").Order("flow_id, node, code, field").Limit(limit + 1)
	if f.Cursor != "" {
		after, err := parseGroup(f.Cursor)
		if err != nil {
			return page, err
		}
		q = q.Where("(flow_id, node, code, field) > (?, ?, ?, ?)", after[0], after[1], after[2], after[3])
	}
	var rows []struct {
		FlowID, Node, Code, Field string
		N, First, Last            int64
	}
	if err := q.Scan(&rows).Error; err != nil {
		return page, fmt.Errorf("groups of rejects: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		page.Next = makeGroup(last.FlowID, last.Node, last.Code, last.Field)
	}
	for _, r := range rows {
		g := flows.RejectGroup{FlowID: r.FlowID, Node: r.Node, Code: r.Code, Field: r.Field, Count: r.N, First: timeOf(r.First), Last: timeOf(r.Last)}
		one := f
		one.FlowID, one.Node, one.Code, one.Field, one.Cursor = g.FlowID, g.Node, g.Code, &g.Field, ""
		var newest rejectRow
		if err := selected(db, scope, one).Order("at_us DESC").Limit(1).Find(&newest).Error; err != nil {
			return page, fmt.Errorf("groups of rejects: %w", err)
		}
		if reject, err := newest.stored(nil); err == nil { // one that was taken away meanwhile has no reason to show
			g.Reason = reject.Reason
		}
		page.Items = append(page.Items, g)
	}
	names, err := flowNames(db, scope, func(add func(string)) {
		for _, g := range page.Items {
			add(g.FlowID)
		}
	})
	for i := range page.Items {
		page.Items[i].FlowName = names[page.Items[i].FlowID]
	}
	return page, err
}

// flowNames are the names of flows, of deleted ones too.
func flowNames(db *gorm.DB, scope flows.Scope, each func(add func(string))) (map[string]string, error) {
	names := map[string]string{}
	each(func(id string) { names[id] = "" })
	ids := make([]string, 0, len(names))
	for id := range names {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return names, nil
	}
	var rows []flowRow
	if err := db.Select("id", "name").Where("project = ? AND id IN ?", scope.Project, ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("names of flows: %w", err)
	}
	for _, r := range rows {
		names[r.ID] = r.Name
	}
	return names, nil
}

func makeGroup(key ...string) string {
	b, err := json.Marshal(key)
	if err != nil {
		panic(err) // texts
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseGroup(cursor string) (key []string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, &key)
	}
	if err != nil || len(key) != 4 {
		return nil, invalidCursor()
	}
	for i, s := range key {
		key[i] = storable(s)
	}
	return key, nil
}

// List returns the rejects that a filter selects, last ones first.
func (rs *Rejects) List(ctx context.Context, scope flows.Scope, f flows.InboxFilter) (flows.Page[flows.StoredReject], error) {
	return rs.list(ctx, scope, f, clampLimit(f.Limit))
}

func (rs *Rejects) list(ctx context.Context, scope flows.Scope, f flows.InboxFilter, limit int) (flows.Page[flows.StoredReject], error) {
	page := flows.Page[flows.StoredReject]{Items: []flows.StoredReject{}}
	db, err := rs.s.read(ctx, scope)
	if err != nil {
		return page, err
	}
	q := selected(db, scope, f).Order("at_us DESC, run_id DESC, seq DESC").Limit(limit + 1)
	if f.Cursor != "" {
		at, id, err := parseRejectCursor(f.Cursor)
		if err != nil {
			return page, err
		}
		run, seq, err := parseRejectID(id)
		if err != nil {
			return page, invalidCursor()
		}
		q = q.Where("(at_us, run_id, seq) < (?, ?, ?)", at, run, seq)
	}
	var rows []rejectRow
	if err := q.Omit("search").Find(&rows).Error; err != nil {
		return page, fmt.Errorf("list rejects: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		page.Next = base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(last.AtUs, 10) + " " + rejectID(last.RunID, last.Seq)))
	}
	page.Items, err = storedAll(db, scope, rows)
	return page, err
}

func storedAll(db *gorm.DB, scope flows.Scope, rows []rejectRow) ([]flows.StoredReject, error) {
	names, err := flowNames(db, scope, func(add func(string)) {
		for _, r := range rows {
			add(r.FlowID)
		}
	})
	if err != nil {
		return nil, err
	}
	list := make([]flows.StoredReject, len(rows))
	for i := range rows {
		if list[i], err = rows[i].stored(names); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func parseRejectCursor(cursor string) (at int64, id string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		number, rest, _ := strings.Cut(string(b), " ")
		id = rest
		at, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil {
		return 0, "", invalidCursor()
	}
	return at, id, nil
}

// Count returns how many rejects are open.
func (rs *Rejects) Count(ctx context.Context, scope flows.Scope) (n int64, err error) {
	db, err := rs.s.read(ctx, scope)
	if err != nil {
		return 0, err
	}
	if err := selected(db, scope, flows.InboxFilter{}).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count rejects: %w", err)
	}
	return n, nil
}

// Select returns chosen rejects whatever their state, oldest first where a filter chooses them. More than MaxSelected
// are refused.
func (rs *Rejects) Select(ctx context.Context, scope flows.Scope, s flows.Selection) ([]flows.StoredReject, error) {
	if len(s.IDs) > flows.MaxSelected {
		return nil, tooManySelected()
	}
	if len(s.IDs) == 0 {
		f := s.Filter
		f.Cursor = ""
		page, err := rs.list(ctx, scope, f, flows.MaxSelected)
		if err == nil && page.Next != "" {
			err = tooManySelected()
		}
		slices.Reverse(page.Items)
		return page.Items, err
	}
	db, err := rs.s.read(ctx, scope)
	if err != nil {
		return nil, err
	}
	var rows []rejectRow
	c := &change{DB: db, scope: scope}
	if _, err := c.eachOf(s.IDs, func(q *gorm.DB) *gorm.DB {
		var part []rejectRow
		q = q.Omit("search").Order("seq").Find(&part)
		rows = append(rows, part...)
		return q
	}); err != nil {
		return nil, err
	}
	return storedAll(db, scope, rows)
}

func tooManySelected() error {
	return &flows.Error{Code: "reject.too_many", Message: fmt.Sprintf("more than %d rejects are chosen", flows.MaxSelected), Suggestion: "choose fewer, by flow, node or text"}
}

// Replayed returns the rejects that a run takes, in their order.
func (rs *Runs) Replayed(ctx context.Context, scope flows.Scope, run string) ([]flows.StoredReject, error) {
	db, err := rs.s.read(ctx, scope)
	if err != nil {
		return nil, err
	}
	var rows []rejectRow
	if err := db.Omit("search").Where("project = ? AND replay = ?", scope.Project, storable(run)).Order("run_id, seq").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("rejects of a replay: %w", err)
	}
	return storedAll(db, scope, rows)
}

// Discard ends open rejects, and those that a replay has which is over, and returns how many. A comment says why.
func (rs *Rejects) Discard(ctx context.Context, scope flows.Scope, s flows.Selection, comment string) (n int64, err error) {
	return rs.decide(ctx, scope, s, comment, "reject.discard", func(c *change, q *gorm.DB) *gorm.DB {
		return q.Where("state = ? OR state = ? AND replay IN (?)", string(flows.RejectOpen), string(flows.RejectReplaying), c.overRuns()).
			Updates(map[string]any{"state": string(flows.RejectDiscarded), "resolved_us": c.now, "resolved_by": scope.Actor, "comment": storable(comment)})
	})
}

// Reopen opens rejects again that a replay has which ended without anybody knowing whether it committed them: somebody has
// looked, and says so in a comment.
func (rs *Rejects) Reopen(ctx context.Context, scope flows.Scope, s flows.Selection, comment string) (n int64, err error) {
	return rs.decide(ctx, scope, s, comment, "reject.reopen", func(c *change, q *gorm.DB) *gorm.DB {
		return q.Where("state = ? AND replay IN (?)", string(flows.RejectReplaying), c.overRuns()).
			Updates(map[string]any{"state": string(flows.RejectOpen), "replay": nil, "comment": storable(comment)})
	})
}

// overRuns selects the runs that ended without success.
func (c *change) overRuns() *gorm.DB {
	return c.Session(&gorm.Session{NewDB: true}).Model(&runRow{}).Select("id").Where("state IN ?", []string{string(flows.RunFailed), string(flows.RunCancelled)})
}

// decide changes chosen rejects, with the reason that somebody gives.
func (rs *Rejects) decide(ctx context.Context, scope flows.Scope, s flows.Selection, comment, action string, update func(*change, *gorm.DB) *gorm.DB) (n int64, err error) {
	if strings.TrimSpace(comment) == "" {
		return 0, &flows.Error{Code: "reject.comment", Message: "nobody will know why this was done with these records", Suggestion: "say it in a comment"}
	}
	if len(s.IDs) > flows.MaxSelected {
		return 0, tooManySelected()
	}
	err = rs.s.change(ctx, scope, func(c *change) error {
		mine := func(q *gorm.DB) *gorm.DB { return update(c, q) }
		if len(s.IDs) > 0 {
			n, err = c.eachOf(s.IDs, mine)
		} else {
			res := mine(selected(c.DB, scope, s.Filter))
			n, err = res.RowsAffected, res.Error
		}
		if err != nil {
			return fmt.Errorf("%s: %w", action, err)
		}
		detail := map[string]any{"count": n, "comment": comment}
		if len(s.IDs) > 0 && len(s.IDs) <= 50 {
			detail["rejects"] = s.IDs
		}
		return c.audit(action, "flow", s.Filter.FlowID, detail)
	})
	return n, err
}

// purgeBatch is how many rejects one transaction removes, so that others need not wait long.
const purgeBatch = 500

// Purge removes rejects that are older than a moment, in small transactions, and returns how many. Those that a replay
// has stay.
func (rs *Rejects) Purge(ctx context.Context, before time.Time) (total int64, err error) {
	for {
		var n int64
		scope := flows.LocalScope
		scope.Actor = "system"
		err = rs.s.change(ctx, scope, func(c *change) error {
			n, err = c.purge(before)
			return err
		})
		total += n
		if err != nil || n < purgeBatch {
			return total, err
		}
	}
}

func (c *change) purge(before time.Time) (int64, error) {
	var rows []rejectRow
	err := c.Select("run_id", "seq", "project", "bytes").Where("at_us < ? AND state <> ?", before.UnixMicro(), string(flows.RejectReplaying)).Order("at_us").Limit(purgeBatch).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	bytes, counts := map[string]int64{}, map[string]int64{}
	for _, r := range rows {
		if err := c.Where("run_id = ? AND seq = ?", r.RunID, r.Seq).Delete(&rejectRow{}).Error; err != nil {
			return 0, fmt.Errorf("purge rejects: %w", err)
		}
		bytes[r.Project] += r.Bytes
		counts[r.Project]++
	}
	for project, n := range counts {
		c.scope.Project = project
		if err := c.useBytes(-bytes[project], 0); err != nil {
			return 0, err
		}
		if err := c.audit("reject.purge", "project", project, map[string]any{"count": n, "before": before.UTC()}); err != nil {
			return 0, err
		}
	}
	return int64(len(rows)), nil
}

// Rejects returns rejects of a run, of one node or of all, first ones first, whatever has become of them.
func (rs *Runs) Rejects(ctx context.Context, scope flows.Scope, id string, f flows.RejectFilter) (flows.Page[flows.Reject], error) {
	page := flows.Page[flows.Reject]{Items: []flows.Reject{}}
	limit := clampLimit(f.Limit)
	var rows []rejectRow
	var where []any
	if f.Node != "" {
		where = []any{"node = ?", storable(f.Node)}
	}
	if err := rs.detail(ctx, scope, id, f.Cursor, limit, &rows, where...); err != nil {
		return page, fmt.Errorf("rejects: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		page.Next = makeCursor(rows[limit-1].Seq, id)
	}
	for _, r := range rows {
		stored, err := r.stored(nil)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, stored.Reject)
	}
	return page, nil
}
