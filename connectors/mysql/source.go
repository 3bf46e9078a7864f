package mysql

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/connectors/internal/batch"
	"spark/flows"
	"spark/flows/node"
)

// snapshot is a selection in a transaction that sees one state of the database.
type snapshot struct {
	*session
	rel    string // what is read, as it stands behind FROM
	cols   []column
	window *window // of an incremental selection, else nil
}

// begin opens the snapshot of a selection. Who gets it without an error closes it.
func begin(ctx context.Context, c node.Connection, from node.Select, after node.Offset) (*snapshot, error) {
	s, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	snap := &snapshot{session: s}
	if err := snap.begin(ctx, from, after); err != nil {
		s.close()
		return nil, selectError(c.Name, from, err)
	}
	return snap, nil
}

func (s *snapshot) begin(ctx context.Context, from node.Select, after node.Offset) (err error) {
	if s.rel, err = relation(from, s.settings); err != nil {
		return err
	}
	if s.cols, err = s.describe(ctx, from, s.rel); err != nil {
		return err
	}
	if from.Incremental != nil {
		if from.Query == "" && from.Where != "" {
			s.rel = "(SELECT * FROM " + s.rel + ") q"
		}
		if s.window, err = newWindow(ctx, s.session, s.cols, from.Incremental, after); err != nil {
			return err
		}
	}
	for _, sql := range []string{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"} {
		if _, err := s.exec(ctx, sql); err != nil {
			return err
		}
	}
	// The columns may have changed since; what is read is what the snapshot has.
	if s.cols, err = s.describe(ctx, from, s.rel); err == nil && s.window != nil {
		err = s.window.close(ctx, s.session, s.rel)
	}
	return err
}

// statement selects the records.
func (s *snapshot) statement(list string) string {
	sql := "SELECT " + list + " FROM " + s.rel
	if s.window != nil {
		sql += " WHERE " + s.window.condition() + " ORDER BY " + s.window.order()
	}
	return sql
}

// Read delivers the records of a selection, in one snapshot.
func (dialect) Read(ctx context.Context, c node.Connection, from node.Select, r *node.Reading) (node.ReadStats, error) {
	stats := node.ReadStats{}
	s, err := begin(ctx, c, from, r.After)
	if err != nil {
		return stats, err
	}
	defer s.close()
	d, list, err := newDecoder(s.settings, s.cols, from, r)
	if err != nil {
		return stats, err
	}
	defer d.release()
	if s.window != nil {
		nulls, err := s.window.nulls(ctx, s.session, s.rel)
		if err != nil {
			return stats, selectError(c.Name, from, err)
		}
		s.window.warn(nulls, r.Warn)
		if stats.Offset, err = s.window.offset(); err != nil {
			return stats, err
		}
	}
	err = s.stream(ctx, s.statement(list), d.record)
	if err == nil {
		err = d.flush()
	}
	stats.Records, stats.Rejected = d.read-d.refused-int64(d.rows), d.refused
	switch {
	case errors.Is(err, node.ErrEnough):
		return stats, nil
	case err != nil && ctx.Err() != nil:
		return stats, ctx.Err()
	case err != nil && d.failed != nil:
		return stats, d.failed // of who takes the records
	case err != nil:
		return stats, selectError(c.Name, from, err)
	}
	stats.Complete = true
	return stats, nil
}

// wantedColumn finds the column of a field and checks that it still has the field's type.
func wantedColumn(cols []column, want flows.Field) (column, error) {
	names := make([]string, len(cols))
	for i, c := range cols {
		if names[i] = c.name; c.name != want.Name {
			continue
		}
		t, ok := c.fieldType()
		switch {
		case !ok:
			return c, unread(c)
		case !c.readable(want.Type):
			return c, &flows.Error{Code: "database.column_type", Path: flows.Path{Field: "fields", Column: want.Name}, Params: flows.Params{"column": c.sqlType, "field": want.Type.String()},
				Message: fmt.Sprintf("the column %q is %s, which is read as %s, and the field is %s", c.name, c.sqlType, t, want.Type), Suggestion: "read the fields from the database again, or make the field a text"}
		}
		return c, nil
	}
	return column{}, &flows.Error{Code: "database.no_column", Path: flows.Path{Field: "fields", Column: want.Name}, Message: fmt.Sprintf("there is no column %q", want.Name), Suggestion: flows.DidYouMean(want.Name, names)}
}

// selected is how a column stands in the select list for a field of a type.
func selected(c column, t flows.Type) string {
	switch {
	case t.Kind == flows.Double && c.base == "float": // the server writes six digits of it
		return "(" + quote(c.name) + " + 0e0)"
	case t.Kind == flows.Text && c.isText():
	case t.Kind == flows.Text && c.isBytes():
		return "HEX(" + quote(c.name) + ")"
	case t.Kind == flows.Text:
		return "CAST(" + quote(c.name) + " AS CHAR)"
	}
	return quote(c.name)
}

func (c column) isText() bool {
	t, _ := c.fieldType()
	return t.Kind == flows.Text
}

func (c column) isBytes() bool {
	t, _ := c.fieldType()
	return t.Kind == flows.Bytes
}

// newDecoder prepares the reading of the wanted fields and returns their select list.
func newDecoder(s *Settings, cols []column, from node.Select, r *node.Reading) (*decoder, string, error) {
	fields := make([]arrow.Field, 0, len(r.Fields)+2)
	list := make([]string, len(r.Fields))
	d := &decoder{}
	for i, name := range r.Fields {
		want, _ := from.Fields.Find(name)
		col, err := wantedColumn(cols, want)
		if err != nil {
			d.release()
			return nil, "", err
		}
		list[i] = selected(col, want.Type)
		fields = append(fields, arrow.Field{Name: name, Type: node.ArrowType(want.Type), Nullable: true})
		dec, err := newDecoding(col, want.Type, s.ZeroDates == "null")
		if err != nil {
			d.release()
			return nil, "", err
		}
		d.columns = append(d.columns, dec)
	}
	if r.Origin {
		fields = append(fields, arrow.Field{Name: node.OriginFile, Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: node.OriginRecord, Type: arrow.PrimitiveTypes.Int64, Nullable: true})
		d.file, d.origin = batch.NewColumn(arrow.BinaryTypes.String), batch.NewColumn(arrow.PrimitiveTypes.Int64)
	}
	d.schema = arrow.NewSchema(fields, nil)
	d.emit = func(b arrow.RecordBatch) error { return r.Emit(node.Batch{Records: b}) }
	d.refuse = func(record int64, col *decoding, why string, values []driver.Value) error {
		text, err := json.Marshal(raw(r.Fields, values))
		if err != nil {
			return fmt.Errorf("mysql: reject: %w", err)
		}
		return r.Reject(node.Reject{Code: "value.not_valid", Field: col.name, Reason: why, Record: record, Raw: string(text)})
	}
	d.reserve()
	if len(list) == 0 { // records are counted only
		list = []string{"1"}
	}
	return d, strings.Join(list, ", "), nil
}

// raw writes the values of a refused record for people.
func raw(names []string, values []driver.Value) map[string]any {
	out := map[string]any{}
	for i, name := range names {
		switch v := values[i].(type) {
		case nil:
			out[name] = nil
		case []byte:
			if out[name] = string(v); !utf8.Valid(v) {
				out[name] = fmt.Sprintf("%x", v)
			}
		default:
			out[name] = fmt.Sprint(v)
		}
	}
	return out
}
