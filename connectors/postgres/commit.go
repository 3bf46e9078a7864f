package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"spark/flows"
	"spark/flows/node"
)

// A load ends with a row in the table spark_commit beside the target, written in the load's own transaction. It proves
// that the load was committed, also where the connection was cut while the server did it, and its fence keeps an attempt
// whose lease was taken over from committing after the one that took over.

const commitTable = "spark_commit"

// createCommits makes the table of commits in a schema.
func createCommits(ctx context.Context, conn *pgx.Conn, schema string) error {
	t := table{schema, commitTable}
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", t.sql()).Scan(&exists); err != nil || exists {
		return err
	}
	_, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+t.sql()+` (
	run text NOT NULL, node text NOT NULL, epoch bigint NOT NULL, attempt bigint NOT NULL, fence bigint NOT NULL,
	records bigint NOT NULL, offsets jsonb NOT NULL, committed_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (run, node))`)
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok && (pe.Code == "23505" || pe.Code == "42P07") {
		return nil // somebody else has made it at the same moment
	}
	return err
}

// keepCommits is how long rows prove their commits.
const keepCommits = "30 days"

// record writes the row of a commit. done: this epoch was committed before, by another attempt.
func (l *load) record(ctx context.Context, t node.Token) (done bool, err error) {
	reached := map[string]node.Offset{}
	for source, r := range t.Reached {
		reached[source] = r.To
	}
	offsets, err := json.Marshal(reached)
	if err != nil {
		return false, fmt.Errorf("postgres: offsets: %w", err)
	}
	commits := table{l.schema, commitTable}.sql()
	tag, err := l.conn.Exec(ctx, "INSERT INTO "+commits+` AS c (run, node, epoch, attempt, fence, records, offsets) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (run, node) DO UPDATE SET epoch = excluded.epoch, attempt = excluded.attempt, fence = excluded.fence, records = excluded.records, offsets = excluded.offsets, committed_at = now()
WHERE c.epoch < excluded.epoch AND c.fence <= excluded.fence`, t.Run, l.w.Node, t.Epoch, t.Attempt, t.Fence, l.taken, string(offsets))
	if err != nil {
		return false, err
	}
	if tag.RowsAffected() == 1 {
		_, err := l.conn.Exec(ctx, "DELETE FROM "+commits+" WHERE committed_at < now() - interval '"+keepCommits+"' AND run NOT LIKE '"+flowPrefix+"%'")
		if err == nil {
			err = l.advance(ctx, t)
		}
		return false, err
	}
	var epoch, fence int64
	if err := l.conn.QueryRow(ctx, "SELECT epoch, fence FROM "+commits+" WHERE run = $1 AND node = $2", t.Run, l.w.Node).Scan(&epoch, &fence); err != nil {
		return false, err
	}
	if epoch >= int64(t.Epoch) {
		return true, nil
	}
	return false, &flows.Error{Code: "commit.fenced", Message: "another attempt of this run has taken over", Suggestion: "nothing of this attempt was written; look at the run's last attempt"}
}

// resolveTime is how long an ambiguous commit is asked for.
const resolveTime = 30 * time.Second

// resolve finds out whether a transaction was committed whose COMMIT was not answered: its row is there, or the server
// knows that the transaction has ended without it.
func (l *load) resolve(ctx context.Context, t node.Token, xid string, lost error) error {
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		committed, known, err := l.ask(ctx, t, xid)
		switch {
		case err == nil && committed:
			return nil
		case err == nil && known:
			return &flows.Error{Code: "database.lost", Message: fmt.Sprintf("%s: the connection was lost before the commit", l.c.Name), Suggestion: "nothing was written; run again", Cause: lost}
		}
		select {
		case <-ctx.Done():
			return &flows.Error{Code: "commit.unknown", Message: fmt.Sprintf("%s: the connection was lost during the commit and the server does not say whether it was done", l.c.Name),
				Suggestion: fmt.Sprintf("look for run %s in the table %s: a row means that it was", t.Run, table{l.schema, commitTable}.sql()), Cause: lost}
		case <-time.After(wait):
		}
	}
}

// ask looks for the row over a new connection. known is false while the old transaction is still in progress.
func (l *load) ask(ctx context.Context, t node.Token, xid string) (committed, known bool, err error) {
	conn, err := connect(ctx, l.c)
	if err != nil {
		return false, false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	l.backend.end(ctx, l.c) // it would wait for its client for ever
	var status *string
	if err := conn.QueryRow(ctx, "SELECT pg_xact_status($1::text::xid8)", xid).Scan(&status); err != nil {
		return false, false, err
	}
	if status != nil && *status == "in progress" {
		return false, false, nil
	}
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+table{l.schema, commitTable}.sql()+" WHERE run = $1 AND node = $2 AND epoch >= $3)", t.Run, l.w.Node, t.Epoch).Scan(&committed)
	return committed, err == nil, err
}
