package http

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/net/http/httpguts"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/template"
)

//go:embed request
var requestFiles embed.FS

func init() {
	files, err := fs.Sub(requestFiles, "request")
	if err != nil {
		panic(err)
	}
	node.Register(&node.Type{
		ID: "http.request", Version: 1, Title: "HTTP Request", Category: node.CategoryCombine,
		Summary:  "Calls an API for each record, and adds what it answers.",
		Synonyms: []string{"HttpRequest", "Execute HTTP", "REST call", "API call", "web service", "enrich"},
		Inputs:   []node.Port{{Name: node.In, Title: "Records"}},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New: func() node.Config {
			return &Request{Call: newCall(http.MethodGet), Send: sendNothing, ResponseAs: "text", StatusField: "http_status", ResponseField: "response", OnRedirect: onReject, OnClient: onReject, OnBusy: onReject, OnServer: onReject, OnNone: onReject}
		},
		Files: files,
	})
}

// What is sent as the body.
const (
	sendNothing  = "nothing"
	sendRecord   = "record"
	sendTemplate = "template"
	sendText     = "text"
)

// What becomes of a record whose call had no success.
const (
	onReject = "reject"
	onGoOn   = "goOn"
	onFail   = "fail"
)

// Request is the config of http.request.
type Request struct {
	Call
	Send string `json:"send" title:"Body" enum:"nothing|record|template|text" help:"record: the whole record as JSON. template: JSON in which [field] stands for a value. text: any text with [field] in it."`
	Body string `json:"body,omitempty" title:"Template" widget:"multiline" secrets:"true" showIf:"send=template|text" help:"[field] stands for a value of the record, ${name} for a parameter." example:"{\"id\": [id], \"name\": \"[name]\"}"`

	StatusField   string `json:"statusField,omitempty" title:"Status field" help:"Takes the status, such as 200. Empty: there is none." example:"http_status"`
	ResponseField string `json:"responseField,omitempty" title:"Response field" help:"Takes what the server has answered. Empty: there is none." example:"response"`
	ResponseAs    string `json:"responseAs" title:"Response is" enum:"text|json" help:"json: an answer that is none refuses the record. JSON Extract takes values out of it."`
	DurationField string `json:"durationField,omitempty" title:"Duration field" advanced:"true" help:"Takes the milliseconds of the last attempt. Empty: there is none." example:"took"`
	ErrorField    string `json:"errorField,omitempty" title:"Error field" help:"Takes why there is no good answer, where the record goes on without one. Empty: there is none." example:"error"`
	Cache         bool   `json:"cache,omitempty" title:"Answer equal requests once" showIf:"method=GET|HEAD" help:"A request that was made in this run before is not made again, as long as its answer is among those of the last 64 MB."`

	OnClient   string `json:"onClient" title:"On 4xx" enum:"reject|goOn|fail" help:"reject: the node's policy for refused records decides. goOn: the record goes on, with status and error. fail: the run fails."`
	OnBusy     string `json:"onBusy" title:"On 429" enum:"reject|goOn|fail" advanced:"true" help:"After the last attempt."`
	OnServer   string `json:"onServer" title:"On 5xx" enum:"reject|goOn|fail" help:"After the last attempt."`
	OnRedirect string `json:"onRedirect" title:"On 3xx" enum:"reject|goOn|fail" advanced:"true" help:"Redirects that are not followed."`
	OnNone     string `json:"onNone" title:"Without an answer" enum:"reject|goOn|fail" help:"After the last attempt: nobody knows whether the server has done what was asked."`
}

var _ node.RecordCaller = (*Request)(nil)

// CallsForRecords says that previews may call, where somebody allows it.
func (r *Request) CallsForRecords() bool { return true }

// Repeatable says whether a run may be executed again by itself.
func (r *Request) Repeatable() bool {
	return r.KeyHeader != "" || r.Method == http.MethodGet || r.Method == http.MethodHead
}

// Plan compiles the request.
func (r *Request) Plan(c *node.Context) {
	in, ok := c.Input(node.In)
	if !ok {
		return
	}
	p, ok := r.plan(c, in)
	if !ok || !r.planBody(c, in, p) {
		return
	}
	results := r.results()
	schema := append(slices.Clone(in), results...)
	for setting, name := range map[string]string{"statusField": r.StatusField, "responseField": r.ResponseField, "durationField": r.DurationField, "errorField": r.ErrorField} {
		if _, there := in.Find(name); there {
			c.Problem(setting, "schema.duplicate_field", fmt.Sprintf("the input has a field %q already", name), "choose another name, or none")
			return
		}
	}
	if !c.Unique("responseField", schema.Names()) {
		return
	}
	c.Emit(node.Out, node.Call{Caller: &requester{node: *r, parts: p, results: results}, Args: p.args, Results: results, Parallel: int(r.Parallel)}, schema)
}

