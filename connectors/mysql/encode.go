package mysql

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"spark/flows"
)

// encoding writes the values of one field as the column takes them, in the form of LOAD DATA or of a literal.
type encoding struct {
	field  flows.Field
	column column
	form   form
	// bind prepares for the rows of a batch: the function appends the value of a row that is not null.
	bind func(a arrow.Array) (value func(buf []byte, row int) ([]byte, error), err error)
}

// form is how a value stands in a statement or a file.
type form uint8

const (
	number form = iota // as it is
	phrase             // without special characters: in quotes in a statement
	words              // any text, escaped
	octets             // in hexadecimal digits
	bits               // a number, which as a text would be the bits of its digits
)

// newEncoding decides how a field goes into a column, or says why it cannot without a change of its values.
func newEncoding(f flows.Field, c column) (*encoding, error) {
	e := &encoding{field: f, column: c}
	switch k := f.Type.Kind; {
	case k >= flows.Int8 && k <= flows.Int64:
		e.bind = integers(c)
	case k == flows.Int128 && c.base == "decimal":
		e.bind = parsed(func(buf []byte, s string) ([]byte, error) { return append(buf, s...), nil })
	case k == flows.Decimal:
		e.bind = decimal(c, f.Type)
	case k == flows.Double && c.base == "double":
		e.bind = doubles
	case k == flows.Boolean && (c.base == "tinyint" || c.base == "bit"):
		e.bind = bound(func(a *array.Boolean, buf []byte, i int) []byte {
			if a.Value(i) {
				return append(buf, '1')
			}
			return append(buf, '0')
		})
	case k == flows.Bytes && c.isBytes():
		e.form = octets
		e.bind = bound(func(a *array.Binary, buf []byte, i int) []byte { return hex.AppendEncode(buf, a.Value(i)) })
	case (k == flows.Timestamp && c.base == "datetime" || k == flows.TimestampTZ && c.base == "timestamp" || (k == flows.Time || k == flows.Interval) && c.base == "time") && c.length < 6:
		return nil, noWay(f, c, "the digits below would be lost")
	case k == flows.Date && c.base == "date":
		e.form = phrase
		e.bind = failing(func(a *array.Date32, buf []byte, i int) ([]byte, error) {
			return calendar(buf, int64(a.Value(i))*dayMicros, "2006-01-02", c)
		})
	case k == flows.Time && c.base == "time":
		e.form = phrase
		e.bind = bound(func(a *array.Time64, buf []byte, i int) []byte { return clockText(buf, int64(a.Value(i))) })
	case k == flows.Timestamp && c.base == "datetime", k == flows.TimestampTZ && c.base == "timestamp":
		e.form = phrase
		e.bind = failing(func(a *array.Timestamp, buf []byte, i int) ([]byte, error) {
			return calendar(buf, int64(a.Value(i)), "2006-01-02 15:04:05.000000", c)
		})
	case k == flows.Interval && c.base == "time":
		e.form = phrase
		e.bind = parsed(func(buf []byte, s string) ([]byte, error) { return interval(buf, s, c) })
	case isTextual(k) && (c.isText() || (c.base == "json" || c.json) && k != flows.UUID && k != flows.Interval || c.base == "uuid" && k == flows.UUID):
		e.form = words
		e.bind = parsed(func(buf []byte, s string) ([]byte, error) { return append(buf, s...), nil })
	}
	if e.bind == nil {
		return nil, noWay(f, c, "")
	}
	if c.base == "bit" {
		e.form = bits
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

type appender = func(buf []byte, row int) ([]byte, error)

type binder = func(a arrow.Array) (appender, error)

// failing encodes arrays of one type.
func failing[A arrow.Array](encode func(a A, buf []byte, row int) ([]byte, error)) binder {
	return func(a arrow.Array) (appender, error) {
		typed, ok := a.(A)
		if !ok {
			return nil, fmt.Errorf("mysql: unexpected array %T", a)
		}
		return func(buf []byte, row int) ([]byte, error) { return encode(typed, buf, row) }, nil
	}
}

// bound encodes arrays of one type that cannot fail.
func bound[A arrow.Array](encode func(a A, buf []byte, row int) []byte) binder {
	return failing(func(a A, buf []byte, row int) ([]byte, error) { return encode(a, buf, row), nil })
}

// strings of Arrow, of either kind of offset.
type textArray interface {
	arrow.Array
	Value(int) string
}

// parsed encodes values that travel as text.
func parsed(encode func(buf []byte, text string) ([]byte, error)) binder {
	return func(a arrow.Array) (appender, error) {
		typed, ok := a.(textArray)
		if !ok {
			return nil, fmt.Errorf("mysql: unexpected array %T", a)
		}
		return func(buf []byte, row int) ([]byte, error) { return encode(buf, typed.Value(row)) }, nil
	}
}

// integers go into integer columns that hold them, and into decimal ones.
func integers(c column) binder {
	least, most := int64(math.MinInt64), int64(math.MaxInt64)
	switch c.base {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		bits := map[string]int{"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}[c.base]
		switch {
		case c.unsigned && bits < 64:
			least, most = 0, 1<<bits-1
		case c.unsigned:
			least = 0
		case bits < 64:
			least, most = -1<<(bits-1), 1<<(bits-1)-1
		}
	case "bit":
		if least = 0; c.length < 63 {
			most = 1<<c.length - 1
		}
	case "year":
		least, most = 1901, 2155 // 0 would be another year in a statement
	case "decimal":
	default:
		return nil
	}
	put := func(buf []byte, x int64) ([]byte, error) {
		if x < least || x > most {
			return nil, tooLarge(x, c)
		}
		return strconv.AppendInt(buf, x, 10), nil
	}
	return func(a arrow.Array) (appender, error) {
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
		return nil, fmt.Errorf("mysql: unexpected array %T", a)
	}
}

func tooLarge(x any, c column) error {
	return &flows.Error{Code: "database.too_large", Path: flows.Path{Column: c.name}, Message: fmt.Sprintf("%v does not fit into the column %q, which is %s", x, c.name, c.sqlType),
		Suggestion: "nothing was written; filter such records, or widen the column"}
}

// decimal: into columns of the same or a larger scale, as a smaller one would round, and whole ones into those of numbers
// that are as large.
func decimal(c column, t flows.Type) binder {
	whole := t.Scale == 0 && c.base == "bigint"
	if !whole && (c.base != "decimal" || c.scale < t.Scale) {
		return nil
	}
	return failing(func(a *array.Decimal128, buf []byte, i int) ([]byte, error) {
		x := a.Value(i)
		if c.unsigned && x.Sign() < 0 {
			return nil, tooLarge(x.ToString(int32(t.Scale)), c)
		}
		neg := x.Sign() < 0
		if high := x.HighBits(); high == 0 && x.LowBits() < 1<<63 || high == -1 && x.LowBits() > 1<<63 { // 64 bits are enough
			return fixed(buf, int64(x.LowBits()), t.Scale), nil
		} else if whole && (neg || high != 0 || !c.unsigned) {
			return nil, tooLarge(x.ToString(0), c)
		}
		return append(buf, x.ToString(int32(t.Scale))...), nil
	})
}

// fixed writes an unscaled number with its point.
func fixed(buf []byte, x int64, scale int) []byte {
	if x < 0 {
		buf, x = append(buf, '-'), -x
	}
	at := len(buf)
	buf = strconv.AppendInt(buf, x, 10)
	if scale == 0 {
		return buf
	}
	for len(buf)-at <= scale { // a digit stands before the point
		buf = append(buf, 0)
		copy(buf[at+1:], buf[at:])
		buf[at] = '0'
	}
	point := len(buf) - scale
	buf = append(buf, 0)
	copy(buf[point+1:], buf[point:])
	buf[point] = '.'
	return buf
}

var doubles = failing(func(a *array.Float64, buf []byte, i int) ([]byte, error) {
	x := a.Value(i)
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil, &flows.Error{Code: "database.value", Message: fmt.Sprintf("%g is no number that MySQL has", x), Suggestion: "nothing was written; filter such records, or make them null"}
	}
	return strconv.AppendFloat(buf, x, 'e', -1, 64), nil
})

// calendar writes a time that MySQL has: from the year 1 to 9999, and of a timestamp column from 1970 on.
func calendar(buf []byte, micros int64, form string, c column) ([]byte, error) {
	t := time.UnixMicro(micros).UTC()
	if t.Year() < 1 || t.Year() > 9999 || c.base == "timestamp" && micros < 1_000_000 {
		return nil, tooLarge(t.Format(form), c)
	}
	return t.AppendFormat(buf, form), nil
}

// clockText writes microseconds as a time, which may have more than 24 hours.
func clockText(buf []byte, micros int64) []byte {
	if micros < 0 {
		buf, micros = append(buf, '-'), -micros
	}
	seconds := micros / 1_000_000
	return fmt.Appendf(buf, "%02d:%02d:%02d.%06d", seconds/3600, seconds/60%60, seconds%60, micros%1_000_000)
}

// mostTime is the longest that a column of a time holds.
const mostTime = 838*3600 + 59*60 + 59

// interval reads the duration that engines write, P14M3DT-0.5S, each part with its own sign. A column of a time has no
// months.
func interval(buf []byte, s string, c column) ([]byte, error) {
	var months, days int64
	rest, ok := strings.CutPrefix(s, "P")
	date, seconds, ok2 := strings.Cut(strings.TrimSuffix(rest, "S"), "T")
	if _, err := fmt.Sscanf(date, "%dM%dD", &months, &days); err != nil || !ok || !ok2 {
		return nil, fmt.Errorf("mysql: %q is no interval", s)
	}
	digits, fraction, _ := strings.Cut(seconds, ".")
	micros, err := strconv.ParseInt(digits+(fraction + "000000")[:6], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("mysql: %q is no interval", s)
	}
	if days > 35 || days < -35 || months != 0 {
		return nil, tooLarge(s, c)
	}
	if micros += days * dayMicros; micros > mostTime*1_000_000 || micros < -mostTime*1_000_000 {
		return nil, tooLarge(s, c)
	}
	return clockText(buf, micros), nil
}
