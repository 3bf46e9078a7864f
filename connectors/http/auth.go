package http

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"spark/flows"
	"spark/flows/node"
	"spark/internal/netguard"
)

// credentials of a connection are put into each request to it.
type credentials interface {
	// add puts them into a request that is the callee's own.
	add(r *http.Request) error
	// renew is told that the server has refused the credentials of a request. It reports whether others can be tried.
	renew(r *http.Request) (bool, error)
}

// authorized adds credentials to requests to one origin, so that no redirect and no address of an answer takes them
// elsewhere.
type authorized struct {
	next   http.RoundTripper
	origin string
	auth   credentials
}

func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	if netguard.Origin(r.URL) != a.origin {
		return a.next.RoundTrip(r)
	}
	for again := false; ; again = true {
		sent := r.Clone(r.Context())
		if again && r.GetBody != nil {
			body, err := r.GetBody()
			if err != nil {
				return nil, err
			}
			sent.Body = body
		}
		if err := a.auth.add(sent); err != nil {
			return nil, err
		}
		res, err := a.next.RoundTrip(sent)
		if err != nil || res.StatusCode != http.StatusUnauthorized || again {
			return res, err
		}
		ok, err := a.auth.renew(sent)
		if err != nil || !ok {
			if err != nil {
				res.Body.Close()
				return nil, err
			}
			return res, nil
		}
		res.Body.Close()
	}
}

// CloseIdleConnections closes those of the transport.
func (a *authorized) CloseIdleConnections() {
	if t, ok := a.next.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// fixed are credentials that never change.
type fixed func(r *http.Request) error

func (f fixed) add(r *http.Request) error       { return f(r) }
func (fixed) renew(*http.Request) (bool, error) { return false, nil }

// credentials makes those of a connection with these settings. hide is told what must not be shown.
func (s *Settings) credentials(conn node.Connection, hide func(string)) (credentials, error) {
	switch s.Auth {
	case authBasic:
		pair := base64.StdEncoding.EncodeToString([]byte(s.User + ":" + s.Password.Reveal()))
		hide(pair)
		return header("Authorization", "Basic "+pair), nil
	case authBearer:
		return header("Authorization", "Bearer "+s.Token.Reveal()), nil
	case authKey:
		if s.KeyIn == "query" {
			return fixed(func(r *http.Request) error {
				u := *r.URL
				q := u.Query()
				q.Set(s.KeyName, s.Key.Reveal())
				u.RawQuery = q.Encode()
				r.URL = &u
				return nil
			}), nil
		}
		return header(s.KeyName, s.Key.Reveal()), nil
	case authRefresh, authCode:
		return grantTokens(conn, hide), nil
	case authClient, authJWT:
		return s.ownTokens(hide)
	case authHMAC:
		return fixed(s.signRequest), nil
	}
	return nil, nil
}

func header(name, value string) credentials {
	return fixed(func(r *http.Request) error {
		r.Header.Set(name, value)
		return nil
	})
}

// tokens are credentials that a server gives out, and that are renewed when they end or are refused.
type tokens struct {
	// ask gets a token that is another than the one which was refused, if any.
	ask  func(ctx context.Context, refused string) (*oauth2.Token, error)
	hide func(string)

	mu      sync.Mutex
	now     *oauth2.Token
	refused string
}

func (t *tokens) add(r *http.Request) error {
	token, err := t.current(r.Context())
	if err != nil {
		return err
	}
	token.SetAuthHeader(r)
	return nil
}

func (t *tokens) current(ctx context.Context) (*oauth2.Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now.Valid() {
		return t.now, nil
	}
	token, err := t.ask(ctx, t.refused)
	if err != nil {
		return nil, err
	}
	t.hide(token.AccessToken)
	t.now = token
	return token, nil
}

// renew forgets the token that was refused, unless another request has done so.
func (t *tokens) renew(r *http.Request) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now != nil && r.Header.Get("Authorization") == t.now.Type()+" "+t.now.AccessToken {
		t.now, t.refused = nil, t.now.AccessToken
	}
	return true, nil
}

