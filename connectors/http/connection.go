package http

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/time/rate"

	"spark/flows"
	"spark/flows/node"
	"spark/internal/netguard"
)

const typeID = "http"

func init() {
	node.RegisterConnectionType(&node.ConnectionType{
		ID: typeID, Title: "HTTP API", Summary: "An API that is called over HTTP, with its authentication.",
		Synonyms: []string{"WebAPI", "REST", "OAuth2", "HTTP", "API token"}, SignInIf: "auth=" + authCode,
		New: func() node.ConnectionSettings { return newSettings() }, Test: test,
	})
}

// The kinds of authentication.
const (
	authNone    = "none"
	authBasic   = "basic"
	authBearer  = "bearer"
	authKey     = "key"
	authClient  = "client"
	authRefresh = "refresh"
	authCode    = "code"
	authJWT     = "jwt"
	authHMAC    = "hmac"
)

// Settings are those of a connection.
type Settings struct {
	BaseURL string `json:"baseUrl" title:"Base URL" required:"true" help:"What the addresses of nodes begin with. The credentials are sent there, and nowhere else." example:"https://api.example.com/v1"`
	Auth    string `json:"auth" title:"Authentication" enum:"none|basic|bearer|key|client|code|refresh|jwt|hmac" help:"bearer: a token as it is. key: an API key in a header or the query. client: OAuth2 client credentials. code: OAuth2 authorization code, for which somebody signs in. refresh: OAuth2 refresh token. jwt: a token that is signed here. hmac: a signature of each request."`

	User     string      `json:"user,omitempty" title:"User" showIf:"auth=basic"`
	Password node.Secret `json:"password,omitzero" title:"Password" showIf:"auth=basic"`
	Token    node.Secret `json:"token,omitzero" title:"Token" showIf:"auth=bearer"`
	KeyName  string      `json:"keyName" title:"Name of the key" showIf:"auth=key" help:"Of the header or query parameter." example:"X-API-Key"`
	KeyIn    string      `json:"keyIn" title:"Key goes into" enum:"header|query" showIf:"auth=key"`
	Key      node.Secret `json:"key,omitzero" title:"Key" showIf:"auth=key"`

	AuthorizeURL string      `json:"authorizeUrl,omitempty" title:"Sign-in address" showIf:"auth=code" help:"Where people sign in: the authorization endpoint." example:"https://login.example.com/oauth2/authorize"`
	TokenURL     string      `json:"tokenUrl,omitempty" title:"Token address" showIf:"auth=client|code|refresh|jwt" help:"Where tokens come from. Of jwt: where the signed token is exchanged for another one; empty: it is sent as it is." example:"https://login.example.com/oauth2/token"`
	ClientID     string      `json:"clientId,omitempty" title:"Client ID" showIf:"auth=client|code|refresh"`
	ClientSecret node.Secret `json:"clientSecret,omitzero" title:"Client secret" showIf:"auth=client|code|refresh"`
	ClientIn     string      `json:"clientIn" title:"Client goes into" enum:"auto|header|body" showIf:"auth=client|code|refresh" advanced:"true" help:"auto tries the header first."`
	RefreshToken node.Secret `json:"refreshToken,omitzero" title:"Refresh token" showIf:"auth=refresh" help:"Where the server replaces it, the new one is kept with the connection."`
	Scope        string      `json:"scope,omitempty" title:"Scope" showIf:"auth=client|code|refresh|jwt" help:"Separated by spaces. Many servers give a refresh token only for offline_access." example:"products.read"`
	Audience     string      `json:"audience,omitempty" title:"Audience" showIf:"auth=client|code|jwt" example:"https://api.example.com"`

	Algorithm  string      `json:"algorithm" title:"Algorithm" enum:"HS256|HS512|RS256|ES256" showIf:"auth=jwt"`
	SigningKey node.Secret `json:"signingKey,omitzero" title:"Signing key" showIf:"auth=jwt|hmac" help:"A shared secret, or for RS256 and ES256 a private key in PEM."`
	KeyID      string      `json:"keyId,omitempty" title:"Key ID" showIf:"auth=jwt|hmac" advanced:"true" help:"Of a token: its header kid. Of a signature: sent in the header X-Key-Id."`
	Issuer     string      `json:"issuer,omitempty" title:"Issuer" showIf:"auth=jwt"`
	Subject    string      `json:"subject,omitempty" title:"Subject" showIf:"auth=jwt"`
	Lifetime   int64       `json:"lifetime" title:"Lifetime" minimum:"10" showIf:"auth=jwt" advanced:"true" help:"Seconds that a signed token is valid."`

	SignatureHeader string `json:"signatureHeader" title:"Header of the signature" showIf:"auth=hmac"`
	SignatureHash   string `json:"signatureHash" title:"Hash" enum:"sha256|sha512" showIf:"auth=hmac"`
	SignatureText   string `json:"signatureText" title:"What is signed" widget:"multiline" showIf:"auth=hmac" help:"{method}, {path}, {query}, {host}, {timestamp}, {body} and {bodyHash} stand for parts of the request; {timestamp} is also sent, in the header X-Timestamp."`

	Certificate    string      `json:"certificate,omitempty" title:"Client certificate" widget:"multiline" advanced:"true" help:"In PEM, where the server asks for one."`
	CertificateKey node.Secret `json:"certificateKey,omitzero" title:"Key of the certificate" advanced:"true" help:"In PEM."`
	Authority      string      `json:"authority,omitempty" title:"Certificate authority" widget:"multiline" advanced:"true" help:"Certificates in PEM that are trusted beside those of the machine."`
	Proxy          string      `json:"proxy,omitempty" title:"Proxy" advanced:"true" help:"Empty: that of the instance, where it has one." example:"http://proxy.example.com:3128"`
	Timeout        int64       `json:"timeout" title:"Timeout" minimum:"1" advanced:"true" help:"Seconds that one request may take, with its answer."`
	Rate           float64     `json:"rate,omitempty" title:"Requests per second" advanced:"true" help:"At most, of all nodes of a run together. Empty: no limit."`
	TestPath       string      `json:"testPath,omitempty" title:"Path of the test" advanced:"true" help:"Is asked for by Test. Empty: the base URL." example:"/me"`
}

