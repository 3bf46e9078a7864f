package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"spark/flows"
)

// sentence is a call of the program and all that it says.
type sentence struct {
	name string
	args []string
	exit int
	want map[string]string // files afterwards
}

const people = "id,name,age\n1,Ann,30\n2,Ben,x\n3,Cid,50\n4,\"D\nD\",\n5,Eve,twenty\n"

// peopleFlow has rejects, a parameter, a disabled node and a skipped one.
func peopleFlow() string {
	doc := graph(map[string]any{"name": "People", "parameters": []any{
		map[string]any{"name": "least", "type": "int32", "default": 0},
		map[string]any{"name": "suffix", "type": "text", "default": ""},
	}}, []box{
		input("people.csv", "id:int64", "name:text", "age:int32").policy("reject"),
		step("old", "filter", `{"condition":"age >= $least"}`),
		output("out${suffix}.csv"),
	}, "in.out>old.in", "old.out>out.in")
	return doc
}

func TestCommands(t *testing.T) {
	t.Parallel()
	g := openGolden(t, "command")
	for _, s := range []sentence{
		{name: "version", args: []string{"version"}},
		{name: "help", args: []string{"--help"}},
		{name: "help of run", args: []string{"run", "--help"}},
		{name: "no command", exit: exitInvalid},
		{name: "unknown command", args: []string{"fly"}, exit: exitInvalid},
		{name: "unknown flag", args: []string{"run", "--fast", "flow.json"}, exit: exitInvalid},
		{name: "no flow", args: []string{"run"}, exit: exitInvalid},
		{name: "flow missing", args: []string{"run", "no.json"}, exit: exitInvalid},
		{name: "flow is a folder", args: []string{"run", "."}, exit: exitInvalid},
		{name: "memory of no size", args: []string{"run", "--memory", "much", "flow.json"}, exit: exitInvalid},

		{name: "validate", args: []string{"validate", "flow.json"}},
		{name: "validate, invalid", args: []string{"validate", "invalid.json"}, exit: exitInvalid},
		{name: "validate, invalid, JSON", args: []string{"validate", "--json", "invalid.json"}, exit: exitInvalid},
		{name: "validate, warning", args: []string{"validate", "warning.json"}},
		{name: "validate, missing", args: []string{"validate", "no.json"}, exit: exitInvalid},
		{name: "explain", args: []string{"explain", "flow.json"}},
		{name: "explain, invalid", args: []string{"explain", "invalid.json"}, exit: exitInvalid},
		{name: "inspect, missing", args: []string{"inspect", "no.csv"}, exit: exitInvalid},

		{name: "run", args: []string{"run", "clean.json"}, want: map[string]string{"clean.csv": "id,name\n1,Ann\n"}},
		{name: "run, rejects", args: []string{"run", "flow.json"}, want: map[string]string{"out.csv": "id,name,age\n1,Ann,30\n3,Cid,50\n"}},
		{name: "run, rejects, strict", args: []string{"run", "--strict", "flow.json"}, exit: exitRejects, want: map[string]string{"out.csv": "id,name,age\n1,Ann,30\n3,Cid,50\n"}},
		{name: "run, clean, strict", args: []string{"run", "--strict", "clean.json"}},
		{name: "run, failed", args: []string{"run", "failing.json"}, exit: exitFailed},
		{name: "run, invalid", args: []string{"run", "invalid.json"}, exit: exitInvalid},
		{name: "run, warning", args: []string{"run", "warning.json"}, want: map[string]string{"clean.csv": "id,name\n1,Ann\n"}},
		{name: "run, disabled and skipped", args: []string{"run", "disabled.json"}},

		{name: "set", args: []string{"run", "--set", "least=40", "--set", "suffix=-40", "flow.json"}, want: map[string]string{"out-40.csv": "id,name,age\n3,Cid,50\n"}},
		{name: "set with = and commas", args: []string{"run", "--set", "suffix=a=b;c,d", "flow.json"}, want: map[string]string{"outa=b;c,d.csv": "id,name,age\n1,Ann,30\n3,Cid,50\n"}},
		{name: "set, unknown", args: []string{"run", "--set", "leest=40", "flow.json"}, exit: exitInvalid},
		{name: "set, wrong type", args: []string{"run", "--set", "least=many", "flow.json"}, exit: exitInvalid},
		{name: "set, missing", args: []string{"run", "required.json"}, exit: exitInvalid},
		{name: "set, missing, but only validated", args: []string{"validate", "required.json"}},
		{name: "set, secret", args: []string{"run", "--set", "token=canary", "secret.json"}, exit: exitInvalid},
		{name: "set, secret from no variable", args: []string{"run", "--set-env", "token=SPARK_NO_SUCH", "secret.json"}, exit: exitInvalid},
		{name: "set, secret in an expression and a path", args: []string{"run", "--set-env", "token=PATH", "secret.json"}, exit: exitInvalid},
		{name: "set without value", args: []string{"run", "--set", "least", "flow.json"}, exit: exitInvalid},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			p := setup(t)
			writeFlows(p)
			o := p.run(s.args...)
			if o.code != s.exit {
				t.Errorf("exit code %d, wanted %d", o.code, s.exit)
			}
			g.check(t, s.name, fmt.Sprintf("exit %d\n%s--- standard error\n%s", o.code, p.plain(o.stdout), p.plain(o.stderr)))
			for name, want := range s.want {
				if d := cmp.Diff(want, p.read(name)); d != "" {
					t.Errorf("%s: %s", name, d)
				}
			}
			p.clean()
		})
	}
}

