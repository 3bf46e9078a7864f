package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"spark/flows"
	"spark/internal/testserver"
	"spark/server/api"
)

// pin pins what a node of a document puts out.
func (s *serving) pin(flow, doc, node string) (p flows.Pin) {
	s.t.Helper()
	s.ask(http.MethodPut, "/api/v1/flows/"+flow+"/pins/"+node, map[string]any{"document": json.RawMessage(doc), "node": node}, &p)
	return p
}

func (s *serving) previewIn(flow, doc, node string) (v flows.Preview) {
	s.t.Helper()
	s.ask(http.MethodPost, "/api/v1/preview", map[string]any{"document": json.RawMessage(doc), "node": node, "flow": flow}, &v)
	return v
}

// TestPins: previews of a node and of those below it begin at what is pinned, also where its source is gone or the server has
// been started again; runs, copies and exports know nothing of it; with the flow it ends.
func TestPins(t *testing.T) {
	t.Parallel()
	p := setup(t)
	s := p.serve()
	address := testserver.PostgreSQL(t)
	table := quiet(t, address)
	s.warehouse(address)
	must(t, execute(t, table, "CREATE TABLE people (id bigint, name text, tags text[], at timestamptz); INSERT INTO people VALUES (1, 'a', '{x,y}', '2026-01-31 12:00+00'), (2, NULL, NULL, NULL), (30, 'c', '{}', '1969-12-31 23:59:59.123456+00')"))
	doc := graph(nil, []box{step("in", "database.input", `{"connection":"warehouse","table":"people"}`), step("calc", "formula", `{"fields":[{"name":"part","expression":"60 / (id - 2)"}]}`).policy("reject"),
		step("some", "filter", `{"condition":"id > 1"}`), output("out.csv"), output("bad.csv").named("bad")}, "in.out>calc.in", "calc.out>some.in", "some.out>out.in", "calc.rejects>bad.in")
	flow := s.flow(doc, "{}")
	nodes := []string{"in", "calc", "some", "out", "bad"}
	before := map[string]string{}
	look := func(id string) string {
		v := s.previewIn(flow, doc, id)
		if v.Problems.Failed() {
			t.Fatalf("%s: %v", id, v.Problems)
		}
		text := ""
		for _, x := range append(v.Outputs, v.Inputs...) {
			text += x.Port + ": " + rows(x)
		}
		return text
	}
	for _, id := range nodes {
		before[id] = look(id)
	}
	pin := s.pin(flow, doc, "calc")
	if len(pin.Ports) != 1 || pin.Ports[0].Records != 2 || pin.Rejects != 1 || pin.By != "owner" || pin.At.IsZero() {
		t.Fatalf("pinned: %+v", pin)
	}
	must(t, execute(t, table, "DROP TABLE people"))
	s.Kill()
	s = p.serve()
	for _, id := range []string{"some", "out", "bad"} {
		if after := look(id); after != before[id] {
			t.Errorf("%s begins at what is pinned:\n%swas\n%s", id, after, before[id])
		}
	}
	if v := s.previewIn(flow, doc, "calc"); len(v.Pins) != 1 || v.Pins[0].Node != "calc" || !strings.HasPrefix(before["calc"], "out: "+rows(v.Outputs[0])) || len(v.Rejects) != 1 {
		t.Errorf("the node itself: %+v", v)
	}
	if v := s.previewIn(flow, doc, "in"); !v.Problems.Failed() {
		t.Error("the node above has records although its table is gone")
	}
	s.pinsEnd(flow, doc)
}

