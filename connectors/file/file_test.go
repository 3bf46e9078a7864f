package file

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	_ "spark/connectors/csv"
	"spark/connectors/folder"
	_ "spark/connectors/json"
	_ "spark/connectors/parquet"
	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
)

var params = []expr.Param{{Name: "day", Type: flows.Of(flows.Text), Value: "2026-01-31", HasValue: true}, {Name: "n", Type: flows.Of(flows.Int64), Value: int64(7), HasValue: true},
	{Name: "unset", Type: flows.Of(flows.Text)}, {Name: "x", Type: flows.Of(flows.Double), Value: 1.5, HasValue: true}}

type describer struct{ node.QueryDescriber }

func (describer) Bytes(string) int64 { return 0 }

func (describer) Describe(format, path string, _ []byte) (flows.Schema, error) {
	if path == "none.parquet" {
		return nil, &flows.Error{Code: "file.not_found", Path: flows.Path{File: path}, Message: "there is no such file"}
	}
	return flows.Schema{{Name: "from " + format, Type: flows.Of(flows.Int32)}}, nil
}

// plan loads and plans a config and returns what came of it as text.
func plan(typ, config string, d node.Describer, inputs map[string]flows.Schema) string {
	n := flows.Node{ID: "n1", Type: typ, Version: 1, Config: json.RawMessage(config)}
	_, cfg, problems := node.Load(n, params)
	var results map[string]node.Result
	if !problems.Failed() && !node.Waits(problems) {
		c := node.NewContext(n, inputs, params, d)
		cfg.Plan(c)
		var more flows.Problems
		results, more = c.Results()
		problems = append(problems, more...)
	}
	var lines []string
	for _, p := range problems {
		lines = append(lines, fmt.Sprintf("%s%s %s", strings.Replace(string(p.Severity), "warning", "warning ", 1), p.Code, strings.TrimPrefix(p.Error(), "node n1, ")))
	}
	for port, r := range results {
		switch op := r.Op.(type) {
		case node.Read:
			lines = append(lines, fmt.Sprintf("%s: %s %s", port, op.Source, flows.StructOf(r.Schema...)))
		case node.Write:
			sink := op.Target.(node.FileSink)
			lines = append(lines, fmt.Sprintf("write %s as %s compress %q if exists %s %s", sink.Path, sink.Format, sink.Compress, sink.IfExists, sink.Options))
		}
	}
	return strings.Join(lines, "\n")
}

