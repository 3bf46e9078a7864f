package mysql

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"

	"spark/flows"
)

// connectError says what kept from connecting, without the secrets that a driver's error may quote.
func (s *Settings) connectError(name string, err error) error {
	e := &flows.Error{Code: "database.connect", Path: flows.Path{Field: "connection"}, Params: flows.Params{"connection": name, "place": s.Place()}, Cause: err,
		Message: fmt.Sprintf("%s does not answer at %s", name, s.Place()), Suggestion: "check host and port, and that the server runs and can be reached from here"}
	me, answered := errors.AsType[*mysql.MySQLError](err)
	switch {
	case !answered && errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, mysql.ErrNoTLS):
		e.Code, e.Message, e.Suggestion = "database.no_tls", fmt.Sprintf("%s: %s does not encrypt connections", name, s.Place()), "let the server have a certificate, or choose a weaker kind of TLS"
	case errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrCleartextPassword), errors.Is(err, mysql.ErrUnknownPlugin):
		e.Code, e.Message, e.Suggestion = "database.login", fmt.Sprintf("%s: %s wants the user %q to log in in a way that is not supported", name, s.Place(), s.User), "let the user log in by mysql_native_password, caching_sha2_password or ed25519"
	case !answered:
		if d, ok := errors.AsType[*net.DNSError](err); ok {
			e.Message = fmt.Sprintf("%s: the host %q has no address", name, d.Name)
		}
		var unknown x509.UnknownAuthorityError
		var host x509.HostnameError
		if errors.As(err, &unknown) {
			e.Code, e.Message, e.Suggestion = "database.certificate", fmt.Sprintf("%s: the certificate of %s is not trusted: %v", name, s.Place(), unknown), "give the certificate authority, or choose a weaker kind of TLS"
		} else if errors.As(err, &host) {
			e.Code, e.Message, e.Suggestion = "database.certificate", fmt.Sprintf("%s: the certificate of %s is not trusted: %v", name, s.Place(), host), "give the certificate authority, or choose a weaker kind of TLS"
		}
	case me.Number == 1044 || me.Number == 1045 || me.Number == 1698 || me.Number == 1862 || me.Number == 4151:
		e.Code, e.Message, e.Suggestion = "database.login", fmt.Sprintf("%s: %s refused the user %q: %s", name, s.Place(), s.User, me.Message), "check user, password and database, and from where the user may connect"
	case me.Number == 1049:
		e.Code, e.Message, e.Suggestion = "database.unknown_database", fmt.Sprintf("%s: %s has no database %q", name, s.Place(), s.Database), "check the name of the database"
	case me.Number == 1040 || me.Number == 1203 || me.Number == 1226:
		e.Code, e.Message, e.Suggestion = "database.busy", fmt.Sprintf("%s: %s has no connection left: %s", name, s.Place(), me.Message), "wait, or raise max_connections of the server"
	default:
		e.Message, e.Suggestion = fmt.Sprintf("%s: %s refused the connection: %s", name, s.Place(), me.Message), "ask the administrator of the server"
	}
	return e
}

// trouble is what is said about an error of the server: its code, where it lies, and what to do.
type trouble struct{ code, field, suggestion string }

// Numbers of errors: the transaction was rolled back for others; a lock was not had in time.
const (
	deadlock = 1213
	lockWait = 1205
)

// numbered reports whether an error is that of the server with a number.
func numbered(err error, number uint16) bool {
	me, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && me.Number == number
}

const badName = "rename the field with Select Fields: a name in MySQL has up to 64 characters, none beyond U+FFFF, and no blank at its end"

const again = "nothing was written; run again when others have ended"

