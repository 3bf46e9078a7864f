package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"spark/connectors/folder"
	"spark/flows"
)

// Temp folders carry the mark of the process that removes them, so that the next run can remove those of dead ones.
const (
	tempRun     = "spark-run-"
	tempSample  = "spark-sample-"
	tempPreview = "spark-preview-"
)

func makeTemp(prefix string) (string, error) {
	dir := filepath.Join(os.TempDir(), prefix+folder.Mark())
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", &flows.Error{Code: "temp.folder", Message: fmt.Sprintf("no temp folder can be made: %v", err),
			Suggestion: "set TMPDIR to a folder that can be written", Cause: err}
	}
	return dir, nil
}

func removeTemp(dir string) { _ = os.RemoveAll(dir) } // what cannot be removed is swept by the next program

// sweepTemp removes the temp folders of programs that were killed.
func sweepTemp() {
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		return
	}
	for _, e := range entries {
		for _, prefix := range []string{tempRun, tempSample, tempPreview} {
			if mark, ok := strings.CutPrefix(e.Name(), prefix); ok && e.IsDir() && folder.Orphaned(mark) {
				_ = os.RemoveAll(filepath.Join(os.TempDir(), e.Name())) // another run may do the same
			}
		}
	}
}
