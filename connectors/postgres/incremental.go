package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"spark/flows"
	"spark/flows/node"
)

// An incremental selection reads the window (cursor − overlap, upper bound], in the order of cursor and key. The bound
// of a time lies before the start of every transaction that is still in progress: what now() has put into records that
// are not committed yet lies above it. It is asked for before the snapshot is taken; a transaction that begins between
// the two begins later than the bound.

// window is what one reading covers.
type window struct {
	*node.Incremental
	kind      column // of the cursor
	after     flows.Cursor
	from, to  string // bounds as the server writes them; empty: none
	inclusive bool   // from is part of the window: the first run
	blind     bool   // the start of some transactions may not be seen
	stands    bool   // nothing lies below to
}

// newWindow checks the cursor and asks for the upper bound. It is called before the snapshot is taken.
func newWindow(ctx context.Context, conn *pgx.Conn, cols []column, inc *node.Incremental, after node.Offset) (*window, error) {
	w := &window{Incremental: inc}
	for _, c := range cols {
		if c.name == inc.Cursor {
			w.kind = c
		}
	}
	if w.kind.name == "" {
		names := make([]string, len(cols))
		for i, c := range cols {
			names[i] = c.name
		}
		return nil, &flows.Error{Code: "database.no_column", Path: flows.Path{Field: "cursor", Column: inc.Cursor}, Message: fmt.Sprintf("there is no column %q", inc.Cursor), Suggestion: flows.DidYouMean(inc.Cursor, names)}
	}
	if cursorTypes[w.kind.oid] == "" {
		return nil, &flows.Error{Code: "database.cursor_type", Path: flows.Path{Field: "cursor", Column: inc.Cursor}, Message: fmt.Sprintf("the column %q is %s, which nothing can be read on by", inc.Cursor, w.kind.sqlType),
			Suggestion: "choose a column that grows: a number, a date or a time"}
	}
	w.kind.sqlType = cursorTypes[w.kind.oid]
	if len(after) > 0 {
		if err := json.Unmarshal(after, &w.after); err != nil {
			return nil, fmt.Errorf("postgres: offset: %w", err)
		}
		if w.after.Column != "" && w.after.Column != inc.Cursor {
			return nil, &flows.Error{Code: "database.cursor_moved", Path: flows.Path{Field: "cursor"}, Params: flows.Params{"was": w.after.Column},
				Message: fmt.Sprintf("the flow has read up to %s of the column %q, and the cursor is now %q", w.after.Value, w.after.Column, inc.Cursor), Suggestion: "read everything again, or set the cursor to a value of the new column"}
		}
	}
	if !w.number() {
		if err := w.bound(ctx, conn); err != nil {
			return nil, err
		}
	}
	return w, w.lower(ctx, conn)
}

// cursorTypes are the types that a cursor may have, and those in which its bounds are written: without digits to which a
// bound would be rounded, and so that an index of the column is of use.
var cursorTypes = map[uint32]string{pgtype.Int2OID: "bigint", pgtype.Int4OID: "bigint", pgtype.Int8OID: "bigint", pgtype.NumericOID: "numeric",
	pgtype.DateOID: "date", pgtype.TimestampOID: "timestamp", pgtype.TimestamptzOID: "timestamptz"}

func (w *window) number() bool { return w.kind.sqlType == "bigint" || w.kind.sqlType == "numeric" }

// literal writes a value of the cursor's type as SQL.
func (w *window) literal(value string) string {
	return "'" + strings.ReplaceAll(value, "'", "''") + "'::" + w.kind.sqlType
}

// lower finds the lower bound.
func (w *window) lower(ctx context.Context, conn *pgx.Conn) error {
	if w.after.Value == "" {
		if w.Start == "" {
			return nil
		}
		w.inclusive = true
		if err := conn.QueryRow(ctx, "SELECT ("+w.literal(w.Start)+")::text").Scan(&w.from); err != nil {
			e := flows.AsError(queryError("", err))
			return &flows.Error{Code: "database.cursor_value", Path: flows.Path{Field: "start"}, Message: fmt.Sprintf("%q is no value of the column %q: %s", w.Start, w.Cursor, strings.TrimPrefix(e.Message, ": ")), Suggestion: "write one as the database does, such as 2026-01-31 or 1000", Cause: err}
		}
		return nil
	}
	if w.from = w.after.Value; w.Overlap == "" {
		return nil
	}
	less := "(" + w.literal(w.after.Value) + " - '" + strings.ReplaceAll(w.Overlap, "'", "''") + "'::interval)::" + w.kind.sqlType
	if w.number() {
		less = "greatest(" + w.literal(w.after.Value) + "::numeric - '" + strings.ReplaceAll(w.Overlap, "'", "''") + "'::numeric, -9223372036854775808)" // the least bigint
	}
	return conn.QueryRow(ctx, "SELECT ("+less+")::text").Scan(&w.from)
}

