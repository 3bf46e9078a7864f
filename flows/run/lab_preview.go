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
	switch {
	case req.Limit < 0 || req.Limit > flows.MaxPreview:
		return flows.Preview{}, &flows.Error{Code: "preview.limit", Message: fmt.Sprintf("a preview of %d records cannot be made", req.Limit),
			Suggestion: fmt.Sprintf("ask for 1 to %d", flows.MaxPreview)}
	case req.Limit == 0:
		req.Limit = flows.DefaultPreview
	}
	for _, m := range req.Samples {
		if !slices.Contains([]string{flows.SampleFirst, flows.SampleRandom, flows.SampleWhere}, m.Mode) {
			return flows.Preview{}, &flows.Error{Code: "preview.sample", Message: fmt.Sprintf("there is no sample %q", m.Mode), Suggestion: "ask for first, random or where"}
		}
	}
	environment, err := environmentOf(ctx, l.Environments, scope, req.Environment)
	if err != nil {
		return flows.Preview{}, err
	}
	req.Environment = environment
	connections, err := connectionsOf(ctx, l.Connections, scope, req.Document, req.Environment, req.Parameters)
	if err != nil {
		return flows.Preview{}, err
	}
	cursors, err := l.cursors(ctx, scope, req)
	if err != nil {
		return flows.Preview{}, err
	}
	key, err := previewKey(req, connections, cursors)
	if err != nil {
		return flows.Preview{}, err
	}
	if p, ok := l.previews.get(key); ok && !req.Fresh && l.unchanged(p.Files) {
		p.Cached, p.Took = true, time.Since(began)
		return p, nil
	}
	doc, err := req.Document.Canonical()
	if err != nil {
		return flows.Preview{}, err
	}
	offsets, err := offsetsOf(cursors)
	if err != nil {
		return flows.Preview{}, err
	}
	var p flows.Preview
	err = l.ask(ctx, func(ctx context.Context, b Workbench) (err error) {
		p, err = b.Preview(ctx, PreviewJob{Document: doc, Node: req.Node, Environment: req.Environment, Parameters: req.Parameters, Secrets: secretsOf(req.Document, req.Parameters), Limit: req.Limit, Samples: req.Samples, Fresh: req.Fresh, Offsets: offsets, Connections: connections})
		return err
	})
	if err != nil {
		return flows.Preview{}, err
	}
	p.Cursors = slices.DeleteFunc(cursors, func(c flows.FlowCursor) bool {
		return !slices.ContainsFunc(p.Cursors, func(used flows.FlowCursor) bool { return used.Node == c.Node })
	})
	if !p.Problems.Failed() { // what is wrong may be mended outside of the document
		l.previews.put(key, p, sampleBytes(p))
	}
	p.Took = time.Since(began)
	return p, nil
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
func previewKey(req flows.PreviewRequest, connections node.ConnectionSet, cursors []flows.FlowCursor) (string, error) {
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
	places, err := json.Marshal(connections)
	if err != nil {
		return "", fmt.Errorf("connections: %w", err)
	}
	from, err := offsetsOf(cursors)
	if err != nil {
		return "", err
	}
	return cacheKey("preview", req.Node, fmt.Sprint(from, req.Samples), fmt.Sprint(req.Limit), req.Environment, string(values), string(places), string(doc)), nil
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
