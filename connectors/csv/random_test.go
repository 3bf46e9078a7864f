package csv

import (
	"bytes"
	stdcsv "encoding/csv"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"spark/connectors/internal/filetest"
	"spark/flows/node"
)

// TestAgainstStandardLibrary compares well-formed files with what encoding/csv reads.
func TestAgainstStandardLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(2, 5).Draw(t, "width")
		value := rapid.StringOf(rapid.SampledFrom([]rune("ab,\"\n é0😀;'\t")))
		rows := rapid.SliceOfN(rapid.SliceOfN(value, width, width), 1, 30).Draw(t, "rows")
		var b bytes.Buffer
		w := stdcsv.NewWriter(&b)
		w.UseCRLF = rapid.Bool().Draw(t, "crlf")
		for _, r := range rows {
			if err := w.Write(r); err != nil {
				t.Fatal(err)
			}
		}
		w.Flush()
		text := b.String()
		if w.UseCRLF { // the writer changes line ends inside values too
			for _, r := range rows {
				for i := range r {
					r[i] = strings.ReplaceAll(r[i], "\n", "\r\n")
				}
			}
		}
		if rapid.Bool().Draw(t, "cut") {
			text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
		}
		var specs []string
		for i := range width {
			specs = append(specs, fmt.Sprintf("f%d text", i))
		}
		src := newTestSource(t, `{"header": false, "nullValues": []}`, rapid.SampledFrom([]int{0, 1, 7, 64, 100}).Draw(t, "block"), specs...)
		got := filetest.Read(src, node.Reading{Files: filetest.Files{"f.csv": text}, Fields: names(fileFields(specs...)), Threads: 3})
		if d := cmp.Diff(rows, got.Records); d != "" || got.Err != "" || len(got.Rejects) > 0 {
			t.Fatalf("%q: %s %v %s", text, got.Err, got.Rejects, d)
		}
	})
}

func newTestSource(t interface{ Fatal(...any) }, options string, blockSize int, specs ...string) *source {
	src, err := newSource(node.FileScan{Path: "f.csv", Fields: fileFields(specs...), Options: []byte(options)})
	if err != nil {
		t.Fatal(err)
	}
	s := src.(*source)
	s.blockSize = blockSize
	return s
}

var fuzzFields = []string{"a int32", "b text", "c decimal(10,2)", "d timestamp", "e boolean", "f uuid", "g double", "h date", "i int64"}

// FuzzCSV demands that the outcome is the same for all block sizes, and for the quick and the slow way, whatever the
// text; and that nothing panics.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		"a,b\n1,x\n2,\"y\"\n", "a,b\r\n1,x\r\n\r\n2,\"y\r\n\"\r\n", "b,a\nx,1\n\"x\"\"\n\",2\nx\n,,\n", "b\n\n\n\"\"\nx\n", "a,b\n1,\"x\n", "a,b\n1,x\"y\n",
		"c,d\n1.50,2024-01-02 03:04:05\n-3,2024-01-02T03:04:05.5\n99999999999,2024-02-30 00:00:00\n", "a,b\n1,\xff\n2,\x00\n3,\"a\rb\"\n4,\r\n",
		"e,f,g,h,i\ntrue,0190b0a1-0000-7000-8000-00000000abcd,1e5,2024-02-29,9223372036854775807\nx,y,z,w,v\n", "a;b\n1;x\n", "# c\na,b\n#,\"\n1, \"x\" \n",
		"a,b\n1,\"x\\\"\n2,y\n",
	} {
		for _, options := range []byte{0, 1, 2, 3, 4, 5, 6, 7} {
			f.Add([]byte(s), options, byte(len(s)))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, options, block byte) {
		if len(text) > 4096 {
			return
		}
		fields, opts := fuzzSettings(text, options)
		if len(fields) == 0 {
			return
		}
		run := func(blockSize int, slow bool) string {
			s := newTestSource(t, opts, blockSize, fields...)
			s.slowly = slow
			return filetest.Read(s, node.Reading{Files: filetest.Files{"f.csv": string(text)}, Fields: names(fileFields(fields...)), Origin: true}).Text()
		}
		want := run(0, true)
		for _, size := range []int{0, 1, 1 + int(block), 17} {
			for _, slow := range []bool{false, true} {
				if d := cmp.Diff(want, run(size, slow)); d != "" {
					t.Fatalf("%q with %s, blocks of %d, slow %v, differs from the slow way in one block:\n%s", text, opts, size, slow, d)
				}
			}
		}
	})
}

// fuzzSettings picks the fields that the header may name, so that records are reached.
func fuzzSettings(text []byte, options byte) (fields []string, opts string) {
	opts = []string{`{}`, `{"header": false}`, `{"escape": "\\"}`, `{"comment": "#"}`, `{"trim": true}`, `{"raggedRows": "fillNull"}`, `{"quote": ""}`, `{"nullValues": ["", "x", "1"]}`}[options%8]
	if options%8 == 1 {
		return fuzzFields[:2], opts
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	for _, f := range fuzzFields {
		if bytes.IndexByte(line, f[0]) >= 0 {
			fields = append(fields, f)
		}
	}
	return fields, opts
}

// TestWaysAgree runs the seeds of the fuzz test's idea over random texts made of the troublesome characters.
func TestWaysAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := "a,b,c\n" + rapid.StringOfN(rapid.SampledFrom([]rune("01,,\n\n\"\r.-xé")), 0, 400, -1).Draw(t, "text")
		opts := rapid.SampledFrom([]string{`{}`, `{"raggedRows": "fillNull"}`, `{"quote": ""}`, `{"nullValues": ["x"]}`}).Draw(t, "options")
		run := func(size int, slow bool) string {
			s := newTestSource(t, opts, size, "a int32", "b text", "c decimal(10,2)")
			s.slowly = slow
			return filetest.Read(s, node.Reading{Files: filetest.Files{"f.csv": text}, Fields: []string{"c", "b"}, Origin: true}).Text()
		}
		want := run(0, true)
		for _, size := range []int{0, rapid.IntRange(1, 80).Draw(t, "size")} {
			if d := cmp.Diff(want, run(size, false)); d != "" {
				t.Fatalf("%q, blocks of %d: %s", text, size, d)
			}
		}
	})
}
