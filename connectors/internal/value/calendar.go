package value

import (
	"fmt"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"spark/flows"
)

const (
	microsPerSecond = 1_000_000
	secondsPerDay   = 86_400
	microsPerDay    = secondsPerDay * microsPerSecond
)

// Years of four digits that the date parser looks up instead of computing.
const (
	firstYear = 1900
	lastYear  = 2100
)

// MonthStart holds, for months of the years 1900 to 2099, the days since 1970-01-01 of the day before the first.
// Index: (year-1900)*16 + month.
var MonthStart [(lastYear - firstYear) * 16]int32

var monthDays = [13]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

var monthNames = [...]string{"", "January", "February", "March", "April", "May", "June", "July", "August", "September",
	"October", "November", "December"}

func init() {
	for y := firstYear; y < lastYear; y++ {
		for m := 1; m <= 12; m++ {
			MonthStart[(y-firstYear)*16+m] = int32(dayNumber(y, m, 0))
		}
	}
}

// DaysIn is the length of a month of the years 1900 to 2099, by the same index as MonthStart's months.
func DaysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return monthDays[month]
}

// dayNumber counts days since 1970-01-01 in the proleptic Gregorian calendar.
func dayNumber(year, month, day int) int {
	// Years begin in March here, so that the leap day is the last of its year.
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719_469
}

// clock is what a date and time text says.
type clock struct {
	year, month, day int
	hour, min, sec   int
	micros           int
	offset           int // seconds east of UTC
	hasOffset        bool
}

func (c *clock) days() int64 { return int64(dayNumber(c.year, c.month, c.day)) }

func (c *clock) timeOfDay() int64 {
	return int64(c.hour*3600+c.min*60+c.sec)*microsPerSecond + int64(c.micros)
}

// checkDate refuses days that the calendar does not have.
func (c *clock) checkDate(b []byte) *Fault {
	switch {
	case c.year < 1 || c.year > 9999:
		return refused("date", b, " is not a date: the year must be 1 to 9999")
	case c.month < 1 || c.month > 12:
		return fault("date", "%s is not a date: there is no month %d", quoted(b), c.month)
	}
	if n := DaysIn(c.year, c.month); c.day < 1 || c.day > n {
		return fault("date", "%s is not a date: %s %d has the days 1 to %d", quoted(b), monthNames[c.month], c.year, n)
	}
	return nil
}

func (c *clock) checkTime(b []byte) *Fault {
	switch {
	case c.hour > 23:
		return fault("date", "%s is not a time: there is no hour %d", quoted(b), c.hour)
	case c.min > 59:
		return fault("date", "%s is not a time: there is no minute %d", quoted(b), c.min)
	case c.sec > 59:
		return fault("date", "%s is not a time: there is no second %d", quoted(b), c.sec)
	}
	return nil
}

// Date reads a day, as days since 1970-01-01.
func (r *Reader) Date(b []byte) (int32, *Fault) {
	var c clock
	if r.layout != nil {
		if f := r.layout.parse(b, &c); f != nil {
			return 0, f
		}
	} else if rest, ok := isoDate(b, &c); !ok || len(rest) > 0 {
		return 0, r.notISO(b, "a date", "YYYY-MM-DD")
	}
	if f := c.checkDate(b); f != nil {
		return 0, f
	}
	return int32(c.days()), nil
}

func (r *Reader) notISO(b []byte, what, form string) *Fault {
	return fault("date", "%s is not %s of the form %s; other forms need the field's format", quoted(b), what, form)
}

// Moment reads a time of day or a timestamp, in microseconds.
func (r *Reader) Moment(b []byte) (int64, *Fault) {
	var c clock
	if f := r.readClock(b, &c); f != nil {
		return 0, f
	}
	if f := c.checkTime(b); f != nil {
		return 0, f
	}
	if r.Type.Kind == flows.Time {
		return c.timeOfDay(), nil
	}
	if f := c.checkDate(b); f != nil {
		return 0, f
	}
	local := c.days()*microsPerDay + c.timeOfDay()
	switch {
	case r.Type.Kind == flows.Timestamp:
		return local, nil
	case c.hasOffset:
		return local - int64(c.offset)*microsPerSecond, nil
	}
	return r.zone.instant(local, b)
}

func (r *Reader) readClock(b []byte, c *clock) *Fault {
	if r.layout != nil {
		return r.layout.parse(b, c)
	}
	rest, ok := b, true
	if r.Type.Kind != flows.Time {
		rest, ok = isoDate(b, c)
		if ok && len(rest) == 0 {
			return fault("date", "%s has no time of day and the field is a %s; a format such as %%Y-%%m-%%d reads it as midnight", quoted(b), r.Type)
		}
		if ok = ok && (rest[0] == 'T' || rest[0] == ' ' || rest[0] == 't'); ok {
			rest = rest[1:]
		}
	}
	if ok {
		rest, ok = isoTime(rest, c)
	}
	if !ok {
		if r.Type.Kind == flows.Time {
			return r.notISO(b, "a time", "HH:MM:SS")
		}
		return r.notISO(b, "a timestamp", "YYYY-MM-DD HH:MM:SS")
	}
	if c.micros < 0 {
		return tooFine(b)
	}
	return r.isoOffset(b, rest, c)
}

func tooFine(b []byte) *Fault {
	return refused("precision", b, " is finer than a microsecond, which is the finest that is kept")
}

