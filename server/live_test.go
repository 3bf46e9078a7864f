package server

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"spark/flows"
	"spark/server/api"
)

// TestViewerOfARun: a snapshot, deltas without gaps for who came first and who comes later, the end, and the close.
func TestViewerOfARun(t *testing.T) {
	live(t, func(s *stage) {
		s.run.set(1)
		first := s.join()
		first.expect(api.LiveSnapshot, 0, 1)
		for i := range int64(3) {
			s.run.set(i + 2)
			first.expect(api.LiveDelta, i+1, i+2)
		}
		second := s.join()
		second.expect(api.LiveSnapshot, 3, 4)
		s.run.set(5)
		first.expect(api.LiveDelta, 4, 5)
		second.expect(api.LiveDelta, 4, 5)
		if open, ever := s.run.counts(); open != 1 || ever != 1 || s.viewers() != 2 {
			t.Errorf("%d subscriptions of %d, %v viewers", open, ever, s.viewers())
		}
		s.run.end(6)
		for _, v := range []*fakeViewer{first, second} {
			v.expect(api.LiveDelta, 5, 6)
			v.expectClose(websocket.CloseNormalClosure)
		}
		time.Sleep(pace)
		synctest.Wait()
		if open, _ := s.run.counts(); open != 0 || s.viewers() != 0 {
			t.Errorf("after the end there are %d subscriptions and %v viewers", open, s.viewers())
		}
		late := s.join()
		late.expect(api.LiveSnapshot, 0, 6)
		late.expectClose(websocket.CloseNormalClosure)
	})
}

// TestChangesAreBundled: however often a run changes, a viewer gets one message in 100 ms, and the last state.
func TestChangesAreBundled(t *testing.T) {
	live(t, func(s *stage) {
		v := s.join()
		v.expect(api.LiveSnapshot, 0, 0)
		go func() {
			for i := range int64(1000) { // in one second
				time.Sleep(time.Millisecond)
				s.run.set(i + 1)
			}
		}()
		began := time.Now()
		n := v.follow(1000)
		if took := time.Since(began); n > 12 || took > 1200*time.Millisecond {
			t.Errorf("%d messages in %s", n, took)
		}
	})
}

// TestSlowViewer: who reads too slowly misses messages, is told so by a snapshot, and never sees an old state after a
// newer one. Who reads misses nothing meanwhile.
func TestSlowViewer(t *testing.T) {
	live(t, func(s *stage) {
		const last = 40
		quick, slow := s.join(), s.join()
		quick.expect(api.LiveSnapshot, 0, 0)
		slow.expect(api.LiveSnapshot, 0, 0)
		for i := range int64(last) { // 4 s
			s.run.set(i + 1)
			quick.expect(api.LiveDelta, i+1, i+1)
			time.Sleep(pace)
		}
		var seq, value int64
		for n := 1; value < last; n++ {
			m, code := slow.next()
			gap := m.Kind == api.LiveDelta && m.Seq != seq+1
			if code != 0 || gap || m.Run.Written < value || n > queueSize+2 {
				t.Fatalf("message %d: closed with %d, %+v after number %d with %d", n, code, m, seq, value)
			}
			seq, value = m.Seq, m.Run.Written
		}
		s.run.set(last + 1)
		quick.expect(api.LiveDelta, last+1, last+1)
		slow.expect(api.LiveDelta, last+1, last+1)
		if s.dropped("stalled") != 0 || s.viewers() != 2 {
			t.Errorf("%v dropped, %v viewers", s.dropped("stalled"), s.viewers())
		}
	})
}

