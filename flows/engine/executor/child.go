package executor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"spark/flows"
)

// Options of a child process.
type Options struct {
	Command []string // program and arguments of the guest
	// MaxRSS ends the child when its resident memory passes it, in bytes; 0: no limit.
	MaxRSS int64
	Env    []string // nil: a minimal environment
	// Setup is handed to Tools.Setup of the guest, as JSON: what must stand neither in arguments nor in an environment.
	Setup any
}

// rssInterval is how often the child's memory is looked at.
const rssInterval = 50 * time.Millisecond

// cancelGrace is how long a cancelled child may take to answer. One that is ended instead has written nothing, and whoever
// started it removes its files: on a busy machine that is sooner over than its own good end.
const cancelGrace = 100 * time.Millisecond

// othersGrace is how long a child may take instead while it answers others too, who would have to ask again.
const othersGrace = 2 * time.Second

// Start starts a child and greets it.
func Start(ctx context.Context, o Options) (*Host, error) {
	h := &Host{stderr: &head{}, exited: make(chan struct{})}
	h.cmd = exec.Command(o.Command[0], o.Command[1:]...)
	h.cmd.Stderr = h.stderr
	h.cmd.Env = o.Env
	if o.Env == nil {
		h.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "LANG=C.UTF-8"}
	}
	// Its own process group: Ctrl-C is the host's to handle. The kernel ends it with its parent's thread.
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stdin, err := h.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("executor: %w", err)
	}
	stdout, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("executor: %w", err)
	}
	widen(stdout)
	h.stdin = stdin
	h.peer = newPeer(stdout, stdin, h.handle)
	h.peer.room = new([]byte)
	started := make(chan error)
	go func() {
		// Pdeathsig watches the thread that forked, so that thread must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := h.cmd.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		if err := h.peer.serve(); !errors.Is(err, io.EOF) { // the child closes its output at its end
			_ = h.cmd.Process.Kill() // nobody reads what it goes on to say
		}
		h.state = h.cmd.Wait()
		close(h.exited)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("executor: %w", err)
	}
	go h.watch(o.MaxRSS)
	hello := helloBody{Version: ProtocolVersion}
	if o.Setup != nil {
		if hello.Setup, err = json.Marshal(o.Setup); err != nil {
			h.Kill()
			return nil, fmt.Errorf("executor: %w", err)
		}
	}
	if err := h.call(ctx, methodHello, hello, nil); err != nil {
		h.Kill()
		return nil, fmt.Errorf("executor: %w", err)
	}
	return h, nil
}

// widen gives a pipe the room of a batch of rejects: with the usual 64 KB both sides wait for each other sixteen times for
// each. Where the kernel does not grant it, the pipe works as it is.
func widen(pipe io.Reader) {
	f, ok := pipe.(syscall.Conn)
	if !ok {
		return
	}
	if c, err := f.SyscallConn(); err == nil {
		_ = c.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, rejectBatchBytes) })
	}
}

// PID of the child.
func (h *Host) PID() int { return h.cmd.Process.Pid }

// insist ends a child that does not answer its cancellation: it may hang where nothing can interrupt it. One that has
// been allowed to commit is left to finish.
func (h *Host) insist(answered <-chan struct{}) {
	t := time.NewTicker(cancelGrace)
	defer t.Stop()
	for asked := time.Now(); ; {
		select {
		case <-answered:
			return
		case <-h.exited:
			return
		case <-t.C:
		}
		h.mu.Lock()
		granted, others := h.granted, h.asking > 1
		end := !granted && (!others || time.Since(asked) > othersGrace)
		h.gaveUp = h.gaveUp || end
		h.mu.Unlock()
		if end {
			h.Kill()
		}
		if end || granted {
			return
		}
	}
}

// death describes the end of a child to one who has asked it.
func (h *Host) death(ctx context.Context) error {
	h.mu.Lock()
	rss, granted, gaveUp := h.overRSS, h.granted, h.gaveUp
	h.mu.Unlock()
	if gaveUp && ctx.Err() != nil {
		return &flows.Error{Code: "run.cancelled", Params: flows.Params{"killed": true}, Message: "the run was cancelled", Suggestion: "nothing was written"}
	}
	if gaveUp {
		return &flows.Error{Code: "executor.interrupted", Message: "the process that was asked was ended because of another question, which did not let itself be cancelled", Suggestion: "ask again"}
	}
	if rss > 0 && !granted {
		return &flows.Error{Code: "memory.limit", Params: flows.Params{"bytes": rss},
			Message:    fmt.Sprintf("the run was ended because its process used %d MB of memory", rss>>20),
			Suggestion: "raise --memory, and the memory in the flow's settings where it has one, or filter and aggregate earlier; nothing was written"}
	}
	how := "it exited"
	if ee, ok := errors.AsType[*exec.ExitError](h.state); ok {
		how = ee.ProcessState.String()
	}
	e := &flows.Error{Code: "executor.died", Message: "the process that executed the run ended unexpectedly: " + how,
		Suggestion: "nothing was committed; run again. If it happens again, report it with the flow", Cause: h.state}
	if granted {
		e.Code, e.Message = "commit.unknown", "the process that executed the run ended while it committed: "+how
		e.Suggestion = "some outputs may be new and others old; run again: that writes all of them"
	}
	if s := h.stderr.String(); s != "" {
		e.Message += " (" + s + ")"
	}
	return e
}

// watch ends the child when it grows beyond max.
func (h *Host) watch(max int64) {
	if max <= 0 {
		return
	}
	t := time.NewTicker(rssInterval)
	defer t.Stop()
	for {
		select {
		case <-h.exited:
			return
		case <-t.C:
			if rss := residentBytes(h.PID()); rss > max {
				h.mu.Lock()
				granted := h.granted
				if !granted { // what commits needs no more memory, and is left to finish
					h.overRSS = rss
				}
				h.mu.Unlock()
				if !granted {
					h.Kill()
					return
				}
			}
		}
	}
}

// residentBytes reads a process's resident memory without what it shares with others, such as its program; 0 when it
// cannot be known.
func residentBytes(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, resident, shared int64
	if _, err := fmt.Sscan(string(b), &size, &resident, &shared); err != nil {
		return 0
	}
	return (resident - shared) * int64(os.Getpagesize())
}

// Kill ends the child at once and waits for it.
func (h *Host) Kill() {
	_ = h.cmd.Process.Kill() // it may be gone already
	<-h.exited
}

// Close lets the child end by itself and waits for it; one that hangs is ended, unless it commits.
func (h *Host) Close() {
	h.stdin.Close()
	h.insist(nil)
	<-h.exited
}

// head keeps the beginning of what a child says on standard error: a crash report begins with what happened, and goes
// on with where for a long time.
type head struct {
	mu sync.Mutex
	b  []byte
}

const headBytes = 4096

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.b = append(h.b, p[:min(len(p), headBytes-len(h.b))]...)
	return len(p), nil
}

// String is the first line of it that says something.
func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	line, _, _ := bytes.Cut(bytes.TrimSpace(h.b), []byte("\n"))
	return strings.TrimSpace(string(line))
}
