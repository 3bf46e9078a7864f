package postgres_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"spark/flows"
	"spark/flows/node"
)

// split is what an address says, with what it leaves to the defaults left out.
func split(t *testing.T, address string) (map[string]any, error) {
	t.Helper()
	given, err := json.Marshal(map[string]string{"address": address})
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := node.SplitAddress("postgres", given)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	for member, usual := range map[string]any{"port": 5432.0, "tls": "prefer", "connectTimeout": 10.0, "silence": 30.0, "user": ""} {
		if out[member] == usual {
			delete(out, member)
		}
	}
	return out, nil
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"postgres://ann@db.example.com:6432/shop":                          "database:shop host:db.example.com port:6432 user:ann",
		"  PostgreSQL://ann:pw@db/shop\n":                                  "database:shop host:db password:pw user:ann",
		"postgres://ann:p%40s%3As%2F%25@db/shop":                           "database:shop host:db password:p@s:s/% user:ann",
		"postgres://ann:p@ss@db/shop":                                      "database:shop host:db password:p@ss user:ann",
		"postgres://ann:a:b+c@db/shop":                                     "database:shop host:db password:a:b+c user:ann",
		"postgres://ann@[2001:db8::7]:6000/shop":                           "database:shop host:2001:db8::7 port:6000 user:ann",
		"postgres://ann@[::1]/shop":                                        "database:shop host:::1 user:ann",
		"postgres://ann@db":                                                "database:ann host:db user:ann",
		"postgres:///shop?user=ann":                                        "database:shop host:localhost user:ann",
		"postgres://ann@db/r%C3%A9sum%C3%A9":                               "database:résumé host:db user:ann",
		"postgres://db/shop?user=ann&password=a%26b":                       "database:shop host:db password:a&b user:ann",
		"postgres://ann@db/shop?sslmode=verify-ca":                         "database:shop host:db tls:verify-ca user:ann",
		"postgres://ann@db/shop?connect_timeout=3&application_name=My+app": "applicationName:My app connectTimeout:3 database:shop host:db user:ann",
		"postgres://ann@db/shop?search_path=sales,public":                  "database:shop host:db searchPath:sales,public user:ann",
		"jdbc:postgresql://db:6432/shop?user=ann&password=p%25w":           "database:shop host:db password:p%w port:6432 user:ann",
		"jdbc:postgresql://db/shop?user=ann&ssl=true":                      "database:shop host:db tls:verify-full user:ann",
		"jdbc:postgresql://db/shop?user=ann&ssl=false":                     "database:shop host:db tls:disable user:ann",
		"JDBC:PostgreSQL://db/shop?currentSchema=sales&ApplicationName=x":  "applicationName:x database:shop host:db searchPath:sales",
		"jdbc:postgresql:shop":                                             "database:shop host:localhost",
		"jdbc:postgresql:/":                                                "database: host:localhost",
		"jdbc:postgresql://[::1]:5433/shop":                                "database:shop host:::1 port:5433",
	} {
		out, err := split(t, address)
		got := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(out), "map["), "]")
		if err != nil || got != want {
			t.Errorf("%s:\n got %s, %v\nwant %s", address, got, err, want)
		}
	}
}

