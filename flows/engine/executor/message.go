package executor

import (
	"encoding/json"

	"spark/flows"
	"spark/flows/node"
)

// The methods of the protocol, and their bodies. Host to guest:
const (
	methodHello    = "hello"    // helloBody → helloBody: both sides must speak one version
	methodDescribe = "describe" // describeBody → schema
	methodQuery    = "query"    // node.QueryQuestion → schema
	methodDataset  = "dataset"  // DatasetSpec → schema
	methodTest     = "test"     // testBody → node.ConnectionReport
	methodTables   = "tables"   // testBody → []flows.Table
	methodColumns  = "columns"  // testBody → []flows.Column
	methodWindow   = "window"   // WindowSpec → flows.CursorWindow
	methodSniff    = "sniff"    // sniffBody → node.Proposal
	methodPreview  = "preview"  // PreviewSpec → flows.Preview
	methodFetch    = "fetch"    // FetchSpec → node.Fetched: the only question that calls an API
	methodOpenAPI  = "openapi"  // node.OperationsQuestion → flows.Operations: it may call the server of the document
	methodPin      = "pin"      // PreviewSpec → flows.PinnedRecords: what the node puts out
	methodRun      = "run"      // RunSpec → runResult
	methodReplay   = "replay"   // RunSpec → flows.ReplayReport: nothing is written
)

// Guest to host, while it answers a call that came with connections:
const methodToken = "token" // tokenBody → node.AccessToken: an access token of a connection of that call

// Guest to host, during a run:
const (
	methodSpoolReject = "spoolReject" // lines of flows.AppendReject as data → nothing, once they are stored
	methodDeliver     = "deliver"     // deliverBody → nothing, once they are stored: what a target has sent
	methodMayCommit   = "mayCommit"   // commitBody → nothing: the permission; an error forbids the commit
	eventCounts       = "counts"      // []flows.NodeStatus
	eventWarnings     = "warnings"    // flows.Problems: what does not keep the flow from running
	eventSamples      = "samples"     // []flows.Sample: whole; the latest wins
)

type helloBody struct {
	Version int `json:"version"`
	// Setup is what the host's program tells that of the guest; the protocol does not know what it means.
	Setup json.RawMessage `json:"setup,omitempty"`
}

type describeBody struct {
	Folders []string        `json:"folders"`
	Format  string          `json:"format"`
	Path    string          `json:"path"`
	Options json.RawMessage `json:"options,omitempty"`
}

type sniffBody struct {
	Folders []string `json:"folders"`
	Path    string   `json:"path"`
}

// DatasetSpec asks for the fields of what is reached through a connection.
type DatasetSpec struct {
	Connection  string             `json:"connection"`
	Select      node.Select        `json:"select"`
	Connections node.ConnectionSet `json:"connections"`
}

// WindowSpec asks what an incremental selection would read after an offset.
type WindowSpec struct {
	DatasetSpec
	After node.Offset `json:"after,omitempty"`
}

type testBody struct {
	Name       string              `json:"name"`
	Search     string              `json:"search,omitempty"`
	Table      string              `json:"table,omitempty"`
	Connection node.ConnectionSpec `json:"connection"`
}

