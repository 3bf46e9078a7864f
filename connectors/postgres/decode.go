package postgres

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"spark/flows"
)

// epochDays and epochMicros are the distance between PostgreSQL's epoch, 2000-01-01, and that of Arrow, 1970-01-01.
const (
	epochDays   = 10957
	epochMicros = epochDays * 86_400_000_000
)

// decoder turns the binary format of COPY TO into record batches. Its format is described in the PostgreSQL manual under
// COPY, section Binary Format: a header, then records of 16-bit field count and 32-bit length before each value, then -1.
type decoder struct {
	columns []*decoding
	builder *array.RecordBuilder
	emit    func(arrow.RecordBatch) error
	refuse  func(record int64, col *decoding, why string, values [][]byte) error

	rest    []byte // of a message that ended inside a record
	started bool
	ended   bool
	read    int64 // records decoded, refused ones included
	refused int64
	rows    int
	values  [][]byte
	after   func() // appends what is no column, for one record
}

// decoding is how the values of one column are read: parse looks at a value and may refuse it, push appends what was
// parsed last. A nil value is NULL and is never parsed.
type decoding struct {
	name  string
	parse func(v []byte) error
	push  func()
	null  func()
}

const (
	copySignature = "PGCOPY\n\xff\r\n\x00"
	batchRecords  = 16_384
)

// Write takes a part of the stream.
func (d *decoder) Write(p []byte) (int, error) {
	in := p
	if len(d.rest) > 0 {
		d.rest = append(d.rest, p...)
		in = d.rest
	}
	left, err := d.consume(in)
	if err != nil {
		return 0, err
	}
	d.rest = append(d.rest[:0], left...)
	return len(p), nil
}