func TestInputPlan(t *testing.T) {
	t.Parallel()
	const a = `"fields": [{"name": "a", "type": "int64"}]`
	for config, want := range map[string]string{
		`{"path": "x.csv", ` + a + `}`: "out: csv x.csv struct<a: int64>",
		`{"path": "d/*.CSV.gz", ` + a + `, "fileNameField": "file", "recordNumberField": "nr"}`: "out: csv d/*.CSV.gz struct<a: int64, file: text, nr: int64>",
		`{"path": "x-${day}-${n}.jsonl", ` + a + `}`:                                            "out: jsonl x-2026-01-31-7.jsonl struct<a: int64>",
		`{"path": "x-$${day}$$.csv", ` + a + `}`:                                                "out: csv x-${day}$$.csv struct<a: int64>",
		`{"path": "x.dat", "format": "csv", ` + a + `}`:                                         "out: csv x.dat struct<a: int64>",
		`{"path": "x.parquet"}`:                                                                 "out: parquet x.parquet struct<\"from parquet\": int32>",
		`{"path": "x.parquet", ` + a + `}`:                                                      "out: parquet x.parquet struct<a: int64>",
		`{"path": "none.parquet"}`:                                                              "file.not_found setting path, file none.parquet: there is no such file",
		`{"path": "x.parquet.gz"}`:                                                              "file.compressed setting path: Parquet files are compressed inside; one that is compressed as a whole cannot be read; decompress it first",
		`{}`:                                                                                    "config.required setting path: \"File\" is missing; fill it in",
		`{"path": "x.dat"}`:                                                                     "file.format setting format: the name \"x.dat\" does not tell the file's format; choose one of csv, json, jsonl, parquet",
		`{"path": "x.csv", "format": "cvs"}`:                                                    "config.enum setting format: \"cvs\" is not a value of \"Format\"; did you mean \"csv\"?",
		`{"path": "${dya}.csv"}`:                                                                "expr.unknown_parameter setting path: there is no parameter \"dya\"; did you mean \"day\"?",
		`{"path": "${unset}.csv"}`:                                                              "warning parameter.waits setting path: the parameter \"unset\" has no value yet, so this node cannot be checked further; give it a default, or a value when the run is started",
		`{"path": "${day.csv"}`:                                                                 "parameter.unclosed setting path: ${ is not closed; write ${name}, or $${ for the characters themselves",
		`{"path": "x.csv"}`:                                                                     "config.required setting fields: a CSV file carries no types, so its fields must be listed; inspect the file, or add its fields",
		`{"path": "x.csv", "fields": [{"name": "a", "type": "int64"}, {"name": "a", "type": "text"}]}`:                "schema.duplicate_field setting fields: two output fields are named \"a\"; rename one of them",
		`{"path": "x.csv", ` + a + `, "fileNameField": "a"}`:                                                          "schema.duplicate_field setting fileNameField: two output fields are named \"a\"; rename one of them",
		`{"path": "x.csv", "fields": [{"name": "a"}]}`:                                                                "config.required setting fields[0].type: \"Type\" is missing; fill it in",
		`{"path": "x.csv", "fields": [{"name": "a", "type": "date"}, {"name": "b", "type": "date", "format": "%d"}]}`: "field.format setting fields[1].format: the format \"%d\" does not make a date; give %Y, %m and %d once each, or %Y and %j",
		`{"path": "x.csv", ` + a + `, "options": {"delimiter": "ab"}}`:                                                "config.value setting options.delimiter: \"ab\" is not one ASCII character; write a single character; \\t is a tab",
		`{"path": "x.csv", ` + a + `, "options": {"delimiter": 5}}`:                                                   "config.type setting options.delimiter: a number stands where a text is expected; choose a value of that type",
		`{"path": "x.csv", ` + a + `, "options": {"encoding": "utf8"}}`:                                               "config.enum setting options.encoding: \"utf8\" is not a value of \"Encoding\"; did you mean \"utf-8\"?",
		`{"path": "x.csv", ` + a + `, "options": {"delimeter": ";"}}`:                                                 "warning config.unknown setting options.delimeter: there is no setting \"delimeter\" here; it is kept and has no effect; did you mean \"delimiter\"?\nout: csv x.csv struct<a: int64>",
		`{"path": "x.parquet", "recordNumberField": "nr"}`:                                                            "parquet.origin setting recordNumberField: the record's number is not available for Parquet; remove the field",
	} {
		if d := cmp.Diff(want, plan("file.input", config, node.Looking(describer{}, nil), nil)); d != "" {
			t.Errorf("%s: %s", config, d)
		}
	}
	if got := plan("file.input", `{"path": "x.parquet"}`, nil, nil); got != "file.fields_unknown setting fields: the fields of the file are not known here; inspect the file once, so that its fields are stored in the node" {
		t.Error(got)
	}
}

