package json

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"spark/connectors/internal/filetest"
	"spark/flows"
	"spark/flows/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fields reads "name type | format | zone | source".
func fields(specs ...string) (fs []node.FileField) {
	for _, s := range specs {
		parts := append(strings.Split(s, " | "), "", "", "")
		name, typ, _ := strings.Cut(parts[0], " ")
		t, err := flows.ParseType(typ)
		if err != nil {
			panic(err)
		}
		fs = append(fs, node.FileField{Name: name, Type: t, Format: parts[1], Zone: parts[2], Source: parts[3]})
	}
	return fs
}

func names(fs []node.FileField) (ns []string) {
	for _, f := range fs {
		ns = append(ns, f.Name)
	}
	return ns
}

type scene struct {
	name, format, text string
	fields             []string
	want               string
}

func (s scene) run(t testing.TB, blockSize int) string {
	t.Helper()
	fs := fields(s.fields...)
	path := "f." + s.format
	if strings.HasPrefix(s.text, "\x1f\x8b") {
		path += ".gz"
	}
	src, err := newSource(node.FileScan{Path: path, Fields: fs}, s.format)
	if err != nil {
		t.Fatal(err)
	}
	src.(*source).blockSize = blockSize
	return filetest.Read(src, node.Reading{Files: filetest.Files{path: s.text}, Fields: names(fs)}).Text()
}

func runScenes(t *testing.T, scenes []scene) {
	t.Parallel()
	for _, s := range scenes {
		t.Run(s.format+" "+s.name, func(t *testing.T) {
			t.Parallel()
			for size := range 65 {
				if d := cmp.Diff(s.want, s.run(t, size)); d != "" {
					t.Fatalf("with blocks of %d, -want +got\n%s", size, d)
				}
			}
		})
	}
}

var ab = []string{"a int32", "b text"}

