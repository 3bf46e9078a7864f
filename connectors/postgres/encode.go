package postgres

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/jackc/pgx/v5/pgtype"

	"spark/flows"
)

// encoding writes the values of one field as the column takes them.
type encoding struct {
	field  flows.Field
	column column
	// bind prepares for the rows of a batch; append adds the length and the value of a row that is not null.
	bind func(a arrow.Array) (value func(buf []byte, row int) ([]byte, error), err error)
}

// newEncoding decides how a field goes into a column, or says why it cannot without a change of its values.
func newEncoding(f flows.Field, c column) (*encoding, error) {
	e := &encoding{field: f, column: c}
	switch k := f.Type.Kind; {
	case k <= flows.Int64 && k >= flows.Int8:
		e.bind = integers(c)
	case k == flows.Int128:
		e.bind = int128s(c)
	case k == flows.Decimal:
		e.bind = decimals(c, f.Type)
	case k == flows.Double && c.oid == pgtype.Float8OID:
		e.bind = bound(func(a *array.Float64, buf []byte, i int) []byte {
			return binary.BigEndian.AppendUint64(size(buf, 8), math.Float64bits(a.Value(i)))
		})
	case k == flows.Boolean && c.oid == pgtype.BoolOID:
		e.bind = bound(func(a *array.Boolean, buf []byte, i int) []byte {
			v := byte(0)
			if a.Value(i) {
				v = 1
			}
			return append(size(buf, 1), v)
		})
	case k == flows.Bytes && c.oid == pgtype.ByteaOID:
		e.bind = bound(func(a *array.Binary, buf []byte, i int) []byte {
			v := a.Value(i)
			return append(size(buf, len(v)), v...)
		})
	case k == flows.Date && c.oid == pgtype.DateOID:
		e.bind = bound(func(a *array.Date32, buf []byte, i int) []byte {
			return binary.BigEndian.AppendUint32(size(buf, 4), uint32(int32(a.Value(i))-epochDays))
		})
	case rounds(c) && c.oid != pgtype.TimeOID && (k == flows.Timestamp || k == flows.TimestampTZ), rounds(c) && k == flows.Time:
		return nil, noWay(f, c, "the digits below would be rounded")
	case k == flows.Time && c.oid == pgtype.TimeOID:
		e.bind = bound(func(a *array.Time64, buf []byte, i int) []byte {
			return binary.BigEndian.AppendUint64(size(buf, 8), uint64(a.Value(i)))
		})
	case k == flows.Timestamp && c.oid == pgtype.TimestampOID, k == flows.TimestampTZ && c.oid == pgtype.TimestamptzOID:
		e.bind = bound(func(a *array.Timestamp, buf []byte, i int) []byte {
			return binary.BigEndian.AppendUint64(size(buf, 8), uint64(int64(a.Value(i))-epochMicros))
		})
	case k == flows.Interval && c.oid == pgtype.IntervalOID:
		e.bind = parsed(appendInterval)
	case k == flows.UUID && c.oid == pgtype.UUIDOID:
		e.bind = parsed(appendUUID)
	case isTextual(k):
		e.bind = texts(c, k)
	}
	if e.bind == nil {
		return nil, noWay(f, c, "")
	}
	return e, nil
}

// isTextual: texts, and what travels as text; lists and structs are JSON then.
func isTextual(k flows.Kind) bool {
	switch k {
	case flows.Text, flows.JSON, flows.UUID, flows.Interval, flows.List, flows.Struct:
		return true
	}
	return false
}

// noWay says that a field cannot go into a column.
func noWay(f flows.Field, c column, why string) error {
	e := &flows.Error{Code: "database.type", Path: flows.Path{Field: "columns", Column: f.Name}, Params: flows.Params{"field": f.Type.String(), "column": c.sqlType},
		Message:    fmt.Sprintf("the field %q is %s and the column %q is %s", f.Name, f.Type, c.name, c.sqlType),
		Suggestion: "convert the field with Convert Types, or choose another column"}
	if why != "" {
		e.Message += ": " + why
	}
	return e
}

func size(buf []byte, n int) []byte { return binary.BigEndian.AppendUint32(buf, uint32(n)) }

type binder = func(a arrow.Array) (func(buf []byte, row int) ([]byte, error), error)

// bound encodes arrays of one type that cannot fail.
func bound[A arrow.Array](encode func(a A, buf []byte, row int) []byte) binder {
	return func(a arrow.Array) (func([]byte, int) ([]byte, error), error) {
		typed, ok := a.(A)
		if !ok {
			return nil, fmt.Errorf("postgres: unexpected array %T", a)
		}
		return func(buf []byte, row int) ([]byte, error) { return encode(typed, buf, row), nil }, nil
	}
}

// strings of Arrow, of either kind of offset.
type textArray interface {
	arrow.Array
	Value(int) string
}

