package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// endless is a flow that runs for minutes after it has written its first file.
func endless() string {
	return graph(nil, []box{
		step("few", "sample.data", `{"dataset":"orders","records":10}`), output("out2.jsonl").named("out2"),
		step("in", "sample.data", `{"dataset":"orders","records":1000000000}`), step("odd", "filter", `{"condition":"quantity % 2 = 1"}`), output("out.csv"),
	}, "few.out>out2.in", "in.out>odd.in", "odd.out>out.in")
}

// startEndless starts it and waits until it writes.
func startEndless(t *testing.T, p *place) *process {
	t.Helper()
	p.write("out.csv", old)
	p.write("flow.json", endless())
	x := p.start("run", "flow.json")
	t.Cleanup(func() { _ = x.cmd.Process.Kill() })
	until(t, "the run writes", 30*time.Second, func() bool {
		select {
		case <-x.ended:
			t.Fatalf("the run ended\n%s\n%s", x.out.String(), x.errOut.String())
		default:
		}
		files, _ := filepath.Glob(p.path(".out.csv.*.spark-tmp"))
		for _, f := range files {
			if info, err := os.Stat(f); err == nil && info.Size() > 0 {
				return true
			}
		}
		return false
	})
	return x
}

// TestDeath: whoever dies, nothing half written becomes visible, the sentence says what happened, and nothing stays.
func TestDeath(t *testing.T) {
	t.Parallel()
	g := openGolden(t, "death")
	for _, c := range []struct {
		name string
		do   func(t *testing.T, x *process)
		exit int
	}{
		{name: "executor killed", exit: exitFailed, do: func(t *testing.T, x *process) { kill(t, syscall.SIGKILL, x.executors()...) }},
		{name: "executor crashed", exit: exitFailed, do: func(t *testing.T, x *process) { kill(t, syscall.SIGSEGV, x.executors()...) }},
		{name: "executor stopped and cancelled", exit: exitCancelled, do: func(t *testing.T, x *process) {
			children := x.executors()
			kill(t, syscall.SIGSTOP, children...)
			kill(t, syscall.SIGINT, x.cmd.Process.Pid)
			until(t, "the program gives up on its executor", 15*time.Second, func() bool { return len(x.executors()) == 0 })
		}},
		{name: "Ctrl-C", exit: exitCancelled, do: func(t *testing.T, x *process) { kill(t, syscall.SIGINT, x.cmd.Process.Pid) }},
		{name: "SIGTERM", exit: exitCancelled, do: func(t *testing.T, x *process) { kill(t, syscall.SIGTERM, x.cmd.Process.Pid) }},
		{name: "terminal closed", exit: exitCancelled, do: func(t *testing.T, x *process) { kill(t, syscall.SIGHUP, x.cmd.Process.Pid) }},
		{name: "Ctrl-C twice", exit: exitCancelled, do: func(t *testing.T, x *process) {
			kill(t, syscall.SIGINT, x.cmd.Process.Pid)
			kill(t, syscall.SIGINT, x.cmd.Process.Pid)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := setup(t)
			x := startEndless(t, p)
			c.do(t, x)
			o := x.wait()
			if o.code != c.exit {
				t.Errorf("exit code %d (%v), wanted %d", o.code, o.signal, c.exit)
			}
			lines := strings.Split(strings.TrimSpace(o.stdout), "\n") // the counts before are chance
			g.check(t, c.name, p.plain(lines[len(lines)-1])+"\n"+p.plain(firstLineOf(o.stderr)))
			p.untouched()
			p.clean()
		})
	}
}

func firstLineOf(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// untouched: the old file is there, no new one.
func (p *place) untouched() {
	p.t.Helper()
	if got := p.read("out.csv"); got != old || p.exists("out2.jsonl") {
		p.t.Errorf("out.csv holds %q, out2.jsonl exists: %t", shorten(got), p.exists("out2.jsonl"))
	}
}

// TestParentKilled: the executor dies with the program, and the next run removes what both left.
func TestParentKilled(t *testing.T) {
	t.Parallel()
	p := setup(t)
	x := startEndless(t, p)
	kill(t, syscall.SIGKILL, x.cmd.Process.Pid)
	until(t, "the executor ends by itself", 5*time.Second, func() bool { return len(p.processes()) == 0 })
	p.untouched()
	must(t, os.Mkdir(p.path("other"), 0o777)) // not where the orphans are
	p.write("in.csv", "id,name\n1,a\n")
	p.write("flow.json", chain(input("in.csv", idName...), output("other/new.csv")))
	if o := p.run("run", "--rejects", "other/r.jsonl", "flow.json"); o.code != exitOK {
		t.Errorf("exit code %d\n%s", o.code, o.stderr)
	}
	p.clean()
}

// TestLivingRunsAreLeftAlone: a run sweeps only what the dead have left.
func TestLivingRunsAreLeftAlone(t *testing.T) {
	t.Parallel()
	p := setup(t)
	x := startEndless(t, p)
	before := len(p.leftovers())
	p.write("in.csv", "id,name\n1,a\n")
	p.write("short.json", chain(input("in.csv", idName...), output("new.csv")))
	if o := p.run("run", "short.json"); o.code != exitOK {
		t.Errorf("exit code %d\n%s", o.code, o.stderr)
	}
	if after := len(p.leftovers()); after < before || before < 3 {
		t.Errorf("%d temporary files and folders before and %d after", before, after)
	}
	kill(t, syscall.SIGINT, x.cmd.Process.Pid)
	x.wait()
	p.clean()
}

// TestMemoryLimit: a run that needs too much is ended with a sentence.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.write("out.csv", old)
	p.write("flow.json", chain(step("in", "sample.data", `{"dataset":"orders","records":1000000000}`),
		step("all", "aggregate", `{"groupBy":["order_id"],"aggregates":[{"name":"n","expression":"count()"}]}`), output("out.csv")))
	o := p.run("run", "--json", "--memory", "150MB", "flow.json")
	ps := o.problems(t)
	if o.code != exitFailed || len(ps) != 1 || ps[0].Code != "memory.limit" || ps[0].Suggestion == "" {
		t.Errorf("exit code %d: %v", o.code, ps)
	}
	p.untouched()
	p.clean()
}

// TestNoTempFolder: a run says that it cannot work.
func TestNoTempFolder(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.write("in.csv", "id,name\n1,a\n")
	p.write("flow.json", chain(input("in.csv", idName...), output("out.csv")))
	must(t, os.Remove(p.temp))
	o := p.run("run", "--json", "flow.json")
	if ps := o.problems(t); o.code != exitFailed || len(ps) != 1 || ps[0].Code != "temp.folder" || p.exists("out.csv") {
		t.Errorf("exit code %d: %v", o.code, ps)
	}
	p.clean()
}

func kill(t *testing.T, s syscall.Signal, pids ...int) {
	t.Helper()
	if len(pids) == 0 {
		t.Error("there is no process to signal")
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, s); err != nil && err != syscall.ESRCH {
			t.Errorf("signal %v to %d: %v", s, pid, err)
		}
	}
}
