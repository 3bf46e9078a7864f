package duckdb

import (
	"fmt"
	"testing"
	"time"

	"spark/flows/engine"
)

// TestComputedTimes: what DuckDB spends is told of the node that it is spent for, whether records are counted there or not.
func TestComputedTimes(t *testing.T) {
	t.Parallel()
	hash := "sha256(concat(word, cast(id as text)))"
	for range 3 {
		hash = "sha256(" + hash + ")"
	}
	calc := fmt.Sprintf(`calc formula {"fields": [{"name": "h", "expression": %q}]}`, hash)
	for at, between := range map[string][]string{
		"calc": {calc, `all filter {"condition": "id >= 0"}`},
		"sort": {`all filter {"condition": "id >= 0"}`, `calc formula {"fields": [{"name": "x", "expression": "id % 1000"}]}`, `sort sort {"keys": [{"field": "x"}, {"field": "id"}]}`},
		"cond": {`all filter {"condition": "id >= 0"}`, fmt.Sprintf(`cond filter {"condition": "%s <> ''"}`, hash), `next formula {"fields": [{"name": "x", "expression": "id"}]}`},
		"sum":  {`all filter {"condition": "id >= 0"}`, `sum aggregate {"groupBy": ["id"], "aggregates": [{"name": "s", "expression": "max(word)"}, {"name": "t", "expression": "min(word)"}]}`},
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			nodes := append([]string{`src test.numbers {"n": 300000}`}, between...)
			p := compiled(t, b.engine, line(append(nodes, `out test.target {"path": "o.csv"}`)...))
			r := newRun(b.engine, p, engine.Env{Files: dirFiles{b.dir}, Temp: t.TempDir(), Threads: 2})
			if err := r.execute(t.Context()); err != nil {
				t.Fatal(err)
			}
			for id, d := range r.computed {
				if id != "out" && id != "src" && d > r.computed[at] {
					t.Errorf("%s took %s, %s %s", id, d, at, r.computed[at])
				}
			}
			if r.computed[at] < time.Millisecond {
				t.Errorf("all took %v", r.computed)
			}
		})
	}
}
