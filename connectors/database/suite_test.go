package database_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	_ "spark/connectors/all"
	"spark/flows"
	"spark/flows/engine"
	"spark/flows/engine/duckdb"
	"spark/flows/node"
	"spark/flows/plan"
	_ "spark/flows/transform/all"
	"spark/internal/testserver"
)

// The conformance suite: whatever a database is, the node types Database Input and Database Output do the same there.
// What is peculiar to one stands beside its connector.

func TestMain(m *testing.M) { testserver.Main(m) }

// system is a database server that the suite runs against.
type system struct {
	name, connection string // id of the connection type
	create           func(testing.TB) string
	own              func(testing.TB) (url string, restart func())
	open             func(url string) (*sql.DB, error)
	// What is written differently.
	text     string // type of texts of any length
	short    string // a text of up to five characters
	lock     []string
	unlock   string
	sleep    string // a query that takes four seconds
	commits  string // the table of commits, before a load has made it
	cuts     map[string]cut
	inserted string // text of a statement that only a load sends
}

// systems are all that there are.
var systems = []system{
	{
		name: "PostgreSQL", connection: "postgres", create: testserver.PostgreSQL,
		own: func(t testing.TB) (string, func()) {
			o := testserver.OwnPostgreSQL(t)
			return o.URL, o.Restart
		},
		open: func(url string) (*sql.DB, error) { return sql.Open("pgx", url) },
		text: "text", short: "varchar(5)", lock: []string{"BEGIN", "LOCK TABLE products IN ACCESS EXCLUSIVE MODE"}, unlock: "ROLLBACK", sleep: "SELECT 1 AS n FROM pg_sleep(4)",
		commits: "CREATE TABLE spark_commit (run text NOT NULL, node text NOT NULL, epoch bigint NOT NULL, attempt bigint NOT NULL, fence bigint NOT NULL, records bigint NOT NULL, offsets jsonb NOT NULL, committed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (run, node))",
		cuts: map[string]cut{
			"before the load":             {"COPY ", false, "database.lost"},
			"in the answer to the load":   {"COPY ", true, "database.lost"},
			"before the record":           {"INSERT INTO \"public\".\"spark_commit\"", false, "database.lost"},
			"before the commit":           {"COMMIT", false, "database.lost"},
			"in the answer to the commit": {"COMMIT", true, ""},
		},
	},
	{
		name: "MariaDB", connection: "mysql", create: testserver.MariaDB,
		own: func(t testing.TB) (string, func()) {
			o := testserver.OwnMariaDB(t)
			return o.URL, o.Restart
		},
		open: testserver.OpenMariaDB,
		text: "longtext", short: "varchar(5)", lock: []string{"LOCK TABLES products WRITE"}, unlock: "UNLOCK TABLES", sleep: "SELECT SLEEP(4) AS n",
		commits: "CREATE TABLE spark_commit (run varchar(512) NOT NULL, node varchar(255) NOT NULL, epoch bigint NOT NULL, attempt bigint NOT NULL, fence bigint NOT NULL, records bigint NOT NULL, offsets longtext NOT NULL, committed_at datetime(6) NOT NULL, PRIMARY KEY (run, node)) ENGINE = InnoDB COLLATE utf8mb4_bin",
		cuts: map[string]cut{
			"before the load":             {"LOAD DATA", false, "database.lost"},
			"in the answer to the load":   {"LOAD DATA", true, "database.lost"},
			"before the warnings":         {"SHOW COUNT(*) WARNINGS", false, "database.lost"},
			"before the record":           {"ON DUPLICATE KEY UPDATE epoch", false, "database.lost"},
			"in the answer to the record": {"UPDATE `", true, "database.lost"},
			"before the commit":           {"COMMIT", false, "database.lost"},
			"in the answer to the commit": {"COMMIT", true, ""},
		},
	},
}

