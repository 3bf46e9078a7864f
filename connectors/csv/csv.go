// Package csv reads and describes CSV files: exactly, or with a named error at a line, never by guessing.
//
// What is a record: fields between delimiters; lines end with LF or CRLF; a quoted value keeps its line ends as they
// are. A line with nothing on it is no record, except where records have one field. Text whose structure is broken (a
// quote inside an unquoted value, text behind a closing quote, a quote that is never closed, a carriage return without
// line feed outside quotes) ends the reading, because what follows cannot be trusted. A record with a wrong number of
// fields or a value that does not fit its type is refused, and the reading goes on.
package csv

import (
	"strings"
	"unicode/utf8"

	"spark/flows/node"
)

func init() {
	node.RegisterFormat(&node.Format{
		Name: "csv", Title: "CSV", Extensions: []string{".csv", ".tsv", ".tab", ".txt"},
		ReadOptions:  func() any { return newReadOptions() },
		WriteOptions: func() any { return newWriteOptions() },
		NewSource:    newSource,
		Sniff:        sniff,
		Codecs:       []string{"gzip"},
	})
}

// checkName says what is wrong with the name of a column; empty when it is a text.
func checkName(s string) string {
	switch {
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	case strings.IndexByte(s, 0) >= 0:
		return "contains a NUL character"
	}
	return ""
}
