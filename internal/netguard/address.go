package netguard

import (
	"net/netip"
)

// rule is a range of addresses that may not be reached unless the policy has it.
type rule struct {
	prefix netip.Prefix
	why    string
	never  bool // not even then
}

func ranges(why string, never bool, list ...string) (rules []rule) {
	for _, s := range list {
		rules = append(rules, rule{netip.MustParsePrefix(s), why, never})
	}
	return rules
}

// rules are looked through in order; what none of them has is public.
var rules = concat(
	ranges("the metadata service of a cloud", true, "169.254.169.254/32", "169.254.170.2/32", "fd00:ec2::254/128", "fd20:ce::254/128", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
	ranges("a link-local address", true, "169.254.0.0/16", "fe80::/10"),
	ranges("no address of a host", true, "0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::/128", "ff00::/8", "100::/64"),
	ranges("this machine", false, "127.0.0.0/8", "::1/128"),
	ranges("a private address", false, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"),
	ranges("an address for special use", false, "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "2001::/23", "2001:db8::/32", "64:ff9b:1::/48", "3fff::/20", "5f00::/16"),
)

func concat(lists ...[]rule) (all []rule) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// refuses says why an address may not be reached, "" where it may, and whether no setting allows it.
func (p Policy) refuses(a netip.Addr) (why string, never bool) {
	if a.Zone() != "" {
		return "a link-local address", true
	}
	a = a.Unmap()
	if v4, inside := embedded(a); inside {
		if why, never = p.refuses(v4); why != "" {
			return why + " inside of an IPv6 address", never
		}
	}
	for _, r := range rules {
		if !r.prefix.Contains(a) {
			continue
		}
		if r.never {
			return r.why, true
		}
		for _, allowed := range p.Allow {
			if allowed.Contains(a) {
				return "", false
			}
		}
		return r.why, false
	}
	return "", false
}

// How IPv4 addresses travel inside of IPv6 ones, and at which octet they begin.
var embeddings = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},   // NAT64
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12}, // NAT64 of a network
	{netip.MustParsePrefix("2002::/16"), 2},       // 6to4
	{netip.MustParsePrefix("::/96"), 12},          // compatible, long gone
}

func embedded(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() || a == netip.IPv6Loopback() || a == netip.IPv6Unspecified() {
		return a, false
	}
	b := a.As16()
	for _, e := range embeddings {
		if e.prefix.Contains(a) {
			return netip.AddrFrom4([4]byte(b[e.at : e.at+4])), true
		}
	}
	return a, false
}
