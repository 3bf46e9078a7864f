package mysql

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"spark/flows"
	"spark/flows/node"
)

// An incremental selection reads the window (cursor − overlap, upper bound], in the order of cursor and key. The bound
// of a time lies before the start of every transaction and statement that is still in progress: what NOW() has put into
// records that are not committed yet lies above it. It is asked for before the snapshot is taken.

// window is what one reading covers.
type window struct {
	*node.Incremental
	kind      string // of the cursor: number, date or time
	zoned     bool   // the times are instants
	after     flows.Cursor
	from, to  string // bounds; empty: none
	inclusive bool   // from is part of the window: the first run
	blind     bool   // the start of some transactions may not be seen
	stands    bool   // nothing lies below to
}

// newWindow checks the cursor and asks for the upper bound. It is called before the snapshot is taken.
func newWindow(ctx context.Context, s *session, cols []column, inc *node.Incremental, after node.Offset) (*window, error) {
	w := &window{Incremental: inc}
	names := make([]string, len(cols))
	var cursor *column
	for i, c := range cols {
		if names[i] = c.name; c.name == inc.Cursor {
			cursor = &cols[i]
		}
	}
	if cursor == nil {
		return nil, &flows.Error{Code: "database.no_column", Path: flows.Path{Field: "cursor", Column: inc.Cursor}, Message: fmt.Sprintf("there is no column %q", inc.Cursor), Suggestion: flows.DidYouMean(inc.Cursor, names)}
	}
	switch t, _ := cursor.fieldType(); {
	case t.IsInteger() || t.Kind == flows.Decimal:
		w.kind = "number"
	case t.Kind == flows.Date:
		w.kind = "date"
	case t.Kind == flows.Timestamp || t.Kind == flows.TimestampTZ:
		w.kind, w.zoned = "time", t.Kind == flows.TimestampTZ
	default:
		return nil, &flows.Error{Code: "database.cursor_type", Path: flows.Path{Field: "cursor", Column: inc.Cursor}, Message: fmt.Sprintf("the column %q is %s, which nothing can be read on by", inc.Cursor, cursor.sqlType),
			Suggestion: "choose a column that grows: a number, a date or a time"}
	}
	if len(after) > 0 {
		if err := json.Unmarshal(after, &w.after); err != nil {
			return nil, fmt.Errorf("mysql: offset: %w", err)
		}
		if w.after.Column != "" && w.after.Column != inc.Cursor {
			return nil, &flows.Error{Code: "database.cursor_moved", Path: flows.Path{Field: "cursor"}, Params: flows.Params{"was": w.after.Column},
				Message: fmt.Sprintf("the flow has read up to %s of the column %q, and the cursor is now %q", w.after.Value, w.after.Column, inc.Cursor), Suggestion: "read everything again, or set the cursor to a value of the new column"}
		}
	}
	if w.kind != "number" {
		if err := w.bound(ctx, s); err != nil {
			return nil, err
		}
	}
	return w, w.lower()
}

var numberForm = regexp.MustCompile(`^[+-]?\d{1,65}(\.\d{1,30})?$`)

const (
	dayForm  = "2006-01-02"
	timeForm = "2006-01-02 15:04:05.999999"
)

// checked is a value of the cursor's kind in one form. Nothing else gets into a statement.
func (w *window) checked(v string) (string, bool) {
	if w.kind == "number" {
		return strings.TrimPrefix(v, "+"), numberForm.MatchString(v)
	}
	t, err := w.moment(v)
	return w.format(t), err == nil
}

