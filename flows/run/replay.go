package run

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"spark/flows"
	"spark/flows/node"
)

// Inbox keeps the rejects of runs that have committed.
type Inbox interface {
	// Select returns chosen rejects, whatever has become of those that are named.
	Select(ctx context.Context, scope flows.Scope, s flows.Selection) ([]flows.StoredReject, error)
}

// ReplayCommand asks for the replay of rejects of one node of one flow.
type ReplayCommand struct {
	Scope     flows.Scope
	Selection flows.Selection
	Revision  int    // that they go through; 0: the published one where it is newer than theirs, else the draft
	Draft     bool   // instead: the draft, whatever is published
	Key       string // idempotency key, see Command
}

// maxReplayBytes is how much one replay takes: it travels to the executor in one piece.
const maxReplayBytes = 16 << 20

// prepared is a replay that can be made.
type prepared struct {
	replay   flows.Replay
	revision flows.Revision
	run      flows.Run // as it would be created
	document *flows.Flow
	// parameters of the runs that refused the records, secret ones too.
	parameters map[string]string
	ids        []string
}

// DryReplay lets rejects go through a flow without writing anything, and tells which are refused again.
func (s *Service) DryReplay(ctx context.Context, cmd ReplayCommand) (flows.ReplayReport, error) {
	p, err := s.prepareReplay(ctx, cmd)
	if err != nil {
		return flows.ReplayReport{}, err
	}
	return s.dry(ctx, cmd.Scope, p)
}

func (s *Service) dry(ctx context.Context, scope flows.Scope, p prepared) (flows.ReplayReport, error) {
	p.replay.Dry = true
	report, err := s.Checker.Replay(ctx, scope, Job{Document: p.revision.Document, Environment: p.run.Environment, Parameters: p.parameters, Secrets: secretsOf(p.document, p.parameters), Replay: &p.replay})
	report.Revision = p.revision.Number
	return report, err
}

// StartReplay queues a run that lets rejects go through a flow. Where that would do harm, or the flow cannot run, it is
// refused and nothing is stored. The rejects are the run's own until it ends.
func (s *Service) StartReplay(ctx context.Context, cmd ReplayCommand) (r flows.Run, created bool, err error) {
	if r, found, err := s.Store.WithKey(ctx, cmd.Scope, cmd.Key); found || err != nil {
		return r, false, err
	}
	p, err := s.prepareReplay(ctx, cmd)
	if err != nil {
		return r, false, err
	}
	report, err := s.dry(ctx, cmd.Scope, p)
	if err == nil && report.Problems.Failed() {
		err = report.Problems
	}
	if err != nil {
		return r, false, err
	}
	p.run.ID = s.NewID()
	if p.run.Parameters, p.run.Sealed, err = s.sealParameters(p.document, p.run.ID, p.parameters); err != nil {
		return r, false, err
	}
	r, created, err = s.Store.CreateReplay(ctx, cmd.Scope, p.run, cmd.Key, p.ids)
	if err != nil || !created {
		return r, false, err
	}
	s.of(r)
	return r, true, nil
}

func (s *Service) prepareReplay(ctx context.Context, cmd ReplayCommand) (p prepared, err error) {
	list, err := s.Inbox.Select(ctx, cmd.Scope, cmd.Selection)
	if err != nil {
		return p, err
	}
	if err := checkChosen(list); err != nil {
		return p, err
	}
	for _, r := range list {
		p.ids = append(p.ids, r.ID)
	}
	if p.replay, err = s.replay(ctx, cmd.Scope, list); err != nil {
		return p, err
	}
	environment := ""
	if p.parameters, environment, err = s.parametersOf(ctx, cmd.Scope, list); err != nil {
		return p, err
	}
	if p.revision, err = s.replayRevision(ctx, cmd, list); err != nil {
		return p, err
	}
	if p.document, err = flows.ParseFlow(p.revision.Document); err != nil {
		return p, err
	}
	p.run = flows.Run{FlowID: list[0].FlowID, FlowName: p.document.Name, Revision: p.revision.Number, Trigger: flows.TriggerReplay, Environment: environment,
		State: flows.RunQueued, Attempt: 1, CreatedBy: cmd.Scope.Actor}
	return p, nil
}

