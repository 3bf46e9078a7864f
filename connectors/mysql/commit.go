package mysql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"spark/flows"
	"spark/flows/node"
)

// A load ends with a row in the table spark_commit beside the target, written in the load's own transaction. It proves
// that the load was committed, also where the connection was cut while the server did it, and its fence keeps an attempt
// whose lease was taken over from committing after the one that took over. How far incremental sources were read stands
// there, too: in one row per flow and target, whose run is the flow's name behind flowPrefix.

const (
	commitTable = "spark_commit"
	flowPrefix  = "flow "
	keepCommits = "30 DAY"
)

var _ node.OffsetSink = (*load)(nil)

func (l *load) commits() string { return table{l.table.database, commitTable}.sql() }

// createCommits makes the table of commits in the target's database.
func (l *load) createCommits(ctx context.Context) error {
	var engine string
	err := l.row(ctx, "SELECT COALESCE(ENGINE, '') FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+text(l.table.database)+" AND TABLE_NAME = "+text(commitTable), &engine)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	_, err = l.exec(ctx, "CREATE TABLE IF NOT EXISTS "+l.commits()+` (
	run varchar(512) NOT NULL, node varchar(255) NOT NULL, epoch bigint NOT NULL, attempt bigint NOT NULL, fence bigint NOT NULL,
	records bigint NOT NULL, offsets longtext NOT NULL, committed_at datetime(6) NOT NULL,
	PRIMARY KEY (run, node)) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin ROW_FORMAT = DYNAMIC`)
	return err
}

// hold makes sure that a row is there, and locks it.
func (l *load) hold(ctx context.Context, run string) (epoch, fence int64, offsets string, err error) {
	where := " WHERE run = " + text(run) + " AND node = " + text(l.w.Node)
	if _, err = l.exec(ctx, "INSERT INTO "+l.commits()+" (run, node, epoch, attempt, fence, records, offsets, committed_at) VALUES ("+text(run)+", "+text(l.w.Node)+", -1, 0, 0, 0, '{}', UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE epoch = epoch"); err != nil {
		return 0, 0, "", err
	}
	err = l.row(ctx, "SELECT epoch, fence, offsets FROM "+l.commits()+where+" FOR UPDATE", &epoch, &fence, &offsets)
	return epoch, fence, offsets, err
}

// record writes the row of a commit. done: this epoch was committed before, by another attempt.
func (l *load) record(ctx context.Context, t node.Token) (done bool, err error) {
	reached := map[string]node.Offset{}
	for source, r := range t.Reached {
		reached[source] = r.To
	}
	offsets, err := json.Marshal(reached)
	if err != nil {
		return false, fmt.Errorf("mysql: offsets: %w", err)
	}
	epoch, fence, _, err := l.hold(ctx, t.Run)
	switch {
	case err != nil:
		return false, err
	case epoch >= int64(t.Epoch):
		return true, nil
	case fence > t.Fence:
		return false, &flows.Error{Code: "commit.fenced", Message: "another attempt of this run has taken over", Suggestion: "nothing of this attempt was written; look at the run's last attempt"}
	}
	_, err = l.exec(ctx, fmt.Sprintf("UPDATE %s SET epoch = %d, attempt = %d, fence = %d, records = %d, offsets = %s, committed_at = UTC_TIMESTAMP(6) WHERE run = %s AND node = %s",
		l.commits(), t.Epoch, t.Attempt, t.Fence, l.taken, text(string(offsets)), text(t.Run), text(l.w.Node)))
	if err == nil {
		err = l.advance(ctx, t)
	}
	return false, err
}

// Offsets returns how far the sources of this target were read.
func (l *load) Offsets(ctx context.Context, flow string) (map[string]node.Offset, error) {
	var kept string
	err := l.row(ctx, "SELECT offsets FROM "+l.commits()+" WHERE run = "+text(flowPrefix+flow)+" AND node = "+text(l.w.Node), &kept)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, l.at(err)
	}
	return offsetsOf(kept)
}

func offsetsOf(text string) (map[string]node.Offset, error) {
	kept := map[string]node.Offset{}
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		return nil, fmt.Errorf("mysql: the offsets in %s: %w", commitTable, err)
	}
	return kept, nil
}

// advance moves the offsets of a load, and only from where it has begun: of two runs that read the same records, one is
// refused.
func (l *load) advance(ctx context.Context, t node.Token) error {
	if len(t.Reached) == 0 {
		return nil
	}
	_, _, written, err := l.hold(ctx, flowPrefix+t.Flow)
	if err != nil {
		return err
	}
	kept, err := offsetsOf(written)
	if err != nil {
		return err
	}
	for source, r := range t.Reached {
		if !follows(r.From, kept[source]) {
			return &flows.Error{Code: "commit.moved", Params: flows.Params{"source": source}, Message: "another run of this flow has written these records meanwhile",
				Suggestion: "nothing of this run was written; run again to read on from there"}
		}
		kept[source] = r.To
	}
	b, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("mysql: offsets: %w", err)
	}
	_, err = l.exec(ctx, fmt.Sprintf("UPDATE %s SET epoch = 0, offsets = %s, records = %d, committed_at = UTC_TIMESTAMP(6) WHERE run = %s AND node = %s", l.commits(), text(string(b)), l.taken, text(flowPrefix+t.Flow), text(l.w.Node)))
	return err
}

// follows reports whether a load that has read from an offset may go on from what the target keeps.
func follows(from, kept node.Offset) bool {
	var a, b flows.Cursor
	if kept == nil {
		return true
	}
	if json.Unmarshal(kept, &b) != nil || len(from) > 0 && json.Unmarshal(from, &a) != nil {
		return false
	}
	return a == b || a.Generation > b.Generation
}

// Commit makes the load visible, together with the row that proves it.
func (l *load) Commit(ctx context.Context, t node.Token) error {
	before, err := l.record(ctx, t)
	if err != nil {
		return l.at(err)
	}
	if before {
		return l.Abort(ctx) // the same records are there already
	}
	_, err = l.exec(ctx, "COMMIT")
	switch {
	case lost(err):
		l.gone = true
		if err = l.resolve(ctx, t, err); err != nil {
			return l.at(err)
		}
	case err != nil:
		return l.at(err)
	default:
		l.forget(ctx)
	}
	l.done = true
	l.end(ctx)
	return nil
}

// forget deletes the rows of old loads. It comes after the commit, because others may hold them, and is tried again by
// the next load.
func (l *load) forget(ctx context.Context) {
	_, _ = l.exec(ctx, "DELETE FROM "+l.commits()+" WHERE committed_at < UTC_TIMESTAMP() - INTERVAL "+keepCommits+" AND run NOT LIKE '"+flowPrefix+"%'")
}

// resolveTime is how long an ambiguous commit is asked for.
const resolveTime = 30 * time.Second

// resolve finds out whether a transaction was committed whose COMMIT was not answered.
func (l *load) resolve(ctx context.Context, t node.Token, why error) error {
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		committed, err := l.ask(ctx, t)
		switch {
		case err == nil && committed:
			return nil
		case err == nil:
			return &flows.Error{Code: "database.lost", Message: fmt.Sprintf("%s: the connection was lost before the commit", l.c.Name), Suggestion: "nothing was written; run again", Cause: why}
		}
		select {
		case <-ctx.Done():
			return &flows.Error{Code: "commit.unknown", Message: fmt.Sprintf("%s: the connection was lost during the commit and the server does not say whether it was done", l.c.Name),
				Suggestion: fmt.Sprintf("look for run %s in the table %s: a row means that it was", t.Run, l.commits()), Cause: why}
		case <-time.After(wait):
		}
	}
}

// ask looks for the row over a new connection. The old transaction holds it, wherever it stands: reading it to change it
// waits until that has ended, and ending its connection makes sure that it does.
func (l *load) ask(ctx context.Context, t node.Token) (committed bool, err error) {
	s, err := connect(ctx, l.c)
	if err != nil {
		return false, err
	}
	defer s.close()
	_, _ = s.exec(ctx, fmt.Sprintf("KILL %d", l.id)) // it may have ended
	for _, sql := range []string{"SET SESSION innodb_lock_wait_timeout = 5", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "START TRANSACTION READ WRITE"} {
		if _, err := s.exec(ctx, sql); err != nil {
			return false, err
		}
	}
	var epoch int64
	err = s.row(ctx, "SELECT epoch FROM "+l.commits()+" WHERE run = "+text(t.Run)+" AND node = "+text(l.w.Node)+" FOR UPDATE", &epoch)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return epoch >= int64(t.Epoch), err
}
