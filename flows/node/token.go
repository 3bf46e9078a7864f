package node

import (
	"context"
	"sync"
	"time"
)

// AccessToken is what lets a call in, until it ends or is refused.
type AccessToken struct {
	Access string    `json:"access"`
	Type   string    `json:"type,omitempty"` // "": Bearer
	Expiry time.Time `json:"expiry,omitzero"`
}

// tokenMargin is how long before its end a token is not used any more: a call takes a while to arrive.
const tokenMargin = 10 * time.Second

// Lasts reports whether the token can still be used, where it has not been refused.
func (t AccessToken) Lasts(now time.Time, refused string) bool {
	return t.Access != "" && t.Access != refused && (t.Expiry.IsZero() || now.Add(tokenMargin).Before(t.Expiry))
}

// TokenSource answers with access tokens of one connection. It is safe for concurrent use.
type TokenSource interface {
	// Token returns one that is another than refused; "": none was refused.
	Token(ctx context.Context, refused string) (AccessToken, error)
}

// Grant is what a server of tokens has given out last: every use may put another one in its place.
type Grant struct {
	AccessToken
	Refresh string `json:"refresh,omitempty"`
	Scope   string `json:"scope,omitempty"`
	// SignedIn is when a person has signed in; zero: nobody has to.
	SignedIn time.Time `json:"signedIn,omitzero"`
	// Lost is why it gives no more tokens, as the server calls it, such as invalid_grant; "": it is not known to.
	Lost string `json:"lost,omitempty"`
}

// GrantedSettings are those of connections whose access tokens come from a grant. One place exchanges it for all processes,
// and keeps what it gets before anybody uses it: a refresh token that was replaced is not accepted again.
type GrantedSettings interface {
	ConnectionSettings
	// GrantID is what the grant is known by: it changes where another grant is meant, or another place, so that what was given
	// for one goes nowhere else. It may hold secrets. "": these settings have no grant.
	GrantID() string
	// WithoutGrant is a copy that calls with access tokens and holds nothing to get them with: Hidden stands in its place.
	WithoutGrant() ConnectionSettings
	// SignsIn reports whether the grant comes from a person who signs in, and belongs to one connection.
	SignsIn() bool
	// Renew gets another access token. It returns what takes the place of g, with an error too: a grant that is lost says so.
	Renew(ctx context.Context, name string, g Grant) (Grant, error)
	// SignInURL is the address at which a person signs in (RFC 6749, 4.1), with the challenge of PKCE (RFC 7636, S256).
	SignInURL(redirect, state, challenge string) (string, error)
	// SignIn exchanges the code that a person has come back with.
	SignIn(ctx context.Context, name, redirect, code, verifier string) (Grant, error)
}

// Shared is what the nodes of one run have in common, such as the rate of a connection. The zero value is empty.
type Shared struct {
	mu     sync.Mutex
	values map[string]any
}

// Get returns the value of a key, which create makes where there is none yet. Without a Shared it is always made.
func (s *Shared) Get(key string, create func() any) any {
	if s == nil {
		return create()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[key]
	if !ok {
		v = create()
		if s.values == nil {
			s.values = map[string]any{}
		}
		s.values[key] = v
	}
	return v
}
