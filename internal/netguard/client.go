package netguard

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// ClientOptions are what a connection adds to the policy.
type ClientOptions struct {
	Proxy       *url.URL // nil: that of the policy
	Authorities []byte   // PEM, trusted beside those of the policy
	Certificate *tls.Certificate
	Connections int // kept open to one host; 0: 16
	// Wrap puts something between redirects and the network, such as what adds credentials. nil: nothing.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// maxRedirects is how many are followed.
const maxRedirects = 5

// Client makes a client whose calls, redirects included, go through the dialer. It follows no redirect from https to http,
// and to another origin none with a body and none of the caller's headers but those that say what is wanted.
func (d *Dialer) Client(o ClientOptions) (*http.Client, error) {
	roots, err := authorities(d.Policy.Authorities, o.Authorities)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if o.Certificate != nil {
		config.Certificates = []tls.Certificate{*o.Certificate}
	}
	keep := o.Connections
	if keep <= 0 {
		keep = 16
	}
	t := &http.Transport{
		DialContext: d.DialContext, TLSClientConfig: config, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: dialTimeout, IdleConnTimeout: 90 * time.Second, MaxIdleConns: 2 * keep, MaxIdleConnsPerHost: keep,
		MaxResponseHeaderBytes: 1 << 20, DisableCompression: true,
	}
	var rt http.RoundTripper = t
	proxy := o.Proxy
	if proxy == nil && d.Policy.Proxy != nil {
		proxy = d.Policy.Proxy
		t.DialContext = d.through(proxy)
	}
	if proxy != nil {
		t.Proxy = http.ProxyURL(proxy)
		rt = checked{d, t}
	}
	if o.Wrap != nil {
		rt = o.Wrap(rt)
	}
	return &http.Client{Transport: rt, CheckRedirect: checkRedirect}, nil
}

// through dials the instance's own proxy, wherever it is, and nothing else: who runs the instance has chosen it.
func (d *Dialer) through(proxy *url.URL) func(ctx context.Context, network, address string) (net.Conn, error) {
	only := proxy.Host
	if proxy.Port() == "" {
		only = net.JoinHostPort(proxy.Hostname(), map[string]string{"http": "80", "https": "443"}[proxy.Scheme])
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != only {
			return nil, fmt.Errorf("%s is not the proxy", address)
		}
		return d.dialer()(ctx, network, address)
	}
}

// checked decides about the host of a call that a proxy would look up. A name that only the proxy knows is left to it.
type checked struct {
	d    *Dialer
	next http.RoundTripper
}

func (c checked) RoundTrip(r *http.Request) (*http.Response, error) {
	_, err := c.d.Resolve(r.Context(), r.URL.Hostname())
	if refused, ok := errors.AsType[*Refusal](err); ok {
		return nil, refused
	}
	return c.next.RoundTrip(r)
}

// CloseIdleConnections closes those of the transport.
func (c checked) CloseIdleConnections() {
	if t, ok := c.next.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func authorities(lists ...[]byte) (*x509.CertPool, error) {
	var roots *x509.CertPool
	for _, pem := range lists {
		if len(pem) == 0 {
			continue
		}
		if roots == nil {
			var err error
			if roots, err = x509.SystemCertPool(); err != nil {
				roots = x509.NewCertPool()
			}
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("there is no certificate in the text of the certificate authority")
		}
	}
	return roots, nil
}

// RedirectError is a redirect that is not followed.
type RedirectError struct{ From, To, Why string }

func (e *RedirectError) Error() string {
	return fmt.Sprintf("%s redirects to %s, which is not followed: %s", e.From, e.To, e.Why)
}

// keptHeaders go along to another origin.
var keptHeaders = []string{"Accept", "Accept-Encoding", "Accept-Language", "User-Agent"}

func checkRedirect(r *http.Request, via []*http.Request) error {
	from := via[len(via)-1].URL
	refuse := func(why string) error {
		return &RedirectError{From: Origin(from), To: Origin(r.URL), Why: why}
	}
	switch {
	case len(via) > maxRedirects:
		return refuse(fmt.Sprintf("it would be the redirect number %d", len(via)))
	case r.URL.Scheme != "http" && r.URL.Scheme != "https":
		return refuse("it is no address of HTTP")
	case from.Scheme == "https" && r.URL.Scheme == "http":
		return refuse("it leaves the encryption")
	case Origin(via[0].URL) == Origin(r.URL):
		return nil
	case r.Body != nil && r.Body != http.NoBody || r.ContentLength > 0 || r.Method != http.MethodGet && r.Method != http.MethodHead:
		return refuse("the body of the request would go to another host")
	}
	kept := http.Header{}
	for _, name := range keptHeaders {
		if v := r.Header.Values(name); len(v) > 0 {
			kept[name] = v
		}
	}
	r.Header = kept // the address that led here is not told either
	return nil
}

// Origin is scheme, host and port of an address, without what else stands in it.
func Origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port)
}
