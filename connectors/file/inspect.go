package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"spark/flows"
	"spark/flows/node"
)

// Inspect proposes how to read a file: its format by extension and content, its options and fields by a sample. Of
// a pattern it looks at the first file.
func Inspect(files node.Files, pattern string) (node.Proposal, error) {
	found, err := files.Glob(pattern)
	if err != nil {
		return node.Proposal{}, err
	}
	name := found[0].Path
	f, err := files.Open(name)
	if err != nil {
		return node.Proposal{}, err
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return node.Proposal{}, &flows.Error{Code: "file.read", Path: flows.Path{File: name}, Cause: err, Message: fmt.Sprintf("the file cannot be read: %v", err)}
	}
	p, err := propose(f, name, head[:n])
	if len(found) > 1 && err == nil {
		p.Notes = append(p.Notes, fmt.Sprintf("%d files match; the proposal comes from %s.", len(found), name))
	}
	return p, err
}

func propose(f node.File, name string, head []byte) (node.Proposal, error) {
	guess := byContent(head)
	format := byExtension(name)
	var notes []string
	switch {
	case guess == "parquet" && (format == nil || format.Name != "parquet"):
		if format != nil {
			notes = append(notes, fmt.Sprintf("The name says %s and the content is Parquet.", format.Title))
		}
		format, _ = node.LookupFormat("parquet")
	case format == nil && guess != "":
		format, _ = node.LookupFormat(guess)
	case format != nil && format.Typed && guess != format.Name:
		return node.Proposal{}, &flows.Error{Code: "file.format", Path: flows.Path{File: name},
			Message: fmt.Sprintf("the name says %s and the content is none", format.Title), Suggestion: "rename the file or get a new copy"}
	}
	if format == nil {
		return node.Proposal{}, &flows.Error{Code: "file.format", Path: flows.Path{File: name}, Message: "neither the name nor the content tells the file's format",
			Suggestion: "choose the format in the node"}
	}
	if format.Sniff == nil {
		return node.Proposal{Format: format.Name, Fields: []node.FileField{}, Notes: notes}, nil
	}
	p, err := format.Sniff(f, name)
	p.Format = format.Name
	p.Notes = append(notes, p.Notes...)
	return p, err
}

// byContent guesses a format from the first octets.
func byContent(head []byte) string {
	if bytes.HasPrefix(head, []byte("PAR1")) {
		return "parquet"
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), " \t\r\n")
	switch {
	case len(text) == 0 || bytes.IndexByte(text, 0) >= 0:
		return ""
	case text[0] == '[':
		return "json"
	case text[0] == '{':
		line, rest, more := bytes.Cut(text, []byte("\n"))
		if line = bytes.TrimSpace(line); more && line[len(line)-1] == '}' && len(bytes.TrimSpace(rest)) > 0 {
			return "jsonl"
		}
		return "json"
	}
	return "csv"
}
