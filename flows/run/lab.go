package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// Workbench is an executor process that answers questions about data.
type Workbench interface {
	Describe(ctx context.Context, format, path string, options []byte) (flows.Schema, error)
	DescribeQuery(ctx context.Context, q node.QueryQuestion) (flows.Schema, error)
	DescribeDataset(ctx context.Context, connections node.ConnectionSet, connection string, from node.Select) (flows.Schema, error)
	TestConnection(ctx context.Context, name string, c node.ConnectionSpec) (node.ConnectionReport, error)
	Tables(ctx context.Context, name string, c node.ConnectionSpec, search string) ([]flows.Table, error)
	Columns(ctx context.Context, name string, c node.ConnectionSpec, table string) ([]flows.Column, error)
	Window(ctx context.Context, connections node.ConnectionSet, connection string, from node.Select, after node.Offset) (flows.CursorWindow, error)
	Preview(ctx context.Context, job PreviewJob) (flows.Preview, error)
	// Fetch lets a node call the system that it reads, once.
	Fetch(ctx context.Context, job FetchJob) (node.Fetched, error)
	// Operations answers what an OpenAPI document describes, which it may have to fetch.
	Operations(ctx context.Context, q node.OperationsQuestion) (flows.Operations, error)
	// Pin answers what the node puts out.
	Pin(ctx context.Context, job PreviewJob) (flows.PinnedRecords, error)
	Inspect(ctx context.Context, path string) (node.Proposal, error)
	Replay(ctx context.Context, job Job) (flows.ReplayReport, error)
	Close()
}

// PreviewJob is a preview, as the executor sees it.
type PreviewJob struct {
	Document    []byte // canonical
	Node        string
	Environment string
	Parameters  map[string]string
	Secrets     []string // values among them that no answer may show
	Limit       int
	Samples     map[string]flows.SampleMode // by driving source
	Fresh       bool                        // reads again what is kept of the sources
	Offsets     map[string]node.Offset      // where incremental sources go on, by node
	// Pins are records that the preview begins at.
	Pins []flows.PinnedRecords
	// Answers were fetched of nodes that call an API.
	Answers []flows.Answer
	// Calls is how many calls Node may make for records.
	Calls int
	// Connections of the flow with their secrets.
	Connections node.ConnectionSet
}

// Lab answers what builders ask while they draw: what is wrong, which fields there are, what the records look like. It
// keeps one executor process warm as long as questions come, and nothing that it does has an effect on anything.
type Lab struct {
	Open    func(ctx context.Context) (Workbench, error)
	Files   node.Files
	Engines []plan.Engine
	// Connections returns those of a project that a flow names.
	Connections Connections
	Cursors     Cursors // of incremental sources; nil: none are kept
	Pins        Pins    // of the drafts; nil: none are kept
	Answers     Answers // of APIs, fetched for drafts; nil: none are kept
	// Environments of the projects; nil where there is one without a name.
	Environments Environments
	Idle         time.Duration // the process ends when nothing was asked for so long; 0: five minutes
	Timeout      time.Duration // of a question; 0: a minute

	mu      sync.Mutex
	bench   Workbench
	asking  int
	timer   *time.Timer
	closed  bool
	opening sync.Mutex

	previews cache[flows.Preview]
	schemas  cache[flows.Schema]
}

const (
	labIdle    = 5 * time.Minute
	labTimeout = time.Minute
)

// Close ends the warm process. Questions that come later are refused.
func (l *Lab) Close() {
	l.mu.Lock()
	b := l.bench
	l.bench, l.closed = nil, true
	l.mu.Unlock()
	if b != nil {
		b.Close()
	}
}

// Warm starts the process, so that the first question need not wait for it.
func (l *Lab) Warm(ctx context.Context) error {
	return l.ask(ctx, func(context.Context, Workbench) error { return nil })
}

// askTimes is how often a question is asked whose process is ended because of others.
const askTimes = 4

