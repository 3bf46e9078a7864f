package postgres_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/engine/duckdb"
	"spark/flows/node"
	"spark/flows/plan"
)

const ugly = `CREATE TABLE ugly (id int PRIMARY KEY, i2 smallint, i8 bigint, n numeric(20,4), d double precision, b boolean, t text, v varchar(20), c char(5), day date, at time, ts timestamp, tz timestamptz, u uuid, j jsonb, iv interval);
	INSERT INTO ugly VALUES
	(1, 1, 9223372036854775807, 0.1, 0.1, true, 'a', 'a', 'a', '2026-01-01', '00:00', '2026-01-01', '2026-01-01 00:00+02', '00000000-0000-0000-0000-000000000001', '1', '1 day'),
	(2, -1, -9223372036854775808, -0.0001, -0.0, false, 'a ', 'a ', 'a ', '0001-01-01', '23:59:59.999999', '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999Z', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{}', '-1 day'),
	(3, 0, 0, 0, 0, true, '', '', '', '9999-12-31', '12:00', '9999-12-31 23:59:59', '9999-12-31 23:59:59Z', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '"a"', '0'),
	(4, 2, 3, 2.5, 1e300, false, 'É', 'é', 'É', '2026-02-28', '12:00:00.5', '2026-02-28 01:02:03', '2026-02-28 01:02:03+05:30', NULL, 'null', '1 month'),
	(5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(6, 32767, 5, 9999999999999999.9999, -1e-300, true, 'Z''\"z', 'back\slash', 'z', '2025-12-31', '00:00:01', '2025-12-31 23:59:59', '2025-12-31 23:59:59Z', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '[]', '1 hour')`

// atoms are conditions that can move.
var atoms = []string{"i2 > 0", "i2 = 1", "i8 <> 0", "i8 >= 9223372036854775807", "i2 < 2.5", "n = 0.1", "n <> 0", "n > i2", "d > 0.05", "d = 0.1", "d <= 0", "d < n", "b", "not b", "b = false", "t = 'a'", "t <> 'a'", "t < 'b'", "t >= 'Z'",
	"t = ''", "t in ('a', 'É')", "t not in ('a', '')", "v = 'back\\slash'", "v between 'a' and 'b'", "c = 'a'", "c = 'a    '", "c <> 'z'", "c in ('a', 'z    ')", "t = v", "t = 'Z''\\\"z'", "t <> '${id}'", "day > date '2026-01-01'", "day = date '2026-01-01'",
	"at < time '12:00:00'", "ts >= timestamp '2026-01-01 00:00:00'", "tz < timestamptz '2026-01-01 00:00:00Z'", "day < ts", "u = uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "u > uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
	"i2 is null", "t is not null", "j is null", "i2 between 0 and 1", "i2 not between 0 and 1", "i2 in (1, 2)", "i2 not in (1, 5)", "true"}

// fixed are conditions that must stay, with the reason.
var fixed = map[string]string{"upper(t) = 'A'": "upper(t) may be computed", "i2 + 1 > 2": "may be computed in another way", "t like 'a%'": "may mean something else", "j = j": "", "iv > iv": "", "case when b then true else false end": "may mean something else"}

// moved compiles a flow that filters ugly and returns what is said about moving the filter.
func (f *fixture) moved(condition string) (flows.Move, flows.Problems) {
	f.t.Helper()
	config, err := json.Marshal(map[string]string{"condition": condition})
	if err != nil {
		f.t.Fatal(err)
	}
	doc := &flows.Flow{Format: flows.Format, Nodes: []flows.Node{{ID: "in", Type: "database.input", Version: 1, Config: json.RawMessage(`{"connection":"warehouse","from":"table","table":"ugly","where":"id > 0 -- all"}`)},
		{ID: "filter", Type: "filter", Version: 1, Config: config}}, Edges: []flows.Edge{{From: flows.Endpoint{Node: "in", Port: "out"}, To: flows.Endpoint{Node: "filter", Port: "in"}}}}
	e := &duckdb.Engine{}
	p, ps := plan.Compile(doc, plan.Options{Lookup: node.Looking(e, node.Datasets{Context: f.t.Context(), Connections: f.connections}), Engines: []plan.Engine{e}, Dialect: f.connections.Dialect})
	if ps.Failed() {
		return flows.Move{}, ps
	}
	list := p.Moves()
	if len(list) != 1 {
		f.t.Fatalf("%s: %+v", condition, list)
	}
	return list[0], nil
}

// TestMovedFilters: a filter that moves into the table passes the same records there, and one that would not stays.
func TestMovedFilters(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(ugly)
	random := rand.New(rand.NewPCG(1, 2))
	var one func(depth int) string
	one = func(depth int) string {
		if depth == 0 || random.IntN(3) == 0 {
			return atoms[random.IntN(len(atoms))]
		}
		switch random.IntN(3) {
		case 0:
			return "not (" + one(depth-1) + ")"
		case 1:
			return "(" + one(depth-1) + ") or (" + one(depth-1) + ")"
		}
		return "(" + one(depth-1) + ") and (" + one(depth-1) + ")"
	}
	conditions := append([]string{}, atoms...)
	for range 40 {
		conditions = append(conditions, one(3))
	}
	for _, condition := range conditions {
		move, ps := f.moved(condition)
		if ps.Failed() || move.Where == "" || move.Into != "in" {
			t.Errorf("%s: %+v %v", condition, move, ps)
			continue
		}
		config, err := json.Marshal(map[string]string{"condition": condition})
		if err != nil {
			t.Fatal(err)
		}
		where, err := json.Marshal(map[string]string{"connection": "warehouse", "from": "table", "table": "ugly", "where": "(id > 0 -- all\n) AND " + move.Where})
		if err != nil {
			t.Fatal(err)
		}
		f.flow("database.input", `{"connection":"warehouse","from":"table","table":"ugly"}`, "filter", string(config), "select", `{"fields":[{"name":"id"}]}`, "sort", `{"keys":[{"field":"id"}]}`, "file.output", `{"path":"before.csv"}`).ok(t)
		f.flow("database.input", string(where), "select", `{"fields":[{"name":"id"}]}`, "sort", `{"keys":[{"field":"id"}]}`, "file.output", `{"path":"after.csv"}`).ok(t)
		before, after := f.read("before.csv"), f.read("after.csv")
		if before != after {
			t.Errorf("%s passes %q in the flow and %q in the database: %s", condition, strings.Fields(before), strings.Fields(after), move.Where)
		}
	}
	for condition, reason := range fixed {
		if move, ps := f.moved(condition); !ps.Failed() && (move.Where != "" || !strings.Contains(move.Reason, reason)) {
			t.Errorf("%s: %+v", condition, move)
		}
	}
}

func (f *fixture) read(name string) string {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.folder, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(b)
}
