package main

import (
	"fmt"
	"strings"
	"testing"

	"spark/flows"
	"spark/internal/testserver"
)

// TestSampleModes: a preview reads the first records of its source, some of all, or those that meet a condition, and says
// how many were read for it.
func TestSampleModes(t *testing.T) {
	t.Parallel()
	p := setup(t)
	var text strings.Builder
	text.WriteString("id,name\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "%d,n%d\n", i+1, i%7)
	}
	p.write("in.csv", text.String())
	l := p.lab()
	f, err := flows.ParseFlow([]byte(chain(input("in.csv", "id:int64", "name:text"), step("some", "filter", `{"condition":"id > 0"}`))))
	must(t, err)
	look := func(node string, limit int, m flows.SampleMode) flows.Preview {
		v, err := l.Preview(t.Context(), flows.LocalScope, flows.PreviewRequest{Document: f, Node: node, Limit: limit, Samples: map[string]flows.SampleMode{"in": m}})
		must(t, err)
		return v
	}
	for _, node := range []string{"in", "some"} {
		v := look(node, 3, flows.SampleMode{Mode: flows.SampleFirst})
		if rows(v.Outputs[0]) != "1|n0\n2|n1\n3|n2\n" || v.Read != 3 || v.Scanned != 3 || v.Complete || v.Sample.Mode != flows.SampleFirst {
			t.Errorf("first: %s %+v", rows(v.Outputs[0]), v)
		}
		where := flows.SampleMode{Mode: flows.SampleWhere, Where: "id > 4000 and name = 'n3'"}
		v = look(node, 2, where)
		if rows(v.Outputs[0]) != "4001|n3\n4008|n3\n" || v.Read != 2 || v.Scanned < 4000 || v.Complete || v.Outputs[0].Node != node {
			t.Errorf("where: %s read %d, scanned %d, complete %t", rows(v.Outputs[0]), v.Read, v.Scanned, v.Complete)
		}
		if v = look(node, 1000, where); v.Read < 140 || v.Read > 145 || v.Scanned != 5000 || !v.Complete {
			t.Errorf("all that meet the condition: read %d, scanned %d, complete %t", v.Read, v.Scanned, v.Complete)
		}
		one, again, other := look(node, 20, flows.SampleMode{Mode: flows.SampleRandom, Seed: 1}), look(node, 20, flows.SampleMode{Mode: flows.SampleRandom, Seed: 1}), look(node, 20, flows.SampleMode{Mode: flows.SampleRandom, Seed: 2})
		if one.Read != 20 || one.Scanned != 5000 || one.Complete || rows(one.Outputs[0]) != rows(again.Outputs[0]) || rows(one.Outputs[0]) == rows(other.Outputs[0]) {
			t.Errorf("random: read %d of %d, complete %t: %s", one.Read, one.Scanned, one.Complete, rows(one.Outputs[0]))
		}
		if v = look(node, 10_000, flows.SampleMode{Mode: flows.SampleRandom}); v.Read != 5000 || !v.Complete {
			t.Errorf("a random sample of all: %d, complete %t", v.Read, v.Complete)
		}
	}
	v := look("some", 10, flows.SampleMode{Mode: flows.SampleWhere, Where: "idd > 1"})
	if len(v.Problems) != 1 || v.Problems[0].Code != "expr.unknown_field" || v.Problems[0].Path.Node != "in" || v.Problems[0].Path.Field != "sample" || v.Problems[0].Suggestion == "" {
		t.Errorf("a wrong condition: %v", v.Problems)
	}
	if v = look("some", 10, flows.SampleMode{Mode: flows.SampleWhere}); !v.Problems.Failed() {
		t.Errorf("a missing condition: %v", v.Problems)
	}
	if _, err := l.Preview(t.Context(), flows.LocalScope, flows.PreviewRequest{Document: f, Node: "in", Samples: map[string]flows.SampleMode{"in": {Mode: "last"}}}); flows.AsError(err) == nil || flows.AsError(err).Code != "preview.sample" {
		t.Errorf("an unknown sample: %v", err)
	}
}

// TestSampleByDatabase: the records that meet a condition are found by the database, where it means the same there.
func TestSampleByDatabase(t *testing.T) {
	t.Parallel()
	p := setup(t)
	address := testserver.PostgreSQL(t)
	conn := quiet(t, address)
	must(t, execute(t, conn, "CREATE TABLE many (id bigint PRIMARY KEY, name text); INSERT INTO many SELECT i, 'n' || (i - 1) % 7 FROM generate_series(1, 5000) t(i)"))
	l, err := newLab([]string{p.data}, knownConnections{"warehouse": connectionTo(t, address)}, &reached{})
	must(t, err)
	t.Cleanup(l.Close)
	const table = `{"connection":"warehouse","table":"many"`
	look := func(settings, node, where string) flows.Preview {
		t.Helper()
		f, err := flows.ParseFlow([]byte(chain(step("in", "database.input", settings), step("some", "filter", `{"condition":"id > 0"}`), step("more", "filter", `{"condition":"id > 1"}`))))
		must(t, err)
		v, err := l.Preview(t.Context(), flows.LocalScope, flows.PreviewRequest{Document: f, Node: node, Limit: 1000, Samples: map[string]flows.SampleMode{"in": {Mode: flows.SampleWhere, Where: where}}})
		must(t, err)
		if v.Problems.Failed() {
			t.Fatal(v.Problems)
		}
		return v
	}
	for _, c := range []struct {
		settings, where string
		found, searched int64 // 0: by the database
	}{
		{table + `}`, "id > 4990 and name = 'n3'", 1, 0},
		{table + `}`, "id > 4990", 10, 0}, // other records of the same source
		{table + `,"where":"id < 4996 -- not all"}`, "id > 4990", 5, 0},
		{table + `,"mode":"incremental","cursor":"id"}`, "id > 4990 or id = 1", 11, 0},
		{table + `}`, "upper(name) = 'N3' and id > 4990", 1, 5000},
		{table + `,"fields":[{"name":"id","type":"int64"}]}`, "id > 4990", 10, 5000},
		{`{"connection":"warehouse","from":"query","query":"select * from many"}`, "id > 4990", 10, 5000},
	} {
		for _, node := range []string{"in", "some", "more", "more"} { // afresh, from the kept records, from the kept answer
			want := c.searched
			if want == 0 {
				want = c.found
			}
			if v := look(c.settings, node, c.where); v.Read != c.found || v.Scanned != want || v.Narrowed != (c.searched == 0) || !v.Complete {
				t.Errorf("%s where %s, at %s: read %d of %d, by the database: %t, complete: %t", c.settings, c.where, node, v.Read, v.Scanned, v.Narrowed, v.Complete)
			}
		}
	}
}