// RunSpec says what to run. Nothing else of the host's reaches the guest.
type RunSpec struct {
	Document    json.RawMessage   `json:"document"`
	Environment string            `json:"environment,omitempty"`
	Parameters  map[string]string `json:"parameters,omitempty"`
	Folders     []string          `json:"folders"` // data folders, absolute
	Temp        string            `json:"temp"`    // the run's own folder; host removes it
	Threads     int               `json:"threads"`
	Memory      int64             `json:"memory,omitempty"` // of the engine's buffers, bytes; 0: the engine's default
	Spill       int64             `json:"spill,omitempty"`  // of the engine's temp files, bytes; 0: no limit of ours
	Run         string            `json:"run"`
	Attempt     int               `json:"attempt"`
	Fence       int64             `json:"fence"`             // token of the lease under which the run may commit
	Until       string            `json:"until,omitempty"`   // node that the run ends at
	Samples     int               `json:"samples,omitempty"` // records sampled of every output port
	Optimizers  []string          `json:"optimizers,omitempty"`
	Secrets     []string          `json:"-"`               // values among the parameters that nobody may see
	Facts       *flows.RunFacts   `json:"facts,omitempty"` // what the flow can say about the run; nil: of a dry run, which is none
	// Connections of the flow with their secrets, and no others.
	Connections node.ConnectionSet `json:"connections,omitempty"`
	// Replay lets these records go through the flow, and no others.
	Replay *flows.Replay `json:"replay,omitempty"`
	// Sample reads so many records of every driving source, begins at Pins, and writes nothing. 0: a run.
	Sample int                   `json:"sample,omitempty"`
	Pins   []flows.PinnedRecords `json:"pins,omitempty"`
	// Flow names what goes on from run to run, and Offsets say where, by source node.
	Flow    string                 `json:"flow,omitempty"`
	Offsets map[string]node.Offset `json:"offsets,omitempty"`
	// Delivered are the keys of what earlier attempts of the run have sent, by node.
	Delivered map[string][]byte `json:"delivered,omitempty"`
	// Pages is the folder for the answers of APIs that another execution of the run would read; "": there will be none.
	Pages string `json:"pages,omitempty"`
}

// PreviewSpec says what to show. Limit is the number of records of the driving source.
type PreviewSpec struct {
	Document    json.RawMessage   `json:"document"`
	Node        string            `json:"node"`
	Environment string            `json:"environment,omitempty"`
	Parameters  map[string]string `json:"parameters,omitempty"`
	Secrets     []string          `json:"-"` // as in RunSpec
	Folders     []string          `json:"folders"`
	Temp        string            `json:"temp"`
	Threads     int               `json:"threads"` // of the sources
	Memory      int64             `json:"memory,omitempty"`
	Limit       int               `json:"limit"`
	Fresh       bool              `json:"fresh,omitempty"` // reads again what is kept of the sources
	// Offsets say where incremental sources go on, by node, and Samples which records of driving ones are read.
	Offsets map[string]node.Offset      `json:"offsets,omitempty"`
	Samples map[string]flows.SampleMode `json:"samples,omitempty"`
	// Pins are records that the preview begins at.
	Pins []flows.PinnedRecords `json:"pins,omitempty"`
	// Answers were fetched of nodes that call an API: no preview calls one.
	Answers []flows.Answer `json:"answers,omitempty"`
	// Calls is how many calls Node may make for records; the preview has what they returned.
	Calls int `json:"calls,omitempty"`
	// Connections of the flow with their secrets, and no others.
	Connections node.ConnectionSet `json:"connections,omitempty"`
}

// tokenBody asks for an access token that is another than the one which was refused, if any.
type tokenBody struct {
	Grant   string `json:"grant"` // see node.ConnectionSpec
	Refused string `json:"refused,omitempty"`
}

// deliverBody are keys of what a node has sent.
type deliverBody struct {
	Node string `json:"node"`
	Keys []byte `json:"keys"`
}

type commitBody struct {
	Fence   int64 `json:"fence"`
	Rejects int64 `json:"rejects"` // handed over before
}

type runResult struct {
	Nodes []flows.NodeStatus `json:"nodes"`
	Error *flows.Error       `json:"error,omitempty"`
	// Reached is how far incremental sources were read, once that is committed.
	Reached map[string]node.Offset `json:"reached,omitempty"`
	// Problems are set when the document did not compile.
	Problems flows.Problems `json:"problems,omitempty"`
}

// Rejects are stored in batches of about so many bytes; the last batch comes before mayCommit.
const rejectBatchBytes = 1 << 20
