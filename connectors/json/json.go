// Package json reads JSON lines and JSON: exactly, or with a named error at a line.
//
// JSON lines (jsonl): one object per line; empty lines are passed over. A line that is not JSON, or a member that does
// not fit its type, refuses that record only. JSON (json): an array of objects, or one object; text that is not JSON
// ends the reading, because nothing says where the next record begins.
//
// Members that nobody declared are passed over, missing ones are null, a member that occurs twice in one object is
// refused. Numbers keep every digit: a number is read into text with its digits as written, into integers when its value
// is whole (1.0 and 1e3 are), into decimals when no digit would be lost. Values of other types are never converted: the
// text "12" is no number and true is no text.
package json

import (
	"spark/flows/node"
)

// WriteOptions are the settings of writing. There are none yet.
type WriteOptions struct{}

func init() {
	node.RegisterFormat(&node.Format{
		Name: "jsonl", Title: "JSON lines", Extensions: []string{".jsonl", ".ndjson", ".jsonlines"},
		WriteOptions: func() any { return &WriteOptions{} },
		NewSource:    func(s node.FileScan) (node.Source, error) { return newSource(s, "jsonl") },
		Sniff:        sniffLines,
		Codecs:       []string{"gzip"},
	})
	node.RegisterFormat(&node.Format{
		Name: "json", Title: "JSON", Extensions: []string{".json"},
		WriteOptions: func() any { return &WriteOptions{} },
		NewSource:    func(s node.FileScan) (node.Source, error) { return newSource(s, "json") },
		Sniff:        sniffArray,
		Codecs:       []string{"gzip"},
	})
}
