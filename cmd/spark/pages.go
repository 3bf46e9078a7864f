package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"spark/flows/engine/executor"
	"spark/flows/run"
)

// keptPages keep what APIs have answered runs in a folder of the server's own data, so that it outlives the server.
type keptPages string

var _ run.KeptPages = keptPages("")

const (
	// resumeTries is how often a run is executed again because of its pages.
	resumeTries = 3
	// pagesAge is when those of a run are removed that ended elsewhere.
	pagesAge = 24 * time.Hour

	resumedSuffix = ".resumed"
)

func (k keptPages) Folder(run string) string { return filepath.Join(string(k), filepath.Base(run)) }

func (k keptPages) Count(run string) int { return k.files(run, executor.PageSuffix) }

func (k keptPages) files(run, suffix string) (n int) {
	entries, _ := os.ReadDir(k.Folder(run)) // there may be none
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			n++
		}
	}
	return n
}

func (k keptPages) Resume(run string) bool {
	n := k.files(run, resumedSuffix)
	if n >= resumeTries {
		return false
	}
	return os.WriteFile(filepath.Join(k.Folder(run), fmt.Sprint(n, resumedSuffix)), nil, 0o600) == nil
}

func (k keptPages) Remove(run string) { _ = os.RemoveAll(k.Folder(run)) } // what cannot be removed is swept later

// sweep removes what nobody has written to for long: its run has ended on another machine.
func (k keptPages) sweep(now time.Time) {
	entries, _ := os.ReadDir(string(k)) // there may be none
	for _, e := range entries {
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) > pagesAge {
			k.Remove(e.Name())
		}
	}
}
