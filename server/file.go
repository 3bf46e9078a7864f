package server

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"spark/flows"
	"spark/flows/node"
	"spark/server/api"
)

func (s *Server) listFiles(c *call) error {
	dir := strings.TrimSuffix(c.QueryParam("path"), "/")
	entries, err := s.Files.List(dir)
	if err != nil {
		return err
	}
	out := api.FileList{Path: dir}
	if dir != "" {
		parent := path.Dir(dir)
		if parent == "." || parent == "/" {
			parent = ""
		}
		out.Parent = &parent
	}
	for _, e := range entries {
		out.Entries = append(out.Entries, fileEntry(e))
	}
	return c.answer(http.StatusOK, out)
}

func fileEntry(e node.Entry) api.FileEntry {
	return api.FileEntry{Name: path.Base(e.Path), Path: e.Path, Folder: e.Folder, Size: e.Size, ModTime: e.ModTime.UTC()}
}

// uploadTypes are what browsers call data files. Those that a form of another site could send are not among them.
var uploadTypes = []string{"application/octet-stream", "text/csv", "text/tab-separated-values", "application/json", "application/x-ndjson", "application/jsonl",
	"application/gzip", "application/x-gzip", "application/vnd.apache.parquet", "application/vnd.ms-excel", "application/zip"}

// maxPath is the length of a path in bytes; Linux knows no longer ones.
const maxPath = 4096

// stall is how long an upload may wait for its next bytes.
const stall = 30 * time.Second

// uploads are the names that are being written, so that two uploads never race for one.
type uploads struct {
	sync.Mutex
	names map[string]bool
}

func (u *uploads) take(name string) bool {
	u.Lock()
	defer u.Unlock()
	if u.names[name] {
		return false
	}
	if u.names == nil {
		u.names = map[string]bool{}
	}
	u.names[name] = true
	return true
}

func (u *uploads) release(name string) {
	u.Lock()
	defer u.Unlock()
	delete(u.names, name)
}

// upload streams the body into a file of a data folder. The file appears when all of it is durable, or never.
func (s *Server) upload(c *call) error {
	name := c.QueryParam("path")
	if err := checkUpload(c.Request(), name, s.MaxUpload); err != nil {
		return err
	}
	if name = path.Clean(name); !s.uploads.take(name) {
		return &flows.Error{Code: "file.busy", Path: flows.Path{File: name}, Message: "a file of this name is being uploaded just now", Suggestion: "wait for its end, or choose another name"}
	}
	defer s.uploads.release(name)
	if c.QueryParam("replace") != "true" {
		if err := s.mustBeNew(name); err != nil {
			return err
		}
	}
	file, err := s.Files.Create(name)
	if err != nil {
		return err
	}
	size, err := receive(c, file, s.MaxUpload)
	if err == nil {
		err = file.Prepare()
	}
	if err == nil {
		err = file.Commit()
	}
	if err != nil {
		return errors.Join(err, file.Abort())
	}
	return c.answer(http.StatusCreated, api.FileEntry{Name: path.Base(name), Path: name, Size: size, ModTime: s.Now().UTC()})
}

func checkUpload(r *http.Request, name string, most int64) error {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		media, _, err := mime.ParseMediaType(kind)
		if err != nil || !slices.Contains(uploadTypes, media) {
			return mediaType("application/octet-stream")
		}
	}
	if r.ContentLength > most {
		return tooLarge(most)
	}
	refuse := func(message string) error {
		return &flows.Error{Code: "file.name", Path: flows.Path{File: short(name)}, Message: message, Suggestion: "choose a name such as orders.csv"}
	}
	hidden := func(part string) bool { return part != ".." && strings.HasPrefix(part, ".") }
	switch clean := path.Clean(name); {
	case clean == "." || strings.HasSuffix(name, "/"):
		return refuse("the file has no name")
	case len(name) > maxPath || !utf8.ValidString(name):
		return refuse("the name is too long, or not written in UTF-8")
	case path.IsAbs(name) || strings.ContainsAny(name, "\\\x00\r\n"):
		return refuse("a file is uploaded to a path below the data folders")
	case slices.ContainsFunc(strings.Split(clean, "/"), hidden):
		return refuse("names that begin with a dot are hidden")
	case strings.ContainsAny(name, "*?[]{}$"):
		return refuse("the name has characters that flows use for patterns and parameters")
	}
	return nil
}

func (s *Server) mustBeNew(name string) error {
	_, err := s.Files.Local(name)
	if err == nil {
		return &flows.Error{Code: "file.exists", Path: flows.Path{File: name}, Message: "there is a file of this name already", Suggestion: "replace it, or choose another name"}
	}
	if e := flows.AsError(err); e.Code != "file.not_found" {
		return err
	}
	return nil
}

func tooLarge(most int64) error {
	size := fmt.Sprintf("%d bytes", most)
	if most >= 1<<20 {
		size = fmt.Sprintf("%d MB", most>>20)
	}
	return &flows.Error{Code: "request.too_large", Params: flows.Params{"limit": most}, Message: "the file is larger than the " + size + " that may be uploaded",
		Suggestion: "compress it with gzip, or put it into a data folder on the server"}
}

// receive writes the body to the file. The deadline moves on as long as bytes come.
func receive(c *call, file node.PendingFile, most int64) (size int64, err error) {
	out, err := os.OpenFile(file.TempPath(), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return 0, fmt.Errorf("upload: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	control := http.NewResponseController(c.Response())
	body := http.MaxBytesReader(c.Response(), c.Request().Body, most)
	buffer := make([]byte, 256<<10)
	for {
		_ = control.SetReadDeadline(time.Now().Add(stall))
		n, readErr := body.Read(buffer)
		if _, err := out.Write(buffer[:n]); err != nil {
			return size, writeError(err)
		}
		size += int64(n)
		if readErr == io.EOF {
			_ = control.SetReadDeadline(time.Time{})
			return size, nil
		}
		if readErr != nil {
			if _, over := errors.AsType[*http.MaxBytesError](readErr); over {
				return size, tooLarge(most)
			}
			return size, bodyError(readErr)
		}
	}
}

// writeError explains why an uploaded file could not be written.
func writeError(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return &flows.Error{Code: "disk.full", Message: "the disk is full", Suggestion: "make room and upload again", Cause: err}
	}
	return fmt.Errorf("upload: %w", err)
}
