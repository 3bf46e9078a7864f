package duckdb

import (
	"encoding/json"
	"testing"

	"spark/flows"
	"spark/flows/node"
)

// TestArrivalOrder: however many threads read, records are numbered, picked and looked back at in the order in which
// they come, from a source and from a relation that is kept.
func TestArrivalOrder(t *testing.T) {
	t.Parallel()
	src, key := `src test.numbers {"n": 250000}`, `key formula {"fields": [{"name": "k", "expression": "id % 1000"}]}`
	for name, c := range map[string]struct{ node, wrong string }{
		"row id":          {`x rowid {"name": "row_id", "kind": "number", "start": 0}`, "row_id <> id"},
		"first of a key":  {`x deduplicate {"keys": ["k"], "keep": "first"}`, "id >= 1000"},
		"last of a key":   {`x deduplicate {"keys": ["k"], "keep": "last"}`, "id < 249000"},
		"previous record": {`x window {"fields": [{"name": "before", "function": "lag", "field": "id"}]}`, "id <> coalesce(before, -1) + 1"},
		"previous of key": {`x window {"groupBy": ["k"], "fields": [{"name": "before", "function": "lag", "field": "id"}]}`, "id <> coalesce(before, k - 1000) + 1000"},
		"equal in order":  {`x window {"order": [{"field": "k"}], "fields": [{"name": "n", "function": "row_number"}]}`, "n <> k * 250 + div(id, 1000) + 1"},
	} {
		for _, kept := range []bool{false, true} {
			t.Run(map[bool]string{false: name, true: name + ", kept"}[kept], func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				f := line(src, key, c.node, `wrong filter {"condition": "`+c.wrong+`"}`, `out test.target {"path": "o.csv"}`)
				if kept {
					also(f, flows.Endpoint{Node: "key", Port: node.Out}, "copy", `{"path": "copy.csv"}`)
				}
				ns, err := b.run(t, t.Context(), f)
				if err != nil || ns["x"].Out[node.Out] == 0 || ns["out"].Written != 0 {
					t.Errorf("%d records came and %d of them are wrong, %v", ns["x"].Out[node.Out], ns["out"].Written, err)
				}
			})
		}
	}
}

// also writes an output to one more file.
func also(f *flows.Flow, from flows.Endpoint, id, config string) {
	f.Nodes = append(f.Nodes, flows.Node{ID: id, Type: "test.target", Version: 1, Config: json.RawMessage(config)})
	f.Edges = append(f.Edges, flows.Edge{From: from, To: flows.Endpoint{Node: id, Port: node.In}})
}

// TestBothPortsHaveEveryRecordOnce: two statements agree on which record is which.
func TestBothPortsHaveEveryRecordOnce(t *testing.T) {
	t.Parallel()
	for port, x := range map[string]string{
		"duplicates": `x deduplicate {"keys": ["word"], "keep": "last"}`, "rest": `x sample.records {"by": "number", "number": 1000, "groupBy": ["word"], "seed": 4}`,
	} {
		b := setup(t)
		f := line(`src test.numbers {"n": 300000}`, x, `join join {"kind": "semi", "keys": [{"left": "id", "right": "id"}]}`, `out test.target {"path": "o.csv"}`)
		f.Edges = append(f.Edges, flows.Edge{From: flows.Endpoint{Node: "x", Port: port}, To: flows.Endpoint{Node: "join", Port: node.Right}})
		f.Edges[1].To.Port = node.Left
		ns, err := b.run(t, t.Context(), f)
		if out := ns["x"].Out; err != nil || out[node.Out]+out[port] != 300000 || ns["out"].Written != 0 {
			t.Errorf("%s: %v, %d records are in both, %v", port, out, ns["out"].Written, err)
		}
	}
}

// TestOriginGoesThrough: what a later node refuses is found in the file.
func TestOriginGoesThrough(t *testing.T) {
	t.Parallel()
	for _, x := range []string{
		`x deduplicate {"keys": ["id"], "keep": "last"}`, `x window {"groupBy": ["word"], "order": [{"field": "id"}], "fields": [{"name": "n", "function": "count"}]}`,
		`x fillnulls {"fields": [{"name": "word", "with": "next"}]}`, `x rowid {"name": "n", "kind": "number", "start": 1}`,
		`x sample.records {"by": "share", "share": 100}`, `x unpivot {"fields": ["word"], "name": "n", "value": "v", "nulls": "keep"}`,
	} {
		b := setup(t)
		_, err := b.run(t, t.Context(), line(`src test.numbers {"n": 5000}`, x, `f formula {"fields": [{"name": "y", "expression": "1 / (id - 4321)"}]}`, `out test.target {"path": "o.csv"}`))
		if e := flows.AsError(err); e == nil || e.Path.Node != "f" || e.Path.Record != 4322 {
			t.Errorf("%s: %v", x, err)
		}
	}
}

// TestTotalTooLarge: a running total that does not fit fails the run, at its record.
func TestTotalTooLarge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.run(t, t.Context(), line(`src test.numbers {"n": 10}`, `big formula {"fields": [{"name": "id", "expression": "id + 9223372036854775700"}]}`,
		`w window {"fields": [{"name": "total", "function": "sum", "field": "id"}]}`, `out test.target {"path": "o.csv"}`))
	if e := flows.AsError(err); e == nil || e.Code != "value.overflow" || e.Path.Node != "w" || e.Path.Record != 2 {
		t.Errorf("%+v", e)
	}
}
