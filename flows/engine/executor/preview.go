package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"spark/flows"
	"spark/flows/engine"
	"spark/flows/node"
	"spark/flows/plan"
)

// previewRejects is how many refused records of a node a preview shows.
const previewRejects = 100

// preview runs the flow up to a node over the first records of its driving source and keeps what passed the node's
// ports. Nothing is written, and what is wrong with the flow is part of the answer.
func (g *Guest) preview(ctx context.Context, spec PreviewSpec) (*flows.Preview, error) {
	return g.look(ctx, spec, nil)
}

// look makes a preview, and lets what the node puts out be pinned where that is asked for.
func (g *Guest) look(ctx context.Context, spec PreviewSpec, pin *pinning) (*flows.Preview, error) {
	began := time.Now()
	v := &flows.Preview{Node: spec.Node, Inputs: []flows.Sample{}, Outputs: []flows.Sample{}}
	flow, err := flows.ParseFlow(spec.Document)
	if err != nil {
		v.Problems = problems(err)
		return v, nil
	}
	files, err := g.tools.Files(spec.Folders)
	if err != nil {
		return nil, err
	}
	watched := &watchedFiles{Files: files}
	files = watched
	defer func() { v.Files = watched.list() }()
	eng := g.tools.Engine(spec.Folders, files, nil)
	again := &reuse{keeper: &g.kept, spec: &spec, params: flow.Parameters, files: files}
	defer again.release()
	if again.above, err = aboveOf(flow, &spec); err != nil {
		return nil, err
	}
	p, ps := plan.Compile(flow, plan.Options{Environment: spec.Environment, Parameters: spec.Parameters, Lookup: node.Looking(eng, node.Datasets{Context: ctx, Connections: spec.Connections}), Engines: []plan.Engine{eng}, Dialect: spec.Connections.Dialect, Until: spec.Node, Preview: int64(spec.Limit), Samples: spec.Samples, Pins: pinned(spec.Pins), PinOutputs: pin != nil, Kept: again.kept})
	v.Problems = ps
	if ps.Failed() {
		return v, nil
	}
	keep := again.keep
	if pin != nil {
		pin.plan, keep = p, pin.keep
	}
	v.Cursors = beginnings(p.Incremental, spec.Offsets)
	n := p.Find(spec.Node)
	if n == nil {
		v.Problems = append(v.Problems, skippedNode(p, spec.Node))
		return v, nil
	}
	if err := os.MkdirAll(spec.Temp, 0o700); err != nil {
		return nil, fmt.Errorf("temp folder: %w", err)
	}
	defer os.RemoveAll(spec.Temp)
	if len(p.Driving) > 0 {
		v.Source = p.Driving[0]
		if v.Sample = spec.Samples[v.Source]; v.Sample.Mode == "" {
			v.Sample.Mode = flows.SampleFirst
		}
	}
	look := &look{preview: v, limit: spec.Limit}
	nodes, err := eng.Run(ctx, p, engine.Env{Files: files, Connections: spec.Connections, Temp: spec.Temp, MemoryLimit: max(spec.Memory-keptBytes, spec.Memory/2),
		Threads: 1, ReadThreads: spec.Threads, // one thread keeps records in their order
		Samples: spec.Limit, Sampled: look.sampled, Reject: look.reject, Calling: look.calling(&spec), Offsets: spec.Offsets, Source: again.source, Keep: keep})
	look.finish(p, n, nodes, again.refused(p))
	v.Complete = v.Complete && !again.partial.Load()
	if err == nil && pin == nil {
		again.finish(v, p, watched.list())
	}
	v.Took, v.At = time.Since(began), began.UTC()
	if !again.oldest.IsZero() {
		v.At = again.oldest
	}
	if errors.Is(err, errCancelled) || errors.Is(err, errGone) {
		return nil, &flows.Error{Code: "preview.cancelled", Message: "the preview was cancelled"}
	}
	if err != nil {
		v.Problems = append(v.Problems, flows.AsError(err))
	}
	return v, nil
}

// beginnings are the cursors at which incremental sources begin.
func beginnings(sources []string, offsets map[string]node.Offset) (list []flows.FlowCursor) {
	for _, id := range sources {
		var c flows.Cursor
		if json.Unmarshal(offsets[id], &c) == nil && c.Value != "" {
			list = append(list, flows.FlowCursor{Node: id, Cursor: c})
		}
	}
	return list
}

// watchedFiles notes which files every pattern stood for, and lets nobody write.
type watchedFiles struct {
	node.Files
	mu   sync.Mutex
	seen []flows.SeenFile
}

func (w *watchedFiles) Glob(pattern string) ([]node.FileInfo, error) {
	found, err := w.Files.Glob(pattern)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.ContainsFunc(w.seen, func(f flows.SeenFile) bool { return f.Pattern == pattern }) {
		for _, f := range found {
			w.seen = append(w.seen, flows.SeenFile{Pattern: pattern, Path: f.Path, Size: f.Size, ModTime: f.ModTime})
		}
	}
	return found, err
}

