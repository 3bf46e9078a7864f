package expr

import (
	"strings"

	"spark/flows"
)

var (
	dateUnits = []string{"day", "week", "month", "quarter", "year"}
	timeUnits = append([]string{"microsecond", "millisecond", "second", "minute", "hour"}, dateUnits...)
)

// unitCheck checks the unit at position i for the date or timestamp at position of.
func unitCheck(i, of int) func(*checker, *Call) *flows.Error {
	return func(_ *checker, c *Call) *flows.Error {
		if c.Args[of].Type().Kind == flows.Date {
			return checkUnit(c, i, dateUnits...)
		}
		return checkUnit(c, i, timeUnits...)
	}
}

func init() {
	dateParts := signatures("x date → int64", "x timestamp → int64", "x timestamptz → int64")
	timeParts := signatures("x timestamp → int64", "x timestamptz → int64", "x time → int64")
	for _, p := range [][4]string{
		{"year", "Returns the year.", "year(date '2026-01-31')", "2026"},
		{"quarter", "Returns the quarter, 1 to 4.", "quarter(date '2026-05-31')", "2"},
		{"month", "Returns the month, 1 to 12.", "month(date '2026-05-31')", "5"},
		{"day", "Returns the day of the month.", "day(date '2026-05-31')", "31"},
		{"day_of_week", "Returns the day of the week, 1 for Monday to 7 for Sunday.", "day_of_week(date '2026-02-01')", "7"},
		{"day_of_year", "Returns the day of the year, 1 to 366.", "day_of_year(date '2026-02-01')", "32"},
		{"week", "Returns the ISO week, 1 to 53.", "week(date '2026-01-01')", "1"},
		{"week_year", "Returns the year to which the ISO week belongs.", "week_year(date '2027-01-01')", "2026"},
	} {
		register("date and time", &Func{Name: p[0], Signatures: dateParts, Help: p[1], Example: p[2], Result: p[3]})
	}
	for _, p := range [][4]string{
		{"hour", "Returns the hour, 0 to 23; of a timestamptz in UTC.", "hour(timestamp '2026-01-31 13:45:10')", "13"},
		{"minute", "Returns the minute.", "minute(time '13:45:10')", "45"},
		{"second", "Returns the second without its fraction.", "second(time '13:45:10.75')", "10"},
	} {
		register("date and time", &Func{Name: p[0], Signatures: timeParts, Help: p[1], Example: p[2], Result: p[3]})
	}
	registerDateArithmetic()
	registerDateText()
	registerZones()
}

func registerDateArithmetic() {
	notADate := Failure{"value.not_valid", "there is no such date or time"}
	register("date and time",
		&Func{Name: "date_trunc", Signatures: signatures("unit unit, x date → date", "unit unit, x timestamp → timestamp", "unit unit, x timestamptz → timestamptz"),
			Help: "Goes back to the start of the unit: day, week (Monday), month, quarter, year, and for timestamps hour, minute, second.", Example: "date_trunc('month', date '2026-01-31')",
			Result: "date '2026-01-01'", check: unitCheck(0, 1)},
		&Func{Name: "date_add", Signatures: signatures("x date, n integer, unit unit → date", "x timestamp, n integer, unit unit → timestamp", "x timestamptz, n integer, unit unit → timestamptz"),
			Help: "Adds n units; a month that is too short gives its last day.", Example: "date_add(date '2026-01-31', 1, 'month')",
			Result: "date '2026-02-28'", Failures: []Failure{outOfRange}, check: unitCheck(2, 0)},
		&Func{Name: "date_diff", Signatures: signatures("unit unit, from date, to date → int64", "unit unit, from timestamp, to timestamp → int64", "unit unit, from timestamptz, to timestamptz → int64"),
			Help: "Counts how often a new unit begins between both: two days around midnight are 1 day apart.", Example: "date_diff('day', date '2026-01-31', date '2026-02-02')",
			Result: "2", check: unitCheck(0, 1)},
		&Func{Name: "last_day", Signatures: signatures("x date → date", "x timestamp → date"), Help: "Returns the last day of the month.",
			Example: "last_day(date '2028-02-03')", Result: "date '2028-02-29'"},
		&Func{Name: "make_date", Signatures: signatures("year integer, month integer, day integer → date"), Help: "Makes a date of numbers.",
			Example: "make_date(2026, 1, 31)", Result: "date '2026-01-31'", Failures: []Failure{notADate}},
		&Func{Name: "make_timestamp", Signatures: signatures("year integer, month integer, day integer, hour integer, minute integer, second integer → timestamp"),
			Help: "Makes a timestamp of numbers.", Example: "make_timestamp(2026, 1, 31, 13, 45, 0)", Result: "timestamp '2026-01-31 13:45:00'", Failures: []Failure{notADate}},
		&Func{Name: "epoch_seconds", Signatures: signatures("x timestamptz → int64", "x timestamp → int64"), Help: "Counts the whole seconds since 1970-01-01 00:00:00 (UTC).",
			Example: "epoch_seconds(timestamptz '1970-01-02 00:00:00Z')", Result: "86400"},
		&Func{Name: "epoch_millis", Signatures: signatures("x timestamptz → int64", "x timestamp → int64"), Help: "Counts the whole milliseconds since 1970-01-01 00:00:00 (UTC).",
			Example: "epoch_millis(timestamptz '1970-01-01 00:00:01.5Z')", Result: "1500"},
		&Func{Name: "from_epoch", Signatures: signatures("seconds integer → timestamptz", "seconds double → timestamptz"), Help: "Makes a timestamptz of seconds since 1970-01-01 00:00:00 UTC.",
			Example: "from_epoch(86400)", Result: "timestamptz '1970-01-02 00:00:00Z'", Failures: []Failure{outOfRange}},
		&Func{Name: "from_epoch_millis", Signatures: signatures("milliseconds integer → timestamptz"), Help: "Makes a timestamptz of milliseconds since 1970-01-01 00:00:00 UTC.",
			Example: "from_epoch_millis(1500)", Result: "timestamptz '1970-01-01 00:00:01.5Z'", Failures: []Failure{outOfRange}},
		&Func{Name: "now", Signatures: signatures(" → timestamptz"), Help: "Returns the time at which the run started, the same for all its records."},
		&Func{Name: "today", Signatures: signatures("[zone zone] → date"), Help: "Returns the date at which the run started, in UTC or in a time zone."},
	)
}

