package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"spark/connectors/file"
	"spark/connectors/folder"
	"spark/connectors/http"
	"spark/flows"
	"spark/flows/engine"
	"spark/flows/engine/duckdb"
	"spark/flows/engine/executor"
	"spark/flows/node"
	"spark/flows/run"
)

// dataFolders are the folders a flow file may reach: its own, the current one, or those given.
type dataFolders struct {
	Folder []string `help:"Folder that the flow may read and write. May be repeated. Default: the flow file's folder and the current one." placeholder:"DIR" type:"path"`
}

func (d dataFolders) list(flowFile string) ([]string, error) {
	given := d.Folder
	if len(given) == 0 {
		given = []string{"."}
		if flowFile != "" {
			given = []string{filepath.Dir(flowFile), "."}
		}
	}
	var out []string
	for _, f := range given {
		abs, err := filepath.Abs(f)
		if err == nil {
			abs, err = filepath.EvalSymlinks(abs)
		}
		if err != nil {
			return nil, &flows.Error{Code: "folder.missing", Message: fmt.Sprintf("the data folder %s cannot be used: %v", f, err), Suggestion: "create it or give another one with --folder", Cause: err}
		}
		if len(out) == 0 || out[len(out)-1] != abs {
			out = append(out, abs)
		}
	}
	return out, nil
}

// loadFlow reads a flow file.
func loadFlow(path string) (*flows.Flow, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, &flows.Error{Code: "document.open", Message: fmt.Sprintf("the flow file cannot be read: %v", err), Suggestion: "check its path", Cause: err}
	}
	f, err := flows.ParseFlow(b)
	if e, ok := err.(*flows.Error); ok {
		return nil, e.At(flows.Path{File: path})
	}
	return f, err
}

// executorEnv replaces the executor's minimal environment where it is not nil: a test binary has to tell its child that
// it is the program.
var executorEnv []string

// child starts an executor process of this program.
func child(ctx context.Context, maxRSS int64, flags ...string) (*executor.Host, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("executor: %w", err)
	}
	return executor.Start(ctx, executor.Options{Command: slices.Concat([]string{self, "executor"}, flags), MaxRSS: maxRSS, Env: executorEnv, Setup: outgoing})
}

// lookup answers a plan's questions about data through an executor that is started when the first one comes.
type lookup struct {
	ctx         context.Context
	folders     []string
	connections node.ConnectionSet
	host        *executor.Host
}

func (l *lookup) open() (err error) {
	if l.host == nil {
		l.host, err = child(l.ctx, totalMemory()/2)
	}
	return err
}

func (l *lookup) Describe(format, path string, options []byte) (flows.Schema, error) {
	if err := l.open(); err != nil {
		return nil, err
	}
	return l.host.Describe(l.ctx, l.folders, format, path, json.RawMessage(options))
}

func (l *lookup) DescribeQuery(q node.QueryQuestion) (flows.Schema, error) {
	if err := l.open(); err != nil {
		return nil, err
	}
	return l.host.DescribeQuery(l.ctx, q)
}

func (l *lookup) DescribeDataset(connection string, from node.Select) (flows.Schema, error) {
	if err := l.open(); err != nil {
		return nil, err
	}
	return l.host.DescribeDataset(l.ctx, executor.DatasetSpec{Connection: connection, Select: from, Connections: l.connections})
}

func (l *lookup) Bytes(path string) int64 {
	files, err := node.OpenFiles(node.LocationEnv{Folders: l.folders})
	if err != nil {
		return 0 // the run says so
	}
	return node.TotalBytes(files, path)
}

func (l *lookup) close() {
	if l.host != nil {
		l.host.Close()
	}
}

// processes runs every attempt in an executor of its own.
type processes struct {
	limits     limits
	optimizers []string
	background bool // beside a server, which has to answer however many run
}

var _ run.Executor = processes{}