func writeFlows(p *place) {
	one := input("one.csv", "id:int64", "name:text")
	p.write("people.csv", people)
	p.write("one.csv", "id,name\n1,Ann\n")
	p.write("flow.json", peopleFlow())
	p.write("clean.json", chain(one, output("clean.csv")))
	p.write("secret.json", graph(map[string]any{"parameters": []any{map[string]any{"name": "token", "type": "text", "secret": true}}},
		[]box{one, step("keep", "filter", `{"condition":"name = $token"}`), output("out-${token}.csv")}, "in.out>keep.in", "keep.out>out.in"))
	p.write("failing.json", strings.Replace(peopleFlow(), `"rejects":"reject",`, "", 1))
	p.write("invalid.json", graph(nil, []box{one, step("keep", "filter", `{"condition":"nmae = 1"}`), output("clean.csv"), output("clean.xyz").named("out2")},
		"in.out>keep.in", "keep.out>out.in", "in.out>out2.in"))
	p.write("warning.json", chain(one, output("clean.csv").with("colour", "red")))
	p.write("required.json", strings.Replace(peopleFlow(), `"default":0,`, "", 1))
	disabled := peopleFlow()
	disabled = strings.Replace(disabled, `"id":"old",`, `"id":"old","disabled":true,`, 1)
	disabled = strings.Replace(disabled, `"id":"out",`, `"id":"out","disabled":true,`, 1)
	p.write("disabled.json", disabled)
}

// TestEvents: every line of --json is an event, numbered upwards, from running to succeeded, and the last counts are
// those of the end.
func TestEvents(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.write("flow.json", strings.Replace(peopleFlow(), "people.csv", "many.csv", 1))
	p.write("many.csv", strings.Replace(many(200_000, "x,7"), "id,name", "id,name,age", 1))
	o := p.run("run", "--json", "flow.json")
	events := o.events(t)
	if o.code != exitOK || o.stderr != "" || len(events) < 3 {
		t.Fatalf("exit code %d\n%s\n%s", o.code, o.stdout, o.stderr)
	}
	var states []flows.RunState
	for i, e := range events {
		if i > 0 && (e.Seq <= events[i-1].Seq || e.At.Before(events[i-1].At) || e.Run != events[0].Run) {
			t.Errorf("event %d follows on %d at %s of run %s: %+v", e.Seq, events[i-1].Seq, events[i-1].At, events[0].Run, e)
		}
		if e.Kind == flows.EventState {
			states = append(states, e.State)
		}
	}
	if d := cmp.Diff([]flows.RunState{flows.RunRunning, flows.RunSucceeded}, states); d != "" {
		t.Error(d)
	}
	if events[0].Seq != 1 || events[0].Project != flows.LocalScope.Project || events[0].Attempt != 1 {
		t.Errorf("the first event is %+v", events[0])
	}
	last := slices.IndexFunc(events, func(e flows.Event) bool { return e.Kind == flows.EventState && e.State == flows.RunSucceeded })
	counts := events[last-1]
	for i := range counts.Nodes {
		counts.Nodes[i].Activity = nil // times
	}
	want := []flows.NodeStatus{
		{Node: "in", State: flows.NodeDone, Out: map[string]int64{"out": 200_000, "rejects": 0}},
		{Node: "old", State: flows.NodeDone, In: map[string]int64{"in": 200_000}, Out: map[string]int64{"out": 200_000, "rejects": 0}},
		{Node: "out", State: flows.NodeDone, In: map[string]int64{"in": 200_000}, Written: 200_000},
	}
	if d := cmp.Diff(want, counts.Nodes); d != "" || counts.Kind != flows.EventCounts || last != len(events)-1 {
		t.Errorf("the last counts, kind %s: %s", counts.Kind, d)
	}
	p.clean()
}

