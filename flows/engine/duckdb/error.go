package duckdb

import (
	"errors"
	"regexp"
	"strings"

	"spark/flows"
)

// memoryAdvice is what to do about too little memory.
const memoryAdvice = "raise --memory, and the memory in the flow's settings where it has one, or filter and aggregate earlier; nothing was written"

// engineErrors turn DuckDB's words into sentences that say what to do.
var engineErrors = []struct {
	pattern       *regexp.Regexp
	code, message string
	suggestion    string
}{
	{regexp.MustCompile(regexp.QuoteMeta(errNotFinite)), "json.not_finite", "JSON has no form for a double that is infinite or not a number", "filter such records out before, or write another format"},
	{regexp.MustCompile(regexp.QuoteMeta(errNanoseconds)), "parquet.nanoseconds", "a time in the file is finer than a microsecond", "write the file with microseconds, or leave the field out"},
	{regexp.MustCompile(`do not support negative intervals`), "parquet.interval", "Parquet has no form for a negative interval", "convert the field to text before, or write another format"},
	{regexp.MustCompile(`(?is)no space left.*duckdb_temp|duckdb_temp.*no space left`), "spill.disk_full", "the disk of the temp folder is full with what does not fit into the memory of the run", "make room there, name another folder with TMPDIR, give the run more memory, or filter and aggregate earlier; nothing was written"},
	{regexp.MustCompile(`(?i)failed to offload|max_temp_directory_size`), "spill.limit", "what does not fit into the memory of the run needs more disk than it may use", "raise --spill or --memory, or filter and aggregate earlier; nothing was written"},
	{regexp.MustCompile(`(?i)no space left on device|disk full`), "disk.full", "the disk is full", "free space in the data folder and in the temp folder, then run again; nothing was written"},
	{regexp.MustCompile(`(?i)out of memory|failed to allocate|could not allocate`), "memory.limit", "the run needs more memory than it may use", memoryAdvice},
	{regexp.MustCompile(`(?i)permission denied|read-only file system`), "file.permission", "a file or folder may not be written", "check the rights of the data folder"},
	{regexp.MustCompile(`(?i)overflow in (sum|hugeint|decimal)|SUM is out of range|overflow`), "expr.overflow", "a sum is larger than its type can hold", "convert the field to double, or to a decimal with fewer digits after the point"},
	{regexp.MustCompile(`(?i)parquet|snappy|thrift|zstd|TProtocolException|TTransportException|don't know what type`), "parquet.broken", "the Parquet file is broken", "get a complete copy of it"},
}

// engineError makes a *flows.Error of what DuckDB said.
func engineError(err error) error {
	if e, ok := errors.AsType[*flows.Error](err); ok {
		return e
	}
	text := words(err)
	for _, e := range engineErrors {
		if e.pattern.MatchString(text) {
			return &flows.Error{Code: e.code, Message: e.message + " (" + firstLine(text) + ")", Suggestion: e.suggestion, Cause: err}
		}
	}
	return &flows.Error{Code: "engine", Message: "the engine failed: " + firstLine(text), Suggestion: "please report this with the flow", Cause: err}
}

// fileError is engineError for a file.
func fileError(err error, path string) error {
	return flows.AsError(engineError(err)).At(flows.Path{File: path})
}

// words are what DuckDB said, without what it says about every statement that has failed.
func words(err error) string {
	text := strings.TrimSpace(err.Error())
	if first, rest, ok := strings.Cut(text, "\n"); ok && strings.Contains(first, "unsuccessful or closed pending query") {
		text = strings.TrimPrefix(rest, "Error: ")
	}
	return text
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// engineError is engineError with the place, where DuckDB names the temporary file of a sink.
func (r *run) engineError(err error) error {
	for _, o := range r.outputs {
		s := o.file
		if s == nil {
			continue
		}
		if text := words(err); strings.Contains(text, s.file.TempPath()) {
			err = errors.New(strings.ReplaceAll(text, s.file.TempPath(), s.spec.Path))
			return flows.AsError(engineError(err)).At(flows.Path{Node: s.node.ID, File: s.spec.Path})
		}
	}
	err = engineError(err)
	if e, ok := errors.AsType[*flows.Error](err); ok && e.Code == "parquet.broken" && len(r.pins) > 0 {
		return e.At(r.oneOfThePins())
	}
	return err
}

// oneOfThePins is where an error of a file happened that DuckDB does not name.
func (r *run) oneOfThePins() flows.Path {
	at := flows.Path{Node: r.pins[0].id, File: r.pins[0].path}
	for _, p := range r.pins[1:] {
		at.Node = ""
		at.File += " or " + p.path
	}
	return at
}
