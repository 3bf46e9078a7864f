package database_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/internal/testserver"
)

func maria() system { return systems[1] }

func (f *fixture) datasets() node.Datasets {
	return node.Datasets{Context: f.t.Context(), Connections: f.connections}
}

func selectQuery(sql string) node.Select { return node.Select{Query: sql} }

// warned runs a load and returns the codes of what it told.
func (f *fixture) warned(nodes ...string) (o outcome, codes string) {
	var list []string
	o = f.runFlow(engine.Env{Warn: func(e *flows.Error) { list = append(list, e.Code) }}, nodes...)
	return o, strings.Join(list, " ")
}

// TestNoLocalInfile: where the server does not allow LOAD DATA LOCAL, INSERT takes its place, which is told; every
// failure still names its record.
func TestNoLocalInfile(t *testing.T) {
	t.Parallel()
	own := testserver.OwnMariaDB(t, "--local-infile=0")
	f := fixtureAt(t, maria(), own.URL)
	f.exec("CREATE TABLE products (id bigint PRIMARY KEY, name varchar(40), price decimal(10,2))")
	var b strings.Builder
	b.WriteString("id,name,price\n")
	for i := range 60_000 {
		fmt.Fprintf(&b, "%d,product of the number %d,1.5\n", i, i)
	}
	f.file("products.csv", b.String())
	o, told := f.warned("file.input", products, "database.output", output("append", ""))
	o.ok(t)
	if told != "database.no_local_infile" || f.rows("SELECT count(*), sum(id) FROM products") != "60000 1799970000" {
		t.Errorf("told %q, %s", told, f.rows("SELECT count(*), sum(id) FROM products"))
	}
	o, _ = f.warned("file.input", products, "database.output", output("upsert", `, "key": ["id"]`))
	if got := *o.ok(t).nodes["n2"].Changes; got != (flows.Changes{Unchanged: 60_000}) {
		t.Errorf("%+v", got)
	}
	for name, bad := range map[string]string{"database.unique": "49999,x,1\n", "database.too_long": "90000," + strings.Repeat("x", 41) + ",1\n"} {
		f.exec("DELETE FROM products")
		f.file("products.csv", strings.Replace(b.String(), "50000,product of the number 50000,1.5\n", bad, 1))
		o, _ = f.warned("file.input", products, "database.output", output("append", ""))
		if e := flows.AsError(o.err); e == nil || e.Code != name || e.Path.Record != 50_001 || f.rows("SELECT count(*) FROM products") != "0" {
			t.Errorf("%+v, %s records stay", e, f.rows("SELECT count(*) FROM products"))
		}
	}
}

// TestMariaBadLoads: what is peculiar to MySQL is refused with a sentence.
func TestMariaBadLoads(t *testing.T) {
	t.Parallel()
	f := newFixture(t, maria())
	f.exec("CREATE TABLE old (id bigint PRIMARY KEY, name text, price decimal(10,2)) ENGINE = MyISAM")
	f.exec("CREATE TABLE products (id bigint, name text, price decimal(10,2))")
	f.exec("CREATE VIEW seen AS SELECT * FROM products")
	f.exec("CREATE TABLE latin (id bigint, name varchar(20) CHARACTER SET latin1, price decimal(10,2))")
	f.exec("CREATE TABLE natural_numbers (id int unsigned, name text, price decimal(10,2) unsigned)")
	f.exec("CREATE TABLE places (id bigint, name text, price decimal(10,2), at point)")
	f.exec("CREATE TABLE coarse (id bigint, at datetime(3))")
	f.file("products.csv", "id,name,price\n1,a,1\n2,漢,2\n-3,c,-1\n")
	f.file("times.csv", "id,at\n1,2026-01-01T00:00:00\n")
	for name, test := range map[string]struct {
		output, code string
		record       int64
	}{
		"no transactions":     {`{"connection": "warehouse", "table": "old", "mode": "append"}`, "database.engine", 0},
		"view":                {`{"connection": "warehouse", "table": "seen", "mode": "append"}`, "database.view", 0},
		"character set":       {`{"connection": "warehouse", "table": "latin", "mode": "append"}`, "database.value", 2},
		"negative":            {`{"connection": "warehouse", "table": "natural_numbers", "mode": "append"}`, "database.too_large", 3},
		"key that is a text":  {`{"connection": "warehouse", "table": "products", "mode": "update", "key": ["name"]}`, "database.key_type", 0},
		"DDL before":          {`{"connection": "warehouse", "table": "products", "mode": "append", "beforeSQL": "truncate table products"}`, "database.own_sql", 0},
		"DDL behind comments": {`{"connection": "warehouse", "table": "products", "mode": "append", "afterSQL": "/* select */ -- x\n create table x (a int)"}`, "database.own_sql", 0},
		"hidden DDL":          {`{"connection": "warehouse", "table": "products", "mode": "append", "afterSQL": "select 1 /*! into outfile '/tmp/x' */"}`, "database.own_sql", 0},
		"commit":              {`{"connection": "warehouse", "table": "products", "mode": "append", "afterSQL": "commit"}`, "database.own_sql", 0},
		"two statements":      {`{"connection": "warehouse", "table": "products", "mode": "append", "afterSQL": "select 1; commit"}`, "database.query", 0},
	} {
		t.Run(name, func(t *testing.T) {
			o := f.flow("file.input", products, "database.output", test.output)
			if e := flows.AsError(o.err); e == nil || e.Code != test.code || e.Suggestion == "" || e.Path.Node != "n2" || e.Path.Record != test.record {
				t.Errorf("%+v", e)
			}
			if got := f.rows("SELECT (SELECT count(*) FROM old) + (SELECT count(*) FROM products) + (SELECT count(*) FROM latin) + (SELECT count(*) FROM natural_numbers)"); got != "0" {
				t.Errorf("%s records stay", got)
			}
		})
	}
	o := f.flow("file.input", `{"path": "times.csv", "fields": [{"name": "id", "type": "int64"}, {"name": "at", "type": "timestamp"}]}`, "database.output", `{"connection": "warehouse", "table": "coarse", "mode": "append"}`)
	if e := flows.AsError(o.err); e == nil || e.Code != "database.type" || !strings.Contains(e.Suggestion, "datetime(6)") {
		t.Errorf("milliseconds: %+v", e)
	}
	o = f.flow("database.input", `{"connection": "warehouse", "from": "table", "table": "places"}`, "file.output", `{"path": "out.csv"}`)
	e := flows.AsError(o.err)
	if ps, ok := errors.AsType[flows.Problems](o.err); ok {
		e = ps[0]
	}
	if e == nil || e.Code != "database.column_type" || !strings.Contains(e.Message, `"at" is point`) || !strings.Contains(e.Suggestion, "ST_AsText") {
		t.Errorf("geometry: %+v", e)
	}
}

