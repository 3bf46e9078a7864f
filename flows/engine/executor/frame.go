// Package executor runs flows in a child process. Host is the parent's side, Guest the child's; they exchange frames
// on the child's standard input and output. docs/decisions/20261123-executor-protocol.md describes the protocol and
// its commit.
package executor

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"spark/flows"
)

// ProtocolVersion is exchanged in the first frames; both sides must have the same.
const ProtocolVersion = 1

// maxFrame bounds a frame: a flow document and its results fit, a runaway length does not.
const maxFrame = 64 << 20

// frameKind is what a frame is.
type frameKind string

const (
	frameCall   frameKind = "call"   // asks for a method; a reply with the same id follows
	frameReply  frameKind = "reply"  // answers a call
	frameEvent  frameKind = "event"  // tells something, without an answer
	frameCancel frameKind = "cancel" // ends the call with that id, whose reply still follows
)

// frame is one message: 4 bytes of length, big endian, then this as JSON.
type frame struct {
	Kind   frameKind       `json:"kind"`
	ID     uint64          `json:"id,omitempty"` // of a call, chosen by its sender
	Method string          `json:"method,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
	Error  *flows.Error    `json:"error,omitempty"`
}

// encode writes the length and the JSON of a frame.
func encode(f frame) ([]byte, error) {
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("executor protocol: %w", err)
	}
	if len(b) > maxFrame {
		return nil, &flows.Error{Code: "executor.frame", Message: fmt.Sprintf("a %s of %d MB between the run's process and its host is larger than %d MB", strings.TrimSpace(f.Method+" "+string(f.Kind)), len(b)>>20, maxFrame>>20)}
	}
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))), b...), nil
}

func readFrame(r io.Reader) (frame, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return frame{}, fmt.Errorf("executor protocol: a frame of %d bytes is announced", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return frame{}, fmt.Errorf("executor protocol: a frame ends in the middle: %w", err)
	}
	var f frame
	if err := json.Unmarshal(b, &f); err != nil {
		return frame{}, fmt.Errorf("executor protocol: %w", err)
	}
	return f, nil
}

// errGone is what pending calls get when the other side is gone.
var errGone = errors.New("the other side of the executor protocol is gone")

// peer is one side of a connection: it numbers calls, matches replies and hands what comes in to its handlers.
type peer struct {
	r       io.Reader
	handle  func(f frame) // calls, events and cancels; must not block
	writeMu sync.Mutex
	w       io.Writer

	mu      sync.Mutex
	next    uint64
	pending map[uint64]chan frame
	gone    bool
}

func newPeer(r io.Reader, w io.Writer, handle func(frame)) *peer {
	return &peer{r: r, w: w, handle: handle, pending: map[uint64]chan frame{}}
}

// serve reads frames until the other side is gone and returns why; io.EOF is an orderly end.
func (p *peer) serve() error {
	for {
		f, err := readFrame(p.r)
		if err != nil {
			p.mu.Lock()
			p.gone = true
			for id, c := range p.pending {
				close(c)
				delete(p.pending, id)
			}
			p.mu.Unlock()
			return err
		}
		if f.Kind != frameReply {
			p.handle(f)
			continue
		}
		p.mu.Lock()
		c := p.pending[f.ID]
		delete(p.pending, f.ID)
		p.mu.Unlock()
		if c != nil {
			c <- f
		}
	}
}

// send writes a frame. That it cannot be written means that the other side is gone.
func (p *peer) send(f frame) error {
	b, err := encode(f)
	if err != nil {
		return err
	}
	p.writeMu.Lock()
	defer p.writeMu.Unlock()
	if _, err := p.w.Write(b); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

// begin sends a call and returns its id and the channel of its reply, closed without one when the other side goes.
func (p *peer) begin(method string, body any) (uint64, <-chan frame, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return 0, nil, fmt.Errorf("executor protocol: %s: %w", method, err)
	}
	c := make(chan frame, 1)
	p.mu.Lock()
	if p.gone {
		p.mu.Unlock()
		return 0, nil, errGone
	}
	p.next++
	id := p.next
	p.pending[id] = c
	p.mu.Unlock()
	if err := p.send(frame{Kind: frameCall, ID: id, Method: method, Body: raw}); err != nil {
		p.mu.Lock()
		delete(p.pending, id)
		p.mu.Unlock()
		return 0, nil, err
	}
	return id, c, nil
}

// call sends a call and waits for its reply. Closing done sends a cancel; the reply is awaited all the same.
func (p *peer) call(done <-chan struct{}, method string, body, result any) error {
	id, c, err := p.begin(method, body)
	if err != nil {
		return err
	}
	for {
		select {
		case f, ok := <-c:
			if !ok {
				return errGone
			}
			if f.Error != nil {
				return f.Error
			}
			if result == nil || len(f.Body) == 0 {
				return nil
			}
			return json.Unmarshal(f.Body, result)
		case <-done:
			done = nil
			if err := p.send(frame{Kind: frameCancel, ID: id}); err != nil {
				return err
			}
		}
	}
}

// reply answers a call; what cannot be sent is answered with the reason, because the caller waits.
func (p *peer) reply(id uint64, result any, err error) error {
	f := frame{Kind: frameReply, ID: id, Error: flows.AsError(err)}
	if err == nil && result != nil {
		if f.Body, err = json.Marshal(result); err != nil {
			f.Body, f.Error = nil, flows.AsError(fmt.Errorf("executor protocol: %w", err))
		}
	}
	if err = p.send(f); err != nil && !errors.Is(err, errGone) {
		return p.send(frame{Kind: frameReply, ID: id, Error: flows.AsError(err)})
	}
	return err
}
