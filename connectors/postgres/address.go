package postgres

import (
	"net/url"
	"strconv"
	"strings"

	"spark/connectors/internal/address"
	"spark/flows/node"
)

// A connection may be given as the address that other programs use: postgres://user:password@host:port/database or
// jdbc:postgresql://host:port/database, each with parameters. It is split into settings and not kept.

const usualPort = 5432

const addressExample = "postgres://user@host:5432/database"

// parseAddress splits an address. No error quotes it: it may hold the password.
func parseAddress(text string) (node.ParsedAddress, error) {
	s := newSettings()
	rest, err := address.Clean(text)
	if err != nil {
		return node.ParsedAddress{}, err
	}
	var ignored []string
	switch after, kind := address.CutPrefix(rest, "jdbc:postgresql:", "postgres://", "postgresql://"); kind {
	case "jdbc:postgresql:":
		ignored, err = s.jdbc(after)
	case "postgres://", "postgresql://":
		ignored, err = s.native(after)
	default:
		if err = address.Other(rest); err != nil {
			break
		}
		err = address.Error("this is no address of PostgreSQL", "write "+addressExample+" or jdbc:postgresql://host:5432/database")
	}
	if err != nil {
		return node.ParsedAddress{}, err
	}
	if s.Host == "" {
		s.Host = "localhost"
	}
	if s.Database == "" {
		s.Database = s.User // as PostgreSQL's own programs take it
	}
	if ps := s.Check(); ps.Failed() {
		return node.ParsedAddress{}, address.Error(ps[0].Message, ps[0].Suggestion)
	}
	return node.ParsedAddress{Settings: s, Ignored: ignored}, nil
}

// native reads what stands behind postgres://.
func (s *Settings) native(rest string) (ignored []string, err error) {
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if s.User, s.Password, authority, err = address.Login(authority); err != nil {
		return nil, err
	}
	if s.Host, s.Port, err = address.HostPort(authority, usualPort); err != nil {
		return nil, err
	}
	if s.Database, err = address.Decoded(url.PathUnescape, "the database", path); err != nil {
		return nil, err
	}
	return parameters.Read(s, query)
}

// jdbc reads what stands behind jdbc:postgresql: — //host:port/database or the database alone, and parameters.
func (s *Settings) jdbc(rest string) (ignored []string, err error) {
	rest, query, _ := strings.Cut(rest, "?")
	path := rest
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		authority, database, _ := strings.Cut(after, "/")
		if strings.Contains(authority, "@") {
			return nil, address.Error("a JDBC address names no user before its host", "write ?user=… behind the database, or begin with postgres://")
		}
		if s.Host, s.Port, err = address.HostPort(authority, usualPort); err != nil {
			return nil, err
		}
		path = database
	} else {
		path = strings.TrimPrefix(path, "/")
	}
	if s.Database, err = address.Decoded(url.QueryUnescape, "the database", path); err != nil {
		return nil, err
	}
	return parameters.Read(s, query)
}

// parameters are those that an address may have.
var parameters = address.Parameters[*Settings]{Needless: needless, Refused: refused, Names: []string{"sslmode", "application_name", "connect_timeout", "search_path", "currentSchema", "user", "password"}, Known: map[string]address.Parameter[*Settings]{
	"user":             {What: "user", Set: setUser},
	"password":         {What: "password", Set: setPassword},
	"sslmode":          {What: "kind of TLS", Set: setTLS},
	"ssl":              {What: "kind of TLS", Set: setJDBCTLS},
	"application_name": {What: "application's name", Set: setApplication},
	"applicationname":  {What: "application's name", Set: setApplication},
	"connect_timeout":  {What: "connect timeout", Set: setTimeout},
	"connecttimeout":   {What: "connect timeout", Set: setTimeout},
	"search_path":      {What: "search path", Set: setSearchPath},
	"currentschema":    {What: "search path", Set: setSearchPath},
}}

// needless are parameters of JDBC's driver that change nothing of what Spark does.
var needless = map[string]bool{"preparethreshold": true, "preparedstatementcachequeries": true, "preparedstatementcachesizemib": true, "rewritebatchedinserts": true, "defaultrowfetchsize": true, "tcpkeepalive": true,
	"binarytransfer": true, "binarytransferenable": true, "binarytransferdisable": true, "stringtype": true, "assumeminserverversion": true, "cleanupsavepoints": true, "autosave": true, "logunclosedconnections": true,
	"receivebuffersize": true, "sendbuffersize": true, "disablecolumnsanitiser": true, "escapesyntaxcallmode": true, "fallback_application_name": true, "keepalives": true, "keepalives_idle": true, "keepalives_interval": true,
	"keepalives_count": true, "tcp_user_timeout": true}

func setUser(s *Settings, v string) error {
	if s.User != "" {
		return address.Error("the address gives the user twice", "give it once")
	}
	s.User = v
	return nil
}

func setPassword(s *Settings, v string) error {
	if !s.Password.IsZero() {
		return address.Error("the address gives the password twice", "give it once")
	}
	s.Password = node.NewSecret(v)
	return nil
}

