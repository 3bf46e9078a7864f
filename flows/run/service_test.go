package run_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/run"
)

// memory is a run.Store, and the documents that run, without a database. storetest holds the real ones to their words.
type memory struct {
	mu        sync.Mutex
	runs      map[string]flows.Run
	keys      map[string]string
	fences    map[string]int64
	granted   map[string]bool
	delivered map[string][]byte
	log       []flows.LogLine
	rejects   []flows.Reject
	samples   []flows.Sample
	saved     []flows.RunState
	document  string
	inbox     []flows.StoredReject
	taken     []string // by a replay
}

func newMemory() *memory {
	return &memory{runs: map[string]flows.Run{}, keys: map[string]string{}, fences: map[string]int64{}, granted: map[string]bool{},
		document: `{"format":1,"name":"x","nodes":[{"id":"a","type":"sample.data","version":1}],"edges":[]}`}
}

func (m *memory) Freeze(context.Context, flows.Scope, string) (flows.Revision, error) {
	return flows.Revision{FlowID: "f", Number: 7, Document: []byte(m.document)}, nil
}

func (m *memory) Published(context.Context, flows.Scope, string) (int, error) { return 0, nil }

func (m *memory) ForgetRejects(context.Context, flows.Scope, int64, string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rejects = nil
	return nil
}

func (m *memory) CreateReplay(ctx context.Context, scope flows.Scope, r flows.Run, key string, ids []string) (flows.Run, bool, error) {
	m.mu.Lock()
	m.taken = ids
	m.mu.Unlock()
	return m.Create(ctx, scope, r, key)
}

func (m *memory) Replayed(context.Context, flows.Scope, string) ([]flows.StoredReject, error) {
	return m.inbox, nil
}

func (m *memory) Select(context.Context, flows.Scope, flows.Selection) ([]flows.StoredReject, error) {
	return m.inbox, nil
}

func (m *memory) Revision(_ context.Context, _ flows.Scope, _ string, n int) (flows.Revision, error) {
	return flows.Revision{FlowID: "f", Number: n, Document: []byte(m.document)}, nil
}

func (m *memory) Create(_ context.Context, _ flows.Scope, r flows.Run, key string) (flows.Run, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if id, used := m.keys[key]; used && key != "" {
		return m.runs[id], false, nil
	}
	m.runs[r.ID], m.keys[key] = r, r.ID
	return r, true, nil
}

func (m *memory) WithKey(_ context.Context, _ flows.Scope, key string) (flows.Run, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, used := m.keys[key]
	return m.runs[id], used && key != "", nil
}

func (m *memory) Get(_ context.Context, _ flows.Scope, id string) (flows.Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.runs[id]; ok {
		return r, nil
	}
	return flows.Run{}, &flows.Error{Code: "run.not_found", Message: "there is no such run"}
}

func (m *memory) List(context.Context, flows.Scope, flows.RunFilter) (p flows.Page[flows.Run], _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.runs {
		r.Nodes = nil
		p.Items = append(p.Items, r)
	}
	return p, nil
}

// CreateAlone and Lease know one flow only.
func (m *memory) CreateAlone(ctx context.Context, s flows.Scope, r flows.Run, key string) (flows.Run, bool, error) {
	m.mu.Lock()
	for _, other := range m.runs {
		if !other.State.Ended() {
			m.mu.Unlock()
			return flows.Run{}, false, &flows.Error{Code: "run.skipped", Message: "skipped"}
		}
	}
	m.mu.Unlock()
	return m.Create(ctx, s, r, key)
}

func (m *memory) Lease(_ context.Context, _ flows.Scope, id string, alone bool) (flows.Run, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for other, r := range m.runs {
		if alone && other != id && !r.State.Ended() && (m.fences[other] > 0 || other < id) {
			return flows.Run{}, 0, &flows.Error{Code: "run.waits", Message: "waits"}
		}
	}
	if m.runs[id].State.Ended() {
		return flows.Run{}, 0, &flows.Error{Code: "run.over", Message: "over"}
	}
	m.fences[id]++
	return m.runs[id], m.fences[id], nil
}

