package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
)

const cafe = "id,name\n1,café\n2,b\n"

func compressed(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

// utf16Text writes a text with its mark.
func utf16Text(s string, big bool) string {
	var b []byte
	for _, u := range append([]uint16{0xFEFF}, utf16.Encode([]rune(s))...) {
		low, high := byte(u), byte(u>>8)
		if big {
			low, high = high, low
		}
		b = append(b, low, high)
	}
	return string(b)
}

func badCompression() []bad {
	packed := compressed(strings.Repeat("1234567,some text\n", 20_000))
	flipped := []byte(compressed(cafe))
	flipped[len(flipped)-8] ^= 0xFF // the checksum
	inside := []byte(packed)
	inside[len(packed)/2] ^= 0xFF
	length := []byte(compressed(cafe))
	length[len(length)-1] ^= 0xFF
	in := input("in.csv.gz", idName...)
	gz := func(name, file, code string) bad {
		return bad{name: name, at: "in.csv.gz", file: file, input: in, exit: exitFailed, code: code}
	}
	list := []bad{
		gz("gzip with a wrong checksum", string(flipped), "file.checksum"),
		gz("gzip with a wrong length", string(length), "file.checksum"),
		gz("gzip with a flipped bit in the middle", string(inside), "file.gzip").headless(),
		gz("gzip of an unknown method", "\x1f\x8b\x09"+compressed(cafe)[3:], "file.gzip"),
		gz("no gzip at all", cafe, "file.gzip"),
		gz("zip named gzip", "PK\x03\x04\x14\x00\x00\x00\x08\x00", "file.gzip"),
		gz("text after the gzip", compressed(cafe)+"3,text that is no gzip\n", "file.gzip"),
		gz("gzip of nothing", compressed(""), "csv.no_header"),
		{name: "gzip in two members", at: "in.csv.gz", file: compressed("id,name\n1,café\n") + compressed("2,b\n"), input: in, want: cafe},
		{name: "gzip whose name says it is not", file: compressed(cafe), exit: exitFailed, code: "file.kind"},
		{name: "gzip in gzip", at: "in.csv.gz", file: compressed(compressed(cafe)), input: in, exit: exitFailed, code: "file.kind"},
	}
	for _, at := range []int{0, 1, 9, 10, 100, len(packed) / 2, len(packed) - 9, len(packed) - 8, len(packed) - 1} {
		list = append(list, bad{name: fmt.Sprintf("gzip cut after %d of %d", at, len(packed)), at: "in.csv.gz", file: packed[:at],
			input: in.options(`{"header":false}`), exit: exitFailed, code: "file.truncated"})
	}
	return list
}

// headless reads a file without a header, and passes over what is refused of it.
func (b bad) headless() bad {
	b.input = b.input.options(`{"header":false}`).policy("skip")
	return b
}

func badEncodings() []bad {
	in := func(encoding string) box {
		return input("in.csv", idName...).options(`{"encoding":"` + encoding + `"}`)
	}
	little, big := utf16Text(cafe, false), utf16Text(cafe, true)
	invalid := func(name, octets string) bad {
		return bad{name: name, file: "id,name\n1,a\n2,x" + octets + "y\n", exit: exitFailed, code: "csv.encoding"}
	}
	return []bad{
		{name: "utf-8 with a mark", file: "\uFEFF" + cafe, want: cafe},
		{name: "utf-8 with two marks", file: "\uFEFF\uFEFF" + cafe, exit: exitFailed, code: "csv.missing_column"},
		{name: "utf-16 with a mark, read as utf-8", file: little, exit: exitFailed, code: "file.encoding"},
		{name: "utf-16 without a mark, read as utf-8", file: little[2:], exit: exitFailed, code: "file.encoding"},
		{name: "utf-16 of the other order without a mark, read as utf-8", file: big[2:], exit: exitFailed, code: "file.encoding"},
		{name: "utf-16 with a mark", file: little, input: in("utf-16le"), want: cafe},
		{name: "utf-16 of the other order with a mark", file: big, input: in("utf-16be"), want: cafe},
		{name: "utf-16 without a mark", file: little[2:], input: in("utf-16le"), want: cafe},
		{name: "utf-16 in the wrong order", file: big, input: in("utf-16le"), exit: exitFailed, code: "file.encoding"},
		{name: "utf-16 in the wrong order without a mark", file: big[2:], input: in("utf-16le"), exit: exitFailed, code: "csv.missing_column"},
		{name: "utf-16 cut in a character", file: little[:31], input: in("utf-16le"), exit: exitFailed, code: "file.encoding"},
		{name: "utf-16 with half of a surrogate pair", file: little + "3\x00,\x00\x00\xd8x\x00\n\x00", input: in("utf-16le"), exit: exitFailed, code: "file.encoding"},
		{name: "utf-16 that ends in a surrogate pair", file: little + "3\x00,\x00\x00\xd8", input: in("utf-16le"), exit: exitFailed, code: "file.encoding"},
		{name: "utf-8 read as utf-16", file: cafe, input: in("utf-16le"), exit: exitFailed, code: "csv.missing_column"},
		{name: "windows-1252 in a utf-8 file", file: "id,name\n1,a\n2,caf\xe9\n", exit: exitFailed, code: "csv.encoding"},
		{name: "windows-1252", file: "id,name\n1,caf\xe9\n2,b\n", input: in("windows-1252"), want: cafe},
		{name: "windows-1252 with an octet that stands for nothing", file: "id,name\n1,a\x81\n", input: in("windows-1252"), exit: exitFailed, code: "file.encoding"},
		{name: "the euro in iso-8859-15", file: "id,name\n1,\xa4\n", input: in("iso-8859-15"), want: "id,name\n1,€\n"},
		{name: "latin-1", file: "id,name\n1,caf\xe9\n2,b\n", input: in("iso-8859-1"), want: cafe},
		{name: "latin-1 in the header", file: "id,n\xe4me\n1,a\n", exit: exitFailed, code: "csv.header"},
		{name: "an unknown encoding", file: cafe, input: in("ebcdic"), exit: exitInvalid, code: "config.enum"},
		invalid("a continuation octet alone", "\x80"),
		invalid("a sequence that is cut", "\xe2\x82"),
		invalid("an overlong slash", "\xc0\xaf"),
		invalid("an overlong NUL", "\xe0\x80\x80"),
		invalid("a surrogate in utf-8", "\xed\xa0\x80"),
		invalid("a character above U+10FFFF", "\xf4\x90\x80\x80"),
		invalid("the octet FF", "\xff"),
		{name: "an invalid sequence in a column that nobody reads", file: "id,more,name\n1,\xff,a\n", want: "id,name\n1,a\n"},
		{name: "NUL", file: "id,name\n1,a\n2,b\x00c\n", exit: exitFailed, code: "csv.encoding"},
		{name: "NUL in the header", file: "id,na\x00me\n1,a\n", exit: exitFailed, code: "csv.header"},
		{name: "a file of NUL", file: strings.Repeat("\x00", 4096), exit: exitFailed, code: "csv.header"},
		{name: "letters that turn the direction", file: "id,name\n1,a\u202eb\u2066\n", want: "id,name\n1,a\u202eb\u2066\n"},
	}
}

func badLines() []bad {
	return []bad{
		{name: "CRLF", file: "id,name\r\n1,a\r\n2,b\r\n", want: "id,name\n1,a\n2,b\n"},
		{name: "CRLF and LF in turns", file: "id,name\r\n1,a\n2,b\r\n3,c\n", want: "id,name\n1,a\n2,b\n3,c\n"},
		{name: "lone carriage returns", file: "id,name\r1,a\r", exit: exitFailed, code: "csv.lone_return"},
		{name: "a carriage return in a record", file: "id,name\n1,a\rb\n", exit: exitFailed, code: "csv.lone_return"},
		{name: "a carriage return in quotes", file: "id,name\n1,\"a\rb\"\n", want: "id,name\n1,\"a\rb\"\n"},
		{name: "no line end at the end", file: "id,name\n1,a\n2,b", want: "id,name\n1,a\n2,b\n"},
		{name: "a carriage return at the end", file: "id,name\n1,a\r", want: "id,name\n1,a\n"},
		{name: "blank lines everywhere", file: "\n\nid,name\n\n1,a\n\r\n2,b\n\n\n", want: "id,name\n1,a\n2,b\n"},
		{name: "nothing but blank lines", file: "\n\r\n\n", exit: exitFailed, code: "csv.no_header"},
		{name: "a line of spaces", file: "id,name\n1,a\n   \n", exit: exitFailed, code: "csv.fields"},
		{name: "other line separators are letters", file: "id,name\n1,a\u2028b\u0085c\n", want: "id,name\n1,a\u2028b\u0085c\n"},
		{name: "a line end in a quoted header", file: "id,\"na\nme\"\n1,a\n", exit: exitFailed, code: "csv.missing_column"},
		{name: "empty file", exit: exitFailed, code: "csv.no_header"},
		{name: "empty file without header", input: input("in.csv", idName...).options(`{"header":false}`), want: "id,name\n"},
		{name: "header only", file: "id,name\n", want: "id,name\n"},
		{name: "more lines to skip than there are", file: "id,name\n", input: input("in.csv", idName...).options(`{"skipLines":9}`), exit: exitFailed, code: "csv.skip_lines"},
	}
}

func badShapes() []bad {
	in := func(options string) box { return input("in.csv", idName...).options(options) }
	wide := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "c%d,", i)
		}
		return b.String() + "id,name\n" + strings.Repeat(",", n) + "1,a\n"
	}
	return []bad{
		{name: "swapped columns are found by name", file: "name,id\na,1\n", want: "id,name\n1,a\n"},
		{name: "a further column is left out", file: "id,more,name\n1,x,a\n", want: "id,name\n1,a\n"},
		{name: "a million further columns", file: wide(1_000_000), want: "id,name\n1,a\n"},
		{name: "duplicate header", file: "id,name,id\n1,a,2\n", exit: exitFailed, code: "csv.duplicate_column"},
		{name: "duplicate header that nobody reads", file: "id,name,x,x\n1,a,2,3\n", want: "id,name\n1,a\n"},
		{name: "header in other capitals", file: "ID,Name\n1,a\n", exit: exitFailed, code: "csv.missing_column"},
		{name: "header with spaces", file: "id, name\n1,a\n", exit: exitFailed, code: "csv.missing_column"},
		{name: "header with a name that is empty", file: "id,name,\n1,a,b\n", want: "id,name\n1,a\n"},
		{name: "missing column", file: "id,nam\n1,a\n", exit: exitFailed, code: "csv.missing_column"},
		{name: "no header where one is expected", file: "1,a\n2,b\n", exit: exitFailed, code: "csv.missing_column"},
		{name: "a header where none is expected", file: "id,name\n1,a\n", input: in(`{"header":false}`), exit: exitFailed, code: "csv.type"},
		{name: "the header twice", file: "id,name\n1,a\nid,name\n2,b\n", exit: exitFailed, code: "csv.type"},
		{name: "too few fields", file: "id,name\n1,a\n2\n3,c\n", exit: exitFailed, code: "csv.fields"},
		{name: "too few fields, filled", file: "id,name\n1,a\n2\n", input: in(`{"raggedRows":"fillNull"}`), want: "id,name\n1,a\n2,\n"},
		{name: "too many fields", file: "id,name\n1,a\n2,b,c\n", exit: exitFailed, code: "csv.fields"},
		{name: "too many fields, where short ones are filled", file: "id,name\n1,a\n2,b,c\n", input: in(`{"raggedRows":"fillNull"}`), exit: exitFailed, code: "csv.fields"},
		{name: "a delimiter at the end of the lines", file: "id,name\n1,a,\n", exit: exitFailed, code: "csv.fields"},
		{name: "a sum below the records", file: "id,name\n1,a\nTotal: 1\n", exit: exitFailed, code: "csv.fields"},
		{name: "another delimiter", file: "id;name\n1;a\n", exit: exitFailed, code: "csv.missing_column"},
		{name: "truncated in a record", file: "id,name\n1,a\n2", exit: exitFailed, code: "csv.fields"},
		{name: "two files, the second broken", setup: func(p *place) { p.write("b1.csv", "id,name\n1,a\n"); p.write("b2.csv", "id,name\n2,b\nx,c\n") },
			input: input("b?.csv", idName...), exit: exitFailed, code: "csv.type"},
		{name: "two files with other headers", setup: func(p *place) { p.write("b1.csv", "id,name\n1,a\n"); p.write("b2.csv", "name,id\nb,2\n") },
			input: input("b?.csv", idName...), want: "id,name\n1,a\n2,b\n"},
		{name: "two files, the second without a column", setup: func(p *place) { p.write("b1.csv", "id,name\n1,a\n"); p.write("b2.csv", "id\n2\n") },
			input: input("b?.csv", idName...), exit: exitFailed, code: "csv.missing_column"},
	}
}

