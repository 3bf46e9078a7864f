package scan

import (
	"bytes"
	"fmt"
	"io"

	"spark/flows"
)

// Sizes of blocks and records.
const (
	BlockSize   = 1 << 20
	RecordLimit = 64 << 20
	// Slack is how far a block's memory goes on behind its data, so that wide loads need no check.
	Slack = 128
)

// Boundary finds where records end.
type Boundary interface {
	// Reset says that the next Feed begins at the start of a record.
	Reset()
	// Feed looks at b[from:], which follows what it has seen of b, and returns the end of the last whole record in b,
	// or -1 while there is none.
	Feed(b []byte, from int) int
}

// Block is a piece of a file that begins with a record. Exactly one of Last, TooLong and Err is set in the last one;
// the others end with a record.
type Block struct {
	Data    []byte // its capacity goes on for Slack octets at least
	Last    bool   // the file ends here
	TooLong bool   // the record that Data ends within is longer than RecordLimit
	Err     error  // the reading failed after Data
}

// End reports whether no block follows.
func (b *Block) End() bool { return b.Last || b.TooLong || b.Err != nil }

// Blocks cuts a text into blocks.
type Blocks struct {
	R        io.Reader
	Size     int // of a block; 0 means BlockSize
	Limit    int // of a record; 0 means RecordLimit
	Boundary Boundary
	Buffers  *Buffers
	rest     []byte // read and not yet handed out
	err      error
}

// SkipLines passes over n lines and returns how many there were.
func (s *Blocks) SkipLines(n int) (int, error) {
	skipped := 0
	for skipped < n {
		for i, c := range s.rest {
			if c == '\n' {
				if skipped++; skipped == n {
					s.rest = s.rest[i+1:]
					return n, nil
				}
			}
		}
		s.rest = make([]byte, 64<<10)
		m, err := s.R.Read(s.rest)
		s.rest = s.rest[:m]
		if err == io.EOF && m == 0 {
			return skipped, nil
		} else if err != nil && err != io.EOF {
			return skipped, err
		}
	}
	return skipped, nil
}

// Begin passes over white space and returns the octet behind it, 0 at the end, and how many lines that took.
func (s *Blocks) Begin() (c byte, lines int, err error) {
	for {
		for i, c := range s.rest {
			switch c {
			case '\n':
				lines++
			case ' ', '\t', '\r':
			default:
				s.rest = s.rest[i:]
				return c, lines, nil
			}
		}
		s.rest = make([]byte, 64<<10)
		m, err := s.R.Read(s.rest)
		s.rest = s.rest[:m]
		if err == io.EOF && m == 0 {
			return 0, lines, nil
		} else if err != nil && err != io.EOF {
			return 0, lines, err
		}
	}
}

// Drop passes over octets that Begin has seen.
func (s *Blocks) Drop(n int) { s.rest = s.rest[n:] }

// Next returns the next block.
func (s *Blocks) Next() Block {
	size, limit := s.Size, s.Limit
	if size <= 0 {
		size = BlockSize
	}
	if limit <= 0 {
		limit = RecordLimit
	}
	s.Boundary.Reset()
	size = min(max(size, len(s.rest)), limit+1)
	if size < len(s.rest) { // only where a record limit is smaller than a block
		size = len(s.rest)
	}
	buf := s.Buffers.Get(size)
	n := copy(buf, s.rest)
	s.rest = nil
	seen := 0
	for {
		n = s.fill(buf, n)
		end := s.Boundary.Feed(buf[:n], seen)
		seen = n
		switch {
		case end <= 0 && n > limit:
			return Block{Data: buf[:n], TooLong: true}
		case s.err == io.EOF:
			return Block{Data: buf[:n], Last: true}
		case s.err != nil:
			return Block{Data: buf[:n], Err: s.err}
		case end > 0:
			s.rest = append([]byte(nil), buf[end:n]...)
			return Block{Data: buf[:end]}
		}
		bigger := s.Buffers.Get(min(2*len(buf), limit+1))
		copy(bigger, buf[:n])
		s.Buffers.Put(buf)
		buf = bigger
	}
}

func (s *Blocks) fill(buf []byte, n int) int {
	for n < len(buf) && s.err == nil {
		var m int
		m, s.err = s.R.Read(buf[n:])
		n += m
	}
	return n
}

// TooLong is the error for a record of more than limit octets.
func TooLong(code string, at flows.Path, limit int) *flows.Error {
	return &flows.Error{Code: code, Path: at, Params: flows.Params{"limit": limit},
		Message:    fmt.Sprintf("a record is longer than %d MiB, which is the most that a record may have", limit>>20),
		Suggestion: "check the delimiter, the quote and the line ends: a quote that is not closed makes the rest of a file one record"}
}

// Buffers keeps the memory of blocks for the next ones.
type Buffers struct {
	free chan []byte
}

// NewBuffers keeps at most n of them.
func NewBuffers(n int) *Buffers { return &Buffers{free: make(chan []byte, n)} }

// Get returns a buffer with room for size octets and the slack.
func (p *Buffers) Get(size int) []byte {
	select {
	case b := <-p.free:
		if cap(b) >= size+Slack {
			return b[:size]
		}
	default:
	}
	return make([]byte, size+Slack)[:size]
}

// Put gives a buffer back. Unusually long ones are left to the garbage collector.
func (p *Buffers) Put(b []byte) {
	if cap(b) > 4*BlockSize {
		return
	}
	select {
	case p.free <- b:
	default:
	}
}

// Lines is the boundary of records that are lines.
type Lines struct{}

// Reset does nothing: a line end is one wherever it stands.
func (Lines) Reset() {}

// Feed finds the last line end.
func (Lines) Feed(b []byte, from int) int {
	if n := bytes.LastIndexByte(b[from:], '\n'); n >= 0 {
		return from + n + 1
	}
	return -1
}