// parsed encodes values that travel as text.
func parsed(encode func(buf []byte, text string) ([]byte, error)) binder {
	return func(a arrow.Array) (func([]byte, int) ([]byte, error), error) {
		typed, ok := a.(textArray)
		if !ok {
			return nil, fmt.Errorf("postgres: unexpected array %T", a)
		}
		return func(buf []byte, row int) ([]byte, error) { return encode(buf, typed.Value(row)) }, nil
	}
}

func texts(c column, k flows.Kind) binder {
	json := k != flows.UUID && k != flows.Interval
	switch {
	case c.oid == pgtype.JSONBOID && json:
		return parsed(func(buf []byte, s string) ([]byte, error) { return append(append(size(buf, len(s)+1), 1), s...), nil })
	case c.oid == pgtype.TextOID, c.oid == pgtype.VarcharOID, c.oid == pgtype.BPCharOID, c.oid == pgtype.JSONOID && json, c.base == "e" && k == flows.Text:
		return parsed(func(buf []byte, s string) ([]byte, error) { return append(size(buf, len(s)), s...), nil })
	}
	return nil
}

// integers go into integer columns that hold them, and into numeric.
func integers(c column) binder {
	var put func(buf []byte, x int64) ([]byte, error)
	switch c.oid {
	case pgtype.Int2OID:
		put = func(buf []byte, x int64) ([]byte, error) {
			if int64(int16(x)) != x {
				return nil, tooLarge(x, c)
			}
			return binary.BigEndian.AppendUint16(size(buf, 2), uint16(x)), nil
		}
	case pgtype.Int4OID:
		put = func(buf []byte, x int64) ([]byte, error) {
			if int64(int32(x)) != x {
				return nil, tooLarge(x, c)
			}
			return binary.BigEndian.AppendUint32(size(buf, 4), uint32(x)), nil
		}
	case pgtype.Int8OID:
		put = func(buf []byte, x int64) ([]byte, error) {
			return binary.BigEndian.AppendUint64(size(buf, 8), uint64(x)), nil
		}
	case pgtype.NumericOID:
		put = func(buf []byte, x int64) ([]byte, error) { return appendNumeric(buf, decimal128.FromI64(x), 0), nil }
	default:
		return nil
	}
	return func(a arrow.Array) (func([]byte, int) ([]byte, error), error) {
		switch a := a.(type) {
		case *array.Int8:
			return func(buf []byte, i int) ([]byte, error) { return put(buf, int64(a.Value(i))) }, nil
		case *array.Int16:
			return func(buf []byte, i int) ([]byte, error) { return put(buf, int64(a.Value(i))) }, nil
		case *array.Int32:
			return func(buf []byte, i int) ([]byte, error) { return put(buf, int64(a.Value(i))) }, nil
		case *array.Int64:
			return func(buf []byte, i int) ([]byte, error) { return put(buf, a.Value(i)) }, nil
		}
		return nil, fmt.Errorf("postgres: unexpected array %T", a)
	}
}

func tooLarge(x any, c column) error {
	return &flows.Error{Code: "database.too_large", Path: flows.Path{Column: c.name}, Message: fmt.Sprintf("%v does not fit into the column %q, which is %s", x, c.name, c.sqlType),
		Suggestion: "nothing was written; filter such records, or widen the column"}
}

func int128s(c column) binder {
	if c.oid != pgtype.NumericOID {
		return nil
	}
	return parsed(func(buf []byte, s string) ([]byte, error) {
		x, ok := new(big.Int).SetString(s, 10)
		if !ok {
			return nil, fmt.Errorf("postgres: %q is no whole number", s)
		}
		return appendNumericText(buf, x.String(), 0), nil
	})
}

// decimals go into numeric columns of the same or a larger scale: a smaller one would round.
func decimals(c column, t flows.Type) binder {
	if _, s := numericModifier(c.typmod); c.oid != pgtype.NumericOID || c.typmod >= 4 && s < t.Scale {
		return nil
	}
	return bound(func(a *array.Decimal128, buf []byte, i int) []byte { return appendNumeric(buf, a.Value(i), t.Scale) })
}

// appendNumeric writes numeric in the binary form of parseNumeric.
func appendNumeric(buf []byte, x decimal128.Num, scale int) []byte {
	neg := x.Sign() < 0
	if neg {
		x = x.Negate()
	}
	if x.HighBits() != 0 {
		text := x.BigInt().String()
		if neg {
			text = "-" + text
		}
		return appendNumericText(buf, text, scale)
	}
	// Align the digits to groups of four around the point, from the right.
	v := x.LowBits()
	var groups [6]uint16
	n := 0
	if pad := (4 - scale%4) % 4; pad > 0 {
		p := pow10(4 - pad) // the lowest group holds the last scale%4 places
		groups[n], v = uint16((v%p)*pow10(pad)), v/p
		n++
	}
	for v > 0 {
		groups[n], v = uint16(v%10_000), v/10_000
		n++
	}
	weight := n - 1 - (scale+3)/4
	low := 0
	for low < n && groups[low] == 0 {
		low++
	}
	for n > low && groups[n-1] == 0 {
		n, weight = n-1, weight-1
	}
	buf = numericHead(buf, n-low, weight, neg && n > low, scale)
	for i := n - 1; i >= low; i-- {
		buf = binary.BigEndian.AppendUint16(buf, groups[i])
	}
	return buf
}