func (p processes) Run(ctx context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
	budget := job.Budget
	if budget == (run.Budget{}) {
		budget = p.limits.ofRun()
	}
	var flags []string
	if p.background {
		flags = append(flags, "--background")
	}
	host, err := child(ctx, budget.Memory, flags...)
	if err != nil {
		return nil, err
	}
	temp, err := makeTemp(tempRun)
	if err != nil {
		host.Close()
		return nil, err
	}
	// When the call has been answered everything is committed or aborted, and the process has nothing left to do.
	defer host.Kill()
	defer os.RemoveAll(temp)
	spec := executor.RunSpec{Document: job.Document, Environment: job.Environment, Parameters: job.Parameters, Folders: job.Folders, Temp: temp,
		Threads: p.limits.threads(), Memory: engineMemory(budget.Memory), Spill: budget.Spill, Run: job.Run, Attempt: job.Attempt, Fence: job.Fence, Until: job.Until, Samples: job.Samples, Optimizers: p.optimizers, Connections: job.Connections, Replay: job.Replay,
		Sample: job.Sample, Pins: job.Pins, Flow: job.Flow, Offsets: job.Offsets, Facts: job.Facts, Secrets: job.Secrets, Delivered: job.Delivered, Pages: job.Pages}
	nodes, err := host.Run(ctx, spec, executor.Callbacks{Deliver: c.Deliver, Counts: c.Counts, Warnings: c.Warnings, Samples: c.Samples, StoreRejects: c.StoreRejects, MayCommit: c.MayCommit, Reached: c.Reached})
	err = withBudget(err, budget)
	if e := flows.AsError(err); e != nil && (e.Params["killed"] == true || slices.Contains([]string{"executor.died", "memory.limit", "commit.unknown"}, e.Code)) {
		_, _, _ = folder.Sweep(job.Folders...) // the executor could not; what cannot be removed harms nobody
	}
	return nodes, err
}

// executorCommand is the child process.
type executorCommand struct {
	Background bool `help:"Let others go first."`
}

// headroom lets an executor collect its garbage every 64 MB in place of every 4: records pass through it, and little stays.
// It is an allocation that is never written, so that it takes no memory itself; make would zero it where it begins on pages
// that were used before, a Builder does not.
const headroom = 32 << 20

func (c executorCommand) Run() error {
	var room strings.Builder
	room.Grow(headroom)
	defer runtime.KeepAlive(&room)
	if c.Background {
		letOthersGoFirst()
	}
	// Nothing but frames may reach the host, whatever Go or native code prints.
	fd, err := syscall.Dup(1)
	if err == nil {
		err = syscall.Dup3(2, 1, 0)
	}
	if err != nil {
		return fmt.Errorf("executor: standard output: %w", err)
	}
	syscall.CloseOnExec(fd)
	out := os.NewFile(uintptr(fd), "frames")
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0) // a hint: where it may not be set, nothing is lost
	return executor.Serve(os.Stdin, out, executor.Tools{
		Setup: func(told json.RawMessage) error {
			var n network
			if err := json.Unmarshal(told, &n); err != nil {
				return fmt.Errorf("executor: %w", err)
			}
			return n.use()
		},
		Files: func(folders []string) (node.Files, error) { return node.OpenFiles(node.LocationEnv{Folders: folders}) },
		Engine: func(folders []string, files node.Files, optimizers []string) engine.Engine {
			return &duckdb.Engine{Folders: folders, Files: files, Optimizers: optimizers}
		},
		Inspect: file.Inspect, Operations: http.Operations,
	})
}

// backgroundNice lets a server go before its runs, and everything else of the machine, too: with 5 in its place, fifty busy
// runs on two processors kept the server from answering for seconds.
const backgroundNice = 19

// letOthersGoFirst lowers the priority of all threads. Later ones inherit it; it is a hint, whose failure harms nobody.
func letOthersGoFirst() {
	for range 2 { // a thread may begin while the first round goes on
		threads, _ := os.ReadDir("/proc/self/task")
		for _, t := range threads {
			if id, err := strconv.Atoi(t.Name()); err == nil {
				_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, backgroundNice)
			}
		}
	}
}
