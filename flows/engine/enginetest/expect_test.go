package enginetest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/flows/plan"
)

// people are the records of the tests below: ids 1, 2, 2, null; ages 30, -1, null, 50; one code is not upper case.
const people = "id,age,code,seen\n1,30,AB,2026-01-01\n2,-1,ab,2026-01-02\n2,,CD,\n,50,,2999-01-01\n"

// expectFlow reads people, expects, and writes what passes behind a limit, which must not hide a record.
func expectFlow(rules string, limit int) string {
	return fmt.Sprintf(`{"format":1,"name":"expect","nodes":[
		{"id":"people","type":"file.input","version":1,"config":{"path":"people.csv","format":"csv","options":{"nullValues":[""]},"fields":[
			{"name":"id","type":"int64"},{"name":"age","type":"int64"},{"name":"code","type":"text"},{"name":"seen","type":"date"}]}},
		{"id":"expect","type":"expectations","version":1,"config":{"rules":%s}},
		{"id":"top","type":"limit","version":1,"config":{"count":%d}},
		{"id":"out","type":"file.output","version":1,"config":{"path":"out.csv","format":"csv"}}],
		"edges":[{"from":{"node":"people","port":"out"},"to":{"node":"expect","port":"in"}},{"from":{"node":"expect","port":"out"},"to":{"node":"top","port":"in"}},
		{"from":{"node":"top","port":"out"},"to":{"node":"out","port":"in"}}]}`, rules, limit)
}

// TestExpectations: what each kind of rule counts and refuses, and which of them fails the run, with its sentence.
func TestExpectations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules   string
		broken  []int64
		rejects []string // the code and the record of each
		err     string   // the run fails so
	}{
		"reject is what records do by default": {`[{"expect":"notNull","field":"id"},{"expect":"unique","fields":["id"]}]`, []int64{1, 1},
			[]string{"expectation.unique 3", "expectation.not_null 4"}, ""},
		"the first rule that is broken refuses, each counts": {`[{"expect":"range","field":"age","least":"0"},{"expect":"pattern","field":"code","pattern":"[A-Z]+"}]`, []int64{1, 1},
			[]string{"expectation.range 2"}, ""},
		"null breaks no range, set, pattern or condition": {`[{"expect":"range","field":"age","least":"-5","most":"40 + 20"},{"expect":"set","field":"id","values":["1","2"]},{"expect":"pattern","field":"code","pattern":"[A-Za-z]{2}"},{"expect":"condition","condition":"age <> 0"}]`,
			[]int64{0, 0, 0, 0}, nil, ""},
		"a warning lets the record go on": {`[{"expect":"set","field":"code","values":["AB"],"otherwise":"warn","name":"known codes"}]`, []int64{2}, nil, ""},
		"a failure names the record":      {`[{"expect":"notNull","field":"code"},{"expect":"condition","condition":"id = 1 or age > 0","otherwise":"fail"}]`, nil, nil, "not as expected: id = 1 or age > 0 (expect, people.csv record 2)"},
		"a failure goes before a reject":  {`[{"expect":"notNull","field":"code"},{"expect":"set","field":"age","values":["30","-1"],"otherwise":"fail"}]`, nil, nil, "not as expected: age is one of 30, -1 (expect, people.csv record 4)"},
		"too few records":                 {`[{"expect":"recordCount","leastRecords":5}]`, nil, nil, "not as expected: there are at least 5 records, and 4 records arrived (expect)"},
		"too many records, a warning":     {`[{"expect":"recordCount","mostRecords":3,"otherwise":"warn"},{"expect":"recordCount","leastRecords":4,"mostRecords":4}]`, []int64{1, 0}, nil, ""},
		"fresh":                           {`[{"expect":"freshness","field":"seen","age":"1 day"}]`, []int64{0}, nil, ""},
		"stale":                           {`[{"expect":"condition","condition":"seen < date '2900-01-01'"},{"expect":"freshness","field":"seen","age":"-400000 days"}]`, nil, nil, "not as expected: the newest seen is not older than -400000 days, and 4 records arrived (expect)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "people.csv"), []byte(people), 0o600); err != nil {
				t.Fatal(err)
			}
			status, rejects, err := runExpect(t, dir, expectFlow(c.rules, 1))
			if c.err != "" {
				if e := flows.AsError(err); e == nil || expectError(e) != c.err {
					t.Fatalf("%v, expected %s", err, c.err)
				}
				if _, err := os.Stat(filepath.Join(dir, "out.csv")); err == nil {
					t.Error("the run failed and wrote its file")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var broken []int64
			for _, e := range status.Expectations {
				broken = append(broken, e.Broken)
			}
			var got []string
			for _, r := range rejects {
				got = append(got, fmt.Sprint(r.Code, " ", r.Record))
			}
			if d := cmp.Diff(c.broken, broken) + cmp.Diff(c.rejects, got); d != "" {
				t.Error(d)
			}
			if n := int64(4 - len(rejects)); status.Out[node.Out] != n || status.Rejected != int64(len(rejects)) {
				t.Errorf("out %d, rejected %d", status.Out[node.Out], status.Rejected)
			}
		})
	}
}

