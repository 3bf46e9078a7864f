// Package infer proposes types from samples of text. It only proposes: what cannot be told apart stays text, with a note,
// and never does a number that would lose digits become a double.
package infer

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"

	"spark/connectors/internal/value"
	"spark/flows"
	"spark/flows/node"
)

// Column collects the values of one field.
type Column struct {
	Name    string
	opt     value.Options
	tests   []test
	Values  int64 // that are not null
	Nulls   int64
	whole   int // most digits before the point
	decimal int // most digits after it
	number  struct {
		exponent, leadingZero, threeDecimals bool
	}
	dates   dateForm
	example string
}

// test is a type that all values so far have.
type test struct {
	typ    flows.Type
	reader *value.Reader
	dead   bool
}

// The types that are tried, in order of preference.
var tried = []flows.Type{flows.Of(flows.Boolean), flows.Of(flows.Int64), flows.DecimalOf(38, 0), flows.Of(flows.Double), flows.Of(flows.Date),
	flows.Of(flows.Timestamp), flows.Of(flows.TimestampTZ), flows.Of(flows.Time), flows.Of(flows.UUID)}

// New returns an empty column whose numbers are written in that way.
func New(name string, opt value.Options) *Column {
	c := &Column{Name: name, opt: opt}
	for _, t := range tried {
		r, err := value.New(t, "", "", opt)
		if err != nil {
			panic(err) // the list is constant
		}
		c.tests = append(c.tests, test{typ: t, reader: r})
	}
	return c
}

// Add looks at one value.
func (c *Column) Add(b []byte) {
	c.Values++
	if c.Values == 1 {
		c.example = string(b)
	}
	for i := range c.tests {
		if t := &c.tests[i]; !t.dead && t.reader.Check(b) != nil {
			t.dead = true
		}
	}
	if c.alive(flows.Double) {
		c.addNumber(b)
	}
	c.dates.add(b)
}

// AddNull counts a value that means nothing is known.
func (c *Column) AddNull() { c.Nulls++ }

func (c *Column) alive(k flows.Kind) bool {
	for _, t := range c.tests {
		if t.typ.Kind == k {
			return !t.dead
		}
	}
	return false
}

func (c *Column) addNumber(b []byte) {
	point := byte('.')
	if c.opt.Decimal != 0 {
		point = c.opt.Decimal
	}
	if bytes.ContainsAny(b, "eE") {
		c.number.exponent = true
	}
	whole, fraction, _ := bytes.Cut(bytes.TrimLeft(b, "+-"), []byte{point})
	if len(whole) > 1 && whole[0] == '0' {
		c.number.leadingZero = true
	}
	if c.opt.Group != 0 {
		whole = bytes.ReplaceAll(whole, []byte{c.opt.Group}, nil)
	}
	c.number.threeDecimals = len(fraction) == 3 && (c.Values == 1 || c.number.threeDecimals)
	c.whole, c.decimal = max(c.whole, len(whole)), max(c.decimal, len(fraction))
}

// Numeric reports whether all values are numbers.
func (c *Column) Numeric() bool { return c.Values > 0 && c.alive(flows.Double) }

// Typed reports whether the values are something else than text.
func (c *Column) Typed() bool {
	t, _, _ := c.Propose()
	return t.Kind != flows.Text
}

// Propose returns the type for the values, a format for dates that are not ISO 8601, and what the builder should know.
func (c *Column) Propose() (t flows.Type, format string, notes []string) {
	text := flows.Of(flows.Text)
	note := func(s string, args ...any) {
		notes = append(notes, fmt.Sprintf("%s: ", c.Name)+fmt.Sprintf(s, args...))
	}
	switch {
	case c.Values == 0:
		note("the sample holds no value, so nothing is known of its type.")
		return text, "", notes
	case c.alive(flows.Boolean):
		return flows.Of(flows.Boolean), "", nil
	case c.alive(flows.Double):
		t, why := c.numberType()
		if why != "" {
			note("%s", why)
		}
		return t, "", notes
	}
	for _, k := range []flows.Kind{flows.Date, flows.Timestamp, flows.TimestampTZ, flows.Time, flows.UUID} {
		if c.alive(k) {
			return flows.Of(k), "", nil
		}
	}
	if kind, format, why := c.dates.propose(); why != "" {
		note("%s", why)
		return flows.Of(kind), format, notes
	}
	return text, "", nil
}

