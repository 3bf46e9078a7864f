package main

import (
	"context"
	"embed"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"

	"spark/connectors/folder"
	"spark/flows"
	"spark/flows/plan"
	"spark/flows/run"
)

//go:embed sample.json
var sampleFlow embed.FS

type runCommand struct {
	Flow    string `arg:"" optional:"" help:"Flow file." type:"path"`
	Sample  bool   `help:"Run the built-in sample flow."`
	JSON    bool   `help:"Print events as JSON lines."`
	Strict  bool   `help:"Exit with code 3 when records were rejected."`
	Rejects string `help:"File for rejected records, as JSON lines. Default: the flow file's name with .rejects.jsonl." placeholder:"FILE" type:"path"`
	// Optimizers make counts wrong; the test that shows it switches one on.
	Optimizers []string `hidden:""`
	State      string   `help:"File that keeps how far incremental sources were read, from run to run. It is made where it is missing." placeholder:"FILE" type:"path"`
	given
	dataFolders
	connectionFile
	limits
	network
}

func (c *runCommand) Run() error {
	if err := c.use(); err != nil {
		return reportInvalid(err, c.JSON)
	}
	flow, flowFile, cleanup, err := c.open()
	if err != nil {
		return reportInvalid(err, c.JSON)
	}
	defer cleanup()
	folders, err := c.list(flowFile)
	if err != nil {
		return reportInvalid(err, c.JSON)
	}
	parameters, err := c.values(flow)
	if err != nil {
		return reportInvalid(err, c.JSON)
	}
	connections, err := c.load(c.Environment)
	if err != nil {
		return reportInvalid(err, c.JSON)
	}
	grants, err := c.attach(connections)
	if err != nil {
		return reportInvalid(err, c.JSON)
	}
	defer grants.Close()
	state, err := openState(c.State, flow, plan.Values(flow, c.Environment, parameters))
	if err != nil {
		return reportInvalid(err, c.JSON)
	}
	if c.Sample && len(c.Folder) == 0 {
		folders = []string{filepath.Dir(flowFile)}
	}
	if c.Rejects == "" {
		c.Rejects = strings.TrimSuffix(flowFile, filepath.Ext(flowFile)) + ".rejects.jsonl"
	}
	_, _, _ = folder.Sweep(folders...) // what killed runs left behind; what cannot be removed harms nobody
	folder.SweepFolder(filepath.Dir(c.Rejects))
	sweepTemp()
	var rejectsAt string
	service := &run.Local{Executor: processes{limits: c.limits, optimizers: c.Optimizers}, Rejects: rejectFile{c.Rejects, &rejectsAt},
		Now: time.Now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }}
	ctx, stop := untilSignal()
	defer stop()
	r, err := service.Start(ctx, run.LocalCommand{Scope: flows.LocalScope, Document: flow, Environment: c.Environment, Parameters: parameters, Folders: folders, Connections: connections, Flow: state.ID, Offsets: state.Cursors})
	if err != nil {
		return reportInvalid(err, c.JSON)
	}
	view := newView(c.JSON, flow)
	for e := range r.Events() {
		view.show(e)
	}
	res := r.Wait()
	if err := state.reach(res.Reached); err != nil {
		res.State, res.Err = flows.RunFailed, err
	}
	view.end(res, rejectsAt)
	return c.exit(res)
}

// untilSignal returns a context that ends when the program is asked to end. Signals that it was started with as ignored
// (nohup, a shell's background job) stay so.
func untilSignal() (context.Context, context.CancelFunc) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a reader that goes away ends the output, not the run
	var asked []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			asked = append(asked, s)
		}
	}
	if len(asked) == 0 { // NotifyContext would take that for all signals
		return context.WithCancel(context.Background())
	}
	return signal.NotifyContext(context.Background(), asked...)
}

func (c *runCommand) exit(res run.Result) error {
	switch {
	case res.State == flows.RunCancelled:
		return exit(exitCancelled)
	case res.State != flows.RunSucceeded:
		if _, invalid := errors.AsType[flows.Problems](res.Err); invalid {
			return exit(exitInvalid)
		}
		return exit(exitFailed)
	case c.Strict && res.Rejected > 0:
		return exit(exitRejects)
	}
	return nil
}

// open reads the flow: a file, or the embedded sample in a folder of its own.
func (c *runCommand) open() (flow *flows.Flow, path string, cleanup func(), err error) {
	if !c.Sample {
		if c.Flow == "" {
			return nil, "", nil, &flows.Error{Code: "document.open", Message: "no flow file is given", Suggestion: "spark run flow.json, or spark run --sample"}
		}
		flow, err = loadFlow(c.Flow)
		return flow, c.Flow, func() {}, err
	}
	b, err := sampleFlow.ReadFile("sample.json")
	if err != nil {
		return nil, "", nil, err
	}
	dir, err := makeTemp(tempSample)
	if err != nil {
		return nil, "", nil, err
	}
	flow, err = flows.ParseFlow(b)
	return flow, filepath.Join(dir, "sample.json"), func() { os.RemoveAll(dir) }, err
}
