package database_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"spark/internal/testserver"
)

// network is what lies between the program and a server, as long as nothing is wrong with it.
type network struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
}

// newNetwork leads to the server of a fixture.
func newNetwork(t *testing.T, f *fixture) *network {
	t.Helper()
	u, err := url.Parse(f.url)
	if err != nil {
		t.Fatal(err)
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	n := &network{t: t, proxy: toxiproxy.NewProxy(server, "database", "127.0.0.1:0", u.Host)}
	if err := n.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.proxy.Stop)
	return n
}

func (n *network) address() string { return n.proxy.Listen }

// The ways from and to the server.
const (
	fromServer = "downstream"
	toServer   = "upstream"
)

// add makes the network worse, for connections that there are, too.
func (n *network) add(kind, way string, attributes map[string]any) {
	b, err := json.Marshal(map[string]any{"name": kind + " " + way, "type": kind, "stream": way, "attributes": attributes})
	if err == nil {
		_, err = n.proxy.Toxics.AddToxicJson(bytes.NewReader(b))
	}
	if err != nil {
		n.t.Errorf("toxic %s: %v", kind, err)
	}
}

// stop makes a connection half-open: nothing arrives, and nobody closes it.
func (n *network) stop(ways ...string) {
	for _, way := range ways {
		n.add("timeout", way, map[string]any{"timeout": 0})
	}
}

// mend takes away what was added, and with it the connections that were stopped.
func (n *network) mend() { n.proxy.Toxics.ResetToxics(context.Background()) }

// through makes the fixture's connection lead through an address.
func (f *fixture) through(address string, settings map[string]any) {
	f.t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		f.t.Fatal(err)
	}
	all := map[string]any{"port": json.Number(port)}
	for k, v := range settings {
		all[k] = v
	}
	f.connections["warehouse"] = f.spec(all)
}

// newTrap returns the address of a proxy that calls sprung when a text is sent for the first time, and then passes it on.
func newTrap(t *testing.T, text string, sprung func(), leads func() *network) string {
	t.Helper()
	var mu sync.Mutex
	return testserver.NewTrap(t, text, func() { mu.Lock(); defer mu.Unlock(); sprung() }, func() string { mu.Lock(); defer mu.Unlock(); return leads().address() }).Address()
}