// bound asks for the upper bound of a time.
func (w *window) bound(ctx context.Context, conn *pgx.Conn) error {
	const running = `FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type NOT IN ('autovacuum worker', 'walsender')`
	safe := `least(clock_timestamp() - $1::interval,
	(SELECT min(xact_start) - interval '1 microsecond' ` + running + `),
	(SELECT min(prepared) - interval '1 microsecond' FROM pg_prepared_xacts WHERE database = current_database()))`
	args := []any{cmp.Or(w.Lag, "0")}
	switch w.kind.oid {
	case pgtype.TimestampOID:
		safe, args = "("+safe+" AT TIME ZONE $2)", append(args, cmp.Or(w.Zone, "UTC"))
	case pgtype.DateOID: // a day is complete when it is over
		safe, args = "(("+safe+" AT TIME ZONE $2)::date - 1)", append(args, cmp.Or(w.Zone, "UTC"))
	}
	// What runs as another user is hidden from one who may not see statistics: its state is null, then.
	return conn.QueryRow(ctx, "SELECT "+safe+"::text, EXISTS (SELECT "+running+" AND state IS NULL AND usesysid <> (SELECT oid FROM pg_roles WHERE rolname = current_user))",
		args...).Scan(&w.to, &w.blind)
}

// close finds, in the snapshot, the upper bound of a number, and how far the cursor will be.
func (w *window) close(ctx context.Context, conn *pgx.Conn, rel string) error {
	if w.number() {
		var top *string
		if err := conn.QueryRow(ctx, "SELECT max("+quote(w.Cursor)+")::text FROM "+rel).Scan(&top); err != nil {
			return err
		}
		if w.stands = top == nil; w.stands {
			return nil
		}
		w.to = *top
	}
	if w.after.Value == "" {
		return nil
	}
	// The bound may lie below the cursor: an old transaction is in progress, or records were deleted. The cursor stays.
	return conn.QueryRow(ctx, "SELECT "+w.literal(w.to)+" <= "+w.literal(w.after.Value)).Scan(&w.stands)
}

// condition selects the window.
func (w *window) condition() string {
	var parts []string
	switch {
	case w.from != "" && w.inclusive:
		parts = append(parts, quote(w.Cursor)+" >= "+w.literal(w.from))
	case w.from != "":
		parts = append(parts, quote(w.Cursor)+" > "+w.literal(w.from))
	}
	if w.to != "" {
		parts = append(parts, quote(w.Cursor)+" <= "+w.literal(w.to))
	}
	if len(parts) == 0 {
		return quote(w.Cursor) + " IS NOT NULL"
	}
	return strings.Join(parts, " AND ")
}

func (w *window) order() string {
	return quoted("", append([]string{w.Cursor}, w.Key...))
}

// offset is what is reached by reading the window.
func (w *window) offset() (node.Offset, error) {
	c := flows.Cursor{Column: w.Cursor, Type: w.kind.sqlType, Value: w.to, Generation: w.after.Generation}
	if w.stands {
		c.Value = w.after.Value
	}
	return json.Marshal(c)
}

// nulls counts the records that are never read.
func (w *window) nulls(ctx context.Context, conn *pgx.Conn, rel string) (n int64, err error) {
	err = conn.QueryRow(ctx, "SELECT count(*) FROM "+rel+" WHERE "+quote(w.Cursor)+" IS NULL").Scan(&n)
	return n, err
}

// warn tells what may be passed over.
func (w *window) warn(nulls int64, tell func(*flows.Error)) {
	if tell == nil {
		return
	}
	if nulls > 0 {
		tell(&flows.Error{Code: "database.cursor_null", Path: flows.Path{Field: "cursor"}, Params: flows.Params{"records": nulls}, Message: fmt.Sprintf("%d records have no %s and are never read", nulls, w.Cursor),
			Suggestion: "fill it in, or read a query with coalesce(" + w.Cursor + ", …)"})
	}
	if !w.number() && w.blind {
		tell(&flows.Error{Code: "database.cursor_blind", Path: flows.Path{Field: "lag"}, Message: "the user of the connection may not see when other users' transactions began: what they commit later than the lag may be passed over",
			Suggestion: "GRANT pg_read_all_stats to the user, or choose a lag longer than the longest transaction"})
	}
}

// Window counts what would be read.
func (dialect) Window(ctx context.Context, c node.Connection, from node.Select, after node.Offset) (flows.CursorWindow, error) {
	s, err := begin(ctx, c, from, after)
	if err != nil {
		return flows.CursorWindow{}, err
	}
	defer s.conn.Close(context.WithoutCancel(ctx))
	w := s.window
	out := flows.CursorWindow{From: w.from, To: w.to}
	if out.Nulls, err = w.nulls(ctx, s.conn, s.rel); err == nil {
		err = s.conn.QueryRow(ctx, "SELECT count(*) FROM "+s.rel+" WHERE "+w.condition()).Scan(&out.Records)
	}
	if err != nil {
		return out, selectError(c.Name, from, err)
	}
	return out, nil
}
