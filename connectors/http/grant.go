package http

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"spark/flows"
	"spark/flows/node"
)

var _ node.GrantedSettings = (*Settings)(nil)

// GrantID is made of all that decides who gives the tokens and where they go.
func (s *Settings) GrantID() string {
	switch s.Auth {
	case authRefresh:
		return strings.Join([]string{s.Auth, s.Place(), s.TokenURL, s.ClientID, s.RefreshToken.Reveal()}, "\x00")
	case authCode:
		return strings.Join([]string{s.Auth, s.Place(), s.TokenURL, s.ClientID}, "\x00")
	}
	return ""
}

// WithoutGrant hides what only the server of tokens is told.
func (s *Settings) WithoutGrant() node.ConnectionSettings {
	c := *s
	for _, secret := range []*node.Secret{&c.RefreshToken, &c.ClientSecret} {
		if !secret.IsZero() {
			*secret = node.NewSecret(node.Hidden)
		}
	}
	return &c
}

// SignsIn reports whether somebody signs in.
func (s *Settings) SignsIn() bool { return s.Auth == authCode }

// oauth is the configuration of the exchange.
func (s *Settings) oauth(redirect string) *oauth2.Config {
	style := map[string]oauth2.AuthStyle{"header": oauth2.AuthStyleInHeader, "body": oauth2.AuthStyleInParams}[s.ClientIn]
	if s.ClientSecret.IsZero() {
		style = oauth2.AuthStyleInParams // a public client has nothing to put into a header
	}
	return &oauth2.Config{ClientID: s.ClientID, ClientSecret: s.ClientSecret.Reveal(), Scopes: strings.Fields(s.Scope), RedirectURL: redirect,
		Endpoint: oauth2.Endpoint{AuthURL: s.AuthorizeURL, TokenURL: s.TokenURL, AuthStyle: style}}
}

// Renew gets another access token by the refresh token that the server has given out last.
func (s *Settings) Renew(ctx context.Context, name string, g node.Grant) (node.Grant, error) {
	refresh := g.Refresh
	if refresh == "" {
		refresh = s.RefreshToken.Reveal()
	}
	switch {
	case s.Auth == authCode && g.SignedIn.IsZero():
		return g, signedOut(name, fmt.Sprintf("nobody has signed in to the connection %s", name), "open it on the page Connections and choose Sign in")
	case refresh == "":
		g.Lost = "no_refresh_token"
		return g, signedOut(name, fmt.Sprintf("the sign-in of the connection %s has ended, and %s gave no refresh token that would renew it", name, originOf(s.TokenURL)),
			"many servers give one only for the scope offline_access: add it in the connection and choose Sign in again")
	}
	plain, err := s.plain()
	if err != nil {
		return g, err
	}
	defer plain.CloseIdleConnections()
	token, err := s.oauth("").TokenSource(context.WithValue(ctx, oauth2.HTTPClient, plain), &oauth2.Token{RefreshToken: refresh}).Token()
	if err != nil {
		e := tokenError(originOf(s.TokenURL), err)
		if answered, ok := errors.AsType[*oauth2.RetrieveError](err); ok && answered.ErrorCode == "invalid_grant" {
			g.Lost = answered.ErrorCode
			if s.Auth == authCode {
				e = signedOut(name, fmt.Sprintf("the sign-in of the connection %s is not valid any more: %s", name, e.Message), "open it on the page Connections and choose Sign in again")
			}
		}
		return g, e
	}
	next := granted(token, s.Scope)
	next.SignedIn = g.SignedIn
	if next.Scope == "" {
		next.Scope = g.Scope
	}
	return next, nil
}

func signedOut(name, message, suggestion string) *flows.Error {
	return &flows.Error{Code: "http.signed_out", Params: flows.Params{"connection": name}, Message: message, Suggestion: suggestion}
}

// granted is what an answer of a server of tokens grants. One that does not tell the scope has granted what was asked for.
func granted(token *oauth2.Token, asked string) node.Grant {
	g := node.Grant{AccessToken: node.AccessToken{Access: token.AccessToken, Type: token.TokenType, Expiry: token.Expiry.UTC()}, Refresh: token.RefreshToken, Scope: asked}
	if token.Expiry.IsZero() {
		g.Expiry = time.Time{}
	}
	if scope, ok := token.Extra("scope").(string); ok && scope != "" {
		g.Scope = clipped(scope, 500)
	}
	return g
}

// SignInURL is where a person signs in.
func (s *Settings) SignInURL(redirect, state, challenge string) (string, error) {
	options := []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("code_challenge", challenge), oauth2.SetAuthURLParam("code_challenge_method", "S256")}
	if s.Audience != "" {
		options = append(options, oauth2.SetAuthURLParam("audience", s.Audience))
	}
	return s.oauth(redirect).AuthCodeURL(state, options...), nil
}

// SignIn exchanges a code. It is used once, whatever becomes of it.
func (s *Settings) SignIn(ctx context.Context, name, redirect, code, verifier string) (node.Grant, error) {
	plain, err := s.plain()
	if err != nil {
		return node.Grant{}, err
	}
	defer plain.CloseIdleConnections()
	token, err := s.oauth(redirect).Exchange(context.WithValue(ctx, oauth2.HTTPClient, plain), code, oauth2.VerifierOption(verifier))
	if err != nil {
		e := tokenError(originOf(s.TokenURL), err)
		if answered, ok := errors.AsType[*oauth2.RetrieveError](err); ok && answered.ErrorCode == "invalid_grant" {
			e.Suggestion = "sign in again: the code of the sign-in was too old, used already, or given for another address"
		}
		return node.Grant{}, e
	}
	g := granted(token, s.Scope)
	g.SignedIn = time.Now().UTC()
	return g, nil
}

// grantTokens are credentials that come from a grant, which the host exchanges.
func grantTokens(conn node.Connection, hide func(string)) *tokens {
	return &tokens{hide: hide, ask: func(ctx context.Context, refused string) (*oauth2.Token, error) {
		if conn.Tokens == nil {
			return nil, fmt.Errorf("http: nobody gives tokens for the connection %s", conn.Name)
		}
		t, err := conn.Tokens.Token(ctx, refused)
		return &oauth2.Token{AccessToken: t.Access, TokenType: t.Type, Expiry: t.Expiry}, err
	}}
}

// plain makes a client that calls without credentials.
func (s *Settings) plain() (*http.Client, error) {
	d, o, err := s.network()
	if err != nil {
		return nil, err
	}
	c, err := d.Client(o)
	if err != nil {
		return nil, err
	}
	c.Timeout = time.Duration(s.Timeout) * time.Second
	return c, nil
}

// checkSignIn reports what is wrong with the address at which people sign in.
func (s *Settings) checkSignIn() string {
	if s.Auth != authCode {
		return ""
	}
	if why := wrongAddress(s.AuthorizeURL); why != "" {
		return why
	}
	if u, err := url.Parse(s.AuthorizeURL); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		return "is not encrypted"
	}
	return ""
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }
