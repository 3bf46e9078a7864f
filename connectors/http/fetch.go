package http

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"spark/flows"
	"spark/flows/node"
)

// hiddenHeaders may let somebody in.
var hiddenHeaders = []string{"Set-Cookie", "Authorization", "Proxy-Authenticate", "Proxy-Authorization", "X-Api-Key"}

// Fetch calls the API once, for its first page.
func (in *Input) Fetch(ctx context.Context, connections node.Connections) (node.Fetched, error) {
	c, err := in.open(connections)
	if err != nil {
		return node.Fetched{}, err
	}
	defer c.close()
	rd := &reading{source: &source{in: *in}}
	if in.Mode == "incremental" {
		rd.since, rd.until = in.Start, in.untilOf(in.cursorType(), time.Now())
	}
	q, err := rd.first()
	if err != nil {
		return node.Fetched{}, err
	}
	rd.number(&q, 1, 0)
	q.any, q.attempts = true, min(q.attempts, 2)
	bytes := int64(0)
	a, err := c.do(ctx, q)
	if err == nil {
		bytes = int64(len(a.body))
		err = in.understand(a)
	}
	if err != nil {
		return node.Fetched{}, err
	}
	f := node.Fetched{Answer: flows.Answer{Request: a.request, Status: a.status, StatusText: http.StatusText(a.status), Headers: []flows.AnswerHeader{}, Bytes: bytes, Took: a.took, At: time.Now().UTC()}}
	for _, name := range sortedNames(a.header) {
		for _, v := range a.header.Values(name) {
			if slices.Contains(hiddenHeaders, name) {
				v = node.Hidden
			}
			f.Answer.Headers = append(f.Answer.Headers, flows.AnswerHeader{Name: name, Value: c.clean(v)})
		}
	}
	body := []byte(c.clean(strings.ToValidUTF8(string(a.body), "\uFFFD")))
	if in.structured() && a.status >= 200 && a.status < 300 {
		in.propose(body, &f)
	} else if a.status >= 200 && a.status < 300 {
		f.Proposal = sniffed(in.Format, body)
	}
	f.Answer.Body, f.Answer.Cut = in.shortened(body, f.RecordPath)
	return f, nil
}

func sortedNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// propose finds the records of an answer and what they hold.
func (in *Input) propose(body []byte, f *node.Fetched) {
	f.RecordPath = in.RecordPath
	steps, err := parsePath(in.RecordPath)
	if err != nil {
		return
	}
	at, found, _, err := find(body, steps, false)
	if in.RecordPath == "" && err == nil && at.kind == '{' {
		if path, where, ok := records(body, "", 0); ok {
			f.RecordPath, at, found = path, where, true
		}
	}
	if err == nil && found && (at.kind == '[' || at.kind == '{') {
		f.Proposal = sniffed("json", body[at.from:at.to])
	}
}

// sniffed is a proposal for records; without fields where nothing can be told.
func sniffed(format string, text []byte) node.Proposal {
	known, ok := node.LookupFormat(format)
	if !ok || known.Sniff == nil {
		return node.Proposal{Fields: []node.FileField{}}
	}
	p, err := known.Sniff(pageFile{bytes.NewReader(text)}, "answer")
	if err != nil || p.Fields == nil {
		p.Fields = []node.FileField{}
	}
	p.Format = format
	return p
}

// recordDepth is how deep records are looked for.
const recordDepth = 4

// records finds the longest list of objects that is nearest to the top.
func records(body []byte, prefix string, depth int) (path string, at place, ok bool) {
	if depth == recordDepth {
		return "", at, false
	}
	type member struct {
		name string
		at   place
	}
	var inside []member
	best := -1
	d := decoder(body)
	if _, err := d.ReadToken(); err != nil {
		return "", at, false
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return "", at, false
		}
		text := name.String()
		kind := d.PeekKind()
		v, err := d.ReadValue()
		if err != nil {
			return "", at, false
		}
		to := int(d.InputOffset())
		where := place{from: to - len(v), to: to, kind: kind}
		switch {
		case kind == '[' && listOfObjects(v) && len(v) > best:
			best, path, at, ok = len(v), prefix+pathName(text, prefix), where, true
		case kind == '{':
			inside = append(inside, member{text, where})
		}
	}
	if ok {
		return path, at, true
	}
	for _, m := range inside {
		name := prefix + pathName(m.name, prefix)
		if path, where, ok := records(body[m.at.from:m.at.to], name+".", depth+1); ok {
			where.from, where.to = where.from+m.at.from, where.to+m.at.from
			return path, where, true
		}
	}
	return "", at, false
}

func listOfObjects(v jsontext.Value) bool {
	rest := bytes.TrimLeft(v[1:], " \t\r\n")
	return len(rest) > 0 && rest[0] == '{'
}

// pathName is a member as a path writes it.
func pathName(name, prefix string) string {
	if strings.ContainsAny(name, ".[]$\"' ") || name == "" {
		return `["` + name + `"]`
	}
	return name
}

// shortened is a body as it is kept: where it is too large with its first records only.
func (in *Input) shortened(body []byte, path string) (text string, cut bool) {
	if len(body) <= flows.MaxAnswer {
		return string(body), false
	}
	steps, err := parsePath(path)
	if in.structured() && err == nil {
		at, found, _, err := find(body, steps, true)
		room := flows.MaxAnswer - (len(body) - (at.to - at.from))
		if err == nil && found && at.kind == '[' && room > 0 {
			end := at.from + 1
			for _, to := range at.elements {
				if to-at.from > room {
					break
				}
				end = to
			}
			return string(body[:end]) + "]" + string(body[at.to:]), true
		}
	}
	body = body[:flows.MaxAnswer]
	if i := bytes.LastIndexByte(body, '\n'); i > 0 && !in.structured() {
		body = body[:i+1]
	}
	return strings.ToValidUTF8(string(body), ""), true
}
