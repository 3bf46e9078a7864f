package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"spark/flows"
	"spark/flows/run"
)

func (p *place) backend() *backend {
	p.t.Helper()
	b, err := openBackend(context.Background(), backendOptions{data: p.path("spark"), folders: []string{p.data}, log: slog.New(slog.DiscardHandler)})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), runTime)
		defer cancel()
		if err := b.close(ctx); err != nil {
			p.t.Errorf("close: %v", err)
		}
	})
	return b
}

// started creates a flow, runs it and returns the watch and the run.
func (b *backend) started(t *testing.T, doc string, until string) (*run.Watch, flows.Run) {
	t.Helper()
	f, err := flows.ParseFlow([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	d, err := b.store.Flows.Create(t.Context(), flows.LocalScope, f)
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := b.runs.Start(t.Context(), run.Command{Scope: flows.LocalScope, FlowID: d.FlowID, Until: until, Trigger: flows.TriggerManual})
	if err != nil {
		t.Fatal(err)
	}
	w, err := b.runs.Watch(t.Context(), flows.LocalScope, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	return w, r
}

func ended(t *testing.T, b *backend, w *run.Watch, id string) flows.Run {
	t.Helper()
	defer w.Close()
	for late := time.After(runTime); ; {
		select {
		case <-w.Changes():
		case <-late:
			t.Fatal("the run does not end")
		}
		if w.Take().Ended {
			break
		}
	}
	r, err := b.runs.Get(t.Context(), flows.LocalScope, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBackendRuns takes a flow through store, queue, executor and back: counts, samples, rejects and log.
func TestBackendRuns(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.write("in.csv", "id,name\n1,a\nx,bad\n2,<b>\n3,c\n")
	b := p.backend()
	doc := graph(nil, []box{input("in.csv", idName...).policy("reject"), step("some", "filter", `{"condition":"id > 1"}`), output("out.csv")}, "in.out>some.in", "some.out>out.in")
	w, r := b.started(t, doc, "")
	r = ended(t, b, w, r.ID)
	if r.State != flows.RunSucceeded || r.Read != 3 || r.Written != 2 || r.Rejected != 1 || p.read("spark/files/out.csv") != "id,name\n2,<b>\n3,c\n" {
		t.Errorf("%+v\n%s", r, p.read("spark/files/out.csv"))
	}
	samples, err := b.runs.Samples(t.Context(), flows.LocalScope, r.ID, "some")
	if err != nil || len(samples) != 1 || rows(samples[0]) != "2|<b>\n3|c\n" || samples[0].Records != 2 {
		t.Errorf("samples %+v, %v", samples, err)
	}
	rejects, err := b.runs.Rejects(t.Context(), flows.LocalScope, r.ID, flows.RejectFilter{})
	if err != nil || len(rejects.Items) != 1 || rejects.Items[0].Line != 3 || rejects.Items[0].Raw != "x,bad" {
		t.Errorf("rejects %+v, %v", rejects, err)
	}
	log, err := b.runs.Log(t.Context(), flows.LocalScope, r.ID, flows.ListOptions{})
	if err != nil || len(log.Items) != 2 || !strings.Contains(log.Items[1].Message, "succeeded") {
		t.Errorf("log %+v, %v", log, err)
	}
}

// TestBackendRunTo: nothing behind the node runs, and what is wrong there does not matter.
func TestBackendRunTo(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.write("in.csv", "id,name\n1,a\n2,b\n")
	b := p.backend()
	doc := graph(nil, []box{input("in.csv", idName...), step("some", "filter", `{"condition":"id > 1"}`), step("wrong", "filter", `{"condition":"nonsense"}`), output("out.csv")},
		"in.out>some.in", "some.out>wrong.in", "wrong.out>out.in")
	w, r := b.started(t, doc, "some")
	r = ended(t, b, w, r.ID)
	states := map[string]flows.NodeState{}
	for _, n := range r.Nodes {
		states[n.Node] = n.State
	}
	if r.State != flows.RunSucceeded || states["some"] != flows.NodeDone || states["out"] != flows.NodeSkipped || p.exists("spark/files/out.csv") {
		t.Errorf("%+v, %v", r, states)
	}
}
