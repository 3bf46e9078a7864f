package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/flows"
	"spark/flows/expr"
)

// Source produces records in Go. Its String goes into the plan's explanation.
type Source interface {
	fmt.Stringer
	// Read delivers every record in order through r.Emit, or refuses it through r.Reject, and returns what it read.
	// It ends early without an error when Emit returns ErrEnough, and with that error for any other.
	Read(ctx context.Context, r *Reading) (ReadStats, error)
}

// SizedSource is a source that can guess how many records it has. The guess chooses the side on which a join builds,
// nothing else.
type SizedSource interface {
	Source
	// EstimateRecords is given the size of file sets in bytes, 0 where it is unknown.
	EstimateRecords(bytes func(path string) int64) float64
}

// IncrementalSource is a source that may go on where an earlier run has ended.
type IncrementalSource interface {
	Source
	Incremental() bool
}

// SelectingSource is a source that reads a selection of a database.
type SelectingSource interface {
	Source
	Selection() (connection string, from Select)
	// Narrowed reads only what also meets a condition in the database's own SQL; nil: none can be added.
	Narrowed(where string) Source
}

// NativeSource is a source that an engine may read by itself, such as Parquet files.
type NativeSource interface {
	Source
	// Native names the format, the file pattern and the options.
	Native() (format, path string, options json.RawMessage)
}

// TextSource is a source whose columns are all text, in the notation in which the engine itself writes values as text: what
// was refused comes back as it was stored.
type TextSource interface {
	Source
	// Texts tells that it is one.
	Texts()
}

// ErrEnough tells a source that nobody wants more records.
var ErrEnough = fmt.Errorf("enough")

// Reading is one pass over a source.
type Reading struct {
	Files       Files       // the data folders
	Connections Connections // of the flow's project
	Node        string      // that reads
	Fields      []string    // fields wanted, in this order; a source checks the others all the same
	Origin      bool        // append the columns OriginFile (text) and OriginRecord (int64)
	Threads     int         // goroutines the source may keep busy
	Began       time.Time   // of the run: the same in each execution of it; zero: it is none
	Limit       int64       // records that are wanted at most; a source that gives more is stopped. 0: all
	After       Offset      // where an incremental source goes on; nil: from its beginning
	// Answer is what a calling source reads instead of calling; nil: it calls.
	Answer *flows.Answer
	// Pages keep what a calling source is answered, for another execution of the run; nil: there will be none.
	Pages Pages
	// Emit takes over one batch whose columns are Fields (then the origin) of type ArrowType. Batches are allocated
	// outside the Go heap (arrow/memory/mallocator), because C code reads them.
	Emit func(Batch) error
	// Reject takes a refused record. Its error ends the reading.
	Reject func(Reject) error
	// Warn tells what does not keep the records from being read. It may be nil.
	Warn func(*flows.Error)
	// Progress is told the bytes read so far of the total, -1 when unknown. It may be nil.
	Progress func(done, total int64)
}

// Pages keep the answers of an API until a run is over. They are numbered from 1, and belong to a request, named by a hash:
// what was kept of another one is none.
type Pages interface {
	// Page returns an answer as it was kept, or nil.
	Page(number int, request [32]byte) []byte
	// Keep takes an answer over and keeps it, where there is room. It is no loss if it does not: the page is asked for again.
	Keep(number int, request [32]byte, answer []byte)
}

// The origin columns of a reading: which file and which record of it, 1-based, header not counted. Field names that
// begin with ReservedPrefix are refused in flows.
const (
	ReservedPrefix = "__spark_"
	OriginFile     = expr.OriginFile
	OriginRecord   = expr.OriginRecord
)

// ReadStats is the source's own account of a reading, independent of the engine's counts.
type ReadStats struct {
	Records  int64 // delivered
	Rejected int64 // refused
	Bytes    int64 // read, before decompression
	Complete bool  // false when ended early
	Partial  bool  // Reading.Answer was all that could be read, and there is more
	// Offset is what is reached once the records are committed, nil where the source is not incremental.
	Offset Offset
}

// Reject is a refused record.
type Reject = flows.Reject

// RejectSchema is the schema of every rejects port.
var RejectSchema = flows.Schema{
	{Name: "node", Type: flows.Of(flows.Text)}, {Name: "code", Type: flows.Of(flows.Text)},
	{Name: "reason", Type: flows.Of(flows.Text)}, {Name: "field", Type: flows.Of(flows.Text)},
	{Name: "file", Type: flows.Of(flows.Text)}, {Name: "line", Type: flows.Of(flows.Int64)},
	{Name: "record", Type: flows.Of(flows.Int64)}, {Name: "raw", Type: flows.Of(flows.Text)},
}

// FileInfo is a file of a data folder.
type FileInfo struct {
	Path    string // as the flow names it: slash-separated, below its data folder
	Size    int64
	ModTime time.Time
}

// Files is access to the allowed data folders, and to nothing else. Errors are *flows.Error with the file's path.
type Files interface {
	// Glob returns the files that match a pattern in order of their paths. A pattern without * ? [ must name a file
	// that exists; one with them must match at least one.
	Glob(pattern string) ([]FileInfo, error)
	// Open opens a file for reading.
	Open(path string) (File, error)
	// Local returns the absolute path of a file that is on this machine, links resolved and checked.
	Local(path string) (string, error)
	// Create prepares a new file next to where it will be.
	Create(path string) (PendingFile, error)
}

// Entry is a file or folder in a listing.
type Entry struct {
	FileInfo
	Folder bool
}

