package run_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	_ "spark/connectors/all"
	"spark/flows"
	"spark/flows/run"
)

// keptAnswers counts pages, and what is done with them.
type keptAnswers struct {
	pages, resumed int
	removed        bool
}

func (k *keptAnswers) Folder(run string) string { return "/pages/" + run }
func (k *keptAnswers) Count(string) int         { return k.pages }
func (k *keptAnswers) Remove(string)            { k.removed = true }
func (k *keptAnswers) Resume(string) bool {
	k.resumed++
	return k.resumed <= 2
}

const (
	calling = `{"format":1,"name":"x","nodes":[{"id":"a","type":"rest.input","version":1},{"id":"b","type":"http.request","version":1,"config":{"method":"POST"}}],"edges":[]}`
	unkeyed = `{"format":1,"name":"x","nodes":[{"id":"a","type":"rest.input","version":1},{"id":"b","type":"http.request","version":1,"config":{"method":"POST","keyHeader":""}}],"edges":[]}`
)

// TestResumes: a run that has read pages of an API and has written nothing is executed again where its process has ended, and
// what was refused before is forgotten; not for ever, and not where a call would be made twice that the server cannot know.
func TestResumes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		document string
		pages    int
		grant    bool
		deaths   int
		want     int // executions
		state    flows.RunState
	}{
		"once":             {calling, 3, false, 1, 2, flows.RunSucceeded},
		"for ever":         {calling, 3, false, 9, 3, flows.RunFailed},
		"no pages":         {calling, 0, false, 1, 1, flows.RunFailed},
		"calls of no key":  {unkeyed, 3, false, 1, 1, flows.RunFailed},
		"may have written": {calling, 3, true, 1, 1, flows.RunFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			m.document = c.document
			n := 0
			s := service(m, func(_ context.Context, job run.Job, cb run.Callbacks) ([]flows.NodeStatus, error) {
				n++
				if job.Pages != "/pages/"+job.Run {
					t.Errorf("the folder is %q", job.Pages)
				}
				err := cb.StoreRejects(flows.AppendReject(nil, &flows.Reject{Node: "a"}))
				if n <= c.deaths {
					if c.grant {
						err = errors.Join(err, cb.MayCommit(job.Fence))
					}
					return nil, errors.Join(err, &flows.Error{Code: "executor.died", Message: "it ended"})
				}
				return counted(1), errors.Join(err, cb.MayCommit(job.Fence))
			})
			kept := &keptAnswers{pages: c.pages}
			s.Answers = kept
			r := queued(t, s)
			if err := s.Work(t.Context(), scope, r.ID); err != nil {
				t.Fatal(err)
			}
			if got := m.runs[r.ID].State; n != c.want || got != c.state || !kept.removed || len(m.rejects) != 1 {
				t.Errorf("executed %d times, %s, removed %t, %d rejects", n, got, kept.removed, len(m.rejects))
			}
		})
	}
}

// TestResumesAfterACrash: a run that a server was killed in goes on where it has pages, and fails where not.
func TestResumesAfterACrash(t *testing.T) {
	t.Parallel()
	for pages, want := range map[int]flows.RunState{0: flows.RunFailed, 3: flows.RunSucceeded} {
		m := newMemory()
		m.document = calling
		s := service(m, func(_ context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
			return counted(2), c.MayCommit(job.Fence)
		})
		s.Answers = &keptAnswers{pages: pages}
		r := queued(t, s)
		m.runs[r.ID] = func(r flows.Run) flows.Run { r.State = flows.RunRunning; return r }(m.runs[r.ID])
		if err := s.Work(t.Context(), scope, r.ID); err != nil || m.runs[r.ID].State != want {
			t.Errorf("%d pages: %s, %v", pages, m.runs[r.ID].State, err)
		}
		told := false
		for _, l := range m.log {
			told = told || strings.Contains(l.Message, "executed again behind the pages")
		}
		if told != (pages > 0) {
			t.Errorf("%d pages: the log tells of another execution: %t", pages, told)
		}
	}
}

// TestStoppedRunsGoOn: a run of a server that is stopped is left for the next one where pages are kept.
func TestStoppedRunsGoOn(t *testing.T) {
	t.Parallel()
	for pages, want := range map[int]flows.RunState{0: flows.RunFailed, 3: flows.RunRunning} {
		m := newMemory()
		m.document = calling
		ctx, stop := context.WithCancel(t.Context())
		s := service(m, func(ctx context.Context, _ run.Job, _ run.Callbacks) ([]flows.NodeStatus, error) {
			stop()
			<-ctx.Done()
			return nil, &flows.Error{Code: "run.cancelled", Message: "it was cancelled"}
		})
		s.Answers = &keptAnswers{pages: pages}
		r := queued(t, s)
		err := s.Work(ctx, scope, r.ID)
		if m.runs[r.ID].State != want || (err != nil) != (pages > 0) {
			t.Errorf("%d pages: %s, %v", pages, m.runs[r.ID].State, err)
		}
	}
}