// pinsEnd looks at who knows nothing of the pins of a flow.
func (s *serving) pinsEnd(flow, doc string) {
	t := s.t
	pins := func(flow string) int {
		var list api.Page[flows.Pin]
		s.ask(http.MethodGet, "/api/v1/flows/"+flow+"/pins", nil, &list)
		return len(list.Items)
	}
	var copied struct{ ID string }
	s.ask(http.MethodPost, "/api/v1/flows/"+flow+"/duplicate", nil, &copied)
	if n, m := pins(flow), pins(copied.ID); n != 1 || m != 0 {
		t.Errorf("%d pins, and %d of the copy", n, m)
	}
	s.fails(http.MethodPost, "/api/v1/runs", map[string]any{"flow": flow}, http.StatusUnprocessableEntity, "people") // a run asks the table
	s.ask(http.MethodDelete, "/api/v1/flows/"+flow, nil, nil)
	s.fails(http.MethodGet, "/api/v1/flows/"+flow+"/pins", nil, http.StatusNotFound, "flow.not_found")
	s.ask(http.MethodPost, "/api/v1/flows/"+flow+"/restore", nil, nil)
	if n := pins(flow); n != 0 {
		t.Errorf("%d pins came back with a deleted flow", n)
	}
}

// TestPinOfOtherFields: a pin whose node has other fields by now says so, and so does one whose node has other outputs.
func TestPinOfOtherFields(t *testing.T) {
	t.Parallel()
	s := setup(t).serve()
	s.write("spark/files/in.csv", "id,name\n1,a\n2,b\n3,c\n")
	draw := func(field, branch string) string {
		return graph(nil, []box{input("in.csv", idName...), step("calc", "formula", `{"fields":[{"name":"`+field+`","expression":"id * 2"}]}`), step("split", "switch", `{"cases":[{"name":"`+branch+`","condition":"id > 1"}]}`), output("out.csv")},
			"in.out>calc.in", "calc.out>split.in", "split."+branch+">out.in")
	}
	doc := draw("twice", "big")
	flow := s.flow(doc, "{}")
	s.pin(flow, doc, "calc")
	if v := s.previewIn(flow, doc, "out"); len(v.Problems) != 0 || len(v.Pins) != 1 || rows(v.Inputs[0]) != "2|b|4\n3|c|6\n" {
		t.Errorf("%+v", v)
	}
	for range 2 { // from memory, too
		if v := s.previewIn(flow, draw("double", "big"), "calc"); len(v.Problems) != 1 || v.Problems.Failed() || !strings.Contains(v.Problems[0].Error(), `pinned with other fields: the node has no field "twice" any more`) || v.Pins[0].Changed == "" {
			t.Errorf("%+v", v.Problems)
		}
	}
	again := s.pin(flow, draw("double", "big"), "calc")
	if again.Ports[0].Schema[2].Name != "double" {
		t.Errorf("pinned again: %+v", again)
	}
	s.pin(flow, draw("double", "big"), "split")
	if v := s.previewIn(flow, draw("double", "large"), "out"); !v.Problems.Failed() || !strings.Contains(v.Problems.Error(), `nothing is pinned of the output "large"`) {
		t.Errorf("another branch: %v", v.Problems)
	}
	for range 2 {
		s.ask(http.MethodDelete, "/api/v1/flows/"+flow+"/pins/split", nil, nil)
	}
	if v := s.previewIn(flow, draw("double", "large"), "out"); v.Problems.Failed() {
		t.Errorf("unpinned: %v", v.Problems)
	}
}

// TestPinsAreBounded: only so many records, and so many bytes, are pinned; what cannot be pinned says why.
func TestPinsAreBounded(t *testing.T) {
	t.Parallel()
	s := setup(t).serve()
	s.write("spark/files/in.csv", "id,name\n"+strings.Repeat("1,"+strings.Repeat("ä", 3000)+"\n", 1500))
	s.write("spark/files/large.csv", "id,name\n1,"+strings.Repeat("x", 2<<20)+"\n")
	doc := graph(nil, []box{input("in.csv", idName...), step("few", "select", `{"fields":[{"name":"id"}]}`).named("few"), output("out.csv"), input("large.csv", idName...).named("large"), output("large2.csv").named("there"),
		step("times", "formula", `{"fields":[{"name":"d","expression":"interval('1 day')"}]}`)}, "in.out>few.in", "few.out>out.in", "large.out>times.in", "times.out>there.in")
	flow := s.flow(doc, "{}")
	if p := s.pin(flow, doc, "in"); p.Bytes > flows.MaxPinBytes || p.Ports[0].Records < 100 || !p.Ports[0].More {
		t.Errorf("large records: %+v", p)
	}
	if p := s.pin(flow, doc, "few"); p.Ports[0].Records < 100 {
		t.Errorf("behind a pin: %+v", p)
	}
	ask := map[string]any{"document": json.RawMessage(doc), "node": "x"}
	for id, want := range map[string]string{"large": "pin.too_large", "out": "pin.nothing", "gone": "pin.node"} {
		s.fails(http.MethodPut, "/api/v1/flows/"+flow+"/pins/"+id, ask, http.StatusUnprocessableEntity, want)
	}
}