// TestRefusedAddresses: each is refused with a sentence that names what is wrong and what to do, and never quotes the
// password.
func TestRefusedAddresses(t *testing.T) {
	t.Parallel()
	const canary = "canary7f"
	for address, want := range map[string]string{
		"":                                                                "no address of PostgreSQL",
		"mysql://ann:canary7f@db/shop":                                    "choose the system MySQL / MariaDB",
		"db.example.com":                                                  "no address of PostgreSQL",
		"postgres:ann:canary7f@db/shop":                                   "no address of PostgreSQL",
		"postgres://u:canary7f@a,b/shop":                                  "several hosts",
		"jdbc:postgresql://a:1,b:2/shop":                                  "several hosts",
		"jdbc:postgresql://u:canary7f@db":                                 "names no user before its host",
		"postgres://u:canary7f@%2Ftmp/d":                                  "no name or address of one host",
		"postgres://u:canary7f@/tmp/d":                                    "", // the database tmp/d of localhost
		"postgres://u:canary7f@db:0/shop":                                 "the port is no number",
		"postgres://u:canary7f@db:99999/":                                 "the port is no number",
		"postgres://u:canary7f/x@db/shop":                                 "the port is no number",
		"postgres://u:canary7f?x@db/shop":                                 "the port is no number",
		"postgres://u:1?canary7f@db/shop":                                 "a parameter that is not known",
		"postgres://u:1?canary7f&x@db/sh":                                 "a parameter that is not known",
		"postgres://u:canary7f%@db/shop":                                  "the password in the address is not written as a URL wants it",
		"postgres://u:canary7f%00@db/sh":                                  "the password in the address is not written as a URL wants it",
		"postgres://u:canary7f%ff@db/sh":                                  "the password in the address is not written as a URL wants it",
		"postgres://u:canary7f\n@db/shop":                                 "line break",
		"postgres://u:canary7f@[::1/shop":                                 "brackets",
		"postgres://u:canary7f@[db]/shop":                                 "no IPv6 address",
		"postgres://u:canary7f@[::1]x/sh":                                 "brackets",
		"postgres://u@db/d?sslmode=allow":                                 "sslmode=allow is not supported",
		"postgres://u@db/d?sslmode=no":                                    "the value of sslmode",
		"postgres://u@db/d?ssl=maybe":                                     "ssl is neither",
		"postgres://u@db/d?connect_timeout=0":                             "no number of seconds",
		"postgres://u@db/d?connect_timeout=9999":                          "no number of seconds",
		"postgres://u@db/d?user=v":                                        "the user twice",
		"postgres://u:canary7f@db/d?password=x":                           "the password twice",
		"postgres://u@db/d?sslmode=require&ssl=true":                      "twice",
		"postgres://u@db/d?sslmod=require":                                `did you mean "sslmode"?`,
		"postgres://u@db/d?host=evil":                                     "the parameter host is refused",
		"postgres://u@db/d?hostaddr=10.0.0.1":                             "the parameter hostaddr is refused",
		"postgres://u@db/d?port=1":                                        "the parameter port is refused",
		"postgres://u@db/d?dbname=x":                                      "the parameter dbname is refused",
		"postgres://u@db/d?options=-c%20search_path%3Dx":                  "the parameter options is refused",
		"postgres://u@db/d?service=x":                                     "reads a file",
		"postgres://u@db/d?servicefile=/etc/passwd":                       "reads a file",
		"postgres://u@db/d?passfile=/etc/passwd":                          "reads a file",
		"postgres://u@db/d?sslkey=/etc/key":                               "reads a file",
		"postgres://u@db/d?sslcert=/etc/crt":                              "reads a file",
		"postgres://u@db/d?sslrootcert=/etc/crt":                          "Certificate authority",
		"postgres://u@db/d?SSLKEY=/etc/key":                               "reads a file",
		"postgres://u@db/d?%73slkey=/etc/key":                             "reads a file",
		"postgres://u@db/d?target_session_attrs=any":                      "one server",
		"postgres://u@db/d?client_encoding=LATIN1":                        "UTF-8",
		"postgres://u@db/d?requirepeer=root":                              "Unix sockets",
		"jdbc:postgresql://db/d?socketFactory=evil.Class":                 "a Java class",
		"jdbc:postgresql://db/d?socketFactoryArg=http://evil":             "a Java class",
		"jdbc:postgresql://db/d?sslfactory=evil.Class":                    "a Java class",
		"jdbc:postgresql://db/d?sslhostnameverifier=evil.Class":           "a Java class",
		"jdbc:postgresql://db/d?authenticationPluginClassName=evil":       "a Java class",
		"jdbc:postgresql://db/d?loggerFile=/etc/cron.d/x&loggerLevel=ALL": "writes a file",
		"jdbc:postgresql://db/d?allowLoadLocalInfile=true":                "read files of this machine",
		"jdbc:postgresql://db/d?jaasApplicationName=x":                    "Kerberos",
		"jdbc:postgresql://db/d?targetServerType=primary":                 "one server",
		"jdbc:postgresql://db/d?password=canary7f&x=1":                    "a parameter that is not known",
		"jdbc:postgresql://db/d?sslnegotiation=direct":                    `the parameter "sslnegotiation" is not known`,
		"postgres://u@db/" + strings.Repeat("d", 5000):                    "longer than",
		"postgres://u@db/d?application_name=" + strings.Repeat("d", 64):   "longer than 63",
	} {
		out, err := split(t, address)
		if want == "" {
			if err != nil || out["host"] != "localhost" {
				t.Errorf("%s: %v, %v", address, out, err)
			}
			continue
		}
		var e *flows.Error
		if !errors.As(err, &e) {
			t.Errorf("%s is taken: %v", address, out)
			continue
		}
		if text := e.Error(); !strings.Contains(text+e.Suggestion, want) || e.Suggestion == "" || e.Path.Field != "address" || strings.Contains(text+e.Suggestion, canary) {
			t.Errorf("%s: %+v", address, e)
		}
	}
}

