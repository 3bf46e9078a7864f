package http

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"spark/flows"
	"spark/flows/node"
	"spark/internal/xmljson"
)

// pageRecords are the records of an answer, as the format reads them.
type pageRecords struct {
	text  []byte
	count int
	rest  []byte // of a JSON answer: without the records
}

// first is the request of the first page, with the bounds of an incremental reading.
func (rd *reading) first() (request, error) {
	until, err := rd.written(rd.until)
	if err != nil {
		return request{}, err
	}
	in := rd.in.filled(rd.since, until)
	q := request{method: in.Method, address: in.URL, query: url.Values{}, header: in.header(), body: []byte(in.Body), limit: in.MaxAnswer << 20, attempts: int(in.Attempts), what: "page 1"}
	if in.Method == http.MethodGet {
		q.body = nil
	}
	for _, p := range in.Query {
		q.query[p.Name] = append(q.query[p.Name], p.Value)
	}
	if rd.since != "" && in.SinceParameter != "" {
		q.query.Set(in.SinceParameter, rd.since)
	}
	if until != "" && in.UntilParameter != "" {
		q.query.Set(in.UntilParameter, until)
	}
	if in.PageSize > 0 && slices.Contains([]string{pagingPage, pagingOffset, pagingCursor}, in.Paging) && in.SizeParameter != "" {
		q.query.Set(in.SizeParameter, strconv.FormatInt(in.PageSize, 10))
	}
	return q, nil
}

// produce asks for pages until there are no more. Where the number of all records is known, pages are asked for by the
// workers.
func (rd *reading) produce(ctx context.Context, put func(job) error) error {
	q, err := rd.first()
	if err != nil {
		return err
	}
	cursors := map[string]bool{}
	delivered := int64(0)
	for number := 1; ; number++ {
		if int64(number) > rd.in.MaxPages && rd.in.Paging != pagingNone {
			return &flows.Error{Code: "http.max_pages", Path: flows.Path{Field: "maxPages"}, Message: fmt.Sprintf("there are more than %d pages", rd.in.MaxPages), Suggestion: "check that the paging ends, or raise the number of pages"}
		}
		q.what = fmt.Sprintf("page %d", number)
		rd.number(&q, number, delivered)
		a, err := rd.fetch(ctx, q, number)
		if errors.Is(err, errNoMore) {
			rd.partial = true
			return nil
		}
		if err != nil {
			return err
		}
		records, err := rd.recordsOf(a, number)
		if err != nil {
			return err
		}
		if err := put(job{answer: a, number: number, records: records}); err != nil {
			return err
		}
		delivered += int64(records.count)
		more, err := rd.next(&q, a, records, delivered, cursors)
		if err != nil || !more {
			return err
		}
		if total := rd.total(records); rd.in.Parallel > 1 && number == 1 && total > delivered && rd.in.PageSize > 0 && rd.request.Answer == nil {
			return rd.rest(ctx, q, total, put)
		}
	}
}

// rest hands out the pages behind the first one, whose number is known.
func (rd *reading) rest(ctx context.Context, q request, total int64, put func(job) error) error {
	pages := (total + rd.in.PageSize - 1) / rd.in.PageSize
	if pages > rd.in.MaxPages {
		return &flows.Error{Code: "http.max_pages", Path: flows.Path{Field: "maxPages"}, Message: fmt.Sprintf("there are %d pages, and the node reads %d at most", pages, rd.in.MaxPages), Suggestion: "raise the number of pages"}
	}
	for number := 2; int64(number) <= pages; number++ {
		q.query = cloneQuery(q.query)
		q.what = fmt.Sprintf("page %d", number)
		rd.number(&q, number, int64(number-1)*rd.in.PageSize)
		if err := put(job{request: q, number: number}); err != nil {
			return err
		}
	}
	return nil
}

func cloneQuery(q url.Values) url.Values {
	c := make(url.Values, len(q))
	for name, values := range q {
		c[name] = values
	}
	return c
}

// number puts the number of a page into its request.
func (rd *reading) number(q *request, number int, delivered int64) {
	switch rd.in.Paging {
	case pagingPage:
		q.query.Set(rd.in.PageParameter, strconv.FormatInt(rd.in.FirstPage+int64(number)-1, 10))
	case pagingOffset:
		q.query.Set(rd.in.OffsetParameter, strconv.FormatInt(delivered, 10))
	}
}