// TestEventsOfInvalid: every problem is an event of its own.
func TestEventsOfInvalid(t *testing.T) {
	t.Parallel()
	p := setup(t)
	writeFlows(p)
	o := p.run("run", "--json", "invalid.json")
	var codes []string
	events := o.events(t)
	for _, e := range events {
		if e.Error != nil {
			codes = append(codes, string(e.Kind)+" "+e.Error.Code)
		}
	}
	if d := cmp.Diff([]string{"log expr.unknown_field", "log file.format", "state expr.unknown_field"}, codes); d != "" || o.code != exitInvalid {
		t.Errorf("exit code %d: %s", o.code, d)
	}
	p.clean()
}

// TestRejects: the file holds every refused record as it was, with its place and the reason.
func TestRejects(t *testing.T) {
	t.Parallel()
	ben := flows.Reject{Node: "in", Code: "csv.type", Reason: `"x" is not a whole number`, Field: "age", File: "people.csv", Line: 3, Record: 2, Raw: "2,Ben,x", Header: "id,name,age"}
	eve := flows.Reject{Node: "in", Code: "csv.type", Reason: `"twenty" is not a whole number`, Field: "age", File: "people.csv", Line: 7, Record: 5, Raw: "5,Eve,twenty", Header: "id,name,age"}
	tooOld := flows.Reject{Node: "age", Code: "value.division_by_zero", Reason: "division by zero", Field: "share", File: "people.csv", Record: 3,
		Raw: `{"id":"3","name":"Cid","age":"50"}`}
	share := step("age", "formula", `{"fields":[{"name":"share","expression":"100 / (50 - age)"}]}`).policy("reject")
	read := input("people.csv", "id:int64", "name:text", "age:int32").policy("reject")
	bytes := flows.Reject{Node: "in", Code: "csv.encoding", Reason: `"caf\xe9" is not valid UTF-8`, Field: "name", File: "latin.csv", Line: 2, Record: 1, RawBytes: []byte("1,caf\xe9"), Header: "id,name"}
	for _, c := range []struct {
		name string
		flow string
		args []string
		file string
		exit int
		want []flows.Reject
	}{
		{name: "of a source and a formula", flow: chain(read, share, output("out.csv")), file: "flow.rejects.jsonl", want: []flows.Reject{ben, tooOld, eve}},
		{name: "at a given place", flow: chain(read, output("out.csv")), args: []string{"--rejects", "sub/r.txt"}, file: "sub/r.txt", want: []flows.Reject{ben, eve}},
		{name: "of a failed run", flow: chain(read, share.policy(""), output("out.csv")), file: "flow.rejects.failed.jsonl", exit: exitFailed, want: []flows.Reject{ben}},
		{name: "octets", flow: chain(input("latin.csv", "id:int64", "name:text").policy("reject"), output("out.csv")), file: "flow.rejects.jsonl", want: []flows.Reject{bytes}},
		{name: "skipped ones are not stored", flow: chain(read.policy("skip"), output("out.csv")), file: ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := setup(t)
			must(t, os.Mkdir(p.path("sub"), 0o777))
			p.write("people.csv", people)
			p.write("latin.csv", "id,name\n1,caf\xe9\n2,b\n")
			p.write("flow.json", c.flow)
			if o := p.run(append([]string{"run", "flow.json"}, c.args...)...); o.code != c.exit {
				t.Errorf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
			}
			var got []flows.Reject
			if c.file != "" {
				for line := range strings.Lines(p.read(c.file)) {
					var r flows.Reject
					must(t, json.Unmarshal([]byte(line), &r))
					got = append(got, r)
				}
			}
			byRecord := func(a, b flows.Reject) int { return int(a.Record - b.Record) } // a formula may refuse before the source does
			slices.SortFunc(got, byRecord)
			if c.exit == exitFailed { // how far the source was is chance
				got = got[:min(1, len(got))]
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			all, _ := filepath.Glob(p.path("*rejects*"))
			if c.file == "sub/r.txt" || c.file == "" {
				all = append(all, p.path(c.file))
			}
			if len(all) != 1 {
				t.Errorf("rejects are in %v", all)
			}
			p.clean()
		})
	}
}

