package connection_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	_ "spark/connectors/http"
	"spark/flows"
	"spark/flows/connection"
	"spark/flows/node"
	"spark/internal/netguard"
	"spark/internal/testserver"
	"spark/store"
)

// loopback lets the tests call servers of their own.
var loopback = sync.OnceFunc(func() {
	allow, err := netguard.ParseNetworks([]string{"loopback"})
	if err != nil {
		panic(err)
	}
	netguard.Use(netguard.Policy{Allow: allow})
})

// grantKit is a kit whose connections get tokens.
func grantKit(t *testing.T) *kit {
	t.Helper()
	loopback()
	k := newKit(t)
	k.Grants = &connection.Grants{Store: k.store.Grants, Sealer: k.Sealer}
	return k
}

// refreshing is a connection with a refresh token.
func refreshing(base, token string) connection.Input {
	b, err := json.Marshal(map[string]any{"baseUrl": base, "auth": "refresh", "tokenUrl": base + "/token", "clientId": "me", "clientIn": "body", "refreshToken": token})
	if err != nil {
		panic(err)
	}
	return connection.Input{Name: "shop", Type: "http", Settings: b}
}

// source is what another process would get its tokens from.
func (k *kit) source() node.TokenSource {
	k.t.Helper()
	set, err := k.Resolve(k.t.Context(), flows.LocalScope, "", []string{"shop"})
	if err != nil || set["shop"].Grant == "" {
		k.t.Fatal(set, err)
	}
	if strings.Contains(string(set["shop"].Settings), canary) {
		k.t.Error("the process that gets the tokens gets the refresh token, too")
	}
	return set["shop"].Tokens
}

// TestRotatedTokensAreKept: a refresh token is used once, by many at the same time, by the next run, and by another server that
// has nothing but the database.
func TestRotatedTokensAreKept(t *testing.T) {
	t.Parallel()
	k := grantKit(t)
	api := testserver.StartOAuth(t, canary)
	c, err := k.Create(t.Context(), flows.LocalScope, refreshing(api.URL, canary))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		source := k.source()
		wg.Go(func() {
			if token, err := source.Token(t.Context(), ""); err != nil || token.Access == "" {
				t.Errorf("%+v, %v", token.Access != "", err)
			}
		})
	}
	wg.Wait()
	token, err := k.source().Token(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if exchanges, reused, _ := api.Counts(); exchanges != 1 || reused != 0 {
		t.Errorf("%d exchanges, %d with a spent token", exchanges, reused)
	}
	for range 8 { // all have seen the same token refused
		source := k.source()
		wg.Go(func() {
			if next, err := source.Token(t.Context(), token.Access); err != nil || next.Access == token.Access {
				t.Errorf("after a refusal: %v", err)
			}
		})
	}
	wg.Wait()
	if exchanges, reused, _ := api.Counts(); exchanges != 2 || reused != 0 {
		t.Errorf("after a refusal: %d exchanges, %d with a spent token", exchanges, reused)
	}
	again, err := store.Open(t.Context(), store.Config{Folder: k.folder}) // as after a restart
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Close() })
	other := &kit{t: t, store: again, folder: k.folder}
	other.Service = &connection.Service{Store: again.Connections, Sealer: k.key("secrets.key"), Grants: &connection.Grants{Store: again.Grants, Sealer: k.key("secrets.key")}}
	now, err := other.source().Token(t.Context(), "")
	if err != nil || now.Access == token.Access {
		t.Errorf("after a restart: %v", err)
	}
	if _, err := other.source().Token(t.Context(), now.Access); err != nil {
		t.Errorf("renewed after a restart: %v", err)
	}
	if exchanges, reused, _ := api.Counts(); exchanges != 3 || reused != 0 {
		t.Errorf("after a restart: %d exchanges, %d with a spent token", exchanges, reused)
	}
	if k.inDatabase("access-") || k.inDatabase("refresh-") || k.inDatabase(canary) {
		t.Error("a token stands in the database as it is")
	}
	if err := k.Delete(t.Context(), flows.LocalScope, c.ID); err != nil {
		t.Fatal(err)
	}
	if sealed, err := k.store.Grants.Grant(t.Context(), flows.LocalScope, c.Grant); err != nil || sealed != nil {
		t.Errorf("the tokens are still there: %d octets, %v", len(sealed), err)
	}
}

