// Package api holds everything that Spark's server and its clients exchange under /api/v1, over REST and over
// WebSockets. The OpenAPI document and the editor's TypeScript types are made from it. Types of package flows stand for
// themselves where they are sent as they are.
//
// Errors are problem documents (RFC 9457), see Problem. Lists have cursors. Times are RFC 3339 in UTC.
package api

import (
	"encoding/json"
	"time"

	"spark/flows"
)

// Problem is an error answer: application/problem+json (RFC 9457).
type Problem struct {
	Type   string `json:"type"`  // "about:blank"
	Title  string `json:"title"` // of the status
	Status int    `json:"status"`
	Detail string `json:"detail"` // the sentence
	// Code, Path, Suggestion and Params are those of flows.Error.
	Code       string       `json:"code"`
	Path       flows.Path   `json:"path,omitzero"`
	Suggestion string       `json:"suggestion,omitempty"`
	Params     flows.Params `json:"params,omitempty"`
	// Problems are all findings where there are several, such as those of a flow that cannot run.
	Problems flows.Problems `json:"problems,omitempty"`
}

// Page is a part of a list; Next is the cursor of the following one, empty on the last.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// FlowSummary is a flow in a list.
type FlowSummary struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Etag      string     `json:"etag"`
	UpdatedAt time.Time  `json:"updatedAt"`
	UpdatedBy string     `json:"updatedBy"`
	Published int        `json:"published,omitempty"` // published revision
	LastRun   *flows.Run `json:"lastRun,omitempty"`
}

// Flow is a flow with its draft.
type Flow struct {
	FlowSummary
	Document json.RawMessage `json:"document"` // flow document, see docs/decisions
}

// Document is the body of requests that carry a flow document.
type Document struct {
	Document json.RawMessage `json:"document"`
}

// Saved answers a saved draft. The request names the etag it is based on in If-Match; when another one was saved in
// the meantime the answer is 409 with code draft.conflict, and nothing was saved.
type Saved struct {
	Etag      string    `json:"etag"`
	UpdatedAt time.Time `json:"updatedAt"`
	UpdatedBy string    `json:"updatedBy"`
}

// Revision is a frozen document.
type Revision struct {
	Flow      string          `json:"flow"`
	Number    int             `json:"number"`
	Hash      string          `json:"hash"`
	CreatedAt time.Time       `json:"createdAt"`
	CreatedBy string          `json:"createdBy"`
	Document  json.RawMessage `json:"document,omitempty"`
}

// StartRun asks for a run. The header Idempotency-Key makes a repeated request answer the run that the first began.
type StartRun struct {
	Flow        string            `json:"flow"`
	Revision    int               `json:"revision,omitempty"`    // 0: freeze the draft as it is saved
	Sample      bool              `json:"sample,omitempty"`      // reads a sample and what is pinned, and writes nothing; of the draft only
	Until       string            `json:"until,omitempty"`       // node that the run ends at; nothing behind it runs
	Environment string            `json:"environment,omitempty"` // of the project; empty: the default one
	Parameters  map[string]string `json:"parameters,omitempty"`
}

// RejectSelection chooses rejects: those with these ids or, without ids, the open ones that have all of the other members
// that are there. Field "" chooses those that blame no field.
type RejectSelection struct {
	IDs   []string          `json:"ids,omitempty"`
	Flow  string            `json:"flow,omitempty"`
	Node  string            `json:"node,omitempty"`
	Code  string            `json:"code,omitempty"`
	Field *string           `json:"field,omitempty"`
	Run   string            `json:"run,omitempty"`
	Text  string            `json:"text,omitempty"`
	State flows.RejectState `json:"state,omitempty"` // instead of open
}

// DiscardRejects decides about rejects. The comment says why.
type DiscardRejects struct {
	RejectSelection
	Comment string `json:"comment"`
}

// ReplayRejects asks for a run of rejects of one node of one flow.
type ReplayRejects struct {
	RejectSelection
	// Revision that they go through; 0: the published one where it is newer than theirs, else the draft, frozen.
	Revision int  `json:"revision,omitempty"`
	Draft    bool `json:"draft,omitempty"` // instead: the draft, frozen, whatever is published
}

// RejectCount is how many rejects there are, or were changed.
type RejectCount struct {
	Count int64 `json:"count"`
}

// CheckRequest asks for the problems and schemas of a document as it is drawn.
type CheckRequest struct {
	Document    json.RawMessage   `json:"document"`
	Environment string            `json:"environment,omitempty"` // of the project; empty: the default one
	Parameters  map[string]string `json:"parameters,omitempty"`
}

