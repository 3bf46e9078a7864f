package main

import (
	"fmt"
	"maps"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"spark/flows"
	"spark/flows/engine/duckdb"
	"spark/flows/node"
	"spark/flows/plan"
	"spark/flows/run"
)

// limits bound what a run may use.
type limits struct {
	Threads int      `help:"Threads of a run. Default: all cores." placeholder:"N"`
	Memory  byteSize `help:"Memory of a run, such as 4GB; beyond it the run is ended. Default: three quarters of the machine's, and of a server's run a quarter of --total-memory." placeholder:"SIZE"`
	Spill   byteSize `help:"Disk that a run may use for what does not fit into its memory, such as 20GB. Default: half of what is free in the temp folder, and of a server's run a quarter of --total-spill." placeholder:"SIZE"`
}

func (l limits) threads() int {
	if l.Threads > 0 {
		return l.Threads
	}
	return runtime.NumCPU()
}

// ofRun is the budget of a run that has the machine for itself.
func (l limits) ofRun() run.Budget {
	return totalBudget(run.Budget{Memory: int64(l.Memory), Spill: int64(l.Spill)})
}

const (
	// heavyRuns are so many at once by default.
	heavyRuns = 4
	// heavyMemory is what a run gets at least, where there is so much.
	heavyMemory = 1 << 30
	// lightMemory and lightSpill are for a run over few records: it keeps them in memory, and its process takes about
	// 100 MB without them.
	lightMemory = 256 << 20
	lightSpill  = 256 << 20
)

// of adds the defaults for a run that shares total with others.
func (l limits) of(total run.Budget) limits {
	if l.Memory <= 0 {
		l.Memory = byteSize(min(total.Memory, max(total.Memory/heavyRuns, heavyMemory)))
	}
	if l.Spill <= 0 {
		l.Spill = byteSize(max(1, total.Spill/heavyRuns))
	}
	return l
}

// totalBudget adds the defaults to what was given of the whole machine.
func totalBudget(given run.Budget) run.Budget {
	if given.Memory <= 0 {
		given.Memory = totalMemory() / 4 * 3
	}
	if given.Spill <= 0 {
		given.Spill = max(1, freeDisk(os.TempDir())/2)
	}
	return given
}

// budgets say what the runs of a server get.
type budgets struct {
	limits limits
	files  node.Files
}

var _ run.Budgeter = budgets{}

// Budget is what the flow asks for, with as large a part of the disk as it takes of the memory, or what the size of its sources lets expect.
func (b budgets) Budget(doc *flows.Flow) run.Budget {
	most := run.Budget{Memory: int64(b.limits.Memory), Spill: int64(b.limits.Spill)}
	if m := doc.Settings.MemoryMB; m != nil {
		memory := min(float64(most.Memory), float64(*m)*(1<<20))
		return run.Budget{Memory: int64(memory), Spill: int64(float64(most.Spill) * memory / float64(most.Memory))}
	}
	p, ps := plan.Compile(doc, plan.Options{Lookup: sizes{b.files}, Engines: []plan.Engine{&duckdb.Engine{}}, Validate: true})
	if !ps.Failed() && p.Light() {
		return run.Budget{Memory: min(most.Memory, lightMemory), Spill: min(most.Spill, lightSpill)}
	}
	return most
}

// sizes know how large files are and look at nothing else: what has to be looked at is not taken for light.
type sizes struct{ files node.Files }

func (s sizes) Bytes(path string) int64 { return node.TotalBytes(s.files, path) }

func (sizes) Describe(string, string, []byte) (flows.Schema, error) { return nil, errNotLooked }

func (sizes) DescribeQuery(node.QueryQuestion) (flows.Schema, error) { return nil, errNotLooked }

func (sizes) DescribeDataset(string, node.Select) (flows.Schema, error) { return nil, errNotLooked }

var errNotLooked = &flows.Error{Code: "budget.unknown", Message: "the data is not looked at for its size alone"}

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

// freeDisk is what this user may still write where dir is; 0 where that is unknown.
func freeDisk(dir string) int64 {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0
	}
	return int64(st.Bavail) * st.Bsize
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

// withBudget adds to an error about room what the run was given.
func withBudget(err error, b run.Budget) error {
	e := flows.AsError(err)
	if e == nil || e.Code != "memory.limit" && e.Code != "spill.limit" {
		return err
	}
	e.Params = maps.Clone(e.Params)
	if e.Params == nil {
		e.Params = flows.Params{}
	}
	e.Params["memory"], e.Params["spill"] = b.Memory, b.Spill
	e.Message += fmt.Sprintf("; its budget is %d MB of memory and %d MB of disk", b.Memory>>20, b.Spill>>20)
	return e
}
