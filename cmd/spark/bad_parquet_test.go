package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// parquetRecords are in two row groups: 2,048 and the rest.
const parquetRecords = 3_000

// parquetFile is a sound Parquet file id,name with the ids 1 to parquetRecords, which the program wrote.
var parquetFile = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "spark-parquet-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	doc := chain(step("in", "sample.data", fmt.Sprintf(`{"dataset":"orders","records":%d}`, parquetRecords)),
		step("f", "select", `{"fields":[{"name":"order_id","as":"id"},{"name":"status","as":"name"}],"others":"drop"}`),
		output("x.parquet").with("format", "parquet").options(`{"rowGroupSize":2048,"compression":"none"}`))
	if err := os.WriteFile(filepath.Join(dir, "flow.json"), []byte(doc), 0o600); err != nil {
		return nil, err
	}
	p := &place{data: dir, temp: dir}
	if out, err := p.command("run", "flow.json").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(filepath.Join(dir, "x.parquet"))
})

// damaged writes the sound file changed; foot is where its footer begins.
func damaged(change func(b []byte, foot int) []byte) func(*place) {
	return func(p *place) {
		b, err := parquetFile()
		must(p.t, err)
		b = bytes.Clone(b)
		foot := len(b) - 8 - int(binary.LittleEndian.Uint32(b[len(b)-8:]))
		p.write("in.parquet", string(change(b, foot)))
	}
}

func (b bad) as(code string) bad { b.code = code; return b }

func put32(b []byte, at int, n uint32) []byte {
	binary.LittleEndian.PutUint32(b[at:], n)
	return b
}

func badParquet() []bad {
	in := box{id: "in", kind: "file.input", config: map[string]any{"path": "in.parquet", "fields": []map[string]string{{"name": "id", "type": "int64"}, {"name": "name", "type": "text"}}}}
	broken := func(name string, change func(b []byte, foot int) []byte) bad {
		return bad{name: name, input: in, setup: damaged(change), exit: exitFailed, code: "parquet.broken"}
	}
	raw := func(name, content, code string) bad {
		return broken(name, func([]byte, int) []byte { return []byte(content) }).as(code)
	}
	sound := func(b []byte, _ int) []byte { return b }
	fields := func(list ...map[string]string) box { return in.with("fields", list) }
	list := []bad{
		raw("an empty file as parquet", "", "parquet.not"),
		raw("text as parquet", cafe, "parquet.not"),
		raw("four letters as parquet", "PAR1", "parquet.broken"),
		raw("two marks as parquet", "PAR1PAR1", "parquet.broken"),
		raw("two marks and a length as parquet", "PAR1\x10\x00\x00\x00PAR1", "parquet.broken"),
		broken("wrong mark at the start", func(b []byte, _ int) []byte { return append([]byte("PAR2"), b[4:]...) }).as("parquet.not"),
		broken("wrong mark at the end", func(b []byte, _ int) []byte { return append(b[:len(b)-4], "PAR2"...) }).as("parquet.truncated"),
		broken("encrypted, says the mark at the end", func(b []byte, _ int) []byte { return append(b[:len(b)-4], "PARE"...) }).as("parquet.encrypted"),
		broken("footer longer than the file", func(b []byte, _ int) []byte { return put32(b, len(b)-8, uint32(len(b))) }),
		broken("footer of 4 GB", func(b []byte, _ int) []byte { return put32(b, len(b)-8, 0xFFFFFFFF) }),
		broken("footer of no length", func(b []byte, _ int) []byte { return put32(b, len(b)-8, 0) }),
		broken("footer one octet off", func(b []byte, foot int) []byte { return put32(b, len(b)-8, uint32(len(b)-8-foot-1)) }),
		broken("footer of zeros", func(b []byte, foot int) []byte { clear(b[foot : len(b)-8]); return b }),
		broken("footer of ones", func(b []byte, foot int) []byte {
			copy(b[foot:len(b)-8], bytes.Repeat([]byte{0xFF}, len(b)))
			return b
		}),
		broken("footer that is cut", func(b []byte, foot int) []byte { return append(b[:foot+(len(b)-foot)/2], b[len(b)-8:]...) }),
		broken("pages of zeros", func(b []byte, foot int) []byte { clear(b[4:foot]); return b }),
		broken("pages of ones", func(b []byte, foot int) []byte { copy(b[4:foot], bytes.Repeat([]byte{0xFF}, foot)); return b }),
		broken("no pages", func(b []byte, foot int) []byte { return append(b[:4], b[foot:]...) }),
		broken("the first page header damaged", func(b []byte, _ int) []byte { copy(b[4:12], "\xff\xff\xff\xff\xff\xff\xff\xff"); return b }),
		broken("bytes lost in the middle", func(b []byte, foot int) []byte { return append(b[:foot/2], b[foot/2+100:]...) }),
		{name: "parquet with a field of another type", input: fields(map[string]string{"name": "id", "type": "text"}), setup: damaged(sound), exit: exitFailed, code: "parquet.type"},
		{name: "parquet with a smaller integer", input: fields(map[string]string{"name": "id", "type": "int32"}), setup: damaged(sound), exit: exitFailed, code: "parquet.type"},
		{name: "parquet without a field", input: fields(map[string]string{"name": "nam", "type": "text"}), setup: damaged(sound), exit: exitFailed, code: "parquet.schema"},
		lying("statistics that lie", nil),
		lying("statistics that lie, without counts", map[string]any{"noCounts": true}),
	}
	for _, part := range []int{4, 50, 90, 99} {
		list = append(list, broken(fmt.Sprintf("parquet cut after %d %%", part), func(b []byte, _ int) []byte { return b[:len(b)*part/100] }).as("parquet.truncated"))
	}
	return list
}

