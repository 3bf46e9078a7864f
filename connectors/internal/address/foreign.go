package address

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
)

// systems are those whose addresses are known by how they begin, in lower case. read splits the address of one that there
// is no connection type for.
var systems = []struct {
	title    string
	prefixes []string
	read     func(f *foreign, rest string)
}{
	{"PostgreSQL", []string{"jdbc:postgresql:", "postgres://", "postgresql://"}, nil},
	{"MySQL / MariaDB", []string{"jdbc:mysql:", "jdbc:mariadb:", "mysql://", "mariadb://"}, nil},
	{"SQL Server", []string{"jdbc:sqlserver://", "sqlserver://", "mssql://"}, (*foreign).sqlServer},
	{"Oracle", []string{"jdbc:oracle:thin:", "jdbc:oracle:oci:", "jdbc:oracle:oci8:", "oracle://"}, (*foreign).oracle},
}

// Other is the error about an address of another system than the one of the connection, nil where it is known of none. It
// tells what the address says, but for the password.
func Other(text string) error {
	for _, s := range systems {
		rest, prefix := CutPrefix(text, s.prefixes...)
		if prefix == "" {
			continue
		}
		if s.read == nil {
			return Error("this is an address of "+s.title, "choose the system "+s.title+" for the connection")
		}
		f := &foreign{}
		if strings.HasPrefix(prefix, "jdbc:") {
			s.read(f, rest)
		} else {
			f.url(rest)
		}
		return &flows.Error{Code: "connection.unsupported", Path: flows.Path{Field: node.AddressMember}, Params: flows.Params{"system": s.title, "fields": f.fields, "ignored": f.names()},
			Message: "this is an address of " + s.title + ", to which no connection can be made yet", Suggestion: "nothing is filled in; export its tables to files, and read those"}
	}
	return nil
}

// foreign is what an address says.
type foreign struct {
	fields  []map[string]string // title, value
	ignored []string            // parameters
	others  int                 // parameters that no driver has: they may be a part of the password
}

func (f *foreign) add(title, value string) {
	value = strings.TrimSpace(value)
	if value == "" || slices.ContainsFunc(f.fields, func(m map[string]string) bool { return m["title"] == title }) {
		return
	}
	if title == "Password" {
		value = "given, and not shown"
	}
	f.fields = append(f.fields, map[string]string{"title": title, "value": value})
}

// ignore names a parameter, if drivers have it.
func (f *foreign) ignore(name string, known map[string]bool) {
	if known[strings.ToLower(name)] {
		f.ignored = append(f.ignored, name)
		return
	}
	f.others++
}

func (f *foreign) names() []string {
	list := append([]string{}, f.ignored...)
	switch {
	case f.others == 1:
		list = append(list, "one that is not known")
	case f.others > 1:
		list = append(list, fmt.Sprintf("%d that are not known", f.others))
	}
	return list
}

