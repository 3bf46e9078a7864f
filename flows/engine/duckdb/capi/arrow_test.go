package capi

import (
	"errors"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"
)

// ones delivers batches of the number one and tells when it is released.
type ones struct {
	left     int
	cur      arrow.RecordBatch
	schema   *arrow.Schema
	memory   *mallocator.Mallocator
	released bool
}

func (o *ones) Retain() {}
func (o *ones) Release() {
	o.drop()
	o.released = true
}

func (o *ones) drop() {
	if o.cur != nil {
		o.cur.Release()
		o.cur = nil
	}
}

func (o *ones) Next() bool {
	o.drop()
	if o.left == 0 {
		return false
	}
	o.left--
	b := array.NewRecordBuilder(o.memory, o.schema)
	defer b.Release()
	for range 3000 {
		b.Field(0).(*array.Int64Builder).Append(1)
	}
	o.cur = b.NewRecordBatch()
	return true
}

func (o *ones) Schema() *arrow.Schema          { return o.schema }
func (o *ones) Err() error                     { return nil }
func (o *ones) RecordBatch() arrow.RecordBatch { return o.cur }
func (o *ones) Record() arrow.RecordBatch      { return o.cur }

// TestStreamsAreReleased: whatever a statement read of a stream, nothing of it is left when it is released.
func TestStreamsAreReleased(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"read whole": "SELECT sum(x) FROM s", "stopped early": "SELECT x FROM s LIMIT 1", "never read": "SELECT 1", "failed": "SELECT error('no') FROM s",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := Open(nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			c, err := db.Connect()
			if err != nil {
				t.Fatal(err)
			}
			r := &ones{left: 20, memory: mallocator.NewMallocator(), schema: arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)}
			release, err := c.RegisterArrow("s", r)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.QueryText(sql); (err != nil) != (name == "failed") {
				t.Fatal(err)
			}
			release()
			c.Close()
			if n := r.memory.AllocatedBytes(); !r.released || n != 0 {
				t.Errorf("released: %t, %d bytes left", r.released, n)
			}
		})
	}
}

// TestStreamReleasedWhileRead: a statement that is given up may go on reading in DuckDB's threads; what is released then
// is read by none of them.
func TestStreamReleasedWhileRead(t *testing.T) {
	t.Parallel()
	db, err := Open(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	enough := errors.New("enough")
	for range 300 {
		c, err := db.Connect()
		if err != nil {
			t.Fatal(err)
		}
		r := &ones{left: 500, memory: mallocator.NewMallocator(), schema: arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)}
		release, err := c.RegisterArrow("s", r)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Stream("SELECT x FROM s", func(arrow.RecordBatch) error { return enough }); !errors.Is(err, enough) {
			t.Fatal(err)
		}
		release()
		left := r.left
		c.Close()
		if r.left != left {
			t.Fatalf("%d batches were read after the release", left-r.left)
		}
	}
}
