package executor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"spark/connectors/folder"
	"spark/flows"
	"spark/flows/engine"
	"spark/flows/engine/executor"
	"spark/flows/node"
	"spark/flows/plan"
)

// The test binary is its own guest: TestMain serves the protocol with an engine whose only sink tells where it is and
// waits there, so that the tests can end it at any point.
func TestMain(m *testing.M) {
	if at := os.Getenv("FAKE_GUEST"); at != "" {
		err := executor.Serve(os.Stdin, os.Stdout, executor.Tools{
			Files:  func(folders []string) (node.Files, error) { return folder.New(folders...) },
			Engine: func(_ []string, files node.Files, _ []string) engine.Engine { return &fake{stopAt: at, files: files} },
			Inspect: func(_ node.Files, path string) (node.Proposal, error) {
				marker, how := filepath.Split(path)
				if marker != "" {
					_ = os.WriteFile(filepath.Join(marker, "reached"), nil, 0o600)
				}
				switch how {
				case "hang": // whatever it is told
					time.Sleep(time.Hour)
				case "slow": // longer than one who is alone may take that was cancelled
					time.Sleep(500 * time.Millisecond)
				}
				return node.Proposal{Format: "seen " + how}, nil
			},
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// points are the places of a run at which the guest can be killed, in order.
var points = []string{"begin", "half written", "written", "prepared", "rejects handed over", "granted", "committed"}

// fake is an engine that writes one file and says where it is.
type fake struct {
	stopAt string
	files  node.Files
}

func (f *fake) Name() string            { return "fake" }
func (f *fake) Supports(node.Op) string { return "" }

func (f *fake) DescribeQuery(q node.QueryQuestion) (flows.Schema, error) {
	return q.Tables[0].Schema, nil
}

func (f *fake) Describe(format, path string, _ []byte) (flows.Schema, error) {
	if path == "panic" {
		panic("described to death")
	}
	return flows.Schema{{Name: format + " " + path, Type: flows.Of(flows.Text)}}, nil
}

func (f *fake) Bytes(string) int64 { return 0 }

// at says that the run has reached a point; at the chosen one it creates a marker file and waits to be ended.
func (f *fake) at(ctx context.Context, env engine.Env, point string) error {
	if point != f.stopAt {
		return nil
	}
	if err := os.WriteFile(filepath.Join(env.Temp, "reached"), nil, 0o600); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

const content = "line one\nline two\n"

func (f *fake) Run(ctx context.Context, _ *plan.Plan, env engine.Env) ([]flows.NodeStatus, error) {
	nodes := []flows.NodeStatus{{Node: "sink", State: flows.NodeDone, Written: 2}}
	if err := f.at(ctx, env, points[0]); err != nil {
		return nodes, err
	}
	file, err := f.files.Create("out.txt")
	if err != nil {
		return nodes, err
	}
	defer file.Abort()
	env.Counts(nodes)
	for i, part := range []string{content[:5], content} {
		if err := os.WriteFile(file.TempPath(), []byte(part), 0o600); err != nil {
			return nodes, err
		}
		if err := f.at(ctx, env, points[1+i]); err != nil {
			return nodes, err
		}
	}
	steps := []func() error{
		file.Prepare,
		func() error { return env.Reject(node.Reject{Node: "sink", Reason: "no"}) },
		func() error { return env.MayCommit(ctx) },
		file.Commit,
	}
	for i, step := range steps {
		if err := step(); err != nil {
			return nodes, err
		}
		if err := f.at(ctx, env, points[3+i]); err != nil {
			return nodes, err
		}
	}
	return nodes, nil
}

func start(t *testing.T, stopAt string, maxRSS int64) *executor.Host {
	t.Helper()
	h, err := executor.Start(t.Context(), executor.Options{Command: []string{os.Args[0]}, Env: []string{"FAKE_GUEST=" + stopAt}, MaxRSS: maxRSS})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Kill)
	return h
}

// whole is a node type that says nothing of what the fake engine does.
type whole struct{}

func (whole) Plan(c *node.Context) {
	s := flows.Schema{{Name: "x", Type: flows.Of(flows.Text)}}
	c.Emit(node.Out, node.Read{Schema: s}, s)
}

func init() {
	node.Register(&node.Type{ID: "test.whole", Version: 1, Title: "Whole flow", Outputs: []node.Port{{Name: node.Out}}, New: func() node.Config { return &whole{} },
		Files: fstest.MapFS{"help.md": {Data: []byte("help")}, "icon.svg": {Data: []byte("<svg/>")}}})
}

const document = `{"format":1,"name":"x","nodes":[{"id":"sink","type":"test.whole","version":1}],"edges":[]}`

func spec(folder, temp string) executor.RunSpec {
	return executor.RunSpec{Document: json.RawMessage(document), Folders: []string{folder}, Temp: temp, Fence: 7}
}

// reached waits until the guest has written its marker.
func reached(t *testing.T, temp string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join(temp, "reached")); err == nil {
			return
		}
	}
	t.Fatal("the guest did not reach its point")
}

// callbacks record what the host was asked.
type callbacks struct {
	mu     sync.Mutex
	asked  []string
	refuse error
}

func (c *callbacks) note(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, s)
}

func (c *callbacks) callbacks() executor.Callbacks {
	return executor.Callbacks{
		Counts: func([]flows.NodeStatus) { c.note("counts") },
		StoreRejects: func(lines []byte) error {
			c.note(fmt.Sprintf("%d rejects", bytes.Count(lines, []byte("\n"))))
			return nil
		},
		MayCommit: func(fence int64) error { c.note(fmt.Sprintf("commit %d", fence)); return c.refuse },
	}
}

// TestKillAtEachPoint kills the guest at each point of the commit: the file is not there or whole, nothing else is left
// after a sweep, and running again is right.
func TestKillAtEachPoint(t *testing.T) {
	t.Parallel()
	for i, point := range points {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			dir, temp := t.TempDir(), t.TempDir()
			old := i%2 == 1
			if old {
				if err := os.WriteFile(filepath.Join(dir, "out.txt"), []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			h := start(t, point, 0)
			failed := make(chan error)
			var c callbacks
			go func() {
				_, err := h.Run(t.Context(), spec(dir, temp), c.callbacks())
				failed <- err
			}()
			reached(t, temp)
			if err := syscall.Kill(h.PID(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			code := "executor.died"
			if point == "granted" || point == "committed" {
				code = "commit.unknown"
			}
			if e := flows.AsError(<-failed); e == nil || e.Code != code || !strings.Contains(e.Message, "killed") {
				t.Errorf("the host says %v", e)
			}
			got, err := os.ReadFile(filepath.Join(dir, "out.txt"))
			switch {
			case point == "committed" && string(got) != content:
				t.Errorf("after the commit the file is %q, %v", got, err)
			case point != "committed" && old && string(got) != "old":
				t.Errorf("before the commit the old file became %q, %v", got, err)
			case point != "committed" && !old && !errors.Is(err, os.ErrNotExist):
				t.Errorf("before the commit the file is %q, %v", got, err)
			}
			folder.Sweep(dir)
			again := start(t, "never", 0)
			if _, err := again.Run(t.Context(), spec(dir, t.TempDir()), c.callbacks()); err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(filepath.Join(dir, "out.txt")); string(got) != content {
				t.Errorf("run again: the file is %q", got)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("left in the folder: %v", entries)
			}
		})
	}
}

func TestRunOrder(t *testing.T) {
	t.Parallel()
	h := start(t, "never", 0)
	var c callbacks
	nodes, err := h.Run(t.Context(), spec(t.TempDir(), t.TempDir()), c.callbacks())
	if err != nil || len(nodes) != 1 || nodes[0].Written != 2 {
		t.Fatalf("%v, %v", nodes, err)
	}
	if want := []string{"counts", "1 rejects", "commit 7"}; !slices.Equal(c.asked, want) {
		t.Errorf("the host was asked %v, expected %v", c.asked, want)
	}
}

func TestCommitForbidden(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := start(t, "never", 0)
	c := callbacks{refuse: &flows.Error{Code: "run.fenced", Message: "another attempt has the lease"}}
	_, err := h.Run(t.Context(), spec(dir, t.TempDir()), c.callbacks())
	if e := flows.AsError(err); e == nil || e.Code != "run.fenced" {
		t.Errorf("error is %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left in the folder: %v", entries)
	}
}

// TestCancelAtEachPoint cancels before the commit: nothing is written. Afterwards the run has succeeded.
func TestCancelAtEachPoint(t *testing.T) {
	t.Parallel()
	for _, point := range points[:len(points)-1] {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			dir, temp := t.TempDir(), t.TempDir()
			h := start(t, point, 0)
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error)
			var c callbacks
			go func() {
				_, err := h.Run(ctx, spec(dir, temp), c.callbacks())
				failed <- err
			}()
			reached(t, temp)
			cancel()
			if e := flows.AsError(<-failed); e == nil || e.Code != "run.cancelled" {
				t.Errorf("the host says %v", e)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 0 {
				t.Errorf("left in the folder: %v", entries)
			}
		})
	}
}

// TestCancelledAmongOthers cancels a question that hangs while another is asked of the same guest: that one is answered
// before the guest is ended, and if it hangs as well it hears that it is not to blame.
func TestCancelledAmongOthers(t *testing.T) {
	t.Parallel()
	for how, code := range map[string]string{"slow": "", "hang": "executor.interrupted"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			h := start(t, "never", 0)
			ctx, cancel := context.WithCancel(t.Context())
			hung, other := make(chan error), make(chan error)
			ask := func(ctx context.Context, how string, said chan<- error) {
				marker := t.TempDir()
				go func() {
					_, err := h.Inspect(ctx, []string{t.TempDir()}, filepath.Join(marker, how))
					said <- err
				}()
				reached(t, marker)
			}
			ask(ctx, "hang", hung)
			ask(t.Context(), how, other)
			cancel()
			if e := flows.AsError(<-other); (e == nil) != (code == "") || e != nil && e.Code != code {
				t.Errorf("the other is told %v", e)
			}
			if e := flows.AsError(<-hung); e == nil || e.Code != "run.cancelled" {
				t.Errorf("the cancelled one is told %v", e)
			}
		})
	}
}

