package http

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"spark/flows"
	"spark/flows/node"
)

//go:embed input
var embedded embed.FS

func files(dir string) fs.FS {
	sub, err := fs.Sub(embedded, dir)
	if err != nil {
		panic(err)
	}
	return sub
}

func init() {
	node.Register(&node.Type{
		ID: "rest.input", Version: 1, Title: "REST Input",
		Summary:  "Reads records from an API over HTTP, page by page.",
		Category: node.CategorySource,
		Synonyms: []string{"WebAPI", "HTTP", "API", "REST", "JSON", "GET", "web service", "source"},
		Outputs:  []node.Port{{Name: node.Out, Title: "Records"}},
		Rejects:  true,
		New: func() node.Config {
			return &Input{Method: http.MethodGet, Format: "json", NoRecords: "fail", Paging: pagingNone, PageParameter: "page", FirstPage: 1, OffsetParameter: "offset", SizeParameter: "limit", CursorParameter: "cursor", CursorIn: "query",
				MaxPages: 10_000, Parallel: 1, Mode: "all", Attempts: 5, MaxAnswer: 64}
		},
		Files: files("input"),
	})
}

// The ways of paging.
const (
	pagingNone   = "none"
	pagingPage   = "page"
	pagingOffset = "offset"
	pagingCursor = "cursor"
	pagingLink   = "link"
	pagingNext   = "next"
)

// Input is the config of rest.input.
type Input struct {
	Connection string  `json:"connection,omitempty" title:"Connection" widget:"connection" system:"http" help:"To an HTTP API, with its base URL and authentication. Empty: the address is a whole one, and is called without credentials." example:"shop"`
	Method     string  `json:"method" title:"Method" enum:"GET|POST|PUT"`
	URL        string  `json:"url,omitempty" title:"Address" cursor:"true" help:"Below the base URL of the connection, or whole without one; ${name} is a parameter." example:"/products"`
	Query      []Asked `json:"query,omitempty" title:"Query parameters" help:"Sent behind the address; ${name} is a parameter of the flow."`
	Headers    []Asked `json:"headers,omitempty" title:"Headers" help:"Sent beside those of the connection." advanced:"true"`
	Body       string  `json:"body,omitempty" title:"Body" widget:"multiline" secrets:"true" cursor:"true" showIf:"method=POST|PUT" help:"Sent as JSON, unless a header says otherwise." example:"{\"since\": \"${day}\"}"`

	Format      string           `json:"format" title:"Format of the answer" enum:"json|jsonl|csv|xml" help:"xml is read as JSON, in which an attribute has an @ before its name, and all values are texts."`
	RecordPath  string           `json:"recordPath,omitempty" title:"Record path" showIf:"format=json|xml" help:"Where the list of records is in the answer. Empty: the answer is the list." example:"data.items"`
	NoRecords   string           `json:"noRecords" title:"If the path is missing" enum:"fail|none" showIf:"format=json|xml" advanced:"true" help:"The run fails, or the page has no records."`
	Fields      []node.FileField `json:"fields,omitempty" title:"Fields" widget:"fields" help:"What is read of a record, with explicit types. Fetching a sample proposes them; nothing is guessed while running."`
	Options     json.RawMessage  `json:"options,omitempty" title:"Options" widget:"options" showIf:"format=csv" help:"How the answer is read."`
	RecordField string           `json:"recordField,omitempty" title:"Record field" showIf:"format=json|xml" help:"Adds a field with the whole record as JSON, for JSON Extract." example:"record"`

	Paging          string `json:"paging" title:"Paging" enum:"none|page|offset|cursor|link|next" help:"page, offset: a number in the query. cursor: a token of the answer for the next request. link: the Link header. next: an address in the answer."`
	PageParameter   string `json:"pageParameter" title:"Page parameter" help:"Query parameter that takes the number of the page." showIf:"paging=page"`
	FirstPage       int64  `json:"firstPage" title:"First page" help:"Number of the first page: 1 or 0." minimum:"0" showIf:"paging=page"`
	OffsetParameter string `json:"offsetParameter" title:"Offset parameter" help:"Query parameter that takes the number of records before the page." showIf:"paging=offset"`
	SizeParameter   string `json:"sizeParameter" title:"Size parameter" help:"Query parameter that takes the records per page." showIf:"paging=page|offset|cursor"`
	PageSize        int64  `json:"pageSize,omitempty" title:"Records per page" minimum:"0" showIf:"paging=page|offset|cursor" help:"Is asked for, and a page with fewer is the last one. Empty: the size is not asked for, and the first empty page is the last one."`
	CursorParameter string `json:"cursorParameter" title:"Cursor parameter" help:"Query parameter, or member of the body, that takes the token." showIf:"paging=cursor"`
	CursorIn        string `json:"cursorIn" title:"Cursor goes into" enum:"query|body" showIf:"paging=cursor" advanced:"true" help:"The query, or a member of the body, which is JSON."`
	CursorPath      string `json:"cursorPath,omitempty" title:"Cursor path" showIf:"paging=cursor" help:"Where the answer has the token of the next page. Missing, null or empty: this is the last one." example:"meta.next_cursor"`
	NextPath        string `json:"nextPath,omitempty" title:"Next page path" showIf:"paging=next" help:"Where the answer has the address of the next page." example:"links.next"`
	TotalPath       string `json:"totalPath,omitempty" title:"Total path" showIf:"paging=page|offset" advanced:"true" help:"Where the answer has the number of all records. With it and a page size pages can be asked for at the same time." example:"meta.total"`
	MorePath        string `json:"morePath,omitempty" title:"More path" showIf:"paging=page|offset|cursor" advanced:"true" help:"Where the answer says whether there are more pages." example:"has_more"`
	MaxPages        int64  `json:"maxPages" title:"Pages at most" minimum:"1" showIf:"paging=page|offset|cursor|link|next" advanced:"true" help:"More fail the run: it would never end, or leave records out."`
	Parallel        int64  `json:"parallel" title:"Requests at once" minimum:"1" showIf:"paging=page|offset" advanced:"true" help:"Where the total is known."`

	Mode           string `json:"mode" title:"Records" enum:"all|incremental" help:"incremental asks for what is new since the last run."`
	Cursor         string `json:"cursor,omitempty" title:"Cursor field" widget:"fieldname" showIf:"mode=incremental" help:"Field that grows with every change: a number, a date or a time. The largest value that was read is where the next run goes on." example:"updated_at"`
	SinceParameter string `json:"sinceParameter,omitempty" title:"Since parameter" showIf:"mode=incremental" help:"Query parameter that takes the lower bound. ${cursor.from} in the address, a query parameter, a header or the body does the same, and ${cursor.until} stands for the upper one." example:"updated_since"`
	UntilParameter string `json:"untilParameter,omitempty" title:"Until parameter" showIf:"mode=incremental" advanced:"true" help:"Query parameter that takes the upper bound: when the run began, less what it stays behind. Of dates and times." example:"updated_until"`
	SinceFormat    string `json:"sinceFormat,omitempty" title:"Written as" enum:"iso|unix|unixms" showIf:"mode=incremental" advanced:"true" help:"Of times. Empty: iso."`
	Start          string `json:"start,omitempty" title:"Begin at" showIf:"mode=incremental" help:"The first run asks for what is new since this value. Empty: for everything." example:"2026-01-01"`
	Overlap        string `json:"overlap,omitempty" title:"Overlap" showIf:"mode=incremental" help:"What lies so far below the cursor is read again: a number, or a time such as 5 minutes. The output should be an upsert, then." example:"5 minutes"`
	Lag            string `json:"lag,omitempty" title:"Stay behind" showIf:"mode=incremental" advanced:"true" help:"For dates and times: records that are younger than this when the run begins are left to the next run, as one with the same time may still come." example:"1 minute"`

	Attempts  int64 `json:"attempts" title:"Attempts" minimum:"1" advanced:"true" help:"Of a request that gets 408, 425, 429, 500, 502, 503 or 504, or no answer; with growing pauses, or those that Retry-After asks for."`
	MaxAnswer int64 `json:"maxAnswer" title:"Largest answer" minimum:"1" advanced:"true" help:"MB, decompressed. A larger one fails the run."`
}

