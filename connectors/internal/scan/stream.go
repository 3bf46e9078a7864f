// Package scan reads files in blocks of whole records: opened through the data folders, decompressed and decoded to
// UTF-8, and worked on by many goroutines while their order is kept.
package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"

	"spark/flows"
)

// Raw is a file as the data folders give it.
type Raw interface {
	io.ReadCloser
	Size() int64
}

// Stream is the text of one file: UTF-8 without a byte order mark.
type Stream struct {
	Name  string
	raw   *counted
	ahead *readAhead
	text  io.Reader
}

// Open starts reading f, whose name decides about decompression, in an encoding. done counts the raw octets read.
func Open(ctx context.Context, f Raw, name, encoding string, done *atomic.Int64) (*Stream, error) {
	s := &Stream{Name: name, raw: &counted{f: f, left: f.Size(), done: done}}
	var r io.Reader = s.raw
	if Compressed(name) {
		s.ahead = newReadAhead(ctx, func() (io.Reader, error) { return gzip.NewReader(s.raw) })
		r = s.ahead
	}
	text, err := decoded(r, encoding)
	if err != nil {
		_ = s.Close()
		return nil, s.explain(err)
	}
	s.text = text
	return s, nil
}

// Compressed reports whether a file is decompressed on reading.
func Compressed(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".gz") }

// Read reads text. Its errors are *flows.Error with the file's name.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.text.Read(p)
	if err != nil && err != io.EOF {
		err = s.explain(err)
	}
	return n, err
}

// Close ends the reading and closes the file.
func (s *Stream) Close() error {
	if s.ahead != nil {
		s.ahead.stop()
	}
	return s.raw.f.Close()
}

func (s *Stream) explain(err error) error {
	at := flows.Path{File: s.Name}
	if e, ok := errors.AsType[*flows.Error](err); ok {
		return e.At(at)
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, errShrunk):
		return Changed(s.Name)
	case Compressed(s.Name) && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)):
		return &flows.Error{Code: "file.truncated", Path: at, Cause: err,
			Message: "the compressed file ends in the middle: it is truncated", Suggestion: "get a complete copy of the file"}
	case errors.Is(err, gzip.ErrChecksum):
		return &flows.Error{Code: "file.checksum", Path: at, Cause: err,
			Message: "the checksum of the compressed file is wrong: its content was damaged", Suggestion: "get a new copy of the file"}
	case Compressed(s.Name):
		return &flows.Error{Code: "file.gzip", Path: at, Cause: err,
			Message: fmt.Sprintf("the file is not valid gzip: %v", err), Suggestion: "remove .gz from its name if it is not compressed, or get a new copy"}
	}
	return &flows.Error{Code: "file.read", Path: at, Cause: err, Message: fmt.Sprintf("the file cannot be read: %v", err)}
}

// Changed is the error for a file that is not what it was when the reading began.
func Changed(name string) *flows.Error {
	return &flows.Error{Code: "file.changed", Path: flows.Path{File: name},
		Message: "the file was changed while it was being read", Suggestion: "start again when nothing writes to it any more"}
}

var errShrunk = errors.New("file became shorter")

// counted reads exactly the octets that the file had when it was opened.
type counted struct {
	f    io.ReadCloser
	left int64
	done *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.f.Read(p)
	c.left -= int64(n)
	if c.done != nil {
		c.done.Add(int64(n))
	}
	if err == io.EOF && c.left > 0 {
		err = errShrunk
	}
	return n, err
}

// readAhead decompresses in its own goroutine.
type readAhead struct {
	full   chan chunk
	empty  chan []byte
	cancel context.CancelFunc
	cur    chunk
	at     int
	ended  chan struct{}
}

type chunk struct {
	data []byte
	err  error
}

func newReadAhead(ctx context.Context, open func() (io.Reader, error)) *readAhead {
	ctx, cancel := context.WithCancel(ctx)
	a := &readAhead{full: make(chan chunk, 3), empty: make(chan []byte, 4), cancel: cancel, ended: make(chan struct{})}
	for range cap(a.empty) {
		a.empty <- make([]byte, 512<<10)
	}
	go a.run(ctx, open)
	return a
}

func (a *readAhead) run(ctx context.Context, open func() (io.Reader, error)) {
	defer close(a.ended)
	defer close(a.full)
	r, err := open()
	if err == io.EOF { // not even a header
		err = io.ErrUnexpectedEOF
	}
	for {
		var buf []byte
		select {
		case buf = <-a.empty:
		case <-ctx.Done():
			return
		}
		n := 0
		for err == nil && n < len(buf) {
			var m int
			m, err = r.Read(buf[n:])
			n += m
		}
		select {
		case a.full <- chunk{buf[:n], err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func (a *readAhead) Read(p []byte) (int, error) {
	for a.at == len(a.cur.data) {
		if a.cur.err != nil {
			return 0, a.cur.err
		}
		if a.cur.data != nil {
			a.empty <- a.cur.data[:cap(a.cur.data)]
		}
		next, ok := <-a.full
		if !ok {
			return 0, context.Canceled
		}
		a.cur, a.at = next, 0
	}
	n := copy(p, a.cur.data[a.at:])
	a.at += n
	return n, nil
}

func (a *readAhead) stop() {
	a.cancel()
	<-a.ended
}
