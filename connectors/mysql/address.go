package mysql

import (
	"net/url"
	"strconv"
	"strings"

	"spark/connectors/internal/address"
	"spark/flows/node"
)

// A connection may be given as the address that other programs use: mysql://user:password@host:port/database,
// jdbc:mysql://host:port/database, jdbc:mariadb://… or Go's user:password@tcp(host:port)/database, each with parameters. It
// is split into settings and not kept.

const usualPort = 3306

const addressExample = "mysql://user@host:3306/database"

// parseAddress splits an address. No error quotes it: it may hold the password.
func parseAddress(text string) (node.ParsedAddress, error) {
	s := newSettings()
	rest, err := address.Clean(text)
	if err != nil {
		return node.ParsedAddress{}, err
	}
	var ignored []string
	switch after, kind := address.CutPrefix(rest, "jdbc:mysql://", "jdbc:mariadb://", "mysql://", "mariadb://"); {
	case kind != "":
		ignored, err = s.url(after, strings.HasPrefix(kind, "jdbc:"))
	case strings.Contains(rest, "@tcp(") || strings.HasPrefix(strings.ToLower(rest), "tcp("):
		ignored, err = s.dsn(rest)
	default:
		if err = address.Other(rest); err != nil {
			break
		}
		err = address.Error("this is no address of MySQL or MariaDB", "write "+addressExample+", jdbc:mysql://host:3306/database or jdbc:mariadb://host:3306/database")
	}
	if err != nil {
		return node.ParsedAddress{}, err
	}
	if s.Host == "" {
		s.Host = "localhost"
	}
	if ps := s.Check(); ps.Failed() {
		return node.ParsedAddress{}, address.Error(ps[0].Message, ps[0].Suggestion)
	}
	return node.ParsedAddress{Settings: s, Ignored: ignored}, nil
}

// url reads what stands behind mysql://.
func (s *Settings) url(rest string, jdbc bool) (ignored []string, err error) {
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(authority, '@'); jdbc && i >= 0 && strings.ContainsAny(authority[:i], "(),") {
		return nil, address.Error("the address names several hosts or keys in parentheses", "write host:port/database?user=…")
	}
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

// dsn reads user:password@tcp(host:port)/database?parameters, in which nothing is written as URLs want it but the database.
func (s *Settings) dsn(text string) (ignored []string, err error) {
	at := strings.LastIndex(text, "tcp(")
	name, password, _ := strings.Cut(strings.TrimSuffix(text[:at], "@"), ":")
	s.User, s.Password = name, node.NewSecret(password)
	host, rest, closed := strings.Cut(text[at+len("tcp("):], ")")
	rest, slash := strings.CutPrefix(rest, "/")
	if !closed || !slash {
		return nil, address.Error("behind tcp(host:port) stands no /database", "write user:password@tcp(host:3306)/database")
	}
	if s.Host, s.Port, err = address.HostPort(host, usualPort); err != nil {
		return nil, err
	}
	rest, query, _ := strings.Cut(rest, "?")
	if s.Database, err = address.Decoded(url.PathUnescape, "the database", rest); err != nil {
		return nil, err
	}
	return parameters.Read(s, query)
}

// parameters are those that an address may have.
var parameters = address.Parameters[*Settings]{Needless: needless, Refused: refused, Names: []string{"sslMode", "useSSL", "tls", "connectTimeout", "user", "password", "zeroDateTimeBehavior"}, Known: map[string]address.Parameter[*Settings]{
	"user":                 {What: "user", Set: setUser},
	"password":             {What: "password", Set: setPassword},
	"sslmode":              {What: "kind of TLS", Set: setTLS},
	"ssl-mode":             {What: "kind of TLS", Set: setTLS},
	"tls":                  {What: "kind of TLS", Set: setGoTLS},
	"usessl":               {What: "kind of TLS", Set: setUseTLS},
	"connecttimeout":       {What: "connect timeout", Set: setMilliseconds},
	"timeout":              {What: "connect timeout", Set: setDuration},
	"connect_timeout":      {What: "connect timeout", Set: setSeconds},
	"zerodatetimebehavior": {What: "zero dates", Set: setZeroDates},
}}

// needless are parameters that change nothing of what Spark does: texts are UTF-8, times UTC, and loads in bulk, always.
var needless = map[string]bool{"useunicode": true, "characterencoding": true, "charset": true, "collation": true, "servertimezone": true, "connectiontimezone": true, "forceconnectiontimezonetosession": true,
	"rewritebatchedstatements": true, "cacheprepstmts": true, "useserverprepstmts": true, "prepstmtcachesize": true, "prepstmtcachesqllimit": true, "usecursorfetch": true, "defaultfetchsize": true,
	"parsetime": true, "loc": true, "autoreconnect": true, "tcpkeepalive": true, "usecompression": true, "allowpublickeyretrieval": true, "uselegacydatetimecode": true, "tinyint1isbit": true}

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

// setTLS reads sslMode as MySQL's and MariaDB's drivers write it.
func setTLS(s *Settings, v string) error {
	kind := map[string]string{"disabled": "disable", "disable": "disable", "preferred": "prefer", "required": "require", "trust": "require", "verify_ca": "verify-ca", "verify-ca": "verify-ca", "verify_identity": "verify-full", "verify-full": "verify-full"}[strings.ToLower(v)]
	if kind == "" {
		return address.Error("the value of sslMode is not known", "choose DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY")
	}
	s.TLS = kind
	return nil
}

func setGoTLS(s *Settings, v string) error {
	kind := map[string]string{"true": "verify-full", "false": "disable", "skip-verify": "require", "preferred": "prefer"}[strings.ToLower(v)]
	if kind == "" {
		return address.Error("the value of tls is not known", "choose true, false, skip-verify or preferred")
	}
	s.TLS = kind
	return nil
}

func setUseTLS(s *Settings, v string) error {
	kind := map[string]string{"true": "require", "false": "disable"}[strings.ToLower(v)]
	if kind == "" {
		return address.Error("useSSL is neither true nor false", "write useSSL=true, or sslMode=REQUIRED")
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
		return address.Error("the connect timeout is no time from 1 to 3600 seconds", "write connectTimeout=10000, in milliseconds, or timeout=10s")
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
		return address.Error("zeroDateTimeBehavior would change zero dates into other days", "choose CONVERT_TO_NULL or EXCEPTION")
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
