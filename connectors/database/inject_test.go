package database_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/flows/engine"
	"spark/flows/node"
)

// payloads are names and values that end careless quotes in one of the systems, and would drop the table precious.
var payloads = []string{
	`"; DROP TABLE precious; --`, "`; DROP TABLE precious; -- x", `'; DROP TABLE precious; --`, `\'; DROP TABLE precious; #`,
	`$$; DROP TABLE precious; --`, `a"b''c` + "``d", `/* x */ id`, `{p}$$q[r]%s?$1:name`, "é\t\u2028 .\\",
}

// TestNothingIsInjected: names of tables and columns, keys, cursors and values are what they are, whatever they look like.
func TestNothingIsInjected(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		f.exec("CREATE TABLE precious (id int)")
		quote := func(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
		if s.connection == "mysql" {
			quote = func(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
		}
		settings := func(v any) string {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		for _, payload := range payloads {
			// The names of the table, the key, the cursor and a field, and all values, are payloads.
			cursor, text := payload+" cursor", payload+" text"
			table := quote(payload + " table")
			columns := []map[string]any{{"name": payload, "type": "text"}, {"name": cursor, "type": "int64"}, {"name": text, "type": "text"}}
			header := csvLine(payload, cursor, text)
			load := func(mode string, lines ...string) {
				t.Helper()
				f.file("in.csv", header+strings.Join(lines, ""))
				out := map[string]any{"connection": "warehouse", "table": table, "mode": mode, "create": true}
				if mode == "upsert" || mode == "delete" {
					out["key"] = []string{payload}
				}
				f.flow("file.input", settings(map[string]any{"path": "in.csv", "format": "csv", "fields": columns}), "database.output", settings(out)).ok(t)
			}
			load("upsert", csvLine(payload, "1", payload), csvLine("other", "2", "x"))
			load("append", csvLine("third", "3", payload))
			load("upsert", csvLine(payload, "4", payload+payload))
			load("delete", csvLine("other", "2", "x"))
			want := [][]string{{payload, cursor, text}, {"third", "3", payload}, {payload, "4", payload + payload}}
			f.exec(fmt.Sprintf("ALTER TABLE %s ADD note int", table)) // reads by names that are asked for
			read := map[string]any{"connection": "warehouse", "table": table, "mode": "incremental", "cursor": cursor, "cursorKey": []string{payload},
				"where": fmt.Sprintf("%s > 2", quote(cursor))}
			pick := settings(map[string]any{"fields": []map[string]any{{"name": payload}, {"name": cursor}, {"name": text}}})
			var reached map[string]node.Offset
			f.runFlow(engine.Env{Reached: func(offsets map[string]node.Offset) { reached = offsets }}, "database.input", settings(read), "select", pick, "sort", settings(map[string]any{"keys": []map[string]any{{"field": cursor}}}), "file.output", `{"path": "out.csv"}`).ok(t)
			if d := cmp.Diff(want, f.table("out.csv")); d != "" {
				t.Errorf("%s (-want +got):\n%s", payload, d)
			}
			f.runFlow(engine.Env{Offsets: reached}, "database.input", settings(read), "select", pick, "file.output", `{"path": "out.csv"}`).ok(t)
			if d := cmp.Diff(want[:1], f.table("out.csv")); d != "" {
				t.Errorf("%s, read again (-want +got):\n%s", payload, d)
			}
			if got := f.rows("SELECT count(*) FROM precious"); got != "0" {
				t.Errorf("%s: %s", payload, got)
			}
		}
	})
}

// table reads a CSV file.
func (f *fixture) table(name string) [][]string {
	f.t.Helper()
	lines, err := csv.NewReader(strings.NewReader(f.read(name))).ReadAll()
	if err != nil {
		f.t.Fatal(err)
	}
	return lines
}

func csvLine(values ...string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(values) // into memory
	w.Flush()
	return b.String()
}
