package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func badPaths() []bad {
	file := "id,name\n1,a\n"
	from := func(path string) box { return input(path, idName...).with("format", "csv") }
	return []bad{
		{name: "file missing", input: from("orders.csv"), exit: exitFailed, code: "file.not_found"},
		{name: "file misspelt", file: file, input: from("inn.csv"), exit: exitFailed, code: "file.not_found"},
		{name: "folder missing", input: from("no/in.csv"), exit: exitFailed, code: "file.not_found"},
		{name: "no file matches", input: from("x*.csv"), exit: exitFailed, code: "file.not_found"},
		{name: "a folder as input", input: from("."), exit: exitFailed, code: "file.is_folder"},
		{name: "a pipe as input", input: from("pipe"), setup: fifo("pipe"), exit: exitFailed, code: "file.special"},
		{name: "no right to read", file: file, input: from("in.csv"), setup: func(p *place) {
			if os.Geteuid() == 0 {
				p.t.Skip("root may read everything")
			}
			must(p.t, os.Chmod(p.path("in.csv"), 0))
		}, exit: exitFailed, code: "file.permission"},
		{name: "input outside by ..", input: from("../secret.csv"), exit: exitFailed, code: "file.outside"},
		{name: "input outside by an absolute path", input: from("/etc/passwd"), exit: exitFailed, code: "file.outside"},
		{name: "input through a link to the outside", input: from("link.csv"), setup: linked("link.csv", "$BASE/secret.csv"), exit: exitFailed, code: "file.outside"},
		{name: "input through a relative link to the outside", input: from("link.csv"), setup: linked("link.csv", "../secret.csv"), exit: exitFailed, code: "file.outside"},
		{name: "input below a linked folder outside", input: from("dir/secret.csv"), setup: linked("dir", "$BASE"), exit: exitFailed, code: "file.outside"},
		{name: "input through a link inside", file: file, input: from("link.csv"), setup: linked("link.csv", "in.csv"), want: file},
		{name: "links in a circle", input: from("link.csv"), setup: linked("link.csv", "link.csv"), exit: exitFailed, code: "file.access"},
		{name: "a device as input", input: from("null"), setup: func(p *place) {
			if err := syscall.Mknod(p.path("null"), syscall.S_IFCHR|0o666, 1<<8|3); err != nil {
				p.t.Skipf("a device cannot be made here: %v", err)
			}
		}, exit: exitFailed, code: "file.special"},
		{name: "a socket as input", input: from("socket"), setup: func(p *place) {
			fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
			must(p.t, err)
			defer syscall.Close(fd)
			dir, err := syscall.Open(p.data, syscall.O_DIRECTORY, 0)
			must(p.t, err)
			defer syscall.Close(dir)
			short := fmt.Sprintf("/proc/self/fd/%d/socket", dir) // the path of a socket has at most 107 octets
			must(p.t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: short}))
		}, exit: exitFailed, code: "file.special"},
		{name: "a folder among the files that match", input: from("g*"), setup: func(p *place) {
			p.write("g1", file)
			must(p.t, os.Mkdir(p.path("g2"), 0o777))
		}, want: file},
		{name: "a pipe among the files that match", input: from("g*"), setup: func(p *place) {
			p.write("g1", file)
			fifo("g2")(p)
		}, want: file},
		named("a name with a line end", "a\nb.csv"),
		named("a name with quotes", `a'"b.csv`),
		named("a name that looks like SQL", "x'; DROP TABLE t; --.csv"),
		named("a name that looks like a flag", "--help.csv"),
		named("a name that turns the direction", "a\u202evsc.csv"),
		named("a name with a percent sign", "%s%n%00.csv"),
		named("a name with a backslash", `a\b.csv`),
		named("a name of 255 octets", strings.Repeat("n", 251)+".csv"),
		{name: "a name of 300 octets", input: from(strings.Repeat("n", 296) + ".csv"), exit: exitFailed, code: "file.name"},
		{name: "a name with NUL", input: from("a\x00b.csv"), exit: exitFailed, code: "file.name"},
		{name: "a name that is no utf-8", setup: func(p *place) { p.write("f\xff.csv", file) }, input: from("f*.csv"), want: file},
	}
}

// named reads a file whose name is hostile.
func named(name, path string) bad {
	const file = "id,name\n1,a\n"
	return bad{name: name, at: path, file: file, input: input(path, idName...).with("format", "csv"), want: file}
}

func fifo(name string) func(*place) {
	return func(p *place) { must(p.t, syscall.Mkfifo(p.path(name), 0o666)) }
}

// linked makes a link in the data folder, beside which a secret lies.
func linked(name, target string) func(*place) {
	return func(p *place) {
		p.outside("secret.csv", "id,name\n1,a\n")
		must(p.t, os.Symlink(strings.ReplaceAll(target, "$BASE", p.base), p.path(name)))
	}
}

