package connection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"spark/flows"
	"spark/flows/node"
)

// GrantStore keeps grants, sealed, by their keys.
type GrantStore interface {
	// Grant returns what is kept of a grant; nil: nothing is.
	Grant(ctx context.Context, scope flows.Scope, key string) ([]byte, error)
	// ExchangeGrant calls change with what is kept; no other process does so with the same grant meanwhile. What change returns is
	// durable when ExchangeGrant returns, also where there is an error beside it; nil changes nothing.
	ExchangeGrant(ctx context.Context, scope flows.Scope, key string, change func(ctx context.Context, sealed []byte) ([]byte, error)) error
}

// Grants is the one place that exchanges grants: what comes of an exchange is kept before anybody uses it.
type Grants struct {
	Store  GrantStore
	Sealer Sealer
	Now    func() time.Time // nil: time.Now

	locks sync.Map // key → chan struct{}: held by the one exchange of this process
	busy  sync.WaitGroup
	made  sync.Once
	slots chan struct{} // held by those that exchange
}

// exchanges is how many grants are exchanged at once: each holds a connection to the store while a server of tokens takes its time.
const exchanges = 8

// exchangeTime bounds an exchange. It goes on when who has asked goes away: what the server of tokens answers must be kept.
const exchangeTime = 2 * time.Minute

// Close waits until what is being exchanged is kept.
func (g *Grants) Close() { g.busy.Wait() }

// grantKey names the grant of settings; "": they have none. It tells nothing about the secrets that it is made of.
func grantKey(scope flows.Scope, id string, settings node.ConnectionSettings) string {
	s, ok := settings.(node.GrantedSettings)
	if !ok || s.GrantID() == "" {
		return ""
	}
	if !s.SignsIn() {
		id = "" // the same refresh token is the same grant, wherever it is written
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{"grant", scope.Project, id, s.GrantID()}, "\x00")))
	return hex.EncodeToString(sum[:])
}

// Spec is a connection for a process that works with it. Where its settings have a grant the process gets access tokens, and
// nothing to get them with. id is that of the stored connection, "" where there is none; without Grants there are no tokens.
func (g *Grants) Spec(scope flows.Scope, id string, c node.Connection) (spec node.ConnectionSpec, err error) {
	spec.Type = c.Type.ID
	shown := c.Settings
	if key := grantKey(scope, id, c.Settings); key != "" && g != nil {
		settings := c.Settings.(node.GrantedSettings) // grantKey has seen that
		spec.Grant, spec.Tokens = key, &granted{grants: g, scope: scope, key: key, name: c.Name, settings: settings}
		shown = settings.WithoutGrant()
	}
	spec.Settings, err = node.RevealSettings(shown)
	return spec, err
}

// granted gives the tokens of one grant.
type granted struct {
	grants   *Grants
	scope    flows.Scope
	key      string
	name     string
	settings node.GrantedSettings
}

var _ node.TokenSource = (*granted)(nil)

// Token answers with the kept token while it lasts.
func (t *granted) Token(ctx context.Context, refused string) (node.AccessToken, error) {
	sealed, err := t.grants.Store.Grant(ctx, t.scope, t.key)
	if err != nil {
		return node.AccessToken{}, err
	}
	kept, err := t.grants.open(t.key, sealed)
	if err != nil {
		return node.AccessToken{}, err
	}
	if kept.Lasts(t.grants.now(), refused) {
		return kept.AccessToken, nil
	}
	type result struct {
		token node.AccessToken
		err   error
	}
	done := make(chan result, 1)
	t.grants.busy.Add(1)
	go func() {
		defer t.grants.busy.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTime)
		defer cancel()
		token, err := t.exchange(ctx, refused)
		done <- result{token, err}
	}()
	select {
	case r := <-done:
		return r.token, r.err
	case <-ctx.Done():
		return node.AccessToken{}, context.Cause(ctx)
	}
}

// exchange renews the grant, unless somebody has done so meanwhile.
func (t *granted) exchange(ctx context.Context, refused string) (token node.AccessToken, err error) {
	err = t.grants.alone(ctx, t.scope, t.key, func(ctx context.Context, kept node.Grant) (*node.Grant, error) {
		if kept.Lasts(t.grants.now(), refused) {
			token = kept.AccessToken
			return nil, nil
		}
		next, err := t.settings.Renew(ctx, t.name, kept)
		err = silent(err, t.settings, kept.Refresh, kept.Access)
		if err != nil && next.Lost == kept.Lost {
			return nil, err
		}
		if err == nil {
			token = next.AccessToken
		}
		return &next, err
	})
	return token, err
}

// alone calls change with a grant that nobody else changes meanwhile, in this process or in another one.
func (g *Grants) alone(ctx context.Context, scope flows.Scope, key string, change func(ctx context.Context, kept node.Grant) (*node.Grant, error)) error {
	g.made.Do(func() { g.slots = make(chan struct{}, exchanges) })
	lock, _ := g.locks.LoadOrStore(key, make(chan struct{}, 1))
	for _, held := range []chan struct{}{lock.(chan struct{}), g.slots} { // before the store's own lock: those who wait here take no connection to its database
		select {
		case held <- struct{}{}:
			defer func() { <-held }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return g.Store.ExchangeGrant(ctx, scope, key, func(ctx context.Context, sealed []byte) ([]byte, error) {
		kept, err := g.open(key, sealed)
		if err != nil {
			return nil, err
		}
		next, err := change(ctx, kept)
		if next == nil {
			return nil, err
		}
		plain, failed := json.Marshal(next)
		if failed == nil {
			sealed, failed = g.Sealer.Seal(plain, associatedGrant(key))
		}
		if failed != nil {
			return nil, fmt.Errorf("grant: %w", errors.Join(failed, err))
		}
		return sealed, err
	})
}

// silent hides secrets in what a server of tokens, or the way to it, has said.
func silent(err error, settings node.GrantedSettings, more ...string) error {
	if err == nil {
		return nil
	}
	for _, s := range node.Secrets(settings) {
		more = append(more, s.Reveal())
	}
	return flows.NewScrubber(more).Error(err)
}

func (g *Grants) now() time.Time {
	if g.Now == nil {
		return time.Now()
	}
	return g.Now()
}

// associatedGrant binds what is sealed to its key, and so to connection and place.
func associatedGrant(key string) []byte { return []byte("grant " + key) }

func (g *Grants) open(key string, sealed []byte) (kept node.Grant, err error) {
	if len(sealed) == 0 {
		return kept, nil
	}
	plain, err := g.Sealer.Open(sealed, associatedGrant(key))
	if err != nil {
		return kept, &flows.Error{Code: "connection.sealed", Message: "the tokens of the connection cannot be opened with this server's key", Suggestion: "bring back the key file that the server had, or sign in again and give the secrets again", Cause: errUnsealed}
	}
	if err := json.Unmarshal(plain, &kept); err != nil {
		return kept, fmt.Errorf("grant: %w", errUnsealed)
	}
	return kept, nil
}