// ask calls fn with the warm process, within the time for one question. A process that had been waiting may have been
// ended meanwhile, by an administrator or for want of memory, and one that answers others too because of those: then a
// new one is asked. Questions have no effects.
func (l *Lab) ask(ctx context.Context, fn func(context.Context, Workbench) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, orDefault(l.Timeout, labTimeout), errTooLong)
	defer cancel()
	var err error
	for range askTimes {
		var again bool
		if again, err = l.askOnce(ctx, fn); !again {
			break
		}
	}
	if err != nil && errors.Is(context.Cause(ctx), errTooLong) {
		return &flows.Error{Code: "lab.timeout", Message: fmt.Sprintf("there was no answer within %s", orDefault(l.Timeout, labTimeout)),
			Suggestion: "look at a node further up, or run the flow", Cause: err}
	}
	return err
}

// askOnce calls fn with a process, and reports whether another one may answer what it did not.
func (l *Lab) askOnce(ctx context.Context, fn func(context.Context, Workbench) error) (again bool, err error) {
	b, warm, err := l.acquire(ctx)
	if err != nil {
		return false, err
	}
	broken := false
	if err = fn(ctx, b); err != nil {
		switch e := flows.AsError(err); e.Code {
		case "executor.interrupted":
			again, broken = ctx.Err() == nil, true
		case "executor.died":
			again, broken = warm, true
		case "memory.limit":
			broken = true
		case "run.cancelled":
			broken = e.Params["killed"] == true
		}
	}
	l.release(b, broken)
	return again, err
}

var errTooLong = errors.New("the question took too long")

func orDefault(d, def time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return def
}

func (l *Lab) acquire(ctx context.Context) (b Workbench, warm bool, err error) {
	l.opening.Lock() // one process, however many ask at once
	defer l.opening.Unlock()
	l.mu.Lock()
	if l.bench != nil || l.closed {
		defer l.mu.Unlock()
		if l.closed {
			return nil, false, stopping()
		}
		l.asking++
		return l.bench, true, nil
	}
	l.mu.Unlock()
	if b, err = l.Open(ctx); err != nil {
		return nil, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		b.Close()
		return nil, false, stopping()
	}
	l.bench = b
	l.asking++
	return b, false, nil
}

func stopping() *flows.Error {
	return &flows.Error{Code: "server.stopping", Message: "Spark is being stopped", Suggestion: "try again when it has started"}
}

// release ends a use of the process. A broken one is replaced at the next question.
func (l *Lab) release(b Workbench, broken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asking--
	if broken && l.bench == b {
		l.bench = nil
		go b.Close()
	}
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer = time.AfterFunc(orDefault(l.Idle, labIdle), l.rest)
}

// rest ends the process when nobody has asked for a while.
func (l *Lab) rest() {
	l.mu.Lock()
	b := l.bench
	if l.asking > 0 || b == nil {
		l.mu.Unlock()
		return
	}
	l.bench = nil
	l.mu.Unlock()
	b.Close()
}

// Inspect proposes how to read a file.
func (l *Lab) Inspect(ctx context.Context, _ flows.Scope, path string) (node.Proposal, error) {
	var p node.Proposal
	err := l.ask(ctx, func(ctx context.Context, b Workbench) (err error) {
		p, err = b.Inspect(ctx, path)
		return err
	})
	return p, err
}

// Check finds the problems and the schemas of a document as it is drawn. Parameters without a value are no problem.
func (l *Lab) Check(ctx context.Context, scope flows.Scope, doc *flows.Flow, environment string, parameters map[string]string) (flows.Check, error) {
	return l.check(ctx, scope, doc, plan.Options{Environment: environment, Parameters: parameters, Validate: true})
}

// CheckRun finds what keeps a document from being run up to a node, or as a whole.
func (l *Lab) CheckRun(ctx context.Context, scope flows.Scope, doc *flows.Flow, environment string, parameters map[string]string, until string) (flows.Check, error) {
	return l.check(ctx, scope, doc, plan.Options{Environment: environment, Parameters: parameters, Until: until})
}

