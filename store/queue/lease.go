package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// dialect is what differs in the statements on River's table. All times are the database's, so that the clocks of the
// machines do not matter. Parameters have the form $1, $2 in order of appearance, which both databases take.
type dialect struct {
	renew    string // $1: job
	takeBack string // $1: how long before now, as an interval; returns args and the number of deliveries
}

// A lease is River's own column attempted_at: the moment at which a worker took the job or last showed that it lives.
// A job taken back ends, and a new one goes on in its place: River ends jobs by id alone, so that a worker that was
// only slow would otherwise end the job of the next one. The old job gives up its unique key to the new one.
var (
	postgres = dialect{
		renew: "UPDATE river_job SET attempted_at = now() WHERE id = $1 AND state = 'running'",
		takeBack: `UPDATE river_job SET state = 'discarded', finalized_at = now(), unique_key = NULL, unique_states = NULL,
			metadata = metadata || '{"spark:lost": true}'
			WHERE kind = 'run' AND state = 'running' AND attempted_at < now() + $1::interval
			RETURNING args::text, cardinality(attempted_by)`,
	}
	sqlite = dialect{
		renew: "UPDATE river_job SET attempted_at = datetime('now', 'subsec') WHERE id = $1 AND state = 'running'",
		takeBack: `UPDATE river_job SET state = 'discarded', finalized_at = datetime('now', 'subsec'), unique_key = NULL, unique_states = NULL,
			metadata = jsonb_set(metadata, '$."spark:lost"', jsonb('true'))
			WHERE kind = 'run' AND state = 'running' AND attempted_at < datetime('now', 'subsec', $1)
			RETURNING json(args), json_array_length(attempted_by)`,
	}
)

// beat renews the leases of this worker and takes back those that others let run out.
func (w *worker) beat() {
	defer close(w.beating)
	every := w.q.opts.Lease / 3
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-w.ended:
			return
		case <-t.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), every)
		err := w.renew(ctx)
		if err == nil {
			err = w.q.takeBack(ctx, w.q.opts.Lease)
		}
		cancel()
		if err != nil {
			w.q.opts.Log.Warn("the job queue does not answer", slog.Any("error", err))
		}
	}
}

func (w *worker) renew(ctx context.Context) error {
	w.mu.Lock()
	held := maps.Clone(w.held)
	w.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(held)) {
		sent := time.Now()
		res, err := w.q.db.ExecContext(ctx, w.q.dialect.renew, id)
		if err != nil {
			return fmt.Errorf("renew the lease of job %d: %w", id, err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return fmt.Errorf("renew the lease of job %d: %w", id, err)
		}
		if n == 0 {
			held[id].cancel(ErrLost)
			continue
		}
		w.extend(id, w.q.opts.Lease-time.Since(sent))
	}
	return nil
}

// extend moves the moment at which this worker gives up a job by itself. It counts from before the statement that the
// database got, so that it comes before anybody else may take the job.
func (w *worker) extend(id int64, by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.held[id]; h != nil {
		h.expire.Reset(by)
	}
}

// takeBack makes the jobs of workers that have been silent for so long available again.
func (q *Queue) takeBack(ctx context.Context, silent time.Duration) error {
	tx, err := q.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("take back jobs: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	rows, err := tx.QueryContext(ctx, q.dialect.takeBack, fmt.Sprintf("-%.3f seconds", silent.Seconds()))
	if err != nil {
		return fmt.Errorf("take back jobs: %w", err)
	}
	defer rows.Close()
	var lost []args
	for rows.Next() {
		var (
			a          args
			b          []byte
			deliveries int
		)
		if err := rows.Scan(&b, &deliveries); err != nil {
			return fmt.Errorf("take back jobs: %w", err)
		}
		if err := json.Unmarshal(b, &a); err != nil {
			return fmt.Errorf("take back jobs: %w", err)
		}
		a.Before += deliveries
		lost = append(lost, a)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("take back jobs: %w", err)
	}
	for _, a := range lost {
		if _, err := q.insert(ctx, tx, a); err != nil {
			return fmt.Errorf("take back jobs: %w", err)
		}
		q.opts.Log.Warn("a worker has lost a run, which is delivered again", slog.String("run", a.Run), slog.Int("attempt", a.Attempt))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("take back jobs: %w", err)
	}
	return nil
}