// isoOffset reads what may follow the time and checks that it suits the type.
func (r *Reader) isoOffset(b, rest []byte, c *clock) *Fault {
	if len(rest) > 1 && rest[0] == ' ' {
		rest = rest[1:]
	}
	if len(rest) > 0 {
		if n := readOffset(rest, c); n != len(rest) {
			return fault("date", "%s is not a %s: %s after the time is no offset from UTC", quoted(b), r.Type, quoted(rest))
		}
	}
	switch {
	case c.hasOffset && r.Type.Kind != flows.TimestampTZ:
		return fault("zone", "%s has an offset from UTC and %s has none; choose the type timestamptz", quoted(b), r.Type)
	case !c.hasOffset && r.Type.Kind == flows.TimestampTZ && r.zone == nil:
		return refused("zone", b, " has no offset from UTC; set the field's time zone")
	}
	return nil
}

// isoDate reads YYYY-MM-DD and returns what follows.
func isoDate(b []byte, c *clock) ([]byte, bool) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return b, false
	}
	y, ok1 := digits2(b, 0)
	y2, ok2 := digits2(b, 2)
	m, ok3 := digits2(b, 5)
	d, ok4 := digits2(b, 8)
	c.year, c.month, c.day = y*100+y2, m, d
	return b[10:], ok1 && ok2 && ok3 && ok4
}

// isoTime reads HH:MM[:SS[.ffffff]]. micros is -1 where a fraction is finer than a microsecond.
func isoTime(b []byte, c *clock) ([]byte, bool) {
	if len(b) < 5 || b[2] != ':' {
		return b, false
	}
	h, ok1 := digits2(b, 0)
	m, ok2 := digits2(b, 3)
	c.hour, c.min = h, m
	if !ok1 || !ok2 || len(b) < 6 || b[5] != ':' {
		return b[5:], ok1 && ok2
	}
	if len(b) < 8 {
		return b, false
	}
	s, ok := digits2(b, 6)
	if c.sec = s; !ok {
		return b, false
	}
	b = b[8:]
	if len(b) > 0 && (b[0] == '.' || b[0] == ',') {
		n := digitsEnd(b, 1) - 1
		if n == 0 {
			return b, false
		}
		c.micros = micros(b[1 : 1+n])
		b = b[1+n:]
	}
	return b, true
}

// micros reads a fraction of a second; -1 when it is finer than a microsecond.
func micros(digits []byte) int {
	v := 0
	for i := range 6 {
		v *= 10
		if i < len(digits) {
			v += int(digits[i] - '0')
		}
	}
	for _, d := range digits[min(6, len(digits)):] {
		if d != '0' {
			return -1
		}
	}
	return v
}

func digits2(b []byte, i int) (int, bool) {
	x, y := b[i]-'0', b[i+1]-'0'
	return int(x)*10 + int(y), x <= 9 && y <= 9
}

// readOffset reads Z, ±HH, ±HHMM or ±HH:MM and returns how many octets that took, 0 when it is no offset.
func readOffset(b []byte, c *clock) int {
	if b[0] == 'Z' || b[0] == 'z' {
		c.hasOffset = true
		return 1
	}
	if len(b) < 3 || b[0] != '+' && b[0] != '-' {
		return 0
	}
	h, ok := digits2(b, 1)
	if !ok || h > 18 {
		return 0
	}
	n, m := 3, 0
	switch {
	case len(b) >= 6 && b[3] == ':':
		m, ok = digits2(b, 4)
		n = 6
	case len(b) >= 5 && b[3] != ':':
		m, ok = digits2(b, 3)
		n = 5
	}
	if !ok || m > 59 {
		return 0
	}
	c.hasOffset, c.offset = true, h*3600+m*60
	if b[0] == '-' {
		c.offset = -c.offset
	}
	return n
}

// zone turns local times into instants. It remembers between which changes of the clocks the last one was.
type zone struct {
	loc      *time.Location
	from, to int64 // local seconds that certainly have the offset
	offset   int64
}

// instant returns when a local time was. Of two such instants, after the clocks were put back, it is the earlier one;
// a local time that the clocks skipped is a fault.
func (z *zone) instant(local int64, b []byte) (int64, *Fault) {
	sec := floorDiv(local, microsPerSecond)
	if sec < z.from || sec >= z.to {
		off, ok := z.find(sec)
		if !ok {
			return 0, fault("zone", "%s does not exist in %s: the clocks were put forward then", quoted(b), z.loc)
		}
		return local - off*microsPerSecond, nil
	}
	return local - z.offset*microsPerSecond, nil
}

func (z *zone) find(sec int64) (offset int64, ok bool) {
	for _, around := range [...]int64{-secondsPerDay, 0, secondsPerDay} {
		_, off := time.Unix(sec+around, 0).In(z.loc).Zone()
		t := time.Unix(sec-int64(off), 0).In(z.loc)
		if _, got := t.Zone(); got == off {
			z.remember(t, int64(off))
			return int64(off), true
		}
	}
	return 0, false
}

// remember keeps a day's distance from changes of the clocks, because what is ambiguous lies there.
func (z *zone) remember(t time.Time, offset int64) {
	start, end := t.ZoneBounds()
	z.offset, z.from, z.to = offset, -1<<60, 1<<60
	if !start.IsZero() {
		z.from = start.Unix() + offset + secondsPerDay
	}
	if !end.IsZero() {
		z.to = end.Unix() + offset - secondsPerDay
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// FormatHelp lists what a date and time format may contain.
var FormatHelp = fmt.Sprintf("use %s", "%Y %y %m %d %b %B %j %H %I %M %S %f %p %z %%")
