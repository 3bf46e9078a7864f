package executor

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"

	"spark/flows"
	"spark/flows/node"
)

// Access tokens come from the host: a grant that replaces its refresh token at every use must be exchanged by one place, which
// keeps the new one before anybody uses what came with it. A guest gets tokens of the connections that it works with, and of
// no others.

// equipped returns connections whose tokens come from the host, and whose nodes share what they have in common.
func (g *Guest) equipped(set node.ConnectionSet) node.ConnectionSet {
	out := maps.Clone(set)
	for name, spec := range out {
		spec.Shared = &node.Shared{}
		if spec.Grant != "" {
			spec.Tokens = hostTokens{g.peer, spec.Grant}
		}
		out[name] = spec
	}
	return out
}

// hostTokens asks the host.
type hostTokens struct {
	peer  *peer
	grant string
}

var _ node.TokenSource = hostTokens{}

func (h hostTokens) Token(ctx context.Context, refused string) (t node.AccessToken, err error) {
	err = h.peer.call(ctx.Done(), methodToken, tokenBody{Grant: h.grant, Refused: refused}, &t)
	return t, err
}

// tokenDesk knows which calls are in progress, with the grants of their connections and the tokens that were given out for them.
type tokenDesk struct {
	mu      sync.Mutex
	asking  map[*asking]struct{}
	waiting map[uint64]context.CancelFunc // by the guest's call
}

// asking is one call that came with connections.
type asking struct {
	connections node.ConnectionSet
	tokens      []string // given out for them
}

func (d *tokenDesk) open(connections node.ConnectionSet) *asking {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := &asking{connections: connections}
	if d.asking == nil {
		d.asking, d.waiting = map[*asking]struct{}{}, map[uint64]context.CancelFunc{}
	}
	d.asking[a] = struct{}{}
	return a
}

// close ends a call and returns the tokens that were given out for it.
func (d *tokenDesk) close(a *asking) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.asking, a)
	return a.tokens
}

// source returns what gives the tokens of a grant, where a call in progress has it.
func (d *tokenDesk) source(grant string) node.TokenSource {
	d.mu.Lock()
	defer d.mu.Unlock()
	for a := range d.asking {
		for _, spec := range a.connections {
			if grant != "" && spec.Grant == grant && spec.Tokens != nil {
				return spec.Tokens
			}
		}
	}
	return nil
}

// give notes a token with the calls whose answers may quote it, before the guest has it.
func (d *tokenDesk) give(grant, token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for a := range d.asking {
		for _, spec := range a.connections {
			if spec.Grant == grant && !slices.Contains(a.tokens, token) {
				a.tokens = append(a.tokens, token)
			}
		}
	}
}

// begin notes a call of the guest, which it may cancel.
func (d *tokenDesk) begin(id uint64) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting[id] = cancel
	return ctx
}

// end forgets a call of the guest, or ends the wait for its answer.
func (d *tokenDesk) end(id uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if cancel := d.waiting[id]; cancel != nil {
		cancel()
		delete(d.waiting, id)
	}
}

// token answers the guest, while other calls of it go on: a server of tokens may take its time.
func (h *Host) token(f frame) {
	if f.Kind == frameCancel {
		h.tokens.end(f.ID)
		return
	}
	ctx := h.tokens.begin(f.ID)
	go func() {
		defer h.tokens.end(f.ID)
		t, err := h.giveToken(ctx, f)
		_ = h.peer.reply(f.ID, t, err) // a guest that is gone needs no reply
	}()
}

func (h *Host) giveToken(ctx context.Context, f frame) (t node.AccessToken, err error) {
	var b tokenBody
	if err := json.Unmarshal(f.Body, &b); err != nil {
		return t, err
	}
	source := h.tokens.source(b.Grant)
	if source == nil {
		return t, errors.New("the executor asks for a token of a connection that it does not work with")
	}
	if t, err = source.Token(ctx, b.Refused); err != nil {
		return t, err
	}
	h.tokens.give(b.Grant, t.Access)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.run != nil && !slices.Contains(h.secrets, t.Access) {
		h.secrets = append(h.secrets, t.Access)
		h.scrub = flows.NewScrubber(h.secrets)
	}
	return t, nil
}
