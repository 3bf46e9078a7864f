package connection_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	_ "spark/connectors/postgres"
	"spark/flows"
	"spark/flows/connection"
	"spark/internal/seal"
	"spark/store"
)

const canary = "canary-3f9a2c"

type kit struct {
	*connection.Service
	t      *testing.T
	store  *store.Store
	folder string
}

func newKit(t *testing.T) *kit {
	t.Helper()
	folder := t.TempDir()
	s, err := store.Open(t.Context(), store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	k := &kit{t: t, store: s, folder: folder}
	k.Service = &connection.Service{Store: s.Connections, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, Sealer: k.key("secrets.key")}
	return k
}

func (k *kit) key(name string) *seal.Sealer {
	k.t.Helper()
	s, err := seal.File(filepath.Join(k.folder, name))
	if err != nil {
		k.t.Fatal(err)
	}
	return s
}

func input(host, password string) connection.Input {
	settings := map[string]any{"host": host, "port": 5432, "database": "d", "user": "u"}
	if password != "" {
		settings["password"] = password
	}
	b, err := json.Marshal(settings)
	if err != nil {
		panic(err)
	}
	return connection.Input{Name: "warehouse", Type: "postgres", Settings: b}
}

func (k *kit) password() string {
	k.t.Helper()
	set, err := k.Resolve(k.t.Context(), flows.LocalScope, "", []string{"warehouse", "missing"})
	if err != nil || len(set) != 1 {
		k.t.Fatal(set, err)
	}
	var settings struct{ Password string }
	if err := json.Unmarshal(set["warehouse"].Settings, &settings); err != nil {
		k.t.Fatal(err)
	}
	return settings.Password
}

// TestSecrets: a secret comes out only where it is used. It stays while it is left out, and has to be given again where
// the connection leads elsewhere.
func TestSecrets(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	c, err := k.Create(t.Context(), flows.LocalScope, input("db", canary))
	if err != nil || fmt.Sprint(c.Secrets) != "[password]" || c.Place != "db:5432" {
		t.Fatalf("%+v, %v", c, err)
	}
	if k.password() != canary {
		t.Errorf("the password is %q", k.password())
	}
	c, err = k.Update(t.Context(), flows.LocalScope, c.ID, c.Etag, input("db", ""))
	if err != nil || k.password() != canary {
		t.Errorf("left out: %v, %q", err, k.password())
	}
	if c, err = k.Update(t.Context(), flows.LocalScope, c.ID, c.Etag, input("db", "***")); err != nil || k.password() != canary {
		t.Errorf("as it is shown: %v, %q", err, k.password())
	}
	for _, password := range []string{"", "***"} {
		_, err = k.Update(t.Context(), flows.LocalScope, c.ID, c.Etag, input("evil", password))
		if e := flows.AsError(err); e == nil || e.Code != "connection.secret_again" || e.Path.Field != "password" {
			t.Errorf("sent elsewhere: %v", err)
		}
		_, err = k.Spec(t.Context(), flows.LocalScope, c.ID, input("evil", password))
		if e := flows.AsError(err); e == nil || e.Code != "connection.secret_again" {
			t.Errorf("tried elsewhere: %v", err)
		}
	}
	if c, err = k.Update(t.Context(), flows.LocalScope, c.ID, c.Etag, input("db2", canary+"2")); err != nil || k.password() != canary+"2" {
		t.Errorf("given again: %v, %q", err, k.password())
	}
	for _, what := range []any{c, must(k.Get(t.Context(), flows.LocalScope, c.ID)), must(k.List(t.Context(), flows.LocalScope))} {
		b, err := json.Marshal(what)
		if err != nil || bytes.Contains(b, []byte("canary")) || strings.Contains(fmt.Sprintf("%v %+v %#v", what, what, what), "canary") {
			t.Errorf("a secret is shown: %s, %v", b, err)
		}
	}
	if k.inDatabase("canary") {
		t.Error("a secret stands in the database as it is")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestAddress: a connection made of an address keeps its parts, the password as a secret, and the address nowhere. One
// that leads elsewhere brings its own password, or has to.
func TestAddress(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	of := func(address string) connection.Input {
		return connection.Input{Name: "warehouse", Type: "postgres", Settings: must(json.Marshal(map[string]string{"address": address}))}
	}
	c, err := k.Create(t.Context(), flows.LocalScope, of("postgres://u:"+canary+"@db/d"))
	if err != nil || c.Place != "db:5432" || k.password() != canary || bytes.Contains(c.Settings, []byte("address")) || bytes.Contains(c.Settings, []byte("canary")) {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err = k.Update(t.Context(), flows.LocalScope, c.ID, c.Etag, of("postgres://u@evil/d")); err == nil || flows.AsError(err).Code != "connection.secret_again" {
		t.Errorf("sent elsewhere: %v", err)
	}
	if c, err = k.Update(t.Context(), flows.LocalScope, c.ID, c.Etag, of("postgres://u:"+canary+"2@db2/d")); err != nil || k.password() != canary+"2" {
		t.Errorf("with a password of its own: %v, %q", err, k.password())
	}
	if _, err = k.Create(t.Context(), flows.LocalScope, of("postgres://u:"+canary+"@db/d?sslkey=/x")); err == nil || strings.Contains(fmt.Sprintf("%+v", err), "canary") {
		t.Errorf("refused: %+v", err)
	}
	if k.inDatabase("canary") {
		t.Error("a secret stands in the database as it is")
	}
}

// inDatabase looks for a text in every table of the metadata.
func (k *kit) inDatabase(text string) bool {
	k.t.Helper()
	for _, table := range []string{"connections", "connection_grants", "audit"} {
		rows, err := k.store.SQL().QueryContext(context.Background(), "SELECT * FROM "+table)
		if err != nil {
			k.t.Fatal(err)
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil {
			k.t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(names))
			for i := range values {
				values[i] = new([]byte)
			}
			if err := rows.Scan(values...); err != nil {
				k.t.Fatal(err)
			}
			for _, v := range values {
				if bytes.Contains(*v.(*[]byte), []byte(text)) {
					return true
				}
			}
		}
	}
	return false
}

// TestSealedElsewhere: sealed secrets open only with the key, the connection and the place that they were sealed for.
func TestSealedElsewhere(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	if _, err := k.Create(t.Context(), flows.LocalScope, input("db", canary)); err != nil {
		t.Fatal(err)
	}
	if _, err := k.store.SQL().ExecContext(t.Context(), "UPDATE connections SET place = 'evil:5432'"); err != nil {
		t.Fatal(err)
	}
	_, err := k.Resolve(t.Context(), flows.LocalScope, "", []string{"warehouse"})
	if e := flows.AsError(err); e == nil || e.Code != "connection.sealed" {
		t.Errorf("another place: %v", err)
	}
	if _, err := k.store.SQL().ExecContext(t.Context(), "UPDATE connections SET place = 'db:5432'"); err != nil {
		t.Fatal(err)
	}
	if k.password() != canary {
		t.Error("the right place does not open")
	}
	k.Sealer = k.key("other.key")
	_, err = k.Resolve(t.Context(), flows.LocalScope, "", []string{"warehouse"})
	if e := flows.AsError(err); e == nil || e.Code != "connection.sealed" || strings.Contains(e.Error(), "canary") {
		t.Errorf("another key: %v", err)
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	settings := func(s string) connection.Input {
		return connection.Input{Name: "x", Type: "postgres", Settings: json.RawMessage(s)}
	}
	for name, test := range map[string]struct {
		in    connection.Input
		code  string
		field string
	}{
		"no name":     {connection.Input{Type: "postgres", Settings: json.RawMessage(`{}`)}, "connection.name", "name"},
		"odd name":    {connection.Input{Name: "a\nb", Type: "postgres", Settings: json.RawMessage(`{}`)}, "connection.name", "name"},
		"no type":     {connection.Input{Name: "x", Type: "oracle", Settings: json.RawMessage(`{}`)}, "connection.type", ""},
		"no object":   {settings(`[]`), "connection.settings", ""},
		"no host":     {settings(`{"database": "d", "user": "u"}`), "config.required", "host"},
		"odd port":    {settings(`{"host": "h", "port": 70000, "database": "d", "user": "u"}`), "connection.port", "port"},
		"text port":   {settings(`{"host": "h", "port": "x", "database": "d", "user": "u"}`), "config.type", "port"},
		"no pem":      {settings(`{"host": "h", "database": "d", "user": "u", "authority": "x"}`), "connection.authority", "authority"},
		"unknown tls": {settings(`{"host": "h", "database": "d", "user": "u", "tls": "maybe"}`), "config.enum", "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := k.Create(t.Context(), flows.LocalScope, test.in)
			e := flows.AsError(err)
			if ps, ok := err.(flows.Problems); ok {
				e = ps[0]
			}
			if e == nil || e.Code != test.code || e.Path.Field != test.field {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestEnvironments: a connection leads where its entry of the environment says, and nowhere where it has none.
func TestEnvironments(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.Environments = k.store.Environments
	if _, err := k.store.Environments.Save(t.Context(), flows.LocalScope, []flows.Environment{{Name: "production", Default: true}, {Name: "development"}, {Name: "test"}}); err != nil {
		t.Fatal(err)
	}
	for environment, host := range map[string]string{"": "live", "development": "dev"} {
		in := input(host, canary)
		in.Environment = environment
		if _, err := k.Create(t.Context(), flows.LocalScope, in); err != nil {
			t.Fatal(err)
		}
	}
	for environment, host := range map[string]string{"": "live", "production": "live", "development": "dev"} {
		set, err := k.Resolve(t.Context(), flows.LocalScope, environment, []string{"warehouse"})
		if err != nil || !strings.Contains(string(set["warehouse"].Settings), `"`+host+`"`) || !strings.Contains(string(set["warehouse"].Settings), canary) {
			t.Errorf("in %q: %s, %v", environment, set["warehouse"].Settings, err)
		}
	}
	set, err := k.Resolve(t.Context(), flows.LocalScope, "test", []string{"warehouse", "none"})
	if err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]string{"warehouse": "connection.environment", "none": "connection.unknown"} {
		if _, err := set.Connection(name); flows.AsError(err) == nil || flows.AsError(err).Code != code {
			t.Errorf("%s: %v, want %s", name, err, code)
		}
	}
	if _, err := k.Resolve(t.Context(), flows.LocalScope, "Test", []string{"warehouse"}); flows.AsError(err) == nil || flows.AsError(err).Code != "environment.unknown" {
		t.Errorf("an environment that is not: %v", err)
	}
}
