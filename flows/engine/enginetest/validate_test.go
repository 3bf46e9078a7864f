package enginetest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spark/flows"
)

func validateFlow(rules, then string) string {
	return `{"format":1,"name":"validate","nodes":[
		{"id":"in","type":"file.input","version":1,"config":{"path":"in.jsonl","format":"jsonl","fields":[{"name":"v","type":"text"},{"name":"n","type":"int64"}]}},
		{"id":"expect","type":"validate","version":1,"config":{"rules":[` + rules + `],"then":"` + then + `"}},
		{"id":"out","type":"file.output","version":1,"config":{"path":"out.jsonl","format":"jsonl"}}],
		"edges":[{"from":{"node":"in","port":"out"},"to":{"node":"expect","port":"in"}},{"from":{"node":"expect","port":"out"},"to":{"node":"out","port":"in"}}]}`
}

// TestValidateRules: what each rule takes, and what it does not.
func TestValidateRules(t *testing.T) {
	t.Parallel()
	for rule, c := range map[string]struct{ good, bad []string }{
		`"email"`: {[]string{"a@b.co", "first.last+tag@sub.example.com", "jörg@müller.de", "o'neil@x-y.org", "a@1.de"},
			[]string{"", "a", "a@b", "@b.co", "a@", "a b@c.de", "a..b@c.de", ".a@b.de", "a@b..de", "a@-b.de", "a@b.de ", "a@b@c.de", "a@b.de\n", "<a@b.de>", strings.Repeat("a", 250) + "@b.de"}},
		`"phone"`: {[]string{"+49 89 1234567", "(089) 123-4567", "0891234567", "+1.202.555.0123", "089/1234567"},
			[]string{"", "123456", "1234567890123456", "call me", "+49 89 12345x7", "++4989123456", "0891234567-", " 0891234567"}},
		`"uuid"`: {[]string{"6fa459ea-ee8a-4ca4-894e-db77e160355e", "6FA459EA-EE8A-4CA4-894E-DB77E160355E"}, []string{"", "6fa459eaee8a4ca4894edb77e160355e", "x"}},
		`"url"`: {[]string{"https://example.com", "http://localhost:8080/a?b=c#d", "HTTPS://x.de/ü", "ftp://u:p@x.org/f", "http://[::1]/"},
			[]string{"", "example.com", "javascript:alert(1)", "http://", "http://a b.de", "https:///x", "http://x.de:port/", "mailto:a@b.de", "http://x.de/a b"}},
		`"json"`:                                 {[]string{"{}", "1", `["a"]`}, []string{"", "{", "[1,]", "NaN"}},
		`"required"`:                             {[]string{"a", "0"}, []string{"", "  "}},
		`"type","type":"decimal(5,2)"`:           {[]string{"1.25", "-3"}, []string{"", "1.255", "n/a", "1,5"}},
		`"length","least":2,"most":3`:            {[]string{"ab", "äöü"}, []string{"", "a", "abcd"}},
		`"pattern","pattern":"[A-Z]{2}|x"`:       {[]string{"AB", "x"}, []string{"", "ABC", "AxB", "xx"}},
		`"set","values":["paid","it's"]`:         {[]string{"paid", "it's"}, []string{"", "Paid", "paid "}},
		`"range","from":"'b'","to":"'c' || 'd'"`: {[]string{"b", "cd"}, []string{"a", "ce"}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var lines strings.Builder
			for _, v := range append(append([]string{}, c.good...), c.bad...) {
				lines.WriteString(`{"v":` + asJSON(t, v) + "}\n")
			}
			lines.WriteString("{\"v\":null}\n")
			if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), []byte(lines.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			status, rejects, err := runExpect(t, dir, validateFlow(`{"field":"v","rule":`+rule+`}`, "reject"))
			if err != nil {
				t.Fatal(err)
			}
			want := map[int64]bool{}
			for i := range c.bad {
				want[int64(len(c.good)+i+1)] = true
			}
			if rule == `"required"` {
				want[int64(len(c.good)+len(c.bad)+1)] = true // null
			}
			for _, r := range rejects {
				if !want[r.Record] || r.Field != "v" || !strings.HasPrefix(r.Code, "validation.") {
					t.Errorf("refused %+v", r)
				}
				delete(want, r.Record)
			}
			for record := range want {
				t.Errorf("record %d passed: %q", record, append(append([]string{}, c.good...), c.bad...)[record-1])
			}
			_ = status
		})
	}
}

// TestValidateMarks: every record goes on, with all reasons.
func TestValidateMarks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), []byte(`{"v":"x","n":0}`+"\n"+`{"v":"a@b.de","n":5}`+"\n"+`{"v":"a@b.de"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, rejects, err := runExpect(t, dir, validateFlow(`{"field":"v","rule":"email"},{"field":"n","rule":"range","from":"1","to":"length(v)"},{"field":"n","rule":"required"},{"field":"n","rule":"set","values":["5"]}`, "mark"))
	if err != nil || len(rejects) > 0 {
		t.Fatal(err, rejects)
	}
	b, err := os.ReadFile(filepath.Join(dir, "out.jsonl"))
	want := `{"v": "x","n": 0,"is_valid": false,"validation_error": "v is no e-mail address (email); n is not at least 1 and at most length(v) (range); n is not one of 5 (set)"}
{"v": "a@b.de","n": 5,"is_valid": true,"validation_error": null}
{"v": "a@b.de","n": null,"is_valid": false,"validation_error": "n is missing (required)"}
`
	if got := strings.ReplaceAll(string(b), `, "`, `,"`); err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
}

// TestValidateSettings: what is wrong with a rule is said at its place.
func TestValidateSettings(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		`{"field":"n","rule":"email"}`:                 "rules[0].field n is of type int64 and the rule is for texts",
		`{"field":"x","rule":"required"}`:              `rules[0].field there is no field "x" at the input`,
		`{"field":"v","rule":"pattern","pattern":"("}`: "rules[0] the pattern is not a regular expression",
		`{"field":"n","rule":"range"}`:                 "rules[0].from the rule has no end",
		`{"field":"n","rule":"range","from":"1 / 0"}`:  "rules[0] the rule cannot be computed for every record",
		`{"field":"v","rule":"set"}`:                   `rules[0].values "Values" is missing`,
		`{"field":"v","rule":"type"}`:                  `rules[0].type "Type" is missing`,
		`{"field":"v","rule":"sense"}`:                 `rules[0].rule "sense" is not a value of "Is"`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "in.jsonl"), []byte("{}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := tryFlow(t.Context(), t, dir, validateFlow(rule, "mark"), nil, nil)
		if e := flows.AsError(err); e == nil || !strings.HasPrefix(e.Path.Field+" "+e.Message, want) {
			t.Errorf("%s: %v, want %s", rule, err, want)
		}
	}
}