func (rd *reading) total(records pageRecords) int64 {
	text := rd.at(records, rd.in.TotalPath)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// at is the value at a path of the answer, "" where there is none.
func (rd *reading) at(records pageRecords, path string) string {
	if path == "" || records.rest == nil {
		return ""
	}
	steps, err := parsePath(path)
	if err != nil {
		return "" // reported by the plan
	}
	text, err := scalar(records.rest, steps)
	if err != nil {
		return "" // the answer was whole
	}
	return text
}

// next makes the request of the next page, and reports whether there is one.
func (rd *reading) next(q *request, a *answer, records pageRecords, delivered int64, cursors map[string]bool) (bool, error) {
	if rd.in.MorePath != "" && rd.in.structured() && rd.in.Paging != pagingNone && slices.Contains([]string{"", "false", "0", "no"}, rd.at(records, rd.in.MorePath)) {
		return false, nil
	}
	switch rd.in.Paging {
	case pagingPage, pagingOffset:
		if total := rd.total(records); total > 0 && delivered >= total {
			return false, nil
		}
		return records.count > 0 && (int64(records.count) >= rd.in.PageSize || rd.in.MorePath != ""), nil
	case pagingCursor:
		return rd.nextCursor(q, rd.at(records, rd.in.CursorPath), cursors)
	case pagingNext:
		return rd.follow(q, a, rd.at(records, rd.in.NextPath), cursors)
	case pagingLink:
		return rd.follow(q, a, nextLink(a.header.Values("Link")), cursors)
	}
	return false, nil
}

func (rd *reading) nextCursor(q *request, token string, cursors map[string]bool) (bool, error) {
	if token == "" {
		return false, nil
	}
	if cursors[token] {
		return false, loops("the answer leads to a page that was read before: the cursor came a second time")
	}
	cursors[token] = true
	if rd.in.CursorIn == "query" {
		q.query.Set(rd.in.CursorParameter, token)
		return true, nil
	}
	members := map[string]json.RawMessage{}
	if len(q.body) > 0 {
		if err := json.Unmarshal(q.body, &members); err != nil {
			return false, &flows.Error{Code: "http.body", Path: flows.Path{Field: "body"}, Message: "the body is no JSON object, so that the cursor cannot be put into it", Suggestion: "write the body as JSON, or let the cursor go into the query"}
		}
	}
	text, err := json.Marshal(token)
	if err != nil {
		return false, err
	}
	members[rd.in.CursorParameter] = text
	q.body, err = json.Marshal(members)
	return true, err
}

// follow goes to an address that the answer names. The client refuses another server.
func (rd *reading) follow(q *request, a *answer, address string, seen map[string]bool) (bool, error) {
	if address == "" {
		return false, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return false, &flows.Error{Code: "http.next", Message: "the answer names an address of the next page that is none", Suggestion: "check the path to the next page"}
	}
	if a.url != nil {
		u = a.url.ResolveReference(u)
		if u.Scheme != a.url.Scheme || !strings.EqualFold(u.Host, a.url.Host) {
			return false, &flows.Error{Code: "http.elsewhere", Params: flows.Params{"origin": u.Scheme + "://" + u.Host}, Message: fmt.Sprintf("the next page is on another server, %s://%s, which is not followed", u.Scheme, u.Host), Suggestion: "use a connection whose base URL is the address that the API names itself by"}
		}
	}
	if seen[u.String()] {
		return false, loops("the answer leads to a page that was read before")
	}
	seen[u.String()] = true
	q.address, q.query = u.String(), url.Values{}
	return true, nil
}

func loops(message string) error {
	return &flows.Error{Code: "http.loop", Message: message, Suggestion: "check the paging: the API, or the path to the next page, does not lead to an end"}
}

// nextLink finds the address with rel="next" of Link headers (RFC 8288).
func nextLink(values []string) string {
	for _, v := range values {
		for v != "" {
			from := strings.IndexByte(v, '<')
			to := strings.IndexByte(v, '>')
			if from < 0 || to < from {
				break
			}
			address := v[from+1 : to]
			rest := v[to+1:]
			params, after, _ := strings.Cut(rest, ",<")
			if i := strings.Index(rest, ", <"); i >= 0 && i < len(params) {
				params, after = rest[:i], rest[i+len(", <"):]
			}
			if v = after; v != "" {
				v = "<" + v
			}
			for p := range strings.SplitSeq(params, ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
				if strings.EqualFold(name, "rel") && slices.Contains(strings.Fields(strings.ToLower(strings.Trim(value, `" `))), "next") {
					return address
				}
			}
		}
	}
	return ""
}

// repeated refuses a page with the same records as one before it.
func (rd *reading) repeated(j job) error {
	if j.records.count == 0 || rd.in.Paging == pagingNone {
		return nil
	}
	sum := sha256.Sum256(j.records.text)
	if before, ok := rd.seen[sum]; ok {
		return loops(fmt.Sprintf("page %d has the same records as page %d", j.number, before))
	}
	rd.seen[sum] = j.number
	return nil
}

// recordsOf finds the records of an answer.
func (rd *reading) recordsOf(a *answer, number int) (p pageRecords, err error) {
	if !rd.in.structured() {
		if looksLikePage(a) {
			return p, noJSON(a, number, rd.in.Format)
		}
		lines := bytes.Count(bytes.TrimSpace(a.body), []byte{'\n'})
		if len(bytes.TrimSpace(a.body)) > 0 && rd.in.Format == "jsonl" {
			lines++
		}
		return pageRecords{text: a.body, count: lines}, nil
	}
	body := withoutMark(a.body)
	if len(bytes.TrimSpace(body)) == 0 && (a.status == http.StatusNoContent || rd.in.NoRecords == "none") {
		return p, nil
	}
	at, found, names, err := find(body, rd.records, true)
	if err != nil {
		return p, noJSON(a, number, err.Error())
	}
	switch {
	case !found || at.kind == 'n':
		if rd.in.NoRecords == "none" || found {
			return pageRecords{rest: body}, nil
		}
		return p, missing(a, number, rd.in.RecordPath, names)
	case at.kind == '{':
		at.elements = []int{at.to}
	case at.kind != '[':
		return p, &flows.Error{Code: "http.records", Path: flows.Path{Field: "recordPath"}, Message: fmt.Sprintf("%s (page %d): there is %s at %q where records are expected", a.request, number, clipped(string(body[at.from:at.to]), 40), rd.in.RecordPath), Suggestion: "fetch a sample and choose the list of records in the answer"}
	}
	p = pageRecords{text: body[at.from:at.to], count: len(at.elements)}
	p.rest = append(append(append(make([]byte, 0, len(body)-len(p.text)+4), body[:at.from]...), "null"...), body[at.to:]...)
	if err := whole(p.rest); err != nil {
		return p, noJSON(a, number, err.Error())
	}
	if rd.in.RecordField != "" {
		p.text = withWhole(body, at)
	}
	return p, nil
}

// withoutMark is a body without the mark that some servers begin UTF-8 with.
func withoutMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF")) }

// withWhole puts each record into a member of itself.
func withWhole(body []byte, at place) []byte {
	out := append(make([]byte, 0, 2*(at.to-at.from)+64*len(at.elements)), '[')
	from := at.from
	if at.kind == '[' {
		from++
	}
	for i, to := range at.elements {
		record := bytes.TrimLeft(body[from:to], ", \t\r\n")
		from = to
		if i > 0 {
			out = append(out, ',')
		}
		name, err := jsontext.AppendQuote(append(out, '{'), wholeMember)
		if err != nil {
			continue // it is a valid text
		}
		out = append(append(name, ':'), record...)
		if inside := bytes.TrimSpace(record); len(inside) > 2 && inside[0] == '{' && bytes.TrimSpace(inside[1:len(inside)-1]) != nil && len(bytes.TrimSpace(inside[1:len(inside)-1])) > 0 {
			out = append(append(out, ','), inside[1:]...)
		} else {
			out = append(out, '}')
		}
	}
	return append(out, ']')
}

func missing(a *answer, number int, path string, names []string) error {
	e := &flows.Error{Code: "http.records_missing", Path: flows.Path{Field: "recordPath"}, Message: fmt.Sprintf("%s (page %d): the answer has nothing at %q", a.request, number, path), Suggestion: "fetch a sample and choose the list of records in the answer"}
	if len(names) > 0 {
		e.Message += "; there is " + clipped(strings.Join(names, ", "), 120)
	}
	return e
}

func looksLikePage(a *answer) bool {
	head := bytes.ToLower(bytes.TrimSpace(a.body[:min(len(a.body), 512)]))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html")) || strings.HasPrefix(a.header.Get("Content-Type"), "text/html")
}

// noJSON says that an answer is not what it should be.
func noJSON(a *answer, number int, why string) error {
	at := fmt.Sprintf("%s (page %d)", a.request, number)
	switch {
	case len(bytes.TrimSpace(a.body)) == 0:
		return &flows.Error{Code: "http.empty", Message: at + ": the answer is empty", Suggestion: `check the address; where an empty answer means no records, choose "none" if the path is missing`}
	case looksLikePage(a):
		return &flows.Error{Code: "http.html", Message: at + ": the server answered with a web page instead of records", Suggestion: "check that the address is one of the API, and that no sign-in stands before it"}
	}
	why = strings.TrimPrefix(why, "jsontext: ")
	return &flows.Error{Code: "http.json", Message: fmt.Sprintf("%s: the answer is not JSON: %s", at, clipped(why, 160)), Suggestion: "check the format of the answer, and that the server sends it whole"}
}

// understand makes JSON of an answer in XML.
func (in *Input) understand(a *answer) error {
	if in.Format != "xml" || a.status < 200 || a.status > 299 || len(bytes.TrimSpace(a.body)) == 0 {
		return nil
	}
	why := "it is not UTF-8"
	if utf8.Valid(a.body) {
		body, err := xmljson.Append(nil, string(a.body), nil, true)
		if err == nil {
			a.body = body
			return nil
		}
		why = err.Error()
	}
	if looksLikePage(a) {
		return noJSON(a, 1, "")
	}
	return &flows.Error{Code: "http.xml", Message: fmt.Sprintf("%s: the answer is not XML: %s", a.request, clipped(why, 160)), Suggestion: "check the format of the answer, and that the server sends it whole"}
}

func headerOf(a *flows.Answer) http.Header {
	h := http.Header{}
	for _, x := range a.Headers {
		h.Add(x.Name, x.Value)
	}
	return h
}

var _ node.Files = page{}
