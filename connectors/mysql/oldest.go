package mysql

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	clockForm = "'%Y-%m-%d %H:%i:%s.%f'"
	// statements that are being executed, of which some have not begun their transaction yet; in whole seconds.
	statementsBegan = "(SELECT MIN(SYSDATE(6) - INTERVAL (TIME + 1) SECOND) FROM information_schema.PROCESSLIST WHERE COMMAND NOT IN ('Sleep', 'Daemon', 'Binlog Dump', 'Binlog Dump GTID', 'Slave_IO', 'Slave_SQL', 'Slave_worker') AND USER NOT IN ('system user', 'event_scheduler') AND ID <> CONNECTION_ID() AND TIME >= 0)"
	// transactions, in whole seconds of the server's own zone; own counts that of the connection that asks.
	transactionsBegan = "SELECT DATE_FORMAT(MIN(IF(trx_mysql_thread_id = CONNECTION_ID(), NULL, CONVERT_TZ(trx_started, 'SYSTEM', '+00:00'))) - INTERVAL 1 SECOND, " + clockForm + "), COALESCE(SUM(trx_mysql_thread_id = CONNECTION_ID()), 0) FROM information_schema.INNODB_TRX"
	patience          = 10 * time.Second
)

// oldest returns the server's clock and when the oldest transaction or statement began that is in progress after it; that
// is the clock where there is none. The server shows transactions as they were up to some time ago, and refreshes that
// only when nobody has looked for 100 ms. So a transaction is begun over a connection of its own: once it is seen, what
// is shown is not older. blind: not all can be seen.
func (s *session) oldest(ctx context.Context) (now, oldest time.Time, blind bool, err error) {
	own, err := connect(ctx, s.of)
	if err != nil {
		return now, oldest, false, err
	}
	defer own.close()
	var clock string
	var statement *string
	if err := own.row(ctx, "SELECT DATE_FORMAT(SYSDATE(6), "+clockForm+")", &clock); err != nil {
		return now, oldest, false, err
	}
	if now, err = parseClock(clock); err != nil {
		return now, oldest, false, err
	}
	oldest = now
	if _, err := own.exec(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT"); err != nil {
		return now, oldest, false, err
	}
	earlier := func(text *string) {
		if text == nil {
			return
		}
		if t, err := parseClock(*text); err == nil && t.Before(oldest) {
			oldest = t
		}
	}
	if err := own.row(ctx, "SELECT DATE_FORMAT("+statementsBegan+", "+clockForm+")", &statement); err != nil {
		return now, oldest, false, err
	}
	earlier(statement)
	transaction, blind, err := own.transactions(ctx)
	earlier(transaction)
	return now, oldest, blind, err
}

// transactions asks when the oldest transaction began, until this connection's own one is seen.
func (s *session) transactions(ctx context.Context) (began *string, blind bool, err error) {
	for until := time.Now().Add(patience); ; {
		var seen int
		err := s.row(ctx, transactionsBegan, &began, &seen)
		if me, ok := errors.AsType[*mysql.MySQLError](err); ok && me.Number == 1227 {
			return nil, true, nil // the user may not
		}
		if err != nil || seen > 0 {
			return began, false, err
		}
		if time.Now().After(until) {
			return began, true, nil
		}
		select {
		case <-ctx.Done():
			return nil, false, ctx.Err()
		case <-time.After(110*time.Millisecond + rand.N(200*time.Millisecond)):
		}
	}
}

func parseClock(text string) (time.Time, error) {
	t, err := time.Parse("2006-01-02 15:04:05.000000", text)
	if err != nil {
		return t, fmt.Errorf("mysql: the server's clock: %w", err)
	}
	return t, nil
}
