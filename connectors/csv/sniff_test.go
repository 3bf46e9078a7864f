package csv

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/connectors/internal/filetest"
	"spark/flows/node"
)

// proposed sniffs a text and prints what differs from the defaults, the fields and the notes.
func proposed(t *testing.T, name, text string) (string, node.Proposal) {
	t.Helper()
	f, err := filetest.Files{name: text}.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := sniff(f, name)
	if err != nil {
		return "error " + err.Error(), p
	}
	var o, def map[string]any
	plain, _ := json.Marshal(newReadOptions())
	_ = json.Unmarshal(plain, &def)
	_ = json.Unmarshal(p.Options, &o)
	for k, v := range def {
		if cmp.Equal(v, o[k]) {
			delete(o, k)
		}
	}
	diff, _ := json.Marshal(o)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", diff)
	for _, f := range p.Fields {
		fmt.Fprintf(&b, "%s %s", f.Name, f.Type)
		if f.Format != "" {
			fmt.Fprintf(&b, " format %s", f.Format)
		}
		if f.Source != "" {
			fmt.Fprintf(&b, " source %q", f.Source)
		}
		b.WriteByte('\n')
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note %s\n", n)
	}
	return b.String(), p
}

func TestSniff(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]struct{ text, want string }{
		"types": {"id,price,paid,day,at,inst,uid,tod,txt\n1,2.50,true,2024-01-02,2024-01-02 03:04:05,2024-01-02T03:04:05Z,0190b0a1-0000-7000-8000-00000000abcd,10:00,x\n-22,,FALSE,,2024-01-02 03:04,2024-01-02 03:04+01:00,,10:00:01,\n",
			"{}\nid int64\nprice decimal(18,2)\npaid boolean\nday date\nat timestamp\ninst timestamptz\nuid uuid\ntod time\ntxt text\n"},
		"leading zeros": {"zip,n\n00123,1\n99999,2\n", "{}\nzip text\nn int64\nnote zip: the values are digits with leading zeros, such as \"00123\"; as text they keep them.\n"},
		"huge numbers": {"a,b,c,d\n123456789012345678901234567890,12345678901234567890.12345,1e5,1234567890123456789012345678901234567890\n1,1,1,1\n",
			"{}\na decimal(38,0)\nb decimal(38,6)\nc double\nd text\nnote a: some values have 30 digits and do not fit into int64.\nnote c: some values have an exponent, so it is read as double, which keeps about 15 digits.\nnote d: some values have more digits than a decimal holds; as text they keep them.\n"},
		"ambiguous date":  {"id,d\n1,03/04/2026\n2,05/06/2026\n", "{}\nid int64\nd text\nnote d: 03/04/2026 can be read as day/month/year (format %d/%m/%Y) or as month/day/year (format %m/%d/%Y); choose one.\n"},
		"day first":       {"id,d\n1,03.04.2026\n2,13.04.2026\n", "{}\nid int64\nd date format %d.%m.%Y\nnote d: some days are above 12, so the day stands first: format %d.%m.%Y.\n"},
		"month first":     {"id,d\n1,3/4/2026 10:00\n2,3/14/2026 9:30\n", "{}\nid int64\nd timestamp format %m/%d/%Y %H:%M\nnote d: some days are above 12, so the month stands first: format %m/%d/%Y %H:%M.\n"},
		"contradiction":   {"id,d\n1,13/04/2026\n2,04/13/2026\n", "{}\nid int64\nd text\nnote d: some values have the day first and others the month, so no one format fits all.\n"},
		"mixed ISO":       {"id,d\n1,2026-01-01\n2,2026-01-01 10:00:00\n", "{}\nid int64\nd text\nnote d: the values are ISO dates of several kinds (with and without a time, or an offset from UTC), so no one type fits all.\n"},
		"semicolon comma": {"id;betrag\n1;1.234,50\n2;-3,1\n", "{\"decimalSeparator\":\",\",\"delimiter\":\";\",\"groupSeparator\":\".\"}\nid int64\nbetrag decimal(18,2)\n"},
		"tab":             {"a\tb\n1\tx, y\n2\tz\n", "{\"delimiter\":\"\\\\t\"}\na int64\nb text\n"},
		"pipe quoted":     {"a|b\n1|\"x|y\"\n2|\"z\n\"\n", "{\"delimiter\":\"|\"}\na int64\nb text\n"},
		"backslash":       {"a,b\n1,\"x\\\"y\"\n2,\"z\"\n", "{\"escape\":\"\\\\\"}\na int64\nb text\nnote The values read well only with the quote \"\\\"\" and the escape \"\\\\\".\n"},
		"bare quotes":     {"a,b\n1,5\" pipe\n2,z\n", "{\"quote\":\"\"}\na int64\nb text\nnote The values read well only with the quote \"\" and the escape \"\".\n"},
		"no header":       {"1,x\n2,y\n", "{\"header\":false}\ncolumn_1 int64\ncolumn_2 text\nnote The first line looks like a record, so the fields have no names yet.\n"},
		"duplicate names": {"a,b,a,\n1,2,3,4\n", "{\"header\":false,\"skipLines\":1}\na int64\nb int64\na_2 int64\ncolumn_4 int64\nnote The name \"a\" occurs more than once in the header; column 3 is called a_2.\nnote Column 4 has no name in the header; it is called column_4.\nnote Because of that the fields are read by position and the header line is skipped.\n"},
		"padded name":     {" a ,b\n1,2\n", "{}\na int64 source \" a \"\nb int64\n"},
		"null words":      {"a,b\n1,NULL\nN/A,x\n3,NULL\n", "{\"nullValues\":[\"\",\"N/A\"]}\na int64\nb text\nnote \"N/A\" is taken for null, because it stands among values of other types.\n"},
		"all null":        {"a,b\n1,\n2,\n", "{}\na int64\nb text\nnote b: the sample holds no value, so nothing is known of its type.\n"},
		"windows-1252":    {"a,b\n1,caf\xe9\n", "{\"encoding\":\"windows-1252\"}\na int64\nb text\nnote The file is not UTF-8. The encoding windows-1252 is a guess: check letters such as é and ü.\n"},
		"utf-16":          {utf16le("\uFEFFa,b\n1,é\n"), "{\"encoding\":\"utf-16le\"}\na int64\nb text\n"},
		"thousands?":      {"a;b\n1;1.234\n2;5.678\n", "{\"delimiter\":\";\"}\na int64\nb decimal(18,4)\nnote b: all values have three digits after the separator, such as \"1.234\"; check that it is not a separator of thousands.\n"},
		"one column":      {"name\nAnna\nBen\n", "{}\nname text\n"},
		"header alone":    {"a,b\n", "{}\na text\nb text\nnote a: the sample holds no value, so nothing is known of its type.\nnote b: the sample holds no value, so nothing is known of its type.\n"},
		"empty":           {"\n", "error file f.csv: the file is empty; inspect a file with records"},
	} {
		got, p := proposed(t, "f.csv", s.text)
		if d := cmp.Diff(s.want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", name, d)
			continue
		}
		if strings.HasPrefix(s.want, "error") {
			continue
		}
		// What is proposed for a whole file reads it without refusing anything.
		src, err := newSource(node.FileScan{Path: "f.csv", Fields: p.Fields, Options: p.Options})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		read := filetest.Read(src, node.Reading{Files: filetest.Files{"f.csv": s.text}, Fields: names(p.Fields)})
		if read.Err != "" || len(read.Rejects) > 0 || read.Stats.Records != p.Sampled {
			t.Errorf("%s: %s %v, %d records of %d", name, read.Err, read.Rejects, read.Stats.Records, p.Sampled)
		}
	}
}

func TestSniffLooksAtMiddleAndEnd(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("a,b\n")
	for i := range 400_000 {
		v := "1"
		if i > 390_000 {
			v = "x"
		}
		fmt.Fprintf(&b, "%d,%s\n", i, v)
	}
	if got, _ := proposed(t, "f.csv", b.String()); got != "{}\na int64\nb text\n" {
		t.Error(got)
	}
	if got, _ := proposed(t, "f.csv.gz", filetest.Gzip(b.String())); got != "{}\na int64\nb int64\n" {
		t.Error(got)
	}
}
