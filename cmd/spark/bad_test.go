package main

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"spark/flows"
)

// bad is one input that does not go through, or only just: what happens is fixed to the letter.
type bad struct {
	name     string
	file     string // content of the input
	at       string // its name where it is not in.csv
	input    box    // where it is not in.csv with idName
	mid      []box  // between input and output
	output   box    // where it is not out.csv
	doc      string // instead of the chain
	settings map[string]any
	setup    func(*place)
	during   func(*process)
	after    func(*place)
	args     []string
	exit     int
	code     string // of the first error
	want     string // out.csv after success; after a failure the old one stays
}

const old = "what was here before\n"

var idName = []string{"id:int64", "name:text"}

// badClass is a kind of input that is broken.
type badClass struct {
	name  string
	cases []bad
}

func badClasses() []badClass {
	return []badClass{
		{"Compressed files", badCompression()},
		{"Encodings", badEncodings()},
		{"Lines", badLines()},
		{"Columns and headers", badShapes()},
		{"Quotes", badQuotes()},
		{"Numbers and other values", badValues()},
		{"Dates and times", badTimes()},
		{"JSON and JSON lines", badJSON()},
		{"Parquet", badParquet()},
		{"Sizes", badSizes()},
		{"Other kinds of file", badKinds()},
		{"Files that change", badMoving()},
		{"Paths and names", badPaths()},
		{"Targets", badTargets()},
		{"Late in a long file", badLate()},
		{"Flow documents", badDocuments()},
	}
}

// Bounds of one case: how long it may take, and how much memory the program or its executor.
const (
	badTime   = 30 * time.Second
	badMemory = 600 << 20
)

// TestBadInput: every broken input gives the exact result or a named error: none is silent, none ends the process, none
// takes long or much memory. docs/broken-input.md tells what happens to each.
func TestBadInput(t *testing.T) {
	t.Parallel()
	g := openGolden(t, "bad")
	classes := badClasses()
	t.Cleanup(func() { checkBadPage(t, g, classes) }) // the cases are over then
	names, n := map[string]bool{}, 0
	for _, class := range classes {
		for _, b := range class.cases {
			if n++; names[b.name] {
				t.Errorf("two cases are called %q", b.name)
			}
			names[b.name] = true
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				b.check(t, g)
			})
		}
	}
	t.Logf("%d cases of %d classes", n, len(classes))
	if n < 150 {
		t.Errorf("there are %d cases, and no less than 150 are promised", n)
	}
}

var anyLine = regexp.MustCompile(`, line \d+`)

func (b bad) check(t *testing.T, g *golden) {
	p := setup(t)
	p.write(cmp.Or(b.at, "in.csv"), b.file)
	p.write("out.csv", old)
	if b.setup != nil {
		b.setup(p)
	}
	p.write("flow.json", b.document())
	began := time.Now()
	x := p.start(append([]string{"run", "--json", "flow.json"}, b.args...)...)
	if b.during != nil {
		b.during(x)
	}
	o := x.wait()
	if took := time.Since(began); took > badTime || o.rss > badMemory {
		t.Errorf("it took %s and %d MB", took, o.rss>>20)
	}
	ps := o.problems(t)
	code := ""
	if len(ps) > 0 {
		code = ps[0].Code
	}
	if o.code != b.exit || code != b.code || o.stderr != "" {
		t.Errorf("exit code %d, error %q, on standard error %q; wanted %d, %q\n%s", o.code, code, o.stderr, b.exit, b.code, p.sentences(ps))
	}
	want := b.want
	if b.exit != exitOK {
		want = old
		said := p.sentences(ps)
		if b.during != nil { // how far it had come is different every time
			said = anyLine.ReplaceAllString(said, "")
		}
		g.check(t, b.name, fmt.Sprintf("exit %d\n%s", o.code, said))
	}
	if got := p.read("out.csv"); got != want {
		t.Errorf("out.csv is %q and should be %q", shorten(got), shorten(want))
	}
	if b.after != nil {
		b.after(p)
	}
	p.clean()
}

