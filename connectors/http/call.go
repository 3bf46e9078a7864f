package http

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/time/rate"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/template"
)

// Call are the settings of one request that is made of a record; in texts [field] stands for a value.
type Call struct {
	Connection string      `json:"connection,omitempty" title:"Connection" widget:"connection" system:"http" help:"To an HTTP API, with its base URL and authentication. Empty: the address is a whole one, and is called without credentials." example:"shop"`
	Method     string      `json:"method" title:"Method" enum:"GET|POST|PUT|PATCH|DELETE|HEAD"`
	URL        string      `json:"url,omitempty" title:"Address" help:"Below the base URL of the connection, or whole without one. [field] stands for a value of the record, ${name} for a parameter." example:"/products/[id]"`
	Query      []Parameter `json:"query,omitempty" title:"Query parameters" help:"Sent behind the address. One whose only value is a field that is null is left out."`
	Headers    []Parameter `json:"headers,omitempty" title:"Headers" help:"Sent beside those of the connection." advanced:"true"`
	KeyHeader  string      `json:"keyHeader,omitempty" title:"Header of the key" advanced:"true" help:"Takes a key by which the server knows a request that it has had. Not sent with GET and HEAD. Empty: no key is sent."`
	Key        string      `json:"key,omitempty" title:"Key" advanced:"true" help:"A text with [field]. Empty: one that is made of the run, the node and what is sent, the same for every attempt." example:"order-[id]"`
	Attempts   int64       `json:"attempts" title:"Attempts" minimum:"1" advanced:"true" help:"Of a request that gets 408, 425, 429, 500, 502, 503 or 504, or no answer; with growing pauses, or those that Retry-After asks for."`
	Timeout    int64       `json:"timeout,omitempty" title:"Timeout" minimum:"0" advanced:"true" help:"Seconds that one attempt may take, with its answer. Empty: as the connection says."`
	Rate       float64     `json:"rate,omitempty" title:"Requests per second" advanced:"true" help:"Of this node, at most; the limit of the connection holds as well, for all of its nodes together."`
	Parallel   int64       `json:"parallel" title:"Requests at once" minimum:"1" help:"With 1 the server gets them one after the other, in the order of the records."`
	MaxAnswer  int64       `json:"maxAnswer" title:"Largest answer" minimum:"1" advanced:"true" help:"MB, decompressed."`
}

func newCall(method string) Call {
	return Call{Method: method, KeyHeader: "Idempotency-Key", Attempts: 5, Parallel: 4, MaxAnswer: 1}
}

const mostCalls = 64

// text is a text with arguments of the record in it.
type text []textPart

type textPart struct {
	plain string
	arg   int // -1: plain
}

// write puts a text together. null: a value in it is null; where it is the only one of the text, nothing is there.
func (t text) write(args []argument, as func(string) string) (s string, null bool) {
	if len(t) == 1 && t[0].arg < 0 {
		return t[0].plain, false
	}
	var b strings.Builder
	for _, p := range t {
		switch {
		case p.arg < 0:
			b.WriteString(p.plain)
		case args[p.arg].null:
			null = true
		case as != nil:
			b.WriteString(as(args[p.arg].text))
		default:
			b.WriteString(args[p.arg].text)
		}
	}
	return b.String(), null
}

// argument is a value of a record as text.
type argument struct {
	text string
	null bool
}

// parts are the texts of a call, and the arguments that they need.
type parts struct {
	args           []node.Column
	names          []string // of args: the field
	url, key       text
	query, headers []namedText
	body           int // argument, -1: there is none
}

type namedText struct {
	name string
	text text
}

// compiler of the texts of one node.
type compiler struct {
	c  *node.Context
	in flows.Schema
	p  *parts
	ok bool
}

func (k *compiler) arg(field, name, source string) int {
	if i := slices.Index(k.p.names, name); i >= 0 {
		return i
	}
	e := k.c.Expr(field, source, k.in)
	if e == nil {
		k.ok = false
		return 0
	}
	k.p.names, k.p.args = append(k.p.names, name), append(k.p.args, node.Column{Name: name, Expr: e})
	return len(k.p.args) - 1
}

func (k *compiler) text(field, s string) (t text) {
	pieces, err := template.Text(s, k.in)
	if err != nil {
		k.ok = false
		k.c.Problem(field, "http.template", err.Error(), "write [field] where the value of a field goes")
		return nil
	}
	for _, p := range pieces {
		if p.Field == "" {
			t = append(t, textPart{plain: p.Plain, arg: -1})
			continue
		}
		f, _ := k.in.Find(p.Field)
		t = append(t, textPart{arg: k.arg(field, p.Field, template.TextOf(f))})
	}
	if len(t) == 0 {
		t = text{{arg: -1}}
	}
	return t
}