// TestStalledViewersAreDropped: who takes nothing is out within 10 s and counted; the others lose nothing.
func TestStalledViewersAreDropped(t *testing.T) {
	live(t, func(s *stage) {
		const viewers, stalled, last = 100, 20, 100
		for range stalled {
			s.join()
		}
		var wg sync.WaitGroup
		for range viewers {
			v := s.join()
			v.expect(api.LiveSnapshot, 0, 0)
			wg.Go(func() { v.follow(last) })
		}
		for i := range int64(last) { // 10 s
			s.run.set(i + 1)
			time.Sleep(pace)
		}
		wg.Wait()
		if s.dropped("stalled") != stalled || s.viewers() != viewers {
			t.Errorf("%v dropped, %v viewers are left", s.dropped("stalled"), s.viewers())
		}
	})
}

// TestSilentViewer: who neither reads nor answers a ping is let go, even if nothing happens in the run.
func TestSilentViewer(t *testing.T) {
	live(t, func(s *stage) {
		s.join().expect(api.LiveSnapshot, 0, 0)
		alive := s.join()
		alive.expect(api.LiveSnapshot, 0, 0)
		done := make(chan struct{})
		go func() {
			defer close(done)
			alive.expect(api.LiveDelta, 1, 1) // answers pings until then
		}()
		time.Sleep(10 * time.Minute)
		if s.viewers() != 1 {
			t.Errorf("%v viewers", s.viewers())
		}
		s.run.set(1)
		<-done
	})
}

// TestAskForSnapshot: the answer is the state as it is, and numbers go on from it.
func TestAskForSnapshot(t *testing.T) {
	live(t, func(s *stage) {
		v := s.join()
		v.expect(api.LiveSnapshot, 0, 0)
		s.run.set(1)
		v.expect(api.LiveDelta, 1, 1)
		if err := v.say(`{"kind":"snapshot"}`); err != nil {
			t.Fatal(err)
		}
		v.expect(api.LiveSnapshot, 1, 1)
		s.run.set(2)
		v.expect(api.LiveDelta, 2, 2)
	})
}

// TestUnwantedClients: what no editor sends closes the socket, counted, and nobody else notices.
func TestUnwantedClients(t *testing.T) {
	for name, test := range map[string]struct {
		send func(v *fakeViewer) error // again and again until it fails
		code int
	}{
		"asks without end":  {func(v *fakeViewer) error { return v.say(`{"kind":"snapshot"}`) }, websocket.ClosePolicyViolation},
		"pings without end": {func(v *fakeViewer) error { return v.WriteControl(websocket.PingMessage, nil, time.Time{}) }, websocket.ClosePolicyViolation},
		"asks something":    {func(v *fakeViewer) error { return v.say(`{"kind":"delta"}`) }, websocket.ClosePolicyViolation},
		"says more":         {func(v *fakeViewer) error { return v.say(`{"kind":"snapshot","seq":1}`) }, websocket.ClosePolicyViolation},
		"is no JSON":        {func(v *fakeViewer) error { return v.say(`snapshot`) }, websocket.ClosePolicyViolation},
		"sends bytes": {func(v *fakeViewer) error {
			return v.WriteMessage(websocket.BinaryMessage, []byte(`{"kind":"snapshot"}`))
		}, websocket.ClosePolicyViolation},
		"sends a long text":  {func(v *fakeViewer) error { return v.say(strings.Repeat(" ", maxAsk) + `{"kind":"snapshot"}`) }, websocket.CloseMessageTooBig},
		"is no valid UTF-8":  {func(v *fakeViewer) error { return v.say("{\"kind\":\"\xff\"}") }, websocket.ClosePolicyViolation},
		"breaks the framing": {func(v *fakeViewer) error { _, err := v.NetConn().Write([]byte{0xff, 0xff}); return err }, websocket.CloseProtocolError},
	} {
		t.Run(name, func(t *testing.T) {
			live(t, func(s *stage) {
				other, bad := s.join(), s.join()
				other.expect(api.LiveSnapshot, 0, 0)
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					for test.send(bad) == nil {
					}
				}()
				code, messages := 0, 0
				for ; code == 0; messages++ {
					_, code = bad.next()
				}
				bad.Close()
				<-sent
				if code != test.code || messages > askRate+2 {
					t.Errorf("closed with %d after %d messages", code, messages)
				}
				synctest.Wait()
				s.run.set(1)
				other.expect(api.LiveDelta, 1, 1)
				if unwanted := test.code != websocket.CloseProtocolError; s.dropped("flooding") == 1 != unwanted || s.viewers() != 1 {
					t.Errorf("%v dropped, %v viewers", s.dropped("flooding"), s.viewers())
				}
			})
		})
	}
}

