// Package address reads the addresses by which other programs name a server: a URL, or jdbc: before one. No error quotes
// an address, because it may hold a password.
package address

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"spark/flows"
	"spark/flows/node"
)

const maxLength = 4096 // bytes

// Error is about the address that a person has given.
func Error(message, suggestion string) error {
	return &flows.Error{Code: "connection.address", Path: flows.Path{Field: node.AddressMember}, Message: message, Suggestion: suggestion}
}

// Clean returns an address without the space around it. One that is too long or has more than one line is refused.
func Clean(text string) (string, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxLength {
		return "", Error("the address is longer than 4,096 characters", "paste the address alone")
	}
	if strings.ContainsFunc(text, Control) {
		return "", Error("the address has a line break or another control character in it", "paste the address alone, on one line")
	}
	return text, nil
}

// Control reports whether a character is one that no part of an address has.
func Control(r rune) bool { return r < ' ' || r == 0x7f }

// CutPrefix removes the one of the prefixes, in any case, that a text begins with, and returns it; "": none.
func CutPrefix(s string, prefixes ...string) (rest, prefix string) {
	for _, p := range prefixes {
		if len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) {
			return s[len(p):], p
		}
	}
	return s, ""
}

// Decoded undoes the writing of special characters as % and two digits. what names the part in the error.
func Decoded(how func(string) (string, error), what, text string) (string, error) {
	plain, err := how(text)
	if err != nil || !utf8.ValidString(plain) || strings.ContainsFunc(plain, Control) {
		return "", Error(what+" in the address is not written as a URL wants it", "write % as %25, and other special characters as % and two digits; or fill in the fields")
	}
	return plain, nil
}

// Login takes user:password@ from the front of an authority. A password that was not written as a URL wants it may hold
// an @: the last one ends it.
func Login(authority string) (user string, password node.Secret, rest string, err error) {
	i := strings.LastIndexByte(authority, '@')
	if i < 0 {
		return "", password, authority, nil
	}
	name, secret, _ := strings.Cut(authority[:i], ":")
	if user, err = Decoded(url.PathUnescape, "the user", name); err != nil {
		return "", password, "", err
	}
	if secret, err = Decoded(url.PathUnescape, "the password", secret); err != nil {
		return "", password, "", err
	}
	return user, node.NewSecret(secret), authority[i+1:], nil
}

// HostPort reads host, host:port or [address]:port; usual is the port of such servers, which is taken where none is
// given. A host that is not given is "".
func HostPort(text string, usual int) (host string, port int64, err error) {
	if strings.ContainsAny(text, ",()") {
		return "", 0, Error("the address names several hosts", "name one; a connection leads to one server")
	}
	host, digits := text, ""
	if strings.HasPrefix(text, "[") {
		end := strings.IndexByte(text, ']')
		if end < 0 || end+1 < len(text) && text[end+1] != ':' {
			return "", 0, Error("the host in brackets has no end", fmt.Sprintf("write [::1]:%d", usual))
		}
		host, digits = text[1:end], strings.TrimPrefix(text[end+1:], ":")
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() {
			return "", 0, Error("what stands in brackets is no IPv6 address", fmt.Sprintf("write [::1]:%d", usual))
		}
	} else if i := strings.IndexByte(text, ':'); i >= 0 {
		host, digits = text[:i], text[i+1:]
	}
	if host, err = Decoded(url.PathUnescape, "the host", host); err != nil || digits == "" {
		return host, int64(usual), err
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, Error("the port is no number from 1 to 65535", fmt.Sprintf("write it behind the host: host:%d. Where the password has an @, : or / in it, fill in the fields", usual))
	}
	return host, int64(n), nil
}

// Parameter is one that an address may have.
type Parameter[S any] struct {
	What string // it sets; only one parameter of an address may
	Set  func(settings S, value string) error
}

// Parameters are those that may stand behind the question mark, by their names in lower case.
type Parameters[S any] struct {
	Known    map[string]Parameter[S]
	Needless map[string]bool      // change nothing of what Spark does: named as ignored
	Refused  map[string][2]string // why, and what to do
	Names    []string             // to propose
}

// Read sets what the parameters say. Others are not passed on to the server, so that they change nothing, and are returned
// by their names. Refused by name are those of which a person may believe that they do something: that are known to
// weaken or change what a connection is, that look like one that does, and those that are nearly written as a known one.
func (p Parameters[S]) Read(settings S, query string) (ignored []string, err error) {
	seen := map[string]bool{}
	private := strings.Contains(query, "@") // what looks like a name may be a part of the password
	for _, pair := range strings.Split(query, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := Decoded(url.QueryUnescape, "a parameter", rawName)
		if err != nil {
			return nil, err
		}
		value, err := Decoded(url.QueryUnescape, "the value of a parameter", rawValue)
		if err != nil {
			return nil, err
		}
		key := strings.ToLower(name)
		known, ok := p.Known[key]
		switch {
		case p.Needless[key]:
			ignored = append(ignored, name)
			continue
		case !ok:
			if err := p.refuse(name, private); err != nil {
				return nil, err
			}
			ignored = append(ignored, name)
			continue
		case seen[known.What]:
			return nil, Error(fmt.Sprintf("the address gives the %s twice", known.What), "give it once")
		}
		seen[known.What], private = true, private || known.What == "password"
		if err := known.Set(settings, value); err != nil {
			return nil, err
		}
	}
	return ignored, nil
}

// protects finds parameters that sound as if they had to do with where a connection leads and how it is protected.
var protects = regexp.MustCompile(`(?i)ssl|tls|cert|key|trust|crypt|auth|passw|secret|token|login|host|socket|factory|class|plugin|interceptor|file|path|sql`)

// named are parameters of which it is told that they are ignored.
var named = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,39}$`)

// refuse says why a parameter is not taken; nil: it is ignored. private: the name may be the rest of a password.
func (p Parameters[S]) refuse(name string, private bool) error {
	e := &flows.Error{Code: "connection.parameter", Path: flows.Path{Field: node.AddressMember}}
	if why, ok := p.Refused[strings.ToLower(name)]; ok {
		e.Message, e.Suggestion = fmt.Sprintf("the parameter %s is refused: %s", name, why[0]), why[1]
		return e
	}
	if private || !named.MatchString(name) {
		e.Message, e.Suggestion = "what stands behind the question mark has a parameter that is not known", "remove it; where the password has a ? or & in it, fill in the fields"
		return e
	}
	if near := flows.Nearest(name, p.Names); near != "" || protects.MatchString(name) {
		e.Message, e.Suggestion = fmt.Sprintf("the parameter %q is not known", name), "remove it, or: "+flows.DidYouMean(name, p.Names)
		return e
	}
	return nil
}

// Verifying is a TLS configuration that checks the certificate of a server, and unless the kind is verify-ca that it is for host.
// authority holds the certificates that are trusted, in PEM; "": those of the machine.
func Verifying(kind, host, authority string) *tls.Config {
	var roots *x509.CertPool
	if authority != "" {
		roots = x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(authority))
	}
	if kind != "verify-ca" {
		return &tls.Config{RootCAs: roots, ServerName: host}
	}
	return &tls.Config{RootCAs: roots, InsecureSkipVerify: true, VerifyConnection: func(cs tls.ConnectionState) error {
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range cs.PeerCertificates[1:] {
			o.Intermediates.AddCert(c)
		}
		_, err := cs.PeerCertificates[0].Verify(o)
		return err
	}}
}
