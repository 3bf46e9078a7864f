package executor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"

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