func TestOutputPlan(t *testing.T) {
	t.Parallel()
	in := map[string]flows.Schema{"in": {{Name: "a", Type: flows.Of(flows.Int64)}}}
	for config, want := range map[string]string{
		`{"path": "x.csv"}`: `write x.csv as csv compress "" if exists replace `,
		`{"path": "x-${day}.csv.gz", "ifExists": "fail", "options": {"delimiter": ";"}}`: `write x-2026-01-31.csv.gz as csv compress "gzip" if exists fail {"delimiter":";"}`,
		`{"path": "x.dat", "format": "jsonl"}`:                                           `write x.dat as jsonl compress "" if exists replace `,
		`{"path": "x.csv", "compression": "gzip"}`:                                       "warning file.compression setting compression: the compression does not suit the name: File Input decompresses files whose name ends with .gz; let the name end with .gz exactly when it is compressed\nwrite x.csv as csv compress \"gzip\" if exists replace ",
		`{"path": "x.parquet", "compression": "gzip"}`:                                   "file.compression setting compression: a Parquet file cannot be compressed with gzip as a whole; choose none, and a name without .gz",
		`{"path": "x.parquet", "options": {"compression": "lzo"}}`:                       "config.enum setting options.compression: \"lzo\" is not a value of \"Compression\"; there is snappy, zstd, gzip, none",
		`{"path": "x.csv", "options": {"quote": ","}}`:                                   "config.value setting options.quote: the delimiter and the quote are the same character; choose another quote",
		`{"path": "x.csv", "options": {"nullValue": "a,b"}}`:                             "config.value setting options.nullValue: the null value contains the delimiter, the quote or a line end; choose a plain word such as NULL, or leave it empty",
		`{"path": "x/*.csv"}`:                                                            "file.name setting path: a pattern cannot be written to; name one file",
		`{"path": "x.csv", "ifExists": "append"}`:                                        "config.enum setting ifExists: \"append\" is not a value of \"If the file exists\"; there is replace, fail",
	} {
		if d := cmp.Diff(want, plan("file.output", config, nil, in)); d != "" {
			t.Errorf("%s: %s", config, d)
		}
	}
	list := map[string]flows.Schema{"in": {{Name: "l", Type: flows.ListOf(flows.Of(flows.Int64))}}}
	if got := plan("file.output", `{"path": "x.csv"}`, nil, list); got != "csv.type setting format, field l: CSV cannot hold the list<int64> of the field \"l\"; turn it into text with JSON Build, take it apart, or write JSON or Parquet" {
		t.Error(got)
	}
}

func TestExamplesPlan(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"file.input", "file.output"} {
		typ, _ := node.Lookup(id)
		examples, _ := fs.Glob(typ.Files, "examples/*.json")
		if len(examples) == 0 {
			t.Errorf("%s has no example", id)
		}
		for _, name := range examples {
			b, _ := fs.ReadFile(typ.Files, name)
			flow, err := flows.ParseFlow(b)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for _, n := range flow.Nodes {
				if n.Type == id {
					if got := plan(id, strings.ReplaceAll(string(n.Config), "${day}", "1"), nil, map[string]flows.Schema{"in": {}}); !strings.HasPrefix(got, "out: ") && !strings.HasPrefix(got, "write ") {
						t.Errorf("%s: %s", name, got)
					}
				}
			}
		}
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files, err := folder.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a.csv": "id;n\n1;x\n", "b": "id\tn\n1\tx\n", "c.json": `[{"a": 1}]`, "d": "{\"a\": 1}\n{\"a\": 2}\n", "e": `{"a": 1}`, "f.csv": "PAR1....PAR1", "g.parquet": "no", "h.bin": "\x00\x01",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"a.csv": "csv 2", "b": "csv 2", "c.json": "json 1", "d": "jsonl 1", "e": "json 1", "f.csv": "parquet 0: The name says CSV and the content is Parquet.",
		"g.parquet": "error file g.parquet: the name says Parquet and the content is none; rename the file or get a new copy",
		"h.bin":     "error file h.bin: neither the name nor the content tells the file's format; choose the format in the node",
		"none.csv":  "error file none.csv: there is no such file; check the path",
		"?":         "csv 2: 3 files match; the proposal comes from b.",
	} {
		p, err := Inspect(files, name)
		got := fmt.Sprintf("%s %d", p.Format, len(p.Fields))
		if err != nil {
			e, ok := errors.AsType[*flows.Error](err)
			if !ok {
				t.Errorf("%s: %v", name, err)
				continue
			}
			got = "error " + e.Error()
		} else if len(p.Notes) > 0 {
			got += ": " + strings.Join(p.Notes, " ")
		}
		if got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
