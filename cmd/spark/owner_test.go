package main

import (
	"os"
	"path/filepath"
	"testing"

	"spark/flows"
)

func TestOwnerKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := ownerKey(dir)
	if err != nil || len(first) < 40 {
		t.Fatalf("%q, %v", first, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "owner.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if again, err := ownerKey(dir); err != nil || again != first {
		t.Errorf("the second start has another key, %v", err)
	}
	if other, err := ownerKey(t.TempDir()); err != nil || other == first {
		t.Errorf("another folder has the same key, %v", err)
	}
	for what, spoil := range map[string]func(file string) error{
		"readable by others": func(file string) error { return os.Chmod(file, 0o644) },
		"cut off":            func(file string) error { return os.Truncate(file, 10) },
	} {
		if err := spoil(filepath.Join(dir, "owner.key")); err != nil {
			t.Fatal(err)
		}
		if _, err := ownerKey(dir); flows.AsError(err) == nil || flows.AsError(err).Code != "owner.key" {
			t.Errorf("%s: %v", what, err)
		}
		_ = os.Chmod(filepath.Join(dir, "owner.key"), 0o600)
	}
	if _, err := ownerKey(filepath.Join(dir, "none")); flows.AsError(err) == nil {
		t.Error("a folder that does not exist was accepted")
	}
}
