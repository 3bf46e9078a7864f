package enginetest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/flows/plan"
)

func sqlFlow(t *testing.T, query, before, after string) string {
	t.Helper()
	format := "csv"
	if before != nothing { // has what only JSON can hold
		format = "jsonl"
	}
	if after == "" {
		after = `{"id":"after","type":"checkpoint","version":1}`
	}
	return fmt.Sprintf(`{"format":1,"name":"sql","parameters":[{"name":"least","type":"int64","default":3},{"name":"name","type":"text","default":"it's $least"}],"nodes":[
		{"id":"orders","type":"sample.data","version":1,"config":{"dataset":"orders","records":1000}},{"id":"before","type":"formula","version":1,"config":{"fields":%s}},
		{"id":"sql","type":"sql","version":1,"config":{"query":%s}},%s,
		{"id":"out","type":"file.output","version":1,"config":{"path":"out.%s","format":"%s"}}],
		"edges":[{"from":{"node":"orders","port":"out"},"to":{"node":"before","port":"in"}},{"from":{"node":"before","port":"out"},"to":{"node":"sql","port":"in"}},
		{"from":{"node":"sql","port":"out"},"to":{"node":"after","port":"in"}},{"from":{"node":"after","port":"out"},"to":{"node":"out","port":"in"}}]}`, before, asJSON(t, query), after, format, format)
}

const nothing = `[{"name":"x","expression":"1"}]`

// TestSQLKeepsValues: every value goes into the statement and comes out of it as it was.
func TestSQLKeepsValues(t *testing.T) {
	t.Parallel()
	formulas := []map[string]string{{"name": "list", "expression": "list(cast(1 as int128), null)"}, {"name": "nested", "expression": "list(list(interval '3 days'), null)"}}
	for i, u := range ugly {
		formulas = append(formulas, map[string]string{"name": fmt.Sprintf("f%d", i), "expression": u.expr}, map[string]string{"name": fmt.Sprintf("n%d", i), "expression": "cast(null as " + u.kind + ")"})
	}
	dir, straight := t.TempDir(), t.TempDir()
	before := asJSON(t, formulas)
	runFlow(t, dir, sqlFlow(t, "select * from in1 order by order_id", before, ""), nil)
	runFlow(t, straight, strings.Replace(sqlFlow(t, "", before, ""), `{"id":"sql","type":"sql","version":1,"config":{"query":""}}`, `{"id":"sql","type":"sort","version":1,"config":{"keys":[{"field":"order_id"}]}}`, 1), nil)
	if got, want := content(t, dir, "out.jsonl"), content(t, straight, "out.jsonl"); got != want {
		t.Errorf("through SQL:\n%.2000s\nwithout:\n%.2000s", got, want)
	}
}

// TestSQLParameters: a parameter has its type and value, whatever is in it.
func TestSQLParameters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	runFlow(t, dir, sqlFlow(t, "select count(*) filter (where order_id <= $least) as n, $name as name, '$name' as text from in1", nothing, ""), nil)
	if got, want := content(t, dir, "out.csv"), "n,name,text\n3,it's $least,$name\n"; got != want {
		t.Errorf("%q", got)
	}
}

// TestSQLStops: a limit behind the statement is no failure, and an error inside of it fails the run and writes nothing.
func TestSQLStops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	statuses := runFlow(t, dir, sqlFlow(t, "select a.order_id from in1 a, in1 b", nothing, `{"id":"after","type":"limit","version":1,"config":{"count":5000}}`), nil)
	for _, s := range statuses {
		if s.Node == "before" && s.Out["out"] != 1000 || s.Node == "sql" && (s.Out["out"] < 5000 || len(s.StoppedEarly) == 0) || s.Node == "out" && s.Written != 5000 {
			t.Errorf("%+v", s)
		}
	}
	dir = t.TempDir()
	_, err := tryFlow(t.Context(), t, dir, sqlFlow(t, "select cast(status as integer) as n from in1", nothing, ""), nil, nil)
	e := flows.AsError(err)
	if e == nil || e.Code != "sql.error" || e.Path.Node != "sql" || e.Path.Field != "query" || !strings.Contains(e.Message, "Could not convert string") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "out.csv")); err == nil {
		t.Error("the run failed and wrote its file")
	}
}

// TestSQLIsCancelled ends a statement that would take hours.
func TestSQLIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	running := func(statuses []flows.NodeStatus) {
		for _, s := range statuses {
			if s.Node == "sql" && s.State == flows.NodeRunning {
				cancel(errors.New("enough"))
			}
		}
	}
	_, err := tryFlow(ctx, t, t.TempDir(), sqlFlow(t, "select sum(a.quantity * b.quantity * c.quantity * d.quantity) as n from in1 a, in1 b, in1 c, in1 d", nothing, ""), nil, running)
	if err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("%v", err)
	}
}

// tryFlow runs a flow that may be refused or fail.
func tryFlow(ctx context.Context, t *testing.T, dir, document string, connections node.ConnectionSet, counts func([]flows.NodeStatus)) ([]flows.NodeStatus, error) {
	t.Helper()
	f, err := flows.ParseFlow([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	e, files, err := embedded(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, ps := plan.Compile(f, plan.Options{Lookup: node.Looking(e, node.Datasets{Context: ctx, Connections: connections}), Engines: []plan.Engine{e}, Parameters: secrets(f)})
	if len(ps) > 0 {
		return nil, ps
	}
	return e.Run(ctx, p, engine.Env{Files: files, Connections: connections, Temp: t.TempDir(), Threads: 2, Counts: counts, Reject: func(node.Reject) error { return nil }})
}

// secrets are values for the secret parameters of a flow: keys of 32 octets.
func secrets(f *flows.Flow) map[string]string {
	values := map[string]string{}
	for _, p := range f.Parameters {
		if p.Secret {
			values[p.Name] = strings.Repeat("0123456789abcdef", 4)
		}
	}
	return values
}