func TestLines(t *testing.T) {
	runScenes(t, []scene{
		{"plain", "jsonl", `{"a":1,"b":"x"}` + "\n" + `{"b":"y","a":2}`, ab, "1 | x\n2 | y\n"},
		{"CRLF, blanks and a mark", "jsonl", "\xEF\xBB\xBF" + `{"a":1,"b":"x"}` + "\r\n\r\n  \n" + ` { "a" : 2 , "b" : "y" } ` + "\r\n", ab, "1 | x\n2 | y\n"},
		{"empty", "jsonl", "", ab, ""},
		{"missing, null and unknown", "jsonl", `{"b":null,"c":{"x":[1,{}]}}` + "\n{}\n" + `{"a":3,"z":1,"y":2}`, ab, "(null) | (null)\n(null) | (null)\n3 | (null)\n"},
		{"escapes", "jsonl", `{"\u0061":1,"b":"\"\\\/\b\f\n\r\té😀\ud83d\ude00"}`, ab, "1 | \"\\/\b\f\n\r\té😀😀\n"},
		{"gzip", "jsonl", filetest.Gzip(`{"a":1,"b"`, `:"x"}`+"\n"), ab, "1 | x\n"},
		{"source name", "jsonl", `{"Order No":7}`, []string{"id int64 |  |  | Order No"}, "7\n"},
		{"malformed lines are refused", "jsonl", "{\"a\":1}\n{\"a\":1\n{\"a\":1}}\nnull\n[1]\n{\"a\":01}\n{a:1}\n{\"a\":1,}\n{\"a\":2}\n", []string{"a int32"}, `1
2
reject json.syntax line 2 record 2 field "": the line is not JSON: a comma or the closing brace is expected and the end is found, at character 7 <{"a":1>
reject json.syntax line 3 record 3 field "": the line is not JSON: text follows the end of the object, at character 8 <{"a":1}}>
reject json.type line 4 record 4 field "": "null" is null and not an object <null>
reject json.type line 5 record 5 field "": "[1]" is a list and not an object <[1]>
reject json.syntax line 6 record 6 field "": the line is not JSON: a comma or the closing brace is expected and '1' is found, at character 7 <{"a":01}>
reject json.syntax line 7 record 7 field "": the line is not JSON: a text in quotes is expected and 'a' is found, at character 2 <{a:1}>
reject json.syntax line 8 record 8 field "": the line is not JSON: a text in quotes is expected and '}' is found, at character 8 <{"a":1,}>
`},
		{"wrong types", "jsonl", `{"a":"1"}` + "\n" + `{"a":true}` + "\n" + `{"b":true}` + "\n" + `{"b":{"x":1}}` + "\n" + `{"a":1.5}` + "\n" + `{"a":99999999999}` + "\n" + `{"a":1.0,"b":12.50}` + "\n" + `{"a":1e3,"b":"z"}`, ab, `1 | 12.50
1000 | z
reject json.type line 1 record 1 field "a": "\"1\"" is a text and not a number <{"a":"1"}>
reject json.type line 2 record 2 field "a": "true" is true and not a number <{"a":true}>
reject json.type line 3 record 3 field "b": "true" is true and not a text <{"b":true}>
reject json.type line 4 record 4 field "b": "{\"x\":1}" is an object and not a text <{"b":{"x":1}}>
reject json.precision line 5 record 5 field "a": "1.5" is not a whole number: it has a fraction <{"a":1.5}>
reject json.range line 6 record 6 field "a": "99999999999" does not fit into int32, which goes from -2147483648 to 2147483647 <{"a":99999999999}>
`},
		{"every digit", "jsonl", `{"a":123456789012345678901234567890,"b":123456789012345678901234567890,"c":1234567890123.123456789012,"d":123456789012345678901234567890}` + "\n" + `{"d":9223372036854775808}`,
			[]string{"a int128", "b text", "c decimal(38,12)", "d int64"}, `reject json.range line 1 record 1 field "d": "123456789012345678901234567890" does not fit into int64, which goes from -9223372036854775808 to 9223372036854775807 <{"a":123456789012345678901234567890,"b":123456789012345678901234567890,"c":1234567890123.123456789012,"d":123456789012345678901234567890}>
reject json.range line 2 record 2 field "d": "9223372036854775808" does not fit into int64, which goes from -9223372036854775808 to 9223372036854775807 <{"d":9223372036854775808}>
`},
		{"every digit kept", "jsonl", `{"a":123456789012345678901234567890,"b":-0.10,"c":1234567890123.123456789012}` + "\n" + `{"c":1e-12}`, []string{"a int128", "b text", "c decimal(38,12)"},
			"123456789012345678901234567890 | -0.10 | 1234567890123.123456789012\n(null) | (null) | 1e-12\n"},
		{"duplicates", "jsonl", `{"a":1,"a":2}` + "\n" + `{"z":1,"a":1,"z":2}` + "\n" + `{"z":1,"\u007a":2}` + "\n" + `{"a":3}`, []string{"a int32"}, `3
reject json.duplicate line 1 record 1 field "": the member "a" occurs twice in one object <{"a":1,"a":2}>
reject json.duplicate line 2 record 2 field "": the member "z" occurs twice in one object <{"z":1,"a":1,"z":2}>
reject json.duplicate line 3 record 3 field "": the member "\\u007a" occurs twice in one object <{"z":1,"\u007a":2}>
`},
		{"nested", "jsonl", `{"l":[1,null,3],"s":{"x":"u","y":[{"z":true},{}]},"j":{"k": [1.50, "é"]}}` + "\n" + `{"l":[],"s":null,"j":null}` + "\n" + `{"l":[1,"2"]}` + "\n" + `{"s":{"y":[{},{"z":0}]}}` + "\n" + `{"l":[4],"s":{}}`,
			[]string{"l list<int32>", "s struct<x: text, y: list<struct<z: boolean>>>", "j json"}, `[1,null,3] | {"x":"u","y":[{"z":true},{"z":null}]} | {"k": [1.50, "é"]}
[] | (null) | (null)
[4] | {"x":null,"y":null} | (null)
reject json.type line 3 record 3 field "l[1]": "\"2\"" is a text and not a number <{"l":[1,"2"]}>
reject json.type line 4 record 4 field "s.y[1].z": "0" is a number and not true or false <{"s":{"y":[{},{"z":0}]}}>
`},
		{"dates and others", "jsonl", `{"d":"2024-02-29","t":"2024-02-29T10:00:00","u":"0190B0A1-0000-7000-8000-00000000ABCD","f":"29/02/2024"}` + "\n" + `{"d":"2023-02-29"}` + "\n" + `{"t":1700000000}`,
			[]string{"d date", "t timestamptz |  | Europe/Berlin", "u uuid", "f date | %d/%m/%Y"}, `2024-02-29 | 2024-02-29T09:00:00Z | 0190b0a1-0000-7000-8000-00000000abcd | 2024-02-29
reject json.date line 2 record 2 field "d": "2023-02-29" is not a date: February 2023 has the days 1 to 28 <{"d":"2023-02-29"}>
reject json.type line 3 record 3 field "t": "1700000000" is a number and not a text <{"t":1700000000}>
`},
		{"not UTF-8 and NUL", "jsonl", "{\"b\":\"caf\xe9\"}\n" + `{"b":"x\u0000"}` + "\n" + `{"b":"\ud800"}` + "\n{\"b\":\"a\tb\"}\n", []string{"b text"}, `reject json.encoding line 1 record 1 field "": the line is not valid UTF-8 <octets "{\"b\":\"caf\xe9\"}">
reject json.encoding line 2 record 2 field "b": "x\x00" contains a NUL character <{"b":"x\u0000"}>
reject json.syntax line 3 record 3 field "": the line is not JSON: half of a surrogate pair stands alone, at character 7 <{"b":"\ud800"}>
reject json.syntax line 4 record 4 field "": the line is not JSON: a text contains the control character '\t', which must be escaped, at character 8 <{"b":"a	b"}>
`},
	})
}