func (m *memory) held(id string, fence int64) error {
	if m.fences[id] != fence {
		return &flows.Error{Code: "run.lost", Message: "lost"}
	}
	return nil
}

func (m *memory) Save(_ context.Context, _ flows.Scope, fence int64, r flows.Run) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.held(r.ID, fence); err != nil {
		return err
	}
	m.runs[r.ID], m.saved = r, append(m.saved, r.State)
	return nil
}

func (m *memory) Grant(_ context.Context, _ flows.Scope, fence int64, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.held(id, fence); err != nil {
		return err
	}
	m.granted[id] = true
	return nil
}

func (m *memory) Granted(_ context.Context, _ flows.Scope, id string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.granted[id], nil
}

func (m *memory) Deliver(_ context.Context, _ flows.Scope, fence int64, id, node string, keys []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.delivered == nil {
		m.delivered = map[string][]byte{}
	}
	m.delivered[node] = append(m.delivered[node], keys...)
	return m.held(id, fence)
}

func (m *memory) Delivered(context.Context, flows.Scope, string) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.delivered), nil
}

func (m *memory) CancelQueued(_ context.Context, _ flows.Scope, id string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.runs[id]
	if r.State != flows.RunQueued || m.fences[id] > 0 {
		return false, nil
	}
	r.State = flows.RunCancelled
	m.runs[id] = r
	return true, nil
}

func (m *memory) AddLog(_ context.Context, _ flows.Scope, _ string, lines []flows.LogLine) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, lines...)
	return nil
}

func (m *memory) Log(context.Context, flows.Scope, string, flows.ListOptions) (flows.Page[flows.LogLine], error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return flows.Page[flows.LogLine]{Items: slices.Clone(m.log)}, nil
}

func (m *memory) AddRejects(_ context.Context, _ flows.Scope, fence int64, id string, rs []flows.Reject) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rejects = append(m.rejects, rs...)
	return m.held(id, fence)
}

func (m *memory) Rejects(context.Context, flows.Scope, string, flows.RejectFilter) (flows.Page[flows.Reject], error) {
	return flows.Page[flows.Reject]{Items: m.rejects}, nil
}

func (m *memory) PutSamples(_ context.Context, _ flows.Scope, fence int64, id string, s []flows.Sample) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.samples = s
	return m.held(id, fence)
}

func (m *memory) Samples(context.Context, flows.Scope, string, string) ([]flows.Sample, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.samples, nil
}

// checked refuses nothing, or what a test says.
type checked flows.Problems

func (c checked) CheckSample(context.Context, flows.Scope, *flows.Flow, string, string, map[string]string) (flows.Check, error) {
	return flows.Check{Problems: flows.Problems(c)}, nil
}

func (c checked) CheckRun(context.Context, flows.Scope, *flows.Flow, string, map[string]string, string) (flows.Check, error) {
	return flows.Check{Problems: flows.Problems(c)}, nil
}

func (c checked) Replay(_ context.Context, _ flows.Scope, job run.Job) (flows.ReplayReport, error) {
	return flows.ReplayReport{Records: int64(len(job.Replay.Rejects)), Problems: flows.Problems(c)}, nil
}

var scope = flows.Scope{Project: "p", Actor: "ann"}

func service(m *memory, e executed) *run.Service {
	n := 0
	return &run.Service{Store: m, Documents: m, Inbox: m, Executor: e, Checker: checked(nil), SampleSize: 20, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		NewID: func() string { n++; return fmt.Sprintf("r%d", n) }}
}