// ownTokens are those that this process gets by itself: what they come from stays the same.
func (s *Settings) ownTokens(hide func(string)) (credentials, error) {
	plain, err := s.plain()
	if err != nil {
		return nil, err
	}
	get, err := s.tokenSource()
	return &tokens{hide: hide, ask: func(ctx context.Context, _ string) (*oauth2.Token, error) {
		token, err := get(context.WithValue(ctx, oauth2.HTTPClient, plain))
		if err != nil {
			return nil, tokenError(originOf(s.TokenURL), err)
		}
		return token, nil
	}}, err
}

// tokenSource returns what gets a new token.
func (s *Settings) tokenSource() (func(ctx context.Context) (*oauth2.Token, error), error) {
	if s.Auth == authClient {
		o := s.oauth("")
		c := &clientcredentials.Config{ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(), TokenURL: s.TokenURL, Scopes: o.Scopes, AuthStyle: o.Endpoint.AuthStyle}
		if s.Audience != "" {
			c.EndpointParams = url.Values{"audience": {s.Audience}}
		}
		return c.Token, nil
	}
	sign, err := s.signer()
	if err != nil {
		return nil, err
	}
	if s.TokenURL != "" {
		return func(ctx context.Context) (*oauth2.Token, error) { return s.exchange(ctx, sign) }, nil
	}
	return func(context.Context) (*oauth2.Token, error) {
		now := time.Now()
		text, err := sign(s.claims(now))
		return &oauth2.Token{AccessToken: text, TokenType: "Bearer", Expiry: now.Add(time.Duration(s.Lifetime) * time.Second)}, err
	}, nil
}

// exchange gets a token for one that is signed here (RFC 7523).
func (s *Settings) exchange(ctx context.Context, sign signer) (*oauth2.Token, error) {
	assertion, err := sign(s.claims(time.Now()))
	if err != nil {
		return nil, err
	}
	c := &clientcredentials.Config{TokenURL: s.TokenURL, Scopes: strings.Fields(s.Scope), AuthStyle: oauth2.AuthStyleInParams,
		EndpointParams: url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}}
	return c.Token(ctx)
}

// tryAgain is the parameter of an error about a token that another attempt may mend.
const tryAgain = "again"

// tokenError says why there is no token. What the server has answered may hold anything: only its code is shown.
func tokenError(place string, err error) *flows.Error {
	answered, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		refusal, refused := errors.AsType[*netguard.Refusal](err)
		if refused && !refusal.Never {
			return &flows.Error{Code: "http.token", Params: flows.Params{tryAgain: false}, Cause: err, Message: fmt.Sprintf("%s was not asked for a token: %s", place, refusal.Error()), Suggestion: "ask who runs Spark to allow it with --allow-network, such as --allow-network " + exampleNetwork(refusal)}
		}
		return &flows.Error{Code: "http.token", Params: flows.Params{tryAgain: !refused}, Cause: err, Message: fmt.Sprintf("%s gave no token: %s", place, clipped(bare(err).Error(), 200)),
			Suggestion: "check the token address of the connection, and that its server can be reached from here"}
	}
	status := answered.Response.StatusCode
	e := &flows.Error{Code: "http.token", Params: flows.Params{"status": status, tryAgain: status >= 500 || status == http.StatusTooManyRequests}, Cause: err,
		Message:    fmt.Sprintf("%s gave no token: it answered %d %s", place, status, http.StatusText(status)),
		Suggestion: "check the client, its secret and the scope in the connection"}
	if code := answered.ErrorCode; code != "" && len(code) < 100 {
		e.Message += " (" + code + ")"
		if code == "invalid_grant" {
			e.Suggestion = "the refresh token or signed token is not valid any more: give a new one in the connection. Where another program uses the same refresh token, give each its own"
		}
	}
	return e
}
