package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/run"
)

// lab is a lab over a place's data folder.
func (p *place) lab() *run.Lab {
	p.t.Helper()
	l, err := newLab([]string{p.data}, nil, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(l.Close)
	return l
}

func previewOf(t *testing.T, l *run.Lab, doc, id string) flows.Preview {
	t.Helper()
	f, err := flows.ParseFlow([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	v, err := l.Preview(t.Context(), flows.LocalScope, flows.PreviewRequest{Document: f, Node: id})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// rows writes a sample as lines of its values.
func rows(s flows.Sample) string {
	var b strings.Builder
	for _, row := range s.Rows {
		for i, v := range row {
			if i > 0 {
				b.WriteByte('|')
			}
			if v == nil {
				b.WriteString("null")
			} else {
				b.WriteString(*v)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestPreviewOfEveryNode looks at each node of a flow with a join, in which a record is refused and one is cut off.
func TestPreviewOfEveryNode(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.write("in.csv", "id,name\n3,c\n1,<b>\nx,bad\n2,\n")
	var customers strings.Builder
	customers.WriteString("id,name\n")
	for i := range 5000 {
		fmt.Fprintf(&customers, "%d,customer %d\n", i, i)
	}
	p.write("customers.csv", customers.String())
	doc := graph(nil, []box{
		input("in.csv", idName...), input("customers.csv", idName...).named("customers"),
		step("some", "filter", `{"condition":"id > 1"}`), step("more", "formula", `{"fields":[{"name":"twice","expression":"id * 2"}]}`),
		step("both", "join", `{"kind":"left","keys":[{"left":"twice","right":"id"}]}`), step("sum", "aggregate", `{"aggregates":[{"name":"n","expression":"count()"}]}`),
		step("sorted", "sort", `{"keys":[{"field":"id","order":"ascending"}]}`), output("out.csv"),
	}, "in.out>some.in", "some.out>more.in", "more.out>both.left", "customers.out>both.right", "both.out>sorted.in", "sorted.out>out.in", "both.out>sum.in")
	l := p.lab()
	for id, want := range map[string]string{
		"in":        "out: 3|c\n1|<b>\n2|null\n",
		"customers": "out: 1000 records of 1000\n",
		"some":      "in: 3|c\n1|<b>\n2|null\nout: 3|c\n2|null\nunmatched: 1|<b>\n",
		"more":      "in: 3|c\n2|null\nout: 3|c|6\n2|null|4\n",
		"both":      "left: 3|c|6\n2|null|4\nright: 1000 records of 5000\nout: 3|c|6|6|customer 6\n2|null|4|4|customer 4\n",
		"sum":       "in: 3|c|6|6|customer 6\n2|null|4|4|customer 4\nout: 2\n",
		"sorted":    "in: 3|c|6|6|customer 6\n2|null|4|4|customer 4\nout: 2|null|4|4|customer 4\n3|c|6|6|customer 6\n",
		"out":       "in: 3|c|6|6|customer 6\n2|null|4|4|customer 4\n",
	} {
		v := previewOf(t, l, doc, id)
		got := ""
		for _, s := range append(v.Inputs, v.Outputs...) {
			if s.Port == "in" && id != "some" && id != "more" || id == "both" { // what leaves a join has no order
				slices.SortFunc(s.Rows, func(a, b []*string) int { return -strings.Compare(*a[0], *b[0]) })
			}
			if len(s.Rows) > 10 {
				got += fmt.Sprintf("%s: %d records of %d\n", s.Port, len(s.Rows), s.Records)
			} else {
				got += s.Port + ": " + rows(s)
			}
		}
		if got != want || len(v.Problems) > 0 {
			t.Errorf("%s:\n%swant:\n%s%v", id, got, want, v.Problems)
		}
		source, read, complete := "in", int64(3), true
		if id == "customers" {
			source, read, complete = "customers", 1000, false
		}
		if v.Source != source || v.Read != read || v.Complete != complete {
			t.Errorf("%s: read %d of %s, complete %t", id, v.Read, v.Source, v.Complete)
		}
		if id != "customers" && (len(v.Rejects) != 1 || v.Rejects[0].Line != 4) {
			t.Errorf("%s: rejects %+v", id, v.Rejects)
		}
	}
	if p.exists("out.csv") {
		t.Error("a preview wrote a file")
	}
	if left, _ := os.ReadDir(p.data); len(left) != 2 {
		t.Errorf("left in the data folder: %v", left)
	}
}

// TestPreviewCache: an answer comes from memory until the part above the node, or a file, changes.
func TestPreviewCache(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.write("in.csv", "id,name\n1,a\n")
	doc := func(condition, path string) string {
		return graph(nil, []box{input("in.csv", idName...), step("some", "filter", fmt.Sprintf(`{"condition":%q}`, condition)), output(path)}, "in.out>some.in", "some.out>out.in")
	}
	l := p.lab()
	ask := func(doc, id string, cached bool, want string) {
		t.Helper()
		v := previewOf(t, l, doc, id)
		if got := rows(append(v.Outputs, v.Inputs...)[0]); got != want || v.Cached != cached {
			t.Errorf("%s shows %q, cached %t", id, got, v.Cached)
		}
	}
	ask(doc("id > 0", "a.csv"), "some", false, "1|a\n")
	ask(doc("id > 0", "a.csv"), "some", true, "1|a\n")
	ask(doc("id > 0", "b.csv"), "some", true, "1|a\n") // what is below does not matter
	ask(doc("id > 1", "a.csv"), "some", false, "")
	ask(doc("id > 1", "a.csv"), "in", false, "1|a\n")
	p.write("in.csv", "id,name\n1,a\n2,b\n")
	ask(doc("id > 0", "a.csv"), "some", false, "1|a\n2|b\n")
}

// TestPreviewOfBrokenNodes: what is wrong is said, at its node; others can be looked at.
func TestPreviewOfBrokenNodes(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.write("in.csv", "id,name\n1,a\n")
	broken := graph(nil, []box{input("in.csv", idName...), step("some", "filter", `{"condition":"nme = 'a'"}`), output("out.csv")}, "in.out>some.in", "some.out>out.in")
	l := p.lab()
	for _, id := range []string{"some", "out"} {
		v := previewOf(t, l, broken, id)
		if len(v.Problems) == 0 || v.Problems[0].Code != "expr.unknown_field" || v.Problems[0].Path.Node != "some" || !strings.Contains(v.Problems[0].Suggestion, "name") {
			t.Errorf("%s: problems %v", id, v.Problems)
		}
	}
	if v := previewOf(t, l, broken, "in"); len(v.Problems) > 0 || rows(v.Outputs[0]) != "1|a\n" {
		t.Errorf("above the broken node: %+v", v)
	}
	if v := previewOf(t, l, broken, "nowhere"); !v.Problems.Failed() || v.Problems[0].Code != "flow.unknown_node" {
		t.Errorf("an unknown node: %v", v.Problems)
	}
	gone := graph(nil, []box{input("gone.csv", idName...)})
	if v := previewOf(t, l, gone, "in"); !v.Problems.Failed() || v.Problems[0].Code != "file.not_found" || v.Problems[0].Path.Node != "in" {
		t.Errorf("a file that is gone: %v", v.Problems)
	}
	// The first bad record ends a run; a preview shows the others.
	p.write("in.csv", "id,name\nx,a\n2,b\n")
	if v := previewOf(t, l, graph(nil, []box{input("in.csv", idName...)}), "in"); v.Problems.Failed() || rows(v.Outputs[0]) != "2|b\n" || len(v.Rejects) != 1 {
		t.Errorf("a bad record: %+v", v)
	}
}

// TestLabAfterDeath: a process that was ended while it waited is replaced, and nobody who asks notices; one that dies of
// its question fails it.
func TestLabAfterDeath(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.write("in.csv", "id,name\n1,a\n")
	l := p.lab()
	open := l.Open
	var started []*workbench
	l.Open = func(ctx context.Context) (run.Workbench, error) {
		b, err := open(ctx)
		if err == nil {
			started = append(started, b.(*workbench))
		}
		return b, err
	}
	if err := l.Warm(t.Context()); err != nil || len(started) != 1 {
		t.Fatalf("%d processes, %v", len(started), err)
	}
	started[0].host.Kill()
	if found, err := l.Inspect(t.Context(), flows.LocalScope, "in.csv"); err != nil || found.Format != "csv" || len(started) != 2 {
		t.Errorf("%+v, %v, %d processes", found, err, len(started))
	}
	usual := l.Open
	l.Open = func(ctx context.Context) (run.Workbench, error) {
		b, err := usual(ctx)
		if err == nil {
			b.(*workbench).host.Kill()
		}
		return b, err
	}
	started[1].host.Kill()
	if _, err := l.Inspect(t.Context(), flows.LocalScope, "in.csv"); flows.AsError(err) == nil || flows.AsError(err).Code != "executor.died" || len(started) != 3 {
		t.Errorf("a dead process answered after %d processes: %v", len(started), err)
	}
}
