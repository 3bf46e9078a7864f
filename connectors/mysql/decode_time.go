package mysql

import (
	"database/sql/driver"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/connectors/internal/batch"
	"spark/flows"
)

// moments reads days and times as the server writes them: 2026-02-28, -838:59:59.000001 and 2026-02-28 01:02:03.000004.
func moments(col *batch.Column, t flows.Type, zeroNull bool) func(driver.Value) error {
	var scratch [64]byte
	add := func(b []byte) error { // a day, with a time or without
		days, rest, err := day(b)
		if err == errZero && zeroNull {
			return errNull
		}
		if err != nil {
			return fmt.Errorf("%q %w", b, err)
		}
		if t.Kind == flows.Date {
			if len(rest) > 0 {
				return fmt.Errorf("%q is no day", b)
			}
			batch.Append(col, arrow.Date32(days))
			return nil
		}
		micros := int64(0)
		if len(rest) > 0 {
			var ok bool
			if micros, ok = clock(rest[1:]); !ok || micros >= dayMicros {
				return fmt.Errorf("%q is no time", b)
			}
		}
		batch.Append(col, arrow.Timestamp(int64(days)*dayMicros+micros))
		return nil
	}
	return func(v driver.Value) error {
		b, ok := v.([]byte)
		if !ok {
			return fmt.Errorf("%v is no time", v)
		}
		if t.Kind != flows.Time && t.Kind != flows.Interval {
			return add(b)
		}
		digits, neg := b, false
		if len(b) > 0 && b[0] == '-' {
			digits, neg = b[1:], true
		}
		micros, ok := clock(digits)
		switch {
		case !ok:
			return fmt.Errorf("%q is no time", b)
		case neg:
			micros = -micros
		}
		switch {
		case t.Kind == flows.Interval:
			col.AppendText(fmt.Appendf(scratch[:0], "0 months 0 days %d microseconds", micros))
		case micros < 0 || micros >= dayMicros || neg:
			return fmt.Errorf("%q is no time of a day; let the field be an interval", b)
		default:
			batch.Append(col, arrow.Time64(micros))
		}
		return nil
	}
}

const dayMicros = 86_400_000_000

var errZero = fmt.Errorf("is a zero date, which is no day; the connection's setting \"Zero dates\" can make it null")

// day reads a day, as days since 1970-01-01, and returns what follows.
func day(b []byte) (int32, []byte, error) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return 0, nil, fmt.Errorf("is no day")
	}
	century, ok1 := two(b)
	year, ok2 := two(b[2:])
	month, ok3 := two(b[5:])
	d, ok4 := two(b[8:])
	year += 100 * century
	switch {
	case !ok1 || !ok2 || !ok3 || !ok4:
		return 0, nil, fmt.Errorf("is no day")
	case year == 0 && month == 0 && d == 0, month == 0 || d == 0:
		return 0, nil, errZero
	case month > 12 || d > daysIn(year, month) || year == 0:
		return 0, nil, fmt.Errorf("is no day of the calendar")
	}
	return days(year, month, d), b[10:], nil
}

func two(b []byte) (int, bool) {
	x, y := b[0]-'0', b[1]-'0'
	return int(x)*10 + int(y), x <= 9 && y <= 9
}

var monthDays = [13]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return monthDays[month]
}

// days counts days since 1970-01-01; years begin in March here, so that the leap day is the last of its year.
func days(year, month, day int) int32 {
	if month <= 2 {
		year--
		month += 12
	}
	return int32(365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719_469)
}

// clock reads hours, minutes and seconds, in microseconds. There may be 838 hours.
func clock(b []byte) (int64, bool) {
	hours, i := int64(0), 0
	for i < len(b) && b[i]-'0' <= 9 {
		hours = hours*10 + int64(b[i]-'0')
		i++
	}
	rest := b[i:]
	if i < 2 || i > 3 || len(rest) < 6 || rest[0] != ':' || rest[3] != ':' {
		return 0, false
	}
	minutes, ok1 := two(rest[1:])
	seconds, ok2 := two(rest[4:])
	micros := ((hours*60+int64(minutes))*60 + int64(seconds)) * 1_000_000
	rest = rest[6:]
	if len(rest) == 0 {
		return micros, ok1 && ok2
	}
	if rest[0] != '.' || len(rest) > 7 {
		return 0, false
	}
	unit := int64(100_000)
	for _, c := range rest[1:] {
		if c-'0' > 9 {
			return 0, false
		}
		micros += int64(c-'0') * unit
		unit /= 10
	}
	return micros, ok1 && ok2
}