func checkChosen(list []flows.StoredReject) error {
	if len(list) == 0 {
		return &flows.Error{Code: "reject.none", Message: "no reject is chosen", Suggestion: "choose some from the inbox; they may have been discarded or replayed meanwhile"}
	}
	bytes := 0
	for _, r := range list {
		switch bytes += len(r.Raw) + len(r.RawBytes) + len(r.Header); {
		case r.State != flows.RejectOpen:
			return &flows.Error{Code: "reject.not_open", Params: flows.Params{"reject": r.ID, "state": r.State}, Message: "one of these rejects is not open: it is " + string(r.State), Suggestion: "read the inbox again and choose from what is there"}
		case r.FlowID != list[0].FlowID || r.Node != list[0].Node:
			return &flows.Error{Code: "replay.several", Message: "the rejects come from several flows or nodes", Suggestion: "replay those of one node of one flow at a time"}
		case bytes > maxReplayBytes:
			return &flows.Error{Code: "replay.too_large", Message: fmt.Sprintf("the rejects have more than %d MB", maxReplayBytes>>20), Suggestion: "replay some of them at a time"}
		}
	}
	return nil
}

// replay collects what the executor needs of rejects: the records, and the documents of their revisions.
func (s *Service) replay(ctx context.Context, scope flows.Scope, list []flows.StoredReject) (flows.Replay, error) {
	r := flows.Replay{Node: list[0].Node}
	revisions := map[int]json.RawMessage{}
	for _, x := range list {
		r.Rejects = append(r.Rejects, x.Reject)
		if revisions[x.Revision] != nil {
			continue
		}
		rev, err := s.Documents.Revision(ctx, scope, x.FlowID, x.Revision)
		if err != nil {
			return r, err
		}
		revisions[x.Revision] = rev.Document
	}
	for _, number := range slices.Sorted(maps.Keys(revisions)) {
		r.Documents = append(r.Documents, revisions[number])
	}
	return r, nil
}

// parametersOf returns those of the runs that refused the records, and their environment: what the records mean may depend
// on them.
func (s *Service) parametersOf(ctx context.Context, scope flows.Scope, list []flows.StoredReject) (found map[string]string, environment string, err error) {
	seen := map[string]bool{}
	for _, r := range list {
		if seen[r.Run] {
			continue
		}
		one, err := s.Store.Get(ctx, scope, r.Run)
		if err != nil {
			return nil, "", err
		}
		parameters, err := s.openParameters(one)
		if err != nil {
			return nil, "", err
		}
		if len(seen) > 0 && environment != one.Environment {
			return nil, "", &flows.Error{Code: "replay.environments", Message: "the rejects come from runs in different environments", Suggestion: "replay those of one environment at a time"}
		}
		if len(seen) > 0 && !maps.Equal(parameters, found) {
			return nil, "", &flows.Error{Code: "replay.parameters", Message: "the rejects come from runs with different parameters", Suggestion: "replay those of one run at a time"}
		}
		seen[r.Run], found, environment = true, parameters, one.Environment
	}
	return found, environment, nil
}

// replayRevision is the revision that is asked for, or the one that most likely mends the records: the published one
// where it is newer than theirs, else the draft.
func (s *Service) replayRevision(ctx context.Context, cmd ReplayCommand, list []flows.StoredReject) (flows.Revision, error) {
	id := list[0].FlowID
	if cmd.Revision > 0 {
		return s.Documents.Revision(ctx, cmd.Scope, id, cmd.Revision)
	}
	if cmd.Draft {
		return s.Documents.Freeze(ctx, cmd.Scope, id)
	}
	published, err := s.Documents.Published(ctx, cmd.Scope, id)
	if err != nil {
		return flows.Revision{}, err
	}
	newest := 0
	for _, r := range list {
		newest = max(newest, r.Revision)
	}
	if published > newest {
		return s.Documents.Revision(ctx, cmd.Scope, id, published)
	}
	return s.Documents.Freeze(ctx, cmd.Scope, id)
}