// TestRunOnSample: a flow with every kind of target, SQL before and after loads, a refused record and a cursor runs on the sample,
// and neither folders nor tables change, nor the inbox, the history and the cursor.
func TestRunOnSample(t *testing.T) {
	t.Parallel()
	p := setup(t)
	s := p.serve()
	address := testserver.PostgreSQL(t)
	table := quiet(t, address)
	s.warehouse(address)
	must(t, execute(t, table, "CREATE TABLE events (id bigint PRIMARY KEY, at bigint NOT NULL); INSERT INTO events SELECT i, i FROM generate_series(1, 5000) t(i); CREATE TABLE log (what text); CREATE TABLE t_upsert (id bigint PRIMARY KEY, at bigint); CREATE TABLE t_update (id bigint PRIMARY KEY, at bigint); CREATE TABLE t_delete (id bigint PRIMARY KEY, at bigint); INSERT INTO t_delete VALUES (1, 1); CREATE TABLE t_truncate (id bigint, at bigint); INSERT INTO t_truncate VALUES (7, 7); CREATE TABLE t_replace (id bigint, at bigint); CREATE TABLE t_append (id bigint, at bigint)"))
	s.write("spark/files/out.csv", "keep me\n")
	boxes := []box{step("in", "database.input", `{"connection":"warehouse","table":"events","mode":"incremental","cursor":"at","cursorKey":["id"],"lag":""}`), step("calc", "formula", `{"fields":[{"name":"part","expression":"60 / (id - 2)"}]}`).policy("reject"),
		step("both", "select", `{"fields":[{"name":"id"},{"name":"at"}]}`), output("out.csv"), output("out.jsonl").named("lines"), output("out.parquet").named("parquet")}
	edges := []string{"in.out>calc.in", "calc.out>both.in", "both.out>out.in", "both.out>lines.in", "both.out>parquet.in"}
	for _, mode := range []string{"append", "truncate", "replace", "upsert", "update", "delete"} {
		key := ""
		if mode == "upsert" || mode == "update" || mode == "delete" {
			key = `,"key":["id"]`
		}
		columns := ""
		if mode == "delete" {
			columns = `,"columns":[{"field":"id","column":"id"}]`
		}
		boxes = append(boxes, step("t_"+mode, "database.output", `{"connection":"warehouse","table":"t_`+mode+`","mode":"`+mode+`"`+key+columns+`,"beforeSQL":"INSERT INTO log VALUES ('before')","afterSQL":"INSERT INTO log VALUES ('after')"}`))
		edges = append(edges, "both.out>t_"+mode+".in")
	}
	boxes = append(boxes, step("made", "database.output", `{"connection":"warehouse","table":"made","mode":"append"}`))
	doc := graph(nil, boxes, append(edges, "both.out>made.in")...)
	flow := s.flow(doc, "{}")
	files := p.path("spark/files")
	before := folderOf(t, files) + databaseOf(t, table)
	r := s.onSample(flow)
	if r.State != flows.RunSucceeded || r.Trigger != flows.TriggerSample || r.Read != 1000 || r.Written != 0 || r.Rejected != 1 {
		t.Errorf("%+v", r)
	}
	for _, n := range r.Nodes {
		if n.State != flows.NodeDone {
			t.Errorf("%s is %s", n.Node, n.State)
		}
	}
	var samples api.Page[flows.Sample]
	if s.ask(http.MethodGet, "/api/v1/runs/"+r.ID+"/samples?node=both", nil, &samples); len(samples.Items) != 1 || len(samples.Items[0].Rows) != 20 || len(samples.Items[0].Schema) < 2 {
		t.Errorf("samples: %+v", samples.Items)
	}
	if after := folderOf(t, files) + databaseOf(t, table); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	s.leftNothing(flow, r.ID)

	failing := strings.Replace(doc, `"rejects":"reject"`, `"rejects":"fail"`, 1)
	if failing == doc {
		t.Fatal("the flow is not the failing one")
	}
	bad := s.flow(failing, "{}")
	if r := s.onSample(bad); r.State != flows.RunFailed || r.Error == nil || r.Error.Path.Node != "calc" {
		t.Errorf("a record that fails the flow: %s, %v", r.State, r.Error)
	}
	s.pin(flow, doc, "in")
	must(t, execute(t, table, "DROP TABLE events"))
	if r := s.onSample(flow); r.State != flows.RunSucceeded || r.Read != 1000 {
		t.Errorf("with pinned records: %s, %v, read %d", r.State, r.Error, r.Read)
	}
	s.fails(http.MethodPost, "/api/v1/runs", map[string]any{"flow": flow, "sample": true, "until": "calc"}, http.StatusBadRequest, "a run on the sample is one of the whole draft")
	if _, err := os.Stat(p.path("spark/files/out.jsonl")); err == nil {
		t.Error("a file was written")
	}
}

