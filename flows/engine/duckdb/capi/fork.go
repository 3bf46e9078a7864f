package capi

/*
#include "fork.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime/cgo"
	"sync"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/cdata"
)

// Fork takes copies of records that pass through a statement, by fork_at(number) and fork_to(id, …) of it: see fork.c. Its
// functions are called by several threads at once, and may let them wait. An error ends the statement.
type Fork struct {
	Schemas []*arrow.Schema // of what fork_to hands over, by its id
	// Take gets records of a batch of the source, of one batch in their order. It owns them.
	Take func(id int, number int64, records arrow.RecordBatch) error
	// Left is told that all records of a batch have passed.
	Left func(number int64) error
}

// withID is the schema of what fork_to gets, its id included.
func (f *Fork) withID(id int) *arrow.Schema {
	return arrow.NewSchema(append([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int32}}, f.Schemas[id].Fields()...), nil)
}

// forks is the fork of a database, nil where none is in progress.
type forks struct {
	mu   sync.RWMutex
	fork *Fork
	made bool // the functions are there
}

// Fork lets statements of this connection hand records to f until it is called again; nil: to nobody.
func (c *Conn) Fork(f *Fork) error {
	c.db.forks.mu.Lock()
	defer c.db.forks.mu.Unlock()
	if c.db.forks.fork = f; f == nil || c.db.forks.made {
		return nil
	}
	if C.spark_register_fork(c.ptr(), C.uintptr_t(c.db.handle)) != 0 {
		return errors.New("duckdb: the functions of forks could not be registered")
	}
	c.db.forks.made = true
	return nil
}

func forkOf(handle C.uintptr_t) (*Fork, error) {
	d, ok := cgo.Handle(handle).Value().(*DB)
	if !ok {
		return nil, errors.New("records are handed over and nobody takes them")
	}
	d.forks.mu.RLock()
	defer d.forks.mu.RUnlock()
	if d.forks.fork == nil {
		return nil, errors.New("records are handed over and nobody takes them")
	}
	return d.forks.fork, nil
}

//export sparkForkLeft
func sparkForkLeft(handle C.uintptr_t, number C.int64_t) *C.char {
	f, err := forkOf(handle)
	if err == nil {
		err = f.Left(int64(number))
	}
	return text(err)
}

//export sparkForkTo
func sparkForkTo(handle C.uintptr_t, id C.int32_t, number C.int64_t, c *C.struct_ArrowArray) *C.char {
	records := (*cdata.CArrowArray)(unsafe.Pointer(c))
	f, err := forkOf(handle)
	if err == nil && (id < 0 || int(id) >= len(f.Schemas)) {
		err = fmt.Errorf("there is no fork number %d", id)
	}
	if err != nil {
		cdata.ReleaseCArrowArray(records)
		return text(err)
	}
	batch, err := cdata.ImportCRecordBatchWithSchema(records, f.withID(int(id)))
	if err != nil {
		return text(err)
	}
	defer batch.Release()
	return text(f.Take(int(id), int64(number), array.NewRecordBatch(f.Schemas[id], batch.Columns()[1:], batch.NumRows())))
}

// text is an error as C takes it, to be freed there; nil for none.
func text(err error) *C.char {
	if err == nil {
		return nil
	}
	return C.CString(err.Error())
}