// CheckSample finds what keeps a document from being run on the sample, which begins at what is pinned of a flow.
func (l *Lab) CheckSample(ctx context.Context, scope flows.Scope, doc *flows.Flow, flow, environment string, parameters map[string]string) (flows.Check, error) {
	pins, err := l.pinsOf(ctx, scope, flows.PreviewRequest{Document: doc, Flow: flow}, false)
	if err != nil {
		return flows.Check{}, err
	}
	return l.check(ctx, scope, doc, plan.Options{Environment: environment, Parameters: parameters, Sample: flows.DefaultPreview, Pins: plan.PinnedSchemas(pins)})
}

func (l *Lab) check(ctx context.Context, scope flows.Scope, doc *flows.Flow, o plan.Options) (flows.Check, error) {
	environment, err := environmentOf(ctx, l.Environments, scope, o.Environment)
	if err != nil {
		return flows.Check{}, err
	}
	o.Environment = environment
	connections, err := connectionsOf(ctx, l.Connections, scope, doc, environment, o.Parameters)
	if err != nil {
		return flows.Check{}, err
	}
	o.Lookup, o.Engines, o.Dialect = labLookup{ctx, l, connections}, l.Engines, connections.Dialect
	p, problems := plan.Compile(doc, o)
	if err := ctx.Err(); err != nil {
		return flows.Check{}, err
	}
	c := flows.Check{Problems: problems.Without(secretsOf(doc, o.Parameters)), Ports: []flows.PortSchema{}, Skipped: p.Skipped, Deliveries: plan.Deliveries(doc, p.Params), Moves: p.Moves()}
	if c.Problems == nil {
		c.Problems = flows.Problems{}
	}
	for ref, s := range p.Schemas {
		c.Ports = append(c.Ports, flows.PortSchema{Node: ref.Node, Port: ref.Port, Schema: s})
	}
	slices.SortFunc(c.Ports, func(a, b flows.PortSchema) int {
		return strings.Compare(a.Node+"\x00"+a.Port, b.Node+"\x00"+b.Port)
	})
	return c, nil
}

// TestConnection reaches the system that a connection leads to.
func (l *Lab) TestConnection(ctx context.Context, name string, c node.ConnectionSpec) (r node.ConnectionReport, err error) {
	err = l.ask(ctx, func(ctx context.Context, b Workbench) (err error) {
		r, err = b.TestConnection(ctx, name, c)
		return err
	})
	return r, err
}

// Tables lists what a connection reaches.
func (l *Lab) Tables(ctx context.Context, name string, c node.ConnectionSpec, search string) (list []flows.Table, err error) {
	err = l.ask(ctx, func(ctx context.Context, b Workbench) (err error) {
		list, err = b.Tables(ctx, name, c, search)
		return err
	})
	return list, err
}

// Columns lists the columns of a table.
func (l *Lab) Columns(ctx context.Context, name string, c node.ConnectionSpec, table string) (list []flows.Column, err error) {
	err = l.ask(ctx, func(ctx context.Context, b Workbench) (err error) {
		list, err = b.Columns(ctx, name, c, table)
		return err
	})
	return list, err
}

// Window counts what an incremental source of a document would read after a cursor; nil: from its beginning.
func (l *Lab) Window(ctx context.Context, scope flows.Scope, doc *flows.Flow, environment, id string, after *flows.Cursor) (w flows.CursorWindow, err error) {
	if environment, err = environmentOf(ctx, l.Environments, scope, environment); err != nil {
		return w, err
	}
	connections, err := connectionsOf(ctx, l.Connections, scope, doc, environment, nil)
	if err != nil {
		return w, err
	}
	p, problems := plan.Compile(doc, plan.Options{Validate: true, Environment: environment, Lookup: labLookup{ctx, l, connections}, Engines: l.Engines, Until: id})
	connection, from, err := selection(p, id)
	if err != nil {
		if problems.Failed() {
			return w, problems
		}
		return w, err
	}
	var offset node.Offset
	if after != nil {
		if offset, err = json.Marshal(after); err != nil {
			return w, fmt.Errorf("cursor: %w", err)
		}
	}
	err = l.ask(ctx, func(ctx context.Context, b Workbench) (err error) {
		w, err = b.Window(ctx, connections, connection, from, offset)
		return err
	})
	if err != nil {
		return w, flows.AsError(err).At(flows.Path{Node: id})
	}
	return w, nil
}

