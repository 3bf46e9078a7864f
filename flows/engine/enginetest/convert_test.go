package enginetest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spark/flows"
)

func convertFlow(kind, more string) string {
	return `{"format":1,"name":"convert","nodes":[
		{"id":"in","type":"file.input","version":1,"config":{"path":"in.jsonl","format":"jsonl","fields":[{"name":"v","type":"text"},{"name":"n","type":"int64"}]}},
		{"id":"expect","type":"convert","version":1,"config":{"fields":[{"name":"v","type":"` + kind + `"` + more + `}]},"rejects":"reject"},
		{"id":"out","type":"file.output","version":1,"config":{"path":"out.jsonl","format":"jsonl"}}],
		"edges":[{"from":{"node":"in","port":"out"},"to":{"node":"expect","port":"in"}},{"from":{"node":"expect","port":"out"},"to":{"node":"out","port":"in"}}]}`
}

// TestConvertLocale: numbers and dates as they are written elsewhere, and what is no such number, which is refused.
func TestConvertLocale(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ kind, more, text, want string }{
		"comma":                    {"decimal(10,2)", `,"decimal":"comma"`, "-12,50", "-12.50"},
		"comma and points":         {"decimal(20,2)", `,"decimal":"comma","groups":"point"`, "1.234.567,89", "1234567.89"},
		"groups are not needed":    {"decimal(20,2)", `,"decimal":"comma","groups":"point"`, "1234567,89", "1234567.89"},
		"a point is no comma":      {"decimal(10,2)", `,"decimal":"comma","groups":"point"`, "1.5", "value.conversion"},
		"a group of two":           {"int64", `,"groups":"comma"`, "1,23,456", "value.conversion"},
		"a group at the beginning": {"int64", `,"groups":"comma"`, ",123", "value.conversion"},
		"commas":                   {"decimal(20,2)", `,"groups":"comma"`, "1,234,567.89", "1234567.89"},
		"spaces":                   {"decimal(20,2)", `,"groups":"space","decimal":"comma"`, "1\u202f234\u00a0567 890,5", "1234567890.50"},
		"apostrophes":              {"int64", `,"groups":"apostrophe"`, "1'234’567", "1234567"},
		"digits behind":            {"decimal(10,1)", `,"decimal":"comma"`, "1,25", "value.conversion"},
		"a double":                 {"double", `,"decimal":"comma"`, "1,5e3", "1500.0"},
		"a text":                   {"int64", `,"groups":"point"`, "n/a", "value.conversion"},
		"null":                     {"int64", `,"groups":"point"`, "", "null"},
		"another format":           {"date", `,"format":"%Y-%m-%d","formats":["%d.%m.%Y","%d/%m/%Y"]`, "31.01.2026", `"2026-01-31"`},
		"the last format":          {"date", `,"format":"%Y-%m-%d","formats":["%d.%m.%Y","%d/%m/%Y"]`, "31/01/2026", `"2026-01-31"`},
		"no format":                {"date", `,"format":"%Y-%m-%d","formats":["%d.%m.%Y","%d/%m/%Y"]`, "01/31/2026", "value.conversion"},
		"a zone":                   {"timestamptz", `,"format":"%d.%m.%Y %H:%M","zone":"Europe/Berlin"`, "31.01.2026 10:00", `"2026-01-31 09:00:00Z"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			line := `{"v":` + asJSON(t, c.text) + "}\n"
			if c.text == "" {
				line = `{"v":null}` + "\n"
			}
			if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), []byte(line), 0o600); err != nil {
				t.Fatal(err)
			}
			_, rejects, err := runExpect(t, dir, convertFlow(c.kind, c.more))
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(dir, "out.jsonl"))
			got := strings.TrimSpace(string(b))
			if _, v, ok := strings.Cut(got, `"v": `); ok {
				got, _, _ = strings.Cut(v, `,`)
			}
			for _, r := range rejects {
				got += r.Code
			}
			if err != nil || got != c.want {
				t.Errorf("%v %s, want %s", err, got, c.want)
			}
		})
	}
	for more, want := range map[string]string{
		`,"decimal":"comma","groups":"comma"`: "fields[0].groups a comma is the decimal sign, too",
		`,"decimal":"point","groups":"point"`: "fields[0].groups a point is the decimal sign, too",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), []byte("{}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := tryFlow(t.Context(), t, dir, convertFlow("decimal(10,2)", more), nil, nil)
		if e := flows.AsError(err); e == nil || e.Path.Field+" "+e.Message != want {
			t.Errorf("%s: %v, want %s", more, err, want)
		}
	}
}
