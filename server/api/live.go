package api

import "spark/flows"

// The WebSocket of a run, GET /api/v1/runs/{id}/events, sends JSON texts: a Snapshot first, then Deltas at most every
// 100 ms while something changes. Deltas are numbered from the snapshot's Seq + 1 without gaps; counts are absolute and
// the latest wins. A client that misses one asks for a snapshot. After the delta that ends the run the server closes the
// socket with 1000. It cuts off one that takes nothing for 5 s, closes one that sends anything but Ask, or too many of
// them, with 1008, and all with 1001 when it stops.

// LiveKind tells messages apart.
type LiveKind string

// The kinds of messages.
const (
	LiveSnapshot LiveKind = "snapshot"
	LiveDelta    LiveKind = "delta"
)

// Snapshot is a run as it is.
type Snapshot struct {
	Kind LiveKind        `json:"kind" const:"snapshot"`
	Seq  int64           `json:"seq"`
	Run  flows.Run       `json:"run"` // with Nodes
	Log  []flows.LogLine `json:"log"` // the last ones
}

// Delta is what changed since the message before.
type Delta struct {
	Kind  LiveKind           `json:"kind" const:"delta"`
	Seq   int64              `json:"seq"`
	Run   *flows.Run         `json:"run,omitempty"`   // without Nodes, when state, times, totals or error changed
	Nodes []flows.NodeStatus `json:"nodes,omitempty"` // changed ones, whole
	Log   []flows.LogLine    `json:"log,omitempty"`   // new ones
}

// Ask is what a client may send: kind "snapshot".
type Ask struct {
	Kind LiveKind `json:"kind" const:"snapshot"`
}
