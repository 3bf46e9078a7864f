package server

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"spark/server/api"
)

const (
	stalled   = 5 * time.Second // a socket that takes nothing for so long is dropped
	pingEvery = 25 * time.Second
	pongWait  = 60 * time.Second
	maxAsk    = 4 << 10 // bytes of a message from a client
	askRate   = 10      // messages from a client in a second
)

// viewer is one WebSocket. Queue and behind are guarded by the lock of its room.
type viewer struct {
	conn   *websocket.Conn
	wake   chan struct{}
	queue  []*websocket.PreparedMessage
	behind bool // lost messages, or never had any: is sent a snapshot

	closeCode atomic.Int32 // why the reader ended; 0: the client went away
}

func newViewer(conn *websocket.Conn) *viewer {
	return &viewer{conn: conn, wake: make(chan struct{}, 1)}
}

func (v *viewer) signal() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// offer queues a message. A viewer that takes too few of them loses all and is sent a snapshot instead: the latest wins.
func (v *viewer) offer(m *websocket.PreparedMessage) {
	switch {
	case v.behind:
	case len(v.queue) >= queueSize:
		v.queue, v.behind = nil, true
	default:
		v.queue = append(v.queue, m)
	}
}

// The default check of origins is off because checkOrigin has looked at the request before.
var upgrader = websocket.Upgrader{ReadBufferSize: 1 << 10, WriteBufferSize: 4 << 10, WriteBufferPool: &sync.Pool{}, HandshakeTimeout: 10 * time.Second,
	CheckOrigin: func(*http.Request) bool { return true }}

func (s *Server) events(c *call) error {
	if !websocket.IsWebSocketUpgrade(c.Request()) {
		return mediaType("a WebSocket upgrade")
	}
	v := newViewer(nil)
	r, err := s.hub.join(c.Request().Context(), c.scope, c.Param("id"), v)
	if err != nil {
		return err
	}
	defer r.remove(v)
	conn, err := upgrader.Upgrade(c.Response(), c.Request(), nil)
	if err != nil {
		return nil // it has answered
	}
	v.conn = conn
	if !s.hub.begin() {
		return conn.Close()
	}
	defer s.hub.wg.Done()
	s.hub.serve(r, v)
	return nil
}

// begin counts a viewer among those that close waits for.
func (h *hub) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.wg.Add(1)
	}
	return !h.closed
}

// serve writes to a viewer until it, the run or the server ends.
func (h *hub) serve(r *room, v *viewer) {
	h.metrics.viewers.Inc()
	defer h.metrics.viewers.Dec()
	gone, stop := context.WithCancel(h.ctx)
	defer context.AfterFunc(h.ctx, func() { _ = v.conn.NetConn().SetWriteDeadline(time.Now().Add(time.Second)) })()
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer stop()
		v.read(r)
	}()
	code, text := h.write(gone, r, v)
	switch code {
	case websocket.CloseAbnormalClosure:
		h.metrics.dropped.WithLabelValues("stalled").Inc()
	case websocket.ClosePolicyViolation:
		h.metrics.dropped.WithLabelValues("flooding").Inc()
	}
	if text != "" {
		_ = v.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(time.Second))
	}
	if code == websocket.CloseNormalClosure { // the client closes, so that it has read everything
		select {
		case <-read:
		case <-time.After(time.Second):
		}
	}
	_ = v.conn.Close()
	<-read
}

// write sends messages and pings until there is a reason to close.
func (h *hub) write(gone context.Context, r *room, v *viewer) (code int, text string) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		m, last := r.next(v)
		switch {
		case m != nil:
			_ = v.conn.SetWriteDeadline(time.Now().Add(stalled))
			if v.conn.WritePreparedMessage(m) != nil {
				if gone.Err() != nil {
					return v.reason(h)
				}
				return websocket.CloseAbnormalClosure, "" // in the middle of a message; no reason can follow
			}
			h.metrics.messages.Inc()
			if gone.Err() == nil {
				continue
			}
		case last:
			return websocket.CloseNormalClosure, "the run has ended"
		}
		select {
		case <-gone.Done():
			return v.reason(h)
		case <-v.wake:
		case <-ping.C:
			_ = v.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(stalled))
		}
	}
}

// reason is why the reader or the server ended.
func (v *viewer) reason(h *hub) (code int, text string) {
	if h.ctx.Err() != nil {
		return websocket.CloseGoingAway, "Spark is stopping"
	}
	if code := int(v.closeCode.Load()); code != 0 {
		return code, "only snapshots may be asked for, and not so often"
	}
	return websocket.CloseNoStatusReceived, ""
}

// read takes what the client sends: hardly anything is allowed.
func (v *viewer) read(r *room) {
	v.conn.SetReadLimit(maxAsk)
	_ = v.conn.SetReadDeadline(time.Now().Add(pongWait))
	v.conn.SetPongHandler(func(string) error { return v.conn.SetReadDeadline(time.Now().Add(pongWait)) })
	var since time.Time
	var n int
	often := func() bool {
		if now := time.Now(); now.Sub(since) >= time.Second {
			since, n = now, 0
		}
		n++
		return n > askRate
	}
	v.conn.SetPingHandler(func(text string) error {
		if often() {
			return websocket.ErrReadLimit
		}
		_ = v.conn.WriteControl(websocket.PongMessage, []byte(text), time.Now().Add(time.Second))
		return nil
	})
	for {
		kind, b, err := v.conn.ReadMessage()
		if err == websocket.ErrReadLimit {
			v.closeCode.Store(websocket.ClosePolicyViolation)
		}
		if err != nil {
			return
		}
		var ask api.Ask
		if often() || kind != websocket.TextMessage || api.Decode(b, &ask) != nil || ask.Kind != api.LiveSnapshot {
			v.closeCode.Store(websocket.ClosePolicyViolation)
			return
		}
		r.again(v)
	}
}
