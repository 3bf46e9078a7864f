package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"spark/flows/node"
	"spark/server/api"
)

func uploadTo(name string) string { return "/api/v1/files?path=" + url.QueryEscape(name) }

// contents are all files in the data folder with what they hold, whatever they are called.
func (s *site) contents() map[string]string {
	s.t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(s.data, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		rel, _ := filepath.Rel(s.data, name)
		files[rel] = string(b)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}

func (s *site) holds(want map[string]string) {
	s.t.Helper()
	got := s.contents()
	if len(got) != len(want) {
		s.t.Errorf("the data folder holds %d files instead of %d: %q", len(got), len(want), got)
	}
	for name, text := range want {
		if got[name] != text {
			s.t.Errorf("%s holds %d bytes instead of %d", name, len(got[name]), len(text))
		}
	}
}

func TestUpload(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := os.Mkdir(filepath.Join(s.data, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for name, text := range map[string]string{"a.csv": "id\n1\n", "empty.csv": "", "Größe ✓ 1.csv": "x", "sub/b.bin": "\x00\xff\r\n", "most.bin": strings.Repeat("m", 1<<20),
		"<img src=x>.csv": "x", "a'b\"c.csv": "x", "x..": "x", "sub/../c.csv": "c", "./d.csv": "d"} {
		var e api.FileEntry
		s.ask(http.MethodPost, uploadTo(name), []byte(text)).is(http.StatusCreated, &e)
		clean := filepath.Clean(name)
		if want[clean] = text; e.Path != clean || e.Name != filepath.Base(clean) || e.Size != int64(len(text)) {
			t.Errorf("%+v", e)
		}
	}
	s.holds(want)
	var list api.FileList
	if s.ask(http.MethodGet, "/api/v1/files", nil).is(http.StatusOK, &list); list.Parent != nil || list.Path != "" || len(list.Entries) != len(want) || list.Entries[0].Name != "sub" || !list.Entries[0].Folder {
		t.Errorf("%+v", list)
	}
	if s.ask(http.MethodGet, "/api/v1/files?path=sub/", nil).is(http.StatusOK, &list); list.Path != "sub" || list.Parent == nil || *list.Parent != "" || len(list.Entries) != 1 || list.Entries[0].Path != "sub/b.bin" || list.Entries[0].Size != 4 {
		t.Errorf("%+v", list)
	}
}

// TestUploadOverAFile: what is there is replaced when that is asked for, and not before all of the new file is there.
func TestUploadOverAFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("a.csv", "old")
	s.ask(http.MethodPost, uploadTo("a.csv"), []byte("new")).fails(http.StatusConflict, "file.exists", "a.csv", "replace it, or choose another name")
	s.holds(map[string]string{"a.csv": "old"})
	s.ask(http.MethodPost, uploadTo("a.csv")+"&replace=true", bytes.Repeat([]byte("x"), 1<<20+1)).fails(http.StatusRequestEntityTooLarge, "request.too_large")
	s.holds(map[string]string{"a.csv": "old"})
	s.ask(http.MethodPost, uploadTo("a.csv")+"&replace=true", []byte("new")).is(http.StatusCreated, nil)
	s.holds(map[string]string{"a.csv": "new"})
}

// TestUploadUnderAnOddName: nothing is written outside of the data folder, over what is no file, or under a name that
// flows could not use. Each refusal says why.
func TestUploadUnderAnOddName(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	outside := t.TempDir()
	for _, e := range []error{os.Mkdir(filepath.Join(s.data, "sub"), 0o700), os.Symlink(outside, filepath.Join(s.data, "out")), os.Symlink(filepath.Join(outside, "x"), filepath.Join(s.data, "link.csv")),
		syscall.Mkfifo(filepath.Join(s.data, "pipe.csv"), 0o600), os.Mkdir(filepath.Join(s.data, ".hidden"), 0o700)} {
		if e != nil {
			t.Fatal(e)
		}
	}
	for name, test := range map[string]struct {
		status int
		code   string
		text   string
	}{
		"":                               {422, "file.name", "no name"},
		"/":                              {422, "file.name", ""},
		".":                              {422, "file.name", ""},
		"..":                             {403, "file.outside", "outside the data folders"},
		"sub/":                           {422, "file.name", "no name"},
		"../x.csv":                       {403, "file.outside", "outside the data folders"},
		"sub/../../x.csv":                {403, "file.outside", "outside the data folders"},
		"/etc/cron.d/x":                  {422, "file.name", "below the data folders"},
		filepath.Join(s.data, "abs.csv"): {422, "file.name", "below the data folders"},
		`..\x.csv`:                       {422, "file.name", "below the data folders"},
		`C:\x.csv`:                       {422, "file.name", "below the data folders"},
		"a\x00.csv":                      {422, "file.name", "below the data folders"},
		"a\r\n.csv":                      {422, "file.name", "below the data folders"},
		".profile":                       {422, "file.name", "hidden"},
		"sub/.x":                         {422, "file.name", "hidden"},
		".hidden/x.csv":                  {422, "file.name", "hidden"},
		"*.csv":                          {422, "file.name", "patterns"},
		"${day}.csv":                     {422, "file.name", "parameters"},
		"a[1].csv":                       {422, "file.name", "patterns"},
		"x.spark-tmp":                    {422, "file.name", ""},
		"a\xff.csv":                      {422, "file.name", "UTF-8"},
		"none/x.csv":                     {422, "file.no_folder", "none"},
		"sub":                            {422, "file.is_folder", "a folder"},
		"out/x.csv":                      {403, "file.outside", "outside"},
		"pipe.csv":                       {422, "file.special", "pipe"},
		strings.Repeat("x", 300):         {422, "file.name", "shorter name"},
		strings.Repeat("ä", 200):         {422, "file.name", "shorter name"},
		strings.Repeat("x/", 3000) + "x": {422, "file.name", "too long"},
	} {
		t.Run(short(name), func(t *testing.T) {
			for _, rest := range []string{"", "&replace=true"} {
				a := s.ask(http.MethodPost, uploadTo(name)+rest, []byte("x"))
				a.t = t
				a.fails(test.status, test.code, test.text)
			}
		})
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("outside there is %v, %v", left, err)
	}
	for _, name := range []string{"link.csv", "out", "pipe.csv"} {
		if err := os.Remove(filepath.Join(s.data, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.holds(nil)
}

// TestUploadTooLarge: announced or not, what is larger than allowed is refused, says how large a file may be, and leaves
// nothing.
func TestUploadTooLarge(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.server.MaxUpload = 1000
	files := s.tell()
	large := bytes.Repeat([]byte("x"), 1001)
	s.ask(http.MethodPost, uploadTo("a.csv"), large).fails(http.StatusRequestEntityTooLarge, "request.too_large", "1000 bytes", "gzip")
	if len(files.created) > 0 {
		t.Error("a file was begun although its size was announced")
	}
	r := httptest.NewRequest(http.MethodPost, uploadTo("a.csv"), io.MultiReader(bytes.NewReader(large))) // of a size that nobody knows
	r.Host = ourHost
	r.Header.Set("Authorization", "Bearer "+testKey)
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	answer{t, "chunked", w.Code, w.Header(), w.Body.Bytes()}.fails(http.StatusRequestEntityTooLarge, "request.too_large", "1000 bytes", "gzip")
	s.holds(nil)
	s.ask(http.MethodPost, uploadTo("a.csv"), large[1:]).is(http.StatusCreated, nil)
}

// TestUploadOfAWrongType: what a form of another site could send is none.
func TestUploadOfAWrongType(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, kind := range []string{"text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/html", "nonsense;;"} {
		s.ask(http.MethodPost, uploadTo("a.csv"), []byte("x"), "Content-Type", kind).fails(http.StatusUnsupportedMediaType, "request.media_type", "application/octet-stream")
	}
	s.holds(nil)
}

// connection is a client that writes its requests byte by byte.
func (s *site) connection(base string) (net.Conn, *bufio.Reader) {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c, bufio.NewReader(c)
}

func begin(w io.Writer, host, name, rest string) error {
	_, err := fmt.Fprintf(w, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n%s", uploadTo(name), host, testKey, rest)
	return err
}

func finish(t *testing.T, r *bufio.Reader) answer {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{t, "upload", res.StatusCode, res.Header, b}
}

// told are data folders that tell when a file was aborted.
type told struct {
	Files
	created, aborted chan string
}

type toldFile struct {
	node.PendingFile
	aborted chan string
}

func (f told) Create(name string) (node.PendingFile, error) {
	p, err := f.Files.Create(name)
	if err == nil {
		f.created <- p.TempPath()
	}
	return toldFile{p, f.aborted}, err
}

func (f toldFile) Abort() error {
	err := f.PendingFile.Abort()
	f.aborted <- f.TempPath()
	return err
}

func (s *site) tell() told {
	f := told{s.server.Files, make(chan string, 10), make(chan string, 10)}
	s.server.Files = f
	return f
}

// got waits for what has to come soon.
func got[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
	}
	return v
}

// TestUploadCutOff: half a file is no file, and what was written of it is gone, whether the browser still listens or not.
func TestUploadCutOff(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	files := s.tell()
	web := httptest.NewServer(s.server)
	t.Cleanup(web.Close)
	for name, body := range map[string]string{
		"of a known size":   "Content-Length: 1000000\r\n\r\n" + strings.Repeat("x", 300_000),
		"of an unknown one": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n400\r\nabc",
		"broken chunks":     "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n",
	} {
		for _, listens := range []bool{true, false} {
			c, r := s.connection(web.URL)
			if err := begin(c, ourHost, "a.csv", body); err != nil {
				t.Fatal(err)
			}
			temp := got(t, files.created)
			if listens {
				if err := c.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				a := finish(t, r)
				a.fails(http.StatusBadRequest, "request.body", "ended early", "send it again")
			} else {
				_ = c.Close()
			}
			if gone := got(t, files.aborted); gone != temp {
				t.Errorf("%s: %s was aborted instead of %s", name, gone, temp)
			}
			s.holds(nil)
		}
	}
	// The name is free again, as soon as the last handler has returned.
	for deadline := time.Now().Add(10 * time.Second); s.ask(http.MethodPost, uploadTo("a.csv"), []byte("whole")).status != http.StatusCreated; {
		if time.Now().After(deadline) {
			t.Fatal("the name is still taken")
		}
	}
	s.holds(map[string]string{"a.csv": "whole"})
}

// TestUploadsOfOneName: while a file is uploaded its name is taken; whoever asks is told so at once, and other names are
// free.
func TestUploadsOfOneName(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	files := s.tell()
	web := httptest.NewServer(s.server)
	t.Cleanup(web.Close)
	c, r := s.connection(web.URL)
	if err := begin(c, ourHost, "a.csv", "Content-Length: 10\r\n\r\nfirst"); err != nil {
		t.Fatal(err)
	}
	got(t, files.created)
	for _, name := range []string{"a.csv", "./a.csv", "x/../a.csv"} {
		s.ask(http.MethodPost, uploadTo(name)+"&replace=true", []byte("second")).fails(http.StatusConflict, "file.busy", "a.csv", "being uploaded", "choose another name")
	}
	s.ask(http.MethodPost, uploadTo("b.csv"), []byte("other")).is(http.StatusCreated, nil)
	var list api.FileList
	if s.ask(http.MethodGet, "/api/v1/files", nil).is(http.StatusOK, &list); len(list.Entries) != 1 || list.Entries[0].Name != "b.csv" {
		t.Errorf("while a.csv is uploaded there is %+v", list.Entries)
	}
	if _, err := io.WriteString(c, "-half"); err != nil {
		t.Fatal(err)
	}
	finish(t, r).is(http.StatusCreated, nil)
	s.holds(map[string]string{"a.csv": "first-half", "b.csv": "other"})
}

// TestUploadsAtOnce: of many that write one name the file is wholly one of those that were told it is theirs.
func TestUploadsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	answers := make(chan answer)
	bodies := make([]string, 8)
	for i := range bodies {
		bodies[i] = strings.Repeat(fmt.Sprint(i), 500_000)
		go func() { answers <- s.ask(http.MethodPost, uploadTo("a.csv")+"&replace=true", []byte(bodies[i])) }()
	}
	done := 0
	for range bodies {
		if a := got(t, answers); a.status == http.StatusCreated {
			done++
		} else {
			a.fails(http.StatusConflict, "file.busy")
		}
	}
	if files := s.contents(); done == 0 || len(files) != 1 || !slices.Contains(bodies, files["a.csv"]) {
		t.Errorf("%d were told that they wrote %d files; a.csv has %d bytes", done, len(files), len(files["a.csv"]))
	}
}

// fullDisk are data folders on a disk that takes nothing.
type fullDisk struct{ Files }

type fullFile struct{ node.PendingFile }

func (f fullDisk) Create(name string) (node.PendingFile, error) {
	p, err := f.Files.Create(name)
	return fullFile{p}, err
}

func (fullFile) TempPath() string { return "/dev/full" }

func TestUploadToAFullDisk(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.server.Files = fullDisk{s.server.Files}
	s.ask(http.MethodPost, uploadTo("a.csv"), []byte("x")).fails(http.StatusServiceUnavailable, "disk.full", "the disk is full", "make room and upload again")
	s.holds(nil)
}

// TestUploadToAFullFileSystem is the same on a real one, which only root can make.
func TestUploadToAFullFileSystem(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := syscall.Mount("tmpfs", s.data, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("no file system of a small size can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(s.data, 0) })
	s.ask(http.MethodPost, uploadTo("small.csv"), []byte("x")).is(http.StatusCreated, nil)
	s.ask(http.MethodPost, uploadTo("large.csv"), make([]byte, 1<<20)).fails(http.StatusServiceUnavailable, "disk.full", "the disk is full", "make room and upload again")
	s.ask(http.MethodPost, uploadTo("small.csv")+"&replace=true", make([]byte, 1<<20)).fails(http.StatusServiceUnavailable, "disk.full")
	s.holds(map[string]string{"small.csv": "x"})
	s.ask(http.MethodPost, uploadTo("half.csv"), make([]byte, 128<<10)).is(http.StatusCreated, nil) // the room is free again
}

// TestUploadThatStalls: a browser that sends nothing for half a minute is given up; one that is slow is not.
func TestUploadThatStalls(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &site{t: t, data: data, server: newTestServer(t)}
		files, err := node.OpenFiles(node.LocationEnv{Folders: []string{data}})
		if err != nil {
			t.Fatal(err)
		}
		s.server.Files = files.(Files)
		p := newPipes()
		served := make(chan error)
		go func() { served <- s.server.Serve(p) }()
		defer func() {
			if err := s.server.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			<-served
		}()
		slow, err := p.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer slow.Close()
		if err := begin(slow, ourHost, "slow.csv", "Content-Length: 10\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		for range 10 { // four minutes
			time.Sleep(24 * time.Second)
			if _, err := io.WriteString(slow, "x"); err != nil {
				t.Fatal(err)
			}
		}
		finish(t, bufio.NewReader(slow)).is(http.StatusCreated, nil)

		stalled, err := p.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer stalled.Close()
		if err := begin(stalled, ourHost, "stalled.csv", "Content-Length: 10\r\n\r\nxxx"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		finish(t, bufio.NewReader(stalled)).fails(http.StatusBadRequest, "request.body", "ended early", "send it again")
		if took := time.Since(began); took > stall+time.Second {
			t.Errorf("given up after %s", took)
		}
		s.holds(map[string]string{"slow.csv": "xxxxxxxxxx"})
	})
}
