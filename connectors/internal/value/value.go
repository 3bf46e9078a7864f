// Package value reads values from their text: strictly, without loss, and without guessing. A text that does not fit
// its type is a Fault, never a rounded or a null value.
package value

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"spark/connectors/internal/batch"
	"spark/flows"
)

// Fault says why a text is not a value of its type.
type Fault struct {
	Kind   string // "type", "range", "precision", "date", "zone", "encoding"
	Reason string // the sentence
}

// Options say how numbers and booleans are written.
type Options struct {
	Decimal  byte // decimal separator; 0 means '.'
	Group    byte // between groups of three digits; 0 means none
	Exponent bool // integers and decimals may have an exponent, and integers a fraction of zeros, as in JSON
	True     []string
	False    []string
}

// Reader reads the values of one field. It is not for use by several goroutines; each takes a Clone.
type Reader struct {
	Type    flows.Type
	opt     Options
	layout  *layout // of Format; nil means ISO 8601
	zone    *zone
	format  string
	scratch []byte
}

// New compiles how a field is read. Its errors are about the settings format and zone: Path.Field says which.
func New(t flows.Type, format, zoneName string, opt Options) (*Reader, error) {
	r := &Reader{Type: t, opt: opt, format: format}
	if opt.Decimal == 0 {
		r.opt.Decimal = '.'
	}
	if len(opt.True) == 0 {
		r.opt.True = []string{"true"}
	}
	if len(opt.False) == 0 {
		r.opt.False = []string{"false"}
	}
	if zoneName != "" {
		if t.Kind != flows.TimestampTZ {
			return nil, setting("zone", "field.zone", fmt.Sprintf("a time zone is set and the type is %s", t),
				"remove the time zone or choose the type timestamptz")
		}
		loc, err := time.LoadLocation(zoneName)
		if err != nil || zoneName == "Local" {
			return nil, setting("zone", "field.zone", fmt.Sprintf("there is no time zone %q", zoneName), "write a name such as Europe/Berlin or UTC")
		}
		r.zone = &zone{loc: loc}
	}
	if format != "" {
		l, err := compileLayout(format, t, zoneName != "")
		if err != nil {
			return nil, err
		}
		r.layout = l
	}
	return r, nil
}

func setting(field, code, message, suggestion string) *flows.Error {
	return &flows.Error{Code: code, Path: flows.Path{Field: field}, Message: message, Suggestion: suggestion}
}

// Clone returns a reader for another goroutine.
func (r *Reader) Clone() *Reader {
	c := *r
	c.scratch = nil
	if r.zone != nil {
		c.zone = &zone{loc: r.zone.loc}
	}
	return &c
}

// Plain reports whether numbers are written without group separators.
func (r *Reader) Plain() bool { return r.opt.Group == 0 }

// Point is the decimal separator.
func (r *Reader) Point() byte { return r.opt.Decimal }

// ISO reports whether dates and times are read as ISO 8601.
func (r *Reader) ISO() bool { return r.layout == nil }

// Append reads b and appends its value to c.
func (r *Reader) Append(c *batch.Column, b []byte) *Fault {
	switch r.Type.Kind {
	case flows.Int8, flows.Int16, flows.Int32, flows.Int64:
		v, f := r.Int(b)
		if f == nil {
			appendInt(c, r.Type.Kind, v)
		}
		return f
	case flows.Decimal:
		v, f := r.DecimalValue(b)
		if f == nil {
			batch.Append(c, v)
		}
		return f
	case flows.Double:
		v, f := r.Double(b)
		if f == nil {
			batch.Append(c, v)
		}
		return f
	case flows.Boolean:
		v, f := r.Bool(b)
		if f == nil {
			c.AppendBool(v)
		}
		return f
	case flows.Date:
		v, f := r.Date(b)
		if f == nil {
			batch.Append(c, v)
		}
		return f
	case flows.Time, flows.Timestamp, flows.TimestampTZ:
		v, f := r.Moment(b)
		if f == nil {
			batch.Append(c, v)
		}
		return f
	default:
		t, f := r.Text(b)
		if f == nil {
			c.AppendText(t)
		}
		return f
	}
}

