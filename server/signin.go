package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"

	"spark/flows"
	"spark/flows/connection"
	"spark/server/api"
	"spark/web"
)

// SignIns lets people sign in to what connections lead to.
type SignIns interface {
	BeginSignIn(ctx context.Context, scope flows.Scope, id, redirect, browser string) (string, error)
	EndSignIn(ctx context.Context, scope flows.Scope, browser string, answer connection.Answer) (flows.Connection, flows.SignIn, error)
	SignedIn(ctx context.Context, scope flows.Scope, id string) (flows.SignIn, error)
}

const callbackPath = "/api/v1/oauth/callback"

// signInCookie is what a browser is known by when it comes back from a sign-in.
const signInCookie = "spark_sign_in"

func (s *Server) signInRoutes() []route {
	return []route{
		{method: get, path: "/api/v1/oauth", action: ConnectionRead, handle: s.oauth, summary: "The address that servers of tokens send people back to", out: of[api.OAuth]()},
		{method: get, path: callbackPath, action: ConnectionEdit, page: true, handle: s.endSignIn, summary: "Comes back from a sign-in, in the browser that began it; once, within ten minutes", query: []string{"state", "code", "error"}},
		{method: get, path: "/api/v1/connections/:id/sign-in", action: ConnectionRead, handle: s.signedIn, summary: "Whether and when somebody has signed in to a connection", out: of[flows.SignIn]()},
		{method: post, path: "/api/v1/connections/:id/sign-in", action: ConnectionEdit, handle: s.beginSignIn, summary: "Begin to sign in to a saved connection: the address that the browser has to open, with the cookie of this answer", out: of[api.SignInAddress]()},
	}
}

// redirectURL is where people come back to: below the public address, or the one by which this request has come.
func (s *Server) redirectURL(c *call) string {
	if s.PublicURL != nil {
		return s.PublicURL.JoinPath(callbackPath).String()
	}
	return c.Scheme() + "://" + c.Request().Host + callbackPath
}

func (s *Server) oauth(c *call) error {
	return c.answer(http.StatusOK, api.OAuth{RedirectURL: s.redirectURL(c)})
}

func (s *Server) signedIn(c *call) error {
	in, err := s.SignIns.SignedIn(c.Request().Context(), c.scope, c.Param("id"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, in)
}

func (s *Server) beginSignIn(c *call) error {
	browser := rand.Text()
	if known, err := c.Cookie(signInCookie); err == nil && len(known.Value) == len(browser) {
		browser = known.Value // another sign-in of it may be going on
	}
	address, err := s.SignIns.BeginSignIn(c.Request().Context(), c.scope, c.Param("id"), s.redirectURL(c), browser)
	if err != nil {
		return err
	}
	// Lax: the way back is a link of another site.
	c.SetCookie(&http.Cookie{Name: signInCookie, Value: browser, Path: callbackPath, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.PublicURL != nil && s.PublicURL.Scheme == "https", MaxAge: int(connection.SignInTime.Seconds())})
	return c.answer(http.StatusOK, api.SignInAddress{URL: address})
}

func (s *Server) endSignIn(c *call) error {
	browser := ""
	if known, err := c.Cookie(signInCookie); err == nil {
		browser = known.Value
	}
	conn, in, err := s.SignIns.EndSignIn(c.Request().Context(), c.scope, browser, connection.Answer{State: c.QueryParam("state"), Code: c.QueryParam("code"), Error: c.QueryParam("error")})
	if err != nil {
		return err
	}
	m := web.Message{Frame: s.frame(c, "Signed in", "connections"), Heading: "Signed in", Text: fmt.Sprintf("Flows can use the connection %s now.", conn.Name), Suggestion: "You can close this window."}
	if !in.Renews {
		m.Suggestion = "The server gave no refresh token, so this sign-in ends with its access token. Many servers give one only for the scope offline_access: add it in the connection and sign in again."
		if in.Until != nil {
			m.Text += " The sign-in ends at " + in.Until.UTC().Format("2006-01-02 15:04") + " UTC."
		}
	}
	return show(c, http.StatusOK, web.MessagePage(m))
}
