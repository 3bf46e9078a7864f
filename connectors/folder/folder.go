// Package folder is access to the data folders of this machine, and to nothing else. Every operation goes through
// os.Root, so that neither .. nor a link leaves a data folder, and never opens what would block: pipes and devices.
package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"spark/flows"
	"spark/flows/node"
)

// Folders are the data folders that flows may read and write.
type Folders struct {
	roots []root
}

// root is one data folder: as it was given, and with its links resolved.
type root struct {
	given, real string
}

var _ node.Files = (*Folders)(nil)

func init() {
	node.RegisterLocation(&node.Location{Name: "folder", Title: "Data folder", Open: func(env node.LocationEnv) (node.Files, error) { return New(env.Folders...) }})
}

// New returns access to the given folders. Relative paths are looked up in them in this order.
func New(roots ...string) (node.Files, error) { return Open(roots...) }

// Open is New with its own type.
func Open(roots ...string) (*Folders, error) {
	f := &Folders{}
	for _, r := range roots {
		given, err := filepath.Abs(r)
		if err != nil {
			return nil, failure(r, err)
		}
		real, err := filepath.EvalSymlinks(given)
		if err != nil {
			return nil, &flows.Error{Code: "file.no_data_folder", Path: flows.Path{File: r}, Cause: err,
				Message: fmt.Sprintf("the data folder cannot be used: %v", errors.Unwrap(err)), Suggestion: "create it, or configure another one"}
		}
		if info, err := os.Stat(real); err != nil || !info.IsDir() {
			return nil, &flows.Error{Code: "file.no_data_folder", Path: flows.Path{File: r}, Message: "the data folder is not a folder", Suggestion: "configure a folder"}
		}
		f.roots = append(f.roots, root{given: given, real: real})
	}
	return f, nil
}

// place is a path inside one data folder.
type place struct {
	root root
	rel  string // slash-separated, cleaned
	name string // as the flow names it
}

// places returns where a path may be: in every data folder for a relative one.
func (f *Folders) places(name string) ([]place, error) {
	if strings.IndexByte(name, 0) >= 0 {
		return nil, &flows.Error{Code: "file.name", Path: flows.Path{File: strings.ReplaceAll(name, "\x00", "�")},
			Message: "the path contains a NUL character", Suggestion: "write the path without it"}
	}
	if name == "" {
		return nil, &flows.Error{Code: "file.name", Message: "the path is empty", Suggestion: "name a file below a data folder"}
	}
	if !filepath.IsAbs(name) {
		rel := path.Clean(filepath.ToSlash(name))
		if rel == ".." || strings.HasPrefix(rel, "../") {
			return nil, f.outside(name)
		}
		var ps []place
		for _, r := range f.roots {
			ps = append(ps, place{r, rel, rel})
		}
		if ps == nil {
			return nil, f.outside(name)
		}
		return ps, nil
	}
	clean := filepath.Clean(name)
	for _, r := range f.roots {
		for _, dir := range []string{r.given, r.real} {
			if rel, err := filepath.Rel(dir, clean); err == nil && filepath.IsLocal(rel) {
				return []place{{r, filepath.ToSlash(rel), filepath.ToSlash(clean)}}, nil
			}
		}
	}
	return nil, f.outside(name)
}

func (f *Folders) outside(name string) error {
	var dirs []string
	for _, r := range f.roots {
		dirs = append(dirs, r.given)
	}
	e := &flows.Error{Code: "file.outside", Path: flows.Path{File: name}, Params: flows.Params{"folders": dirs},
		Message: "the file is outside the data folders", Suggestion: "move it into " + strings.Join(dirs, " or ") + ", or have its folder added to the data folders"}
	if len(dirs) == 0 {
		e.Suggestion = "there is no data folder: have one configured"
	}
	return e
}

// find returns the first place where the path exists.
func (f *Folders) find(name string) (place, fs.FileInfo, error) {
	ps, err := f.places(name)
	if err != nil {
		return place{}, nil, err
	}
	for _, p := range ps {
		info, err := p.stat()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return p, nil, f.explain(p, err)
		}
		return p, info, nil
	}
	return ps[0], nil, notFound(ps)
}

func (p place) open() (*os.Root, error) { return os.OpenRoot(p.root.real) }

func (p place) stat() (fs.FileInfo, error) {
	r, err := p.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Stat(p.rel)
}

// regular refuses what is no ordinary file.
func regular(name string, info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return &flows.Error{Code: "file.is_folder", Path: flows.Path{File: name}, Message: "this is a folder and a file is needed", Suggestion: "add /* for all files in it"}
	case !mode.IsRegular():
		return &flows.Error{Code: "file.special", Path: flows.Path{File: name}, Message: "this is a pipe, socket or device and no file", Suggestion: "name an ordinary file"}
	}
	return nil
}

