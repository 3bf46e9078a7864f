package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"spark/flows"
)

func flagSet(name string) (set bool) {
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// place is where one test works: a data folder, a temp folder of its own, and what lies outside of both.
type place struct {
	t    testing.TB
	base string
	data string
	temp string
	env  []string // more of the program's environment
}

func setup(t testing.TB) *place {
	t.Helper()
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, base: base, data: filepath.Join(base, "data"), temp: filepath.Join(base, "temp")}
	for _, d := range []string{p.data, p.temp} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *place) path(name string) string { return filepath.Join(p.data, name) }

func (p *place) write(name, content string) {
	p.t.Helper()
	if err := os.WriteFile(p.path(name), []byte(content), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) read(name string) string {
	p.t.Helper()
	b, err := os.ReadFile(p.path(name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

func (p *place) exists(name string) bool {
	_, err := os.Lstat(p.path(name))
	return err == nil
}

// command is the program with this place's folders and nothing of the tester's environment.
func (p *place) command(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Dir = p.data
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + p.temp, "TERM=xterm", actAsSpark + "=1"}
	c.Env = append(c.Env, p.env...)
	return c
}

// process is the program while it runs.
type process struct {
	*place
	cmd         *exec.Cmd
	out, errOut bytes.Buffer
	ended       chan struct{}
}

func (p *place) start(args ...string) *process {
	p.t.Helper()
	x := &process{place: p, cmd: p.command(args...), ended: make(chan struct{})}
	x.cmd.Stdout, x.cmd.Stderr = &x.out, &x.errOut
	if err := x.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { _ = x.cmd.Wait(); close(x.ended) }()
	return x
}

// runTime is when a process of a test is taken for hanging.
const runTime = 60 * time.Second

// wait waits for the end and tells what the program did.
func (x *process) wait() outcome {
	x.t.Helper()
	select {
	case <-x.ended:
	case <-time.After(runTime):
		_ = x.cmd.Process.Signal(syscall.SIGQUIT) // shows where it hangs
		select {
		case <-x.ended:
		case <-time.After(5 * time.Second):
			_ = x.cmd.Process.Kill()
			<-x.ended
		}
		x.t.Fatalf("the program did not end within %s\n%s\n%s", runTime, x.out.String(), x.errOut.String())
	}
	o := outcome{code: x.cmd.ProcessState.ExitCode(), stdout: x.out.String(), stderr: x.errOut.String()}
	if ws, ok := x.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		o.signal = ws.Signal()
	}
	if ru, ok := x.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		o.rss = ru.Maxrss << 10 // the largest of the program and its executor
	}
	return o
}

// run runs the program to its end.
func (p *place) run(args ...string) outcome {
	p.t.Helper()
	return p.start(args...).wait()
}

// outcome is what the program did.
type outcome struct {
	code           int
	signal         syscall.Signal
	stdout, stderr string
	rss            int64
}

// events decodes the output of --json: every line is an event.
func (o outcome) events(t testing.TB) []flows.Event {
	t.Helper()
	var list []flows.Event
	for line := range strings.Lines(o.stdout) {
		var e flows.Event
		dec := json.NewDecoder(strings.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&e); err != nil || e.Kind == "" {
			t.Fatalf("%q is no event: %v", line, err)
		}
		list = append(list, e)
	}
	return list
}

// problems are the errors that --json told, of a run that ended or of a document that could not run.
func (o outcome) problems(t testing.TB) flows.Problems {
	t.Helper()
	var ps flows.Problems
	for line := range strings.Lines(o.stdout) {
		var e flows.Event
		if err := json.Unmarshal([]byte(line), &e); err == nil && e.Kind != "" {
			if e.Error != nil && e.Kind == flows.EventLog || e.Error != nil && len(ps) == 0 {
				ps = append(ps, e.Error)
			}
			continue
		}
		var x flows.Error
		if err := json.Unmarshal([]byte(line), &x); err != nil || x.Code == "" {
			t.Fatalf("%q is neither an event nor an error: %v", line, err)
		}
		ps = append(ps, &x)
	}
	return ps
}

var takenTime = regexp.MustCompile(`(in|after) (\d+ m )?[0-9.]+ s`)

// runningLine is said only of what takes its time.
var runningLine = regexp.MustCompile(`(?m)^.*: running\n|^(bottleneck: |computed, ).*\n`)

// plain makes an output comparable: places and times are replaced.
func (p *place) plain(s string) string {
	s = strings.ReplaceAll(s, p.base, "$BASE")
	s = runningLine.ReplaceAllString(s, "") // told of nodes that take longer than others
	return takenTime.ReplaceAllString(s, "$1 T")
}

// clean fails the test where a run left something behind: processes, temp folders or temporary files.
func (p *place) clean() {
	p.t.Helper()
	if pids := p.processes(); len(pids) > 0 {
		p.t.Errorf("processes are left: %v", pids)
	}
	for _, f := range p.leftovers() {
		p.t.Errorf("%s is left", f)
	}
}

// leftovers lists temporary files and folders of runs.
func (p *place) leftovers() []string {
	var left []string
	for _, dir := range []string{p.data, p.temp} {
		_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			name := filepath.Base(path)
			if strings.HasSuffix(name, ".spark-tmp") || dir == p.temp && path != dir || strings.HasPrefix(name, "tmp_") {
				left = append(left, path)
			}
			return nil
		})
	}
	return left
}

// processes lists the processes that work in this place's temp folder: the program and its executors.
func (p *place) processes() []int {
	var pids []int
	dirs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range dirs {
		b, err := os.ReadFile(f)
		if err != nil || !bytes.Contains(b, []byte("TMPDIR="+p.temp+"\x00")) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if !dead(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// executors lists the child processes of this place's programs.
func (p *place) executors() []int {
	var pids []int
	for _, pid := range p.processes() {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && bytes.Contains(b, []byte("\x00executor\x00")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// dead reports whether a process is gone, or only waits for its parent to notice.
func dead(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return true
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(after, "Z") || strings.HasPrefix(after, "X")
}

// until polls for a condition.
func until(t testing.TB, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, limit)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
