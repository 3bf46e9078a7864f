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
	b, err := greet(ctx, conn)
	if err != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
		return nil, queryError(c.Name, err)
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

// greet asks a new connection who it is.
func greet(ctx context.Context, conn *pgx.Conn) (b backend, err error) {
	const who = "SELECT pid, backend_start::text%s FROM pg_stat_activity WHERE pid = pg_backend_pid()"
	err = conn.QueryRow(ctx, fmt.Sprintf(who, checkClient)).Scan(&b.pid, &b.began, nil)
	if _, refused := errors.AsType[*pgconn.PgError](err); refused {
		err = conn.QueryRow(ctx, fmt.Sprintf(who, "")).Scan(&b.pid, &b.began)
	}
	return b, err
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
