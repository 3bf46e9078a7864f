package json

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/connectors/internal/filetest"
	"spark/flows/node"
)

func TestSniff(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]struct{ format, text, want string }{
		"kinds": {"jsonl", `{"i":1,"d":1.50,"e":1e3,"b":true,"s":"x","n":null,"t":"2024-01-02T03:04:05Z","day":"2024-01-02","u":"0190b0a1-0000-7000-8000-00000000abcd","m":1}` + "\n" +
			`{"i":123456789012345678901234567890,"m":"x","z":"12","extra":"00123"}` + "\n",
			"i decimal(38,0)\nd decimal(18,2)\ne double\nb boolean\ns text\nn text\nt timestamptz\nday date\nu uuid\nm json\nz text\nextra text\n" +
				"note i: some values have 30 digits and do not fit into int64.\nnote e: some values have an exponent, so it is read as double, which keeps about 15 digits.\n" +
				"note n: the sample holds no value, so nothing is known of its type.\nnote m: the values are of several kinds, so they stay json.\n"},
		"nested": {"json", `[{"o":{"a":1,"b":{"c":"x"}},"l":[1,2],"ll":[[true]],"lo":[{"k":1},{"j":"y"}],"e":{},"em":[]}]`,
			"o struct<a: int64, b: struct<c: text>>\nl list<int64>\nll list<list<boolean>>\nlo list<struct<k: int64, j: text>>\ne json\nem list<text>\nnote em[]: the sample holds no value, so nothing is known of its type.\n"},
		"one object":     {"json", " {\"a\": 1}\n", "a int64\n"},
		"slashed date":   {"jsonl", `{"d":"13/04/2026"}`, "d date format %d/%m/%Y\nnote d: some days are above 12, so the day stands first: format %d/%m/%Y.\n"},
		"deep":           {"jsonl", `{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}`, "a struct<a: struct<a: struct<a: struct<a: json>>>>\n"},
		"some bad lines": {"jsonl", "{\"a\":1}\n{\"a\":\nnull\n{\"a\":2}\n", "a int64\nnote 2 of the lines looked at are not JSON.\n"},
		"not JSON":       {"json", "hello", "error file f: no object can be told apart in the file; a JSON file is a list of objects or one object, a file of JSON lines has one object per line\n"},
	} {
		f, _ := filetest.Files{"f": s.text}.Open("f")
		p, err := sniff(f, "f", s.format)
		var b strings.Builder
		for _, f := range p.Fields {
			fmt.Fprintf(&b, "%s %s", f.Name, f.Type)
			if f.Format != "" {
				fmt.Fprintf(&b, " format %s", f.Format)
			}
			b.WriteByte('\n')
		}
		for _, n := range p.Notes {
			fmt.Fprintf(&b, "note %s\n", n)
		}
		if err != nil {
			fmt.Fprintf(&b, "error %v\n", err)
		}
		if d := cmp.Diff(s.want, b.String()); d != "" {
			t.Errorf("%s: -want +got\n%s", name, d)
			continue
		}
		if err != nil {
			continue
		}
		src, err := newSource(node.FileScan{Path: "f", Fields: p.Fields}, s.format)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := filetest.Read(src, node.Reading{Files: filetest.Files{"f": s.text}, Fields: names(p.Fields)})
		if got.Err != "" || got.Stats.Records != p.Sampled || len(p.Sample) != int(p.Sampled) {
			t.Errorf("%s: %s %v", name, got.Err, got.Rejects)
		}
	}
}