// Parameter is a name with its value, of a query or of headers.
type Parameter struct {
	Name  string `json:"name" title:"Name" required:"true"`
	Value string `json:"value,omitempty" title:"Value" secrets:"true"`
}

// Asked is a Parameter of a node that may ask for what is new: ${cursor.from} and ${cursor.until} stand for the bounds.
type Asked struct {
	Name  string `json:"name" title:"Name" required:"true"`
	Value string `json:"value,omitempty" title:"Value" secrets:"true" cursor:"true"`
}

// Limits of the settings.
const (
	mostParallel  = 16
	mostAttempts  = 20
	largestAnswer = 1024 // MB
	mostPages     = 10_000_000
)

// Plan reports what is wrong and emits the reading.
func (in *Input) Plan(c *node.Context) {
	ok := in.filled("2026-01-31", "2026-01-31").checkCall(c)
	ok = in.checkBounds(c) && ok
	ok = in.checkPaging(c) && ok
	ok = in.checkFields(c) && ok
	if !ok {
		return
	}
	src, ok := in.source(c)
	if !ok {
		return
	}
	schema := src.schema()
	if in.Mode == "incremental" && !in.checkCursor(c, schema) {
		return
	}
	c.Emit(node.Out, node.Read{Source: src, Schema: schema}, schema)
}

