// Package queue hands runs to workers. A job is saved in the transaction that saves its run, so that there is never
// one without the other, and is delivered until a worker has ended it: at least once, and to one worker at a time as
// long as that worker shows that it lives. The jobs are River's; what a failure means is decided above this package.
package queue

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"spark/flows"
	"spark/store"
)

// Job asks for one attempt of one run.
type Job struct {
	Run     string
	Project string
	Attempt int // from 1; another attempt is another job

	// Delivery is 1, and higher when an earlier worker had this job and died, was stopped, or lost its lease. The
	// queue sets it.
	Delivery int
}

// Options tune a queue; the zero value is what a server wants.
type Options struct {
	Workers int           // jobs worked at once by this process; 0 means one per CPU
	Lease   time.Duration // a worker silent for so long has lost its jobs; 0 means 15 seconds
	Log     *slog.Logger  // of what happens in the background; nil means slog.Default()

	// Alone promises that no other process works on this database. Jobs that still seem to be worked when Work
	// starts were left by a process that died, and are delivered at once instead of after the lease.
	Alone bool
}

// Queue is safe for concurrent use.
type Queue struct {
	db      *sql.DB
	opts    Options
	driver  riverdriver.Driver[*sql.Tx]
	dialect *dialect
	client  *river.Client[*sql.Tx] // inserts only
}

// Open brings the tables of the queue up to date. The store must stay open as long as the queue is used.
func Open(ctx context.Context, s *store.Store, opts Options) (*Queue, error) {
	if opts.Workers == 0 {
		opts.Workers = runtime.NumCPU()
	}
	if opts.Lease == 0 {
		opts.Lease = 15 * time.Second
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	q := &Queue{db: s.SQL(), opts: opts, dialect: &postgres}
	if s.SQLite() {
		q.driver, q.dialect = riversqlite.New(q.db), &sqlite
	} else {
		q.driver = riverdatabasesql.New(q.db)
	}
	if err := s.Migrate(ctx, q.migrate); err != nil {
		return nil, err
	}
	client, err := river.NewClient(q.driver, &river.Config{Logger: quietly(opts.Log)})
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	q.client = client
	return q, nil
}

func (q *Queue) migrate(ctx context.Context) error {
	m, err := rivermigrate.New(q.driver, &rivermigrate.Config{Logger: quietly(q.opts.Log)})
	if err != nil {
		return fmt.Errorf("migrations of the job queue: %w", err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the job queue: %w", err)
	}
	// River passes over versions that it does not know. By now the database has all that it does know.
	all := m.AllVersions()
	known := all[len(all)-1].Version
	var have int
	if err := q.db.QueryRowContext(ctx, "SELECT max(version) FROM river_migration WHERE line = 'main'").Scan(&have); err != nil {
		return fmt.Errorf("version of the job queue: %w", err)
	}
	if have > known {
		return &flows.Error{Code: "store.newer", Params: flows.Params{"version": have, "known": known},
			Message:    fmt.Sprintf("the job queue in the metadata database has version %d and this version of Spark knows up to version %d", have, known),
			Suggestion: "start the newer Spark that wrote it, or restore the backup from before the upgrade"}
	}
	return nil
}

// args is what River stores of a job. The names are for ever: older jobs are read by newer workers.
type args struct {
	Run     string `json:"run" river:"unique"`
	Attempt int    `json:"attempt" river:"unique"`
	Project string `json:"project"`
	Before  int    `json:"before,omitempty"` // deliveries to workers that lost the job
}

const kind = "run"

func (args) Kind() string { return kind }

// InsertOpts make one attempt of a run one job, whatever became of it. River would try a failed job again: whether a
// run is tried again, from where and when is Spark's decision, so that each job has one chance.
func (args) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 1,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: rivertype.JobStates()}}
}

// Insert adds a job in tx, which is a transaction of the store that the queue was opened with. Nobody sees the job
// before tx is committed. A job for this attempt of the run that exists already is left as it is, and its id is returned.
func (q *Queue) Insert(ctx context.Context, tx *sql.Tx, job Job) (id int64, err error) {
	if job.Run == "" || job.Project == "" || job.Attempt < 1 {
		return 0, fmt.Errorf("job queue: the job %+v has no run, project or attempt", job)
	}
	return q.insert(ctx, tx, args{Run: job.Run, Attempt: job.Attempt, Project: job.Project})
}

func (q *Queue) insert(ctx context.Context, tx *sql.Tx, a args) (int64, error) {
	res, err := q.client.InsertTx(ctx, tx, a, nil)
	if err != nil {
		return 0, fmt.Errorf("insert job: %w", err)
	}
	return res.Job.ID, nil
}