// TestHostGone: a guest whose host is gone cancels its run, removes what it has begun and exits.
func TestHostGone(t *testing.T) {
	t.Parallel()
	dir, temp := t.TempDir(), t.TempDir()
	h := start(t, "half written", 0)
	go func() { _, _ = h.Run(t.Context(), spec(dir, temp), executor.Callbacks{}) }()
	reached(t, temp)
	h.Close()
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left in the folder: %v", entries)
	}
}

func TestMemoryWatch(t *testing.T) {
	t.Parallel()
	h, err := executor.Start(t.Context(), executor.Options{Command: []string{os.Args[0]}, Env: []string{"FAKE_GUEST=begin"}, MaxRSS: 1 << 20}) // no process is that small
	if err == nil {                                                                                                                            // else it was ended while it began
		t.Cleanup(h.Kill)
		_, err = h.Run(t.Context(), spec(t.TempDir(), t.TempDir()), executor.Callbacks{})
	}
	if e := flows.AsError(err); e == nil || e.Code != "memory.limit" {
		t.Errorf("error is %v", err)
	}
}

func TestDeathSaysWhy(t *testing.T) {
	t.Parallel()
	h := start(t, "never", 0)
	_, err := h.Describe(t.Context(), []string{t.TempDir()}, "parquet", "panic", nil)
	if e := flows.AsError(err); e == nil || e.Code != "executor.died" || !strings.Contains(e.Message, "described to death") {
		t.Errorf("error is %v", err)
	}
	if _, err := h.Describe(t.Context(), nil, "a", "b", nil); flows.AsError(err) == nil {
		t.Error("a dead guest answered")
	}
}

