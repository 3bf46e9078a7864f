package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"spark/connectors/file"
	"spark/connectors/folder"
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

// limits bound what a run may use.
type limits struct {
	Threads int      `help:"Threads of a run. Default: all cores." placeholder:"N"`
	Memory  byteSize `help:"Memory of a run, such as 4GB; beyond it the run is ended. Default: three quarters of the machine's." placeholder:"SIZE"`
}

func (l limits) threads() int {
	if l.Threads > 0 {
		return l.Threads
	}
	return runtime.NumCPU()
}

func (l limits) memory() int64 {
	if l.Memory > 0 {
		return int64(l.Memory)
	}
	return totalMemory() / 4 * 3
}

// engineMemory is the part of a run's memory that the engine's buffers may take: the rest is for code, sources and
// what the engine does not count.
func engineMemory(budget int64) int64 {
	const reserve = 512 << 20
	if budget <= 0 {
		return 0
	}
	if budget < 2*reserve {
		return budget / 2
	}
	return budget - reserve
}

func totalMemory() int64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	var kb int64
	if _, err := fmt.Sscanf(string(b), "MemTotal: %d kB", &kb); err != nil {
		return 0
	}
	return kb << 10
}

// byteSize is a number of bytes, written with kB, MB, GB or without a unit.
type byteSize int64

func (b *byteSize) Decode(ctx *kong.DecodeContext) error {
	var s string
	err := ctx.Scan.PopValueInto("size", &s)
	if err == nil {
		*b, err = parseSize(s)
	}
	return err
}

func parseSize(s string) (byteSize, error) {
	t := strings.ToUpper(strings.TrimSpace(s))
	unit := float64(1)
	for suffix, u := range map[string]float64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		if cut, ok := strings.CutSuffix(t, suffix); ok {
			t, unit = strings.TrimSpace(cut), u
		}
	}
	n, err := strconv.ParseFloat(t, 64)
	if n *= unit; err == nil && n >= 1 && n < math.MaxInt64 {
		return byteSize(n), nil
	}
	return 0, fmt.Errorf("%q is not a size such as 512MB or 4GB", s)
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
func child(ctx context.Context, maxRSS int64) (*executor.Host, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("executor: %w", err)
	}
	return executor.Start(ctx, executor.Options{Command: []string{self, "executor"}, MaxRSS: maxRSS, Env: executorEnv})
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
}

var _ run.Executor = processes{}

func (p processes) Run(ctx context.Context, job run.Job, c run.Callbacks) ([]flows.NodeStatus, error) {
	memory := p.limits.memory()
	host, err := child(ctx, memory)
	if err != nil {
		return nil, err
	}
	defer host.Close()
	temp, err := makeTemp(tempRun)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	spec := executor.RunSpec{Document: job.Document, Parameters: job.Parameters, Folders: job.Folders, Temp: temp,
		Threads: p.limits.threads(), Memory: engineMemory(memory), Run: job.Run, Attempt: job.Attempt, Fence: job.Fence, Until: job.Until, Samples: job.Samples, Optimizers: p.optimizers, Connections: job.Connections, Flow: job.Flow, Offsets: job.Offsets}
	nodes, err := host.Run(ctx, spec, executor.Callbacks{Counts: c.Counts, Warnings: c.Warnings, Samples: c.Samples, StoreRejects: c.StoreRejects, MayCommit: c.MayCommit, Reached: c.Reached})
	if e := flows.AsError(err); e != nil && slices.Contains([]string{"executor.died", "memory.limit", "commit.unknown"}, e.Code) {
		_, _ = folder.Sweep(job.Folders...) // the executor could not; what cannot be removed harms nobody
	}
	return nodes, err
}

// executorCommand is the child process.
type executorCommand struct{}

func (executorCommand) Run() error {
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
		Files: func(folders []string) (node.Files, error) { return node.OpenFiles(node.LocationEnv{Folders: folders}) },
		Engine: func(folders []string, files node.Files, optimizers []string) engine.Engine {
			return &duckdb.Engine{Folders: folders, Files: files, Optimizers: optimizers}
		},
		Inspect: file.Inspect,
	})
}
