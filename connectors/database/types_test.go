package database_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"spark/flows"
)

// typed are the tables of TestTypesSurvive: a column of every type that is read as it is.
var typed = map[string]struct {
	columns string   // of the table, behind id
	records []string // behind id
	same    string   // compares the columns of a and b
}{
	"postgres": {
		"i2 smallint, i4 integer, i8 bigint, n numeric(20,4), d double precision, b boolean, t text, v varchar(20), raw bytea, day date, at time, ts timestamp, tz timestamptz, iv interval, u uuid, j json",
		[]string{
			`1, -2, 3, 12.3400, 0.1, true, 'é "quoted"', 'v', '\x00ff', '2026-02-28', '23:59:59.999999', '2026-02-28 01:02:03.000004', '2026-02-28 01:02:03+02', '1 year 2 mons -3 days 04:05:06.7', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 12345678901234567890}'`,
			`-32768, 2147483647, -9223372036854775808, -0.0001, -1e300, false, '', '', '', '0001-01-01', '00:00', '1969-12-31 23:59:59.999999', '9999-12-31 23:59:59+00', '-00:00:00.000001', '00000000-0000-0000-0000-000000000000', 'null'`,
			`NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`,
		},
		"(a.i2, a.i4, a.i8, a.n, a.d, a.b, a.t, a.v, a.raw, a.day, a.at, a.ts, a.tz, a.iv, a.u, a.j::text) IS NOT DISTINCT FROM (b.i2, b.i4, b.i8, b.n, b.d, b.b, b.t, b.v, b.raw, b.day, b.at, b.ts, b.tz, b.iv, b.u, b.j::text)",
	},
	"mysql": {
		"i1 tinyint, u1 tinyint unsigned, i2 smallint, u2 smallint unsigned, i3 mediumint, u3 mediumint unsigned zerofill, i4 int, u4 int unsigned, i8 bigint, u8 bigint unsigned, n decimal(20,4), big decimal(38,10), d double, b boolean, bt bit(1), bits bit(12), " +
			"y year, t longtext, v varchar(20), l varchar(20) character set latin1, c char(3), e enum('sad', 'ok'), s set('x', 'y'), raw longblob, vb varbinary(9), day date, at time(6), ts datetime(6), tz timestamp(6) null, u uuid, j json",
		[]string{
			`1, 255, -2, 65535, -8388608, 16777215, 3, 4294967295, -4, 18446744073709551615, 12.3400, 1234567890123456789012345678.0123456789, 0.1, true, b'1', b'101010101010', 2026, 'é "quoted" \\ ''x''', 'v', 'é', 'abc', 'sad', 'x,y', x'00ff0a095c', x'5c4e', '2026-02-28', '23:59:59.999999', '2026-02-28 01:02:03.000004', '2026-02-28 01:02:03.5', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 12345678901234567890}'`,
			`-128, 0, -32768, 0, 8388607, 1, -2147483648, 0, 9223372036854775807, 0, -0.0001, -1, -1e300, false, b'0', b'0', 1901, '', '', '', '', 'ok', '', '', '', '0001-01-01', '00:00:00', '1969-12-31 23:59:59.999999', '2037-12-31 23:59:59.999999', '00000000-0000-0000-0000-000000000000', 'null'`,
			`NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`,
		}, "",
	},
}

// TestTypesSurvive: what is read from a table and written into another one of the same columns is the same, for every
// type, also through a table that Spark makes by itself and through INSERT in place of a load in bulk.
func TestTypesSurvive(t *testing.T) {
	each(t, func(t *testing.T, s system) {
		f := newFixture(t, s)
		k := typed[s.connection]
		f.exec("CREATE TABLE typed (id int PRIMARY KEY, " + k.columns + ")")
		f.exec("CREATE TABLE again (id int PRIMARY KEY, " + k.columns + ")")
		for i, r := range k.records {
			f.exec(fmt.Sprintf("INSERT INTO typed VALUES (%d, %s)", i+1, r))
		}
		same := k.same
		if same == "" { // octet by octet
			var parts []string
			for _, c := range strings.Split(f.rows("SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'typed'"), "\n") {
				parts = append(parts, fmt.Sprintf("CAST(a.%[1]s AS BINARY) <=> CAST(b.%[1]s AS BINARY)", c))
			}
			same = strings.Join(parts, " AND ")
		}
		check := func(how, table string) {
			t.Helper()
			if got := f.rows("SELECT count(*) FROM typed a JOIN " + table + " b USING (id) WHERE " + same); got != "3" {
				t.Errorf("%s: %s of 3 records are the same:\n%s\n%s", how, got, f.rows("SELECT * FROM typed ORDER BY id"), f.rows("SELECT * FROM "+table+" ORDER BY id"))
			}
		}
		from := `{"connection": "warehouse", "from": "table", "table": "typed"}`
		for _, mode := range []string{`"append"`, `"replace"`, `"upsert", "key": ["id"]`, `"update", "key": ["id"]`} {
			f.flow("database.input", from, "database.output", `{"connection": "warehouse", "table": "again", "mode": `+mode+`}`).ok(t)
			check(mode, "again")
		}
		o := f.flow("database.input", from, "database.output", `{"connection": "warehouse", "table": "again", "mode": "upsert", "key": ["id"]}`).ok(t)
		if got := *o.nodes["n2"].Changes; got != (flows.Changes{Unchanged: 3}) {
			t.Errorf("what is the same is changed: %+v", got)
		}
		f.flow("database.input", from, "database.output", `{"connection": "warehouse", "table": "made", "mode": "append"}`).ok(t)
		if s.connection == "postgres" {
			check("made", "made")
		} else { // bits and the like are numbers there
			f.flow("database.input", `{"connection": "warehouse", "from": "table", "table": "made"}`, "database.output", `{"connection": "warehouse", "table": "again", "mode": "replace"}`).ok(t)
			check("made and back", "again")
			f.connections["slow"] = f.spec(map[string]any{"bulk": "insert"})
			for _, mode := range []string{`"replace"`, `"upsert", "key": ["id"]`} {
				f.exec("DELETE FROM again")
				f.flow("database.input", from, "database.output", `{"connection": "slow", "table": "again", "mode": `+mode+`}`).ok(t)
				check("insert, "+mode, "again")
			}
		}
	})
}

