package value

import (
	"bytes"
	"errors"
	"math"
	"math/bits"
	"strconv"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"spark/flows"
)

// maxExponent keeps hostile exponents from overflowing; no type holds more than 309 digits anyway.
const maxExponent = 100_000

// number is a number's text in parts: 0.digits × 10^point.
type number struct {
	neg      bool
	whole    []byte // digits before the point
	fraction []byte // digits after it
	exp      int
	hasPoint bool
	hasExp   bool
}

// Int reads an integer of at most 64 bits.
func (r *Reader) Int(b []byte) (int64, *Fault) {
	v, ok := plainInt(b)
	if !ok {
		var f *Fault
		if v, f = r.slowInt(b); f != nil {
			return 0, f
		}
	}
	if lo, hi := IntRange(r.Type.Kind); v < lo || v > hi {
		return 0, r.outOfRange(b)
	}
	return v, nil
}

// IntRange is the range of an integer type of at most 64 bits.
func IntRange(k flows.Kind) (lo, hi int64) {
	switch k {
	case flows.Int8:
		return math.MinInt8, math.MaxInt8
	case flows.Int16:
		return math.MinInt16, math.MaxInt16
	case flows.Int32:
		return math.MinInt32, math.MaxInt32
	default:
		return math.MinInt64, math.MaxInt64
	}
}

// plainInt reads the usual spelling: a sign or none and at most 18 digits.
func plainInt(b []byte) (int64, bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	var v int64
	for _, c := range b {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		v = v*10 + int64(d)
	}
	if neg {
		v = -v
	}
	return v, true
}

func (r *Reader) slowInt(b []byte) (int64, *Fault) {
	digits, neg, f := r.wholeDigits(b)
	if f != nil {
		return 0, f
	}
	if len(digits) > 19 {
		return 0, r.outOfRange(b)
	}
	var u uint64
	for _, c := range digits {
		u = u*10 + uint64(c-'0')
	}
	switch {
	case neg && u <= 1<<63:
		return -int64(u), nil
	case !neg && u < 1<<63:
		return int64(u), nil
	}
	return 0, r.outOfRange(b)
}

// wholeDigits returns the digits of an integer without leading zeros.
func (r *Reader) wholeDigits(b []byte) ([]byte, bool, *Fault) {
	n, ok := r.number(b)
	if !ok {
		return nil, false, refused("type", b, " is not a whole number")
	}
	if !r.opt.Exponent && (n.hasPoint || n.hasExp) {
		return nil, false, fault("type", "%s is not a whole number: it has %s", quoted(b), extra(n))
	}
	sig, point := n.significant()
	if len(sig) > point && len(sig) > 0 {
		return nil, false, refused("precision", b, " is not a whole number: it has a fraction")
	}
	if point > 39 {
		return nil, false, r.outOfRange(b)
	}
	for len(sig) > 0 && len(sig) < point { // sig has room: see significant
		sig = append(sig, '0')
	}
	return sig, n.neg && len(sig) > 0, nil
}

func extra(n number) string {
	if n.hasPoint {
		return "a decimal separator"
	}
	return "an exponent"
}

func (r *Reader) outOfRange(b []byte) *Fault {
	switch r.Type.Kind {
	case flows.Int128:
		return refused("range", b, " does not fit into int128")
	case flows.Double:
		return refused("range", b, " does not fit into double")
	}
	lo, hi := IntRange(r.Type.Kind)
	return fault("range", "%s does not fit into %s, which goes from %d to %d", quoted(b), r.Type, lo, hi)
}

// number splits the text of a number. Digits must stand on at least one side of the point, groups must have three.
func (r *Reader) number(b []byte) (n number, ok bool) {
	if r.opt.Group != 0 && bytes.IndexByte(b, r.opt.Group) >= 0 {
		if b, ok = r.ungroup(b); !ok {
			return n, false
		}
	}
	i := 0
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		n.neg = b[i] == '-'
		i++
	}
	from := i
	i = digitsEnd(b, i)
	n.whole = b[from:i:i]
	if i < len(b) && b[i] == r.opt.Decimal {
		from = i + 1
		i = digitsEnd(b, from)
		n.fraction, n.hasPoint = b[from:i:i], true
	}
	if len(n.whole)+len(n.fraction) == 0 {
		return n, false
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		n.hasExp = true
		if n.exp, ok = exponent(b[i+1:]); !ok {
			return n, false
		}
		i = len(b)
	}
	return n, i == len(b)
}

func digitsEnd(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

func exponent(b []byte) (int, bool) {
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = b[0] == '-'
		b = b[1:]
	}
	if len(b) == 0 || digitsEnd(b, 0) != len(b) {
		return 0, false
	}
	e := 0
	for _, c := range b {
		e = min(e*10+int(c-'0'), maxExponent)
	}
	if neg {
		e = -e
	}
	return e, true
}

