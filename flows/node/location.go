package node

import (
	"fmt"
	"slices"
	"strings"

	"spark/flows"
)

// Location is a kind of place where files are: a folder of this machine, later an object store. file.input and
// file.output reach all of them through one Files.
type Location struct {
	Name   string // such as "folder"
	Title  string
	Scheme string // of its paths, such as s3 in s3://bucket/file; "" for plain paths
	// Open gives access to the places that the run may reach.
	Open func(LocationEnv) (Files, error)
}

// LocationEnv says what a run may reach.
type LocationEnv struct {
	Folders []string // data folders, absolute
}

// RegisterLocation adds a location. It panics on a taken name or scheme.
func RegisterLocation(l *Location) {
	catalogue.Lock()
	defer catalogue.Unlock()
	for _, o := range catalogue.locations {
		if o.Name == l.Name || o.Scheme == l.Scheme {
			panic(fmt.Sprintf("location %q is registered twice", l.Name))
		}
	}
	catalogue.locations = append(catalogue.locations, l)
}

// OpenFiles gives access to all locations: a path goes to the one with its scheme.
func OpenFiles(env LocationEnv) (Files, error) {
	catalogue.RLock()
	defer catalogue.RUnlock()
	r := router{}
	for _, l := range catalogue.locations {
		f, err := l.Open(env)
		if err != nil {
			return nil, err
		}
		r[l.Scheme] = f
	}
	return r, nil
}

// router is Files over all locations, by scheme.
type router map[string]Files

var _ Lister = router{}

func (r router) of(path string) (Files, error) {
	scheme, _, found := strings.Cut(path, "://")
	if !found {
		scheme = ""
	}
	if f := r[scheme]; f != nil {
		return f, nil
	}
	known := []string{"paths inside a data folder"}
	for s := range r {
		if s != "" {
			known = append(known, s+"://")
		}
	}
	slices.Sort(known)
	return nil, &flows.Error{Code: "file.location", Params: flows.Params{"scheme": scheme}, Path: flows.Path{File: path},
		Message: fmt.Sprintf("files at %s:// cannot be reached", scheme), Suggestion: "use " + strings.Join(known, ", ")}
}

func (r router) Glob(pattern string) ([]FileInfo, error) {
	f, err := r.of(pattern)
	if err != nil {
		return nil, err
	}
	return f.Glob(pattern)
}

func (r router) Open(path string) (File, error) {
	f, err := r.of(path)
	if err != nil {
		return nil, err
	}
	return f.Open(path)
}

func (r router) List(dir string) ([]Entry, error) {
	f, err := r.of(dir)
	if err != nil {
		return nil, err
	}
	l, ok := f.(Lister)
	if !ok {
		return nil, &flows.Error{Code: "file.list", Path: flows.Path{File: dir}, Message: "the files there cannot be listed", Suggestion: "write the path of the file"}
	}
	return l.List(dir)
}

func (r router) Local(path string) (string, error) {
	f, err := r.of(path)
	if err != nil {
		return "", err
	}
	return f.Local(path)
}

func (r router) Create(path string) (PendingFile, error) {
	f, err := r.of(path)
	if err != nil {
		return nil, err
	}
	return f.Create(path)
}
