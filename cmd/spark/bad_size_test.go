package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func writeParts(t testing.TB, path string, parts []string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	w := bufio.NewWriterSize(f, 1<<20)
	for _, p := range parts {
		_, err = w.WriteString(p)
		must(t, err)
	}
	must(t, w.Flush())
	must(t, f.Close())
}

// bomb writes a gzip of a text that is repeated many times: about a thousand octets for each of its own.
func bomb(begin, piece string, times int) func(*place) {
	return func(p *place) {
		f, err := os.Create(p.path("bomb.csv.gz"))
		must(p.t, err)
		w, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
		must(p.t, err)
		_, err = io.WriteString(w, begin)
		for range times {
			if err == nil {
				_, err = io.WriteString(w, piece)
			}
		}
		must(p.t, err)
		must(p.t, w.Close())
		must(p.t, f.Close())
	}
}

func badSizes() []bad {
	long := func(name, begin string) bad {
		return bad{name: "one line of 100 MB, " + name, input: input("long."+name, "name:text"), args: []string{"--memory", "1GB"},
			setup: func(p *place) { writeLong(p.t, p.path("long."+name), begin) }, exit: exitFailed, code: "csv.record_too_long"}
	}
	mega := strings.Repeat("x", 1<<20)
	lines := strings.Repeat("1,a\n", 1<<18)
	count := step("sum", "aggregate", `{"aggregates":[{"name":"n","expression":"count()"}]}`)
	memory := []string{"--memory", "512MB"}
	jsonl := long("jsonl", `{"name":"`)
	jsonl.code = "json.record_too_long"
	return []bad{
		long("csv", "name\n"),
		long("quoted.csv", "name\n\""),
		jsonl,
		{name: "a bomb of one record", setup: bomb("id,name\n1,", mega, 300), input: input("bomb.csv.gz", idName...), args: memory, exit: exitFailed, code: "csv.record_too_long"},
		{name: "a bomb of blank lines", setup: bomb("id,name\n1,a\n", strings.Repeat("\n", 1<<20), 100), input: input("bomb.csv.gz", idName...), args: memory, want: "id,name\n1,a\n"},
		{name: "a bomb of many records", setup: bomb("id,name\n", lines, 60), input: input("bomb.csv.gz", idName...), mid: []box{count}, args: memory, want: fmt.Sprintf("\"n\"\n\"%d\"\n", 60<<18)},
		{name: "a bomb of a header", setup: bomb("id,name", strings.Repeat(",x", 1<<19), 100), input: input("bomb.csv.gz", idName...), args: memory, exit: exitFailed, code: "csv.too_many_fields"},
		{name: "a million fields in a record", file: "id,name\n1,a\n2" + strings.Repeat(",x", 1_000_000) + "\n", exit: exitFailed, code: "csv.fields"},
		{name: "a million refused records", file: "id,name\n" + strings.Repeat("x,a\n", 1_000_000), input: input("in.csv", idName...).policy("skip"), want: "id,name\n"},
		{name: "more refused records than the flow allows", file: "id,name\n" + strings.Repeat("x,a\n", 200_000), input: input("in.csv", idName...).policy("reject"),
			settings: map[string]any{"maxRejects": 1000}, exit: exitFailed, code: "rejects.too_many"},
		{name: "a name of 1 MB in a JSON line", at: "in.jsonl", file: `{"id":1,"` + mega + `":2,"name":"a"}`, input: input("in.jsonl", idName...), want: "id,name\n1,a\n"},
		{name: "a million members in a JSON line", at: "in.jsonl", file: `{"id":1` + manyMembers(1_000_000) + `,"name":"a"}`, input: input("in.jsonl", idName...), want: "id,name\n1,a\n"},
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"m%d":%d`, i, i)
	}
	return b.String()
}

func badKinds() []bad {
	var book bytes.Buffer
	z := zip.NewWriter(&book)
	for _, name := range []string{"[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"} {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, "<?xml version=\"1.0\"?><x>"+strings.Repeat(name, 50)+"</x>")
		}
		if err != nil {
			panic(err)
		}
	}
	_ = z.Close()
	in := input("in.csv", idName...)
	kind := func(name, file, code string) bad {
		return bad{name: name + " named csv", file: file, input: in, exit: exitFailed, code: code}
	}
	return []bad{
		kind("xlsx", book.String(), "file.kind"),
		kind("xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"+strings.Repeat("\x00", 504), "file.kind"),
		kind("pdf", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n", "file.kind"),
		kind("png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "file.kind"),
		kind("a program", "\x7fELF\x02\x01\x01\x00"+strings.Repeat("\x00", 100), "file.kind"),
		kind("html", "<!DOCTYPE html>\n<html><body>403 Forbidden</body></html>\n", "csv.missing_column"),
		kind("an error of a store", "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>\n", "csv.bare_quote"),
		kind("a pointer of Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "csv.missing_column"),
		kind("zstd", "\x28\xb5\x2f\xfd\x04\x58\x19\x00\x00", "file.kind"),
		kind("JSON", `[{"id":1,"name":"a"}]`+"\n", "csv.bare_quote"),
		kind("SQLite", "SQLite format 3\x00\x10\x00\x01\x01", "file.kind"),
		{name: "csv named json", at: "in.json", file: cafe, input: input("in.json", idName...), exit: exitFailed, code: "json.top"},
		{name: "csv named jsonl", at: "in.jsonl", file: cafe, input: input("in.jsonl", idName...), exit: exitFailed, code: "json.syntax"},
		{name: "a name that tells no format", at: "in.dat", file: cafe, input: input("in.dat", idName...), exit: exitInvalid, code: "file.format"},
	}
}

// changing starts a long run and changes its file while that is read.
func changing(name string, change func(*process), exit int, code string) bad {
	in := input("in.csv", "id:int64", "name:text")
	count := step("sum", "aggregate", `{"aggregates":[{"name":"n","expression":"count()"}]}`)
	const n = 1_500_000
	during := func(x *process) {
		var pids []int
		until(x.t, "the file is open", runTime, func() bool { // while the executor stands still, before it looks at the file again
			pids = x.executors()
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGSTOP)
			}
			if x.opened("in.csv") {
				return true
			}
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGCONT)
			}
			return false
		})
		change(x)
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	}
	return bad{name: name, input: in, mid: []box{count}, during: during, exit: exit, code: code, want: fmt.Sprintf("\"n\"\n\"%d\"\n", n),
		setup: func(p *place) {
			parts := []string{"id,name\n"}
			for range n / 1000 {
				parts = append(parts, strings.Repeat("1234567,some text that makes the file long\n", 1000))
			}
			writeParts(p.t, p.path("in.csv"), parts)
		}}
}

func badMoving() []bad {
	return []bad{
		changing("a file that shrinks while it is read", func(x *process) { must(x.t, os.Truncate(x.path("in.csv"), 1000)) }, exitFailed, "file.changed"),
		changing("a file that grows while it is read", func(x *process) {
			f, err := os.OpenFile(x.path("in.csv"), os.O_APPEND|os.O_WRONLY, 0)
			must(x.t, err)
			_, err = f.WriteString("1,a\n2,b\n")
			must(x.t, err)
			must(x.t, f.Close())
		}, exitFailed, "file.changed"),
		changing("a file that is deleted while it is read", func(x *process) { must(x.t, os.Remove(x.path("in.csv"))) }, exitFailed, "file.changed"),
	}
}

// opened reports whether an executor has a file of the data folder open.
func (p *place) opened(name string) bool {
	for _, pid := range p.executors() {
		fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, fd := range fds {
			if to, err := os.Readlink(fd); err == nil && to == p.path(name) {
				return true
			}
		}
	}
	return false
}