// plan compiles the texts; false after reporting what is wrong.
func (s *Call) plan(c *node.Context, in flows.Schema) (*parts, bool) {
	k := &compiler{c: c, in: in, p: &parts{body: -1}, ok: true}
	if s.URL == "" && s.Connection == "" {
		c.Problem("url", "config.required", `"Address" is missing`, "write one such as https://api.example.com/products/[id], or choose a connection and write /products/[id]")
		return nil, false
	}
	k.p.url = k.text("url", s.URL)
	if len(k.p.url) == 1 && k.p.url[0].arg < 0 && s.Connection == "" {
		if why := wrongAddress(s.URL); why != "" {
			c.Problem("url", "http.url", "the address "+why, "write one such as https://api.example.com/products, or choose a connection")
			return nil, false
		}
	}
	for i, p := range s.Query {
		k.p.query = append(k.p.query, namedText{p.Name, k.text(fmt.Sprintf("query[%d].value", i), p.Value)})
	}
	for i, h := range s.Headers {
		at := fmt.Sprintf("headers[%d].", i)
		if !httpguts.ValidHeaderFieldName(h.Name) || !httpguts.ValidHeaderFieldValue(h.Value) || strings.EqualFold(h.Name, "Host") || strings.EqualFold(h.Name, "Content-Length") {
			k.ok = false
			c.Problem(at+"name", "http.header", fmt.Sprintf("%q is no header that can be sent, or its value has a line end", h.Name), "correct its name and value")
		}
		k.p.headers = append(k.p.headers, namedText{h.Name, k.text(at+"value", h.Value)})
	}
	if s.KeyHeader != "" && !httpguts.ValidHeaderFieldName(s.KeyHeader) {
		k.ok = false
		c.Problem("keyHeader", "http.header", fmt.Sprintf("%q is no name of a header", s.KeyHeader), "write one such as Idempotency-Key")
	}
	if s.Key != "" {
		k.p.key = k.text("key", s.Key)
	}
	for field, limit := range map[string][2]int64{"parallel": {s.Parallel, mostCalls}, "attempts": {s.Attempts, mostAttempts}, "maxAnswer": {s.MaxAnswer, largestAnswer}, "timeout": {s.Timeout, maxTimeout}} {
		if limit[0] > limit[1] {
			k.ok = false
			c.Problem(field, "http.limit", fmt.Sprintf("%d is too many", limit[0]), fmt.Sprintf("choose up to %d", limit[1]))
		}
	}
	if s.Rate < 0 {
		k.ok = false
		c.Problem("rate", "http.limit", "requests per second are below 0", "write a number such as 10, or nothing")
	}
	return k.p, k.ok
}

// open makes the client of the calls.
func (s *Call) open(connections node.Connections) (*client, error) {
	c, err := (&Input{Connection: s.Connection}).open(connections)
	if err != nil {
		return nil, err
	}
	if s.Timeout > 0 {
		c.timeout = time.Duration(s.Timeout) * time.Second
	}
	if s.Rate > 0 {
		c.limits = append([]*rate.Limiter{limit(s.Rate)}, c.limits...)
	}
	return c, nil
}

// made is a request that is made of a record.
type made struct {
	request
	key     string // by which equal ones are known
	null    string // field whose value is missing
	bad     string // what cannot be sent
	failed  error  // why it has no key
	allowed int    // number among those that are sent although nothing is; 0: it is not
}

// request makes the request of a record.
func (s *Call) request(p *parts, args []argument) made {
	var null bool
	m := made{request: request{method: s.Method, header: make(http.Header, len(p.headers)+2), limit: s.MaxAnswer << 20, attempts: int(s.Attempts), last: true}}
	if m.address, null = p.url.write(args, url.PathEscape); null {
		for _, t := range p.url {
			if t.arg >= 0 && args[t.arg].null {
				m.null = p.names[t.arg]
			}
		}
	}
	if len(p.url) > 0 && p.url[0].arg >= 0 && s.Connection == "" { // a whole address is a value
		m.address, _ = p.url.write(args, nil)
	}
	if len(p.query) > 0 {
		m.query = make(url.Values, len(p.query))
	}
	for _, q := range p.query {
		if v, null := q.text.write(args, nil); !null || len(q.text) > 1 {
			m.query[q.name] = append(m.query[q.name], v)
		}
	}
	for _, h := range p.headers {
		v, null := h.text.write(args, nil)
		if null && len(h.text) == 1 {
			continue
		}
		if !httpguts.ValidHeaderFieldValue(v) {
			m.bad = h.name
		}
		m.header.Set(h.name, v)
	}
	if p.body >= 0 && !args[p.body].null {
		m.body = []byte(args[p.body].text)
	}
	return m
}
