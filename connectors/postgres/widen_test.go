package postgres_test

import (
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/engine"
)

const wideRecords = "id,small,name,price,exact,at\n3000000000,70000,much longer than five,123456.7891,12345678901.25,2026-01-02T03:04:05.123456\n"

const wideFile = `{"path": "wide.csv", "fields": [{"name": "id", "type": "int64"}, {"name": "small", "type": "int32"}, {"name": "name", "type": "text"}, {"name": "price", "type": "decimal(12,4)"}, {"name": "exact", "type": "decimal(13,2)"}, {"name": "at", "type": "timestamp"}]}`

const narrowTable = `CREATE TABLE narrow (id int, small smallint, name varchar(5), price numeric(6,2), exact int, at timestamp(3))`

// TestWiden: columns that are too small are widened without a loss, in the transaction of the load, and it is told before
// the first record; grants stay. Without the setting the error says what would help.
func TestWiden(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"append", "truncate", "replace", "upsert"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.file("wide.csv", wideRecords)
			f.exec(narrowTable)
			f.exec("CREATE UNIQUE INDEX ON narrow (id)")
			f.exec("INSERT INTO narrow VALUES (1, 2, 'old', 3.14, 5, '2020-01-01 00:00:00.125')")
			f.exec("GRANT SELECT ON narrow TO PUBLIC")
			to := `{"connection": "warehouse", "table": "narrow", "mode": "` + mode + `", "key": ["id"]`
			e := flows.AsError(f.flow("file.input", wideFile, "database.output", to+`}`).err)
			if e == nil || e.Code != "database.type" || !strings.Contains(e.Suggestion, "widen") {
				t.Fatalf("without the setting: %v", e)
			}
			var told []string
			env := engine.Env{Warn: func(e *flows.Error) { told = append(told, e.Message) }}
			f.runFlow(env, "file.input", wideFile, "database.output", to+`, "noFit": "widen"}`).ok(t)
			types := f.rows("SELECT string_agg(format_type(atttypid, atttypmod), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'narrow'::regclass AND attnum > 0")
			if types != "bigint, integer, text, numeric(12,4), numeric(13,2), timestamp without time zone" {
				t.Errorf("types: %s", types)
			}
			if len(told) != 6 || !strings.Contains(told[0], "becomes bigint; it was integer") {
				t.Errorf("told: %q", told)
			}
			want := "3000000000 70000 much longer than five 123456.7891 12345678901.25 2026-01-02 03:04:05.123456"
			if mode == "append" || mode == "upsert" {
				want = "1 2 old 3.1400 5.00 2020-01-01 00:00:00.125\n" + want
			}
			if got := f.rows("SELECT id, small, name, price::text, exact::text, at::text FROM narrow ORDER BY id"); got != want {
				t.Errorf("records: %q", got)
			}
			if got := f.rows("SELECT has_table_privilege('public', 'narrow', 'SELECT')"); got != "true" {
				t.Error("the grant is gone")
			}
		})
	}
}

// TestWidenFails: what depends on a column, and who may not change it, is said before anything is written; a load that
// fails leaves the columns as they were.
func TestWidenFails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.file("wide.csv", wideRecords)
	f.file("twice.csv", "id,small,name,price,exact,at\n1,1,a,1,1,2026-01-01T00:00:00\n1,1,a,1,1,2026-01-01T00:00:00\n")
	f.exec(narrowTable)
	f.exec("CREATE UNIQUE INDEX ON narrow (id)")
	f.exec("CREATE VIEW seen AS SELECT id FROM narrow")
	to := `{"connection": "warehouse", "table": "narrow", "mode": "append", "noFit": "widen"}`
	e := flows.AsError(f.flow("file.input", wideFile, "database.output", to).err)
	if e == nil || e.Code != "database.widen_view" || !strings.Contains(e.Message, "seen") || !strings.Contains(e.Suggestion, "ALTER TABLE") {
		t.Errorf("a view: %v", e)
	}
	f.exec("DROP VIEW seen")
	e = flows.AsError(f.flow("file.input", strings.Replace(wideFile, "wide.csv", "twice.csv", 1), "database.output", to).err)
	if e == nil || e.Code != "database.unique" {
		t.Errorf("a duplicate: %v", e)
	}
	role := "writer_of_" + f.rows("SELECT current_database()")
	f.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'writer'")
	f.exec("GRANT ALL ON narrow, spark_commit TO " + role)
	f.connections["writer"] = spec(t, f.url, map[string]any{"user": role, "password": "writer"})
	e = flows.AsError(f.flow("file.input", wideFile, "database.output", strings.Replace(to, "warehouse", "writer", 1)).err)
	if e == nil || e.Code != "database.no_right" || !strings.Contains(e.Message, "only the owner") {
		t.Errorf("no owner: %v", e)
	}
	if got := f.rows("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'narrow'::regclass AND attname = 'id'"); got != "integer" {
		t.Errorf("id is now %s", got)
	}
	f.exec("CREATE TABLE kept (id bigint, small bigint, name char(5), price numeric(12,4), exact numeric(13,2), at timestamp)")
	e = flows.AsError(f.flow("file.input", wideFile, "database.output", strings.Replace(to, "narrow", "kept", 1)).err)
	if e == nil || e.Code != "database.too_long" {
		t.Errorf("char(5) is not widened, because its blanks would change: %v", e)
	}
}
