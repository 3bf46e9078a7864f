package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"

	"spark/flows"
	"spark/internal/netguard"
)

// network says what flows may reach over HTTP beside the public Internet. Executors are told in their first frame: the address
// of a proxy may hold a password, and everybody on the machine sees the arguments of a process.
type network struct {
	AllowNetwork  []string `help:"Network that nodes which call HTTP may reach beside the public Internet, such as 10.0.0.0/8, loopback or private. May be repeated. Metadata and link-local addresses are never called." placeholder:"NETWORK" env:"SPARK_ALLOW_NETWORK"`
	HTTPProxy     string   `help:"Proxy of calls over HTTP, where a connection has none of its own." placeholder:"URL" env:"SPARK_HTTP_PROXY"`
	HTTPAuthority string   `help:"File of certificates in PEM that calls over HTTP trust beside those of the machine." placeholder:"FILE" type:"path" env:"SPARK_HTTP_AUTHORITY"`
}

// policy reads it.
func (n network) policy() (p netguard.Policy, err error) {
	wrong := func(flag string, cause error) error {
		return &flows.Error{Code: "network.setting", Message: fmt.Sprintf("%s cannot be used: %v", flag, cause), Suggestion: "correct the flag; spark serve --help says what it takes", Cause: cause}
	}
	if p.Allow, err = netguard.ParseNetworks(n.AllowNetwork); err != nil {
		return p, wrong("--allow-network", err)
	}
	if n.HTTPProxy != "" {
		if p.Proxy, err = url.Parse(n.HTTPProxy); err != nil || p.Proxy.Host == "" || p.Proxy.Scheme != "http" && p.Proxy.Scheme != "https" {
			return p, wrong("--http-proxy", errors.New("it is no address such as http://proxy.example.com:3128")) // which may hold a password
		}
	}
	if n.HTTPAuthority != "" {
		if p.Authorities, err = os.ReadFile(n.HTTPAuthority); err != nil {
			return p, wrong("--http-authority", err)
		}
	}
	return p, nil
}

// outgoing is the network of this process's children. A command sets it before it starts the first one.
var outgoing network

// use checks the settings and makes them those of the children, and of this process, which exchanges tokens.
func (n network) use() error {
	policy, err := n.policy()
	if err != nil {
		return err
	}
	outgoing = n
	netguard.Use(policy)
	return nil
}