// TestReconnect: who comes back begins with a snapshot, whether others kept the room open or not. An empty room holds no
// subscription.
func TestReconnect(t *testing.T) {
	live(t, func(s *stage) {
		stays, leaves := s.join(), s.join()
		for _, v := range []*fakeViewer{stays, leaves} {
			v.expect(api.LiveSnapshot, 0, 0)
		}
		leaves.Close()
		s.run.set(1)
		stays.expect(api.LiveDelta, 1, 1)
		back := s.join()
		back.expect(api.LiveSnapshot, 1, 1)
		s.run.set(2)
		back.expect(api.LiveDelta, 2, 2)
		stays.expect(api.LiveDelta, 2, 2)

		back.Close()
		stays.Close()
		time.Sleep(time.Second)
		if open, ever := s.run.counts(); open != 0 || ever != 1 {
			t.Errorf("an empty room: %d subscriptions of %d", open, ever)
		}
		s.run.set(7)
		again := s.join()
		again.expect(api.LiveSnapshot, 0, 7)
		s.run.set(8)
		again.expect(api.LiveDelta, 1, 8)
	})
}

// TestRoomIsOpenedOnce: viewers that come while the first one still opens the room share it.
func TestRoomIsOpenedOnce(t *testing.T) {
	live(t, func(s *stage) {
		open, database := s.server.hub.open, make(chan struct{})
		s.server.hub.open = func(ctx context.Context, scope flows.Scope, id string) (watch, error) {
			<-database
			return open(ctx, scope, id)
		}
		s.run.set(1)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				v := s.join()
				v.expect(api.LiveSnapshot, 0, 1)
				v.expect(api.LiveDelta, 1, 2)
			})
		}
		synctest.Wait()
		close(database)
		synctest.Wait()
		if open, ever := s.run.counts(); open != 1 || ever != 5 {
			t.Errorf("%d subscriptions of %d", open, ever)
		}
		s.run.set(2)
		wg.Wait()
	})
}

// TestStop: a server that stops says so to its viewers, does not wait for one that reads nothing, and takes in nobody.
func TestStop(t *testing.T) {
	live(t, func(s *stage) {
		reads := s.join()
		reads.expect(api.LiveSnapshot, 0, 0)
		s.join() // reads nothing
		synctest.Wait()
		began := time.Now()
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			s.server.hub.close()
		}()
		reads.expectClose(websocket.CloseGoingAway)
		<-stopped
		if took := time.Since(began); took > 3*time.Second || s.viewers() != 0 {
			t.Errorf("stopped after %s with %v viewers", took, s.viewers())
		}
		s.refused(runID, http.StatusServiceUnavailable, "server.stopping")
		if open, _ := s.run.counts(); open != 0 {
			t.Errorf("%d subscriptions are left", open)
		}
	})
}

// TestNoSuchRun: the reason comes as an answer, because a browser sees nothing of a socket that was closed at once.
func TestNoSuchRun(t *testing.T) {
	live(t, func(s *stage) {
		s.refused("01a21187-1c7f-751f-8ecc-98d0d215a0c2", http.StatusNotFound, "run.not_found")
	})
}

// refused asks for a WebSocket and gets an answer instead.
func (s *stage) refused(id string, status int, code string) {
	s.t.Helper()
	c, res, err := s.dial(id)
	if err == nil {
		c.Close()
		s.t.Fatal("the socket was opened")
	}
	if res == nil {
		s.t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status || !strings.Contains(string(b), `"code":"`+code+`"`) {
		s.t.Errorf("%s: %s, %v", res.Status, b, err)
	}
}
