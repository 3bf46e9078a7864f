package http

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"spark/flows"
)

// fetch asks for a page, unless an earlier execution of the run was answered: then that answer is read again.
func (rd *reading) fetch(ctx context.Context, q request, number int) (*answer, error) {
	keep := rd.request.Pages
	if keep == nil {
		return rd.do(ctx, q)
	}
	hash := rd.fingerprint(q)
	if a := unpacked(keep.Page(number, hash)); a != nil {
		rd.resumed.Add(1)
		return a, nil
	}
	a, err := rd.do(ctx, q)
	if err == nil {
		if text, err := packed(a); err == nil {
			keep.Keep(number, hash, text)
		}
	}
	return a, err
}

// fingerprint is the hash of a request, with the token of the page in it. Credentials of the connection are not.
func (rd *reading) fingerprint(q request) [32]byte {
	call := Call{Connection: rd.in.Connection}
	return sha256.Sum256([]byte(call.requestKey(&q)))
}

// keptHead is what is kept of an answer beside its body.
type keptHead struct {
	Request string        `json:"request"` // redacted
	URL     string        `json:"url"`     // that links are relative to
	Status  int           `json:"status"`
	Header  http.Header   `json:"header"`
	Took    time.Duration `json:"took"`
}

// keptHeaders are those that a reading looks at.
var keptHeaders = []string{"Content-Type", "Link"}

func packed(a *answer) ([]byte, error) {
	head := keptHead{Request: a.request, Status: a.status, Header: http.Header{}, Took: a.took}
	if a.url != nil {
		bare := url.URL{Scheme: a.url.Scheme, Host: a.url.Host, Path: a.url.Path, RawPath: a.url.RawPath} // a credential may be in the query
		head.URL = bare.String()
	}
	for _, name := range keptHeaders {
		if v := a.header.Values(name); len(v) > 0 {
			head.Header[name] = v
		}
	}
	b, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("keep an answer: %w", err)
	}
	return append(append(b, '\n'), a.body...), nil
}

// unpacked is a kept answer, nil where there is none.
func unpacked(text []byte) *answer {
	first, body, ok := bytes.Cut(text, []byte{'\n'})
	var head keptHead
	if !ok || json.Unmarshal(first, &head) != nil {
		return nil
	}
	u, err := url.Parse(head.URL)
	if err != nil {
		return nil
	}
	return &answer{request: head.Request, url: u, status: head.Status, header: head.Header, body: body, took: head.Took}
}

// tellResumed says how many pages were not asked for again.
func (rd *reading) tellResumed() {
	if n := rd.resumed.Load(); n > 0 && rd.request.Warn != nil {
		rd.request.Warn(&flows.Error{Code: "http.resumed", Severity: flows.SeverityInfo, Params: flows.Params{"pages": n},
			Message: fmt.Sprintf("%d pages are those that the run had read before it was executed again", n), Suggestion: "nothing has to be done; a new run asks for all pages"})
	}
}
