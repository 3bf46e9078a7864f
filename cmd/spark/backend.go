package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"spark/flows"
	"spark/flows/connection"
	"spark/flows/run"
	"spark/internal/seal"
	"spark/store"
	"spark/store/queue"
)

// backend is everything of a server but its HTTP: metadata, queue, worker, run service and lab.
type backend struct {
	store       *store.Store
	queue       *queue.Queue
	runs        *run.Service
	lab         *run.Lab
	connections *connection.Service
	folders     []string
	stopJob     func(context.Context) error
	stopPurge   func()
	stopSweep   func()
}

// backendOptions say where a server keeps things and what its runs may use.
type backendOptions struct {
	data        string // folder of the metadata; files stand in its folder "files"
	databaseURL string
	folders     []string // more data folders
	limits      limits
	total       run.Budget // of all runs; 0: the default
	workers     int        // runs at once, at most; 0: the default, below: none
	log         *slog.Logger
	keepRejects time.Duration // 0: for ever
	rejectBytes int64         // that a project may keep; 0: the usual
}

var (
	_ run.Store     = (*store.Runs)(nil)
	_ run.Documents = (*store.Flows)(nil)
	_ run.Checker   = (*run.Lab)(nil)
	_ run.Inbox     = (*store.Rejects)(nil)
)

// lease is how long a worker may be silent. With the embedded database there is no other one that could take over, and a
// machine that is busy with fifty runs must not make this one give up its own.
func lease(s *store.Store) time.Duration {
	if s.SQLite() {
		return time.Minute
	}
	return 0 // the queue's default
}

// maxWorkers is how many runs are worked at once where nothing else is said: their budgets let in fewer.
const maxWorkers = 64

// sampleSize is how many records of every output port a run keeps.
const sampleSize = 20

func openBackend(ctx context.Context, o backendOptions) (_ *backend, err error) {
	b := &backend{} // no result: a return with an error would take it from what follows
	defer func() {
		if err != nil {
			_ = b.close(ctx)
		}
	}()
	files := filepath.Join(o.data, "files")
	if err := os.MkdirAll(files, 0o700); err != nil {
		return nil, &flows.Error{Code: "store.folder", Path: flows.Path{File: files}, Cause: err, Message: "the data folder cannot be created: " + err.Error(),
			Suggestion: "choose one with --data that the user who runs Spark may write to"}
	}
	if b.folders, err = (dataFolders{Folder: append([]string{files}, o.folders...)}).list(""); err != nil {
		return nil, err
	}
	b.stopSweep = sweep(b.folders)
	if b.store, err = store.Open(ctx, store.Config{DatabaseURL: o.databaseURL, Folder: o.data, RejectBytes: o.rejectBytes}); err != nil {
		return nil, err
	}
	if b.queue, err = queue.Open(ctx, b.store, queue.Options{Workers: cmp.Or(max(0, o.workers), maxWorkers), Lease: lease(b.store), Alone: b.store.SQLite(), Log: o.log}); err != nil {
		return nil, err
	}
	b.store.Runs.Enqueue = func(ctx context.Context, tx *sql.Tx, project, id string, attempt int) error {
		_, err := b.queue.Insert(ctx, tx, queue.Job{Run: id, Project: project, Attempt: attempt})
		return err
	}
	sealer, err := openSealer(o.data)
	if err != nil {
		return nil, err
	}
	b.connections = &connection.Service{Store: b.store.Connections, Sealer: sealer, NewID: newID, Environments: b.store.Environments, Grants: &connection.Grants{Store: b.store.Grants, Sealer: sealer}, SignIns: b.store.Grants}
	if b.lab, err = newLab(b.folders, b.connections, b.store.Cursors); err != nil {
		return nil, err
	}
	b.lab.Environments, b.lab.Pins, b.lab.Answers = b.store.Environments, b.store.Pins, b.store.Answers
	total := totalBudget(o.total)
	pages := keptPages(filepath.Join(o.data, "pages"))
	pages.sweep(time.Now())
	b.runs = &run.Service{Answers: pages, Admission: run.NewAdmission(total), Budgets: budgets{limits: o.limits.of(total), files: b.lab.Files},
		Store: b.store.Runs, Documents: b.store.Flows, Executor: processes{limits: o.limits, background: true}, Checker: b.lab, Inbox: b.store.Rejects, Connections: b.connections, Cursors: b.store.Cursors, Pins: b.store.Pins, Environments: b.store.Environments, Sealer: sealer, Folders: b.folders,
		SampleSize: sampleSize, Now: time.Now, NewID: newID, Logger: o.log}
	if o.workers < 0 {
		return b, nil
	}
	b.stopPurge = keepFor(o.keepRejects, b.store.Rejects, time.Now, o.log)
	b.stopJob, err = b.queue.Work(ctx, func(ctx context.Context, job queue.Job) error {
		err := b.runs.Work(ctx, flows.Scope{Project: job.Project, Actor: "system"}, job.Run)
		if errors.Is(err, run.ErrWaits) {
			err = queue.ErrLater
		}
		return err
	})
	return b, err
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// openSealer takes the key of the secrets from the environment, or from a file in the data folder that is made at the
// first start.
func openSealer(data string) (*seal.Sealer, error) {
	if key := os.Getenv("SPARK_SECRET_KEY"); key != "" {
		s, err := seal.Text(key)
		if err != nil {
			return nil, &flows.Error{Code: "secrets.key", Cause: err, Message: "SPARK_SECRET_KEY holds no key of the secrets: " + err.Error(),
				Suggestion: "set it to the content of secrets.key as base64, or remove it where that file is in the data folder"}
		}
		return s, nil
	}
	return seal.File(filepath.Join(data, "secrets.key"))
}

// close lets running jobs end until ctx ends, and then cancels them.
func (b *backend) close(ctx context.Context) error {
	var errs []error
	if b.stopSweep != nil {
		b.stopSweep()
	}
	if b.stopPurge != nil {
		b.stopPurge()
	}
	if b.stopJob != nil {
		errs = append(errs, b.stopJob(ctx))
	}
	if b.lab != nil {
		b.lab.Close()
	}
	if b.connections != nil {
		b.connections.Grants.Close()
	}
	if b.store != nil {
		errs = append(errs, b.store.Close())
	}
	return errors.Join(errs...)
}
