package database_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/engine/duckdb"
	"spark/flows/node"
	"spark/flows/plan"
)

// odd holds the values that MySQL compares in its own way: texts of several collations, character sets and blanks at the
// end, unsigned numbers, days that there are not.
var odd = []string{
	"CREATE TABLE odd (id int PRIMARY KEY, i2 smallint, u8 bigint unsigned, n decimal(20,4), d double, f float, b boolean, t text COLLATE utf8mb4_general_ci, v varchar(20) COLLATE utf8mb4_unicode_ci, l varchar(20) CHARACTER SET latin1, " +
		"c char(5), e enum('a', 'B', 'É'), o varbinary(5), day date, at time, ts datetime(6), tz timestamp(6) NULL, j json)",
	"INSERT INTO odd VALUES " +
		"(1, 1, 18446744073709551615, 0.1, 0.1, 0.1, true, 'a', 'a', 'a', 'a', 'a', 'a', '2026-01-01', '00:00', '2026-01-01', '2025-12-31 22:00:00', '1')," +
		"(2, -1, 9223372036854775808, -0.0001, -0.0, -0.0, false, 'a ', 'a ', 'a ', 'a ', 'B', 'a ', '0001-01-01', '23:59:59', '1969-12-31 23:59:59.999999', '1970-01-02 00:00:00', '{}')," +
		"(3, 0, 0, 0, 0, 0, true, '', '', '', '', 'É', '', '9999-12-31', '12:00', '9999-12-31 23:59:59', '2038-01-01 00:00:00', '\"a\"')," +
		"(4, 2, 3, 2.5, 1e300, 1e30, false, 'É', 'é', 'É', 'É', 'a', 'z', '2026-02-28', '12:00:01', '2026-02-28 01:02:03', '2026-02-27 19:32:03', 'null')," +
		"(5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)," +
		"(6, 32767, 5, 9999999999999999.9999, -1e-300, 16777216, true, 'Z''\\\\z', 'back\\\\slash', 'ß', 'z', 'B', 'A', '2025-12-31', '00:00:01', '2025-12-31 23:59:59', '2025-12-31 23:59:59', '[]')," +
		"(7, 3, 1, 1, 2, 3, false, 'A', 'ss', 'ss', 'A', 'a', 'A', '2025-12-31', '00:00:02', '2025-12-31 23:59:59', '2025-12-31 23:59:59', '[]')",
	"INSERT IGNORE INTO odd (id, t, day, ts) VALUES (8, 'a', '0000-00-00', '0000-00-00')",
}

// atoms are conditions that can move.
var atoms = []string{"i2 > 0", "i2 = 1", "u8 >= 9223372036854775808", "u8 <> 0", "i2 < 2.5", "n = 0.1", "n <> 0", "n > i2", "d > 0.05", "d = 0.1", "d <= 0", "f = 0.1", "f > d", "d < i2", "b", "not b", "b = false", "b <> true",
	"t = 'a'", "t = 'A'", "t <> 'a'", "t < 'b'", "t >= 'Z'", "t = ''", "t = 'a '", "t in ('a', 'É')", "t not in ('a', '')", `v = 'back\slash'`, "v between 'a' and 'b'", "v = 'é'", "v = 'e'", "l = 'ss'", "l = 'ß'", "l > 'a'", "l = '漢'", "c = 'a'", "c = 'a    '", "c <> 'z'",
	"e = 'B'", "e = 'b'", "e < 'a'", "t = v", "l = t", `t = 'Z''\z'`, "t <> '${id}'", "day > date '2026-01-01'", "day = date '2026-01-01'", "day is null", "day is not null", "ts is null", "day < date '2026-01-01'", "at < time '12:00:00'",
	"ts >= timestamp '2026-01-01 00:00:00'", "tz < timestamptz '2026-01-01 00:00:00Z'", "day < ts", "i2 is null", "t is not null", "j is null", "i2 between 0 and 1", "i2 not between 0 and 1", "i2 in (1, 2)", "i2 not in (1, 5)", "true"}

