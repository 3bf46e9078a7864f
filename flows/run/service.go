package run

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"spark/flows"
)

// Command asks for a run of a flow.
type Command struct {
	Scope       flows.Scope
	FlowID      string
	Revision    int    // 0: the draft is frozen
	Until       string // node that the run ends at; "": the whole flow
	Trigger     flows.Trigger
	Environment string // of the project; "": the default one
	Parameters  map[string]string
	Key         string // idempotency key: a second start with it returns the run of the first
}

// Store keeps runs. Every write of an attempt names its fence and is refused (run.lost) once a newer one was given out.
type Store interface {
	// Create saves a queued run and its job in one transaction. Where the project has a run with the key already, that
	// one is returned, and false.
	Create(ctx context.Context, scope flows.Scope, r flows.Run, key string) (flows.Run, bool, error)
	// CreateAlone is Create where no run of the flow is queued or running; otherwise it is refused (run.skipped), which is
	// audited.
	CreateAlone(ctx context.Context, scope flows.Scope, r flows.Run, key string) (flows.Run, bool, error)
	// WithKey returns the run that was started with an idempotency key, and whether there is one. Nothing has the key "".
	WithKey(ctx context.Context, scope flows.Scope, key string) (r flows.Run, found bool, err error)
	Get(ctx context.Context, scope flows.Scope, id string) (flows.Run, error)
	List(ctx context.Context, scope flows.Scope, f flows.RunFilter) (flows.Page[flows.Run], error)
	// Lease gives out the next fence of a run that is not over and returns the run as it was before: queued, or
	// running when an earlier worker did not end it. It is refused (run.waits) where the run has to be alone and another
	// one of its flow has been leased and is not over, or was queued earlier.
	Lease(ctx context.Context, scope flows.Scope, id string, alone bool) (r flows.Run, fence int64, err error)
	// Save stores state, times, counts and error.
	Save(ctx context.Context, scope flows.Scope, fence int64, r flows.Run) error
	// Grant notes that the attempt may commit, durably.
	Grant(ctx context.Context, scope flows.Scope, fence int64, id string) error
	// Granted reports whether an attempt was allowed to commit.
	Granted(ctx context.Context, scope flows.Scope, id string) (bool, error)
	// Deliver notes keys of what a node has sent, durably, and Delivered returns those of a run, by node. They end with it.
	Deliver(ctx context.Context, scope flows.Scope, fence int64, id, node string, keys []byte) error
	Delivered(ctx context.Context, scope flows.Scope, id string) (map[string][]byte, error)
	// CancelQueued ends a run that has not begun; false where it has, or is over.
	CancelQueued(ctx context.Context, scope flows.Scope, id string) (bool, error)

	AddLog(ctx context.Context, scope flows.Scope, id string, lines []flows.LogLine) error
	Log(ctx context.Context, scope flows.Scope, id string, o flows.ListOptions) (flows.Page[flows.LogLine], error)
	AddRejects(ctx context.Context, scope flows.Scope, fence int64, id string, rs []flows.Reject) error
	Rejects(ctx context.Context, scope flows.Scope, id string, f flows.RejectFilter) (flows.Page[flows.Reject], error)
	// ForgetRejects removes what an earlier execution of the attempt has stored.
	ForgetRejects(ctx context.Context, scope flows.Scope, fence int64, id string) error
	// CreateReplay is Create of a run that takes these rejects: all of them, or it is refused (reject.not_open).
	CreateReplay(ctx context.Context, scope flows.Scope, r flows.Run, key string, ids []string) (flows.Run, bool, error)
	// Replayed returns the rejects that a run takes.
	Replayed(ctx context.Context, scope flows.Scope, run string) ([]flows.StoredReject, error)
	PutSamples(ctx context.Context, scope flows.Scope, fence int64, id string, s []flows.Sample) error
	Samples(ctx context.Context, scope flows.Scope, id, node string) ([]flows.Sample, error)
}

// Documents give the documents that runs execute.
type Documents interface {
	// Published is the number of a flow's published revision, 0 where it has none.
	Published(ctx context.Context, scope flows.Scope, id string) (int, error)
	Freeze(ctx context.Context, scope flows.Scope, id string) (flows.Revision, error)
	Revision(ctx context.Context, scope flows.Scope, id string, number int) (flows.Revision, error)
}

// Checker finds what is wrong with a document before it runs.
type Checker interface {
	CheckRun(ctx context.Context, scope flows.Scope, doc *flows.Flow, environment string, parameters map[string]string, until string) (flows.Check, error)
	// CheckSample is CheckRun of a run on the sample.
	CheckSample(ctx context.Context, scope flows.Scope, doc *flows.Flow, flow, environment string, parameters map[string]string) (flows.Check, error)
	// Replay makes the dry run of a replay.
	Replay(ctx context.Context, scope flows.Scope, job Job) (flows.ReplayReport, error)
}