func (b bad) document() string {
	if b.doc != "" {
		return b.doc
	}
	in := b.input
	if in.kind == "" {
		in = input("in.csv", idName...)
	}
	out := b.output
	if out.kind == "" {
		out = output("out.csv")
	}
	boxes := append(append([]box{in}, b.mid...), out)
	var edges []string
	for i, b := range boxes[1:] {
		edges = append(edges, boxes[i].id+".out>"+b.id+".in")
	}
	more := map[string]any{}
	if b.settings != nil {
		more["settings"] = b.settings
	}
	return graph(more, boxes, edges...)
}

// sentences writes problems as people read them, and their places as programs do.
func (p *place) sentences(ps flows.Problems) string {
	var b strings.Builder
	for _, e := range ps {
		fmt.Fprintf(&b, "%s %s\n", e.Code, p.plain(e.Error()))
	}
	return b.String()
}

func shorten(s string) string {
	if len(s) > 500 {
		return s[:500] + "…"
	}
	return s
}

func badDocuments() []bad {
	good := chain(input("in.csv", idName...), output("out.csv"))
	file := "id,name\n1,a\n"
	return []bad{
		{name: "document broken", doc: good[:len(good)/2], exit: exitInvalid, code: "document.syntax"},
		{name: "document empty", doc: " ", exit: exitInvalid, code: "document.syntax"},
		{name: "document of a newer format", doc: strings.Replace(good, `"format":1`, `"format":2`, 1), exit: exitInvalid, code: "document.newer"},
		{name: "document without nodes", file: file, doc: `{"format":1,"name":"x","nodes":[],"edges":[]}`, exit: exitInvalid, code: "flow.empty"},
		{name: "unknown field in an expression", file: file, mid: []box{step("keep", "filter", `{"condition":"nmae = 'a'"}`)}, exit: exitInvalid, code: "expr.unknown_field"},
		{name: "unknown node type", file: file, mid: []box{step("x", "no.such", `{}`)}, exit: exitInvalid, code: "node.unknown_type"},
		{name: "two problems at once", file: file, mid: []box{step("keep", "filter", `{"condition":"id"}`), step("f", "formula", `{"fields":[{"name":"x","expression":"nope("}]}`)},
			exit: exitInvalid, code: "expr.type"},
	}
}