// stay are conditions that must stay, with the reason.
var stay = map[string]string{"upper(t) = 'A'": "may be computed in another way", "i2 + 1 > 2": "may be computed in another way", "t like 'a%'": "may mean something else", "j = j": "", "o = o": "", "d < n": "in its own way", "case when b then true else false end": "may mean something else"}

// moved compiles a flow that filters a table and returns what is said about moving the filter.
func (f *fixture) moved(input, condition string) (flows.Move, flows.Problems) {
	f.t.Helper()
	config, err := json.Marshal(map[string]string{"condition": condition})
	if err != nil {
		f.t.Fatal(err)
	}
	doc := &flows.Flow{Format: flows.Format, Nodes: []flows.Node{{ID: "in", Type: "database.input", Version: 1, Config: json.RawMessage(input)}, {ID: "filter", Type: "filter", Version: 1, Config: config}},
		Edges: []flows.Edge{{From: flows.Endpoint{Node: "in", Port: "out"}, To: flows.Endpoint{Node: "filter", Port: "in"}}}}
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

// some makes conditions of the atoms.
func some(random *rand.Rand, depth int) string {
	if depth == 0 || random.IntN(3) == 0 {
		return atoms[random.IntN(len(atoms))]
	}
	switch random.IntN(3) {
	case 0:
		return "not (" + some(random, depth-1) + ")"
	case 1:
		return "(" + some(random, depth-1) + ") or (" + some(random, depth-1) + ")"
	}
	return "(" + some(random, depth-1) + ") and (" + some(random, depth-1) + ")"
}

// TestMariaMovedFilters: a filter that moves into the table passes the same records there, whatever the collations, and
// one that would not stays.
func TestMariaMovedFilters(t *testing.T) {
	t.Parallel()
	f := newFixture(t, maria())
	for _, sql := range odd {
		f.exec(sql)
	}
	f.connections["warehouse"] = f.spec(map[string]any{"zeroDates": "null"})
	random := rand.New(rand.NewPCG(1, 2))
	conditions := append([]string{}, atoms...)
	for range 30 {
		conditions = append(conditions, some(random, 3))
	}
	const input = `{"connection":"warehouse","from":"table","table":"odd"}`
	to := func(nodes ...string) string {
		f.flow(append(nodes, "select", `{"fields":[{"name":"id"}]}`, "sort", `{"keys":[{"field":"id"}]}`, "file.output", `{"path":"out.csv"}`)...).ok(t)
		return strings.ReplaceAll(f.read("out.csv"), "\n", " ")
	}
	for _, condition := range conditions {
		move, ps := f.moved(input, condition)
		if ps.Failed() || move.Where == "" {
			t.Errorf("%s: %+v %v", condition, move, ps)
			continue
		}
		config, err := json.Marshal(map[string]string{"condition": condition})
		if err != nil {
			t.Fatal(err)
		}
		where, err := json.Marshal(map[string]string{"connection": "warehouse", "from": "table", "table": "odd", "where": move.Where})
		if err != nil {
			t.Fatal(err)
		}
		if before, after := to("database.input", input, "filter", string(config)), to("database.input", string(where)); before != after {
			t.Errorf("%s passes %q in the flow and %q in the database: %s", condition, before, after, move.Where)
		}
	}
	for condition, reason := range stay {
		if move, ps := f.moved(input, condition); !ps.Failed() && (move.Where != "" || !strings.Contains(move.Reason, reason)) {
			t.Errorf("%s: %+v", condition, move)
		}
	}
	// Octets that are read as a text are compared with what nobody has seen: the database says so.
	octets := `{"connection":"warehouse","from":"table","table":"odd","fields":[{"name":"id","type":"int32"},{"name":"o","type":"text"}]`
	move, ps := f.moved(octets+`}`, "o = 'a'")
	where, err := json.Marshal(move.Where)
	if ps.Failed() || err != nil {
		t.Fatal(ps, err)
	}
	if e := flows.AsError(f.flow("database.input", octets+`,"where":`+string(where)+`}`, "file.output", `{"path":"out.csv"}`).err); e == nil || e.Code != "database.query" {
		t.Errorf("%+v", e)
	}
}
