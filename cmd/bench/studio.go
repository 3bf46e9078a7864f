package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/google/uuid"

	_ "spark/connectors/all" // the catalogue
	_ "spark/flows/transform/all"

	"spark/flows"
	"spark/flows/run"
	"spark/internal/served"
	"spark/server"
	"spark/store"
)

// studio is Spark's server inside this process: store, run service, hub, routes and editor are the real ones, and the
// executor is given. So it is known when an executor reported a count, and an executor may report whatever a figure
// needs. Its runs begin at once, without the queue.
type studio struct {
	served.Client
	server *server.Server
	store  *store.Store
	ended  chan error
}

// studio serves until it is stopped.
func (b *Bench) studio(ctx context.Context, executor run.Executor, folders ...string) (*studio, error) {
	dir, err := os.MkdirTemp(b.Folder, "studio-")
	if err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, store.Config{Folder: dir})
	if err != nil {
		return nil, err
	}
	st.Runs.Enqueue = func(context.Context, *sql.Tx, string, string, int) error { return nil }
	quiet := slog.New(slog.DiscardHandler)
	runs := &run.Service{Store: st.Runs, Documents: st.Flows, Executor: executor, Checker: noLab{}, Folders: folders, SampleSize: 20,
		Now: time.Now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, Logger: quiet}
	key := rand.Text() + rand.Text()
	srv, err := server.New(server.Config{Key: key, Version: "bench", Flows: st.Flows, Runs: atOnce{runs}, LastRuns: st.Runs, Lab: noLab{},
		Ready: st.SQL().PingContext, Logger: quiet})
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	s := &studio{Client: served.Client{Base: "http://" + l.Addr().String(), Key: key}, server: srv, store: st, ended: make(chan error, 1)}
	go func() { s.ended <- srv.Serve(l) }()
	return s, nil
}

func (s *studio) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(s.server.Shutdown(ctx), <-s.ended, s.store.Close())
}

// atOnce works a run in the goroutine that nobody waits for: the one that looks at it sees how it ended.
type atOnce struct{ *run.Service }

func (a atOnce) Start(ctx context.Context, cmd run.Command) (flows.Run, bool, error) {
	r, created, err := a.Service.Start(ctx, cmd)
	if created {
		go func() { _ = a.Work(context.WithoutCancel(ctx), cmd.Scope, r.ID) }()
	}
	return r, created, err
}

// noLab finds nothing wrong and knows no records. Nothing asks it to inspect a file.
type noLab struct{ server.Lab }

var _ run.Checker = noLab{}

func (noLab) Check(context.Context, flows.Scope, *flows.Flow, string, map[string]string) (flows.Check, error) {
	return flows.Check{}, nil
}

func (noLab) CheckSample(context.Context, flows.Scope, *flows.Flow, string, string, map[string]string) (flows.Check, error) {
	return flows.Check{}, nil
}

func (noLab) CheckRun(context.Context, flows.Scope, *flows.Flow, string, map[string]string, string) (flows.Check, error) {
	return flows.Check{}, nil
}

func (noLab) Replay(context.Context, flows.Scope, run.Job) (flows.ReplayReport, error) {
	return flows.ReplayReport{}, nil
}

func (noLab) Preview(_ context.Context, _ flows.Scope, req flows.PreviewRequest) (flows.Preview, error) {
	return flows.Preview{Node: req.Node, Inputs: []flows.Sample{}, Outputs: []flows.Sample{}}, nil
}
