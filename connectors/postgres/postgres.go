// Package postgres is the connection type PostgreSQL and its dialect of the node types Database Input and Database
// Output: tables are read and written by binary COPY, and a load is one transaction.
package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"spark/connectors/internal/address"
	"spark/flows"
	"spark/flows/node"
)

const typeID = "postgres"

func init() {
	node.RegisterConnectionType(&node.ConnectionType{
		ID: typeID, Title: "PostgreSQL", Summary: "A database of a PostgreSQL server.", Synonyms: []string{"postgres", "pg", "JDBC", "SQL"},
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
	SearchPath     string      `json:"searchPath,omitempty" title:"Search path" advanced:"true" help:"Schemas in which names without a schema are looked for. Empty: as the server has it for the user." example:"sales, public"`
	// ApplicationName is shown to the administrators of the server.
	ApplicationName string `json:"applicationName,omitempty" title:"Application name" advanced:"true" help:"Under which the server lists the connection. Empty: Spark."`
}

func newSettings() *Settings {
	return &Settings{Port: 5432, TLS: "prefer", ConnectTimeout: 10, Silence: 30}
}

const maxTimeout = 3600 // seconds

var _ node.ConnectionSettings = (*Settings)(nil)

// Check reports what is wrong with the settings.
func (s *Settings) Check() flows.Problems {
	var ps flows.Problems
	if s.Port > 65535 {
		ps = append(ps, &flows.Error{Code: "connection.port", Path: flows.Path{Field: "port"}, Message: fmt.Sprintf("%d is no port", s.Port), Suggestion: "choose one of 1 to 65535; PostgreSQL's is 5432"})
	}
	if strings.ContainsAny(s.Host, "/,@ \t") || strings.ContainsFunc(s.Host, address.Control) {
		ps = append(ps, &flows.Error{Code: "connection.host", Path: flows.Path{Field: "host"}, Message: "that is no name or address of one host", Suggestion: "write db.example.com or 192.0.2.7; a Unix socket or a list of hosts is not taken"})
	}
	if s.ConnectTimeout > maxTimeout {
		ps = append(ps, &flows.Error{Code: "connection.timeout", Path: flows.Path{Field: "connectTimeout"}, Message: fmt.Sprintf("%d seconds is too long to wait for a connection", s.ConnectTimeout), Suggestion: "choose 1 to 3600"})
	}
	if s.Silence > maxTimeout {
		ps = append(ps, &flows.Error{Code: "connection.silence", Path: flows.Path{Field: "silence"}, Message: fmt.Sprintf("%d seconds is too long to wait for a word", s.Silence), Suggestion: "choose 1 to 3600"})
	}
	if len(s.ApplicationName) > 63 || strings.ContainsFunc(s.ApplicationName, address.Control) {
		ps = append(ps, &flows.Error{Code: "connection.application", Path: flows.Path{Field: "applicationName"}, Message: "the application's name is longer than 63 bytes or has a control character in it", Suggestion: "shorten it"})
	}
	if s.Authority != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.Authority)) {
		ps = append(ps, &flows.Error{Code: "connection.authority", Path: flows.Path{Field: "authority"}, Message: "there is no certificate in it", Suggestion: "paste certificates in PEM form, with their BEGIN and END lines"})
	}
	return ps
}

// Place is the server's address.
func (s *Settings) Place() string { return net.JoinHostPort(s.Host, strconv.FormatInt(s.Port, 10)) }

// config makes the driver's configuration. Nothing comes from the environment or from files of the machine's user.
func (s *Settings) config() (*pgx.ConnConfig, error) {
	c, err := pgx.ParseConfig("host=localhost sslmode=disable passfile=/dev/null servicefile=/dev/null sslcert='' sslkey='' sslrootcert='' target_session_attrs=any options=''")
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	c.Host, c.Port, c.Database, c.User, c.Password = s.Host, uint16(s.Port), s.Database, s.User, s.Password.Reveal()
	c.ConnectTimeout = time.Duration(s.ConnectTimeout) * time.Second
	c.RuntimeParams = map[string]string{"application_name": "Spark", "client_encoding": "UTF8", "DateStyle": "ISO", "standard_conforming_strings": "on", "TimeZone": "UTC"} // which pools take, too; see greet
	if s.ApplicationName != "" {
		c.RuntimeParams["application_name"] = s.ApplicationName
	}
	c.Fallbacks = nil
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	switch s.TLS {
	case "disable":
		c.TLSConfig = nil
	case "prefer":
		c.TLSConfig = &tls.Config{InsecureSkipVerify: true} // as libpq: encrypted, but not verified
		c.Fallbacks = []*pgconn.FallbackConfig{{Host: s.Host, Port: uint16(s.Port)}}
	case "require":
		c.TLSConfig = &tls.Config{InsecureSkipVerify: true}
	case "verify-ca", "verify-full":
		c.TLSConfig = address.Verifying(s.TLS, s.Host, s.Authority)
	}
	return c, nil
}

type dialect struct{}

var _ node.Dialect = dialect{}

