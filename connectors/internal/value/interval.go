package value

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
)

var durationForm = regexp.MustCompile(`^(-?)P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)W)?(?:(-?\d+)D)?` +
	`(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?\d+)(?:\.(\d+))?S)?)?$`)

// interval reads an ISO 8601 duration such as P1Y2M10DT2H30M5.25S, whose parts may have signs of their own. It travels as months, days and microseconds in
// words, which engines read without knowing ISO 8601.
func (r *Reader) interval(b []byte) ([]byte, *Fault) {
	m := durationForm.FindSubmatch(b)
	if m == nil || b[len(b)-1] == 'P' || b[len(b)-1] == 'T' {
		return nil, refused("type", b, " is not an ISO 8601 duration such as P1Y2M3DT4H5M6S")
	}
	fits := true
	part := func(i int) int64 {
		if len(m[i]) == 0 {
			return 0
		}
		digits, negative := bytes.CutPrefix(m[i], []byte("-"))
		n, ok := plainInt(digits)
		fits = fits && ok && n <= math.MaxInt32
		if negative {
			return -n
		}
		return n
	}
	months := 12*part(2) + part(3)
	days := 7*part(4) + part(5)
	fine := micros(m[9])
	if fine < 0 {
		return nil, tooFine(b)
	}
	if bytes.HasPrefix(m[8], []byte("-")) {
		fine = -fine
	}
	us := (part(6)*3600+part(7)*60+part(8))*microsPerSecond + int64(fine)
	if !fits || months > math.MaxInt32 || days > math.MaxInt32 {
		return nil, refused("range", b, " does not fit into an interval")
	}
	sign := int64(1)
	if len(m[1]) > 0 {
		sign = -1
	}
	out := strconv.AppendInt(r.scratch[:0], sign*months, 10)
	out = append(out, " months "...)
	out = strconv.AppendInt(out, sign*days, 10)
	out = append(out, " days "...)
	out = strconv.AppendInt(out, sign*us, 10)
	r.scratch = append(out, " microseconds"...)
	return r.scratch, nil
}
