package batch

import (
	"encoding/binary"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Slack is how far wide stores may run past the end of a column's values.
const Slack = 64

// Column is one column that is being filled. Rows are appended at the end or written in place after Reserve; a row
// is valid until SetNull says otherwise.
type Column struct {
	typ   arrow.DataType
	width int // bytes of a value; 0 for booleans, texts, lists and structs
	n     int
	rows  int // capacity
	nulls int
	valid []byte // bitmap, one bit per row of the capacity; nil while nothing is null
	data  []byte // values, or the octets of texts
	used  int    // octets of texts used
	offs  []byte // int32 offsets of texts and lists
	kids  []*Column
	kind  shape
}

type shape uint8

const (
	fixed shape = iota
	boolean
	octets
	list
	structure
)

// NewColumn returns an empty column.
func NewColumn(t arrow.DataType) *Column {
	c := &Column{typ: t}
	switch t := t.(type) {
	case *arrow.BooleanType:
		c.kind = boolean
	case *arrow.StringType, *arrow.BinaryType:
		c.kind = octets
	case *arrow.ListType:
		c.kind, c.kids = list, []*Column{NewColumn(t.Elem())}
	case *arrow.StructType:
		c.kind = structure
		for _, f := range t.Fields() {
			c.kids = append(c.kids, NewColumn(f.Type))
		}
	case arrow.FixedWidthDataType:
		c.width = t.BitWidth() / 8
	}
	return c
}

// Len is the number of rows.
func (c *Column) Len() int { return c.n }

// Nulls is the number of rows that are null.
func (c *Column) Nulls() int { return c.nulls }

// TextLen is the number of octets that the texts have together.
func (c *Column) TextLen() int { return c.used }

// Child is a column of a nested type: the elements of a list or a member of a struct.
func (c *Column) Child(i int) *Column { return c.kids[i] }

// Reserve makes room for that many more rows, so that Values and SetNull may be used on them.
func (c *Column) Reserve(rows int) {
	need := c.n + rows
	if need <= c.rows {
		return
	}
	if c.rows > 0 {
		need = max(need, 2*c.rows)
	}
	need = (need + 63) &^ 63
	switch c.kind {
	case fixed:
		c.data = grow(c.data, need*c.width+Slack)
	case boolean:
		c.data = grow(c.data, need/8+Slack)
	case octets, list:
		first := c.offs == nil
		c.offs = grow(c.offs, (need+1)*4+Slack)
		if first {
			c.Offsets()[0] = 0
		}
	}
	if c.valid != nil {
		c.valid = grow(c.valid, need/8)
		fill(c.valid[c.rows/8 : need/8])
	}
	c.rows = need
}

// ReserveText makes room for that many more octets of text.
func (c *Column) ReserveText(n int) {
	if need := c.used + n + Slack; need > len(c.data) {
		if len(c.data) > 0 {
			need = max(need, 2*len(c.data))
		}
		c.data = grow(c.data, need)
	}
}

func grow(b []byte, size int) []byte {
	if b == nil {
		return Memory.Allocate(size)
	}
	return Memory.Reallocate(size, b)
}

func fill(b []byte) {
	for i := range b {
		b[i] = 0xff
	}
}

// Values is the whole reserved memory of a column of fixed width as values of T.
func Values[T any](c *Column) []T {
	if len(c.data) == 0 {
		return nil
	}
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(c.data))), len(c.data)/int(unsafe.Sizeof(t)))
}

// Bits is the reserved bitmap of a boolean column.
func (c *Column) Bits() []byte { return c.data }

// Offsets are the reserved offsets of a column of texts or lists: one more than rows.
func (c *Column) Offsets() []int32 {
	if len(c.offs) == 0 {
		return nil
	}
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(c.offs))), len(c.offs)/4)
}

// Text is the reserved memory of a column's texts.
func (c *Column) Text() []byte { return c.data }

// SetText says how many octets of Text are used.
func (c *Column) SetText(used int) { c.used = used }

// SetLen says how many rows there are, after they were written in place.
func (c *Column) SetLen(n int) { c.n = n }

// SetNull makes a reserved row null.
func (c *Column) SetNull(row int) {
	if c.valid == nil {
		c.valid = Memory.Allocate(c.rows / 8)
		fill(c.valid)
	}
	mask := byte(1) << (row & 7)
	if c.valid[row>>3]&mask != 0 {
		c.valid[row>>3] &^= mask
		c.nulls++
	}
}

// IsNull reports whether a row is null.
func (c *Column) IsNull(row int) bool {
	return c.valid != nil && c.valid[row>>3]&(1<<(row&7)) == 0
}

// setValid undoes SetNull.
func (c *Column) setValid(row int) {
	if c.valid != nil && c.valid[row>>3]&(1<<(row&7)) == 0 {
		c.valid[row>>3] |= 1 << (row & 7)
		c.nulls--
	}
}

// SetBit writes a reserved row of a boolean column.
func (c *Column) SetBit(row int, v bool) {
	if v {
		c.data[row>>3] |= 1 << (row & 7)
	} else {
		c.data[row>>3] &^= 1 << (row & 7)
	}
}

// AppendNull appends a null row.
func (c *Column) AppendNull() {
	c.Reserve(1)
	switch c.kind {
	case fixed:
		clear(c.data[c.n*c.width : (c.n+1)*c.width])
	case boolean:
		c.SetBit(c.n, false)
	case octets:
		c.Offsets()[c.n+1] = int32(c.used)
	case list:
		c.Offsets()[c.n+1] = int32(c.kids[0].n)
	case structure:
		for _, k := range c.kids {
			k.AppendNull()
		}
	}
	c.SetNull(c.n)
	c.n++
}

