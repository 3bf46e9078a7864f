package connection

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"spark/flows"
	"spark/flows/node"
)

// SignInStore keeps sign-ins that have begun.
type SignInStore interface {
	// BeginSignIn keeps one.
	BeginSignIn(ctx context.Context, scope flows.Scope, a flows.SignInAttempt) error
	// TakeSignIn returns one that has not expired, and forgets it: it is taken once. answer is told to the audit.
	TakeSignIn(ctx context.Context, scope flows.Scope, state, browser, answer string) (a flows.SignInAttempt, found bool, err error)
}

// SignInTime is how long somebody may take to sign in.
const SignInTime = 10 * time.Minute

// Answer is what a browser comes back with from a sign-in (RFC 6749, 4.1.2).
type Answer struct {
	State, Code, Error string
}

// attempt is what stays here until somebody has signed in.
type attempt struct {
	Verifier string `json:"verifier"`
	Redirect string `json:"redirect"`
}

// BeginSignIn returns the address at which somebody signs in to a connection, for a browser that comes back to redirect with the
// same name: a secret that it alone has.
func (s *Service) BeginSignIn(ctx context.Context, scope flows.Scope, id, redirect, browser string) (string, error) {
	c, loaded, err := s.signing(ctx, scope, id)
	if err != nil {
		return "", err
	}
	state, verifier := rand.Text()+rand.Text(), rand.Text()+rand.Text()
	plain, err := json.Marshal(attempt{Verifier: verifier, Redirect: redirect})
	if err != nil {
		return "", fmt.Errorf("sign-in: %w", err)
	}
	a := flows.SignInAttempt{State: digest(state), Connection: c.ID, Browser: digest(browser), Grant: grantKey(scope, id, loaded), Expires: s.Grants.now().Add(SignInTime)}
	if a.Sealed, err = s.Sealer.Seal(plain, []byte("sign-in "+a.State)); err != nil {
		return "", err
	}
	if err := s.SignIns.BeginSignIn(ctx, scope, a); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(verifier))
	return loaded.SignInURL(redirect, state, base64.RawURLEncoding.EncodeToString(sum[:]))
}

// signing loads a connection that somebody signs in to.
func (s *Service) signing(ctx context.Context, scope flows.Scope, id string) (flows.Connection, node.GrantedSettings, error) {
	c, sealed, err := s.Store.Get(ctx, scope, id)
	if err != nil {
		return c, nil, err
	}
	secrets, err := s.open(c, sealed)
	if err != nil {
		return c, nil, err
	}
	loaded, err := load(Input{Name: c.Name, Type: c.Type, Settings: c.Settings}, secrets)
	if err != nil {
		return c, nil, err
	}
	settings, ok := loaded.Settings.(node.GrantedSettings)
	if !ok || !settings.SignsIn() || s.Grants == nil {
		return c, nil, &flows.Error{Code: "sign_in.none", Params: flows.Params{"connection": c.Name}, Message: fmt.Sprintf("nobody has to sign in to the connection %s", c.Name), Suggestion: "choose the authentication code in it, and save it"}
	}
	return c, settings, nil
}

// errorCode is what servers may call an error (RFC 6749, 4.1.2.1), and short.
var errorCode = regexp.MustCompile(`^[a-z_]{1,60}$`)

// EndSignIn takes what the browser has come back with, and keeps the tokens that it gives. What came of it is told also where the
// server gave less than was hoped for.
func (s *Service) EndSignIn(ctx context.Context, scope flows.Scope, browser string, answer Answer) (c flows.Connection, done flows.SignIn, err error) {
	told := "code"
	if answer.Error != "" || answer.Code == "" {
		if told = answer.Error; !errorCode.MatchString(told) {
			told = "an error without a name"
		}
	}
	a, found, err := s.SignIns.TakeSignIn(ctx, scope, digest(answer.State), digest(browser), told)
	if err != nil {
		return c, done, err
	}
	if !found {
		return c, done, &flows.Error{Code: "sign_in.state", Message: "this sign-in is not known here: it is over, it began more than ten minutes ago, or in another browser or under another address of Spark",
			Suggestion: "choose Sign in in the connection again"}
	}
	c, settings, err := s.signing(ctx, scope, a.Connection)
	switch {
	case err != nil:
		return c, done, err
	case told == "access_denied":
		return c, done, &flows.Error{Code: "sign_in.denied", Params: flows.Params{"connection": c.Name}, Message: fmt.Sprintf("the sign-in to the connection %s was refused by who should sign in, or by the server (access_denied)", c.Name), Suggestion: "choose Sign in again, and allow it"}
	case told != "code":
		return c, done, &flows.Error{Code: "sign_in.failed", Params: flows.Params{"connection": c.Name, "error": told}, Message: fmt.Sprintf("the server has answered the sign-in to the connection %s with %s", c.Name, told), Suggestion: "check client ID, scope and the redirect address in the connection, then sign in again"}
	case grantKey(scope, c.ID, settings) != a.Grant:
		return c, done, &flows.Error{Code: "sign_in.changed", Params: flows.Params{"connection": c.Name}, Message: fmt.Sprintf("the connection %s has been changed meanwhile, and leads somewhere else", c.Name), Suggestion: "choose Sign in again"}
	}
	var kept attempt
	plain, err := s.Sealer.Open(a.Sealed, []byte("sign-in "+a.State))
	if err == nil {
		err = json.Unmarshal(plain, &kept)
	}
	if err != nil {
		return c, done, fmt.Errorf("sign-in: %w", errUnsealed)
	}
	// A browser that goes away must not lose what the server answers.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTime)
	defer cancel()
	err = s.Grants.alone(ctx, scope, a.Grant, func(ctx context.Context, _ node.Grant) (*node.Grant, error) {
		g, err := settings.SignIn(ctx, c.Name, kept.Redirect, answer.Code, kept.Verifier)
		if err != nil {
			return nil, silent(err, settings, answer.Code, kept.Verifier)
		}
		done = signedIn(g)
		return &g, nil
	})
	return c, done, err
}

// SignedIn tells whether and when somebody has signed in to a connection.
func (s *Service) SignedIn(ctx context.Context, scope flows.Scope, id string) (flows.SignIn, error) {
	_, settings, err := s.signing(ctx, scope, id)
	if err != nil {
		return flows.SignIn{}, err
	}
	key := grantKey(scope, id, settings)
	sealed, err := s.Grants.Store.Grant(ctx, scope, key)
	if err != nil {
		return flows.SignIn{}, err
	}
	kept, err := s.Grants.open(key, sealed)
	return signedIn(kept), err
}

func signedIn(g node.Grant) flows.SignIn {
	in := flows.SignIn{Scope: g.Scope, Renews: g.Refresh != "", Lost: g.Lost}
	if !g.SignedIn.IsZero() {
		in.At = &g.SignedIn
	}
	if !in.Renews && !g.Expiry.IsZero() {
		in.Until = &g.Expiry
	}
	return in
}

// digest is what is kept of a secret that only has to be known again.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
