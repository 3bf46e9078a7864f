package http

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"spark/flows"
	"spark/flows/node"
)

// An incremental reading asks for the window from the cursor less the overlap up to the time that the run began at, less what it
// stays behind. The upper bound is that of the run, not of its execution: one that is executed again asks for the same.

// texts are the settings that may hold a bound.
func (in *Input) texts() []*string {
	list := []*string{&in.URL, &in.Body}
	for i := range in.Query {
		list = append(list, &in.Query[i].Value)
	}
	for i := range in.Headers {
		list = append(list, &in.Headers[i].Value)
	}
	return list
}

func (in *Input) names(mark string) bool {
	return slices.ContainsFunc(in.texts(), func(s *string) bool { return strings.Contains(*s, mark) })
}

// filled are the settings with the bounds in their places.
func (in *Input) filled(from, until string) *Input {
	out := *in
	out.Query, out.Headers = slices.Clone(in.Query), slices.Clone(in.Headers)
	bounds := strings.NewReplacer(node.CursorFrom, from, node.CursorUntil, until)
	for _, s := range out.texts() {
		*s = bounds.Replace(*s)
	}
	return &out
}

// checkBounds checks where the bounds stand.
func (in *Input) checkBounds(c *node.Context) bool {
	from, until := in.names(node.CursorFrom), in.names(node.CursorUntil)
	switch {
	case in.Mode != "incremental" && (from || until):
		c.Problem("mode", "http.bound", "${cursor.from} and ${cursor.until} have values only where the node reads what is new", "choose incremental as the records, or take them out of the request")
		return false
	case from && in.Start == "":
		c.Problem("start", "http.bound", "the first run has nothing to put in the place of ${cursor.from}", "write where it begins, such as 2026-01-01")
		return false
	}
	return true
}

// cursorKinds are the types that a cursor may have.
var cursorKinds = []flows.Kind{flows.Int8, flows.Int16, flows.Int32, flows.Int64, flows.Date, flows.Timestamp, flows.TimestampTZ, flows.Text}

func (in *Input) checkCursor(c *node.Context, schema flows.Schema) bool {
	if in.SinceParameter == "" && !in.names(node.CursorFrom) {
		c.Problem("sinceParameter", "config.required", "the query parameter that takes the cursor is missing", "write its name, such as updated_since, or ${cursor.from} where the value goes")
		return false
	}
	if in.Cursor == "" {
		c.Problem("cursor", "config.required", "the cursor field is missing", "choose a field that grows with every change")
		return false
	}
	f, ok := c.Field("cursor", in.Cursor, schema)
	if !ok {
		return false
	}
	if !slices.Contains(cursorKinds, f.Type.Kind) {
		c.Problem("cursor", "http.cursor_type", fmt.Sprintf("the field %q is %s, which nothing can be read on by", f.Name, f.Type), "choose a number, a date, a time or a text that sorts as one")
		return false
	}
	if _, err := before("", f.Type, in.Overlap); err != nil {
		c.Problem("overlap", "http.overlap", fmt.Sprintf("%q is no distance for a cursor of type %s", in.Overlap, f.Type), "write a number such as 1000, or a time such as 5 minutes")
		return false
	}
	return in.checkUntil(c, f)
}

// checkUntil checks the upper bound.
func (in *Input) checkUntil(c *node.Context, f flows.Field) bool {
	for setting, used := range map[string]bool{"untilParameter": in.UntilParameter != "" || in.names(node.CursorUntil), "lag": in.Lag != ""} {
		if used && !f.Type.IsTemporal() {
			c.Problem(setting, "http.until", fmt.Sprintf("a cursor of type %s has no upper bound: only dates and times have", f.Type), "choose a date or a time as the cursor, or leave it out")
			return false
		}
	}
	if _, err := before("", flows.Of(flows.TimestampTZ), in.Lag); err != nil {
		c.Problem("lag", "http.lag", fmt.Sprintf("%q is no time to stay behind", in.Lag), "write one such as 30 seconds or 5 minutes")
		return false
	}
	return true
}

// cursorType is that of the cursor field, as far as the settings say it. While the fields are not known it is a time.
func (in *Input) cursorType() flows.Type {
	if i := slices.IndexFunc(in.Fields, func(f node.FileField) bool { return f.Name == in.Cursor }); i >= 0 {
		return in.Fields[i].Type
	}
	return flows.Of(flows.TimestampTZ)
}

// bounded reports whether there is an upper bound.
func (in *Input) bounded(cursor flows.Type) bool {
	return in.Mode == "incremental" && cursor.IsTemporal() && (in.Lag != "" || in.UntilParameter != "" || in.names(node.CursorUntil))
}

// untilOf is the upper bound of a run as a value of the cursor; "": there is none. Of dates it is the last day that was over.
func (in *Input) untilOf(cursor flows.Type, began time.Time) string {
	if !in.bounded(cursor) {
		return ""
	}
	if began.IsZero() {
		began = time.Now()
	}
	at := began.UTC().Truncate(time.Microsecond)
	if m := distance.FindStringSubmatch(in.Lag); m != nil {
		at = at.Add(-lengthOf(m))
	}
	if cursor.Kind == flows.Date {
		at = at.AddDate(0, 0, -1)
	}
	return formatTime(at, cursor)
}

// bound leaves records above the upper bound to the next run. It takes the batch over.
func (rd *reading) bound(b arrow.RecordBatch, column int) ([]arrow.RecordBatch, error) {
	if rd.until == "" || rd.request.Answer != nil {
		return []arrow.RecordBatch{b}, nil
	}
	at, err := parseTime(rd.until)
	if err != nil {
		return nil, fmt.Errorf("http: upper bound %q: %w", rd.until, err)
	}
	defer b.Release()
	var kept []arrow.RecordBatch
	from := 0
	cut := func(to int) {
		if to > from {
			kept = append(kept, b.NewSlice(int64(from), int64(to)))
		}
		from = to + 1
	}
	above := aboveTime(b.Column(column), at)
	for i := range int(b.NumRows()) {
		if above(i) {
			rd.younger++
			cut(i)
		}
	}
	cut(int(b.NumRows()))
	return kept, nil
}

// aboveTime tells which values of a column are later than a time.
func aboveTime(column arrow.Array, at time.Time) func(i int) bool {
	switch c := column.(type) {
	case *array.Timestamp:
		most := at.UnixMicro()
		return func(i int) bool { return !c.IsNull(i) && int64(c.Value(i)) > most }
	case *array.Date32:
		return func(i int) bool { return !c.IsNull(i) && c.Value(i).ToTime().After(at) }
	}
	return func(int) bool { return false }
}

// tellYounger says how many records were left to the next run.
func (rd *reading) tellYounger() {
	if rd.younger > 0 && rd.request.Warn != nil {
		rd.request.Warn(&flows.Error{Code: "http.younger", Severity: flows.SeverityInfo, Params: flows.Params{"records": rd.younger}, Message: fmt.Sprintf("%d records lie above %s, the upper bound of this run, and are left to the next one", rd.younger, rd.until), Suggestion: "nothing has to be done"})
	}
}