// connectError says what kept from connecting, without the secrets that a driver's error may quote.
func (s *Settings) connectError(name string, err error) error {
	e := &flows.Error{Code: "database.connect", Path: flows.Path{Field: "connection"}, Params: flows.Params{"connection": name, "place": s.Place()}, Cause: err,
		Message: fmt.Sprintf("%s does not answer at %s", name, s.Place()), Suggestion: "check host and port, and that the server runs and can be reached from here"}
	pe, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case !answered && errors.Is(err, context.Canceled):
		return err
	case !answered:
		if d, ok := errors.AsType[*net.DNSError](err); ok {
			e.Message = fmt.Sprintf("%s: the host %q has no address", name, d.Name)
		}
		var unknown x509.UnknownAuthorityError
		var host x509.HostnameError
		if errors.As(err, &unknown) || errors.As(err, &host) {
			e.Code, e.Message, e.Suggestion = "database.certificate", fmt.Sprintf("%s: the certificate of %s is not trusted: %v", name, s.Place(), errors.Unwrap(err)), "give the certificate authority, or choose a weaker kind of TLS"
		}
		return e
	case pe.Code == "28P01" || pe.Code == "28000" || pe.Code == "08P01" && strings.Contains(pe.Message, "authentication failed"): // 08P01: of pools
		e.Code, e.Message, e.Suggestion = "database.login", fmt.Sprintf("%s: %s refused the user %q: %s", name, s.Place(), s.User, pe.Message), "check user and password"
	case pe.Code == "3D000" || pe.Code == "08P01" && strings.HasPrefix(pe.Message, fmt.Sprintf("database %q", s.Database)):
		e.Code, e.Message, e.Suggestion = "database.unknown_database", fmt.Sprintf("%s: %s has no database %q", name, s.Place(), s.Database), "check the name of the database"
	case pe.Code == "53300":
		e.Code, e.Message, e.Suggestion = "database.busy", fmt.Sprintf("%s: %s has no connection left", name, s.Place()), "wait, or raise max_connections of the server"
	default:
		e.Message, e.Suggestion = fmt.Sprintf("%s: %s refused the connection: %s", name, s.Place(), pe.Message), pe.Hint
	}
	return e
}

func test(ctx context.Context, c node.Connection) (node.ConnectionReport, error) {
	began := time.Now()
	conn, err := connect(ctx, c)
	if err != nil {
		return node.ConnectionReport{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	report := node.ConnectionReport{Place: c.Settings.Place()}
	err = conn.QueryRow(ctx, "SELECT current_user::text, 'PostgreSQL ' || current_setting('server_version')").Scan(&report.User, &report.Version)
	if err != nil {
		return node.ConnectionReport{}, queryError(c.Name, err)
	}
	report.Took = time.Since(began)
	return report, nil
}

// queryError turns what the server said about a statement into an error with a suggestion.
func queryError(connection string, err error) error {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return &flows.Error{Code: "database.lost", Message: fmt.Sprintf("%s: the connection was lost: %v", connection, err), Suggestion: "check the server and the network, and run again", Cause: err}
	}
	e := &flows.Error{Code: "database.query", Message: fmt.Sprintf("%s: %s", connection, pe.Message), Params: flows.Params{"sqlstate": pe.Code}, Suggestion: pe.Hint, Cause: err}
	if pe.Detail != "" {
		e.Message += ": " + pe.Detail
	}
	if e.Suggestion == "" {
		e.Suggestion = "nothing was written; check the SQL"
	}
	e.Path.Column = pe.ColumnName
	if at := copyLine(pe.Where); at > 0 {
		e.Path.Record = at
	}
	switch pe.Code {
	case "42P01", "3F000":
		e.Code, e.Path.Field, e.Suggestion = "database.no_table", "table", "check the name and its schema; names with capitals are written in double quotes"
	case "42703":
		e.Code, e.Suggestion = "database.no_column", "check the name of the column"
	case "42501":
		e.Code, e.Suggestion = "database.no_right", "grant the right to the user of the connection, or choose another connection"
	case "23505":
		e.Code, e.Suggestion = "database.unique", "nothing was written; remove duplicates with Deduplicate, or choose upsert"
	case "23502", "23503", "23514":
		e.Code, e.Suggestion = "database.constraint", "nothing was written; filter or correct these records before"
	case "22001":
		e.Code, e.Suggestion = "database.too_long", "nothing was written; shorten the text, or widen the column"
	case "22P05": // \u0000 in jsonb
		e.Code, e.Message, e.Suggestion = "database.nul", fmt.Sprintf("%s: a JSON value has the character \\u0000, which jsonb cannot hold", connection), "nothing was written; remove it, or make the column json"
	case "55P03", "40P01":
		e.Code, e.Suggestion = "database.locked", "nothing was written; run again when others have ended"
	case "57P01", "57P02", "57P03", "08006", "08003", "08P01": // the last by pools whose server is gone
		e.Code, e.Suggestion = "database.lost", "the server ended the connection; run again"
	case "53100":
		e.Code, e.Suggestion = "database.disk_full", "nothing was written; make room on the server"
	}
	return e
}
