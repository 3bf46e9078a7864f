package run

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"spark/flows"
	"spark/flows/node"
)

// Answers keeps what APIs have answered when somebody has fetched a sample for a draft.
type Answers interface {
	// Of returns those of some nodes of a flow.
	Of(ctx context.Context, scope flows.Scope, flow string, nodes []string) ([]flows.Answer, error)
	// Put keeps one in the place of the one before.
	Put(ctx context.Context, scope flows.Scope, flow string, a flows.Answer) (flows.Answer, error)
}

// FetchJob asks a node for a sample, as the executor sees it.
type FetchJob struct {
	Document    []byte // canonical
	Node        string
	Environment string
	Parameters  map[string]string
	Secrets     []string // values among them that no answer may show
	Connections node.ConnectionSet
}

// Fetch lets a node of a document call the API that it reads, once, and keeps the answer for its previews. It is the only
// question of the lab that others can notice.
func (l *Lab) Fetch(ctx context.Context, scope flows.Scope, req flows.PreviewRequest) (f node.Fetched, err error) {
	if _, ok := req.Document.Node(req.Node); !ok || req.Flow == "" {
		return f, &flows.Error{Code: "fetch.node", Params: flows.Params{"node": req.Node}, Message: "there is no such node in the document whose sample could be fetched", Suggestion: "name a node of the flow"}
	}
	if calls(req.Document, req.Node) {
		return l.call(ctx, scope, req)
	}
	if req.Environment, err = environmentOf(ctx, l.Environments, scope, req.Environment); err != nil {
		return f, err
	}
	job := FetchJob{Node: req.Node, Environment: req.Environment, Parameters: req.Parameters, Secrets: secretsOf(req.Document, req.Parameters)}
	if job.Connections, err = connectionsOf(ctx, l.Connections, scope, req.Document, req.Environment, req.Parameters); err != nil {
		return f, err
	}
	if job.Document, err = req.Document.Canonical(); err != nil {
		return f, err
	}
	err = l.ask(ctx, func(ctx context.Context, b Workbench) (err error) {
		f, err = b.Fetch(ctx, job)
		return err
	})
	if err != nil {
		return f, err
	}
	f.Answer.At = f.Answer.At.Truncate(time.Microsecond)
	f.Answer, err = l.Answers.Put(ctx, scope, req.Flow, f.Answer)
	return f, err
}

// calls reports whether a node calls for records.
func calls(doc *flows.Flow, id string) bool {
	n, _ := doc.Node(id)
	t, ok := node.Lookup(n.Type)
	if !ok {
		return false
	}
	_, ok = t.New().(node.RecordCaller)
	return ok
}

// call lets a node call for the first records that come to it, and keeps what is answered.
func (l *Lab) call(ctx context.Context, scope flows.Scope, req flows.PreviewRequest) (f node.Fetched, err error) {
	req.Fresh = false
	q, err := l.prepare(ctx, scope, req, true)
	if err != nil {
		return f, err
	}
	job, err := l.job(ctx, scope, q)
	if err != nil {
		return f, err
	}
	job.Calls = node.AllowedCalls
	var p flows.Preview
	err = l.ask(ctx, func(ctx context.Context, b Workbench) (err error) {
		p, err = b.Preview(ctx, job)
		return err
	})
	switch {
	case err != nil:
		return f, err
	case len(p.Calls) == 0 && p.Problems.Failed():
		return f, p.Problems
	case len(p.Calls) == 0:
		return f, &flows.Error{Code: "fetch.no_records", Path: flows.Path{Node: req.Node}, Message: "nothing was sent: no record comes to the node that it could call for", Suggestion: "look at the node before it"}
	}
	slices.SortFunc(p.Calls, func(a, b flows.CallAnswer) int { return a.Number - b.Number })
	first := p.Calls[0]
	f.Answer = flows.Answer{Node: req.Node, Environment: q.Environment, Request: first.Request, Status: first.Status, StatusText: http.StatusText(first.Status), Headers: []flows.AnswerHeader{}, Body: first.Body, Bytes: int64(len(first.Body)),
		Took: time.Duration(first.TookMS) * time.Millisecond, At: time.Now().UTC().Truncate(time.Microsecond), Calls: p.Calls}
	if f.Proposal.Fields == nil {
		f.Proposal.Fields = []node.FileField{}
	}
	f.Answer, err = l.Answers.Put(ctx, scope, req.Flow, f.Answer)
	return f, err
}

// answersOf are those of the nodes that a preview reads.
func (l *Lab) answersOf(ctx context.Context, scope flows.Scope, req flows.PreviewRequest) ([]flows.Answer, error) {
	if l.Answers == nil || req.Flow == "" {
		return nil, nil
	}
	var nodes []string
	above := req.Document.Above(req.Node)
	for _, n := range req.Document.Nodes {
		if t, ok := node.Lookup(n.Type); ok && above[n.ID] {
			_, fetches := t.New().(node.Fetcher)
			if fetches || calls(req.Document, n.ID) {
				nodes = append(nodes, n.ID)
			}
		}
	}
	return l.Answers.Of(ctx, scope, req.Flow, nodes)
}

// answersKey tells answers apart.
func answersKey(answers []flows.Answer) (key string) {
	for _, a := range answers {
		key += fmt.Sprintf("%s %d %d;", a.Node, a.At.UnixMicro(), len(a.Body))
	}
	return key
}
