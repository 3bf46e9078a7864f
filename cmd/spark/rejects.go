package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"spark/flows/node"
	"spark/flows/run"
)

// rejectFile stores the rejects of a local run as JSON lines. They are written beside their final name, durable
// before the commit, and named after it.
type rejectFile struct {
	path  string
	named *string // final name, for the summary
}

var _ run.RejectStore = rejectFile{}

func (r rejectFile) Open(id string) (run.RejectWriter, error) {
	f, err := os.CreateTemp(filepath.Dir(r.path), "."+filepath.Base(r.path)+".*.spark-tmp")
	if err != nil {
		return nil, fmt.Errorf("reject file: %w", err)
	}
	return &rejectWriter{target: r, f: f, w: bufio.NewWriter(f)}, nil
}

type rejectWriter struct {
	target rejectFile
	f      *os.File
	w      *bufio.Writer
}

func (w *rejectWriter) Add(rs []node.Reject) error {
	enc := json.NewEncoder(w.w)
	enc.SetEscapeHTML(false)
	for _, r := range rs {
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("reject file: %w", err)
		}
	}
	return nil
}

func (w *rejectWriter) Seal() error {
	err := w.w.Flush()
	if err == nil {
		err = w.f.Sync()
	}
	if err != nil {
		return fmt.Errorf("reject file: %w", err)
	}
	return nil
}

func (w *rejectWriter) End(committed bool) error {
	err := w.Seal()
	if closeErr := w.f.Close(); err == nil {
		err = closeErr
	}
	path := w.target.path
	if !committed { // the records were not skipped over: nothing was written. They still tell what to mend.
		path = strings.TrimSuffix(path, ".jsonl") + ".failed.jsonl"
	}
	if err == nil {
		err = os.Rename(w.f.Name(), path)
	}
	if err != nil {
		os.Remove(w.f.Name())
		return fmt.Errorf("reject file: %w", err)
	}
	*w.target.named = path
	return nil
}
