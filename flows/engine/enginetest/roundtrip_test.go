package enginetest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/node"
)

// ugly are values of every type that a text file can carry, as expressions.
var ugly = []struct{ kind, expr string }{
	{"int8", "cast(-128 as int8)"}, {"int64", "9223372036854775807"}, {"int128", "-170141183460469231731687303715884105727"},
	{"decimal(38,10)", "1234567890123456789012345678.1234567890"}, {"decimal(4,2)", "0.10"}, {"double", "cast(0.1 as double)"}, {"double", "1e22"},
	{"boolean", "true"}, {"text", "''"}, {"text", `'quote " comma , é 日本 ''x'''`}, {"text", `'a' || chr(10) || 'b' || chr(13) || chr(10) || chr(9) || '\'`},
	{"bytes", "encode_utf8('é')"}, {"date", "date '2026-02-28'"}, {"time", "time '23:59:59.000001'"}, {"timestamp", "timestamp '2026-01-31 13:45:00.5'"},
	{"timestamptz", "timestamptz '2026-01-31 13:45:00.25+05:30'"}, {"interval", "interval '14 months -3 days 25 hours 7 seconds'"},
	{"uuid", "uuid '6fa459ea-ee8a-4ca4-894e-db77e160355e'"}, {"json", `parse_json('{"a": 1234567890123456789012345.10, "b": [null, "x\ny"]}')`},
}

// TestFormatsKeepValues writes every type in every format, reads it back and writes it again: nothing changes.
func TestFormatsKeepValues(t *testing.T) {
	t.Parallel()
	one := `{"id":"in","type":"sample.data","version":1,"config":{"dataset":"products","records":1}}`
	for _, format := range []string{"csv", "jsonl", "json", "parquet"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var formulas, fields []map[string]string
			for i, u := range ugly {
				for _, null := range []bool{false, true} {
					name := fmt.Sprintf("f%d_%t", i, null)
					e := u.expr
					if format == "parquet" { // its intervals have no sign
						e = strings.Replace(e, "-3 days", "3 days", 1)
					}
					if null {
						e = "cast(null as " + u.kind + ")"
					}
					formulas = append(formulas, map[string]string{"name": name, "expression": e})
					fields = append(fields, map[string]string{"name": name, "type": u.kind})
				}
			}
			options := ""
			if format == "csv" { // without it null and empty text are told apart by quotes alone
				options = `,"options":{"nullValue":""}`
			}
			write := func(source, via, file, format string) string {
				return fmt.Sprintf(`{"format":1,"name":"x","nodes":[%s,%s,{"id":"out","type":"file.output","version":1,"config":{"path":"%s","format":"%s"%s}}],
					"edges":[{"from":{"node":"in","port":"out"},"to":{"node":"n","port":"in"}},{"from":{"node":"n","port":"out"},"to":{"node":"out","port":"in"}}]}`, source, via, file, format, options)
			}
			names := make([]map[string]string, len(fields))
			for i, f := range fields {
				names[i] = map[string]string{"name": f["name"]}
			}
			formula := fmt.Sprintf(`{"id":"n","type":"formula","version":1,"config":{"fields":%s}}`, asJSON(t, formulas))
			selected := fmt.Sprintf(`{"id":"n","type":"select","version":1,"config":{"fields":%s}}`, asJSON(t, names))
			runFlow(t, dir, write(one, formula, "wide."+format, format), nil)
			read := map[string]any{"path": "wide." + format, "format": format, "fields": fields}
			if format == "parquet" {
				delete(read, "fields")
			}
			source := fmt.Sprintf(`{"id":"in","type":"file.input","version":1,"config":%s}`, asJSON(t, read))
			runFlow(t, dir, write(source, selected, "again."+format, format), nil)
			again := map[string]any{"path": "again." + format, "format": format, "fields": fields}
			if format == "parquet" {
				delete(again, "fields")
			}
			source = fmt.Sprintf(`{"id":"in","type":"file.input","version":1,"config":%s}`, asJSON(t, again))
			runFlow(t, dir, write(source, selected, "third."+format, format), nil)
			second, third := content(t, dir, "again."+format), content(t, dir, "third."+format)
			if second != third {
				t.Errorf("written again:\n%s\nthen:\n%s", second, third)
			}
			if format == "parquet" {
				return
			}
			for _, want := range []string{"-170141183460469231731687303715884105727", "1234567890123456789012345678.1234567890", "2026-01-31 08:15:00.25Z", "P14M-3DT90007.000000S",
				"w6k=", "1234567890123456789012345.10"} {
				if !strings.Contains(second, want) {
					t.Errorf("%s is not in\n%s", want, second)
				}
			}
		})
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// runFlow runs a flow document over the files of dir and returns its final counts.
func runFlow(t *testing.T, dir, document string, connections node.ConnectionSet) []flows.NodeStatus {
	t.Helper()
	statuses, err := tryFlow(t.Context(), t, dir, document, connections, nil)
	if err != nil {
		t.Fatal(err)
	}
	return statuses
}
