package flows

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Kind is one member of the closed set of value types.
type Kind uint8

// The closed set. Its names are persisted in flow documents and never change their meaning.
const (
	Invalid     Kind = iota
	Int8             // signed, 8 bit
	Int16            // signed, 16 bit
	Int32            // signed, 32 bit
	Int64            // signed, 64 bit
	Int128           // signed, 128 bit
	Decimal          // exact, precision 1–38 digits of which scale are after the point
	Double           // IEEE 754 binary64
	Boolean          //
	Text             // UTF-8, without NUL
	Bytes            // any octets
	Date             // proleptic Gregorian calendar day
	Time             // time of day, microseconds
	Timestamp        // local date and time, microseconds, no zone
	TimestampTZ      // instant, microseconds, shown in UTC
	Interval         // months, days, microseconds
	UUID             // RFC 9562
	JSON             // one JSON value as text
	List             // ordered values of one type
	Struct           // named values
)

var kindNames = [...]string{
	Invalid: "invalid", Int8: "int8", Int16: "int16", Int32: "int32", Int64: "int64", Int128: "int128",
	Decimal: "decimal", Double: "double", Boolean: "boolean", Text: "text", Bytes: "bytes", Date: "date",
	Time: "time", Timestamp: "timestamp", TimestampTZ: "timestamptz", Interval: "interval", UUID: "uuid",
	JSON: "json", List: "list", Struct: "struct",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

// MaxPrecision is the largest number of digits a decimal holds.
const MaxPrecision = 38

// maxTypeDepth bounds nested lists and structs, so that a hostile document cannot exhaust the stack.
const maxTypeDepth = 32

// Type is a value type. Precision and Scale belong to Decimal, Elem to List, Fields to Struct.
// Its text form is `int64`, `decimal(10,2)`, `list<text>`, `struct<a: int64, "b c": text>`.
type Type struct {
	Kind             Kind
	Precision, Scale int
	Elem             *Type
	Fields           []Field
}

// Field is a named, typed value of a record or of a struct.
type Field struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
}

// Of returns the type of a kind that has no parameters.
func Of(k Kind) Type { return Type{Kind: k} }

// DecimalOf returns decimal(precision, scale).
func DecimalOf(precision, scale int) Type {
	return Type{Kind: Decimal, Precision: precision, Scale: scale}
}

// ListOf returns list<elem>.
func ListOf(elem Type) Type { return Type{Kind: List, Elem: &elem} }

// StructOf returns struct<fields…>.
func StructOf(fields ...Field) Type { return Type{Kind: Struct, Fields: fields} }

// IsInteger reports whether t is one of the integer types.
func (t Type) IsInteger() bool { return t.Kind >= Int8 && t.Kind <= Int128 }

// IsNumeric reports whether t is an integer, a decimal or a double.
func (t Type) IsNumeric() bool { return t.Kind >= Int8 && t.Kind <= Double }

// IsTemporal reports whether t is a date, a time or one of the timestamps.
func (t Type) IsTemporal() bool { return t.Kind >= Date && t.Kind <= TimestampTZ }

// Equal reports whether both are the same type, parameters included.
func (t Type) Equal(u Type) bool {
	if t.Kind != u.Kind || t.Precision != u.Precision || t.Scale != u.Scale || len(t.Fields) != len(u.Fields) {
		return false
	}
	if (t.Elem == nil) != (u.Elem == nil) || t.Elem != nil && !t.Elem.Equal(*u.Elem) {
		return false
	}
	for i, f := range t.Fields {
		if f.Name != u.Fields[i].Name || !f.Type.Equal(u.Fields[i].Type) {
			return false
		}
	}
	return true
}

func (t Type) String() string {
	switch t.Kind {
	case Decimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case List:
		if t.Elem == nil {
			return "list<invalid>"
		}
		return "list<" + t.Elem.String() + ">"
	case Struct:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = QuoteName(f.Name) + ": " + f.Type.String()
		}
		return "struct<" + strings.Join(parts, ", ") + ">"
	default:
		return t.Kind.String()
	}
}

// MarshalJSON writes the text form.
func (t Type) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// UnmarshalJSON reads the text form.
func (t *Type) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return &Error{Code: "type.invalid", Message: fmt.Sprintf("%s is not a type", quoted(string(b))),
			Suggestion: `write a type as text such as "int64" or "decimal(10,2)"`}
	}
	u, err := ParseType(s)
	if err == nil {
		*t = u
	}
	return err
}

// ParseType reads the text form of a type.
func ParseType(s string) (Type, error) {
	p := typeParser{s: s}
	t, err := p.parse(0)
	if err == nil && p.skip() < len(s) {
		err = p.fail("unexpected text after the type")
	}
	if err != nil {
		return Type{}, err
	}
	return t, nil
}

type typeParser struct {
	s string
	i int
}

func (p *typeParser) skip() int {
	for p.i < len(p.s) && p.s[p.i] == ' ' {
		p.i++
	}
	return p.i
}

