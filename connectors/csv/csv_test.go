package csv

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"spark/connectors/internal/filetest"
	"spark/flows/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scene is a file, how it is read, and the outcome.
type scene struct {
	name    string
	file    string // f.csv when empty
	text    string
	fields  []string
	options string
	want    string
}

func (s scene) path() string {
	if s.file != "" {
		return s.file
	}
	return "f.csv"
}

func (s scene) source(t testing.TB, blockSize int) *source {
	t.Helper()
	src, err := newSource(node.FileScan{Path: s.path(), Fields: fileFields(s.fields...), Options: json.RawMessage(s.options)})
	if err != nil {
		t.Fatal(err)
	}
	src.(*source).blockSize = blockSize
	return src.(*source)
}

func (s scene) run(t testing.TB, blockSize int) string {
	t.Helper()
	return filetest.Read(s.source(t, blockSize), node.Reading{Files: filetest.Files{s.path(): s.text}, Fields: names(fileFields(s.fields...))}).Text()
}

// check runs a scene with blocks that end at every octet and with usual ones.
func (s scene) check(t *testing.T) {
	t.Helper()
	if d := cmp.Diff(s.want, s.run(t, 0)); d != "" {
		t.Fatalf("-want +got\n%s", d)
	}
	for size := 1; size <= 64; size++ {
		if d := cmp.Diff(s.want, s.run(t, size)); d != "" {
			t.Fatalf("with blocks of %d, -want +got\n%s", size, d)
		}
	}
}

func runScenes(t *testing.T, scenes []scene) {
	t.Parallel()
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.check(t)
		})
	}
}

var abc = []string{"a int32", "b text", "c decimal(10,2)"}

