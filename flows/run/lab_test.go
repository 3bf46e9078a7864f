package run_test

import (
	"context"
	"testing"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/run"
)

// bench is a process that answers one thing.
type bench struct {
	run.Workbench
	err    error
	closed chan<- struct{}
}

func (b bench) Inspect(context.Context, string) (node.Proposal, error) {
	return node.Proposal{Format: "csv"}, b.err
}

func (b bench) Close() { b.closed <- struct{}{} }

// TestLabAsksAgain: a question whose process is ended because of another is asked again, of another process, but not for
// ever; one that was cancelled is not.
func TestLabAsksAgain(t *testing.T) {
	t.Parallel()
	interrupted := &flows.Error{Code: "executor.interrupted", Message: "it was ended"}
	killed := &flows.Error{Code: "run.cancelled", Params: flows.Params{"killed": true}, Message: "it was cancelled"}
	for name, c := range map[string]struct {
		answers []error // of one process after the other
		opened  int
		code    string
	}{
		"twice":          {[]error{interrupted, interrupted, nil}, 3, ""},
		"always":         {[]error{interrupted, interrupted, interrupted, interrupted, nil}, 4, "executor.interrupted"},
		"cancelled":      {[]error{killed, nil}, 1, "run.cancelled"},
		"the first died": {[]error{&flows.Error{Code: "executor.died", Message: "it died"}, nil}, 1, "executor.died"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opened, closed := 0, make(chan struct{}, 10)
			l := &run.Lab{Open: func(context.Context) (run.Workbench, error) {
				opened++
				return bench{err: c.answers[opened-1], closed: closed}, nil
			}}
			p, err := l.Inspect(t.Context(), flows.LocalScope, "x.csv")
			switch e := flows.AsError(err); {
			case opened != c.opened:
				t.Errorf("%d processes were asked", opened)
			case c.code == "" && (err != nil || p.Format != "csv"):
				t.Errorf("%v, %v", p, err)
			case c.code != "" && (e == nil || e.Code != c.code):
				t.Errorf("error is %v", err)
			}
			l.Close()
			for range opened {
				<-closed // none is left
			}
		})
	}
}
