package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	_ "spark/connectors/all"
	"spark/flows"
	"spark/flows/engine"
	"spark/flows/engine/duckdb"
	"spark/flows/node"
	"spark/flows/plan"
	_ "spark/flows/transform/all"
	"spark/internal/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// fixture is a database of its own, reached as the connection "warehouse", and a data folder.
type fixture struct {
	t           *testing.T
	url         string
	conn        *pgx.Conn
	folder      string
	connections node.ConnectionSet
	run         int
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, url: testserver.PostgreSQL(t), folder: t.TempDir()}
	conn, err := pgx.Connect(t.Context(), f.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	f.conn, f.connections = conn, node.ConnectionSet{"warehouse": spec(t, f.url, nil)}
	return f
}

// spec makes a connection of a URL; settings overrule.
func spec(t *testing.T, address string, settings map[string]any) node.ConnectionSpec {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	port := json.Number(u.Port())
	all := map[string]any{"host": u.Hostname(), "port": port, "database": strings.Trim(u.Path, "/"), "user": u.User.Username(), "password": password, "tls": "disable"}
	for k, v := range settings {
		all[k] = v
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return node.ConnectionSpec{Type: "postgres", Settings: b}
}

func (f *fixture) exec(sql string, args ...any) {
	f.t.Helper()
	if _, err := f.conn.Exec(f.t.Context(), sql, args...); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
}

// rows reads a query as one text per record.
func (f *fixture) rows(sql string) string {
	f.t.Helper()
	rows, err := f.conn.Query(f.t.Context(), sql)
	if err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (string, error) {
		values, err := r.Values()
		return strings.Trim(fmt.Sprint(values), "[]"), err
	})
	if err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
	return strings.Join(list, "\n")
}

func (f *fixture) file(name, content string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.folder, name), []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// outcome is the end of a run.
type outcome struct {
	nodes   map[string]flows.NodeStatus
	rejects []node.Reject
	err     error
}

// flow runs nodes in a row: each is its type and its config as JSON.
func (f *fixture) flow(nodes ...string) outcome {
	f.t.Helper()
	return f.runFlow(engine.Env{}, nodes...)
}

func (f *fixture) runFlow(env engine.Env, nodes ...string) (o outcome) {
	f.t.Helper()
	doc := &flows.Flow{Format: flows.Format, Name: f.t.Name()}
	for i := 0; i < len(nodes); i += 2 {
		id := fmt.Sprintf("n%d", i/2+1)
		doc.Nodes = append(doc.Nodes, flows.Node{ID: id, Type: nodes[i], Version: 1, Config: json.RawMessage(nodes[i+1]), Rejects: flows.RejectStore})
		if i > 0 {
			doc.Edges = append(doc.Edges, flows.Edge{From: flows.Endpoint{Node: fmt.Sprintf("n%d", i/2), Port: "out"}, To: flows.Endpoint{Node: id, Port: "in"}})
		}
	}
	files, err := node.OpenFiles(node.LocationEnv{Folders: []string{f.folder}})
	if err != nil {
		f.t.Fatal(err)
	}
	e := &duckdb.Engine{Folders: []string{f.folder}, Files: files}
	p, ps := plan.Compile(doc, plan.Options{Lookup: node.Looking(e, node.Datasets{Context: f.t.Context(), Connections: f.connections}), Engines: []plan.Engine{e}})
	if ps.Failed() {
		return outcome{err: ps}
	}
	f.run++
	env.Files, env.Connections, env.Temp, env.Threads = files, f.connections, f.t.TempDir(), 2
	if env.Token.Run == "" {
		env.Token = node.Token{Run: fmt.Sprintf("%s/%d", f.t.Name(), f.run), Attempt: 1, Epoch: 1, Fence: int64(f.run), Flow: env.Token.Flow}
	}
	env.Reject = func(r node.Reject) error { o.rejects = append(o.rejects, r); return nil }
	statuses, err := e.Run(f.t.Context(), p, env)
	o.err, o.nodes = err, map[string]flows.NodeStatus{}
	for _, s := range statuses {
		o.nodes[s.Node] = s
	}
	return o
}

func (o outcome) ok(t *testing.T) outcome {
	t.Helper()
	if o.err != nil {
		t.Fatal(o.err)
	}
	return o
}

const products = `{"path": "products.csv", "fields": [{"name": "id", "type": "int64"}, {"name": "name", "type": "text"}, {"name": "price", "type": "decimal(10,2)"}]}`

func output(mode, more string) string {
	return fmt.Sprintf(`{"connection": "warehouse", "table": "products", "mode": %q%s}`, mode, more)
}

// TestColumns: name, type, what is null and what is of the key, of tables and views whatever they are called.
func TestColumns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE DOMAIN short AS varchar(8)`)
	f.exec(`CREATE TABLE "Odd Orders" (shop int, id bigint, "Total ""net""" numeric(10,2) NOT NULL, code short, at timestamptz, place point, gone text, PRIMARY KEY (id, shop))`)
	f.exec(`ALTER TABLE "Odd Orders" DROP COLUMN gone`)
	f.exec(`CREATE VIEW seen AS SELECT id FROM "Odd Orders"`)
	columns := func(table string) string {
		list, err := node.Datasets{Context: t.Context(), Connections: f.connections}.Columns("warehouse", table)
		if err != nil {
			return flows.AsError(err).Code
		}
		var b strings.Builder
		for _, c := range list {
			fmt.Fprintf(&b, "%s: %s as %s, null %t, key %t\n", c.Name, c.Type, c.Field, c.Nullable, c.Key)
		}
		return b.String()
	}
	for table, want := range map[string]string{
		`public."Odd Orders"`: "shop: integer as int32, null false, key true\nid: bigint as int64, null false, key true\nTotal \"net\": numeric(10,2) as decimal(10,2), null false, key false\n" +
			"code: short as text, null true, key false\nat: timestamp with time zone as timestamptz, null true, key false\nplace: point as text, null true, key false\n",
		"seen":       "id: bigint as int64, null true, key false\n",
		"missing":    "database.no_table",
		"a.b.c":      "database.table_name",
		"nowhere.at": "database.no_table",
	} {
		if got := columns(table); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", table, got, want)
		}
	}
}