// TestMariaAlters: a missing column is added and a small one widened before the load, which is told; nothing that is there
// changes, and a load that fails leaves the table able to take the next one.
func TestMariaAlters(t *testing.T) {
	t.Parallel()
	f := newFixture(t, maria())
	f.exec("CREATE TABLE products (id smallint unsigned NOT NULL, name varchar(5) CHARACTER SET latin1)")
	f.exec("INSERT INTO products VALUES (65535, 'é')")
	f.file("products.csv", "id,name,price\n-5000000000,longer than five,1.5\n,x,2\n")
	o, told := f.warned("file.input", products, "database.output", output("append", `, "noColumn": "create", "noFit": "widen"`))
	if e := flows.AsError(o.err); e == nil || e.Code != "database.constraint" || e.Path.Record != 2 {
		t.Errorf("%+v", e)
	}
	for _, code := range []string{"database.widened", "database.added"} {
		if !strings.Contains(told, code) {
			t.Errorf("told %q", told)
		}
	}
	f.file("products.csv", "id,name,price\n-5000000000,longer than five,1.5\n")
	o, told = f.warned("file.input", products, "database.output", output("append", `, "noColumn": "create", "noFit": "widen"`))
	if o.ok(t); told != "" || f.rows("SELECT * FROM products ORDER BY id") != "-5000000000 longer than five 1.50\n65535 é null" {
		t.Errorf("told %q: %s", told, f.rows("SELECT * FROM products ORDER BY id"))
	}
}