// selection is what an incremental source reads.
func selection(p *plan.Plan, id string) (string, node.Select, error) {
	if n := p.Find(id); n != nil {
		if read, ok := n.Results[node.Out].Op.(node.Read); ok {
			if s, ok := read.Source.(node.SelectingSource); ok {
				if connection, from := s.Selection(); from.Incremental != nil {
					return connection, from, nil
				}
			}
		}
	}
	return "", node.Select{}, &flows.Error{Code: "source.not_incremental", Path: flows.Path{Node: id}, Message: "the node has no cursor: it reads all records", Suggestion: "set its records to incremental"}
}

// datasetQuestion identifies what is asked of a database.
type datasetQuestion struct {
	Connection node.ConnectionSpec
	From       node.Select
}

// labLookup answers a plan's questions about data.
type labLookup struct {
	ctx         context.Context
	lab         *Lab
	connections node.ConnectionSet
}

var _ node.Describer = labLookup{}

// datasetAge is how long the fields of a table are remembered while somebody draws; a run asks anew.
const datasetAge = 30 * time.Second

func (q labLookup) DescribeDataset(connection string, from node.Select) (s flows.Schema, err error) {
	question, err := json.Marshal(datasetQuestion{q.connections[connection], from})
	if err != nil {
		return nil, fmt.Errorf("question: %w", err)
	}
	key := cacheKey("dataset", connection, string(question), fmt.Sprint(time.Now().UnixNano()/int64(datasetAge)))
	if s, ok := q.lab.schemas.get(key); ok {
		return s, nil
	}
	defer func() {
		if err == nil {
			q.lab.schemas.put(key, s, len(s)*64)
		}
	}()
	err = q.lab.ask(q.ctx, func(ctx context.Context, b Workbench) (err error) {
		s, err = b.DescribeDataset(ctx, q.connections, connection, from)
		return err
	})
	return s, err
}

func (q labLookup) Describe(format, path string, options []byte) (flows.Schema, error) {
	seen := q.lab.seen(path)
	key := cacheKey("schema", format, path, string(options), fmt.Sprint(seen))
	if s, ok := q.lab.schemas.get(key); ok && len(seen) > 0 {
		return s, nil
	}
	var s flows.Schema
	err := q.lab.ask(q.ctx, func(ctx context.Context, b Workbench) (err error) {
		s, err = b.Describe(ctx, format, path, options)
		return err
	})
	if err == nil {
		q.lab.schemas.put(key, s, len(s)*64)
	}
	return s, err
}

// DescribeQuery remembers the answer: it depends on nothing but the question.
func (q labLookup) DescribeQuery(question node.QueryQuestion) (flows.Schema, error) {
	text, err := json.Marshal(question)
	if err != nil {
		return nil, fmt.Errorf("question: %w", err)
	}
	key := cacheKey("query", string(text))
	if s, ok := q.lab.schemas.get(key); ok {
		return s, nil
	}
	var s flows.Schema
	err = q.lab.ask(q.ctx, func(ctx context.Context, b Workbench) (err error) {
		s, err = b.DescribeQuery(ctx, question)
		return err
	})
	if err == nil {
		q.lab.schemas.put(key, s, len(s)*64)
	}
	return s, err
}

func (q labLookup) Bytes(path string) int64 { return node.TotalBytes(q.lab.Files, path) }

// seen is what a pattern stands for now.
func (l *Lab) seen(pattern string) []flows.SeenFile {
	found, err := l.Files.Glob(pattern)
	if err != nil {
		return nil // whoever reads it says so
	}
	files := make([]flows.SeenFile, len(found))
	for i, f := range found {
		files[i] = flows.SeenFile{Pattern: pattern, Path: f.Path, Size: f.Size, ModTime: f.ModTime}
	}
	return files
}