func (s *serving) onSample(flow string) (r flows.Run) {
	s.t.Helper()
	s.ask(http.MethodPost, "/api/v1/runs", map[string]any{"flow": flow, "sample": true}, &r)
	return s.until("the run on the sample is over", r.ID, runTime, over)
}

// leftNothing: a run on the sample is in no list, its rejects are its own, and no cursor has moved.
func (s *serving) leftNothing(flow, id string) {
	s.t.Helper()
	var runs api.Page[flows.Run]
	s.ask(http.MethodGet, "/api/v1/runs?flow="+flow, nil, &runs)
	if len(runs.Items) != 0 {
		s.t.Errorf("the history lists %+v", runs.Items)
	}
	if s.ask(http.MethodGet, "/api/v1/runs?samples=true&flow="+flow, nil, &runs); len(runs.Items) != 1 || runs.Items[0].ID != id {
		s.t.Errorf("asked for, it lists %+v", runs.Items)
	}
	var f api.Flow
	if s.ask(http.MethodGet, "/api/v1/flows/"+flow, nil, &f); f.LastRun != nil {
		s.t.Errorf("the last run is %+v", f.LastRun)
	}
	var groups api.Page[json.RawMessage]
	if s.ask(http.MethodGet, "/api/v1/rejects/groups?flow="+flow, nil, &groups); len(groups.Items) != 0 {
		s.t.Errorf("the inbox has %s", groups.Items)
	}
	var rejects api.Page[flows.Reject]
	if s.ask(http.MethodGet, "/api/v1/runs/"+id+"/rejects", nil, &rejects); len(rejects.Items) != 1 || rejects.Items[0].Node != "calc" {
		s.t.Errorf("rejects of the run: %+v", rejects.Items)
	}
	var cursors api.Page[flows.FlowCursor]
	if s.ask(http.MethodGet, "/api/v1/flows/"+flow+"/cursors", nil, &cursors); len(cursors.Items) != 0 {
		s.t.Errorf("cursors: %+v", cursors.Items)
	}
}

// TestSampleIsInNobodysWay: a run on the sample neither waits for a run of its flow nor keeps one waiting.
func TestSampleIsInNobodysWay(t *testing.T) {
	t.Parallel()
	s := setup(t).serve()
	flow := s.flow(endless(), `{"concurrency":"skip"}`)
	first := s.run(flow)
	s.until("the run counts", first.ID, runTime, counting)
	if r := s.onSample(flow); r.State != flows.RunSucceeded {
		t.Errorf("beside a run: %s, %v", r.State, r.Error)
	}
	s.cancel(first.ID)
	s.until("it is over", first.ID, 10*time.Second, over)
}