// contended is a table of products, a file that changes some of them, and what somebody else does on a connection.
func contended(t *testing.T) (f *fixture, do func(sql string)) {
	t.Helper()
	f = newFixture(t, maria())
	f.exec("CREATE TABLE products (id bigint PRIMARY KEY, name varchar(20), price decimal(10,2))")
	f.exec("INSERT INTO products WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 100) SELECT seq, 'old', 1 FROM n")
	f.exec("CREATE TABLE before_load (n int AUTO_INCREMENT PRIMARY KEY)")
	f.file("products.csv", "id,name,price\n1,new,1\n2,new,1\n101,new,1\n")
	other, err := f.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	return f, func(sql string) {
		t.Helper()
		if _, err := other.ExecContext(t.Context(), sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// TestLockWait: a merge that has waited too long lets go of what it holds and begins again; where others never end, or the records
// are gone, the error names the table and the setting.
func TestLockWait(t *testing.T) {
	t.Parallel()
	f, do := contended(t)
	load := func(mode, more string) outcome {
		return f.flow("file.input", products, "database.output", output(mode, `, "lockTimeout": 1`+more))
	}
	const key = `, "key": ["id"], "beforeSQL": "insert into before_load values ()"`
	do("BEGIN")
	do("UPDATE products SET price = 2 WHERE id = 2")
	done := make(chan outcome, 1)
	go func() { done <- load("upsert", key) }()
	waits := map[string]bool{}
	for len(waits) < 2 { // two transactions have waited
		select {
		case o := <-done:
			t.Fatalf("it was tried once: %+v", o)
		case <-time.After(200 * time.Millisecond):
		}
		if id := f.rows("SELECT MAX(w.requesting_trx_id) FROM information_schema.INNODB_LOCK_WAITS w JOIN information_schema.INNODB_LOCKS l ON l.lock_id = w.blocking_lock_id WHERE l.lock_table LIKE '%products%' AND l.lock_table LIKE CONCAT('%', DATABASE(), '%')"); strings.Trim(id, "0123456789") == "" && id != "" {
			waits[id] = true
		}
	}
	do("COMMIT")
	o := <-done
	o.ok(t)
	if got := f.rows("SELECT COUNT(*), SUM(name = 'new'), SUM(price) FROM products"); got != "101 3 101.00" || *o.nodes["n2"].Changes != (flows.Changes{Inserted: 1, Updated: 2}) {
		t.Errorf("%s, %+v", got, o.nodes["n2"].Changes)
	}
	if got := f.rows("SELECT COUNT(*) FROM before_load"); got != "1" {
		t.Errorf("what comes before the load is there %s times", got)
	}
	for mode, more := range map[string]string{"upsert": key, "append": ""} {
		do("LOCK TABLES products READ")
		e := flows.AsError(load(mode, more).err)
		if e == nil || e.Code != "database.locked" || e.Path.Field != "lockTimeout" || !strings.Contains(e.Message, "products") || !strings.Contains(e.Message, "more than 1 seconds") || !strings.Contains(e.Suggestion, "Wait for locks") {
			t.Errorf("%s: %+v", mode, e)
		}
		do("UNLOCK TABLES")
	}
	if got := f.rows("SELECT COUNT(*) FROM before_load"); got != "1" {
		t.Errorf("a load that failed has left what comes before it: %s", got)
	}
}

// TestDeadlock: a merge that the server rolls back for a deadlock is repeated, from its beginning.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	f, do := contended(t)
	do("BEGIN")
	do("UPDATE products SET price = 2 WHERE id > 1") // the load has changed less, and is the victim
	done := make(chan outcome, 1)
	go func() {
		done <- f.flow("file.input", products, "database.output", output("upsert", `, "key": ["id"], "beforeSQL": "insert into before_load values ()"`))
	}()
	for f.rows("SELECT COUNT(*) FROM information_schema.INNODB_LOCK_WAITS w JOIN information_schema.INNODB_LOCKS l ON l.lock_id = w.blocking_lock_id WHERE l.lock_table LIKE '%products%' AND l.lock_table LIKE CONCAT('%', DATABASE(), '%')") == "0" {
		select {
		case o := <-done:
			t.Fatalf("it waits for nobody: %+v", o)
		case <-time.After(200 * time.Millisecond): // the server renews the list only when nobody has looked at it for 100 ms
		}
	}
	before := f.rows("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'INNODB_DEADLOCKS'")
	do("UPDATE products SET price = 3 WHERE id = 1")
	do("COMMIT")
	o := <-done
	o.ok(t)
	if after := f.rows("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'INNODB_DEADLOCKS'"); after == before {
		t.Error("there was no deadlock")
	}
	if got := f.rows("SELECT COUNT(*), SUM(name = 'new'), SUM(price) FROM products"); got != "101 3 199.00" || *o.nodes["n2"].Changes != (flows.Changes{Inserted: 1, Updated: 2}) {
		t.Errorf("%s, %+v", got, o.nodes["n2"].Changes)
	}
	if got := f.rows("SELECT COUNT(*) FROM before_load"); got != "1" {
		t.Errorf("what comes before the load is there %s times", got)
	}
}

// TestMariaNames: names that MySQL cannot have are refused with what to do.
func TestMariaNames(t *testing.T) {
	t.Parallel()
	f := newFixture(t, maria())
	for field, table := range map[string]string{"smile 😀": "t", "blank ": "t", strings.Repeat("x", 65): "t", "id": "`t😀`"} {
		f.file("in.csv", csvLine(field)+"1\n")
		in := fmt.Sprintf(`{"path": "in.csv", "fields": [{"name": %q, "type": "int64"}]}`, field)
		err := flows.AsError(f.flow("file.input", in, "database.output", fmt.Sprintf(`{"connection": "warehouse", "table": %q, "mode": "append", "create": true}`, table)).err)
		if err == nil || err.Code != "database.name" && err.Code != "database.table_name" || !strings.Contains(err.Error(), "U+FFFF") {
			t.Errorf("%q in %s: %v", field, table, err)
		}
	}
	if got := f.rows("SHOW TABLES"); got != "" && got != "spark_commit" {
		t.Errorf("made: %s", got)
	}
}
