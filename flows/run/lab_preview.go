package run

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"spark/flows"
	"spark/flows/node"
)

// Preview shows the records at a node of a document as it is drawn. While neither the part of the document above the
// node nor the files that it reads have changed, the answer comes from memory: files are looked at, what a connection leads
// to is read once and again only where somebody asks for it.
func (l *Lab) Preview(ctx context.Context, scope flows.Scope, req flows.PreviewRequest) (flows.Preview, error) {
	began := time.Now()
	q, err := l.prepare(ctx, scope, req, false)
	if err != nil {
		return flows.Preview{}, err
	}
	key, err := previewKey(q)
	if err != nil {
		return flows.Preview{}, err
	}
	if p, ok := l.previews.get(key); ok && !req.Fresh && l.unchanged(p.Files) {
		p.Cached, p.Took = true, time.Since(began)
		return p, nil
	}
	job, err := l.job(ctx, scope, q)
	if err != nil {
		return flows.Preview{}, err
	}
	var p flows.Preview
	err = l.ask(ctx, func(ctx context.Context, b Workbench) (err error) {
		p, err = b.Preview(ctx, job)
		return err
	})
	if err != nil {
		return flows.Preview{}, err
	}
	p.Cursors = slices.DeleteFunc(q.cursors, func(c flows.FlowCursor) bool {
		return !slices.ContainsFunc(p.Cursors, func(used flows.FlowCursor) bool { return used.Node == c.Node })
	})
	l.compare(ctx, q)
	p.Pins = q.pins
	p.Problems = append(changedPins(q.pins), p.Problems...)
	if !p.Problems.Failed() { // what is wrong may be mended outside of the document
		l.previews.put(key, p, sampleBytes(p))
	}
	p.Took = time.Since(began)
	return p, nil
}

// question is a request for a preview with what it depends on besides.
type question struct {
	flows.PreviewRequest
	connections node.ConnectionSet
	cursors     []flows.FlowCursor
	pins        []flows.Pin
	answers     []flows.Answer
}

// prepare checks a request and finds what it depends on; again: what is pinned of its node does not count.
func (l *Lab) prepare(ctx context.Context, scope flows.Scope, req flows.PreviewRequest, again bool) (q question, err error) {
	switch {
	case req.Limit < 0 || req.Limit > flows.MaxPreview:
		return q, &flows.Error{Code: "preview.limit", Message: fmt.Sprintf("a preview of %d records cannot be made", req.Limit),
			Suggestion: fmt.Sprintf("ask for 1 to %d", flows.MaxPreview)}
	case req.Limit == 0:
		req.Limit = flows.DefaultPreview
	}
	for _, m := range req.Samples {
		if !slices.Contains([]string{flows.SampleFirst, flows.SampleRandom, flows.SampleWhere}, m.Mode) {
			return q, &flows.Error{Code: "preview.sample", Message: fmt.Sprintf("there is no sample %q", m.Mode), Suggestion: "ask for first, random or where"}
		}
	}
	if req.Environment, err = environmentOf(ctx, l.Environments, scope, req.Environment); err != nil {
		return q, err
	}
	q.PreviewRequest = req
	if q.connections, err = connectionsOf(ctx, l.Connections, scope, req.Document, req.Environment, req.Parameters); err != nil {
		return q, err
	}
	if q.cursors, err = l.cursors(ctx, scope, req); err != nil {
		return q, err
	}
	if q.answers, err = l.answersOf(ctx, scope, req); err != nil {
		return q, err
	}
	q.pins, err = l.pinsOf(ctx, scope, req, again)
	return q, err
}

// job is what the process is asked.
func (l *Lab) job(ctx context.Context, scope flows.Scope, q question) (job PreviewJob, err error) {
	job = PreviewJob{Node: q.Node, Environment: q.Environment, Parameters: q.Parameters, Limit: q.Limit, Samples: q.Samples, Fresh: q.Fresh, Connections: q.connections, Answers: q.answers,
		Secrets: secretsOf(q.Document, q.Parameters)}
	if job.Document, err = q.Document.Canonical(); err != nil {
		return job, err
	}
	if job.Offsets, err = offsetsOf(q.cursors); err != nil {
		return job, err
	}
	job.Pins, err = pinnedFor(ctx, l.Pins, scope, q.Flow, q.pins)
	return job, err
}

