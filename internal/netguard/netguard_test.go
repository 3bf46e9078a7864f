package netguard

import (
	"context"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// names is a resolver that knows some names and answers each look-up with the next list of addresses.
type names struct {
	mu    sync.Mutex
	known map[string][][]string
}

func (n *names) LookupNetIP(_ context.Context, _, host string) (out []netip.Addr, _ error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	lists := n.known[host]
	if len(lists) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	for _, s := range lists[0] {
		out = append(out, netip.MustParseAddr(s))
	}
	if len(lists) > 1 {
		n.known[host] = lists[1:]
	}
	return out, nil
}

// recorder is a dialer that notes what it was to dial, and dials nothing.
type recorder struct{ dialled []string }

var errRecorded = errors.New("recorded")

func (r *recorder) dial(_ context.Context, _, address string) (net.Conn, error) {
	r.dialled = append(r.dialled, address)
	return nil, errRecorded
}

func TestDecidesBeforeAPacketLeaves(t *testing.T) {
	t.Parallel()
	known := map[string][][]string{
		"api.example": {{"93.184.216.34"}}, "home.example": {{"127.0.0.1"}}, "office.example": {{"10.1.2.3"}},
		"meta.example": {{"169.254.169.254"}}, "six.example": {{"::ffff:169.254.169.254"}}, "both.example": {{"10.0.0.1", "93.184.216.34"}},
		"localhost": {{"127.0.0.1", "::1"}}, "xn--metadata": {{"fd00:ec2::254"}},
	}
	for _, c := range []struct {
		host, allow string
		want        string // dialled; "": refused
		never       bool
	}{
		{host: "api.example", want: "93.184.216.34:80"},
		{host: "93.184.216.34", want: "93.184.216.34:80"},
		{host: "2606:4700::1111", want: "[2606:4700::1111]:80"},
		{host: "both.example", want: "93.184.216.34:80"},
		{host: "127.0.0.1"}, {host: "localhost"}, {host: "home.example"}, {host: "::1"}, {host: "127.8.9.1"},
		{host: "10.0.0.1"}, {host: "172.31.255.255"}, {host: "192.168.1.1"}, {host: "100.64.0.1"}, {host: "fd12::1"}, {host: "office.example"},
		{host: "::ffff:127.0.0.1"}, {host: "::ffff:10.0.0.1"}, {host: "::127.0.0.1"}, {host: "64:ff9b::7f00:1"}, {host: "64:ff9b::a00:1"}, {host: "2002:7f00:1::"}, {host: "2002:a00:1::1"},
		{host: "169.254.169.254", never: true}, {host: "169.254.1.1", never: true}, {host: "meta.example", never: true}, {host: "six.example", never: true},
		{host: "xn--metadata", never: true}, {host: "fd00:ec2::254", never: true}, {host: "100.100.100.200", never: true}, {host: "168.63.129.16", never: true},
		{host: "::ffff:169.254.169.254", never: true}, {host: "64:ff9b::a9fe:a9fe", never: true}, {host: "2002:a9fe:a9fe::", never: true}, {host: "64:ff9b:1::a9fe:a9fe", never: true},
		{host: "fe80::1", never: true}, {host: "fe80::1%eth0", never: true}, {host: "::1%lo", never: true},
		{host: "0.0.0.0", never: true}, {host: "0.1.2.3", never: true}, {host: "::", never: true}, {host: "255.255.255.255", never: true}, {host: "224.0.0.1", never: true}, {host: "ff02::1", never: true},
		{host: "2130706433", never: true}, {host: "0x7f000001", never: true}, {host: "0x7f.1", never: true}, {host: "0177.0.0.1", never: true}, {host: "127.1", never: true}, {host: "127.0.0.1.", never: true}, {host: "0xa9.0xfe.0xa9.0xfe", never: true}, {host: "", never: true},
		{host: "127.0.0.1", allow: "loopback", want: "127.0.0.1:80"},
		{host: "::ffff:127.0.0.1", allow: "loopback", want: "[::ffff:127.0.0.1]:80"},
		{host: "10.1.2.3", allow: "private", want: "10.1.2.3:80"},
		{host: "10.1.2.3", allow: "10.1.0.0/16", want: "10.1.2.3:80"},
		{host: "10.2.2.3", allow: "10.1.0.0/16"},
		{host: "office.example", allow: "10.1.2.3", want: "10.1.2.3:80"},
		{host: "127.0.0.1", allow: "private"},
		{host: "169.254.169.254", allow: "0.0.0.0/0", never: true},
		{host: "fd00:ec2::254", allow: "private", never: true},
		{host: "100.100.100.200", allow: "private", never: true},
	} {
		var allow []netip.Prefix
		if c.allow != "" {
			var err error
			if allow, err = ParseNetworks([]string{c.allow}); err != nil {
				t.Fatal(err)
			}
		}
		r := &recorder{}
		d := &Dialer{Policy: Policy{Allow: allow}, Resolver: &names{known: known}, Dial: r.dial}
		_, err := d.DialContext(t.Context(), "tcp", net.JoinHostPort(c.host, "80"))
		refused, is := errors.AsType[*Refusal](err)
		switch {
		case c.want != "" && (len(r.dialled) != 1 || r.dialled[0] != c.want):
			t.Errorf("%q, allowed %q: dialled %q and answered %v, want %s", c.host, c.allow, r.dialled, err, c.want)
		case c.want == "" && (!is || len(r.dialled) > 0):
			t.Errorf("%q, allowed %q: dialled %q and answered %v, want a refusal", c.host, c.allow, r.dialled, err)
		case c.want == "" && refused.Never != c.never:
			t.Errorf("%q, allowed %q: %v; refused for ever: %t, want %t", c.host, c.allow, err, refused.Never, c.never)
		}
	}
}

func TestDialsWhatWasDecided(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	rebinding := &names{known: map[string][][]string{"evil.example": {{"93.184.216.34"}, {"127.0.0.1"}}}}
	d := &Dialer{Resolver: rebinding, Dial: r.dial}
	_, first := d.DialContext(t.Context(), "tcp", "evil.example:80")
	_, second := d.DialContext(t.Context(), "tcp", "evil.example:80")
	if _, refused := errors.AsType[*Refusal](second); !errors.Is(first, errRecorded) || !refused || len(r.dialled) != 1 || r.dialled[0] != "93.184.216.34:80" {
		t.Errorf("dialled %q; %v; %v", r.dialled, first, second)
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "everything", "10.0.0.0/33", "10.0.0", "::/200"} {
		if p, err := ParseNetworks([]string{bad}); err == nil {
			t.Errorf("%q was read as %v", bad, p)
		}
	}
}

// loopback is a dialer that may reach test servers.
func loopback(t *testing.T) *Dialer {
	allow, err := ParseNetworks([]string{"loopback"})
	if err != nil {
		t.Fatal(err)
	}
	return &Dialer{Policy: Policy{Allow: allow}}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var seen http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header }))
	t.Cleanup(other.Close)
	var to string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/there" {
			seen = r.Header
			return
		}
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(api.Close)
	secure := httptest.NewTLSServer(http.RedirectHandler(other.URL, http.StatusFound))
	t.Cleanup(secure.Close)
	d := loopback(t)
	d.Policy.Authorities = pemOf(secure)
	client, err := d.Client(ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	call := func(method, address string) error {
		seen = nil
		var body *strings.Reader
		r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
		if method == http.MethodPost {
			body = strings.NewReader("{}")
			r, err = http.NewRequestWithContext(t.Context(), method, address, body)
		}
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Authorization": {"Bearer canary"}, "X-Api-Key": {"canary"}, "Cookie": {"a=canary"}, "Accept": {"application/json"}}
		res, err := client.Do(r)
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	refusal := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v, want an error with %q", err, want)
		}
		if seen != nil {
			t.Errorf("the other host was called with %v", seen)
		}
	}
	if to = "/there"; call("GET", api.URL) != nil || seen.Get("X-Api-Key") != "canary" {
		t.Errorf("on the same host: %v", seen)
	}
	to = other.URL + "/there"
	if err := call("GET", api.URL); err != nil || seen.Get("Accept") != "application/json" || strings.Contains(strings.Join(append(seen["Authorization"], append(seen["X-Api-Key"], append(seen["Cookie"], seen["Referer"]...)...)...), ""), "canary") {
		t.Errorf("to another host: %v %v", err, seen)
	}
	refusal(call("POST", api.URL), "the body of the request would go to another host")
	refusal(call("GET", secure.URL), "it leaves the encryption")
	to = "http://169.254.169.254/latest/meta-data/"
	refusal(call("GET", api.URL), "the metadata service of a cloud")
	to = "http://[::ffff:a9fe:a9fe]/"
	refusal(call("GET", api.URL), "the metadata service of a cloud")
	to = "file:///etc/passwd"
	refusal(call("GET", api.URL), "no address of HTTP")
	to = "/again"
	refusal(call("GET", api.URL), "redirect number 6")
}