// Lister is what Files offer that can be browsed.
type Lister interface {
	// List returns what a folder holds, folders first, each in order of its name; "" is the place where relative paths
	// begin: all data folders together. Hidden files and what is being written are left out.
	List(dir string) ([]Entry, error)
}

// TotalBytes adds up the sizes of the files that match a pattern, 0 when there is none.
func TotalBytes(files Files, pattern string) int64 {
	if files == nil {
		return 0
	}
	var total int64
	infos, err := files.Glob(pattern)
	if err != nil {
		return 0 // whoever reads the files says so
	}
	for _, f := range infos {
		total += f.Size
	}
	return total
}

// File is an open file.
type File interface {
	io.ReadCloser
	io.ReaderAt
	Size() int64
}

// PendingFile is a file that nobody sees until it is committed.
type PendingFile interface {
	// TempPath is the absolute path to write to.
	TempPath() string
	// Prepare makes the content durable: after it only the rename is missing.
	Prepare() error
	// Commit gives the file its name, durably.
	Commit() error
	// Abort removes it. It does nothing after Commit.
	Abort() error
}

// Format is a file format, registered for file.input and file.output alike.
type Format struct {
	Name       string   // such as "csv"
	Title      string   // such as "CSV"
	Extensions []string // such as ".csv", without compression's
	// ReadOptions and WriteOptions return option structs with defaults; the form comes from their tags. nil: none.
	ReadOptions  func() any
	WriteOptions func() any
	// Typed formats carry their own schema (Parquet); the others need the fields in the node.
	Typed bool
	// NewSource makes the source for a checked configuration.
	NewSource func(FileScan) (Source, error)
	// Sniff proposes how to read a file from a sample of it. nil for typed formats.
	Sniff func(f File, name string) (Proposal, error)
	// Codecs are the compressions that WriteOptions' file may have besides "" and those of its own.
	Codecs []string
}

// FileScan is a configured reading of files.
type FileScan struct {
	Path    string          // file or pattern
	Fields  []FileField     // explicit fields; may be empty for typed formats
	Options json.RawMessage // of the format
	Rejects flows.RejectPolicy
	// What else a record carries.
	FileNameField, RecordField string
}

// FileField is a field of a file with its explicit type and how its text is read.
type FileField struct {
	Name   string     `json:"name" title:"Field" required:"true"`
	Type   flows.Type `json:"type" title:"Type" required:"true"`
	Format string     `json:"format,omitempty" title:"Format" help:"Date and time format such as %d/%m/%Y. Empty means ISO 8601."`
	Zone   string     `json:"zone,omitempty" title:"Time zone" help:"Zone of times that are written without one, such as Europe/Berlin. Needed to read them as timestamptz."`
	Source string     `json:"source,omitempty" title:"Name in the file" help:"Where it differs from the field's name."`
}

// Proposal is what inspecting a file suggests. Nothing of it is applied without being saved in the node.
type Proposal struct {
	Format  string          `json:"format"`
	Options json.RawMessage `json:"options,omitempty"`
	Fields  []FileField     `json:"fields"`
	Notes   []string        `json:"notes,omitempty"`   // what the builder should know: ambiguous dates, mixed types
	Sample  [][]string      `json:"sample,omitempty"`  // first records as text
	Sampled int64           `json:"sampled,omitempty"` // records looked at
}

// RegisterFormat adds a file format. It panics on a taken name.
func RegisterFormat(f *Format) {
	catalogue.Lock()
	defer catalogue.Unlock()
	if catalogue.formats == nil {
		catalogue.formats = map[string]*Format{}
	}
	if catalogue.formats[f.Name] != nil {
		panic(fmt.Sprintf("format %q is registered twice", f.Name))
	}
	catalogue.formats[f.Name] = f
}

// LookupFormat returns the format with that name.
func LookupFormat(name string) (*Format, bool) {
	catalogue.RLock()
	defer catalogue.RUnlock()
	f, ok := catalogue.formats[name]
	return f, ok
}

// Formats returns the names of all formats in order.
func Formats() []string {
	catalogue.RLock()
	defer catalogue.RUnlock()
	names := make([]string, 0, len(catalogue.formats))
	for n := range catalogue.formats {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// ArrowType is the type that a source's columns have. Types that Arrow lacks travel as text which the source has
// checked and the engine converts: int128, interval, UUID, JSON.
func ArrowType(t flows.Type) arrow.DataType {
	switch t.Kind {
	case flows.Int8:
		return arrow.PrimitiveTypes.Int8
	case flows.Int16:
		return arrow.PrimitiveTypes.Int16
	case flows.Int32:
		return arrow.PrimitiveTypes.Int32
	case flows.Int64:
		return arrow.PrimitiveTypes.Int64
	case flows.Decimal:
		return &arrow.Decimal128Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}
	case flows.Double:
		return arrow.PrimitiveTypes.Float64
	case flows.Boolean:
		return arrow.FixedWidthTypes.Boolean
	case flows.Bytes:
		return arrow.BinaryTypes.Binary
	case flows.Date:
		return arrow.FixedWidthTypes.Date32
	case flows.Time:
		return arrow.FixedWidthTypes.Time64us
	case flows.Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case flows.TimestampTZ:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case flows.List:
		return arrow.ListOf(ArrowType(*t.Elem))
	case flows.Struct:
		fs := make([]arrow.Field, len(t.Fields))
		for i, f := range t.Fields {
			fs[i] = arrow.Field{Name: f.Name, Type: ArrowType(f.Type), Nullable: true}
		}
		return arrow.StructOf(fs...)
	default: // text, and what travels as text
		return arrow.BinaryTypes.String
	}
}
