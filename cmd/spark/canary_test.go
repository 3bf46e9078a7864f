package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"spark/flows"
	"spark/internal/testserver"
)

// TestSecretCanaries plants secrets, does everything that the API can do, failures included, and kills the server in the
// middle: afterwards no secret stands in an answer, a message of a socket, the log, the metadata, a file, or the arguments
// and the environment of an executor, as it is or encoded.
func TestSecretCanaries(t *testing.T) {
	t.Parallel()
	k := newCanaryServer(t)
	k.connections()
	k.apis()
	k.grants()
	good := k.flow(k.reading("SELECT i AS id, 'x' AS name FROM generate_series(1, 1000) i"), `{}`)
	writing := k.flow(chain(step("in", "sample.data", `{"dataset":"orders","records":1000}`), step("out", "database.output", `{"connection":"warehouse","table":"orders","mode":"replace"}`)), `{}`)
	ended := []flows.Run{k.watched(good, flows.RunSucceeded), k.watched(writing, flows.RunSucceeded)}
	ended = append(ended, k.mysql()...)
	for name, doc := range map[string]string{
		"a wrong password":               strings.Replace(k.reading("SELECT 1 AS id"), "warehouse", "wrong", 1),
		"a host that is down":            strings.Replace(k.reading("SELECT 1 AS id"), "warehouse", "down", 1),
		"a connection that is cut":       strings.Replace(k.reading("SELECT 1 AS id"), "warehouse", "cut", 1),
		"refused SQL":                    k.reading("SELECT nothing FROM nowhere"),
		"a connection that is not there": strings.Replace(k.reading("SELECT 1 AS id"), "warehouse", "gone", 1),
	} {
		flow := k.flow(doc, `{}`)
		body, err := json.Marshal(map[string]string{"flow": flow})
		must(t, err)
		if code, b := k.probe(k.serving, http.MethodPost, "/api/v1/runs", string(body)); code < 300 { // else it was refused before
			var r flows.Run
			must(t, json.Unmarshal(b, &r))
			if r = k.until(name, r.ID, runTime, over); r.State != flows.RunFailed {
				t.Errorf("%s: the run ended as %s", name, r.State)
			}
			ended = append(ended, r)
		}
		k.lab(doc)
	}
	k.everyRoute(map[string]string{"flows": good, "runs": ended[0].ID, "connections": k.ids["warehouse"]})
	for _, r := range ended {
		for _, what := range []string{"", "/samples", "/rejects", "/log"} {
			k.probe(k.serving, http.MethodGet, "/api/v1/runs/"+r.ID+what, "")
		}
	}
	k.killed()
	k.command()
	k.folder(k.base)
	t.Logf("looked at %d MB for %d secrets in %d forms", k.looked>>20, len(k.forms), len(k.forms["password"]))
}

// TestCanaryForms: a secret is found however it is written, and wherever it begins.
func TestCanaryForms(t *testing.T) {
	t.Parallel()
	c := newCanaries(t)
	secret := c.plant("password")
	quoted, err := json.Marshal(secret)
	must(t, err)
	for shift := range 4 {
		text := strings.Repeat("x", shift) + secret + "x"
		for name, written := range map[string]string{"plain": text, "hex": hex.EncodeToString([]byte(text)), "HEX": fmt.Sprintf("%X", text), "base64": base64.StdEncoding.EncodeToString([]byte(text)),
			"base64 for addresses": base64.RawURLEncoding.EncodeToString([]byte(text)), "address": url.QueryEscape(text), "path": url.PathEscape(text), "JSON": string(quoted), "Go": fmt.Sprintf("%q", text), "utf-16": utf16Text(text, false)} {
			if find([]byte(written), c.forms["password"]) < 0 {
				t.Errorf("%s is not found in %q", name, written)
			}
		}
	}
	if find([]byte("Kanari0Vogel"), c.forms["password"]) >= 0 {
		t.Error("found where it is not")
	}
}

type canaryServer struct {
	*canaries
	*serving
	ids      map[string]string // connections by name
	host     string
	port     string
	database string
}

