package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"spark/flows"
)

// work is one attempt of a stored run.
type work struct {
	*Service
	*live
	scope  flows.Scope
	fence  int64
	run    flows.Run
	budget Budget
}

var _ observer = (*work)(nil)

// interrupted ends a run whose worker ended without saying how the run did.
func (w *work) interrupted(ctx context.Context) error {
	granted, err := w.Store.Granted(ctx, w.scope, w.run.ID)
	if err != nil {
		return err
	}
	if granted && w.knows(ctx) {
		if err := w.Store.ForgetRejects(ctx, w.scope, w.fence, w.run.ID); err != nil {
			return err
		}
		return w.do(ctx) // its targets tell whether it was committed, see insist
	}
	if !granted && w.keeps(ctx) {
		return w.goOn(ctx, "Spark ended while the run was running")
	}
	e := &flows.Error{Code: "run.interrupted", Message: "Spark ended while the run was running",
		Suggestion: "nothing was written; run again"}
	if granted {
		e.Code, e.Message, e.Suggestion = "commit.unknown", "Spark ended while the run committed", "some outputs may be new and others old; run again: that writes all of them"
	}
	return w.finish(ctx, Result{State: flows.RunFailed, Err: e, Ended: w.Now()})
}

// job is what the process executes. The second result is its document.
func (w *work) job(ctx context.Context) (job Job, doc *flows.Flow, err error) {
	rev, err := w.Documents.Revision(ctx, w.scope, w.run.FlowID, w.run.Revision)
	if err != nil {
		return job, nil, err
	}
	if doc, err = flows.ParseFlow(rev.Document); err != nil {
		return job, nil, err
	}
	job = Job{Run: w.run.ID, Attempt: w.run.Attempt, Document: rev.Document, Environment: w.run.Environment, Folders: w.Folders,
		Fence: w.fence, Until: w.run.Until, Samples: w.SampleSize, Budget: w.budget}
	if job.Parameters, err = w.openParameters(w.run); err != nil {
		return job, nil, err
	}
	job.Secrets = secretsOf(doc, job.Parameters)
	if job.Connections, err = connectionsOf(ctx, w.Connections, w.scope, doc, w.run.Environment, job.Parameters); err != nil {
		return job, nil, err
	}
	if job.Replay, err = w.replayOf(ctx); err != nil {
		return job, nil, err
	}
	if job.Offsets, err = w.offsets(ctx); err != nil {
		return job, nil, err
	}
	if job.Sample, job.Pins, err = w.sample(ctx, doc); err != nil {
		return job, nil, err
	}
	if w.Answers != nil && job.Sample == 0 && job.Replay == nil {
		job.Pages = w.Answers.Folder(w.run.ID)
	}
	job.Flow, err = w.flowKey(ctx)
	return job, doc, err
}

// do executes the attempt.
func (w *work) do(ctx context.Context) error {
	job, doc, err := w.job(ctx)
	if err != nil {
		return w.finish(ctx, Result{State: flows.RunFailed, Err: err, Ended: w.Now()})
	}
	attempting, cancel := context.WithCancel(ctx)
	defer cancel()
	w.live.begin(cancel)
	w.run.State = flows.RunRunning
	if w.run.StartedAt.IsZero() { // by the first attempt; the others go on with it
		w.run.StartedAt = w.Now()
	}
	job.Facts = &flows.RunFacts{ID: w.run.ID, Flow: doc.Name, Revision: w.run.Revision, Environment: w.run.Environment, StartedAt: w.run.StartedAt, Attempt: w.run.Attempt}
	if err := w.Store.Save(ctx, w.scope, w.fence, w.run); err != nil {
		return err
	}
	w.live.set(func(r *flows.Run) { r.State, r.StartedAt = w.run.State, w.run.StartedAt })
	w.say(ctx, flows.SeverityInfo, beganAs(job.Sample, job.Pins), nil)
	stop := w.saveCounts(ctx)
	a := attempt{executor: w.Executor, rejects: rejectStore{w}, observe: w, now: w.Now, sent: sentBy{w, ctx},
		grant: func() error { return w.Store.Grant(ctx, w.scope, w.fence, w.run.ID) }}
	res := w.again(attempting, a, job, doc, a.execute(attempting, job))
	if job.Replay != nil || ambiguous(res) && once(doc) {
		res, err = w.insist(ctx, attempting, a, job, res)
	}
	stop()
	if err != nil {
		return err
	}
	if ctx.Err() != nil && res.State == flows.RunCancelled { // nobody asked for it: the worker has to end
		if w.keeps(context.WithoutCancel(ctx)) {
			return context.Cause(ctx) // and the next one goes on
		}
		res.State, res.Err = flows.RunFailed, &flows.Error{Code: "run.interrupted", Message: "Spark was stopped while the run was running",
			Suggestion: "nothing was written; run again"}
	}
	return w.finish(context.WithoutCancel(ctx), res)
}

// sentBy keeps what the targets of a run have sent.
type sentBy struct {
	*work
	ctx context.Context
}

