package csv

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spark/connectors/internal/batch"
	"spark/connectors/internal/filetest"
	"spark/flows"
	"spark/flows/node"
)

func numbered(n int) string {
	var b strings.Builder
	b.WriteString("a,b\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,text %d\n", i, i)
	}
	return b.String()
}

func TestFilesInOrderWithOrigin(t *testing.T) {
	t.Parallel()
	files := filetest.Files{"2.csv": "b,a\nx,1\n\ny,no\nz,3\n", "1.csv.gz": filetest.Gzip("a,b\n7,u\n8,v\n")}
	src, err := newSource(node.FileScan{Path: "*.csv*", Fields: fileFields("a int32", "b text"), FileNameField: "file", RecordField: "nr"})
	if err != nil {
		t.Fatal(err)
	}
	for size := range 30 {
		src.(*source).blockSize = size
		got := filetest.Read(src, node.Reading{Files: files, Fields: []string{"nr", "a", "file"}, Origin: true})
		want := `1 | 7 | 1.csv.gz | 1.csv.gz | 1
2 | 8 | 1.csv.gz | 1.csv.gz | 2
1 | 1 | 2.csv | 2.csv | 1
3 | 3 | 2.csv | 2.csv | 3
reject csv.type line 4 record 2 field "a": "no" is not a whole number <y,no>
`
		if d := cmp.Diff(want, got.Text()); d != "" {
			t.Fatal(size, d)
		}
		if s := got.Stats; !s.Complete || s.Records != 4 || s.Rejected != 1 || s.Bytes != int64(len(files["2.csv"])+len(files["1.csv.gz"])) || got.Rejects[0].File != "2.csv" {
			t.Fatalf("%+v", s)
		}
	}
}

func TestEveryHeaderIsChecked(t *testing.T) {
	t.Parallel()
	files := filetest.Files{"1.csv": "a,b\n1,x\n", "2.csv": "a,c\n1,x\n"}
	src, _ := newSource(node.FileScan{Path: "*.csv", Fields: fileFields("a int32", "b text")})
	got := filetest.Read(src, node.Reading{Files: files, Fields: []string{"a"}}).Text()
	if d := cmp.Diff("1\nerror file 2.csv, line 1, field b: the header has no column \"b\"; did you mean \"a\"?\n", got); d != "" {
		t.Error(d)
	}
}

func TestNothingWantedStillChecks(t *testing.T) {
	t.Parallel()
	src := newTestSource(t, "", 0, "a int32", "b uuid", "c date")
	got := filetest.Read(src, node.Reading{Files: filetest.Files{"f.csv": "a,b,c\n1,,2024-01-01\nx,,\n2,z,\n3,,2024-02-30\n4,,\n"}})
	if got.Stats.Records != 2 || got.Stats.Rejected != 3 || len(got.Records) != 2 || len(got.Records[0]) != 0 {
		t.Errorf("%+v", got)
	}
}

// reader starts a reading of many blocks.
func reader(blockSize int) (*source, node.Reading) {
	src, _ := newSource(node.FileScan{Path: "f.csv", Fields: fileFields("a int64", "b text")})
	src.(*source).blockSize = blockSize
	return src.(*source), node.Reading{Files: filetest.Files{"f.csv": numbered(20_000)}, Fields: []string{"a", "b"}, Threads: 3,
		Reject: func(r node.Reject) error { return r.Error() }}
}

