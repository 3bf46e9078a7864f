package node

// ReadPromise is what the config of a source says of reading again.
type ReadPromise struct {
	Incremental bool // it goes on where the last run has ended
	Overlap     bool // it reads some records again
}

// PromisingSource is a config that promises more than to read all records in each run.
type PromisingSource interface {
	Config
	ReadPromise() ReadPromise
}

// WriteKind is what a target does with records that it is given again.
type WriteKind string

// The kinds of writing.
const (
	WriteWhole  WriteKind = "whole"  // the records of a run stand in place of all others
	WriteAppend WriteKind = "append" // they are added
	WriteKeyed  WriteKind = "keyed"  // they are found by their key
	WriteSend   WriteKind = "send"   // somebody else is told of them
)

// WritePromise is what the config of a target promises.
type WritePromise struct {
	Kind WriteKind
	// Offsets: the target commits how far sources were read together with the records.
	Offsets bool
	What    string // is written, such as "table" or "file"
	// Of WriteSend: requests have a key made of the record (Keyed), or one that the attempts of a run share (Repeats).
	Keyed, Repeats bool
}

// PromisingTarget is a config of an output node.
type PromisingTarget interface {
	Config
	WritePromise() WritePromise
}