func registerDateText() {
	register("date and time",
		&Func{Name: "to_date", Signatures: signatures("x text → date", "x timestamp → date"), Help: "Reads a date written as YYYY-MM-DD, or takes the date of a timestamp.",
			Example: "to_date('2026-01-31')", Result: "date '2026-01-31'", Failures: []Failure{notValid},
			fails: func(c *Call) bool { return c.As[0].Kind == flows.Text }},
		&Func{Name: "parse_date", Signatures: signatures("x text, format format → date"), Help: "Reads a date in a format.",
			Example: "parse_date('31.1.2026', '%d.%m.%Y')", Result: "date '2026-01-31'", Failures: []Failure{notValid},
			check: func(_ *checker, c *Call) *flows.Error { return checkParseFormat(c.Args[1], flows.Date, false) }},
		&Func{Name: "parse_timestamp", Signatures: signatures("x text, format format → rule"), Help: "Reads a timestamp in a format; with %z in it a timestamptz.",
			Example: "parse_timestamp('01/31/2026 1:45 PM', '%m/%d/%Y %I:%M %p')", Result: "timestamp '2026-01-31 13:45:00'",
			Failures: []Failure{notValid}, rule: parseTimestampRule,
			check: func(_ *checker, c *Call) *flows.Error { return checkParseFormat(c.Args[1], c.typ.Kind, false) }},
		&Func{Name: "format_date", Signatures: signatures("x date, format format → text", "x timestamp, format format → text", "x timestamptz, format format → text"),
			Help: "Writes a date or timestamp in a format; a timestamptz in UTC.", Example: "format_date(date '2026-01-31', '%d.%m.%Y')", Result: "'31.01.2026'",
			check: func(_ *checker, c *Call) *flows.Error { return checkPrintFormat(c.Args[1], c.As[0].Kind) }},
	)
}

func parseTimestampRule(k *checker, c *Call) *flows.Error {
	for _, e := range c.Args {
		if e.Type().Kind != flows.Text && !isUntypedNull(e) {
			return k.mismatch(c)
		}
	}
	text := flows.Of(flows.Text)
	if s, ok := ConstantText(c.Args[1]); ok && checkedLetters(s, 'z') {
		return c.set(flows.Of(flows.TimestampTZ), text)
	}
	return c.set(flows.Of(flows.Timestamp), text)
}

// checkedLetters reports whether a format that is not checked yet contains a specifier.
func checkedLetters(format string, letter byte) bool {
	if message, _ := checkFormat(format); message != "" {
		return false
	}
	return strings.IndexByte(formatLetters(format), letter) >= 0
}

func registerZones() {
	gap := Failure{"value.no_such_time", "this local time does not exist in the time zone"}
	register("date and time",
		&Func{Name: "at_zone", Signatures: signatures("x timestamp, zone zone → timestamptz"),
			Help:    "Takes a timestamp as local time of a zone; a time skipped by the clocks is an error, one that happens twice is the first.",
			Example: "at_zone(timestamp '2026-07-01 12:00:00', 'Europe/Berlin')", Result: "timestamptz '2026-07-01 12:00:00+02:00'", Failures: []Failure{gap}},
		&Func{Name: "to_zone", Signatures: signatures("x timestamptz, zone zone → timestamp"), Help: "Shows an instant as local time of a zone.",
			Example: "to_zone(timestamptz '2026-01-31 12:00:00Z', 'Europe/Berlin')", Result: "timestamp '2026-01-31 13:00:00'"},
	)
}