func TestEndsPromptlyWithoutLeak(t *testing.T) {
	before := batch.InUse()
	boom := errors.New("boom")
	for _, want := range []error{nil, boom, node.ErrEnough} {
		src, r := reader(1000)
		batches := 0
		r.Emit = func(b node.Batch) error {
			rec := b.Records
			rec.Release()
			if batches++; batches == 5 {
				return want
			}
			return nil
		}
		stats, err := src.Read(context.Background(), &r)
		switch want {
		case nil:
			if err != nil || !stats.Complete || stats.Records != 20_000 {
				t.Errorf("%+v %v", stats, err)
			}
		case boom:
			if err != boom || stats.Complete {
				t.Errorf("%+v %v", stats, err)
			}
		default:
			if err != nil || stats.Complete || batches != 5 {
				t.Errorf("%+v %v", stats, err)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	src, r := reader(1000)
	r.Emit = func(b node.Batch) error { b.Records.Release(); cancel(); return nil }
	if _, err := src.Read(ctx, &r); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if used := batch.InUse(); used != before {
		t.Errorf("%d octets leaked", used-before)
	}
}

func TestRejectErrorIsOfTheFirstBadRecord(t *testing.T) {
	t.Parallel()
	text := strings.Replace(strings.Replace(numbered(20_000), "\n7777,", "\nbad,", 1), "\n15000,", "\nworse,", 1)
	for range 20 {
		src, r := reader(500)
		r.Files = filetest.Files{"f.csv": text}
		r.Emit = func(b node.Batch) error { b.Records.Release(); return nil }
		_, err := src.Read(context.Background(), &r)
		if e := flows.AsError(err); e.Path.Line != 7779 || e.Path.Record != 7778 || e.Path.Column != "a" || e.Code != "csv.type" {
			t.Fatalf("%v", err)
		}
	}
}

// growing is a file that is another one at the second look.
type growing struct {
	filetest.Files
	looks *int
}

func (g growing) Glob(p string) ([]node.FileInfo, error) {
	infos, err := g.Files.Glob(p)
	if *g.looks++; *g.looks > 1 {
		infos[0].ModTime = infos[0].ModTime.Add(time.Second)
	}
	return infos, err
}

func TestChangedFile(t *testing.T) {
	t.Parallel()
	src := newTestSource(t, "", 0, "a int32")
	got := filetest.Read(src, node.Reading{Files: growing{filetest.Files{"f.csv": "a\n1\n"}, new(int)}, Fields: []string{"a"}})
	if want := "1\nerror file f.csv: the file was changed while it was being read; start again when nothing writes to it any more\n"; got.Text() != want || got.Stats.Complete {
		t.Error(got.Text())
	}
}

func TestRecordTooLong(t *testing.T) {
	t.Parallel()
	sentence := "a record is longer than 0 MiB, which is the most that a record may have; check the delimiter, the quote and the line ends: a quote that is not closed makes the rest of a file one record\n"
	for _, s := range []scene{
		{name: "unquoted", text: "a,b\n1,x\n2," + strings.Repeat("y", 300) + "\n3,z\n", want: "1 | x\nerror file f.csv, line 3, record 2: " + sentence},
		{name: "quoted", text: "a,b\n1,x\n2,\"" + strings.Repeat("y\n", 300) + "\"\n3,z\n", want: "1 | x\nerror file f.csv, line 3, record 2: " + sentence},
		{name: "bare quote wins", text: "a,b\n1,x\n2,y\"" + strings.Repeat("y", 300) + "\n3,z\n",
			want: "1 | x\nerror file f.csv, line 3, record 2, field b: a quote stands inside a value that does not begin with one, near \"2,y\\\"yyyyyyyyyyy\"; put the whole value between \" and double the \" inside it, or set no quote if the file does not use quotes\n"},
		{name: "just fits", text: "a,b\n1,x\n2," + strings.Repeat("y", 197) + "\n", want: "1 | x\n2 | " + strings.Repeat("y", 197) + "\n"},
	} {
		for _, size := range []int{0, 1, 50, 199, 200, 201, 1000} {
			src := newTestSource(t, "", size, "a int32", "b text")
			src.recordLimit = 200
			got := filetest.Read(src, node.Reading{Files: filetest.Files{"f.csv": s.text}, Fields: []string{"a", "b"}})
			if d := cmp.Diff(s.want, got.Text()); d != "" {
				t.Errorf("%s, blocks of %d: %s", s.name, size, d)
			}
		}
	}
}

func TestLongLineInBoundedMemory(t *testing.T) {
	text := "a,b\n1," + strings.Repeat("x", 100<<20) + "\n"
	src := newTestSource(t, "", 0, "a int32", "b text")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := filetest.Read(src, node.Reading{Files: filetest.Files{"f.csv": text}, Fields: []string{"a", "b"}})
	runtime.ReadMemStats(&after)
	if want := "error file f.csv, line 2, record 1: a record is longer than 64 MiB, which is the most that a record may have; check the delimiter, the quote and the line ends: a quote that is not closed makes the rest of a file one record\n"; got.Text() != want {
		t.Error(got.Text())
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 300<<20 {
		t.Errorf("%d MiB allocated", used>>20)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	src, r := reader(1000)
	var last, total int64
	r.Progress = func(d, of int64) {
		if d < last {
			t.Errorf("%d after %d", d, last)
		}
		last, total = d, of
	}
	got := filetest.Read(src, r)
	if last != total || total != got.Stats.Bytes || got.Stats.Records != 20_000 {
		t.Errorf("%d of %d, %+v", last, total, got.Stats)
	}
}

func TestProblemsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		`{"delimiter": ";;"}`:                              "setting options.delimiter: \";;\" is not one ASCII character; write a single character; \\t is a tab",
		`{"delimiter": ""}`:                                "setting options.delimiter: a character is missing; write one, such as , or ;",
		`{"delimiter": "\""}`:                              "setting options.quote: \"\\\"\" has two meanings; choose another character",
		`{"quote": "“"}`:                                   "setting options.quote: \"“\" is not one ASCII character; write a single character; \\t is a tab",
		`{"comment": "\n"}`:                                "setting options.comment: a line end or NUL cannot have this meaning; choose another character",
		`{"encoding": "latin"}`:                            "setting options.encoding: \"latin\" is not a value of encoding; there is utf-8, utf-16le, utf-16be, windows-1252, iso-8859-1, iso-8859-15",
		`{"decimalSeparator": ",", "groupSeparator": ","}`: "setting options.groupSeparator: the decimal separator and the group separator are the same; choose another one",
		`{"trueValues": ["1"], "falseValues": ["1"]}`:      "setting options.falseValues: \"1\" means true and false; remove it from one of the lists",
		`{"raggedRows": "ignore"}`:                         "setting options.raggedRows: \"ignore\" is not a value of raggedRows; there is error, fillNull",
		`{"quote": "", "escape": "\\"}`:                    "setting options.escape: there is an escape and no quote; set the quote or remove the escape",
	} {
		_, err := newSource(node.FileScan{Path: "f.csv", Fields: fileFields("a int32"), Options: []byte(options)})
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v", options, err)
		}
	}
	for spec, want := range map[string]string{
		"a list<int32>":                          "setting fields[1].type: a value of a CSV file cannot be a list<int32>; read it as json or text and take it apart in a later node",
		"a int32 | %d":                           "setting fields[1].format: the format \"%d\" is for dates and times and the type is int32; remove the format",
		"a date | %d.%m":                         "setting fields[1].format: the format \"%d.%m\" does not make a date; give %Y, %m and %d once each, or %Y and %j",
		"a date | %Y-%m-%d %H:%M":                "setting fields[1].format: the format \"%Y-%m-%d %H:%M\" has a time of day, which a date would lose; choose the type timestamp",
		"a timestamp | %Q":                       "setting fields[1].format: the format \"%Q\" has the unknown part %Q; use %Y %y %m %d %b %B %j %H %I %M %S %f %p %z %%",
		"a timestamp | %Y-%m-%d %I":              "setting fields[1].format: the format \"%Y-%m-%d %I\" has %I without %p or %p without %I; use %H for hours of 0 to 23, or %I together with %p",
		"a timestamptz | %Y-%m-%d %H:%M":         "setting fields[1].format: the format \"%Y-%m-%d %H:%M\" has no offset from UTC; add %z or set the time zone",
		"a timestamptz |  | Europe/Berlino":      "setting fields[1].zone: there is no time zone \"Europe/Berlino\"; write a name such as Europe/Berlin or UTC",
		"a timestamptz |  | ../../../etc/passwd": "setting fields[1].zone: there is no time zone \"../../../etc/passwd\"; write a name such as Europe/Berlin or UTC",
		"a timestamp |  | Europe/Berlin":         "setting fields[1].zone: a time zone is set and the type is timestamp; remove the time zone or choose the type timestamptz",
	} {
		_, err := newSource(node.FileScan{Path: "f.csv", Fields: fileFields("first text", spec)})
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v", spec, err)
		}
	}
}