func TestArrays(t *testing.T) {
	near := "; correct the file, or get a complete copy; a file with one object per line is read as JSON lines\n"
	runScenes(t, []scene{
		{"plain", "json", "\n[\n {\"a\":1,\"b\":\"x,]}\"},\n {\"a\":2}\n]\n", ab, "1 | x,]}\n2 | (null)\n"},
		{"empty list", "json", " [ ] \n", ab, ""},
		{"one object", "json", " {\"a\":1,\n\"b\":\"x\"}\n", ab, "1 | x\n"},
		{"gzip", "json", filetest.Gzip(`[{"a":1},`, `{"a":2}]`), []string{"a int32"}, "1\n2\n"},
		{"bad values are refused", "json", "[{\"a\":1},\n{\"a\":\"x\"},\n\n 5, {\"a\":3,\n\"a\":4},{\"a\":2}]", []string{"a int32"}, `1
2
reject json.type line 2 record 2 field "a": "\"x\"" is a text and not a number <{"a":"x"}>
reject json.type line 4 record 3 field "": "5" is a number and not an object <5>
reject json.duplicate line 4 record 4 field "": the member "a" occurs twice in one object <{"a":3,
"a":4}>
`},
		{"malformed", "json", "[{\"a\":1},\n{\"a\":2},\n{\"a\":x},\n{\"a\":3}]", []string{"a int32"}, "1\n2\nerror file f.json, line 3, record 3: the file is not JSON: a value is expected and 'x' is found, behind \"{\\\"a\\\":x\"" + near},
		{"cut", "json", "[{\"a\":1},{\"a\":2", []string{"a int32"}, "1\nerror file f.json, line 1, record 2: the file is not JSON: a comma or the closing brace is expected and the end is found, behind \"{\\\"a\\\":2\"" + near},
		{"not closed", "json", "[{\"a\":1}\n", []string{"a int32"}, "1\nerror file f.json, line 2, record 2: the file is not JSON: a comma or the end of the list is expected and the end is found, behind \"{\\\"a\\\":1}\\n\"" + near},
		{"comma at the end", "json", "[{\"a\":1},]", []string{"a int32"}, "1\nerror file f.json, line 1, record 2: the file is not JSON: a value is expected and ']' is found, behind \"]\"" + near},
		{"text behind", "json", "[{\"a\":1}] [{\"a\":2},{\"a\":3}]", []string{"a int32"}, "1\nerror file f.json, line 1, record 2: the file is not JSON: text follows the end of the list, behind \"{\\\"a\\\":1}] [\"" + near},
		{"text behind an object", "json", "{\"a\":1}\n{\"a\":2}", []string{"a int32"}, "1\nerror file f.json, line 2, record 2: the file is not JSON: text follows the end of the object, behind \"{\\\"a\\\":1}\\n{\"" + near},
		{"text behind an empty list", "json", "[]\n[]", []string{"a int32"}, "error file f.json, line 2: text follows the end of the list; a JSON file is one list of objects or one object\n"},
		{"nothing", "json", " \n", ab, "error file f.json, line 2: the file holds no JSON; an empty list is written []\n"},
		{"no list", "json", "17", ab, "error file f.json, line 1: the file begins with '1' and neither with a list nor with an object; a JSON file is a list of objects or one object\n"},
		{"not UTF-8", "json", "[{\"b\":\"x\"},\n{\"b\":\"\xff\"}]", []string{"b text"}, "x\nerror file f.json, line 2, record 2: a record is not valid UTF-8; JSON files are UTF-8: convert the file\n"},
	})
}

