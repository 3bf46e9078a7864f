package postgres_test

import (
	"strings"
	"testing"

	"spark/flows"
)

// TestNUL: a text with a NUL character, which PostgreSQL cannot hold, is refused where it is read; one that is written as
// an escape in JSON, which a column of jsonb cannot hold, fails the load and names the record.
func TestNUL(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.file("products.csv", "id,name,price\n1,fine,1\n2,a\x00b,2\n")
	o := f.flow("file.input", products, "database.output", output("append", "")).ok(t)
	if len(o.rejects) != 1 || o.rejects[0].Record != 2 || !strings.Contains(o.rejects[0].Reason, "NUL") || f.rows("SELECT id FROM products") != "1" {
		t.Errorf("rejects %+v, records %s", o.rejects, f.rows("SELECT id FROM products"))
	}
	f.exec("CREATE TABLE documents (id bigint, body jsonb)")
	f.file("documents.csv", "id,body\n1,{}\n2,\"{\"\"a\"\": \"\"\\u0000\"\"}\"\n")
	o = f.flow("file.input", `{"path": "documents.csv", "fields": [{"name": "id", "type": "int64"}, {"name": "body", "type": "json"}]}`,
		"database.output", `{"connection": "warehouse", "table": "documents", "mode": "append"}`)
	e := flows.AsError(o.err)
	if e == nil || e.Code != "database.nul" || e.Path.Record != 2 || e.Suggestion == "" || f.rows("SELECT count(*) FROM documents") != "0" {
		t.Errorf("%+v", e)
	}
}