func TestDescribeAndInspect(t *testing.T) {
	t.Parallel()
	h := start(t, "never", 0)
	s, err := h.Describe(t.Context(), []string{t.TempDir()}, "parquet", "x", nil)
	if err != nil || len(s) != 1 || s[0].Name != "parquet x" {
		t.Errorf("%v, %v", s, err)
	}
	p, err := h.Inspect(t.Context(), []string{t.TempDir()}, "f.csv")
	if err != nil || p.Format != "seen f.csv" {
		t.Errorf("%v, %v", p, err)
	}
}

// TestBrokenOutput starts a program that is no executor.
func TestBrokenOutput(t *testing.T) {
	t.Parallel()
	_, err := executor.Start(t.Context(), executor.Options{Command: []string{"/bin/echo", "not a frame, but a long line of text"}})
	if err == nil {
		t.Fatal("a program that is no executor was accepted")
	}
}

// TestOutputThatIsNoFrame: a guest that says nonsense and lives on is ended; nobody waits for it.
func TestOutputThatIsNoFrame(t *testing.T) {
	t.Parallel()
	_, err := executor.Start(t.Context(), executor.Options{Command: []string{"/bin/sh", "-c", "echo this is not a frame; exec sleep 1000"}})
	if e := flows.AsError(err); e == nil || e.Code != "executor.died" {
		t.Errorf("error is %v", err)
	}
}
