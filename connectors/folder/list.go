package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
)

var _ node.Lister = (*Folders)(nil)

// maxEntries bounds a listing: a picker with more of them helps nobody.
const maxEntries = 10_000

// List returns what a folder holds. A relative one is the union of what stands under its path in every data folder; as
// everywhere, what an earlier data folder has hides the same path in a later one.
func (f *Folders) List(dir string) ([]node.Entry, error) {
	if dir == "" {
		dir = "."
	}
	ps, err := f.places(dir)
	if err != nil {
		return nil, err
	}
	found, seen := []node.Entry{}, map[string]bool{}
	var missing error
	listed := false
	for _, p := range ps {
		entries, err := p.entries()
		if errors.Is(err, fs.ErrNotExist) {
			missing = err
			continue
		}
		if err != nil {
			return nil, f.explain(p, err)
		}
		listed = true
		for _, e := range entries {
			if !seen[e.Path] {
				seen[e.Path] = true
				found = append(found, e)
			}
		}
	}
	if !listed {
		return nil, &flows.Error{Code: "file.not_found", Path: flows.Path{File: dir}, Message: "there is no such folder", Suggestion: "choose one of the listed folders", Cause: missing}
	}
	if len(found) > maxEntries {
		return nil, &flows.Error{Code: "file.list", Path: flows.Path{File: dir}, Message: fmt.Sprintf("the folder holds more than %d files", maxEntries), Suggestion: "write the path of the file, or a pattern"}
	}
	slices.SortFunc(found, func(a, b node.Entry) int {
		if a.Folder != b.Folder {
			if a.Folder {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Path, b.Path)
	})
	return found, nil
}

// entries lists one place. Links are shown as what they lead to; those that lead outside are left out.
func (p place) entries() ([]node.Entry, error) {
	r, err := p.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	list, err := fs.ReadDir(r.FS(), p.rel)
	if err != nil {
		return nil, err
	}
	var found []node.Entry
	for _, e := range list[:min(len(list), maxEntries+1)] {
		if strings.HasPrefix(e.Name(), ".") || isTemp(e.Name()) {
			continue
		}
		info, err := r.Stat(path.Join(p.rel, e.Name()))
		if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
			continue // gone, a link to elsewhere, a device
		}
		entry := node.Entry{FileInfo: node.FileInfo{Path: path.Join(p.name, e.Name()), ModTime: info.ModTime()}, Folder: info.IsDir()}
		if !entry.Folder {
			entry.Size = info.Size()
		}
		found = append(found, entry)
	}
	return found, nil
}
