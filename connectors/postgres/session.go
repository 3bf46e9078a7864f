package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"spark/connectors/internal/watch"
	"spark/flows"
	"spark/flows/node"
)

// backend is the server's side of a connection. Its number alone may be that of another one later.
type backend struct {
	pid   int32
	began string
}

// watched and backendOf are what is kept beside a connection of the driver.
const (
	watched   = "watch"
	backendOf = "backend"
)

// connect opens one connection. It ends when the server neither answers nor works on an answer.
func connect(ctx context.Context, c node.Connection) (*pgx.Conn, error) {
	conn, err := open(ctx, c)
	if err != nil {
		return nil, err
	}
	b, err := greet(ctx, conn, c)
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	conn.PgConn().CustomData()[backendOf] = b
	w, silence := watchOf(conn), time.Duration(c.Settings.(*Settings).Silence)*time.Second
	w.Start(silence, func(ctx context.Context) watch.State { return b.state(ctx, c) })
	return conn, nil
}

// checkClient makes the server look every five seconds whether its client is still there: what a process that was killed
// has asked for would go on, and keep its locks, until the server has an answer. Servers before 14 and some systems of
// servers cannot look.
const checkClient = ", set_config('client_connection_check_interval', '5s', false)"

// greet asks a new connection who it is, and sets what a pool does not let through when the connection is made.
func greet(ctx context.Context, conn *pgx.Conn, c node.Connection) (b backend, err error) {
	err = conn.QueryRow(ctx, "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()").Scan(&b.pid, &b.began)
	if err != nil {
		return b, queryError(c.Name, err)
	}
	if conn.PgConn().PID() != uint32(b.pid) { // that is another one's, who stands in between
		if err := b.own(ctx, c); err != nil {
			return b, err
		}
	}
	const set = "SELECT set_config('extra_float_digits', '3', false), set_config('search_path', coalesce(nullif($1, ''), current_setting('search_path')), false)"
	path := c.Settings.(*Settings).SearchPath
	_, err = conn.Exec(ctx, set+checkClient, path)
	if _, refused := errors.AsType[*pgconn.PgError](err); refused {
		_, err = conn.Exec(ctx, set, path)
	}
	if err != nil {
		return b, queryError(c.Name, err)
	}
	return b, nil
}

// poolTime is how long a pool may let another connection wait, while the one that is asked about is open.
const poolTime = 2 * time.Second

// own refuses a pool that does not keep a session of the server for this connection: what is set there is lost or meets
// others, and who ends the session ends somebody else's. Such a pool gives the session to the next who asks.
func (b backend) own(ctx context.Context, c node.Connection) error {
	for range 3 { // others may be quicker
		timed, cancel := context.WithTimeout(ctx, poolTime)
		shared, err := b.isGivenTo(timed, c)
		cancel()
		if err != nil {
			return ctx.Err() // a pool that has no other session gives away none
		}
		if shared {
			return &flows.Error{Code: "database.pooled", Path: flows.Path{Field: "connection"}, Params: flows.Params{"connection": c.Name, "place": c.Settings.Place()},
				Message:    fmt.Sprintf("%s: the pool at %s gives every transaction another session of the server", c.Name, c.Settings.Place()),
				Suggestion: "give the address of the server itself, or of a pool in session mode"}
		}
	}
	return nil
}

func (b backend) isGivenTo(ctx context.Context, c node.Connection) (given bool, err error) {
	conn, err := open(ctx, c)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = pg_backend_pid() AND pid = $1 AND backend_start::text = $2", b.pid, b.began).Scan(&given)
	return given, err
}

func watchOf(conn *pgx.Conn) *watch.Conn {
	return conn.PgConn().CustomData()[watched].(*watch.Conn)
}

// open opens a connection that nobody watches.
func open(ctx context.Context, c node.Connection) (*pgx.Conn, error) {
	s, ok := c.Settings.(*Settings)
	if !ok {
		return nil, fmt.Errorf("postgres: settings %T", c.Settings)
	}
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	var last *watch.Conn // without TLS, where that was not possible
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		w, err := watch.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		last = w
		return w, nil
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, s.connectError(c.Name, err)
	}
	conn.PgConn().CustomData()[watched] = last
	return conn, nil
}

// state asks what the server does with a connection.
func (b backend) state(ctx context.Context, c node.Connection) watch.State {
	conn, err := open(ctx, c)
	if err == nil {
		defer conn.Close(context.WithoutCancel(ctx))
		var working bool
		if err = conn.QueryRow(ctx, "SELECT coalesce(bool_or(state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'), false) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2", b.pid, b.began).Scan(&working); err == nil && !working {
			return watch.Waiting
		}
	}
	if _, answered := errors.AsType[*pgconn.PgError](err); err != nil && !answered {
		return watch.Unreachable
	}
	return watch.Working // or the server has an answer, but none to this question
}

// end ends a connection at the server, over another one: a transaction whose client is gone would keep its locks until the
// server finds out.
func (b backend) end(ctx context.Context, c node.Connection) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	conn, err := open(ctx, c)
	if err != nil {
		return
	}
	defer conn.Close(ctx)
	_, _ = conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2", b.pid, b.began) // it may have ended
}
