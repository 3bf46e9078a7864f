package mysql

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"spark/flows"
)

// bulk takes many records into a table.
type bulk interface {
	// send takes what is in buf, records from began on being the last one, where it is enough, and returns what is left.
	send(buf []byte, began int) ([]byte, error)
	// end takes the rest, and returns how many records the server took.
	end(buf []byte) (int64, error)
	// stop ends it without its records.
	stop()
}

// sendBytes is how much is sent at once.
const sendBytes = 256 << 10

// errEnded tells the writer that the server takes no more; why is known from the statement.
var errEnded = errors.New("mysql: the load has ended")

// file is LOAD DATA of what is written into a pipe. The driver gives it to the server under a name that nobody guesses;
// of what else a server may ask for it gives nothing.
type file struct {
	pipe *io.PipeWriter
	done chan error
	rows int64
	name string
}

// load starts LOAD DATA.
func (s *session) load(ctx context.Context, e *encoder, into, duplicates string) *file {
	reader, writer := io.Pipe()
	f := &file{pipe: writer, done: make(chan error, 1), name: rand.Text()}
	mysql.RegisterReaderHandler(f.name, func() io.Reader { return reader })
	go func() {
		defer mysql.DeregisterReaderHandler(f.name)
		rows, err := s.exec(ctx, e.lines(f.name, into, duplicates))
		if err == nil {
			err = s.warned(ctx)
		} else if me, ok := errors.AsType[*mysql.MySQLError](err); ok {
			err = s.atRecord(ctx, refusal(s.name, me), me.Message, 0)
		}
		f.rows = rows
		e.cut(err)
		reader.CloseWithError(errEnded)
		f.done <- err
	}()
	return f
}

func (f *file) send(buf []byte, _ int) ([]byte, error) {
	if len(buf) < sendBytes {
		return buf, nil
	}
	if _, err := f.pipe.Write(buf); err != nil {
		return nil, f.ended(err)
	}
	return buf[:0], nil
}

// ended is why the statement has ended.
func (f *file) ended(err error) error {
	if !errors.Is(err, errEnded) {
		return err
	}
	why := <-f.done
	f.done <- why
	if why == nil {
		why = err
	}
	return why
}

func (f *file) end(buf []byte) (int64, error) {
	if _, err := f.pipe.Write(buf); err != nil && len(buf) > 0 {
		return 0, f.ended(err)
	}
	f.pipe.Close()
	err := <-f.done
	f.done <- err
	return f.rows, err
}

func (f *file) stop() {
	f.pipe.CloseWithError(errEnded)
	err := <-f.done
	f.done <- err
}

var atRow = regexp.MustCompile(`at row (\d+)`)

// warned is the first thing that the server changed or left out in the last statement: LOAD DATA LOCAL only warns of it.
func (s *session) warned(ctx context.Context) error {
	var n int64
	if err := s.row(ctx, "SHOW COUNT(*) WARNINGS", &n); err != nil || n == 0 {
		return err
	}
	var level, message string
	var number uint16
	if err := s.row(ctx, "SHOW WARNINGS LIMIT 1", &level, &number, &message); err != nil {
		return err
	}
	e := s.atRecord(ctx, refusal(s.name, &mysql.MySQLError{Number: number, Message: message}), message, 0)
	if e.Code == "database.query" {
		e.Code, e.Suggestion = "database.value", "nothing was written; correct the value, or choose another column"
	}
	if n > 1 {
		e.Message += fmt.Sprintf(" (and %d more)", n-1)
	}
	return e
}

// atRecord names the record, where the server says which row of a statement it was; before are those of other statements.
func (s *session) atRecord(ctx context.Context, e *flows.Error, message string, before int64) *flows.Error {
	if m := atRow.FindStringSubmatch(message); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		e.Path.Record = before + n
		return e
	}
	var n *int64
	if s.maria && s.since(10, 7, 0) {
		if _, err := s.exec(ctx, "GET DIAGNOSTICS CONDITION 1 @spark_row = ROW_NUMBER"); err == nil && s.row(ctx, "SELECT @spark_row", &n) == nil && n != nil && *n > 0 {
			e.Path.Record = before + *n
		}
	}
	return e
}

var ofColumn = regexp.MustCompile(`for column (?:.*\.)?[` + "`" + `']([^` + "`" + `']+)[` + "`" + `'] at row`)

// cut names the field in what LOAD DATA warns of, and calls a text that lost its end what INSERT calls it.
func (e *encoder) cut(err error) {
	fe, ok := errors.AsType[*flows.Error](err)
	if !ok {
		return
	}
	m := ofColumn.FindStringSubmatch(fe.Message)
	if m == nil {
		return
	}
	for _, c := range e.columns {
		if !strings.EqualFold(c.column.name, m[1]) {
			continue
		}
		if fe.Path.Column = c.field.Name; fe.Params["number"] == int64(1265) && (c.form == words || c.form == octets) {
			t := troubles[1406]
			fe.Code, fe.Suggestion = t.code, t.suggestion
		}
	}
}

// statements are INSERTs of many records each, of bounded size.
type statements struct {
	s     *session
	ctx   context.Context
	e     *encoder
	head  string
	limit int // bytes of a statement
	rows  int64
	first int64 // record of the statement in buf
}

// mostStatement bounds the memory that a statement takes, here and at the server.
const mostStatement = 1 << 20

// insert starts sending INSERTs.
func (s *session) insert(ctx context.Context, e *encoder, into string, replace bool) *statements {
	e.rows = true
	return &statements{s: s, ctx: ctx, e: e, head: e.head(into, replace), limit: min(mostStatement, s.packet-1024), first: 1}
}

func (i *statements) send(buf []byte, began int) ([]byte, error) {
	switch {
	case began == 0: // the first record of a statement
		return buf, nil
	case len(i.head)+len(buf)+1 <= i.limit:
		return append(buf[:began], append([]byte{','}, buf[began:]...)...), nil
	}
	last := append([]byte(nil), buf[began:]...)
	if err := i.flush(buf[:began], i.e.n-1); err != nil {
		return nil, err
	}
	return append(buf[:0], last...), nil
}

// flush executes the statement of the records up to last.
func (i *statements) flush(buf []byte, last int64) error {
	if len(buf) == 0 {
		return nil
	}
	n, err := i.s.exec(i.ctx, i.head+string(buf))
	if me, ok := errors.AsType[*mysql.MySQLError](err); ok {
		e := i.s.atRecord(i.ctx, refusal(i.s.name, me), me.Message, i.first-1)
		i.e.cut(e)
		return e
	}
	if err != nil {
		return err
	}
	i.rows += n
	i.first = last + 1
	return nil
}

func (i *statements) end(buf []byte) (int64, error) {
	err := i.flush(buf, i.e.n)
	return i.rows, err
}

func (i *statements) stop() {}
