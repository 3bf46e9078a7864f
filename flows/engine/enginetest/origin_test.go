package enginetest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/plan"
)

// originFlow reads a, does what the nodes say and writes out.csv. The nodes stand in a row behind the source.
func originFlow(source string, nodes ...string) string {
	list, edges, from := []string{`{"id":"in","type":` + source + `}`}, []string{}, "in"
	for i, n := range append(nodes, `"file.output","version":1,"config":{"path":"out.csv","format":"csv"}`) {
		id := fmt.Sprintf("n%d", i)
		list = append(list, fmt.Sprintf(`{"id":%q,"type":%s}`, id, n))
		edges = append(edges, fmt.Sprintf(`{"from":{"node":%q,"port":"out"},"to":{"node":%q,"port":"in"}}`, from, id))
		from = id
	}
	return fmt.Sprintf(`{"format":1,"name":"origin","nodes":[%s],"edges":[%s]}`, strings.Join(list, ","), strings.Join(edges, ","))
}

const (
	originFields = `"formula","version":1,"config":{"fields":[{"name":"f","expression":"file_name()"},{"name":"n","expression":"record_number()"}]}`
	onlyOrigin   = `"select","version":1,"config":{"fields":[{"name":"f"},{"name":"n"}],"others":"drop"}`
	sortedByN    = `"sort","version":1,"config":{"keys":[{"field":"f"},{"field":"n"}]}`
)

// originFiles writes three records each into files of every format that is read.
func originFiles(t *testing.T, dir string) {
	t.Helper()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("c1.csv", "a\n1\n2\n3\n")
	put("c2.csv", "a\n4\nbad\n6\n")
	put("j.jsonl", "{\"a\": 1}\n{\"a\": 2}\n{\"a\": 3}\n")
	put("it's ü.csv", "a\n1\n")
	for _, name := range []string{"p1", "p2"} {
		runFlow(t, dir, strings.Replace(originFlow(csvSource("c1.csv", "")), `"path":"out.csv","format":"csv"`, `"path":"`+name+`.parquet","format":"parquet"`, 1), nil)
	}
}

func csvSource(path, policy string) string {
	return fmt.Sprintf(`"file.input","version":1%s,"config":{"path":%q,"format":"csv","fields":[{"name":"a","type":"int64"}]}`, policy, path)
}

// TestOriginInExpressions: a record knows its file and its number in it, from every kind of source and behind what keeps
// records, with the numbers that rejects have.
func TestOriginInExpressions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	originFiles(t, dir)
	parquet := `"file.input","version":1,"config":{"path":"p*.parquet","format":"parquet"}`
	for name, c := range map[string]struct{ document, want string }{
		"csv":         {originFlow(csvSource("c*.csv", `,"rejects":"skip"`), originFields, onlyOrigin), "f,n\nc1.csv,1\nc1.csv,2\nc1.csv,3\nc2.csv,1\nc2.csv,3\n"},
		"odd name":    {originFlow(csvSource("it's ü.csv", ""), originFields, onlyOrigin), "f,n\nit's ü.csv,1\n"},
		"jsonl":       {originFlow(`"file.input","version":1,"config":{"path":"j.jsonl","format":"jsonl","fields":[{"name":"a","type":"int64"}]}`, originFields, onlyOrigin), "f,n\nj.jsonl,1\nj.jsonl,2\nj.jsonl,3\n"},
		"parquet":     {originFlow(parquet, originFields, onlyOrigin, sortedByN), "f,n\np1.parquet,1\np1.parquet,2\np1.parquet,3\np2.parquet,1\np2.parquet,2\np2.parquet,3\n"},
		"sample data": {originFlow(`"sample.data","version":1,"config":{"dataset":"orders","records":2}`, originFields, onlyOrigin), "f,n\nsample orders,1\nsample orders,2\n"},
		"far below": {originFlow(csvSource("c1.csv", ""), `"sort","version":1,"config":{"keys":[{"field":"a","order":"descending"}]}`, `"filter","version":1,"config":{"condition":"record_number() <> 2 and file_name() like '%.csv'"}`,
			`"limit","version":1,"config":{"count":5}`, originFields, onlyOrigin), "f,n\nc1.csv,3\nc1.csv,1\n"},
		"in groups": {originFlow(parquet, `"aggregate","version":1,"config":{"aggregates":[{"name":"f","expression":"max(file_name())"},{"name":"n","expression":"sum(record_number())"}]}`), "f,n\np2.parquet,12\n"},
		"run": {originFlow(csvSource("it's ü.csv", ""), `"formula","version":1,"config":{"fields":[{"name":"i","expression":"run_id() || flow_name()"},{"name":"t","expression":"started_at()"},{"name":"s","expression":"scheduled_at()"},{"name":"e","expression":"environment()"},{"name":"r","expression":"flow_revision() * 10 + attempt()"}]}`),
			"a,i,t,s,e,r\n1,r1origin,2026-01-31 10:00:00Z,,test,72\n"},
		"settings": {strings.Replace(originFlow(csvSource("c1.csv", ""), `"formula","version":1,"config":{"fields":[{"name":"f","expression":"'x'"},{"name":"n","expression":"1"}]}`, onlyOrigin, `"limit","version":1,"config":{"count":1}`), "out.csv", "o-${run.id}-${run.flow}-${run.revision}-${run.environment}-${run.attempt}-${run.started_at:yyyyMMdd-HHmmss}.csv", 1),
			"o-r1-origin-7-test-2-20260131-100000.csv f,n\nx,1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			out := "out.csv"
			want := c.want
			if file, text, named := strings.Cut(want, ".csv f,"); named {
				out, want = file+".csv", "f,"+text
			}
			err := runUntil(t, dir, c.document, plan.Options{Facts: &flows.RunFacts{ID: "r1", Flow: "origin", Revision: 7, Environment: "test", StartedAt: time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC), Attempt: 2}})
			if err != nil {
				t.Fatal(err)
			}
			if got := content(t, dir, out); got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		})
	}
}

// TestOriginEnds: where records come from no one record any more, an expression that asks for it is refused and says who
// has ended it.
func TestOriginEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := `"sample.data","version":1,"config":{"dataset":"orders","records":2}`
	group := `"aggregate","version":1,"name":"By status","config":{"groupBy":["status"],"aggregates":[{"name":"n","expression":"count()"}]}`
	for name, document := range map[string]string{
		"at once":   originFlow(source, group, originFields),
		"far below": originFlow(source, group, `"filter","version":1,"config":{"condition":"n > 1"}`, originFields),
	} {
		f, err := flows.ParseFlow([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		e, _, err := embedded(dir)
		if err != nil {
			t.Fatal(err)
		}
		_, ps := plan.Compile(f, plan.Options{Engines: []plan.Engine{e}, Validate: true})
		if len(ps) != 2 || ps[0].Code != "expr.no_origin" || !strings.Contains(ps[0].Message, `the records of By status have no file any more`) || !strings.Contains(ps[0].Suggestion, "add file_name() as a field") {
			t.Errorf("%s: %v", name, ps)
		}
	}
}