func expectError(e *flows.Error) string {
	s := e.Message
	if i := strings.Index(s, ", in the record"); i > 0 {
		s = s[:i]
	}
	if e.Path.File != "" {
		return fmt.Sprintf("%s (%s, %s record %d)", s, e.Path.Node, e.Path.File, e.Path.Record)
	}
	return fmt.Sprintf("%s (%s)", s, e.Path.Node)
}

func runExpect(t *testing.T, dir, document string) (flows.NodeStatus, []node.Reject, error) {
	t.Helper()
	f, err := flows.ParseFlow([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	e, files, err := embedded(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, ps := plan.Compile(f, plan.Options{Lookup: node.Looking(e, nil), Engines: []plan.Engine{e}})
	if ps.Failed() {
		t.Fatal(ps)
	}
	var rejects []node.Reject
	statuses, err := e.Run(t.Context(), p, engine.Env{Files: files, Temp: t.TempDir(), Threads: 1, Reject: func(r node.Reject) error {
		rejects = append(rejects, r)
		return nil
	}})
	for _, s := range statuses {
		if s.Node == "expect" {
			return s, rejects, err
		}
	}
	return flows.NodeStatus{}, rejects, err
}

// TestExpectationsThatCannotBe: every rule that says nothing, or nothing that can be looked at, is told at its setting.
func TestExpectationsThatCannotBe(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		`{"expect":"notNull"}`:                                           "rules[0].field config.required",
		`{"expect":"notNull","field":"nam"}`:                             "rules[0].field schema.unknown_field",
		`{"expect":"unique"}`:                                            "rules[0].fields config.required",
		`{"expect":"unique","fields":["id","nam"]}`:                      "rules[0].fields[1] schema.unknown_field",
		`{"expect":"range","field":"age"}`:                               "rules[0].least config.required",
		`{"expect":"range","field":"age","least":"1 / id"}`:              "rules[0].least expectations.fallible",
		`{"expect":"range","field":"age","least":"'old'"}`:               "rules[0].least expr.type",
		`{"expect":"set","field":"id"}`:                                  "rules[0].values config.required",
		`{"expect":"set","field":"id","values":["1","one"]}`:             "rules[0].values[1] expectations.value",
		`{"expect":"pattern","field":"code"}`:                            "rules[0].pattern config.required",
		`{"expect":"pattern","field":"code","pattern":"("}`:              "rules[0].pattern expr.arguments",
		`{"expect":"pattern","field":"age","pattern":"1"}`:               "rules[0].field expr.type",
		`{"expect":"condition"}`:                                         "rules[0].condition config.required",
		`{"expect":"condition","condition":"age"}`:                       "rules[0].condition expr.type",
		`{"expect":"condition","condition":"1 / age > 0"}`:               "rules[0].condition expectations.fallible",
		`{"expect":"recordCount"}`:                                       "rules[0].leastRecords config.required",
		`{"expect":"recordCount","leastRecords":2,"mostRecords":1}`:      "rules[0].mostRecords expectations.bounds",
		`{"expect":"recordCount","leastRecords":2,"otherwise":"reject"}`: "rules[0].otherwise expectations.whole",
		`{"expect":"freshness","field":"seen"}`:                          "rules[0].age config.required",
		`{"expect":"freshness","field":"seen","age":"long"}`:             "rules[0].age expr.literal",
		`{"expect":"freshness","field":"age","age":"1 day"}`:             "rules[0].field expr.type",
		`{"expect":"freshness","age":"1 day"}`:                           "rules[0].field config.required",
		`{"expect":"hope"}`:                                              "rules[0].expect config.enum",
	} {
		in := flows.Schema{{Name: "id", Type: flows.Of(flows.Int64)}, {Name: "age", Type: flows.Of(flows.Int64)}, {Name: "code", Type: flows.Of(flows.Text)}, {Name: "seen", Type: flows.Of(flows.Date)}}
		n := flows.Node{ID: "n", Type: "expectations", Version: 1, Config: json.RawMessage(`{"rules":[` + rule + `]}`)}
		_, config, ps := node.Load(n, nil)
		c := node.NewContext(n, map[string]flows.Schema{node.In: in}, nil, nil)
		if !ps.Failed() {
			config.Plan(c)
		}
		results, found := c.Results()
		ps = append(ps, found...)
		if len(ps) == 0 || ps[0].Path.Field+" "+ps[0].Code != want || len(results) > 0 {
			t.Errorf("%s: %v, expected %s", rule, ps, want)
			for _, p := range ps {
				t.Logf("  %s %s", p.Path.Field, p.Code)
			}
		}
	}
}
