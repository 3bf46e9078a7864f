package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/run"
	"spark/server/api"
	"spark/static"
)

// Flows keeps flow documents.
type Flows interface {
	Create(ctx context.Context, scope flows.Scope, doc *flows.Flow) (flows.Draft, error)
	Get(ctx context.Context, scope flows.Scope, id string) (flows.Draft, error)
	SaveDraft(ctx context.Context, scope flows.Scope, id, etag string, doc *flows.Flow) (flows.Draft, error)
	Delete(ctx context.Context, scope flows.Scope, id string) error
	Restore(ctx context.Context, scope flows.Scope, id string) (flows.Draft, error)
	List(ctx context.Context, scope flows.Scope, o flows.ListOptions) (flows.Page[flows.Draft], error)
	Publish(ctx context.Context, scope flows.Scope, id string) (flows.Revision, error)
	Revision(ctx context.Context, scope flows.Scope, id string, number int) (flows.Revision, error)
}

// Runs starts and shows runs.
type Runs interface {
	Start(ctx context.Context, cmd run.Command) (r flows.Run, created bool, err error)
	Cancel(ctx context.Context, scope flows.Scope, id string) (flows.Run, error)
	Get(ctx context.Context, scope flows.Scope, id string) (flows.Run, error)
	List(ctx context.Context, scope flows.Scope, f flows.RunFilter) (flows.Page[flows.Run], error)
	Samples(ctx context.Context, scope flows.Scope, id, node string) ([]flows.Sample, error)
	Rejects(ctx context.Context, scope flows.Scope, id string, f flows.RejectFilter) (flows.Page[flows.Reject], error)
	Log(ctx context.Context, scope flows.Scope, id string, o flows.ListOptions) (flows.Page[flows.LogLine], error)
	Watch(ctx context.Context, scope flows.Scope, id string) (*run.Watch, error)
}

// LastRuns finds the last run of each of some flows.
type LastRuns interface {
	LastRuns(ctx context.Context, scope flows.Scope, ids []string) (map[string]flows.Run, error)
}

// Lab answers what builders ask while they draw.
type Lab interface {
	Check(ctx context.Context, scope flows.Scope, doc *flows.Flow, environment string, parameters map[string]string) (flows.Check, error)
	Preview(ctx context.Context, scope flows.Scope, req flows.PreviewRequest) (flows.Preview, error)
	Inspect(ctx context.Context, scope flows.Scope, path string) (node.Proposal, error)
	Fetch(ctx context.Context, scope flows.Scope, req flows.PreviewRequest) (node.Fetched, error)
	Operations(ctx context.Context, scope flows.Scope, environment string, q node.OperationsQuestion) (flows.Operations, error)
	TestConnection(ctx context.Context, name string, c node.ConnectionSpec) (node.ConnectionReport, error)
	Pin(ctx context.Context, scope flows.Scope, req flows.PreviewRequest) (flows.Pin, error)
	Window(ctx context.Context, scope flows.Scope, doc *flows.Flow, environment, node string, after *flows.Cursor) (flows.CursorWindow, error)
	Tables(ctx context.Context, name string, c node.ConnectionSpec, search string) ([]flows.Table, error)
	Columns(ctx context.Context, name string, c node.ConnectionSpec, table string) ([]flows.Column, error)
}

// Files are the data folders.
type Files interface {
	node.Lister
	Local(path string) (string, error)
	Create(path string) (node.PendingFile, error)
}

// Config is what a server is made of.
type Config struct {
	Hosts        []string // names and addresses, without port, by which the server may be called besides those of loopback
	Key          string   // the owner's key: at least 32 characters
	Version      string
	Flows        Flows
	Runs         Runs
	LastRuns     LastRuns
	Lab          Lab
	Connections  Connections
	SignIns      SignIns
	PublicURL    *url.URL // scheme and host by which people reach the server; nil: those of each request
	Rejects      Rejects
	Replays      Replays
	Cursors      Cursors
	Pins         Pins
	Answers      Answers
	Environments Environments
	Files        Files
	Ready        func(context.Context) error // whether requests can be served: the database answers
	Sample       []byte                      // document of the sample flow
	MaxUpload    int64                       // bytes; 0: DefaultMaxUpload
	Gallery      bool                        // serves the page with every component, for development
	Logger       *slog.Logger
	Now          func() time.Time // nil: time.Now
}

// DefaultMaxUpload is the size of an uploaded file that is accepted unless configured otherwise.
const DefaultMaxUpload = 10 << 30

// minKey is the length of a key that cannot be guessed.
const minKey = 32

// Server serves pages, API and WebSockets.
type Server struct {
	Config
	echo      *echo.Echo
	http      *http.Server
	routes    []route
	crossSite *http.CrossOriginProtection
	hub       *hub
	metrics   *metrics
	catalogue []byte
	openAPI   []byte
	uploads   uploads
	discovery discovery
	bundle    *static.Bundle
}

// New makes a server. It panics on routes that are not complete.
func New(cfg Config) (*Server, error) {
	if len(cfg.Key) < minKey {
		return nil, fmt.Errorf("the owner's key has %d characters and needs at least %d", len(cfg.Key), minKey)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.MaxUpload == 0 {
		cfg.MaxUpload = DefaultMaxUpload
	}
	if cfg.PublicURL != nil {
		cfg.Hosts = append(slices.Clip(cfg.Hosts), cfg.PublicURL.Hostname())
	}
	s := &Server{Config: cfg, echo: echo.New(), crossSite: http.NewCrossOriginProtection(), metrics: newMetrics(), bundle: static.Built()}
	s.hub = newHub(func(ctx context.Context, scope flows.Scope, id string) (watch, error) {
		w, err := cfg.Runs.Watch(ctx, scope, id)
		if err != nil {
			return nil, err // and no interface that holds a nil
		}
		return w, nil
	}, s.metrics)
	var err error
	if s.catalogue, err = api.Encode(catalogue()); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	s.routes = s.table()
	if s.openAPI, err = openAPI(s.routes, cfg.Version); err != nil {
		return nil, err
	}
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = s.fail
	s.echo.Pre(s.guard)
	for _, r := range s.routes {
		s.register(r)
	}
	s.http = &http.Server{Handler: s.echo, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug)}
	return s, nil
}

// ServeHTTP serves one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Serve serves until Shutdown. It refuses to listen where others than this machine could connect: there is no sign-in yet.
func (s *Server) Serve(l net.Listener) error {
	if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		return &flows.Error{Code: "server.not_loopback", Params: flows.Params{"address": a.String()},
			Message: fmt.Sprintf("Spark does not listen on %s: everybody who reaches that address could use it", a), Suggestion: "listen on 127.0.0.1 or ::1"}
	}
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Shutdown ends the WebSockets and waits for running requests until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.hub.close()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("shut down: %w", err), s.http.Close())
	}
	return nil
}
