package openapi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"spark/flows"
)

// Wish is what is asked of an operation.
type Wish struct {
	Method, Path string
	// Records: the node reads pages of records. Else it calls for each record, and Fields are those of its input.
	Records bool
	Fields  []string
	Base    string // URL of the connection; "": there is none
	From    string // address of the document, "" where it is not known
}

// filling makes settings of an operation.
type filling struct {
	*Document
	wish     Wish
	settings map[string]any
	out      flows.ChosenOperation
	work     int // values looked at: a document may lead round in circles, or fan out
}

// parameter is a parameter of an operation.
type parameter struct {
	name, in string
	required bool
	spec     *value
	schema   *value
}

type nameValue struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

// readMethods are what a node that reads records sends.
var readMethods = []string{"GET", "POST", "PUT"}

// Choose makes the settings of a node.
func (d *Document) Choose(w Wish) (*flows.ChosenOperation, error) {
	item := d.deref(d.deref(d.root.get("paths")).get(w.Path))
	op := d.deref(item.get(strings.ToLower(w.Method)))
	if op == nil {
		return nil, &flows.Error{Code: "openapi.operation", Message: fmt.Sprintf("the document has no operation %s %s", w.Method, w.Path), Suggestion: "choose one of the list"}
	}
	if w.Records && !slices.Contains(readMethods, w.Method) {
		return nil, &flows.Error{Code: "openapi.method", Message: "a node that reads records does not send " + w.Method, Suggestion: "choose an operation with GET, POST or PUT, or take HTTP Request"}
	}
	f := &filling{Document: d, wish: w, settings: map[string]any{"method": w.Method}, out: flows.ChosenOperation{Parameters: []flows.ProposedParameter{}, Notes: []string{}}}
	names := []string{"url", "query", "headers", "body"}
	if w.Records {
		names = append(names, "recordPath", "fields", "paging", "pageParameter", "firstPage", "offsetParameter", "sizeParameter", "pageSize", "cursorParameter", "cursorIn", "cursorPath", "nextPath", "totalPath", "morePath")
	} else {
		names = append(names, "send", "responseAs")
	}
	for _, n := range names {
		f.settings[n] = nil
	}
	params := f.parameters(item, op)
	answer, link := f.answer(op)
	if w.Records {
		params = f.paging(params, answer, link)
	}
	f.address(d.server(item, op), params)
	f.queryAndHeaders(params)
	f.body(op, params)
	f.result(answer)
	f.security(op)
	var err error
	f.out.Settings, err = json.Marshal(f.settings)
	return &f.out, err
}

func (f *filling) note(format string, args ...any) {
	f.out.Notes = append(f.out.Notes, fmt.Sprintf(format, args...))
}

// parameters of an operation and of its path; those of the operation come first.
func (f *filling) parameters(item, op *value) (list []parameter) {
	for _, of := range []*value{op, item} {
		for _, raw := range of.get("parameters").list() {
			spec := f.deref(raw)
			p := parameter{name: spec.get("name").str(), in: spec.get("in").str(), required: spec.get("required").yes(), spec: spec, schema: f.deref(spec.get("schema"))}
			if p.schema == nil {
				p.schema = spec // Swagger 2 writes type and default beside the name
				if media := f.media(spec.get("content")); media != nil {
					p.schema = f.deref(media.get("schema"))
				}
			}
			switch known := slices.ContainsFunc(list, func(o parameter) bool { return o.name == p.name && o.in == p.in }); {
			case spec == nil:
				f.note("A parameter stands in another document, or nowhere, and was left out.")
			case !known && (p.name != "" || p.in == "body"):
				list = append(list, p)
			}
		}
	}
	return list
}

// example is a value for a parameter, "" where the document names none. It is no secret: it stands in a document.
func (f *filling) example(p parameter) string {
	candidates := []*value{p.schema.get("default"), p.spec.get("default"), p.spec.get("example"), p.spec.get("x-example")}
	if examples := f.deref(p.spec.get("examples")); examples != nil && len(examples.names) > 0 {
		candidates = append(candidates, f.deref(examples.get(examples.names[0])).get("value"))
	}
	candidates = append(candidates, p.schema.get("example"), p.schema.get("const"))
	for _, list := range []*value{p.schema.get("examples"), p.schema.get("enum")} {
		if items := list.list(); len(items) > 0 {
			candidates = append(candidates, items[0])
		}
	}
	for _, c := range candidates {
		switch c = f.deref(c); {
		case c == nil:
		case c.kind == '[':
			var texts []string
			for _, item := range c.items {
				texts = append(texts, item.str())
			}
			if s := strings.Join(texts, ","); s != "" {
				return s
			}
		case c.str() != "":
			return c.str()
		}
	}
	return ""
}