func numericHead(buf []byte, digits, weight int, neg bool, scale int) []byte {
	sign := uint16(0)
	if neg {
		sign = 0x4000
	}
	if digits == 0 {
		weight = 0
	}
	buf = size(buf, 8+2*digits)
	buf = binary.BigEndian.AppendUint16(buf, uint16(digits))
	buf = binary.BigEndian.AppendUint16(buf, uint16(int16(weight)))
	buf = binary.BigEndian.AppendUint16(buf, sign)
	return binary.BigEndian.AppendUint16(buf, uint16(scale))
}

// appendNumericText is appendNumeric for the decimal digits of an unscaled number of any size.
func appendNumericText(buf []byte, digits string, scale int) []byte {
	digits, neg := strings.CutPrefix(digits, "-")
	if short := scale + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	whole, fraction := digits[:len(digits)-scale], digits[len(digits)-scale:]
	whole = strings.Repeat("0", (4-len(whole)%4)%4) + whole
	fraction += strings.Repeat("0", (4-len(fraction)%4)%4)
	weight := len(whole)/4 - 1
	all := whole + fraction
	for len(all) > 0 && strings.HasPrefix(all, "0000") {
		all, weight = all[4:], weight-1
	}
	for strings.HasSuffix(all, "0000") {
		all = all[:len(all)-4]
	}
	buf = numericHead(buf, len(all)/4, weight, neg && all != "", scale)
	for i := 0; i < len(all); i += 4 {
		g, _ := strconv.Atoi(all[i : i+4])
		buf = binary.BigEndian.AppendUint16(buf, uint16(g))
	}
	return buf
}

func appendUUID(buf []byte, s string) ([]byte, error) {
	buf = size(buf, 16)
	at := len(buf)
	buf, err := hex.AppendDecode(buf, []byte(strings.ReplaceAll(s, "-", "")))
	if err != nil || len(buf) != at+16 {
		return nil, fmt.Errorf("postgres: %q is no UUID", s)
	}
	return buf, nil
}

// appendInterval reads the duration that engines write: P14M3DT-0.5S, each part with its own sign.
func appendInterval(buf []byte, s string) ([]byte, error) {
	var months, days int32
	bad := fmt.Errorf("postgres: %q is no interval", s)
	rest, ok := strings.CutPrefix(s, "P")
	date, seconds, ok2 := strings.Cut(strings.TrimSuffix(rest, "S"), "T")
	if _, err := fmt.Sscanf(date, "%dM%dD", &months, &days); err != nil || !ok || !ok2 {
		return nil, bad
	}
	digits, fraction, _ := strings.Cut(seconds, ".")
	micros, err := strconv.ParseInt(digits+(fraction + "000000")[:6], 10, 64)
	if err != nil {
		return nil, bad
	}
	buf = binary.BigEndian.AppendUint64(size(buf, 16), uint64(micros))
	buf = binary.BigEndian.AppendUint32(buf, uint32(days))
	return binary.BigEndian.AppendUint32(buf, uint32(months)), nil
}

// encoder writes records in the binary format of COPY FROM; see decoder.
type encoder struct {
	columns []*encoding
	ordinal bool // a last column with the number of the record, as bigint
	n       int64
}

func (e *encoder) head(buf []byte) []byte {
	return append(append(buf, copySignature...), make([]byte, 8)...)
}

func (e *encoder) tail(buf []byte) []byte { return append(buf, 0xff, 0xff) }

// batch appends the records of a batch, given as the arrays of the columns, and calls full whenever there is enough to be sent.
func (e *encoder) batch(buf []byte, arrays []arrow.Array, full func([]byte) ([]byte, error)) ([]byte, error) {
	values := make([]func([]byte, int) ([]byte, error), len(e.columns))
	for i, c := range e.columns {
		v, err := c.bind(arrays[i])
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	count := uint16(len(e.columns))
	if e.ordinal {
		count++
	}
	for row := range arrays[0].Len() {
		e.n++
		buf = binary.BigEndian.AppendUint16(buf, count)
		for i, value := range values {
			if arrays[i].IsNull(row) {
				buf = append(buf, 0xff, 0xff, 0xff, 0xff)
				continue
			}
			var err error
			if buf, err = value(buf, row); err != nil {
				return nil, flows.AsError(err).At(flows.Path{Record: e.n, Column: e.columns[i].field.Name})
			}
		}
		if e.ordinal {
			buf = binary.BigEndian.AppendUint64(size(buf, 8), uint64(e.n))
		}
		if len(buf) >= sendBytes {
			var err error
			if buf, err = full(buf); err != nil {
				return nil, err
			}
		}
	}
	return buf, nil
}

// sendBytes is how much is sent at once.
const sendBytes = 256 << 10