// TestAddressBesideSettings: what stands beside an address overrules it, so that a password can come from elsewhere.
func TestAddressBesideSettings(t *testing.T) {
	t.Parallel()
	b, _, err := node.SplitAddress("postgres", json.RawMessage(`{"address": "postgres://ann:old@db/shop", "password": "new", "tls": "require"}`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := node.LoadConnection("x", node.ConnectionSpec{Type: "postgres", Settings: b})
	if err != nil || node.Secrets(c.Settings)["password"].Reveal() != "new" || c.Settings.Place() != "db:5432" || strings.Contains(string(b), "address") {
		t.Errorf("%s, %v", b, err)
	}
	for name, settings := range map[string]string{"no text": `{"address": 7}`, "no PostgreSQL": `{"address": "x"}`} {
		if _, _, err := node.SplitAddress("postgres", json.RawMessage(settings)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, _, err := node.SplitAddress("postgress", json.RawMessage(`{"address": "postgres://a@b/c"}`)); err == nil || !strings.Contains(err.Error()+flows.AsError(err).Suggestion, "postgres") {
		t.Errorf("an unknown type: %v", err)
	}
}

// FuzzAddress: whatever is pasted is split into settings that can be used and lead to one host by network, or refused
// with a sentence.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"postgres://ann:pw@db:5432/shop?sslmode=require", "jdbc:postgresql://db/shop?user=a", "postgresql://[::1]/x", "postgres://a%40b:c%2F@d/e?x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		given, err := json.Marshal(map[string]string{"address": address})
		if err != nil {
			t.Skip()
		}
		b, _, err := node.SplitAddress("postgres", given)
		if err != nil {
			if e, ok := errors.AsType[*flows.Error](err); !ok || e.Message == "" || e.Suggestion == "" {
				t.Errorf("%q: %v", address, err)
			}
			return
		}
		var s struct {
			Host, User, Database string
			Port                 int
		}
		if err := json.Unmarshal(b, &s); err != nil || s.Host == "" || strings.ContainsAny(s.Host, "/,@ \x00") || s.Port < 1 || s.Port > 65535 || strings.ContainsRune(s.User+s.Database, 0) {
			t.Errorf("%q: %s, %v", address, b, err)
		}
	})
}

// TestIgnored: what has no effect is named.
func TestIgnored(t *testing.T) {
	t.Parallel()
	_, ignored, err := node.SplitAddress("postgres", json.RawMessage(`{"address": "jdbc:postgresql://db/d?user=u&password=p&prepareThreshold=0&ssl=true&reWriteBatchedInserts=true"}`))
	if got := strings.Join(ignored, " "); err != nil || got != "prepareThreshold reWriteBatchedInserts" {
		t.Errorf("%s, %v", got, err)
	}
	if _, ignored, err = node.SplitAddress("postgres", json.RawMessage(`{"address": "postgres://u@db/d?x=1"}`)); err != nil || strings.Join(ignored, " ") != "x" {
		t.Errorf("%s, %v", ignored, err)
	}
}