func (in *Input) checkCall(c *node.Context) bool {
	ok := true
	say := func(field, code, message, suggestion string) {
		ok = false
		c.Problem(field, code, message, suggestion)
	}
	if in.URL == "" && in.Connection == "" {
		say("url", "config.required", `"Address" is missing`, "write one such as https://api.example.com/products, or choose a connection and write /products")
	} else if why := wrongAddress(in.URL); in.Connection == "" && why != "" {
		say("url", "http.url", "the address "+why, "write one such as https://api.example.com/products, or choose a connection")
	}
	for i, h := range in.Headers {
		if !httpguts.ValidHeaderFieldName(h.Name) || !httpguts.ValidHeaderFieldValue(h.Value) || strings.EqualFold(h.Name, "Host") || strings.EqualFold(h.Name, "Content-Length") {
			say(fmt.Sprintf("headers[%d].name", i), "http.header", fmt.Sprintf("%q is no header that can be sent, or its value has a line end", h.Name), "correct its name and value")
		}
	}
	for field, limit := range map[string][2]int64{"parallel": {in.Parallel, mostParallel}, "attempts": {in.Attempts, mostAttempts}, "maxAnswer": {in.MaxAnswer, largestAnswer}, "maxPages": {in.MaxPages, mostPages}} {
		if limit[0] > limit[1] {
			say(field, "http.limit", fmt.Sprintf("%d is too many", limit[0]), fmt.Sprintf("choose up to %d", limit[1]))
		}
	}
	return ok
}

func (in *Input) checkPaging(c *node.Context) bool {
	ok := true
	for field, path := range in.paths() {
		if _, err := parsePath(path); err != nil {
			ok = false
			c.Problem(field, "http.path", fmt.Sprintf("%q is no path: %v", path, err), "write one such as data.items or data.items[0].id")
		}
	}
	needs := map[string]string{pagingCursor: "cursorPath", pagingNext: "nextPath"}[in.Paging]
	if needs != "" && in.paths()[needs] == "" {
		ok = false
		c.Problem(needs, "config.required", "the path to what leads to the next page is missing", "fetch a sample and choose the value in the answer")
	}
	if !in.structured() && (in.Paging == pagingCursor || in.Paging == pagingNext) {
		ok = false
		c.Problem("paging", "http.paging", fmt.Sprintf("an answer in %s holds no token or address of the next page", in.Format), "choose page, offset or link")
	}
	return ok
}

func (in *Input) paths() map[string]string {
	return map[string]string{"recordPath": in.RecordPath, "cursorPath": in.CursorPath, "nextPath": in.NextPath, "totalPath": in.TotalPath, "morePath": in.MorePath}
}

func (in *Input) checkFields(c *node.Context) bool {
	ok := true
	names := []string{}
	for i, f := range in.Fields {
		names = append(names, f.Name)
		if f.Name == "" || f.Type.Kind == flows.Invalid {
			ok = false // a missing name is reported
			if f.Name != "" {
				c.Problem(fmt.Sprintf("fields[%d].type", i), "config.required", fmt.Sprintf("the field %q has no type", f.Name), "choose one")
			}
		}
	}
	for i, f := range in.Fields {
		if in.Format == "xml" && (f.Type.IsNumeric() || f.Type.Kind == flows.Boolean) {
			ok = false
			c.Problem(fmt.Sprintf("fields[%d].type", i), "http.xml_type", fmt.Sprintf("the field %q is %s, and the values of XML are texts", f.Name, f.Type), "choose text, and give it its type by Convert Types")
		}
	}
	if in.RecordField != "" && in.structured() {
		names = append(names, in.RecordField)
	}
	if len(names) == 0 {
		c.Problem("fields", "config.required", "the fields of the records are not known", "fetch a sample, and take over the fields that it proposes")
		return false
	}
	return c.Unique("fields", names) && ok
}

// source makes what reads; the fields and options are those of the format.
func (in *Input) source(c *node.Context) (*source, bool) {
	name := in.Format
	if in.structured() {
		name = "json"
	}
	format, ok := node.LookupFormat(name)
	if !ok {
		return nil, false // reported
	}
	if format.ReadOptions != nil && !c.DecodeOptions("options", &in.Options, format.ReadOptions()) {
		return nil, false
	}
	s, err := newSource(*in, format, c.Node.Rejects)
	if err != nil {
		c.Report("", err)
		return nil, false
	}
	return s, true
}

// structured reports whether an answer is one value with records somewhere in it.
func (in *Input) structured() bool { return in.Format == "json" || in.Format == "xml" }

// header are the headers of a request.
func (in *Input) header() http.Header {
	h := http.Header{"Accept": {map[string]string{"json": "application/json", "jsonl": "application/x-ndjson, application/json", "csv": "text/csv", "xml": "application/xml, text/xml"}[in.Format]}}
	if in.Method != http.MethodGet && in.Body != "" {
		h.Set("Content-Type", "application/json")
	}
	for _, p := range in.Headers {
		h.Set(p.Name, p.Value)
	}
	return h
}

// ReadPromise says whether records are read again.
func (in *Input) ReadPromise() node.ReadPromise {
	return node.ReadPromise{Incremental: in.Mode == "incremental", Overlap: in.Overlap != ""}
}

var (
	_ node.PromisingSource = (*Input)(nil)
	_ node.Fetcher         = (*Input)(nil)
)
