package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The test binary plays the measured command: it holds memory, and lets a child hold as much.
func TestMain(m *testing.M) {
	switch os.Getenv("BENCH_TEST_HOLD") {
	case "parent":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "BENCH_TEST_HOLD=child")
		if err := child.Start(); err != nil {
			panic(err)
		}
		hold()
		_ = child.Wait()
		return
	case "child":
		hold()
		return
	}
	os.Exit(m.Run())
}

const held, holdFor = 48 << 20, 400 * time.Millisecond

func hold() {
	b := make([]byte, held)
	for i := range b {
		b[i] = 1
	}
	time.Sleep(holdFor)
	_, _ = io.Discard.Write(b)
}

func TestTimeCommandCountsTheProcessTree(t *testing.T) {
	t.Setenv("BENCH_TEST_HOLD", "parent")
	b := &Bench{Log: io.Discard}
	u, err := b.TimeCommand(t.Context(), os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if u.PeakRSS < 2*held {
		t.Errorf("peak = %d MB, want the %d MB of both processes", u.PeakRSS>>20, 2*held>>20)
	}
	if u.Wall < holdFor || u.Wall > time.Minute {
		t.Errorf("wall time = %v", u.Wall)
	}
}

func TestTimeCommandErrors(t *testing.T) {
	t.Parallel()
	b := &Bench{Log: io.Discard}
	if _, err := b.TimeCommand(t.Context(), "sh", "-c", "echo why >&2; exit 3"); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("error = %v, want what the command wrote", err)
	}
	if _, err := b.TimeCommand(t.Context(), "/no/such/program"); err == nil {
		t.Error("a missing program was measured")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := b.TimeCommand(ctx, "sh", "-c", "sleep 60 & wait"); err == nil || time.Since(begin) > 30*time.Second {
		t.Errorf("a command that was given up: %v after %v", err, time.Since(begin))
	}
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	pid, p, ok := parseStat("42 (a b) ) S 7 9 9 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 100 1000 25 18446744073709551615\n")
	if want := (process{7, 9, 25 * int64(os.Getpagesize())}); !ok || pid != 42 || p != want {
		t.Errorf("parsed %d %+v %v, want %+v", pid, p, ok, want)
	}
	for _, bad := range []string{"", "42", "42 (x) S 1", "x (y) S 7 9 9 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 100 1000 25"} {
		if _, _, ok := parseStat(bad); ok {
			t.Errorf("%q was read", bad)
		}
	}
}
