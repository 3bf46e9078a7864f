package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"spark/flows"
	"spark/flows/node"
)

// maxMatches bounds what one pattern may find.
const maxMatches = 100_000

// Glob returns the files that match a pattern. * ? [..] match within a name, ** any number of folders. As in a shell,
// names that begin with a dot are matched only by a pattern that does, and links to folders are not followed by **.
// A file whose name is the pattern itself wins.
func (f *Folders) Glob(pattern string) ([]node.FileInfo, error) {
	p, info, err := f.find(pattern)
	if err == nil {
		if err := regular(p.name, info); err != nil {
			return nil, err
		}
		return []node.FileInfo{{Path: p.name, Size: info.Size(), ModTime: info.ModTime()}}, nil
	}
	if !strings.ContainsAny(pattern, "*?[") || flows.AsError(err).Code != "file.not_found" {
		return nil, err
	}
	ps, err := f.places(pattern)
	if err != nil {
		return nil, err
	}
	found := map[string]node.FileInfo{}
	for _, p := range ps {
		if err := f.match(p, found); err != nil {
			return nil, err
		}
	}
	if len(found) == 0 {
		return nil, &flows.Error{Code: "file.not_found", Path: flows.Path{File: pattern}, Message: "no file matches the pattern",
			Suggestion: "check the pattern; * stands for any part of a name and ** for any folders"}
	}
	infos := make([]node.FileInfo, 0, len(found))
	for _, i := range found {
		infos = append(infos, i)
	}
	slices.SortFunc(infos, func(a, b node.FileInfo) int { return strings.Compare(a.Path, b.Path) })
	return infos, nil
}

// match adds the files of one data folder. What an earlier folder has under the same path hides it.
func (f *Folders) match(p place, found map[string]node.FileInfo) error {
	segments := strings.Split(p.rel, "/")
	for _, s := range segments {
		if _, err := path.Match(s, ""); err != nil {
			return &flows.Error{Code: "file.pattern", Path: flows.Path{File: p.name}, Message: fmt.Sprintf("%q is not a pattern: a bracket is not closed", s), Suggestion: "close the bracket"}
		}
	}
	r, err := p.open()
	if err != nil {
		return f.explain(p, err)
	}
	defer r.Close()
	prefix := ""
	if filepath.IsAbs(filepath.FromSlash(p.name)) {
		prefix = filepath.ToSlash(strings.TrimSuffix(p.name, p.rel))
	}
	g := globbing{fsys: r.FS(), add: func(rel string) error {
		at := place{p.root, rel, prefix + rel}
		if _, hidden := found[at.name]; hidden {
			return nil
		}
		info, err := r.Stat(rel)
		if err != nil {
			return f.explain(at, err)
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		if len(found) == maxMatches {
			return &flows.Error{Code: "file.pattern", Path: flows.Path{File: p.name}, Message: fmt.Sprintf("more than %d files match the pattern", maxMatches), Suggestion: "narrow it down"}
		}
		found[at.name] = node.FileInfo{Path: at.name, Size: info.Size(), ModTime: info.ModTime()}
		return nil
	}}
	err = g.walk(".", segments)
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return f.explain(p, err)
	}
	return err
}

type globbing struct {
	fsys fs.FS
	add  func(rel string) error
}

func (g *globbing) walk(dir string, segments []string) error {
	segment, rest := segments[0], segments[1:]
	if segment == "**" {
		if len(rest) == 0 {
			rest = []string{"*"}
		} else if err := g.walk(dir, rest); err != nil {
			return err
		}
		return g.descend(dir, segments, rest)
	}
	if !strings.ContainsAny(segment, "*?[") {
		next := path.Join(dir, segment)
		if _, err := fs.Stat(g.fsys, next); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		return g.enter(next, rest)
	}
	entries, err := g.list(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if ok, _ := path.Match(segment, e.Name()); !ok || e.Name()[0] == '.' && segment[0] != '.' || isTemp(e.Name()) {
			continue
		}
		if err := g.enter(path.Join(dir, e.Name()), rest); err != nil {
			return err
		}
	}
	return nil
}

// descend applies ** to the folders below dir.
func (g *globbing) descend(dir string, segments, rest []string) error {
	entries, err := g.list(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name()[0] == '.' {
			continue
		}
		next := path.Join(dir, e.Name())
		switch {
		case e.IsDir():
			err = g.walk(next, segments)
		case len(segments) == 1:
			err = g.enter(next, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *globbing) enter(name string, rest []string) error {
	if len(rest) == 0 {
		return g.add(name)
	}
	if info, err := fs.Stat(g.fsys, name); err != nil || !info.IsDir() {
		return nil
	}
	return g.walk(name, rest)
}

func (g *globbing) list(dir string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(g.fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}