// list is what was seen so far.
func (w *watchedFiles) list() []flows.SeenFile {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

func (w *watchedFiles) Create(path string) (node.PendingFile, error) {
	return nil, fmt.Errorf("a preview was about to write %s", path)
}

func skippedNode(p *plan.Plan, id string) *flows.Error {
	why := p.Skipped[id]
	if n, ok := p.Flow.Node(id); ok && n.Disabled {
		why = "it is disabled"
	}
	return &flows.Error{Code: "preview.skipped", Path: flows.Path{Node: id}, Message: "the node has no records of its own: " + why,
		Suggestion: "enable it, or look at the node before it"}
}

// look collects what a preview shows. The engine calls it from several threads.
type look struct {
	preview *flows.Preview
	limit   int
	mu      sync.Mutex
	samples []flows.Sample
	refused map[string][]flows.Reject // by node
	warned  flows.Problems
}

func (l *look) sampled(s []flows.Sample) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.samples = s
}

// calling lets the calls of a node use what was kept of earlier ones, and make the few that are allowed.
func (l *look) calling(spec *PreviewSpec) func(*plan.Node, *node.Calling) {
	return func(n *plan.Node, c *node.Calling) {
		c.Answer = answerOf(spec.Answers, n.ID)
		c.Warn = func(e *flows.Error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			e.Severity = flows.SeverityWarning
			l.warned = append(l.warned, e.At(flows.Path{Node: n.ID}))
		}
		if spec.Calls == 0 || n.ID != spec.Node {
			return
		}
		c.Answer, c.Allowed = nil, spec.Calls
		c.Made = func(a flows.CallAnswer) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.preview.Calls = append(l.preview.Calls, a)
		}
	}
}

func (l *look) reject(r node.Reject) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refused == nil {
		l.refused = map[string][]flows.Reject{}
	}
	if list := l.refused[r.Node]; len(list) < previewRejects {
		l.refused[r.Node] = append(list, r)
	}
	return nil
}

// finish picks what belongs to the node's ports. before are the rejects of nodes that were not executed again.
func (l *look) finish(p *plan.Plan, n *plan.Node, nodes []flows.NodeStatus, before []flows.Reject) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.preview.Problems = append(l.preview.Problems, l.warned...)
	for _, m := range p.Flow.Nodes {
		for _, r := range before {
			if r.Node == m.ID {
				l.preview.Rejects = append(l.preview.Rejects, r)
			}
		}
		l.preview.Rejects = append(l.preview.Rejects, l.refused[m.ID]...)
	}
	for _, in := range n.Sources() {
		s := l.at(in.Ref, n.InputSchemas[in.Port], nodes)
		s.Node, s.Port = n.ID, in.Port
		l.preview.Inputs = append(l.preview.Inputs, s)
	}
	for _, port := range n.Ports() {
		s := l.at(p.Drawn(plan.Ref{Node: n.ID, Port: port}), n.Results[port].Schema, nodes)
		s.Node = n.ID
		l.preview.Outputs = append(l.preview.Outputs, s)
	}
	l.account(p, nodes)
}

// account tells how much was read of the driving sources.
func (l *look) account(p *plan.Plan, nodes []flows.NodeStatus) {
	delivered := func(id string) (n int64) {
		for _, st := range nodes {
			if st.Node == id {
				n = st.Out[node.Out]
			}
		}
		return n
	}
	l.preview.Complete = len(p.Driving) > 0
	for _, st := range nodes {
		if !slices.Contains(p.Driving, st.Node) {
			continue
		}
		scanned, read := st.Out[node.Out], delivered(p.Drawn(plan.Ref{Node: st.Node, Port: node.Out}).Node)
		if st.Node == l.preview.Source {
			l.preview.Read, l.preview.Scanned, l.preview.Narrowed = read, scanned, p.Narrowed(st.Node)
		}
		random := p.Random(st.Node)
		l.preview.Complete = l.preview.Complete && !slices.Contains(st.StoppedEarly, node.Out) && (!random || read == scanned)
	}
}

// at is what passed an output port, with an empty sample where nothing did.
func (l *look) at(ref plan.Ref, schema flows.Schema, nodes []flows.NodeStatus) flows.Sample {
	s := flows.Sample{Node: ref.Node, Port: ref.Port, Schema: schema, Rows: [][]*string{}}
	if ref.Port == node.Rejects {
		s.Rows = rejectRows(l.preview.Rejects, ref.Node)
		s.Records = int64(len(s.Rows))
		return s
	}
	for _, x := range l.samples {
		if x.Node == ref.Node && x.Port == ref.Port {
			s.Schema, s.Rows = x.Schema, x.Rows
		}
	}
	for _, st := range nodes {
		if st.Node == ref.Node {
			s.Records = st.Out[ref.Port]
		}
	}
	s.More = s.Records > int64(len(s.Rows))
	return s
}

// rejectRows are rejects as records of node.RejectSchema.
func rejectRows(rs []flows.Reject, id string) [][]*string {
	rows := [][]*string{}
	for _, r := range rs {
		if r.Node != id {
			continue
		}
		number := func(n int64) string {
			if n == 0 {
				return ""
			}
			return fmt.Sprint(n)
		}
		row := make([]*string, 0, len(node.RejectSchema))
		for _, s := range []string{r.Node, r.Code, r.Reason, r.Field, r.File, number(r.Line), number(r.Record), r.Raw} {
			if s == "" {
				row = append(row, nil)
			} else {
				row = append(row, &s)
			}
		}
		rows = append(rows, row)
	}
	return rows
}
