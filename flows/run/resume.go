package run

import (
	"context"
	"fmt"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// KeptPages are what APIs have answered runs that are not over: another execution of a run reads them instead of calling.
type KeptPages interface {
	// Folder is where the executor keeps those of a run. It makes it.
	Folder(run string) string
	// Count returns how many are kept of a run here.
	Count(run string) int
	// Resume notes another execution of a run. It is refused where there have been too many: something else is wrong.
	Resume(run string) bool
	// Remove removes those of a run that is over.
	Remove(run string)
}

// keeps reports whether a run that has written nothing can go on behind pages that it has read.
func (w *work) keeps(ctx context.Context) bool {
	if w.Answers == nil || w.Answers.Count(w.run.ID) == 0 {
		return false
	}
	rev, err := w.Documents.Revision(ctx, w.scope, w.run.FlowID, w.run.Revision)
	if err != nil {
		return false
	}
	doc, err := flows.ParseFlow(rev.Document)
	if err != nil {
		return false
	}
	parameters, err := w.openParameters(w.run)
	return err == nil && repeatable(doc, w.run.Environment, parameters)
}

// repeatable reports whether no node of a flow calls for records in a way that must not happen twice.
func repeatable(doc *flows.Flow, environment string, parameters map[string]string) bool {
	for _, n := range doc.Nodes {
		t, known := node.Lookup(n.Type)
		if n.Disabled || !known {
			continue
		}
		if _, calls := t.New().(node.RecordCaller); !calls {
			continue
		}
		_, config, ps := node.Load(n, plan.Values(doc, environment, parameters))
		if caller, ok := config.(node.RecordCaller); ps.Failed() || !ok || !caller.Repeatable() {
			return false
		}
	}
	return true
}

// goOn executes a run again that has written nothing, behind the pages that it has read.
func (w *work) goOn(ctx context.Context, why string) error {
	if !w.Answers.Resume(w.run.ID) {
		return w.finish(ctx, Result{State: flows.RunFailed, Ended: w.Now(), Err: &flows.Error{Code: "run.interrupted", Message: why + ", more than once", Suggestion: "nothing was written; run again"}})
	}
	if err := w.forget(ctx, why, nil); err != nil {
		return err
	}
	return w.do(ctx)
}

// again executes a run again whose executor has ended before it was allowed to commit, where pages are kept.
func (w *work) again(ctx context.Context, a attempt, job Job, doc *flows.Flow, res Result) Result {
	for {
		e := flows.AsError(res.Err)
		if e == nil || e.Code != "executor.died" || job.Pages == "" || ctx.Err() != nil || !repeatable(doc, job.Environment, job.Parameters) || w.Answers.Count(w.run.ID) == 0 {
			return res
		}
		if granted, err := w.Store.Granted(ctx, w.scope, w.run.ID); err != nil || granted || !w.Answers.Resume(w.run.ID) {
			return res
		}
		if err := w.forget(ctx, "the process that executed the run ended", e); err != nil {
			return res
		}
		res = a.execute(ctx, job)
	}
}

// forget drops what an execution has refused, and says why there is another one.
func (w *work) forget(ctx context.Context, why string, cause *flows.Error) error {
	w.say(ctx, flows.SeverityWarning, fmt.Sprintf("%s; nothing was written, and it is executed again behind the pages of APIs that it has read: %d are kept", why, w.Answers.Count(w.run.ID)), cause)
	return w.Store.ForgetRejects(ctx, w.scope, w.fence, w.run.ID)
}
