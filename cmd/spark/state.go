package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"spark/flows"
	"spark/flows/expr"
	"spark/flows/node"
	"spark/flows/plan"
)

// state is the file in which `spark run` keeps how far incremental sources were read. Its id names the flow to targets
// that keep the same: a copy of the file goes on where the original was, and one of the two is refused.
type state struct {
	ID      string                 `json:"id"`
	Cursors map[string]node.Offset `json:"cursors"`
	path    string
}

// openState reads the state of a flow. A flow without incremental sources needs none; one with them is refused without:
// it would read everything again at every run, and say that it does not.
func openState(path string, flow *flows.Flow, params []expr.Param) (*state, error) {
	if path == "" {
		if sources := plan.IncrementalSources(flow, params); len(sources) > 0 {
			return nil, &flows.Error{Code: "state.missing", Path: flows.Path{Node: sources[0], Field: "mode"}, Message: "the node reads what is new since the last run, and nothing keeps how far that was",
				Suggestion: "give a file that keeps it: --state FILE; or read all records"}
		}
		return &state{}, nil
	}
	s := &state{path: path, Cursors: map[string]node.Offset{}}
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.ID = uuid.Must(uuid.NewV7()).String()
		return s, s.write() // before the run: what a target keeps under the id must not be lost
	case err != nil:
		return nil, &flows.Error{Code: "state.open", Path: flows.Path{File: path}, Message: fmt.Sprintf("the state file cannot be read: %v", err), Suggestion: "check its path", Cause: err}
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(s); err != nil || uuid.Validate(s.ID) != nil {
		return nil, &flows.Error{Code: "state.open", Path: flows.Path{File: path}, Message: "that is no state file", Suggestion: "choose another name; a missing file is made, and then everything is read again", Cause: err}
	}
	return s, nil
}

// reach stores how far a committed run has read.
func (s *state) reach(offsets map[string]node.Offset) error {
	if s.path == "" || len(offsets) == 0 {
		return nil
	}
	for id, o := range offsets {
		s.Cursors[id] = o
	}
	return s.write()
}

// write replaces the file, durably.
func (s *state) write() (err error) {
	failed := func(err error) error {
		return &flows.Error{Code: "state.write", Path: flows.Path{File: s.path}, Message: fmt.Sprintf("the state file cannot be written: %v", err), Suggestion: "make it writable; the next run reads the same records again where its target does not know how far they were read", Cause: err}
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(s.path), "."+filepath.Base(s.path)+".*")
	if err != nil {
		return failed(err)
	}
	defer os.Remove(f.Name()) // it is gone where it was renamed
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return failed(err)
	}
	if err := os.Rename(f.Name(), s.path); err != nil {
		return failed(err)
	}
	if err := syncDir(filepath.Dir(s.path)); err != nil {
		return failed(err)
	}
	return nil
}