func TestDeepNesting(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{1000, 100_000, 2_000_000} {
		deep := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		start := time.Now()
		for format, text := range map[string]string{"jsonl": `{"j":` + deep + "}\n{}\n", "json": `[{"j":` + deep + "},{}]"} {
			for _, f := range []string{"j json", "other int32"} {
				got := scene{format: format, text: text, fields: []string{f}}.run(t, 0)
				if ok := !strings.Contains(got, "values are nested more than 1000 deep"); ok != (depth <= 1000) {
					t.Errorf("%s %s %d: %.300s", format, f, depth, got)
				}
			}
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("depth %d took %v", depth, d)
		}
	}
}

func TestRecordTooLong(t *testing.T) {
	t.Parallel()
	sentence := "a record is longer than 0 MiB, which is the most that a record may have; check the delimiter, the quote and the line ends: a quote that is not closed makes the rest of a file one record\n"
	long := strings.Repeat("x", 100)
	for _, s := range []scene{
		{"line", "jsonl", "{\"b\":\"y\"}\n{\"b\":\"" + long + "\"}\n", []string{"b text"}, "y\nerror file f, line 2, record 2: " + sentence},
		{"element", "json", "[{\"b\":\"y\"},\n{\"b\":\"" + long + "\"}]", []string{"b text"}, "y\nerror file f, line 2, record 2: " + sentence},
		{"object", "json", "{\"b\":\"" + long + "\"}", []string{"b text"}, "error file f, line 1, record 1: " + sentence},
	} {
		for _, size := range []int{0, 1, 40, 60, 200} {
			fs := fields(s.fields...)
			src, _ := newSource(node.FileScan{Path: "f", Fields: fs}, s.format)
			src.(*source).blockSize, src.(*source).recordLimit = size, 50
			got := filetest.Read(src, node.Reading{Files: filetest.Files{"f": s.text}, Fields: names(fs)})
			if d := cmp.Diff(s.want, got.Text()); d != "" {
				t.Errorf("%s, blocks of %d: %s", s.name, size, d)
			}
		}
	}
}

