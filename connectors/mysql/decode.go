package mysql

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"spark/connectors/internal/batch"
	"spark/connectors/internal/value"
	"spark/flows"
	"spark/flows/node"
)

// decoder turns the values that the driver hands over into record batches. The driver gives numbers of whole columns as
// int64 or uint64, floating ones as float64, and all else as the text that the server sent.
type decoder struct {
	schema  *arrow.Schema
	columns []*decoding
	origin  *batch.Column // the record's number; nil where nobody wants it
	file    *batch.Column // beside it: nulls, as there is no file
	emit    func(arrow.RecordBatch) error
	refuse  func(record int64, col *decoding, why string, values []driver.Value) error

	read    int64 // records decoded, refused ones included
	refused int64
	rows    int
	bytes   int   // of the rows, about
	failed  error // of emit or refuse
}

// decoding is one column: read appends a value that is not NULL, or refuses it.
type decoding struct {
	name   string
	column *batch.Column
	read   func(v driver.Value) error
	plain  bool // bytes as they are
}

const (
	batchRecords = 16_384
	batchBytes   = 8 << 20 // a batch of large values is handed over sooner
)

// errNull tells that a value is read as null.
var errNull = errors.New("null")

// record takes one record.
func (d *decoder) record(values []driver.Value) error {
	d.read++
	size := 8 * len(d.columns)
	for i, c := range d.columns {
		v := values[i]
		if v == nil {
			c.column.AppendNull()
			continue
		}
		b, isBytes := v.([]byte)
		if size += len(b); isBytes && c.plain {
			c.column.AppendText(b)
			continue
		}
		if err := c.read(v); err == errNull {
			c.column.AppendNull()
		} else if err != nil {
			for _, before := range d.columns[:i] {
				before.column.Truncate(d.rows)
			}
			d.refused++
			d.failed = d.refuse(d.read, c, err.Error(), values)
			return d.failed
		}
	}
	if d.origin != nil {
		d.file.AppendNull()
		batch.Append(d.origin, d.read)
	}
	d.bytes += size
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
	d.failed = d.emit(b)
	return d.failed
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

// newDecoding reads the values of a column as t. zeroNull: zero dates are null.
func newDecoding(c column, t flows.Type, zeroNull bool) (*decoding, error) {
	col := batch.NewColumn(node.ArrowType(t))
	d := &decoding{name: c.name, column: col}
	switch t.Kind {
	case flows.Int8:
		d.read = whole(func(x int64) { batch.Append(col, int8(x)) }, math.MinInt8, math.MaxInt8)
	case flows.Int16:
		d.read = whole(func(x int64) { batch.Append(col, int16(x)) }, math.MinInt16, math.MaxInt16)
	case flows.Int32:
		d.read = whole(func(x int64) { batch.Append(col, int32(x)) }, math.MinInt32, math.MaxInt32)
	case flows.Int64:
		d.read = whole(func(x int64) { batch.Append(col, x) }, math.MinInt64, math.MaxInt64)
	case flows.Boolean:
		d.read = whole(func(x int64) { col.AppendBool(x != 0) }, 0, 1)
	case flows.Double:
		d.read = func(v driver.Value) error {
			switch v := v.(type) {
			case float64:
				batch.Append(col, v)
			case float32:
				batch.Append(col, float64(v))
			default:
				return fmt.Errorf("%v is no number", v)
			}
			return nil
		}
	case flows.Decimal:
		d.read = decimals(col, t)
	case flows.Date, flows.Time, flows.Timestamp, flows.TimestampTZ, flows.Interval:
		d.read = moments(col, t, zeroNull)
	case flows.Text:
		d.read = texts(col)
	case flows.Bytes, flows.UUID:
		d.plain = true
		d.read = texts(col)
	case flows.JSON:
		d.read = documents(col)
	default:
		return nil, fmt.Errorf("mysql: %s cannot be read as %s", c.sqlType, t)
	}
	return d, nil
}

// whole reads whole numbers, and bits.
func whole(add func(int64), least, most int64) func(driver.Value) error {
	return func(v driver.Value) error {
		var x int64
		switch v := v.(type) {
		case int64:
			x = v
		case uint64:
			if v > math.MaxInt64 {
				return fmt.Errorf("%d does not fit", v)
			}
			x = int64(v)
		case []byte: // bits, the highest first
			if len(v) > 8 || len(v) == 8 && v[0] > 0x7f {
				return fmt.Errorf("the bits %x do not fit", v)
			}
			for _, b := range v {
				x = x<<8 | int64(b)
			}
		default:
			return fmt.Errorf("%v is no whole number", v)
		}
		if x < least || x > most {
			if least == 0 && most == 1 {
				return fmt.Errorf("%d is neither 0 nor 1, as a boolean is; let the field be a whole number", x)
			}
			return fmt.Errorf("%d does not fit, it goes from %d to %d", x, least, most)
		}
		add(x)
		return nil
	}
}

// texts appends texts that are valid.
func texts(col *batch.Column) func(driver.Value) error {
	return func(v driver.Value) error {
		b, ok := v.([]byte)
		if !ok {
			b = fmt.Append(nil, v)
		}
		if f := value.CheckText(b); f != nil {
			return fmt.Errorf("%s", f.Reason)
		}
		col.AppendText(b)
		return nil
	}
}

// documents appends JSON that is valid.
func documents(col *batch.Column) func(driver.Value) error {
	r, err := value.New(flows.Of(flows.JSON), "", "", value.Options{})
	return func(v driver.Value) error {
		b, ok := v.([]byte)
		if err != nil || !ok {
			return fmt.Errorf("%v is no JSON", v)
		}
		if f := r.Check(b); f != nil {
			return fmt.Errorf("%s", f.Reason)
		}
		col.AppendText(b)
		return nil
	}
}

// decimals reads numbers of a fixed scale.
func decimals(col *batch.Column, t flows.Type) func(driver.Value) error {
	r, err := value.New(t, "", "", value.Options{})
	return func(v driver.Value) error {
		if err != nil {
			return err
		}
		var b []byte
		switch v := v.(type) {
		case []byte:
			b = v
		case uint64:
			b = strconv.AppendUint(nil, v, 10)
		default:
			return fmt.Errorf("%v is no decimal number", v)
		}
		if x, ok := plainDecimal(b, t); ok {
			batch.Append(col, decimal128.FromI64(x))
			return nil
		}
		x, f := r.DecimalValue(b)
		if f != nil {
			return fmt.Errorf("%s", f.Reason)
		}
		batch.Append(col, x)
		return nil
	}
}

// plainDecimal reads a number of at most 18 digits that has exactly the scale, as the server writes a column of it.
func plainDecimal(b []byte, t flows.Type) (int64, bool) {
	if t.Precision > 18 || len(b) > 20 {
		return 0, false
	}
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	at := len(b)
	if t.Scale > 0 {
		if at = len(b) - t.Scale - 1; at < 1 || b[at] != '.' {
			return 0, false
		}
	}
	var x int64
	for i, c := range b {
		if i == at {
			continue
		}
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		x = x*10 + int64(d)
	}
	if len(b) == 0 || x >= pow10[t.Precision] {
		return 0, false
	}
	if neg {
		x = -x
	}
	return x, true
}

var pow10 = func() (p [19]int64) {
	p[0] = 1
	for i := range 18 {
		p[i+1] = 10 * p[i]
	}
	return p
}()