// Append appends a value to a column of fixed width. T has that width.
func Append[T any](c *Column, v T) {
	c.Reserve(1)
	Values[T](c)[c.n] = v
	c.n++
}

// AppendUint32 appends the bits of a value to a column of 4 octets for which room is reserved.
func (c *Column) AppendUint32(v uint32) {
	binary.NativeEndian.PutUint32(c.data[c.n*4:], v)
	c.n++
}

// AppendUint64 appends the bits of a value to a column of 8 octets for which room is reserved.
func (c *Column) AppendUint64(v uint64) {
	binary.NativeEndian.PutUint64(c.data[c.n*8:], v)
	c.n++
}

// AppendBool appends a row to a boolean column.
func (c *Column) AppendBool(v bool) {
	c.Reserve(1)
	c.SetBit(c.n, v)
	c.n++
}

// AppendText appends a text or octets.
func (c *Column) AppendText(b []byte) {
	c.Reserve(1)
	c.ReserveText(len(b))
	copy(c.data[c.used:], b)
	c.used += len(b)
	c.Offsets()[c.n+1] = int32(c.used)
	c.n++
}

// EndNested appends a row to a list or struct column whose children were appended.
func (c *Column) EndNested() {
	c.Reserve(1)
	if c.kind == list {
		c.Offsets()[c.n+1] = int32(c.kids[0].n)
	}
	c.n++
}

// Truncate drops the rows from n on.
func (c *Column) Truncate(n int) {
	if c.valid != nil {
		for row := n; row < c.n; row++ {
			c.setValid(row)
		}
	}
	switch {
	case c.kind == octets && c.offs != nil:
		c.used = int(c.Offsets()[n])
	case c.kind == list && c.offs == nil:
		c.kids[0].Truncate(0)
	case c.kind == list:
		c.kids[0].Truncate(int(c.Offsets()[n]))
	case c.kind == structure:
		for _, k := range c.kids {
			k.Truncate(min(n, k.n))
		}
	}
	c.n = n
}

// Compact drops rows of a column that has no texts or children: those of drop, which counts from row first and is in
// ascending order.
func (c *Column) Compact(first int, drop []int32) {
	if len(drop) == 0 {
		return
	}
	for _, d := range drop {
		c.setValid(first + int(d))
	}
	to := first + int(drop[0])
	for i, d := range drop {
		from, end := first+int(d)+1, c.n
		if i+1 < len(drop) {
			end = first + int(drop[i+1])
		}
		c.move(to, from, end)
		to += end - from
	}
	c.n = to
}

// move moves the rows from from to end down to to.
func (c *Column) move(to, from, end int) {
	if c.kind == boolean {
		for row := from; row < end; row++ {
			c.SetBit(to+row-from, c.data[row>>3]&(1<<(row&7)) != 0)
		}
	} else {
		copy(c.data[to*c.width:], c.data[from*c.width:end*c.width])
	}
	if c.nulls == 0 {
		return
	}
	for row := from; row < end; row++ {
		if c.IsNull(row) {
			c.setValid(row)
			c.SetNull(to + row - from)
		}
	}
}

// Finish returns the column as an array and leaves it empty.
func (c *Column) Finish() arrow.Array {
	data := c.finish()
	defer data.Release()
	return array.MakeFromData(data)
}

func (c *Column) finish() *array.Data {
	var valid *memory.Buffer
	if c.nulls > 0 {
		valid = buffer(c.valid, (c.n+7)/8)
	} else if c.valid != nil {
		Memory.Free(c.valid)
	}
	bufs := []*memory.Buffer{valid}
	var kids []arrow.ArrayData
	for _, k := range c.kids {
		kids = append(kids, k.finish())
	}
	if (c.kind == octets || c.kind == list) && c.offs == nil {
		c.offs = grow(nil, 4)
		c.Offsets()[0] = 0
	}
	switch c.kind {
	case fixed:
		bufs = append(bufs, buffer(c.data, c.n*c.width))
	case boolean:
		bufs = append(bufs, buffer(c.data, (c.n+7)/8))
	case octets:
		bufs = append(bufs, buffer(c.offs, (c.n+1)*4), buffer(c.data, c.used))
	case list:
		bufs = append(bufs, buffer(c.offs, (c.n+1)*4))
	}
	d := array.NewData(c.typ, c.n, bufs, kids, c.nulls, 0)
	for _, b := range bufs {
		if b != nil {
			b.Release()
		}
	}
	for _, k := range kids {
		k.Release()
	}
	*c = Column{typ: c.typ, width: c.width, kind: c.kind, kids: c.kids}
	return d
}

// buffer hands memory over to Arrow, which frees it with the last reference.
func buffer(b []byte, n int) *memory.Buffer {
	if b == nil {
		b = Memory.Allocate(0)
	}
	return memory.NewBufferWithAllocator(b[:n], Memory)
}

// Release frees a column that will not be finished.
func (c *Column) Release() {
	for _, b := range [][]byte{c.valid, c.data, c.offs} {
		if b != nil {
			Memory.Free(b)
		}
	}
	for _, k := range c.kids {
		k.Release()
	}
	*c = Column{typ: c.typ, width: c.width, kind: c.kind, kids: c.kids}
}

// Record makes a record batch of finished columns.
func Record(schema *arrow.Schema, columns []*Column, rows int) arrow.RecordBatch {
	arrays := make([]arrow.Array, len(columns))
	for i, c := range columns {
		arrays[i] = c.Finish()
	}
	rec := array.NewRecordBatch(schema, arrays, int64(rows))
	for _, a := range arrays {
		a.Release()
	}
	return rec
}
