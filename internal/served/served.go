// Package served starts `spark serve` as a process of its own and talks to it as the owner's program does, for tests
// and measurements.
package served

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"

	"github.com/gorilla/websocket"
)

// Client talks to a server.
type Client struct {
	Base string // http://127.0.0.1:PORT
	Key  string // the owner's
}

// Server is a running `spark serve`.
type Server struct {
	Client
	cmd *exec.Cmd
	log *bytes.Buffer // what it wrote to standard error; read when it has ended
}

var printedAddress = regexp.MustCompile(`(http://[^/\s]+)/login\?key=(\S+)`)

// Start starts cmd, which is to be a `spark serve`, and waits until it has printed its address. One that ends without
// is an error with what it said.
func Start(cmd *exec.Cmd) (*Server, error) {
	s := &Server{cmd: cmd, log: &bytes.Buffer{}}
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := printedAddress.FindStringSubmatch(lines.Text()); m != nil {
			s.Base, s.Key = m[1], m[2]
			go func() { _, _ = io.Copy(io.Discard, out) }() // what it goes on to say
			return s, nil
		}
	}
	s.Kill()
	return nil, fmt.Errorf("the server printed no address: %s\n%s", cmd.ProcessState, s.log)
}

// PID of the server.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Log is what the server wrote to standard error. It is whole when the server has ended, and not to be asked for before.
func (s *Server) Log() string { return s.log.String() }

// Stop asks the server to end and waits until it has. One that ends with an error is an error with what it said.
func (s *Server) Stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("the server ended with %w\n%s", err, s.log)
	}
	return nil
}

// Kill ends the server without asking, and waits. It may be called again.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Login is the address that makes a browser the owner's.
func (c Client) Login() string { return c.Base + "/login?key=" + c.Key }

// Call makes a request and decodes the answer; body and answer may be nil.
func (c Client) Call(ctx context.Context, method, path string, body, answer any) error {
	var sent io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		sent = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, sent)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s", res.Status, b)
	}
	if err == nil && answer != nil {
		err = json.Unmarshal(b, answer)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// Watch opens the WebSocket of a run.
func (c Client) Watch(ctx context.Context, run string) (*websocket.Conn, error) {
	address := strings.Replace(c.Base, "http", "ws", 1) + "/api/v1/runs/" + run + "/events"
	conn, _, err := websocket.DefaultDialer.DialContext(ctx, address, http.Header{"Authorization": {"Bearer " + c.Key}})
	if err != nil {
		return nil, fmt.Errorf("watch run %s: %w", run, err)
	}
	return conn, nil
}