// TestMariaTypes: what each column is read as, in a table and in a query.
func TestMariaTypes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, maria())
	f.exec("CREATE TABLE typed (id int PRIMARY KEY, " + typed["mysql"].columns + ", fl float, b8 bit(64))")
	list, err := f.datasets().Columns("warehouse", "typed")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, c.Name+" "+c.Field.String())
	}
	want := "id int32, i1 int8, u1 int16, i2 int16, u2 int32, i3 int32, u3 int32, i4 int32, u4 int64, i8 int64, u8 decimal(20,0), n decimal(20,4), big decimal(38,10), d double, b boolean, bt boolean, bits int64, y int16, t text, v text, l text, c text, e text, s text, raw bytes, vb bytes, day date, at time, ts timestamp, tz timestamptz, u uuid, j json, fl double, b8 decimal(20,0)"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("table:\n got %s\nwant %s", s, want)
	}
	schema, err := f.datasets().DescribeDataset("warehouse", selectQuery("select u1, u8, n, t, raw, ts, tz, d, e, vb, i1 + 1 as sum, i1 = 1 as is_one, null as nothing, concat(t, v) as both_of from typed"))
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, c := range schema {
		got = append(got, c.Name+" "+c.Type.String())
	}
	if s, want := strings.Join(got, ", "), "u1 int16, u8 decimal(20,0), n decimal(20,4), t text, raw bytes, ts timestamp, tz timestamptz, d double, e text, vb bytes, sum int32, is_one int32, nothing text, both_of text"; s != want {
		t.Errorf("query:\n got %s\nwant %s", s, want)
	}
}

// TestMariaRefusedValues: what a field cannot hold refuses its record, with the field and the record.
func TestMariaRefusedValues(t *testing.T) {
	t.Parallel()
	f := newFixture(t, maria())
	f.exec("CREATE TABLE odd (id int, d date, ts datetime, b tinyint(1), at time, big decimal(65,30), t varchar(20))")
	conn, err := f.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, sql := range []string{"SET sql_mode = ''", "INSERT INTO odd VALUES (1, '2026-01-01', '2026-01-01 00:00:00', 1, '01:00:00', 1.5, 'fine'), (2, '0000-00-00', NULL, 0, NULL, 1, ''), (3, '2026-02-00', NULL, 0, NULL, 1, ''), (4, NULL, '0000-00-00 00:00:00', 0, NULL, 1, ''), " +
		"(5, NULL, NULL, 2, NULL, 1, ''), (6, NULL, NULL, 0, '838:59:59', 1, ''), (7, NULL, NULL, 0, '-00:00:01', 1, ''), (8, NULL, NULL, 0, NULL, 1e33, ''), (9, NULL, NULL, 0, NULL, 1, char(0, 65))"} {
		if _, err := conn.ExecContext(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	read := func(connection, fields string) (rejected []string, out string) {
		o := f.flow("database.input", `{"connection": "`+connection+`", "from": "table", "table": "odd"`+fields+`}`, "file.output", `{"path": "out.csv"}`).ok(t)
		for _, r := range o.rejects {
			rejected = append(rejected, fmt.Sprintf("%d %s", r.Record, r.Field))
			if r.Reason == "" || !strings.Contains(r.Raw, fmt.Sprintf(`"id":"%d"`, r.Record)) {
				t.Errorf("reject %+v", r)
			}
		}
		return rejected, f.read("out.csv")
	}
	if got, out := read("warehouse", ""); !slices.Equal(got, []string{"2 d", "3 d", "4 ts", "5 b", "6 at", "7 at", "8 big", "9 t"}) || !strings.Contains(out, "1,2026-01-01,2026-01-01 00:00:00,true,01:00:00,1.5") {
		t.Errorf("%v\n%s", got, out)
	}
	f.connections["lenient"] = f.spec(map[string]any{"zeroDates": "null"})
	if got, _ := read("lenient", ""); !slices.Equal(got, []string{"5 b", "6 at", "7 at", "8 big", "9 t"}) {
		t.Errorf("zero dates as null: %v", got)
	}
	fields := `, "fields": [{"name": "id", "type": "int32"}, {"name": "b", "type": "int8"}, {"name": "at", "type": "interval"}, {"name": "d", "type": "text"}]`
	if got, out := read("warehouse", fields); len(got) > 0 || !strings.Contains(out, "DT3020399.000000S") || !strings.Contains(out, "0000-00-00") {
		t.Errorf("%v\n%s", got, out)
	}
}