// defaulted is what is sent where nobody says otherwise.
func (f *filling) defaulted(p parameter) string {
	for _, of := range []*value{p.schema, p.spec} {
		if v := of.get("default"); v.str() != "" {
			return v.str()
		}
	}
	return ""
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// reference stands for a value that is not known: a parameter of the flow, or a field of the record.
func (f *filling) reference(p parameter) string {
	if !f.wish.Records {
		return "[" + f.fieldFor(p.name) + "]"
	}
	name := strings.Trim(notInName.ReplaceAllString(p.name, "_"), "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "p_" + name
	}
	name = name[:min(len(name), 64)]
	if !slices.ContainsFunc(f.out.Parameters, func(o flows.ProposedParameter) bool { return o.Name == name }) {
		f.out.Parameters = append(f.out.Parameters, flows.ProposedParameter{Name: name, Default: f.example(p), Help: clipped(p.spec.get("description").str())})
	}
	return "${" + name + "}"
}

// fieldFor is the field of the input that a name means, or the name where there is none: the node says so.
func (f *filling) fieldFor(name string) string {
	bare := func(s string) string {
		return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
	}
	for _, field := range f.wish.Fields {
		if bare(field) == bare(name) {
			return field
		}
	}
	return strings.NewReplacer("[", "", "]", "").Replace(name)
}

// plain is a text as the node writes it, without a reference in it.
func (f *filling) plain(s string) string {
	s = strings.ReplaceAll(s, "${", "$${")
	if !f.wish.Records {
		s = strings.ReplaceAll(s, "[", "[[")
	}
	return s
}

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// address writes the path below the base URL of the connection, or as a whole one.
func (f *filling) address(server string, params []parameter) {
	written := func(path string) string {
		var b strings.Builder
		from := 0
		for _, at := range placeholder.FindAllStringSubmatchIndex(path, -1) {
			name := path[at[2]:at[3]]
			p := parameter{name: name, in: "path"}
			if i := slices.IndexFunc(params, func(o parameter) bool { return o.name == name && o.in == "path" }); i >= 0 {
				p = params[i]
			}
			b.WriteString(f.plain(path[from:at[0]]))
			b.WriteString(f.reference(p))
			from = at[1]
		}
		return b.String() + f.plain(path[from:])
	}
	if f.wish.From != "" {
		if from, err := url.Parse(f.wish.From); err == nil && from.Host != "" {
			if u, err := from.Parse(server); err == nil { // OpenAPI: relative to where the document is
				server = u.String()
			}
		}
	}
	server = strings.TrimSuffix(server, "/")
	u, err := url.Parse(server)
	switch {
	case f.wish.Base != "":
		base, baseErr := url.Parse(f.wish.Base)
		prefix := ""
		if err == nil && baseErr == nil {
			if u.Host != "" && !strings.EqualFold(u.Host, base.Host) {
				f.note("The document is about %s, and the connection leads to %s.", u.Host, base.Host)
			}
			prefix = below(strings.TrimSuffix(base.Path, "/"), strings.TrimSuffix(u.Path, "/"))
		}
		f.settings["url"] = prefix + written(f.wish.Path)
	case err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil:
		f.settings["url"] = server + written(f.wish.Path)
	default:
		f.settings["url"] = written(f.wish.Path)
		f.note("The document does not say on which server the API is: choose a connection, or write the whole address.")
	}
}

// below is what of the server's path comes behind that of the base.
func below(base, server string) string {
	if rest, ok := strings.CutPrefix(server, base); ok && (rest == "" || rest[0] == '/') {
		return rest
	}
	if strings.HasSuffix(base, server) {
		return ""
	}
	return server
}

var credential = regexp.MustCompile(`(?i)^(authorization|cookie|proxy-authorization|.*(api[-_]?key|access[-_]?token|auth[-_]?token|secret|signature|password).*)$`)

// ownHeaders are set by the node itself.
var ownHeaders = regexp.MustCompile(`(?i)^(accept|content-type|content-length|host|idempotency-key)$`)

// queryAndHeaders takes what is required or has a default.
func (f *filling) queryAndHeaders(params []parameter) {
	var query, headers []nameValue
	optional := []string{}
	for _, p := range params {
		if p.in != "query" && p.in != "header" || p.in == "header" && ownHeaders.MatchString(p.name) {
			continue
		}
		if credential.MatchString(p.name) {
			f.note("%s holds a credential: it belongs into the connection.", p.name)
			continue
		}
		v := f.plain(f.defaulted(p))
		if v == "" && !p.required {
			optional = append(optional, p.name)
			continue
		}
		if v == "" {
			v = f.reference(p)
		}
		if p.in == "query" {
			query = append(query, nameValue{p.name, v})
		} else {
			headers = append(headers, nameValue{p.name, v})
		}
	}
	if len(query) > 0 {
		f.settings["query"] = query
	}
	if len(headers) > 0 {
		f.settings["headers"] = headers
	}
	if len(optional) > 0 {
		f.note("Not needed, and left out: %s.", clipped(strings.Join(optional, ", ")))
	}
}

// security says which authentication the connection needs.
func (f *filling) security(op *value) {
	needed := op.get("security")
	if needed == nil {
		needed = f.root.get("security")
	}
	schemes := f.deref(f.deref(f.root.get("components")).get("securitySchemes"))
	if f.swagger {
		schemes = f.deref(f.root.get("securityDefinitions"))
	}
	for _, n := range needed.list() {
		for _, name := range n.names {
			s := f.deref(schemes.get(name))
			kind := map[string]string{"http": strings.ToLower(s.get("scheme").str()), "basic": "basic", "apiKey": "a token in the " + s.get("in").str() + " " + s.get("name").str(), "oauth2": "OAuth2", "openIdConnect": "OpenID Connect"}[s.get("type").str()]
			if kind != "" && f.wish.Base == "" {
				f.note("It needs authentication (%s): choose a connection.", clipped(kind))
				return
			}
		}
	}
}
