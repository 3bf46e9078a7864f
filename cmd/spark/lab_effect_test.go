package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"spark/flows"
	"spark/flows/node"
	"spark/internal/testserver"
)

// TestQuestionsHaveNoEffect: whatever is asked about the examples of every node type (each kind of preview of each node, the
// check, how to read its files), neither the data folder nor the database changes, and no API is called: previews read what was
// fetched of it.
func TestQuestionsHaveNoEffect(t *testing.T) {
	t.Parallel()
	p := setup(t)
	address := testserver.PostgreSQL(t)
	conn := quiet(t, address)
	c := conn.Config()
	settings, err := json.Marshal(map[string]any{"host": c.Host, "port": c.Port, "database": c.Database, "user": c.User, "password": c.Password, "tls": "disable"})
	must(t, err)
	var called atomic.Int64
	api := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called.Add(1) }))
	t.Cleanup(api.Close)
	l, err := newLab([]string{p.data}, knownConnections{"warehouse": {Type: "postgres", Settings: settings}, "shop": {Type: "http", Settings: json.RawMessage(`{"baseUrl": "` + api.URL + `"}`)}}, nil)
	must(t, err)
	l.Answers = fetched(`{"data": {"items": [{"id": 1, "name": "Bolt", "price": 0.25}]}, "next": "c2"}`)
	t.Cleanup(l.Close)
	looked, sinks := 0, 0
	for _, ty := range node.Types() {
		names, err := fs.Glob(ty.Files, "examples/*")
		must(t, err)
		var documents []*flows.Flow
		for _, name := range names {
			text, err := fs.ReadFile(ty.Files, name)
			must(t, err)
			switch {
			case path.Base(name) == "setup.sql":
				must(t, execute(t, conn, "DROP SCHEMA IF EXISTS sales CASCADE; "+string(text)))
			case path.Ext(name) == ".json":
				f, err := flows.ParseFlow(text)
				must(t, err)
				documents = append(documents, f)
			default:
				p.write(path.Base(name), string(text))
			}
		}
		for _, f := range documents {
			before := folderOf(t, p.data) + databaseOf(t, conn)
			if _, err := l.Check(t.Context(), flows.LocalScope, f, "", nil); err != nil {
				t.Fatal(err)
			}
			for _, n := range f.Nodes {
				for _, mode := range []flows.SampleMode{{Mode: flows.SampleFirst}, {Mode: flows.SampleRandom}} {
					v, err := l.Preview(t.Context(), flows.LocalScope, flows.PreviewRequest{Document: f, Flow: "drawn", Node: n.ID, Limit: 50, Samples: map[string]flows.SampleMode{f.Nodes[0].ID: mode}})
					must(t, err)
					if v.Problems.Failed() && !node.Waits(v.Problems) { // there are no secrets in previews
						t.Errorf("%s, %s: %v", f.Name, n.ID, v.Problems)
					}
					looked++
					if len(v.Inputs) > 0 && len(v.Outputs) == 0 {
						sinks++
					}
				}
			}
			if after := folderOf(t, p.data) + databaseOf(t, conn); after != before {
				t.Errorf("%s of %s: before\n%s\nafter\n%s", f.Name, ty.ID, before, after)
			}
		}
	}
	before := folderOf(t, p.data)
	for line := range strings.Lines(before) {
		if _, err := l.Inspect(t.Context(), flows.LocalScope, strings.Fields(line)[0]); err != nil {
			t.Errorf("inspecting %s: %v", line, err)
		}
	}
	if after := folderOf(t, p.data); after != before {
		t.Errorf("inspected: before\n%s\nafter\n%s", before, after)
	}
	if called.Load() > 0 {
		t.Errorf("the API was called %d times", called.Load())
	}
	if looked < 200 || sinks < 40 {
		t.Errorf("%d previews, %d of them of outputs: too few to prove anything", looked, sinks)
	}
}

// fetched is what every API has answered.
type fetched string

func (f fetched) Of(_ context.Context, _ flows.Scope, _ string, nodes []string) (list []flows.Answer, _ error) {
	for _, n := range nodes {
		list = append(list, flows.Answer{Node: n, Status: http.StatusOK, Body: string(f)})
	}
	return list, nil
}

func (f fetched) Put(_ context.Context, _ flows.Scope, _ string, a flows.Answer) (flows.Answer, error) {
	return a, nil
}

// folderOf lists the files of a folder with all that could change of them.
func folderOf(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(at string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(at)
		rel, _ := filepath.Rel(dir, at)
		fmt.Fprintf(&b, "%s %d %s %q\n", rel, info.Size(), info.ModTime(), text)
		return err
	}))
	return b.String()
}

// databaseOf writes all relations of a database, with their records and the version of each.
func databaseOf(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT c.oid::regclass::text, c.relkind::text, c.relfilenode::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%' ORDER BY 1`)
	must(t, err)
	relations, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r [3]string, err error) {
		err = row.Scan(&r[0], &r[1], &r[2])
		return r, err
	})
	must(t, err)
	var b strings.Builder
	for _, r := range relations {
		fmt.Fprintln(&b, r)
		if r[1] != "r" {
			continue
		}
		var text *string
		must(t, conn.QueryRow(t.Context(), "SELECT string_agg(concat(ctid, xmin, t), E'\\n' ORDER BY ctid) FROM "+r[0]+" t").Scan(&text))
		if text != nil {
			b.WriteString(*text)
		}
	}
	return b.String()
}