// TestFolders: a flow reaches its own folder, the current one, and those that are given instead.
func TestFolders(t *testing.T) {
	t.Parallel()
	p := setup(t)
	must(t, os.Mkdir(p.path("flows"), 0o777))
	must(t, os.Mkdir(filepath.Join(p.base, "else"), 0o777))
	p.write("flows/flow.json", chain(input("in.csv", "id:int64", "name:text"), output("out.csv")))
	p.outside("else/in.csv", "id,name\n7,else\n")
	run := func(want int, args ...string) {
		t.Helper()
		if o := p.run(append([]string{"run", "flows/flow.json"}, args...)...); o.code != want {
			t.Errorf("%v: exit code %d\n%s", args, o.code, o.stderr)
		}
	}
	run(exitFailed) // in.csv is nowhere
	run(exitOK, "--folder", "../else")
	if b, err := os.ReadFile(filepath.Join(p.base, "else/out.csv")); err != nil || string(b) != "id,name\n7,else\n" {
		t.Errorf("%q %v", b, err)
	}
	p.write("in.csv", "id,name\n1,current\n")
	run(exitOK) // read from the current folder, written to the flow's
	p.write("flows/in.csv", "id,name\n2,flow\n")
	run(exitOK) // the flow's folder comes first
	if got := p.read("flows/out.csv"); got != "id,name\n2,flow\n" || p.exists("out.csv") {
		t.Errorf("%q", got)
	}
	p.clean()
}

func TestSample(t *testing.T) {
	t.Parallel()
	p := setup(t)
	o := p.run("run", "--sample")
	if o.code != exitOK || !strings.Contains(o.stdout, "succeeded in") || !strings.Contains(o.stdout, "2,000,000") {
		t.Errorf("exit code %d\n%s\n%s", o.code, o.stdout, o.stderr)
	}
	p.clean()
}

// TestInspect: what it proposes can be saved in a node and run.
func TestInspect(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.write("people.csv", "id;name\n1;Ann\n2;Ben\n")
	o := p.run("inspect", "people.csv")
	var proposal struct {
		Format  string          `json:"format"`
		Options json.RawMessage `json:"options"`
		Fields  []any           `json:"fields"`
	}
	if err := json.Unmarshal([]byte(o.stdout), &proposal); err != nil || o.code != exitOK {
		t.Fatalf("exit code %d: %v\n%s\n%s", o.code, err, o.stdout, o.stderr)
	}
	in := input("people.csv").with("format", proposal.Format).with("options", proposal.Options).with("fields", proposal.Fields)
	p.write("flow.json", chain(in, output("out.csv")))
	if o := p.run("run", "flow.json"); o.code != exitOK || p.read("out.csv") != "id,name\n1,Ann\n2,Ben\n" {
		t.Errorf("exit code %d\n%s", o.code, o.stderr)
	}
	p.clean()
}

var escapes = regexp.MustCompile(`\x1b\[[0-9]*[A-Za-z]`)

// TestTerminal: on a terminal the table is drawn again in place.
func TestTerminal(t *testing.T) {
	t.Parallel()
	script, err := exec.LookPath("script")
	if err != nil {
		t.Skip("script, which makes a terminal, is not installed")
	}
	p := setup(t)
	p.write("flow.json", chain(step("in", "sample.data", `{"dataset":"orders","records":10000000}`),
		step("sum", "aggregate", `{"groupBy":["status"],"aggregates":[{"name":"n","expression":"count()"}]}`), output("out.csv")))
	c := exec.Command(script, "-qec", os.Args[0]+" run flow.json", "/dev/null")
	c.Dir, c.Env = p.data, p.command().Env
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := strings.ReplaceAll(string(out), "\r\n", "\n")
	if !strings.Contains(text, "\x1b[4A\x1b[J") {
		t.Errorf("the table of four lines is not drawn again:\n%q", text)
	}
	tables := strings.Split(escapes.ReplaceAllString(text, ""), "Node ")
	want := []string{"Records Records/s Rejects State", "in 10,000,000 — 0 done", "sum 6 — 0 done", "out 6 — 0 done", "succeeded in T"}
	var got []string
	for line := range strings.Lines(p.plain(tables[len(tables)-1])) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	p.clean()
}

// TestNoReader: a reader that goes away ends the output and not the run.
func TestNoReader(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.write("in.csv", many(300_000, "x"))
	p.write("flow.json", chain(input("in.csv", idName...), output("out.csv")))
	for _, args := range [][]string{{"run", "flow.json"}, {"run", "--json", "flow.json"}} {
		must(t, os.RemoveAll(p.path("out.csv")))
		c := p.command(args...)
		out, err := c.StdoutPipe()
		must(t, err)
		must(t, c.Start())
		must(t, out.Close())
		if err := c.Wait(); err != nil || !p.exists("out.csv") {
			t.Errorf("%v: %v, out.csv: %t", args, err, p.exists("out.csv"))
		}
		p.clean()
	}
}
