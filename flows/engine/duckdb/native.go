package duckdb

import (
	"errors"
	"fmt"
	"slices"

	"spark/flows"
	"spark/flows/node"
)

// Files that DuckDB reads by itself are pinned: what they are at the start they must still be before the commit, or
// the records of two versions might have been mixed. Sources in Go pin theirs themselves.

// pinned is a file set as it was at the start.
type pinned struct {
	id, path string
	files    []node.FileInfo
}

func (r *run) pin() error {
	for _, n := range r.plan.Nodes {
		for _, res := range n.Results {
			read, ok := res.Op.(node.Read)
			if !ok {
				continue
			}
			if native, ok := read.Source.(node.NativeSource); ok {
				_, path, _ := native.Native()
				files, err := r.env.Files.Glob(path)
				if err != nil {
					return flows.AsError(err).At(flows.Path{Node: n.ID, Field: "path"})
				}
				r.pins = append(r.pins, pinned{n.ID, path, files})
			}
		}
	}
	return nil
}

// unchanged compares the pinned files with what they are now.
func (r *run) unchanged() error {
	for _, p := range r.pins {
		now, err := r.env.Files.Glob(p.path)
		if e, ok := errors.AsType[*flows.Error](err); err != nil && (!ok || e.Code != "file.not_found") { // then it was deleted meanwhile
			return flows.AsError(err).At(flows.Path{Node: p.id, Field: "path"})
		}
		same := slices.EqualFunc(p.files, now, func(a, b node.FileInfo) bool {
			return a.Path == b.Path && a.Size == b.Size && a.ModTime.Equal(b.ModTime)
		})
		if !same {
			return &flows.Error{Code: "file.changed", Path: flows.Path{Node: p.id, File: p.path},
				Message: fmt.Sprintf("the files of %s changed while they were read", p.path), Suggestion: "nothing was written; run again when they are complete"}
		}
	}
	return nil
}
