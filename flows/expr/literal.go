package expr

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"spark/flows"
)

// Interval is a span of time; its three parts are kept apart because a month has no fixed length.
type Interval struct {
	Months, Days int32
	Micros       int64
}

// The shapes of text that convert to a value. Engines use the same ones, so that a literal, a parameter and a field
// read alike: the whole text, no spaces, no underscores, no hexadecimal.
const (
	ShapeInteger = `[+-]?[0-9]+`
	ShapeDouble  = `[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?`
	ShapeUUID    = `[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`
	// The year 0000 does not exist.
	ShapeDate     = `(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-[0-9]{2}-[0-9]{2}`
	ShapeTime     = `(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6}0*)?`
	ShapeZone     = `(?:Z|[+-](?:0[0-9]|1[0-5]):?[0-5][0-9])`
	ShapeInterval = `-?[0-9]{1,9} (?:year|month|week|day|hour|minute|second|microsecond)s?(?: -?[0-9]{1,9} (?:year|month|week|day|hour|minute|second|microsecond)s?)*`
)

// ShapeDecimal is the shape of text for a decimal: more digits after the point than its scale must be zeros.
func ShapeDecimal(scale int) string {
	if scale == 0 {
		return `[+-]?[0-9]+(?:\.0+)?`
	}
	return fmt.Sprintf(`[+-]?(?:[0-9]+(?:\.[0-9]{1,%d}0*)?|\.[0-9]{1,%d}0*)`, scale, scale)
}

// Shapes of date and time together.
const (
	ShapeTimestamp   = ShapeDate + `[T ]` + ShapeTime
	ShapeTimestampTZ = ShapeTimestamp + ShapeZone
)

var (
	reInteger     = whole(ShapeInteger)
	reDouble      = whole(ShapeDouble)
	reUUID        = whole(ShapeUUID)
	reDate        = whole(ShapeDate)
	reTime        = whole(ShapeTime)
	reTimestamp   = whole(ShapeTimestamp)
	reTimestampTZ = whole(ShapeTimestampTZ)
	reInterval    = whole(ShapeInterval)
)

func whole(shape string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + shape + `)$`) }

// parseText reads the text form of a value of type t. ok is false when it is none.
func parseText(t flows.Type, s string) (v any, ok bool) {
	switch t.Kind {
	case flows.Int8, flows.Int16, flows.Int32, flows.Int64, flows.Int128:
		if n, isInt := new(big.Int).SetString(strings.TrimPrefix(s, "+"), 10); isInt && reInteger.MatchString(s) {
			return integerOf(t.Kind, n)
		}
	case flows.Decimal:
		return parseDecimal(t, s)
	case flows.Double:
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil && reDouble.MatchString(s)
	case flows.Boolean:
		return strings.EqualFold(s, "true"), strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
	case flows.Text:
		return s, !strings.ContainsRune(s, 0)
	case flows.Bytes:
		b, err := base64.StdEncoding.DecodeString(s)
		return b, err == nil
	case flows.UUID:
		return strings.ToLower(s), reUUID.MatchString(s)
	case flows.JSON:
		return s, json.Valid([]byte(s)) && !strings.ContainsRune(s, 0)
	case flows.Interval:
		return parseInterval(s)
	case flows.Date, flows.Time, flows.Timestamp, flows.TimestampTZ:
		return parseTemporal(t.Kind, s)
	}
	return nil, false
}

// integerOf returns n in the representation of its kind, false when it does not fit.
func integerOf(k flows.Kind, n *big.Int) (any, bool) {
	if n.CmpAbs(kindMost(k)) > 0 || n.CmpAbs(kindMost(k)) == 0 && n.Sign() > 0 {
		return nil, false
	}
	if k == flows.Int128 {
		return n, true
	}
	return n.Int64(), true
}

// kindMost is 2^(bits-1), the absolute value of the smallest integer of a kind.
func kindMost(k flows.Kind) *big.Int {
	bits := map[flows.Kind]uint{flows.Int8: 7, flows.Int16: 15, flows.Int32: 31, flows.Int64: 63}[k]
	if bits == 0 {
		bits = 127
	}
	return new(big.Int).Lsh(big.NewInt(1), bits)
}

// parseDecimal writes s with exactly the scale of t.
func parseDecimal(t flows.Type, s string) (any, bool) {
	if !whole(ShapeDecimal(t.Scale)).MatchString(s) {
		return nil, false
	}
	sign := ""
	if s[0] == '-' {
		sign = "-"
	}
	head, tail, _ := strings.Cut(strings.TrimLeft(s, "+-"), ".")
	head = strings.TrimLeft(head, "0")
	if tail = strings.TrimRight(tail, "0"); len(tail) > t.Scale || len(head) > t.Precision-t.Scale {
		return nil, false
	}
	if head == "" && tail == "" {
		sign = ""
	}
	if head == "" {
		head = "0"
	}
	if t.Scale == 0 {
		return sign + head, true
	}
	return sign + head + "." + tail + strings.Repeat("0", t.Scale-len(tail)), true
}

