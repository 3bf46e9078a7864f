package flows

import "time"

// RunState is the state of a run: a closed set.
type RunState string

// The states of a run.
const (
	RunQueued    RunState = "queued"
	RunRunning   RunState = "running"
	RunSucceeded RunState = "succeeded"
	RunFailed    RunState = "failed"
	RunCancelled RunState = "cancelled"
)

// Ended reports whether a run in this state is over.
func (s RunState) Ended() bool {
	return s == RunSucceeded || s == RunFailed || s == RunCancelled
}

// Clean reports whether a run succeeded and refused nothing.
func (r *Run) Clean() bool { return r.State == RunSucceeded && r.Rejected == 0 }

// Trigger is what started a run.
type Trigger string

// The triggers that exist.
const (
	TriggerManual Trigger = "manual"
	TriggerReplay Trigger = "replay" // of refused records
	TriggerSample Trigger = "sample" // no run of the flow: it reads a sample and writes nothing
)

// Run is one execution of a revision. Counts are those of the last attempt.
type Run struct {
	ID          string            `json:"id"`
	FlowID      string            `json:"flow,omitempty"` // empty: of a flow file
	FlowName    string            `json:"flowName"`
	Revision    int               `json:"revision,omitempty"`
	Until       string            `json:"until,omitempty"` // node that the run ends at; empty: the whole flow
	Trigger     Trigger           `json:"trigger"`
	Environment string            `json:"environment,omitempty"` // of the project
	Parameters  map[string]string `json:"parameters,omitempty"`  // as given; secret ones are hidden
	Sealed      []byte            `json:"-"`                     // the secret ones
	State       RunState          `json:"state"`
	Attempt     int               `json:"attempt"`
	CreatedAt   time.Time         `json:"createdAt"`
	CreatedBy   string            `json:"createdBy"`
	StartedAt   time.Time         `json:"startedAt,omitzero"`
	EndedAt     time.Time         `json:"endedAt,omitzero"`
	Read        int64             `json:"read"`     // records that left the sources
	Written     int64             `json:"written"`  // records that the targets confirmed
	Rejected    int64             `json:"rejected"` // records refused, stored or skipped
	Error       *Error            `json:"error,omitempty"`
	Nodes       []NodeStatus      `json:"nodes,omitempty"` // not in lists
}

// RunFacts are what flows can say about the run that they are executed in.
type RunFacts struct {
	ID          string    `json:"id"`
	Flow        string    `json:"flow"`               // name
	Revision    int       `json:"revision,omitempty"` // 0: of a flow file, or a preview
	Environment string    `json:"environment,omitempty"`
	StartedAt   time.Time `json:"startedAt"` // of the first attempt
	ScheduledAt time.Time `json:"scheduledAt,omitzero"`
	Attempt     int       `json:"attempt"`
	Unscheduled bool      `json:"-"` // only a run will know whether it has a scheduled time
}

// RunFilter selects runs; the zero value means all of them, last created first.
type RunFilter struct {
	FlowID string
	State  RunState
	// Samples lists runs on the sample, too.
	Samples bool
	Cursor  string // Next of the page before
	Limit   int    // see ListOptions
}

// LogLine is something that a run tells people.
type LogLine struct {
	Seq      int64     `json:"seq"` // from 1 within a run
	At       time.Time `json:"at"`
	Severity Severity  `json:"severity"`
	Message  string    `json:"message"`
	Error    *Error    `json:"error,omitempty"`
}

// NodeState is the state of a node run: a closed set.
type NodeState string

// The states of a node run.
const (
	NodeReady   NodeState = "ready"
	NodeRunning NodeState = "running"
	NodeDone    NodeState = "done"
	NodeFailed  NodeState = "failed"
	NodeSkipped NodeState = "skipped"
)

// NodeStatus is a node's state and its counts. A count is the number of records that crossed the edge.
type NodeStatus struct {
	Node   string           `json:"node"`
	State  NodeState        `json:"state"`
	Reason string           `json:"reason,omitempty"` // of failed and skipped
	In     map[string]int64 `json:"in,omitempty"`     // by input port
	Out    map[string]int64 `json:"out,omitempty"`    // by output port, rejects included
	// Written is what the target confirmed, for sinks.
	Written int64 `json:"written,omitempty"`
	// Changes is what a target made of the records, where it tells.
	Changes *Changes `json:"changes,omitempty"`
	// Expectations are what became of the rules of the node, in their order.
	Expectations []Expectation `json:"expectations,omitempty"`
	// Rejected counts refused records, stored or skipped.
	Rejected int64 `json:"rejected,omitempty"`
	// StoppedEarly marks output ports that delivered fewer records than a complete run might have.
	StoppedEarly []string `json:"stoppedEarly,omitempty"`
	// Progress is the share of its bytes or records that a running source has read, above 0 and at most 1; 0 when unknown.
	Progress float64 `json:"progress,omitempty"`
	// Activity is how an end of the engine's work spends its time, where that is known.
	Activity *Activity `json:"activity,omitempty"`
}

// Activity tells how a node spends the time of its stage, in milliseconds, and whether the rest waits for it: sources and
// targets tell while they work, what the engine computes is known afterwards.
type Activity struct {
	// Queue is the share of the places behind a source that are taken: 1 means that the source is held back.
	Queue      float64 `json:"queue,omitempty"`
	BusyMS     int64   `json:"busyMS,omitempty"`
	WaitingMS  int64   `json:"waitingMS,omitempty"`  // for records
	BlockedMS  int64   `json:"blockedMS,omitempty"`  // until somebody takes what is ready
	ComputedMS int64   `json:"computedMS,omitempty"` // by the threads of the engine, all together; known once the stage is over
	Bottleneck bool    `json:"bottleneck,omitempty"` // the others of its stage wait for it most of the time
}

// Changes tells what a target made of the records that it was given. Collapsed ones had the key of a later record of
// the same run.
type Changes struct {
	Inserted  int64 `json:"inserted"`
	Updated   int64 `json:"updated"`
	Deleted   int64 `json:"deleted"`
	Unchanged int64 `json:"unchanged"`
	Collapsed int64 `json:"collapsed"`
}

// Expectation is a rule about records and how it was kept.
type Expectation struct {
	Name      string `json:"name"`
	Otherwise string `json:"otherwise"` // fail, warn or reject
	// Broken counts the records that break it; of a rule about all records together it is 1 once it is known to be broken.
	Broken int64 `json:"broken"`
}

// EventKind says what an event reports.
type EventKind string

// The kinds of events.
const (
	EventState  EventKind = "state"  // the run's state changed
	EventCounts EventKind = "counts" // nodes' states and counts: absolute values, the latest wins
	EventLog    EventKind = "log"    // a line for people
)

// Event is something that happened in a run. The envelope identifies it wherever the run executes: Seq counts from 1
// within an attempt.
type Event struct {
	Project string       `json:"project"`
	Run     string       `json:"run"`
	Attempt int          `json:"attempt"`
	Epoch   int          `json:"epoch"`
	Seq     int64        `json:"seq"`
	At      time.Time    `json:"at"`
	Kind    EventKind    `json:"kind"`
	State   RunState     `json:"state,omitempty"`
	Nodes   []NodeStatus `json:"nodes,omitempty"`
	Message string       `json:"message,omitempty"`
	Error   *Error       `json:"error,omitempty"`
}

// RejectFilter selects the rejects of a run.
type RejectFilter struct {
	Node   string // "" for all nodes
	Cursor string
	Limit  int
}
