package flows

import "time"

// Sample is some of the records that left an output port, or arrived at an input port.
type Sample struct {
	Node   string `json:"node"`
	Port   string `json:"port"`
	Schema Schema `json:"schema"`
	// Rows hold one value per field of Schema as text: exact digits, ISO 8601 dates and times, bytes as base64, lists,
	// structs and JSON as JSON. nil is null. Values longer than MaxCell characters are cut and end with an ellipsis.
	Rows [][]*string `json:"rows"`
	// Records is how many records crossed here while the sample was taken; More says that there are more than Rows.
	Records int64 `json:"records"`
	More    bool  `json:"more,omitempty"`
}

// MaxCell is the number of characters that a sample keeps of one value.
const MaxCell = 10_000

// PreviewRequest asks for the records at one node of a document, as it is drawn and not as it is saved.
type PreviewRequest struct {
	Document *Flow  `json:"document"`
	Node     string `json:"node"`
	// Environment of the project, and values of parameters in the place of those that they have there.
	Environment string            `json:"environment,omitempty"`
	Parameters  map[string]string `json:"parameters,omitempty"`
	Limit       int               `json:"limit,omitempty"` // records of the driving source; 0 means DefaultPreview
	Fresh       bool              `json:"fresh,omitempty"` // reads again what is remembered
	Flow        string            `json:"flow,omitempty"`  // whose cursors say where incremental sources go on, and whose pins are used; none: they begin anew
	// Samples say which records of a driving source are read, by its node; none: the first.
	Samples map[string]SampleMode `json:"samples,omitempty"`
}

// SampleMode says which records of a driving source a preview reads.
type SampleMode struct {
	Mode  string `json:"mode"`            // SampleFirst, SampleRandom, SampleWhere
	Where string `json:"where,omitempty"` // condition over the records of the source
	Seed  int64  `json:"seed,omitempty"`  // of the chance: the same seed draws the same records
}

// The modes of a sample.
const (
	SampleFirst  = "first"
	SampleRandom = "random" // of all records: they are all read
	SampleWhere  = "where"  // the first that meet the condition: it is read on until there are enough
)

// DefaultPreview and MaxPreview are numbers of records of the driving source.
const (
	DefaultPreview = 1000
	MaxPreview     = 10_000
)

// Preview is what the records at a node look like. Nothing was written for it.
type Preview struct {
	Node    string   `json:"node"`
	Inputs  []Sample `json:"inputs"`  // by input port of the node; what a port's second edge brings is named port#2
	Outputs []Sample `json:"outputs"` // by output port of the node
	// Source is the node whose first records were read (the driving source, or the first of several), Read how many of
	// them; Complete says that no driving source has more. The other sources were read in full.
	Source   string `json:"source"`
	Read     int64  `json:"read"`
	Complete bool   `json:"complete"`
	// Sample is how the records of Source were chosen, and Scanned how many were read to find them.
	Sample  SampleMode `json:"sample"`
	Scanned int64      `json:"scanned"`
	// Narrowed: the database of Source has found the records itself, so that no others were read.
	Narrowed bool `json:"narrowed,omitempty"`
	// Cursors are where incremental sources began, as the next run would: behind what was reached. Nothing moves them.
	Cursors []FlowCursor `json:"cursors,omitempty"`
	// Pins are those that the preview began at. They are in no run.
	Pins []Pin `json:"pins,omitempty"`
	// Rejects are refused records, of this node and those before it.
	Rejects []Reject `json:"rejects,omitempty"`
	// Problems keep the preview from being made; then there are no samples. Warnings do not.
	Problems Problems `json:"problems,omitempty"`
	// Calls are those that the node has made because somebody has allowed a few.
	Calls []CallAnswer `json:"calls,omitempty"`
	// Files are those that were looked at. While they stay the same, so does the preview.
	Files  []SeenFile    `json:"files,omitempty"`
	Took   time.Duration `json:"took"` // nanoseconds
	At     time.Time     `json:"at"`   // when the records were read
	Cached bool          `json:"cached"`
}

// SeenFile is a file that a pattern stood for.
type SeenFile struct {
	Pattern string    `json:"pattern"`
	Path    string    `json:"path"`
	Size    int64     `json:"size"`
	ModTime time.Time `json:"modTime"`
}

// Check is what is known of a document without running it.
type Check struct {
	Problems Problems          `json:"problems"`
	Ports    []PortSchema      `json:"ports"`             // every output port whose schema is known
	Skipped  map[string]string `json:"skipped,omitempty"` // nodes that would not run, with the reason
	// Deliveries are what is promised for the records of every output.
	Deliveries []Delivery `json:"deliveries,omitempty"`
	// Moves are the filters behind a table, and whether the database can do their work.
	Moves []Move `json:"moves,omitempty"`
}

// Move offers to move a filter into the source that it reads from.
type Move struct {
	Node string `json:"node"`
	Into string `json:"into"`
	// Where is what the condition of the source is to say, besides what it says already; empty where the filter cannot move.
	Where  string `json:"where,omitempty"`
	Reason string `json:"reason,omitempty"` // why it cannot
}

// PortSchema is the schema at an output port.
type PortSchema struct {
	Node   string `json:"node"`
	Port   string `json:"port"`
	Schema Schema `json:"schema"`
}
