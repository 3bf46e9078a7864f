package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestKillAtAnyMoment ends the executor, the program or both at random moments of a run with two outputs. Each file is
// then the old one or the whole new one; the run that follows is right and leaves nothing.
func TestKillAtAnyMoment(t *testing.T) {
	t.Parallel()
	kills := 100
	if testing.Short() {
		kills = 10
	}
	p := setup(t)
	p.write("in.csv", many(100_000, "some name"))
	p.write("flow.json", graph(nil, []box{
		input("in.csv", idName...), step("third", "filter", `{"condition":"id % 3 = 0"}`), output("a.csv"), output("b.csv").named("out2"),
	}, "in.out>third.in", "third.out>out.in", "third.unmatched>out2.in"))
	began := time.Now()
	if o := p.run("run", "flow.json"); o.code != exitOK {
		t.Fatalf("exit code %d\n%s", o.code, o.stderr)
	}
	k := killer{place: p, took: time.Since(began), want: map[string]string{"a.csv": p.read("a.csv"), "b.csv": p.read("b.csv")}, seen: map[string]int{}}
	seed := uint64(time.Now().UnixNano())
	k.random = rand.New(rand.NewPCG(seed, 0))
	for i := range kills {
		k.once(i)
		if t.Failed() {
			t.Fatalf("seed %d, kill %d of %s", seed, i, k.victim(i))
		}
	}
	t.Logf("seed %d, new files after a kill: %v", seed, k.seen)
}

type killer struct {
	*place
	took   time.Duration // of a run that nobody kills
	want   map[string]string
	random *rand.Rand
	seen   map[string]int // how many kills left which files new
}

func (k *killer) victim(i int) string { return []string{"executor", "program", "both"}[i%3] }

func (k *killer) once(i int) {
	for name := range k.want {
		k.write(name, old)
	}
	x := k.start("run", "flow.json")
	if i%2 == 0 { // anywhere
		time.Sleep(time.Duration(k.random.Float64() * 1.1 * float64(k.took)))
	} else { // near the commit: both temporary files are complete, or nearly
		until(k.t, "the second output is being written", runTime, func() bool { return k.writing("b.csv") || x.over() })
		time.Sleep(time.Duration(k.random.Float64() * float64(20*time.Millisecond)))
	}
	k.kill(x, i)
	o := x.wait()
	until(k.t, "every process is gone", 5*time.Second, func() bool { return len(k.processes()) == 0 })
	k.whole(o)
	if o := k.run("run", "flow.json"); o.code != exitOK {
		k.t.Errorf("the run after it: exit code %d\n%s", o.code, o.stderr)
	}
	for name, want := range k.want {
		if k.read(name) != want {
			k.t.Errorf("%s is wrong after another run", name)
		}
	}
	k.clean()
}

func (k *killer) kill(x *process, i int) {
	var pids []int
	if v := k.victim(i); v != "program" {
		pids = k.executors()
	}
	if v := k.victim(i); v != "executor" {
		pids = append(pids, x.cmd.Process.Pid)
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may be over
	}
}

// whole checks that every output is old or new, and new where the program said so.
func (k *killer) whole(o outcome) {
	k.seen[fmt.Sprintf("a %t b %t", k.read("a.csv") != old, k.read("b.csv") != old)]++
	for name, want := range k.want {
		switch got := k.read(name); {
		case got == want:
		case got != old:
			k.t.Errorf("%s is neither the old nor the new file: %d octets of %d", name, len(got), len(want))
		case o.code == exitOK:
			k.t.Errorf("the run succeeded and %s is the old file", name)
		}
	}
}

// writing reports whether the temporary file of an output holds something.
func (k *killer) writing(name string) bool {
	files, _ := filepath.Glob(k.path("." + name + ".*.spark-tmp"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.Size() > 0 {
			return true
		}
	}
	return false
}

func (x *process) over() bool {
	select {
	case <-x.ended:
		return true
	default:
		return false
	}
}

// TestCancelAtAnyMoment interrupts runs with sources, joins and sorts at random moments.
func TestCancelAtAnyMoment(t *testing.T) {
	t.Parallel()
	cancels := 50
	if testing.Short() {
		cancels = 10
	}
	orders := step("in", "sample.data", `{"dataset":"orders","records":3000000}`)
	few := step("in", "sample.data", `{"dataset":"orders","records":100000}`)
	flows := map[string]string{
		// Ten thousand millions of pairs: the sources are long at their end, only DuckDB works.
		"pairs": graph(nil, []box{few, few.named("in2"), step("with", "join", `{"kind":"inner","keys":[{"left":"1","right":"1"}]}`),
			step("n", "aggregate", `{"aggregates":[{"name":"n","expression":"sum(quantity)"}]}`), output("out.csv")}, "in.out>with.left", "in2.out>with.right", "with.out>n.in", "n.out>out.in"),
		"sort": chain(orders, step("by", "sort", `{"keys":[{"field":"unit_price"},{"field":"order_id","order":"descending"}]}`), output("out.csv")),
		"join": graph(nil, []box{orders, step("who", "sample.data", `{"dataset":"customers","records":1000000}`),
			step("with", "join", `{"kind":"inner","keys":[{"left":"customer_id","right":"customer_id"}]}`), output("out.csv")}, "in.out>with.left", "who.out>with.right", "with.out>out.in"),
		"file": chain(input("in.csv", idName...), step("f", "formula", `{"fields":[{"name":"name","expression":"upper(name)"}]}`), output("out.csv.gz")),
	}
	p := setup(t)
	p.write("in.csv", many(1_000_000, "some name"))
	for name, doc := range flows {
		p.write(name+".json", doc)
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range cancels {
		name := []string{"sort", "join", "file", "pairs"}[i%4]
		x := p.start("run", name+".json")
		time.Sleep(time.Duration(random.Float64() * float64(700*time.Millisecond)))
		_ = syscall.Kill(x.cmd.Process.Pid, syscall.SIGINT)
		at := time.Now()
		o := x.wait()
		if took := time.Since(at); took > 5*time.Second {
			t.Errorf("it took %s to end", took)
		}
		// Before the program listens the signal ends it, which a shell reports as 130 too.
		if asked := o.code == exitCancelled || o.signal == syscall.SIGINT; !asked && o.code != exitOK {
			t.Errorf("exit code %d\n%s", o.code, o.stderr)
		}
		if written := p.exists("out.csv") || p.exists("out.csv.gz"); written != (o.code == exitOK) {
			t.Errorf("exit code %d, written: %t", o.code, written)
		}
		p.clean()
		for _, f := range []string{"out.csv", "out.csv.gz"} {
			_ = os.Remove(p.path(f))
		}
		if t.Failed() {
			t.Fatal(fmt.Sprintf("seed %d, cancel %d of %s", seed, i, name))
		}
	}
}