func appendInt(c *batch.Column, k flows.Kind, v int64) {
	switch k {
	case flows.Int8:
		batch.Append(c, int8(v))
	case flows.Int16:
		batch.Append(c, int16(v))
	case flows.Int32:
		batch.Append(c, int32(v))
	default:
		batch.Append(c, v)
	}
}

// Check reads b and forgets its value.
func (r *Reader) Check(b []byte) *Fault {
	var f *Fault
	switch r.Type.Kind {
	case flows.Int8, flows.Int16, flows.Int32, flows.Int64:
		_, f = r.Int(b)
	case flows.Decimal:
		_, f = r.DecimalValue(b)
	case flows.Double:
		_, f = r.Double(b)
	case flows.Boolean:
		_, f = r.Bool(b)
	case flows.Date:
		_, f = r.Date(b)
	case flows.Time, flows.Timestamp, flows.TimestampTZ:
		_, f = r.Moment(b)
	default:
		_, f = r.Text(b)
	}
	return f
}

// Text reads what travels as text or octets. The result may share memory with b or with r, until the next call.
func (r *Reader) Text(b []byte) ([]byte, *Fault) {
	switch r.Type.Kind {
	case flows.Text:
		return b, CheckText(b)
	case flows.Int128:
		return r.int128(b)
	case flows.UUID:
		return r.uuid(b)
	case flows.Interval:
		return r.interval(b)
	case flows.JSON:
		return b, checkJSON(b)
	case flows.Bytes:
		r.scratch = append(r.scratch[:0], make([]byte, base64.StdEncoding.DecodedLen(len(b)))...)
		n, err := base64.StdEncoding.Strict().Decode(r.scratch, b)
		if err != nil || bytes.ContainsAny(b, "\r\n") {
			return nil, refused("type", b, " is not base64")
		}
		return r.scratch[:n], nil
	}
	return nil, fault("type", "a %s cannot be written as text", r.Type)
}

// CheckText refuses what no text may hold.
func CheckText(b []byte) *Fault {
	if !utf8.Valid(b) {
		return refused("encoding", b, " is not valid UTF-8")
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return refused("encoding", b, " contains a NUL character")
	}
	return nil
}

// Bool reads a boolean. Letter case does not matter.
func (r *Reader) Bool(b []byte) (bool, *Fault) {
	for _, t := range r.opt.True {
		if len(t) == len(b) && strings.EqualFold(t, string(b)) {
			return true, nil
		}
	}
	for _, t := range r.opt.False {
		if len(t) == len(b) && strings.EqualFold(t, string(b)) {
			return false, nil
		}
	}
	return false, fault("type", "%s is neither %s nor %s", quoted(b), oneOf(r.opt.True), oneOf(r.opt.False))
}

func oneOf(words []string) string {
	qs := make([]string, len(words))
	for i, w := range words {
		qs[i] = strconv.Quote(w)
	}
	return strings.Join(qs, " or ")
}

func (r *Reader) uuid(b []byte) ([]byte, *Fault) {
	if len(b) != 36 {
		return nil, refused("type", b, " is not a UUID")
	}
	r.scratch = append(r.scratch[:0], b...)
	for i, c := range b {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		switch {
		case dash && c == '-', !dash && (c >= '0' && c <= '9' || c >= 'a' && c <= 'f'):
		case !dash && c >= 'A' && c <= 'F':
			r.scratch[i] = c | 0x20
		default:
			return nil, refused("type", b, " is not a UUID")
		}
	}
	return r.scratch, nil
}

func fault(kind, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// refused is the fault whose sentence is a value and then rest: files with bad values have millions of them.
func refused(kind string, b []byte, rest string) *Fault {
	var room [128]byte
	return &Fault{Kind: kind, Reason: string(append(appendQuoted(room[:0], b), rest...))}
}

// quoted writes a value into a sentence, shortened.
func quoted(b []byte) string { return string(appendQuoted(nil, b)) }

func appendQuoted(to, b []byte) []byte {
	const most = 60
	if len(b) <= most {
		return strconv.AppendQuote(to, string(b))
	}
	cut := most
	for cut > most-4 && !utf8.RuneStart(b[cut]) {
		cut--
	}
	return append(strconv.AppendQuote(to, string(b[:cut])), "…"...)
}

// Quoted writes a value into a sentence, shortened.
func Quoted(b []byte) string { return quoted(b) }
