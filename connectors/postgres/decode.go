package postgres

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/jackc/pgx/v5/pgtype"

	"spark/connectors/internal/batch"
	"spark/flows"
	"spark/flows/node"
)

// epochDays and epochMicros are the distance between PostgreSQL's epoch, 2000-01-01, and that of Arrow, 1970-01-01.
const (
	epochDays   = 10957
	epochMicros = epochDays * 86_400_000_000
)

// decoder turns the binary format of COPY TO into record batches. Its format is described in the PostgreSQL manual under
// COPY, section Binary Format: a header, then records of 16-bit field count and 32-bit length before each value, then -1.
type decoder struct {
	schema  *arrow.Schema
	columns []*decoding
	origin  *batch.Column // the record's number; nil where nobody wants it
	file    *batch.Column // beside it: nulls, as there is no file
	emit    func(arrow.RecordBatch) error
	refuse  func(record int64, col *decoding, why string, values [][]byte) error

	rest    []byte // of a message that ended inside a record
	started bool
	ended   bool
	read    int64 // records decoded, refused ones included
	refused int64
	rows    int
	bytes   int      // of the rows, as they were sent
	values  [][]byte // of a refused record
}

// decoding is one column: read appends a value that is not NULL, or refuses it.
type decoding struct {
	name   string
	column *batch.Column
	read   func(v []byte) error
	common common
}

// common are values that record reads by itself, as nearly all values of nearly all tables are such.
type common uint8

const (
	other common = iota
	four         // octets of an integer
	eight
	instant // a time, unless it is infinity
	plain   // a text as it is
)

const (
	copySignature = "PGCOPY\n\xff\r\n\x00"
	batchRecords  = 16_384
	batchBytes    = 8 << 20 // a batch of large values is handed over sooner
)

// restart makes it ready for another answer, whose records are numbered from 1 again. The last one ended well.
func (d *decoder) restart() {
	d.rest, d.started, d.ended, d.read, d.refused = d.rest[:0], false, false, 0, 0
}

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
		size, bad, why := d.record(in)
		switch {
		case size == 0:
			d.back()
			return in, nil
		case why != nil:
			d.back()
			if err := d.refusal(in, bad, why); err != nil {
				return nil, err
			}
		default:
			d.read++
			d.bytes += size
			if err := d.added(); err != nil {
				return nil, err
			}
		}
		in = in[size:]
	}
	return in, nil
}

// record appends the record at the beginning of in and returns its size: 0 where in ends inside it. Of a record with a
// value that is refused it returns the first such column and why.
func (d *decoder) record(in []byte) (size int, bad *decoding, why error) {
	at := 2
	for _, c := range d.columns {
		if len(in) < at+4 {
			return 0, nil, nil
		}
		n := int(int32(binary.BigEndian.Uint32(in[at:])))
		at += 4
		if n < 0 {
			c.column.AppendNull()
			continue
		}
		if len(in) < at+n {
			return 0, nil, nil
		}
		v := in[at : at+n : at+n]
		at += n
		switch {
		case why != nil:
		case c.common == plain:
			c.column.AppendText(v)
		case c.common == four && n == 4:
			c.column.AppendUint32(binary.BigEndian.Uint32(v))
		case c.common == eight && n == 8:
			c.column.AppendUint64(binary.BigEndian.Uint64(v))
		case c.common == instant && n == 8 && !infinite(int64(binary.BigEndian.Uint64(v))):
			c.column.AppendUint64(binary.BigEndian.Uint64(v) + epochMicros)
		default:
			if why = c.read(v); why != nil {
				bad = c
			}
		}
	}
	return at, bad, why
}

func infinite(micros int64) bool { return micros == math.MaxInt64 || micros == math.MinInt64 }

// back takes back what was appended of a record.
func (d *decoder) back() {
	for _, c := range d.columns {
		if c.column.Len() > d.rows {
			c.column.Truncate(d.rows)
		}
	}
}

// refusal hands over a refused record.
func (d *decoder) refusal(in []byte, bad *decoding, why error) error {
	at := 2
	for i := range d.columns {
		n := int(int32(binary.BigEndian.Uint32(in[at:])))
		at += 4
		if d.values[i] = nil; n >= 0 {
			d.values[i] = in[at : at+n]
			at += n
		}
	}
	d.read++
	d.refused++
	return d.refuse(d.read, bad, why.Error(), d.values)
}

// added ends a record.
func (d *decoder) added() error {
	if d.origin != nil {
		d.file.AppendNull()
		batch.Append(d.origin, d.read)
	}
	if d.rows++; d.rows == batchRecords || d.bytes >= batchBytes {
		return d.flush()
	}
	return nil
}

func (d *decoder) all() []*batch.Column {
	list := make([]*batch.Column, 0, len(d.columns)+2)
	for _, c := range d.columns {
		list = append(list, c.column)
	}
	if d.origin != nil {
		list = append(list, d.file, d.origin)
	}
	return list
}

func (d *decoder) flush() error {
	if d.rows == 0 {
		return nil
	}
	rows := d.rows
	d.rows, d.bytes = 0, 0
	b := batch.Record(d.schema, d.all(), rows)
	d.reserve()
	return d.emit(b)
}