func (p *typeParser) fail(what string) error {
	return &Error{Code: "type.invalid", Params: Params{"type": p.s, "position": p.i},
		Message:    fmt.Sprintf("%s is not a type: %s at position %d", quoted(p.s), what, p.i+1),
		Suggestion: "use one of " + strings.Join(kindNames[1:18], ", ") + ", list<type>, struct<name: type>"}
}

func (p *typeParser) take(c byte) bool {
	if p.skip() < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *typeParser) word() string {
	from := p.skip()
	for p.i < len(p.s) && (p.s[p.i] == '_' || p.s[p.i] >= '0' && p.s[p.i] <= '9' || p.s[p.i]|32 >= 'a' && p.s[p.i]|32 <= 'z') {
		p.i++
	}
	return p.s[from:p.i]
}

func (p *typeParser) parse(depth int) (Type, error) {
	if depth > maxTypeDepth {
		return Type{}, p.fail("nested too deep")
	}
	from := p.skip()
	switch w := p.word(); w {
	case "":
		return Type{}, p.fail("expected a type")
	case "decimal":
		return p.decimal()
	case "list":
		if !p.take('<') {
			return Type{}, p.fail("expected <")
		}
		elem, err := p.parse(depth + 1)
		if err == nil && !p.take('>') {
			err = p.fail("expected >")
		}
		return ListOf(elem), err
	case "struct":
		return p.structType(depth)
	default:
		for k := Int8; k < List; k++ {
			if kindNames[k] == w {
				return Of(k), nil
			}
		}
		p.i = from
		return Type{}, p.fail("unknown name " + quoted(w))
	}
}

func (p *typeParser) decimal() (Type, error) {
	if !p.take('(') {
		return Type{}, p.fail("a decimal needs its digits, such as decimal(10,2)")
	}
	prec, err1 := strconv.Atoi(p.word())
	scale := 0
	var err2 error
	if p.take(',') {
		scale, err2 = strconv.Atoi(p.word())
	}
	if err1 != nil || err2 != nil || !p.take(')') {
		return Type{}, p.fail("expected decimal(precision,scale)")
	}
	if prec < 1 || prec > MaxPrecision || scale < 0 || scale > prec {
		return Type{}, p.fail("precision may be 1 to 38 and scale 0 to precision")
	}
	return DecimalOf(prec, scale), nil
}

func (p *typeParser) structType(depth int) (Type, error) {
	if !p.take('<') {
		return Type{}, p.fail("expected <")
	}
	var fields []Field
	for !p.take('>') {
		if len(fields) > 0 && !p.take(',') {
			return Type{}, p.fail("expected , or >")
		}
		name, err := p.name()
		if err != nil {
			return Type{}, err
		}
		if Schema(fields).Index(name) >= 0 {
			return Type{}, p.fail("two fields have the name " + quoted(name))
		}
		if !p.take(':') {
			return Type{}, p.fail("expected :")
		}
		ft, err := p.parse(depth + 1)
		if err != nil {
			return Type{}, err
		}
		fields = append(fields, Field{Name: name, Type: ft})
	}
	return StructOf(fields...), nil
}

func (p *typeParser) name() (string, error) {
	if !p.take('"') {
		if w := p.word(); w != "" {
			return w, nil
		}
		return "", p.fail("expected a field name")
	}
	var b strings.Builder
	for p.i < len(p.s) {
		c := p.s[p.i]
		p.i++
		if c == '"' {
			if p.i < len(p.s) && p.s[p.i] == '"' {
				p.i++
			} else {
				return b.String(), nil
			}
		}
		b.WriteByte(c)
	}
	return "", p.fail("unclosed quote")
}

// QuoteName writes a field name as expressions and types spell it: bare where it is a plain word, else in double
// quotes with inner quotes doubled.
func QuoteName(s string) string {
	plain := s != "" && (s[0] == '_' || s[0]|32 >= 'a' && s[0]|32 <= 'z')
	for i := 0; plain && i < len(s); i++ {
		c := s[i]
		plain = c == '_' || c >= '0' && c <= '9' || c|32 >= 'a' && c|32 <= 'z'
	}
	if plain {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// Schema is the ordered list of the fields of a record. Names are unique and compared exactly.
type Schema []Field

// Index returns the position of a field, or -1.
func (s Schema) Index(name string) int {
	for i := range s {
		if s[i].Name == name {
			return i
		}
	}
	return -1
}

// Find returns the field with that name.
func (s Schema) Find(name string) (Field, bool) {
	if i := s.Index(name); i >= 0 {
		return s[i], true
	}
	return Field{}, false
}

// Names lists the field names in order.
func (s Schema) Names() []string {
	names := make([]string, len(s))
	for i, f := range s {
		names[i] = f.Name
	}
	return names
}

// Equal reports whether both have the same fields in the same order.
func (s Schema) Equal(t Schema) bool { return StructOf(s...).Equal(StructOf(t...)) }