func (r *Request) planBody(c *node.Context, in flows.Schema, p *parts) bool {
	sends := r.Send != sendNothing
	if sends && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		c.Problem("send", "http.body", r.Method+" has no body", "choose POST, PUT or PATCH, or nothing as the body")
		return false
	}
	k := &compiler{c: c, in: in, p: p, ok: true}
	switch r.Send {
	case sendRecord:
		p.body = k.arg("send", "", template.Record(in))
	case sendTemplate, sendText:
		if r.Body == "" {
			c.Problem("body", "config.required", `"Template" is missing`, "write what is sent, with [field] where values go")
			return false
		}
		source, err := template.JSON(r.Body, in, template.JSONOptions{Layout: true})
		if r.Send == sendText {
			source, err = template.TextExpr(r.Body, in)
		}
		if err != nil {
			c.Problem("body", "http.template", err.Error(), "write [field] where the value of a field goes")
			return false
		}
		p.body = k.arg("body", "", source)
	}
	return k.ok
}

func (r *Request) results() (s flows.Schema) {
	response := flows.Of(flows.Text)
	if r.ResponseAs == "json" {
		response = flows.Of(flows.JSON)
	}
	for _, f := range []flows.Field{{Name: r.StatusField, Type: flows.Of(flows.Int64)}, {Name: r.ResponseField, Type: response}, {Name: r.DurationField, Type: flows.Of(flows.Int64)}, {Name: r.ErrorField, Type: flows.Of(flows.Text)}} {
		if f.Name != "" {
			s = append(s, f)
		}
	}
	return s
}

// requester makes the requests of a node.
type requester struct {
	node    Request
	parts   *parts
	results flows.Schema
}

func (r *requester) String() string { return r.node.Method + " " + r.node.URL }

// Open makes the client of a run.
func (r *requester) Open(_ context.Context, c *node.Calling) (node.Calls, error) {
	client, err := r.node.open(c.Connections)
	if err != nil {
		return nil, err
	}
	k := &calls{requester: r, client: client, calling: c, kept: map[string]flows.CallAnswer{}, keys: newKeys(c.Token.Run, c.Node, c.Temp), allowed: c.Allowed}
	if c.Answer != nil {
		for _, a := range c.Answer.Calls {
			k.kept[a.Key] = a
		}
	}
	if r.node.Cache && (r.node.Method == http.MethodGet || r.node.Method == http.MethodHead) {
		k.cache = newCache(cacheBytes)
	}
	return k, nil
}

// calls are those of one run.
type calls struct {
	*requester
	client  *client
	calling *node.Calling
	cache   *cache // nil: none
	keys    *keys

	kept    map[string]flows.CallAnswer
	allowed int          // calls that Prepare may still allow
	silent  atomic.Int64 // records of which nothing was sent
}

// Close tells what a preview has left out.
func (k *calls) Close() error {
	k.client.close()
	k.keys.close()
	if n := k.silent.Load(); n > 0 && k.calling.Warn != nil {
		k.calling.Warn(&flows.Error{Code: "call.quiet", Params: flows.Params{"records": n}, Message: fmt.Sprintf("nothing was sent for %d records, whose answers are empty here", n),
			Suggestion: "send a sample in the settings of the node: it calls for the first 5 records"})
	}
	return nil
}

// Prepare makes the request of a record, and its key.
func (k *calls) Prepare(args node.Args) any {
	values := make([]argument, len(k.parts.args))
	for i := range values {
		text, ok := args(i)
		values[i] = argument{text, !ok}
	}
	m := k.node.request(k.parts, values)
	if k.node.Send != sendNothing && m.header.Get("Content-Type") == "" {
		m.header.Set("Content-Type", map[bool]string{true: "text/plain; charset=utf-8", false: "application/json"}[k.node.Send == sendText])
	}
	if k.cache != nil || k.calling.Quiet || k.node.needsKey() && k.node.Key == "" {
		m.key = k.node.requestKey(&m.request)
	}
	if _, known := k.kept[m.key]; k.calling.Quiet && !known && k.allowed > 0 && m.null == "" && m.bad == "" {
		m.allowed = k.calling.Allowed - k.allowed + 1
		k.allowed--
	}
	k.node.setKey(&m, k.parts, values, k.keys)
	return m
}

// needsKey reports whether requests have a key for the server.
func (s *Call) needsKey() bool {
	return s.KeyHeader != "" && s.Method != http.MethodGet && s.Method != http.MethodHead
}

// setKey gives a request the key by which the server knows it.
func (s *Call) setKey(m *made, p *parts, values []argument, ks *keys) {
	if !s.needsKey() {
		return
	}
	key := ""
	if s.Key != "" {
		key, _ = p.key.write(values, nil)
	} else {
		key, m.failed = ks.next(m.key)
	}
	if !httpguts.ValidHeaderFieldValue(key) {
		m.bad = s.KeyHeader
	}
	m.header.Set(s.KeyHeader, key)
}

// requestKey is the same for requests that ask for the same.
func (s *Call) requestKey(q *request) string {
	h := sha256.New()
	put := func(parts ...string) {
		for _, p := range parts {
			_, _ = h.Write(strconv.AppendInt(nil, int64(len(p)), 10)) // a hash takes everything
			_, _ = h.Write([]byte{':'})
			_, _ = h.Write([]byte(p))
		}
	}
	put(s.Connection, q.method, q.address, q.query.Encode(), string(q.body))
	for _, name := range sortedNames(q.header) {
		put(append([]string{name}, q.header[name]...)...)
	}
	return sum(h)
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:16]) }

