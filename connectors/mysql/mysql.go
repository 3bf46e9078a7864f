// Package mysql is the connection type MySQL / MariaDB and its dialect of the node types Database Input and Database
// Output: tables are read in one snapshot and written by LOAD DATA, and a load is one transaction.
package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"spark/connectors/internal/address"
	"spark/flows"
	"spark/flows/node"
)

const typeID = "mysql"

func init() {
	node.RegisterConnectionType(&node.ConnectionType{
		ID: typeID, Title: "MySQL / MariaDB", Summary: "A database of a MySQL or MariaDB server.", Synonyms: []string{"mysql", "mariadb", "JDBC", "SQL"},
		New:  func() node.ConnectionSettings { return newSettings() },
		Test: test, Dialect: dialect{}, Address: addressExample, Parse: parseAddress,
	})
}

// Settings are those of a connection.
type Settings struct {
	Host           string      `json:"host" title:"Host" required:"true" example:"db.example.com"`
	Port           int64       `json:"port" title:"Port" minimum:"1"`
	Database       string      `json:"database" title:"Database" required:"true"`
	User           string      `json:"user" title:"User" required:"true"`
	Password       node.Secret `json:"password,omitzero" title:"Password"`
	TLS            string      `json:"tls" title:"TLS" enum:"disable|prefer|require|verify-ca|verify-full" help:"prefer: encrypted where the server can. verify-full: also checks that the server is the one that it says it is."`
	Authority      string      `json:"authority,omitempty" title:"Certificate authority" widget:"multiline" advanced:"true" help:"Certificates in PEM that verify-ca and verify-full trust. Empty: those of the machine."`
	ConnectTimeout int64       `json:"connectTimeout" title:"Connect timeout" minimum:"1" advanced:"true" help:"Seconds."`
	Silence        int64       `json:"silence" title:"Silence" minimum:"1" advanced:"true" help:"Seconds without a word from the server after which it is asked, over another connection, whether it still works on the statement. If it does not, the connection is lost; if it does, it may take as long as it wants."`
	ZeroDates      string      `json:"zeroDates" title:"Zero dates" enum:"reject|null" advanced:"true" help:"0000-00-00 and 2026-02-00 are no days. reject: their records are refused and go to the port Rejects. null: they are read as no value."`
	// Bulk can be turned off where a proxy between does not pass LOAD DATA LOCAL.
	Bulk string `json:"bulk" title:"Load by" enum:"auto|insert" advanced:"true" help:"auto: LOAD DATA LOCAL where the server allows it, else INSERT of many records at a time. insert: always the latter, which is slower."`
}

func newSettings() *Settings {
	return &Settings{Port: 3306, TLS: "prefer", ConnectTimeout: 10, Silence: 30, ZeroDates: "reject", Bulk: "auto"}
}

const maxTimeout = 3600 // seconds

var _ node.ConnectionSettings = (*Settings)(nil)

// Check reports what is wrong with the settings.
func (s *Settings) Check() flows.Problems {
	var ps flows.Problems
	say := func(code, field, message, suggestion string) {
		ps = append(ps, &flows.Error{Code: code, Path: flows.Path{Field: field}, Message: message, Suggestion: suggestion})
	}
	if s.Port > 65535 {
		say("connection.port", "port", fmt.Sprintf("%d is no port", s.Port), "choose one of 1 to 65535; MySQL's is 3306")
	}
	if strings.ContainsAny(s.Host, "/,@() \t") || strings.ContainsFunc(s.Host, address.Control) {
		say("connection.host", "host", "that is no name or address of one host", "write db.example.com or 192.0.2.7; a Unix socket or a list of hosts is not taken")
	}
	if s.ConnectTimeout > maxTimeout {
		say("connection.timeout", "connectTimeout", fmt.Sprintf("%d seconds is too long to wait for a connection", s.ConnectTimeout), "choose 1 to 3600")
	}
	if s.Silence > maxTimeout {
		say("connection.silence", "silence", fmt.Sprintf("%d seconds is too long to wait for a word", s.Silence), "choose 1 to 3600")
	}
	if s.Authority != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.Authority)) {
		say("connection.authority", "authority", "there is no certificate in it", "paste certificates in PEM form, with their BEGIN and END lines")
	}
	return ps
}

// Place is the server's address.
func (s *Settings) Place() string { return net.JoinHostPort(s.Host, strconv.FormatInt(s.Port, 10)) }

// tlsConfig is how the connection is encrypted; nil: not at all. fallback: not at all is better than no connection.
func (s *Settings) tlsConfig() (c *tls.Config, fallback bool) {
	switch s.TLS {
	case "prefer":
		return &tls.Config{InsecureSkipVerify: true}, true // encrypted, but not verified
	case "require":
		return &tls.Config{InsecureSkipVerify: true}, false
	case "verify-ca", "verify-full":
		return address.Verifying(s.TLS, s.Host, s.Authority), false
	}
	return nil, false
}

type dialect struct{}

var _ node.Dialect = dialect{}

func test(ctx context.Context, c node.Connection) (node.ConnectionReport, error) {
	began := time.Now()
	s, err := connect(ctx, c)
	if err != nil {
		return node.ConnectionReport{}, err
	}
	defer s.close()
	report := node.ConnectionReport{Place: c.Settings.Place(), Version: s.product()}
	if err := s.row(ctx, "SELECT CURRENT_USER()", &report.User); err != nil {
		return node.ConnectionReport{}, queryError(c.Name, err)
	}
	report.Took = time.Since(began)
	return report, nil
}
