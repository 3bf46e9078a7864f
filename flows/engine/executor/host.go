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
	"spark/flows/node"
)

// Host is the parent's side: one child process.
type Host struct {
	cmd    *exec.Cmd
	peer   *peer
	stdin  io.Closer
	stderr *head
	exited chan struct{} // closed once the process is gone
	state  error         // why it ended; read after exited

	mu      sync.Mutex
	run     *Callbacks // of the run in progress
	fence   int64
	overRSS int64          // bytes seen when the memory limit was passed
	asking  int            // questions that wait for their answers
	gaveUp  bool           // it did not answer a cancellation and was ended
	granted bool           // the run in progress may commit
	rejects int64          // stored of the run in progress
	secrets []string       // of it, with the tokens that it was given
	scrub   flows.Scrubber // of those
	tokens  tokenDesk
}

// Callbacks are what a run asks of its host.
type Callbacks struct {
	Counts   func([]flows.NodeStatus)
	Warnings func(flows.Problems)
	Samples  func([]flows.Sample)
	// Reached is told, before Run returns, how far incremental sources were read by a run that is committed.
	Reached func(map[string]node.Offset)
	// StoreRejects makes rejects durable. They are lines of flows.AppendReject, valid until it returns.
	StoreRejects func(lines []byte) error
	// Deliver makes durable what a node has sent; nil: nobody will ask.
	Deliver func(node string, keys []byte) error
	// MayCommit grants the commit to the holder of the lease with this fence, or forbids it.
	MayCommit func(fence int64) error
}

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

// call makes a call; when the child dies instead of answering, the error says how. No secret of the call comes back.
func (h *Host) call(ctx context.Context, method string, body, result any) error {
	asking := h.tokens.open(connectionsIn(body))
	err := h.ask(ctx, method, body, result)
	scrub := flows.NewScrubber(append(secretsIn(body), h.tokens.close(asking)...))
	if err != nil {
		return scrub.Error(err)
	}
	scrubResult(scrub, result)
	return nil
}

func (h *Host) ask(ctx context.Context, method string, body, result any) error {
	answered := make(chan struct{})
	h.mu.Lock()
	h.asking++
	h.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { h.insist(answered) })
	err := h.peer.call(ctx.Done(), method, body, result)
	stop()
	close(answered)
	h.mu.Lock()
	h.asking--
	h.mu.Unlock()
	if errors.Is(err, errGone) {
		<-h.exited
		return h.death(ctx)
	}
	return err
}

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

// Describe returns the schema of files that carry one.
func (h *Host) Describe(ctx context.Context, folders []string, format, path string, options json.RawMessage) (flows.Schema, error) {
	var s flows.Schema
	err := h.call(ctx, methodDescribe, describeBody{folders, format, path, options}, &s)
	return s, err
}

// DescribeQuery returns the fields of a statement's result.
func (h *Host) DescribeQuery(ctx context.Context, q node.QueryQuestion) (flows.Schema, error) {
	var s flows.Schema
	err := h.call(ctx, methodQuery, q, &s)
	return s, err
}

// DescribeDataset returns the fields of what is reached through a connection.
func (h *Host) DescribeDataset(ctx context.Context, spec DatasetSpec) (flows.Schema, error) {
	var s flows.Schema
	err := h.call(ctx, methodDataset, spec, &s)
	return s, err
}

// TestConnection reaches the system that a connection leads to.
func (h *Host) TestConnection(ctx context.Context, name string, c node.ConnectionSpec) (node.ConnectionReport, error) {
	var r node.ConnectionReport
	err := h.call(ctx, methodTest, testBody{Name: name, Connection: c}, &r)
	return r, err
}

// Tables lists what a connection reaches.
func (h *Host) Tables(ctx context.Context, name string, c node.ConnectionSpec, search string) ([]flows.Table, error) {
	var list []flows.Table
	err := h.call(ctx, methodTables, testBody{Name: name, Search: search, Connection: c}, &list)
	return list, err
}

// Columns lists the columns of a table.
func (h *Host) Columns(ctx context.Context, name string, c node.ConnectionSpec, table string) ([]flows.Column, error) {
	var list []flows.Column
	err := h.call(ctx, methodColumns, testBody{Name: name, Table: table, Connection: c}, &list)
	return list, err
}

// Window counts what an incremental selection would read.
func (h *Host) Window(ctx context.Context, spec WindowSpec) (flows.CursorWindow, error) {
	var w flows.CursorWindow
	err := h.call(ctx, methodWindow, spec, &w)
	return w, err
}

// Inspect proposes how to read a file.
func (h *Host) Inspect(ctx context.Context, folders []string, path string) (node.Proposal, error) {
	var p node.Proposal
	err := h.call(ctx, methodSniff, sniffBody{folders, path}, &p)
	return p, err
}

// Preview shows the records at a node. Several may be made at once.
func (h *Host) Preview(ctx context.Context, spec PreviewSpec) (flows.Preview, error) {
	var p flows.Preview
	err := h.call(ctx, methodPreview, spec, &p)
	return p, err
}

