package capi

/*
#include "capi.h"
#include <stdlib.h>
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/cdata"
)

// Stream runs one statement and hands its records over while it runs, in batches of up to 2,048. DuckDB waits while take
// is busy. take's error ends the statement and is returned; the batch is released after take.
func (c *Conn) Stream(sql string, take func(arrow.RecordBatch) error) error {
	text, err := c.statement(sql)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(text))
	var s C.spark_stream
	defer C.spark_stream_close(&s)
	cs := (*cdata.CArrowSchema)(C.calloc(1, C.size_t(unsafe.Sizeof(cdata.CArrowSchema{}))))
	defer C.free(unsafe.Pointer(cs))
	if err := said(C.spark_stream_open(c.ptr(), text, &s, (*C.struct_ArrowSchema)(unsafe.Pointer(cs)))); err != nil {
		return err
	}
	schema, err := cdata.ImportCArrowSchema(cs)
	if err != nil {
		return fmt.Errorf("duckdb: the records of the statement: %w", err)
	}
	array := (*cdata.CArrowArray)(C.calloc(1, C.size_t(unsafe.Sizeof(cdata.CArrowArray{}))))
	defer C.free(unsafe.Pointer(array))
	for {
		var more C.bool
		if err := said(C.spark_stream_next(&s, (*C.struct_ArrowArray)(unsafe.Pointer(array)), &more)); err != nil || !bool(more) {
			return err
		}
		batch, err := cdata.ImportCRecordBatchWithSchema(array, schema)
		if err != nil {
			return fmt.Errorf("duckdb: the records of the statement: %w", err)
		}
		err = take(batch)
		batch.Release()
		if err != nil {
			return err
		}
	}
}

// said turns an error text of C, which it frees, into an error.
func said(e *C.char) error {
	if e == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(e))
	return errors.New(C.GoString(e))
}