func badTargets() []bad {
	file := "id,name\n1,a\n"
	from := func(path string) box { return input(path, idName...).with("format", "csv") }
	return []bad{
		{name: "output folder missing", file: file, output: output("no/out.csv"), exit: exitFailed, code: "file.no_folder"},
		{name: "output outside by ..", file: file, output: output("../out.csv"), exit: exitFailed, code: "file.outside"},
		{name: "output outside by an absolute path", file: file, output: output("/tmp/spark-test-out.csv"), exit: exitFailed, code: "file.outside"},
		{name: "output below a linked folder outside", file: file, output: output("dir/out.csv"), setup: linked("dir", "$BASE"), exit: exitFailed, code: "file.outside"},
		{name: "a pipe as output", file: file, output: output("pipe.csv"), setup: fifo("pipe.csv"), exit: exitFailed, code: "file.special"},
		{name: "a folder as output", file: file, output: output("dir.csv"), setup: func(p *place) { must(p.t, os.Mkdir(p.path("dir.csv"), 0o777)) }, exit: exitFailed, code: "file.is_folder"},
		{name: "output exists", file: file, output: output("out.csv").with("ifExists", "fail"), exit: exitFailed, code: "file.exists"},
		{name: "output is the input", file: "id,name\n1,\"a\"\n", output: output("in.csv"), want: old, after: func(p *place) {
			if got := p.read("in.csv"); got != file {
				p.t.Errorf("in.csv is %q", got)
			}
		}},
		{name: "read-only output", file: file, output: output("mounted/out.csv"), setup: mounted("ro"), exit: exitFailed, code: "file.permission"},
		{name: "disk full", file: many(20_000, strings.Repeat("x", 500)), output: output("mounted/out.csv"), setup: mounted("size=4m"), exit: exitFailed, code: "disk.full"},
		{name: "disk full for rejects", file: "id,name\n" + strings.Repeat("x"+strings.Repeat("y", 1000)+",a\n", 8_000), input: from("in.csv").policy("reject"),
			settings: map[string]any{"maxRejects": 100_000}, args: []string{"--rejects", "mounted/r.jsonl"}, setup: mounted("size=4m"), exit: exitFailed, code: "disk.full"},
		{name: "rejects folder missing", file: "id,name\nx,a\n", input: from("in.csv").policy("reject"), args: []string{"--rejects", "no/r.jsonl"}, exit: exitFailed, code: "rejects.file"},
		{name: "data folder missing", file: file, args: []string{"--folder", "no"}, exit: exitInvalid, code: "folder.missing"},
		{name: "two writers", file: file, doc: graph(nil, []box{from("in.csv"), output("new.csv"), output("./new.csv").named("out2")}, "in.out>out.in", "in.out>out2.in"),
			exit: exitFailed, code: "file.two_writers"},
		{name: "second output folder missing", file: file, doc: graph(nil, []box{from("in.csv"), output("out.csv"), output("no/new.csv").named("out2")}, "in.out>out.in", "in.out>out2.in"),
			exit: exitFailed, code: "file.no_folder"},
	}
}

// outside puts a file beside the data folder.
func (p *place) outside(name, content string) {
	must(p.t, os.WriteFile(filepath.Join(p.base, name), []byte(content), 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mounted puts a small file system into the data folder.
func mounted(options string) func(*place) {
	return func(p *place) {
		dir := p.path("mounted")
		must(p.t, os.Mkdir(dir, 0o777))
		flags := uintptr(0)
		if options == "ro" {
			flags, options = syscall.MS_RDONLY, ""
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
			p.t.Skipf("a file system cannot be mounted here: %v", err)
		}
		p.t.Cleanup(func() {
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
				p.t.Errorf("left on the mounted file system: %v %v", entries, err)
			}
			if err := syscall.Unmount(dir, 0); err != nil {
				p.t.Errorf("unmount: %v", err)
				_ = syscall.Unmount(dir, syscall.MNT_DETACH)
			}
		})
	}
}

// many is a CSV file of n records id,name.
func many(n int, name string) string {
	var b strings.Builder
	b.WriteString("id,name\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,%s\n", i, name)
	}
	return b.String()
}

// late is the record of a long file at which a number column holds text.
const late = 2_000_000

// lateFile writes it once.
var lateFile = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "spark-late-")
	if err != nil {
		return "", err
	}
	lateFolder = dir
	f, err := os.Create(filepath.Join(dir, "late.csv"))
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, "id,n,name")
	for i := 1; i < late; i++ {
		fmt.Fprintf(w, "%d,7,a\n", i)
	}
	fmt.Fprintf(w, "%d,seven,a\n%d,7,a\n", late, late+1)
	if err := w.Flush(); err != nil {
		return "", err
	}
	return f.Name(), f.Close()
})

var lateFolder string // removed by TestMain

func badLate() []bad {
	link := func(p *place) {
		name, err := lateFile()
		must(p.t, err)
		must(p.t, os.Link(name, p.path("late.csv")))
	}
	in := input("late.csv", "id:int64", "n:int32", "name:text")
	count := step("sum", "aggregate", `{"groupBy":["name"],"aggregates":[{"name":"count","expression":"count()"}]}`)
	drop := step("pick", "select", `{"fields":[{"name":"id"}],"others":"drop"}`)
	first := step("first", "limit", `{"count":1}`)
	return []bad{
		{name: "text at record 2,000,000", input: in, setup: link, exit: exitFailed, code: "csv.type"},
		{name: "text at record 2,000,000 of a column that nobody uses", input: in, mid: []box{drop}, setup: link, exit: exitFailed, code: "csv.type"},
		{name: "text at record 2,000,000 behind an aggregate", input: in, mid: []box{count}, setup: link, exit: exitFailed, code: "csv.type"},
		{name: "text at record 2,000,000 that a limit never reaches", input: in, mid: []box{first}, setup: link, want: "id,n,name\n1,7,a\n"},
	}
}