func TestTruncatedGzip(t *testing.T) {
	t.Parallel()
	for format, whole := range map[string]string{"jsonl": strings.Repeat("{\"a\":1}\n", 300), "json": "[" + strings.Repeat("{\"a\":1},\n", 300) + "{}]"} {
		gz := filetest.Gzip(whole)
		for n := 1; n < len(gz); n++ {
			if got := (scene{format: format, text: gz[:n], fields: []string{"a int32"}}).run(t, 0); n > 1 && !strings.Contains(got, "the compressed file ends in the middle: it is truncated") {
				t.Fatalf("%s cut after %d: %.200s", format, n, got[max(0, len(got)-200):])
			}
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"":                 "setting fields: a JSON file carries no types, so its fields must be listed; inspect the file, or add its fields",
		"a int32 | %d":     "setting fields[0].format: the format \"%d\" is for dates and times and the type is int32; remove the format",
		"a int32 |  | UTC": "setting fields[0].zone: a time zone is set and the type is int32; remove the time zone or choose the type timestamptz",
	} {
		var fs []node.FileField
		if spec != "" {
			fs = fields(spec)
		}
		if _, err := newSource(node.FileScan{Path: "x", Fields: fs}, "json"); err == nil || err.Error() != want {
			t.Errorf("%v", err)
		}
	}
	if _, err := newSource(node.FileScan{Path: "x", Fields: fields("a int32", "b int32 |  |  | a")}, "json"); err == nil || !strings.Contains(err.Error(), "two fields read the member \"a\"") {
		t.Errorf("%v", err)
	}
}

// FuzzJSON demands the same outcome for all block sizes, no panic, and that what is accepted as JSON is what jsontext
// accepts.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":"x"}`, `[{"a":1},{"a":"x"}]`, `{"a":{"l":[1,2,{"x":null}]}}`, "{\"a\":1}\n\n{\"b\":\"\\ud83d\\ude00\"}\n{", `[{"a":1}, 5, {"a":1,"a":2}]`, "[ ]", "{\"a\":-0.0e+1}",
		`[{"j":[[[]]]},{"j":{"x":"\\"}}] `, "{\"b\":\"\xff\"}", `{"a":01}`, `{"a":1}}`, `[[{}]`,
	} {
		f.Add([]byte(s), true, byte(len(s)))
		f.Add([]byte(s), false, byte(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, lines bool, block byte) {
		if len(b) > 4096 {
			return
		}
		s := scene{format: "json", text: string(b), fields: []string{"a int32", "b text", "l list<int64>", "s struct<x: json>", "j json"}}
		if lines {
			s.format = "jsonl"
		}
		want := s.run(t, 0)
		for _, size := range []int{1, 1 + int(block), 13} {
			if d := cmp.Diff(want, s.run(t, size)); d != "" {
				t.Fatalf("%q, blocks of %d: %s", b, size, d)
			}
		}
		w := text{b: b}
		w.skipSpace()
		err := w.skip()
		w.skipSpace()
		mine := err == nil && w.i == len(b)
		theirs := jsontext.Value(b).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
		if strict := jsontext.Value(b).IsValid(jsontext.AllowDuplicateNames(true)); strict && !mine || mine && !theirs {
			t.Fatalf("%q: valid here %v, there %v", b, mine, theirs)
		}
	})
}

func release(b node.Batch) error {
	b.Records.Release()
	return nil
}

func BenchmarkLines(b *testing.B) {
	var s strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&s, `{"order_id":%d,"customer":"customer %d","amount":%d.%02d,"paid":true,"ordered_at":"2024-01-02T03:04:05","tags":["a","b"]}`+"\n", i, i%1000, i%5000, i%100)
	}
	text := s.String()
	for _, format := range []string{"jsonl", "json"} {
		if format == "json" {
			text = "[" + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", ",\n") + "]"
		}
		b.Run(format, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			fs := fields("order_id int64", "customer text", "amount decimal(10,2)", "paid boolean", "ordered_at timestamp", "tags list<text>")
			src, err := newSource(node.FileScan{Path: "f", Fields: fs}, format)
			if err != nil {
				b.Fatal(err)
			}
			for range b.N {
				stats, err := src.Read(b.Context(), &node.Reading{Files: filetest.Files{"f": text}, Fields: names(fs), Threads: 1, Emit: release,
					Reject: func(r node.Reject) error { return r.Error() }})
				if err != nil || stats.Records != 200_000 {
					b.Fatal(stats, err)
				}
			}
		})
	}
}