func TestStructure(t *testing.T) {
	runScenes(t, []scene{
		{name: "plain", text: "a,b,c\n1,x,2.50\n2,,-3.1\n", fields: abc, want: "1 | x | 2.5\n2 | (null) | -3.1\n"},
		{name: "no line end at the end", text: "a,b,c\n1,x,2.50\n2,yy,1", fields: abc, want: "1 | x | 2.5\n2 | yy | 1\n"},
		{name: "last value empty at the end", text: "a,b,c\n1,x,", fields: abc, want: "1 | x | (null)\n"},
		{name: "CRLF", text: "a,b,c\r\n1,x,2.50\r\n2,yy,1\r\n", fields: abc, want: "1 | x | 2.5\n2 | yy | 1\n"},
		{name: "CRLF and LF mixed", text: "a,b,c\r\n1,x,2.50\n2,yy,1\r\n3,z,0\n", fields: abc, want: "1 | x | 2.5\n2 | yy | 1\n3 | z | 0\n"},
		{name: "CR at the end of the file", text: "a,b\n1,x\r", fields: []string{"a int32", "b text"}, want: "1 | x\n"},
		{name: "header only", text: "a,b,c\n", fields: abc, want: ""},
		{name: "header without line end", text: "a,b,c", fields: abc, want: ""},
		{name: "quoted", text: "a,b,c\n\"1\",\"x,\"\"y\"\"\nz\",\"2\"\n\"2\",\"\",\"\"\n3,\"\"\"\",1\n4,plain,1\n", fields: abc,
			want: "1 | x,\"y\"\nz | 2\n2 |  | (null)\n3 | \" | 1\n4 | plain | 1\n"},
		{name: "quotes keep CRLF", text: "a,b\r\n1,\"x\r\ny\"\r\n2,\"z\"\r\n", fields: []string{"a int32", "b text"}, want: "1 | x\r\ny\n2 | z\n"},
		{name: "quoted header", text: "\"a\",\"b\n\",c\n1,x,2\n", fields: []string{"a int32", "c decimal(10,2)"}, want: "1 | 2\n"},
		{name: "columns in another order and more of them", text: "c,extra,b,a\n2.5,?,x,1\n", fields: abc, want: "1 | x | 2.5\n"},
		{name: "blank lines", text: "\n\na,b,c\n\n1,x,2\n\r\n\n2,y,3\n\n", fields: abc, want: "1 | x | 2\n2 | y | 3\n"},
		{name: "blank lines of one field", text: "b\nx\n\n\"\"\n", fields: []string{"b text"}, want: "x\n(null)\n\n"},
		{name: "no header", text: "1,x,2\n2,y,3\n", fields: abc, options: `{"header": false}`, want: "1 | x | 2\n2 | y | 3\n"},
		{name: "empty without header", text: "", fields: abc, options: `{"header": false}`, want: ""},
		{name: "lines skipped", text: "Report \"of\n\ntoday\na,b,c\n1,x,2\n", fields: abc, options: `{"skipLines": 3}`, want: "1 | x | 2\n"},
		{name: "comments", text: "# a \"comment\na,b,c\n#,\n1,x,2\n# x\"\n2,\"#y\n#\",3\n#", fields: abc, options: `{"comment": "#"}`, want: "1 | x | 2\n2 | #y\n# | 3\n"},
		{name: "tab", text: "a\tb\tc\n1\tx y\t2\n", fields: abc, options: `{"delimiter": "\\t"}`, want: "1 | x y | 2\n"},
		{name: "semicolon and single quote", text: "a;b;c\n1;'x;''y';2\n", fields: abc, options: `{"delimiter": ";", "quote": "'"}`, want: "1 | x;'y | 2\n"},
		{name: "no quote", text: "a,b,c\n1,5\" pipe,2\n2,\"x\",1\n", fields: abc, options: `{"quote": ""}`, want: "1 | 5\" pipe | 2\n2 | \"x\" | 1\n"},
		{name: "backslash escape", text: "a,b,c\n1,\"x\\\"y\\\\\",2\n2,a\\b,\"3\"\n3,\"\\\n\",1\n", fields: abc, options: `{"escape": "\\"}`, want: "1 | x\"y\\ | 2\n2 | a\\b | 3\n3 | \n | 1\n"},
		{name: "short records filled", text: "a,b,c\n1,x\n2\n3,y,1,9\n", fields: abc, options: `{"raggedRows": "fillNull"}`,
			want: "1 | x | (null)\n2 | (null) | (null)\nreject csv.fields line 4 record 3 field \"\": the record has 4 fields and 3 are expected <3,y,1,9>\n"},
		{name: "BOM", text: "\xEF\xBB\xBFa,b,c\n1,x,2\n", fields: abc, want: "1 | x | 2\n"},
		{name: "gzip of two members", file: "f.csv.gz", text: filetest.Gzip("a,b,c\n1,x,2\n2,", "y,3\n"), fields: abc, want: "1 | x | 2\n2 | y | 3\n"},
		{name: "utf-16le", text: utf16le("\uFEFFa,b,c\n1,é😀,2\n"), fields: abc, options: `{"encoding": "utf-16le"}`, want: "1 | é😀 | 2\n"},
		{name: "windows-1252", text: "a,b,c\n1,\x80 caf\xe9,2\n", fields: abc, options: `{"encoding": "windows-1252"}`, want: "1 | € café | 2\n"},
		{name: "iso-8859-15", text: "a,b,c\n1,\xa4,2\n", fields: abc, options: `{"encoding": "iso-8859-15"}`, want: "1 | € | 2\n"},
		{name: "null values", text: "a,b,c\nNULL,NULL,-\n1,\"NULL\",\"NULL\"\n2,,1\n", fields: abc, options: `{"nullValues": ["NULL", "-"]}`,
			want: "(null) | (null) | (null)\n1 | NULL | (null)\n2 |  | 1\n"},
		{name: "a number as null", text: "a,b,c\n99,99,99\n9,x,1\n", fields: abc, options: `{"nullValues": ["", "99"]}`, want: "(null) | (null) | (null)\n9 | x | 1\n"},
	})
}

func utf16le(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 0x10000 {
			r -= 0x10000
			for _, u := range []rune{0xD800 + r>>10, 0xDC00 + r&0x3ff} {
				b.WriteByte(byte(u))
				b.WriteByte(byte(u >> 8))
			}
			continue
		}
		b.WriteByte(byte(r))
		b.WriteByte(byte(r >> 8))
	}
	return b.String()
}