func queued(t *testing.T, s *run.Service) flows.Run {
	t.Helper()
	r, created, err := s.Start(t.Context(), run.Command{Scope: scope, FlowID: "f", Until: "a", Trigger: flows.TriggerManual})
	if err != nil || !created || r.State != flows.RunQueued || r.Revision != 7 || r.FlowName != "x" {
		t.Fatalf("started %+v, created %t, %v", r, created, err)
	}
	return r
}

func counted(n int64) []flows.NodeStatus {
	return []flows.NodeStatus{{Node: "a", State: flows.NodeRunning, Out: map[string]int64{"out": n, "rejects": 1}, Rejected: 1},
		{Node: "b", State: flows.NodeRunning, In: map[string]int64{"in": n}, Written: n}}
}

// follow takes changes until the run has ended, and returns the last value of everything.
func follow(t *testing.T, w *run.Watch) (r flows.Run, nodes map[string]flows.NodeStatus, lines []string) {
	t.Helper()
	defer w.Close()
	nodes = map[string]flows.NodeStatus{}
	for {
		<-w.Changes()
		v := w.Take()
		if v.Run != nil {
			r = *v.Run
		}
		for _, n := range v.Nodes {
			nodes[n.Node] = n
		}
		for _, l := range v.Log {
			lines = append(lines, l.Message)
		}
		if v.Ended {
			return r, nodes, lines
		}
	}
}