func badQuotes() []bad {
	in := func(options string) box { return input("in.csv", idName...).options(options) }
	return []bad{
		{name: "unclosed quote", file: "id,name\n1,\"a\n2,b\n3,c\n", exit: exitFailed, code: "csv.unclosed_quote"},
		{name: "truncated in a quote", file: "id,name\n1,a\n2,\"b", exit: exitFailed, code: "csv.unclosed_quote"},
		{name: "unclosed quote in the header", file: "id,\"name\n1,a\n", exit: exitFailed, code: "csv.unclosed_quote"},
		{name: "bare quote", file: "id,name\n1,a\"b\n", exit: exitFailed, code: "csv.bare_quote"},
		{name: "text after a quote", file: "id,name\n1,\"a\"b\n", exit: exitFailed, code: "csv.text_after_quote"},
		{name: "a space before a quote", file: "id,name\n1, \"a\"\n", exit: exitFailed, code: "csv.bare_quote"},
		{name: "doubled quotes", file: "id,name\n1,\"a\"\"b\"\n", want: "id,name\n1,\"a\"\"b\"\n"},
		{name: "nothing but a doubled quote", file: "id,name\n1,\"\"\"\"\n", want: "id,name\n1,\"\"\"\"\n"},
		{name: "quotes escaped by a backslash, not declared", file: "id,name\n1,\"a\\\"b\"\n", exit: exitFailed, code: "csv.text_after_quote"},
		{name: "quotes escaped by a backslash", file: "id,name\n1,\"a\\\"b\"\n", input: in(`{"escape":"\\"}`), want: "id,name\n1,\"a\"\"b\"\n"},
		{name: "another quote character, not declared", file: "id,name\n1,'a,b'\n", exit: exitFailed, code: "csv.fields"},
		{name: "another quote character", file: "id,name\n1,'a,b'\n", input: in(`{"quote":"'"}`), want: "id,name\n1,\"a,b\"\n"},
		{name: "typographic quotes are letters", file: "id,name\n1,“a”\n", want: "id,name\n1,“a”\n"},
		{name: "delimiter and line end in quotes", file: "id,name\n1,\"a,\nb\"\n", want: "id,name\n1,\"a,\nb\"\n"},
		{name: "quote and delimiter are the same", file: cafe, input: in(`{"quote":","}`), exit: exitInvalid, code: "config.value"},
		{name: "quoted empty and empty", file: "id,name\n1,\"\"\n2,\n", want: "id,name\n1,\"\"\n2,\n"},
	}
}

func writeLong(t testing.TB, path, begin string) {
	piece := strings.Repeat("0123456789abcdef", 1<<16)
	parts := []string{begin}
	for range 100 {
		parts = append(parts, piece)
	}
	writeParts(t, path, parts)
}