func parseTemporal(k flows.Kind, s string) (any, bool) {
	shape, layout, canonical := reDate, "2006-01-02", "2006-01-02"
	switch k {
	case flows.Time:
		shape, layout, canonical = reTime, "15:04:05", "15:04:05.999999"
	case flows.Timestamp:
		shape, layout, canonical = reTimestamp, "2006-01-02 15:04:05", "2006-01-02 15:04:05.999999"
	case flows.TimestampTZ:
		shape, layout, canonical = reTimestampTZ, "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05.999999Z"
	}
	if !shape.MatchString(s) {
		return nil, false
	}
	s = strings.Replace(s, "T", " ", 1)
	if n := len(s); k == flows.TimestampTZ && s[n-3] == ':' && s[n-1] != 'Z' {
		s = s[:n-3] + s[n-2:]
	}
	at, err := time.Parse(layout, s)
	if err == nil {
		at = at.UTC()
	}
	return at.Format(canonical), err == nil && at.Year() <= 9999 && (k == flows.Time || at.Year() >= 1)
}

var intervalParts = regexp.MustCompile(`(-?[0-9]+) ([a-z]+?)s?(?: |$)`)

func parseInterval(s string) (any, bool) {
	if !reInterval.MatchString(s) {
		return nil, false
	}
	var months, days, micros int64
	for _, m := range intervalParts.FindAllStringSubmatch(s, -1) {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		switch m[2] {
		case "year":
			months += 12 * n
		case "month":
			months += n
		case "week":
			days += 7 * n
		case "day":
			days += n
		case "hour":
			micros += n * 3_600_000_000
		case "minute":
			micros += n * 60_000_000
		case "second":
			micros += n * 1_000_000
		case "microsecond":
			micros += n
		}
	}
	// Beyond ten thousand years no date could take it.
	if max(months, -months) > 120_000 || max(days, -days) > 3_660_000 || max(micros, -micros) > 3_660_000*86_400_000_000 {
		return nil, false
	}
	return Interval{int32(months), int32(days), micros}, true
}

// String writes the form that an interval literal has.
func (v Interval) String() string {
	var parts []string
	add := func(n int64, unit string) {
		if n != 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit))
		}
	}
	add(int64(v.Months), "months")
	add(int64(v.Days), "days")
	seconds := v.Micros / 1_000_000
	add(seconds/3600, "hours")
	add(seconds%3600, "seconds")
	add(v.Micros%1_000_000, "microseconds")
	if len(parts) == 0 {
		return "0 days"
	}
	return strings.Join(parts, " ")
}

// numberLiteral types a number as it is written: 12 is int64 (or int128), 1.50 decimal(3,2), 1e3 double.
func numberLiteral(s string) (flows.Type, any, bool) {
	digits := strings.TrimPrefix(s, "-")
	switch {
	case strings.ContainsAny(s, "eE"):
		v, err := strconv.ParseFloat(s, 64)
		return flows.Of(flows.Double), v, err == nil
	case strings.Contains(s, "."):
		head, tail, _ := strings.Cut(digits, ".")
		head = strings.TrimLeft(head, "0")
		t := flows.DecimalOf(len(head)+len(tail), len(tail))
		if t.Precision > flows.MaxPrecision {
			return t, nil, false
		}
		v, ok := parseDecimal(t, s)
		return t, v, ok
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return flows.Type{}, nil, false
	}
	if v, fits := integerOf(flows.Int64, n); fits {
		return flows.Of(flows.Int64), v, true
	}
	v, fits := integerOf(flows.Int128, n)
	return flows.Of(flows.Int128), v, fits
}

// valueOf brings a parameter's value, as decoded from JSON or made by a program, into a literal's representation.
func valueOf(t flows.Type, v any) (any, bool) {
	switch v := v.(type) {
	case nil:
		return nil, true
	case string:
		return parseText(t, v)
	case json.Number:
		if !t.IsNumeric() {
			return nil, false
		}
		return parseText(t, v.String())
	case int:
		return valueOf(t, json.Number(strconv.Itoa(v)))
	case int64:
		return valueOf(t, json.Number(strconv.FormatInt(v, 10)))
	case *big.Int:
		return valueOf(t, json.Number(v.String()))
	case float64:
		if t.Kind == flows.Double {
			return v, !math.IsNaN(v) && !math.IsInf(v, 0)
		}
		return valueOf(t, json.Number(strconv.FormatFloat(v, 'f', -1, 64)))
	case bool:
		return v, t.Kind == flows.Boolean
	case []byte:
		return v, t.Kind == flows.Bytes
	case Interval:
		return v, t.Kind == flows.Interval
	case []any:
		return listValue(t, v)
	}
	return nil, false
}

func listValue(t flows.Type, list []any) (any, bool) {
	if t.Kind != flows.List {
		return nil, false
	}
	out := make([]any, len(list))
	for i, v := range list {
		var ok bool
		if out[i], ok = valueOf(*t.Elem, v); !ok {
			return nil, false
		}
	}
	return out, true
}