func newSettings() *Settings {
	return &Settings{Auth: authNone, KeyName: "X-API-Key", KeyIn: "header", ClientIn: "auto", Algorithm: "HS256", Lifetime: 300, Timeout: 60,
		SignatureHeader: "X-Signature", SignatureHash: "sha256", SignatureText: "{method}\n{path}\n{timestamp}\n{bodyHash}"}
}

var _ node.ConnectionSettings = (*Settings)(nil)

const maxTimeout = 3600 // seconds

// Check reports what is wrong with the settings.
func (s *Settings) Check() flows.Problems {
	var ps flows.Problems
	say := func(field, code, message, suggestion string) {
		ps = append(ps, &flows.Error{Code: code, Path: flows.Path{Field: field}, Message: message, Suggestion: suggestion})
	}
	if why := wrongAddress(s.BaseURL); why != "" {
		say("baseUrl", "http.url", "the base URL "+why, "write one such as https://api.example.com/v1")
	}
	for field, missing := range s.missing() {
		if missing {
			say(field, "config.required", fmt.Sprintf("%q is missing for this authentication", field), "fill it in")
		}
	}
	if s.TokenURL != "" && s.tokens() {
		if why := wrongAddress(s.TokenURL); why != "" {
			say("tokenUrl", "http.url", "the token address "+why, "write one such as https://login.example.com/oauth2/token")
		}
	}
	if why := s.checkSignIn(); why != "" {
		say("authorizeUrl", "http.url", "the sign-in address "+why, "write one such as https://login.example.com/oauth2/authorize")
	}
	if u, err := url.Parse(s.Proxy); s.Proxy != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil) {
		say("proxy", "http.proxy", "that is no address of a proxy", "write one such as http://proxy.example.com:3128, without a password")
	}
	if s.Timeout > maxTimeout {
		say("timeout", "connection.timeout", fmt.Sprintf("%d seconds is too long to wait for an answer", s.Timeout), "choose 1 to 3600")
	}
	if s.Rate < 0 {
		say("rate", "http.rate", "a rate cannot be negative", "choose a number such as 10, or leave it empty")
	}
	ps = append(ps, s.checkKeys()...)
	slices.SortFunc(ps, func(a, b *flows.Error) int { return strings.Compare(a.Path.Field, b.Path.Field) })
	return ps
}

// missing says of the members that the authentication needs whether they are missing.
func (s *Settings) missing() map[string]bool {
	switch s.Auth {
	case authBasic:
		return map[string]bool{"user": s.User == ""}
	case authBearer:
		return map[string]bool{"token": s.Token.IsZero()}
	case authKey:
		return map[string]bool{"key": s.Key.IsZero(), "keyName": s.KeyName == ""}
	case authClient:
		return map[string]bool{"tokenUrl": s.TokenURL == "", "clientId": s.ClientID == "", "clientSecret": s.ClientSecret.IsZero()}
	case authCode:
		return map[string]bool{"authorizeUrl": s.AuthorizeURL == "", "tokenUrl": s.TokenURL == "", "clientId": s.ClientID == ""}
	case authRefresh:
		return map[string]bool{"tokenUrl": s.TokenURL == "", "refreshToken": s.RefreshToken.IsZero()}
	case authJWT:
		return map[string]bool{"signingKey": s.SigningKey.IsZero()}
	case authHMAC:
		return map[string]bool{"signingKey": s.SigningKey.IsZero(), "signatureHeader": s.SignatureHeader == "", "signatureText": s.SignatureText == ""}
	}
	return nil
}

// tokens reports whether tokens are asked for.
func (s *Settings) tokens() bool {
	return s.Auth == authClient || s.Auth == authRefresh || s.Auth == authCode || s.Auth == authJWT && s.TokenURL != ""
}

