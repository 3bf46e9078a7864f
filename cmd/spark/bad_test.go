package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"spark/flows"
)

// bad is one input that does not go through, or only just: what happens is fixed to the letter.
type bad struct {
	name     string
	file     string // content of in.csv
	input    box    // where it is not in.csv with idName
	mid      []box  // between input and output
	output   box    // where it is not out.csv
	doc      string // instead of the chain
	settings map[string]any
	setup    func(*place)
	after    func(*place)
	args     []string
	exit     int
	code     string // of the first error
	want     string // out.csv after success; after a failure the old one stays
}

const old = "what was here before\n"

var idName = []string{"id:int64", "name:text"}

func TestBadInput(t *testing.T) {
	t.Parallel()
	g := openGolden(t, "bad")
	for _, table := range [][]bad{badDocuments(), badText(), badShapes(), badValues(), badTimes(), badFiles(), badLate()} {
		for _, b := range table {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				b.check(t, g)
			})
		}
	}
}

func (b bad) check(t *testing.T, g *golden) {
	p := setup(t)
	p.write("in.csv", b.file)
	p.write("out.csv", old)
	if b.setup != nil {
		b.setup(p)
	}
	p.write("flow.json", b.document())
	o := p.run(append([]string{"run", "--json", "flow.json"}, b.args...)...)
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
		g.check(t, b.name, fmt.Sprintf("exit %d\n%s", o.code, p.sentences(ps)))
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

func badText() []bad {
	const text = "id,name\n1,café\n2,b\n"
	packed := compressed(strings.Repeat("1234567,some text\n", 20_000))
	flipped := []byte(compressed(text))
	flipped[len(flipped)-8] ^= 0xFF // the checksum
	gz := input("in.csv.gz", idName...)
	put := func(content string) func(*place) { return func(p *place) { p.write("in.csv.gz", content) } }
	list := []bad{
		{name: "empty file", exit: exitFailed, code: "csv.no_header"},
		{name: "header only", file: "id,name\n", want: "id,name\n"},
		{name: "truncated in a record", file: "id,name\n1,a\n2", exit: exitFailed, code: "csv.fields"},
		{name: "truncated in a quote", file: "id,name\n1,a\n2,\"b", exit: exitFailed, code: "csv.unclosed_quote"},
		{name: "gzip with a wrong checksum", input: gz, setup: put(string(flipped)), exit: exitFailed, code: "file.checksum"},
		{name: "no gzip at all", input: gz, setup: put(text), exit: exitFailed, code: "file.gzip"},
		{name: "text after the gzip", input: gz, setup: put(compressed(text) + "3,text that is no gzip\n"), exit: exitFailed, code: "file.gzip"},
		{name: "utf-16 with a mark, read as utf-8", file: utf16Text(text), exit: exitFailed, code: "file.encoding"},
		{name: "utf-16 with a mark", file: utf16Text(text), input: input("in.csv", idName...).options(`{"encoding":"utf-16le"}`), want: text},
		{name: "utf-16 cut in a character", file: utf16Text(text)[:31], input: input("in.csv", idName...).options(`{"encoding":"utf-16le"}`), exit: exitFailed, code: "file.encoding"},
		{name: "windows-1252 in a utf-8 file", file: "id,name\n1,a\n2,caf\xe9\n", exit: exitFailed, code: "csv.encoding"},
		{name: "windows-1252", file: "id,name\n1,caf\xe9\n2,b\n", input: input("in.csv", idName...).options(`{"encoding":"windows-1252"}`), want: text},
		{name: "utf-8 with a mark", file: "\uFEFF" + text, want: text},
		{name: "NUL", file: "id,name\n1,a\n2,b\x00c\n", exit: exitFailed, code: "csv.encoding"},
		{name: "100 thousand levels of JSON", input: input("deep.jsonl", "j:json"), setup: func(p *place) {
			p.write("deep.jsonl", `{"j":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+"}\n")
		}, exit: exitFailed, code: "json.syntax"},
	}
	for _, at := range []int{0, 1, 9, 10, 100, len(packed) / 2, len(packed) - 9, len(packed) - 8, len(packed) - 1} {
		list = append(list, bad{name: fmt.Sprintf("gzip cut after %d of %d", at, len(packed)), input: gz.options(`{"header":false}`),
			setup: put(packed[:at]), exit: exitFailed, code: "file.truncated"})
	}
	return list
}

func badShapes() []bad {
	return []bad{
		{name: "swapped columns are found by name", file: "name,id\na,1\n", want: "id,name\n1,a\n"},
		{name: "a further column is left out", file: "id,more,name\n1,x,a\n", want: "id,name\n1,a\n"},
		{name: "duplicate header", file: "id,name,id\n1,a,2\n", exit: exitFailed, code: "csv.duplicate_column"},
		{name: "missing column", file: "id,nam\n1,a\n", exit: exitFailed, code: "csv.missing_column"},
		{name: "too few fields", file: "id,name\n1,a\n2\n3,c\n", exit: exitFailed, code: "csv.fields"},
		{name: "too many fields", file: "id,name\n1,a\n2,b,c\n", exit: exitFailed, code: "csv.fields"},
		{name: "unclosed quote", file: "id,name\n1,\"a\n2,b\n3,c\n", exit: exitFailed, code: "csv.unclosed_quote"},
		{name: "bare quote", file: "id,name\n1,a\"b\n", exit: exitFailed, code: "csv.bare_quote"},
		{name: "text after a quote", file: "id,name\n1,\"a\"b\n", exit: exitFailed, code: "csv.text_after_quote"},
		{name: "lone carriage returns", file: "id,name\r1,a\r", exit: exitFailed, code: "csv.lone_return"},
		{name: "another delimiter", file: "id;name\n1;a\n", exit: exitFailed, code: "csv.missing_column"},
		{name: "two files, the second broken", setup: func(p *place) { p.write("b1.csv", "id,name\n1,a\n"); p.write("b2.csv", "id,name\n2,b\nx,c\n") },
			input: input("b?.csv", idName...), exit: exitFailed, code: "csv.type"},
		{name: "two files with other headers", setup: func(p *place) { p.write("b1.csv", "id,name\n1,a\n"); p.write("b2.csv", "name,id\nb,2\n") },
			input: input("b?.csv", idName...), want: "id,name\n1,a\n2,b\n"},
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
		{name: "25 o'clock", file: "v\n25:00:00\n", input: one("time"), exit: exitFailed, code: "csv.date"},
	}
}

func compressed(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func utf16Text(s string) string {
	b := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}
