package http

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/node"
	"spark/internal/netguard"
)

func TestMain(m *testing.M) {
	allow, err := netguard.ParseNetworks([]string{"loopback"})
	if err != nil {
		panic(err)
	}
	netguard.Use(netguard.Policy{Allow: allow})
	os.Exit(m.Run())
}

// canary is a secret that must not be seen anywhere.
const canary = "canary-7f3a9"

// serve starts an API.
func serve(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s
}

// connect makes a connection to an API; settings come beside its address.
func connect(t *testing.T, address string, settings map[string]any) node.Connection {
	t.Helper()
	all := map[string]any{"baseUrl": address}
	for k, v := range settings {
		all[k] = v
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	c, err := node.LoadConnection("shop", node.ConnectionSpec{Type: typeID, Settings: b})
	if err != nil {
		t.Fatal(err)
	}
	c.Tokens = &host{settings: c.Settings.(*Settings)}
	return c
}

// host exchanges grants as the host of a process does, and forgets them with it.
type host struct {
	settings *Settings
	mu       sync.Mutex
	kept     node.Grant
}

func (h *host) Token(ctx context.Context, refused string) (node.AccessToken, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kept.Lasts(time.Now(), refused) {
		return h.kept.AccessToken, nil
	}
	next, err := h.settings.Renew(ctx, "shop", h.kept)
	h.kept = next
	return next.AccessToken, err
}

// caller is the client of a connection, which notes how long it was to wait instead of waiting.
func caller(t *testing.T, conn node.Connection) (*client, *[]time.Duration) {
	t.Helper()
	c, err := clientOf(conn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	var waits []time.Duration
	c.sleep = func(ctx context.Context, d time.Duration) error {
		waits = append(waits, d)
		return ctx.Err()
	}
	return c, &waits
}

// coded is the error that err is.
func coded(err error) *flows.Error {
	e := flows.AsError(err)
	if e == nil {
		return &flows.Error{}
	}
	return e
}
