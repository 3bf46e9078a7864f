// Package filetest is what the tests of file formats share: data folders in memory and readings collected as text.
package filetest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"spark/flows"
	"spark/flows/node"
)

// Files are files in memory by path.
type Files map[string]string

var _ node.Files = Files{}

// Glob matches names within one folder.
func (m Files) Glob(pattern string) ([]node.FileInfo, error) {
	var infos []node.FileInfo
	for name, data := range m {
		if ok, err := path.Match(pattern, name); ok && err == nil {
			infos = append(infos, node.FileInfo{Path: name, Size: int64(len(data)), ModTime: time.Unix(0, 0)})
		}
	}
	if len(infos) == 0 {
		return nil, &flows.Error{Code: "file.not_found", Path: flows.Path{File: pattern}, Message: "there is no such file"}
	}
	slices.SortFunc(infos, func(a, b node.FileInfo) int { return strings.Compare(a.Path, b.Path) })
	return infos, nil
}

// Open opens a file.
func (m Files) Open(name string) (node.File, error) {
	data, ok := m[name]
	if !ok {
		return nil, &flows.Error{Code: "file.not_found", Path: flows.Path{File: name}, Message: "there is no such file"}
	}
	return file{strings.NewReader(data)}, nil
}

// Local fails: the files are in memory.
func (m Files) Local(string) (string, error) { return "", fmt.Errorf("not on a disk") }

// Create fails: the files are only read.
func (m Files) Create(string) (node.PendingFile, error) { return nil, fmt.Errorf("only for reading") }

type file struct{ *strings.Reader }

func (file) Close() error { return nil }

// Gzip compresses.
func Gzip(parts ...string) string {
	var b bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(p))
		_ = w.Close()
	}
	return b.String()
}

// Outcome is all that a reading did.
type Outcome struct {
	Records [][]string // values as Arrow prints them, (null) for null
	Rejects []node.Reject
	Stats   node.ReadStats
	Err     string
}

// Read reads a source and collects the outcome. Reading settings that are not set get defaults.
func Read(src node.Source, r node.Reading) Outcome {
	var o Outcome
	if r.Threads == 0 {
		r.Threads = 2
	}
	if r.Emit == nil {
		r.Emit = func(b node.Batch) error {
			rec := b.Records
			o.Records = append(o.Records, Rows(rec)...)
			rec.Release()
			return nil
		}
	}
	if r.Reject == nil {
		r.Reject = func(x node.Reject) error {
			o.Rejects = append(o.Rejects, x)
			return nil
		}
	}
	var err error
	if o.Stats, err = src.Read(context.Background(), &r); err != nil {
		o.Err = err.Error()
	}
	return o
}

// Rows prints the values of a batch.
func Rows(rec arrow.RecordBatch) [][]string {
	rows := make([][]string, rec.NumRows())
	for i := range rows {
		rows[i] = make([]string, rec.NumCols())
		for j, c := range rec.Columns() {
			rows[i][j] = strings.Clone(c.ValueStr(i)) // the memory is reused
		}
	}
	return rows
}

// Text prints the outcome for goldens: a line per record, then the rejects, then the error.
func (o Outcome) Text() string {
	var b strings.Builder
	for _, r := range o.Records {
		fmt.Fprintf(&b, "%s\n", strings.Join(r, " | "))
	}
	for _, x := range o.Rejects {
		raw := x.Raw
		if x.RawBytes != nil {
			raw = fmt.Sprintf("octets %q", x.RawBytes)
		}
		fmt.Fprintf(&b, "reject %s line %d record %d field %q: %s <%s>\n", x.Code, x.Line, x.Record, x.Field, x.Reason, raw)
	}
	if o.Err != "" {
		fmt.Fprintf(&b, "error %s\n", o.Err)
	}
	return b.String()
}