// Service starts, executes and stores runs.
type Service struct {
	Store     Store
	Documents Documents
	Executor  Executor
	Checker   Checker
	Inbox     Inbox
	// Connections of the projects; nil where there are none.
	Connections Connections
	// Environments of the projects; nil where there is one without a name.
	Environments Environments
	// Sealer encrypts the values of secret parameters; nil: flows that have some are refused.
	Sealer Sealer
	// Cursors of incremental sources; nil where none are kept.
	Cursors    Cursors
	Answers    KeptPages // of APIs, to runs that are not over; nil where none are kept
	Pins       Pins      // of drafts, for runs on the sample; nil where none are kept
	Folders    []string  // data folders
	SampleSize int       // records sampled of every output port
	Now        func() time.Time
	NewID      func() string
	Logger     *slog.Logger

	// Admission divides the machine among the attempts, each of which gets what Budgets says. nil: all are admitted, and
	// the executor has limits of its own.
	Admission *Admission
	Budgets   Budgeter

	mu     sync.Mutex
	live   map[string]*live // by run: those that are not over, as far as this process has seen them
	worked chan struct{}    // closed at the end of the next job
}

// saveInterval is how often the counts of a running attempt are stored: what is known of it after a crash.
const saveInterval = 5 * time.Second

// Start freezes the flow and queues a run of it. A flow that cannot run is refused with all its problems, and nothing is
// stored. created is false where the key belongs to a run of this flow that was started before, whatever became of the
// flow since.
func (s *Service) Start(ctx context.Context, cmd Command) (r flows.Run, created bool, err error) {
	if r, found, err := s.Store.WithKey(ctx, cmd.Scope, cmd.Key); found || err != nil {
		if err == nil && r.FlowID != cmd.FlowID {
			return flows.Run{}, false, &flows.Error{Code: "run.key_reused", Params: flows.Params{"run": r.ID, "flow": r.FlowID}, Message: "this idempotency key began a run of another flow",
				Suggestion: "use a key once: make a new one for each run that is asked for"}
		}
		return r, false, err
	}
	rev, err := s.revision(ctx, cmd)
	if err != nil {
		return r, false, err
	}
	doc, err := flows.ParseFlow(rev.Document)
	if err != nil {
		return r, false, err
	}
	environment, err := environmentOf(ctx, s.Environments, cmd.Scope, cmd.Environment)
	if err != nil {
		return r, false, err
	}
	check, err := s.check(ctx, cmd, doc, environment)
	if err != nil {
		return r, false, err
	}
	if check.Problems.Failed() {
		return r, false, check.Problems.Without(secretsOf(doc, cmd.Parameters))
	}
	create := s.Store.Create
	if doc.Settings.Concurrency == flows.ConcurrencySkip && cmd.Trigger != flows.TriggerSample {
		create = s.Store.CreateAlone
	}
	id := s.NewID()
	shown, sealed, err := s.sealParameters(doc, id, cmd.Parameters)
	if err != nil {
		return r, false, err
	}
	r, created, err = create(ctx, cmd.Scope, flows.Run{ID: id, Environment: environment, FlowID: rev.FlowID, FlowName: doc.Name, Revision: rev.Number, Until: cmd.Until,
		Trigger: cmd.Trigger, Parameters: shown, Sealed: sealed, State: flows.RunQueued, Attempt: 1, CreatedBy: cmd.Scope.Actor}, cmd.Key)
	if err != nil || !created {
		return r, false, err
	}
	s.of(r)
	return r, true, nil
}

func (s *Service) check(ctx context.Context, cmd Command, doc *flows.Flow, environment string) (flows.Check, error) {
	if cmd.Trigger == flows.TriggerSample {
		return s.Checker.CheckSample(ctx, cmd.Scope, doc, cmd.FlowID, environment, cmd.Parameters)
	}
	return s.Checker.CheckRun(ctx, cmd.Scope, doc, environment, cmd.Parameters, cmd.Until)
}

func (s *Service) revision(ctx context.Context, cmd Command) (flows.Revision, error) {
	if cmd.Revision > 0 {
		return s.Documents.Revision(ctx, cmd.Scope, cmd.FlowID, cmd.Revision)
	}
	return s.Documents.Freeze(ctx, cmd.Scope, cmd.FlowID)
}

// of returns the live state of a run that is not over, and makes it where this process has not seen the run.
func (s *Service) of(r flows.Run) *live {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live == nil {
		s.live = map[string]*live{}
	}
	l := s.live[r.ID]
	if l == nil {
		l = newLive(r)
		s.live[r.ID] = l
	}
	return l
}

