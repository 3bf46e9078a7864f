package postgres

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"spark/flows"
	"spark/flows/node"
)

// A connection may be given as the address that other programs use: postgres://user:password@host:port/database or
// jdbc:postgresql://host:port/database, each with parameters. It is split into settings and not kept.

const (
	addressExample = "postgres://user@host:5432/database"
	maxAddress     = 4096 // bytes
)

// parseAddress splits an address. No error quotes it: it may hold the password.
func parseAddress(address string) (node.ConnectionSettings, error) {
	s := newSettings()
	rest := strings.TrimSpace(address)
	if len(rest) > maxAddress {
		return nil, addressError("the address is longer than 4,096 characters", "paste the address alone")
	}
	if strings.ContainsFunc(rest, control) {
		return nil, addressError("the address has a line break or another control character in it", "paste the address alone, on one line")
	}
	var err error
	if after, ok := cutFold(rest, "jdbc:postgresql:"); ok {
		err = s.jdbc(after)
	} else if after, ok := cutFold(rest, "postgres://"); ok {
		err = s.native(after)
	} else if after, ok := cutFold(rest, "postgresql://"); ok {
		err = s.native(after)
	} else {
		err = addressError("this is no address of PostgreSQL", "write "+addressExample+" or jdbc:postgresql://host:5432/database")
	}
	if err != nil {
		return nil, err
	}
	if s.Host == "" {
		s.Host = "localhost"
	}
	if s.Database == "" {
		s.Database = s.User // as PostgreSQL's own programs take it
	}
	if ps := s.Check(); ps.Failed() {
		return nil, addressError(ps[0].Message, ps[0].Suggestion)
	}
	return s, nil
}

func addressError(message, suggestion string) error {
	return &flows.Error{Code: "connection.address", Path: flows.Path{Field: node.AddressMember}, Message: message, Suggestion: suggestion}
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// native reads what stands behind postgres://.
func (s *Settings) native(rest string) error {
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	// A password that was not written as a URL wants it may hold an @: the last one ends it.
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		name, password, _ := strings.Cut(authority[:i], ":")
		authority = authority[i+1:]
		var err error
		if s.User, err = decoded(url.PathUnescape, "the user", name); err != nil {
			return err
		}
		if password, err = decoded(url.PathUnescape, "the password", password); err != nil {
			return err
		}
		s.Password = node.NewSecret(password)
	}
	if err := s.hostPort(authority); err != nil {
		return err
	}
	var err error
	if s.Database, err = decoded(url.PathUnescape, "the database", path); err != nil {
		return err
	}
	return s.parameters(query)
}

// jdbc reads what stands behind jdbc:postgresql: — //host:port/database or the database alone, and parameters.
func (s *Settings) jdbc(rest string) error {
	rest, query, _ := strings.Cut(rest, "?")
	path := rest
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		authority, database, _ := strings.Cut(after, "/")
		if strings.Contains(authority, "@") {
			return addressError("a JDBC address names no user before its host", "write ?user=… behind the database, or begin with postgres://")
		}
		if err := s.hostPort(authority); err != nil {
			return err
		}
		path = database
	} else {
		path = strings.TrimPrefix(path, "/")
	}
	var err error
	if s.Database, err = decoded(url.QueryUnescape, "the database", path); err != nil {
		return err
	}
	return s.parameters(query)
}

