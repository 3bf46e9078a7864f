package duckdb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "spark/connectors/all"
	"spark/connectors/folder"
	"spark/flows"
	"spark/flows/engine"
	"spark/flows/engine/duckdb/capi"
	"spark/flows/node"
	"spark/flows/plan"
)

// readParquet writes one Parquet file of each query, reads them all with config and returns what JSON was written, or
// the error's code and place.
func readParquet(t *testing.T, config string, between string, queries ...string) (string, []node.Reject) {
	t.Helper()
	dir, temp := t.TempDir(), t.TempDir()
	db, err := capi.Open(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i, q := range queries {
		if _, err := c.Exec("COPY (" + q + ") TO " + quoteText(filepath.Join(dir, string(rune('a'+i))+".parquet"))); err != nil {
			t.Fatal(err)
		}
	}
	files, err := folder.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	eng := &Engine{Folders: []string{dir}, Files: files}
	f := line("in file.input "+config, between, `out file.output {"path": "o.jsonl"}`)
	f.Settings.Rejects = flows.RejectStore
	failure := func(err error) string {
		e := flows.AsError(err)
		return strings.TrimSpace(e.Code + " " + e.Path.File + " " + e.Path.Column)
	}
	p, ps := plan.Compile(f, plan.Options{Lookup: node.Looking(eng, nil), Engines: []plan.Engine{eng}})
	if ps.Failed() {
		return failure(ps), nil
	}
	var rejects []node.Reject
	_, err = eng.Run(t.Context(), p, engine.Env{Files: files, Temp: temp, Threads: 2, Reject: func(r node.Reject) error { rejects = append(rejects, r); return nil }})
	if err != nil {
		return failure(err), rejects
	}
	b, err := os.ReadFile(filepath.Join(dir, "o.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\n"), rejects
}

const keepAll = `keep filter {"condition": "true"}`

func TestParquetSchemas(t *testing.T) {
	t.Parallel()
	const whole = `{"path": "*.parquet"}`
	for name, c := range map[string]struct {
		config  string
		queries []string
		want    string
	}{
		"nothing is added to the fields":        {whole, []string{"SELECT 1 AS a"}, `{"a": 1}`},
		"fields named like DuckDB's own":        {whole, []string{"SELECT 'x' AS filename, 7 AS file_row_number, 3 AS file_index"}, `{"filename": "x", "file_row_number": 7, "file_index": 3}`},
		"unsigned numbers keep their values":    {whole, []string{"SELECT 255::UTINYINT AS a, 65535::USMALLINT AS b, 4294967295::UINTEGER AS c, 18446744073709551615::UBIGINT AS d"}, `{"a": 255, "b": 65535, "c": 4294967295, "d": 18446744073709551615}`},
		"38 digits":                             {whole, []string{"SELECT 12345678901234567890123456789012345678::DECIMAL(38,0) AS a, '0.12345678901234567890123456789012345678'::DECIMAL(38,38) AS b"}, `{"a": 12345678901234567890123456789012345678, "b": 0.12345678901234567890123456789012345678}`},
		"nested":                                {whole, []string{"SELECT ['a', NULL] AS l, {'x': 1, 'y z': [1]} AS s"}, `{"l": ["a", null], "s": {"x": 1, "y z": [1]}}`},
		"whole microseconds of a finer time":    {whole, []string{"SELECT TIMESTAMP_NS '2026-01-31 12:00:00.123456000' AS a"}, `{"a": "2026-01-31 12:00:00.123456"}`},
		"a time finer than microseconds":        {whole, []string{"SELECT TIMESTAMP_NS '2026-01-31 12:00:00.123456789' AS a"}, "parquet.nanoseconds"},
		"a map":                                 {whole, []string{"SELECT MAP{'k': 1} AS m"}, "type.unsupported a.parquet m"},
		"a declared field of a file with a map": {`{"path": "*.parquet", "fields": [{"name": "a", "type": "int32"}]}`, []string{"SELECT MAP{'k': 1} AS m, 1 AS a"}, `{"a": 1}`},
		"files in another order of fields":      {whole, []string{"SELECT 1 AS a, 2 AS b", "SELECT 4 AS b, 3 AS a"}, "{\"a\": 1, \"b\": 2}\n{\"a\": 3, \"b\": 4}"},
		"a file with more fields":               {whole, []string{"SELECT 1 AS a", "SELECT 1 AS a, 2 AS b"}, "parquet.schema b.parquet b"},
		"a file with fewer fields":              {whole, []string{"SELECT 1 AS a, 2 AS b", "SELECT 1 AS a"}, "parquet.schema b.parquet b"},
		"a file with a larger type":             {whole, []string{"SELECT 1::INTEGER AS a", "SELECT 9999999999::BIGINT AS a"}, "parquet.type b.parquet a"},
		"a file with a smaller type":            {whole, []string{"SELECT 9999999999::BIGINT AS a", "SELECT 1::INTEGER AS a"}, "{\"a\": 9999999999}\n{\"a\": 1}"},
		"declared fields of files that differ":  {`{"path": "*.parquet", "fields": [{"name": "a", "type": "int64"}]}`, []string{"SELECT 1 AS a", "SELECT 2::BIGINT AS a, 2 AS b"}, "{\"a\": 1}\n{\"a\": 2}"},
		"a declared type that would round":      {`{"path": "*.parquet", "fields": [{"name": "a", "type": "int64"}]}`, []string{"SELECT 1.5::DOUBLE AS a"}, "parquet.type a.parquet a"},
		"a declared decimal with fewer digits":  {`{"path": "*.parquet", "fields": [{"name": "a", "type": "decimal(10,1)"}]}`, []string{"SELECT 1.25::DECIMAL(10,2) AS a"}, "parquet.type a.parquet a"},
		"a declared field that is missing":      {`{"path": "*.parquet", "fields": [{"name": "b", "type": "int64"}]}`, []string{"SELECT 1 AS a"}, "parquet.schema a.parquet b"},
		"field names with quotes and brackets":  {whole, []string{"SELECT 1 AS \"a'b\"\"c[1]\", 2 AS \"select\", 3 AS \"ü\""}, `{"a'b\"c[1]": 1, "select": 2, "ü": 3}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, _ := readParquet(t, c.config, keepAll, c.queries...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestParquetOrigin: a refused record tells its file as the flow names it, and its number where that is known.
func TestParquetOrigin(t *testing.T) {
	t.Parallel()
	_, rejects := readParquet(t, `{"path": "*.parquet"}`, `f formula {"fields": [{"name": "x", "expression": "1 / (a - 2)"}]}`, "SELECT 1 AS a", "SELECT unnest([1, 2]) AS a")
	if len(rejects) != 1 || rejects[0].File != "b.parquet" || rejects[0].Record != 2 || rejects[0].Raw != `{"a":"2"}` {
		t.Errorf("%+v", rejects)
	}
	_, rejects = readParquet(t, `{"path": "*.parquet"}`, `f formula {"fields": [{"name": "x", "expression": "1 / (file_row_number - 2)"}]}`, "SELECT 2 AS file_row_number")
	if len(rejects) != 1 || rejects[0].File != "a.parquet" || rejects[0].Record != 0 {
		t.Errorf("%+v", rejects)
	}
}
