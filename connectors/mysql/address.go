package mysql

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

// A connection may be given as the address that other programs use: mysql://user:password@host:port/database,
// jdbc:mysql://host:port/database, jdbc:mariadb://… or Go's user:password@tcp(host:port)/database, each with parameters. It
// is split into settings and not kept.

const (
	addressExample = "mysql://user@host:3306/database"
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
	switch after, kind := cutPrefixes(rest, "jdbc:mysql://", "jdbc:mariadb://", "mysql://", "mariadb://"); {
	case kind != "":
		err = s.url(after, strings.HasPrefix(kind, "jdbc:"))
	case strings.Contains(rest, "@tcp(") || strings.HasPrefix(strings.ToLower(rest), "tcp("):
		err = s.dsn(rest)
	case other(rest) != "":
		err = addressError(fmt.Sprintf("this is an address of %s, and the connection leads to MySQL or MariaDB", other(rest)), "choose the connection type that it belongs to; SQL Server and Oracle are not supported yet: export their tables to files, and read those")
	default:
		err = addressError("this is no address of MySQL or MariaDB", "write "+addressExample+", jdbc:mysql://host:3306/database or jdbc:mariadb://host:3306/database")
	}
	if err != nil {
		return nil, err
	}
	if s.Host == "" {
		s.Host = "localhost"
	}
	if ps := s.Check(); ps.Failed() {
		return nil, addressError(ps[0].Message, ps[0].Suggestion)
	}
	return s, nil
}

// other names the database that an address belongs to, where it is another one.
func other(address string) string {
	for prefix, name := range map[string]string{"jdbc:sqlserver:": "SQL Server", "sqlserver:": "SQL Server", "jdbc:oracle:": "Oracle", "oracle:": "Oracle", "jdbc:postgresql:": "PostgreSQL", "postgres:": "PostgreSQL", "postgresql:": "PostgreSQL"} {
		if _, kind := cutPrefixes(address, prefix); kind != "" {
			return name
		}
	}
	return ""
}

func addressError(message, suggestion string) error {
	return &flows.Error{Code: "connection.address", Path: flows.Path{Field: node.AddressMember}, Message: message, Suggestion: suggestion}
}

// cutPrefixes removes the one of the prefixes, in any case, that a text begins with, and returns it.
func cutPrefixes(s string, prefixes ...string) (rest, prefix string) {
	for _, p := range prefixes {
		if len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) {
			return s[len(p):], p
		}
	}
	return s, ""
}