// cursors are those of the nodes that the preview reads.
func (l *Lab) cursors(ctx context.Context, scope flows.Scope, req flows.PreviewRequest) ([]flows.FlowCursor, error) {
	if l.Cursors == nil || req.Flow == "" {
		return nil, nil
	}
	list, err := l.Cursors.List(ctx, scope, req.Flow, req.Environment)
	above := req.Document.Above(req.Node)
	return slices.DeleteFunc(list, func(c flows.FlowCursor) bool { return !above[c.Node] || c.Value == "" }), err
}

// unchanged reports whether every pattern still stands for the same files.
func (l *Lab) unchanged(seen []flows.SeenFile) bool {
	for len(seen) > 0 {
		pattern := seen[0].Pattern
		n := 0
		for n < len(seen) && seen[n].Pattern == pattern {
			n++
		}
		if !slices.EqualFunc(l.seen(pattern), seen[:n], func(a, b flows.SeenFile) bool {
			return a.Path == b.Path && a.Size == b.Size && a.ModTime.Equal(b.ModTime)
		}) {
			return false
		}
		seen = seen[n:]
	}
	return true
}

// previewKey identifies everything that a preview depends on, files aside: the node, what is above it, parameters, where
// its connections lead.
func previewKey(req question) (string, error) {
	above := req.Document.Above(req.Node)
	part := *req.Document
	part.Name, part.Description, part.Layout, part.Nodes, part.Edges = "", "", nil, nil, nil
	for _, n := range req.Document.Nodes {
		if above[n.ID] {
			n.Name, n.Notes = "", ""
			part.Nodes = append(part.Nodes, n)
		}
	}
	for _, e := range req.Document.Edges {
		if above[e.To.Node] {
			part.Edges = append(part.Edges, e)
		}
	}
	doc, err := part.Canonical()
	if err != nil {
		return "", err
	}
	values, err := json.Marshal(req.Parameters)
	if err != nil {
		return "", fmt.Errorf("parameters: %w", err)
	}
	places, err := json.Marshal(req.connections)
	if err != nil {
		return "", fmt.Errorf("connections: %w", err)
	}
	from, err := offsetsOf(req.cursors)
	if err != nil {
		return "", err
	}
	return cacheKey("preview", req.Node, fmt.Sprint(from, req.Samples, req.pins, answersKey(req.answers)), fmt.Sprint(req.Limit), req.Environment, string(values), string(places), string(doc)), nil
}

func cacheKey(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sampleBytes is about the memory that a preview takes.
func sampleBytes(p flows.Preview) int {
	n := 1024
	for _, s := range slices.Concat(p.Inputs, p.Outputs) {
		for _, row := range s.Rows {
			for _, v := range row {
				n += 24
				if v != nil {
					n += len(*v)
				}
			}
		}
	}
	for _, r := range p.Rejects {
		n += len(r.Raw) + len(r.RawBytes) + len(r.Reason) + 200
	}
	return n
}

// cacheBytes bounds what one cache holds.
const cacheBytes = 32 << 20

// cache keeps what was used last, up to cacheBytes. The zero value is ready.
type cache[V any] struct {
	mu    sync.Mutex
	byKey map[string]*list.Element
	used  list.List // of *cached[V], last used first
	bytes int
}

type cached[V any] struct {
	key   string
	value V
	bytes int
}

func (c *cache[V]) get(key string) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return v, false
	}
	c.used.MoveToFront(e)
	return e.Value.(*cached[V]).value, true
}

func (c *cache[V]) put(key string, v V, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if bytes > cacheBytes/4 {
		return
	}
	if c.byKey == nil {
		c.byKey = map[string]*list.Element{}
	}
	if e := c.byKey[key]; e != nil {
		c.drop(e)
	}
	c.byKey[key] = c.used.PushFront(&cached[V]{key, v, bytes})
	c.bytes += bytes
	for c.bytes > cacheBytes {
		c.drop(c.used.Back())
	}
}

func (c *cache[V]) drop(e *list.Element) {
	x := c.used.Remove(e).(*cached[V])
	delete(c.byKey, x.key)
	c.bytes -= x.bytes
}
