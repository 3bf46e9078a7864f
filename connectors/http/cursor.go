package http

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"spark/flows"
	"spark/flows/node"
)

// A cursor is kept as text: whole numbers in decimal, times in ISO 8601 in UTC, texts as they are.

// goOn finds what is asked for: what is new since the cursor that was reached, or since the beginning that was chosen.
func (rd *reading) goOn() error {
	if len(rd.request.After) > 0 {
		if err := json.Unmarshal(rd.request.After, &rd.after); err != nil {
			return fmt.Errorf("http: offset: %w", err)
		}
		if rd.after.Column != "" && rd.after.Column != rd.in.Cursor {
			return &flows.Error{Code: "http.cursor_moved", Path: flows.Path{Field: "cursor"}, Params: flows.Params{"was": rd.after.Column},
				Message: fmt.Sprintf("the flow has read up to %s of the field %q, and the cursor is now %q", rd.after.Value, rd.after.Column, rd.in.Cursor), Suggestion: "read everything again, or set the cursor to a value of the new field"}
		}
	}
	rd.highest = rd.after.Value
	rd.until = rd.in.untilOf(rd.cursor, rd.request.Began)
	if rd.after.Value == "" {
		rd.since = rd.in.Start
		return nil
	}
	value, err := before(rd.after.Value, rd.cursor, rd.in.Overlap)
	if err != nil {
		return &flows.Error{Code: "http.cursor_value", Path: flows.Path{Field: "cursor"}, Message: fmt.Sprintf("%q, which the flow has read up to, is no value of the type %s", rd.after.Value, rd.cursor), Suggestion: "read everything again, or set the cursor", Cause: err}
	}
	rd.since, err = rd.written(value)
	return err
}

// written is a cursor as the API takes it.
func (rd *reading) written(value string) (string, error) {
	if rd.in.SinceFormat != "unix" && rd.in.SinceFormat != "unixms" {
		return value, nil
	}
	at, err := parseTime(value)
	if err != nil {
		return value, nil // a number stays one
	}
	if rd.in.SinceFormat == "unix" {
		return strconv.FormatInt(at.Unix(), 10), nil
	}
	return strconv.FormatInt(at.UnixMilli(), 10), nil
}

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"}

func parseTime(value string) (at time.Time, err error) {
	for _, layout := range timeLayouts {
		if at, err = time.Parse(layout, value); err == nil {
			return at, nil
		}
	}
	return at, err
}

var distance = regexp.MustCompile(`^\s*(\d{1,6})\s*(second|minute|hour|day|week)s?\s*$`)

var units = map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour}

// before is a value less a distance. An empty value checks the distance only.
func before(value string, t flows.Type, overlap string) (string, error) {
	if overlap == "" {
		return value, nil
	}
	if t.IsInteger() {
		less, err := strconv.ParseInt(strings.TrimSpace(overlap), 10, 64)
		if err != nil || less < 0 || value == "" {
			return value, orNegative(err, less)
		}
		n, err := strconv.ParseInt(value, 10, 64)
		return strconv.FormatInt(n-less, 10), err
	}
	m := distance.FindStringSubmatch(overlap)
	if m == nil || t.Kind == flows.Text {
		return value, fmt.Errorf("%q is no distance", overlap)
	}
	if value == "" {
		return value, nil
	}
	at, err := parseTime(value)
	if err != nil {
		return value, err
	}
	return formatTime(at.Add(-lengthOf(m)), t), nil
}

// lengthOf is a distance that was found.
func lengthOf(m []string) time.Duration {
	n, _ := strconv.ParseInt(m[1], 10, 64) // at most six digits
	return time.Duration(n) * units[m[2]]
}

func orNegative(err error, n int64) error {
	if err == nil && n < 0 {
		err = fmt.Errorf("%d is negative", n)
	}
	return err
}