// TestTriedBeforeSaved: a test of a connection that is not saved yet uses the refresh token up, and the saved one goes on.
func TestTriedBeforeSaved(t *testing.T) {
	t.Parallel()
	k := grantKit(t)
	api := testserver.StartOAuth(t, canary)
	tried, err := k.Spec(t.Context(), flows.LocalScope, "", refreshing(api.URL, canary))
	if err != nil {
		t.Fatal(err)
	}
	first, err := tried.Tokens.Token(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := k.Create(t.Context(), flows.LocalScope, refreshing(api.URL, canary))
	if err != nil {
		t.Fatal(err)
	}
	if token, err := k.source().Token(t.Context(), first.Access); err != nil || token.Access == first.Access {
		t.Errorf("saved: %v", err)
	}
	// A person who gives another refresh token meanwhile is heard, whatever is being exchanged.
	before := k.source()
	second := testserver.StartOAuth(t, "given by a person")
	if _, err := k.Update(t.Context(), flows.LocalScope, c.ID, c.Etag, refreshing(second.URL, "given by a person")); err != nil {
		t.Fatal(err)
	}
	if _, err := before.Token(t.Context(), ""); err != nil {
		t.Errorf("a run that goes on: %v", err)
	}
	if _, err := k.source().Token(t.Context(), ""); err != nil {
		t.Errorf("with the new one: %v", err)
	}
	for at, o := range []*testserver.OAuth{api, second} {
		if _, reused, _ := o.Counts(); reused != 0 {
			t.Errorf("server %d saw %d spent tokens", at, reused)
		}
	}
}

// TestExchangeOutlivesItsAsker: what a server of tokens answers is kept, although nobody waits for it any more.
func TestExchangeOutlivesItsAsker(t *testing.T) {
	t.Parallel()
	k := grantKit(t)
	api := testserver.StartOAuth(t, canary)
	asked, answer := make(chan struct{}), make(chan struct{})
	var once sync.Once
	api.Before = func(http.ResponseWriter, *http.Request) bool {
		once.Do(func() { close(asked) })
		<-answer
		return false
	}
	if _, err := k.Create(t.Context(), flows.LocalScope, refreshing(api.URL, canary)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	source := k.source()
	go func() {
		_, err := source.Token(ctx, "")
		failed <- err
	}()
	<-asked
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	close(answer)
	k.Grants.Close()
	if _, err := k.source().Token(t.Context(), ""); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if exchanges, reused, _ := api.Counts(); exchanges != 1 || reused != 0 {
		t.Errorf("%d exchanges, %d with a spent token", exchanges, reused)
	}
}

// TestLostGrants: what is wrong is said, without what the server has answered.
func TestLostGrants(t *testing.T) {
	t.Parallel()
	k := grantKit(t)
	api := testserver.StartOAuth(t, canary)
	if _, err := k.Create(t.Context(), flows.LocalScope, refreshing(api.URL, canary)); err != nil {
		t.Fatal(err)
	}
	token, err := k.source().Token(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	api.Revoke()
	_, err = k.source().Token(t.Context(), token.Access)
	if e := flows.AsError(err); e == nil || e.Code != "http.token" || e.Suggestion == "" || strings.Contains(err.Error(), "refresh-") {
		t.Errorf("revoked: %v", err)
	}
	spec, err := k.Spec(t.Context(), flows.LocalScope, "", refreshing("http://127.0.0.1:1", canary))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := spec.Tokens.Token(t.Context(), ""); flows.AsError(err) == nil || flows.AsError(err).Code != "http.token" {
		t.Errorf("gone: %v", err)
	}
}

// TestGrantsOfServers: two servers on one PostgreSQL use every refresh token once, however many ask at the same time.
func TestGrantsOfServers(t *testing.T) {
	t.Parallel()
	k := grantKit(t)
	database := testserver.PostgreSQL(t)
	api := testserver.StartOAuth(t, canary)
	var servers []*kit
	for range 2 {
		s, err := store.Open(t.Context(), store.Config{DatabaseURL: database})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		server := &kit{t: t, store: s, folder: k.folder}
		server.Service = &connection.Service{Store: s.Connections, NewID: k.NewID, Sealer: k.Sealer, Grants: &connection.Grants{Store: s.Grants, Sealer: k.Sealer}}
		servers = append(servers, server)
	}
	if _, err := servers[0].Create(t.Context(), flows.LocalScope, refreshing(api.URL, canary)); err != nil {
		t.Fatal(err)
	}
	refused := ""
	for round := range 3 {
		var wg sync.WaitGroup
		given := make([]string, 8)
		for i := range given {
			source := servers[i%2].source()
			wg.Go(func() {
				token, err := source.Token(t.Context(), refused)
				if given[i] = token.Access; err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if exchanges, reused, _ := api.Counts(); exchanges != round+1 || reused != 0 || len(slices.Compact(given)) != 1 {
			t.Errorf("round %d: %d exchanges, %d with a spent token", round, exchanges, reused)
		}
		refused = given[0]
	}
}