// Call makes the request, unless nothing may be sent.
func (k *calls) Call(ctx context.Context, prepared any) ([]any, *node.Reject, error) {
	m := prepared.(made)
	switch {
	case m.failed != nil:
		return nil, nil, m.failed
	case m.null != "":
		return nil, &node.Reject{Code: "http.null", Field: m.null, Reason: fmt.Sprintf("the field %s is null, and stands in the address", m.null)}, nil
	case m.bad != "":
		return nil, &node.Reject{Code: "http.header", Field: m.bad, Reason: fmt.Sprintf("the value of the header %s cannot be sent: it has a line end or another control character", m.bad)}, nil
	}
	if !k.calling.Quiet {
		a, err := k.answer(ctx, m)
		if err != nil {
			return nil, nil, err
		}
		return k.judge(a)
	}
	if a, ok := k.kept[m.key]; ok {
		return k.judge(a)
	}
	if m.allowed == 0 {
		k.silent.Add(1)
		return make([]any, len(k.results)), nil, nil
	}
	a, err := k.send(ctx, m)
	if err != nil {
		return nil, nil, err
	}
	a.Number, a.Body = m.allowed, k.client.clean(a.Body)
	k.calling.Made(a)
	return k.judge(a)
}

// answer sends a request, or gives what was answered to an equal one.
func (k *calls) answer(ctx context.Context, m made) (flows.CallAnswer, error) {
	if k.cache == nil {
		return k.send(ctx, m)
	}
	return k.cache.get(ctx, m.key, func() (flows.CallAnswer, error) { return k.send(ctx, m) })
}

// send makes the attempts. What a server said no to is an answer; an error ends the run.
func (k *calls) send(ctx context.Context, m made) (flows.CallAnswer, error) {
	out := flows.CallAnswer{Key: m.key}
	u, err := k.client.resolve(m.address, m.query)
	if err != nil {
		if k.node.Connection == "" || flows.AsError(err).Code == "http.elsewhere" {
			e := flows.AsError(err)
			out.Code, out.Error = e.Code, e.Message
			return out, nil
		}
		return out, err
	}
	a, err := k.client.attempts(ctx, m.request, u)
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	if err != nil {
		e := flows.AsError(err)
		if e.Code == "http.token" {
			return out, e
		}
		out.Code, out.Error = e.Code, e.Message
		return out, nil
	}
	out.Status, out.TookMS = a.status, a.took.Milliseconds()
	if k.calling.Quiet || k.node.ResponseAs == "json" { // it is shown, or may be
		out.Request = m.method + " " + k.client.redact(u)
	}
	out.Body = strings.ToValidUTF8(string(a.body), "\uFFFD")
	if a.status < 200 || a.status > 299 {
		e := flows.AsError(k.client.failed(m.request, u, a, nil, 1))
		out.Code, out.Error = e.Code, e.Message
	}
	return out, nil
}

// judge makes results of an answer, or says what becomes of the record.
func (k *calls) judge(a flows.CallAnswer) ([]any, *node.Reject, error) {
	r := &k.node
	if a.Error == "" && r.ResponseField != "" && r.ResponseAs == "json" && a.Body != "" && !validJSON(a.Body) {
		a.Code, a.Error = "http.not_json", fmt.Sprintf("%s: the answer is no JSON: %s", a.Request, clipped(a.Body, 100))
		return nil, &node.Reject{Code: a.Code, Reason: a.Error, Field: r.ResponseField}, nil
	}
	if a.Error != "" {
		what := r.OnNone
		switch {
		case a.Status == http.StatusTooManyRequests:
			what = r.OnBusy
		case a.Status >= 500:
			what = r.OnServer
		case a.Status >= 400:
			what = r.OnClient
		case a.Status > 0:
			what = r.OnRedirect
		}
		switch what {
		case onFail:
			return nil, nil, &flows.Error{Code: a.Code, Params: flows.Params{"status": a.Status}, Message: a.Error, Suggestion: "mend what the server says, or choose in the node that such records are refused or go on"}
		case onReject:
			return nil, &node.Reject{Code: a.Code, Reason: a.Error}, nil
		}
	}
	var results []any
	add := func(field string, v any) {
		if field != "" {
			results = append(results, v)
		}
	}
	var status, response, took, failure any
	if a.Status > 0 {
		status, took = int64(a.Status), a.TookMS
		if response = a.Body; r.ResponseAs == "json" && !validJSON(a.Body) {
			response = nil // of an answer that is none of 2xx, or is empty
		}
	}
	if a.Error != "" {
		failure = a.Error
	}
	add(r.StatusField, status)
	add(r.ResponseField, response)
	add(r.DurationField, took)
	add(r.ErrorField, failure)
	return results, nil, nil
}

// validJSON is strict: the engine reads it again.
func validJSON(s string) bool {
	return jsontext.Value(s).IsValid(jsontext.AllowDuplicateNames(true))
}