func (s sentBy) delivered() (map[string][]byte, error) {
	return s.Store.Delivered(s.ctx, s.scope, s.run.ID)
}

func (s sentBy) deliver(node string, keys []byte) error {
	return s.Store.Deliver(context.WithoutCancel(s.ctx), s.scope, s.fence, s.run.ID, node, keys)
}

// sample is how many records of every driving source a run on the sample reads, and the pins that it begins at; none for a run.
func (w *work) sample(ctx context.Context, doc *flows.Flow) (int, []flows.PinnedRecords, error) {
	if w.run.Trigger != flows.TriggerSample || w.Pins == nil {
		return w.sampleSize(), nil, nil
	}
	list, err := w.Pins.List(ctx, w.scope, w.run.FlowID)
	if err != nil {
		return 0, nil, err
	}
	pins, err := pinnedFor(ctx, w.Pins, w.scope, w.run.FlowID, doc.UsedPins("", list))
	return w.sampleSize(), pins, err
}

func (w *work) sampleSize() int {
	if w.run.Trigger == flows.TriggerSample {
		return flows.DefaultPreview
	}
	return 0
}

// beganAs says in the log what begins.
func beganAs(sample int, pins []flows.PinnedRecords) string {
	if sample == 0 {
		return "the run began"
	}
	s := fmt.Sprintf("the run on the sample began: at most %d records of each source, and nothing is written", sample)
	for i, p := range pins {
		s += map[bool]string{true: "; pinned records of ", false: ", "}[i == 0] + p.Node
	}
	return s
}

// halted are the nodes of a run that is over: none of them runs.
func halted(nodes []flows.NodeStatus) []flows.NodeStatus {
	for i, n := range nodes {
		if n.State == flows.NodeRunning {
			nodes[i].State = flows.NodeReady
		}
	}
	return nodes
}

// saveCounts stores the counts now and then until stopped. An error is not the run's: the next save, or the end, tells.
func (w *work) saveCounts(ctx context.Context) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(saveInterval)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				if err := w.Store.Save(ctx, w.scope, w.fence, w.live.snapshot()); err != nil {
					w.Logger.Warn("counts of a run were not stored", "run", w.run.ID, "error", err)
				}
			}
		}
	}()
	return func() { close(done); <-ended }
}

// finish stores how the run ended and tells the watchers.
func (w *work) finish(ctx context.Context, res Result) error {
	w.live.counts(res.Nodes)
	w.live.counts(halted(w.live.snapshot().Nodes)) // an executor that died left them as they were
	r := w.live.snapshot()
	r.State, r.EndedAt, r.Error = res.State, res.Ended, flows.AsError(res.Err)
	if res.State == flows.RunSucceeded {
		r.Error = nil
	}
	if err := w.reach(ctx, res.Reached); err != nil {
		return err
	}
	if err := w.Store.PutSamples(ctx, w.scope, w.fence, r.ID, w.live.sampleOf("")); err != nil {
		return fmt.Errorf("samples of run %s: %w", r.ID, err)
	}
	severity, message := flows.SeverityInfo, "the run "+map[flows.RunState]string{flows.RunSucceeded: "succeeded", flows.RunFailed: "failed", flows.RunCancelled: "was cancelled"}[r.State]
	if r.State == flows.RunFailed {
		severity = flows.SeverityError
		message += ": " + r.Error.Error()
	}
	w.say(ctx, severity, message, r.Error)
	if err := w.Store.Save(ctx, w.scope, w.fence, r); err != nil {
		return fmt.Errorf("end of run %s: %w", r.ID, err)
	}
	w.live.end(r)
	if w.Answers != nil {
		w.Answers.Remove(r.ID)
	}
	return nil
}

// say adds a line to the log of the run. One that cannot be stored is still shown.
func (w *work) say(ctx context.Context, severity flows.Severity, message string, e *flows.Error) {
	line := w.live.line(w.Now(), severity, message, e)
	if err := w.Store.AddLog(ctx, w.scope, w.run.ID, []flows.LogLine{line}); err != nil {
		w.Logger.Warn("a log line of a run was not stored", "run", w.run.ID, "error", err)
	}
}

func (w *work) problems(err error) {
	ps, _ := errors.AsType[flows.Problems](err)
	for _, p := range ps {
		severity := p.Severity
		if severity == "" {
			severity = flows.SeverityError
		}
		w.say(context.Background(), severity, p.Error(), p)
	}
}

// rejectStore stores the rejects of an attempt in the store: durable as they come, before the commit.
type rejectStore struct{ w *work }

func (s rejectStore) Open(string) (RejectWriter, error) { return s, nil }

func (s rejectStore) Add(lines []byte) error {
	rs, err := flows.ParseRejects(lines)
	if err != nil {
		return err
	}
	return s.w.Store.AddRejects(context.Background(), s.w.scope, s.w.fence, s.w.run.ID, rs)
}

func (s rejectStore) Seal() error { return nil }

// End has nothing to do: the run's own state says what its rejects are.
func (s rejectStore) End(bool) error { return nil }
