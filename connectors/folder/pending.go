package folder

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"spark/flows"
	"spark/flows/node"
)

const tempSuffix = ".spark-tmp"

func isTemp(name string) bool { return strings.HasSuffix(name, tempSuffix) }

// Create prepares a new file. Its folder must exist; what a dead process left in that folder is removed.
func (f *Folders) Create(name string) (node.PendingFile, error) {
	ps, err := f.places(name)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, "/") {
		return nil, noName(name)
	}
	p, err := f.target(ps)
	if err != nil {
		return nil, err
	}
	r, err := p.open()
	if err != nil {
		return nil, f.explain(p, err)
	}
	sweepFolder(r, path.Dir(p.rel))
	temp := path.Join(path.Dir(p.rel), TempName(path.Base(p.rel)))
	file, err := r.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		_ = r.Close()
		return nil, f.explain(p, err)
	}
	dir, err := filepath.EvalSymlinks(filepath.Join(p.root.real, filepath.FromSlash(path.Dir(p.rel))))
	if err != nil {
		_ = r.Remove(temp)
		_ = r.Close()
		return nil, f.explain(p, err)
	}
	return &pending{place: p, folders: f, root: r, temp: temp, tempPath: filepath.Join(dir, path.Base(temp))}, nil
}

// target picks the first place whose folder exists and checks what stands there now.
func (f *Folders) target(ps []place) (place, error) {
	for _, p := range ps {
		if base := path.Base(p.rel); base == "." || base == "/" || isTemp(base) {
			return p, noName(p.name)
		}
		dir := place{p.root, path.Dir(p.rel), path.Dir(p.name)}
		info, err := dir.stat()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return p, f.explain(p, err)
		}
		if !info.IsDir() {
			return p, failure(p.name, syscall.ENOTDIR)
		}
		switch info, err := p.lstat(); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return p, f.explain(p, err)
		case info.Mode()&fs.ModeSymlink != 0: // is replaced, never followed
		default:
			return p, regular(p.name, info)
		}
		return p, nil
	}
	e := flows.AsError(notFound(ps))
	e.Code, e.Message = "file.no_folder", fmt.Sprintf("there is no folder %q to write to", path.Dir(ps[0].name))
	if e.Suggestion == "check the path" {
		e.Suggestion = "create the folder inside a data folder"
	}
	return ps[0], e
}

func (p place) lstat() (fs.FileInfo, error) {
	r, err := p.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Lstat(p.rel)
}

func noName(name string) error {
	return &flows.Error{Code: "file.name", Path: flows.Path{File: name}, Message: "this is not a name for a file", Suggestion: "add a file name such as out.csv"}
}

// pending is a file under a temporary name next to where it will be.
type pending struct {
	place
	folders  *Folders
	root     *os.Root
	temp     string
	tempPath string
	prepared bool
	over     bool
}

func (p *pending) TempPath() string { return p.tempPath }

func (p *pending) Prepare() error {
	file, err := p.root.OpenFile(p.temp, os.O_RDWR, 0)
	if err != nil {
		return p.folders.explain(p.place, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("the temporary file is no ordinary file any more")
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return failure(p.name, err)
	}
	p.prepared = true
	return nil
}

func (p *pending) Commit() error {
	if !p.prepared || p.over {
		return fmt.Errorf("file %s: commit without prepare, or after its end", p.name)
	}
	if err := p.root.Rename(p.temp, p.rel); err != nil {
		return p.folders.explain(p.place, err)
	}
	p.over = true
	defer p.root.Close()
	dir, err := p.root.Open(path.Dir(p.rel))
	if err != nil {
		return p.folders.explain(p.place, err)
	}
	// The name is durable only with its folder.
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return failure(p.name, err)
	}
	return nil
}

func (p *pending) Abort() error {
	if p.over {
		return nil
	}
	p.over = true
	defer p.root.Close()
	if err := p.root.Remove(p.temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p.folders.explain(p.place, err)
	}
	return nil
}

// A temporary name says who owns the file: .<name>.<mark>.spark-tmp

// TempName is the name of a temporary file for what will be called name.
func TempName(name string) string {
	if len(name) > 120 {
		name = name[:120]
	}
	return "." + name + "." + Mark() + tempSuffix
}

// Mark names this process, for good and on all machines, and then something random:
// <host>-<process>-<start of the process>-<random>.
func Mark() string {
	var random [6]byte
	_, _ = rand.Read(random[:])
	pid := os.Getpid()
	return fmt.Sprintf("%s-%d-%s-%s", hostMark(), pid, processStart(pid), hex.EncodeToString(random[:]))
}

func hostMark() string {
	host, _ := os.Hostname()
	h := fnv.New32a()
	_, _ = h.Write([]byte(host))
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

// processStart is when a process began, in the kernel's ticks since the machine's start; "" when there is none, or only
// its exit code, which in a container perhaps nobody ever asks for. With the process id it names a process for good.
func processStart(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	after := string(b[bytes.LastIndexByte(b, ')')+1:]) // the name before may contain anything
	if fields := strings.Fields(after); len(fields) > 19 && fields[0] != "Z" && fields[0] != "X" {
		return fields[19]
	}
	return ""
}

// Orphaned reports whether a mark is of a process of this machine that is gone.
func Orphaned(mark string) bool {
	here, lives := owner(mark)
	return here && !lives
}

// owner tells of the process that a mark names: whether it is or was one of this machine, and whether it still lives.
func owner(mark string) (here, lives bool) {
	parts := strings.Split(mark, "-")
	if len(parts) != 4 || parts[0] != hostMark() || parts[2] == "" {
		return false, false
	}
	pid, err := strconv.Atoi(parts[1])
	here = err == nil && pid > 0
	return here, here && processStart(pid) == parts[2]
}

// ownerOf is the owner of the file with a temporary name.
func ownerOf(name string) (here, lives bool) {
	mark := strings.TrimSuffix(name, tempSuffix)
	return owner(mark[strings.LastIndexByte(mark, '.')+1:])
}

// SweepFolder removes the temporary files that dead processes of this machine left in one folder.
func SweepFolder(dir string) {
	if r, err := os.OpenRoot(dir); err == nil {
		sweepFolder(r, ".")
		_ = r.Close()
	}
}

func sweepFolder(r *os.Root, dir string) (removed, living int) {
	entries, err := fs.ReadDir(r.FS(), dir)
	if err != nil {
		return 0, 0
	}
	for _, e := range entries {
		if !isTemp(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		switch here, lives := ownerOf(e.Name()); {
		case lives:
			living++
		case here && r.Remove(path.Join(dir, e.Name())) == nil:
			removed++
		}
	}
	return removed, living
}

// Sweep removes the temporary files that dead processes of this machine left anywhere in the folders. It returns how
// many there were, and how many there are of living processes. Those stay, and so do the files of other machines.
func Sweep(roots ...string) (removed, living int, err error) {
	for _, dir := range roots {
		r, err := os.OpenRoot(dir)
		if err != nil {
			return removed, living, failure(dir, err)
		}
		err = fs.WalkDir(r.FS(), ".", func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.IsDir() {
				gone, stay := sweepFolder(r, name)
				removed, living = removed+gone, living+stay
			}
			return nil // what cannot be looked into is left alone
		})
		_ = r.Close()
		if err != nil {
			return removed, living, failure(dir, err)
		}
	}
	return removed, living, nil
}
