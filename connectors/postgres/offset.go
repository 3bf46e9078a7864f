package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"spark/flows"
	"spark/flows/node"
)

// How far incremental sources were read stands in the table of commits, too: in one row per flow and target, whose run is
// the flow's name behind flowPrefix. It moves in the transaction of the load, and only from where the load has begun:
// of two runs that read the same records, one is refused.

const flowPrefix = "flow "

var _ node.OffsetSink = (*load)(nil)

// Offsets returns how far the sources of this target were read.
func (l *load) Offsets(ctx context.Context, flow string) (map[string]node.Offset, error) {
	kept, err := l.kept(ctx, flow, "")
	return kept, l.at(err)
}

func (l *load) kept(ctx context.Context, flow, lock string) (map[string]node.Offset, error) {
	var text string
	err := l.conn.QueryRow(ctx, "SELECT offsets::text FROM "+table{l.schema, commitTable}.sql()+" WHERE run = $1 AND node = $2"+lock, flowPrefix+flow, l.w.Node).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var kept map[string]node.Offset
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		return nil, fmt.Errorf("postgres: the offsets in %s: %w", commitTable, err)
	}
	return kept, nil
}

// advance moves the offsets of a load.
func (l *load) advance(ctx context.Context, t node.Token) error {
	if len(t.Reached) == 0 {
		return nil
	}
	commits := table{l.schema, commitTable}.sql()
	if _, err := l.conn.Exec(ctx, "INSERT INTO "+commits+" (run, node, epoch, attempt, fence, records, offsets) VALUES ($1, $2, 0, 0, 0, 0, '{}') ON CONFLICT DO NOTHING", flowPrefix+t.Flow, l.w.Node); err != nil {
		return err
	}
	kept, err := l.kept(ctx, t.Flow, " FOR UPDATE")
	if err != nil {
		return err
	}
	if kept == nil {
		kept = map[string]node.Offset{}
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
		return fmt.Errorf("postgres: offsets: %w", err)
	}
	_, err = l.conn.Exec(ctx, "UPDATE "+commits+" SET offsets = $3, records = $4, committed_at = now() WHERE run = $1 AND node = $2", flowPrefix+t.Flow, l.w.Node, string(b), l.taken)
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
