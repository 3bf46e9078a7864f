package http

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"spark/flows"
	"spark/internal/netguard"
)

// secretName are names of query parameters whose values are not shown.
var secretName = regexp.MustCompile(`(?i)key|token|secret|sig|pass|pwd|auth|session|code|credential`)

// redact writes an address without what may be a secret.
func (c *client) redact(u *url.URL) string {
	shown := *u
	shown.User = nil
	shown.Fragment = ""
	q := shown.Query()
	for name := range q {
		if secretName.MatchString(name) {
			q[name] = []string{"***"}
		}
	}
	shown.RawQuery = strings.ReplaceAll(q.Encode(), "%2A%2A%2A", "***")
	return c.clean(shown.String())
}

// failed says why there is no answer: what was asked for, what came, what to do.
func (c *client) failed(q request, u *url.URL, a *answer, err error, attempts int) error {
	asked := q.method + " " + c.redact(u)
	if q.what != "" {
		asked += " (" + q.what + ")"
	}
	e := &flows.Error{Params: flows.Params{"request": asked, "attempts": attempts}}
	if told, ok := errors.AsType[*flows.Error](err); ok { // of a token, which is no answer to this request
		copied := *told
		copied.Message = c.clean(told.Message)
		return &copied
	}
	if err != nil {
		e.Code, e.Message, e.Suggestion = c.unreached(u, err)
	} else {
		e.Code, e.Message, e.Suggestion = c.refused(a)
		e.Params["status"] = a.status
	}
	if attempts > 1 {
		e.Message += fmt.Sprintf(", %d times", attempts)
	}
	e.Message = asked + ": " + e.Message
	return e
}

// refused describes an answer that is none of 2xx.
func (c *client) refused(a *answer) (code, message, suggestion string) {
	message = fmt.Sprintf("the server answered %d %s", a.status, http.StatusText(a.status))
	if said := c.said(a); said != "" {
		message += ": " + said
	}
	switch a.status {
	case http.StatusUnauthorized:
		return "http.unauthorized", message, "check the authentication of the connection: the credentials are missing, wrong or not valid any more"
	case http.StatusForbidden:
		return "http.forbidden", message, "ask for the right to read this, or choose other credentials or another scope"
	case http.StatusNotFound, http.StatusGone:
		return "http.not_found", message, "check the address and its parameters"
	case http.StatusConflict:
		return "http.conflict", message, "something else has changed it meanwhile; run again"
	case http.StatusTooManyRequests:
		suggestion = "set a rate limit in the connection, or run when others do not"
		if asked := a.header.Get("Retry-After"); asked != "" {
			message += fmt.Sprintf(" (Retry-After: %s)", clipped(c.clean(asked), 40))
		}
		return "http.too_many", message, suggestion
	case http.StatusMethodNotAllowed:
		return "http.method", message, "choose another method"
	}
	switch {
	case a.status >= 500:
		return "http.server", message, "the server has a problem; run again later, or tell those who run it"
	case a.status >= 300 && a.status < 400:
		return "http.redirect", message, "write the address that it redirects to"
	}
	return "http.refused", message, "check the address, the parameters and the body"
}

// said is what an answer says in words.
func (c *client) said(a *answer) string {
	text := strings.TrimSpace(string(a.body))
	if text == "" || strings.HasPrefix(text, "<") {
		return ""
	}
	return clipped(c.clean(text), 200)
}

// clipped is a text in one line, as much of it as a sentence bears.
func clipped(s string, most int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// unreached describes what kept an answer from coming.
func (c *client) unreached(u *url.URL, err error) (code, message, suggestion string) {
	refusal, refused := errors.AsType[*netguard.Refusal](err)
	redirect, redirected := errors.AsType[*netguard.RedirectError](err)
	large, tooMuch := errors.AsType[*tooLarge](err)
	unknown, isDNS := errors.AsType[*net.DNSError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	switch {
	case refused && refusal.Never:
		return "http.address", "it was not sent: " + refusal.Error() + ", which is never called", "check the address"
	case refused:
		return "http.address", "it was not sent: " + refusal.Error(), "ask who runs Spark to allow it with --allow-network, such as --allow-network " + exampleNetwork(refusal)
	case redirected:
		return "http.redirect", c.clean(redirect.Error()), "check the address"
	case tooMuch && large.bomb:
		return "http.bomb", "the compressed answer is more than a hundred times larger once it is decompressed", "check the server; nothing of it was read"
	case tooMuch:
		return "http.too_large", fmt.Sprintf("the answer is larger than %d MB", large.limit>>20), "ask for smaller pages, or raise the largest answer in the node"
	case errors.Is(err, errTimeout):
		return "http.timeout", fmt.Sprintf("there was no whole answer within %s", c.timeout), "raise the timeout of the connection, or ask for smaller pages"
	case isDNS:
		return "http.unknown_host", fmt.Sprintf("the host %q has no address", unknown.Name), "check the address"
	case certificateError(err):
		return "http.certificate", fmt.Sprintf("the certificate of %s is not trusted: %s", u.Host, clipped(c.clean(certificateReason(err)), 200)), "give its certificate authority in the connection"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "http.broken_off", "the answer broke off before its end", "run again; if it happens again, ask for smaller pages"
	case isOp && op.Op == "dial":
		return "http.unreached", fmt.Sprintf("%s does not answer", u.Host), "check host and port, and that the server runs and can be reached from here"
	}
	return "http.lost", "the connection was lost: " + clipped(c.clean(bare(err).Error()), 200), "run again; check the server and the network"
}

// bare is an error without the address that net/http puts before it, query and all.
func bare(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}

func exampleNetwork(r *netguard.Refusal) string {
	if r.Why == "this machine" {
		return "loopback"
	}
	if r.Address != "" {
		return r.Address
	}
	return r.Host
}

func certificateError(err error) bool {
	_, a := errors.AsType[*tls.CertificateVerificationError](err)
	_, b := errors.AsType[x509.UnknownAuthorityError](err)
	_, d := errors.AsType[x509.HostnameError](err)
	return a || b || d
}

func certificateReason(err error) string {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e.Err.Error()
	}
	return bare(err).Error()
}