func TestBadStructure(t *testing.T) {
	gz := filetest.Gzip("a,b,c\n1,x,2\n" + strings.Repeat("2,yyyyyyyyyy,3\n", 10))
	damaged := []byte(gz)
	damaged[len(damaged)-6] ^= 1
	runScenes(t, []scene{
		{name: "empty", text: "", fields: abc, want: "error file f.csv: the file has no header: there is not one line of values in it; if empty files are to be read as no records, set the header line off\n"},
		{name: "only comments", text: "#x\n\n", fields: abc, options: `{"comment": "#"}`,
			want: "error file f.csv: the file has no header: there is not one line of values in it; if empty files are to be read as no records, set the header line off\n"},
		{name: "column missing", text: "a,Costumer,c\n1,x,2\n", fields: []string{"a int32", "customer text"},
			want: "error file f.csv, line 1, field customer: the header has no column \"customer\"; did you mean \"Costumer\"?\n"},
		{name: "column twice", text: "a,b,c,b\n1,x,2,y\n", fields: abc,
			want: "error file f.csv, line 1, field b: the header has more than one column \"b\", so it is not clear which one is meant; rename one of them in the file, or read the file without its header by position and skip the line\n"},
		{name: "column twice that nobody asks for", text: "a,b,c,d,d\n1,x,2,y,z\n", fields: abc, want: "1 | x | 2\n"},
		{name: "too few lines to skip", text: "x\ny\n", fields: abc, options: `{"skipLines": 3}`, want: "error file f.csv: the file has 2 lines and 3 are to be skipped; skip fewer lines\n"},
		{name: "bare quote", text: "a,b,c\n1,x,2\n2,5\" pipe,2\n3,x,2\n", fields: abc,
			want: "1 | x | 2\nerror file f.csv, line 3, record 2, field b: a quote stands inside a value that does not begin with one, near \"2,5\\\" pipe,2\"; put the whole value between \" and double the \" inside it, or set no quote if the file does not use quotes\n"},
		{name: "text after quote", text: "a,b,c\n1,x,2\n2,\"y\"z,2\n3,x,2\n", fields: abc,
			want: "1 | x | 2\nerror file f.csv, line 3, record 2, field b: text follows a closing quote, near \"2,\\\"y\\\"z,2\"; double each \" inside a quoted value, or set the escape character that the file uses\n"},
		{name: "unclosed quote", text: "a,b,c\n1,x,2\n2,\"y,2\n3,x,2\n4,\"z\",1\n5,\"open,1\n6,x,1\n", fields: abc,
			want: "1 | x | 2\nerror file f.csv, line 5, record 2, field b: text follows a closing quote, near \"4,\\\"z\\\",1\"; double each \" inside a quoted value, or set the escape character that the file uses\n"},
		{name: "unclosed quote to the end", text: "a,b,c\n1,x,2\n2,\"y\n\",\"open,2\n3,x,2\n", fields: abc,
			want: "1 | x | 2\nerror file f.csv, line 4, record 2, field c: a quote is opened here and never closed: the rest of the file would be one value; close it, or set no quote if the file does not use quotes\n"},
		{name: "unclosed quote in the header", text: "a,\"b,c\n1,x,2\n", fields: abc,
			want: "error file f.csv, line 1: a quote is opened here and never closed: the rest of the file would be one value; close it, or set no quote if the file does not use quotes\n"},
		{name: "lone carriage return", text: "a,b,c\n1,x\ry,2\n", fields: abc,
			want: "error file f.csv, line 2, record 1, field b: a carriage return stands without a line feed, near \"1,x\\ry,2\"; end lines with LF or CRLF; inside a value a carriage return needs quotes\n"},
		{name: "old Macintosh file", text: "a,b,c\r1,x,2\r2,y,3\r", fields: abc,
			want: "error file f.csv, line 1: a carriage return stands without a line feed, near \"a,b,c\\r1,x,2\\r2,y,3\"; end lines with LF or CRLF; inside a value a carriage return needs quotes\n"},
		{name: "utf-16 mark", text: utf16le("\uFEFFa,b,c\n"), fields: abc, want: "error file f.csv: the file begins with the byte order mark of utf-16le and the encoding is set to utf-8; set the encoding to utf-16le\n"},
		{name: "utf-16 without mark", text: utf16le("a,b,c\n"), fields: abc,
			want: "error file f.csv: every other octet at the start of the file is zero: it looks like utf-16le and the encoding is set to utf-8; set the encoding to utf-16le\n"},
		{name: "utf-16 cut", text: utf16le("a,b,c\n1,x,2\n3,y") + "z", fields: abc, options: `{"encoding": "utf-16le"}`,
			want: "1 | x | 2\nerror file f.csv, line 3: the file is not valid utf-16le: it ends in the middle of a character; set the encoding that the file was written with\n"},
		{name: "utf-16 surrogate", text: utf16le("a,b,c\n1,x,2\n") + "\x00\xD8\x41\x00", fields: abc, options: `{"encoding": "utf-16le"}`,
			want: "1 | x | 2\nerror file f.csv, line 3: the file is not valid utf-16le: half of a surrogate pair stands alone; set the encoding that the file was written with\n"},
		{name: "windows-1252 undefined", text: "a,b,c\n1,x,2\n2,\x81,2\n", fields: abc, options: `{"encoding": "windows-1252"}`,
			want: "1 | x | 2\nerror file f.csv, line 3: the file is not valid windows-1252: the octet 0x81 stands for no character; set the encoding that the file was written with\n"},
		{name: "NUL in the header", text: "a\x00,b,c\n", fields: abc,
			want: "error file f.csv, line 1: the name of column 1 in the header contains a NUL character; set the encoding that the file was written with\n"},
		{name: "gzip damaged", file: "f.csv.gz", text: string(damaged), fields: abc,
			want: "1 | x | 2\n" + strings.Repeat("2 | yyyyyyyyyy | 3\n", 10) + "error file f.csv.gz, line 13: the checksum of the compressed file is wrong: its content was damaged; get a new copy of the file\n"},
		{name: "no gzip", file: "f.csv.gz", text: "a,b,c\n1,x,2\n", fields: abc,
			want: "error file f.csv.gz: the file is not valid gzip: gzip: invalid header; remove .gz from its name if it is not compressed, or get a new copy\n"},
		{name: "empty gzip", file: "f.csv.gz", text: "", fields: abc, want: "error file f.csv.gz: the compressed file ends in the middle: it is truncated; get a complete copy of the file\n"},
	})
}