// troubles are the errors of the server, by their number, that more is said about.
var troubles = map[uint16]trouble{
	1146:     {"database.no_table", "table", "check the name and its database"},
	1051:     {"database.no_table", "table", "check the name and its database"},
	1049:     {"database.no_table", "table", "check the name and its database"},
	1054:     {"database.no_column", "", "check the name of the column"},
	1059:     {"database.name", "", badName},
	1103:     {"database.name", "", badName},
	1166:     {"database.name", "", badName},
	1300:     {"database.name", "", badName}, // values are bound or loaded, and have errors of their own
	1044:     {"database.no_right", "", "grant the right to the user of the connection, or choose another connection"},
	1142:     {"database.no_right", "", "grant the right to the user of the connection, or choose another connection"},
	1143:     {"database.no_right", "", "grant the right to the user of the connection, or choose another connection"},
	1227:     {"database.no_right", "", "grant the right to the user of the connection, or choose another connection"},
	1370:     {"database.no_right", "", "grant the right to the user of the connection, or choose another connection"},
	1062:     {"database.unique", "", "nothing was written; remove duplicates with Deduplicate, or choose upsert"},
	1586:     {"database.unique", "", "nothing was written; remove duplicates with Deduplicate, or choose upsert"},
	1048:     {"database.constraint", "", "nothing was written; filter or correct these records before"},
	1263:     {"database.constraint", "", "nothing was written; filter or correct these records before"},
	1216:     {"database.constraint", "", "nothing was written; filter or correct these records before"},
	1217:     {"database.constraint", "", "nothing was written; other records refer to those that would be deleted"},
	1451:     {"database.constraint", "", "nothing was written; other records refer to those that would be deleted"},
	1452:     {"database.constraint", "", "nothing was written; filter or correct these records before"},
	3819:     {"database.constraint", "", "nothing was written; filter or correct these records before"}, // CHECK, of MySQL
	4025:     {"database.constraint", "", "nothing was written; filter or correct these records before"}, // CHECK, of MariaDB
	1406:     {"database.too_long", "", "nothing was written; shorten the value, or widen the column"},
	1265:     {"database.value", "", "nothing was written; correct the value, or choose another column"},
	1366:     {"database.value", "", "nothing was written; the column's character set or type cannot hold the value: choose utf8mb4, or correct it"},
	1292:     {"database.value", "", "nothing was written; correct the value, or choose another column"},
	1264:     {"database.too_large", "", "nothing was written; filter such records, or widen the column"},
	lockWait: {"database.locked", "", again},
	deadlock: {"database.locked", "", again},
	3572:     {"database.locked", "", again},
	1099:     {"database.locked", "", again},
	1317:     {"database.lost", "", "somebody stopped the statement; nothing was written, run again"},
	1969:     {"database.lost", "", "the server stopped the statement; nothing was written, run again"},
	1053:     {"database.lost", "", "the server ended the connection; run again"},
	1927:     {"database.lost", "", "the server ended the connection; run again"},
	1153:     {"database.too_large", "", "nothing was written; raise max_allowed_packet of the server"},
	1021:     {"database.disk_full", "", "nothing was written; make room on the server"},
	1114:     {"database.disk_full", "", "nothing was written; make room on the server, or raise its limit for temporary tables"},
	1290:     {"database.read_only", "", "the server takes no changes: choose the one that does"},
	1792:     {"database.query", "", "a source only reads: leave out what writes"},
	1836:     {"database.read_only", "", "the server takes no changes: choose the one that does"},
}

// queryError turns what the server said about a statement into an error with a suggestion.
func queryError(connection string, err error) error {
	me, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return &flows.Error{Code: "database.lost", Message: fmt.Sprintf("%s: the connection was lost: %v", connection, err), Suggestion: "check the server and the network, and run again", Cause: err}
	}
	return refusal(connection, me)
}

// refusal is what the server said, as an error.
func refusal(connection string, me *mysql.MySQLError) *flows.Error {
	e := &flows.Error{Code: "database.query", Message: fmt.Sprintf("%s: %s", connection, strings.TrimSuffix(me.Message, ".")), Params: flows.Params{"number": int64(me.Number)}, Suggestion: "nothing was written; check the SQL", Cause: me}
	if t, known := troubles[me.Number]; known {
		e.Code, e.Path.Field, e.Suggestion = t.code, t.field, t.suggestion
	}
	return e
}

// lost reports whether an error means that the connection is gone, so that what the server did is not known.
func lost(err error) bool {
	_, answered := errors.AsType[*mysql.MySQLError](err)
	return err != nil && !answered
}
