package postgres_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// typed has a column of every type that Spark knows, and of some that it reads as text.
const typed = `CREATE TABLE typed (id int PRIMARY KEY, i2 smallint, i4 integer, i8 bigint, n numeric(20,4), big numeric(38,0), free numeric, d double precision, f real, b boolean,
	t text, v varchar(20), c char(3), raw bytea, day date, at time, ts timestamp, tz timestamptz, iv interval, u uuid, j json, jb jsonb, arr int[], ip inet, mood mood)`

const values = `INSERT INTO typed VALUES
	(1, 1, -2, 3, 12.3400, 12345678901234567890123456789012345678, 0.1, 0.1, 0.5, true, 'é "quoted"', 'v', 'abc', '\x00ff', '2026-02-28', '23:59:59.999999', '2026-02-28 01:02:03.000004', '2026-02-28 01:02:03+02', '1 year 2 mons -3 days 04:05:06.7', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 12345678901234567890}', '{"b": [1, 2]}', '{1,2}', '10.0.0.1', 'sad'),
	(2, -32768, 2147483647, -9223372036854775808, -0.0001, -1, -99999999999999999999999999.0000000001, -1e300, 1, false, '', '', '   ', '', '0001-01-01', '00:00', '1969-12-31 23:59:59.999999', '9999-12-31 23:59:59+00', '-00:00:00.000001', '00000000-0000-0000-0000-000000000000', 'null', '0', '{}', '::1', 'ok'),
	(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`

// TestTypesSurvive: what is read from a table and written into another one of the same columns is the same, for every
// type, also through a copy that Spark makes by itself.
func TestTypesSurvive(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec("CREATE TYPE mood AS ENUM ('sad', 'ok')")
	f.exec(typed)
	f.exec(values)
	f.exec("CREATE TABLE again (LIKE typed)")
	exact := `"i2", "i4", "i8", "n", "big", "free", "d", "f", "b", "t", "v", "c", "raw", "day", "at", "ts", "tz", "iv", "u", "j", "jb"`
	query := fmt.Sprintf(`select id, %s, mood from typed`, strings.ReplaceAll(exact, `"f", `, ""))
	f.flow("database.input", fmt.Sprintf(`{"connection": "warehouse", "from": "query", "query": %q}`, query), "database.output", `{"connection": "warehouse", "table": "again", "mode": "append"}`).ok(t)
	columns := `id, i2, i4, i8, n::text, big::text, free::text, d, b, t, v, c, raw, day, at, ts, tz, iv, u, j::text, jb::text, mood`
	same := `SELECT count(*) FROM typed a JOIN again b USING (id) WHERE (a.i2, a.i4, a.i8, a.n, a.big, a.free, a.d, a.b, a.t, a.v, a.c, a.raw, a.day, a.at, a.ts, a.tz, a.iv, a.u, a.jb, a.j::text, a.mood) IS NOT DISTINCT FROM (b.i2, b.i4, b.i8, b.n, b.big, b.free, b.d, b.b, b.t, b.v, b.c, b.raw, b.day, b.at, b.ts, b.tz, b.iv, b.u, b.jb, b.j::text, b.mood)`
	if got := f.rows(same); got != "3" {
		t.Errorf("%s of 3 records are the same:\n%s\n%s", got, f.rows("SELECT "+columns+" FROM typed ORDER BY id"), f.rows("SELECT "+columns+" FROM again ORDER BY id"))
	}
	f.flow("database.input", `{"connection": "warehouse", "from": "table", "table": "typed"}`, "database.output", `{"connection": "warehouse", "table": "made", "mode": "append"}`).ok(t)
	made := strings.NewReplacer("again", "made", "a.mood", "a.mood::text", "a.jb", "a.jb::text", "b.jb", "b.jb::text").Replace(same)
	if got := f.rows(made); got != "3" {
		t.Errorf("the table that Spark made has %s of 3 records", got)
	}
}

// TestRefusedValues: what a field cannot hold refuses its record, with the field and the record.
func TestRefusedValues(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec("CREATE TABLE odd (id int, n numeric, d date, x double precision)")
	f.exec("INSERT INTO odd VALUES (1, 1.5, '2026-01-01', 1), (2, 'NaN', '2026-01-01', 1), (3, 1, 'infinity', 1), (4, 1, '2026-01-01', 'Infinity'), (5, 0.00000000001, '2026-01-01', 1), (6, 1e30, NULL, 1)")
	o := f.flow("database.input", `{"connection": "warehouse", "from": "table", "table": "odd"}`, "file.output", `{"path": "out.csv"}`).ok(t)
	var got []string
	for _, r := range o.rejects {
		got = append(got, fmt.Sprintf("%d %s: %s", r.Record, r.Field, r.Reason))
	}
	want := "2 n: NaN is no decimal number\n3 d: infinity is no date\n4 x: +Inf is not a finite number\n5 n: the number does not fit decimal(38,10)\n6 n: the number does not fit decimal(38,10)"
	if strings.Join(got, "\n") != want {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	b, err := os.ReadFile(filepath.Join(f.folder, "out.csv"))
	if err != nil || string(b) != "id,n,d,x\n1,1.5000000000,2026-01-01,1.0\n" {
		t.Errorf("%q, %v", b, err)
	}
	if raw := o.rejects[0].Raw; !strings.Contains(raw, `"id":"2"`) || !strings.Contains(raw, "NaN") {
		t.Errorf("the refused record is %s", raw)
	}
}
