package enginetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"spark/flows"
	"spark/flows/node"
)

// source makes a file with random records, some of them bad where the format lets them be.
func (g *generator) source() {
	t := &table{ordered: true}
	fields := []map[string]string{}
	for range 2 + g.pick(3) {
		k := flows.Int64
		if g.chance(50) {
			k = flows.Text
		}
		name := g.name("c")
		if g.chance(15) {
			name = g.name("c d\"e")
		}
		t.schema = append(t.schema, flows.Field{Name: name, Type: flows.Of(k)})
		fields = append(fields, map[string]string{"name": name, "type": k.String()})
	}
	n := g.pick(40)
	if g.chance(15) {
		n = 0
		g.used["empty input"]++
	}
	for range n {
		r := make(row, len(t.schema))
		for i, f := range t.schema {
			r[i] = g.value(f.Type.Kind)
		}
		t.rows = append(t.rows, r)
	}
	formats := []string{"csv", "jsonl", "parquet"}
	format := formats[g.pick(len(formats))]
	g.used[format]++
	path := g.name("in") + "." + format
	config := map[string]any{"path": path, "format": format, "fields": fields}
	if format == "csv" {
		config["options"] = map[string]any{"nullValues": []string{nullText}}
	}
	ref := g.add("file.input", config, nil)
	ref.path, ref.contents = path, map[int64]string{}
	switch format {
	case "csv":
		g.files[path] = g.csv(t, ref)
	case "jsonl":
		g.files[path] = g.jsonl(t, ref)
	case "parquet":
		g.files[path] = parquetFile(t)
		for i, r := range t.rows {
			ref.contents[int64(i+1)] = rawRecord(t.schema, r)
			g.comesFrom(r, path, int64(i+1))
		}
	}
	if ref.rejected > 0 {
		g.used["bad record in file"]++
	}
	g.policy(ref)
	g.opened(ref, node.Out, t)
}

func (g *generator) value(k flows.Kind) any {
	switch {
	case g.chance(12):
		return nil
	case k == flows.Text:
		return words[g.pick(len(words))]
	case g.chance(5):
		return []int64{1 << 62, -1 << 63, 1<<63 - 1, 1 << 40}[g.pick(4)]
	}
	return int64(g.pick(15) - 4)
}

func (g *generator) csv(t *table, ref *reference) []byte {
	var b bytes.Buffer
	b.WriteString(csvLine(t.schema.Names()))
	bad, record := g.chance(25), int64(0)
	for _, r := range t.rows {
		if bad && g.chance(15) {
			text := g.badCSV(t.schema)
			record++
			ref.badLine(ref.path, text, b.Bytes(), record, "csv.fields", "csv.type", "csv.range")
			b.WriteString(text)
		}
		record++
		ref.contents[record] = rawRecord(t.schema, r)
		g.comesFrom(r, ref.path, record)
		cells := make([]string, len(r))
		for i, v := range r {
			cells[i] = nullText
			if v != nil {
				cells[i] = fmt.Sprint(v)
			}
		}
		b.WriteString(csvLine(cells))
	}
	return b.Bytes()
}

// badCSV is a record with too many fields, too few, or text where a number belongs.
func (g *generator) badCSV(s flows.Schema) string {
	cells := make([]string, len(s))
	for i := range cells {
		cells[i] = "1"
	}
	if at := fieldsOf(s, flows.Int64); len(at) > 0 && g.chance(60) {
		cells[at[g.pick(len(at))]] = []string{"x", "1.5", "99999999999999999999", "1 ", "0x1F", "1_000"}[g.pick(6)]
		return csvLine(cells)
	}
	if g.chance(50) {
		return csvLine(append(cells, "1"))
	}
	return csvLine(cells[1:])
}

// csvLine quotes everything but the null token and numbers.
func csvLine(cells []string) string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = c
		if c != nullText && strings.Trim(c, "0123456789-") != "" || c == "" {
			out[i] = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		}
	}
	return strings.Join(out, ",") + "\n"
}

func (g *generator) jsonl(t *table, ref *reference) []byte {
	var b bytes.Buffer
	bad, record := g.chance(25), int64(0)
	for _, r := range t.rows {
		if bad && g.chance(15) {
			text := []string{"{\n", "[1]\n", "nonsense\n"}[g.pick(3)]
			record++
			ref.badLine(ref.path, text, b.Bytes(), record, "json.syntax", "json.type")
			b.WriteString(text)
		}
		record++
		ref.contents[record] = rawRecord(t.schema, r)
		g.comesFrom(r, ref.path, record)
		b.WriteString("{")
		wrote := false
		for i, f := range t.schema {
			if r[i] == nil && g.chance(50) {
				continue
			}
			if wrote {
				b.WriteString(", ")
			}
			wrote = true
			name, _ := json.Marshal(f.Name)
			value, _ := json.Marshal(r[i])
			fmt.Fprintf(&b, "%s: %s", name, value)
		}
		b.WriteString("}\n")
	}
	return b.Bytes()
}

func parquetFile(t *table) []byte {
	fields := make([]arrow.Field, len(t.schema))
	for i, f := range t.schema {
		fields[i] = arrow.Field{Name: f.Name, Type: node.ArrowType(f.Type), Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	rb := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer rb.Release()
	for _, r := range t.rows {
		for i, v := range r {
			switch v := v.(type) {
			case nil:
				rb.Field(i).AppendNull()
			case int64:
				rb.Field(i).(*array.Int64Builder).Append(v)
			case string:
				rb.Field(i).(*array.StringBuilder).Append(v)
			}
		}
	}
	var b bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &b, nil, pqarrow.DefaultWriterProps())
	if err == nil {
		rec := rb.NewRecordBatch()
		defer rec.Release()
		err = w.Write(rec)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err)
	}
	return b.Bytes()
}