func TestProxies(t *testing.T) {
	t.Parallel()
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.String()) }))
	t.Cleanup(proxy.Close)
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	d := &Dialer{Policy: Policy{Proxy: at}, Resolver: &names{known: map[string][][]string{"api.example": {{"93.184.216.34"}}, "meta.example": {{"169.254.169.254"}}, "office.example": {{"10.0.0.1"}}}}}
	client, err := d.Client(ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for address, ok := range map[string]bool{"http://api.example/x": true, "http://only.proxy.knows/": true, "http://meta.example/": false, "http://office.example/": false, "http://127.0.0.1/": false} {
		asked = nil
		res, err := client.Get(address)
		if err == nil {
			res.Body.Close()
		}
		if ok != (err == nil) || ok != (len(asked) == 1) {
			t.Errorf("%s: %v, the proxy was asked for %q", address, err, asked)
		}
	}
	own, err := (&Dialer{Resolver: d.Resolver}).Client(ClientOptions{Proxy: at})
	if err != nil {
		t.Fatal(err)
	}
	asked = nil
	if _, err := own.Get("http://api.example/"); err == nil || len(asked) > 0 {
		t.Errorf("a connection's proxy on this machine was used: %v %q", err, asked)
	}
}

// pemOf is the certificate of a test server.
func pemOf(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