// Fetch lets a node call the system that it reads, once.
func (h *Host) Fetch(ctx context.Context, spec FetchSpec) (node.Fetched, error) {
	var f node.Fetched
	err := h.call(ctx, methodFetch, spec, &f)
	return f, err
}

// Operations answers what an OpenAPI document describes.
func (h *Host) Operations(ctx context.Context, q node.OperationsQuestion) (flows.Operations, error) {
	var o flows.Operations
	err := h.call(ctx, methodOpenAPI, q, &o)
	return o, err
}

// Pin answers the records that a node puts out.
func (h *Host) Pin(ctx context.Context, spec PreviewSpec) (flows.PinnedRecords, error) {
	var p flows.PinnedRecords
	err := h.call(ctx, methodPin, spec, &p)
	return p, err
}

// Replay finds out what would become of the refused records of spec.Replay, without writing anything.
func (h *Host) Replay(ctx context.Context, spec RunSpec) (flows.ReplayReport, error) {
	var r flows.ReplayReport
	err := h.call(ctx, methodReplay, spec, &r)
	return r, err
}

// Run executes a flow; one at a time. The error is a *flows.Error or flows.Problems; the statuses are the last known.
func (h *Host) Run(ctx context.Context, spec RunSpec, c Callbacks) ([]flows.NodeStatus, error) {
	h.mu.Lock()
	if h.run != nil {
		h.mu.Unlock()
		return nil, errors.New("executor: a run is in progress")
	}
	h.run, h.fence, h.granted, h.rejects = &c, spec.Fence, false, 0
	h.secrets = secretsIn(spec)
	h.scrub = flows.NewScrubber(h.secrets)
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		h.run, h.granted = nil, false
		h.mu.Unlock()
	}()
	var res runResult
	if err := h.call(ctx, methodRun, spec, &res); err != nil {
		return nil, err
	}
	switch {
	case len(res.Problems) > 0:
		return nil, res.Problems
	case res.Error != nil:
		return res.Nodes, res.Error
	}
	if c.Reached != nil && len(res.Reached) > 0 {
		c.Reached(res.Reached)
	}
	return res.Nodes, nil
}

// handle answers the guest's calls, in order: rejects are durable before the commit is asked for.
func (h *Host) handle(f frame) {
	if f.Kind == frameCancel || f.Method == methodToken {
		h.token(f)
		return
	}
	h.mu.Lock()
	c, scrub := h.run, h.scrub
	h.mu.Unlock()
	if c == nil {
		return
	}
	switch f.Kind {
	case frameEvent:
		var ns []flows.NodeStatus
		var ps flows.Problems
		var samples []flows.Sample
		switch {
		case f.Method == eventCounts && json.Unmarshal(f.Body, &ns) == nil && c.Counts != nil:
			c.Counts(scrub.Nodes(ns))
		case f.Method == eventWarnings && json.Unmarshal(f.Body, &ps) == nil && c.Warnings != nil:
			c.Warnings(scrub.Problems(ps))
		case f.Method == eventSamples && json.Unmarshal(f.Body, &samples) == nil && c.Samples != nil:
			c.Samples(samples)
		}
	case frameCall:
		_ = h.peer.reply(f.ID, nil, h.answer(c, scrub, f)) // a guest that is gone needs no reply
	}
}

func (h *Host) answer(c *Callbacks, scrub flows.Scrubber, f frame) error {
	switch f.Method {
	case methodSpoolReject:
		if c.StoreRejects == nil {
			return errors.New("this run stores no rejects")
		}
		lines, err := scrub.RejectLines(f.Data)
		if err != nil {
			return err
		}
		if err := c.StoreRejects(lines); err != nil {
			return err
		}
		h.rejects += int64(bytes.Count(f.Data, []byte{'\n'}))
		return nil
	case methodDeliver:
		var b deliverBody
		if err := json.Unmarshal(f.Body, &b); err != nil || c.Deliver == nil {
			return err
		}
		return c.Deliver(b.Node, b.Keys)
	case methodMayCommit:
		var b commitBody
		if err := json.Unmarshal(f.Body, &b); err != nil {
			return err
		}
		if b.Fence != h.fence {
			return fmt.Errorf("fence %d is not the lease's", b.Fence)
		}
		if b.Rejects != h.rejects { // two ends that count for themselves
			return &flows.Error{Code: "run.imbalance", Message: fmt.Sprintf("%d rejects were handed over and %d stored", b.Rejects, h.rejects),
				Suggestion: "nothing was written; please report this with the flow"}
		}
		if c.MayCommit != nil {
			if err := c.MayCommit(b.Fence); err != nil {
				return err
			}
		}
		h.mu.Lock()
		h.granted = true
		h.mu.Unlock()
		return nil
	}
	return fmt.Errorf("the host has no method %q", f.Method)
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
