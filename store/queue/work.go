package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river"
)

var (
	// ErrStopped is the cause that ends the context of a job when its worker process has to end.
	ErrStopped = errors.New("the worker is being stopped")
	// ErrLost is the cause that ends the context of a job when its lease has run out: somebody else may have it.
	ErrLost = errors.New("the job may have gone to another worker")
	// ErrLater is what do returns for a job that cannot be worked yet: it is delivered again in a moment.
	ErrLater = errors.New("the job has to wait")
)

// pollInterval is how often an idle worker looks for jobs. Notifications do not pass through database/sql, and River's
// for SQLite are polled too, so that a job waits half of it on average and all of it at most. Each look is one statement
// on an index.
const pollInterval = 100 * time.Millisecond

// laterInterval is how long a job that has to wait makes room for others.
const laterInterval = time.Second

// stopGrace is what jobs get to clean up after their context has ended.
const stopGrace = 5 * time.Second

// Work calls do for each job, several at once, until stop is called; ctx matters only for the start.
//
// When do returns, its job has ended and is not delivered again, whether it returned an error or not: it is do that
// records what became of the run, and that a panic leaves to be found. The exceptions are ErrLater, and an error after
// the context of the job has ended with ErrStopped or ErrLost: then the job is delivered again, to whoever is free. A
// delivery can follow one that in truth finished, so do has to look at the run before it begins.
//
// stop takes no further jobs and waits for the running ones. When its context ends first, it ends theirs and waits a
// few seconds more. An error means that some go on regardless; their leases run out.
func (q *Queue) Work(ctx context.Context, do func(ctx context.Context, job Job) error) (stop func(context.Context) error, err error) {
	w := &worker{q: q, do: do, held: map[int64]*hold{}, ended: make(chan struct{}), beating: make(chan struct{})}
	if q.opts.Alone {
		if err := q.takeBack(ctx, 0); err != nil {
			return nil, err
		}
	}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, w); err != nil {
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	w.client, err = river.NewClient(q.driver, &river.Config{
		Logger:              quietly(q.opts.Log),
		Queues:              map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: q.opts.Workers}},
		Workers:             workers,
		FetchOnlyKnownKinds: true, // what a newer Spark inserted waits for a newer worker
		PollOnly:            true,
		FetchPollInterval:   pollInterval,
		FetchCooldown:       pollInterval,
		// A run may take days. Without a limit River never rescues a job, as it tells a dead worker from a slow
		// one only by the limit: leases do that instead.
		JobTimeout: -1,
	})
	if err != nil {
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	// A context that ends with a signal would cut the jobs off; stop lets them finish.
	if err := w.client.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	go w.beat()
	return w.stop, nil
}

// worker is one call of Work.
type worker struct {
	river.WorkerDefaults[args]
	q      *Queue
	do     func(context.Context, Job) error
	client *river.Client[*sql.Tx]

	mu      sync.Mutex
	held    map[int64]*hold // by job id
	cutOff  bool            // stop waits no longer
	once    sync.Once
	ended   chan struct{} // closed to end beat
	beating chan struct{} // closed when it has ended
}

// hold is a job that do works on.
type hold struct {
	cancel context.CancelCauseFunc
	expire *time.Timer
}

// Work is called by River.
func (w *worker) Work(ctx context.Context, j *river.Job[args]) error {
	ctx, cancel := context.WithCancelCause(ctx)
	w.hold(j.ID, cancel)
	defer w.release(j.ID)
	job := Job{Run: j.Args.Run, Project: j.Args.Project, Attempt: j.Args.Attempt, Delivery: j.Args.Before + len(j.AttemptedBy)}
	err := w.do(ctx, job)
	if errors.Is(err, ErrLater) {
		return river.JobSnooze(laterInterval)
	}
	if cause := context.Cause(ctx); err != nil && (cause == ErrStopped || cause == ErrLost) {
		return river.JobSnooze(0) // available at once, unless somebody has taken it back
	}
	return err
}

func (w *worker) hold(id int64, cancel context.CancelCauseFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held[id] = &hold{cancel, time.AfterFunc(w.q.opts.Lease, func() { cancel(ErrLost) })}
	if w.cutOff {
		cancel(ErrStopped)
	}
}

func (w *worker) release(id int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held[id].expire.Stop()
	w.held[id].cancel(nil)
	delete(w.held, id)
}

func (w *worker) stop(ctx context.Context) error {
	defer w.endBeat()
	if w.client.Stop(ctx) == nil {
		return nil
	}
	w.cancelAll()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	if err := w.client.Stop(ctx); err != nil {
		return fmt.Errorf("stop the worker: %d jobs have not ended: %w", w.count(), err)
	}
	return nil
}

func (w *worker) cancelAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cutOff = true
	for _, h := range w.held {
		h.cancel(ErrStopped)
	}
}

func (w *worker) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.held)
}

func (w *worker) endBeat() {
	w.once.Do(func() { close(w.ended) })
	<-w.beating
}