// lying has a largest id in its statistics that is too small for a filter: the records are found all the same.
func lying(name string, settings map[string]any) bad {
	var want strings.Builder
	want.WriteString("\"id\"\n")
	for id := 2_501; id <= parquetRecords; id++ {
		fmt.Fprintf(&want, "\"%d\"\n", id)
	}
	return bad{name: name, settings: settings,
		input: box{id: "in", kind: "file.input", config: map[string]any{"path": "in.parquet", "fields": []map[string]string{{"name": "id", "type": "int64"}}}},
		mid:   []box{step("f", "filter", `{"condition":"id > 2500"}`)},
		setup: func(p *place) {
			damaged(func(b []byte, foot int) []byte {
				n := 0
				true8, false8 := make([]byte, 8), make([]byte, 8)
				binary.LittleEndian.PutUint64(true8, parquetRecords)
				binary.LittleEndian.PutUint64(false8, 2_060)
				for at := foot; at < len(b)-8; at++ {
					if bytes.Equal(b[at:at+8], true8) {
						n += copy(b[at:], false8)
					}
				}
				if n == 0 {
					p.t.Fatal("the largest id does not stand in the footer")
				}
				return b
			})(p)
		}, output: output("out.csv"), want: want.String()}
}

// TestDamagedParquet changes single octets of the footer and of page headers: whatever comes is the sound result or a
// named error, and never the end of the process.
func TestDamagedParquet(t *testing.T) {
	t.Parallel()
	sound, err := parquetFile()
	must(t, err)
	foot := len(sound) - 8 - int(binary.LittleEndian.Uint32(sound[len(sound)-8:]))
	steps := 12
	if testing.Short() {
		steps = 4
	}
	for i := range steps {
		at := foot + (len(sound)-8-foot)*i/steps
		t.Run(fmt.Sprintf("octet %d of the footer", at-foot), func(t *testing.T) {
			t.Parallel()
			p := setup(t)
			b := bytes.Clone(sound)
			b[at] ^= 0xFF
			p.write("in.parquet", string(b))
			p.write("flow.json", chain(input("in.parquet", "id:int64").with("fields", []map[string]string{{"name": "id", "type": "int64"}}),
				step("sum", "aggregate", `{"aggregates":[{"name":"n","expression":"count()"},{"name":"s","expression":"sum(id)"}]}`), output("out.csv")))
			o := p.run("run", "--json", "flow.json")
			switch {
			case o.code == exitOK:
				if got, want := p.read("out.csv"), fmt.Sprintf("n,s\n%d,%d\n", parquetRecords, parquetRecords*(parquetRecords+1)/2); got != want {
					t.Errorf("silently %q instead of %q", got, want)
				}
			case o.code != exitFailed || len(o.problems(t)) == 0 || o.problems(t)[0].Path.File == "" || o.problems(t)[0].Code == "engine":
				t.Errorf("%d %s%s", o.code, o.stdout, o.stderr)
			}
			p.clean()
		})
	}
}