// reserve makes room for a batch at once.
func (d *decoder) reserve() {
	for _, c := range d.all() {
		c.Reserve(batchRecords)
	}
}

func (d *decoder) release() {
	for _, c := range d.all() {
		c.Release()
	}
}

// sized reads values of a fixed size.
func sized(size int, read func(v []byte)) func([]byte) error {
	return func(v []byte) error {
		if len(v) != size {
			return fmt.Errorf("the value has %d bytes in place of %d", len(v), size)
		}
		read(v)
		return nil
	}
}

// newDecoding reads values of t as the server sends them.
func newDecoding(name string, c column, t flows.Type) (*decoding, error) {
	col := batch.NewColumn(node.ArrowType(t))
	d := &decoding{name: name, column: col}
	switch t.Kind {
	case flows.Int16:
		d.read = sized(2, func(v []byte) { batch.Append(col, int16(binary.BigEndian.Uint16(v))) })
	case flows.Int32:
		d.common = four
		d.read = sized(4, func(v []byte) { batch.Append(col, int32(binary.BigEndian.Uint32(v))) })
	case flows.Int64:
		d.common = eight
		d.read = sized(8, func(v []byte) { batch.Append(col, int64(binary.BigEndian.Uint64(v))) })
	case flows.Double:
		d.read = readDouble(col)
	case flows.Boolean:
		d.read = sized(1, func(v []byte) { col.AppendBool(v[0] != 0) })
	case flows.Decimal:
		d.read = func(v []byte) error {
			x, err := parseNumeric(v, t.Precision, t.Scale)
			if err == nil {
				batch.Append(col, x)
			}
			return err
		}
	case flows.Date:
		d.read = func(v []byte) error {
			days := int32(binary.BigEndian.Uint32(v))
			if days == math.MaxInt32 || days == math.MinInt32 {
				return fmt.Errorf("infinity is no date")
			}
			batch.Append(col, arrow.Date32(days+epochDays))
			return nil
		}
	case flows.Time:
		d.read = sized(8, func(v []byte) { batch.Append(col, arrow.Time64(binary.BigEndian.Uint64(v))) })
	case flows.Timestamp, flows.TimestampTZ:
		d.common = instant
		d.read = func(v []byte) error {
			us := int64(binary.BigEndian.Uint64(v))
			if infinite(us) {
				return fmt.Errorf("infinity is no time")
			}
			batch.Append(col, arrow.Timestamp(us+epochMicros))
			return nil
		}
	case flows.Bytes, flows.Text, flows.JSON, flows.UUID, flows.Interval:
		if c.oid != pgtype.JSONBOID && t.Kind != flows.UUID && t.Kind != flows.Interval {
			d.common = plain
		}
		d.read = readText(c, t, col)
	default:
		return nil, fmt.Errorf("postgres: %s cannot be read as %s", c.sqlType, t)
	}
	return d, nil
}

func readDouble(col *batch.Column) func([]byte) error {
	return func(v []byte) error {
		var f float64
		if len(v) == 4 {
			f = float64(math.Float32frombits(binary.BigEndian.Uint32(v)))
		} else {
			f = math.Float64frombits(binary.BigEndian.Uint64(v))
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%g is not a finite number", f)
		}
		batch.Append(col, f)
		return nil
	}
}

// readText reads texts and bytes, and the types that travel as text.
func readText(c column, t flows.Type, col *batch.Column) func([]byte) error {
	var scratch [64]byte
	switch {
	case t.Kind == flows.UUID:
		return sized(16, func(v []byte) {
			col.AppendText(fmt.Appendf(scratch[:0], "%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:]))
		})
	case t.Kind == flows.Interval:
		return sized(16, func(v []byte) {
			col.AppendText(fmt.Appendf(scratch[:0], "%d months %d days %d microseconds", int32(binary.BigEndian.Uint32(v[12:])), int32(binary.BigEndian.Uint32(v[8:])), int64(binary.BigEndian.Uint64(v))))
		})
	case c.oid == pgtype.JSONBOID:
		return func(v []byte) error {
			if len(v) < 1 || v[0] != 1 {
				return fmt.Errorf("the jsonb value has an unknown version")
			}
			col.AppendText(v[1:])
			return nil
		}
	}
	return func(v []byte) error {
		col.AppendText(v)
		return nil
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
	if 4*n+max(0, scale-4*(n-1-weight)) <= 18 && n > 0 && precision <= 18 {
		return smallNumeric(digits, weight, sign == 0x4000, precision, scale, tooLong)
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

// smallNumeric is parseNumeric where everything fits 18 digits.
func smallNumeric(digits []byte, weight int, negative bool, precision, scale int, tooLong func() error) (decimal128.Num, error) {
	x := int64(0)
	for ; len(digits) >= 2; digits = digits[2:] {
		x = x*10_000 + int64(binary.BigEndian.Uint16(digits))
		weight--
	}
	if over := -4*(weight+1) - scale; over <= 0 {
		x *= int64(pow10(-over))
	} else if p := int64(pow10(min(over, 18))); x%p != 0 {
		return decimal128.Num{}, tooLong()
	} else {
		x /= p
	}
	if x >= int64(pow10(precision)) {
		return decimal128.Num{}, tooLong()
	}
	if negative {
		x = -x
	}
	return decimal128.FromI64(x), nil
}

func pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}
