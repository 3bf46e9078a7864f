package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"spark/connectors/folder"
	"spark/flows"
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
	f, err := os.OpenFile(filepath.Join(filepath.Dir(r.path), folder.TempName(filepath.Base(r.path))), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, r.failure(err)
	}
	return &rejectWriter{target: r, f: f, w: bufio.NewWriter(f)}, nil
}

type rejectWriter struct {
	target  rejectFile
	f       *os.File
	w       *bufio.Writer
	unsaved int        // bytes since the disk was last told to begin
	saving  chan error // answers when the disk has what it was told of; nil: it was told of nothing
	failed  error      // of the disk, which says so only once
}

// saveEvery is how much may wait for Seal: the disk writes while the run goes on, not all at its end.
const saveEvery = 16 << 20

func (w *rejectWriter) Add(lines []byte) error {
	if _, err := w.w.Write(lines); err != nil {
		return w.target.failure(err)
	}
	w.unsaved += len(lines)
	select {
	case err := <-w.saving:
		w.failed, w.saving = errors.Join(w.failed, err), nil
	default:
	}
	if w.saving == nil && w.unsaved >= saveEvery {
		w.unsaved, w.saving = 0, make(chan error, 1)
		go func(saving chan<- error) { saving <- w.f.Sync() }(w.saving)
	}
	return nil
}

func (w *rejectWriter) Seal() error {
	if w.saving != nil {
		w.failed, w.saving = errors.Join(w.failed, <-w.saving), nil
	}
	err := w.failed
	if err == nil {
		err = w.w.Flush()
	}
	if err == nil {
		err = w.f.Sync()
	}
	if err != nil {
		return w.target.failure(err)
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
	if dir, openErr := os.Open(filepath.Dir(path)); openErr == nil && err == nil {
		err = errors.Join(dir.Sync(), dir.Close()) // the name is durable only with its folder
	}
	if err != nil {
		os.Remove(w.f.Name())
		return w.target.failure(err)
	}
	*w.target.named = path
	return nil
}

func (r rejectFile) failure(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		err = pe.Err // the name in it is a temporary one
	}
	e := &flows.Error{Code: "rejects.file", Path: flows.Path{File: r.path}, Cause: err, Message: fmt.Sprintf("the rejected records cannot be stored: %v", err),
		Suggestion: "name another file with --rejects; its folder must exist"}
	if errors.Is(err, syscall.ENOSPC) {
		e.Code, e.Message, e.Suggestion = "disk.full", "the disk is full and the rejected records cannot be stored", "make room, or name a file on another disk with --rejects"
	}
	return e
}
