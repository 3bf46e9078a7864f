package http

import (
	lru "container/list"
	"context"
	"sync"

	"spark/flows"
)

// cache keeps answers of equal requests, and lets those that come meanwhile wait. Where there is no room, the answer that was not used
// for longest goes: an equal request is made again then.
type cache struct {
	most int // bytes

	mu      sync.Mutex
	entries map[string]*cached
	used    lru.List // keys of answers that are there, the latest first
	bytes   int
}

type cached struct {
	done   chan struct{}
	place  *lru.Element // nil: it has not come yet
	answer flows.CallAnswer
	err    error
}

const (
	// cacheBytes is how much is kept.
	cacheBytes = 64 << 20
	// entryBytes is what an answer takes beside its body and messages.
	entryBytes = 512
)

func newCache(most int) *cache { return &cache{most: most, entries: map[string]*cached{}} }

func (c *cache) get(ctx context.Context, key string, ask func() (flows.CallAnswer, error)) (flows.CallAnswer, error) {
	c.mu.Lock()
	e, ok := c.entries[key]
	if !ok {
		e = &cached{done: make(chan struct{})}
		c.entries[key] = e
	} else if e.place != nil {
		c.used.MoveToFront(e.place)
	}
	c.mu.Unlock()
	if ok {
		select {
		case <-e.done:
			return e.answer, e.err
		case <-ctx.Done():
			return flows.CallAnswer{}, context.Cause(ctx)
		}
	}
	e.answer, e.err = ask()
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(e.done)
	if e.answer.Error != "" || e.err != nil { // another time there may be one
		delete(c.entries, key)
		return e.answer, e.err
	}
	e.place = c.used.PushFront(key)
	for c.bytes += sizeOf(e.answer); c.bytes > c.most; {
		oldest := c.used.Back()
		gone := oldest.Value.(string)
		c.bytes -= sizeOf(c.entries[gone].answer)
		c.used.Remove(oldest)
		delete(c.entries, gone)
	}
	return e.answer, e.err
}

func sizeOf(a flows.CallAnswer) int {
	return len(a.Body) + len(a.Request) + len(a.Key) + entryBytes
}
