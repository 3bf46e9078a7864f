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
	"slices"
	"strings"
	"sync"

	"spark/flows"
)

// ProtocolVersion is exchanged in the first frames; both sides must have the same.
const ProtocolVersion = 3

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

// frame is one message: 4 bytes of length, big endian, then this as JSON. With Data the highest bit of the length is set,
// and 4 bytes of the length of the JSON come before it; the data follow it as they are.
type frame struct {
	Kind   frameKind       `json:"kind"`
	ID     uint64          `json:"id,omitempty"` // of a call, chosen by its sender
	Method string          `json:"method,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
	Error  *flows.Error    `json:"error,omitempty"`
	Data   []byte          `json:"-"`
}

// withData marks the length of a frame that has data.
const withData = 1 << 31

// encode writes what comes before the data of a frame: the lengths and the JSON.
func encode(f frame) ([]byte, error) {
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("executor protocol: %w", err)
	}
	n := len(b) + len(f.Data)
	if f.Data != nil {
		n += 4
	}
	if n > maxFrame {
		return nil, &flows.Error{Code: "executor.frame", Message: fmt.Sprintf("a %s of %d MB between the run's process and its host is larger than %d MB", strings.TrimSpace(f.Method+" "+string(f.Kind)), n>>20, maxFrame>>20)}
	}
	out := make([]byte, 0, 8+len(b))
	if f.Data == nil {
		return append(binary.BigEndian.AppendUint32(out, uint32(n)), b...), nil
	}
	out = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(out, uint32(n)|withData), uint32(len(b)))
	return append(out, b...), nil
}

// readFrame reads a frame. Its data are written into room where that is given, and are valid until its next use.
func readFrame(r io.Reader, room *[]byte) (f frame, err error) {
	n, err := readLength(r)
	if err != nil {
		return frame{}, err
	}
	data, text := n&withData != 0, n
	if n &^= withData; n > maxFrame {
		return frame{}, fmt.Errorf("executor protocol: a frame of %d bytes is announced", n)
	}
	if data {
		if n < 4 {
			return frame{}, errShort
		}
		if text, err = readLength(r); err != nil {
			return frame{}, brokenOff(err)
		}
		if text > n-4 {
			return frame{}, errShort
		}
	}
	b := make([]byte, text)
	if _, err := io.ReadFull(r, b); err != nil {
		return frame{}, brokenOff(err)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return frame{}, fmt.Errorf("executor protocol: %w", err)
	}
	if !data {
		return f, nil
	}
	if room == nil {
		room = new([]byte)
	}
	*room = slices.Grow((*room)[:0], int(n-4-text))[:n-4-text]
	f.Data = *room
	if _, err := io.ReadFull(r, f.Data); err != nil {
		return frame{}, brokenOff(err)
	}
	return f, nil
}

var errShort = errors.New("executor protocol: a frame is shorter than its parts")

func brokenOff(err error) error {
	return fmt.Errorf("executor protocol: a frame ends in the middle: %w", err)
}

func readLength(r io.Reader) (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(r, b[:])
	return binary.BigEndian.Uint32(b[:]), err
}

// errGone is what pending calls get when the other side is gone.
var errGone = errors.New("the other side of the executor protocol is gone")

// peer is one side of a connection: it numbers calls, matches replies and hands what comes in to its handlers.
type peer struct {
	r       io.Reader
	handle  func(f frame) // calls, events and cancels; must not block
	room    *[]byte       // of the data of frames, which are valid until handle returns; nil: each has its own
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
		f, err := readFrame(p.r, p.room)
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
	_, err = p.w.Write(b)
	if err == nil && f.Data != nil {
		_, err = p.w.Write(f.Data)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

// begin sends a call, whose body is bytes as they are or a value as JSON, and returns its id and the channel of its reply, closed without one when the other side goes.
func (p *peer) begin(method string, body any) (uint64, <-chan frame, error) {
	f := frame{Kind: frameCall, Method: method}
	var err error
	if data, is := body.([]byte); is {
		f.Data = data
	} else if f.Body, err = json.Marshal(body); err != nil {
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
	f.ID = id
	if err := p.send(f); err != nil {
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
