package mysql_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	_ "spark/connectors/mysql"
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
	b, _, err := node.SplitAddress("mysql", given)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	for member, usual := range map[string]any{"port": 3306.0, "tls": "prefer", "connectTimeout": 10.0, "silence": 30.0, "user": "", "zeroDates": "reject", "bulk": "auto"} {
		if out[member] == usual {
			delete(out, member)
		}
	}
	return out, nil
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"mysql://ann@db.example.com:3307/shop":              "database:shop host:db.example.com port:3307 user:ann",
		"  MariaDB://ann:pw@db/shop\n":                      "database:shop host:db password:pw user:ann",
		"mysql://ann:p%40s%3As%2F%25@db/shop":               "database:shop host:db password:p@s:s/% user:ann",
		"mysql://ann:p@ss@db/shop":                          "database:shop host:db password:p@ss user:ann",
		"mysql://ann@[2001:db8::7]:6000/shop":               "database:shop host:2001:db8::7 port:6000 user:ann",
		"mysql://ann@db/r%C3%A9sum%C3%A9":                   "database:résumé host:db user:ann",
		"mysql://ann@db/shop?ssl-mode=VERIFY_CA":            "database:shop host:db tls:verify-ca user:ann",
		"jdbc:mysql://db:3307/shop?user=ann&password=p%25w": "database:shop host:db password:p%w port:3307 user:ann",
		"jdbc:mysql://db/shop?user=ann&useSSL=false&serverTimezone=UTC&rewriteBatchedStatements=true": "database:shop host:db tls:disable user:ann",
		"jdbc:mysql://ann:pw@db/shop?sslMode=VERIFY_IDENTITY&connectTimeout=3000":                     "connectTimeout:3 database:shop host:db password:pw tls:verify-full user:ann",
		"jdbc:mariadb://db/shop?user=ann&sslMode=trust&useUnicode=true&characterEncoding=utf8":        "database:shop host:db tls:require user:ann",
		"jdbc:mysql:///shop?zeroDateTimeBehavior=convertToNull&user=ann":                              "database:shop host:localhost user:ann zeroDates:null",
		"ann:p@ss/w?rd@tcp(db:3307)/shop?tls=skip-verify&parseTime=true&charset=utf8mb4&timeout=5s":   "connectTimeout:5 database:shop host:db password:p@ss/w?rd port:3307 tls:require user:ann",
		"ann@tcp([::1]:3307)/shop": "database:shop host:::1 port:3307 user:ann",
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
		"":                                      "no address of MySQL",
		"db.example.com":                        "no address of MySQL",
		"postgres://ann:canary7f@db/shop":       "an address of PostgreSQL",
		"jdbc:sqlserver://db;password=canary7f": "an address of SQL Server",
		"jdbc:oracle:thin:ann/canary7f@db:1521/shop":   "an address of Oracle",
		"jdbc:mysql://a,b/shop":                        "several hosts",
		"jdbc:mysql://(host=a,port=1)/shop":            "several hosts",
		"mysql://u:canary7f@%2Ftmp/d":                  "no name or address of one host",
		"mysql://u:canary7f@db:0/shop":                 "the port is no number",
		"mysql://u:canary7f/x@db/shop":                 "the port is no number",
		"mysql://u:1?canary7f@db/shop":                 "a parameter that is not known",
		"mysql://u:canary7f%@db/shop":                  "the password in the address is not written as a URL wants it",
		"mysql://u:canary7f%00@db/sh":                  "the password in the address is not written as a URL wants it",
		"mysql://u:canary7f\n@db/shop":                 "line break",
		"mysql://u:canary7f@[::1/shop":                 "brackets",
		"u:canary7f@tcp(db:3306)":                      "no /database",
		"u:canary7f@tcp(db:3306":                       "no /database",
		"mysql://u@db/d?sslMode=no":                    "the value of sslMode",
		"mysql://u@db/d?tls=no":                        "the value of tls",
		"mysql://u@db/d?useSSL=maybe":                  "useSSL is neither",
		"mysql://u@db/d?connectTimeout=0":              "no time from 1",
		"mysql://u@db/d?user=v":                        "the user twice",
		"mysql://u:canary7f@db/d?password=x":           "the password twice",
		"mysql://u@db/d?useSSL=true&sslMode=REQUIRED":  "twice",
		"mysql://u@db/d?sslMod=REQUIRED":               `did you mean "sslMode"?`,
		"mysql://u@db/d?someCertificate=x":             `the parameter "someCertificate" is not known`,
		"mysql://u@db/d?password=canary&7f=x":          "a parameter that is not known",
		"jdbc:postgresql://db/d":                       "choose the system PostgreSQL",
		"mysql://u@db/d?zeroDateTimeBehavior=round":    "other days",
		"jdbc:mysql://db/d?allowLoadLocalInfile=true":  "read files",
		"jdbc:mysql://db/d?allowUrlInLocalInfile=true": "read files",
		"mysql://u@db/d?allowAllFiles=true":            "read files",
		"jdbc:mysql://db/d?allowMultiQueries=true":     "one statement",
		"jdbc:mysql://db/d?autoDeserialize=true":       "Java class",
		"jdbc:mysql://db/d?queryInterceptors=x":        "Java class",
		"jdbc:mysql://db/d?socketFactory=x":            "Java class",
		"jdbc:mysql://db/d?sessionVariables=sql_mode=": "server's own settings",
		"jdbc:mariadb://db/d?serverSslCert=/etc/x":     "Certificate authority",
		"jdbc:mariadb://db/d?localSocket=/tmp/x":       "no Unix sockets",
		"mysql://u@db/d?host=evil":                     "the parameter host is refused",
		"mysql://u@db/" + strings.Repeat("d", 5000):    "longer than",
	} {
		_, err := split(t, address)
		e, ok := errors.AsType[*flows.Error](err)
		if !ok || !strings.Contains(e.Message+"; "+e.Suggestion, want) || e.Suggestion == "" {
			t.Errorf("%s: %v", address, err)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), canary) {
			t.Errorf("%s: the error gives the password away: %v", address, err)
		}
	}
}

// TestIgnored: what has no effect is named.
func TestIgnored(t *testing.T) {
	t.Parallel()
	_, ignored, err := node.SplitAddress("mysql", json.RawMessage(`{"address": "jdbc:mysql://db/d?user=u&password=p&useUnicode=true&serverTimezone=UTC&sslMode=REQUIRED"}`))
	if got := strings.Join(ignored, " "); err != nil || got != "useUnicode serverTimezone" {
		t.Errorf("%s, %v", got, err)
	}
	if _, ignored, err = node.SplitAddress("mysql", json.RawMessage(`{"address": "mysql://u@db/d?maxRows=7"}`)); err != nil || strings.Join(ignored, " ") != "maxRows" {
		t.Errorf("%s, %v", ignored, err)
	}
}