func TestTruncatedGzip(t *testing.T) {
	t.Parallel()
	gz := filetest.Gzip("a,b,c\n" + strings.Repeat("1,xyz,2.5\n", 5000))
	for n := 1; n < len(gz); n++ {
		s := scene{file: "f.csv.gz", text: gz[:n], fields: abc}
		got := s.run(t, 0)
		if !strings.Contains(got, "the compressed file ends in the middle: it is truncated; get a complete copy of the file\n") {
			t.Fatalf("cut after %d: %.200s", n, got[max(0, len(got)-200):])
		}
	}
}

func TestRejects(t *testing.T) {
	runScenes(t, []scene{
		{name: "among good ones", text: "a,b,c\n1,x,1\nx,y,2\n2,z,1.555\n3,\"q\nr\",1\n4,s\n99999999999,t,1\n5,u,\"1,5\"\n6,v,7\n", fields: abc, want: `1 | x | 1
3 | q
r | 1
6 | v | 7
reject csv.type line 3 record 2 field "a": "x" is not a whole number <x,y,2>
reject csv.precision line 4 record 3 field "c": "1.555" has 3 digits after the point and decimal(10,2) holds 2 <2,z,1.555>
reject csv.fields line 7 record 5 field "": the record has 2 fields and 3 are expected <4,s>
reject csv.range line 8 record 6 field "a": "99999999999" does not fit into int32, which goes from -2147483648 to 2147483647 <99999999999,t,1>
reject csv.type line 9 record 7 field "c": "1,5" is not a number <5,u,"1,5">
`},
		{name: "CRLF", text: "a,b,c\r\nx,y,2\r\n1,y\r\n1,z,2\r\n", fields: abc, want: `1 | z | 2
reject csv.type line 2 record 1 field "a": "x" is not a whole number <x,y,2>
reject csv.fields line 3 record 2 field "": the record has 2 fields and 3 are expected <1,y>
`},
		{name: "not UTF-8", text: "a,b,c\n1,caf\xe9,2\n2,ok,2\n3,\xff,2\n", fields: abc, want: `2 | ok | 2
reject csv.encoding line 2 record 1 field "b": "caf\xe9" is not valid UTF-8 <octets "1,caf\xe9,2">
reject csv.encoding line 4 record 3 field "b": "\xff" is not valid UTF-8 <octets "3,\xff,2">
`},
		{name: "NUL", text: "a,b,c\n1,x\x00y,2\n2,ok,2\n\x00,ok,2\n", fields: abc, want: "2 | ok | 2\n" +
			`reject csv.encoding line 2 record 1 field "b": "x\x00y" contains a NUL character <1,` + "x\x00y,2>\n" +
			`reject csv.type line 4 record 3 field "a": "\x00" is not a whole number <` + "\x00,ok,2>\n"},
		{name: "first field of the file is named", text: "c,b,a\nx,y,z\n1,y,2\n", fields: abc, want: "2 | y | 1\nreject csv.type line 2 record 1 field \"c\": \"x\" is not a number <x,y,z>\n"},
		{name: "before a structural error", text: "a,b,c\nx,y,2\n1,y,2\n1,y\"2\n", fields: abc, want: "1 | y | 2\n" + `reject csv.type line 2 record 1 field "a": "x" is not a whole number <x,y,2>
error file f.csv, line 4, record 3, field b: a quote stands inside a value that does not begin with one, near "1,y\"2"; put the whole value between " and double the " inside it, or set no quote if the file does not use quotes
`},
		{name: "quoted record is kept as it is", text: "a,b,c\n\"x\",\"y\"\"\",\"2\"\n", fields: abc, want: "reject csv.type line 2 record 1 field \"a\": \"x\" is not a whole number <\"x\",\"y\"\"\",\"2\">\n"},
	})
}

func TestTrim(t *testing.T) {
	scene{text: " a , b,c \n 1 , x y\t,2 \n2,  \" z \" , 3\n3,   ,1\n", fields: abc, options: `{"trim": true}`,
		want: "1 | x y | 2\n2 |  z  | 3\n3 | (null) | 1\n"}.check(t)
}
