// Package watch notices that a connection leads nowhere any more although nobody has closed it: the network drops what is
// sent, and each end waits for the other. How long a statement takes says nothing, so the server is asked over another
// connection: one that waits for its client, while the client waits for it, will never answer.
package watch

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ErrSilent is what reading and writing end with when the connection was given up.
var ErrSilent = errors.New("no answer comes, and the server does not work on one")

// State is what a server says of one of its connections.
type State int

// States.
const (
	Working     State = iota // on a statement, or it does not say
	Waiting                  // for its client, or the connection is unknown to it
	Unreachable              // no new connection gets an answer
)

// The connection is given up when as many answers in a row say the same: the last bytes may just be on their way.
var strikes = map[State]int{Waiting: 2, Unreachable: 3}

// keepAlive finds a peer that has gone within about two minutes, also while nothing is waited for.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 8}

// Conn is a connection that is watched from Start on.
type Conn struct {
	net.Conn
	from             *bufio.Reader // drivers ask for a few KB at a time, and get what has arrived
	reading, writing atomic.Int64  // when it began, in ns since the start of the clock; 0: not now
	patient          atomic.Bool
	silent           atomic.Bool
	once             sync.Once
	closed           chan struct{}
}

var clock = time.Now()

func now() int64 { return int64(time.Since(clock)) + 1 }

// Dial connects to an address.
func Dial(ctx context.Context, network, address string) (*Conn, error) {
	d := net.Dialer{KeepAliveConfig: keepAlive}
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w := &Conn{Conn: c, closed: make(chan struct{})}
	w.from = bufio.NewReaderSize(reader{w}, readBytes)
	return w, nil
}

// readBytes are read at once.
const readBytes = 64 << 10

// askTime is how long one answer to the question what the server is doing may take.
const askTime = 10 * time.Second

// Start begins to watch: where reading or writing takes longer than silence, ask finds out what the server is doing.
func (c *Conn) Start(silence time.Duration, ask func(context.Context) State) {
	go func() {
		tick := time.NewTicker(silence / 4)
		defer tick.Stop()
		var began int64 // of what is waited for
		last, same := Working, 0
		for {
			select {
			case <-c.closed:
				return
			case <-tick.C:
			}
			since := c.since()
			if since == 0 || now()-since < int64(silence) {
				began = 0
				continue
			}
			state := c.ask(ask)
			if since != c.since() || state == Working { // it moves
				began = 0
				continue
			}
			if since != began || state != last {
				began, last, same = since, state, 0
			}
			if same++; same >= strikes[state] {
				c.silent.Store(true)
				_ = c.Close()
				return
			}
		}
	}()
}

// ask has an end, also when the connection is closed meanwhile.
func (c *Conn) ask(ask func(context.Context) State) State {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	go func() {
		select {
		case <-c.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ask(ctx)
}

// since is when the operation began that has not ended yet; 0: there is none.
func (c *Conn) since() int64 {
	if w := c.writing.Load(); w != 0 {
		return w
	}
	if c.patient.Load() {
		return 0
	}
	return c.reading.Load()
}

// Patient says whether reading may take as long as it likes, because the server has nothing to answer yet.
func (c *Conn) Patient(yes bool) {
	c.patient.Store(yes)
	if began := c.reading.Load(); !yes && began != 0 {
		c.reading.CompareAndSwap(began, now()) // the wait for an answer begins here
	}
}

// Read reads what has arrived, or waits.
func (c *Conn) Read(b []byte) (int, error) { return c.from.Read(b) }

// reader reads from the system; what arrives ends the silence.
type reader struct{ *Conn }

func (r reader) Read(b []byte) (int, error) {
	r.reading.Store(now())
	n, err := r.Conn.Conn.Read(b)
	r.reading.Store(0)
	return n, r.why(err)
}

// Write writes.
func (c *Conn) Write(b []byte) (int, error) {
	c.writing.Store(now())
	n, err := c.Conn.Write(b)
	c.writing.Store(0)
	return n, c.why(err)
}

func (c *Conn) why(err error) error {
	if err != nil && c.silent.Load() {
		return ErrSilent
	}
	return err
}

// Close closes the connection and ends the watch.
func (c *Conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
