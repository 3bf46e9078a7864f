package http_test

import (
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// memoryPages are kept in memory.
type memoryPages struct {
	mu   sync.Mutex
	kept map[int][]byte
	asks map[int][32]byte
}

func newPages() *memoryPages { return &memoryPages{kept: map[int][]byte{}, asks: map[int][32]byte{}} }

func (p *memoryPages) Page(n int, request [32]byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asks[n] != request {
		return nil
	}
	return p.kept[n]
}

func (p *memoryPages) Keep(n int, request [32]byte, answer []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept[n], p.asks[n] = answer, request
}

// TestResume: another execution of a run reads the pages that it has, and asks for the others only. A page that is lost is asked
// for again, and one that was asked for otherwise is none.
func TestResume(t *testing.T) {
	t.Parallel()
	const size, total = 3, 16
	var broken atomic.Bool
	fail := func(w http.ResponseWriter, first int) bool {
		if broken.Load() && first > 9 {
			w.WriteHeader(http.StatusBadRequest)
			return true
		}
		return false
	}
	part := func(first int) string { return products(first, max(0, min(size, total+1-first))) }
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		config map[string]any
	}{
		"page": {func(w http.ResponseWriter, r *http.Request) {
			if first := (number(r, "page")-1)*size + 1; !fail(w, first) {
				fmt.Fprintf(w, `{"items": %s}`, part(first))
			}
		}, map[string]any{"paging": "page", "pageSize": size}},
		"at once": {func(w http.ResponseWriter, r *http.Request) {
			if first := (number(r, "page")-1)*size + 1; !fail(w, first) {
				fmt.Fprintf(w, `{"total": %d, "items": %s}`, total, part(first))
			}
		}, map[string]any{"paging": "page", "pageSize": size, "totalPath": "total", "parallel": 2}},
		"cursor": {func(w http.ResponseWriter, r *http.Request) {
			first := max(1, number(r, "cursor"))
			if fail(w, first) {
				return
			}
			next := ""
			if first+size <= total {
				next = fmt.Sprint(first + size)
			}
			fmt.Fprintf(w, `{"items": %s, "next": %q}`, part(first), next)
		}, map[string]any{"paging": "cursor", "cursorPath": "next"}},
		"link": {func(w http.ResponseWriter, r *http.Request) {
			first := max(1, number(r, "from"))
			if fail(w, first) {
				return
			}
			if first+size <= total {
				w.Header().Set("Link", fmt.Sprintf(`<?from=%d>; rel="next"`, first+size))
			}
			fmt.Fprintf(w, `{"items": %s}`, part(first))
		}, map[string]any{"paging": "link"}},
	} {
		t.Run(name, func(t *testing.T) { // one after the other: they share the flag
			b := newBench(t, c.handle)
			kept := newPages()
			b.pages = kept
			broken.Store(true)
			if o := b.run(config(c.config)); o.err == nil || o.err.Code != "http.refused" {
				t.Fatalf("the first execution: %v", o.err)
			}
			broken.Store(false)
			before := maps.Clone(kept.kept)
			if len(before) < 3 {
				t.Fatalf("%d pages are kept", len(before))
			}
			b.run(config(c.config)).want(t, total, 6-int64(len(before)))
			delete(kept.kept, 2)
			b.run(config(c.config)).want(t, total, 1)
			more := maps.Clone(c.config)
			more["query"] = []map[string]any{{"name": "sort", "value": "id"}}
			asked := int64(6)
			if name == "link" { // the addresses of the other pages are the API's
				asked = 1
			}
			b.run(config(more)).want(t, total, asked)
		})
	}
}