func setTLS(s *Settings, v string) error {
	switch v {
	case "disable", "prefer", "require", "verify-ca", "verify-full":
		s.TLS = v
		return nil
	case "allow":
		return address.Error("sslmode=allow is not supported", "choose prefer, which encrypts where the server can")
	}
	return address.Error("the value of sslmode is not known", "choose disable, prefer, require, verify-ca or verify-full")
}

// setJDBCTLS: ssl=true alone means verify-full to the JDBC driver.
func setJDBCTLS(s *Settings, v string) error {
	switch v {
	case "", "true":
		s.TLS = "verify-full"
	case "false":
		s.TLS = "disable"
	default:
		return address.Error("ssl is neither true nor false", "write ssl=true, or sslmode=require")
	}
	return nil
}

func setApplication(s *Settings, v string) error {
	s.ApplicationName = v
	return nil
}

func setTimeout(s *Settings, v string) error {
	n, err := strconv.ParseUint(v, 10, 16)
	if err != nil || n == 0 || n > maxTimeout {
		return address.Error("the connect timeout is no number of seconds from 1 to 3600", "write connect_timeout=10")
	}
	s.ConnectTimeout = int64(n)
	return nil
}

func setSearchPath(s *Settings, v string) error {
	s.SearchPath = v
	return nil
}

// refused says why a parameter that other programs take is not taken here, by its name in lower case.
var refused = map[string][2]string{
	"host":                          {"the host stands in front of the question mark only, so that one place says where the password goes", "write it there"},
	"hostaddr":                      {"it would send the password elsewhere than the host says", "write the address as the host"},
	"port":                          {"the port stands behind the host", "write it there"},
	"dbname":                        {"the database stands behind the host", "write it there"},
	"service":                       {"it reads a file of the server's machine", "write out what the service stands for"},
	"servicefile":                   {"it reads a file of the server's machine", "write out what the service stands for"},
	"passfile":                      {"it reads a file of the server's machine", "fill in the password"},
	"sslcert":                       {"it reads a file of the server's machine", "log in by password; client certificates are not supported"},
	"sslkey":                        {"it reads a file of the server's machine", "log in by password; client certificates are not supported"},
	"sslpassword":                   {"it opens a key file of the server's machine", "log in by password; client certificates are not supported"},
	"sslrootcert":                   {"it reads a file of the server's machine", "paste the certificates into \"Certificate authority\""},
	"sslcrl":                        {"it reads a file of the server's machine", "remove it"},
	"sslcrldir":                     {"it reads files of the server's machine", "remove it"},
	"options":                       {"it sets what only the server's own settings may say", "use search_path for the schema; set other things for the user on the server: ALTER ROLE … SET …"},
	"target_session_attrs":          {"a connection leads to one server", "name the server that is wanted as the host"},
	"targetservertype":              {"a connection leads to one server", "name the server that is wanted as the host"},
	"load_balance_hosts":            {"a connection leads to one server", "remove it"},
	"loadbalancehosts":              {"a connection leads to one server", "remove it"},
	"hostrecheckseconds":            {"a connection leads to one server", "remove it"},
	"socketfactory":                 {"it names a Java class, which would be loaded and run", "remove it"},
	"socketfactoryarg":              {"it belongs to a Java class, which would be loaded and run", "remove it"},
	"sslfactory":                    {"it names a Java class, which would be loaded and run", "choose the kind of TLS with sslmode"},
	"sslfactoryarg":                 {"it belongs to a Java class, which would be loaded and run", "choose the kind of TLS with sslmode"},
	"sslhostnameverifier":           {"it names a Java class, which would be loaded and run", "choose verify-ca or verify-full with sslmode"},
	"sslpasswordcallback":           {"it names a Java class, which would be loaded and run", "remove it"},
	"authenticationpluginclassname": {"it names a Java class, which would be loaded and run", "log in by password"},
	"xmlfactoryfactory":             {"it names a Java class, which would be loaded and run", "remove it"},
	"loggerfile":                    {"it writes a file of the server's machine", "remove it"},
	"loggerlevel":                   {"it belongs to a log file of the JDBC driver", "remove it"},
	"allowloadlocalinfile":          {"it would let the server read files of this machine", "remove it"},
	"allowmultiqueries":             {"one statement is one statement", "remove it"},
	"krbsrvname":                    {"Kerberos is not supported", "log in by password"},
	"kerberosservername":            {"Kerberos is not supported", "log in by password"},
	"gsslib":                        {"Kerberos is not supported", "log in by password"},
	"gssencmode":                    {"Kerberos is not supported", "log in by password"},
	"jaasapplicationname":           {"Kerberos is not supported", "log in by password"},
	"channel_binding":               {"Spark chooses it", "remove it"},
	"channelbinding":                {"Spark chooses it", "remove it"},
	"requirepeer":                   {"there are no Unix sockets", "remove it"},
	"replication":                   {"a connection is for tables and queries", "remove it"},
	"client_encoding":               {"Spark sets it to UTF-8", "remove it"},
	"charset":                       {"Spark sets it to UTF-8", "remove it"},
	"timezone":                      {"Spark sets it to UTC", "remove it"},
	"datestyle":                     {"Spark sets it to ISO", "remove it"},
	"readonly":                      {"a source reads in a read-only transaction as it is", "remove it"},
}
