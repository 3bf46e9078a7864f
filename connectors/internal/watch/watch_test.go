package watch

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

const silence = 20 * time.Millisecond

// dialed is a connection to a peer that says nothing by itself, and how often was asked what the peer is doing.
func dialed(t *testing.T, answer func(n int32) State) (c *Conn, peer net.Conn, asked *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if c, err = Dial(t.Context(), "tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if peer, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); peer.Close() })
	asked = &atomic.Int32{}
	c.Start(silence, func(context.Context) State { return answer(asked.Add(1)) })
	return c, peer, asked
}

func TestServerWaitsForItsClient(t *testing.T) {
	t.Parallel()
	for _, s := range []State{Waiting, Unreachable} {
		c, _, asked := dialed(t, func(int32) State { return s })
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, ErrSilent) {
			t.Errorf("%d: %v", s, err)
		}
		if n := asked.Load(); int(n) != strikes[s] {
			t.Errorf("%d: it was asked %d times", s, n)
		}
	}
}

// TestServerWorks: one that works may take as long as it likes, also where it seemed to wait before.
func TestServerWorks(t *testing.T) {
	t.Parallel()
	enough := make(chan struct{})
	c, peer, _ := dialed(t, func(n int32) State {
		if n == 8 {
			close(enough)
		}
		return []State{Working, Waiting}[n%2]
	})
	go func() {
		<-enough
		_, _ = peer.Write([]byte{1})
	}()
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// TestNothingToAnswer: while a load sends nothing because its source is slow, no answer is waited for.
func TestNothingToAnswer(t *testing.T) {
	t.Parallel()
	c, _, asked := dialed(t, func(int32) State { return Waiting })
	c.Patient(true)
	ended := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		ended <- err
	}()
	select {
	case err := <-ended:
		t.Fatal(err)
	case <-time.After(10 * silence):
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
	c.Patient(false)
	if err := <-ended; !errors.Is(err, ErrSilent) {
		t.Error(err)
	}
}

// TestNothingIsTaken: writing to a peer that takes nothing ends, too.
func TestNothingIsTaken(t *testing.T) {
	t.Parallel()
	c, _, _ := dialed(t, func(int32) State { return Waiting })
	c.Patient(true)
	for b := make([]byte, 1<<20); ; {
		if _, err := c.Write(b); err != nil {
			if !errors.Is(err, ErrSilent) {
				t.Error(err)
			}
			return
		}
	}
}