// moment reads a date or time; one of an instant may have an offset.
func (w *window) moment(v string) (time.Time, error) {
	forms := []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", dayForm, "2006-01-02 15:04"}
	if w.zoned {
		forms = append(forms, time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07")
	}
	var err error
	for _, f := range forms {
		var t time.Time
		if t, err = time.Parse(f, strings.TrimSpace(v)); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, err
}

func (w *window) format(t time.Time) string {
	if w.kind == "date" {
		return t.Format(dayForm)
	}
	return t.Format(timeForm)
}

// literal writes a checked value of the cursor's type as SQL.
func (w *window) literal(v string) string {
	switch w.kind {
	case "number":
		return v
	case "date":
		return "DATE'" + v + "'"
	}
	return "TIMESTAMP'" + v + "'"
}

// lower finds the lower bound.
func (w *window) lower() error {
	if w.after.Value == "" {
		if w.Start == "" {
			return nil
		}
		var ok bool
		if w.from, ok = w.checked(w.Start); !ok {
			return w.notValue("start", w.Start)
		}
		w.inclusive = true
		return nil
	}
	var ok bool
	if w.from, ok = w.checked(w.after.Value); !ok {
		return w.notValue("cursor", w.after.Value)
	}
	w.after.Value = w.from
	switch {
	case w.Overlap == "":
	case w.kind == "number":
		a, _ := new(big.Rat).SetString(w.from)
		b, ok := new(big.Rat).SetString(w.Overlap)
		if !ok {
			return w.notValue("overlap", w.Overlap)
		}
		w.from = a.Sub(a, b).FloatString(30)
		w.from = strings.TrimSuffix(strings.TrimRight(w.from, "0"), ".")
	default:
		back, err := distance(w.Overlap)
		if err != nil {
			return err
		}
		t, err := w.moment(w.from)
		if err != nil {
			return err
		}
		w.from = w.format(t.Add(-back))
	}
	return nil
}

func (w *window) notValue(field, v string) error {
	return &flows.Error{Code: "database.cursor_value", Path: flows.Path{Field: field}, Message: fmt.Sprintf("%q is no value of the column %q", v, w.Cursor), Suggestion: "write one as the database does, such as 2026-01-31 or 1000"}
}

// distance reads a time such as 5 minutes; the settings are checked before.
func distance(s string) (time.Duration, error) {
	number := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz ")
	unit, known := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour}[strings.TrimSuffix(strings.TrimSpace(s[len(number):]), "s")]
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !known || n*float64(unit) > float64(1<<62) {
		return 0, fmt.Errorf("mysql: %q is no distance", s)
	}
	return time.Duration(n * float64(unit)), nil
}

// bound asks for the upper bound of a time.
func (w *window) bound(ctx context.Context, s *session) error {
	lag, err := distance(cmp.Or(w.Lag, "0 seconds"))
	if err != nil {
		return err
	}
	now, oldest, blind, err := s.oldest(ctx)
	if err != nil {
		return err
	}
	w.blind = blind
	safe := now.Add(-lag)
	if oldest.Before(safe) {
		safe = oldest
	}
	if !w.zoned {
		zone, err := time.LoadLocation(cmp.Or(w.Zone, "UTC"))
		if err != nil {
			return fmt.Errorf("mysql: %w", err)
		}
		safe = safe.In(zone)
	}
	if w.kind == "date" { // a day is complete when it is over
		safe = safe.AddDate(0, 0, -1)
	}
	w.to = w.format(safe)
	return nil
}

// close finds, in the snapshot, the upper bound of a number, and how far the cursor will be.
func (w *window) close(ctx context.Context, s *session, rel string) error {
	if w.kind == "number" {
		var top *string
		if err := s.row(ctx, "SELECT CAST(MAX("+quote(w.Cursor)+") AS CHAR) FROM "+rel, &top); err != nil {
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
	return s.row(ctx, "SELECT "+w.literal(w.to)+" <= "+w.literal(w.after.Value), &w.stands)
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
	c := flows.Cursor{Column: w.Cursor, Type: w.kind, Value: w.to, Generation: w.after.Generation}
	if w.stands {
		c.Value = w.after.Value
	}
	return json.Marshal(c)
}

// nulls counts the records that are never read.
func (w *window) nulls(ctx context.Context, s *session, rel string) (n int64, err error) {
	err = s.row(ctx, "SELECT COUNT(*) FROM "+rel+" WHERE "+quote(w.Cursor)+" IS NULL", &n)
	return n, err
}

// warn tells what may be passed over.
func (w *window) warn(nulls int64, tell func(*flows.Error)) {
	if tell == nil {
		return
	}
	if nulls > 0 {
		tell(&flows.Error{Code: "database.cursor_null", Path: flows.Path{Field: "cursor"}, Params: flows.Params{"records": nulls}, Message: fmt.Sprintf("%d records have no %s and are never read", nulls, w.Cursor),
			Suggestion: "fill it in, or read a query with COALESCE(" + w.Cursor + ", …)"})
	}
	if w.blind {
		tell(&flows.Error{Code: "database.cursor_blind", Path: flows.Path{Field: "lag"}, Message: "the user of the connection may not see when other users' transactions began: what they commit later than the lag may be passed over",
			Suggestion: "GRANT PROCESS ON *.* to the user, or choose a lag longer than the longest transaction"})
	}
}

// Window counts what would be read.
func (dialect) Window(ctx context.Context, c node.Connection, from node.Select, after node.Offset) (flows.CursorWindow, error) {
	s, err := begin(ctx, c, from, after)
	if err != nil {
		return flows.CursorWindow{}, err
	}
	defer s.close()
	w := s.window
	out := flows.CursorWindow{From: w.from, To: w.to}
	if out.Nulls, err = w.nulls(ctx, s.session, s.rel); err == nil {
		err = s.row(ctx, "SELECT COUNT(*) FROM "+s.rel+" WHERE "+w.condition(), &out.Records)
	}
	if err != nil {
		return out, selectError(c.Name, from, err)
	}
	return out, nil
}
