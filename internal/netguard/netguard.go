// Package netguard is the one outgoing dialer of nodes that call what a flow names. It resolves a host, decides about each
// of its addresses, and dials the very address that it has decided about, so that an answer of DNS that changes in between
// changes nothing.
package netguard

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Policy is what an instance lets its flows reach, beside the public Internet.
type Policy struct {
	Allow []netip.Prefix // private networks that may be reached; link-local and metadata addresses never are
	Proxy *url.URL       // that calls go through where a connection has none of its own; nil: none
	// Authorities are certificates in PEM that are trusted beside those of the machine.
	Authorities []byte
}

var current atomic.Pointer[Policy]

// Use sets the policy of this process.
func Use(p Policy) { current.Store(&p) }

// Current is the policy of this process; without one only public addresses may be reached.
func Current() Policy {
	if p := current.Load(); p != nil {
		return *p
	}
	return Policy{}
}

// networks are the words that stand for networks in the setting.
var networks = map[string][]string{
	"loopback": {"127.0.0.0/8", "::1/128"},
	"private":  {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "100.64.0.0/10"},
}

// ParseNetworks reads networks: CIDR such as 10.0.0.0/8, single addresses, and the words loopback and private.
func ParseNetworks(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		for _, text := range orWord(strings.TrimSpace(s)) {
			p, err := netip.ParsePrefix(text)
			if err != nil {
				a, aerr := netip.ParseAddr(text)
				if aerr != nil {
					return nil, fmt.Errorf("%q is no network: write one such as 10.0.0.0/8, loopback or private", text)
				}
				p = netip.PrefixFrom(a, a.BitLen())
			}
			out = append(out, p.Masked())
		}
	}
	return out, nil
}

func orWord(s string) []string {
	if list := networks[s]; list != nil {
		return list
	}
	return []string{s}
}

// Refusal is the error for an address that may not be reached.
type Refusal struct {
	Host    string
	Address string // that the host stands for; "": it was not looked up
	Why     string // such as "a private address"
	Never   bool   // no setting allows it
}

func (e *Refusal) Error() string {
	if e.Address == "" || e.Address == e.Host {
		return fmt.Sprintf("%s is %s", e.Host, e.Why)
	}
	return fmt.Sprintf("%s leads to %s, which is %s", e.Host, e.Address, e.Why)
}

// Resolver looks up the addresses of a host.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Dialer dials what its policy allows.
type Dialer struct {
	Policy   Policy
	Resolver Resolver // nil: that of the machine
	// Dial dials an address; nil: the network's dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

const dialTimeout = 10 * time.Second

// DialContext connects to the first address of a host that is allowed and answers. Where none is allowed nothing is sent.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := d.Resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	dial := d.dialer()
	for _, a := range addrs {
		var conn net.Conn
		if conn, err = dial(ctx, network, net.JoinHostPort(a.String(), port)); err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

func (d *Dialer) dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	if d.Dial != nil {
		return d.Dial
	}
	return (&net.Dialer{Timeout: dialTimeout}).DialContext
}

// Resolve returns the addresses of a host that may be reached. The error is a *Refusal where there is none among those that
// it has.
func (d *Dialer) Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	var found []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		found = []netip.Addr{a}
	} else if looksNumeric(host) { // some resolvers read 2130706433 and 0x7f.1 as 127.0.0.1
		return nil, &Refusal{Host: host, Why: "no name and no address in its usual form", Never: true}
	} else {
		r := d.Resolver
		if r == nil {
			r = net.DefaultResolver
		}
		if found, err = r.LookupNetIP(ctx, "ip", host); err != nil {
			return nil, err
		}
	}
	var refused *Refusal
	allowed := slices.DeleteFunc(slices.Clone(found), func(a netip.Addr) bool {
		why, never := d.Policy.refuses(a)
		if why != "" && (refused == nil || never && !refused.Never) {
			refused = &Refusal{Host: host, Address: a.String(), Why: why, Never: never}
		}
		return why != ""
	})
	switch {
	case len(allowed) > 0:
		return allowed, nil
	case refused != nil:
		return nil, refused
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// looksNumeric reports whether the last label of a host is a number, so that it is meant to be an address.
func looksNumeric(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if last == "" {
		return true
	}
	if rest, hex := strings.CutPrefix(last, "0x"); hex {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}