func badValues() []bad {
	one := func(kind string) box { return input("in.csv", "v:"+kind) }
	const digits30 = "123456789012345678901234567890"
	const digits38 = "12345678901234567890123456789012345678"
	const digits25 = "123456789012345.1234567891"
	exact := func(name, kind, v string) bad {
		return bad{name: name, file: "v\n" + v + "\n", input: one(kind), want: "\"v\"\n\"" + v + "\"\n"} // a single field is always quoted
	}
	refused := func(name, kind, v, code string) bad {
		return bad{name: name, file: "v\n" + v + "\n", input: one(kind), exit: exitFailed, code: code}
	}
	value := func(name, kind, options, v, want, code string) bad {
		b := bad{name: name, file: "v\n" + v + "\n", input: one(kind).options(options), code: code}
		switch code {
		case "":
			b.want = strings.TrimSuffix("\"v\"\n\""+want+"\"\n", "\"\"\n")
			if want == "" { // null
				b.want += "\n"
			}
		case "config.value":
			b.exit = exitInvalid
		default:
			b.exit = exitFailed
		}
		return b
	}
	return []bad{
		refused("30 digits as int64", "int64", digits30, "csv.range"),
		exact("30 digits as decimal(38,0)", "decimal(38,0)", digits30),
		exact("30 digits as int128", "int128", digits30),
		exact("38 digits as decimal(38,0)", "decimal(38,0)", digits38),
		refused("39 digits as decimal(38,0)", "decimal(38,0)", digits38+"9", "csv.precision"),
		exact("25 digits as decimal(38,10)", "decimal(38,10)", digits25),
		refused("25 digits as decimal(10,2)", "decimal(10,2)", digits25, "csv.precision"),
		exact("1.50 as decimal(10,2)", "decimal(10,2)", "1.50"),
		refused("1.555 as decimal(10,2)", "decimal(10,2)", "1.555", "csv.precision"),
		exact("1.50 as text", "text", "1.50"),
		exact("leading zeros as text", "text", "007"),
		refused("text as int64", "int64", "abc", "csv.type"),
		refused("a space as int64", "int64", " 1", "csv.type"),
		refused("1e3 as int64", "int64", "1e3", "csv.type"),
		refused("NaN as double", "double", "NaN", "csv.type"),
		refused("infinity as double", "double", "1e999", "csv.range"),
		refused("yes as boolean", "boolean", "yes", "csv.type"),
		refused("128 as int8", "int8", "128", "csv.range"),
		refused("1e400 as double in CSV", "double", "1e400", "csv.range"),
		refused("hexadecimal as int64", "int64", "0x1F", "csv.type"),
		refused("an underscore as int64", "int64", "1_000", "csv.type"),
		refused("groups of digits as int64", "int64", "1'000", "csv.type"),
		refused("two signs as int64", "int64", "--1", "csv.type"),
		refused("a minus that is a dash", "int64", "−1", "csv.type"),
		refused("digits of another script", "int64", "١٢", "csv.type"),
		refused("a currency as decimal", "decimal(10,2)", "$1.50", "csv.type"),
		refused("a percentage as double", "double", "15%", "csv.type"),
		refused("brackets for a minus", "decimal(10,2)", "(1.50)", "csv.type"),
		refused("1 as boolean", "boolean", "1", "csv.type"),
		refused("a number with a space behind it", "int64", "1\u00a0", "csv.type"),
		refused("no uuid", "uuid", "123e4567-e89b-12d3-a456-42661417400", "csv.type"),
		refused("no JSON in a field of JSON", "json", "{a:1}", "csv.type"),
		value("decimal comma, not declared", "decimal(10,2)", `{"delimiter":";"}`, "1,50", "", "csv.type"),
		value("decimal comma", "decimal(10,2)", `{"delimiter":";","decimalSeparator":","}`, "-1,50", "-1.50", ""),
		value("thousands and a decimal comma", "decimal(10,2)", `{"delimiter":";","decimalSeparator":",","groupSeparator":"."}`, "1.234.567,50", "1234567.50", ""),
		value("a point where the comma is the decimal separator", "decimal(10,2)", `{"delimiter":";","decimalSeparator":","}`, "1.50", "", "csv.type"),
		value("groups of two digits", "int64", `{"groupSeparator":"'"}`, "12'34", "", "csv.type"),
		value("booleans in other spellings", "boolean", `{"trueValues":["yes","J"],"falseValues":["no"]}`, "YES", "true", ""),
		value("a spelling that means true and false", "boolean", `{"trueValues":["x"],"falseValues":["X"]}`, "x", "", "config.value"),
		value("N/A as a number, declared", "int64", `{"nullValues":["N/A"]}`, "N/A", "", ""),
		refused("N/A as a number", "int64", "N/A", "csv.type"),
		{name: "mixed types in a column", file: "v\n1\n2.5\nthree\n2026-01-01\n", input: one("int64"), exit: exitFailed, code: "csv.type"},
		{name: "mixed types as text", file: "v\n1\n2.5\nthree\n", input: one("text"), want: "\"v\"\n\"1\"\n\"2.5\"\n\"three\"\n"},
		{name: "overflow of a sum", file: "v\n9223372036854775807\n1\n", input: one("int64"),
			mid: []box{step("f", "formula", `{"fields":[{"name":"v","expression":"v + 1"}]}`)}, exit: exitFailed, code: "value.overflow"},
		{name: "division by zero", file: "v\n1\n0\n", input: one("int64"),
			mid: []box{step("f", "formula", `{"fields":[{"name":"v","expression":"10 / v"}]}`)}, exit: exitFailed, code: "value.division_by_zero"},
		{name: "text that is converted", file: "v\n1\nx\n", input: one("text"),
			mid: []box{step("c", "convert", `{"fields":[{"name":"v","type":"int64"}]}`)}, exit: exitFailed, code: "value.conversion"},
	}
}

