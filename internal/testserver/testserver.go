// Package testserver starts real servers for tests, one per test binary, on loopback ports below the ephemeral range.
// A test that needs one is skipped with the reason where the server is not installed, and fails where CI=true.
package testserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
)

// Main runs the tests and stops the servers they started. Call it from TestMain:
//
//	func TestMain(m *testing.M) { testserver.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if err := stopAll(); err != nil {
		fmt.Fprintln(os.Stderr, "testserver:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

var running struct {
	sync.Mutex
	stops []func() error
}

func atEnd(stop func() error) {
	running.Lock()
	defer running.Unlock()
	running.stops = append(running.stops, stop)
}

// Stop ends the servers that were started.
func Stop() error { return stopAll() }

func stopAll() error {
	running.Lock()
	defer running.Unlock()
	var errs []error
	for _, stop := range running.stops {
		errs = append(errs, stop())
	}
	running.stops = nil
	return errors.Join(errs...)
}

// missing skips the test, or fails it in CI, where every server is to be there.
func missing(t testing.TB, server string, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s cannot be started: %v", server, err)
	}
	t.Skipf("%s cannot be started: %v", server, err)
}

// reserved holds the ports that freePort gave to this process.
var reserved struct {
	sync.Mutex
	by []net.PacketConn
}

// freePort returns a loopback port that nobody listens on and that freePort gives to no other process while this one
// lives, so that a server finds it free again after a restart: the same number is held as a port of UDP. Outgoing
// connections never take one below 32768.
func freePort() (int, error) {
	var last error
	for range 100 {
		port := 20000 + rand.IntN(12000)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		hold, err := net.ListenPacket("udp", address)
		if err != nil {
			last = err
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			_ = hold.Close()
			last = err
			continue
		}
		reserved.Lock()
		reserved.by = append(reserved.by, hold)
		reserved.Unlock()
		return port, l.Close()
	}
	return 0, fmt.Errorf("no free port: %w", last)
}