// PreviewRequest asks for the records at a node; see flows.PreviewRequest.
type PreviewRequest struct {
	Document    json.RawMessage   `json:"document"`
	Node        string            `json:"node"`
	Environment string            `json:"environment,omitempty"` // of the project; empty: the default one
	Parameters  map[string]string `json:"parameters,omitempty"`
	Limit       int               `json:"limit,omitempty"`
	Fresh       bool              `json:"fresh,omitempty"` // reads again what is remembered
	Flow        string            `json:"flow,omitempty"`  // whose cursors say where incremental sources go on, and whose pins are used
	// Samples say which records of a driving source are read, by its node; none: the first.
	Samples map[string]flows.SampleMode `json:"samples,omitempty"`
}

// Catalogue is everything that the editor can offer.
type Catalogue struct {
	Nodes     []NodeType `json:"nodes"`
	Functions []Function `json:"functions"`
	Formats   []Format   `json:"formats"`
	Types     []string   `json:"types"` // names of value types without parameters
	// Connections are the kinds of connections.
	Connections []ConnectionType `json:"connections"`
}

// NodeType is a kind of node.
type NodeType struct {
	ID       string   `json:"id"`
	Version  int      `json:"version"`
	Title    string   `json:"title"`
	Summary  string   `json:"summary"`
	Category string   `json:"category"`
	Synonyms []string `json:"synonyms"`
	Inputs   []Port   `json:"inputs"`
	Outputs  []Port   `json:"outputs"` // without rejects
	Rejects  bool     `json:"rejects"` // has the output port "rejects"
	// Policy is what becomes of refused records where the node does not say; empty: what the flow says.
	Policy flows.RejectPolicy `json:"policy,omitempty"`
	// PortsFrom is a member of the config, a list of objects: the name of each is an output port, before Outputs.
	PortsFrom string         `json:"portsFrom,omitempty"`
	Fetches   bool           `json:"fetches,omitempty"` // calls an API: its previews need a sample that is fetched
	Calls     bool           `json:"calls,omitempty"`   // for each record: previews call for a few where somebody allows it
	Schema    map[string]any `json:"schema"`            // JSON Schema of the config with x-… hints for the form
	Icon      string         `json:"icon"`              // SVG
	Help      string         `json:"help"`              // Markdown
}

// Port is an input or output of a node type.
type Port struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Optional bool   `json:"optional,omitempty"`
	Many     bool   `json:"many,omitempty"` // an input that takes any number of edges
}

// Function is a function of the expression language.
type Function struct {
	Name       string   `json:"name"`
	Category   string   `json:"category"`
	Signatures []string `json:"signatures"` // such as "(x text, start integer) → text"
	Help       string   `json:"help"`
	Example    string   `json:"example"`
	Operator   bool     `json:"operator,omitempty"`
	Aggregate  bool     `json:"aggregate,omitempty"`
}

// Format is a file format. The form of a node's member with the widget "options" is one of these schemas.
type Format struct {
	Name         string         `json:"name"`
	Title        string         `json:"title"`
	Extensions   []string       `json:"extensions"`
	Typed        bool           `json:"typed,omitempty"` // files carry their own schema
	ReadOptions  map[string]any `json:"readOptions,omitempty"`
	WriteOptions map[string]any `json:"writeOptions,omitempty"`
}

// FileList is what a folder holds. The root is the place where relative paths begin: what all data folders hold, together.
type FileList struct {
	Path    string      `json:"path"`             // as flows name it; empty for the root
	Parent  *string     `json:"parent,omitempty"` // absent at the root
	Entries []FileEntry `json:"entries"`
}

// FileEntry is a file or folder of a data folder.
type FileEntry struct {
	Name    string    `json:"name"`
	Path    string    `json:"path"` // as flows name it
	Folder  bool      `json:"folder,omitempty"`
	Size    int64     `json:"size,omitempty"` // bytes
	ModTime time.Time `json:"modTime,omitzero"`
}

// InspectRequest asks for a proposal how to read a file.
type InspectRequest struct {
	Path string `json:"path"`
}

// Proposal is what inspecting a file suggests. Nothing of it counts before it is saved in a node.
type Proposal struct {
	Format  string          `json:"format"`
	Options json.RawMessage `json:"options,omitempty"`
	Fields  []FileField     `json:"fields"`
	Notes   []string        `json:"notes,omitempty"`
	Sample  [][]string      `json:"sample,omitempty"`
	Sampled int64           `json:"sampled,omitempty"` // records looked at
}

// Fetched is what an API has answered, and how it is proposed to be read.
type Fetched struct {
	Answer     flows.Answer `json:"answer"`
	RecordPath string       `json:"recordPath,omitempty"` // where the records are
	Proposal   Proposal     `json:"proposal"`             // for the records; without fields where there are none
}