// ungroup removes group separators: the first group has one to three digits, the others exactly three.
func (r *Reader) ungroup(b []byte) ([]byte, bool) {
	out := r.scratch[:0]
	i := 0
	if b[0] == '-' || b[0] == '+' {
		out = append(out, b[0])
		i++
	}
	for first := true; ; first = false {
		end := digitsEnd(b, i)
		n := end - i
		if n == 0 || n > 3 || !first && n != 3 {
			return nil, false
		}
		out = append(out, b[i:end]...)
		i = end
		if i >= len(b) || b[i] != r.opt.Group {
			break
		}
		i++
	}
	out = append(out, b[i:]...)
	r.scratch = out
	return out, bytes.IndexByte(out, r.opt.Group) < 0
}

// significant returns the digits between the first and the last one that is not zero, and where the point is among
// them. They are copied with room for the zeros that an integer may end with.
func (n number) significant() (digits []byte, point int) {
	digits = make([]byte, 0, len(n.whole)+len(n.fraction)+40)
	digits = append(append(digits, n.whole...), n.fraction...)
	point = len(n.whole) + n.exp
	lead := 0
	for lead < len(digits) && digits[lead] == '0' {
		lead++
	}
	digits, point = digits[lead:], point-lead
	for len(digits) > 0 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	if len(digits) == 0 {
		point = 0
	}
	return digits, point
}

// DecimalValue reads a decimal. Zeros at the end of the fraction may be dropped, nothing else.
func (r *Reader) DecimalValue(b []byte) (decimal128.Num, *Fault) {
	n, ok := r.number(b)
	if !ok {
		return decimal128.Num{}, refused("type", b, " is not a number")
	}
	if n.hasExp && !r.opt.Exponent {
		return decimal128.Num{}, refused("type", b, " has an exponent, which may stand for lost digits; a decimal is written out")
	}
	sig, point := n.significant()
	if decimals := len(sig) - point; len(sig) > 0 && decimals > r.Type.Scale {
		return decimal128.Num{}, fault("precision", "%s has %s after the point and %s holds %d", quoted(b), digits(decimals), r.Type, r.Type.Scale)
	}
	if most := r.Type.Precision - r.Type.Scale; point > most {
		return decimal128.Num{}, fault("precision", "%s has %s before the point and %s holds %d", quoted(b), digits(point), r.Type, most)
	}
	hi, lo := unscaled(sig, r.Type.Scale-(len(sig)-point))
	v := decimal128.New(int64(hi), lo)
	if n.neg {
		v = v.Negate()
	}
	return v, nil
}

func digits(n int) string {
	if n == 1 {
		return "1 digit"
	}
	return strconv.Itoa(n) + " digits"
}

// unscaled is sig × 10^zeros, of at most 38 digits.
func unscaled(sig []byte, zeros int) (hi, lo uint64) {
	if len(sig) == 0 {
		return 0, 0
	}
	total := len(sig) + zeros
	digit := func(i int) uint64 {
		if i < len(sig) {
			return uint64(sig[i] - '0')
		}
		return 0
	}
	var a, b uint64 // a × 10^19 + b
	i := 0
	for ; i < total-19; i++ {
		a = a*10 + digit(i)
	}
	for ; i < total; i++ {
		b = b*10 + digit(i)
	}
	hi, lo = bits.Mul64(a, 1e19)
	lo, carry := bits.Add64(lo, b, 0)
	return hi + carry, lo
}

// Double reads a double. Infinite and not-a-number have no spelling.
func (r *Reader) Double(b []byte) (float64, *Fault) {
	n, ok := r.number(b)
	if !ok {
		return 0, refused("type", b, " is not a number")
	}
	s := b
	if r.opt.Group != 0 || r.opt.Decimal != '.' {
		s = r.plain(n)
	}
	v, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(s), len(s)), 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, r.outOfRange(b)
	} else if err != nil {
		return 0, refused("type", b, " is not a number")
	}
	return v, nil
}

// plain writes n with a point and without groups.
func (r *Reader) plain(n number) []byte {
	var out []byte
	if n.neg {
		out = append(out, '-')
	}
	out = append(append(out, n.whole...), '.')
	out = append(append(out, n.fraction...), 'e')
	return strconv.AppendInt(out, int64(n.exp), 10)
}

const maxInt128 = "170141183460469231731687303715884105727"

func (r *Reader) int128(b []byte) ([]byte, *Fault) {
	ds, neg, f := r.wholeDigits(b)
	if f != nil {
		return nil, f
	}
	limit := []byte(maxInt128)
	if neg {
		limit[38]++
	}
	if len(ds) > 39 || len(ds) == 39 && bytes.Compare(ds, limit) > 0 {
		return nil, r.outOfRange(b)
	}
	r.scratch = r.scratch[:0]
	if neg {
		r.scratch = append(r.scratch, '-')
	}
	if len(ds) == 0 {
		r.scratch = append(r.scratch, '0')
	}
	r.scratch = append(r.scratch, ds...)
	return r.scratch, nil
}
