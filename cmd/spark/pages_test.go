package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestKeptPages: a run is executed again three times because of its pages, and those of runs that ended elsewhere go after a day.
func TestKeptPages(t *testing.T) {
	t.Parallel()
	k := keptPages(filepath.Join(t.TempDir(), "pages"))
	k.sweep(time.Now()) // there is nothing yet
	if k.Count("a") != 0 || k.Resume("a") {
		t.Error("a run without pages has some")
	}
	for _, run := range []string{"a", "b"} {
		must(t, os.MkdirAll(k.Folder(run), 0o700))
		must(t, os.WriteFile(filepath.Join(k.Folder(run), "x-1.page"), nil, 0o600))
	}
	for i := range 5 {
		if k.Resume("a") != (i < resumeTries) || k.Count("a") != 1 {
			t.Errorf("time %d: %d pages", i+1, k.Count("a"))
		}
	}
	old := time.Now().Add(-pagesAge - time.Hour)
	must(t, os.Chtimes(k.Folder("b"), old, old))
	k.sweep(time.Now())
	if k.Count("a") != 1 || k.Count("b") != 0 {
		t.Errorf("%d and %d pages are left", k.Count("a"), k.Count("b"))
	}
	k.Remove("a")
	if _, err := os.Stat(k.Folder("a")); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
	if k.Folder("../../etc") != filepath.Join(string(k), "etc") {
		t.Errorf("a run leads out of the folder: %s", k.Folder("../../etc"))
	}
}