func formatTime(at time.Time, t flows.Type) string {
	switch t.Kind {
	case flows.Date:
		return at.UTC().Format("2006-01-02")
	case flows.Timestamp:
		return at.UTC().Format("2006-01-02T15:04:05.999999")
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// emitBatch notes the highest cursor of a batch and hands on the columns that are wanted.
func (rd *reading) emitBatch(b arrow.RecordBatch) error {
	if !rd.Incremental() {
		rd.stats.Records += b.NumRows()
		return rd.request.Emit(node.Batch{Records: b})
	}
	at := b.Schema().FieldIndices(rd.in.Cursor)
	if len(at) == 0 {
		b.Release()
		return fmt.Errorf("http: the cursor %q was not read", rd.in.Cursor)
	}
	parts, err := rd.bound(b, at[0])
	if err != nil {
		return err
	}
	for i, part := range parts {
		rd.note(part.Column(at[0]))
		if len(rd.wanted) > len(rd.request.Fields) {
			part = without(part, at[0])
		}
		rd.stats.Records += part.NumRows()
		if err := rd.request.Emit(node.Batch{Records: part}); err != nil {
			for _, rest := range parts[i+1:] {
				rest.Release()
			}
			return err
		}
	}
	return nil
}

// without is a batch less a column; it takes the batch over.
func without(b arrow.RecordBatch, column int) arrow.RecordBatch {
	defer b.Release()
	var fields []arrow.Field
	var columns []arrow.Array
	for i, c := range b.Columns() {
		if i != column {
			fields, columns = append(fields, b.Schema().Field(i)), append(columns, c)
		}
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, b.NumRows())
}

// note raises the highest cursor to the largest value of a column.
func (rd *reading) note(column arrow.Array) {
	best := -1
	number := numbers(column)
	texts, _ := column.(*array.String)
	for i := range column.Len() {
		if column.IsNull(i) {
			continue
		}
		if best < 0 || number != nil && number(i) > number(best) || texts != nil && texts.Value(i) > texts.Value(best) {
			best = i
		}
	}
	if best < 0 {
		return
	}
	value := ""
	switch c := column.(type) {
	case *array.String:
		value = strings.Clone(c.Value(best))
	case *array.Timestamp:
		value = formatTime(time.UnixMicro(int64(c.Value(best))), rd.cursor)
	case *array.Date32:
		value = formatTime(c.Value(best).ToTime(), rd.cursor)
	default:
		value = strconv.FormatInt(number(best), 10)
	}
	if rd.highest == "" || rd.above(value, rd.highest) {
		rd.highest = value
	}
}

func numbers(column arrow.Array) func(i int) int64 {
	switch c := column.(type) {
	case *array.Int8:
		return func(i int) int64 { return int64(c.Value(i)) }
	case *array.Int16:
		return func(i int) int64 { return int64(c.Value(i)) }
	case *array.Int32:
		return func(i int) int64 { return int64(c.Value(i)) }
	case *array.Int64:
		return c.Value
	case *array.Timestamp:
		return func(i int) int64 { return int64(c.Value(i)) }
	case *array.Date32:
		return func(i int) int64 { return int64(c.Value(i)) }
	}
	return nil
}

// above compares two values of the cursor.
func (rd *reading) above(a, b string) bool {
	if rd.cursor.IsInteger() {
		x, errX := strconv.ParseInt(a, 10, 64)
		y, errY := strconv.ParseInt(b, 10, 64)
		return errX == nil && (errY != nil || x > y)
	}
	if rd.cursor.IsTemporal() {
		x, errX := parseTime(a)
		y, errY := parseTime(b)
		return errX == nil && (errY != nil || x.After(y))
	}
	return a > b
}

// reached is the offset behind all that was read.
func (rd *reading) reached() (node.Offset, error) {
	c := flows.Cursor{Column: rd.in.Cursor, Type: rd.cursor.String(), Value: rd.highest, Generation: rd.after.Generation}
	return json.Marshal(c)
}
