// Package capi is the thin layer over DuckDB's C API: databases, connections, statements, the counting functions
// that are fused into a stage, and Arrow streams from Go as tables.
package capi

/*
#cgo CFLAGS: -O2 -Wall
#include "capi.h"
#include "gate.h"
#include <stdlib.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime/cgo"
	"strings"
	"sync"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	bind "github.com/duckdb/duckdb-go-bindings"
)

// MaxTaps is the number of tap ids of one database, 0 to MaxTaps-1.
const MaxTaps = C.SPARK_TAPS

// Refused is a record that tapx was given: it failed with error code Code at tap ID.
type Refused struct {
	ID, Code  int
	Raw, File string
	Record    int64
	Why       string // more about the reason, "" where there is nothing to say
}

// DB is one in-memory database with counters of its own.
type DB struct {
	db      bind.Database
	taps    *C.spark_taps
	handle  cgo.Handle
	refused func(Refused) error
	sampled func(id int, record string)
	applied functions
	forks   forks
	once    sync.Once

	mu    sync.Mutex
	parts map[int]bool    // of the json_read functions that there are
	gates []*C.spark_gate // of the streams of all connections: a thread may look at one as long as there are threads
}

// Open opens an in-memory database. Settings are DuckDB's own names. refused is called by DuckDB's threads for every
// record that a stage refuses; its error stops the statement.
func Open(settings map[string]string, refused func(Refused) error) (*DB, error) {
	var cfg bind.Config
	bind.CreateConfig(&cfg)
	defer bind.DestroyConfig(&cfg)
	for k, v := range settings {
		if bind.SetConfig(cfg, k, v) == bind.StateError {
			return nil, fmt.Errorf("duckdb: setting %s = %q refused", k, v)
		}
	}
	d := &DB{refused: refused}
	var msg string
	if bind.OpenExt(":memory:", &d.db, cfg, &msg) == bind.StateError {
		return nil, fmt.Errorf("duckdb: open: %s", msg)
	}
	d.handle = cgo.NewHandle(d)
	if err := d.register(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *DB) register() error {
	if d.taps = C.spark_taps_new(C.uintptr_t(d.handle)); d.taps == nil {
		return errors.New("duckdb: out of memory")
	}
	c, err := d.Connect()
	if err != nil {
		return err
	}
	defer c.Close()
	if C.spark_register(c.ptr(), d.taps) != 0 {
		return errors.New("duckdb: the counting functions could not be registered")
	}
	return nil
}

// Close ends the database. All its connections must have been closed.
func (d *DB) Close() {
	d.once.Do(func() {
		bind.Close(&d.db)
		C.spark_taps_free(d.taps)
		for _, g := range d.gates {
			C.spark_gate_free(g)
		}
		d.handle.Delete()
	})
}

// Tap returns the records that reached tap id and those that passed it (tapf) or were refused there (tapx).
func (d *DB) Tap(id int) (in, out uint64) {
	return uint64(C.spark_tap_in(d.taps, C.int(id))), uint64(C.spark_tap_out(d.taps, C.int(id)))
}

// Sample asks tap id for its first n records. take gets each as text, from DuckDB's threads, one call at a time or
// several at once; it is one function for the whole database.
func (d *DB) Sample(id, n int, take func(id int, record string)) {
	d.sampled = take
	C.spark_want(d.taps, C.int(id), C.int64_t(n))
}

// Conn is one connection: one statement at a time.
type Conn struct {
	c  bind.Connection
	db *DB
}

// Connect opens a connection.
func (d *DB) Connect() (*Conn, error) {
	c := &Conn{db: d}
	if bind.Connect(d.db, &c.c) == bind.StateError {
		return nil, errors.New("duckdb: connect failed")
	}
	return c, nil
}

// Close closes the connection.
func (c *Conn) Close() { bind.Disconnect(&c.c) }

// Interrupt ends the running statement as soon as DuckDB notices. It may be called by any goroutine.
func (c *Conn) Interrupt() { bind.Interrupt(c.c) }

func (c *Conn) ptr() C.duckdb_connection { return C.duckdb_connection(c.c.Ptr) }

// Exec runs one statement and returns the number of records that it wrote.
func (c *Conn) Exec(sql string) (uint64, error) {
	var changed C.uint64_t
	err := c.exec(sql, &changed, nil)
	return uint64(changed), err
}

func (c *Conn) exec(sql string, changed *C.uint64_t, out *C.duckdb_result) error {
	s, err := c.statement(sql)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(s))
	return said(C.spark_exec(c.ptr(), s, changed, out))
}

// statement is a statement for C, to be freed; what it names is there.
func (c *Conn) statement(sql string) (*C.char, error) {
	if strings.ContainsRune(sql, 0) { // C would execute what stands before it
		return nil, errors.New("duckdb: the statement contains a NUL character")
	}
	if err := c.db.declare(sql); err != nil {
		return nil, err
	}
	return C.CString(sql), nil
}

// QueryText runs one statement and returns every value as DuckDB's text, nil for NULL.
func (c *Conn) QueryText(sql string) ([][]*string, error) {
	var res C.duckdb_result
	if err := c.exec(sql, nil, &res); err != nil {
		return nil, err
	}
	defer C.duckdb_destroy_result(&res)
	cols, rows := int(C.duckdb_column_count(&res)), int(C.duckdb_row_count(&res))
	out := make([][]*string, rows)
	for r := range out {
		out[r] = make([]*string, cols)
		for i := range out[r] {
			if v := C.duckdb_value_varchar(&res, C.idx_t(i), C.idx_t(r)); v != nil {
				s := C.GoString(v)
				C.duckdb_free(unsafe.Pointer(v))
				out[r][i] = &s
			}
		}
	}
	return out, nil
}

// RegisterArrow makes the batches of r the table name. The table can be read once, only as a whole and with every
// column in use: DuckDB's Arrow scan asks the stream for projections that a Go reader does not know. release has to be
// called, after r was told to wait for nothing any more; DuckDB does not. A statement that was given up may still read
// then, and gets an error.
func (c *Conn) RegisterArrow(name string, r array.RecordReader) (release func(), err error) {
	var inner *C.struct_ArrowArrayStream
	gate := C.spark_gate_new(&inner)
	if gate == nil {
		return nil, errors.New("duckdb: out of memory")
	}
	c.db.mu.Lock()
	c.db.gates = append(c.db.gates, gate)
	c.db.mu.Unlock()
	cdata.ExportRecordReader(r, (*cdata.CArrowArrayStream)(unsafe.Pointer(inner)))
	release = func() { C.spark_gate_shut(gate) }
	n := C.CString(name)
	defer C.free(unsafe.Pointer(n))
	if C.duckdb_arrow_scan(c.ptr(), n, C.duckdb_arrow_stream(unsafe.Pointer(C.spark_gate_stream(gate)))) != C.DuckDBSuccess {
		release()
		return nil, fmt.Errorf("duckdb: the Arrow stream %s could not be registered", name)
	}
	return release, nil
}