// url reads what stands behind mysql://.
func (s *Settings) url(rest string, jdbc bool) error {
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if err := s.login(&authority, jdbc); err != nil {
		return err
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

// login takes user and password from an authority. A password that was not written as a URL wants it may hold an @: the
// last one ends it.
func (s *Settings) login(authority *string, jdbc bool) error {
	i := strings.LastIndexByte(*authority, '@')
	if i < 0 {
		return nil
	}
	if jdbc && strings.ContainsAny((*authority)[:i], "(),") {
		return addressError("the address names several hosts or keys in parentheses", "write host:port/database?user=…")
	}
	name, password, _ := strings.Cut((*authority)[:i], ":")
	*authority = (*authority)[i+1:]
	var err error
	if s.User, err = decoded(url.PathUnescape, "the user", name); err != nil {
		return err
	}
	if password, err = decoded(url.PathUnescape, "the password", password); err == nil {
		s.Password = node.NewSecret(password)
	}
	return err
}

// dsn reads user:password@tcp(host:port)/database?parameters, in which nothing is written as URLs want it but the database.
func (s *Settings) dsn(text string) error {
	at := strings.LastIndex(text, "tcp(")
	name, password, _ := strings.Cut(strings.TrimSuffix(text[:at], "@"), ":")
	s.User, s.Password = name, node.NewSecret(password)
	host, rest, closed := strings.Cut(text[at+len("tcp("):], ")")
	rest, slash := strings.CutPrefix(rest, "/")
	if !closed || !slash {
		return addressError("behind tcp(host:port) stands no /database", "write user:password@tcp(host:3306)/database")
	}
	if err := s.hostPort(host); err != nil {
		return err
	}
	rest, query, _ := strings.Cut(rest, "?")
	var err error
	if s.Database, err = decoded(url.PathUnescape, "the database", rest); err != nil {
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
	if strings.ContainsAny(text, ",()") {
		return addressError("the address names several hosts", "name one; a connection leads to one server")
	}
	host, port := text, ""
	if strings.HasPrefix(text, "[") {
		end := strings.IndexByte(text, ']')
		if end < 0 || end+1 < len(text) && text[end+1] != ':' {
			return addressError("the host in brackets has no end", "write [::1]:3306")
		}
		host, port = text[1:end], strings.TrimPrefix(text[end+1:], ":")
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() {
			return addressError("what stands in brackets is no IPv6 address", "write [::1]:3306")
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
		return addressError("the port is no number from 1 to 65535", "write it behind the host: host:3306. Where the password has an @, : or / in it, fill in the fields")
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
		v, err := decoded(url.QueryUnescape, "the value of a parameter", rawValue)
		if err != nil {
			return err
		}
		key := strings.ToLower(name)
		if needless[key] {
			continue
		}
		p, known := parameters[key]
		switch {
		case !known:
			return refusedParameter(name, strings.Contains(query, "@"))
		case seen[p.what]:
			return addressError(fmt.Sprintf("the address gives the %s twice", p.what), "give it once")
		}
		seen[p.what] = true
		if err := p.set(s, v); err != nil {
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
	"user":                 {"user", setUser},
	"password":             {"password", setPassword},
	"sslmode":              {"kind of TLS", setTLS},
	"ssl-mode":             {"kind of TLS", setTLS},
	"tls":                  {"kind of TLS", setGoTLS},
	"usessl":               {"kind of TLS", setUseTLS},
	"connecttimeout":       {"connect timeout", setMilliseconds},
	"timeout":              {"connect timeout", setDuration},
	"connect_timeout":      {"connect timeout", setSeconds},
	"zerodatetimebehavior": {"zero dates", setZeroDates},
}

// needless are parameters that change nothing of what Spark does: texts are UTF-8, times UTC, and loads in bulk, always.
var needless = map[string]bool{"useunicode": true, "characterencoding": true, "charset": true, "collation": true, "servertimezone": true, "connectiontimezone": true, "forceconnectiontimezonetosession": true,
	"rewritebatchedstatements": true, "cacheprepstmts": true, "useserverprepstmts": true, "prepstmtcachesize": true, "prepstmtcachesqllimit": true, "usecursorfetch": true, "defaultfetchsize": true,
	"parsetime": true, "loc": true, "autoreconnect": true, "tcpkeepalive": true, "usecompression": true, "allowpublickeyretrieval": true, "uselegacydatetimecode": true, "tinyint1isbit": true}

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

// setTLS reads sslMode as MySQL's and MariaDB's drivers write it.
func setTLS(s *Settings, v string) error {
	kind := map[string]string{"disabled": "disable", "disable": "disable", "preferred": "prefer", "required": "require", "trust": "require", "verify_ca": "verify-ca", "verify-ca": "verify-ca", "verify_identity": "verify-full", "verify-full": "verify-full"}[strings.ToLower(v)]
	if kind == "" {
		return addressError("the value of sslMode is not known", "choose DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY")
	}
	s.TLS = kind
	return nil
}

func setGoTLS(s *Settings, v string) error {
	kind := map[string]string{"true": "verify-full", "false": "disable", "skip-verify": "require", "preferred": "prefer"}[strings.ToLower(v)]
	if kind == "" {
		return addressError("the value of tls is not known", "choose true, false, skip-verify or preferred")
	}
	s.TLS = kind
	return nil
}

func setUseTLS(s *Settings, v string) error {
	kind := map[string]string{"true": "require", "false": "disable"}[strings.ToLower(v)]
	if kind == "" {
		return addressError("useSSL is neither true nor false", "write useSSL=true, or sslMode=REQUIRED")
	}
	s.TLS = kind
	return nil
}

func setSeconds(s *Settings, v string) error { return s.timeout(v, 1) }

func setMilliseconds(s *Settings, v string) error { return s.timeout(v, 1000) }

func setDuration(s *Settings, v string) error { return s.timeout(strings.TrimSuffix(v, "s"), 1) }

func (s *Settings) timeout(v string, perSecond uint64) error {
	n, err := strconv.ParseUint(v, 10, 32)
	if n = (n + perSecond - 1) / perSecond; err != nil || n == 0 || n > maxTimeout {
		return addressError("the connect timeout is no time from 1 to 3600 seconds", "write connectTimeout=10000, in milliseconds, or timeout=10s")
	}
	s.ConnectTimeout = int64(n)
	return nil
}

func setZeroDates(s *Settings, v string) error {
	switch strings.ToLower(v) {
	case "converttonull", "convert_to_null":
		s.ZeroDates = "null"
	case "exception":
		s.ZeroDates = "reject"
	default:
		return addressError("zeroDateTimeBehavior would change zero dates into other days", "choose CONVERT_TO_NULL or EXCEPTION")
	}
	return nil
}

// refused says why a parameter that other programs take is not taken here, by its name in lower case.
var refused = func() map[string][2]string {
	all := map[string][2]string{
		"allowmultiqueries":        {"one statement is one statement", "remove it"},
		"multistatements":          {"one statement is one statement", "remove it"},
		"sessionvariables":         {"it sets what only the server's own settings may say", "set it at the server"},
		"initsql":                  {"it executes SQL at every connection", "use \"SQL before\" of the output"},
		"sql_mode":                 {"Spark sets it so that no value is changed", "remove it"},
		"jdbccompliancetruncation": {"values are never cut to fit", "remove it"},
		"allowfallbacktoplaintext": {"TLS says it", "choose the kind of TLS with sslMode"},
		"allowcleartextpasswords":  {"it would send the password in the clear", "remove it"},
		"allowoldpasswords":        {"it would send the password as good as in the clear", "remove it"},
		"unixsocket":               {"there are no Unix sockets", "remove it"},
		"localsocket":              {"there are no Unix sockets", "remove it"},
		"pipe":                     {"there are no pipes", "remove it"},
		"host":                     {"the host stands in front of the question mark only, so that one place says where the password goes", "write it there"},
		"port":                     {"the port stands behind the host", "write it there"},
		"database":                 {"the database stands behind the host", "write it there"},
	}
	for _, file := range []string{"allowloadlocalinfile", "allowurlinlocalinfile", "allowloadlocalinfileinpath", "allowallfiles", "allowlocalinfile"} {
		all[file] = [2]string{"it would let the server read files of this machine", "remove it"}
	}
	for _, file := range []string{"serversslcert", "trustcertificatekeystoreurl", "truststore", "clientcertificatekeystoreurl", "keystore", "serverrsapublickeyfile", "serverpubkey", "sslca", "ssl-ca"} {
		all[file] = [2]string{"it reads a file of the server's machine", "paste the certificates into \"Certificate authority\""}
	}
	for _, class := range []string{"socketfactory", "authenticationplugins", "defaultauthenticationplugin", "queryinterceptors", "statementinterceptors", "exceptioninterceptors", "connectionlifecycleinterceptors", "autodeserialize",
		"propertiestransform", "loadbalancestrategy", "logger", "profilereventhandler", "credentialtype", "serverconfigcachefactory", "parseinfocachefactory"} {
		all[class] = [2]string{"it names a Java class, which would be loaded and run", "remove it"}
	}
	return all
}()

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
	names := []string{"sslMode", "useSSL", "tls", "connectTimeout", "user", "password", "zeroDateTimeBehavior"}
	e.Message, e.Suggestion = fmt.Sprintf("the parameter %q is not known", name), "remove it, or: "+flows.DidYouMean(name, names)
	return e
}