func (s *Settings) checkKeys() (ps flows.Problems) {
	say := func(field, message, suggestion string) {
		ps = append(ps, &flows.Error{Code: "http.key", Path: flows.Path{Field: field}, Message: message, Suggestion: suggestion})
	}
	if s.Authority != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(s.Authority)) {
		say("authority", "there is no certificate in it", "paste certificates in PEM form, with their BEGIN and END lines")
	}
	if s.Certificate != "" {
		if _, err := tls.X509KeyPair([]byte(s.Certificate), []byte(s.CertificateKey.Reveal())); err != nil {
			say("certificate", "the client certificate and its key do not belong together, or are not in PEM form", "paste both with their BEGIN and END lines")
		}
	}
	if s.Auth == authJWT && !s.SigningKey.IsZero() {
		if _, err := s.signer(); err != nil {
			say("signingKey", err.Error(), "paste a private key in PEM form, or choose another algorithm")
		}
	}
	if !httpguts.ValidHeaderFieldName(s.KeyName) && s.Auth == authKey && s.KeyIn == "header" {
		say("keyName", fmt.Sprintf("%q is no name of a header", s.KeyName), "write one such as X-API-Key")
	}
	if !httpguts.ValidHeaderFieldName(s.SignatureHeader) && s.Auth == authHMAC {
		say("signatureHeader", fmt.Sprintf("%q is no name of a header", s.SignatureHeader), "write one such as X-Signature")
	}
	return ps
}

// wrongAddress says what keeps a text from being the address of an API; "" where nothing does.
func wrongAddress(text string) string {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return "" // reported as missing
	case err != nil || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return "is no address"
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "does not begin with https:// or http:// and a host"
	case u.User != nil:
		return "holds a user or password"
	case u.Fragment != "" || u.RawQuery != "" && strings.Contains(text, "#"):
		return "holds a #"
	}
	return ""
}

// Place is the server that the secrets are sent to, and where there is one that of the tokens.
func (s *Settings) Place() string {
	place := originOf(s.BaseURL)
	if s.tokens() {
		if t := originOf(s.TokenURL); t != place {
			place += " and " + t
		}
	}
	return place
}

func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// network is how servers are reached: through which proxy, and whom they trust.
func (s *Settings) network() (*netguard.Dialer, netguard.ClientOptions, error) {
	o := netguard.ClientOptions{Authorities: []byte(s.Authority)}
	if s.Proxy != "" {
		proxy, err := url.Parse(s.Proxy)
		if err != nil {
			return nil, o, fmt.Errorf("http: the proxy: %w", err)
		}
		o.Proxy = proxy
	}
	if s.Certificate != "" {
		pair, err := tls.X509KeyPair([]byte(s.Certificate), []byte(s.CertificateKey.Reveal()))
		if err != nil {
			return nil, o, errors.New("http: the certificate does not fit its key")
		}
		o.Certificate = &pair
	}
	return &netguard.Dialer{Policy: netguard.Current()}, o, nil
}

// clientOf makes what calls the API of a connection. Only its base URL gets the credentials.
func clientOf(conn node.Connection) (*client, error) {
	s, ok := conn.Settings.(*Settings)
	if !ok {
		return nil, fmt.Errorf("http: settings %T", conn.Settings)
	}
	base, err := url.Parse(s.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("http: the base URL of %s: %w", conn.Name, err)
	}
	d, o, err := s.network()
	if err != nil {
		return nil, err
	}
	c := newClient(conn.Name, base, time.Duration(s.Timeout)*time.Second)
	if s.Rate > 0 {
		c.limits = []*rate.Limiter{conn.Shared.Get("rate", func() any { return limit(s.Rate) }).(*rate.Limiter)}
	}
	for _, secret := range node.Secrets(s) {
		c.hide(secret.Reveal())
	}
	auth, err := s.credentials(conn, c.hide)
	if err != nil {
		return nil, err
	}
	if auth != nil {
		o.Wrap = func(next http.RoundTripper) http.RoundTripper {
			return &authorized{next: next, origin: netguard.Origin(base), auth: auth}
		}
	}
	c.http, err = d.Client(o)
	return c, err
}

// testCharacters is how much of an answer a test shows.
const testCharacters = 2000

func test(ctx context.Context, conn node.Connection) (node.ConnectionReport, error) {
	c, err := clientOf(conn)
	if err != nil {
		return node.ConnectionReport{}, err
	}
	s := conn.Settings.(*Settings) // clientOf has seen that
	defer c.close()
	began := time.Now()
	a, err := c.do(ctx, request{method: http.MethodGet, address: s.TestPath, limit: 1 << 20, attempts: 1, any: true})
	if err != nil {
		return node.ConnectionReport{}, err
	}
	head := c.clean(strings.ToValidUTF8(string(a.body), "\uFFFD"))
	if r := []rune(head); len(r) > testCharacters {
		head = string(r[:testCharacters]) + "…"
	}
	report := node.ConnectionReport{Place: s.Place(), User: s.User, Version: a.header.Get("Server"), Status: a.status, StatusText: http.StatusText(a.status), Answer: head, Took: time.Since(began)}
	if s.Auth != authBasic {
		report.User = ""
	}
	return report, nil
}