func (s *Service) find(id string) *live {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[id]
}

func (s *Service) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, id)
}

// Get returns a run with its nodes, up to date while it runs.
func (s *Service) Get(ctx context.Context, scope flows.Scope, id string) (flows.Run, error) {
	r, err := s.Store.Get(ctx, scope, id)
	if err != nil || r.State.Ended() {
		return r, err
	}
	if l := s.find(id); l != nil {
		return l.snapshot(), nil
	}
	return r, nil
}

// List returns runs without their nodes, last created first, with the counts of running ones as they are now.
func (s *Service) List(ctx context.Context, scope flows.Scope, f flows.RunFilter) (flows.Page[flows.Run], error) {
	page, err := s.Store.List(ctx, scope, f)
	for i, r := range page.Items {
		if l := s.find(r.ID); l != nil && !r.State.Ended() {
			page.Items[i] = l.snapshot()
			page.Items[i].Nodes = nil
		}
	}
	return page, err
}

// Watch subscribes to a run. That of a run which is over returns its state once.
func (s *Service) Watch(ctx context.Context, scope flows.Scope, id string) (*Watch, error) {
	r, err := s.Store.Get(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	var l *live
	if r.State.Ended() {
		l = newLive(r)
	} else {
		l = s.of(r)
		// It may have ended after it was read and before it was made live again: then nobody would ever end that.
		if r, err = s.Store.Get(ctx, scope, id); err != nil {
			return nil, err
		}
		if r.State.Ended() {
			s.forget(id)
			l = newLive(r)
		}
	}
	log, err := s.Store.Log(ctx, scope, id, flows.ListOptions{Limit: logLines})
	if err != nil {
		return nil, err
	}
	l.know(log.Items)
	return l.watch(), nil
}

// know takes over stored lines where this process has logged none.
func (l *live) know(lines []flows.LogLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.log) == 0 && len(lines) > 0 {
		l.log, l.lines = lines, lines[len(lines)-1].Seq
	}
}

// Samples returns the sampled records of a run, of one node or of all.
func (s *Service) Samples(ctx context.Context, scope flows.Scope, id, node string) ([]flows.Sample, error) {
	if _, err := s.Store.Get(ctx, scope, id); err != nil {
		return nil, err
	}
	if l := s.find(id); l != nil {
		return l.sampleOf(node), nil
	}
	return s.Store.Samples(ctx, scope, id, node)
}

// Rejects returns the stored rejects of a run.
func (s *Service) Rejects(ctx context.Context, scope flows.Scope, id string, f flows.RejectFilter) (flows.Page[flows.Reject], error) {
	return s.Store.Rejects(ctx, scope, id, f)
}

// Log returns the lines of a run, first ones first.
func (s *Service) Log(ctx context.Context, scope flows.Scope, id string, o flows.ListOptions) (flows.Page[flows.LogLine], error) {
	return s.Store.Log(ctx, scope, id, o)
}

// Cancel asks a run to end and returns it as it is then. A run that is over stays as it is.
func (s *Service) Cancel(ctx context.Context, scope flows.Scope, id string) (flows.Run, error) {
	r, err := s.Store.Get(ctx, scope, id)
	if err != nil || r.State.Ended() {
		return r, err
	}
	l := s.of(r)
	if r.State == flows.RunRunning { // the queue need not be asked, which takes a while where many are cancelled at once
		l.ask()
		return s.Get(ctx, scope, id)
	}
	ended, err := s.Store.CancelQueued(ctx, scope, id)
	l.ask()
	s.tellWorked() // it may have been waiting for its turn
	if err != nil {
		return r, err
	}
	if ended {
		if r, err = s.Store.Get(ctx, scope, id); err != nil {
			return r, err
		}
		l.end(r)
		s.forget(id)
		return r, nil
	}
	return s.Get(ctx, scope, id)
}

// Work executes a job: one attempt of a run. It is what a worker of the queue calls; a returned error means that the job
// should be delivered again.
func (s *Service) Work(ctx context.Context, scope flows.Scope, id string) error {
	defer s.tellWorked()
	t, err := s.turn(ctx, scope, id)
	if e := flows.AsError(err); e != nil {
		if e.Code == "run.over" { // cancelled while it waited, or delivered twice
			s.forget(id)
			return nil
		}
		return err
	}
	r := t.run
	defer t.done()
	l := s.of(r)
	defer s.forget(id)
	w := &work{Service: s, live: l, scope: scope, fence: t.fence, run: r, budget: t.budget}
	if r.State == flows.RunRunning {
		return w.interrupted(ctx)
	}
	return w.do(ctx)
}
