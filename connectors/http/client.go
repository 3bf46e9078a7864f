package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/time/rate"

	"spark/flows"
	"spark/internal/netguard"
)

// client calls one API: in its rate, again where that may help, and with everything hidden in what it says.
type client struct {
	name    string   // of the connection; "": there is none
	base    *url.URL // nil: addresses are whole
	http    *http.Client
	timeout time.Duration
	limits  []*rate.Limiter // all of them hold: the node's own, and that of the connection, which its nodes share
	sleep   func(ctx context.Context, d time.Duration) error

	mu      sync.Mutex
	secrets []string
}

func newClient(name string, base *url.URL, timeout time.Duration) *client {
	return &client{name: name, base: base, timeout: timeout, sleep: sleep}
}

// anonymous makes a client without a connection.
func anonymous() (*client, error) {
	c := newClient("", nil, time.Minute)
	var err error
	c.http, err = (&netguard.Dialer{Policy: netguard.Current()}).Client(netguard.ClientOptions{})
	return c, err
}

// limit is a rate of requests a second.
func limit(perSecond float64) *rate.Limiter { return rate.NewLimiter(rate.Limit(perSecond), 1) }

// turn waits until a request may be sent. A node waits for itself first, so that it does not hold what others could use.
func (c *client) turn(ctx context.Context) error {
	for _, l := range c.limits {
		if err := l.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) close() { c.http.CloseIdleConnections() }

// hide notes a text that must not be shown.
func (c *client) hide(secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secrets = append(c.secrets, secret)
}

// clean hides the secrets in a text.
func (c *client) clean(text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return flows.NewScrubber(c.secrets).Text(text)
}

// request is one call of an API.
type request struct {
	method   string
	address  string // below the base URL, or whole where there is none
	query    url.Values
	header   http.Header
	body     []byte
	limit    int64 // bytes of the answer
	attempts int   // at most; 1: none is repeated
	any      bool  // every status is an answer
	last     bool  // that of the last attempt is
	what     string
}

// answer is what came back.
type answer struct {
	request string // redacted
	url     *url.URL
	status  int
	header  http.Header
	body    []byte
	took    time.Duration
}

// do calls, and calls again where the server was busy or gone, until there is an answer or an error that says why not.
func (c *client) do(ctx context.Context, q request) (*answer, error) {
	u, err := c.resolve(q.address, q.query)
	if err != nil {
		return nil, err
	}
	return c.attempts(ctx, q, u)
}

// attempts is do of a request whose address is known.
func (c *client) attempts(ctx context.Context, q request, u *url.URL) (*answer, error) {
	for attempt := 1; ; attempt++ {
		if err := c.turn(ctx); err != nil {
			return nil, err
		}
		a, err := c.once(ctx, q, u)
		if err == nil && (q.any || a.status >= 200 && a.status < 300) {
			return a, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		wait, again := c.again(attempt, a, err)
		if attempt >= q.attempts || !again {
			if q.last && err == nil {
				return a, nil
			}
			return nil, c.failed(q, u, a, err, attempt)
		}
		if err := c.sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// resolve makes the whole address of a request.
func (c *client) resolve(address string, query url.Values) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, &flows.Error{Code: "http.url", Path: flows.Path{Field: "url"}, Message: "that is no address", Suggestion: "write a path such as /products"}
	case c.base == nil && (u.Scheme == "" || u.Host == ""):
		return nil, &flows.Error{Code: "http.url", Path: flows.Path{Field: "url"}, Message: "without a connection the address has to be a whole one", Suggestion: "write https://api.example.com/products, or choose a connection"}
	case c.base == nil:
	case u.Host == "":
		full := *c.base
		full.RawQuery = joinQuery(c.base.RawQuery, u.RawQuery)
		if address != "" && (u.Path != "" || u.RawPath != "") {
			full = *c.base.JoinPath(u.EscapedPath())
			full.RawQuery = joinQuery(c.base.RawQuery, u.RawQuery)
		}
		u = &full
	case netguard.Origin(u) != netguard.Origin(c.base):
		return nil, c.elsewhere(u)
	}
	if u.Path != "" && u.Path[0] != '/' { // JoinPath leaves it out below a bare host
		u.Path = "/" + u.Path
		if u.RawPath != "" {
			u.RawPath = "/" + u.RawPath
		}
	}
	if len(query) > 0 {
		v := u.Query()
		for name, values := range query {
			v[name] = values
		}
		u.RawQuery = v.Encode()
	}
	return u, nil
}

func joinQuery(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "&" + b
}

func (c *client) elsewhere(u *url.URL) error {
	return &flows.Error{Code: "http.elsewhere", Params: flows.Params{"origin": netguard.Origin(u)}, Path: flows.Path{Field: "url"},
		Message:    fmt.Sprintf("%s is another server than the one that the connection %s leads to, and its credentials are not sent there", netguard.Origin(u), c.name),
		Suggestion: "write a path below the base URL, or make a connection to that server"}
}

// once makes one attempt.
func (c *client) once(ctx context.Context, q request, u *url.URL) (*answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errTimeout)
	defer cancel()
	began := time.Now()
	res, err := c.http.Do(q.attempt(u).WithContext(ctx))
	if err != nil {
		return nil, timely(ctx, err)
	}
	defer res.Body.Close()
	a := &answer{url: res.Request.URL, status: res.StatusCode, header: res.Header}
	if !q.last { // of many calls only what is shown is worth it
		a.request = q.method + " " + c.redact(u)
	}
	limit := q.limit
	if a.status < 200 || a.status > 299 {
		limit = min(limit, 64<<10) // what the server says of it
	}
	a.body, err = readBody(res, limit)
	a.took = time.Since(began)
	if large, ok := errors.AsType[*tooLarge](err); ok && a.status > 299 && large != nil {
		err = nil
	}
	return a, timely(ctx, err)
}

// attempt is the request as it is sent.
func (q request) attempt(u *url.URL) *http.Request {
	header := make(http.Header, len(q.header)+2)
	header["User-Agent"] = spark
	maps.Copy(header, q.header)
	header["Accept-Encoding"] = gzipped
	r := &http.Request{Method: q.method, URL: u, Host: strings.TrimSuffix(u.Host, ":"), Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	if len(q.body) == 0 {
		return r
	}
	r.ContentLength = int64(len(q.body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(q.body)), nil }
	r.Body, _ = r.GetBody()
	return r
}

var spark, gzipped = []string{"Spark"}, []string{"gzip"}

var errTimeout = errors.New("no answer in time")

// timely puts the cause of the time that has run out in the place of what the network says then.
func timely(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// tooLarge is the error of an answer that is larger than it may be.
type tooLarge struct {
	limit int64
	bomb  bool // it is so only once it is decompressed
}

func (e *tooLarge) Error() string { return fmt.Sprintf("more than %d bytes", e.limit) }

// bombRatio is how much larger than its compressed form an answer may be, beyond the first bytes.
const (
	bombRatio = 100
	bombFree  = 4 << 20
)

// readBody reads an answer of at most limit bytes, decompressed.
func readBody(res *http.Response, limit int64) ([]byte, error) {
	packed := &counting{r: res.Body}
	var in io.Reader = packed
	zipped := strings.EqualFold(strings.TrimSpace(res.Header.Get("Content-Encoding")), "gzip")
	if zipped {
		z, err := gzip.NewReader(packed)
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the compressed answer cannot be read: %w", err)
		}
		in = z
	}
	if n := res.ContentLength; n > 0 && n <= limit && !zipped && res.Body != http.NoBody {
		b := make([]byte, n)
		got, err := io.ReadFull(in, b)
		return b[:got], err
	}
	var b bytes.Buffer
	for {
		_, err := io.CopyN(&b, in, 1<<20)
		switch {
		case int64(b.Len()) > limit:
			return b.Bytes()[:limit], &tooLarge{limit: limit}
		case zipped && b.Len() > bombFree && int64(b.Len()) > bombRatio*packed.n:
			return nil, &tooLarge{limit: limit, bomb: true}
		case errors.Is(err, io.EOF):
			return b.Bytes(), nil
		case err != nil:
			return b.Bytes(), err
		}
	}
}

type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// How long to wait between attempts.
const (
	firstWait = 500 * time.Millisecond
	longWait  = 30 * time.Second
	// askedWait is the longest time that a server may ask to wait.
	askedWait = 5 * time.Minute
)

// again says whether another attempt may help, and when.
func (c *client) again(attempt int, a *answer, err error) (time.Duration, bool) {
	wait := min(longWait, firstWait<<min(attempt-1, 10))
	wait = wait/2 + rand.N(wait/2+1)
	if err != nil {
		_, refused := errors.AsType[*netguard.Refusal](err)
		_, redirected := errors.AsType[*netguard.RedirectError](err)
		_, large := errors.AsType[*tooLarge](err)
		if told, ok := errors.AsType[*flows.Error](err); ok {
			return wait, told.Params[tryAgain] == true
		}
		return wait, !refused && !redirected && !large && !certificateError(err)
	}
	switch a.status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return 0, false
	}
	if asked, ok := retryAfter(a.header.Get("Retry-After"), time.Now()); ok {
		return max(asked, wait/4), asked <= askedWait
	}
	return wait, true
}

// retryAfter reads the header of that name: seconds, or a time.
func retryAfter(text string, now time.Time) (time.Duration, bool) {
	if text == "" {
		return 0, false
	}
	if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil && n >= 0 {
		return time.Duration(min(n, 1<<30)) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
