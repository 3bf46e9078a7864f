// Package engine is the seam between plans and what executes them.
package engine

import (
	"context"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/flows"
	"spark/flows/node"
	"spark/flows/plan"
)

// Engine executes plans.
type Engine interface {
	plan.Engine
	node.EngineDescriber
	// Run executes a plan to its end. A cancelled ctx ends it promptly; whatever the error, nothing that others see
	// has been written. The statuses are the final counts, complete when the error is nil.
	Run(ctx context.Context, p *plan.Plan, env Env) ([]flows.NodeStatus, error)
}

// Env is what a run may use.
type Env struct {
	Files       node.Files
	Connections node.Connections
	Temp        string // folder of this run alone, removed by its owner
	// Token identifies the epoch to the sinks that commit it; the engine adds the offsets that were reached.
	Token   node.Token
	Threads int
	// ReadThreads are for the sources; 0 means Threads.
	ReadThreads int
	// MemoryLimit bounds the engine's own buffers, in bytes.
	MemoryLimit int64
	// SpillLimit bounds what the engine writes into Temp because it does not fit into memory, in bytes; 0: no limit of ours.
	SpillLimit int64
	// Counts is told every node's state and counts, about ten times a second. It must not block.
	Counts func([]flows.NodeStatus)
	// Samples is how many records of every output port are sampled: the first that pass. 0: none. A flow that runs
	// without counts has none either.
	Samples int
	// Sampled is told the samples, whole, when they have grown: with the counts, and at the end. It must not block.
	Sampled func([]flows.Sample)
	// Source may give another source to read instead of that of a node: one that delivers the same. nil: never.
	Source func(*plan.Node, node.Read) node.Source
	// Calling may add to what the calls of a node may use, before they begin. nil: never.
	Calling func(*plan.Node, *node.Calling)
	// Keep is given the relations of the plan's Keeps that can be kept, in their order, and nil at the end of each. Origin
	// columns come last. An error ends a relation, and nothing else.
	Keep func(*plan.Step, arrow.RecordBatch) error
	// Began is when the run began, by its first execution; zero: it is none.
	Began time.Time
	// Offsets are where incremental sources go on, by node.
	Offsets map[string]node.Offset
	// Reached is told, after the commit, how far they were read. It may be nil.
	Reached func(map[string]node.Offset)
	// Pages keep what APIs answer the source of a node, for another execution of the run. nil: there will be none.
	Pages func(node string) node.Pages
	// Delivered are the keys of what targets have sent in earlier attempts of the run, by node; Deliver notes others, durably.
	// It may be nil.
	Delivered map[string][]byte
	Deliver   func(node string, keys []byte) error
	// Warn is told what does not keep the flow from running. It may be nil.
	Warn func(*flows.Error)
	// Reject stores a refused record. It is called by one goroutine at a time.
	Reject func(node.Reject) error
	// MayCommit is asked once, when every sink is prepared and every reject handed over: nil is the permission to
	// commit, an error forbids it.
	MayCommit func(ctx context.Context) error
}