func (c *Column) numberType() (flows.Type, string) {
	switch {
	case c.number.leadingZero:
		return flows.Of(flows.Text), fmt.Sprintf("the values are digits with leading zeros, such as %q; as text they keep them.", c.example)
	case c.number.exponent:
		return flows.Of(flows.Double), "some values have an exponent, so it is read as double, which keeps about 15 digits."
	case c.alive(flows.Int64):
		return flows.Of(flows.Int64), ""
	case c.decimal == 0 && c.whole <= flows.MaxPrecision:
		return flows.DecimalOf(flows.MaxPrecision, 0), fmt.Sprintf("some values have %d digits and do not fit into int64.", c.whole)
	}
	scale := max(2, c.decimal+c.decimal%2)
	switch {
	case c.whole+c.decimal > flows.MaxPrecision:
		return flows.Of(flows.Text), "some values have more digits than a decimal holds; as text they keep them."
	case c.whole+4+scale <= 18:
		return flows.DecimalOf(18, scale), c.groupDoubt()
	case c.whole+scale > flows.MaxPrecision:
		scale = c.decimal
	}
	return flows.DecimalOf(flows.MaxPrecision, scale), c.groupDoubt()
}

// groupDoubt warns of 1.234 that may mean one thousand two hundred and thirty-four.
func (c *Column) groupDoubt() string {
	if c.number.threeDecimals && c.Values > 1 {
		return fmt.Sprintf("all values have three digits after the separator, such as %q; check that it is not a separator of thousands.", c.example)
	}
	return ""
}

// dateForm follows values that may be dates of the form 03/04/2026, with or without a time.
type dateForm struct {
	seen           int64
	dead           bool
	separator      string
	clock          string // "", " %H:%M", " %H:%M:%S" …
	firstIsDay     bool   // some first number is above 12
	secondIsDay    bool
	example        string
	clear          bool  // the example shows that two readings differ
	iso, zoned, at int64 // ISO values by what they have: only a date, an offset, a time
}

var (
	dottedDate = regexp.MustCompile(`^(\d{1,2})([/.-])(\d{1,2})([/.-])(\d{4})(?:([ T])(\d{1,2}):(\d{2})(:\d{2})?)?$`)
	isoLike    = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?( ?(?:Z|[+-]\d{2}:?\d{2}|[+-]\d{2}))?)?$`)
)

func (d *dateForm) add(b []byte) {
	d.seen++
	if d.dead {
		return
	}
	if m := isoLike.FindSubmatch(b); m != nil {
		switch {
		case len(b) == 10:
			d.iso++
		case len(m[1]) > 0:
			d.zoned++
		default:
			d.at++
		}
		return
	}
	m := dottedDate.FindSubmatch(b)
	if m == nil || string(m[2]) != string(m[4]) || d.separator != "" && d.separator != string(m[2]) {
		d.dead = true
		return
	}
	clock := ""
	if len(m[6]) > 0 {
		clock = string(m[6]) + "%H:%M"
		if len(m[9]) > 0 {
			clock += ":%S"
		}
	}
	if d.separator != "" && clock != d.clock {
		d.dead = true
		return
	}
	d.separator, d.clock = string(m[2]), clock
	first, _ := strconv.Atoi(string(m[1]))
	second, _ := strconv.Atoi(string(m[3]))
	if clear := first != second && first <= 12 && second <= 12; d.example == "" || clear && !d.clear {
		d.example, d.clear = string(b), clear
	}
	d.firstIsDay = d.firstIsDay || first > 12
	d.secondIsDay = d.secondIsDay || second > 12
}

func (d *dateForm) propose() (kind flows.Kind, format, note string) {
	if d.dead || d.seen == 0 {
		return flows.Text, "", ""
	}
	if d.separator == "" {
		return flows.Text, "", "the values are ISO dates of several kinds (with and without a time, or an offset from UTC), so no one type fits all."
	}
	if d.iso+d.zoned+d.at > 0 {
		return flows.Text, "", "the values are dates of several forms, so no one format fits all."
	}
	kind = flows.Date
	if d.clock != "" {
		kind = flows.Timestamp
	}
	dayFirst := "%d" + d.separator + "%m" + d.separator + "%Y" + d.clock
	monthFirst := "%m" + d.separator + "%d" + d.separator + "%Y" + d.clock
	switch {
	case d.firstIsDay && d.secondIsDay:
		return flows.Text, "", "some values have the day first and others the month, so no one format fits all."
	case d.firstIsDay:
		return kind, dayFirst, fmt.Sprintf("some days are above 12, so the day stands first: format %s.", dayFirst)
	case d.secondIsDay:
		return kind, monthFirst, fmt.Sprintf("some days are above 12, so the month stands first: format %s.", monthFirst)
	}
	return flows.Text, "", fmt.Sprintf("%s can be read as day/month/year (format %s) or as month/day/year (format %s); choose one.", d.example, dayFirst, monthFirst)
}

// Field makes a proposed field of the column.
func (c *Column) Field() (node.FileField, []string) {
	t, format, notes := c.Propose()
	return node.FileField{Name: c.Name, Type: t, Format: format}, notes
}