// decoded undoes the writing of special characters as % and two digits.
func decoded(how func(string) (string, error), what, text string) (string, error) {
	plain, err := how(text)
	if err != nil || !utf8.ValidString(plain) || strings.ContainsFunc(plain, control) {
		return "", addressError(what+" in the address is not written as a URL wants it", "write % as %25, and other special characters as % and two digits; or fill in the fields")
	}
	return plain, nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// hostPort reads host, host:port or [address]:port.
func (s *Settings) hostPort(text string) error {
	if text == "" {
		return nil
	}
	if strings.Contains(text, ",") {
		return addressError("the address names several hosts", "name one; a connection leads to one server")
	}
	host, port := text, ""
	if strings.HasPrefix(text, "[") {
		end := strings.IndexByte(text, ']')
		if end < 0 || end+1 < len(text) && text[end+1] != ':' {
			return addressError("the host in brackets has no end", "write [::1]:5432")
		}
		host, port = text[1:end], strings.TrimPrefix(text[end+1:], ":")
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() {
			return addressError("what stands in brackets is no IPv6 address", "write [::1]:5432")
		}
	} else if i := strings.IndexByte(text, ':'); i >= 0 {
		host, port = text[:i], text[i+1:]
	}
	var err error
	if s.Host, err = decoded(url.PathUnescape, "the host", host); err != nil {
		return err
	}
	if port == "" {
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return addressError("the port is no number from 1 to 65535", "write it behind the host: host:5432. Where the password has an @, : or / in it, fill in the fields")
	}
	s.Port = int64(n)
	return nil
}

// parameters reads what stands behind the question mark. What is not known to be harmless is refused by name.
func (s *Settings) parameters(query string) error {
	seen := map[string]bool{}
	for _, pair := range strings.Split(query, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := decoded(url.QueryUnescape, "a parameter", rawName)
		if err != nil {
			return err
		}
		value, err := decoded(url.QueryUnescape, "the value of a parameter", rawValue)
		if err != nil {
			return err
		}
		p, known := parameters[strings.ToLower(name)]
		switch {
		case !known:
			return refusedParameter(name, strings.Contains(query, "@"))
		case seen[p.what]:
			return addressError(fmt.Sprintf("the address gives the %s twice", p.what), "give it once")
		}
		seen[p.what] = true
		if err := p.set(s, value); err != nil {
			return err
		}
	}
	return nil
}

// parameter is one that an address may have.
type parameter struct {
	what string // it sets
	set  func(s *Settings, value string) error
}

var parameters = map[string]parameter{
	"user":             {"user", setUser},
	"password":         {"password", setPassword},
	"sslmode":          {"kind of TLS", setTLS},
	"ssl":              {"kind of TLS", setJDBCTLS},
	"application_name": {"application's name", setApplication},
	"applicationname":  {"application's name", setApplication},
	"connect_timeout":  {"connect timeout", setTimeout},
	"connecttimeout":   {"connect timeout", setTimeout},
	"search_path":      {"search path", setSearchPath},
	"currentschema":    {"search path", setSearchPath},
}

func setUser(s *Settings, v string) error {
	if s.User != "" {
		return addressError("the address gives the user twice", "give it once")
	}
	s.User = v
	return nil
}

func setPassword(s *Settings, v string) error {
	if !s.Password.IsZero() {
		return addressError("the address gives the password twice", "give it once")
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
		return addressError("sslmode=allow is not supported", "choose prefer, which encrypts where the server can")
	}
	return addressError("the value of sslmode is not known", "choose disable, prefer, require, verify-ca or verify-full")
}

// setJDBCTLS: ssl=true alone means verify-full to the JDBC driver.
func setJDBCTLS(s *Settings, v string) error {
	switch v {
	case "", "true":
		s.TLS = "verify-full"
	case "false":
		s.TLS = "disable"
	default:
		return addressError("ssl is neither true nor false", "write ssl=true, or sslmode=require")
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
		return addressError("the connect timeout is no number of seconds from 1 to 3600", "write connect_timeout=10")
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

// refusedParameter says why a parameter is not taken. private: the name may be the rest of a password.
func refusedParameter(name string, private bool) error {
	e := &flows.Error{Code: "connection.parameter", Path: flows.Path{Field: node.AddressMember}}
	if why, ok := refused[strings.ToLower(name)]; ok {
		e.Message, e.Suggestion = fmt.Sprintf("the parameter %s is refused: %s", name, why[0]), why[1]
		return e
	}
	if private || len(name) > 40 {
		e.Message, e.Suggestion = "what stands behind the question mark has a parameter that is not known", "remove it; where the password has a ? or & in it, fill in the fields"
		return e
	}
	names := []string{"sslmode", "application_name", "connect_timeout", "search_path", "currentSchema", "user", "password"}
	e.Message, e.Suggestion = fmt.Sprintf("the parameter %q is not known", name), "remove it, or: "+flows.DidYouMean(name, names)
	return e
}