// TestServiceRuns follows a run from its queue to its end: what watchers see is what is stored.
func TestServiceRuns(t *testing.T) {
	t.Parallel()
	m := newMemory()
	value := "1"
	s := service(m, func(_ context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
		if job.Until != "a" || job.Samples != 20 || job.Fence != 1 || len(job.Document) == 0 {
			return nil, fmt.Errorf("job %+v", job)
		}
		c.Warnings(flows.Problems{{Code: "w", Severity: flows.SeverityWarning, Message: "look here"}})
		c.Counts(counted(5))
		c.Samples([]flows.Sample{{Node: "a", Port: "out", Rows: [][]*string{{&value}}}})
		if err := c.StoreRejects(flows.AppendReject(nil, &flows.Reject{Node: "a", Raw: "x"})); err != nil {
			return nil, err
		}
		if err := c.MayCommit(job.Fence); err != nil {
			return nil, err
		}
		done := counted(9)
		done[0].State, done[1].State = flows.NodeDone, flows.NodeDone
		return done, nil
	})
	r := queued(t, s)
	w, err := s.Watch(t.Context(), scope, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if first := w.Take(); first.Run == nil || first.Run.State != flows.RunQueued || first.Ended {
		t.Errorf("first %+v", first)
	}
	if err := s.Work(t.Context(), scope, r.ID); err != nil {
		t.Fatal(err)
	}
	live, nodes, lines := follow(t, w)
	stored, err := s.Get(t.Context(), scope, r.ID)
	if err != nil || stored.State != flows.RunSucceeded || live.State != flows.RunSucceeded || stored.EndedAt.IsZero() || stored.StartedAt.IsZero() {
		t.Errorf("stored %+v, live %+v, %v", stored, live, err)
	}
	if stored.Read != 9 || stored.Written != 9 || stored.Rejected != 1 || nodes["a"].Out["out"] != 9 || len(stored.Nodes) != 2 {
		t.Errorf("counts %+v, %+v", stored, nodes)
	}
	if want := []string{"the run began", "look here", "the run succeeded"}; !slices.Equal(lines, want) {
		t.Errorf("log %q", lines)
	}
	if len(m.rejects) != 1 || len(m.samples) != 1 || !m.granted[r.ID] {
		t.Errorf("rejects %v, samples %v, granted %v", m.rejects, m.samples, m.granted)
	}
	late, err := s.Watch(t.Context(), scope, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if again, nodes, lines := follow(t, late); again.State != flows.RunSucceeded || len(nodes) != 2 || len(lines) != 3 {
		t.Errorf("watched after the end: %+v, %v, %v", again, nodes, lines)
	}
	if err := s.Work(t.Context(), scope, r.ID); err != nil { // a job that is delivered again
		t.Error(err)
	}
}

func TestServiceRefusesInvalidFlows(t *testing.T) {
	t.Parallel()
	m := newMemory()
	s := service(m, nil)
	s.Checker = checked{{Code: "edge.missing", Message: "nothing is connected"}}
	_, _, err := s.Start(t.Context(), run.Command{Scope: scope, FlowID: "f"})
	if _, ok := errors.AsType[flows.Problems](err); !ok || len(m.runs) != 0 {
		t.Errorf("error %v, runs %v", err, m.runs)
	}
}

func TestServiceKey(t *testing.T) {
	t.Parallel()
	s := service(newMemory(), nil)
	cmd := run.Command{Scope: scope, FlowID: "f", Key: "k"}
	first, created, err := s.Start(t.Context(), cmd)
	again, createdAgain, errAgain := s.Start(t.Context(), cmd)
	if err != nil || errAgain != nil || !created || createdAgain || first.ID != again.ID {
		t.Errorf("%s %t %v, then %s %t %v", first.ID, created, err, again.ID, createdAgain, errAgain)
	}
}

// TestServiceCancel: a queued run ends at once, a running one when its executor does, and one whose cancellation comes
// between both does not begin for long.
func TestServiceCancel(t *testing.T) {
	t.Parallel()
	running := make(chan struct{}, 1)
	s := service(newMemory(), func(ctx context.Context, _ run.Job, _ run.Callbacks) ([]flows.NodeStatus, error) {
		running <- struct{}{}
		<-ctx.Done()
		return nil, &flows.Error{Code: "run.cancelled", Message: "the run was cancelled"}
	})
	r := queued(t, s)
	w, err := s.Watch(t.Context(), scope, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Cancel(t.Context(), scope, r.ID); err != nil || got.State != flows.RunCancelled {
		t.Errorf("queued: %+v, %v", got, err)
	}
	if got, _, _ := follow(t, w); got.State != flows.RunCancelled {
		t.Errorf("watched: %+v", got)
	}
	if err := s.Work(t.Context(), scope, r.ID); err != nil {
		t.Errorf("its job: %v", err)
	}
	r = queued(t, s)
	ended := make(chan error)
	go func() { ended <- s.Work(t.Context(), scope, r.ID) }()
	<-running
	if _, err := s.Cancel(t.Context(), scope, r.ID); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got, err := s.Get(t.Context(), scope, r.ID); err != nil || got.State != flows.RunCancelled {
		t.Errorf("running: %+v, %v", got, err)
	}
	if got, err := s.Cancel(t.Context(), scope, r.ID); err != nil || got.State != flows.RunCancelled {
		t.Errorf("over: %+v, %v", got, err)
	}
}

// TestServiceInterrupted: a run whose worker died is failed with the reason by the next one, and never runs twice.
func TestServiceInterrupted(t *testing.T) {
	t.Parallel()
	for granted, code := range map[bool]string{false: "run.interrupted", true: "commit.unknown"} {
		m := newMemory()
		s := service(m, func(context.Context, run.Job, run.Callbacks) ([]flows.NodeStatus, error) {
			t.Error("it ran again")
			return nil, nil
		})
		m.runs["old"] = flows.Run{ID: "old", State: flows.RunRunning, FlowID: "f", Revision: 1, Nodes: counted(4), Read: 4}
		m.fences["old"], m.granted["old"] = 1, granted
		w, err := s.Watch(t.Context(), scope, "old")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Work(t.Context(), scope, "old"); err != nil {
			t.Fatal(err)
		}
		r, nodes, _ := follow(t, w)
		if r.State != flows.RunFailed || r.Error.Code != code || nodes["a"].State == flows.NodeRunning || r.Read != 4 {
			t.Errorf("granted %t: %+v, %v", granted, r, nodes)
		}
	}
}

// TestServiceStopped: a worker that has to end fails its run with the reason.
func TestServiceStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	s := service(newMemory(), func(ctx context.Context, _ run.Job, _ run.Callbacks) ([]flows.NodeStatus, error) {
		stop()
		<-ctx.Done()
		return nil, ctx.Err()
	})
	r := queued(t, s)
	if err := s.Work(ctx, scope, r.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), scope, r.ID); err != nil || got.State != flows.RunFailed || got.Error.Code != "run.interrupted" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestServiceLostLease: an attempt whose run has gone to another worker may not commit, and writes nothing any more.
func TestServiceLostLease(t *testing.T) {
	t.Parallel()
	m := newMemory()
	var refused error
	s := service(m, func(ctx context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
		if _, _, err := m.Lease(ctx, scope, job.Run, false); err != nil { // the other one
			return nil, err
		}
		refused = c.MayCommit(job.Fence)
		return nil, refused
	})
	r := queued(t, s)
	err := s.Work(t.Context(), scope, r.ID)
	if flows.AsError(refused) == nil || flows.AsError(refused).Code != "run.lost" || flows.AsError(err).Code != "run.lost" {
		t.Errorf("commit: %v; work: %v", refused, err)
	}
	if got, _ := m.Get(t.Context(), scope, r.ID); got.State != flows.RunRunning {
		t.Errorf("it changed the run to %s", got.State)
	}
}

// TestSlowWatcher: nothing is queued for a watcher that does not look, and its next look has the latest values.
func TestSlowWatcher(t *testing.T) {
	t.Parallel()
	s := service(newMemory(), func(_ context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
		for i := range int64(100_000) {
			c.Counts(counted(i))
		}
		return counted(100_000), nil
	})
	r := queued(t, s)
	w, err := s.Watch(t.Context(), scope, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Work(t.Context(), scope, r.ID); err != nil {
		t.Fatal(err)
	}
	v := w.Take()
	if !v.Ended || len(v.Nodes) != 2 || v.Nodes[0].Out["out"] != 100_000 || v.Run.Read != 100_000 {
		t.Errorf("%+v", v)
	}
	if v = w.Take(); v.Run != nil || v.Nodes != nil || v.Log != nil {
		t.Errorf("what was taken comes again: %+v", v)
	}
	w.Close()
}

// TestIdleWatcher: counts that are reported again and have not changed are nothing new, however often they come.
func TestIdleWatcher(t *testing.T) {
	t.Parallel()
	var w *run.Watch
	woken := -1 // signals waiting
	s := service(newMemory(), func(_ context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
		c.Counts(counted(7))
		<-w.Changes()
		w.Take()
		for range 100 {
			c.Counts(counted(7))
		}
		woken = len(w.Changes())
		return counted(7), nil
	})
	r := queued(t, s)
	var err error
	if w, err = s.Watch(t.Context(), scope, r.ID); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := s.Work(t.Context(), scope, r.ID); err != nil {
		t.Fatal(err)
	}
	if woken != 0 {
		t.Errorf("%d signals", woken)
	}
}

// TestNoNodeRunsInTheEnd: an executor that died tells nothing of its nodes; none of them is shown as running.
func TestNoNodeRunsInTheEnd(t *testing.T) {
	t.Parallel()
	s := service(newMemory(), func(_ context.Context, _ run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
		c.Counts(counted(4))
		return nil, &flows.Error{Code: "executor.died", Message: "it died"}
	})
	r := queued(t, s)
	if err := s.Work(t.Context(), scope, r.ID); err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), scope, r.ID)
	if err != nil || got.State != flows.RunFailed || len(got.Nodes) != 2 || got.Nodes[0].State != flows.NodeReady || got.Nodes[0].Out["out"] != 4 {
		t.Errorf("%+v, %v", got, err)
	}
}