func newCanaryServer(t *testing.T) *canaryServer {
	c := newCanaries(t)
	address, err := url.Parse(testserver.PostgreSQL(t))
	must(t, err)
	k := &canaryServer{canaries: c, ids: map[string]string{}, host: address.Hostname(), port: address.Port(), database: strings.Trim(address.Path, "/")}
	conn, err := pgx.Connect(t.Context(), address.String())
	must(t, err)
	defer conn.Close(t.Context())
	password := c.plant("password")
	role := "canary_" + k.database
	_, err = conn.Exec(t.Context(), fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'; GRANT ALL ON SCHEMA public TO %[1]s", role, strings.ReplaceAll(password, "'", "''")), pgx.QueryExecModeSimpleProtocol)
	must(t, err)
	p := setup(t)
	p.env = append(p.env, "SPARK_ALLOW_NETWORK=loopback", "SHOP_PASSWORD="+c.plant("variable of the environment"))
	k.serving = p.serve()
	c.watch("owner's key", k.Key, k.Key, "/owner.key")
	sealing, err := os.ReadFile(p.path("spark/secrets.key"))
	must(t, err)
	n := len(sealing) // the key itself stands before the last octets, which say what it is for
	c.watch("sealing key", string(sealing), string(sealing[n-30:n-14]), "/secrets.key")
	return k
}

func (k *canaryServer) settings(more map[string]any) string {
	m := map[string]any{"host": k.host, "port": json.Number(k.port), "database": k.database, "user": "canary_" + k.database, "tls": "disable", "password": k.planted["password"]}
	for member, v := range more {
		m[member] = v
	}
	b, err := json.Marshal(m)
	must(k.canaries.t, err)
	return string(b)
}

// connections makes some that work and some that fail, and is refused others.
func (k *canaryServer) connections() {
	t := k.canaries.t
	down, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	closed := json.Number(fmt.Sprint(down.Addr().(*net.TCPAddr).Port))
	must(t, down.Close())
	cut, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { cut.Close() })
	go func() { // a server that hangs up when it has been told the name
		for {
			c, err := cut.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1024))
			c.Close()
		}
	}()
	k.plant("password in an address")
	inAddress := fmt.Sprintf(`{"address":%q,"tls":"disable"}`, fmt.Sprintf("postgres://canary:%s@127.0.0.1:%s/%s", url.QueryEscape(k.planted["password in an address"]), closed, k.database))
	for name, settings := range map[string]string{
		"warehouse": k.settings(nil),
		"wrong":     k.settings(map[string]any{"password": k.plant("wrong password")}),
		"down":      k.settings(map[string]any{"port": closed}),
		"cut":       k.settings(map[string]any{"port": json.Number(fmt.Sprint(cut.Addr().(*net.TCPAddr).Port))}),
		"address":   inAddress,
	} {
		body := fmt.Sprintf(`{"name":%q,"type":"postgres","settings":%s}`, name, settings)
		k.probe(k.serving, http.MethodPost, "/api/v1/connections/test", body)
		code, b := k.probe(k.serving, http.MethodPost, "/api/v1/connections", body)
		var made flows.Connection
		if err := json.Unmarshal(b, &made); err != nil || code != http.StatusCreated {
			t.Fatalf("%s: %d %s", name, code, b)
		}
		k.ids[name] = made.ID
		k.probe(k.serving, http.MethodGet, "/api/v1/connections/"+made.ID+"/tables", "")
		k.probe(k.serving, http.MethodGet, "/api/v1/connections/"+made.ID+"/columns?table=orders", "")
		k.probe(k.serving, http.MethodPut, "/api/v1/connections/"+made.ID, body)
	}
	refused := k.plant("password of a refused connection")
	quoted, err := json.Marshal(refused)
	must(t, err)
	for _, settings := range []string{
		fmt.Sprintf(`{"address":"jdbc:postgresql://db/shop?user=a&socketFactory=x&password=%s"}`, url.QueryEscape(refused)),
		fmt.Sprintf(`{"address":"postgres://a:%s@db:x/shop"}`, url.QueryEscape(refused)),
		fmt.Sprintf(`{"address":"postgres://a:%s@@db/shop"}`, strings.NewReplacer(`"`, "", `\`, "").Replace(refused)),
		fmt.Sprintf(`{"host":"db","pasword":%s}`, quoted),
		fmt.Sprintf(`{"host":"db","password":[%s]}`, quoted),
		fmt.Sprintf(`{"host":"db","password":{"x":%s}}`, quoted),
		fmt.Sprintf(`{"host":"db","port":%s}`, quoted),
		fmt.Sprintf(`{"host":"db","password":%s`, quoted),
		string(quoted),
	} {
		for _, path := range []string{"/api/v1/connections", "/api/v1/connections/test"} {
			if code, b := k.probe(k.serving, http.MethodPost, path, fmt.Sprintf(`{"name":"refused","type":"postgres","settings":%s}`, settings)); code < 400 {
				t.Errorf("%s accepts %s: %s", path, settings, b)
			}
		}
		k.probe(k.serving, http.MethodPost, "/api/v1/connections/split", fmt.Sprintf(`{"type":"postgres","address":%s`, settings))
	}
}

func (k *canaryServer) reading(query string) string {
	b, err := json.Marshal(map[string]string{"connection": "warehouse", "from": "query", "query": query})
	must(k.canaries.t, err)
	return chain(step("in", "database.input", string(b)), output("out.csv"))
}

// watched runs a flow to its end and looks at every message of its socket.
func (k *canaryServer) watched(flow string, want flows.RunState) flows.Run {
	t := k.canaries.t
	r := k.run(flow)
	socket, err := k.Watch(t.Context(), r.ID)
	must(t, err)
	defer socket.Close()
	_ = socket.SetReadDeadline(time.Now().Add(runTime))
	for {
		_, b, err := socket.ReadMessage()
		if err != nil {
			break
		}
		k.look("a message of the socket", b)
	}
	if r = k.until("it is over", r.ID, runTime, over); r.State != want {
		t.Errorf("the run ended as %s: %v", r.State, r.Error)
	}
	return r
}

// lab checks, previews and exports a document.
func (k *canaryServer) lab(doc string) {
	k.probe(k.serving, http.MethodPost, "/api/v1/check", fmt.Sprintf(`{"document":%s}`, doc))
	k.probe(k.serving, http.MethodPost, "/api/v1/preview", fmt.Sprintf(`{"document":%s,"node":"in"}`, doc))
	k.probe(k.serving, http.MethodPost, "/api/v1/cursors/window", fmt.Sprintf(`{"document":%s,"node":"in"}`, doc))
	k.processes(k.place)
}

// everyRoute asks everything that the server describes, and every page, once with what there is and in ways that fail.
func (k *canaryServer) everyRoute(ids map[string]string) {
	t := k.canaries.t
	var described struct{ Paths map[string]map[string]any }
	k.serving.ask(http.MethodGet, "/api/v1/openapi.json", nil, &described)
	for _, page := range []string{"/", "/flows", "/flows/{id}", "/runs", "/runs/{id}", "/connections", "/rejects", "/metrics", "/healthz", "/readyz", "/help/nodes/database.input"} {
		described.Paths[page] = map[string]any{"get": nil}
	}
	asked := 0
	for template, methods := range described.Paths {
		noun := strings.Split(strings.TrimPrefix(template, "/api/v1"), "/")[1]
		path := strings.NewReplacer("{id}", ids[noun], "{node}", "in", "{number}", "1", "{file}", "filter.svg").Replace(template)
		if !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(template, "/api/") && strings.Contains(template, "{type}") {
			continue
		}
		for method := range methods {
			if method == "delete" || strings.HasSuffix(template, "/events") {
				continue // last, and seen already
			}
			asked++
			if method == "get" {
				k.probe(k.serving, http.MethodGet, path, "")
				continue
			}
			for _, body := range []string{"", "{}", "[]", `{"flow":"` + ids["flows"] + `"}`, `{"name":`} {
				k.probe(k.serving, strings.ToUpper(method), path, body)
			}
		}
	}
	if asked < 40 {
		t.Errorf("only %d requests were made", asked)
	}
	for name, id := range k.ids {
		if name != "warehouse" {
			k.probe(k.serving, http.MethodDelete, "/api/v1/connections/"+id, "")
		}
	}
}

// killed looks at a run in the middle, kills the server, looks at what that leaves and at what the next one makes of it,
// and at the log of both.
func (k *canaryServer) killed() {
	t := k.canaries.t
	long := k.flow(k.reading("SELECT i AS id, repeat('x', 100) AS name FROM generate_series(1, 50000000) i"), `{}`)
	r := k.run(long)
	k.until("the run counts", r.ID, runTime, counting)
	if k.processes(k.place) == 0 {
		t.Error("no executor was seen")
	}
	k.folder(k.base)
	k.Kill()
	k.look("the log", []byte(k.Log()))
	k.folder(k.base)
	until(t, "its executors end", 10*time.Second, func() bool { return len(k.executors()) == 0 })
	k.folder(k.base)
	k.serving = k.place.serve()
	k.until("the run is over", r.ID, runTime, over)
	k.probe(k.serving, http.MethodGet, "/api/v1/runs/"+r.ID+"/log", "")
	must(t, k.Stop())
	k.look("the log", []byte(k.Log()))
}

// command runs a flow from a file, with the password in the environment and in the file of connections.
func (k *canaryServer) command() {
	t := k.canaries.t
	k.write("flow.json", k.reading("SELECT 1 AS id"))
	inFile := k.plant("password in a file")
	k.allowed["password in a file"] = []string{"/connections.json"}
	for name, password := range map[string]any{"from the environment": map[string]string{"env": "SHOP_PASSWORD"}, "in the file": inFile} {
		file := fmt.Sprintf(`{"warehouse":{"type":"postgres","settings":%s}}`, k.settings(map[string]any{"password": password}))
		must(t, os.WriteFile(k.path("connections.json"), []byte(file), 0o600))
		for _, args := range [][]string{{"run", "--json"}, {"run"}, {"explain"}, {"check"}} {
			o := k.place.run(append(args, "--connections", "connections.json", "flow.json")...)
			k.look(strings.Join(args, " ")+" with a password "+name, []byte(o.stdout+o.stderr))
			if args[0] == "run" && o.code == exitOK {
				t.Errorf("a wrong password %s is enough", name)
			}
		}
	}
	must(t, os.Remove(k.path("connections.json")))
	k.refusedStarts()
}

// refusedStarts starts servers whose metadata database or sealing key is not what it should be.
func (k *canaryServer) refusedStarts() {
	password := k.plant("password of the metadata")
	sealing := k.plant("broken sealing key")
	escaped := url.QueryEscape(password)
	for name, env := range map[string]string{
		"a database that is down":         fmt.Sprintf("DATABASE_URL=postgres://spark:%s@127.0.0.1:1/spark", escaped),
		"a password that is wrong":        fmt.Sprintf("DATABASE_URL=postgres://canary_%s:%s@%s:%s/%[1]s?sslmode=disable", k.database, escaped, k.host, k.port),
		"an address that is none":         fmt.Sprintf("DATABASE_URL=postgres://spark:%s@127.0.0.1:x/spark", escaped),
		"an address that is not escaped":  "DATABASE_URL=postgres://spark:" + password + "@127.0.0.1/spark",
		"a list of settings":              "DATABASE_URL=host=127.0.0.1 port=x password=" + strings.Fields(password)[0],
		"another kind of database":        fmt.Sprintf("DATABASE_URL=mysql://spark:%s@127.0.0.1/spark", escaped),
		"a sealing key that is no base64": "SPARK_SECRET_KEY=" + sealing,
		"a sealing key that is no key":    "SPARK_SECRET_KEY=" + base64.StdEncoding.EncodeToString([]byte(sealing)),
	} {
		x := *k.place
		x.env = append(slices.Clone(x.env), env)
		o := x.run("serve", "--listen", "127.0.0.1:0", "--data", x.path("other"))
		k.look("what a server says with "+name, []byte(o.stdout+o.stderr))
		if o.code == exitOK || o.stderr == "" || !strings.Contains(o.stderr, "; ") || strings.Contains(o.stderr, "panic") { // what is wrong; what to do
			k.canaries.t.Errorf("a server starts with %s: %d %q %q", name, o.code, o.stdout, o.stderr)
		}
	}
}
