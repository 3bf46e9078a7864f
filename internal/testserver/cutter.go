package testserver

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// Cutter is a proxy that cuts the connection over which a text is sent: before the server gets it, or before the client
// gets the answer.
type Cutter struct {
	listener net.Listener
	server   func() string
	text     []byte
	after    bool
	sprung   func() // instead of a cut
	cuts     atomic.Int32
}

// NewCutter starts one in front of the server at an address.
func NewCutter(t testing.TB, server, text string, after bool) *Cutter {
	t.Helper()
	return (&Cutter{server: func() string { return server }, text: []byte(text), after: after}).start(t)
}

// NewTrap starts a proxy that cuts nothing: it calls sprung when a text is sent for the first time, before the server gets
// it. Each connection leads to the server that is named when it is made.
func NewTrap(t testing.TB, text string, sprung func(), server func() string) *Cutter {
	t.Helper()
	return (&Cutter{server: server, text: []byte(text), sprung: sprung}).start(t)
}

func (c *Cutter) start(t testing.TB) *Cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.listener = l
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(client)
		}
	}()
	return c
}

// Address is where it listens.
func (c *Cutter) Address() string { return c.listener.Addr().String() }

// Cuts is how often the text was sent: 0 or 1.
func (c *Cutter) Cuts() int { return int(c.cuts.Load()) }

func (c *Cutter) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.server())
	if err != nil {
		return
	}
	defer server.Close()
	var cut atomic.Bool
	answers := make(chan struct{})
	go func() {
		defer close(answers)
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if cut.Load() {
				client.Close() // the answer to the last statement has come, and goes nowhere
				return
			}
			if n > 0 {
				if _, err := client.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				client.Close()
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 {
			found := bytes.Contains(buf[:n], c.text) && c.cuts.CompareAndSwap(0, 1)
			switch {
			case found && c.sprung != nil:
				c.sprung()
			case found && !c.after:
				return
			case found:
				cut.Store(true)
			}
			if _, err := io.Copy(server, bytes.NewReader(buf[:n])); err != nil {
				return
			}
		}
		if err != nil {
			server.Close()
			<-answers
			return
		}
	}
}