// behind is a system that is reached through something that stands in front of it.
func behind(s system, name string, reached func(t testing.TB, url string) string) system {
	create, own := s.create, s.own
	s.name += " behind " + name
	s.create = func(t testing.TB) string { return reached(t, create(t)) }
	s.own = func(t testing.TB) (string, func()) {
		url, restart := own(t)
		return reached(t, url), restart
	}
	return s
}

// cut says where a connection is cut: before the server gets a text, or before the client gets the answer to it.
type cut struct {
	text  string
	after bool
	code  string // "": the run succeeds
}

// pooled is a server behind a pool that keeps sessions.
var pooled = behind(systems[0], "PgBouncer", func(t testing.TB, url string) string { return testserver.PgBouncer(t, url, "session") })

// each runs a test against every system, and behind a pool.
func each(t *testing.T, test func(t *testing.T, s system)) {
	t.Helper()
	against(t, append(slices.Clip(systems), pooled), test)
}

// direct runs a test that takes long against every system.
func direct(t *testing.T, test func(t *testing.T, s system)) {
	t.Helper()
	against(t, systems, test)
}

func against(t *testing.T, systems []system, test func(t *testing.T, s system)) {
	t.Helper()
	t.Parallel()
	for _, s := range systems {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// fixture is a database of its own, reached as the connection "warehouse", and a data folder.
type fixture struct {
	t           *testing.T
	s           system
	url         string
	db          *sql.DB
	folder      string
	connections node.ConnectionSet
	run         int
}

func newFixture(t *testing.T, s system) *fixture {
	t.Helper()
	return fixtureAt(t, s, s.create(t))
}

func fixtureAt(t *testing.T, s system, address string) *fixture {
	t.Helper()
	f := &fixture{t: t, s: s, url: address, folder: t.TempDir()}
	var err error
	if f.db, err = s.open(f.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.db.Close() })
	f.connections = node.ConnectionSet{"warehouse": f.spec(nil)}
	return f
}

// spec makes a connection of the fixture's database; settings overrule.
func (f *fixture) spec(settings map[string]any) node.ConnectionSpec {
	f.t.Helper()
	u, err := url.Parse(f.url)
	if err != nil {
		f.t.Fatal(err)
	}
	password, _ := u.User.Password()
	all := map[string]any{"host": u.Hostname(), "port": json.Number(u.Port()), "database": strings.Trim(u.Path, "/"), "user": u.User.Username(), "password": password, "tls": "disable"}
	for k, v := range settings {
		all[k] = v
	}
	b, err := json.Marshal(all)
	if err != nil {
		f.t.Fatal(err)
	}
	return node.ConnectionSpec{Type: f.s.connection, Settings: b}
}

func (f *fixture) exec(sql string) {
	f.t.Helper()
	if _, err := f.db.ExecContext(f.t.Context(), sql); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
}

// rows reads a query as one text per record.
func (f *fixture) rows(sql string) string {
	f.t.Helper()
	rows, err := f.db.QueryContext(f.t.Context(), sql)
	if err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		f.t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		values, to := make([]*string, len(names)), make([]any, len(names))
		for i := range values {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			f.t.Fatalf("%s: %v", sql, err)
		}
		parts := make([]string, len(names))
		for i, v := range values {
			if parts[i] = "null"; v != nil {
				parts[i] = *v
			}
		}
		lines = append(lines, strings.Join(parts, " "))
	}
	if err := rows.Err(); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
	return strings.Join(lines, "\n")
}

func (f *fixture) file(name, content string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.folder, name), []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
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

// outcome is the end of a run.
type outcome struct {
	nodes    map[string]flows.NodeStatus
	rejects  []node.Reject
	warnings []*flows.Error
	err      error
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

// productsOf reads another file of the same fields.
func productsOf(file string) string { return strings.Replace(products, "products.csv", file, 1) }

func output(mode, more string) string {
	return fmt.Sprintf(`{"connection": "warehouse", "table": "products", "mode": %q%s}`, mode, more)
}
