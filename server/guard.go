package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"spark/flows"
)

// nonceKey is where a request keeps the nonce of its styles.
const nonceKey = "csp-nonce"

// guard stands before the routes: it sees every request, also those that no route is for.
func (s *Server) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		nonce := newNonce()
		c.Set(nonceKey, nonce)
		setHeaders(c.Response().Header(), nonce)
		if !s.ourHost(c.Request().Host) {
			return &flows.Error{Code: "request.host", Message: "this server does not answer to the name " + strconv.Quote(short(c.Request().Host)),
				Suggestion: "open the address that spark serve printed"}
		}
		if !plainPath(c.Request().URL) {
			return notFound()
		}
		return next(c)
	}
}

func setHeaders(h http.Header, nonce string) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"+nonce+"'; img-src 'self' data: blob:; "+
		"connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
}

func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawStdEncoding.EncodeToString(b[:])
}

// ourHost refuses names that somebody else's DNS may point at this machine.
func (s *Server) ourHost(hostPort string) bool {
	host := hostPort
	if h, _, err := net.SplitHostPort(hostPort); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host) {
		return true
	}
	return host != "" && slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(strings.Trim(h, "[]"), host) })
}

// plainPath refuses paths that could be read in two ways: no route needs one.
func plainPath(u *url.URL) bool {
	return u.RawPath == "" && path.Clean(u.Path) == u.Path && !strings.ContainsAny(u.Path, ";\\%\x00\r\n")
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// checkOrigin refuses requests that another site makes a browser send. A browser that is signed in by its cookie has to
// say where a change comes from; programs with the key need not.
func (s *Server) checkOrigin(r *http.Request, to *route) error {
	origins := r.Header.Values("Origin")
	if safe(r.Method) && to.socket == nil {
		return nil
	}
	refused := &flows.Error{Code: "request.origin", Message: "the request comes from another site and was refused", Suggestion: "use the pages of this server"}
	if len(origins) == 0 {
		if s.bearer(r) {
			return nil
		}
		return refused
	}
	u, err := url.Parse(origins[0])
	if err != nil || len(origins) > 1 || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
		return refused
	}
	if err := s.crossSite.Check(r); err != nil {
		return refused
	}
	return nil
}

const (
	sessionCookie = "spark_session"
	sessionTime   = 30 * 24 * time.Hour
)

// actor is who sent the request: the owner, by the key or by a session, or nobody.
func (s *Server) actor(r *http.Request) Actor {
	if s.bearer(r) || s.session(r) {
		return Actor{ID: flows.LocalScope.Actor}
	}
	return Actor{}
}

func (s *Server) bearer(r *http.Request) bool {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && s.isKey(key)
}

// isKey compares hashes, so that neither content nor length is told by the time it takes.
func (s *Server) isKey(key string) bool {
	a, b := sha256.Sum256([]byte(key)), sha256.Sum256([]byte(s.Key))
	return hmac.Equal(a[:], b[:])
}

func (s *Server) session(r *http.Request) bool {
	for _, c := range r.CookiesNamed(sessionCookie) {
		expires, sum, ok := strings.Cut(c.Value, ".")
		at, err := strconv.ParseInt(expires, 10, 64)
		if ok && err == nil && hmac.Equal([]byte(sum), []byte(s.seal(expires))) && s.Now().Before(time.Unix(at, 0)) {
			return true
		}
	}
	return false
}

// seal signs the end of a session. Another key makes all sessions end.
func (s *Server) seal(expires string) string {
	m := hmac.New(sha256.New, []byte(s.Key))
	m.Write([]byte("spark session until " + expires))
	return hex.EncodeToString(m.Sum(nil))
}

func (s *Server) newSession() *http.Cookie {
	expires := strconv.FormatInt(s.Now().Add(sessionTime).Unix(), 10)
	return &http.Cookie{Name: sessionCookie, Value: expires + "." + s.seal(expires), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		MaxAge: int(sessionTime / time.Second)}
}

// contentTag is the entity tag of a content.
func contentTag(b []byte) string {
	sum := sha256.Sum256(b)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

func short(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return s
}
