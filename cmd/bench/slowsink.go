package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"time"
)

const (
	slowRate = 5 << 20          // bytes a second that the slow target takes
	slowTime = 20 * time.Second // after which it takes all it is given
)

// slowSink is the largest memory of a run, parent and child together, whose source is four times the goal and whose
// target takes little of it for a while: what is not taken must stay in the source.
func slowSink(ctx context.Context, b *Bench) (v float64, _ *float64, err error) {
	d, err := openDatabase()
	if err != nil {
		return 0, nil, err
	}
	u, err := url.Parse(d.url)
	if err != nil {
		return 0, nil, err
	}
	proxy, err := throttle(u.Host)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, proxy.stop()) }()
	u.Host = proxy.Addr().String()
	slow := d
	slow.url = u.String()
	from, err := ordersFile()
	if err != nil {
		return 0, nil, err
	}
	dir, err := slow.prepare(ctx, b, full, "slowsink", from, map[string]any{"id": "to", "type": "database.output", "version": 1, "config": map[string]any{"connection": "bench", "table": "ours", "mode": "truncate"}})
	if err != nil {
		return 0, nil, err
	}
	time.AfterFunc(slowTime, proxy.release)
	used, err := b.TimeCommand(ctx, b.Spark, "run", dir+"/slowsink.json", "--folder", dir, "--connections", slow.connections)
	if err == nil && used.Wall < slowTime {
		err = fmt.Errorf("the target was not slow: the run took %v", used.Wall)
	}
	return float64(used.PeakRSS) / (1 << 20), nil, errors.Join(err, d.psql(ctx, "TRUNCATE ours"))
}

// throttled hands on what it is sent, slowly until it is released, and what comes back at once.
type throttled struct {
	net.Listener
	server string
	free   chan struct{}
	once   sync.Once
	conns  sync.WaitGroup
}

func throttle(server string) (*throttled, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &throttled{Listener: l, server: server, free: make(chan struct{})}
	t.conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.conns.Go(func() { t.pass(c) })
		}
	})
	return t, nil
}

func (t *throttled) release() { t.once.Do(func() { close(t.free) }) }

func (t *throttled) stop() error {
	t.release()
	err := t.Close()
	t.conns.Wait()
	return err
}

func (t *throttled) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", t.server)
	if err != nil {
		return // the client sees that it is cut off
	}
	defer server.Close()
	t.conns.Go(func() {
		_, _ = io.Copy(client, server)
		client.Close()
	})
	buffer := make([]byte, 32<<10)
	for {
		n, err := client.Read(buffer)
		if _, writeErr := server.Write(buffer[:n]); err != nil || writeErr != nil {
			return
		}
		select {
		case <-t.free:
		case <-time.After(time.Duration(n) * time.Second / slowRate):
		}
	}
}