// explain turns an error of the operating system into a sentence.
func (f *Folders) explain(p place, err error) error {
	if strings.Contains(err.Error(), "escapes from parent") { // os has no exported error for it
		e := flows.AsError(f.outside(p.name))
		e.Message = "the path leads through a link to a place outside the data folders"
		return e
	}
	return failure(p.name, err)
}

func failure(name string, err error) error {
	e := &flows.Error{Code: "file.access", Path: flows.Path{File: name}, Cause: err}
	reason := err
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		reason = pe.Err
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		e.Code, e.Message, e.Suggestion = "file.permission", "permission is denied", "give the account that Spark runs under access to it"
	case errors.Is(err, fs.ErrNotExist):
		e.Code, e.Message, e.Suggestion = "file.not_found", "there is no such file", "check the path"
	case errors.Is(err, syscall.ENOTDIR):
		e.Code, e.Message, e.Suggestion = "file.not_found", "a part of the path is a file and not a folder", "check the path"
	case errors.Is(err, syscall.ENAMETOOLONG):
		e.Code, e.Message, e.Suggestion = "file.name", "the name is longer than the file system allows", "use a shorter name"
	case errors.Is(err, syscall.ENOSPC):
		e.Code, e.Message, e.Suggestion = "disk.full", "the disk is full", "make room and start again"
	case errors.Is(err, syscall.EROFS):
		e.Code, e.Message, e.Suggestion = "file.permission", "the file system may only be read", "write to another folder, or mount it for writing"
	case errors.Is(err, syscall.ELOOP):
		e.Code, e.Message, e.Suggestion = "file.access", "the path leads through links in a circle", "check the links"
	default:
		e.Message = fmt.Sprintf("the file cannot be used: %v", reason)
	}
	return e
}

// notFound names what is there instead.
func notFound(ps []place) error {
	name := ps[0].name
	e := &flows.Error{Code: "file.not_found", Path: flows.Path{File: name}, Message: "there is no such file", Suggestion: "check the path"}
	for _, p := range ps {
		if _, err := p.lstat(); err == nil {
			e.Message, e.Suggestion = "this is a link that leads nowhere", "correct the link"
			return e
		}
		dir := path.Dir(p.rel)
		siblings, err := p.list(dir)
		if err != nil {
			if parents, err := p.list(path.Dir(dir)); err == nil && dir != "." {
				e.Message = fmt.Sprintf("there is no folder %q", dir)
				if near := flows.Nearest(path.Base(dir), parents); near != "" {
					e.Suggestion = fmt.Sprintf("did you mean %q?", path.Join(path.Dir(dir), near))
				}
			}
			continue
		}
		if near := flows.Nearest(path.Base(p.rel), siblings); near != "" {
			e.Message, e.Suggestion = "there is no such file", fmt.Sprintf("did you mean %q?", path.Join(dir, near))
			return e
		}
	}
	return e
}

// list returns the names in a folder that are worth naming in a suggestion.
func (p place) list(dir string) ([]string, error) {
	r, err := p.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	entries, err := fs.ReadDir(r.FS(), dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries[:min(len(entries), 10_000)] {
		if !isTemp(e.Name()) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Open opens a file for reading.
func (f *Folders) Open(name string) (node.File, error) {
	p, info, err := f.find(name)
	if err != nil {
		return nil, err
	}
	if err := regular(p.name, info); err != nil {
		return nil, err
	}
	r, err := p.open()
	if err != nil {
		return nil, f.explain(p, err)
	}
	defer r.Close()
	// Should a pipe have taken its place, this does not wait for a writer.
	file, err := r.OpenFile(p.rel, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, f.explain(p, err)
	}
	if info, err = file.Stat(); err == nil {
		err = regular(p.name, info)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &openFile{File: file, size: info.Size()}, nil
}

type openFile struct {
	*os.File
	size int64
}

// Size is the size that the file had when it was opened.
func (f *openFile) Size() int64 { return f.size }

// Local returns the absolute path of a file, links resolved, after checking that it is inside a data folder.
func (f *Folders) Local(name string) (string, error) {
	p, info, err := f.find(name)
	if err != nil {
		return "", err
	}
	if err := regular(p.name, info); err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(filepath.Join(p.root.real, filepath.FromSlash(p.rel)))
	if err != nil {
		return "", f.explain(p, err)
	}
	if rel, err := filepath.Rel(p.root.real, real); err != nil || !filepath.IsLocal(rel) {
		return "", f.outside(name)
	}
	return real, nil
}