func badTimes() []bad {
	one := func(spec string) box { return input("in.csv", "v:"+spec) }
	return []bad{
		{name: "03/04/2026 as date", file: "v\n03/04/2026\n", input: one("date"), exit: exitFailed, code: "csv.date"},
		{name: "03/04/2026 as date with a format", file: "v\n03/04/2026\n", input: one("date;format=%d/%m/%Y"), want: "\"v\"\n\"2026-04-03\"\n"},
		{name: "31/02/2026 with a format", file: "v\n31/02/2026\n", input: one("date;format=%d/%m/%Y"), exit: exitFailed, code: "csv.date"},
		{name: "no zone, as timestamptz without one", file: "v\n2026-01-31 12:00:00\n", input: one("timestamptz"), exit: exitFailed, code: "csv.zone"},
		{name: "format without zone, as timestamptz without one", file: "v\n31.01.2026 12:00\n", input: one("timestamptz;format=%d.%m.%Y %H:%M"), exit: exitInvalid, code: "field.format"},
		{name: "no zone, as timestamptz with one", file: "v\n2026-01-31 12:00:00\n", input: one("timestamptz;zone=Europe/Berlin"), want: "\"v\"\n\"2026-01-31 11:00:00Z\"\n"},
		{name: "a local time that does not exist", file: "v\n2026-03-29 02:30:00\n", input: one("timestamptz;zone=Europe/Berlin"), exit: exitFailed, code: "csv.zone"},
		{name: "a local time that exists twice is the first", file: "v\n2026-10-25 02:30:00\n", input: one("timestamptz;zone=Europe/Berlin"), want: "\"v\"\n\"2026-10-25 00:30:00Z\"\n"},
		{name: "a zone that does not exist", file: "v\n2026-03-29 02:30:00\n", input: one("timestamptz;zone=Europe/Bärlin"), exit: exitInvalid, code: "field.zone"},
		{name: "February 30", file: "v\n2026-02-30\n", input: one("date"), exit: exitFailed, code: "csv.date"},
		{name: "February 29 of a year that is no leap year", file: "v\n2100-02-29\n", input: one("date"), exit: exitFailed, code: "csv.date"},
		{name: "the year 0000", file: "v\n0000-01-01\n", input: one("date"), exit: exitFailed, code: "csv.date"},
		{name: "the year 12026", file: "v\n12026-01-01\n", input: one("date"), exit: exitFailed, code: "csv.date"},
		{name: "a year of two digits", file: "v\n26-01-01\n", input: one("date"), exit: exitFailed, code: "csv.date"},
		{name: "month 13", file: "v\n2026-13-01\n", input: one("date"), exit: exitFailed, code: "csv.date"},
		{name: "a day number of a spreadsheet", file: "v\n46023\n", input: one("date"), exit: exitFailed, code: "csv.date"},
		{name: "a time in a date", file: "v\n2026-01-01 00:00:00\n", input: one("date"), exit: exitFailed, code: "csv.date"},
		{name: "24 o'clock", file: "v\n2026-01-31 24:00:00\n", input: one("timestamp"), exit: exitFailed, code: "csv.date"},
		{name: "a leap second", file: "v\n2016-12-31 23:59:60\n", input: one("timestamp"), exit: exitFailed, code: "csv.date"},
		{name: "nanoseconds", file: "v\n2026-01-31 12:00:00.123456789\n", input: one("timestamp"), exit: exitFailed, code: "csv.precision"},
		{name: "a zone in a time without one", file: "v\n2026-01-31 12:00:00+01:00\n", input: one("timestamp"), exit: exitFailed, code: "csv.zone"},
		{name: "an offset of 99 hours", file: "v\n2026-01-31 12:00:00+99:00\n", input: one("timestamptz"), exit: exitFailed, code: "csv.date"},
		{name: "the name of a zone in a value", file: "v\n2026-01-31 12:00:00 CET\n", input: one("timestamptz"), exit: exitFailed, code: "csv.date"},
		{name: "a Unix time as timestamptz", file: "v\n1769860800\n", input: one("timestamptz"), exit: exitFailed, code: "csv.date"},
		{name: "25 o'clock", file: "v\n25:00:00\n", input: one("time"), exit: exitFailed, code: "csv.date"},
	}
}