func (d *decoder) consume(in []byte) ([]byte, error) {
	if !d.started {
		if len(in) < 19 {
			return in, nil
		}
		extension := int(binary.BigEndian.Uint32(in[15:]))
		if string(in[:11]) != copySignature || binary.BigEndian.Uint32(in[11:]) != 0 {
			return nil, fmt.Errorf("postgres: the answer to COPY is not in the binary format")
		}
		if len(in) < 19+extension {
			return in, nil
		}
		in, d.started = in[19+extension:], true
	}
	for !d.ended && len(in) >= 2 {
		n := int(int16(binary.BigEndian.Uint16(in)))
		if n == -1 {
			d.ended = true
			return nil, nil
		}
		if n != len(d.columns) {
			return nil, fmt.Errorf("postgres: a record has %d values in place of %d", n, len(d.columns))
		}
		size, ok := d.split(in)
		if !ok {
			break
		}
		in = in[size:]
		if err := d.record(); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// split finds the values of the record at the beginning of in.
func (d *decoder) split(in []byte) (size int, complete bool) {
	at := 2
	for i := range d.columns {
		if len(in) < at+4 {
			return 0, false
		}
		n := int(int32(binary.BigEndian.Uint32(in[at:])))
		at += 4
		if n < 0 {
			d.values[i] = nil
			continue
		}
		if len(in) < at+n {
			return 0, false
		}
		d.values[i] = in[at : at+n : at+n]
		at += n
	}
	return at, true
}

func (d *decoder) record() error {
	d.read++
	for i, c := range d.columns {
		if v := d.values[i]; v != nil {
			if err := c.parse(v); err != nil {
				d.refused++
				return d.refuse(d.read, c, err.Error(), d.values)
			}
		}
	}
	for i, c := range d.columns {
		if d.values[i] == nil {
			c.null()
		} else {
			c.push()
		}
	}
	d.after()
	if d.rows++; d.rows == batchRecords {
		return d.flush()
	}
	return nil
}

func (d *decoder) flush() error {
	if d.rows == 0 {
		return nil
	}
	d.rows = 0
	return d.emit(d.builder.NewRecordBatch())
}

// fixed reads values of a fixed size.
func fixed(size int, read func(v []byte)) func([]byte) error {
	return func(v []byte) error {
		if len(v) != size {
			return fmt.Errorf("the value has %d bytes in place of %d", len(v), size)
		}
		read(v)
		return nil
	}
}

// newDecoding reads values of t as the server sends them.
func newDecoding(name string, c column, t flows.Type, b array.Builder) (*decoding, error) {
	d := &decoding{name: name, null: b.AppendNull}
	switch b := b.(type) {
	case *array.Int16Builder:
		var x int16
		d.parse, d.push = fixed(2, func(v []byte) { x = int16(binary.BigEndian.Uint16(v)) }), func() { b.Append(x) }
	case *array.Int32Builder:
		var x int32
		d.parse, d.push = fixed(4, func(v []byte) { x = int32(binary.BigEndian.Uint32(v)) }), func() { b.Append(x) }
	case *array.Int64Builder:
		var x int64
		d.parse, d.push = fixed(8, func(v []byte) { x = int64(binary.BigEndian.Uint64(v)) }), func() { b.Append(x) }
	case *array.Float64Builder:
		var x float64
		d.push = func() { b.Append(x) }
		finite := func(f float64) error {
			if x = f; math.IsNaN(f) || math.IsInf(f, 0) {
				return fmt.Errorf("%g is not a finite number", f)
			}
			return nil
		}
		d.parse = func(v []byte) error {
			if len(v) == 4 {
				return finite(float64(math.Float32frombits(binary.BigEndian.Uint32(v))))
			}
			return finite(math.Float64frombits(binary.BigEndian.Uint64(v)))
		}
	case *array.BooleanBuilder:
		var x bool
		d.parse, d.push = fixed(1, func(v []byte) { x = v[0] != 0 }), func() { b.Append(x) }
	case *array.Decimal128Builder:
		var x decimal128.Num
		d.parse = func(v []byte) (err error) { x, err = parseNumeric(v, t.Precision, t.Scale); return err }
		d.push = func() { b.Append(x) }
	case *array.BinaryBuilder:
		var x []byte
		d.parse, d.push = func(v []byte) error { x = v; return nil }, func() { b.Append(x) }
	case *array.Date32Builder:
		var x arrow.Date32
		d.push = func() { b.Append(x) }
		d.parse = func(v []byte) error {
			days := int32(binary.BigEndian.Uint32(v))
			if days == math.MaxInt32 || days == math.MinInt32 {
				return fmt.Errorf("infinity is no date")
			}
			x = arrow.Date32(days + epochDays)
			return nil
		}
	case *array.Time64Builder:
		var x arrow.Time64
		d.parse, d.push = fixed(8, func(v []byte) { x = arrow.Time64(binary.BigEndian.Uint64(v)) }), func() { b.Append(x) }
	case *array.TimestampBuilder:
		var x arrow.Timestamp
		d.push = func() { b.Append(x) }
		d.parse = func(v []byte) error {
			us := int64(binary.BigEndian.Uint64(v))
			if us == math.MaxInt64 || us == math.MinInt64 {
				return fmt.Errorf("infinity is no time")
			}
			x = arrow.Timestamp(us + epochMicros)
			return nil
		}
	case *array.StringBuilder:
		textDecoding(d, c, t, b)
	default:
		return nil, fmt.Errorf("postgres: %s cannot be read as %s", c.sqlType, t)
	}
	return d, nil
}

// textDecoding reads texts, and the types that travel as text.
func textDecoding(d *decoding, c column, t flows.Type, b *array.StringBuilder) {
	var x []byte
	d.push = func() { b.BinaryBuilder.Append(x) }
	var scratch [64]byte
	switch {
	case t.Kind == flows.UUID:
		d.parse = fixed(16, func(v []byte) {
			x = fmt.Appendf(scratch[:0], "%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:])
		})
	case t.Kind == flows.Interval:
		d.parse = fixed(16, func(v []byte) {
			x = fmt.Appendf(scratch[:0], "%d months %d days %d microseconds", int32(binary.BigEndian.Uint32(v[12:])), int32(binary.BigEndian.Uint32(v[8:])), int64(binary.BigEndian.Uint64(v)))
		})
	case c.oid == jsonbOID:
		d.parse = func(v []byte) error {
			if len(v) < 1 || v[0] != 1 {
				return fmt.Errorf("the jsonb value has an unknown version")
			}
			x = v[1:]
			return nil
		}
	default:
		d.parse = func(v []byte) error { x = v; return nil }
	}
}

// parseNumeric reads numeric: digits of base 10,000 with a weight, sent as four 16-bit numbers (digits, weight, sign,
// scale) and the digits. Source: numeric_send in PostgreSQL's numeric.c.
func parseNumeric(v []byte, precision, scale int) (decimal128.Num, error) {
	var zero decimal128.Num
	if len(v) < 8 {
		return zero, fmt.Errorf("the numeric value is too short")
	}
	n, weight, sign := int(binary.BigEndian.Uint16(v)), int(int16(binary.BigEndian.Uint16(v[2:]))), binary.BigEndian.Uint16(v[4:])
	switch sign {
	case 0xC000:
		return zero, fmt.Errorf("NaN is no decimal number")
	case 0xD000, 0xF000:
		return zero, fmt.Errorf("infinity is no decimal number")
	}
	digits := v[8:]
	if len(digits) != 2*n {
		return zero, fmt.Errorf("the numeric value has %d bytes of digits in place of %d", len(digits), 2*n)
	}
	tooLong := func() error {
		return fmt.Errorf("the number does not fit decimal(%d,%d)", precision, scale)
	}
	var hi, lo uint64
	mulAdd := func(m, a uint64) bool { // (hi, lo) = (hi, lo) * m + a; false when it does not fit 127 bits
		h1, l := bits.Mul64(lo, m)
		over, h2 := bits.Mul64(hi, m)
		h, carry := bits.Add64(h1, h2, 0)
		l, c := bits.Add64(l, a, 0)
		h, c2 := bits.Add64(h, 0, c)
		hi, lo = h, l
		return over == 0 && carry == 0 && c2 == 0 && h>>63 == 0
	}
	// places is the number of decimal places that the digits read so far reach.
	places := -4 * (weight + 1)
	for i := range n {
		d := uint64(binary.BigEndian.Uint16(digits[2*i:]))
		places += 4
		if over := places - scale; over > 0 { // the last digits of this group are beyond the scale
			p := pow10(min(over, 4))
			if d%p != 0 || over > 4 && d != 0 {
				return zero, tooLong()
			}
			if over >= 4 {
				continue
			}
			if !mulAdd(pow10(4-over), d/p) {
				return zero, tooLong()
			}
			places = scale
			continue
		}
		if !mulAdd(10_000, d) {
			return zero, tooLong()
		}
	}
	if hi|lo != 0 {
		for ; places < scale; places++ {
			if !mulAdd(10, 0) {
				return zero, tooLong()
			}
		}
	}
	x := decimal128.New(int64(hi), lo)
	if !x.FitsInPrecision(int32(precision)) {
		return zero, tooLong()
	}
	if sign == 0x4000 {
		x = x.Negate()
	}
	return x, nil
}

func pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}