// Replay makes a dry run in the warm process.
func (l *Lab) Replay(ctx context.Context, scope flows.Scope, job Job) (report flows.ReplayReport, err error) {
	doc, err := flows.ParseFlow(job.Document)
	if err != nil {
		return report, err
	}
	if job.Connections, err = connectionsOf(ctx, l.Connections, scope, doc, job.Environment, job.Parameters); err != nil {
		return report, err
	}
	err = l.ask(ctx, func(ctx context.Context, b Workbench) (err error) {
		report, err = b.Replay(ctx, job)
		return err
	})
	return report, err
}

// replayOf returns what a run replays, nil where it is no replay. What an execution that was cut off has refused again is
// forgotten: this one refuses it again.
func (w *work) replayOf(ctx context.Context) (*flows.Replay, error) {
	if w.run.Trigger != flows.TriggerReplay {
		return nil, nil
	}
	if err := w.Store.ForgetRejects(ctx, w.scope, w.fence, w.run.ID); err != nil {
		return nil, err
	}
	list, err := w.Store.Replayed(ctx, w.scope, w.run.ID)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, &flows.Error{Code: "reject.none", Message: "the rejects that were to be replayed are gone", Suggestion: "read the inbox again"}
	}
	r, err := w.replay(ctx, w.scope, list)
	return &r, err
}

// replayTries and replayWait say how long a replay goes on asking its targets.
const (
	replayTries = 8
	replayWait  = time.Second
)

// knows reports whether the targets of the run know what they have committed of it.
func (w *work) knows(ctx context.Context) bool {
	if w.run.Trigger == flows.TriggerReplay {
		return true // others are not allowed
	}
	rev, err := w.Documents.Revision(ctx, w.scope, w.run.FlowID, w.run.Revision)
	if err != nil {
		return false
	}
	doc, err := flows.ParseFlow(rev.Document)
	return err == nil && once(doc)
}

// once reports whether every output of a flow knows what it has committed of a run.
func once(doc *flows.Flow) bool {
	outputs := 0
	for _, n := range doc.Nodes {
		t, known := node.Lookup(n.Type)
		if n.Disabled || !known || len(t.OutputsOf(n.Config)) > 0 {
			continue
		}
		if outputs++; !t.Once {
			return false
		}
	}
	return outputs > 0
}

// ambiguous reports whether an attempt ended without saying whether it has committed.
func ambiguous(res Result) bool {
	e := flows.AsError(res.Err)
	return e != nil && (e.Code == "commit.unknown" || e.Code == "executor.died")
}

// insist executes a run again that ended after it was allowed to commit: it may have committed or not. A target that
// has committed it knows the run and leaves what it has, the others take it now; so every record is there once. The
// error means that this process is being stopped, and that the next one goes on.
func (w *work) insist(stopping, ctx context.Context, a attempt, job Job, res Result) (Result, error) {
	wait := replayWait
	for range replayTries {
		if res.State == flows.RunSucceeded || w.run.Trigger != flows.TriggerReplay && !ambiguous(res) {
			return res, nil
		}
		granted, err := w.Store.Granted(context.WithoutCancel(ctx), w.scope, w.run.ID)
		if err != nil || !granted {
			return res, err
		}
		w.say(context.WithoutCancel(ctx), flows.SeverityWarning, "the run ended while it committed; it is executed again, and what is written already is left as it is", flows.AsError(res.Err))
		select {
		case <-ctx.Done():
			if stopping.Err() == nil { // somebody has no patience: what is known is that nobody knows
				res.State = flows.RunFailed
			}
			return res, stopping.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Minute)
		if err := w.Store.ForgetRejects(ctx, w.scope, w.fence, w.run.ID); err != nil {
			return res, err
		}
		res = a.execute(ctx, job)
	}
	return res, nil
}
