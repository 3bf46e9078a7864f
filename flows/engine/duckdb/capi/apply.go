package capi

// #include <stdint.h>
// #include <stdlib.h>
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"runtime/cgo"
	"strings"
	"sync"
	"unicode/utf8"
	"unsafe"
)

// Function is a function in Go that SQL calls as go_apply(number, text, …). Call appends the result for one record to
// dst; its arguments are DuckDB's memory, valid only during the call. It is called by several threads at once.
type Function struct {
	Name string
	Call func(dst []byte, args []string) ([]byte, error)
}

// functions are those of one database.
type functions struct {
	mu   sync.RWMutex
	list []Function
}

// Function makes f known to the database and returns its number.
func (d *DB) Function(f Function) int {
	d.applied.mu.Lock()
	defer d.applied.mu.Unlock()
	d.applied.list = append(d.applied.list, f)
	return len(d.applied.list) - 1
}

func (f *functions) at(id int) (Function, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if id < 0 || id >= len(f.list) {
		return Function{}, false
	}
	return f.list[id], true
}

// What the length of a result says; an error of n bytes is failed - n.
const (
	isNull = -1
	failed = -2
)

// bodies are buffers for the results of a chunk. A large one is not kept.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

const keptBody = 1 << 20

//export sparkApply
func sparkApply(handle C.uintptr_t, id C.int32_t, n, args C.uint64_t, texts, valid *unsafe.Pointer, lengths *C.int64_t, body **C.char) *C.char {
	d, ok := cgo.Handle(handle).Value().(*DB)
	if !ok {
		return C.CString("a function is called and nobody knows it")
	}
	f, ok := d.applied.at(int(id))
	if !ok {
		return C.CString(fmt.Sprintf("there is no function number %d", id))
	}
	b := bodies.Get().(*[]byte)
	out, err := f.chunk((*b)[:0], columns(texts, valid, int(args)), unsafe.Slice((*int64)(lengths), int(n)))
	if err != nil {
		return C.CString(err.Error())
	}
	*body = (*C.char)(C.CBytes(out))
	if *b = out; cap(out) <= keptBody {
		bodies.Put(b)
	}
	return nil
}

// column is a vector of texts of DuckDB.
type column struct {
	texts unsafe.Pointer // duckdb_string_t[]
	valid *uint64        // bits, nil where all are
}

func columns(texts, valid *unsafe.Pointer, n int) []column {
	list := make([]column, n)
	for i := range list {
		list[i] = column{unsafe.Slice(texts, n)[i], (*uint64)(unsafe.Slice(valid, n)[i])}
	}
	return list
}

// text is the i-th value: 4 bytes of length, then up to 12 of text, or 4 of it and a pointer to all.
func (c column) text(i int) (string, bool) {
	if c.valid != nil && *(*uint64)(unsafe.Add(unsafe.Pointer(c.valid), i/64*8))>>(i%64)&1 == 0 {
		return "", false
	}
	p := unsafe.Add(c.texts, 16*i)
	length := int(*(*uint32)(p))
	if length <= 12 {
		return unsafe.String((*byte)(unsafe.Add(p, 4)), length), true
	}
	return unsafe.String(*(**byte)(unsafe.Add(p, 8)), length), true
}

// chunk computes the results of some records, one behind the other. A panic is an error that says where: what it was about
// may be content of a record, or a secret.
func (f Function) chunk(out []byte, cols []column, lengths []int64) (_ []byte, err error) {
	record := 0
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the function %s broke down at record %d of its block%s; this is a defect of Spark", f.Name, record+1, broke(p))
		}
	}()
	args := make([]string, len(cols))
next:
	for record = range lengths {
		for a, c := range cols {
			var ok bool
			if args[a], ok = c.text(record); !ok {
				lengths[record] = isNull
				continue next
			}
		}
		before := len(out)
		made, err := f.Call(out, args)
		if err == nil && !isText(made[before:]) {
			err = errNoText
		}
		if err != nil {
			out = append(out[:before], sentence(err)...)
			lengths[record] = failed - int64(len(out)-before)
			continue
		}
		out = made
		lengths[record] = int64(len(out) - before)
	}
	return out, nil
}

var errNoText = errors.New("the result is no text: it has a NUL, or octets that are no UTF-8")

// isText reports whether DuckDB takes b for a text that it can work with.
func isText(b []byte) bool { return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 }

func sentence(err error) string {
	return strings.ToValidUTF8(strings.ReplaceAll(err.Error(), "\x00", "\uFFFD"), "\uFFFD")
}

// broke is what the runtime says of a panic.
func broke(p any) string {
	if e, ok := p.(runtime.Error); ok {
		return " (" + e.Error() + ")"
	}
	return ""
}