// OperationsRequest asks what an OpenAPI document describes.
type OperationsRequest struct {
	Text        string   `json:"text,omitempty"`        // of the document, at most 10 MB; absent: it is fetched from address
	Address     string   `json:"address,omitempty"`     // below the base URL of the connection, or whole without one
	Connection  string   `json:"connection,omitempty"`  // of the node
	Environment string   `json:"environment,omitempty"` // in which the connection is meant
	Method      string   `json:"method,omitempty"`      // with path: the operation whose settings are wanted; absent: the list is
	Path        string   `json:"path,omitempty"`
	Records     bool     `json:"records,omitempty"` // the settings are for a node that reads records, else for one that calls for each
	Fields      []string `json:"fields,omitempty"`  // of the input of the latter
}

// FileField is a field of a file with its explicit type and how its text is read.
type FileField struct {
	Name   string     `json:"name"`
	Type   flows.Type `json:"type"`
	Format string     `json:"format,omitempty"`
	Zone   string     `json:"zone,omitempty"`
	Source string     `json:"source,omitempty"`
}

// Health answers /healthz and /readyz.
type Health struct {
	Status  string `json:"status"` // "ok", or what is missing
	Version string `json:"version"`
}

// Environments are those of a project, in their order.
type Environments struct {
	Items []flows.Environment `json:"items"`
}

// SaveConnection is a connection as it is filled in. A secret that is left out stays as it is saved.
type SaveConnection struct {
	Name        string          `json:"name"`
	Environment string          `json:"environment,omitempty"` // of a new one; empty: the default one
	Type        string          `json:"type"`
	Settings    json.RawMessage `json:"settings"`
}

// OAuth is what has to be told to a server of tokens.
type OAuth struct {
	RedirectURL string `json:"redirectUrl"`
}

// SignInAddress is where somebody signs in.
type SignInAddress struct {
	URL string `json:"url"`
}

// TestConnection asks to reach the system. ID names the saved connection that the secrets left out come from.
type TestConnection struct {
	SaveConnection
	ID string `json:"id,omitempty"`
}

// SplitAddress asks for the settings that an address of another program says.
type SplitAddress struct {
	Type    string `json:"type"`
	Address string `json:"address"`
}

// SplitSettings are those settings, to be filled in; nothing is stored. They hold the password that was in the address.
type SplitSettings struct {
	Settings json.RawMessage `json:"settings"`
	Ignored  []string        `json:"ignored,omitempty"` // parameters of the address that have no effect, by their names
}

// WindowRequest asks what an incremental source of a document, as it is drawn, would read after a cursor. Without one it
// reads from its beginning.
type WindowRequest struct {
	Environment string          `json:"environment,omitempty"` // of the project; empty: the default one
	Document    json.RawMessage `json:"document"`
	Node        string          `json:"node"`
	Cursor      *flows.Cursor   `json:"cursor,omitempty"`
}

// SetCursor moves a cursor. An empty value: everything is read again.
type SetCursor struct {
	Column string `json:"column"`
	Value  string `json:"value"`
}

// Tables are those that a connection reaches, as they were at a time.
type Tables struct {
	Items []flows.Table `json:"items"` // never null
	At    time.Time     `json:"at"`
}

// Columns are those of a table, as they were at a time.
type Columns struct {
	Items []flows.Column `json:"items"` // never null
	At    time.Time      `json:"at"`
}

// ConnectionReport is what a test of a connection found.
type ConnectionReport struct {
	Place   string        `json:"place"`
	User    string        `json:"user,omitempty"`
	Version string        `json:"version,omitempty"`
	Took    time.Duration `json:"took"`              // nanoseconds
	Ignored []string      `json:"ignored,omitempty"` // parameters of the address that was given which have no effect
	// Of an API: the status of its answer, such as 200 and OK, and how the answer begins.
	Status     int    `json:"status,omitempty"`
	StatusText string `json:"statusText,omitempty"`
	Answer     string `json:"answer,omitempty"`
}

// ConnectionType is a kind of system that connections lead to.
type ConnectionType struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Summary  string   `json:"summary"`
	Synonyms []string `json:"synonyms"`
	Database bool     `json:"database"` // has tables
	// Address is an example of an address that can be split into settings; empty where there is none.
	Address string `json:"address,omitempty"`
	// SignInIf is the condition under which people sign in, such as auth=code; empty: they never do.
	SignInIf string         `json:"signInIf,omitempty"`
	Schema   map[string]any `json:"schema"`
}
