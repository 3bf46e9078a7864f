package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/flows/plan"
)

// Tools are what the guest works with; the program that is the guest wires them.
type Tools struct {
	// Setup takes what the host's program tells, before anything else is asked; nil: nothing.
	Setup func(json.RawMessage) error
	// Files opens data folders.
	Files func(folders []string) (node.Files, error)
	// Engine makes the engine for a set of data folders.
	Engine func(folders []string, files node.Files, optimizers []string) engine.Engine
	// Inspect proposes how to read a file.
	Inspect func(files node.Files, path string) (node.Proposal, error)
	// Operations reads what an OpenAPI document describes.
	Operations func(ctx context.Context, q node.OperationsQuestion) (flows.Operations, error)
}

// Guest is the child's side.
type Guest struct {
	tools Tools
	peer  *peer
	mu    sync.Mutex
	calls map[uint64]context.CancelCauseFunc
	wg    sync.WaitGroup
	kept  keeper // of previews
}

// errCancelled is the cause of a run that its host cancelled.
var errCancelled = errors.New("cancelled")

// Serve answers the host on r and w until the host is gone; then it cancels what is running and waits for it, so that
// nothing half written stays behind.
func Serve(r io.Reader, w io.Writer, tools Tools) error {
	g := &Guest{tools: tools, calls: map[uint64]context.CancelCauseFunc{}, kept: keeper{limit: keptBytes}}
	g.peer = newPeer(r, w, g.handle)
	err := g.peer.serve()
	g.mu.Lock()
	for _, cancel := range g.calls {
		cancel(errGone)
	}
	g.mu.Unlock()
	g.wg.Wait()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (g *Guest) handle(f frame) {
	switch f.Kind {
	case frameCancel:
		g.mu.Lock()
		if cancel := g.calls[f.ID]; cancel != nil {
			cancel(errCancelled)
		}
		g.mu.Unlock()
	case frameCall:
		ctx, cancel := context.WithCancelCause(context.Background())
		g.mu.Lock()
		g.calls[f.ID] = cancel
		g.mu.Unlock()
		g.wg.Go(func() {
			result, err := g.dispatch(ctx, f)
			g.mu.Lock()
			delete(g.calls, f.ID)
			g.mu.Unlock()
			cancel(nil)
			_ = g.peer.reply(f.ID, result, err) // a host that is gone needs no reply
		})
	}
}

func (g *Guest) dispatch(ctx context.Context, f frame) (any, error) {
	switch f.Method {
	case methodHello:
		var b helloBody
		if err := json.Unmarshal(f.Body, &b); err != nil {
			return nil, err
		}
		if b.Version != ProtocolVersion {
			return nil, fmt.Errorf("the host speaks version %d of the executor protocol and the executor version %d", b.Version, ProtocolVersion)
		}
		if g.tools.Setup != nil && len(b.Setup) > 0 {
			if err := g.tools.Setup(b.Setup); err != nil {
				return nil, err
			}
		}
		return helloBody{Version: ProtocolVersion}, nil
	case methodDescribe:
		var b describeBody
		if err := json.Unmarshal(f.Body, &b); err != nil {
			return nil, err
		}
		files, err := g.tools.Files(b.Folders)
		if err != nil {
			return nil, err
		}
		return g.tools.Engine(b.Folders, files, nil).Describe(b.Format, b.Path, b.Options)
	case methodQuery:
		var q node.QueryQuestion
		if err := json.Unmarshal(f.Body, &q); err != nil {
			return nil, err
		}
		return g.tools.Engine(nil, nil, nil).DescribeQuery(q)
	case methodDataset:
		var b DatasetSpec
		if err := json.Unmarshal(f.Body, &b); err != nil {
			return nil, err
		}
		return node.Datasets{Context: ctx, Connections: b.Connections}.DescribeDataset(b.Connection, b.Select)
	case methodTest:
		var b testBody
		if err := json.Unmarshal(f.Body, &b); err != nil {
			return nil, err
		}
		c, err := g.equipped(node.ConnectionSet{b.Name: b.Connection}).Connection(b.Name)
		if err != nil {
			return nil, err
		}
		return c.Type.Test(ctx, c)
	case methodTables:
		var b testBody
		if err := json.Unmarshal(f.Body, &b); err != nil {
			return nil, err
		}
		return node.Datasets{Context: ctx, Connections: node.ConnectionSet{b.Name: b.Connection}}.Tables(b.Name, b.Search)
	case methodColumns:
		var b testBody
		if err := json.Unmarshal(f.Body, &b); err != nil {
			return nil, err
		}
		return node.Datasets{Context: ctx, Connections: node.ConnectionSet{b.Name: b.Connection}}.Columns(b.Name, b.Table)
	case methodWindow:
		var b WindowSpec
		if err := json.Unmarshal(f.Body, &b); err != nil {
			return nil, err
		}
		return node.Datasets{Context: ctx, Connections: b.Connections}.Window(b.Connection, b.Select, b.After)
	case methodSniff:
		var b sniffBody
		if err := json.Unmarshal(f.Body, &b); err != nil {
			return nil, err
		}
		files, err := g.tools.Files(b.Folders)
		if err != nil {
			return nil, err
		}
		return g.tools.Inspect(files, b.Path)
	case methodPreview:
		var spec PreviewSpec
		if err := json.Unmarshal(f.Body, &spec); err != nil {
			return nil, err
		}
		spec.Connections = g.equipped(spec.Connections)
		return g.preview(ctx, spec)
	case methodFetch:
		var spec FetchSpec
		if err := json.Unmarshal(f.Body, &spec); err != nil {
			return nil, err
		}
		spec.Connections = g.equipped(spec.Connections)
		return g.fetch(ctx, spec)
	case methodOpenAPI:
		var q node.OperationsQuestion
		if err := json.Unmarshal(f.Body, &q); err != nil {
			return nil, err
		}
		return g.tools.Operations(ctx, q)
	case methodPin:
		var spec PreviewSpec
		if err := json.Unmarshal(f.Body, &spec); err != nil {
			return nil, err
		}
		spec.Connections = g.equipped(spec.Connections)
		return g.pin(ctx, spec)
	case methodRun:
		var spec RunSpec
		if err := json.Unmarshal(f.Body, &spec); err != nil {
			return nil, err
		}
		spec.Connections = g.equipped(spec.Connections)
		return g.run(ctx, spec)
	case methodReplay:
		var spec RunSpec
		if err := json.Unmarshal(f.Body, &spec); err != nil {
			return nil, err
		}
		return g.dry(ctx, spec)
	}
	return nil, fmt.Errorf("the executor has no method %q", f.Method)
}

// compiled is a plan and the engine that was chosen for it.
type compiled struct {
	*plan.Plan
	engine engine.Engine
}

// compile makes the plan of a run. What is wrong with the flow, or with replaying through it, is a problem, not an error.
func (g *Guest) compile(ctx context.Context, spec RunSpec) (p compiled, files node.Files, x *replaying, ps flows.Problems, err error) {
	flow, err := flows.ParseFlow(spec.Document)
	if err != nil {
		return p, nil, nil, problems(err), nil
	}
	if files, err = g.tools.Files(spec.Folders); err != nil {
		return p, nil, nil, nil, err
	}
	p.engine = g.tools.Engine(spec.Folders, files, spec.Optimizers)
	o := plan.Options{Environment: spec.Environment, Parameters: spec.Parameters, Lookup: node.Looking(p.engine, node.Datasets{Context: ctx, Connections: spec.Connections}), Engines: []plan.Engine{p.engine}, Dialect: spec.Connections.Dialect, Until: spec.Until, Facts: spec.Facts}
	if spec.Sample > 0 {
		o.Sample, o.Pins = int64(spec.Sample), pinned(spec.Pins)
		files = &watchedFiles{Files: files}
	}
	if spec.Replay != nil {
		if x, err = prepareReplay(spec.Replay, flow, files, o); err != nil {
			return p, files, nil, problems(err), nil
		}
		o.Replay = x.plan
	}
	p.Plan, ps = plan.Compile(flow, o)
	return p, files, x, ps, nil
}

// run compiles and executes a flow. A flow that fails is a result, not an error of the call.
func (g *Guest) run(ctx context.Context, spec RunSpec) (*runResult, error) {
	p, files, x, ps, err := g.compile(ctx, spec)
	if err != nil {
		return nil, err
	}
	if ps.Failed() {
		return &runResult{Problems: ps}, nil
	}
	if err := os.MkdirAll(spec.Temp, 0o700); err != nil {
		return nil, fmt.Errorf("temp folder: %w", err)
	}
	if len(ps) > 0 {
		g.event(eventWarnings, ps)
	}
	rejects := &rejectSender{peer: g.peer}
	result := &runResult{}
	env := engine.Env{
		Files: files, Connections: spec.Connections, Temp: spec.Temp, Token: node.Token{Run: spec.Run, Attempt: spec.Attempt, Epoch: 1, Fence: spec.Fence, Flow: spec.Flow}, Threads: spec.Threads, MemoryLimit: spec.Memory, SpillLimit: spec.Spill,
		Offsets: spec.Offsets, Reached: func(offsets map[string]node.Offset) { result.Reached = offsets },
		Delivered: spec.Delivered, Deliver: func(node string, keys []byte) error {
			return g.peer.call(nil, methodDeliver, deliverBody{node, keys}, nil)
		},
		Counts:  func(ns []flows.NodeStatus) { g.event(eventCounts, ns) },
		Samples: spec.Samples, Sampled: func(s []flows.Sample) { g.event(eventSamples, s) },
		Warn: func(e *flows.Error) { g.event(eventWarnings, flows.Problems{e}) },
		Reject: func(r node.Reject) error {
			switch {
			case x == nil:
				return rejects.add(r)
			case !p.Carried(r.Node): // it was refused by the run before, too
				return nil
			}
			return rejects.add(x.placed(r))
		},
		MayCommit: func(ctx context.Context) error {
			if err := rejects.flush(); err != nil {
				return err
			}
			return g.peer.call(ctx.Done(), methodMayCommit, commitBody{Fence: spec.Fence, Rejects: rejects.sent}, nil)
		},
	}
	wait, err := outlast(spec, p.Plan, &env)
	if err != nil {
		return nil, err
	}
	defer wait()
	if spec.Sample > 0 { // there is nothing to commit, and no cursor to move
		env.Reached = nil
		env.MayCommit = func(context.Context) error { return rejects.flush() }
	}
	nodes, err := p.engine.Run(ctx, p.Plan, env)
	if err == nil {
		err = rejects.late()
	}
	if err != nil {
		_ = rejects.flush() // what went wrong first is what to tell
		e := flows.AsError(err)
		if errors.Is(err, errCancelled) || errors.Is(err, errGone) {
			e = &flows.Error{Code: "run.cancelled", Message: "the run was cancelled", Suggestion: "nothing was written"}
		}
		return &runResult{Nodes: nodes, Error: e}, nil
	}
	result.Nodes = nodes
	return result, nil
}

func problems(err error) flows.Problems {
	if ps, ok := errors.AsType[flows.Problems](err); ok {
		return ps
	}
	return flows.Problems{flows.AsError(err)}
}

func (g *Guest) event(name string, body any) {
	if b, err := json.Marshal(body); err == nil {
		_ = g.peer.send(frame{Kind: frameEvent, Method: name, Body: b}) // a host that is gone needs no events
	}
}

// rejectSender hands rejects to the host in batches: while one is being stored, the next is collected. The engine calls
// it from one goroutine at a time.
type rejectSender struct {
	peer    *peer
	batch   []byte
	n       int64      // rejects in batch
	spare   []byte     // the buffer of the batch before
	storing chan error // of the batch that is on its way; nil: none is
	sent    int64
}

func (s *rejectSender) add(r node.Reject) error {
	s.batch, s.n = flows.AppendReject(s.batch, &r), s.n+1
	if len(s.batch) < rejectBatchBytes {
		return nil
	}
	return s.send()
}

// flush waits until all rejects are stored.
func (s *rejectSender) flush() error {
	if len(s.batch) > 0 {
		if err := s.send(); err != nil {
			return err
		}
	}
	return s.stored()
}

// late stores what was refused after the commit was granted. Where that fails nobody knows of these records: the run is executed again.
func (s *rejectSender) late() error {
	if err := s.flush(); err != nil {
		return &flows.Error{Code: "commit.unknown", Message: err.Error(), Suggestion: "records were sent; run again: what a server knows by its key is not done twice", Cause: err}
	}
	return nil
}

// send hands the batch over once the one before it is stored.
func (s *rejectSender) send() error {
	if err := s.stored(); err != nil {
		return err
	}
	batch, storing := s.batch, make(chan error, 1)
	s.sent += s.n
	s.batch, s.spare, s.n, s.storing = s.spare[:0], batch, 0, storing
	go func() { storing <- s.peer.call(nil, methodSpoolReject, batch, nil) }()
	return nil
}

func (s *rejectSender) stored() error {
	if s.storing == nil {
		return nil
	}
	err := <-s.storing
	s.storing = nil
	if err != nil {
		return fmt.Errorf("the rejects could not be stored: %w", err)
	}
	return nil
}
