package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"spark/connectors/internal/watch"
	"spark/flows/node"
)

// session is one connection, with the settings that keep values as they are.
type session struct {
	db       *sql.DB
	conn     *sql.Conn
	of       node.Connection
	settings *Settings
	name     string
	watch    *watch.Conn
	id       int64  // of the connection, at the server
	version  string // as the server writes it
	maria    bool
	local    bool // LOAD DATA LOCAL is allowed
	packet   int  // bytes of a statement, at most
}

// sqlMode refuses values that do not fit instead of changing them. Without NO_BACKSLASH_ESCAPES a text that a parameter
// brings could end the quotes around it; without NO_AUTO_VALUE_ON_ZERO a key of 0 would become another one.
const sqlMode = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO"

// connect opens one connection. It ends when the server neither answers nor works on an answer.
func connect(ctx context.Context, c node.Connection) (*session, error) {
	s, err := open(ctx, c)
	if err != nil {
		return nil, err
	}
	id := s.id
	s.watch.Start(time.Duration(s.settings.Silence)*time.Second, func(ctx context.Context) watch.State { return state(ctx, c, id) })
	return s, nil
}

// open opens a connection that nobody watches.
func open(ctx context.Context, c node.Connection) (*session, error) {
	settings, ok := c.Settings.(*Settings)
	if !ok {
		return nil, fmt.Errorf("mysql: settings %T", c.Settings)
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.DBName, cfg.User, cfg.Passwd = "tcp", settings.Place(), settings.Database, settings.User, settings.Password.Reveal()
	cfg.Collation, cfg.Logger, cfg.MaxAllowedPacket = "utf8mb4_bin", &mysql.NopLogger{}, 1<<30
	cfg.TLS, cfg.AllowFallbackToPlaintext = settings.tlsConfig()
	s := &session{of: c, settings: settings, name: c.Name}
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		w, err := watch.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		s.watch = w
		return w, nil
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("mysql: %w", err)
	}
	s.db = sql.OpenDB(connector)
	timed, cancel := context.WithTimeout(ctx, time.Duration(settings.ConnectTimeout)*time.Second)
	defer cancel()
	if s.conn, err = s.db.Conn(timed); err == nil {
		err = s.prepare(timed)
	}
	if err != nil {
		s.close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, settings.connectError(c.Name, err)
	}
	return s, nil
}

// prepare sets what a statement may depend on. A server that waits for a slow source or target must not hang up.
func (s *session) prepare(ctx context.Context) error {
	if err := s.row(ctx, "SELECT CONNECTION_ID(), VERSION(), @@local_infile, @@max_allowed_packet", &s.id, &s.version, &s.local, &s.packet); err != nil {
		return err
	}
	s.maria = strings.Contains(strings.ToLower(s.version), "mariadb")
	limit := "max_execution_time = 0"
	if s.maria {
		limit = "max_statement_time = 0"
	}
	_, err := s.exec(ctx, "SET SESSION sql_mode = '"+sqlMode+"', time_zone = '+00:00', sql_notes = 1, net_read_timeout = 3600, net_write_timeout = 3600, wait_timeout = 28800, "+
		"group_concat_max_len = 1048576, autocommit = 1, unique_checks = 1, foreign_key_checks = 1, "+limit)
	return err
}

// product names server and version.
func (s *session) product() string {
	if !s.maria {
		return "MySQL " + s.version
	}
	v := strings.TrimPrefix(s.version, "5.5.5-") // set before its version by some, for old clients
	v, _, _ = strings.Cut(v, "-")
	return "MariaDB " + v
}

// since reports whether the server is of a version or later.
func (s *session) since(major, minor, patch int) bool {
	var a, b, c int
	_, _ = fmt.Sscanf(strings.TrimPrefix(s.version, "5.5.5-"), "%d.%d.%d", &a, &b, &c)
	switch {
	case a != major:
		return a > major
	case b != minor:
		return b > minor
	}
	return c >= patch
}

func (s *session) close() {
	if s.conn != nil {
		_ = s.conn.Close()
	}
	_ = s.db.Close()
}

// exec runs one statement and returns how many records it touched.
func (s *session) exec(ctx context.Context, sql string) (int64, error) {
	r, err := s.conn.ExecContext(ctx, sql)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// row reads the one record of a query.
func (s *session) row(ctx context.Context, sql string, to ...any) error {
	return s.conn.QueryRowContext(ctx, sql).Scan(to...)
}

// list reads the records of a query.
func list[T any](ctx context.Context, s *session, sql string, scan func(r *sql.Rows) (T, error)) ([]T, error) {
	rows, err := s.conn.QueryContext(ctx, sql)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// stream hands over the records of a query as the driver has them. What each is given is valid until it returns. The
// connection is of no use after it has ended early.
func (s *session) stream(ctx context.Context, sql string, each func(values []driver.Value) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return s.conn.Raw(func(c any) error {
		q, ok := c.(driver.QueryerContext)
		if !ok {
			return fmt.Errorf("mysql: the driver's connection is %T", c)
		}
		rows, err := q.QueryContext(ctx, sql, nil)
		if err != nil {
			return err
		}
		values := make([]driver.Value, len(rows.Columns()))
		for {
			err := rows.Next(values)
			if err == nil {
				err = each(values)
			} else if errors.Is(err, io.EOF) {
				return rows.Close()
			}
			if err != nil { // to close the rows would read them all
				return err
			}
		}
	})
}

// state asks what the server does with a connection.
func state(ctx context.Context, c node.Connection, id int64) watch.State {
	s, err := open(ctx, c)
	if err == nil {
		defer s.close()
		var working bool
		if err = s.row(ctx, fmt.Sprintf("SELECT COALESCE(MAX(COMMAND <> 'Sleep' AND COALESCE(STATE, '') NOT IN ('Reading from net', 'Receiving from client', 'Writing to net', 'Sending to client')), 0) FROM information_schema.PROCESSLIST WHERE ID = %d", id), &working); err == nil && !working {
			return watch.Waiting
		}
	}
	if _, answered := errors.AsType[*mysql.MySQLError](err); err != nil && !answered {
		return watch.Unreachable
	}
	return watch.Working // or the server has an answer, but none to this question
}

// lose ends a session at the server, over another connection: a transaction whose client is gone would keep its locks
// until the server finds out.
func (s *session) lose(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	other, err := open(ctx, s.of)
	if err != nil {
		return
	}
	defer other.close()
	_, _ = other.exec(ctx, fmt.Sprintf("KILL %d", s.id)) // it may have ended
}

// text writes a text as SQL; a backslash is no escape, see sqlMode.
func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
