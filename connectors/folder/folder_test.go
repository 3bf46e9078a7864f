package folder

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
)

// setup makes two data folders and a place outside of them.
func setup(t *testing.T) (f *Folders, one, two, outside string) {
	t.Helper()
	base := t.TempDir()
	one, two, outside = filepath.Join(base, "one"), filepath.Join(base, "two"), filepath.Join(base, "outside")
	for _, d := range []string{one, two, outside, filepath.Join(one, "sub", "deep"), filepath.Join(one, ".hidden"), filepath.Join(two, "sub")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"one/a.csv": "one a", "one/b.csv": "one b", "one/sub/c.csv": "one c", "one/sub/deep/d.csv": "one d", "one/.hidden/h.csv": "h", "one/.dot.csv": "dot",
		"one/we[i]rd.csv": "odd", "two/a.csv": "two a", "two/z.csv": "two z", "two/sub/e.txt": "e", "outside/secret.csv": "secret", "one/x.csv.spark-tmp": "temp",
	} {
		if err := os.WriteFile(filepath.Join(base, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"one/leak.csv": outside + "/secret.csv", "one/leakdir": outside, "one/up.csv": "../outside/secret.csv", "one/inside.csv": "sub/c.csv",
		"one/gone.csv": "nowhere", "one/loop": "loop", "one/subdir": "sub"} {
		if err := os.Symlink(target, filepath.Join(base, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(one, "pipe.csv"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Open(one, two)
	if err != nil {
		t.Fatal(err)
	}
	return f, one, two, outside
}

func read(f *Folders, name string) string {
	file, err := f.Open(name)
	if err != nil {
		e := flows.AsError(err)
		return e.Code + ": " + e.Message + "; " + e.Suggestion
	}
	defer file.Close()
	b, _ := io.ReadAll(file)
	return fmt.Sprintf("%s (%d)", b, file.Size())
}

func TestOpen(t *testing.T) {
	t.Parallel()
	f, one, two, outside := setup(t)
	out := "file.outside: the file is outside the data folders; move it into " + one + " or " + two + ", or have its folder added to the data folders"
	leak := "file.outside: the path leads through a link to a place outside the data folders; move it into " + one + " or " + two + ", or have its folder added to the data folders"
	for name, want := range map[string]string{
		"a.csv":                    "one a (5)",
		"z.csv":                    "two z (5)",
		"sub/c.csv":                "one c (5)",
		"sub/../a.csv":             "one a (5)",
		"./sub//c.csv":             "one c (5)",
		"sub/e.txt":                "e (1)",
		"inside.csv":               "one c (5)",
		"subdir/c.csv":             "one c (5)",
		one + "/a.csv":             "one a (5)",
		two + "/a.csv":             "two a (5)",
		two + "/sub/../a.csv":      "two a (5)",
		"we[i]rd.csv":              "odd (3)",
		"../outside/secret.csv":    out,
		"sub/../../outside/x":      out,
		"..":                       out,
		outside + "/secret.csv":    out,
		one + "/../outside/secret": out,
		one + "x/a.csv":            out,
		"/etc/passwd":              out,
		"/dev/null":                out,
		"leak.csv":                 leak,
		"leakdir/secret.csv":       leak,
		"up.csv":                   leak,
		one + "/leak.csv":          leak,
		"gone.csv":                 "file.not_found: this is a link that leads nowhere; correct the link",
		"loop":                     "file.access: the path leads through links in a circle; check the links",
		"sub":                      "file.is_folder: this is a folder and a file is needed; add /* for all files in it",
		".":                        "file.is_folder: this is a folder and a file is needed; add /* for all files in it",
		"pipe.csv":                 "file.special: this is a pipe, socket or device and no file; name an ordinary file",
		"a.csv\x00.png":            "file.name: the path contains a NUL character; write the path without it",
		"":                         "file.name: the path is empty; name a file below a data folder",
		"aa.csv":                   "file.not_found: there is no such file; did you mean \"a.csv\"?",
		"subb/c.csv":               "file.not_found: there is no folder \"subb\"; did you mean \"sub\"?",
		"a.csv/x":                  "file.not_found: a part of the path is a file and not a folder; check the path",
		"quite something else":     "file.not_found: there is no such file; check the path",
		strings.Repeat("x", 300):   "file.name: the name is longer than the file system allows; use a shorter name",
	} {
		done := make(chan string, 1)
		go func() { done <- read(f, name) }()
		select {
		case got := <-done:
			if got != want {
				t.Errorf("%q: %s", name, got)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%q blocks", name)
		}
	}
}

func TestPermission(t *testing.T) {
	t.Parallel()
	f, one, _, _ := setup(t)
	if err := os.Chmod(filepath.Join(one, "a.csv"), 0); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	if got := read(f, "a.csv"); got != "file.permission: permission is denied; give the account that Spark runs under access to it" {
		t.Error(got)
	}
}

func TestGlob(t *testing.T) {
	t.Parallel()
	f, one, two, _ := setup(t)
	for _, l := range []string{"leak.csv", "leakdir", "up.csv", "gone.csv", "loop"} {
		defer os.Remove(filepath.Join(one, l))
		_ = os.Rename(filepath.Join(one, l), filepath.Join(one, ".hidden", l))
	}
	for pattern, want := range map[string]string{
		"*.csv":            "a.csv b.csv inside.csv we[i]rd.csv z.csv",
		"?.csv":            "a.csv b.csv z.csv",
		"[ab].csv":         "a.csv b.csv",
		"**/*.csv":         "a.csv b.csv inside.csv sub/c.csv sub/deep/d.csv we[i]rd.csv z.csv",
		"sub/**":           "sub/c.csv sub/deep/d.csv sub/e.txt",
		"**/deep/*":        "sub/deep/d.csv",
		"s*/c.csv":         "sub/c.csv subdir/c.csv",
		"subdir/*.csv":     "subdir/c.csv",
		".*.csv":           ".dot.csv",
		"a.csv":            "a.csv",
		"we[i]rd.csv":      "we[i]rd.csv",
		two + "/*.csv":     two + "/a.csv " + two + "/z.csv",
		one + "/sub/*.csv": one + "/sub/c.csv",
		"*.parquet":        "file.not_found: no file matches the pattern; check the pattern; * stands for any part of a name and ** for any folders",
		"nowhere/*":        "file.not_found: no file matches the pattern; check the pattern; * stands for any part of a name and ** for any folders",
		"[ab.csv":          "file.pattern: \"[ab.csv\" is not a pattern: a bracket is not closed; close the bracket",
		"../*":             "file.outside: the file is outside the data folders; move it into " + one + " or " + two + ", or have its folder added to the data folders",
		"pipe.*":           "file.not_found: no file matches the pattern; check the pattern; * stands for any part of a name and ** for any folders",
	} {
		got := ""
		infos, err := f.Glob(pattern)
		if err != nil {
			e := flows.AsError(err)
			got = e.Code + ": " + e.Message + "; " + e.Suggestion
		}
		var names []string
		for _, i := range infos {
			names = append(names, i.Path)
			if read(f, i.Path) == "" || i.Size == 0 || i.ModTime.IsZero() {
				t.Errorf("%+v", i)
			}
		}
		if got += strings.Join(names, " "); got != want {
			t.Errorf("%s: %s", pattern, got)
		}
	}
}

func TestGlobRefusesLinksThatLeave(t *testing.T) {
	t.Parallel()
	f, _, _, _ := setup(t)
	if _, err := f.Glob("le*.csv"); flows.AsError(err).Code != "file.outside" {
		t.Error(err)
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	f, one, _, _ := setup(t)
	real, _ := filepath.EvalSymlinks(one)
	if p, err := f.Local("inside.csv"); err != nil || p != filepath.Join(real, "sub", "c.csv") {
		t.Error(p, err)
	}
	for _, name := range []string{"leak.csv", "leakdir/secret.csv", "../outside/secret.csv", "pipe.csv", "sub", "none.csv"} {
		if p, err := f.Local(name); err == nil {
			t.Errorf("%s is %s", name, p)
		}
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	f, one, _, outside := setup(t)
	list := func() string {
		es, _ := os.ReadDir(filepath.Join(one, "sub"))
		var names []string
		for _, e := range es {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ")
	}
	p, err := f.Create("sub/new.csv")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.TempPath(), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	if infos, err := f.Glob("sub/*"); err != nil || len(infos) != 2 {
		t.Errorf("the temporary file is seen: %v %v", infos, err)
	}
	if err := p.Commit(); err == nil {
		t.Error("commit without prepare")
	}
	if err := p.Prepare(); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := p.Abort(); err != nil {
		t.Error(err)
	}
	if got := read(f, "sub/new.csv"); got != "hello (5)" {
		t.Error(got)
	}
	q, err := f.Create(filepath.Join(one, "sub", "new.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Abort(); err != nil {
		t.Error(err)
	}
	if err := q.Abort(); err != nil {
		t.Error(err)
	}
	if got := list(); got != "c.csv deep new.csv" {
		t.Errorf("left behind: %s", got)
	}
	for name, code := range map[string]string{"none/x.csv": "file.no_folder", "../x.csv": "file.outside", "leakdir/x.csv": "file.outside", outside + "/x.csv": "file.outside", "sub": "file.is_folder",
		"pipe.csv": "file.special", "sub/": "file.name", "": "file.name", ".": "file.name", "a.csv/x": "file.not_found", "x\x00": "file.name", "x.spark-tmp": "file.name"} {
		if _, err := f.Create(name); err == nil || flows.AsError(err).Code != code {
			t.Errorf("%q: %v", name, err)
		}
	}
	// A link in the place of the target is replaced and not followed.
	r, err := f.Create("leak.csv")
	if err != nil {
		t.Fatal(err)
	}
	_ = os.WriteFile(r.TempPath(), []byte("mine"), 0o644)
	if err := r.Prepare(); err != nil {
		t.Fatal(err)
	}
	if err := r.Commit(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(filepath.Join(outside, "secret.csv")); string(b) != "secret" || read(f, "leak.csv") != "mine (4)" {
		t.Error("the link was followed")
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	f, one, two, _ := setup(t)
	p, err := f.Create("sub/living.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Abort()
	living := filepath.Base(p.TempPath())
	start := processStart(os.Getpid())
	if start == "" {
		t.Skip("processes have no start time here")
	}
	dead := strings.Replace(living, "-"+start+"-", "-1-", 1)
	other := strings.Replace(dead, hostMark(), "elsewhere", 1)
	for _, n := range []string{dead, other, "mine" + tempSuffix} {
		if err := os.WriteFile(filepath.Join(one, "sub", n), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if removed, living, err := Sweep(one, two); removed != 1 || living != 1 || err != nil {
		t.Errorf("%d removed, %d of the living, %v", removed, living, err)
	}
	for n, want := range map[string]bool{living: true, dead: false, other: true, "mine" + tempSuffix: true} {
		if _, err := os.Stat(filepath.Join(one, "sub", n)); (err == nil) != want {
			t.Errorf("%s: %v", n, err)
		}
	}
}

func TestNoDataFolder(t *testing.T) {
	t.Parallel()
	for _, dirs := range [][]string{{filepath.Join(t.TempDir(), "none")}, {"/dev/null"}} {
		if _, err := New(dirs...); err == nil || flows.AsError(err).Code != "file.no_data_folder" {
			t.Error(err)
		}
	}
	f, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("file.outside: the file is outside the data folders; there is no data folder: have one configured", read(f, "x")); d != "" {
		t.Error(d)
	}
}