func (f *foreign) hostPort(text string) {
	host, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i >= 0 && !strings.HasSuffix(text, "]") {
		host, port = text[:i], text[i+1:]
	}
	host, instance, _ := strings.Cut(host, `\`)
	f.add("Host", strings.Trim(host, "[]"))
	f.add("Instance", instance)
	f.add("Port", port)
}

// url reads user:password@host:port/database?parameters.
func (f *foreign) url(rest string) {
	rest, query, _ := strings.Cut(rest, "?")
	user, password, authority, err := Login(rest)
	if err != nil {
		f.others++ // a password that cannot be told from the host: nothing is shown
		return
	}
	authority, path, _ := strings.Cut(authority, "/")
	f.hostPort(authority)
	f.add("Database", path)
	f.add("User", user)
	f.secret(password)
	f.parameters(strings.Split(query, "&"), false)
}

func (f *foreign) secret(s node.Secret) {
	if !s.IsZero() {
		f.add("Password", "given")
	}
}

// parameters reads name=value; braces: values may stand in them.
func (f *foreign) parameters(pairs []string, braces bool) {
	for _, pair := range pairs {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if !braces {
			value, _ = url.QueryUnescape(value)
		}
		value = strings.TrimSuffix(strings.TrimPrefix(value, "{"), "}")
		if title := titles[strings.ToLower(name)]; title != "" {
			f.add(title, value)
			continue
		}
		f.ignore(name, driverParameters)
	}
}

// titles are the parameters that say where a connection leads, by their names in lower case.
var titles = map[string]string{"servername": "Host", "server": "Host", "host": "Host", "portnumber": "Port", "port": "Port", "instancename": "Instance", "instance": "Instance",
	"databasename": "Database", "database": "Database", "user": "User", "username": "User", "user id": "User", "password": "Password", "service_name": "Service", "sid": "SID"}

// sqlServer reads host\instance:port;name=value;name={value}.
func (f *foreign) sqlServer(rest string) {
	parts := splitOutside(rest, ';', '{', '}')
	f.hostPort(strings.TrimSuffix(parts[0], "/"))
	f.parameters(parts[1:], true)
}

// splitOutside splits a text at a character that does not stand between two others.
func splitOutside(text string, at, open, end byte) []string {
	var parts []string
	depth, from := 0, 0
	for i := range len(text) {
		switch {
		case text[i] == open:
			depth++
		case text[i] == end && depth > 0:
			depth--
		case text[i] == at && depth == 0:
			parts, from = append(parts, text[from:i]), i+1
		}
	}
	return append(parts, text[from:])
}

// oracle reads user/password@ and one of //host:port/service, host:port:SID, (DESCRIPTION=…) and a name of tnsnames.ora.
func (f *foreign) oracle(rest string) {
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		f.others++
		return
	}
	user, password, _ := strings.Cut(rest[:at], "/")
	place := rest[at+1:]
	if strings.HasPrefix(strings.TrimSpace(place), "(") {
		f.description(place)
	} else {
		place, query, _ := strings.Cut(place, "?")
		f.place(place)
		defer f.parameters(strings.Split(query, "&"), false)
	}
	f.add("User", user)
	if password != "" {
		f.add("Password", "given")
	}
}

func (f *foreign) place(text string) {
	text, scheme := CutPrefix(text, "//", "tcp://", "tcps://", "ldap://", "ldaps://")
	if strings.EqualFold(scheme, "tcps://") {
		f.add("TLS", "yes")
	}
	authority, service, named := strings.Cut(text, "/")
	switch parts := strings.Split(authority, ":"); {
	case !named && len(parts) == 3 && !strings.Contains(authority, "["):
		f.hostPort(parts[0] + ":" + parts[1])
		f.add("SID", parts[2])
	case !named && scheme == "" && len(parts) == 1:
		f.add("TNS name", authority)
	default:
		f.hostPort(authority)
		service, kind, _ := strings.Cut(service, ":")
		f.add("Service", service)
		if kind != "" {
			f.ignored = append(f.ignored, "server")
		}
	}
}

var described = regexp.MustCompile(`\(\s*([A-Za-z_]+)\s*=\s*([^()]*)\)`)

// description reads the leaves of (DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=…)(PORT=…))(CONNECT_DATA=(SERVICE_NAME=…))).
func (f *foreign) description(text string) {
	for _, m := range described.FindAllStringSubmatch(text, -1) {
		title := titles[strings.ToLower(m[1])]
		switch before := len(f.fields); {
		case strings.EqualFold(m[1], "PROTOCOL"):
			if strings.EqualFold(strings.TrimSpace(m[2]), "TCPS") {
				f.add("TLS", "yes")
			}
		case title == "", strings.EqualFold(m[1], "SERVER"): // dedicated or shared
			f.ignore(m[1], driverParameters)
		default:
			if f.add(title, m[2]); len(f.fields) == before {
				f.ignored = append(f.ignored, "another "+strings.ToLower(title))
			}
		}
	}
}

// driverParameters are those of the drivers of SQL Server and Oracle, by their names in lower case.
var driverParameters = func() map[string]bool {
	all := map[string]bool{}
	for name := range strings.FieldsSeq(`accesstoken applicationintent applicationname authentication authenticationscheme cancelquerytimeout clientcertificate clientkey
columnencryptionsetting connectretrycount connectretryinterval delayloadinglobs disablestatementpooling domain enableprepareonfirstpreparedstatementcall encrypt failoverpartner fips
gsscredential hostnameincertificate integratedsecurity ipaddresspreference jaasconfigurationname keystoreauthentication keystorelocation keystoresecret lasttupdatecount locktimeout
lastupdatecount logintimeout maxresultbuffer msiclientid multisubnetfailover packetsize preparemethod querytimeout realm replication responsebuffering selectmethod
sendstringparametersasunicode sendtemporaldatatypesasstringforbulkcopy sendtimeasdatetime servercertificate servernameasace serverpreparedstatementdiscardthreshold serverspn
sockettimeout sslprotocol statementpoolingcachesize transparentnetworkipresolution trustmanagerclass trustmanagerconstructorarg truststore truststorepassword truststoretype
trustservercertificate usebulkcopyforbatchinsert usefmtonly workstationid xopenstates app\ name
connect_timeout transport_connect_timeout retry_count retry_delay load_balance failover source_route enable sdu recv_buf_size send_buf_size type_of_service server instance_name
method type backup retries delay failover_mode https_proxy https_proxy_port ssl_server_dn_match ssl_server_cert_dn wallet_location my_wallet_directory security tokenauth token_auth
pool_connection_class pool_purity ur global_name hs rdb_database oracle.net.connect_timeout oracle.jdbc.readtimeout oracle.net.tns_admin tns_admin
oracle.net.wallet_location oracle.net.ssl_server_dn_match oracle.net.encryption_client defaultrowprefetch defaultbatchvalue remarksreporting includesynonyms v\$session.program`) {
		all[name] = true
	}
	return all
}()
