package folder_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"spark/connectors/folder"
	"spark/flows"
	"spark/flows/node"
)

func TestList(t *testing.T) {
	t.Parallel()
	first, second, outside := t.TempDir(), t.TempDir(), t.TempDir()
	for _, f := range []string{first + "/a.csv", first + "/in/b.csv", second + "/a.csv", second + "/in/c.csv", first + "/.hidden", outside + "/secret.csv"} {
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, []byte(f), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"out": outside, "secret.csv": outside + "/secret.csv", "again.csv": "a.csv"} {
		if err := os.Symlink(to, filepath.Join(first, link)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := folder.Open(first, second)
	if err != nil {
		t.Fatal(err)
	}
	list := func(dir string) string {
		entries, err := f.List(dir)
		if err != nil {
			return flows.AsError(err).Code
		}
		var names []string
		for _, e := range entries {
			name := e.Path
			if e.Folder {
				name += "/"
			} else if e.Size == 0 || e.ModTime.IsZero() {
				t.Errorf("%s has no size or time", name)
			}
			names = append(names, name)
		}
		return strings.Join(names, " ")
	}
	for dir, want := range map[string]string{
		"": "in/ a.csv again.csv", "in": "in/b.csv in/c.csv", "in/": "in/b.csv in/c.csv", "none": "file.not_found",
		"..": "file.outside", "/etc": "file.outside", "out": "file.outside", "a.csv": "file.not_found",
		first + "/in": first + "/in/b.csv",
	} {
		if got := list(dir); got != want {
			t.Errorf("%q lists %q, expected %q", dir, got, want)
		}
	}
	entries, err := f.List("")
	if i := slices.IndexFunc(entries, func(e node.Entry) bool { return e.Path == "a.csv" }); err != nil || entries[i].Size != int64(len(first+"/a.csv")) {
		t.Errorf("the file of the second folder hides that of the first: %v, %v", entries, err)
	}
}
