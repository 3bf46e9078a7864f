package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

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

// sweep removes what a killed server and its runs left in the folders and among the temp folders. The executors of a
// server that has just been killed may take a while to end: while files of living processes are there it looks again,
// for at most half a minute. What is left then is removed by the next run that writes there.
func sweep(folders []string) (stop func()) {
	once := func() (living int) {
		sweepTemp()
		_, living, _ = folder.Sweep(folders...) // what cannot be removed harms nobody
		return living
	}
	if once() == 0 {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer cancel()
		for wait := 100 * time.Millisecond; ; wait *= 2 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			if once() == 0 {
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}
